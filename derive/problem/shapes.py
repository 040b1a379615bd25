"""Shapes read off the indices of equations alone: `x[i,j]` and `W[j,k]` share the size J.

Every place of every name is a slot; one letter in one line ties its slots together, and so does
one name across lines. A tied group is one size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from derive.algebra.expression import PICKED, Apply, Axes, Reduce, Ref, refs, walk
from derive.algebra.operations import OVER_AXES
from derive.graph.node import SIZE
from derive.paper.lines import Line

Slot = tuple[str, int]  # a name and the place of an index, or ("line 3", letter's number) while tying


@dataclass(frozen=True)
class Sizes:
    """The shapes of the names that are written with indices; a size is a name such as "J", or "n".

    `samples` are the names of data whose first index runs over the samples.
    """

    shapes: dict[str, tuple[str, ...]]
    samples: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The names of the sizes."""
        return frozenset(size for shape in self.shapes.values() for size in shape)


def index_letters(line: Line) -> frozenset[str]:
    """Returns every letter that is written as an index in the line."""
    found = {axis.letter for axis in line.axes or ()}
    for part in walk(line.expr):
        if isinstance(part, Ref | Reduce):
            found.update(axis.letter for axis in part.axes or ())
    return frozenset(found)


def trailing_indices(line: Line) -> Iterator[Ref]:
    """Yields the references that may be indices rather than names, such as the last k of `max(z[i,k], k)`."""
    for part in walk(line.expr):
        if isinstance(part, Apply) and part.op in OVER_AXES:
            for arg in reversed(part.args[1:]):
                if not isinstance(arg, Ref) or arg.axes is not None:
                    break
                yield arg


def infer(lines: tuple[Line, ...], free: Collection[str], candidates: Collection[str]) -> Sizes:
    """Returns the shapes of the `free` names; the first index of `candidates`, names of data, runs over the samples.

    It does not where a free name that is no candidate has an index over the same values: Σⱼ w[j] x[j] sums over inputs.
    """
    ties = _Ties()
    letters: dict[Slot, str] = {}
    for number, line in enumerate(lines):
        written = [(line.name, line.axes or ())]
        written += [(ref.name, ref.axes) for ref in refs(line.expr) if ref.axes is not None]
        for name, axes in written:
            for place, axis in enumerate(axes):
                if axis.letter == PICKED:
                    letters.setdefault((name, place), PICKED)
                    continue
                ties.tie((name, place), (f"{number} {axis.letter}", 0))
                if letters.setdefault((name, place), axis.letter) == PICKED:
                    letters[name, place] = axis.letter
    ranks = {name: _rank(name, lines) for name in free}
    samples = _samples(ties, ranks, candidates)
    named: dict[Slot, str] = dict.fromkeys(samples, SIZE)
    arrays = {name for name, _ in letters} | {line.name for line in lines}
    for slot, letter in letters.items():
        root = ties.root(slot)
        if root not in named:
            named[root] = _size_name(letter, {*named.values(), *arrays})
    shapes = {name: tuple(named[ties.root((name, place))] for place in range(rank)) for name, rank in ranks.items()}
    over_samples = frozenset(name for name in candidates if shapes.get(name, ("",))[:1] == (SIZE,))
    return Sizes({name: shape for name, shape in shapes.items() if shape}, over_samples)


def _rank(name: str, lines: Iterable[Line]) -> int:
    """With how many indices a name is written."""
    axes: list[Axes] = [ref.axes for line in lines for ref in refs(line.expr) if ref.name == name and ref.axes]
    return len(axes[0]) if axes else 0


def _samples(ties: _Ties, ranks: dict[str, int], candidates: Collection[str]) -> set[Slot]:
    """The roots of the groups that are the samples."""
    others = {
        ties.root((name, place)) for name, rank in ranks.items() for place in range(rank) if name not in candidates
    }
    inner = {ties.root((name, place)) for name in candidates for place in range(1, ranks.get(name, 0))}
    first = {ties.root((name, 0)) for name in candidates if ranks.get(name)}
    return first - others - inner


def _size_name(letter: str, taken: Collection[str]) -> str:
    """The upper-case letter, with a number where it means another size already."""
    letter = "m" if letter == PICKED else letter
    wanted = letter.upper() if letter.upper() != letter else f"N_{letter}"
    numbered = (f"{wanted}{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)


class _Ties:
    """Groups of slots that have one size (union and find)."""

    def __init__(self) -> None:
        self.above: dict[Slot, Slot] = {}

    def root(self, slot: Slot) -> Slot:
        """What stands for the group of `slot`."""
        while (above := self.above.setdefault(slot, slot)) != slot:
            slot = above
        return slot

    def tie(self, first: Slot, second: Slot) -> None:
        """Makes two groups one."""
        self.above[self.root(first)] = self.root(second)
