from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from derive.chain.derivation import differentiate
from derive.problem.loading import Problem, load
from derive.run.precedence import effective
from derive.run.run import Run
from derive.run.settings import Settings
from tests.problems import simple
from tests.step_bounds import at, distance, prepared
from verify.bound.bound import Bound, prepare
from verify.hand.calculation import numbers
from verify.names import adjoint_of, updated
from verify.numbers import FORMATS, as_ball, precision, to_fraction
from verify.pytorch.run import Replay, train
from verify.record import StepRecord, Steps, side_by_side

DTYPES = tuple(FORMATS)


def radius(bound: Bound, step: StepRecord, target: str, value: Any) -> float:
    return float(np.max(distance(bound, at(bound, step), target, value).bound))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", ["article", "tanh_network", "softmax"])
def test_pytorch_and_the_exact_value_both_lie_in_the_bound(problem: str, dtype: str) -> None:
    bound, record = prepared(problem, dtype=dtype, nodes=True)
    for step in record.steps:
        state = at(bound, step)
        targets = dict(step.nodes)
        targets |= {adjoint_of(name): value for name, value in (*step.adjoints.items(), *step.gradients.items())}
        targets |= {updated(name): value for name, value in step.after.items()}
        for target, value in targets.items():
            found = distance(bound, state, target, value)
            assert found.consistent.all()
            assert (np.abs(found.error) <= found.bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_articles_gradients_are_bound_to_some_units(dtype: str) -> None:
    bound, record = prepared("article", dtype=dtype)
    for step in record.steps:
        gradient = step.gradients["w"]
        relative = radius(bound, step, adjoint_of("w"), gradient) / abs(float(gradient))
        assert 1 < relative / 2.0 ** FORMATS[dtype].unit < 12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_exact_value_is_that_of_pytorchs_own_state(dtype: str) -> None:
    bound, record = prepared("article", dtype=dtype)
    step = record.steps[1]
    before = {name: Fraction(float(value)) for name, value in step.before.items()}
    wanted = sum(2 * (before["w"] * x + before["b"] - (2 * x + 10)) * x for x in (3, 4, 5)) / 3
    found = distance(bound, at(bound, step), adjoint_of("w"), step.gradients["w"])
    assert float(found.expected[0]) == pytest.approx(float(wanted), rel=1e-15)
    assert wanted != Fraction(-30568, 225)  # from the initial values on
    if dtype == "float64":
        assert to_fraction(at(bound, step).exact[adjoint_of("w")].item()) == wanted


def test_an_update_is_checked_with_pytorchs_own_gradient() -> None:
    bound, record = prepared("article")
    step = record.steps[0]
    found = distance(bound, at(bound, step), updated("w"), step.after["w"])
    assert float(found.expected[0]) == pytest.approx(-float(step.gradients["w"]) / 100, rel=1e-15)
    assert float(found.bound[0]) < 3 * 2.0**-24 * 0.27


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_of_zero_has_no_rounding(dtype: str) -> None:
    bound, record = prepared("article", nodes=True, dtype=dtype)
    step = record.steps[0]
    assert distance(bound, at(bound, step), "a", step.nodes["a"]).bound.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("equation", "w"), [("l = 1/w", "0"), ("l = log(w)", "-1"), ("l = sqrt(w)", "-2")])
def test_where_a_value_is_not_defined_there_is_no_bound(equation: str, w: str, dtype: str) -> None:
    bound, record = prepared(simple(equation, f"w = {w}"), dtype=dtype)
    assert radius(bound, record.steps[0], "l", 1.0) == np.inf


@pytest.mark.parametrize(("dtype", "w"), [("float32", 100), ("float64", 800), ("float16", 12), ("bfloat16", 100)])
def test_where_the_dtype_overflows_there_is_no_bound(dtype: str, w: int) -> None:
    bound, record = prepared(simple("l = 1/exp(w)", f"w = {w}"), dtype=dtype)
    found = distance(bound, at(bound, record.steps[0]), "l", record.steps[0].loss)
    assert found.bound.tolist() == [np.inf]
    assert found.expected.tolist() == [pytest.approx(np.exp(-float(w)), rel=1e-12)]


