"""Many literals at once are what each is by itself."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import example, given
from hypothesis import strategies as st

from verify.intervals import Enclosed, RoundedPairs
from verify.numbers import Exact, Forms, Rounded

FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(Fraction)
SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32).map(Fraction)
DECIMALS = st.decimals(-100, 100, places=3).map(Fraction)
EXTREME = st.builds(
    lambda top, power: Fraction(top) * Fraction(10) ** power, st.integers(-99, 99), st.integers(-400, 400)
)
LITERALS = st.lists(FLOATS | SINGLES | DECIMALS | EXTREME | st.fractions(), max_size=8)


@given(LITERALS)
@example([])
def test_exact_literals_are_exact(values: list[Fraction]) -> None:
    wanted = [fmpq(value.numerator, value.denominator) for value in values]
    assert list(Exact().constants(values)) == wanted
    found = list(Forms().constants(values))
    assert [form.centre for form in found] == wanted
    assert all(form.is_fixed for form in found)


@given(LITERALS)
@example([Fraction(10) ** 400, Fraction(1, 3), Fraction(1, 2)])
@example([Fraction(5e-324), Fraction(5e-324) / 2, Fraction(1, 10**400)])
def test_a_pair_holds_its_literal_and_is_exact_where_that_is_a_float(values: list[Fraction]) -> None:
    for value, pair in zip(values, Enclosed().constants(values), strict=True):
        if not np.isfinite(pair["mid"]):
            assert abs(value) > Fraction(2) ** 1023
            continue
        assert abs(Fraction(float(pair["mid"])) - value) <= Fraction(float(pair["rad"]))
        assert (pair["rad"] == 0) == (Fraction(float(pair["mid"])) == value)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@given(values=LITERALS)
def test_what_a_format_stores_of_a_literal_lies_in_its_pair(dtype: str, values: list[Fraction]) -> None:
    system = RoundedPairs(dtype)
    for value, pair in zip(values, system.constants(values), strict=True):
        stored = system.format.nearest(value)
        if stored is not None and np.isfinite(pair["mid"]):
            assert abs(Fraction(float(pair["mid"])) - stored) <= Fraction(float(pair["rad"]))
            assert pair["rad"] > 0 or stored == value


@given(SINGLES.filter(lambda value: abs(value) < 2**127))  # beside the largest it is not known whether it overflows
def test_a_single_is_stored_as_it_is(value: Fraction) -> None:
    pair = RoundedPairs("float32").constants([value])[0]
    assert pair["rad"] == 0
    assert Fraction(struct.unpack("f", struct.pack("f", float(value)))[0]) == Fraction(float(pair["mid"])) == value


@pytest.mark.parametrize(
    "system", [Exact(), Forms(), Enclosed(), Rounded("float64"), Rounded("float32"), RoundedPairs("float32")]
)
@given(values=LITERALS)
def test_one_literal_is_taken_as_many_are(system: Exact, values: list[Fraction]) -> None:
    def shown(number: object) -> object:
        if isinstance(number, arb):
            return number.mid_rad_10exp() if number.is_finite() else "unknown"
        return str(number)

    many = [shown(number) for number in system.constants(values)]
    assert many == [shown(system.constant(value).reshape(1)[0]) for value in values]
    assert all(system.constant(value).shape == () for value in values)
