"""The left side of a line with indices, `z[i,k] = …`: it says in which order the axes stand."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.axes import shape_text
from derive.algebra.expression import PICKED, Axes, Reduce, refs, walk
from derive.errors import EquationError
from derive.paper.lines import Line


def ordered(line: Line, axes: Axes) -> Axes:
    """The axes of the right side in the order of the left side; raises `EquationError` where they are others."""
    letters = [axis.letter for axis in line.axes or ()]
    if sorted(letters) != sorted(axis.letter for axis in axes):
        shown = f"runs over {', '.join(map(str, axes))}, sizes {shape_text(axes)}" if axes else "is one number"
        left = f"{line.name}[{','.join(letters)}]"
        raise EquationError(f"{left}: the right side {shown}; {_remedy(line, letters, axes)}", line.place)
    return tuple(sorted(axes, key=lambda axis: letters.index(axis.letter)))


def _remedy(line: Line, letters: Sequence[str], axes: Axes) -> str:
    """What to write where the two sides have different indices."""
    if over := _unsaid(line, letters):
        return f"without its index a sum or a mean is over all of them: write {over}"
    more = [str(axis) for axis in axes if axis.letter not in letters]
    if more:
        return f"expected the same indices: sum over {', '.join(more)}, or name it on the left"
    missing = ", ".join(sorted(set(letters) - {axis.letter for axis in axes}))
    return f"expected the same indices; {missing} does not occur on the right" if missing else "name each once"


def _unsaid(line: Line, letters: Sequence[str]) -> str:
    """`sum(…, j)` for a sum over j that is written without its index; empty where there is none."""
    for part in walk(line.expr):
        if isinstance(part, Reduce) and part.axes is None:
            written = (axis.letter for ref in refs(part.body) for axis in ref.axes or ())
            summed_over = [letter for letter in dict.fromkeys(written) if letter not in (*letters, PICKED)]
            if summed_over:
                return f"{part.op}(…, {', '.join(summed_over)})"
    return ""
