"""Systems of exact numbers, of balls and of pairs: each holds the right value and what PyTorch makes of it."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.operations import OPERATIONS
from tests.exact_numbers import as_told
from tests.exact_operations import exact
from verify.intervals import Enclosed, RoundedPairs
from verify.numbers import (
    FORMATS,
    Exact,
    Exactly,
    Rounded,
    as_ball,
    float_ball,
    from_float,
    from_fraction,
    is_finite,
    nearest_floats,
    objects,
    precision,
    radius,
    to_float,
    to_fraction,
)

DTYPES = {"float32": torch.float32, "float64": torch.float64}
CALLED = [op for op in OPERATIONS.values() if op.arity]
IN_TORCH = [op for op in CALLED if op.torch is not None]


def total(system: Any, terms: list[Exactly]) -> Any:
    return system.reduce("sum", objects(terms, (len(terms),))).item()


def test_a_sum_of_fractions_is_a_fraction() -> None:
    terms: list[Exactly] = [from_fraction(Fraction(1, k)) for k in range(1, 8)]
    assert to_fraction(total(Exact(), terms)) == Fraction(363, 140)


def test_objects_keep_what_they_hold() -> None:
    values: list[Exactly] = [fmpq(1, 3), arb(2), fmpq(0), arb(1)]
    array = objects(values, (2, 2))
    assert array.dtype == object
    assert array[1, 0] is values[2]


# --- rounded

EXTREME = {
    "float32": st.one_of(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(-104, 89, width=32)),
    "float64": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-746, 710)),
}


def assert_inside(ball: arb, value: float, shown: object) -> None:
    """PyTorch's number is in the ball, or the ball or the number tells nothing."""
    if is_finite(ball) and math.isfinite(value):
        assert ball.contains(arb(from_float(value))), (shown, value, ball)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", IN_TORCH, ids=lambda op: op.name)
@given(data=st.data())
def test_pytorch_lies_within_the_rounded_ball(op: Any, dtype: str, data: st.DataObject) -> None:
    moderate = st.floats(-8, 8, width=32)
    args = [data.draw(st.one_of(moderate, EXTREME[dtype])) for _ in range(op.arity)]
    if op.name == "pow":
        args[0] = abs(args[0])
    if op.name == "where":
        args[0] = float(args[0] > 0)
    tensors = [torch.tensor(arg, dtype=torch.float64).to(DTYPES[dtype]) for arg in args]
    chosen = (tensors[0] > 0, *tensors[1:]) if op.name == "where" else tensors
    value = float(getattr(torch, op.torch)(*chosen))
    with precision(192):
        ball = Rounded(dtype).apply(op.name, tuple(objects([float_ball(float(t))], ()) for t in tensors)).item()
    assert_inside(ball, value, args)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [op for op in CALLED if hasattr(np, op.numpy or "")], ids=lambda op: op.name)
def test_numpy_lies_within_the_rounded_ball(op: Any, dtype: str) -> None:
    random = np.random.default_rng(7)
    kind = np.dtype(dtype).type
    columns = [(random.normal(size=200) * 10.0 ** random.integers(-3, 3, 200)).astype(kind) for _ in range(op.arity)]
    columns[0] = (columns[0] > 0).astype(kind) if op.name == "where" else np.abs(columns[0])
    with np.errstate(over="ignore"):
        values = getattr(np, op.numpy)(*columns)
    with precision(192):
        given_balls = tuple(objects([float_ball(float(v)) for v in column], (200,)) for column in columns)
        balls = Rounded(dtype).apply(op.name, given_balls)
    for ball, value, *args in zip(balls, values, *columns, strict=True):
        assert_inside(ball, float(value), args)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_a_sum_in_any_order_lies_within_the_rounded_ball(dtype: str, data: st.DataObject) -> None:
    width = 32 if dtype == "float32" else 64
    terms = data.draw(st.lists(st.floats(-1e6, 1e6, width=width), min_size=1, max_size=300))
    order = data.draw(st.permutations(terms))
    with precision(192):
        ball = total(Rounded(dtype), [float_ball(term) for term in terms])
    kind = np.dtype(dtype).type
    one_by_one = kind(0)
    for term in order:
        one_by_one += kind(term)
    assert_inside(ball, float(one_by_one), terms)
    assert_inside(ball, float(torch.tensor(order, dtype=DTYPES[dtype]).sum()), terms)
    assert_inside(ball, float(torch.tensor(terms, dtype=DTYPES[dtype]).sum()), terms)


