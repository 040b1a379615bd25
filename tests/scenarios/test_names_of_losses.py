"""What people call a loss, the learning rate or the parameters of a line: it is judged, also where it is wrong."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError
from derive.problem.loading import load
from tests.problems import SQUARES_OF_FIVE
from verify.auditing.pipeline import Audit, audit

TEXT = SQUARES_OF_FIVE + "epochs = 5\n"
WHOLE = load(TEXT)  # a batch an epoch
BATCHES = load(TEXT.replace("epochs = 5", "batch_size = 2\nepochs = 2"))
LOSSES = ("64.6000", "37.7148", "22.0474", "12.9172", "7.5966")
W = ("0.5320", "0.9381", "1.2480", "1.4846", "1.6652")
B = ("0.1480", "0.2611", "0.3476", "0.4138", "0.4644")
OF_BATCHES = ("17", "63.63", "68.91", "1.778", "6.809", "7.859")
NAMES = (
    *(
        "train_loss",
        "train/loss",
        "train-loss",
        "training_loss",
        "Train Loss",
        "trainLoss",
        "Loss/train",
        "loss (train)",
    ),
    *("loss_train", "batch_loss", "avg_loss", "mean_loss", "average_loss", "running_loss", "epoch_loss", "total_loss"),
    *("loss_value", "train_mse", "objective", "obj"),
)


def judged(table: list[dict[str, str]], problem: object = WHOLE) -> Audit:
    return audit(problem, claims=table)  # type: ignore[arg-type]


def refused(found: Audit) -> list[str]:
    return [one.claim.literal.text for one in found.findings if one.status.is_refused]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.sampled_from(["step", "epoch", "k", "iteration"]),
    st.lists(st.sampled_from([Fraction(1), Fraction(1), Fraction(3, 2), Fraction(2)]), min_size=2, max_size=5),
    st.booleans(),
)
def test_every_wrong_number_of_a_loss_is_called_wrong_and_no_other(
    name: str, counter: str, factors: list[Fraction], has_w: bool
) -> None:
    rows, wrong = [], []
    for number, factor in enumerate(factors, start=1):
        text = LOSSES[number - 1] if factor == 1 else f"{float(Fraction(LOSSES[number - 1]) * factor):.4f}"
        wrong += [text] if factor != 1 else []
        rows.append({counter: str(number), name: text} | ({"w": W[number - 1]} if has_w else {}))
    assert refused(judged(rows)) == wrong


@pytest.mark.parametrize("name", ["train_loss", "avg_loss", "running_loss"])
def test_of_several_batches_what_is_wrong_in_every_way_is_wrong(name: str) -> None:
    found = judged([{"step": "1", name: "17"}, {"step": "2", name: "60.63"}, {"step": "3", name: "60.91"}], BATCHES)
    assert refused(found) == ["60.63", "60.91"]
    assert "1 of 3 numbers fit" in found.told[0]
    found = judged([{"epoch": "1", name: "48.0342"}, {"epoch": "2", name: "5.8889"}], BATCHES)
    assert refused(found) == ["48.0342", "5.8889"]


def test_two_numbers_that_are_right_in_two_ways_are_no_claims_of_one() -> None:
    """Of the epoch's samples and of its batches."""
    rows = [{"step": "3", "avg_loss": "46.0342"}, {"step": "5", "avg_loss": "1"}, {"step": "6", "avg_loss": "5.4840"}]
    with pytest.raises(ClaimError, match="mean loss is of an epoch; say which one in a column epoch"):
        judged(rows, BATCHES)


def test_a_log_that_may_count_from_0_is_asked_for_its_writer() -> None:
    rows = [{"step": str(k), "train_loss": text} for k, text in enumerate(LOSSES[1:], start=1)]
    with pytest.raises(ClaimError, match=r"counted from 0 \(step\), .*which 4 of 4 numbers fit; if so, name"):
        judged(rows)


def test_the_parameters_of_a_line_by_their_words() -> None:
    rows = [{"step": str(k), "slope": w, "intercept": b} for k, (w, b) in enumerate(zip(W, B, strict=True), start=1)]
    assert not refused(judged(rows))
    rows[2]["slope"] = "1.2840"
    assert refused(judged(rows)) == ["1.2840"]
    statistic = load(TEXT.replace("w*x + b", "b*x + a").replace("w = 0", "a = 0"))  # there b is the slope
    for word in ("slope", "intercept"):
        with pytest.raises(ClaimError, match=f"unknown quantity '{word}'"):
            judged([{"step": "1", word: "0.5"}], statistic)


@pytest.mark.parametrize("name", ["theta0", "theta1", "Train", "value"])
def test_what_can_be_one_of_several_is_refused(name: str) -> None:
    with pytest.raises(ClaimError, match=f"unknown quantity '{name}'"):
        judged([{"step": "1", "loss": "64.6", name: "0.1480"}])


def test_alpha_is_the_learning_rate_unless_the_optimizer_has_one() -> None:
    rows = [{"step": "1", "alpha": "0.01", "loss": "64.6"}, {"step": "2", "alpha": "0.02", "loss": "37.7148"}]
    assert refused(judged(rows)) == ["0.02"]
    with pytest.raises(ClaimError, match="unknown quantity 'alpha'"):
        judged(rows, load(TEXT.replace("[training]", '[training]\noptimizer = "RMSprop"')))
