"""NaN of PyTorch alone: from the side of `where` that is not chosen, whose derivative it multiplies by 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derive.graph.gradient_names import gradient_name
from verify.bound.bound import AtState, Bound
from verify.names import adjoint_of
from verify.numbers import Array, Truth
from verify.record import any_entry

_SIDE = "the side of where that is not chosen by 0, and that derivative"


def notes_on_sides(bound: Bound, at_state: AtState, loss: str) -> Iterator[tuple[int, str]]:
    """For each gradient of PyTorch that is NaN for that reason, the number of the step and a sentence.

    It is said where the exact derivative has a value at PyTorch's own state, and none once the derivative of the side
    that is not chosen is multiplied by 0 instead of left out.
    """
    block = at_state.block
    lacking = {name: any_entry(np.isnan(block.floats("gradients", name))) for name in block.gradients}
    for place in map(int, np.flatnonzero(any_entry(np.stack(list(lacking.values()), axis=1)))) if lacking else ():
        whole = bound.of_both_sides(block.part(place, place + 1))
        for name in (name for name, steps in lacking.items() if whole and steps[place]):
            gradient, own = block.floats("gradients", name)[place], adjoint_of(name)
            chosen = _has_value(bound, at_state.exact[own], (len(block), *gradient.shape))[place]
            both = _has_value(bound, whole[own], (1, *gradient.shape))[0]
            if bool((np.isnan(gradient) & chosen & ~both).any()):
                batch = block.batches[place]
                where = f"{batch}: {gradient_name(loss, name)} is nan in PyTorch alone"
                yield batch.step, f"{where}: it multiplies the derivative of {_SIDE} has no value there"


def _has_value(bound: Bound, numbers: Array, shape: tuple[int, ...]) -> Truth:
    return np.asarray(np.isfinite(bound.exact.system.size(np.broadcast_to(numbers, shape))))
