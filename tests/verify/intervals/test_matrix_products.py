"""Products of matrices of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.intervals import Contraction, Enclosed, Products, RoundedPairs, matrix_products
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
    sizes = Products().of(left, right).sizes
    found = []
    for few in (1, 2, 8, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(matrix_products, "FEW", few)
            exact = matrix_products.multiplies_exactly(left, right, sizes, FORMATS[name], flushes=flushes)
        found.append(exact.tolist())
    assert found.count(found[-1]) == len(found)


ROWS_BY_COLUMNS = Contraction((True, False, True), (False, True, True), 1)  # over the rows, the columns and the sum


@given(st.integers(0, 99), st.booleans())
def test_a_product_that_is_made_once_gives_every_system_what_it_makes_alone(seed: int, is_moved: bool) -> None:
    draws = np.random.default_rng(seed)
    left, right = draws.normal(size=(2, 30, 1, 40)), draws.normal(size=(2, 1, 20, 40))
    radii = draws.random(left.shape) * 1e-9
    products = Products()
    for system in (RoundedPairs("float32"), Enclosed(), RoundedPairs("float64")):
        operands = pairs(left, radii), pairs(right)
        found = system.sharing(products).contract(ROWS_BY_COLUMNS, *operands)
        np.testing.assert_array_equal(found, system.contract(ROWS_BY_COLUMNS, *operands))
        radii = radii * 2
        if is_moved:  # then it is another product
            left = left + 2.0**-40


def test_a_product_is_made_once_for_the_same_midpoints() -> None:
    left, right = pairs(np.ones((1, 3, 4)), 0.1), pairs(np.full((1, 4, 2), 2.0))
    products = Products()
    first = products.of(left, right)
    assert products.of(pairs(left["mid"], 0.5), right) is first
    assert products.of(left, pairs(right["mid"] + 1)) is not first
    np.testing.assert_array_equal(first.product, np.full((1, 3, 2), 8.0))
    unknown = pairs(np.full((1, 3, 4), np.nan))
    assert np.isnan(products.of(unknown, right).product).all()