def test_a_sum_that_cancels_has_a_bound_of_its_terms() -> None:
    with precision(192):
        ball = total(Rounded("float32"), [float_ball(v) for v in (1e6, 1 / 3, -1e6)])
    assert 2 * 2.0**-24 * 2e6 < radius(ball) < 2.1 * 2.0**-24 * 2.1e6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("op", "units"), [("add", 1), ("mul", 1), ("div", 1), ("sqrt", 3), ("exp", 4), ("tanh", 4), ("relu", 0), ("neg", 0)]
)
def test_an_operation_is_as_wide_as_its_rounding(dtype: str, op: str, units: int) -> None:
    values = (float(np.float32(1.1)), float(np.float32(0.7)))  # no result is a number that float32 holds
    values = values if dtype == "float32" else (1.1, 0.7)
    args = tuple(objects([float_ball(value)], ()) for value in values[: OPERATIONS[op].arity])
    with precision(192):
        ball = Rounded(dtype).apply(op, args).item()
        unit = arb(2) ** FORMATS[dtype].unit
    assert radius(ball) == pytest.approx(float(abs(ball.mid()) * unit * units), rel=1e-3)


@pytest.mark.parametrize(("dtype", "value"), [("float32", 2.0**127), ("float64", 2.0**1023)])
def test_what_may_overflow_tells_nothing(dtype: str, value: float) -> None:
    system, large = Rounded(dtype), objects([float_ball(value)], ())
    assert not is_finite(system.apply("add", (large, large)).item())
    assert not is_finite(system.apply("mul", (large, large)).item())
    assert not is_finite(total(system, [float_ball(value), float_ball(value), float_ball(-value)]))
    assert is_finite(system.apply("neg", (large,)).item())


def test_zero_is_zero() -> None:
    system = Rounded("float32")
    zero = system.constant(Fraction(0))
    assert radius(system.apply("mul", (zero, system.constant(Fraction(1, 3)))).item()) == 0.0
    assert radius(system.apply("sin", (zero,)).item()) == 0.0


def test_what_underflows_may_become_zero() -> None:
    system = Rounded("float32")
    small = system.constant(Fraction(1, 10**30))
    assert system.apply("mul", (small, small)).item().contains(arb(0))
    # PyTorch's sigmoid gives 0 where the true value is a subnormal number
    assert system.apply("sigmoid", (system.constant(Fraction(-100)),)).item().contains(arb(0))


def test_an_operation_without_a_value_tells_nothing() -> None:
    system = Rounded("float32")
    zero, one = system.constant(Fraction(0)), system.constant(Fraction(1))
    assert not is_finite(system.apply("div", (one, zero)).item())
    assert not is_finite(system.apply("log", (system.apply("neg", (one,)),)).item())


@pytest.mark.parametrize(
    ("dtype", "value", "held"),
    [
        ("float32", Fraction(1, 2), True),
        ("float32", Fraction(1, 10), False),
        ("float32", Fraction(2**24 + 1), False),
        ("float64", Fraction(2**24 + 1), True),
        ("float64", Fraction(1, 10), False),
    ],
)
def test_a_literal_that_the_format_holds_is_exact(dtype: str, value: Fraction, held: bool) -> None:
    ball = as_ball(Rounded(dtype).constant(value).item())
    assert (radius(ball) == 0.0) is held
    stored = float(torch.tensor(float(value), dtype=DTYPES[dtype]))
    assert ball.contains(arb(from_float(stored)))


