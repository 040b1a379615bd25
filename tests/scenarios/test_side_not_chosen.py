"""By hand `where` takes the side that is chosen: where the other has no value, all is as without it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from tables import worked
from verify import Outcome, audit, verify
from verify.hand.run import HandRun, calculate
from verify.numbers import to_fraction

# Without value, or without derivative, at 0 or below.
POLES = ("1/w", "log(w)", "sqrt(w)/w", "w^-2", "log(w*w)", "1/(w*v)", "exp(1/w)", "w^(1/3)/w")
CHOSEN = ("w", "3*w*v", "w^2 - v", "relu(w) + v^2", "exp(w)*v")
AROUND = ("{}", "2*{} + w", "({})^2", "v*exp({})", "w - relu({})", "{0}*{0} + {0}")


def by_hand(equation: str, w: Fraction, v: Fraction) -> HandRun:
    problem = load(f'equations = "l = {equation}"\n[parameters]\nw = {float(w)}\nv = {float(v)}\n')
    run = Run(problem, differentiate(problem.graph), effective(problem, {}))
    return calculate(run, run.batches)


def numbers(run: HandRun) -> list[str]:
    (step,) = run.steps
    return [str(value) for array in (step.loss, *step.gradients.values()) for value in array.flat]


@given(
    st.sampled_from(POLES),
    st.sampled_from(CHOSEN),
    st.sampled_from(AROUND),
    st.sampled_from([Fraction(0), Fraction(0), Fraction(-1), Fraction(-1, 2)]),
    st.booleans(),
)
def test_the_other_side_changes_nothing(pole: str, chosen: str, around: str, w: Fraction, swapped: bool) -> None:
    inside = f"where(w <= 0, {chosen} + 0*v + 0*w, {pole} + v)" if swapped else f"where(w > 0, {pole}, {chosen})"
    alone = f"({chosen} + 0*v + 0*w)" if swapped else f"({chosen})"
    with_where = by_hand(around.format(inside) + " + 0*v + 0*w", w, Fraction(3))
    without = by_hand(around.format(alone) + " + 0*v + 0*w", w, Fraction(3))
    assert without.ended == with_where.ended == ""
    assert numbers(with_where) == numbers(without)


@pytest.mark.parametrize(
    ("name", "text", "loss", "gradient"),
    [
        ("where_pole", 'equations = "l = where(w > 0, 1/w, w)"\n[parameters]\nw = 0\n', 0, 1),
        (
            "guarded division",
            'equations = """\nl = where(w != 0, 1/w, w)\n"""\n[parameters]\nw = 0\n[training]\nlr = 0.1\nsteps = 1\n',
            0,
            1,
        ),
        ("a root", 'equations = "l = where(w > 0, sqrt(w), 0*w)"\n[parameters]\nw = -1\n', 0, 0),
        ("a power of 0", 'equations = "l = 0^w + w"\n[parameters]\nw = 2\n', 2, 1),
    ],
)
def test_the_numbers_on_paper(name: str, text: str, loss: int, gradient: int) -> None:
    result = verify(text)
    (step,) = result.hand.steps
    assert [to_fraction(step.loss.item()), to_fraction(step.gradients["w"].item())] == [loss, gradient], name
    decided = bool(np.isfinite(result.record.steps[0].gradients["w"]))
    assert result.verdict.outcome is (Outcome.AGREES if decided else Outcome.UNDECIDED)
    assert audit(text, sentences=[f"dl/dw = {gradient}", f"loss = {loss}"]).exit_status == 0
    assert audit(text, sentences=["dl/dw = 7"]).exit_status == (1 if decided else 3)  # PyTorch itself prints nan
    assert f"= {gradient}" in worked(result, 1)


@pytest.mark.parametrize("chosen", ["1/w", "w + 1/v"])
def test_the_side_that_is_chosen_needs_its_value(chosen: str) -> None:
    found = by_hand(f"where(w > 0, w, {chosen}) + v", Fraction(0), Fraction(0))
    assert (found.steps, found.ended) == (
        (),
        "at step 1 (epoch 1, batch 1) the hand calculation ends: division by zero, in line l",
    )


def test_of_several_entries_each_takes_its_own_side() -> None:
    result = verify('equations = "l = sum(where(w > 0, 1/w, 3*w))"\n[parameters]\nw = [0, 2, -1, 4]\n')
    (step,) = result.hand.steps
    assert list(map(to_fraction, step.gradients["w"])) == [3, Fraction(-1, 4), 3, Fraction(-1, 16)]


def test_a_power_of_0_by_its_exponent() -> None:
    text = 'equations = """\nl = w^b + (w - 1)^2\n"""\n[parameters]\nw = 0\nb = 2\n[training]\nlr = 0.1\nsteps = 1\n'
    result = verify(text)
    (step,) = result.hand.steps
    assert [to_fraction(x.item()) for x in (step.loss, step.gradients["w"], step.gradients["b"])] == [1, -2, 0]
    assert result.agrees
    for base, exponent in (("0", "v"), ("w", "v"), ("w*w", "2*v + 1")):
        text = f'equations = "l = {base}^({exponent}) + v + w"\n[parameters]\nw = 0\nv = 1.5\n'
        assert verify(text).agrees


@pytest.mark.parametrize("many", [2, 4, 6])
def test_many_sides_do_not_take_forever(many: int) -> None:
    choices = " + ".join(f"where(w > {k}, w^2, {k}*w)" for k in range(many))
    result = verify(f'equations = "l = {choices}"\n[parameters]\nw = 2.5\n')
    assert result.agrees
