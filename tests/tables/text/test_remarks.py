"""What a person should know about the settings before reading the tables."""

import pytest

from derive.problem.loading import load
from derive.run.precedence import effective
from tables.text.remarks import remarks


@pytest.mark.parametrize(
    ("flags", "remark"),
    [
        ({"drop_last": True, "batch_size": 4}, "drop_last leaves out 1 of the 9 samples in each epoch"),
        ({"batches": [[0, 1, 2, 3], [5, 6, 8]]}, "no batch has the rows 4, 7 of the data"),
        ({"batches": [[0, 1, 2, 3], [5, 6, 7, 8]]}, "no batch has the row 4 of the data"),
        (
            {"accumulate": 2},
            (
                "the gradients of 2 batches add up (not their mean) for one update, fewer at the end of an epoch; "
                "each gradient below is the sum so far"
            ),
        ),
        ({"accumulate": 4}, "an epoch has 3 batches, fewer than accumulate 4: one update an epoch"),
        (
            {"accumulate": 2, "batch_size": "all"},
            "an epoch has one batch, fewer than accumulate 2: one update an epoch",
        ),
        (
            {"zero_grad": False},
            "the gradients below are not those of one batch: each is the sum of all since the run began",
        ),
        (
            {"zero_grad": 2},
            "the gradients below are not those of one batch: each is the sum of all since the last zero_grad",
        ),
        (
            {"zero_grad": False, "clip_grad_norm": 1},
            (
                "the gradients below are not those of one batch: each is added to what clipping has left of those "
                "since the run began"
            ),
        ),
    ],
)
def test_what_batches_and_gradients_are_is_said(flags: dict[str, object], remark: str) -> None:
    assert remarks(effective(load("article"), flags)) == (remark,)
