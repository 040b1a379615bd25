"""Logs line by line: names with their numbers in whatever words, and what Keras shows while it trains."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table
from verify.printed.forms import read_grid
from verify.printed.lines import read_lines
from verify.tabular.grid import Source

THREE_ROWS = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 1
b = 0
[data]
x = [1, 2, 3]
y = [1, 2, 4]
[training]
lr = 0.1
epochs = {epochs}
batch_size = {size}
"""
EPOCHS = timeline_of(THREE_ROWS.format(epochs=4, size=3))  # each of one step
BATCHES = timeline_of(THREE_ROWS.format(epochs=2, size=2))  # each of two


def cells(text: str) -> list[list[str]]:
    return [[cell.text for cell in row] for row in read_grid(Source("t", text)).rows]


LINES = [
    "Epoch {k}/4 - loss: {l} - w: 1.38",
    "Epoch {k}/4\n1/1 - 0s - 12ms/step - loss: {l} - w: 1.38",
    "[Epoch {k}] loss={l}, w=1.38",
    "epoch {k} loss {l} w 1.38",
    "Iteration {k}: Cost {l}, w = 1.38",
    "Epoch [{k}/4], Step [1/1], Loss: {l}, w: 1.38",
    "Epoch: {k} | Loss: {l} | w: 1.38",
    "Epoch {k:03d}: | Loss: {l} | w: 1.38",
    "step {k} w is 1.38 and the loss is {l}",
    "Epoch {k} completed. Loss: {l}, w: 1.38.",
    "After iteration {k}, loss {l} w is 1.38",
    "loss: {l} w: 1.38 (step {k})",
    "loss {l}, w 1.38 [{k}/4]",
    "Epoch {k} of 4, loss {l}, w 1.38, time 0.02s",
    "Epoch:    {k}  loss:    {l}  w:  1.38  acc: 98.5%",
    "Train Epoch: {k} [0/3 (0%)]\tLoss: {l}\tw: 1.38",
    "--- Epoch {k} ---\nloss: {l}\nw: 1.38",
    "Epoch {k}: 100%|██████████| 1/1 [00:00<00:00, 30.1it/s, loss={l}, w=1.38]",
    "2026-01-02 10:11:12,123 INFO Epoch {k} loss={l} w=1.38",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("begin", ["", "Training begins\n\n"])
def test_lines_in_free_words(line: str, begin: str) -> None:
    text = begin + "\n".join(line.format(k=k, l=f"{k}.25") for k in (1, 2, 3, 4)) + "\nDone in 3.2 s\n"
    found = {(step, name, number) for step, _, name, number in claimed(text, EPOCHS)}
    assert found == {(k, name, number) for k in (1, 2, 3, 4) for name, number in (("loss", f"{k}.25"), ("w", "1.38"))}


def test_lines_count_from_0_where_the_first_does() -> None:
    found = claimed("epoch 0 loss 2.25\nepoch 1 loss 0.2898\n", EPOCHS)
    assert [(step, number) for step, _, _, number in found] == [(1, "2.25"), (2, "0.2898")]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("Epoch [{e}/2], Step [{k}/2], Loss: {l}", "Step counts the batches of its epoch"),
        ("Train Epoch: {e} [{before}/3 (50%)]\tLoss: {l}", "1/3 counts the samples of an epoch, before their batch"),
        ("Epoch {e}\n-------\nloss: {l}  [    {after}/3]", "1/3 counts the samples of an epoch, after their batch"),
        ("Epoch {e}/2\n{k}/2 - 0s - loss: {l}", ""),
        ("Epoch: [{e}][{k}/2] Time 0.5 ( 0.6) Loss {l}", ""),
    ],
)
def test_what_counts_within_an_epoch(lines: str, told: str) -> None:
    text = "\n".join(
        lines.format(e=e, k=k, l=f"{e}.{k}", before=(0, 2)[k - 1], after=(2, 3)[k - 1]) for e in (1, 2) for k in (1, 2)
    )
    reading = read_table(text, "t", BATCHES)
    expected = [(1, "1.1"), (2, "1.2"), (3, "2.1"), (4, "2.2")]
    assert [(claim.cell.step, claim.literal.text) for claim in reading.claims] == expected
    assert told in reading.told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2/3 - loss: 4\n", r"^t.csv:1:1: progress without a line such as 'Epoch 1/2' above it"),
        ("Epoch 1 loss 4 [1/7]\n", r"^t.csv:1:17: 1/7 counts neither the 2 batches of an epoch nor its 3 samples"),
        ("Epoch 1 loss 4 [1/3]\n", r"^t.csv:1:17: samples are counted neither after their batch nor before their bat"),
        ("w 0.5\nb 0.6\n", r"^t.csv:2:1: this line may be of the same step as the one above it, or of the next"),
        ("w=0.5\nb=0.6\n", r"^t.csv:2:1: this line may be of the same step"),
        ("step 1 w=0.5 0.6\n", r"^t.csv:1:14: no name with its number behind it"),
        ("step 1 best w 0.5\n", r"^t.csv:1:8: unknown quantity 'best w'"),
        ("step 1 w O.5 b 0.5\n", r"unknown quantity 'w O.5 b'"),
        ("step 1, step 2: w = 0.5\n", r"'step' stands twice in one row"),
    ],
)
def test_what_can_be_two_things_or_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(text, BATCHES)


