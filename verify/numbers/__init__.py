"""Number systems of single numbers: exact numbers, and balls that round as PyTorch does.

Nothing outside this package and `verify.intervals` knows how a number is represented. Balls are `flint.arb`: a midpoint
and a radius that is proven to contain the exact value (F. Johansson, "Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Computers 66 (2017)).
"""

from verify.numbers.affine import Form, Forms, HandForms, between, fixed, forms, shortened, unknown
from verify.numbers.arithmetic import Arithmetic, read_arithmetic
from verify.numbers.by_element import Array, ByElement, objects
from verify.numbers.distance import Distance
from verify.numbers.elements import MAX_FRACTION_BITS, CalculationError, element, expansion
from verify.numbers.formats import FORMATS, Floats, Format, Truth
from verify.numbers.once import ExactOnce
from verify.numbers.pocket import FEWEST, Carried, PocketForms, PocketNumbers, Rounds, carried, likely
from verify.numbers.recorded import NotRecordedError, Recorded, Repeated, Shaped, repeated
from verify.numbers.rounded_forms import RoundedForms
from verify.numbers.scalars import (
    Exactly,
    as_ball,
    decimal,
    exact_float,
    float_ball,
    from_float,
    from_fraction,
    is_finite,
    is_moderate,
    is_sharp,
    middle,
    midpoint,
    precision,
    radius,
    to_float,
    to_fraction,
)
from verify.numbers.systems import Exact, Rounded, nearest_floats

__all__ = [
    "FEWEST",
    "FORMATS",
    "MAX_FRACTION_BITS",
    "Arithmetic",
    "Array",
    "ByElement",
    "CalculationError",
    "Carried",
    "Distance",
    "Exact",
    "ExactOnce",
    "Exactly",
    "Floats",
    "Form",
    "Format",
    "Forms",
    "HandForms",
    "NotRecordedError",
    "PocketForms",
    "PocketNumbers",
    "Recorded",
    "Repeated",
    "Rounded",
    "RoundedForms",
    "Rounds",
    "Shaped",
    "Truth",
    "as_ball",
    "between",
    "carried",
    "decimal",
    "element",
    "exact_float",
    "expansion",
    "fixed",
    "float_ball",
    "forms",
    "from_float",
    "from_fraction",
    "is_finite",
    "is_moderate",
    "is_sharp",
    "likely",
    "middle",
    "midpoint",
    "nearest_floats",
    "objects",
    "precision",
    "radius",
    "read_arithmetic",
    "repeated",
    "shortened",
    "to_float",
    "to_fraction",
    "unknown",
]
