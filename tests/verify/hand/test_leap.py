"""Long runs: where a step is linear, a leap gives what the steps give; elsewhere there is none."""

from fractions import Fraction

import pytest
from flint import arb

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.batches import planned
from derive.run.precedence import effective
from derive.run.run import Run
from verify.auditing.pipeline import audit
from verify.following.finding import Status
from verify.hand.calculation import beginnings
from verify.hand.leap import leaps
from verify.hand.run import calculate
from verify.numbers import Array, Exact, Exactly, Form, as_ball, between, forms, from_fraction, objects, precision

LINEAR = [
    ("article", {"epochs": 40}),
    ("parabola", {"steps": 50}),
    ("line", {"momentum": "0.9", "dampening": "0.5", "weight_decay": "0.01"}),
    ("line", {"momentum": "0.9", "nesterov": "true"}),
    ("article", {"epochs": 30, "batch_size": 4}),
    ("article", {"epochs": 30, "batches": [[0, 8], [3], [4, 5, 6]]}),
]


@pytest.mark.parametrize(("name", "options"), LINEAR, ids=[f"{name} {options}" for name, options in LINEAR])
def test_a_leap_is_the_steps(name: str, options: dict[str, object]) -> None:
    problem = load(name)
    chosen = effective(problem, options)
    derivation = differentiate(problem.graph)
    each = chosen.batches_per_epoch
    steps = calculate(Run(problem, derivation, chosen), planned(chosen)).steps
    with precision(512):
        leap = leaps(Run(problem, derivation, chosen), beginnings(problem, chosen, Exact()))
        assert leap is not None
        for epochs in (1, 2, 7, 20):
            found = leap.after(steps[2 * each].before, epochs)
            wanted = steps[(2 + epochs) * each].before
            for key, array in wanted.items():
                for one, other in zip(found[key].flat, array.flat, strict=True):
                    assert as_ball(one).overlaps(as_ball(other))
                    assert abs(as_ball(one) - as_ball(other)) < 10**-50


@pytest.mark.parametrize(("name", "options"), LINEAR, ids=[f"{name} {options}" for name, options in LINEAR])
def test_a_leap_of_forms_holds_that_of_each_number_they_can_be(name: str, options: dict[str, object]) -> None:
    problem = load(name)
    chosen = effective(problem, options)
    with precision(512):
        start = beginnings(problem, chosen, Exact())
        leap = leaps(Run(problem, differentiate(problem.graph), chosen), start)
        assert leap is not None
        low, high = Fraction(1, 3), Fraction(2, 5)

        def filled(number: Exactly | Form) -> dict[str, Array]:
            flat = {key: [number] * array.size for key, array in start.items()}
            make = forms if isinstance(number, Form) else objects
            return {key: make(numbers, start[key].shape) for key, numbers in flat.items()}

        found = leap.forms_after(filled(between(low, high, 7)), 9)
        for end, sign in ((low, -1), (high, 1)):
            for key, array in leap.after(filled(from_fraction(end)), 9).items():
                for form, value in zip(found[key].flat, array.flat, strict=True):
                    assert as_ball(form.ball).overlaps(as_ball(value))
                    assert set(form.parts) <= {7}
                    part = as_ball(form.parts.get(7, arb(0)))
                    assert (as_ball(form.centre) + sign * part).overlaps(as_ball(value))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tanh_network", {"epochs": 9}),
        ("logistic", {"epochs": 9}),
        ("relu_network", {"epochs": 9}),
        ("fan_out", {"steps": 9}),
        ("line", {"optimizer": "Adam"}),
        ("line", {"optimizer": "Adagrad"}),
        ("line", {"zero_grad": "false"}),
        ("line", {"accumulate": 2}),
        ("article", {"epochs": 2}),
    ],
)
def test_no_leap_where_a_step_is_not_linear_or_not_always_the_same(name: str, options: dict[str, object]) -> None:
    problem = load(name)
    chosen = effective(problem, options)
    with precision(128):
        start = beginnings(problem, chosen, Exact())
        assert leaps(Run(problem, differentiate(problem.graph), chosen), start) is None


def test_a_million_and_a_half_steps_are_judged_at_8_digits() -> None:
    found = audit(
        "temperature",
        epochs=1_500_000,
        sentences=["step 1499999: b = 32.000000", "step 1500000: w = 1.8000000", "step 1400000: loss = 0.00000000"],
    )
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.RIGHT, Status.RIGHT]


def test_the_closed_form_of_a_parabola_after_a_hundred_thousand_steps() -> None:
    right = 3 - 3 * Fraction(9998, 10000) ** 100_000
    claims = [
        f"step 100000: x = {float(right):.10f}",
        f"step 50000: x = {float(3 - 3 * Fraction(9998, 10000) ** 50_000):.8f}",
    ]
    found = audit("parabola", lr="0.0001", steps=100_000, sentences=claims)
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.RIGHT]


def test_a_wrong_number_at_the_end_of_a_long_run_is_wrong() -> None:
    found = audit("article", epochs=500_000, sentences=["step 1500000: b = 10.1", "step 1500000: w = 2.0000000"])
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.WRONG]
    assert not found.asked_pytorch


def test_what_is_out_of_reach_is_undecided_with_the_reason() -> None:
    found = audit("tanh_network", epochs=500_000, sentences=["step 1000000: c = 0.5"])
    [finding] = found.findings
    assert finding.status is Status.UNDECIDED
    assert found.exit_status == 3
    assert finding.why == (
        "a run of 1,000,000 steps that are not linear in the parameters is out of reach: at most 200,000"
    )
