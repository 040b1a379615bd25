"""The formats of PyTorch: which numbers they hold."""

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
