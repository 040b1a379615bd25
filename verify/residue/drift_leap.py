"""How far rounding can have carried a long run whose steps are linear: Σ |Aⁱ| ε over all epochs, by doubling.

Every epoch takes the state s to A·s + c, and a program's to A·s + c + e with |e| ≤ ε. After n epochs they are at most
|Aⁿ|·δ + Σ |Aⁱ|·ε apart. ε is what rounding does in an epoch anywhere between the bounds of the run: the radius of the
rounded step on all these states, beyond that of the same step without rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from flint import arb_mat

from verify.hand.leap import Leaps
from verify.intervals import pairs
from verify.numbers import Array, Floats

_UP = 1 + 2.0**-30  # for the float64 arithmetic of the bound itself
Widths = Callable[[int, Mapping[str, Array]], tuple[Floats, Floats]]  # radii of a batch's state: rounded, and not


def long_drift(
    leap: Leaps, epochs: int, begun: Floats, start: Floats, first_move: Floats, widths: Widths
) -> Floats | None:
    """How far each number of the state can be off after some epochs; None where that is more than the run itself.

    `begun` is how far it was off at first, `start` the sizes of the state then, `first_move` how far the first of the
    epochs moves it, and `widths` gives, for a batch of the epoch and the states that it may meet, the radii of the
    state after it, with rounding and without.
    """
    reach = (start + _gathered(leap, epochs, first_move)) * 2  # the drift itself is in the other half
    found, own = np.zeros_like(reach), reach
    for place, matrix in enumerate(leap.steps):
        rounded, exact = widths(place, _everywhere(leap, own))
        found = _sizes(matrix)[:-1, :-1] @ found + np.maximum(rounded - exact, 0.0) * _UP
        sizes = _sizes(matrix)
        own = (sizes[:-1, :-1] @ own + sizes[:-1, -1]) * _UP
    drift = (_sizes(leap.power(epochs))[:-1, :-1] @ begun + _gathered(leap, epochs, found)) * _UP
    return drift if np.isfinite(drift).all() and (drift <= reach / 2).all() else None


def _gathered(leap: Leaps, epochs: int, each: Floats) -> Floats:
    """Σ |Aⁱ|·each over that many epochs: twice as many are the first ones, and |Aⁿ| times as much once more."""
    total, done = np.zeros_like(each), 0
    for bit in f"{epochs:b}":
        total = total + _sizes(leap.power(done))[:-1, :-1] @ total
        done *= 2
        if bit == "1":
            total = total + _sizes(leap.power(done))[:-1, :-1] @ each
            done += 1
    return total * _UP


def _sizes(matrix: arb_mat) -> Floats:
    """The absolute values of a matrix, from above."""
    rows = [[float(abs(matrix[i, j]).upper()) for j in range(matrix.ncols())] for i in range(matrix.nrows())]
    return np.array(rows) * _UP


def _everywhere(leap: Leaps, reach: Floats) -> dict[str, Array]:
    """All states of these sizes, as pairs, one step side by side."""
    found: dict[str, Array] = {}
    begun = 0
    for name, shape in leap.names:
        count = int(np.prod(shape, dtype=int))
        found[name] = pairs(np.zeros((1, *shape)), reach[begun : begun + count].reshape((1, *shape)))
        begun += count
    return found
