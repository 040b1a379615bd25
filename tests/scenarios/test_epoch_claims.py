"""Means and sums over the batches of an epoch, of the loss and of what is reported, as they are claimed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError
from tables.text.audit import to_text
from verify import audit
from verify.auditing.pipeline import Audit
from verify.following.finding import Status

LINE = '''
equations = """
p = w*x + b
l = mean((p - y)^2)
"""
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4, 5]
y = [2, 3, 5, 7, 8]
[report]
half = "l/2"
biggest = "max(p)"
[training]
lr = 0.01
batch_size = {size}
epochs = 2
'''
KINDS = ("mean_of_batches", "mean_over_samples", "sum_of_batches", "sum_over_samples")


def plain(size: int) -> list[dict[str, float]]:
    """The four numbers of each epoch, of the loss and of both reported lines, by a loop in PyTorch."""
    w, b = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in "wb")
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([1.0, 2, 3, 4, 5], [2.0, 3, 5, 7, 8]))
    optimizer = torch.optim.SGD([w, b], lr=0.01)
    epochs = []
    for _ in range(2):
        seen: list[tuple[int, dict[str, float]]] = []
        for first in range(0, 5, size):
            rows = slice(first, min(first + size, 5))
            prediction = w * x[rows] + b
            loss = ((prediction - y[rows]) ** 2).mean()
            values = {"loss": loss.item(), "half": loss.item() / 2, "biggest": prediction.max().item()}
            seen.append((len(x[rows]), values))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found = {}
        for name in ("loss", "half", "biggest"):
            weighted = name != "biggest"  # a maximum is no mean over the samples
            sums = (sum(v[name] for _, v in seen), sum((n if weighted else 1) * v[name] for n, v in seen))
            values4 = (sums[0] / len(seen), sums[1] / 5, *sums)
            found |= {f"{kind}({name})": value for kind, value in zip(KINDS, values4, strict=True)}
        epochs.append(found)
    return epochs


def judged(size: int, *rows: dict[str, object]) -> Audit:
    found = audit(LINE.format(size=size), claims=rows)
    assert not found.unread
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_all_are_right_as_a_plain_loop_has_them_and_a_moved_one_is_wrong(size: int) -> None:
    rows = [{"epoch": k, **{n: f"{v:.9g}" for n, v in row.items()}} for k, row in enumerate(plain(size), start=1)]
    found = judged(size, *rows)
    assert len(found.findings) == 24
    assert {*found.counts} == {Status.RIGHT}, to_text(found)
    for name, value in plain(size)[1].items():
        moved = judged(size, {"epoch": 2, name: f"{value * 1.001:.9g}"})
        assert [finding.status for finding in moved.findings] == [Status.WRONG], name


@settings(max_examples=30)
@given(
    st.sampled_from([2, 3]),
    st.integers(0, 1),
    st.sampled_from([("mean loss", KINDS[:2]), ("epoch_loss", KINDS[:2]), ("total loss", KINDS[2:])]),
    st.integers(0, 1),
)
def test_of_a_short_last_batch_it_is_said_which_one_fits(
    size: int, epoch: int, written: tuple[str, tuple[str, ...]], which: int
) -> None:
    name, kinds = written
    values = plain(size)[epoch]
    found = judged(size, {"epoch": epoch + 1, name: f"{values[f'{kinds[which]}(loss)']:.7g}"})
    [finding] = found.findings
    assert finding.status is Status.RIGHT
    assert finding.cell.name == kinds[which]
    assert f"is read as {kinds[which]}: {kinds[0]} is " in finding.claim.told
    neither = judged(size, {"epoch": epoch + 1, name: f"{values[f'{kinds[which]}(loss)'] * 1.01:.7g}"})
    assert neither.findings[0].status is Status.WRONG
    assert "fits neither" in neither.findings[0].claim.told


def test_a_column_is_read_in_one_way() -> None:
    """Of two epochs, the one over the samples and the other of the batches, one is wrong."""
    first, second = plain(2)[:2]
    rows = [first["mean_over_samples(loss)"], second["mean_of_batches(loss)"]]
    found = judged(2, *({"epoch": k, "mean loss": f"{value:.7g}"} for k, value in enumerate(rows, start=1)))
    assert sorted(one.status.value for one in found.findings) == ["right", "wrong"]
    assert sum("fits 1 of 2 numbers: in epoch 1 " in said for said in found.told) == 1
    means = (f"{each['mean_over_samples(loss)']:.7g}" for each in (first, second))
    alike = judged(2, *({"epoch": k, "mean loss": mean} for k, mean in enumerate(means, start=1)))
    assert {*alike.counts} == {Status.RIGHT}
    assert len([said for said in alike.told if "is read as mean_over_samples" in said]) == 1


def test_nothing_is_said_where_all_batches_are_alike() -> None:
    [finding] = judged(5, {"epoch": 1, "mean loss": "30.2"}).findings
    assert (finding.status, finding.claim.told) == (Status.RIGHT, "")


def test_a_mean_follows_from_a_wrong_loss_in_either_reading() -> None:
    """The author's loss of the second batch is 27 in place of 26.8…: the mean over the samples goes on with it."""
    values = plain(2)[0]
    losses = [6.5, 27.0, 0.0]
    rows = [{"step": k + 1, "loss": f"{loss:.6f}"} for k, loss in enumerate(losses)]
    mean = (2 * losses[0] + 2 * losses[1] + losses[2]) / 5
    found = judged(2, *rows, {"epoch": 1, "mean loss": f"{mean:.6f}"})
    last = found.findings[-1]
    assert last.cell.name == "mean_over_samples"
    assert last.status is Status.INHERITED, to_text(found)
    assert values["mean_over_samples(loss)"] != mean


def test_the_loss_of_an_epoch_of_several_batches_has_names() -> None:
    with pytest.raises(ClaimError, match=r"an epoch has 3 batches; .* a loss is called mean loss or sum\(loss\)"):
        audit(LINE.format(size=2), sentences=["epoch 1: loss = 24"])
    found = audit(LINE.format(size=2), sentences=["epoch 1: mean(l) = 17.25"])
    assert found.findings[0].cell.name == "mean_of_batches"
