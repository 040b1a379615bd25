"""The derivative of a line with respect to what it depends on, entry by entry, as a paper writes it with indices.

A line such as a softmax has several local partials, ∂pⱼ/∂zⱼ and ∂pⱼ/∂zₖ; an entry is the sum of those that hold there.
Written without indices, ∂p/∂z is either the diagonal, one entry for each of both, or the whole Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from derive.algebra.expression import (
    ONE,
    ZERO,
    Apply,
    Axes,
    Axis,
    Expr,
    Position,
    Reduce,
    Ref,
    fresh_axes,
    fresh_axis,
    names,
    rename_axes,
)
from derive.algebra.monomial import collect
from derive.chain.derivation import Derivation, differentiate
from derive.chain.formulas import Formulas, Path
from derive.chain.paths import Link, links
from derive.errors import ClaimError, EquationError, Place
from derive.graph.gradient_names import gradient_name
from derive.graph.graph import Graph
from derive.graph.node import SIZE, Node
from derive.show.notation import Ascii
from verify.formulas.asked import Derivative, Entry
from verify.formulas.rule import Rule
from verify.symbols.entry import Index
from verify.symbols.fractions import TooLargeError
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

    def shown(self, asked: Derivative) -> str:
        """`dp[i]/dz[j]`."""
        of, wrt = (f"[{','.join(map(str, axes))}]" if axes else "" for axes in (self.of, self.wrt))
        return f"d{asked.of.name}{of}/d{asked.wrt.name}{wrt}"


def jacobians(graph: Graph, asked: Derivative, place: Place, is_whole: bool = False) -> Iterator[Target]:
    """The derivatives of a line that are meant, the usual one first; where it `is_whole`, that of each entry by each.

    Raises `ClaimError` where the line does not depend on the other name, and for an index that does not fit.
    """
    node, wrt = graph.by_name[asked.of.name], graph.by_name[asked.wrt.name]
    found, meaning = _steps(graph, node, asked, place)
    ways = tuple(_places(node, wrt, asked, found, place))
    if is_whole:
        ways = (_whole(ways[0], asked),)
    for places in ways:
        target = _target(asked, found, places, meaning)
        if len(ways) > 1 or is_whole:
            kind = "the diagonal" if places.of == places.wrt else "the whole Jacobian"
            target = replace(target, meaning=f"{meaning}, {kind} {places.shown(asked)}")
        yield target


def slices(graph: Graph, asked: Derivative, place: Place) -> Iterator[tuple[Target, str]]:
    """Parts of a Jacobian in which line and operand share an index, each with how it is asked for: `dy[i]/dx[i]`."""
    node, wrt = graph.by_name[asked.of.name], graph.by_name[asked.wrt.name]
    found, meaning = _steps(graph, node, asked, place)
    for places in _places(node, wrt, asked, found, place):
        if set(places.of) & set(places.wrt):
            yield _target(asked, found, places, meaning), places.shown(asked)


def whole_shown(graph: Graph, asked: Derivative, place: Place) -> str:
    """How the whole Jacobian is asked for: `dy[i]/dx[j]`."""
    node, wrt = graph.by_name[asked.of.name], graph.by_name[asked.wrt.name]
    found, _ = _steps(graph, node, asked, place)
    return _whole(next(_places(node, wrt, asked, found, place)), asked).shown(asked)


def _whole(places: _Places, asked: Derivative) -> _Places:
    """The same without a shared index; the letters that are written stay."""
    if asked.wrt.index is None:
        renamed = fresh_axes(places.wrt, places.of)
        return _Places(places.of, tuple(renamed[axis] for axis in places.wrt))
    renamed = fresh_axes(places.of, places.wrt)
    return _Places(tuple(renamed[axis] for axis in places.of), places.wrt)


def has_two_meanings(graph: Graph, asked: Derivative) -> bool:
    """Whether a line uses a name itself and through other lines, so that its local partial is not its derivative."""
    node = graph.by_name[asked.of.name]
    if not _links(graph, node, asked.wrt.name):
        return False
    longest = Formulas(differentiate(replace(graph, loss=node.name), (asked.wrt.name,))).path_counts[asked.wrt.name][1]
    return longest > 1


def _steps(graph: Graph, node: Node, asked: Derivative, place: Place) -> tuple[tuple[Link, ...], str]:
    """What leads from a line to a name, each way as one link, and what their sum is called."""
    wrt = asked.wrt.name
    if node.name == wrt and not asked.local:
        own = Ref(wrt, node.axes)
        return (Link(own, own, ONE, ()),), f"the derivative of {wrt} by itself"
    local = _links(graph, node, wrt)
    if asked.local:
        if not local:
            raise ClaimError(f"{asked.name}: the line {node.name} does not use {wrt} itself", place)
        return local, f"the local partial of the line {node.name}"
    if node.expr is None or wrt not in replace(graph, loss=node.name).ancestors:
        raise ClaimError(f"{asked.name}: {node.name} does not depend on {wrt}", place)
    formulas = Formulas(differentiate(replace(graph, loss=node.name), (wrt,)))
    count, longest = formulas.path_counts[wrt]
    if longest == 1:
        return local, f"the local partial of the line {node.name}"
    chains = formulas.chains(wrt)
    if count and not chains:
        raise ClaimError(f"{asked.name}: {_too_many(graph, asked, count)}", place)
    return tuple(_as_link(node, chain) for chain in chains), f"the derivative of {node.name} along all paths"


def _too_many(graph: Graph, asked: Derivative, count: int) -> str:
    """Why a derivative along so many paths is not judged, and which partial can be claimed."""
    of, wrt = asked.of.name, asked.wrt.name
    between = replace(graph, loss=of).ancestors
    users = [node.name for node in graph.lines if node.name in between and wrt in names(node.definition)]
    alone = of if of in users else users[-1]
    ways = f"{count:,} paths lead" if count > 1 else "a long path leads"
    remedy = f"write partial.{alone}.{wrt} for the partial of the line {alone} alone"
    return f"{ways} from {of} to {wrt}, more than is multiplied out; {remedy}"


def _as_link(node: Node, chain: Path) -> Link:
    """The product along a path as one step."""
    own = chain.links[-1].wrt.axes or ()
    inner = tuple(axis for axis in chain.summed if axis not in node.axes)
    product = collect(tuple(link.partial for link in chain.links)).tree()
    return Link(Ref(node.name, node.axes), Ref(chain.links[-1].wrt.name, own), product, inner)


def _target(asked: Derivative, found: tuple[Link, ...], places: _Places, meaning: str) -> Target:
    def total(values: Values[Any], where: Mapping[Axis, Index], *, differ: bool) -> Any:
        of = tuple(where[axis] for axis in places.of)
        wrt = tuple(where[axis] for axis in places.wrt)
        held = ((body, _holds(link, of, wrt, differ=differ)) for link, body in bodies)
        return values.numbers.sum([values.value(body, here) for body, here in held if here is not None])

    bodies = [(link, _body(link)) for link in found]
    closed = _in_one(found, places)
    own = [axis for axis in places.wrt if axis not in places.of]
    pairs = tuple((a, b) for a in places.of for b in own if a not in places.wrt and a.size == b.size)
    shown = Ascii().show(closed)
    right, elsewhere = partial(total, differ=False), partial(total, differ=True)
    return Target(
        asked.name, meaning, places.axes, right, shown, asked=asked, closed=closed, pairs=pairs, elsewhere=elsewhere
    )


def _body(link: Link) -> Expr:
    return Reduce("sum", link.partial, link.summed) if link.summed else link.partial


def _in_one(found: tuple[Link, ...], places: _Places) -> Expr:
    """The sum of all links along the axes of the target, those of equal entries with a Kronecker delta, (i == j)."""
    terms = []
    for link in found:
        letters: dict[Axis, Axis] = {}
        alike = []
        for axes, own in ((link.of.axes or (), places.of), (link.wrt.axes or (), places.wrt)):
            for axis, place in zip(axes, own, strict=True):
                if letters.setdefault(axis, place) != place:
                    alike.append(Apply("equal", (Position(letters[axis]), Position(place))))
        body = rename_axes(_body(link), letters)
        terms.append((bool(alike), reduce(_times, [*alike, body])))
    terms.sort(key=lambda term: not term[0])
    return reduce(_plus, (term for _, term in terms))


def _times(left: Expr, right: Expr) -> Expr:
    if isinstance(right, Apply) and right.op == "mul":
        return _times(_times(left, right.args[0]), right.args[1])
    return left if right == ONE else Apply("mul", (left, right))


def _plus(left: Expr, right: Expr) -> Expr:
    if isinstance(right, Apply) and right.op == "neg":
        return Apply("sub", (left, right.args[0]))
    return Apply("add", (left, right))


def limited(target: Target, letters: tuple[str, str], place: Place) -> Target:
    """The target where two of its indices differ, as a claim says that it is meant: for i != j.

    Raises `ClaimError` where the `letters` are not those of two entries of one size.
    """
    pair = next(((a, b) for a, b in target.pairs if {a.letter, b.letter} == set(letters)), None)
    if pair is None:
        one, other = letters
        expected = "expected the indices of a line and of what it is derived by, dp[i]/dz[j] = … for i != j"
        raise ClaimError(f"{one} and {other} are not two such indices on the left; {expected}", place)
    return apart(target, (pair,))


def apart(target: Target, pairs: tuple[tuple[Axis, Axis], ...]) -> Target:
    """The target where the indices of each pair differ."""
    differ = " and ".join(f"{a} is not {b}" for a, b in pairs)
    right = target.elsewhere if target.elsewhere is not None and set(pairs) == set(target.pairs) else target.right
    return replace(target, meaning=f"{target.meaning} where {differ}", apart=pairs, right=right)


def _holds(link: Link, of: tuple[Index, ...], wrt: tuple[Index, ...], *, differ: bool) -> Mapping[Axis, Index] | None:
    """The index of each axis of a link; None where it is about other entries.

    Raises `TooLargeError` where that depends on an index that is left open; two of them `differ`, or may be the same.
    """
    found: dict[Axis, Index] = {}
    for axes, index in ((link.of.axes or (), of), (link.wrt.axes or (), wrt)):
        for axis, part in zip(axes, index, strict=True):
            known = found.setdefault(axis, part)
            if known != part and not differ and not (isinstance(known, int) and isinstance(part, int)):
                raise TooLargeError
            if known != part:
                return None
    return found


def _places(node: Node, wrt: Node, asked: Derivative, found: tuple[Link, ...], place: Place) -> Iterator[_Places]:
    """The ways in which the indices can be meant: as written, else the diagonal and the whole Jacobian."""
    of = _written(node, asked.of.index, asked.of.name, place)
    own = _written(wrt, asked.wrt.index, asked.wrt.name, place)
    if asked.of.index is not None and asked.wrt.index is not None:
        _refuse_clashing(of, own, asked, place)
        yield _Places(of, own)
        return
    alike = [axis.size for axis in of] == [axis.size for axis in own]
    if asked.wrt.index is not None:
        diagonal = _Places(own, own)
        renamed = fresh_axes(of, own)
        pairs = {of[k]: axis for axis, k in zip(own, _shared(found), strict=True) if k is not None}
        whole = _Places(tuple(pairs.get(axis, renamed[axis]) for axis in of), own)
    else:
        diagonal, whole = _Places(of, of), _Places(of, _beside(of, own, found))
    ways = [whole, diagonal] if alike else [whole]
    if alike and any(link.of.axes == link.wrt.axes for link in found):
        ways.reverse()
    yield from dict.fromkeys(ways)


def _refuse_clashing(of: Axes, own: Axes, asked: Derivative, place: Place) -> None:
    """Raises `ClaimError` for two indices of the samples, and for a letter of two sizes."""
    others = [(a, b) for a in of for b in own if a != b]
    if any(a.size == b.size == SIZE for a, b in others):
        raise ClaimError(f"{asked.name}: expected the same index of the samples on both sides", place)
    if any(a.letter == b.letter for a, b in others):
        raise ClaimError(f"{asked.name}: one letter is an index of two sizes", place)


def _shared(found: tuple[Link, ...]) -> tuple[int | None, ...]:
    """For each axis of the operand the place of the axis of the line that it is in every link, if it is one."""
    every = []
    for link in found:
        of = link.of.axes or ()
        every.append([of.index(axis) if axis in of else None for axis in link.wrt.axes or ()])
    return tuple(places[0] if len(set(places)) == 1 else None for places in zip(*every, strict=True))


def _beside(of: Axes, own: Axes, found: tuple[Link, ...]) -> Axes:
    """The axes of the operand beside a line that is read along `of`."""
    taken = [*of]
    beside: list[Axis] = []
    for axis, place in zip(own, _shared(found), strict=True):
        beside.append(of[place] if place is not None else fresh_axis(axis, taken))
        taken.append(beside[-1])
    return tuple(beside)


def _written(node: Node, index: tuple[str | int, ...] | None, name: str, place: Place) -> Axes:
    """The axes with the letters that are written."""
    if index is None:
        return node.axes
    if len(index) != len(node.axes) or not all(isinstance(part, str) for part in index):
        raise ClaimError(f"{name}: expected a letter for each of its {len(node.axes)} axes", place)
    return tuple(Axis(str(part), axis.size) for part, axis in zip(index, node.axes, strict=True))


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

    `right` calculates it along `axes`; `shown` is how it reads, `closed` the same as a tree, `meaning` what it is.
    `asked` is the derivative that it is, if it is one. `pairs` are axes of it over the same entries, of a line and of
    what it is derived by; where some are `apart`, only entries with different indices are meant. Where all are,
    `elsewhere` is what is right, also at indices that are left open.
    """

    name: str
    meaning: str
    axes: Axes
    right: Side
    shown: str = ""
    rule: Rule | None = None
    gradient_of: str | None = None
    asked: Derivative | None = None
    pairs: tuple[tuple[Axis, Axis], ...] = ()
    apart: tuple[tuple[Axis, Axis], ...] = ()
    elsewhere: Side | None = None
    closed: Expr | None = None


