"""The update rule of one parameter: what an optimizer makes of it, its gradient, and what it remembers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.algebra.expression import Apply, Expr, Number, Ref, names, refs, replace, walk
from derive.graph.gradient_names import gradient_name
from derive.graph.node import Node
from derive.problem.loading import Problem
from derive.problem.update_names import CHANGE, STEP_SIZE
from derive.source.numerals import write_number
from derive.training.clipping import NORM
from derive.training.optimizers import OPTIMIZERS, Optimizer, counter
from derive.training.plan import plan_of
from derive.training.rates import COUNTERS, Formula, Rate
from derive.training.variants import optimizer_of
from verify.numbers.elements import evaluate
from verify.numbers.scalars import from_fraction
from verify.symbols.columns import Column
from verify.symbols.entry import Index
from verify.symbols.values import GRADIENT, Values

_MOVED = (STEP_SIZE, CHANGE)  # the difference between the parameter before and after a step

Own = Callable[[Values[Any], tuple[Index, ...]], Any]  # how a name that the graph does not have is calculated


@dataclass(frozen=True)
class Rule:
    """The equations that update the parameter `node`; `target` is what they assign, such as the parameter (p) or m_hat.

    It may also be what a step takes off the parameter, `step_size`, or adds to it, `delta`.

    In a formula for the target, a name means what it holds just before the target is assigned; with `held`,
    what is remembered means what was remembered before the step.
    """

    problem: Problem
    node: Node
    target: str = "p"
    held: bool = False

    @cached_property
    def optimizer(self) -> Optimizer:
        """The optimizer with the options of the parameter, in the problem's variant."""
        return _optimizer_of(self.problem, self.node.name)

    @cached_property
    def rate(self) -> Rate | None:
        """The lr of the parameter; None where it is not given, is one for each epoch, or is set by a scheduler."""
        return _rate_of(self.problem, self.node.name)

    @property
    def changing(self) -> tuple[str, ...]:
        """The numbers of the update that change from step to step, and have no formula: lr, and what is cycled."""
        training = self.problem.training
        listed = isinstance(training.lr, tuple) or any(isinstance(group.lr, tuple) for group in training.groups)
        changes = ("lr",) if self.rate is None and (training.scheduler is not None or listed) else ()
        cycled = plan_of(training).schedule
        return (*changes, *([cycled.cycled] if cycled is not None and cycled.cycled else []))

    @property
    def refusal(self) -> str:
        """Why no formula of this update is judged; empty where one is."""
        clip = plan_of(self.problem.training).clip
        if clip is None or clip.by != NORM:
            return ""
        return (
            f"not judged: {NORM} = {write_number(clip.limit)} scales every gradient by the norm of all of them before "
            "the update, which a formula of one parameter does not show"
        )

    @property
    def meaning(self) -> str:
        """What a formula is read as: `the update of Adam`, or `m_hat of the update of Adam`."""
        changing = f", in which {' and '.join(self.changing)} may change from step to step" if self.changing else ""
        inner = "" if self.moves else f"{self.target} of "
        return f"{inner}the update of {self.optimizer.name}{changing}"

    @property
    def moves(self) -> bool:
        """Whether the target is made of what it was before: the parameter, or a state."""
        return self.target in ("p", *self._states)

    @property
    def gradient(self) -> str:
        """The gradient of the equations as text: `dl/dw`, or `clip(dl/dw, -1, 1)` where it is clipped by value."""
        name = gradient_name(self.problem.graph.loss, self.node.name)
        clip = plan_of(self.problem.training).clip
        if clip is None or clip.by == NORM:
            return name
        return f"clip({name}, -{write_number(clip.limit)}, {write_number(clip.limit)})"

    def names(self) -> Mapping[str, Node]:
        """The names that a formula may use besides those of the graph: lr, the options, what is remembered."""
        taken = self.problem.graph.by_name
        found: dict[str, Node] = {}
        for name in self._known_names():
            single = name in ("lr", *COUNTERS, *self.optimizer.numbers) or name in self._single
            axes = () if single else self.node.axes
            for spelled in (counter(taken) if name == "t" else name, f"{name}_{self.node.name}"):
                if spelled not in taken:
                    found[spelled] = Node(spelled, "constant", axes)
        return found

    def leaves(self) -> Mapping[str, Node]:
        """The names without a value in the problem: the number of the update, the states, lr where it is not given."""
        read = {name for equation in self.optimizer.on_paper for name in names(equation.expr)}
        if isinstance(self.rate, Formula):
            read |= set(names(self.rate.expr))
        single = [name for name in COUNTERS if name in read]
        single += self.changing if self.rate is not None else dict.fromkeys(("lr", *self.changing))
        found = {self._leaf(name): Node(self._leaf(name), "constant") for name in single}
        for state in self.optimizer.states:
            name = f"{self.node.name}.{state.name}"
            found[name] = Node(name, "constant", () if state.single else self.node.axes)
        return found

    @property
    def certain(self) -> Mapping[str, Column]:
        """What is known of `leaves` in every step: t and the epoch count from 1, means of squares are not negative."""
        counters = {self._leaf(name) for name in COUNTERS}
        found = {name: Column(positive=True) for name in self.leaves() if name in counters}
        states = never_negative(self.optimizer)
        return {**found, **{f"{self.node.name}.{state}": Column(nonnegative=True) for state in states}}

    def _leaf(self, name: str) -> str:
        """What a number of the update, such as t, is called where a value is given for it."""
        return name if name not in self.problem.graph.by_name else f"{name} of the update"

    def own(self) -> Mapping[str, Own]:
        """For each of `names` the function that calculates it at an entry."""
        count = counter(self.problem.graph.by_name)
        return {
            spelled: self._reading(
                "t"
                if spelled == count
                else spelled.removesuffix(f"_{self.node.name}")
                if spelled not in self._known
                else spelled
            )
            for spelled in self.names()
        }

    def exponent_of_two_meanings(self, expr: Expr) -> Ref | None:
        """An exponent t, where the problem has a t beside the number of the update; None where there is none."""
        taken = self.problem.graph.by_name
        if "t" not in taken or counter(taken) not in self.names():
            return None
        powers = (part for part in walk(expr) if isinstance(part, Apply) and part.op == "pow")
        return next((ref for power in powers for ref in refs(power.args[1]) if ref.name == "t"), None)

    @cached_property
    def shown(self) -> Expr:
        """The right formula of the target: its last equation, with what earlier ones made of p, g and the target."""
        found: dict[str, Expr] = {}
        for equation in self.optimizer.on_paper[: self._last(self.target) + 1]:
            whole = replace(equation.expr, lambda ref: found.get(ref.name, ref))
            if equation.target in ("p", "g", self.target):
                found[equation.target] = whole
        if self.target not in _MOVED:
            return found[self.target]
        change = _change(found["p"])
        return change if self.target == CHANGE else _negative(change)

    def after(self, values: Values[Any], index: tuple[Index, ...]) -> Any:
        """The target after the update, at the entry `index`."""
        before = values.named(self.node.name, index)
        found = {"p": before} if self._is_frozen(index) else self._run(values, index, None)
        if self.target not in _MOVED:
            return found[self.target]
        ends = (before, found["p"]) if self.target == STEP_SIZE else (found["p"], before)
        return values.numbers.apply("sub", ends)

    def _is_frozen(self, index: tuple[Index, ...]) -> bool:
        frozen = (entry for entry in self.problem.graph.frozen if entry.name == self.node.name)
        return self.target in ("p", *_MOVED) and any(not entry.entries or index in entry.entries for entry in frozen)

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
            *(name for name in COUNTERS if self._leaf(name) in self.leaves()),
            "g",
            *self.optimizer.numbers,
            *self._states,
            *assigned,
        )
        return tuple(name for name in dict.fromkeys(every) if name != "p")

    def _last(self, target: str) -> int:
        """The place of the last equation that assigns `target`."""
        assigned = "p" if target in _MOVED else target
        return [k for k, found in enumerate(self.optimizer.on_paper) if found.target == assigned][-1]

    def _start(self, values: Values[Any], index: tuple[Index, ...]) -> dict[str, Any]:
        numbers, leaves = values.numbers, self.leaves()
        found = {name: numbers.number(value) for name, value in self.optimizer.numbers.items()}
        for name in ("lr", *COUNTERS, *self.changing):
            if self._leaf(name) in leaves:
                found[name] = numbers.leaf(self._leaf(name), ())
        match self.rate:
            case Fraction():
                found["lr"] = numbers.number(self.rate)
            case Formula(expr=expr, constants=constants):
                known = {name: numbers.number(value) for name, value in constants.items()}
                found["lr"] = _scalar(expr, {**found, **known}, values)
        found["p"] = values.named(self.node.name, index)
        found["g"] = values.named(f"{GRADIENT}{self.node.name}", index)
        clip = plan_of(self.problem.training).clip
        if clip is not None and clip.by != NORM:
            found["g"] = numbers.apply("clip", [found["g"], numbers.number(-clip.limit), numbers.number(clip.limit)])
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


