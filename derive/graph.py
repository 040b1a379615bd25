"""The directed acyclic graph of the equations: named nodes with their axes, in order of calculation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from derive.errors import EquationError, Place, shorten, suggestion
from derive.expression import (
    ONE,
    Apply,
    Axes,
    Expr,
    Number,
    Reduce,
    Ref,
    bound_axes,
    children,
    dimension,
    free_axes,
    fresh_axis,
    names,
    rebuild,
    refs,
    rename_axes,
)
from derive.operations import CONSTANTS
from derive.paper import Line
from derive.spelling import at

SAMPLES = "i"  # the axis that data run over
SIZES = {SAMPLES: "n"}  # the name on paper for how many there are


@dataclass(frozen=True)
class Node:
    """One name of the graph.

    `kind` is "parameter", "constant", "data", "size" (n) or "line". A line has the resolved `expr`
    of its right-hand side, in which every reference names its axes, and `written`, the equation as
    on paper. `implied` is true for a loss whose sum over the samples was left in words.
    """

    name: str
    kind: str
    axes: Axes = ()
    expr: Expr | None = None
    written: Expr | None = None
    implied: bool = False

    @property
    def definition(self) -> Expr:
        """The resolved right-hand side; only a line has one."""
        if self.expr is None:
            raise TypeError(f"{self.name} is a {self.kind}: it is given, not calculated")
        return self.expr


@dataclass(frozen=True)
class Graph:
    """Every node after the nodes it is calculated from; `loss` is the name that is differentiated."""

    nodes: tuple[Node, ...]
    loss: str

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by their names."""
        return {node.name: node for node in self.nodes}

    @property
    def lines(self) -> tuple[Node, ...]:
        """The nodes that are calculated, in order of calculation."""
        return tuple(node for node in self.nodes if node.kind == "line")

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """The names of the nodes of these kinds."""
        return tuple(node.name for node in self.nodes if node.kind in kinds)

    @cached_property
    def ancestors(self) -> frozenset[str]:
        """The loss and every name it depends on."""
        found: set[str] = set()
        pending = [self.loss]
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                expr = self.by_name[name].expr
                pending.extend(names(expr) if expr is not None else ())
        return frozenset(found)


def build(
    lines: Iterable[Line],
    *,
    parameters: Iterable[str] = (),
    constants: Iterable[str] = (),
    data: Iterable[str] = (),
    loss: str | None = None,
) -> Graph:
    """The graph of `lines`; the last one is the loss unless `loss` names another.

    Parameters and constants are scalars, data run over the samples. Raises `EquationError`, with
    the line and a caret, for a name that is defined twice or not at all, for a cycle, for a loss
    that still runs over samples without dividing by n, and for a loss that depends on no parameter.
    """
    lines = tuple(lines)
    parameters, data = tuple(parameters), tuple(data)
    given = _given_nodes(parameters, tuple(constants), data)
    _refuse_redefinitions(lines, given)
    target = lines[-1].name if loss is None else loss
    by_name = {line.name: line for line in lines}
    if target not in by_name:
        raise EquationError(f"loss = {shorten(target)} is not the name of a line{suggestion(target, by_name)}")
    nodes = dict(given)
    for line in _in_order(lines):
        nodes[line.name] = _resolve(line, nodes, is_loss=line.name == target)
    graph = Graph(tuple(nodes.values()), target)
    _refuse_idle(graph, parameters, by_name[target].place)
    return graph


def _given_nodes(parameters: Iterable[str], constants: Iterable[str], data: tuple[str, ...]) -> dict[str, Node]:
    """The nodes that are not calculated, by name; with data, n is one of them."""
    given = {name: Node(name, "data", (SAMPLES,)) for name in data}
    for kind, group in (("parameter", parameters), ("constant", constants)):
        for name in group:
            if name in given:
                raise EquationError(f"{name!r} is declared twice, as {given[name].kind} and as {kind}; keep one")
            given[name] = Node(name, kind)
    if data:
        size = SIZES[SAMPLES]
        if size in given:
            raise EquationError(f"{size!r} is the number of samples in the batch; choose another name")
        given[size] = Node(size, "size")
    return given