def line(node: Node) -> Target:
    """The line as a target: a function of the parameters, constants and data."""
    return Target(
        node.name,
        f"the line {node.name}",
        node.axes,
        lambda values, where: values.named(node.name, tuple(where[axis] for axis in node.axes)),
        Ascii().show(node.definition),
        closed=node.definition,
    )


def gradient(derivation: Derivation, name: str, place: Place | None = None) -> Target:
    """∂loss/∂`name` as a target. Raises `ClaimError` for the number of samples."""
    graph = derivation.graph
    node = graph.by_name[name]
    if node.kind == "size":
        raise ClaimError(f"{name!r} is the number of samples; the loss is not differentiated by it", place)

    def right(values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        return values.gradient(name, tuple(where[axis] for axis in node.axes))

    closed = _closed(derivation, name)
    return Target(
        gradient_name(graph.loss, name),
        f"the gradient of {graph.loss}",
        node.axes,
        right,
        "" if closed is None else Ascii().show(closed),
        gradient_of=name,
        closed=closed,
        asked=Derivative(Entry(graph.loss), Entry(name)),
    )


def _closed(derivation: Derivation, name: str) -> Expr | None:
    if name not in derivation.graph.ancestors:
        return ZERO
    if name not in derivation.wrt:
        return None
    return Formulas(derivation).gradient(name).closed