def _rate_of(problem: Problem, parameter: str) -> Rate | None:
    training = problem.training
    own = next((group.lr for group in training.groups if parameter in group.parameters), None)
    lr = training.lr if own is None else own
    return None if training.scheduler is not None or isinstance(lr, tuple) else lr


def rate_in(formula: Expr, problem: Problem, parameter: str | None) -> Fraction | None:
    """The lr that a formula of something else than an update names, as of a gradient it is a slip; else None.

    So it is where the problem has no such name, and one lr in all steps.
    """
    if "lr" not in names(formula) or "lr" in problem.graph.by_name or not problem.trains:
        return None
    rate = _rate_of(problem, parameter or "")
    return rate if isinstance(rate, Fraction) else None


def numbers_of(problem: Problem) -> Mapping[str, tuple[str, str]]:
    """What an update assigns, by its names: `w.v` and `v_w`, and `v` where there is no other parameter.

    That are the optimizer's states, what its equations calculate on the way, such as m_hat, and what a step adds to the
    parameter or takes off it. For each the name of the parameter, and that of the number in the update rule: `w`, `v`.
    """
    found: dict[str, tuple[str, str]] = {}
    parameters = problem.graph.of_kind("parameter")
    for parameter in parameters:
        optimizer = _optimizer_of(problem, parameter)
        assigned = (*(state.name for state in optimizer.states), *(each.target for each in optimizer.on_paper), *_MOVED)
        for name in dict.fromkeys(name for name in assigned if name != "p"):
            if len(parameters) == 1 and name != "g":
                found[name] = (parameter, name)
            found[f"{parameter}.{name}"] = found[f"{name}_{parameter}"] = (parameter, name)
    return found


