"""The rules of what trainers write: complete, and found by name."""

from __future__ import annotations

import pytest

from derive.errors import ClaimError
from verify.logs.meaning import MEANINGS
from verify.logs.writers import writer_named, writers


def test_every_rule_means_something_that_is_known() -> None:
    for writer in writers().values():
        assert writer.columns
        assert {mean for _, means in writer.columns for mean in means} <= MEANINGS.keys()
        assert writer.unit in ("batch", "update", "epoch")
        assert writer.rows in ("step", "epoch")
        assert set(writer.counts) <= {"step", "epoch", "batch"}
        assert (writer.window in ("mean", "last")) == (writer.unit == "update")
        assert (writer.divides in ("count", "all")) == (writer.unit == "update")


@pytest.mark.parametrize(
    ("writer", "column", "means"),
    [
        ("hf-trainer", "loss", ("since_row", "since_row_filtered")),
        ("hf-trainer", "eval_loss", ()),
        ("lightning", "train_loss_step", ("of_step",)),
        ("lightning", "Train_Loss_Epoch", ("epoch_by_samples", "epoch_by_batches")),
        ("lightning", "val_loss_step", ()),
        ("lightning", "lr-SGD", ("lr_used",)),
        ("keras", "learning_rate", ("lr_used", "lr_next")),
        ("fastai", "train_loss", ("smoothed_debiased",)),
        ("skorch", "accuracy", ()),
    ],
)
def test_what_a_column_can_mean(writer: str, column: str, means: tuple[str, ...]) -> None:
    assert writer_named(writer, None).meanings(column) == means


def test_an_unknown_writer_is_named() -> None:
    with pytest.raises(ClaimError, match=r"log 'kera' is no writer whose numbers are known; did you mean 'keras'\?"):
        writer_named("kera", None)
    with pytest.raises(
        ClaimError, match="known: loop, hf-trainer, lightning, keras, fastai, skorch, ignite, scikit-learn"
    ):
        writer_named("zzz", None)
