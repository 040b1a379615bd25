"""Formulas of a derivation as a person writes them: products along paths, closed forms, equality.

Everything here is for reading; numbers are calculated from the adjoint equations in `chain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from derive.chain import Derivation, Edge
from derive.expression import (
    ONE,
    ZERO,
    Axes,
    Axis,
    Expr,
    Reduce,
    Ref,
    children,
    free_axes,
    fresh_axes,
    fresh_axis,
    rebuild,
    rename_axes,
    size,
    taken_axes,
)
from derive.graph import Graph, Node
from derive.monomial import Monomial, add_up, collect

MAX_PATHS = 8  # products along paths that a person still compares
MAX_LINKS = 24  # factors in one product
MAX_SIZE = 100  # numbers, names and operations in a closed form: about six lines of text


class TooLongError(Exception):
    """A formula past the length at which it is shown."""


def readable(expr: Expr) -> bool:
    """Whether a person would still read the formula."""
    return size(expr) <= MAX_SIZE


class Link(NamedTuple):
    """∂`of`/∂`wrt` between two lines of paper: `partial`, summed over `summed`; a step of a path.

    `summed` are the axes over which the line itself sums, so that neither side has them.
    """

    of: Ref
    wrt: Ref
    partial: Expr
    summed: Axes = ()

    def whole(self) -> Expr:
        """The local partial with its sum."""
        return Reduce("sum", self.partial, self.summed) if self.summed else self.partial


class Path(NamedTuple):
    """One way from the loss to a name: the product of its links, summed over `summed`."""

    links: tuple[Link, ...]
    summed: Axes


class Gradient(NamedTuple):
    """∂loss/∂`wrt` for reading: a product for each path, and their sum in closed form.

    `paths` is empty when they are too many (`path_count`) or too long (`longest`, in links) to
    show; `closed` is None when the closed form would be too long.
    """

    wrt: Ref
    paths: tuple[Path, ...]
    path_count: int
    longest: int
    closed: Expr | None


class Formulas:
    """The formulas of a derivation, each worked out when it is asked for."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    def gradient(self, name: str) -> Gradient:
        """∂loss/∂`name` as paths and closed form, where they stay readable."""
        graph = self.derivation.graph
        target = Ref(name, graph.by_name[name].axes)
        count, length = self.path_counts[name]
        if count > MAX_PATHS or length > MAX_LINKS:
            return Gradient(target, (), count, length, None)
        found = tuple(
            sorted((_ending_at(target, _aligned(links, graph)) for links in self._ways(name)), key=self._place_on_paper)
        )
        try:
            closed = add_up([_closed_product(path, graph) for path in found])
            shown = closed if readable(closed) else None
        except TooLongError:
            shown = None
        return Gradient(target, found, count, length, shown)

    @cached_property
    def links(self) -> Mapping[str, tuple[Link, ...]]:
        """The local partials of each line of paper with respect to each of its operands.

        Partials through sums and means inside the line are multiplied out, so that a line of paper
        stays one step.
        """
        outgoing: dict[str, list[Edge]] = {}
        for edge in self.derivation.edges:
            outgoing.setdefault(edge.of, []).append(edge)
        return {node.name: merged(node, self._links_of(node, outgoing)) for node in self.derivation.graph.lines}

    def _links_of(self, node: Node, outgoing: Mapping[str, list[Edge]]) -> Iterator[Link]:
        hidden = {part.name: part for part in self.derivation.hidden.get(node.name, ())}
        written = {name: part.written() for name, part in hidden.items()}
        pending: list[tuple[str, Expr, Axes]] = [(node.name, ONE, ())]
        for name, so_far, outer in pending:  # grows while it is read
            for edge in outgoing.get(name, ()):
                slope = edge.partial if so_far == ONE else collect((so_far, edge.partial)).tree()
                summed = (*outer, *edge.summed)
                if edge.wrt.name in hidden:
                    pending.append((edge.wrt.name, slope, summed))
                else:
                    yield _link(node, edge.wrt, summed, _spelled_out(slope, written))

    @cached_property
    def path_counts(self) -> Mapping[str, tuple[int, int]]:
        """How many paths lead from the loss to each name, and how many links the longest has."""
        graph = self.derivation.graph
        counts = {graph.loss: (1, 0)}
        for node in reversed(graph.lines):
            if node.name in counts:
                ways, length = counts[node.name]
                for link in self.links[node.name]:
                    before = counts.get(link.wrt.name, (0, 0))
                    counts[link.wrt.name] = (before[0] + ways, max(before[1], length + 1))
        return {name: counts.get(name, (0, 0)) for name in graph.by_name}

    @cached_property
    def _into(self) -> Mapping[str, tuple[Link, ...]]:
        """The links that lead to each name."""
        into: dict[str, list[Link]] = {}
        for links in self.links.values():
            for link in links:
                into.setdefault(link.wrt.name, []).append(link)
        return {name: tuple(links) for name, links in into.items()}

    def _ways(self, name: str) -> Iterator[tuple[Link, ...]]:
        """The links of every path from the loss to `name`."""
        if name == self.derivation.graph.loss:
            yield ()
        for link in self._into.get(name, ()):
            for above in self._ways(link.of.name):
                yield (*above, link)

    def _place_on_paper(self, path: Path) -> list[int]:
        """Paths are listed as their lines stand on paper."""
        place = {node.name: number for number, node in enumerate(self.derivation.graph.nodes)}
        return [place[link.wrt.name] for link in reversed(path.links)]


