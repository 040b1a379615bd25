"""Numbers that remember what they were made of: nothing is lost where steps are linear, nothing left out elsewhere."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from verify.hand import calculation
from verify.names import adjoint_of
from verify.numbers import (
    Exact,
    Form,
    Forms,
    as_ball,
    between,
    fixed,
    forms,
    from_fraction,
    objects,
    precision,
    shortened,
)

SMALL = st.fractions(-3, 3, max_denominator=50)
UNARY = ("exp", "tanh", "sigmoid", "sin", "abs", "relu", "softplus", "neg", "sign", "erf")
BINARY = ("add", "sub", "mul", "div", "max", "min", "pow")


def inside(form: Form, value: object) -> bool:
    """Whether the exact number can be what the form says."""
    ball = as_ball(form.ball)
    return not ball.is_finite() or bool(ball.overlaps(as_ball(value)))  # type: ignore[arg-type]


@given(st.sampled_from(UNARY), SMALL, st.fractions(0, 1, max_denominator=20), st.fractions(-1, 1, max_denominator=9))
def test_a_function_of_an_unknown_contains_that_of_each_of_its_values(
    op: str, centre: Fraction, radius: Fraction, at: Fraction
) -> None:
    with precision(128):
        form = Forms().apply(op, (forms([between(centre - radius, centre + radius, 0)], ()),)).item()
        point = objects([from_fraction(centre + at * radius)], ())
        assert inside(form, Exact(strict=False).apply(op, (point,)).item())


@given(
    st.sampled_from(BINARY),
    SMALL,
    SMALL,
    st.fractions(0, 1, max_denominator=20),
    st.fractions(-1, 1, max_denominator=9),
)
def test_an_operation_on_dependent_unknowns_contains_that_of_each_of_their_values(
    op: str, first: Fraction, second: Fraction, radius: Fraction, at: Fraction
) -> None:
    with precision(128):
        x = between(first - radius, first + radius, 0)
        system = Forms()
        y = system.apply("add", (forms([x], ()), system.constant(second))).item()
        point = first + at * radius
        if op == "pow":
            y, second = fixed(fmpq(3)), 3 - point
        form = system.apply(op, (forms([x], ()), forms([y], ()))).item()
        exact = Exact(strict=False)
        pair = tuple(objects([from_fraction(value)], ()) for value in (point, point + second))
        assert inside(form, exact.apply(op, pair).item())


def test_what_depends_on_the_same_unknown_cancels() -> None:
    system, x = Forms(), forms([between(Fraction(1), Fraction(2), 7)], ())
    assert system.apply("sub", (x, x)).item().is_fixed
    third = system.apply("div", (x, system.constant(Fraction(3)))).item()
    assert third.parts == {7: from_fraction(Fraction(1, 6))}
    assert third.sources == {7}


def test_the_gradient_of_a_line_from_printed_parameters_is_as_wide_as_it_must_be() -> None:
    problem = load("article")
    system = Forms()
    program = calculation.prepare(problem, differentiate(problem.graph), effective(problem, {}), system)
    rows = {column.name: calculation.numbers(column, system)[6:] for column in problem.data}
    state = {
        "w": forms([between(Fraction("1.625"), Fraction("1.635"), 0)], ()),
        "b": forms([between(Fraction("0.565"), Fraction("0.575"), 1)], ()),
    }
    form = program.at({**state, **rows}, 3).results[adjoint_of("w")].item()
    assert float(as_ball(form.ball).upper()) == pytest.approx(-168.2066667)
    assert float(as_ball(form.ball).lower()) == pytest.approx(-169.34)


@pytest.mark.parametrize("op", ["exp", "tanh", "sigmoid", "relu", "sin", "sqrt"])
def test_what_is_not_linear_in_an_unbounded_unknown_is_not_known(op: str) -> None:
    system = Forms(bounded=False)
    x = forms([Form(fmpq(1), {0: fmpq(1)})], ())
    form = system.apply(op, (x,))
    assert not form.item().rest.is_finite()
    scaled = system.apply("mul", (form, system.constant(Fraction(2)))).item()
    assert not scaled.rest.is_finite()
    assert not system.apply("mul", (x, x)).item().rest.is_finite()


def test_a_division_by_what_may_be_zero_tells_nothing() -> None:
    system = Forms()
    x = forms([between(Fraction(-1), Fraction(1), 3)], ())
    form = system.apply("div", (system.constant(Fraction(1)), x)).item()
    assert not as_ball(form.ball).is_finite()
    assert form.sources == {3}


@given(
    st.dictionaries(st.integers(0, 9), st.fractions(-3, 3, max_denominator=50), min_size=1),
    st.integers(0, 4),
    st.fractions(0, 1, max_denominator=9),
)
def test_a_form_with_fewer_unknowns_holds_all_that_it_held(
    parts: dict[int, Fraction], most: int, rest: Fraction
) -> None:
    with precision(128):
        whole = Form(
            fmpq(1, 3), {mark: from_fraction(part) for mark, part in parts.items()}, as_ball(from_fraction(rest))
        )
        short = shortened(whole, -1, most)
        kept = [mark for mark in short.parts if mark >= 0]
        assert len(kept) <= most
        total = from_fraction(sum(map(abs, parts.values()), rest))
        assert not short.radius < total
        assert not whole.radius < total
        # the largest parts stay unknowns of their own
        left = [abs(parts[mark]) for mark in parts if mark not in kept]
        assert not left or not kept or max(left) <= min(abs(parts[mark]) for mark in kept)


def test_an_input_is_an_unknown_where_it_has_slack() -> None:
    system = Forms(inputs={"x": 50})
    found = system.given("x", (Fraction(1), Fraction(2)), (Fraction(0), Fraction(1, 2)))
    assert [dict(form.parts) for form in found] == [{}, {51: fmpq(1, 2)}]
    doubled = system.apply("sub", (found, found))
    assert all(form.is_fixed and form.centre == 0 for form in doubled)  # it is one number, whatever it is
