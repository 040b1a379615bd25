"""The formats of PyTorch: which numbers they hold."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.numbers import FORMATS


@pytest.mark.parametrize("dtype", FORMATS)
@given(value=st.fractions(-10, 10) | st.floats(-6e4, 6e4).map(Fraction))
def test_no_number_of_the_format_is_nearer_than_the_nearest(dtype: str, value: Fraction) -> None:
    nearest = FORMATS[dtype].nearest(value)
    assert nearest is not None
    held = torch.tensor(float(nearest), dtype=getattr(torch, dtype))
    assert Fraction(held.item()) == nearest
    for end in (-torch.inf, torch.inf):
        beside = torch.nextafter(held, torch.tensor(end, dtype=held.dtype)).item()
        assert abs(nearest - value) <= abs(Fraction(beside) - value)


def test_beyond_the_range_there_is_none() -> None:
    assert FORMATS["float16"].nearest(Fraction(65504)) == 65504
    assert FORMATS["float16"].nearest(Fraction(70000)) is None
    assert FORMATS["float64"].nearest(Fraction(10) ** 400) is None


@pytest.mark.parametrize("dtype", FORMATS)
@given(digits=st.integers(1, 18), power=st.integers(-400, 400), data=st.data())
def test_a_number_of_few_digits_is_a_rounded_one_of_the_format(
    dtype: str, digits: int, power: int, data: st.DataObject
) -> None:
    value = data.draw(st.integers(10 ** (digits - 1), 10**digits - 1)) * Fraction(10) ** power
    nearest = FORMATS[dtype].nearest(value)
    if FORMATS[dtype].has_digits(_as_float(value), digits):
        assert nearest is not None
        assert abs(nearest - value) <= Fraction(10) ** power / 2


def test_of_which_numbers_that_is_seen() -> None:
    single = FORMATS["float32"]
    assert single.has_digits(3.14159, 6)
    assert not single.has_digits(3.1415926, 8)
    assert not single.has_digits(3e-40, 1)  # below the normal ones
    assert not single.has_digits(3e39, 1)
    assert not single.has_digits(0.0, 0)
    assert not single.has_digits(math.nan, 3)


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.nan