@given(st.fractions(), st.sampled_from(sorted(DTYPES)))
def test_a_literal_lies_in_its_ball_as_it_is_stored(value: Fraction, dtype: str) -> None:
    assert_inside(
        as_ball(Rounded(dtype).constant(value).item()), float(torch.tensor(float(value), dtype=DTYPES[dtype])), value
    )


def test_a_kink_inside_a_ball_gives_the_hull_of_both_sides() -> None:
    around, zero = objects([arb(0, 1e-3)], ()), objects([arb(0)], ())
    slope = Rounded("float32").apply("greater", (around, zero)).item()
    assert slope.contains(arb(0))
    assert slope.contains(arb(1))


# --- the systems are alike

SYSTEMS = [
    Exact(),
    Rounded("float32"),
    Rounded("float64"),
    Enclosed(),
    RoundedPairs("float32"),
    RoundedPairs("float64"),
]


def number(value: Any) -> float:
    """One number of any system as a float."""
    item = np.asarray(value).item()
    return float(item[0]) if isinstance(item, tuple) else to_float(item)


def given_to(op: Any) -> tuple[str, ...]:
    """Operands that every operation takes; a condition is 0 or 1."""
    return ("1", "3/4", "1/2") if op.name == "where" else ("3/4", "1/2", "7/8")[: op.arity]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("op", OPERATIONS.values(), ids=lambda op: op.name)
def test_every_operation_works_in_every_system(op: Any, system: Any) -> None:
    args = tuple(system.constant(Fraction(value)) for value in given_to(op))
    value = system.apply(op.name, args)
    assert value.shape == ()
    assert number(value) == pytest.approx(to_float(exact(op.name, *given_to(op))), rel=1e-14)


@pytest.mark.parametrize("system", SYSTEMS)
def test_arrays_broadcast_and_add_up_alike(system: Any) -> None:
    columns = [system.constant(Fraction(value)) for value in range(6)]
    array = np.stack(columns).reshape(2, 3)
    shifted = system.apply("add", (array, system.constant(Fraction(1))))
    sums = system.reduce("sum", shifted)
    assert sums.shape == (2,)
    assert [number(value) for value in sums] == [6, 15]


REDUCED = {"sum": math.fsum, "max": max, "min": min, "logsumexp": lambda terms: math.log(sum(map(math.exp, terms)))}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("op", REDUCED)
def test_every_reduction_works_in_every_system(op: str, system: Any) -> None:
    terms = [Fraction(3, 4), Fraction(-1, 2), Fraction(5, 8), Fraction(1, 4)]
    array = np.stack([system.constant(term) for term in terms]).reshape(2, 2)
    found = system.reduce(op, array)
    for value, row in zip(found, (terms[:2], terms[2:]), strict=True):
        assert number(value) == pytest.approx(REDUCED[op]([float(term) for term in row]), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["logsumexp", "max", "min"])
@given(data=st.data())
def test_pytorchs_reductions_lie_within_the_rounded_ball(dtype: str, op: str, data: st.DataObject) -> None:
    numbers = st.one_of(st.floats(-8, 8, width=32), st.floats(-1e4, 1e4, width=32))
    terms = data.draw(st.lists(numbers, min_size=1, max_size=20))
    tensor = torch.tensor(terms, dtype=torch.float64).to(DTYPES[dtype])
    value = float({"logsumexp": torch.logsumexp, "max": torch.amax, "min": torch.amin}[op](tensor, 0))
    with precision(192):
        balls = [float_ball(float(term)) for term in tensor]
        ball = as_ball(Rounded(dtype).reduce(op, objects(balls, (len(balls),))).item())
    assert is_finite(ball)
    assert_inside(ball, value, terms)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("op", "terms", "shares"),
    [
        ("max", (1, 3, 2), (0, 1, 0)),
        ("max", (3, 1, 3, 3), ("1/3", 0, "1/3", "1/3")),
        ("min", (3, 1, 1), (0, "1/2", "1/2")),
        ("min", (7,), (1,)),
    ],
)
def test_equal_ones_share_a_maximum_evenly(
    op: str, terms: tuple[int, ...], shares: tuple[int | str, ...], system: Any
) -> None:
    array = np.stack([system.constant(Fraction(term)) for term in terms])
    found = [number(value) for value in system.share(op, array)]
    assert found == [float(Fraction(share)) for share in shares]
    tensor = torch.tensor(terms, dtype=torch.float64, requires_grad=True)
    {"max": torch.amax, "min": torch.amin}[op](tensor, 0).backward()
    assert tensor.grad is not None
    assert tensor.grad.tolist() == found


