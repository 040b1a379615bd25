"""The derivative of a line with respect to one of its operands, entry by entry, as a paper writes it with indices.

A line such as a softmax has several local partials, ∂pⱼ/∂zⱼ and ∂pⱼ/∂zₖ; an entry is the sum of those that hold there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from derive.algebra.expression import Axes, Axis, fresh_axes
from derive.chain.derivation import differentiate
from derive.chain.paths import Link, links
from derive.errors import ClaimError, EquationError, Place
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.show.notation import Ascii
from verify.formulas.asked import Derivative
from verify.formulas.rule import Rule
from verify.symbols.entry import Index
from verify.symbols.values import Values


@dataclass(frozen=True)
class _Places:
    """Along which axes of a target the line and its operand are read."""

    of: Axes
    wrt: Axes

    @property
    def axes(self) -> Axes:
        """The axes of the target: those of the line, then what the operand has of its own."""
        return tuple(dict.fromkeys((*self.of, *self.wrt)))


def partials(graph: Graph, asked: Derivative, place: Place) -> Iterator[Target]:
    """The local partials that are meant, the usual one first; none where the line does not use the operand.

    Raises `ClaimError` for an index that does not fit.
    """
    node, wrt = graph.by_name[asked.of.name], graph.by_name[asked.wrt.name]
    found = _links(graph, node, wrt.name)
    if not found:
        return
    for places in _places(node, wrt, asked, found, place):
        target = _target(asked, node, found, places)
        own = [axis for axis in places.wrt if axis not in places.of]
        others = [(a, b) for a in places.of for b in own if a not in places.wrt and a.size == b.size]
        yield target
        if others and len(found) > 1:
            yield replace(
                target,
                meaning=f"{target.meaning} where {' and '.join(f'{a} is not {b}' for a, b in others)}",
                apart=tuple(others),
            )


def _target(asked: Derivative, node: Node, found: tuple[Link, ...], places: _Places) -> Target:
    def right(values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        of = tuple(where[axis] for axis in places.of)
        wrt = tuple(where[axis] for axis in places.wrt)
        terms = [values.value(body, here) for link, body in bodies if (here := _holds(link, of, wrt)) is not None]
        return values.numbers.sum(terms)

    bodies = [(link, link.whole()) for link in found]
    shown = Ascii().show(bodies[0][1]) if len(bodies) == 1 else ""
    meaning = f"the local partial of the line {node.name}"
    return Target(asked.name, meaning, places.axes, right, shown)


def _holds(link: Link, of: tuple[Index, ...], wrt: tuple[Index, ...]) -> Mapping[Axis, Index] | None:
    """The index of each axis of a link; None where it is about other entries."""
    found: dict[Axis, Index] = {}
    for axes, index in ((link.of.axes or (), of), (link.wrt.axes or (), wrt)):
        for axis, part in zip(axes, index, strict=True):
            if found.setdefault(axis, part) != part:
                return None
    return found


def _places(node: Node, wrt: Node, asked: Derivative, found: tuple[Link, ...], place: Place) -> Iterator[_Places]:
    """The ways in which the indices can be meant: as written, else those of the links as they are derived."""
    if asked.of.index is None and asked.wrt.index is None:
        usual = dict.fromkeys(_Places(link.of.axes or (), link.wrt.axes or ()) for link in found)
        yield from usual
        return
    of = _written(node, asked.of.index, asked.of.name, place)
    if asked.wrt.index is None:
        yield from dict.fromkeys(_Places(of, _read_as(link, of)) for link in found)
        return
    own = _written(wrt, asked.wrt.index, asked.wrt.name, place)
    if asked.of.index is None:
        renamed = fresh_axes(node.axes, own)
        shared = {axis: axis for axis in node.axes if axis in own}
        of = tuple(shared.get(axis, renamed[axis]) for axis in node.axes)
    if any(a != b and isinstance(a.size, str) and a.size == b.size for a in of for b in own):
        raise ClaimError(f"{asked.name}: expected the same index of the samples on both sides", place)
    yield _Places(of, own)


def _written(node: Node, index: tuple[str | int, ...] | None, name: str, place: Place) -> Axes:
    """The axes with the letters that are written."""
    if index is None:
        return node.axes
    if len(index) != len(node.axes) or not all(isinstance(part, str) for part in index):
        raise ClaimError(f"{name}: expected a letter for each of its {len(node.axes)} axes", place)
    return tuple(Axis(str(part), axis.size) for part, axis in zip(index, node.axes, strict=True))


def _read_as(link: Link, of: Axes) -> Axes:
    """The axes of the operand where the line is read along `of`."""
    pairs = dict(zip(link.of.axes or (), of, strict=True))
    return tuple(pairs.get(axis, axis) for axis in link.wrt.axes or ())


def _links(graph: Graph, node: Node, wrt: str) -> tuple[Link, ...]:
    """The local partials of a line with respect to one name; none for what is given."""
    if node.expr is None:
        return ()
    try:
        derivation = differentiate(replace(graph, loss=node.name), (wrt,))
    except EquationError:
        return ()
    return tuple(link for link in links(derivation)[node.name] if link.wrt.name == wrt)


Side = Callable[[Values[Any], Mapping[Axis, Index]], Any]  # a number of any kind, at the indices of the axes


@dataclass(frozen=True)
class Target:
    """What a formula is claimed of.

    `right` calculates it along `axes`; `shown` is how it reads, `meaning` what it is. `apart` are axes of which only
    entries with different indices are meant.
    """

    name: str
    meaning: str
    axes: Axes
    right: Side
    shown: str = ""
    rule: Rule | None = None
    gradient_of: str | None = None
    apart: tuple[tuple[Axis, Axis], ...] = ()
