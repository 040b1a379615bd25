"""Products of matrices of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.intervals import midpoint_radius
from verify.intervals.midpoint_radius import pairs
from verify.numbers import FORMATS


@given(st.integers(1, 20), st.integers(0, 99), st.sampled_from(["float32", "float64", "bfloat16"]), st.booleans())
def test_whether_a_product_of_matrices_is_exact_does_not_hang_on_how_many_numbers_are_looked_at_first(
    terms: int, seed: int, name: str, flushes: bool
) -> None:
    draws = np.random.default_rng(seed)
    shapes = (1, 3, terms), (1, terms, 4)
    left, right = (
        pairs(draws.integers(-9, 10, shape) * 2.0 ** draws.integers(-20, 2, shape) * draws.integers(0, 2, shape))
        for shape in shapes
    )
    _, sizes, _ = midpoint_radius.matrix_product(left, right)
    found = []
    for few in (1, 2, 8, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(midpoint_radius, "FEW", few)
            exact = midpoint_radius.multiplies_exactly(left, right, sizes, FORMATS[name], flushes=flushes)
        found.append(exact.tolist())
    assert found.count(found[-1]) == len(found)