def in_one_word(written: str, known: Collection[str]) -> str:
    """`w.m_hat` for `m_hat w` and m̂_w, `w.delta` for Δw and `delta w`; any other name as it is."""
    plain = " ".join(written.replace("\N{COMBINING CIRCUMFLEX ACCENT}", "_hat").split())
    name = re.sub(r"^[Δ∆]\s*", "delta ", plain)
    first, _, last = name.partition(" ")
    return next((found for found in (plain, f"{last}.{first}", f"{first}.{last}") if found in known), written)


def _optimizer_of(problem: Problem, parameter: str) -> Optimizer:
    """The optimizer with the options of a parameter, in the problem's variant."""
    training = problem.training
    optimizer = optimizer_of(training.optimizer or OPTIMIZERS[0], training.options, training.variant)
    return plan_of(training).rule_of(parameter, optimizer)


def never_negative(optimizer: Optimizer) -> tuple[str, ...]:
    """The states that are never negative, whatever the gradients are: made of squares and of such states."""
    found = {state.name for state in optimizer.states if optimizer.start(state) >= 0}
    made = [each for each in optimizer.on_paper if each.target in found]
    while kept := [each.target for each in made if not _is_not_negative(each.expr, found, optimizer.numbers)]:
        found -= set(kept)
        made = [each for each in made if each.target in found]
    return tuple(state.name for state in optimizer.states if state.name in found)


def _is_not_negative(expr: Expr, states: Collection[str], numbers: Mapping[str, Fraction]) -> bool:
    """Whether an expression is never negative: it may hold options, which are numbers, and states that never are."""
    if numbers.keys() >= set(names(expr)):
        return bool(evaluate(expr, {name: from_fraction(value) for name, value in numbers.items()}) >= 0)
    match expr:
        case Ref(name=name):
            return name in states
        case Apply(op="pow", args=(_, Number(value=exponent))) if exponent.denominator == 1 and exponent % 2 == 0:
            return True
        case Apply(op="abs" | "sqrt"):
            return True
        case Apply(op="add" | "mul" | "div" | "max", args=args):
            return all(_is_not_negative(arg, states, numbers) for arg in args)
    return False


def _change(expr: Expr) -> Expr:
    """`expr` − p, without p where that stands in front: − lr g of p − lr g."""
    match expr:
        case Apply(op="sub", args=(Ref(name="p"), last)):
            return Apply("neg", (last,))
        case Apply(op="add", args=(Ref(name="p"), last)):
            return last
    return Apply("sub", (expr, Ref("p")))


def _negative(expr: Expr) -> Expr:
    match expr:
        case Apply(op="neg", args=(inner,)):
            return inner
        case Apply(op="sub", args=(first, last)):
            return Apply("sub", (last, first))
    return Apply("neg", (expr,))


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
