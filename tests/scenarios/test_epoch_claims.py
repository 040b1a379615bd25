"""Means and sums over the batches of an epoch, of the loss and of what is reported, as they are claimed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

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


# A table that says no more than the epoch


def ends(size: int) -> list[dict[str, float]]:
    """The parameters at the end of each epoch, by a loop in PyTorch."""
    w, b = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in "wb")
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([1.0, 2, 3, 4, 5], [2.0, 3, 5, 7, 8]))
    optimizer = torch.optim.SGD([w, b], lr=0.01)
    found = []
    for _ in range(2):
        for first in range(0, 5, size):
            optimizer.zero_grad()
            ((w * x[first : first + size] + b - y[first : first + size]) ** 2).mean().backward()
            optimizer.step()
        found.append({"w": w.item(), "b": b.item()})
    return found


FORMS = {
    "csv": lambda rows: "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]),
    "words": lambda rows: "\n".join(" ".join(f"{name} {number}" for name, number in row.items()) for row in rows),
    "keras": lambda rows: "\n".join(
        f"Epoch {row['epoch']}/2\n " + " - ".join(f"{n}: {v}" for n, v in row.items() if n != "epoch") for row in rows
    ),
}


@settings(max_examples=40)
@given(
    st.sampled_from([2, 3]),
    st.sampled_from(["loss", "mean loss", "epoch_loss", "train_loss", ""]),
    st.sampled_from(KINDS),
    st.sampled_from(list(FORMS)),
    st.sampled_from([None, "loss", "w", "b"]),
    st.integers(0, 1),
)
def test_a_whole_epoch_is_read_as_it_is_meant_and_a_wrong_number_is_found(
    size: int, name: str, kind: str, form: str, moved: str | None, epoch: int
) -> None:
    if name == "mean loss" and kind.startswith("sum"):
        return
    if name in ("loss", "train_loss") and kind == "sum_over_samples":
        return  # wrong: a forgotten mean looks the same
    rows = []
    for k, (means, end) in enumerate(zip(plain(size), ends(size), strict=True)):
        numbers = {**({name: means[f"{kind}(loss)"]} if name else {}), **end}
        if k == epoch and moved:
            called = name if moved == "loss" else moved
            numbers = {n: v * 1.01 if n == called else v for n, v in numbers.items()}
        rows.append({"epoch": str(k + 1), **{n: f"{v:.8g}" for n, v in numbers.items()}})
    found = audited(FORMS[form](rows), size)
    expected = {rows[epoch][name if moved == "loss" else moved]} if moved and (name or moved != "loss") else set()
    assert {one.claim.literal.text for one in found.findings if one.status.is_refused} == expected, to_text(found)
    assert len(found.findings) == (6 if name else 4)
    if not name:
        assert any("w, b at the last step of the epoch" in said for said in found.told)


def audited(text: str, size: int) -> Audit:
    with TemporaryDirectory() as folder:
        file = Path(folder, "claims.txt")
        file.write_text(text, encoding="utf-8")
        return audit(LINE.format(size=size), claims=file)


def test_where_no_reading_fits_the_numbers_are_wrong_and_the_nearest_is_told() -> None:
    values = plain(2)
    for kind in KINDS:
        numbers = [f"{row[f'{kind}(loss)'] * 1.002:.6g}" for row in values]
        found = audited(f"epoch,loss\n1,{numbers[0]}\n2,{numbers[1]}\n", 2)
        assert [one.status.value for one in found.findings] == ["wrong", "wrong"]
        assert any(f"loss is read as {kind}, and fits neither: in epoch 1 " in said for said in found.told)
    first, second = (row["mean_over_samples(loss)"] for row in values)
    found = audited(f"epoch,loss\n1,{first:.6g}\n2,{second + 1:.6g}\n", 2)
    assert [one.status.value for one in found.findings] == ["right", "wrong"]
    assert "the mean over the samples of the epoch so far" in found.told[0]
    assert "1 of 2 numbers fit" in found.told[0]


def test_what_an_epoch_has_several_of_is_refused() -> None:
    with pytest.raises(ClaimError, match="an epoch has 3 batches; say which one in a column batch"):
        audited("epoch,dl/dw\n1,0.5\n2,0.6\n", 2)
