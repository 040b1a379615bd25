"""Number systems: exact rationals and balls, balls that also round like PyTorch, and float64.

Nothing outside this package knows how a number is represented. Balls are `flint.arb`: a midpoint
and a radius that is proven to contain the exact value (F. Johansson, "Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Computers 66 (2017)).
"""

from verify.numbers.elements import MAX_FRACTION_BITS, CalculationError, element, expansion
from verify.numbers.scalars import (
    Exactly,
    as_ball,
    float_ball,
    from_float,
    from_fraction,
    is_finite,
    is_sharp,
    precision,
    radius,
    to_float,
    to_fraction,
)
from verify.numbers.systems import FORMATS, Array, Exact, Float64, Format, Rounded, objects

__all__ = [
    "FORMATS",
    "MAX_FRACTION_BITS",
    "Array",
    "CalculationError",
    "Exact",
    "Exactly",
    "Float64",
    "Format",
    "Rounded",
    "as_ball",
    "element",
    "expansion",
    "float_ball",
    "from_float",
    "from_fraction",
    "is_finite",
    "is_sharp",
    "objects",
    "precision",
    "radius",
    "to_float",
    "to_fraction",
]