def _link(node: Node, wrt: Ref, summed: Axes, slope: Expr) -> Link:
    outside = (*node.axes, *(wrt.axes or ()))
    written = tuple(axis for axis in dict.fromkeys(summed) if axis not in outside)
    picked, inner = collect((slope,)).without_one_hots(written)
    slope = slope if inner == written else picked.tree()
    taken = set(outside) | set(inner)
    return Link(Ref(node.name, node.axes), wrt, _apart(slope, taken), inner)


def merged(node: Node, links: Iterable[Link]) -> tuple[Link, ...]:
    """The links of a line, those with respect to the same entries of a name added up.

    In l = mean(x)·sum(x) the x stands twice, and ∂l/∂xᵢ is one derivative all the same.
    """
    found: list[Link] = []
    for link in links:
        place, same = next(((k, s) for k, f in enumerate(found) if (s := _read_as(link, f, node))), (-1, None))
        if same is None:
            found.append(link)
        else:
            found[place] = _added(found[place], same)
    return tuple(link for link in found if link.partial != ZERO)


def _read_as(link: Link, other: Link, node: Node) -> Link | None:
    """`link` with its name read along the indices of `other`; None where that is another entry.

    Where the line itself runs over an index, it is not free: ∂pᵢₖ/∂zᵢₖ is not ∂pᵢₖ/∂zᵢₘ.
    """
    if link.wrt.name != other.wrt.name:
        return None
    pairs = dict(zip(link.wrt.axes or (), other.wrt.axes or (), strict=True))
    if any(axis in node.axes for pair in pairs.items() if pair[0] != pair[1] for axis in pair):
        return None
    taken = taken_axes(link.partial) | set(link.summed)
    clashing = sorted(axis for axis in taken - set(pairs) if axis in pairs.values())
    renamed = pairs | fresh_axes(clashing, taken | set(pairs.values()))
    return Link(link.of, other.wrt, rename_axes(link.partial, renamed), _all(link.summed, renamed))


def _added(first: Link, second: Link) -> Link:
    """One link for two with respect to the same entries."""
    total = add_up([collect((link.partial,)).summed_over(link.summed) for link in (first, second)])
    return Link(first.of, first.wrt, _apart(total, {*(first.of.axes or ()), *(first.wrt.axes or ())}))


def _spelled_out(expr: Expr, written: Mapping[str, Expr]) -> Expr:
    """`expr` with hidden sums and means written as what they are."""
    if isinstance(expr, Ref):
        return _spelled_out(written[expr.name], written) if expr.name in written else expr
    return rebuild(expr, tuple(_spelled_out(part, written) for part in children(expr)))


def _apart(expr: Expr, taken: set[Axis]) -> Expr:
    """`expr` with the axes of its sums renamed where they are in `taken`, so that each Σ has its own."""
    if isinstance(expr, Reduce):
        renamed = fresh_axes((a for a in expr.axes or () if a in taken), taken | taken_axes(expr.body))
        body = _apart(rename_axes(expr.body, renamed), taken | set(renamed.values()))
        return Reduce(expr.op, body, tuple(renamed.get(axis, axis) for axis in expr.axes or ()))
    return rebuild(expr, tuple(_apart(part, taken) for part in children(expr)))


