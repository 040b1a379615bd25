"""Columns that the problem does not have: left out and told, or refused where they may be meant for one that it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError, NoClaimError, UnknownQuantityError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table
from verify.claims.unknown import is_beside

LINE = timeline_of("article")
FAR = ["accuracy", "comment", "time", "elapsed", "val_loss", "validation loss", "test_acc", "perplexity", "notes"]
FAR += [
    "date",
    "duration",
    "epoch_time",
    "checked by",
    "seed",
    "memory",
    "throughput",
    "trainTime",
    "valLoss",
    "train_accuracy",
]
NEAR = ["dl/dv", "dl/dW2", "lossx", "los", "best w", "current loss", "train_loss", "v", "W2", "q", "b[0]x", "∇v"]
NEAR += ["grad", "gradient", "objective", "l.r.x lr", "grad_norm", "w.v", "mean_of_batch", "db_clipped"]
NEAR += [
    "trainLoss",
    "bestW",
    "Train",
    "training",
    "obj",
    "theta0",
    "theta_1",
    "weight 2",
]


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("text", ["step,loss,{}\n1,146.67,0.5\n", "step,{},loss\n1,good,146.67\n"])
def test_a_column_of_something_else_is_left_out_and_told(name: str, text: str) -> None:
    reading = read_table(text.format(name), "t", LINE)
    assert [claim.cell.name for claim in reading.claims] == ["loss"]
    assert not reading.unread
    assert reading.told.endswith(f"not judged, as the problem has no such number: {name}")


@pytest.mark.parametrize("name", NEAR)
def test_a_name_that_may_be_meant_for_one_of_the_problem_is_refused(name: str) -> None:
    with pytest.raises(ClaimError, match=r"unknown quantity|can be"):
        claimed(f"step,loss,{name}\n1,146.67,0.5\n", LINE)
    with pytest.raises(ClaimError, match=r"unknown quantity|can be"):
        claimed(f"step,quantity,value\n1,loss,146.67\n1,{name},0.5\n", LINE)


LETTERS = st.sampled_from("abcdlwxy")


@given(st.sampled_from(["loss", "w", "b", "dl/dw", "dl/db", "lr"]), st.integers(0, 6), LETTERS)
def test_one_letter_more_or_less_never_hides_a_claim(name: str, at: int, letter: str) -> None:
    """Whatever a slip of the pen makes of a name, it is read, or refused."""
    for written in (
        f"{name[:at]}{letter}{name[at:]}",
        name[:at] + name[at + 1 :],
        f"{name[:at]}{letter}{name[at + 1 :]}",
    ):
        assert not is_beside(written, LINE) or not written.strip()


def test_where_nothing_else_is_claimed_there_is_no_claim() -> None:
    for text in ("step,accuracy\n1,0.5\n", "step,quantity,value\n1,accuracy,0.5\n", "accuracy\n0.5\n"):
        with pytest.raises(NoClaimError, match="unknown quantity 'accuracy'; known: loss, dl/dw") as error:
            claimed(text, LINE)
        assert error.value.exit_status == 3


def test_a_table_of_which_no_cell_can_be_read_claims_nothing() -> None:
    for text in ("step,w\n1,about\n2,nearly\n", "step,w\nfirst,0.5\nsecond,0.6\n", "step w\n1 [0.1\n"):
        with pytest.raises(ClaimError) as error:
            claimed(text, LINE)
        assert error.value.exit_status == (3 if "[" not in text else error.value.exit_status)


def test_a_row_of_a_tidy_table_is_left_out_and_told() -> None:
    reading = read_table("step,quantity,value\n1,loss,146.67\n1,accuracy,0.5\n", "t", LINE)
    assert [claim.cell.name for claim in reading.claims] == ["loss"]
    assert reading.told.endswith("not judged, as the problem has no such number: accuracy")


def test_a_row_of_nothing_else_is_a_step_or_none() -> None:
    with pytest.raises(ClaimError, match="may be a step without claims, or nothing, where the rows count the steps"):
        claimed("w,accuracy\n0.267,0.5\n,0.6\n3.3,0.7\n", LINE)


def test_a_name_that_may_count_is_refused_where_nothing_else_does() -> None:
    with pytest.raises(UnknownQuantityError, match="unknown quantity 'epok'"):
        claimed("epok,w\n1,0.5\n", LINE)
    with pytest.raises(ClaimError, match="'epok' has 2 and may say the step of each row; call it step"):
        claimed("epok,w\n2,0.5\n", LINE)


ONE_A_STEP = """
equations = "z = w*x + b*k; e = z - y; l = mean(e^2)"
[parameters]
w = 0.5
b = 0
[constants]
k = 1.5
[data]
x = [[1, 2], [2, 0.25], [3, 4]]
y = [2, 4, 5.125]
[training]
lr = 0.1
batch_size = 1
epochs = 1
"""
ONE_A_STEP = ONE_A_STEP.replace("w*x", "sum(w*x[i,j], j)").replace("; ", "\\n")


@pytest.mark.parametrize(
    ("table", "given"),
    [
        ("step,x[0],x[1],y,z,l\n1,1,2,2,1.5,0.25\n2,2,0.3,4,,\n", "x[0], x[1], y"),
        ("y,k,l\n2,1.5,0.25\n4,,\n5.1,1.5,\n", "y, k"),
        ("epoch,batch,y,l\n1,1,2,0.25\n", "y"),
    ],
)
def test_what_is_given_may_stand_beside_what_is_calculated(table: str, given: str) -> None:
    found = read_table(table, "t.csv", timeline_of(ONE_A_STEP))
    assert f"not judged, as given: {given}" in found.told
    assert {claim.cell.quantity.name for claim in found.claims} <= {"z", "l"}
    assert (1, "loss", "loss", "0.25") in claimed(table, timeline_of(ONE_A_STEP))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("step,y,l\n1,2,0.25\n2,4.5,\n", r"^t\.csv:3:3: y is '4\.5' here, and no number of the problem's y, which is"),
        ("step,k,l\n1,nan,0.25\n", r"^t\.csv:2:3: k is 'nan' here, and no number of the problem's k, which is given"),
        ("step,y\n1,2\n", r"^t\.csv:1:6: unknown quantity 'y': y is a column of the data, which is given and not"),
        ("y\n2\n", r"^t\.csv:1:1: unknown quantity 'y': y is a column of the data, which is given and not calculated"),
    ],
)
def test_other_numbers_than_are_given_are_refused(table: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read_table(table, "t.csv", timeline_of(ONE_A_STEP))
