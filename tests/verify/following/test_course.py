from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

import derive
from derive.run.precedence import effective
from derive.run.run import Run
from tests.audited import audited
from tests.long_runs import OPTIMIZERS, long_run
from tests.problems import LINE
from verify.auditing.reading import drawn
from verify.claims.claim import Cell, Quantity
from verify.following import course as by_course
from verify.following.course import Wanted, course
from verify.following.right_values import right_values
from verify.hand import run as hand
from verify.hand.calculation import beginnings
from verify.hand.run import HandStep
from verify.numbers import Exact, as_ball, from_fraction, is_finite, precision

DIGITS = 2048  # bits with which the steps are calculated for comparison


def by_balls(text: str, bits: int = DIGITS) -> list[HandStep]:
    """All steps, as any run by hand has them."""
    run = drawn(problem := derive.load(text), effective(problem, {}))
    found = []
    with precision(bits):
        prepared, held = hand.inputs(run), beginnings(run.watched, run.settings, Exact())
        for batch in run.batches:
            found.append(hand.step(prepared, held, batch, [node.name for node in run.watched.graph.lines]))
            held = found[-1].after
    return found


@how_many(deadline=None, max_examples=40)
@given(st.integers(0, 2**40))
def test_the_numbers_are_those_of_balls_of_many_digits(seed: int) -> None:
    """Each is known to many digits, and holds the right number."""
    text, wanted = long_run(Random(seed))
    run = drawn(problem := derive.load(text), effective(problem, {}))
    found = course(run, wanted, len(run.batches))
    steps = by_balls(text)
    if found is None:  # a run that spreads
        return
    for (group, name, position), numbers in found.items():
        held = {"nodes": "nodes", "gradients": "gradients", "before": "before", "after": "after"}
        for step, number in zip(steps, numbers, strict=True):
            right = step.loss.item() if group == "loss" else getattr(step, held[group])[name][position]
            with precision(DIGITS):
                assert is_finite(number)
                assert as_ball(number).overlaps(as_ball(right))
                assert (as_ball(number).rad() < 1e-12) or abs(as_ball(number)) * 1e-12 > as_ball(number).rad()


@pytest.mark.parametrize("optimizer", ["SGD", "SGD, weight decay"])
def test_most_runs_of_each_kind_are_told(optimizer: str) -> None:
    told = 0
    for seed in range(8):
        text, wanted = long_run(Random(seed), optimizer)
        run = drawn(problem := derive.load(text), effective(problem, {}))
        told += course(run, wanted, len(run.batches)) is not None
    assert told >= 7
    assert optimizer in OPTIMIZERS


def test_what_balls_of_so_many_bits_lose_is_known() -> None:
    """After 600 steps of a rate of 0.5, balls of 128 bits tell nothing."""
    rows = ", ".join(["0.9", "-0.7", "0.8"] * 200)
    text = f"""equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [{rows}]
y = [{rows.replace("0.9", "1.3")}]
[training]
lr = 0.5
batch_size = 1
epochs = 1
"""
    last = as_ball(by_balls(text, 128)[-1].after["w"].item())
    assert not last.is_finite() or last.rad() > 1e6
    run = drawn(problem := derive.load(text), effective(problem, {}))
    found = course(run, [("after", "w", ())], 600)
    assert found is not None
    assert as_ball(found["after", "w", ()][-1]).rad() < 1e-15


def test_a_run_that_spreads_is_given_more_digits_or_none() -> None:
    """W grows by a factor of 3 in each step: 2¹²⁷ is passed in 80 of them, and 2²⁰⁴⁸ in 1300."""
    text = """equations = "l = -mean(w^2*x)"
[parameters]
w = "1/3"
[data]
x = [1]
[training]
lr = 1
steps = {}
"""
    for steps, is_told in ((60, True), (400, True), (2000, False)):
        run = drawn(problem := derive.load(text.format(steps)), effective(problem, {}))
        found = course(run, [("after", "w", ())], steps)
        assert (found is not None) is is_told
        if found is not None:
            with precision(4000):
                assert as_ball(found["after", "w", ()][-1]).contains(as_ball(from_fraction(Fraction(3 ** (steps - 1)))))


