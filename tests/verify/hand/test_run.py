import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

import derive
from derive.chain.derivation import differentiate
from derive.errors import HandgradError
from derive.problem.loading import load
from derive.run.batches import plan
from derive.run.precedence import effective
from derive.run.run import Run
from tests.exact_numbers import as_told
from tests.grammar import draw
from verify import verify
from verify.auditing.reading import drawn as drawn_run
from verify.hand import run as hand
from verify.hand.run import HandRun, as_floats, calculate, handed
from verify.numbers import is_sharp, objects, to_float, to_fraction

ROOT = Path(__file__).resolve().parents[3]


def by_hand(text: str, **flags: object) -> HandRun:
    problem = load(text)
    settings = effective(problem, flags)
    return calculate(Run(problem, differentiate(problem.graph), settings), plan(settings))


def simple(equations: str, parameters: str = "w = 1", lr: str = "0.1", steps: int = 3) -> str:
    return f'equations = """\n{equations}\n"""\n[parameters]\n{parameters}\n[training]\nlr = {lr}\nsteps = {steps}\n'


def fraction(array: hand.Array) -> Fraction | None:
    return to_fraction(array.item())


def test_the_first_step_of_the_article() -> None:
    step = by_hand("article", nodes=True).steps[0]
    assert (fraction(step.before["w"]), fraction(step.loss)) == (0, Fraction(440, 3))
    assert (fraction(step.gradients["w"]), fraction(step.gradients["b"])) == (Fraction(-80, 3), -24)
    assert (fraction(step.after["w"]), fraction(step.after["b"])) == (Fraction(4, 15), Fraction(6, 25))
    assert [to_fraction(value) for value in step.nodes["d"]] == [-10, -12, -14]
    assert [to_fraction(value) for value in step.adjoints["d"]] == [Fraction(-20, 3), -8, Fraction(-28, 3)]


def test_a_step_begins_where_the_one_before_ended() -> None:
    steps = by_hand("article").steps
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]


def test_lines_are_kept_only_when_asked_for() -> None:
    assert by_hand("article").steps[0].nodes == {}


def test_rational_problems_stay_rational() -> None:
    run = by_hand("parabola", steps=30)
    assert run.ended == ""
    assert fraction(run.steps[-1].after["x"]) == 3 - 3 * Fraction(4, 5) ** 30


def test_fractions_that_grow_too_long_are_carried_on_as_balls() -> None:
    run = by_hand(simple("l = w^4 - w", "w = 0.3", "0.01", 12))
    assert run.ended == ""
    assert to_fraction(run.steps[1].after["w"].item()) is not None
    assert to_fraction(run.steps[-1].after["w"].item()) is None
    assert all(is_sharp(number) for step in run.steps for number in step.numbers())


def test_transcendental_functions_are_sharp_over_many_steps() -> None:
    run = by_hand(simple("l = exp(sin(w)) + w^2", steps=200))
    assert (len(run.steps), run.ended) == (200, "")
    assert all(is_sharp(number) for step in run.steps for number in step.numbers())


def test_wide_balls_are_calculated_again_with_more_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    chaotic = simple("l = sin(20*w)", "w = 1", "1", 200)  # each step multiplies an error by up to 400
    run = by_hand(chaotic)
    assert (len(run.steps), run.ended) == (200, "")
    monkeypatch.setattr(hand, "PRECISIONS", (128,))
    short = by_hand(chaotic)
    assert 5 < len(short.steps) < 60
    assert short.ended.endswith("the hand calculation ends: its digits no longer suffice (128 bits)")
    for few, many in zip(short.steps, run.steps, strict=False):
        assert to_float(few.loss.item()) == to_float(many.loss.item())


@pytest.mark.parametrize(
    ("made", "wanted", "bits"),
    [
        (0, 100, 16384),
        (50, 100, 2560),  # a quarter more than twice as many
        (99, 100, 2048),
        (20, 100, 6400),
        (1, 100, 16384),
    ],
)
def test_so_many_bits_are_tried_as_all_steps_may_need(made: int, wanted: int, bits: int) -> None:
    assert hand.more_bits(1024, made, wanted) == bits