def _refuse_redefinitions(lines: Iterable[Line], given: Mapping[str, Node]) -> None:
    """A name has one meaning."""
    seen: dict[str, Line] = {}
    for line in lines:
        if line.name in seen:
            earlier = seen[line.name].place.line
            raise EquationError(
                f"{line.name!r} is defined twice, first in line {earlier}; give the second a new name", line.place
            )
        if line.name in given:
            kind = given[line.name].kind
            meaning = "the number of samples in the batch" if kind == "size" else f"declared as {kind}"
            raise EquationError(f"{line.name!r} is {meaning} and cannot be defined again; choose another", line.place)
        seen[line.name] = line


def _in_order(lines: tuple[Line, ...]) -> list[Line]:
    """The lines, each after those it uses; as written where the order is free."""
    by_name = {line.name: line for line in lines}
    ordered: dict[str, Line] = {}
    for first in lines:
        trail: dict[str, None] = {}
        pending = [first.name]
        while pending:
            name = pending[-1]
            waiting = [] if name in ordered else [n for n in names(by_name[name].expr) if _waits(n, by_name, ordered)]
            if not waiting:
                ordered.setdefault(name, by_name[name])
                trail.pop(name, None)
                pending.pop()
                continue
            trail[name] = None
            if waiting[0] in trail:
                loop = [*list(trail)[list(trail).index(waiting[0]) :], waiting[0]]
                raise EquationError(
                    f"a cycle: {' → '.join(loop)}; a line can only use what is calculated before it",
                    by_name[waiting[0]].place,
                )
            pending.append(waiting[0])
    return list(ordered.values())


def _waits(name: str, by_name: Mapping[str, Line], ordered: Mapping[str, Line]) -> bool:
    return name in by_name and name not in ordered


def _resolve(line: Line, nodes: Mapping[str, Node], is_loss: bool) -> Node:
    """The node of a line: its references with their axes, its reductions with theirs."""
    expr = _with_axes(line.expr, line, nodes, frozenset())
    expr = _apart(expr, frozenset(free_axes(expr)))
    implied = False
    if is_loss and free_axes(expr):
        expr, implied = _summed(expr, line), True
    axes = free_axes(expr)
    if line.axes is not None:
        if set(line.axes) != set(axes):
            shown = ", ".join(axes) or "nothing"
            raise EquationError(
                f"{line.name} is written over {', '.join(line.axes)}, but runs over {shown}", line.place
            )
        axes = line.axes
    return Node(line.name, "line", axes, expr, line.expr, implied)


def _with_axes(expr: Expr, line: Line, nodes: Mapping[str, Node], bound: frozenset[str]) -> Expr:
    """`expr` with the axes of every name and of every reduction filled in."""
    if isinstance(expr, Ref):
        return _known(expr, line, nodes)
    if isinstance(expr, Reduce):
        body = _with_axes(expr.body, line, nodes, bound)
        axes = free_axes(body) if expr.axes is None else expr.axes
        missing = [axis for axis in axes if axis not in free_axes(body)]
        if missing or not axes:
            what = f"{missing[0]!r}" if missing else "anything"
            raise EquationError(
                f"{expr.op} of something that does not run over {what}; expected data or a line that uses data",
                _place(line, expr.column),
            )
        return Reduce(expr.op, body, axes, expr.column)
    return rebuild(expr, tuple(_with_axes(part, line, nodes, bound) for part in children(expr)))


def _known(ref: Ref, line: Line, nodes: Mapping[str, Node]) -> Expr:
    """The reference with its axes, or the mathematical constant of that name."""
    node = nodes.get(ref.name)
    if node is None:
        constant = {"π": "pi"}.get(ref.name, ref.name)
        if constant in CONSTANTS and ref.axes is None:
            return Apply(constant, (), ref.column)
        raise EquationError(_unknown(ref.name, nodes), _place(line, ref.column))
    if ref.axes is not None and ref.axes != node.axes:
        runs = f"runs over {', '.join(node.axes)}" if node.axes else "is a single number and has no index"
        raise EquationError(f"{ref.name}[{','.join(ref.axes)}]: {ref.name} {runs}", _place(line, ref.column))
    return Ref(ref.name, node.axes, ref.column)


