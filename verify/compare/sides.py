"""NaN of PyTorch alone: from the side of `where` that is not chosen, whose derivative it multiplies by 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derive.graph.gradient_names import gradient_name
from verify.bound.bound import AtState, Bound
from verify.names import adjoint_of
from verify.numbers import Array, Truth

_SIDE = "the side of where that is not chosen by 0, and that derivative"


def notes_on_sides(bound: Bound, at_state: AtState, loss: str) -> Iterator[tuple[int, str]]:
    """For each gradient of PyTorch that is NaN for that reason, the number of the step and a sentence.

    It is said where the exact derivative has a value at PyTorch's own state, and none once the derivative of the side
    that is not chosen is multiplied by 0 instead of left out.
    """
    for place, step in enumerate(at_state.steps):
        lacking = [name for name, gradient in step.gradients.items() if np.isnan(gradient).any()]
        whole = bound.of_both_sides((step,)) if lacking else {}
        for name in lacking if whole else ():
            gradient, own = step.gradients[name], adjoint_of(name)
            chosen = _has_value(bound, at_state.exact[own], (len(at_state.steps), *gradient.shape))[place]
            both = _has_value(bound, whole[own], (1, *gradient.shape))[0]
            if bool((np.isnan(gradient) & chosen & ~both).any()):
                where = f"{step.batch}: {gradient_name(loss, name)} is nan in PyTorch alone"
                yield step.batch.step, f"{where}: it multiplies the derivative of {_SIDE} has no value there"


def _has_value(bound: Bound, numbers: Array, shape: tuple[int, ...]) -> Truth:
    return np.asarray(np.isfinite(bound.exact.system.size(np.broadcast_to(numbers, shape))))