@pytest.mark.parametrize(
    ("text", "steps", "sentence"),
    [
        (
            simple("l = 1/w", "w = 0"),
            0,
            "at step 1 (epoch 1, batch 1) the hand calculation ends: division by zero, in line l",
        ),
        (
            simple("l = sqrt(w)", "w = 0"),
            0,
            "at step 1 (epoch 1, batch 1) the hand calculation ends: division by zero, in dl/dw",
        ),
        # w = 1, then 1 − 1·1 = 0
        (
            simple("l = 1/w + 2*w", "w = 1", "1"),
            1,
            "at step 2 (epoch 2, batch 1) the hand calculation ends: division by zero, in line l",
        ),
        (
            simple("l = log(w)", "w = -1"),
            0,
            "at step 1 (epoch 1, batch 1) the hand calculation ends: log(-1) has no real value, in line l",
        ),
    ],
)
def test_a_run_ends_where_a_value_is_not_defined(text: str, steps: int, sentence: str) -> None:
    run = by_hand(text)
    assert (len(run.steps), run.ended) == (steps, sentence)


def test_the_rows_of_each_batch_are_the_planned_ones() -> None:
    problem = load("article")
    settings = effective(problem, {})
    reverse = [tuple(range(8, -1, -1))]
    run = calculate(Run(problem, differentiate(problem.graph), settings), plan(settings, reverse))
    assert fraction(run.steps[0].gradients["b"]) == -48  # −(2/3)(26 + 24 + 22)
    assert [step.batch.indices for step in run.steps] == [(8, 7, 6), (5, 4, 3), (2, 1, 0)]


def test_a_smaller_last_batch_divides_by_its_own_n() -> None:
    run = by_hand("article", batch_size=8)
    assert [step.batch.n for step in run.steps] == [8, 1]
    last = run.steps[1]
    w, b = (fraction(last.before[name]) for name in ("w", "b"))
    assert w is not None
    assert b is not None
    assert fraction(last.gradients["b"]) == 2 * (8 * w + b - 26)


def test_constants_are_exact() -> None:
    text = simple("l = (w - k)^2").replace("[training]", "[constants]\nk = 0.1\n[training]")
    assert fraction(by_hand(text).steps[0].gradients["w"]) == Fraction(9, 5)


def test_it_never_imports_torch() -> None:
    program = "import sys, verify.hand.run, verify.bound.bound, verify.compare.verdict; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


LINE = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = "1/3"
[data]
x = [1, 2, 3, 4]
y = [3, 5, 7, 9]
[training]
lr = 0.05
batch_size = 1
accumulate = 2
momentum = 0.9
steps = 5
"""


def test_numbers_are_rounded_once_to_float64() -> None:
    array = objects([fmpq(1, 3), fmpq(2**60 + 1), fmpq(-1, 10)], (3,))
    assert as_floats({"w": array})["w"].tolist() == [1 / 3, float(2**60), -0.1]
    assert as_floats({"w": objects([fmpq(10) ** 400], ())})["w"] == np.inf


def test_only_updates_are_handed_on() -> None:
    run = verify(LINE, variant="lr_in_velocity").hand
    found = handed(run)
    assert found.steps == 5
    assert {name: float(value) for name, value in found.start.items()} == {"w": 1 / 3, "w.v": 0.0}
    updating = [step for step in run.steps if step.batch.updates]
    assert len(found.updates) == len(updating) == 2
    for values, step in zip(found.updates, updating, strict=True):
        assert float(values["w"]) == float(Fraction(str(step.after["w"].item())))


@how_many(deadline=None, max_examples=60)
@given(st.integers(0, 2**40))
def test_a_recorded_step_is_the_step_that_is_calculated(seed: int) -> None:
    """Of problems of all kinds: optimizers, what is clipped, adds up, ends and is drawn."""
    drawn = draw(Random(seed))
    try:
        problem = derive.load(drawn.text)
        run = drawn_run(problem, effective(problem, drawn.settings))
    except HandgradError:
        return
    found = []
    for after in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hand, "RECORDED_AFTER", after)
            found.append(hand.Continued(run, 128).calculate(run.batches))
    recorded, plain = found
    assert recorded.ended == plain.ended
    for one, other in zip(recorded.steps, plain.steps, strict=True):
        assert list(map(as_told, one.numbers())) == list(map(as_told, other.numbers()))
        assert one.left.keys() == other.left.keys()


def test_steps_are_recorded_and_clipping_by_their_norm_is_not() -> None:
    for more, is_recorded in (({}, True), ({"clip_grad_value": 1}, True), ({"clip_grad_norm": 1}, False)):
        problem = derive.load("article")
        run = drawn_run(problem, effective(problem, {"epochs": 3, **more}))
        continued = hand.Continued(run)
        assert len(continued.calculate(run.batches).steps) == 9
        (steps,) = continued.prepared.recorded.values()
        assert isinstance(steps, int) is False
        assert (steps.repeated is not None) is is_recorded
