"""Clipped gradients in one number system, as torch.nn.utils.clip_grad_norm_ and clip_grad_value_ make them.

PyTorch takes the norm of each gradient, and then the norm of these norms. In the 16-bit formats it gathers
each of them in float32 and rounds it once.
"""

from __future__ import annotations

import numpy as np

from derive.training.clipping import NORM, TINY, Clip
from verify.hand.evaluation import Array, NumberSystem, Values
from verify.intervals import RoundedPairs
from verify.numbers import FORMATS


def clipped(system: NumberSystem, clip: Clip, gradients: Values, steps: int = 0) -> dict[str, Array]:
    """The `gradients`, by parameter, after clipping; the first `steps` dimensions (0 or 1) count steps side by side."""
    limit = system.constant(clip.limit)
    if clip.by != NORM:
        low = system.apply("neg", (limit,))
        kept = {name: system.apply("max", (value, low)) for name, value in gradients.items()}
        return {name: system.apply("min", (value, limit)) for name, value in kept.items()}
    norms = [_norm(system, value.reshape((*value.shape[:steps], -1))) for value in gradients.values()]
    total = _norm(system, np.stack(norms, axis=-1))
    # max_norm / (total_norm + 1e-6), which PyTorch calculates as a reciprocal times max_norm
    inverse = system.apply("div", (system.constant(_ONE), system.apply("add", (total, system.constant(TINY)))))
    share = system.apply("min", (system.apply("mul", (inverse, limit)), system.constant(_ONE)))
    if not steps and share.item() == 1:
        return dict(gradients)  # by hand: fractions stay fractions
    return {
        name: system.apply("mul", (value, share.reshape((*share.shape, *[1] * (value.ndim - steps)))))
        for name, value in gradients.items()
    }


_ONE = TINY / TINY


def _norm(system: NumberSystem, array: Array) -> Array:
    """The root of the sum of squares over the last dimension."""
    inner = FORMATS[system.format.name].inner if isinstance(system, RoundedPairs) else None
    within = system if inner is None else RoundedPairs(inner.name)
    squares = within.apply("mul", (array, array))
    found = within.apply("sqrt", (within.reduce("sum", squares),))
    return found if inner is None else system.cast(found)
