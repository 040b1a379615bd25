"""A row an epoch, calculated batch by batch with rounded numbers that are in no row."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from verify import Status, audit

PROBLEM = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = {w}
b = {b}
[data]
x = {x}
y = {y}
[training]
lr = 0.05
batch_size = 2
epochs = 4
"""
HEADS = ("loss", "mean_of_batches", "mean_over_samples")


def of_epochs(seed: int, places: int, head: str, *, by_root: bool = False) -> tuple[str, list[dict[str, str]]]:
    """A problem of five samples, and what somebody has of it who rounds each loss, gradient and parameter.

    `by_root` is RMSprop, whose v is carried in full.
    """
    random = Random(seed)
    unit = Decimal(1).scaleb(-places)

    def drawn() -> Decimal:
        return Decimal(random.randint(-19, 19)) / 10

    w, b, x, y = drawn(), drawn(), [drawn() for _ in range(5)], [drawn() for _ in range(5)]
    text = PROBLEM.format(w=w, b=b, x=f"[{', '.join(map(str, x))}]", y=f"[{', '.join(map(str, y))}]")
    text += 'optimizer = "RMSprop"\nalpha = 0.9\n' if by_root else ""
    rows = []
    states = {"w": Decimal(0), "b": Decimal(0)}

    def moved(name: str, gradient: Decimal) -> Decimal:
        if not by_root:
            return Decimal("0.05") * gradient
        states[name] = Decimal("0.9") * states[name] + gradient * gradient / 10
        return Decimal("0.05") * gradient / (states[name].sqrt() + Decimal("1e-8"))

    for epoch in range(1, 5):
        losses: list[tuple[int, Decimal]] = []
        for own in (slice(0, 2), slice(2, 4), slice(4, 5)):
            off = [w * one + b - other for one, other in zip(x[own], y[own], strict=True)]
            losses.append((len(off), (sum((one * one for one in off), Decimal(0)) / len(off)).quantize(unit)))
            by_w = sum((2 * one * at for one, at in zip(off, x[own], strict=True)), Decimal(0)) / len(off)
            by_b = 2 * sum(off, Decimal(0)) / len(off)
            w = (w - moved("w", by_w.quantize(unit))).quantize(unit)
            b = (b - moved("b", by_b.quantize(unit))).quantize(unit)
        by_samples = head == "mean_over_samples"
        counts = sum(count if by_samples else 1 for count, _ in losses)
        mean = sum((loss * (count if by_samples else 1) for count, loss in losses), Decimal(0)) / counts
        rows.append({"epoch": str(epoch), head: str(mean.quantize(unit)), "w": str(w), "b": str(b)})
    return text, rows


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("places", [2, 3, 4])
def test_means_of_rounded_losses_are_not_wrong(head: str, places: int) -> None:
    for seed in range(3):
        text, rows = of_epochs(seed, places, head)
        found = audit(text, claims=rows)
        assert not [one for one in found.findings if one.status.is_refused], (seed, rows)


@pytest.mark.parametrize("places", [2, 3])
def test_nor_where_nothing_bounds_what_rounding_does(places: int) -> None:
    """RMSprop divides by a root that is 0 where all is rounded; a number far from the right one is wrong still."""
    for seed in range(4):
        text, rows = of_epochs(seed, places, "mean_of_batches", by_root=True)
        assert not [one for one in audit(text, claims=rows).findings if one.status.is_refused], (seed, rows)
        rows[1]["w"] = str(Decimal(rows[1]["w"]) + 50 * Decimal(1).scaleb(-places))
        wrong = [one.cell for one in audit(text, claims=rows).findings if one.status is Status.WRONG]
        assert (wrong[0].step, wrong[0].quantity.name) == (6, "w")


@pytest.mark.parametrize("head", HEADS)
def test_a_mean_that_they_do_not_give_is_wrong(head: str) -> None:
    for seed in range(2):
        text, rows = of_epochs(seed, 3, head)
        rows[2][head] = str(Decimal(rows[2][head]) + Decimal("0.090"))
        wrong = [one.cell for one in audit(text, claims=rows).findings if one.status is Status.WRONG]
        assert [(cell.step, cell.quantity.group) for cell in wrong] in ([(9, "averaged")], [(9, "epoch")])


@pytest.mark.parametrize("head", HEADS)
def test_a_mean_of_an_epoch_that_begins_at_a_wrong_number_follows_from_it(head: str) -> None:
    text, rows = of_epochs(1, 4, head)
    w = rows[1]["w"] = str(Decimal(rows[1]["w"]) + Decimal("0.5"))
    problem = text.replace("epochs = 4", "epochs = 1")
    start, end = problem.index("w = "), problem.index("[data]")
    problem = f"{problem[:start]}w = {w}\nb = {rows[1]['b']}\n{problem[end:]}"
    mean = "mean_of_batches" if head == "loss" else head
    right = audit(problem, claims=[{"epoch": "1", mean: "0"}]).findings[0].right
    assert right is not None
    rows = [*rows[:2], {"epoch": "3", head: f"{float(right):.4f}", "w": "", "b": ""}]
    found = {(one.cell.step, one.cell.quantity.name): one.status for one in audit(text, claims=rows).findings}
    assert found[6, "w"] is Status.WRONG
    assert [status for (step, _), status in found.items() if step == 9] == [Status.INHERITED]