def _aligned(links: tuple[Link, ...], graph: Graph) -> Path:
    """The links with axes that fit together: where a line is read along j, its partial is too."""
    taken: set[Axis] = set()
    current = Ref(graph.loss, graph.by_name[graph.loss].axes)
    aligned: list[Link] = []
    for link in links:
        own = graph.by_name[current.name].axes
        renamed = dict(zip(own, current.axes or (), strict=True))
        inner = dict.fromkeys((*link.summed, *(link.wrt.axes or ()), *sorted(taken_axes(link.partial))))
        for axis in inner:
            if axis not in renamed:
                renamed[axis] = fresh_axis(axis, taken | set(renamed.values()))
        taken |= set(renamed.values())
        wrt = Ref(link.wrt.name, tuple(renamed[axis] for axis in link.wrt.axes or ()))
        summed = tuple(renamed[axis] for axis in link.summed)
        aligned.append(Link(current, wrt, rename_axes(link.partial, renamed), summed))
        current = wrt
    every = dict.fromkeys(
        axis for link in aligned for axis in (*link.summed, *(link.wrt.axes or ()), *free_axes(link.partial))
    )
    return Path(tuple(aligned), tuple(axis for axis in every if axis not in (current.axes or ())))


def _ending_at(target: Ref, path: Path) -> Path:
    """The path with its last name read along the axes of `target`, so that all paths can be added."""
    last = path.links[-1].wrt.axes or () if path.links else target.axes
    if last == target.axes:
        return path
    renamed = dict(zip(last or (), target.axes or (), strict=True))
    every = {axis for link in path.links for axis in _axes_of_link(link)}
    for axis in sorted(every - set(renamed)):
        renamed[axis] = fresh_axis(axis, [*renamed.values(), *(every - {axis})])
    links = tuple(
        Link(
            _read(link.of, renamed),
            _read(link.wrt, renamed),
            rename_axes(link.partial, renamed),
            _all(link.summed, renamed),
        )
        for link in path.links
    )
    return Path(links, _all(path.summed, renamed))


def _axes_of_link(link: Link) -> set[Axis]:
    return {*link.summed, *(link.of.axes or ()), *(link.wrt.axes or ()), *taken_axes(link.partial)}


def _read(ref: Ref, renamed: Mapping[Axis, Axis]) -> Ref:
    return Ref(ref.name, _all(ref.axes or (), renamed))


def _all(axes: Axes, renamed: Mapping[Axis, Axis]) -> Axes:
    return tuple(renamed.get(axis, axis) for axis in axes)


def _closed_product(path: Path, graph: Graph) -> Monomial:
    """The product along a path in names that are given, with what is constant before the sum."""
    taken = {axis for link in path.links for axis in taken_axes(link.partial)} | set(path.summed)
    product = collect(tuple(_inlined(link.partial, graph, taken) for link in path.links))
    return product.summed_over(path.summed)


def _inlined(expr: Expr, graph: Graph, taken: set[Axis]) -> Expr:
    """`expr` with every line replaced by its right-hand side. Raises `TooLongError`."""
    budget = 4 * MAX_SIZE

    def inlined(expr: Expr, depth: int, around: frozenset[Axis]) -> Expr:
        """`around` are the axes of the sums that `expr` stands in: its own get other letters."""
        nonlocal budget
        budget -= 1
        if budget < 0 or depth > 4 * MAX_LINKS:
            raise TooLongError
        if isinstance(expr, Ref):
            node = graph.by_name[expr.name]
            if node.expr is None:
                return expr
            return inlined(_read_along(node, expr, around), depth + 1, around)
        inside = around | frozenset(expr.axes or ()) if isinstance(expr, Reduce) else around
        return rebuild(expr, tuple(inlined(part, depth + 1, inside) for part in children(expr)))

    return inlined(expr, 0, frozenset(taken))


def _read_along(node: Node, ref: Ref, around: frozenset[Axis]) -> Expr:
    """The right-hand side of a line, read along the axes of `ref`; its own sums have letters apart from `around`."""
    renamed = dict(zip(node.axes, ref.axes or (), strict=True))
    inner = sorted(taken_axes(node.definition) - set(node.axes))
    renamed |= fresh_axes(inner, [*around, *renamed.values()])
    return rename_axes(node.definition, renamed)


def closed_loss(graph: Graph) -> Expr | None:
    """The loss in names that are given; None when that is too long to read."""
    try:
        whole = _inlined(graph.by_name[graph.loss].definition, graph, set())
    except TooLongError:
        return None
    return whole if readable(whole) else None
