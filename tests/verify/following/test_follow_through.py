"""Numbers recalculated from an author's own earlier ones, beside the intervals that one finds on paper."""

from fractions import Fraction

import pytest
from flint import fmpq

from derive.run.run import Run
from tests.audited import HALVING, UNEVEN, audited, cell, claim, fraction
from verify.claims.claim import Cell
from verify.following import follow_through
from verify.following.follow_through import MAX_STEPS, follow
from verify.following.own_numbers import Own, own_number
from verify.hand import leap
from verify.hand.calculation import INPUTS, input_marks
from verify.hand.leap import Leaps
from verify.numbers import Forms, as_ball, from_fraction, is_finite, to_fraction


def own(about: Cell, text: str, mark: int = 0) -> Own:
    """A wrong number of the author's."""
    return own_number(claim(about, text), mark, None, is_wrong=True)


def followed(of: Run, owns: list[Own], *wanted: Cell) -> list[tuple[Fraction, Fraction]]:
    """Centre and radius of what each cell is by the author's numbers."""
    found = follow(of, owns, wanted)
    result = []
    for own_cell in wanted:
        form = found[own_cell]
        radius = to_fraction(fmpq(*_exact(form.radius)))
        assert radius is not None
        result.append((fraction(form.centre), radius))
    return result


def _exact(radius: object) -> tuple[int, int]:
    """A radius without an error of its own, as a quotient."""
    mantissa, exponent = as_ball(radius).mid().man_exp()  # type: ignore[arg-type]
    power = int(exponent)
    return (int(mantissa) << power, 1) if power >= 0 else (int(mantissa), 1 << -power)


def about(value: Fraction) -> object:
    """A radius is rounded upwards."""
    return pytest.approx(float(value), rel=1e-8)


def test_what_the_digits_of_a_number_allow() -> None:
    after = cell(1, "after", "w")
    right = from_fraction(Fraction(4, 15))  # 0.2666…
    for text, is_wrong, low, high in (
        ("0.28", True, "0.275", "0.285"),
        ("0.26", False, "0.255", "4/15"),  # cut off: its author may have gone on with the right number
        ("0.27", False, "0.265", "0.275"),
        ("1/4", True, "1/4", "1/4"),
    ):
        found = own_number(claim(after, text), 7, right, is_wrong)
        assert (found.low, found.high, found.known) == (Fraction(low), Fraction(high), True)
        assert found.form.sources == {7}
    assert not own_number(claim(after, "nan"), 7, right, is_wrong=True).known
    assert own_number(claim(after, "inf"), 7, right, is_wrong=True).form.radius.is_nan()


def test_an_lr_of_few_digits_is_chosen_and_not_rounded() -> None:
    lr = cell(1, "setting", "lr")
    right = from_fraction(Fraction(1, 4))
    assert (own(lr, "0.2").low, own(lr, "0.2").high) == (Fraction(1, 5), Fraction(1, 5))
    found = own_number(claim(lr, "0.3"), 0, right, is_wrong=False)
    assert (found.low, found.high) == (Fraction(1, 4), Fraction(1, 4))
    assert (own(lr, "0.123").low, own(lr, "0.123").high) == (Fraction("0.1225"), Fraction("0.1235"))


def test_a_wrong_parameter_is_carried_on_and_nothing_is_lost() -> None:
    """From w = 2.1 ± 0.05 on: w' = w/2 + 3/2 and dl/dw = 2(w − 3), however often w stands in them."""
    of = audited(HALVING)
    cells = cell(2, "gradients", "w"), cell(2, "after", "w"), cell(3, "after", "w")
    found = followed(of, [own(cell(1, "after", "w"), "2.1")], *cells)
    assert found == [
        (Fraction("-1.8"), about(Fraction("0.1"))),
        (Fraction("2.55"), about(Fraction("0.025"))),
        (Fraction("2.775"), about(Fraction("0.0125"))),
    ]


def test_the_right_number_is_not_among_what_follows_from_a_wrong_one() -> None:
    of, after = audited(HALVING), cell(2, "after", "w")
    [(wrong, radius)] = followed(of, [own(cell(1, "after", "w"), "2.1")], after)
    assert abs(wrong - Fraction(5, 2)) > radius
    [(right, radius)] = followed(of, [own(cell(1, "after", "w"), "2.0")], after)
    assert right == Fraction(5, 2)
    assert radius == about(Fraction("0.025"))


def test_a_wrong_gradient_lr_or_parameter_to_begin_with_moves_the_update() -> None:
    of, after = audited(HALVING), cell(1, "after", "w")
    for at, text, wanted in (
        (cell(1, "gradients", "w"), "-6/1", 1 + Fraction(6, 4)),  # the right one is −4
        (cell(1, "setting", "lr"), "0.2", 1 + Fraction(4, 5)),
        (cell(1, "before", "w"), "2/1", Fraction(5, 2)),
    ):
        assert followed(of, [own(at, text)], after) == [(wanted, 0)]


def test_a_wrong_line_and_a_wrong_adjoint_within_a_step() -> None:
    of = audited(UNEVEN)
    gradient, loss, first = cell(1, "gradients", "w"), cell(1, "loss", "l"), cell(1, "nodes", "p", 0)
    # p = (1, 2), y = (3, 2): from p₀ = 2 on the loss is 1/2, and dl/dw = p₀ − y₀ + 2·(p₁ − y₁) = −1
    assert followed(of, [own(first, "2/1")], loss, gradient) == [(Fraction(1, 2), 0), (Fraction(-1), 0)]
    # dl/dp₁ is 0; from 1/2 on dl/dw = −2·1 + (1/2)·2
    assert followed(of, [own(cell(1, "adjoints", "p", 1), "1/2")], gradient) == [(Fraction(-1), 0)]