def test_where_it_is_not_known_which_is_the_largest_the_shares_are_open() -> None:
    balls = objects([arb(1, 0.1), arb(1.05), arb(0.5)], (3,))
    open_, other, never = Rounded("float32").share("max", balls)
    assert open_.contains(arb(0))
    assert open_.contains(arb(1))
    assert other.contains(arb(1))
    assert never == 0


@given(st.sampled_from([op.name for op in CALLED]), st.fractions(-4, 4), st.fractions(-4, 4))
def test_the_middle_of_a_pair_is_near_the_exact_value(op: str, x: Fraction, y: Fraction) -> None:
    args = (abs(x) + Fraction(1, 9), y, Fraction(9))[: OPERATIONS[op].arity]
    if op == "where":
        args = (Fraction(x > 0), *args[1:])
    if op == "div" and y == 0:
        return
    value = Exact().apply(op, tuple(Exact().constant(arg) for arg in args)).item()
    found = number(Enclosed().apply(op, tuple(Enclosed().constant(arg) for arg in args)))
    # the arguments are rounded before; a power has the steepest slope, sub and sin may cancel
    assert found == pytest.approx(to_float(value), rel=1e-12, abs=1e-12)


SOME = [
    fmpq(0),
    fmpq(1, 3),
    fmpq(-7, 2**40),
    fmpq(10) ** 300,
    fmpq(1, 7**340),
    fmpq(5**860, 3),
    arb(2).sqrt(),
    arb(1, 1),
]
NUMBERS = st.integers(0, len(SOME) - 1).map(SOME.__getitem__)


@given(
    st.sampled_from(["add", "sub", "mul", "neg", "div"]),
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.lists(NUMBERS, min_size=1, max_size=4),
)
def test_many_numbers_at_once_are_those_of_one_by_one(op: str, left: list[Exactly], right: list[Exactly]) -> None:
    """Also where some are balls, or fractions so long that a ball is carried on in place of their product."""
    system, one = Exact(strict=False), Exact(strict=False)
    count = len(left) * len(right)
    arrays = [objects(left * len(right), (count,)), objects([number for number in right for _ in left], (count,))]
    args = tuple(arrays[: OPERATIONS[op].arity])
    expected = [as_told(one.element(op)(*single)) for single in zip(*(arg.tolist() for arg in args), strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.numbers.systems.MANY", 1)
        assert list(map(as_told, system.apply(op, args))) == expected


def test_short_fractions_are_told_from_others() -> None:
    system = Exact()
    short, long, ball = ([fmpq(1, 3)] * 3, [fmpq(1, 3), fmpq(1, 7**400)], [fmpq(1), arb(1)])
    assert system.are_short(objects(short, (3,)))
    assert not system.are_short(objects(short, (3,)), objects(long, (2,)))
    assert not system.are_short(objects(ball, (2,)))
    assert not system.are_short(objects([], (0,)))


@given(st.lists(st.builds(fmpq, st.integers(-(10**400), 10**400), st.integers(1, 10**400)), max_size=5))
def test_the_nearest_floats_of_fractions_are_rounded_once(numbers: list[fmpq]) -> None:
    expected = []
    for number in (Fraction(int(value.p), int(value.q)) for value in numbers):
        try:
            expected.append(number.numerator / number.denominator)
        except OverflowError:
            expected.append(math.inf if number > 0 else -math.inf)
    assert nearest_floats(objects(numbers, (len(numbers),))).tolist() == expected
    assert [to_float(number) for number in numbers] == expected
