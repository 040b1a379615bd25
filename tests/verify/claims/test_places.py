"""Where in a run a claimed number is: its step, epoch, batch and entry; a place that is not there is refused."""

import re

import pytest

from derive.errors import ClaimError, Place
from tests.timelines import timeline_of
from verify.claims.claim import Cell, Quantity
from verify.claims.places import FROM_1, Counting, Timeline, cell_at, predicted_cell, whole_number
from verify.tabular.written import Written

PLACE = Place("t.csv", 2, 1, "")
# five samples in batches of two: three batches an epoch, the last of one sample
RUN = timeline_of(
    """
equations = "p = w*x; l = mean((p - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3, 4, 5]
y = [2, 4, 6, 8, 10]
[training]
lr = 0.01
batch_size = 2
epochs = 2
accumulate = 3
clip_grad_norm = 1
[predict]
x = [37, 38]
"""
)
WHOLE = timeline_of('equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 4\n')


def quantity(group: str, name: str, run: Timeline = RUN) -> Quantity:
    [found] = [own for own in run.names.shapes if (own.group, own.name) == (group, name)]
    return found


def at(group: str, name: str, *entry: int, run: Timeline = RUN, **given: int) -> Cell:
    return cell_at(quantity(group, name, run), entry, given, 1, run, PLACE)


def test_a_step_is_that_of_its_epoch_and_batch() -> None:
    steps = [RUN.at(epoch, batch, PLACE) for epoch in (1, 2) for batch in (1, 2, 3)]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert [WHOLE.at(epoch, None, PLACE) for epoch in (1, 4)] == [1, 4]  # an epoch of one batch
    assert [RUN.end_of_epoch(epoch, PLACE) for epoch in (1, 2)] == [3, 6]
    cut_short = Timeline(RUN.names, RUN.batches[:4], RUN.per_epoch, RUN.loss)
    assert cut_short.end_of_epoch(2, PLACE) == 4


def test_a_row_of_the_data_stands_somewhere_in_its_batch() -> None:
    found = [at("nodes", "p", row, step=step) for step, row in ((1, 0), (2, 2), (2, 3), (3, 4), (5, 3))]
    assert [(own.step, own.entry, own.position) for own in found] == [
        (1, (0,), (0,)),
        (2, (2,), (0,)),
        (2, (3,), (1,)),
        (3, (4,), (0,)),
        (5, (3,), (1,)),
    ]


def test_a_step_is_given_by_number_by_epoch_and_batch_or_by_its_row() -> None:
    assert at("gradients", "w", step=5).step == 5
    assert at("gradients", "w", epoch=2, batch=2).step == 5
    assert at("gradients", "w", step=5, epoch=2, batch=2).step == 5
    assert cell_at(quantity("gradients", "w"), (), {}, 4, RUN, PLACE).step == 4
    assert at("epoch", "mean_of_batches", epoch=2).step == 6


def test_a_parameter_at_step_0_is_what_the_run_begins_with() -> None:
    begun = at("after", "w", step=0)
    assert (begun.step, begun.quantity.group) == (1, "before")
    assert at("after", "w", run=WHOLE, epoch=0).quantity.group == "before"
    assert at("after", "w", step=1).quantity.group == "after"


def test_the_lr_without_a_group_is_that_of_the_first() -> None:
    assert at("setting", "lr", step=2).entry == ()
    run = timeline_of(
        'equations = "l = w^2 + v^2"\n[parameters]\nw = 1\nv = 2\n[training]\nlr = 0.1\nsteps = 4\n'
        '[[training.groups]]\nparameters = ["v"]\nlr = 0.2\n'
    )
    assert at("setting", "lr", run=run, step=2).entry == (0,)
    assert at("setting", "lr", 1, run=run, step=2).position == (1,)


