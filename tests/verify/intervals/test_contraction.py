"""A sum of products by matrices: as product by product, and with a radius that holds every correct result."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verify.intervals import Contraction, Enclosed, RoundedPairs, contraction, pairs
from verify.intervals.midpoint_radius import Pairs
from verify.numbers import FORMATS, Floats

TORCH = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


@st.composite
def layouts(draw: st.DrawFn) -> Contraction:
    """Which axes of a term two arrays have: every summed one both, every other one at least one."""
    kept = draw(st.lists(st.sampled_from([(True, True), (True, False), (False, True)]), max_size=4))
    summed = draw(st.integers(1, 2))
    axes = [*kept, *[(True, True)] * summed]
    return Contraction(tuple(left for left, _ in axes), tuple(right for _, right in axes), summed)


def drawn(random: np.random.Generator, has: tuple[bool, ...], lengths: list[int], steps: int) -> Floats:
    """Small numbers, some of them 0, with a dimension of length 1 for an axis that the array lacks."""
    shape = [length if own else 1 for own, length in zip(has, lengths, strict=True)]
    whole = random.integers(-5, 6, ([steps, *shape] if steps else shape))
    return np.asarray(whole * random.choice([1.0, 0.1, 3.7], whole.shape))


def by_products(system: Enclosed, how: Contraction, left: Pairs, right: Pairs) -> Pairs:
    """Every product by itself, and their sum."""
    products = system.apply("mul", (left, right))
    flat = products.reshape((*products.shape[: products.ndim - how.summed], -1))
    return system.reduce("sum", flat)


@pytest.fixture
def by_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also few products are taken by matrices."""
    monkeypatch.setattr(contraction, "FEW", 0)


@pytest.mark.usefixtures("by_matrices")
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layouts(), st.integers(0, 2**32), st.sampled_from([(0, 0), (3, 0), (0, 3), (3, 3)]), st.booleans())
def test_it_is_the_sum_of_the_products(how: Contraction, seed: int, steps: tuple[int, int], has_radii: bool) -> None:
    random = np.random.default_rng(seed)
    lengths = [int(random.integers(1, 4)) for _ in how.left]
    mids = [drawn(random, has, lengths, count) for has, count in zip((how.left, how.right), steps, strict=True)]
    both = [pairs(mid, np.abs(mid) * has_radii * random.choice([0.0, 1e-7], mid.shape)) for mid in mids]
    for system in (Enclosed(), RoundedPairs("float32"), RoundedPairs("float64")):
        found, wanted = system.contract(how, *both), by_products(system, how, both[0], both[1])
        assert found.shape == wanted.shape
        np.testing.assert_array_less(np.abs(found["mid"] - wanted["mid"]), 1e-12)
        sizes = np.abs(mids[0]) * np.abs(mids[1])
        sizes = sizes.reshape((*sizes.shape[: sizes.ndim - how.summed], -1)).sum(axis=-1)
        np.testing.assert_allclose(system.contracted_size(how, *both), sizes, rtol=1e-12)
        # at most one rounding more than product by product, ours and the format's, of products that need none; that all
        # sums are exact is seen by the lowest numbers of the row and the column, so not always
        unit = 2.0**system.format.unit if isinstance(system, RoundedPairs) else 2.0**-53
        more = np.where(wanted["rad"] > 0, 1, math.prod(lengths))
        assert (found["rad"] <= wanted["rad"] * (1 + 1e-6) + 2.002 * unit * sizes * more + 1e-290).all()


ROWS_BY_COLUMNS = Contraction((True, False, True), (False, True, True), 1)  # Σ_k x[i,k]·w[j,k]


def exact_product(left: Floats, right: Floats) -> list[list[Fraction]]:
    """Σ_k left[i,k]·right[j,k], exactly."""
    return [
        [sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, w, strict=True)), Fraction(0)) for w in right]
        for x in left
    ]


def holds(found: np.void, value: float | Fraction) -> bool:
    """Whether a pair contains a number; one that tells nothing does."""
    if np.isnan(found["mid"]):
        return True
    return abs(Fraction(value) - Fraction(float(found["mid"]))) <= Fraction(float(found["rad"]))


@pytest.mark.parametrize("few", [0, 2**10])
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(list(FORMATS)), st.integers(1, 70), st.integers(0, 2**32), st.integers(-3, 3))
def test_it_holds_the_exact_value_and_what_pytorch_calculates(
    few: int, dtype: str, count: int, seed: int, scale: int
) -> None:
    random = np.random.default_rng(seed)
    numbers = [torch.from_numpy(random.normal(0, 10.0**scale, (3, count))).to(TORCH[dtype]) for _ in range(2)]
    left, right = (number.to(torch.float64).numpy() for number in numbers)
    both = pairs(left[:, np.newaxis, :]), pairs(right[np.newaxis, :, :])
    exact = exact_product(left, right)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "FEW", few)
        found = Enclosed().contract(ROWS_BY_COLUMNS, *both)
        rounded = RoundedPairs(dtype).contract(ROWS_BY_COLUMNS, *both)
    by_torch = [numbers[0] @ numbers[1].T, torch.einsum("ik,jk->ij", *numbers)]
    by_torch.append(torch.stack([torch.stack([torch.dot(x, w) for w in numbers[1]]) for x in numbers[0]]))
    by_torch.append(torch.stack([torch.mv(numbers[0], w) for w in numbers[1]], 1))
    for i in range(3):
        for j in range(3):
            assert holds(found[i, j], exact[i][j])
            assert holds(rounded[i, j], exact[i][j])
            for product in by_torch:
                assert holds(rounded[i, j], float(product[i, j]))


