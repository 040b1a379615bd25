"""The numbers inside an update, such as m_hat, as formulas in what a step holds: gradients, parameters, state.

The optimizer's own equations are gone through in order. What they have assigned to a name is put in its place, so
that a formula is left in the parameter, its gradient and the state before the step and after it, and in numbers such as
`1 - beta1^t`, which both sides calculate apart, as Python does in PyTorch's optimizers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.algebra.expression import Apply, Expr, Number, Ref, children, names, rebuild
from derive.algebra.expression import replace as replaced
from derive.errors import EquationError, Place
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.problem.update_names import CHANGE, KIND, RATE, STEP_SIZE, own_name, update_nodes
from derive.run.reads import Reads, rate_of
from derive.run.settings import ParamGroup, Settings

_T = "t"


def with_formulas(graph: Graph, settings: Settings) -> Settings:
    """The settings, where what is watched has formulas in place of the names of the update's numbers.

    Raises `EquationError` where the optimizer has no such number, or nothing is trained.
    """
    inner = Inner(graph, settings)
    taken = [node.name for node in settings.watch]
    watch = tuple(inner.written_out(node, taken[:place]) for place, node in enumerate(settings.watch))
    until = None if settings.until is None else inner.written_out(settings.until, taken)
    return replace(settings, watch=watch, until=until, reads=inner.reads(watch if until is None else (*watch, until)))


def with_numbers(graph: Graph, settings: Settings, wanted: Iterable[tuple[str, str]]) -> Settings:
    """The settings, in which numbers of the update are watched too: `m_hat` of `w` as a line `w.m_hat`."""
    inner, asked = Inner(graph, settings), set(wanted)
    more = []
    for parameter in settings.parameters:
        for name, formula in inner.formulas(parameter).items():
            if (name, parameter) in asked:
                axes = graph.by_name[parameter].axes
                whole = replaced(formula, lambda ref: Ref(ref.name, inner.nodes[ref.name].axes))
                more.append(Node(f"{parameter}.{name}", "line", axes, whole, whole))
    watch = (*settings.watch, *more)
    return replace(settings, watch=watch, reads=inner.reads((*settings.watched, *more), settings.reads))


@dataclass
class Inner:
    """The formulas of all numbers of the update under some settings, and the nodes that they read."""

    graph: Graph
    settings: Settings
    nodes: dict[str, Node] = field(default_factory=dict)
    numbers: dict[Expr, str] = field(default_factory=dict)
    known: dict[str, Mapping[str, Expr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers.update({expr: name for name, expr in self.settings.reads.numbers.items()})
        self.nodes.update({node.name: node for node in self.settings.reads.nodes})

    @cached_property
    def named(self) -> Mapping[str, Node]:
        """The names that stand for such a number in an expression."""
        return update_nodes(self.graph)

    def written_out(self, node: Node, taken: Collection[str]) -> Node:
        """The node with formulas in the place of such names. Raises `EquationError`, at the place of the node.

        `taken` are lines of [watch] above it, which come before a number of the update that is called alike.
        """

        def formula(ref: Ref) -> Expr:
            if ref.name not in self.named or ref.name in taken:
                return ref
            letters = dict(zip((a.letter for a in self.named[ref.name].axes), ref.axes or (), strict=False))
            found = self.formula(ref.name, node.place)

            def along(own: Ref) -> Ref:
                axes = self.nodes[own.name].axes
                return Ref(own.name, tuple(letters.get(axis.letter, axis) for axis in axes))

            return replaced(found, along)

        return replace(node, expr=replaced(node.definition, formula))

    def formula(self, name: str, place: Place | None) -> Expr:
        """The formula of a name such as `m_hat_w`. Raises `EquationError` where the optimizer does not have it."""
        if not self.settings.trains:
            message = f"{name} is a number of the update, and nothing is updated: there is no [training] and no lr"
            raise EquationError(message, place)
        groups = self.settings.param_groups
        if self.settings.varying and not self.settings.parameters:
            message = f"{name} is a number of the update, and nothing is updated: every parameter is frozen"
            raise EquationError(message, place)
        if name == RATE and any(group.schedule != groups[0].schedule for group in groups):
            message = f"lr is {len(groups)} numbers here, one for each group; watch step_size_w of a parameter"
            raise EquationError(message, place)
        if name == RATE:
            return self.alone(self._rates(self.settings.param_groups[0], 0)[RATE])
        parameters = self.settings.parameters
        found = {own_name(own, p): (own, p) for p in parameters for own in self.formulas(p)}
        if name not in found:
            kept = [p for p in self.graph.of_kind("parameter") if p not in parameters and name.endswith(f"_{p}")]
            why = (
                f"{kept[0]} is frozen, and is not updated" if kept else f"{self.settings.optimizer} has no such number"
            )
            listed = f"; its numbers are {', '.join(found)}" if found and not kept else ""
            raise EquationError(f"{name}: {why}{listed}", place)
        own, parameter = found[name]
        return self.formulas(parameter)[own]

    def formulas(self, parameter: str) -> Mapping[str, Expr]:
        """The formula of every number of a parameter's update, by its name in the optimizer's equations."""
        if parameter not in self.known:
            self.known[parameter] = self._formulas(parameter)
        return self.known[parameter]

    def _formulas(self, parameter: str) -> Mapping[str, Expr]:
        place = self.settings.group_of(parameter)
        group = self.settings.param_groups[place]
        states = {state.name: state for state in group.rule.states}
        values: dict[str, Expr] = {name: Number(number) for name, number in group.rule.numbers.items()}
        values |= self._rates(group, place) | {_T: Ref(_T)}
        values |= {name: self.read(f"{parameter}.{name}|before", state.single) for name, state in states.items()}
        values |= {"p": self.read(f"{parameter}|before"), "g": self.read(f"{parameter}|gradient")}
        found: dict[str, Expr] = {}
        for equation in group.rule.on_paper:
            target = equation.target
            values[target] = replaced(equation.expr, lambda ref: values[ref.name])
            if target in states:
                values[target] = self.read(f"{parameter}.{target}|after", states[target].single)
            if target != "p":
                found[target] = values[target]
        moved = (self.read(f"{parameter}|before"), self.read(f"{parameter}|after"))
        found |= {STEP_SIZE: Apply("sub", moved), CHANGE: Apply("sub", moved[::-1])}
        return {name: self.alone(expr) for name, expr in found.items()}

    def _rates(self, group: ParamGroup, place: int) -> dict[str, Expr]:
        """The lr of a group, and what else changes with it, as numbers or by name."""
        if self.settings.varying:
            return {name: Ref(rate_of(name, place)) for name in self.settings.varying}
        lr = group.schedule.lr
        return {RATE: Number(lr)} if not hasattr(lr, "expr") and not isinstance(lr, tuple) else {RATE: Ref(RATE)}

    def read(self, name: str, single: bool = False) -> Ref:
        """A node for what a step holds."""
        parameter = name.partition("|")[0].partition(".")[0]
        axes = () if single else self.graph.by_name[parameter].axes
        self.nodes.setdefault(name, Node(name, KIND, axes))
        return Ref(name)

    def alone(self, expr: Expr) -> Expr:
        """The expression with a name for each part that is made of t, lr and numbers alone."""
        if isinstance(expr, Number):
            return expr
        read = set(names(expr))
        if read and not any("|" in name for name in read):
            name = self.numbers.setdefault(expr, f"update|{len(self.numbers)}")
            self.nodes.setdefault(name, Node(name, KIND))
            return Ref(name)
        return rebuild(expr, tuple(self.alone(part) for part in children(expr)))

    def reads(self, watched: Iterable[Node], before: Reads | None = None) -> Reads:
        """What the formulas of these lines read."""
        used = {name for node in watched for name in names(node.definition)}
        nodes = {node.name: node for node in (before.nodes if before else ())}
        nodes |= {name: node for name, node in self.nodes.items() if name in used}
        return Reads(tuple(nodes.values()), {name: expr for expr, name in self.numbers.items() if name in nodes})
