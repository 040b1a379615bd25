"""Steps of a path: the local partials of each line of paper with respect to the names on its right-hand side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from derive.algebra.axes import apart
from derive.algebra.expression import (
    ONE,
    ZERO,
    Apply,
    Axes,
    Expr,
    Reduce,
    Ref,
    children,
    fresh_axes,
    rebuild,
    rename_axes,
    size,
    taken_axes,
)
from derive.algebra.monomial import collect
from derive.algebra.sums import add_up
from derive.algebra.tidying import product, shares_written
from derive.chain.derivation import SHARES, Derivation, Edge, Part
from derive.chain.named_lines import Named, by_name, named
from derive.graph.node import Node


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


MAX_TIDIED = 200  # size of a partial; a longer one is left as it is, too long to be shown


def links(derivation: Derivation) -> Mapping[str, tuple[Link, ...]]:
    """Returns the links of each line of paper to the names in it, by the line's name."""
    outgoing: dict[str, list[Edge]] = {}
    for edge in derivation.edges:
        outgoing.setdefault(edge.of, []).append(edge)
    found = {}
    for node in derivation.graph.lines:
        hidden = {part.name: part for part in derivation.hidden.get(node.name, ())}
        found[node.name] = merged(node, _links_of(node, hidden, outgoing))
    return found


def _links_of(node: Node, hidden: Mapping[str, Part], outgoing: Mapping[str, list[Edge]]) -> Iterator[Link]:
    written = {name: (part.axes, _written(part)) for name, part in hidden.items()}
    own = named((node,))
    pending: list[tuple[str, Expr, Axes]] = [(node.name, ONE, ())]
    for name, so_far, outer in pending:  # grows while it is read
        for edge in outgoing.get(name, ()):
            slope = edge.partial if so_far == ONE else collect((so_far, edge.partial)).tree()
            summed = (*outer, *edge.summed)
            if edge.wrt.name in hidden:
                pending.append((edge.wrt.name, slope, summed))
            else:
                yield _link(node, edge.wrt, summed, _as_on_paper(_spelled_out(slope, written), own))


def _written(part: Part) -> Expr:
    """What a hidden part calculates; the share of an entry in a maximum as [x = m]/Σ [x = m], 1 for the only one."""
    whole = part.written()
    if part.reduction not in SHARES:
        return whole
    renamed = fresh_axes(part.axes[len(part.axes) - part.shared :], taken_axes(whole))
    return Apply("div", (whole, Reduce("sum", rename_axes(whole, renamed), tuple(renamed.values()))))


def _as_on_paper(slope: Expr, own: Iterable[Named]) -> Expr:
    """A partial tidied, with the line's own name for its right-hand side; one that nobody would read as it is."""
    return product(by_name(shares_written(slope), own)).tree() if size(slope) <= MAX_TIDIED else slope


def _link(node: Node, wrt: Ref, summed: Axes, slope: Expr) -> Link:
    outside = (*node.axes, *(wrt.axes or ()))
    written = tuple(axis for axis in dict.fromkeys(summed) if axis not in outside)
    picked, inner = collect((slope,)).without_one_hots(written)
    slope = slope if inner == written else picked.tree()
    taken = set(outside) | set(inner)
    return Link(Ref(node.name, node.axes), wrt, apart(slope, frozenset(taken)), inner)


def merged(node: Node, links: Iterable[Link]) -> tuple[Link, ...]:
    """Returns the links of a line, with those to the same entries of a name added up, and without those that are 0.

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
    return Link(
        link.of, other.wrt, rename_axes(link.partial, renamed), tuple(renamed.get(axis, axis) for axis in link.summed)
    )


def _added(first: Link, second: Link) -> Link:
    """One link for two with respect to the same entries."""
    total = add_up([collect((link.partial,)).summed_over(link.summed) for link in (first, second)])
    return Link(first.of, first.wrt, apart(total, frozenset({*(first.of.axes or ()), *(first.wrt.axes or ())})))


def _spelled_out(expr: Expr, written: Mapping[str, tuple[Axes, Expr]]) -> Expr:
    """`expr` with hidden sums and means written as what they are, along the axes they are read along."""
    if isinstance(expr, Ref):
        if expr.name not in written:
            return expr
        axes, whole = written[expr.name]
        return rename_axes(_spelled_out(whole, written), dict(zip(axes, expr.axes or (), strict=True)))
    return rebuild(expr, tuple(_spelled_out(part, written) for part in children(expr)))
