"""Formulas of a derivation as a person writes them: products along paths, closed forms, equality.

Everything here is for reading; numbers are calculated from the adjoint equations of `Derivation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from derive.algebra.expression import Axes, Axis, Expr, Ref, free_axes, fresh_axis, rename_axes, taken_axes
from derive.chain.closed_form import ClosedForms
from derive.chain.derivation import Derivation
from derive.chain.paths import Link, links
from derive.graph.graph import Graph

MAX_PATHS = 8  # products along paths that a person still compares
MAX_LINKS = 24  # factors in one product


class Path(NamedTuple):
    """One way from the loss to a name: the product of its links, the loss's first, summed over `summed`."""

    links: tuple[Link, ...]
    summed: Axes


class Gradient(NamedTuple):
    """∂loss/∂`wrt` for reading: a product for each path, and their sum in closed form.

    `paths` is empty when they are too many (`path_count`) or too long (`longest`, in links) to
    show; `closed` is None when the closed form would be too long even in the names of the lines.
    """

    wrt: Ref
    paths: tuple[Path, ...]
    path_count: int
    longest: int
    closed: Expr | None


class Formulas:
    """The formulas of a derivation, each worked out when it is asked for; names must be in its graph."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    def gradient(self, name: str) -> Gradient:
        """Returns ∂loss/∂`name` as paths and closed form, up to `MAX_PATHS` paths of at most `MAX_LINKS` links."""
        graph = self.derivation.graph
        target = Ref(name, graph.by_name[name].axes)
        count, length = self.path_counts[name]
        if count > MAX_PATHS or length > MAX_LINKS:
            return Gradient(target, (), count, length, None)
        found = tuple(
            sorted((_ending_at(target, _aligned(links, graph)) for links in self._ways(name)), key=self._place_on_paper)
        )
        closed = self._closed_forms.total((tuple(link.partial for link in path.links), path.summed) for path in found)
        return Gradient(target, found, count, length, closed)

    def chains(self, name: str) -> tuple[Path, ...]:
        """The paths to `name`, each with letters of its own: also those of `name`, where lines do not share them.

        None where there are more than `MAX_PATHS`, or one has more than `MAX_LINKS` links.
        """
        count, length = self.path_counts[name]
        if count > MAX_PATHS or length > MAX_LINKS:
            return ()
        return tuple(_aligned(links, self.derivation.graph) for links in self._ways(name))

    @cached_property
    def _closed_forms(self) -> ClosedForms:
        return ClosedForms(self.derivation.graph)

    @cached_property
    def links(self) -> Mapping[str, tuple[Link, ...]]:
        """The local partials of each line of paper with respect to each of its operands.

        Partials through sums and means inside the line are multiplied out, so that a line of paper
        stays one step.
        """
        return links(self.derivation)

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
        for steps in self.links.values():
            for link in steps:
                into.setdefault(link.wrt.name, []).append(link)
        return {name: tuple(links) for name, links in into.items()}

    def steps_to(self, name: str) -> Iterator[Path]:
        """Yields the last step of the paths to `name`, each as a path of one link; those from later lines first."""
        graph = self.derivation.graph
        target = Ref(name, graph.by_name[name].axes)
        place = {node.name: number for number, node in enumerate(graph.nodes)}
        for link in sorted(self._into.get(name, ()), key=lambda link: -place[link.of.name]):
            own = link.wrt.axes or ()
            every = dict.fromkeys((*(link.of.axes or ()), *link.summed, *free_axes(link.partial)))
            yield _ending_at(target, Path((link,), tuple(axis for axis in every if axis not in own)))

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
