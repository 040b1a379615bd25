"""Pairs hold what they say: the exact value, PyTorch's own, and no less than balls of the same format hold."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derive.algebra.operations import OPERATIONS
from verify.intervals import Enclosed, RoundedPairs, pairs
from verify.numbers import FORMATS, Exact, Rounded, as_ball, from_fraction, objects, precision

DTYPES = {name: getattr(torch, name) for name in FORMATS}
FEWER = settings(max_examples=settings.default.max_examples // 4)  # there are many operations and formats
CALLED = [op.name for op in OPERATIONS.values() if op.arity]
REDUCED = ("sum", "logsumexp", "max", "min")
NUMBERS = st.one_of(
    st.floats(-4, 4, width=32),
    st.integers(-8, 8).map(float),
    st.floats(-1e3, 1e3, width=32),
    st.floats(-(2.0**100), 2.0**100, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0**-126, 2.0**-149, -(2.0**-140), 88.7, -103.9]),
)
RADII = st.sampled_from([0.0, 0.0, 1e-7, 1e-3, 0.25])


@st.composite
def enclosed(draw: st.DrawFn) -> tuple[float, float, Fraction]:
    """A midpoint, a radius, and a number within."""
    mid = draw(NUMBERS)
    radius = draw(RADII) * max(abs(mid), 1e-30)
    inside = Fraction(mid) + Fraction(radius) * draw(st.fractions(-1, 1, max_denominator=16))
    return mid, radius, inside


def ball(value: Fraction) -> Any:
    return objects([from_fraction(value)], ())


def holds(pair: Any, exact: Any) -> bool:
    """Whether a pair contains a number that is known as a fraction or a ball; one that tells nothing does."""
    mid, radius = float(pair["mid"]), float(pair["rad"])
    number = as_ball(exact)
    if math.isnan(mid) or not number.is_finite():
        return True
    return bool(abs(number - arb(mid)).lower() <= arb(radius))


@pytest.mark.parametrize("op", CALLED)
@FEWER
@given(data=st.data())
def test_an_operation_on_pairs_holds_the_exact_value(op: str, data: st.DataObject) -> None:
    drawn = [data.draw(enclosed()) for _ in range(OPERATIONS[op].arity)]
    if op == "where":
        drawn[0] = (1.0, 0.0, Fraction(1)) if drawn[0][0] > 0 else (0.0, 0.0, Fraction(0))
    with precision(400):
        found = Enclosed().apply(op, tuple(pairs(mid, radius) for mid, radius, _ in drawn))
        exact = Exact(strict=False).apply(op, tuple(ball(inside) for *_, inside in drawn)).item()
        assert holds(found, exact)


@pytest.mark.parametrize("op", REDUCED)
@FEWER
@given(st.lists(enclosed(), min_size=1, max_size=9))
def test_a_reduction_of_pairs_holds_the_exact_value(op: str, drawn: list[tuple[float, float, Fraction]]) -> None:
    assume(op != "logsumexp" or all(abs(mid) < 1e6 for mid, *_ in drawn))
    array = pairs([mid for mid, *_ in drawn], [radius for _, radius, _ in drawn])
    with precision(2000):
        exact = Exact().reduce(op, objects([ball(inside).item() for *_, inside in drawn], (len(drawn),))).item()
        assert holds(Enclosed().reduce(op, array), exact)


@pytest.mark.parametrize("op", ["max", "min"])
@FEWER
@given(st.lists(enclosed(), min_size=1, max_size=6))
def test_shares_of_pairs_hold_the_exact_shares(op: str, drawn: list[tuple[float, float, Fraction]]) -> None:
    array = pairs([mid for mid, *_ in drawn], [radius for _, radius, _ in drawn])
    exact = Exact().share(op, objects([ball(inside).item() for *_, inside in drawn], (len(drawn),)))
    found = Enclosed().share(op, array)
    if any(radius for _, radius, _ in drawn):
        # of balls that may be equal each may have any share; of those that cannot be the largest, none
        assert all(
            holds(pair, share) or 0 < float(share.p) / float(share.q) < 1
            for pair, share in zip(found, exact, strict=True)
        )
    else:
        assert all(holds(pair, share) for pair, share in zip(found, exact, strict=True))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("op", [op for op in CALLED if OPERATIONS[op].torch and op not in ("where", "clip")])
@FEWER
@given(data=st.data())
def test_pytorchs_result_lies_in_the_rounded_pair(op: str, dtype: str, data: st.DataObject) -> None:
    drawn = [data.draw(NUMBERS) for _ in range(OPERATIONS[op].arity)]
    tensors = [torch.tensor(number, dtype=torch.float64).to(DTYPES[dtype]) for number in drawn]
    assume(all(bool(torch.isfinite(tensor)) for tensor in tensors))
    result = getattr(torch, OPERATIONS[op].torch or "")(*tensors)
    found = RoundedPairs(dtype).apply(op, tuple(pairs(float(tensor)) for tensor in tensors))
    if bool(torch.isfinite(result)):
        assert holds(found, arb(float(result))), (drawn, float(result), found)
    else:
        assert math.isnan(float(found["mid"]))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("op", REDUCED)
@FEWER
@given(data=st.data())
def test_pytorchs_reduction_lies_in_the_rounded_pair(op: str, dtype: str, data: st.DataObject) -> None:
    drawn = data.draw(
        st.lists(st.one_of(st.floats(-8, 8, width=32), st.floats(-1e4, 1e4, width=32)), min_size=1, max_size=40)
    )
    tensor = torch.tensor(drawn, dtype=torch.float64).to(DTYPES[dtype])
    name = {"max": "amax", "min": "amin"}.get(op, op)
    result = getattr(torch, name)(tensor, 0)
    found = RoundedPairs(dtype).reduce(op, pairs(tensor.to(torch.float64).numpy()))
    if bool(torch.isfinite(result)):
        assert holds(found, arb(float(result)))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("op", CALLED)
@FEWER
@given(data=st.data())
def test_pairs_are_as_narrow_as_balls(op: str, dtype: str, data: st.DataObject) -> None:
    drawn = [data.draw(st.integers(-400, 400).map(lambda k: k / 128)) for _ in range(OPERATIONS[op].arity)]
    if op == "where":
        drawn[0] = float(drawn[0] > 0)
    with precision(192):
        wide = as_ball(Rounded(dtype).apply(op, tuple(Rounded(dtype).take(np.asarray(x)) for x in drawn)).item())
        narrow = RoundedPairs(dtype).apply(op, tuple(pairs(x) for x in drawn))
    if wide.is_finite():
        assert float(narrow["rad"]) <= float(wide.rad()) * (1 + 2.0**-16) + 2.0**-999
        assert float(narrow["rad"]) >= float(wide.rad()) * (1 - 2.0**-16)


def test_what_is_exact_has_no_radius() -> None:
    x, y = pairs([3.0, -2.0, 0.0]), pairs([4.0, 0.5, 7.0])
    system = RoundedPairs("float32")
    for op in ("add", "sub", "mul", "div"):
        assert system.apply(op, (x, y))["rad"].tolist()[1:] == [0.0, 0.0]
    assert float(system.reduce("sum", x)["rad"]) == 0.0
    assert float(system.apply("div", (pairs(1.0), pairs(3.0)))["rad"]) > 2.0**-27


def test_a_product_that_underflows_is_not_taken_for_zero() -> None:
    tiny = pairs(2.0**-600)
    assert float(Enclosed().apply("mul", (tiny, tiny))["rad"]) > 0.0
    assert float(Enclosed().apply("mul", (tiny, pairs(0.0)))["rad"]) == 0.0


@pytest.mark.parametrize(("dtype", "many"), [("float32", 5000), ("float16", 3000), ("bfloat16", 5000)])
def test_a_long_sum_is_gathered_in_float32(dtype: str, many: int) -> None:
    generator = torch.Generator().manual_seed(3)
    tensor = torch.rand(many, generator=generator, dtype=torch.float64).to(DTYPES[dtype])
    found = RoundedPairs(dtype).reduce("sum", pairs(tensor.to(torch.float64).numpy()))
    unit = 2.0 ** FORMATS[dtype].unit
    gathered = (many - 1) * 2.0**-24 / (1 - (many - 1) * 2.0**-24)
    allowed = float(found["mid"]) * (gathered + (unit * 1.001 if dtype != "float32" else 0.0))
    assert float(found["rad"]) == pytest.approx(allowed, rel=1e-2)
    assert abs(float(tensor.sum()) - float(found["mid"])) <= float(found["rad"])


def test_what_autograd_adds_one_by_one_is_rounded_each_time() -> None:
    system = RoundedPairs("bfloat16")
    terms = pairs([1.0, 1 / 3, 1 / 7])
    assert float(system.accumulate(terms)["rad"]) > 1.9 * float(system.reduce("sum", terms)["rad"])


@pytest.mark.parametrize(
    "value", [1.0, 1.5, 65504.0, 65520.0, 1e-8, 1 + 2.0**-7, 1 + 2.0**-8, 2.0**-133, 1e39, math.inf]
)
@pytest.mark.parametrize("dtype", FORMATS)
def test_what_a_format_holds(dtype: str, value: float) -> None:
    assert bool(FORMATS[dtype].held(np.asarray(value))) is (
        math.isfinite(value) and float(torch.tensor(value, dtype=torch.float64).to(DTYPES[dtype])) == value
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_a_unit_in_the_last_place(dtype: str) -> None:
    for value in (0.0, 1.0, 1.5, -3.75, 1e-7, 6e4, 2.0**-24):
        spacing = np.spacing(np.asarray(abs(value), dtype=dtype))
        assert float(FORMATS[dtype].ulp(np.asarray(value))) == float(spacing)
    assert math.isnan(float(FORMATS[dtype].ulp(np.asarray(math.inf))))


def test_a_term_that_is_masked_does_not_widen_a_log_sum_exp() -> None:
    found = RoundedPairs("float32").reduce("logsumexp", pairs([1.0, -1e9], [1e-7, 64.0]))
    assert float(found["rad"]) < 1e-5


@pytest.mark.parametrize("op", ["tanh", "exp", "log", "erf"])
def test_a_function_without_its_own_spread_is_worked_out_in_balls(monkeypatch: pytest.MonkeyPatch, op: str) -> None:
    """An operation that has no entry in FUNCTIONS ended in a TypeError."""
    x = pairs(np.array([0.5, 2.0, -1.0]), np.array([0.0, 1e-6, 0.0]))
    usual = Enclosed().apply(op, (x,))
    monkeypatch.setattr("verify.intervals.enclosures.FUNCTIONS", {})
    found = Enclosed().apply(op, (x,))
    known = np.isfinite(usual["mid"])
    assert (known == (np.isfinite(found["mid"]) & np.isfinite(found["rad"]))).all()
    assert (np.abs(found["mid"] - usual["mid"]) <= found["rad"] + usual["rad"])[known].all()


@given(st.fractions(-1000, 1000, max_denominator=10**9), st.sampled_from(["float32", "float64"]))
def test_an_input_is_the_float_that_it_is_stored_as(value: Fraction, dtype: str) -> None:
    found = RoundedPairs(dtype).stored([value])[0]
    stored = torch.tensor(float(value), dtype=DTYPES[dtype]).item()
    assert abs(stored - found["mid"]) <= found["rad"]
    assert found["rad"] == 0 or FORMATS[dtype].nearest(value) != Fraction(stored)


@given(
    st.lists(
        st.builds(
            lambda odd, power, aside, sign: sign * (Fraction(odd) / 2 + aside) * Fraction(2) ** power,
            st.integers(0, 2**25) | st.integers(2**25 - 3, 2**25) | st.integers(2**54 - 4, 2**54 + 4),
            st.integers(-200, 120),
            st.sampled_from(
                [Fraction(0), Fraction(1, 10**9), Fraction(-1, 10**9), Fraction(1, 10**40), -Fraction(1, 10**40)]
            ),
            st.sampled_from([1, -1]),
        ),
        max_size=6,
    ),
    st.sampled_from(["float32", "float64", "float16", "bfloat16"]),
)
def test_many_inputs_are_stored_as_each_is(values: list[Fraction], dtype: str) -> None:
    """Also next to ties, where a float64 on the way decides, and beyond the range."""
    system = RoundedPairs(dtype)
    found = system.stored([*values, Fraction(1, 3)])
    for value, own in zip(values, found, strict=False):
        alone = system._stored(value)
        assert (own == alone) or (np.isnan(own["mid"]) and np.isnan(alone["mid"]))


def test_an_input_that_two_ways_to_store_it_make_two_floats_of_is_both() -> None:
    """2⁻²⁴ above 1 is a tie; a little more than that is rounded up, but not by way of a float64."""
    value = 1 + Fraction(1, 2**24) + Fraction(1, 2**80)
    found = RoundedPairs("float32").stored([value])[0]
    for stored in (1.0, 1 + 2.0**-23):
        assert abs(stored - found["mid"]) <= found["rad"]