@pytest.mark.parametrize(
    ("group", "name", "entry", "given", "message"),
    [
        ("loss", "l", (), {"step": 7}, "there is no step 7; the run has the steps 1 to 6"),
        ("loss", "l", (), {"step": 0}, "there is no step 0 of this quantity; steps, epochs and batches are counted"),
        ("loss", "l", (), {"epoch": 1}, "an epoch has 3 batches; say which one in a column batch"),
        ("loss", "l", (), {"epoch": 3, "batch": 1}, "there is no epoch 3, batch 1; the last is epoch 2, batch 3"),
        ("loss", "l", (), {"epoch": 1, "batch": 4}, "there is no epoch 1, batch 4; the last is epoch 2, batch 3"),
        ("loss", "l", (), {"step": 4, "epoch": 1}, "step 4 of the run is in epoch 2, not 1"),
        ("loss", "l", (), {"step": 4, "epoch": 2, "batch": 2}, "step 4 is not epoch 2, batch 2"),
        ("epoch", "mean_of_batches", (), {"step": 3}, "is of an epoch; say which one in a column epoch"),
        ("epoch", "mean_of_batches", (), {"epoch": 3}, "there is no epoch 3; the last is epoch 2"),
        ("nodes", "p", (), {"step": 1}, "p runs over the samples, and step 1 has 2 of them (step 3 has one); name one"),
        ("nodes", "p", (2,), {"step": 1}, "the batch of step 1 does not hold the row 2 of the data; it holds 0, 1"),
        ("gradients", "w", (0,), {"step": 1}, "is one number"),
        ("clipped", "w", (), {"step": 2}, "no update follows step 2, so there is no"),
    ],
)
def test_a_place_that_is_not_there_is_refused(
    group: str, name: str, entry: tuple[int, ...], given: dict[str, int], message: str
) -> None:
    with pytest.raises(ClaimError, match=re.escape(message)) as caught:
        at(group, name, *entry, **given)
    assert caught.value.place == PLACE


def test_a_prediction_is_of_a_row_of_predict_at_the_end_of_the_run() -> None:
    line = quantity("prediction", "p")
    assert predicted_cell(line, (), "1", RUN, PLACE) == Cell(6, line, (1,), (1,))
    assert predicted_cell(line, (0,), "", RUN, PLACE) == Cell(6, line, (0,), (0,))
    for entry, row in (((), ""), ((), "2"), ((2,), "")):
        with pytest.raises(ClaimError, match=r"of \[predict\] has 2 row\(s\), counted from 0; name one"):
            predicted_cell(line, entry, row, RUN, PLACE)


def test_the_columns_that_say_where_a_row_is() -> None:
    places = ("step", "iteration", "epoch", "batch", "mini-batch")
    assert all(RUN.is_place(column) for column in places)
    assert not RUN.is_place("loss")
    assert (WHOLE.is_place("t"), RUN.is_place("t")) == (True, False)  # RUN updates after every third step
    taken = timeline_of('equations = "l = t^2"\n[parameters]\nt = 1\n[training]\nlr = 0.1\nsteps = 4\n')
    assert not taken.is_place("t")


def test_a_cell_holds_a_number_of_a_step_a_claim_or_neither() -> None:
    assert [whole_number(Written(text, PLACE)) for text in ("3", "3.0", "6/2")] == [3, 3, 3]
    for text in ("1.5", "two", ""):
        with pytest.raises(ClaimError, match="is not a number of a step"):
            whole_number(Written(text, PLACE))
    assert [RUN.literal(Written(text, PLACE)) for text in ("", " ", "–", "N/A", "…")] == [None] * 5
    number = RUN.literal(Written("-1.50", PLACE))
    assert number is not None
    assert (number.low * 1000, number.high * 1000) == (-1505, -1495)
    loose = Timeline(RUN.names, RUN.batches, 3, "l", units=2).literal(Written("1.50", PLACE))
    assert loose is not None
    assert (loose.low * 100, loose.high * 100) == (148, 152)
    with pytest.raises(ClaimError, match=r"'two' .*; expected a number, or an empty cell for no claim"):
        RUN.literal(Written("two", PLACE))


def test_how_a_table_that_counts_from_0_is_read() -> None:
    after, gradient = quantity("after", "w"), quantity("gradients", "w")
    assert FROM_1.told == ""
    assert FROM_1.of(after) is after
    begins = Counting(("epoch", "batch"), begins=True)
    assert begins.told == (
        "the table counts from 0 (in epoch and batch): its row 0 is read as the first step, and its parameters as "
        "those a step begins with"
    )
    assert begins.of(after) == Quantity("before", "w", "w_before")
    assert begins.of(gradient) is gradient
    assert Counting(("step",)).of(after) is after
