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
