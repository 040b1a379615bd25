"""The directed acyclic graph of the equations: named nodes with their axes, in order of calculation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derive.algebra.conventions import STATED, Conventions, depends_on_version
from derive.algebra.expression import LETTERS, Apply, Axes, Axis, Position, Reduce, Ref, bound_axes, names, refs, walk
from derive.errors import EquationError, Place, shorten, suggestion
from derive.graph.node import SAMPLES, SIZE, Frozen, Node
from derive.graph.resolution import resolve
from derive.graph.seed_gradient import Upstream, may_be_open, seeded
from derive.paper.lines import Line, as_typed

__all__ = ["SIZE", "Graph", "Node", "Shape", "Shapes", "build"]

LOSS = "loss"  # a line of this name is meant for the loss

Shape = tuple[int | str, ...]  # the size of each axis; a size that is not known yet has a name
Shapes = Mapping[str, Shape] | Iterable[str]


@dataclass(frozen=True)
class Graph:
    """Every node after the nodes it is calculated from; `loss` is the name that is differentiated.

    `frozen` are the parameters that training does not update. `conventions` say what the derivative is at a kink,
    where versions of PyTorch differ.
    """

    nodes: tuple[Node, ...]
    loss: str
    frozen: tuple[Frozen, ...] = ()
    conventions: Conventions = STATED

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

    @property
    def seeded(self) -> str:
        """The line that an upstream gradient is given for, of which the loss is made; empty for a loss on paper."""
        last = self.by_name[self.loss]
        return names(last.definition)[1] if last.place is None else ""

    @cached_property
    def class_labels(self) -> Mapping[str, int | str]:
        """The names that a line compares with an index, [y = k], and that are given: how many classes each has."""
        found: dict[str, int | str] = {}
        for node in self.lines:
            for part in walk(node.definition):
                match part:
                    case Apply(op="equal", args=(Ref(name=name), Position(axis=axis))) if axis.size is not None:
                        if self.by_name[name].kind != "line":
                            found[name] = axis.size
        return found

    @cached_property
    def ancestors(self) -> frozenset[str]:
        """The loss and every name it depends on."""
        return self.behind((self.loss,))

    def behind(self, wanted: Iterable[str]) -> frozenset[str]:
        """Returns the names `wanted` and every name that they depend on."""
        found: set[str] = set()
        pending = list(wanted)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                expr = self.by_name[name].expr
                pending.extend(names(expr) if expr is not None else ())
        return frozenset(found)

    @cached_property
    def depends_on_version(self) -> bool:
        """Whether versions of PyTorch differ at a kink of an operation of its lines."""
        return depends_on_version(node.definition for node in self.lines)

    @cached_property
    def reads_rows(self) -> bool:
        """Whether a line uses an index along the samples as a number, as i in `w*x[i] - i`, or to pick, as `x[1]`."""
        parts = (part for node in self.lines for part in walk(node.definition))
        return any(isinstance(part, Position) and part.axis.size == SIZE for part in parts)

    @cached_property
    def averages(self) -> bool:
        """Whether the loss counts as a mean over its samples: a line of it has such a mean, or reads their number."""
        sizes = self.of_kind("size")
        parts = (part for node in self.lines if node.name in self.ancestors for part in walk(node.definition))
        return any(
            (isinstance(part, Ref) and part.name in sizes)
            or (isinstance(part, Reduce) and part.op == "mean" and SAMPLES in (part.axes or ()))
            for part in parts
        )


def build(
    lines: Iterable[Line],
    *,
    parameters: Shapes = (),
    constants: Shapes = (),
    data: Shapes = (),
    loss: str | None = None,
    upstream: Upstream | None = None,
) -> Graph:
    """Returns the graph of `lines`; which of them is the loss is found by `find_loss` unless `loss` names it.

    Names that are given come with their shapes, or alone: then parameters and constants are single
    numbers, and data have one number for each sample. (The samples are not part of the shape of data: a
    table of 3 columns has the shape (3,).) With `upstream`, the loss is a new line, the sum of seed
    times that line. Raises `EquationError`, with the line and a caret, for a
    name that is defined twice or not at all, for a cycle, for shapes that do not fit, for a loss
    that still runs over samples without dividing by n, and for a loss that depends on no parameter.
    """
    lines = tuple(lines)
    given = _given_nodes(_shapes(parameters), _shapes(constants), _shapes(data), _letters(lines))
    _refuse_redefinitions(lines, given)
    target = find_loss(lines) if loss is None else loss
    by_name = {line.name: line for line in lines}
    if target not in by_name:
        raise EquationError(f"loss = {shorten(target)} is not the name of a line{suggestion(target, by_name)}")
    nodes = dict(given)
    aside = other_loss(lines) if loss is None else ""
    for line in in_order(lines):
        node = resolve(line, nodes, is_loss=line.name == target and upstream is None, aside=aside)
        echoed = as_typed(line)
        nodes[line.name] = node if echoed is line.expr else replace(node, written=echoed)
    place = by_name[target].place
    if upstream is not None:
        seed, last = seeded(nodes, target, upstream)
        nodes = {name: node for name, node in nodes.items() if node.kind != "line"} | {seed.name: seed} | nodes
        target = last.name
        nodes[target] = last
    graph = Graph(tuple(nodes.values()), target)
    _refuse_idle(graph, tuple(_shapes(parameters)), place, aside)
    return graph


def find_loss(lines: Sequence[Line]) -> str:
    """Returns the name of the line that is the loss where nothing names it: one that no other line uses.

    That is the last one, or, where others use the last one, as when the loss is written first, the only one that none
    uses; of several the one that is called as a loss is. Where none is, or more than one, it is the last one after all.
    """
    ends = _ends(lines)
    last = lines[-1].name
    if last in ends:
        return last
    by_name = ([name for name in ends if name == LOSS], [name for name in ends if not may_be_open(name)])
    return next((found[0] for found in (ends, *by_name) if len(found) == 1), last)


def _ends(lines: Sequence[Line]) -> list[str]:
    """The names of the lines that no line uses, as a number or to pick an entry: `p[y]` uses p and y."""
    used = {name for line in lines for name in names(line.expr)}
    for line in lines:
        letters = {axis for ref in refs(line.expr) for axis in ref.axes or ()}
        used |= {axis.letter for axis in letters - bound_axes(line.expr) - {*(line.axes or ())}}
    return [line.name for line in lines if line.name not in used]


def other_loss(lines: Sequence[Line]) -> str:
    """Returns a sentence of advice where another line than that of `find_loss` may be meant for the loss; else "".

    That is where a line is called loss, or where several lines are used by no other and the last one is not of them.
    """
    ends, taken = _ends(lines), find_loss(lines)
    shown = f"{taken!r}, the last line," if taken == lines[-1].name else repr(taken)
    if taken != LOSS and any(line.name == LOSS for line in lines):
        remedy = f"{'write loss last' if LOSS in ends else f'leave {taken} out'}, {_NAMED.format(LOSS)}"
        return f"{shown} is what is differentiated, and not the line {LOSS}: {remedy}"
    if taken in ends:
        others = " and ".join(name for name in ends if name != taken)
        said = f"{taken!r} is taken for the loss by its name, as no line uses {others} either; write the loss last"
        return said if others and taken != lines[-1].name else ""
    return (
        f"{shown} is taken for the loss, but other lines use it: write {ends[0]} last, {_NAMED.format(ends[0])}"
        if ends
        else ""
    )


_NAMED = 'or loss = "{}" above the first table of a problem file'


def _shapes(given: Shapes) -> Mapping[str, Shape]:
    return given if isinstance(given, Mapping) else dict.fromkeys(given, ())


def _letters(lines: Iterable[Line]) -> dict[str, Axes]:
    """The indices with which each name is first written."""
    found: dict[str, Axes] = {}
    for line in lines:
        for ref in refs(line.expr):
            if ref.axes is not None:
                found.setdefault(ref.name, ref.axes)
    return found


def _given_nodes(
    parameters: Mapping[str, Shape], constants: Mapping[str, Shape], data: Mapping[str, Shape], letters: dict[str, Axes]
) -> dict[str, Node]:
    """The nodes that are not calculated, by name; with data, n is one of them."""
    spare = LETTERS[1:] if data else LETTERS  # with data, i is for the samples
    given = {name: Node(name, "data", _axes(letters.get(name), (SIZE, *shape), spare)) for name, shape in data.items()}
    for kind, group in (("parameter", parameters), ("constant", constants)):
        for name, shape in group.items():
            if name in given:
                raise EquationError(f"{name!r} is declared twice, as {given[name].kind} and as {kind}; keep one")
            given[name] = Node(name, kind, _axes(letters.get(name), shape, spare))
    if data:
        if SIZE in given:
            raise EquationError(f"{SIZE!r} is the number of samples in the batch; choose another name")
        given[SIZE] = Node(SIZE, "size")
    sizes = (axis.size for node in tuple(given.values()) for axis in node.axes)
    given.update({size: Node(size, "size") for size in sizes if isinstance(size, str)})
    return given


def _axes(written: Axes | None, shape: tuple[int | str, ...], spare: str) -> Axes:
    """The axes of a given name: with the letters it is first written with, where it is."""
    if written is not None and len(written) == len(shape) and len(set(written)) == len(written):
        return tuple(Axis(axis.letter, size) for axis, size in zip(written, shape, strict=True))
    letters = iter(spare)
    return tuple(SAMPLES if size == SIZE else Axis(next(letters), size) for size in shape)


_SIZES = {SIZE: "the number of samples in the batch"}


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
            meaning = _SIZES.get(line.name, "the size of an axis") if kind == "size" else f"declared as {kind}"
            raise EquationError(f"{line.name!r} is {meaning} and cannot be defined again; choose another", line.place)
        seen[line.name] = line


def in_order(lines: tuple[Line, ...]) -> list[Line]:
    """Returns the lines, each after those it uses; as written where the order is free.

    Their names are distinct. Raises `EquationError` for a cycle.
    """
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


def _refuse_idle(graph: Graph, parameters: tuple[str, ...], place: Place, aside: str) -> None:
    """Every parameter is used, and the loss depends on at least one."""
    used = {name for node in graph.lines for name in names(node.definition)}
    for name in parameters:
        if name not in used:
            raise EquationError(f"parameter {name!r} is not used in any equation; use it or remove it")
    if parameters and not graph.ancestors.intersection(parameters):
        shown = ", ".join(parameters)
        raise EquationError(
            f"the loss {graph.loss!r} depends on no parameter (declared: {shown}); "
            f"{aside or 'there is nothing to derive'}",
            place,
        )
