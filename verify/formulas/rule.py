"""The update rule of one parameter: what an optimizer makes of it, its gradient, and what it remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.expression import Apply, Expr, Number, Ref, names
from derive.node import Node
from derive.optimizers import OPTIMIZERS, Optimizer
from derive.problem import Problem
from verify.formulas.letters import Index
from verify.formulas.values import GRADIENT, Values

Own = Callable[[Values[Any], tuple[Index, ...]], Any]  # how a name that the graph does not have is calculated


@dataclass(frozen=True)
class Rule:
    """The equations that update the parameter `node`; `target` is the parameter (p), or a name of its state.

    In a formula for the target, a name means what it holds just before the target is assigned; with `held`,
    what is remembered means what was remembered before the step.
    """

    problem: Problem
    node: Node
    target: str = "p"
    held: bool = False

    @cached_property
    def optimizer(self) -> Optimizer:
        """The optimizer with the options of the problem."""
        training = self.problem.training
        return Optimizer(training.optimizer or OPTIMIZERS[0], training.options)

    def names(self) -> Mapping[str, Node]:
        """The names that a formula may use besides those of the graph: lr, the options, what is remembered."""
        taken = self.problem.graph.by_name
        found: dict[str, Node] = {}
        for name in self._known_names():
            single = name in ("lr", "t", *self.optimizer.numbers) or name in self._single
            axes = () if single else self.node.axes
            for spelled in (name, f"{name}_{self.node.name}"):
                if spelled not in taken:
                    found[spelled] = Node(spelled, "constant", axes)
        return found

    def leaves(self) -> Mapping[str, Node]:
        """What has no value in the problem: the number of the update, what is remembered, lr where it is not given."""
        read = {name for equation in self.optimizer.on_paper for name in names(equation.expr)}
        found = {self._count: Node(self._count, "constant")} if "t" in read else {}
        if self.problem.training.lr is None:
            found["lr"] = Node("lr", "constant")
        for state in self.optimizer.states:
            name = f"{self.node.name}.{state.name}"
            found[name] = Node(name, "constant", () if state.single else self.node.axes)
        return found

    @property
    def _count(self) -> str:
        """What the number of the update is called where a value is given for it."""
        return "t" if "t" not in self.problem.graph.by_name else "t of the update"

    def own(self) -> Mapping[str, Own]:
        """How each of these names is calculated."""
        return {
            spelled: self._reading(
                spelled.removesuffix(f"_{self.node.name}") if spelled not in self._known else spelled
            )
            for spelled in self.names()
        }

    def after(self, values: Values[Any], index: tuple[Index, ...]) -> Any:
        """What the target is after the update."""
        if self._is_frozen(index):
            return values.named(self.node.name, index)
        return self._run(values, index, None)[self.target]

    def _is_frozen(self, index: tuple[Index, ...]) -> bool:
        frozen = (entry for entry in self.problem.graph.frozen if entry.name == self.node.name)
        return self.target == "p" and any(not entry.entries or index in entry.entries for entry in frozen)

    def _reading(self, name: str) -> Own:
        def read(values: Values[Any], index: tuple[Index, ...]) -> Any:
            own = index if index or not self.node.axes else tuple(0 for _ in self.node.axes)
            if self.held and name in self._states:
                return self._start(values, own)[name]
            return self._run(values, own, self.target)[name]

        return read

    @property
    def _states(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.optimizer.states)

    @property
    def _single(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.optimizer.states if state.single)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._known_names())

    def _known_names(self) -> tuple[str, ...]:
        """Every name that has a value just before the target is assigned."""
        last = self._last(self.target)
        assigned = (found.target for found in self.optimizer.on_paper[:last])
        every = (
            "lr",
            *(["t"] if self._count in self.leaves() else []),
            "g",
            *self.optimizer.numbers,
            *self._states,
            *assigned,
        )
        return tuple(name for name in dict.fromkeys(every) if name != "p")

    def _last(self, target: str) -> int:
        """The place of the last equation that assigns `target`."""
        places = [k for k, found in enumerate(self.optimizer.on_paper) if found.target == target]
        return places[-1]

    def _start(self, values: Values[Any], index: tuple[Index, ...]) -> dict[str, Any]:
        numbers, lr = values.numbers, self.problem.training.lr
        found = {name: numbers.number(value) for name, value in self.optimizer.numbers.items()}
        found["lr"] = numbers.number(lr) if isinstance(lr, Fraction) else numbers.leaf("lr", ())
        if self._count in self.leaves():
            found["t"] = numbers.leaf(self._count, ())
        found["p"] = values.named(self.node.name, index)
        found["g"] = values.named(f"{GRADIENT}{self.node.name}", index)
        for state in self.optimizer.states:
            found[state.name] = numbers.leaf(f"{self.node.name}.{state.name}", () if state.single else index)
        return found

    def _run(self, values: Values[Any], index: tuple[Index, ...], before: str | None) -> dict[str, Any]:
        """What every name holds after all equations, or just before the last one for `before`."""
        found = self._start(values, index)
        equations = self.optimizer.on_paper[: None if before is None else self._last(before)]
        for equation in equations:
            found[equation.target] = _scalar(equation.expr, found, values)
        return found


def states_of(problem: Problem) -> Mapping[str, tuple[str, str]]:
    """What is remembered of each parameter, by its names: the parameter, and the name in the rule.

    It is called `w.v` and `v_w`, and `v` where there is no other parameter.
    """
    optimizer = Optimizer(problem.training.optimizer or OPTIMIZERS[0], problem.training.options)
    found: dict[str, tuple[str, str]] = {}
    parameters = problem.graph.of_kind("parameter")
    for parameter in parameters:
        for state in optimizer.states:
            if len(parameters) == 1:
                found[state.name] = (parameter, state.name)
            found[f"{parameter}.{state.name}"] = found[f"{state.name}_{parameter}"] = (parameter, state.name)
    return found


def _scalar(expr: Expr, names: Mapping[str, Any], values: Values[Any]) -> Any:
    """An expression in scalar names."""
    match expr:
        case Number(value=value):
            return values.numbers.number(value)
        case Ref(name=name):
            return names[name]
        case Apply(op=op, args=args):
            return values.numbers.apply(op, [_scalar(arg, names, values) for arg in args])
    raise TypeError(f"{type(expr).__name__} in an update rule")
