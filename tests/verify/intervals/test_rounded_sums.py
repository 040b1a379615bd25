"""A sum whose order is known lies in a radius of the sizes of its partial sums."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.summation_orders import added, in_halves, in_turn, orders, partial_sums_of
from verify.intervals import Contraction, RoundedPairs, contraction, pairs
from verify.numbers import FORMATS
from verify.summation.order import Order
from verify.summation.sums import Known, Orders, Sum, product

ROWS_BY_COLUMNS = Contraction((True, False, True), (False, True, True), 1)
UNIT = 2.0**-24
KINDS = ("signs", "one sign", "spread", "cancelling", "zeros")


def knowing(order: Order, *sums: Sum) -> RoundedPairs:
    """The system in which such sums are made in this order."""
    return RoundedPairs("float32", Orders({own.key: Known(order.depth, order) for own in sums}))


def drawn(kind: str, shape: tuple[int, ...], seed: int) -> Any:
    """Terms in float32."""
    random = np.random.default_rng(seed)
    found = random.normal(size=shape)
    if kind == "one sign":
        found = random.random(shape)
    if kind == "spread":
        found *= np.exp(5 * random.normal(size=shape))
    if kind == "cancelling":
        found[..., 1::2] = -found[..., : shape[-1] - 1 : 2] * (1 + 1e-6)
    if kind == "zeros":
        found[random.random(shape) < 0.7] = 0
    return found.astype(np.float32)


def exact(terms: Any) -> Fraction:
    return sum((Fraction(float(term)) for term in terms), Fraction(0))


@given(orders(), st.integers(0, 2**32), st.sampled_from(KINDS))
def test_what_is_added_in_this_order_lies_in_the_pair(order: Order, seed: int, kind: str) -> None:
    terms = drawn(kind, (order.count,), seed)
    found = knowing(order, Sum((order.count, 1))).reduce("sum", pairs(terms))
    for number in (Fraction(float(added(order, terms))), exact(terms)):
        assert abs(number - Fraction(float(found["mid"]))) <= Fraction(float(found["rad"]))
    assert found["rad"] <= RoundedPairs("float32").reduce("sum", pairs(terms))["rad"]


@given(orders(), st.integers(0, 2**32), st.sampled_from(KINDS), st.sampled_from([0.0, 1e-6]))
def test_also_where_every_addition_errs_to_the_same_side(order: Order, seed: int, kind: str, radius: float) -> None:
    """Terms at the ends of their radii, each addition off by u of its result: the largest error that is possible."""
    terms = drawn(kind, (order.count,), seed).astype(float)
    given_pairs = pairs(terms, np.abs(terms) * radius)
    numbers = list(terms + np.abs(terms) * radius)
    for left, right in order.additions:
        total = numbers[left] + numbers[right]
        numbers.append(total + UNIT * abs(total))
    found = knowing(order, Sum((order.count, 1))).reduce("sum", given_pairs)
    assume(found["rad"] > 0)  # else no addition rounds, which the test above holds it to
    error = abs(float(numbers[-1]) - float(found["mid"]))
    assert error <= found["rad"] * (1 + 1e-9) + 1e-290


@pytest.mark.parametrize("order", [in_turn(64), in_halves(64), in_turn(256)], ids=["in turn", "in halves", "longer"])
def test_twice_that_error_is_caught(order: Order) -> None:
    """The radius is no wider than what the additions can lose together."""
    terms = drawn("signs", (order.count,), 1)
    found = knowing(order, Sum((order.count, 1))).reduce("sum", pairs(terms))
    largest = UNIT * sum(abs(float(own)) for own in partial_sums_of(order, terms.astype(float)))
    assert largest <= found["rad"] <= 1.05 * largest
    assert found["rad"] < RoundedPairs("float32").reduce("sum", pairs(terms))["rad"] / 8


def test_where_only_the_depth_is_known_it_is_that_many_roundings() -> None:
    terms = drawn("signs", (64,), 1)
    found = RoundedPairs("float32", Orders({(64,): Known(6, None)})).reduce("sum", pairs(terms))
    assert found["rad"] == pytest.approx(6 * UNIT * np.abs(terms.astype(float)).sum(), rel=1e-5)


@settings(deadline=None)
@given(
    orders(),
    st.integers(0, 2**32),
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2**17]),
)
def test_products_of_matrices(order: Order, seed: int, kind: str, fused: bool, few: bool, results: int) -> None:
    """Products rounded or fused with their addition, exactly; by matrices and product by product."""
    left, right = drawn(kind, (1, 2, order.count), seed), drawn("signs", (1, 3, order.count), seed + 1)
    sums = product(order.count, 1, 2, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "FEW", 2**20 if few else 0)
        patch.setattr("verify.summation.partial_sums.NUMBERS", results)
        x, y = pairs(left[:, :, np.newaxis, :]), pairs(right[:, np.newaxis, :, :])
        found = knowing(order, sums).contract(ROWS_BY_COLUMNS, x, y)[0]
        any_order = RoundedPairs("float32").contract(ROWS_BY_COLUMNS, x, y)[0]
    for row in range(2):
        for column in range(3):
            number = _multiplied(order, left[0, row], right[0, column], fused)
            own = found[row, column]
            assert abs(number - Fraction(float(own["mid"]))) <= Fraction(float(own["rad"]))
    assert (found["rad"] <= any_order["rad"] * (1 + 1e-9)).all()


def _multiplied(order: Order, left: Any, right: Any, fused: bool) -> Fraction:
    """The sum of products as float32 makes it: where an addition takes a product itself, it may be fused with it."""
    nearest = FORMATS["float32"].nearest
    numbers = [Fraction(float(a)) * Fraction(float(b)) for a, b in zip(left, right, strict=True)]
    rounded = [nearest(own) or Fraction(0) for own in numbers]
    for first, second in order.additions:
        pair = [first, second]
        if fused and max(pair) < order.count:
            total = numbers[first] + rounded[second]
        elif fused:
            total = sum((numbers[own] if own < order.count else rounded[own] for own in pair), Fraction(0))
        else:
            total = rounded[first] + rounded[second]
        rounded.append(nearest(total) or Fraction(0))
    return rounded[-1]
