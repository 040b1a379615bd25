"""Logs of trainers: each number against a plain loop in PyTorch, and against what the trainers were measured to write.

The problem is y = w·x + b on five samples in batches of 2, 2 and 1, for two epochs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError, UnknownQuantityError
from derive.problem.loading import Problem, load
from tables import output
from tests.problems import ON_FIVE_POINTS
from verify.auditing.pipeline import Audit, audit
from verify.command import main
from verify.following.finding import Status

LINE = f'''
equations = """
r = w*x + b - y
l = mean(r^2)
"""
{ON_FIVE_POINTS}batch_size = 2
epochs = 2
'''
PROBLEM = load(LINE)
BATCHES = ([0, 1], [2, 3], [4])
X, Y = (torch.tensor(column) for column in ([1.0, 2, 3, 4, 5], [3.0, 5, 8, 9, 12]))


@dataclass
class Loop:
    """What a plain loop sees in each step, in float32: the loss before the update, the norm of its gradients, lr."""

    losses: list[float]
    norms: list[float]
    rates: list[float]


def trained(rate: Callable[[int], float] = lambda _: 0.01, epochs: int = 2, accumulate: int = 1) -> Loop:
    w, b = (torch.zeros((), requires_grad=True) for _ in range(2))
    found = Loop([], [], [])
    for epoch in range(epochs):
        for at, rows in enumerate(BATCHES):
            step = epoch * len(BATCHES) + at
            loss = ((w * X[rows] + b - Y[rows]) ** 2).mean()
            loss.backward()
            found.losses.append(loss.item())
            if (at + 1) % accumulate and at + 1 < len(BATCHES):
                continue
            found.norms.append(float(torch.hypot(w.grad, b.grad)))
            found.rates.append(rate(step))
            with torch.no_grad():
                for parameter in (w, b):
                    parameter.sub_(rate(step) * parameter.grad)
                    parameter.grad = None
    return found


CONSTANT = trained()
L = CONSTANT.losses


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def by_samples(losses: Sequence[float]) -> float:
    sizes = [len(rows) for rows in BATCHES][: len(losses)]
    return sum(n * loss for n, loss in zip(sizes, losses, strict=True)) / sum(sizes)


def smoothed(losses: Sequence[float], debiased: bool) -> float:
    average = 0.0 if debiased else losses[0]
    for loss in losses if debiased else losses[1:]:
        average = 0.98 * average + 0.02 * loss
    return average / (1 - 0.98 ** len(losses)) if debiased else average


def audited(text: str, tmp_path: Path, problem: Problem = PROBLEM, name: str = "log.txt", **given: object) -> Audit:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8", newline="")
    return audit(problem, claims=file, **given)  # type: ignore[arg-type]


def is_right(found: Audit) -> bool:
    return all(one.status.is_accepted for one in found.findings) and not found.unread


def test_the_loop_is_the_one_that_was_measured() -> None:
    """The numbers that the trainers themselves were measured to log, typed."""
    assert pytest.approx([17, 63.63045, 68.90992, 1.777532, 6.814966, 7.859528], rel=1e-6) == L
    assert [by_samples(L[:3]), by_samples(L[3:])] == pytest.approx([46.03416, 5.008905], rel=1e-6)
    assert [mean(L[:3]), mean(L[3:])] == pytest.approx([49.84679, 5.484008], rel=1e-6)
    assert smoothed(L, debiased=True) == pytest.approx(27.18347, rel=1e-6)
    assert smoothed(L[:3], debiased=False) == pytest.approx(18.95216, rel=1e-6)
    assert smoothed(L[:4], debiased=False) == pytest.approx(18.60866, rel=1e-6)
    linear = trained(lambda step: 0.01 * (1 - step / 6))
    assert linear.losses[2] == pytest.approx(77.36961, rel=1e-6)
    assert mean(linear.losses[:3]) == pytest.approx(52.66669, rel=1e-6)
    assert mean(linear.losses) == pytest.approx(33.82221, rel=1e-6)
    assert CONSTANT.norms[0] == pytest.approx(15.26434, rel=1e-6)


def dict_line(**values: object) -> str:
    return str({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in values.items()})


def hf_screen(every: int, loop: Loop = CONSTANT, rates: Sequence[float] | None = None) -> str:
    """As transformers 5 prints it: four digits, in quotes, between the bars of tqdm."""
    rates = loop.rates if rates is None else rates
    lines = ["  0%|          | 0/6 [00:00<?, ?it/s]"]
    for last in range(every, len(loop.losses) + 1, every):
        row = dict_line(
            loss=mean(loop.losses[last - every : last]),
            grad_norm=loop.norms[last - 1],
            learning_rate=rates[last - 1],
            epoch=last / 3,
        )
        lines.append(f" {last / 6:.0%}|███▎      | {last}/6 [00:00<00:00, 30.1it/s]{row}")
    lines.append(dict_line(eval_loss=6.9775, eval_runtime=0.0021, epoch=2.0))
    lines.append(dict_line(train_runtime=0.123, train_loss=mean(loop.losses), epoch=2.0))
    return "\n".join(lines) + "\n"


def trainer_state(steps: Sequence[int]) -> str:
    """As trainer_state.json holds it, unrounded."""
    rows = [
        {
            "epoch": last / 3,
            "grad_norm": CONSTANT.norms[last - 1],
            "learning_rate": 0.01,
            "loss": mean(L[first:last]),
            "step": last,
        }
        for first, last in zip([0, *steps], steps, strict=False)
    ]
    rows.insert(1, {"epoch": 1.0, "eval_loss": 6.977489, "step": 3})
    rows.append({"epoch": 2.0, "step": 6, "total_flos": 0.0, "train_loss": mean(L), "train_runtime": 0.1})
    return json.dumps({"best_metric": None, "epoch": 2.0, "log_history": rows, "logging_steps": 2}, indent=1)


def metrics_csv() -> str:
    """As Lightning's CSVLogger writes it: a row for each call, the steps counted from 0."""
    rows: list[dict[str, object]] = []
    for step, loss in enumerate(L):
        rows.append({"epoch": step // 3, "step": step, "lr-SGD": 0.01})
        rows.append({"epoch": step // 3, "step": step, "train_loss_step": loss})
        if step % 3 == 2:
            rows.append({"epoch": step // 3, "step": step, "val_loss": 6.9})
            epoch = L[step - 2 : step + 1]
            rows.append({"epoch": step // 3, "step": step, "train_loss_epoch": by_samples(epoch)})
    return pd.DataFrame(rows).to_csv(index=False)


def keras_screen(fancy: bool = True) -> str:
    text = ""
    for epoch in (0, 1):
        text += f"Epoch {epoch + 1}/2\n"
        own = L[3 * epoch : 3 * epoch + 3]
        for at in (1, 2, 3):
            bar = "\x1b[32m━━━━━━\x1b[0m\x1b[37m━━━━\x1b[0m" if fancy else "[======>....]"
            ends = "\n" if at == 3 else "\r"
            value = f"- val_loss: 0.8493{ends}" if at == 3 else ends
            text += f"\x1b[1m{at}/3\x1b[0m {bar} \x1b[1m0s\x1b[0m 12ms/step - loss: {by_samples(own[:at]):.4f} {value}"
    return text


EPOCHS = [by_samples(L[:3]), by_samples(L[3:])]
FASTAI = f"""epoch     train_loss  valid_loss  time
0         {smoothed(L[:3], debiased=True):.6f}   6.977489    00:00
1         {smoothed(L, debiased=True):.6f}   0.849303    00:00
"""
SKORCH = f"""  epoch    train_loss    valid_loss     dur
-------  ------------  ------------  ------
      1       \x1b[36m{EPOCHS[0]:.4f}\x1b[0m        \x1b[32m6.9775\x1b[0m  0.0021
      2        {EPOCHS[1]:.4f}        0.8493  0.0011
"""
# As Poutyne 1.19.0 and torchbearer 0.5.5 wrote them, typed from their files; the times are left out.
POUTYNE = """epoch,lr,loss,val_loss
1,0.01,46.03416290283203,6.977489852905274
2,0.01,5.008904647827149,0.8493027091026306
"""
TORCHBEARER = """epoch,running_loss,loss,val_loss
0,17.0,49.8467903137207,8.460716247558594
1,37.82947540283203,5.4840087890625,1.009558081626892
"""
LOGS: dict[str, tuple[str, str, str]] = {  # the log, its writer, and what is told of its loss
    "hf screen, every step": (hf_screen(1), "hf-trainer", "read loss as the mean of the losses since the last row"),
    "hf screen": (hf_screen(2), "hf-trainer", "a row after every 2 steps"),
    "hf screen, every epoch": (hf_screen(3), "hf-trainer", "as the HF Trainer writes"),
    "hf state": (trainer_state([2, 4, 6]), "hf-trainer", "train_loss as the mean of the losses of all steps"),
    "hf state, first step": (trainer_state([1, 2, 4]), "hf-trainer", "since the last row"),
    "hf state, no tail": (trainer_state([4]), "hf-trainer", "since the last row"),
    "lightning": (metrics_csv(), "lightning", "train_loss_epoch as the mean over the samples of the epoch so far"),
    "keras csv": (
        f"epoch,loss,val_loss\n0,{EPOCHS[0]},6.977\n1,{EPOCHS[1]},0.849\n",
        "keras",
        "counted from 0 (epoch), as Keras writes",
    ),
    "keras history": (json.dumps({"loss": EPOCHS, "val_loss": [6.9, 0.8]}), "keras", "each row an epoch"),
    "keras history, printed": (str({"loss": EPOCHS, "val_loss": [6.9, 0.8]}), "keras", "a list for each column"),
    "keras screen": (keras_screen(), "keras", "the mean over the samples of the epoch so far"),
    "keras 2 screen": (keras_screen(fancy=False), "keras", "not judged: val_loss"),
    "fastai": (FASTAI, "fastai", "divided by 1 − 0.98^k, counted from 0 (epoch), as fastai writes"),
    "skorch": (SKORCH, "skorch", "the mean over the samples of the epoch so far"),
    "poutyne": (POUTYNE, "poutyne", "the mean over the samples of the epoch so far"),
    "torchbearer": (TORCHBEARER, "torchbearer", "not judged: running_loss, val_loss"),
    "ignite, running": (
        "".join(f"iteration={k} running_avg={smoothed(L[:k], False):.6g}\n" for k in range(1, 7)),
        "ignite",
        "begun with the first loss",
    ),
    "timm": (
        f"epoch,train_loss,eval_loss,lr\n0,{EPOCHS[0]},6.977,0.01\n1,{EPOCHS[1]},0.849,0.01\n",
        "timm",
        "the mean over the samples of the epoch so far",
    ),
    "ignite, average": (
        f"Epoch 1, avg_loss: {mean(L[:3]):.5f}\nEpoch 2, avg_loss: {mean(L[3:]):.5f}\n",
        "ignite",
        "the mean of the epoch's batches so far",
    ),
}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("named", [True, False])
def test_what_trainers_write_is_right_and_how_it_was_read_is_told(name: str, named: bool, tmp_path: Path) -> None:
    text, writer, told = LOGS[name]
    found = audited(text, tmp_path, log=writer if named else None)
    assert is_right(found), [str(one) for one in found.findings if not one.status.is_accepted]
    if not named and name == "ignite, average":  # a name of the means of an epoch: no log is looked for
        told = "mean loss is read as mean_of_batches: in epoch 1 "
    assert any(told in said for said in found.told)
    assert found.exit_status == 0


@pytest.mark.parametrize("name", LOGS)
def test_a_changed_number_is_found(name: str, tmp_path: Path) -> None:
    text, writer, _ = LOGS[name]
    place = text.rindex(f"{smoothed(L, True):.6f}") if name == "fastai" else -1
    number = f"{smoothed(L, True):.6f}" if name == "fastai" else None
    found = audited(text, tmp_path, log=writer)
    last = [one for one in found.findings if one.cell.quantity.group in ("averaged", "loss")][-1]
    written = last.claim.literal.text
    assert number in (None, written)
    place = text.rindex(written) if place < 0 else place
    digit = next(k for k, char in enumerate(written) if char in "123456789")
    changed = written[:digit] + str(int(written[digit]) % 9 + 1) + written[digit + 1 :]
    spoilt = audited(text[:place] + changed + text[place + len(written) :], tmp_path, log=writer)
    wrong = [one for one in spoilt.findings if one.status.is_refused]
    assert [one.claim.literal.text for one in wrong] == [changed]
    assert spoilt.exit_status == 1


def test_what_the_regressor_of_scikit_learn_prints(tmp_path: Path) -> None:
    """Half the square of one sample a step, before its update, and the parameters after the epoch's last step."""
    problem = load(LINE.replace("mean(r^2)", "mean(r^2)/2").replace("batch_size = 2", "batch_size = 1"))
    w, b, text = 0.0, 0.0, ""
    for epoch in (1, 2):
        losses = []
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            off = w * x + b - y
            losses.append(off * off / 2)
            w, b = w - 0.01 * off * x, b - 0.01 * off
        text += f"-- Epoch {epoch}\nNorm: {abs(w):.2f}, NNZs: 1, Bias: {b:.6f}, T: {5 * epoch}, "
        text += f"Avg. loss: {mean(losses):.6f}\nTotal training time: 0.00 seconds.\n"
    for log in ("scikit-learn-sgd", None):
        found = audited(text, tmp_path, problem, log=log)
        assert is_right(found), found.told
        assert len(found.findings) == 4
    first = text.index("Avg. loss: ") + len("Avg. loss: ")
    spoilt = text[:first] + str(int(text[first]) % 9 + 1) + text[first + 1 :]
    wrong = [
        one.cell.step
        for one in audited(spoilt, tmp_path, problem, log="scikit-learn-sgd").findings
        if one.status.is_refused
    ]
    assert wrong == [5]


def test_smoothing_in_float32(tmp_path: Path) -> None:
    """As fastai calculates it, of which the first value of the loss 17 is 16.99998."""
    average, rows = torch.zeros(()), []
    for k, loss in enumerate(L, start=1):
        average = torch.lerp(torch.tensor(loss), average, 0.98)
        rows.append((k, average.item() / (1 - 0.98**k)))
    assert rows[0][1] != pytest.approx(17, rel=5e-7)
    text = "epoch,train_loss\n" + "".join(f"{k // 3 - 1},{value}\n" for k, value in rows if k % 3 == 0)
    found = audited(text, tmp_path, log="fastai")
    assert {one.status.value for one in found.findings} == {"residue"}
    first = load(LINE.replace("epochs = 2", "steps = 1"))
    assert is_right(audited(f"epoch,train_loss\n0,{rows[0][1]}\n", tmp_path, first, log="fastai"))
    assert not is_right(audited("epoch,train_loss\n0,16.9997\n", tmp_path, first, log="fastai"))


def test_a_log_that_python_holds() -> None:
    history = [{"step": k, "loss": mean(L[k - 2 : k]), "epoch": k / 3} for k in (2, 4, 6)]
    found = audit(
        PROBLEM, claims=[*history, {"step": 6, "train_loss": mean(L), "train_runtime": 0.1}], log="hf-trainer"
    )
    assert is_right(found)
    assert is_right(audit(PROBLEM, claims=pd.DataFrame(history), log="hf-trainer"))


# lr


def test_the_lr_of_the_step_and_of_the_next(tmp_path: Path) -> None:
    problem = load(LINE.replace("lr = 0.01", 'lr = "(1/100)*(1 - (t - 1)/6)"'))
    loop = trained(lambda step: 0.01 * (1 - step / 6))
    found = audited(hf_screen(1, loop), tmp_path, problem)
    assert is_right(found)
    assert "learning_rate as that of the step" in found.told[0]
    after = [*loop.rates[1:], 0.0]  # as transformers 4.45
    found = audited(hf_screen(1, loop, after), tmp_path, problem)
    assert is_right(found)
    assert "learning_rate as that of the next step" in found.told[0]
    assert "the learning_rate of a step after the run, 0" in found.told[0]
    assert (
        len([one for one in found.findings if one.cell.quantity.group == "setting"]) == 5
    )  # that after the last is not


# Losses that overflow, as transformers' Trainer filters them


def filtered(losses: Sequence[float], every: int) -> list[float]:
    """As the Trainer's loop has it: what is not finite counts as the sum of the row so far divided by its place."""
    rows, total = [], 0.0
    for step, loss in enumerate(losses):
        total += loss if isfinite(loss) else total / (1 + step % every)
        if (step + 1) % every == 0:
            rows.append(total / every)
            total = 0.0
    return rows


def test_a_loss_that_overflows_is_logged_as_what_it_is_replaced_by(tmp_path: Path) -> None:
    assert filtered([17, inf, 144], 1) == [17, 0, 144]  # as it was measured
    assert filtered([17, inf, 144], 3) == [56.5]
    problem = load(LINE.replace("lr = 0.01", "lr = 1e9"))
    losses, w, b = [], torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for rows in BATCHES * 2:
        loss = ((w * X[rows] + b - Y[rows]) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for parameter in (w, b):
                parameter.sub_(1e9 * parameter.grad)
                parameter.grad = None
    assert [isfinite(loss) for loss in losses[:3]] == [True, True, False]
    for every in (1, 2, 3, 6):
        numbers = filtered(losses, every)
        text = json.dumps([{"step": every * k, "loss": number} for k, number in enumerate(numbers, start=1)])
        found = audited(text, tmp_path, problem, log="hf-trainer")
        assert is_right(found), (every, [str(one) for one in found.findings])
        assert "one that overflows counted as their sum so far" in found.told[0]
        numbers[0] *= 1.5
        spoilt = json.dumps([{"step": every * k, "loss": number} for k, number in enumerate(numbers, start=1)])
        found = audited(spoilt, tmp_path, problem, log="hf-trainer")
        wrong = [one.cell.step for one in found.findings if not one.status.is_accepted]
        assert wrong[0] == every  # with the filter off the rest may be infinite, so that it may be undecided too
        assert found.exit_status in (1, 3)
    zero = json.dumps([{"step": 1, "loss": 0.0}])  # of a loss that does not overflow it explains nothing
    assert not is_right(audited(zero, tmp_path, log="hf-trainer"))


# Accumulation: the losses of an update, and its norm


def test_updates_of_several_batches(tmp_path: Path) -> None:
    problem = load(LINE + "accumulate = 2\n")
    loop = trained(accumulate=2)
    assert loop.losses[:2] == [17, 72.5]
    means = [mean(loop.losses[:2]), loop.losses[2], mean(loop.losses[3:5]), loop.losses[5]]
    rows = [
        {"loss": loss, "grad_norm": norm / count, "learning_rate": 0.01, "epoch": step / 2, "step": step}
        for step, (loss, norm, count) in enumerate(zip(means, loop.norms, (2, 1, 2, 1), strict=True), start=1)
    ]
    found = audited(json.dumps({"log_history": rows}), tmp_path, problem)
    assert is_right(found)
    assert [one.cell.step for one in found.findings if one.cell.name == "loss"] == [2, 3, 5, 6]
    batches = ("0.6667", "1", "1.667", "2")  # what the Trainer prints without its steps: the batches that are done
    printed = [
        {key: row[key] for key in ("loss", "grad_norm")} | {"epoch": e} for row, e in zip(rows, batches, strict=True)
    ]
    text = "".join(f"{row}\n" for row in printed)
    for log in ("hf-trainer", None):
        assert is_right(audited(text, tmp_path, problem, log=log))
    spoilt = audited(text.replace(str(means[1]), "1.25"), tmp_path, problem, log="hf-trainer")
    assert [one.claim.literal.text for one in spoilt.findings if one.status.is_refused] == ["1.25"]
    last = [loop.losses[1], loop.losses[2], loop.losses[4], loop.losses[5]]  # of the last batch, undivided
    text = "step,train_loss_step,grad_norm\n" + "".join(
        f"{step},{loss},{norm / 2}\n" for step, (loss, norm) in enumerate(zip(last, loop.norms, strict=True))
    )
    assert is_right(audited(text, tmp_path, problem, log="lightning"))
    other = json.dumps({"log_history": [row | {"loss": loss} for row, loss in zip(rows, last, strict=True)]})
    assert not is_right(audited(other, tmp_path, problem))


# A table of nobody's log


def test_a_table_that_is_right_as_it_stands_stays_as_it_stands(tmp_path: Path) -> None:
    text = "step,loss\n" + "".join(f"{k},{loss:.4f}\n" for k, loss in enumerate(L, start=1))
    assert audited(text, tmp_path).told == ("read as CSV, 6 rows",)


def test_a_running_mean_of_ones_own_loop_is_recognised(tmp_path: Path) -> None:
    running = [by_samples(L[:k]) for k in (1, 2, 3)]
    text = "".join(f"Epoch 1, batch {k}: loss {loss:.4f}\n" for k, loss in enumerate(running, start=1))
    found = audited(text, tmp_path)
    assert is_right(found)
    assert (
        "read loss as the mean over the samples of the epoch so far, as a loop of one's own, Keras or Poutyne write"
        in found.told[0]
    )


def test_a_run_that_has_left_the_range_of_float64(tmp_path: Path) -> None:
    problem = load(LINE.replace("lr = 0.01", "lr = 100").replace("epochs = 2", "steps = 900"))
    text = "step,loss\n899,1.5e300\n900,2.5e300\n"
    for log in (None, "hf-trainer", "keras"):
        found = audited(text, tmp_path, problem, log=log)
        assert not any(one.status.is_accepted for one in found.findings)
    assert audited(text, tmp_path, problem).told == ("read as CSV, 2 rows",)


def test_one_wrong_number_is_not_explained_away(tmp_path: Path) -> None:
    """The second loss is the mean of both, which another reading would fit; one number is not enough for it."""
    text = f"step,loss\n1,{L[0]:.4f}\n2,{mean(L[:2]):.4f}\n"
    found = audited(text, tmp_path)
    assert [one.status.value for one in found.findings] == ["right", "wrong"]
    assert found.told == ("read as CSV, 2 rows",)


def test_where_no_reading_fits_the_table_stands_and_the_nearest_is_told(tmp_path: Path) -> None:
    rows = [(k, mean(L[:k])) for k in range(1, 6)]
    text = "step,loss\n" + "".join(f"{k},{loss:.4f}\n" for k, loss in [*rows, (6, 1.0)])
    found = audited(text, tmp_path)
    assert [one.status.value for one in found.findings] == ["right", *["wrong"] * 5]


def test_one_wrong_number_in_a_log_of_nobody_is_the_only_one(tmp_path: Path) -> None:
    """The log's reading explains the other numbers, so it is taken; what is right is not called wrong with it."""
    running = [f"{by_samples(L[3 * e : 3 * e + k]):.4f}" for e in (0, 1) for k in (1, 2, 3)]
    for at in range(1, 6):
        own = [*running[:at], "1.0", *running[at + 1 :]]
        text = "".join(f"Epoch {k // 3 + 1}/2, batch {k % 3 + 1}/3 - loss: {loss}\n" for k, loss in enumerate(own))
        found = audited(text, tmp_path)
        assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == ["1.0"]
        assert "the mean over the samples of the epoch so far" in found.told[0]
        assert found.told[0].endswith("5 of 6 numbers fit")
        assert found.exit_status == 1


# Logs of two rows, and which of their numbers is wrong.
ONE_OF_TWO = {
    """Epoch 1/2 train loss 46.0342 val loss 3.2
Epoch 2/2 train loss 5.0098 val loss 1.2
""": "5.0098",
    "{'loss': [46.031464288, 5.0089036], 'val_loss': [6.9, 0.8]}": "46.031464288",
    """  epoch    train_loss     dur
-------  ------------  ------
      1       46.0342  0.0021
      2        5.0098  0.0011
""": "5.0098",
    f"""epoch     train_loss  valid_loss  time
0         {smoothed(L[:3], debiased=True):.6f}   6.977489    00:00
1         27.281347   0.849303    00:00
""": "27.281347",
    """Epoch: [0][0/3] Time 0.1 ( 0.1) Loss 17.1000 (17.0000)
Epoch: [1][0/3] Time 0.1 ( 0.1) Loss 1.7775 (1.7775)
""": "17.1000",
}


@pytest.mark.parametrize(("text", "wrong"), ONE_OF_TWO.items())
def test_of_two_rows_one_is_wrong(text: str, wrong: str, tmp_path: Path) -> None:
    """As people have them, without the name of the writer: the other row is right, and the meaning is told."""
    found = audited(text, tmp_path)
    assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == [wrong]
    assert all(one.status.is_accepted for one in found.findings if one.claim.literal.text != wrong)
    assert "numbers fit" in found.told[0]


def test_the_nearest_of_what_fits_nothing_and_a_constant_lr_of_another_run(tmp_path: Path) -> None:
    found = audited("epoch,train_loss\n1,46.1342\n2,5.1089\n", tmp_path, log="loop")
    assert [one.status.value for one in found.findings] == ["wrong", "wrong"]
    assert "read train_loss as the mean over the samples of the epoch so far" in found.told[0]
    for log in ("loop", None):
        found = audited("epoch,train_loss,lr\n1,46.0342,0.02\n2,5.0089,0.02\n", tmp_path, log=log)
        assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == ["0.02", "0.02"]
        assert "lr as that of the step" in found.told[0]


def test_two_rows_of_scikit_learn_of_which_one_is_wrong(tmp_path: Path) -> None:
    problem = load(LINE.replace("mean(r^2)", "mean(r^2)/2").replace("lr = 0.01", "lr = 0.02"))
    first, second = f"{EPOCHS[0] / 2:.8f}", f"{EPOCHS[1] / 2 + 0.001:.8f}"
    found = audited(f"Iteration 1, loss = {first}\nIteration 2, loss = {second}\n", tmp_path, problem)
    assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == [second]


def losses_of(batches: Sequence[Sequence[int]]) -> list[float]:
    """The loss of each batch before its update, by a plain loop."""
    w = b = 0.0
    found = []
    for rows in batches:
        off = [w * X[k].item() + b - Y[k].item() for k in rows]
        found.append(mean([one * one for one in off]))
        w, b = w - 0.02 * mean([one * X[k].item() for one, k in zip(off, rows, strict=True)]), b - 0.02 * mean(off)
    return found


# A loss that is taken after its update stands beside the step before: so does one of a log that counts from 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["loss", "train_loss", "Loss", "training_loss", "train/loss"]),
    counter=st.sampled_from(["step", "iteration", "batch", "epoch", "update"]),
    form=st.sampled_from(["csv", "words", "pairs"]),
    steps=st.lists(st.integers(1, 4), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_losses_after_their_updates_are_never_right(
    name: str, counter: str, form: str, steps: list[int], tmp_path: Path
) -> None:
    problem = load(LINE.replace("batch_size = 2", "").replace("epochs = 2", "epochs = 5"))
    if counter == "batch":
        problem = load(LINE.replace("batch_size = 2", "batch_size = 1").replace("epochs = 2", "epochs = 1"))
    batches = [[k] for k in range(5)] if counter == "batch" else [[0, 1, 2, 3, 4]] * 5
    after = [f"{loss:.6g}" for loss in losses_of(batches)]  # the loss of step k + 1 stands beside k
    line = {"csv": "{k},{loss}", "words": "{counter} {k}: {name} {loss}", "pairs": "{counter}={k} {name}={loss}"}[form]
    rows = [line.format(k=k, loss=after[k], counter=counter, name=name) for k in steps]
    text = "\n".join([f"{counter},{name}", *rows] if form == "csv" else rows) + "\n"
    try:
        found = audited(text, tmp_path, problem)
    except UnknownQuantityError:  # its writer is asked for
        found = None
    if found is None:
        assert name.lower() != "loss"
    else:
        assert all(one.status.is_refused for one in found.findings)
        assert found.exit_status == 1
        if len(steps) > 1 and counter != "batch" and name.lower() == "loss":
            assert "nothing in the table counts from 0: if its writer does, name it by --log" in found.told[0]
    if counter == "step":
        assert is_right(audited(text, tmp_path, problem, log="lightning"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(
    name=st.sampled_from(["loss", "Loss", "train_loss", "batch_loss", "output"]),
    counter=st.sampled_from(["step", "iteration", "update"]),
    kind=st.sampled_from(["sum over samples", "smoothed", "debiased", "mean so far"]),
    steps=st.lists(st.integers(2, 6), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_a_sum_or_an_average_that_nobody_names_is_never_right(
    name: str, counter: str, kind: str, steps: list[int], tmp_path: Path
) -> None:
    """A forgotten mean makes a loss n times too large: a table of such losses is wrong, and no log of sums."""
    sizes = [2, 2, 1, 2, 2, 1]
    claimed = {
        "sum over samples": lambda k: sizes[k - 1] * L[k - 1],
        "smoothed": lambda k: smoothed(L[:k], debiased=False),
        "debiased": lambda k: smoothed(L[:k], debiased=True),
        "mean so far": lambda k: mean(L[3 * ((k - 1) // 3) : k]),
    }[kind]
    off = [k for k in steps if abs(claimed(k) - L[k - 1]) > 1e-3 * L[k - 1]]
    if not off or (kind == "mean so far" and off[-1] % 3 == 0):
        return  # at the end of an epoch it is the epoch's mean
    text = f"{counter},{name}\n" + "".join(f"{k},{claimed(k):.6g}\n" for k in off)
    try:
        found = audited(text, tmp_path)
    except ClaimError:
        return
    assert found.exit_status == 1
    assert not any(one.status.is_accepted for one in found.findings)


def test_the_sum_of_squares_in_place_of_their_mean(tmp_path: Path) -> None:
    problem = load(LINE.replace("batch_size = 2", "").replace("epochs = 2", "epochs = 5"))
    losses = losses_of([[0, 1, 2, 3, 4]] * 5)
    for name in ("loss", "train_loss"):
        text = f"step,{name},lr\n" + "".join(f"{k},{5 * loss:.4f},0.01\n" for k, loss in enumerate(losses, start=1))
        found = audited(text, tmp_path, problem)
        assert [one.status.is_refused for one in found.findings if one.cell.quantity.group == "loss"] == [True] * 5
    text = "epoch,running_loss\n" + "".join(f"{k},{5 * loss:.4f}\n" for k, loss in enumerate(losses, start=1))
    assert is_right(audited(text, tmp_path, problem))


def test_a_log_that_shows_that_it_counts_from_0(tmp_path: Path) -> None:
    """By a row 0, or by epochs that its steps can be in only so, as of every second step of Lightning."""
    rows = [(step, step // 3, L[step]) for step in (1, 3, 5)]
    text = "epoch,step,train_loss\n" + "".join(f"{epoch},{step},{loss}\n" for step, epoch, loss in rows)
    assert is_right(audited(text, tmp_path))
    text = "step,train_loss\n" + "".join(f"{step},{loss}\n" for step, _, loss in rows)
    with pytest.raises(
        ClaimError, match=r"counted from 0 \(step\), .*, which 3 of 3 numbers fit; if so, name its writer"
    ):
        audited(text, tmp_path)
    assert is_right(audited(text, tmp_path, log="lightning"))


def test_the_running_loss_of_pytorchs_first_tutorial(tmp_path: Path) -> None:
    """It prints the mean of the losses since its last line, and begins anew in each epoch."""
    problem = load(LINE.replace("batch_size = 2", "batch_size = 1"))
    losses = losses_of([[k % 5] for k in range(10)])
    rows = [(e, k, mean(losses[5 * e - 7 + k : 5 * e - 5 + k])) for e in (1, 2) for k in (2, 4)]
    text = "".join(f"[{epoch}, {batch:5d}] loss: {loss:.4f}\n" for epoch, batch, loss in rows)
    found = audited(text, tmp_path, problem)
    assert is_right(found)
    assert "read loss as the mean of the epoch's losses since the last row" in found.told[0]
    spoilt = audited(text.replace(f"{rows[-1][2]:.4f}", "1.2345"), tmp_path, problem)
    assert [one.claim.literal.text for one in spoilt.findings if one.status.is_refused] == ["1.2345"]


def test_the_lr_that_keras_holds_in_float32(tmp_path: Path) -> None:
    text = "epoch,learning_rate,loss,val_loss\n" + "".join(
        f"{k},0.009999999776482582,{loss},6.9\n" for k, loss in enumerate(EPOCHS)
    )
    for log in ("keras", None):
        found = audited(text, tmp_path, log=log)
        assert is_right(found)
        assert {one.status.value for one in found.findings if one.cell.quantity.group == "setting"} == {"residue"}
    for spoilt in ("0.009999999676482582", "0.00999999", "0.009999999776482584"):
        found = audited(spoilt.join(text.rsplit("0.009999999776482582", 1)), tmp_path, log="keras")
        assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == [spoilt]


def test_losses_under_the_usual_names_of_ones_own_loop(tmp_path: Path) -> None:
    text = "step,train_loss\n1,17\n2,63.63\n3,68.91\n"
    found = audited(text, tmp_path)
    assert is_right(found)
    assert "read train_loss as the loss of the step, as a loop of one's own writes" in found.told[0]
    found = audited(text.replace("63.63", "60.63"), tmp_path)
    assert [one.status.value for one in found.findings] == ["right", "wrong", "right"]
    assert "2 of 3 numbers fit" in found.told[0]
    found = audited("step,train_loss\n1,17\n2,60.63\n3,60.91\n", tmp_path)  # whatever it is, these are not right
    assert [one.status.value for one in found.findings] == ["right", "wrong", "wrong"]
    rows = [(e, mean(L[3 * e : 3 * e + 3])) for e in (0, 1)]
    text = "epoch,epoch_loss\n" + "".join(f"{e + 1},{loss:.4f}\n" for e, loss in rows)
    found = audited(text, tmp_path)
    assert is_right(found)
    assert any("epoch loss is read as mean_of_batches: in epoch 1 " in said for said in found.told)


def test_two_ways_that_find_other_numbers_wrong_are_refused_with_both(tmp_path: Path) -> None:
    text = f"step,train_loss\n1,{L[1]:.5f}\n2,{by_samples(L[:3]):.5f}\n"
    with pytest.raises(
        ClaimError, match=r"can be meant in two ways, and each finds other numbers wrong: read train_loss"
    ):
        audited(text, tmp_path, log="lightning")


def test_parameters_that_are_logged_before_the_update(tmp_path: Path) -> None:
    text = "step,train_loss_step,w\n0,17.0,0\n1,63.63045,0.13\n"
    found = audited(text, tmp_path, log="lightning")
    assert is_right(found)
    assert "w as before the update" in found.told[0]
    found = audited("step,train_loss_step,w\n0,17.0,0.13\n1,63.63045,0.495\n", tmp_path, log="lightning")
    assert [one.cell.quantity.group for one in found.findings if one.cell.quantity.name == "w"] == ["after", "after"]


# How a writer is named


def test_the_writer_is_named_in_the_file_or_by_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = f"step,train_loss\n0,{L[0]}\n1,{L[1]}\n"
    file = tmp_path / "line.toml"
    file.write_text(LINE + f'[claims]\nlog = "lightning"\ntable = """\n{table}"""\n', encoding="utf-8")
    assert main([str(file), "--claims"], output) == 0
    assert "read train_loss as the loss of the step, counted from 0" in capsys.readouterr().out
    (tmp_path / "mine.csv").write_text(table)
    assert main([str(file), "--claims", str(tmp_path / "mine.csv"), "--log", "lightning"], output) == 0
    assert main([str(file), "--claims", str(tmp_path / "mine.csv")], output) == 0
    with pytest.raises(ClaimError, match=r"--log: log 'lightnin' is no writer .* did you mean 'lightning'\?"):
        main([str(file), "--claims", "--log", "lightnin"], output)
    file.write_text(LINE + f'[claims]\nlog = "trainer"\ntable = """\n{table}"""\n', encoding="utf-8")
    with pytest.raises(ClaimError, match=r"line\.toml:17:1: log 'trainer' is no writer whose numbers are known"):
        main([str(file), "--claims"], output)


@pytest.mark.parametrize(
    ("text", "writer", "message"),
    [
        ("step,loss\n7,1.5\n", "hf-trainer", r":2:1: there is no update 7; the run has those from 1 to 6"),
        ("step,loss\n2,1.5\n1,1.5\n", "hf-trainer", "the steps of this log go back; leave one run of it"),
        (
            "step,accuracy\n2,1.5\n",
            "hf-trainer",
            "no column of this log is one that the HF Trainer writes; it writes loss, ",
        ),
        ("epoch,loss\n5,1.5\n", "keras", "there is no epoch 5"),
        ("{'loss': 17.0, 'epoch': 0.5}\n", "hf-trainer", "epoch 0.5 can be no step of this run; number the rows"),
        ("{'loss': 17.0, 'epoch':", "hf-trainer", "a dict that breaks off here"),
    ],
)
def test_what_is_no_such_log(text: str, writer: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match=message):
        audited(text, tmp_path, log=writer)


def test_a_number_that_is_not_read_is_a_row_nevertheless(tmp_path: Path) -> None:
    text = f"step,loss\n2,{mean(L[:2])}\n4,lost\n6,{mean(L[4:])}\n"
    found = audited(text, tmp_path, log="hf-trainer")
    assert [one.status.is_accepted for one in found.findings] == [True, True]
    assert [error.message.partition(";")[0] for error in found.unread] == ["'lost' is not a number"]


# Properties


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(form=st.sampled_from(["screen", "state", "metrics"]), every=st.integers(1, 6), epochs=st.integers(1, 3))
def test_any_interval_of_logging(form: str, every: int, epochs: int, tmp_path: Path) -> None:
    loop = trained(epochs=epochs)
    problem = load(LINE.replace("epochs = 2", f"epochs = {epochs}"))
    last = list(range(every, len(loop.losses) + 1, every))
    if not last:
        return
    if form == "metrics":
        text = "step,loss\n" + "".join(f"{k - 1},{loop.losses[k - 1]}\n" for k in last)
        assert is_right(audited(text, tmp_path, problem, log="lightning"))
        return
    means = [mean(loop.losses[k - every : k]) for k in last]
    if form == "screen":
        text = "".join(dict_line(loss=m, epoch=k / 3) + "\n" for k, m in zip(last, means, strict=True))
    else:
        rows = [{"step": k, "loss": m} for k, m in zip(last, means, strict=True)]
        text = json.dumps({"log_history": rows})
    assert is_right(audited(text, tmp_path, problem, log="hf-trainer"))


def test_a_file_that_tensorboard_downloads(tmp_path: Path) -> None:
    problem = load(LINE.replace("batch_size = 2", "").replace("epochs = 2", "epochs = 5"))
    losses = losses_of([[0, 1, 2, 3, 4]] * 5)
    rows = [f"170000000{k}.5,{k},{loss:.6g}" for k, loss in enumerate(losses)]
    text = "\n".join(["Wall time,Step,Value", *rows]) + "\n"
    assert is_right(audited(text, tmp_path, problem))
    found = audited(text.replace(f"{losses[2]:.6g}", "9.5"), tmp_path, problem)
    assert [one.claim.literal.text for one in found.findings if one.status.is_refused] == ["9.5"]
    with pytest.raises(ClaimError, match="unknown quantity 'Value'"):  # of an accuracy, say
        audited("Wall time,Step,Value\n1.5,0,0.25\n2.5,1,0.5\n3.5,2,0.75\n", tmp_path, problem)


ONE_BATCH = """
equations = "r = w*x + b - y; l = mean(r^2)"
[parameters]
w = 0.3
b = 0
[data]
x = [4.7, 0.7, 3.5, 3.2]
y = [5.9, 9, 2.8, 6.6]
[training]
lr = 0.05
steps = 3
"""


@pytest.mark.parametrize("moved", ["17.5845131", "17.5845011", "17.5846"])
def test_a_mean_or_sum_of_one_loss_is_that_loss(moved: str) -> None:
    """What a program averages it may calculate beside its tensors, in digits that no float32 number has."""
    found = []
    for name in ("l", "loss"):
        table = f"step,{name}\n1,33.0740750\n2,{moved}\n3,16.4370752"
        audited = audit(f'{ONE_BATCH}[claims]\ntable = """\n{table}\n"""\n')
        found.append([one.status for one in audited.findings])
    assert found[0] == found[1]
    assert found[0][1:] == [Status.WRONG, Status.WRONG]


CARRIED = LINE.replace(
    "batch_size = 2\nepochs = 2\n", "accumulate = 2\nbatches = [[0, 1], [2, 3], [4], [0, 1], [2, 3], [4]]\n"
)


def carried_on() -> tuple[list[float], list[float]]:
    """The losses of a loop whose windows of two batches go on in the next epoch, and w after each window."""
    w, b = (torch.zeros((), requires_grad=True) for _ in range(2))
    losses, ws = [], []
    for step, rows in enumerate(BATCHES * 2, start=1):
        loss = ((w * X[rows] + b - Y[rows]) ** 2).mean()
        (loss / 2).backward()
        losses.append(loss.item())
        if not step % 2:
            with torch.no_grad():
                for parameter in (w, b):
                    parameter.sub_(0.01 * parameter.grad)
                    parameter.grad = None
            ws.append(w.item())
    return losses, ws


def test_windows_that_go_on_in_the_next_epoch_are_the_batches_of_one(tmp_path: Path) -> None:
    """Keras 3.15 and ignite 0.5.5 have w = 1.453942 after these two epochs."""
    losses, ws = carried_on()
    assert f"{ws[-1]:.6f}" == "1.453942"
    rows = [f"{step},{loss:.5g},{ws[step // 2 - 1]:.5g}" for step, loss in enumerate(losses, start=1) if not step % 2]
    text = "step,loss,w\n" + "\n".join(rows) + "\n"
    assert is_right(audited(text, tmp_path, load(CARRIED), lr=0.005))  # the mean of two gradients
    assert not is_right(audited(text, tmp_path, load(LINE + "accumulate = 2\n"), lr=0.005))
    assert not is_right(audited(text.replace(f"{losses[3]:.5g}", "1.25"), tmp_path, load(CARRIED), lr=0.005))


@pytest.mark.parametrize("log", ["keras", "ignite", "fastai"])
def test_a_log_whose_windows_go_on_is_refused_where_those_of_the_run_do_not(log: str, tmp_path: Path) -> None:
    text = {"keras": "epoch,loss\n0,46.03416\n1,5.0\n", "ignite": "iteration,loss\n1,17\n2,72.5\n"}.get(
        log, "epoch,train_loss\n0,17.5\n1,20.5\n"
    )
    problem = load(LINE + "accumulate = 2\n")
    with pytest.raises(ClaimError, match="goes on with a window of 2 batches in the next epoch, and here it ends with"):
        audited(text, tmp_path, problem, log=log)
    for other in ("accumulate = 3\n", ""):
        assert audited(text, tmp_path, load(LINE + other), log=log).findings
    lightning = "step,train_loss_step\n0,72.5\n"  # it ends with its epoch
    assert audited(lightning, tmp_path, problem, log="lightning").findings


ONE_EPOCH = """
equations = "p = w*x + b; loss = mean((p-y)^2)"
[parameters]
w = 0.5
b = 0
[data]
x = [1, 2, 3, 4]
y = [2, 3, 5, 4]
[training]
lr = 0.05
batch_size = 2
epochs = 1
"""


@pytest.mark.parametrize(("loss", "is_right"), [("3.256", True), ("3.2564", True), ("3.388", True), ("3.2546", False)])
@pytest.mark.parametrize(
    "line",
    [
        "Epoch 1/1\n2/2 [==============================] - 0s 3ms/step - loss: {0}\n",
        "2/2 - 0s - loss: {0} - 3ms/step\n",
    ],
)
def test_the_only_line_of_a_log_shows_how_it_is_meant_if_it_has_four_digits(
    line: str, loss: str, is_right: bool
) -> None:
    """The losses of the two batches are 3.125 and 3.3878, the mean that Keras prints at the end 3.2564."""
    [found] = audit(ONE_EPOCH, claims=line.format(loss)).findings
    assert found.status.is_accepted == is_right