def test_numbers_that_say_no_step_are_named() -> None:
    reading = read_table("Start with lr 0.1\nstep 1 loss 4\nUsing seed 42\nFinal: w = 3\n", "t", EPOCHS)
    assert [claim.literal.text for claim in reading.claims] == ["4"]
    assert [error.message for error in reading.unread] == [
        "'Start with lr 0.1' says no step, as the other lines do; write which one",
        "'Final w 3' says no step, as the other lines do; write which one",
    ]
    assert "not judged, as the problem has no such number: Using seed" in reading.told


def test_what_stands_below_the_heading_of_a_validation_is_not_of_the_epoch_above_it() -> None:
    reading = read_table("Epoch 1\nloss: 4\nTest Error:\n Accuracy: 98%, Avg loss: 0.5\n", "t", EPOCHS)
    assert [claim.literal.text for claim in reading.claims] == ["4"]
    assert ["'Avg loss 0.5' says no step" in error.message for error in reading.unread] == [True]


def test_a_name_without_a_number_is_named() -> None:
    reading = read_table("step 1: w = 0.5\nstep 2: w, b = 0.5\n", "t", EPOCHS)
    assert [(claim.cell.step, claim.cell.name) for claim in reading.claims] == [(1, "w"), (2, "b")]
    assert [error.message for error in reading.unread] == ["'w' stands without a number"]


@pytest.mark.parametrize(
    "text", ["step w b\n1 1 2\n", "step,w1\n1,2\n", "quantity value\nw 0.5\nb 0.6\n", "step  w 1\n1  0.5\n"]
)
def test_a_table_is_none_of_these(text: str) -> None:
    assert "names and numbers" not in read_grid(Source("t", text)).form


def test_both_kinds_of_bars() -> None:
    text = (
        "Epoch 1/2\n"
        "\x1b[1m1/3\x1b[0m \x1b[32m━━━\x1b[0m\x1b[37m━━━\x1b[0m \x1b[1m0s\x1b[0m 9ms/step - loss: 17.0000\r"
        "\x1b[1m3/3\x1b[0m \x1b[32m━━━━━━\x1b[0m 0s 12ms/step - accuracy: 0.5 - loss: 46.0342 - val_loss: 6.9775\n"
        "Epoch 2/2\n\n"
        "3/3 [==============================] - 0s 2ms/step - loss: 5.0089e-01\n"
    )
    assert cells(text) == [
        ["Epoch", "of 3", "loss", "accuracy", "val_loss"],
        ["1", "1", "17.0000", "", ""],
        ["1", "3", "46.0342", "0.5", "6.9775"],
        ["2", "3", "5.0089e-01", "", ""],
    ]