@pytest.mark.usefixtures("by_matrices")
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_it_holds_every_order_of_addition_in_float32(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (random.normal(0, 1, count).astype(np.float32) for _ in range(2))
    both = pairs(left[np.newaxis, np.newaxis, :].astype(float)), pairs(right[np.newaxis, np.newaxis, :].astype(float))
    found = RoundedPairs("float32").contract(ROWS_BY_COLUMNS, *both)[0, 0]
    for _ in range(5):
        order = random.permutation(count)
        total = np.float32(0)
        for k in order:
            total = np.float32(total + left[k] * right[k])
        assert holds(found, float(total))


@pytest.mark.usefixtures("by_matrices")
@pytest.mark.parametrize("dtype", FORMATS)
def test_whole_numbers_are_multiplied_exactly(dtype: str) -> None:
    left, right = np.array([[1.0, -2.0, 0.0], [3.0, 4.0, 5.0]]), np.array([[0.5, 0.25, -1.0], [0.0, 0.0, 0.0]])
    both = pairs(left[:, np.newaxis, :]), pairs(right[np.newaxis, :, :])
    found = RoundedPairs(dtype).contract(ROWS_BY_COLUMNS, *both)
    np.testing.assert_array_equal(found["mid"], left @ right.T)
    np.testing.assert_array_equal(found["rad"], 0.0)


def one(left: Any, right: Any, system: Enclosed) -> np.void:
    """The product of a row and a column."""
    both = (pairs(np.asarray(number, dtype=float)[np.newaxis, np.newaxis, :]) for number in (left, right))
    return system.contract(ROWS_BY_COLUMNS, *both)[0, 0]  # type: ignore[no-any-return]


@pytest.mark.usefixtures("by_matrices")
def test_what_is_not_known_or_does_not_fit_tells_nothing() -> None:
    system = RoundedPairs("float32")
    assert np.isnan(one([np.inf, 1], [1, 1], system)["rad"])
    assert np.isnan(one([1e30, 1], [1e30, 1], system)["rad"])  # it overflows in float32
    assert np.isfinite(one([1e30, 1], [1e30, 1], RoundedPairs("float64"))["rad"])
    tiny = one([2.0**-100], [2.0**-60], system)  # it underflows in float32: 0 is correct there
    assert tiny["rad"] >= tiny["mid"] > 0


@pytest.mark.usefixtures("by_matrices")
def test_terms_that_cancel_keep_their_rounding() -> None:
    found = one([1e8, 1.0, -1e8], [1.0, 1e-3, 1.0], RoundedPairs("float32"))
    assert holds(found, Fraction(0))  # (1e8 + 0.001) − 1e8 in float32
    assert holds(found, Fraction(1, 1000))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(list(FORMATS)), st.integers(0, 2**32), st.integers(1, 40), st.booleans())
def test_it_holds_what_large_products_of_wild_numbers_give(
    dtype: str, seed: int, count: int, of_one_scale: bool
) -> None:
    """PyTorch has other kernels for large ones, of bfloat16 such as take numbers below the normal ones for 0."""
    random = np.random.default_rng(seed)
    form = FORMATS[dtype]
    lowest, highest = form.normal - 4, int(math.log2(form.largest)) // 2
    scales = random.integers(lowest, highest, 2)
    both = []
    for scale in scales:
        exponents = scale if of_one_scale else random.integers(lowest, highest, (24, count))
        values = random.normal(0, 1, (24, count)) * 2.0**exponents
        both.append(torch.from_numpy(values).to(TORCH[dtype]))
    left, right = (own.to(torch.float64).numpy() for own in both)
    found = RoundedPairs(dtype).contract(ROWS_BY_COLUMNS, pairs(left[:, np.newaxis, :]), pairs(right[np.newaxis]))
    for product in (both[0] @ both[1].T, torch.bmm(both[0][np.newaxis], both[1].T[np.newaxis])[0]):
        result = product.to(torch.float64).numpy()
        known = np.isfinite(found["rad"])
        assert (np.abs(result - found["mid"]) <= found["rad"])[known].all()


@pytest.mark.parametrize("few", [0, 2**10])
@pytest.mark.parametrize(
    ("dtype", "left", "right", "holds_0"),
    [
        ("bfloat16", 2.0**-130, 2.0**60, True),  # an operand below the normal numbers
        ("bfloat16", 2.0**-70, 2.0**-60, True),  # a product
        ("bfloat16", 2.0**-126, 1.0, False),
        ("float16", 2.0**-20, 2.0**10, False),  # of float16 no instruction does so
        ("float32", 2.0**-130, 2.0**60, False),
    ],
)
def test_numbers_of_bfloat16_below_the_normal_ones_may_count_as_0(
    dtype: str, left: float, right: float, holds_0: bool, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contraction, "FEW", few)
    found = one([left, 0], [right, 1], RoundedPairs(dtype))
    assert holds(found, left * right)
    assert holds(found, 0) is holds_0


def test_products_without_a_sum_are_products_of_matrices_too() -> None:
    """An outer product, as the gradient of h in z = h @ v."""
    left, right = pairs(np.array([2.0**-130, 1.5, 0.0])), pairs(np.array([2.0**60, 3.0, 2.0**-130]))
    small, plain, zero = RoundedPairs("bfloat16").product(left, right)
    assert all(holds(small, value) for value in (0, 2.0**-70))
    assert (plain["mid"], plain["rad"], zero["mid"], zero["rad"]) == (4.5, 0, 0, 0)
    in_float32 = RoundedPairs("float32").product(left, right)
    assert in_float32["rad"].max() == 0