def _unknown(name: str, nodes: Mapping[str, Node]) -> str:
    if name == SIZES[SAMPLES]:
        return "'n', the number of samples in the batch, is used, but there are no data; add [data]"
    remedy = suggestion(name, nodes)
    return f"unknown name {name!r}{remedy or '; define it in a line, or give it under [parameters] or [data]'}"


def _place(line: Line, column: int | None) -> Place:
    return line.place if column is None else at(line.place, column)


def _apart(expr: Expr, taken: frozenset[str]) -> Expr:
    """`expr` with each reduction over axes of its own, so that x − mean(x) reads xᵢ − (1/n) Σⱼ xⱼ."""
    if isinstance(expr, Reduce):
        axes = expr.axes or ()
        inner_taken = taken | frozenset(free_axes(expr.body)) - frozenset(axes)
        renamed = {axis: fresh_axis(axis, inner_taken) for axis in axes if axis in inner_taken}
        body = _rename_free(expr.body, renamed)
        new_axes = tuple(renamed.get(axis, axis) for axis in axes)
        return Reduce(expr.op, _apart(body, inner_taken | frozenset(new_axes)), new_axes, expr.column)
    return rebuild(expr, tuple(_apart(part, taken) for part in children(expr)))


def _rename_free(expr: Expr, renamed: Mapping[str, str]) -> Expr:
    """Renames axes that are free in `expr`; a reduction inside that binds the same name keeps its own."""
    if isinstance(expr, Reduce):
        renamed = {old: new for old, new in renamed.items() if old not in (expr.axes or ())}
    if isinstance(expr, Ref):
        return rename_axes(expr, renamed)
    return rebuild(expr, tuple(_rename_free(part, renamed) for part in children(expr)))


def _summed(expr: Expr, line: Line) -> Expr:
    """The loss summed over the samples, term by term where it divides by n; else it is refused."""
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        return replace(expr, args=tuple(_summed(arg, line) if free_axes(arg) else arg for arg in expr.args))
    if isinstance(expr, Apply) and expr.op == "neg":
        return replace(expr, args=(_summed(expr.args[0], line),))
    axes = free_axes(expr)
    if not all(_divides_by(expr, SIZES.get(dimension(axis), "")) for axis in axes):
        raise EquationError(
            f"the loss {line.name!r} has a value for each sample; expected one number: "
            f"write {line.name} = mean(…) or {line.name} = sum(…)",
            line.place,
        )
    return Reduce("sum", expr, axes)


def _divides_by(expr: Expr, size_name: str) -> bool:
    """Whether `expr` is a product or quotient with the size among its divisors."""
    if not isinstance(expr, Apply):
        return False
    match expr.op, expr.args:
        case "div", (top, bottom):
            return _divides_by(top, size_name) or _is_factor(bottom, size_name)
        case "mul", (left, right):
            return _divides_by(left, size_name) or _divides_by(right, size_name)
        case "neg", (inner,):
            return _divides_by(inner, size_name)
        case "pow", (base, exponent):
            minus_one = exponent in (Number(-ONE.value), Apply("neg", (ONE,)))
            return minus_one and _is_factor(base, size_name)
    return False


def _is_factor(expr: Expr, size_name: str) -> bool:
    if isinstance(expr, Apply) and expr.op == "mul":
        return any(_is_factor(arg, size_name) for arg in expr.args)
    return isinstance(expr, Ref) and expr.name == size_name


def _refuse_idle(graph: Graph, parameters: tuple[str, ...], place: Place) -> None:
    """Every parameter is used, and the loss depends on at least one."""
    used = {name for node in graph.lines for name in names(node.definition)}
    for name in parameters:
        if name not in used:
            raise EquationError(f"parameter {name!r} is not used in any equation; use it or remove it")
    if not graph.ancestors.intersection(parameters):
        shown = ", ".join(parameters) or "none"
        raise EquationError(
            f"the loss {graph.loss!r} depends on no parameter (declared: {shown}); there is nothing to derive", place
        )


def taken_axes(expr: Expr) -> frozenset[str]:
    """Every axis name that occurs in `expr`, free or bound."""
    return bound_axes(expr) | frozenset(axis for ref in refs(expr) for axis in ref.axes or ())