@pytest.mark.parametrize(
    "more",
    ["accumulate = 2", "clip_grad_value = 1", 'scheduler = "StepLR"\nstep_size = 2', "momentum = 0.9\nnesterov = true"],
)
def test_settings_of_other_kinds(more: str) -> None:
    """What carries gradients over, clips them or changes rates is not told; momentum is."""
    text = f"""equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3, 4]
y = [2, 3, 5, 7]
[training]
lr = 0.01
batch_size = 2
epochs = 4
{more}
"""
    run = drawn(problem := derive.load(text), effective(problem, {}))
    found = course(run, [("after", "w", ())], len(run.batches))
    assert (found is not None) == ("momentum" in more)


def test_kinks_and_large_states_are_left_to_the_run_by_hand() -> None:
    text = """equations = "{}"
[parameters]
w = {}
[data]
x = [1, 2]
y = [2, 3]
[training]
lr = 0.1
steps = 5
"""
    for line, values in (("l = mean(relu(tanh(w*x)) - y)", "0.5"), ("l = mean((w[0]*x - y)^2)", [*range(1, 10)])):
        run = drawn(problem := derive.load(text.format(line, values)), effective(problem, {}))
        assert course(run, [("loss", "l", ())], 5) is None


def test_norms_are_the_largest_singular_values() -> None:
    draw = np.random.default_rng(1)
    matrices = draw.normal(size=(50, 3, 3))
    exact = np.linalg.norm(matrices, 2, axis=(1, 2))
    found = by_course._largest(matrices, np.zeros_like(matrices))
    assert (found >= exact).all()
    assert (found <= exact * (1 + 1e-9)).all()
    around = np.full_like(matrices, 0.01)
    wider = by_course._largest(matrices, around)
    for sign in (-1, 1):
        assert (wider >= np.linalg.norm(matrices + sign * around, 2, axis=(1, 2))).all()
    matrices[0, 0, 0] = np.nan
    assert np.isinf(by_course._largest(matrices, around)[0])


def test_right_values_are_the_same_by_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    text, wanted = long_run(Random(3), "SGD")
    run = drawn(problem := derive.load(text), effective(problem, {}))
    cells = [
        Cell(batch.step, Quantity(group, name, name), position, position)
        for batch in islice(run.batches, 40)
        for group, name, position in wanted
    ]
    by_hand = right_values(run, cells, lambda _: True)
    monkeypatch.setattr("verify.following.right_values.MANY", 10)
    told = right_values(run, cells, lambda _: True)
    assert told.values.keys() == by_hand.values.keys() == {*cells}
    assert all(as_ball(told.values[cell]).overlaps(as_ball(by_hand.values[cell])) for cell in cells)


def test_a_run_of_short_fractions_is_exact_whatever_it_has() -> None:
    text = """equations = "l = mean(relu(w*x) - y)"
[parameters]
w = 0.5
[data]
x = [1, 2]
y = [2, 3]
[training]
lr = 0.1
steps = 5
"""
    run = drawn(problem := derive.load(text), effective(problem, {}))
    found = course(run, [("after", "w", ())], 5)
    assert found is not None
    assert [str(number) for number in found["after", "w", ()]] == ["7/20", "1/5", "1/20", "-1/10", "-1/10"]


def test_nothing_is_calculated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fewer steps, or fewer numbers, all is known; what could not be told is not tried again for the same run."""
    run, other = (audited(LINE, steps=7) for _ in "ab")
    lasts: list[int] = []
    original = by_course.course

    def noted(of: Run, wanted: Sequence[Wanted], last: int) -> object:
        lasts.append(last)
        return original(of, wanted, last)

    monkeypatch.setattr(by_course, "course", noted)
    courses, w, b = by_course.Courses(), ("after", "w", ()), ("after", "b", ())
    both = courses.of(run, [w, b], 4)
    assert both is not None
    one = courses.of(run, [b], 3)
    assert one is not None
    assert one[b] is both[b]
    assert lasts == [4]
    courses.of(run, [w], 5)
    courses.of(other, [w], 5)
    courses.of(other, [b], 5)
    assert lasts == [4, 5, 5, 5]
    monkeypatch.setattr(by_course, "course", lambda *given: lasts.append(given[2]))
    assert courses.of(run, [w], 6) is None
    assert courses.of(run, [w, b], 6) is None
    assert courses.of(run, [w], 7) is None
    assert lasts == [4, 5, 5, 5, 6, 7]
