"""Operations on pairs that are made in fewer passes where that is sure, beside how the table says they are made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.intervals import Enclosed, midpoint_radius, pairs
from verify.intervals.midpoint_radius import Pairs
from verify.numbers.elements import expansion

MIDS = [0.0, -0.0, 1.0, -1.0, 0.5, -3.0, 1e-300, -1e300, 2.0**-1060, np.nan, np.inf]
RADII = [0.0, 0.0, 1e-9, 1.0, 4.0, 1e-310]


def drawn(seed: int, count: int = 24) -> Pairs:
    draws = np.random.default_rng(seed)
    return pairs(draws.choice(MIDS, count), draws.choice(RADII, count))


@given(st.sampled_from(["greater", "equal", "relu"]), st.integers(0, 10**6), st.booleans())
def test_a_comparison_is_what_its_equation_gives(op: str, seed: int, with_zero: bool) -> None:
    x = drawn(seed)
    y = pairs(0.0) if with_zero else drawn(seed + 1)
    found = Enclosed().apply(op, (x,) if op == "relu" else (x, y))
    with np.errstate(all="ignore"):
        wanted = Enclosed().evaluated(expansion(op), {"x": x, "y": y})
    np.testing.assert_array_equal(found["mid"], wanted["mid"])
    np.testing.assert_array_equal(np.isnan(found["rad"]), np.isnan(wanted["rad"]))
    assert not (found["rad"] > wanted["rad"]).any()


@given(st.integers(0, 10**6))
def test_a_choice_that_is_certain_everywhere_is_as_beside_one_that_is_open(seed: int) -> None:
    x, y = drawn(seed), drawn(seed + 1)
    chosen = pairs(np.random.default_rng(seed).choice([0.0, 1.0], len(x)))
    found = Enclosed().apply("where", (chosen, x, y))
    chosen["rad"][-1] = 1.0  # it may be either
    wanted = Enclosed().apply("where", (chosen, x, y))
    for part in ("mid", "rad"):
        np.testing.assert_array_equal(found[part][:-1], wanted[part][:-1])


@given(st.sampled_from(["mul", "sub"]), st.integers(0, 10**6))
def test_a_number_by_itself_is_as_among_others(op: str, seed: int) -> None:
    """Some passes are left out where all numbers of an array are safe, or none is 0."""
    x, y = drawn(seed), drawn(seed + 1)
    together = Enclosed().apply(op, (x, y))
    for place in range(len(x)):
        alone = Enclosed().apply(op, (x[place], y[place]))
        np.testing.assert_array_equal(alone["mid"], together["mid"][place])
        np.testing.assert_allclose(alone["rad"], together["rad"][place], rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [(0,), (3,), (2, 0)])
def test_the_least_and_the_most_of_numbers(size: tuple[int, ...]) -> None:
    values = np.zeros(size)
    assert midpoint_radius.least(values) == np.inf
    assert midpoint_radius.least(np.append(values, -2.0)) == 2.0
