"""An order of additions is a tree, the same however it is listed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.summation_orders import in_halves, in_turn, orders
from verify.summation.order import Order, bits, order_of


def test_depth_is_the_most_additions_that_a_term_goes_through() -> None:
    assert in_turn(64).depth == 63
    assert in_halves(64).depth == 6
    assert Order(()).depth == 0
    assert in_halves(5).depth == 3


def test_how_many_terms_are_together() -> None:
    order = order_of([(0, 1), (2, 3), (4, 5)])  # (0 + 1) + (2 + 3)
    assert [order.together(0, other) for other in (1, 2, 3)] == [2, 4, 4]
    assert order.together(3, 2) == 2


@given(orders(), st.randoms(use_true_random=False))
def test_the_same_tree_is_the_same_order(order: Order, random: object) -> None:
    """Sides are exchanged, and additions listed in any sequence in which each comes after what it reads."""
    waiting, listed = dict(enumerate(order.additions, start=order.count)), []
    number = {term: term for term in range(order.count)}
    while waiting:
        ready = [place for place, pair in waiting.items() if all(part in number for part in pair)]
        place = random.choice(ready)  # type: ignore[attr-defined]
        left, right = waiting.pop(place)
        listed.append((number[right], number[left]))
        number[place] = order.count + len(listed) - 1
    assert order_of(listed) == order


@given(st.sets(st.integers(0, 200)))
def test_bits_are_the_terms(terms: set[int]) -> None:
    assert list(bits(sum(1 << term for term in terms))) == sorted(terms)
