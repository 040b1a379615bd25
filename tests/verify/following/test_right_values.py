"""The right values of cells, beside fractions and roots that are calculated here as one does on paper."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from typing import Any

import pytest

from derive.graph.graph import Graph
from derive.run.run import Run
from tests.audited import HALVING, UNEVEN, audited, cell, fraction
from verify.claims.claim import Cell
from verify.following import right_values as module
from verify.following.right_values import MAX_BY_STEPS, PRECISIONS, rate, right_values
from verify.hand import run as hand
from verify.logs.means import weights_of
from verify.numbers import Exactly, as_ball, precision

X, Y = (1, 2, 3), (3, 2, 4)


def values(of: Run, *cells: Cell) -> list[Fraction]:
    """The right values of the cells, each of which has one."""
    known = right_values(of, cells, lambda _: True)
    assert known.reason == ""
    return [fraction(known.values[own]) for own in cells]


def on_paper(w: Fraction, rows: tuple[int, ...]) -> tuple[Fraction, Fraction]:
    """The loss of a batch of `UNEVEN`, and its gradient."""
    errors = [w * X[row] - Y[row] for row in rows]
    gradient = 2 * sum((error * X[row] for error, row in zip(errors, rows, strict=True)), Fraction(0)) / len(rows)
    return sum((error**2 for error in errors), Fraction(0)) / len(rows), gradient


def test_the_numbers_of_a_step_are_the_fractions_on_paper() -> None:
    w1 = 1 - on_paper(Fraction(1), (0, 1))[1] / 10
    loss, gradient = on_paper(w1, (2,))
    wanted = {
        cell(2, "before", "w"): w1,
        cell(2, "nodes", "p", 2, position=(0,)): 3 * w1,
        cell(2, "adjoints", "p", 2, position=(0,)): 2 * (3 * w1 - 4),
        cell(2, "loss", "l"): loss,
        cell(2, "gradients", "w"): gradient,
        cell(2, "after", "w"): w1 - gradient / 10,
        cell(2, "watch", "size"): (w1 - gradient / 10) ** 2 + 1,
    }
    assert w1 == Fraction(6, 5)
    assert values(audited(UNEVEN), *wanted) == list(wanted.values())


def test_gradients_that_add_up_and_are_clipped() -> None:
    first, second = on_paper(Fraction(1), (0, 1))[1], on_paper(Fraction(1), (2,))[1]
    assert (first, second) == (-2, -6)
    found = values(
        audited(UNEVEN, accumulate=2, clip_grad_value="0.5"),
        *(cell(step, "accumulated", "w") for step in (1, 2)),
        *(cell(step, "gradients", "w") for step in (1, 2)),
        cell(2, "clipped", "w"),
        *(cell(step, "after", "w") for step in (1, 2)),
    )
    assert found == [0, first, first, first + second, Fraction(-1, 2), 1, 1 + Fraction(1, 20)]


def test_the_two_means_of_an_epoch_and_how_a_sum_counts() -> None:
    of = audited(UNEVEN)
    first, gradient = on_paper(Fraction(1), (0, 1))
    second, _ = on_paper(1 - gradient / 10, (2,))
    means = [cell(2, "epoch", name) for name in ("mean_of_batches", "mean_over_samples")]
    assert values(of, *means) == [(first + second) / 2, (2 * first + second) / 3]
    summed = audited(UNEVEN.replace("mean(", "sum("))
    batches = tuple(summed.batches[k] for k in (0, 1))
    assert weights_of(of, "mean_over_samples", batches) == ([2, 1], 3)
    assert weights_of(summed, "mean_over_samples", batches) == ([1, 1], 3)
    assert weights_of(summed, "mean_of_batches", batches) == ([1, 1], 2)


def test_batches_in_another_order_are_another_run() -> None:
    of = audited(UNEVEN)
    swapped = replace(of, drawn=tuple(replace(of.batches[k], indices=rows) for k, rows in enumerate(((2,), (0, 1)))))
    after = cell(1, "after", "w")
    assert values(swapped, after) == [1 - on_paper(Fraction(1), (2,))[1] / 10]
    assert values(swapped, after) != values(of, after)


def test_a_wrong_weight_of_a_batch_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = cell(2, "epoch", "mean_over_samples")
    right = values(audited(UNEVEN), mean)
    monkeypatch.setattr(Graph, "averages", False)
    assert values(audited(UNEVEN), mean) != right


def test_digits_are_added_until_they_decide() -> None:
    of = audited('equations = "l = sqrt(w)"\n[parameters]\nw = 2\n')
    loss, asked = cell(1, "loss", "l"), []

    def decided(found: object) -> bool:
        asked.append(found)
        return len(asked) == 3

    ball = as_ball(right_values(of, [loss], decided).values[loss])
    assert len(asked) == 3
    root = isqrt(2 * 10**1000)  # ⌊√2·10⁵⁰⁰⌋
    with precision(PRECISIONS[2]):
        assert root < ball * 10**500 < root + 1
    assert PRECISIONS[1] < ball.rel_accuracy_bits() < PRECISIONS[2] + 8


@pytest.mark.parametrize(
    ("line", "lr", "after", "reason"),
    [
        ("-1/w", 1, 0, "the hand calculation has no value there: "),  # dl/dw = 1/w²
        ("log(w)", 2, -1, "log(-1) has no real value, in line l"),  # dl/dw = 1/w
    ],
)
def test_a_cell_without_a_value_has_its_reason(line: str, lr: int, after: int, reason: str) -> None:
    of = audited(f'equations = "l = {line}"\n[parameters]\nw = 1\n[training]\nlr = {lr}\nsteps = 3\n')
    loss = cell(2, "loss", "l")
    known = right_values(of, [cell(1, "after", "w"), loss], lambda _: True)
    assert {own.step: fraction(value) for own, value in known.values.items()} == {1: after}
    assert known.why(loss).startswith(reason)


def test_linear_steps_are_leapt_over_and_others_end_out_of_reach() -> None:
    far = cell(5000, "after", "w")
    [ball] = right_values(audited(HALVING, steps=5000), [far], lambda _: True).values.values()
    assert (3 - as_ball(ball)).contains(as_ball(2) / as_ball(2) ** 5000)
    late = cell(MAX_BY_STEPS + 1, "after", "w")
    cubic = audited(HALVING.replace("(w - 3)^2", "(w - 3)^3"), steps=MAX_BY_STEPS + 1)
    known = right_values(cubic, [late], lambda _: True)
    assert known.values == {}
    assert known.reason.startswith("a run of 200,001 steps that are not linear in the parameters is out of reach")


def test_lr_of_a_step_and_of_a_group() -> None:
    lr = cell(3, "setting", "lr")
    number = rate(audited(HALVING), lr)
    halved = rate(audited(HALVING, scheduler="ExponentialLR", gamma="0.5"), lr)
    group = '[[training.groups]]\nparameters = ["w"]\nlr = "1/(2*t)"\n'
    own = rate(audited(HALVING + group), lr)
    assert [None if found is None else fraction(found) for found in (number, halved, own)] == [
        Fraction(1, 4),
        Fraction(1, 16),
        Fraction(1, 6),
    ]
    assert rate(audited('equations = "l = w^2"\n[parameters]\nw = 1\n'), lr) is None


def test_a_cell_that_is_asked_for_twice_is_calculated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    calculated = module._pass
    monkeypatch.setattr(module, "_pass", lambda *given, **more: passes.append(given) or calculated(*given, **more))
    wanted = cell(1, "after", "w")
    assert right_values(audited(HALVING, lr="0.1", steps=2), (wanted, wanted), lambda _: True).reason == ""
    assert len(passes) == 1  # not once more at each precision, as if its digits were not decided


def test_a_run_is_repeated_with_more_digits_as_soon_as_they_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only at its end: a run of many claims would take as long again for each number of bits."""
    of = audited('equations = "l = w^2"\n[parameters]\nw = "1/3"\n[training]\nlr = 0.1\nsteps = 400\n')
    made = []
    step = hand.step

    def counted(*args: Any) -> Any:
        made.append(args)
        return step(*args)

    monkeypatch.setattr(hand, "step", counted)
    cells = [cell(number, "after", "w") for number in range(1, 401)]

    # the 512 bits with which 400 steps begin do not suffice from the step 100 on
    def decided(found: Mapping[Cell, Exactly]) -> bool:
        return all(one.step < 100 or precise(value) for one, value in found.items())

    def precise(value: Exactly) -> bool:
        return as_ball(value).rel_accuracy_bits() > 600

    known = right_values(of, cells, decided)
    assert len(known.values) == 400
    with precision(PRECISIONS[2]):
        assert decided(known.values)
    assert len(made) == 100 + 400
