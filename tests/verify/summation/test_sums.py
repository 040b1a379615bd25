"""What a derivation adds up is matched with the calls of PyTorch."""

from tests.summation_orders import in_halves, in_turn
from verify.summation.sums import FEWEST, Asked, Known, Made, Sum, in_any_order, matched, product

LONG = 64
ROWS, COLUMNS = Sum((LONG, 10)), Sum((LONG, 3))
LAYER = product(LONG, 1, 32, 8)


def test_a_product_is_that_of_the_transposed_matrices() -> None:
    assert product(5, 2, 3, 4) == product(5, 2, 4, 3) != product(5, 2, 3, 5)


def test_a_sum_with_a_call_has_its_order() -> None:
    found = matched([Asked(LAYER)], [Made(LAYER, (in_turn(LONG),))])
    assert found.of(LAYER) == Known(LONG - 1, in_turn(LONG))
    assert (found.long, found.known) == (1, 1)
    assert found.of(ROWS) == in_any_order(LONG)  # a sum is no product


def test_what_no_call_makes_is_bounded_in_any_order() -> None:
    """Two such sums and one call: PyTorch makes one of them otherwise, and which is not known."""
    found = matched([Asked(LAYER), Asked(LAYER), Asked(ROWS)], [Made(LAYER, (in_halves(LONG),))])
    assert found.of(LAYER) == found.of(ROWS) == in_any_order(LONG)
    assert (found.long, found.known) == (3, 0)


def test_sums_of_as_many_terms_share_what_is_true_of_all() -> None:
    """A bound is looked up by the number of terms: what is not known of one shape is not known of the others."""
    calls = [Made(ROWS, (in_halves(LONG),)), Made(COLUMNS, (in_turn(LONG),))]
    assert matched([Asked(ROWS), Asked(COLUMNS)], calls).of(ROWS) == Known(LONG - 1, None)
    assert matched([Asked(ROWS), Asked(COLUMNS)], calls[:1]).of(ROWS) == in_any_order(LONG)
    assert matched([Asked(ROWS)], [calls[0], Made(COLUMNS, ())]).of(ROWS) == in_any_order(LONG)


def test_results_in_several_orders_have_the_deepest() -> None:
    found = matched([Asked(LAYER)], [Made(LAYER, (in_halves(LONG), in_turn(LONG)))])
    assert found.of(LAYER) == Known(LONG - 1, None)


def test_over_several_axes_only_the_depth_is_used() -> None:
    """A call may count the terms of two axes in another order than the derivation."""
    made = Made(LAYER, (in_halves(LONG),))
    assert matched([Asked(LAYER, in_a_row=False)], [made]).of(LAYER) == Known(6, None)
    assert matched([Asked(LAYER)], [Made(LAYER, (in_halves(LONG),), in_a_row=False)]).of(LAYER) == Known(6, None)


def test_short_sums_are_not_looked_at() -> None:
    short = Sum((FEWEST - 1, 1))
    found = matched([Asked(short)], [Made(short, (in_halves(FEWEST - 1),))])
    assert (found.long, found.of(short)) == (0, in_any_order(FEWEST - 1))
