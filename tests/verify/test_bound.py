from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from derive.chain import differentiate
from derive.problem import load
from verify.bound import Bound, prepare
from verify.numbers import Array, as_ball, from_fraction, is_finite, precision, radius, to_float, to_fraction
from verify.program import adjoint_of
from verify.record import Record
from verify.settings import effective
from verify.training import train

UNITS = {"float32": 2.0**-24, "float64": 2.0**-53}


def prepared(text: str, **flags: object) -> tuple[Bound, Record]:
    problem = load(text)
    settings = effective(problem, flags)
    record = train(problem, settings)
    return prepare(problem, differentiate(problem.graph), settings), record


def simple(equation: str, parameters: str = "w = 1") -> str:
    return f'equations = "{equation}"\n[parameters]\n{parameters}\n[training]\nlr = 0.1\nsteps = 3\n'


def lies_in(ball: Array, number: float, exact: Array) -> bool:
    with precision(192):
        return bool(ball.item().contains(arb(number)) and ball.item().contains(as_ball(exact.item())))


@pytest.mark.parametrize("dtype", UNITS)
def test_pytorch_and_the_exact_value_both_lie_in_the_balls(dtype: str) -> None:
    bound, record = prepared("article", dtype=dtype, nodes=True)
    for step in record.steps:
        at_state = bound.step(step)
        assert at_state.exact is not None
        for name, value in step.nodes.items():
            balls, exact = np.ravel(at_state.balls("nodes", name)), np.ravel(at_state.exact.nodes[name])
            for place, number in enumerate(np.ravel(value)):
                assert lies_in(balls[[place]], float(number), exact[[place]])
        for name, gradient in step.gradients.items():
            assert lies_in(at_state.balls("gradients", name), float(gradient), at_state.exact.gradients[name])
            assert lies_in(at_state.balls("after", name), float(step.after[name]), at_state.exact.after[name])


@pytest.mark.parametrize(("dtype", "unit"), UNITS.items())
def test_the_articles_gradients_are_bound_to_some_units(dtype: str, unit: float) -> None:
    bound, record = prepared("article", dtype=dtype)
    for step in record.steps:
        ball = bound.step(step).balls("gradients", "w").item()
        relative = radius(ball) / abs(to_float(ball))
        assert 2 * unit < relative < 20 * unit


def test_the_exact_value_is_that_of_pytorchs_own_state() -> None:
    bound, record = prepared("article")
    at_state = bound.step(record.steps[1])
    before = {name: Fraction(float(value)) for name, value in record.steps[1].before.items()}
    wanted = sum(2 * (before["w"] * x + before["b"] - (2 * x + 10)) * x for x in (3, 4, 5)) / 3
    assert at_state.exact is not None
    assert to_fraction(at_state.exact.gradients["w"].item()) == wanted
    assert wanted != Fraction(-30568, 225)  # from the initial values on


def test_an_update_is_checked_with_pytorchs_own_gradient() -> None:
    bound, record = prepared("article")
    at_state = bound.step(record.steps[0])
    gradient = Fraction(float(record.steps[0].gradients["w"]))
    assert at_state.exact is not None
    assert to_fraction(at_state.exact.after["w"].item()) == -gradient / 100
    assert radius(at_state.balls("after", "w").item()) < 3 * 2.0**-24 * 0.27


def test_a_product_of_zero_has_no_rounding() -> None:
    bound, record = prepared("article", nodes=True)
    assert [radius(ball) for ball in bound.step(record.steps[0]).balls("nodes", "a")] == [0.0, 0.0, 0.0]


def test_where_a_value_is_not_defined_the_balls_tell_nothing() -> None:
    bound, record = prepared(simple("l = 1/w", "w = 0"))
    at_state = bound.step(record.steps[0])
    assert at_state.exact is None
    assert not is_finite(at_state.balls("loss", "l").item())
    assert not is_finite(at_state.balls("gradients", "w").item())


def test_where_the_dtype_overflows_the_balls_tell_nothing() -> None:
    bound, record = prepared(simple("l = 1/exp(w)", "w = 100"))
    at_state = bound.step(record.steps[0])
    assert not is_finite(at_state.balls("loss", "l").item())
    assert at_state.exact is not None
    assert to_float(at_state.exact.loss.item()) == pytest.approx(np.exp(-100.0))


def test_cancellation_widens_the_bound() -> None:
    bound, record = prepared(simple("l = (w + 1000000)^2 - 1000000000000", "w = 0.001"))
    ball = bound.step(record.steps[0]).balls("loss", "l").item()
    assert radius(ball) > 2.0**-24 * 1e12


@pytest.mark.parametrize("value", [Fraction(1, 2), Fraction(1, 10), Fraction(0)])
def test_an_initial_value_is_rounded_once(value: Fraction) -> None:
    bound, _ = prepared("article")
    ball = as_ball(bound.initial(value))
    assert ball.contains(arb(from_fraction(value)))
    assert ball.contains(arb(float(np.float32(float(value)))))
    assert (radius(ball) == 0.0) is (value.denominator <= 2)


def test_floats_are_balls_without_radius() -> None:
    array = exactly(np.array([[0.1, 2.0], [np.inf, np.nan]]))
    assert array.shape == (2, 2)
    assert [radius(ball) for ball in array[0]] == [0.0, 0.0]
    assert to_float(array[0, 0]) == 0.1
    assert not any(is_finite(ball) for ball in array[1])


def test_the_program_has_every_adjoint() -> None:
    bound, _ = prepared("article")
    targets = [stage.target for stage in bound.stages]
    assert {adjoint_of(name) for name in ("a", "c", "d", "e", "l", "w", "b")} <= set(targets)
