"""`seed_gradient`, the upstream gradient of a line that is not one number, as a last line of the graph.

Backpropagation starts on one number. Of a vector or matrix `y` with the upstream gradient `seed` it
starts on L = Σ seed · y, whose gradient with respect to y is the seed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from derive.algebra.expression import Apply, Expr, Reduce, Ref
from derive.errors import EquationError, Place
from derive.graph.node import SIZE, Node

SEEDED = ("L", "L_seed", "seeded_loss")  # what the loss may be called: the first that no line is


_LOSS = re.compile(r"l|loss|cost|error|e|j|mse|mae", re.IGNORECASE)  # what is meant to be one number


def may_be_open(name: str) -> bool:
    """Whether a last line may have several numbers, and be given an upstream gradient: where it is called no loss."""
    return _LOSS.fullmatch(name) is None


@dataclass(frozen=True)
class Upstream:
    """The seed as it is given: its `shape`, () for one number; `samples` is the number of rows of data, if any.

    Its shape is None where the seed is not given: it is then that of the line.
    """

    shape: tuple[int, ...] | None
    samples: int | None = None
    place: Place | None = None


def seeded(nodes: Mapping[str, Node], target: str, upstream: Upstream) -> tuple[Node, Node]:
    """Returns the node of the seed and that of the new loss, Σ seed · target.

    Raises `EquationError` for a seed that does not have the shape of the line `target`, of all samples, and for a
    line whose samples are not its first index.
    """
    line = nodes[target]
    name = _free(("seed", "upstream", "seed_gradient"), nodes)
    loss = _free(SEEDED, {*nodes, name})
    axes = () if upstream.shape == () else line.axes
    if axes or upstream.shape:
        _check(line, upstream)
    over_samples = any(axis.size == SIZE for axis in axes)
    seed = Node(name, "data" if over_samples else "constant", axes)
    product = Apply("mul", (Ref(name, axes), Ref(target, line.axes)))
    written: Expr = Apply("mul", (Ref(name), Ref(target)))
    note = f"`{name}` is the upstream gradient, ∂`{loss}`/∂`{target}`"
    if not line.axes:
        return seed, Node(loss, "line", (), product, written, note=note)
    return seed, Node(loss, "line", (), Reduce("sum", product, line.axes), Reduce("sum", written), note=note)


def _check(line: Node, upstream: Upstream) -> None:
    sizes = tuple(upstream.samples if axis.size == SIZE else axis.size for axis in line.axes)
    if upstream.shape is not None and sizes != upstream.shape:
        runs = f"runs over {', '.join(map(str, line.axes))}" if line.axes else "is one number"
        expected = f"numbers of the shape {_shown(sizes)}" if sizes else "one number"
        raise EquationError(
            f"seed_gradient has the shape {_shown(upstream.shape)}, but {line.name} {runs}; expected {expected}",
            upstream.place,
        )
    if any(axis.size == SIZE for axis in line.axes[1:]):
        raise EquationError(
            f"seed_gradient of {line.name}, whose samples are not its first index; write them first", upstream.place
        )


def _shown(shape: Collection[object]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _free(wanted: tuple[str, ...], taken: Collection[str]) -> str:
    """The first of the `wanted` names that is not taken, or one with a number."""
    numbered = (f"{wanted[0]}{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*wanted, *numbered) if name not in taken)
