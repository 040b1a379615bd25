"""The numbers that published tutorials print, audited: what is found of them is found by the tool."""

from pathlib import Path

import pytest

from derive.problem.loading import load
from tables.account import sentence
from verify.auditing.pipeline import Audit, audit
from verify.following.finding import Finding, Status

ROOT = Path(__file__).resolve().parents[2]


def of(found: Audit, step: int, name: str) -> Finding:
    [finding] = [one for one in found.findings if (one.cell.step, one.cell.name) == (step, name)]
    return finding


@pytest.fixture(scope="module")
def temperature() -> Audit:
    return audit("temperature")


def test_the_first_wrong_number_of_the_temperatures_is_the_initial_b_then_the_loss(temperature: Audit) -> None:
    wrong = [one for one in temperature.findings if one.status.is_refused]
    first, second = wrong[:2]
    assert first is temperature.first_wrong
    assert (first.cell.step, first.cell.name, first.claim.literal.text, first.printed) == (
        1,
        "b_before",
        "-0.139",
        "-0.138",
    )
    assert (second.cell.step, second.cell.name, second.printed) == (1, "loss", "11449.4339")
    assert temperature.exit_status == 1


def test_the_w_and_b_of_epoch_0_are_those_before_the_update(temperature: Audit) -> None:
    assert of(temperature, 1, "w").remarks == ("It is w before the update, 0.497",)
    assert of(temperature, 1, "b").remarks == ("It is b before the update, -0.139",)


@pytest.mark.parametrize(
    ("step", "w", "b", "loss"),
    [
        (201, "1.632", "17.284", "567.2775"),
        (401, "1.754", "27.892", "43.53113"),
        (601, "1.786", "30.896", "3.483083"),
        (801, "1.796", "31.865", "0.1308917"),
    ],
)
def test_the_loss_of_each_row_contradicts_its_own_w_and_b(
    temperature: Audit, step: int, w: str, b: str, loss: str
) -> None:
    [remark] = of(temperature, step, "loss").remarks
    assert remark.startswith(f"At the w = {w}, b = {b} after its step the loss is {loss}")
    celsius = (0, 20, 40, 60, 80, 100)
    mine = sum((float(w) * c + float(b) - (32 + 1.8 * c)) ** 2 for c in celsius) / 6
    assert mine == pytest.approx(float(loss), rel=1e-3)


def test_the_prediction_does_not_follow_from_its_own_w_and_b(temperature: Audit) -> None:
    [finding] = [one for one in temperature.findings if one.cell.quantity.group == "prediction"]
    assert finding.status is Status.WRONG
    assert finding.follows is not None
    assert [f"{end:.2f}" for end in finding.follows] == ["98.50", "98.54"]
    assert finding.printed == "83.7"


def test_no_number_of_the_temperatures_is_left_open(temperature: Audit) -> None:
    assert set(temperature.counts) == {Status.RIGHT, Status.WRONG, Status.INHERITED}
    assert not temperature.asked_pytorch


def test_the_other_initial_values_do_not_give_what_is_printed_either() -> None:
    text = (ROOT / "derive/problems/temperature.toml").read_text(encoding="utf-8")
    text = text.replace("w = 0.4967141530112327", "w = 1").replace("b = -0.13826430117118466", "b = 0")
    found = audit(load(text), sentences=["step 1000: w = 1.800", "step 1000: b = 32.000"])
    assert [(one.status, one.printed) for one in found.findings] == [(Status.WRONG, "2.209"), (Status.WRONG, "1.988")]


def test_experiment_07_is_right_and_once_what_float32_prints() -> None:
    found = audit("parabola")
    assert found.counts == {Status.RIGHT: 30, Status.RESIDUE: 1}
    assert of(found, 5, "loss").claim.literal.text == "1.509950"
    assert of(found, 5, "loss").status is Status.RESIDUE
    last = audit("parabola", steps=100, sentences=["step 100: x = 3.000000"])
    assert last.counts == {Status.RIGHT: 1}


def test_experiment_09_is_right_and_once_what_float32_prints() -> None:
    found = audit("line")
    assert found.counts == {Status.RIGHT: 14, Status.RESIDUE: 1}
    assert of(found, 1, "w").status is Status.RESIDUE
    assert sentence(found, of(found, 1, "w")) == (
        "step 1, w = 0.154490: a correct float32 program may print it; in float64 this is wrong (0.154489497)"
    )
    learned = audit("line", sentences=["step 50: w = 2.0510", "step 50: b = 0.5347"])
    assert learned.counts == {Status.RIGHT: 2}


@pytest.mark.parametrize(
    ("lr", "numbers"), [("1.5", [9, -9, 27, -45, 99, -189]), ("2.0", [12, -24, 84, -240]), ("1.0", [6, 0, 6, 0])]
)
def test_the_sequences_of_the_table_of_learning_rates_are_right(lr: str, numbers: list[int]) -> None:
    sentences = [f"step {step}: x = {number}" for step, number in enumerate(numbers, start=1)]
    assert audit("parabola", lr=lr, sentences=sentences).counts == {Status.RIGHT: len(numbers)}


def test_from_7_the_gradients_are_as_printed() -> None:
    text = (ROOT / "derive/problems/parabola.toml").read_text(encoding="utf-8").replace("\nx = 0\n", "\nx = 7\n")
    sentences = [
        f"step {step}: df/dx = {number}" for step, number in enumerate(("8.0000", "6.4000", "5.1200"), start=1)
    ]
    assert audit(load(text), sentences=sentences).counts == {Status.RIGHT: 3}


def test_without_zero_grad_x_is_as_printed() -> None:
    sentences = ["step 1: x = 0.6", "step 3: x = 3.02", "step 100: x = 2.31"]
    assert audit("parabola", zero_grad="false", steps=100, sentences=sentences).counts == {Status.RIGHT: 3}


def test_the_articles_table_is_right_with_the_learning_rate_of_its_program() -> None:
    assert audit("article").counts == {Status.RIGHT: 15}
    other = audit("article", lr="0.1").first_wrong
    assert other is not None
    assert (other.cell.step, other.cell.name) == (1, "w")
