"""What the indices of equations say of shapes: with how many a name is written, and which run over the samples.

Every place of every name is a slot; one letter in one line ties its slots together, and so does one name across lines:
`x[i,j]` and `W[j,k]` share a size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from derive.algebra.expression import PICKED, Apply, Axes, Reduce, Ref, refs, walk
from derive.algebra.operations import OVER_AXES
from derive.paper.lines import Line
from derive.shapes.ties import OF_LETTER, OF_NAME, Size, Ties, root, tied


@dataclass(frozen=True)
class Indexed:
    """The free names that are written with indices, each with their number, and those whose first is the samples.

    `letters` has each slot, a name and a place, in the order of the paper, with the letter it is first written with.
    """

    ranks: Mapping[str, int]
    samples: frozenset[str]
    letters: Mapping[tuple[str, int], str]


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


def read_indices(lines: tuple[Line, ...], free: Collection[str], candidates: Collection[str]) -> Indexed:
    """Returns what indices say of the `free` names; the first of `candidates`, names of data, runs over the samples.

    It does not where a free name that is no candidate has an index over the same values: Σⱼ w[j] x[j] sums over inputs.
    """
    pairs: list[tuple[Size, Size]] = []
    letters: dict[tuple[str, int], str] = {}
    for number, line in enumerate(lines):
        written = [(line.name, line.axes or ())]
        written += [(ref.name, ref.axes) for ref in refs(line.expr) if ref.axes is not None]
        for name, axes in written:
            for place, axis in enumerate(axes):
                if axis.letter == PICKED:
                    letters.setdefault((name, place), PICKED)
                    continue
                pairs.append((_slot(name, place), f"{OF_LETTER}{number} {axis.letter}"))
                if letters.setdefault((name, place), axis.letter) == PICKED:
                    letters[name, place] = axis.letter
    ties = tied({}, pairs) or {}
    ranks = {name: rank for name in free if (rank := _rank(name, lines))}
    over = _samples(ties, ranks, candidates)
    samples = frozenset(name for name in candidates if name in ranks and root(ties, _slot(name, 0)) in over)
    return Indexed(ranks, samples, letters)


def _slot(name: str, place: int) -> Size:
    return f"{OF_NAME}{name}.{place}"


def _rank(name: str, lines: Iterable[Line]) -> int:
    """With how many indices a name is written."""
    axes: list[Axes] = [ref.axes for line in lines for ref in refs(line.expr) if ref.name == name and ref.axes]
    return len(axes[0]) if axes else 0


def _samples(ties: Ties, ranks: Mapping[str, int], candidates: Collection[str]) -> set[Size]:
    """What stands for the groups of slots that are the samples."""

    def roots(names: Iterable[str], first: int, last: int | None = None) -> set[Size]:
        slots = (_slot(name, place) for name in names for place in range(ranks.get(name, 0))[first:last])
        return {root(ties, slot) for slot in slots}

    others = roots((name for name in ranks if name not in candidates), 0)
    return roots(candidates, 0, 1) - others - roots(candidates, 1)