def test_the_mean_of_an_epoch_by_wrong_losses() -> None:
    of = audited(UNEVEN)
    owns = [own(cell(1, "loss", "l"), "3/1", 0), own(cell(2, "loss", "l"), "6/1", 1)]
    means = [cell(2, "epoch", name) for name in ("mean_of_batches", "mean_over_samples")]
    assert followed(of, owns, *means) == [(Fraction(9, 2), 0), (Fraction(2 * 3 + 6, 3), 0)]


def test_a_parameter_follows_from_the_state_that_its_author_wrote_down() -> None:
    of = audited(HALVING, momentum="0.5")
    # v = 0.5·(−4) + 2·(2 − 3) = −4 at step 2; from v = −2 on w = 2 + 2/4
    assert followed(of, [], cell(2, "after", "w.v"), cell(2, "after", "w")) == [(-4, 0), (3, 0)]
    assert followed(of, [own(cell(2, "after", "w.v"), "-2/1")], cell(2, "after", "w")) == [(Fraction(5, 2), 0)]


def test_nothing_is_known_after_nan_and_nothing_is_followed_for_nobody() -> None:
    of, after = audited(HALVING), cell(2, "after", "w")
    form = follow(of, [own(cell(1, "after", "w"), "nan", 5)], [after])[after]
    assert not is_finite(form.ball)
    assert form.sources == {5}
    assert follow(of, [own(cell(1, "after", "w"), "2.1")], []) == {}


FORTY_STEPS = [HALVING.replace("steps = 4", "steps = 40"), UNEVEN.replace("epochs = 2", "epochs = 20")]


@pytest.mark.parametrize("text", FORTY_STEPS)
def test_what_is_leapt_over_is_what_the_steps_give(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = audited(text, lr="0.03")
    owns = [own(cell(3, "after", "w"), "1.75", 0), own(cell(30, "after", "w"), "2.5", 1)]
    wanted = [cell(29, "after", "w"), cell(39, "gradients", "w"), cell(40, "after", "w")]
    by_steps = follow(of, owns, wanted)
    monkeypatch.setattr(leap, "LEAP", 5)
    leapt: list[int] = []
    right = Leaps.forms_after
    monkeypatch.setattr(Leaps, "forms_after", lambda self, *others: leapt.append(1) or right(self, *others))
    by_leaps = follow(of, owns, wanted)
    assert leapt
    for one in wanted:
        assert by_steps[one].sources == by_leaps[one].sources
        assert as_ball(by_steps[one].ball).overlaps(as_ball(by_leaps[one].ball))
        assert abs(as_ball(by_steps[one].radius) - as_ball(by_leaps[one].radius)) < 1e-9


def test_a_wrong_number_of_a_long_run_is_followed_to_its_own_step(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    step = follow_through._Follower.step
    monkeypatch.setattr(
        follow_through._Follower,
        "step",
        lambda self, program, data, held, batch, gathered: (
            taken.append(batch.step) or step(self, program, data, held, batch, gathered)
        ),
    )
    of, last = audited(HALVING, lr="0.0001", steps=1_000_000), cell(1_000_000, "after", "w")
    form = follow(of, [own(cell(3, "after", "w"), "1.1", 0), own(last, "2.5", 1)], [last])[last]
    assert taken == [1_000_000]  # all of its state is known after step 3
    assert abs(as_ball(form.centre) - 3) < 1e-12  # (1 − 2·10⁻⁴)^10⁶ is 10⁻⁸⁷
    assert form.sources == {0}
    assert follow(of, [own(last, "2.5")], [last]) == {}  # there is nothing before it


def test_a_number_of_a_run_that_is_too_long_and_not_linear_is_not_followed() -> None:
    of, last = (
        audited('equations = "l = w^4"\n[parameters]\nw = 1\n[training]\nlr = 0.001\nsteps = 30000\n'),
        MAX_STEPS + 1,
    )
    about_it = cell(last, "after", "w")
    assert follow(of, [own(about_it, "2.5")], [about_it]) == {}


def test_of_two_numbers_that_are_one_the_finer_is_gone_on_with() -> None:
    after, before, loss = cell(1, "after", "w"), cell(2, "before", "w"), cell(2, "loss", "l")
    for texts, low, high in (
        (("2.004", "2.0"), "2.0035", "2.0045"),
        (("2.0", "2.004"), "2.0035", "2.0045"),
        (("2.004", "2.3"), "2.25", "2.35"),  # they do not agree: another number
        (("2.0", "2.0"), "1.95", "2.05"),
    ):
        owns = [own(after, texts[0], 0), own(before, texts[1], 1)]
        ball = as_ball(follow(audited(HALVING), owns, [loss])[loss].ball)
        ends = sorted((float(end) - 3) ** 2 for end in (low, high))
        curved = (float(high) - float(low)) ** 2  # what a square has beside its linear part
        assert (float(ball.lower()), float(ball.upper())) == (
            pytest.approx(ends[0], abs=curved),
            pytest.approx(ends[1], abs=curved),
        )


def test_rounded_inputs_are_followed_as_intervals() -> None:
    run = audited('rounded = ["x"]\nequations = "l = w*x"\n[parameters]\nw = 3\n[constants]\nx = 0.5\n')
    loss = cell(1, "loss", "l")
    assert follow(run, [], [loss])[loss].is_fixed
    form = follow(run, [], [loss], Forms(inputs=input_marks(run.watched)))[loss]
    assert (form.centre, dict(form.parts), form.sources) == (fmpq(3, 2), {INPUTS: fmpq(3, 20)}, frozenset())