@given(st.lists(st.lists(st.decimals(0, 999, places=4), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_shown_is_read_back(epochs: list[list[object]]) -> None:
    text = "".join(
        f"Epoch {e}/{len(epochs)}\n"
        + "\r".join(f" {k}/4 ━━━━ 0s 1ms/step - loss: {loss}" for k, loss in enumerate(losses, start=1))
        + "\n"
        for e, losses in enumerate(epochs, start=1)
    )
    expected = [[str(e), str(k), str(loss)] for e, own in enumerate(epochs, 1) for k, loss in enumerate(own, 1)]
    assert cells(text) == [["Epoch", "of 4", "loss"], *expected]


NUMBERS = st.sampled_from(["0.5", "-2.75", "3", "1e-3", ".25", "1.0E+05", "nan", "0.26..", "1.5(2)"])
NAMES = st.lists(st.sampled_from(["loss", "w", "b", "dl/dw", "grad b"]), min_size=1, max_size=4, unique=True)


@given(
    NAMES,
    st.lists(NUMBERS, min_size=16, max_size=16),
    st.sampled_from(["step {k}", "Epoch {k}/4", "[Iteration {k}]", "(iter. {k})", "Step #{k}", "epoch [{k}/4]"]),
    st.sampled_from([" ", ": ", " - ", " | ", ", "]),
    st.sampled_from(["=", ": ", " = ", " ", " is "]),
    st.sampled_from([" ", ", ", " | ", " - ", "; ", "\t"]),
    st.booleans(),
)
def test_any_way_of_writing_names_and_numbers_reads_back(
    names: list[str], numbers: list[str], counter: str, after: str, equals: str, between: str, last: bool
) -> None:
    rows = [numbers[4 * k : 4 * k + len(names)] for k in range(4)]
    lines = []
    for k, row in enumerate(rows, start=1):
        pairs = between.join(f"{name}{equals}{number}" for name, number in zip(names, row, strict=True))
        said = counter.format(k=k)
        lines.append(f"{pairs}{after}{said}" if last and after != ": " else f"{said}{after}{pairs}")
    found = {(step, name): number for step, _, name, number in claimed("\n".join(lines), EPOCHS)}
    labels = {"grad b": "dl/db"}
    expected = {
        (k, labels.get(name, name)): number
        for k, row in enumerate(rows, start=1)
        for name, number in zip(names, row, strict=True)
    }
    assert found == expected


def test_what_is_a_time_or_a_place_and_no_claim() -> None:
    for text in ("[1,  2000] loss: 2.5", "[1,2000] loss 2.5 eta 0:00:04", "[1, 2000] ETA: 12:03 loss=2.5 (98.2 %)"):
        grid = read_lines(Source("t", f"{text}\n"))
        assert [[cell.text for cell in row] for row in grid.rows] == [["epoch", "batch", "loss"], ["1", "2000", "2.5"]]
    with pytest.raises(ClaimError, match="no name with its number behind it"):
        read_lines(Source("t", "[1.5, 2] loss: 2.5\n"))
    grid = read_lines(Source("t", "Epoch 1 loss=64.6: 100%|██| 1/1 [00:00<00:00, 8it/s]\n"))
    assert [row[:2][-1].text for row in grid.rows] == ["loss", "64.6"]


ODD = [
    "prediction for x=6: 10.4556",
    "$ python train.py --lr 0.01 --epochs 5",
    "/usr/lib/f.py:12: UserWarning: size (torch.Size([5])) is other\n  return F.mse_loss(input)",
    'Config: {"lr": 0.01, "epochs": 5}',
    ">>> w\n1.6652",
    "Saved model to /tmp/model_5.pt",
    "using torch2.14 and numpy2.2",
]
UNREAD = ["Epoch 4: loss=", "Best loss: 7.5966 at epoch 4", "Best loss: 99 at epoch 4", "Epoch 4: loss64.6", "dw-53.2"]
COUNTED = (
    "Epoch {k}: loss={l}",
    "[Epoch {k}] loss: {l}, w: 1.38",
    "epoch {k} loss {l}",
    "Epoch {k} | loss {l} | w 1.38",
)


@given(st.sampled_from(COUNTED), st.sampled_from([*ODD, *UNREAD]), st.integers(0, 4), st.integers(0, 3), st.booleans())
def test_a_line_that_cannot_be_read_is_left_out_and_named(line: str, odd: str, at: int, slip: int, has: bool) -> None:
    """The other lines say what they say, a slip among them too."""
    numbers = ["4", "3.1", "2.2", "1.3"]
    numbers[slip] = "9.9" if has else numbers[slip]
    lines = [line.format(k=k, l=number) for k, number in enumerate(numbers, start=1)]
    reading = read_table("\n".join([*lines[:at], odd, *lines[at:]]) + "\n", "t", EPOCHS)
    losses = [(one.cell.step, one.literal.text) for one in reading.claims if one.cell.name == "loss"]
    assert losses == list(enumerate(numbers, start=1))
    if odd in UNREAD:
        assert [error.place and error.place.line for error in reading.unread] == [at + 1]
    else:
        assert not reading.unread
        shown = odd.splitlines()[0 if odd != ">>> w\n1.6652" else 1]
        assert f"not read: line {at + 1 + (odd[0] == '>')}, '{shown[:20]}" in reading.told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr = 0.1\nstep,loss\n1,4\n2,99\n", "no name with its number behind it"),  # a table below a line
        ("Epoch 1: loss=4\n2 3.1\n3 2.2\n", "no name with its number behind it"),  # most lines are others
        ("Epoch 1: loss64.6\n", "no blank between a name and its number; write such as loss 2.25"),
        ("Epoch 1: loss 4 dw-53.2\n", "no blank between a name and its number"),
        ("Epoch 1: w=0.532 (99)\n", r"'0.532 \(99\)' has two numbers; expected the claimed one alone"),
        ("Epoch 1, loss 4 ± 0.01\nEpoch 2, loss 3 ± 0.01\n", "'4 ± 0.01' has two numbers"),
        ("Epoch 1, loss 4 -> 3.2\n", "unknown quantity 'loss_before'"),  # of which step, is not said
        ("1 64.6\n2 37.7\n", "the first line has numbers in the place of names; write one above it"),
        ("1: 64.6\n2: 37.7\n", "the first line has numbers in the place of names"),
        ("[64.6, 37.7]\n", "the first line has numbers in the place of names"),
    ],
)
def test_what_a_line_says_amiss(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(text, EPOCHS)


@pytest.mark.parametrize("arrow", ["->", "-->", "→", "=>", " -> "])
def test_an_arrow_stands_between_the_number_before_the_update_and_after_it(arrow: str) -> None:
    found = claimed(f"Epoch 1: w: 1.0000 {arrow} 1.38, loss 4\nEpoch 2: w: 1.38 {arrow} 1.46, loss 3\n", EPOCHS)
    assert [(step, group, number) for step, group, _, number in found if group != "loss"] == [
        *((1, "before", "1.0000"), (1, "after", "1.38"), (2, "before", "1.38"), (2, "after", "1.46")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("w = 1 - 0.1*(-3.8) = 1.38", "w = 1.0 + 0.38 = 1.38", "w: 1 − 0.1 · (−3.8) = 1.38"),
        *("w = w - lr*dw = 1 - 0.1*(-3.8) = 1.38", "w = 2 - 0.62 = 1.3800 = 1.38", "w := 1 + 0.38 ≈ 1.38"),
    ],
)
def test_of_a_calculation_its_result_is_claimed(line: str) -> None:
    assert claimed(f"Epoch 1: {line}\n", EPOCHS) == [(1, "after", "w", "1.38")]
    assert [one[-1] for one in claimed(f"Epoch 1: {line}, loss = 4\n", EPOCHS)] == ["1.38", "4"]


@pytest.mark.parametrize("line", ["w = 1 - 0.1*(-3.8)", "w: 1 + 0.38", "w = 6.9*0.2"])
def test_a_calculation_without_its_result_claims_what_it_comes_to(line: str) -> None:
    reading = read_table(f"Epoch 1: {line}, loss = 4\n", "t", EPOCHS)
    assert [one.cell.name for one in reading.claims] == ["w", "loss"]
    assert reading.claims[0].literal.value == Fraction("1.38")


@pytest.mark.parametrize(
    "line", ["loss: 4 - w: 1.38", "loss: 4 - 3 - w: 1.38", "w = 1.38 -- loss = 4", "loss = 4 -3 w=1.38"]
)
def test_a_dash_between_two_pairs_subtracts_nothing(line: str) -> None:
    try:
        found = claimed(f"Epoch 1: {line}\n", EPOCHS)
    except ClaimError:
        return
    assert {(name, text) for _, _, name, text in found} == {("loss", "4"), ("w", "1.38")}


@given(st.sampled_from(["losses = {}", "loss: {}", "loss_history={}", "Losses: {}"]), st.booleans(), st.integers(2, 4))
def test_lists_of_a_number_a_step(line: str, has_w: bool, count: int) -> None:
    losses, w = ["4.5", "3.1", "2.2", "1.3"][:count], ["1.38", "1.46", "1.5", "1.6"][:count]
    text = line.format(f"[{', '.join(losses)}]") + "\n" + (f"w = [{', '.join(w)}]\n" if has_w else "")
    found = claimed(text, EPOCHS)
    assert [(step, number) for step, _, name, number in found if name == "loss"] == list(enumerate(losses, start=1))
    assert [number for _, _, name, number in found if name == "w"] == (w if has_w else [])


def test_lists_of_other_lengths_are_refused() -> None:
    with pytest.raises(ClaimError, match=r"unknown quantity 'losses'"):
        claimed("losses = [4, 3, 2]\nw = [1.38, 1.46]\n", EPOCHS)


def test_an_array_below_its_name() -> None:
    grid = read_grid(Source("t", "W:\n[[0.6 -0.0133]\n [0.7167 0.4083]]\nc:\ntensor([0.1, 0.2])\n"))
    assert [cell.text for cell in grid.rows[0]] == ["W", "c"]
    assert [cell.text.split() for cell in grid.rows[1]] == [
        *(["[[0.6", "-0.0133]", "[0.7167", "0.4083]]"], ["tensor([0.1,", "0.2])"]),
    ]


@pytest.mark.parametrize(
    ("line", "unread", "column"),
    [
        ("After step 2, loss is abc and w is 1.46.", "no name with its number behind it", 15),
        ("After step 2, loss is abc and w = 1.46", "no name with its number behind it", 15),
        ("step 2: loss = [3.1, w = 1.46", "a bracket opens here and does not close", 16),
        ("step 2: w = 1.46, loss3.1", "no blank between a name and its number", 23),
        ("In step 2 the loss is almost 3.1, and w is 1.46", "unknown quantity 'loss is almost'", 15),
        ("After 2 steps w became 1.46 and the loss was three point one.", "stands without a number", 37),
        ("step 2: loss = 3.1 3.2, w = 1.46", "no name with its number behind it", 20),
        ("step 2 | w 1.46 | loss 3.1 3.2", "no name with its number behind it", 28),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_part_of_a_line_that_cannot_be_read_is_named_and_the_others_are_read(
    line: str, unread: str, column: int, alone: bool
) -> None:
    """One such part refused the whole text, or left out the line."""
    text = f"{line}\n" if alone else f"After step 1, loss is 4 and w is 1.38.\n{line}\nstep 3: loss = 2.2, w = 1.5\n"
    reading = read_table(text, "t", EPOCHS)
    found = [(claim.cell.step, claim.cell.name, claim.literal.text) for claim in reading.claims]
    around = [] if alone else [(1, "loss", "4"), (1, "w", "1.38"), (3, "loss", "2.2"), (3, "w", "1.5")]
    assert sorted(found) == sorted([*around, (2, "w", "1.46")])
    [error] = reading.unread
    assert unread in error.message
    assert error.place is not None
    assert (error.place.line, error.place.column) == (1 if alone else 2, column)


def test_a_part_about_something_else_is_told() -> None:
    reading = read_table("step 1: loss = 4, (see fig. 3), w = 1.38\nstep 2: loss = 3.1, w = 1.46\n", "t", EPOCHS)
    assert len(reading.claims) == 4
    assert not reading.unread


def test_two_counters_that_contradict_say_no_step() -> None:
    text = "step 1: loss = 4\nstep 2, step 3: loss = 3.1\nstep 4: loss = 1.3\n"
    reading = read_table(text, "t", EPOCHS)
    assert [(claim.cell.step, claim.literal.text) for claim in reading.claims] == [(1, "4"), (4, "1.3")]
    assert "'step' stands twice in one row" in reading.unread[0].message


@given(
    st.lists(st.sampled_from(["loss", "w", "b", "dl/dw", "dl/db"]), min_size=2, max_size=5, unique=True),
    st.integers(0, 4),
    st.sampled_from(["abc", "1.2.3 4", "[1.2", "??", "3.1 3.2", "about three"]),
    st.sampled_from([", ", " | ", "; ", " and "]),
    st.sampled_from([" = ", ": ", " is "]),
)
def test_of_any_line_only_the_part_that_cannot_be_read_is_left_out(
    names: list[str], at: int, spoilt: str, between: str, equals: str
) -> None:
    at %= len(names)
    line = between.join(f"{name}{equals}{spoilt if k == at else f'{k}.5'}" for k, name in enumerate(names))
    reading = read_table(f"step 1: w = 3\nstep 2: {line}\nstep 3: w = 4\n", "t", EPOCHS)
    found = {claim.cell.name: claim.literal.text for claim in reading.claims if claim.cell.step == 2}
    assert found == {name: f"{k}.5" for k, name in enumerate(names) if k != at}
    assert [error.place and error.place.line for error in reading.unread] == [2]