def test_cancellation_widens_the_bound() -> None:
    bound, record = prepared(simple("l = (w + 1000000)^2 - 1000000000000", "w = 0.001"))
    assert radius(bound, record.steps[0], "l", 0.0) > 2.0**-24 * 1e12


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", ["1/2", "1/10", "0"])
def test_an_initial_value_is_rounded_once(value: str, dtype: str) -> None:
    problem = load(f'equations = "l = w^2"\n[parameters]\nw = "{value}"\n')
    bound = prepare(Run(problem, differentiate(problem.graph), effective(problem, {"dtype": dtype})))
    held = np.asarray([float(Fraction(value))])
    with precision(192):
        rounded = numbers(problem.parameters[0], bound.system)
    found = bound.distance(held, rounded, None)
    assert float(found.bound[0]) == pytest.approx((value == "1/10") * 0.1 * 2.0 ** FORMATS[dtype].unit, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinity_and_nan_tell_nothing(dtype: str) -> None:
    bound, _ = prepared("article", dtype=dtype)
    taken = bound.system.take(np.array([0.1, 2.0, np.inf, np.nan]))
    found = bound.distance(np.array([0.1, 2.0, 0.0, 0.0]), taken, None)
    assert found.bound.tolist() == [0.0, 0.0, np.inf, np.inf]


def test_the_program_has_every_adjoint() -> None:
    bound, _ = prepared("article")
    targets = [stage.target for stage in bound.rounded.stages]
    assert {adjoint_of(name) for name in ("a", "c", "d", "e", "l", "w", "b")} <= set(targets)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", ["article", "tanh_network", "layer_norm"])
def test_steps_side_by_side_are_as_each_by_itself(problem: str, dtype: str) -> None:
    bound, record = prepared(problem, dtype=dtype)
    for state in bound.states(record.steps):
        for place in range(len(state.block)):
            step = state.block.step(place)
            alone = at(bound, step)
            for name, value in step.gradients.items():
                target = adjoint_of(name)
                together = bound.distance(
                    value[np.newaxis], state.rounded[target][[place]], state.exact[target][[place]]
                )
                by_itself = distance(bound, alone, target, value)
                assert np.array_equal(together.bound, by_itself.bound)
                assert np.array_equal(together.error, by_itself.error)
            for target, terms in alone.terms.items():
                assert np.array_equal(state.terms[target][[place]], terms)


def test_steps_of_other_sizes_are_calculated_apart() -> None:
    bound, record = prepared("article", batch_size=4, epochs=2)
    groups = [[batch.step for batch in state.block.batches] for state in bound.states(record.steps)]
    assert groups == [[1, 2, 4, 5], [3, 6]]


def test_a_group_is_no_larger_than_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.bound.bound.MAX_SIDE_BY_SIDE", 6)
    bound, record = prepared("article", epochs=2)
    groups = [[batch.step for batch in state.block.batches] for state in bound.states(record.steps)]
    assert groups == [[1, 2], [3, 4], [5, 6]]


def test_the_terms_of_a_gradient_are_those_of_its_sum() -> None:
    bound, record = prepared("article")
    step = record.steps[0]
    # at w = b = 0 the terms of dl/dw are (2/3)(−y)x: 0, −8 and −18.67
    assert at(bound, step).terms[adjoint_of("w")].tolist() == [pytest.approx(80 / 3, rel=1e-6)]
    assert at(bound, step).terms[adjoint_of("b")].tolist() == [pytest.approx(24, rel=1e-6)]


def again(problem: Problem, settings: Settings, steps: Sequence[StepRecord]) -> Steps:
    """The steps repeated in float64."""
    found = side_by_side(steps)
    return Steps([Replay(problem, settings)(block) for block in found.blocks], found.places)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_in_float64_at_the_same_state_the_bound_is_a_million_times_tighter(dtype: str) -> None:
    problem = load("tanh_network")
    settings = effective(problem, {"dtype": dtype})
    derivation, record = differentiate(problem.graph), train(problem, settings)
    run = Run(problem, derivation, settings)
    coarse, fine = prepare(run), prepare(run, "float64")
    for step, repeated in zip(record.steps, again(problem, settings, record.steps), strict=True):
        assert all(np.array_equal(step.before[name], repeated.before[name]) for name in step.before)
        for name, gradient in step.gradients.items():
            wide = distance(coarse, at(coarse, step), adjoint_of(name), gradient)
            narrow = distance(fine, at(fine, repeated), adjoint_of(name), repeated.gradients[name])
            assert (np.abs(narrow.error) <= narrow.bound).all()
            assert (narrow.bound <= 2.0**-20 * wide.bound).all()


def test_with_nodes_a_bound_is_at_pytorchs_own_operands() -> None:
    deep = "\n".join(["h0 = w*x", *(f"h{k} = sin(3*h{k - 1})" for k in range(1, 30)), "l = mean(h29)"])
    text = f'equations = """\n{deep}\n"""\n[parameters]\nw = 0.3\n[data]\nx = [1, 2, 3]\n'
    bound, record = prepared(text)
    local, recorded = prepared(text, nodes=True)
    gathered = radius(bound, record.steps[0], "h29", np.zeros(3))
    alone = distance(local, at(local, recorded.steps[0]), "h29", recorded.steps[0].nodes["h29"])
    assert gathered > 1  # 3²⁹ ulps: nothing is known any more
    assert (alone.bound < 20 * 2.0**-24).all()
    assert (np.abs(alone.error) <= alone.bound).all()


@pytest.mark.parametrize("value", ["0.1", "3", "1e-42", "1e-300"])
def test_a_ball_of_a_literal_contains_it(value: str) -> None:
    bound, _ = prepared("article", dtype="float64")
    ball = as_ball(bound.system.constant(Fraction(value)).item())
    assert ball.contains(arb(Fraction(value).numerator) / Fraction(value).denominator)


@pytest.mark.parametrize(
    ("settings", "are_alike"),
    [({}, True), ({"momentum": "0.9"}, None), ({"optimizer": "Adam"}, False), ({"dtype": "float64"}, False)],
    ids=str,
)
def test_an_update_of_the_same_equations_is_judged_from_its_middle(
    settings: dict[str, str], are_alike: bool | None
) -> None:
    """As it is beside the exact one, which is the same number; its own rounding is not counted twice."""
    bound, record = prepared("article", **settings)
    if are_alike is not None:
        assert bound.updates_alike is are_alike
    state = at(bound, record.steps[1])
    for name in record.steps[1].after:
        floats = record.steps[1].after[name][np.newaxis]
        beside = bound.distance(floats, state.rounded[updated(name)], state.exact[updated(name)])
        if bound.updates_alike:
            alone = bound.distance(floats, state.rounded[updated(name)], None)
            assert alone.expected == beside.expected
            assert alone.error == beside.error
            assert beside.bound * (1 - 2.0**-20) <= alone.bound <= beside.bound
        assert abs(beside.error) <= beside.bound
    with pytest.raises(KeyError):
        state.exact["none"]
