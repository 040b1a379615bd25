import math
from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest

import tables
from tables.frames import (
    COMPARISON_COLUMNS,
    EPOCH_COLUMNS,
    MAX_EXACT,
    STEP_COLUMNS,
    comparison,
    epochs,
    exact_text,
    steps,
)
from verify import Result, verify


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article")


def simple(equation: str, parameters: str = "w = 3", lr: str = "0.1", steps: int = 2) -> Result:
    text = f'equations = "{equation}"\n[parameters]\n{parameters}\n[training]\nlr = {lr}\nsteps = {steps}\n'
    return verify(text)


def test_the_frames_are_exported() -> None:
    assert tables.steps is steps
    assert tables.comparison is comparison
    assert tables.epochs is epochs


def test_the_columns_of_a_step_are_those_of_the_article(article: Result) -> None:
    frame = steps(article)
    assert list(frame) == ["step", "epoch", "batch", "n", "loss", "dl/dw", "dl/db", "lr", "w", "b"]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        **dict.fromkeys(("step", "epoch", "batch", "n"), "int64"),
        **dict.fromkeys(("loss", "dl/dw", "dl/db", "lr", "w", "b"), "float64"),
    }


def test_a_step_is_calculated_by_hand(article: Result) -> None:
    frame = steps(article)
    assert frame["step"].to_list() == [1, 2, 3]
    assert frame["n"].to_list() == [3, 3, 3]
    assert frame["dl/dw"].to_list() == [-80 / 3, -30568 / 225, -2855108 / 16875]
    assert frame["w"].to_list() == [4 / 15, 9142 / 5625, 1399427 / 421875]
    assert frame["lr"].to_list() == [0.01] * 3


def test_an_epoch_is_a_row_with_both_means() -> None:
    result = verify("article", batch_size=4, epochs=2)
    frame = epochs(result)
    assert list(frame) == list(EPOCH_COLUMNS)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        name: dtype for name, (dtype, _) in EPOCH_COLUMNS.items()
    }
    assert frame[["epoch", "batches", "n"]].to_numpy().tolist() == [[1, 3, 9], [2, 3, 9]]
    assert frame["mean_of_batches"].to_list() == [epoch.hand.of_batches for epoch in result.epochs]
    assert frame["mean_over_samples_autograd"].to_list() == [epoch.autograd.over_samples for epoch in result.epochs]
    by_hand = steps(result).assign(weighted=lambda rows: rows["loss"] * rows["n"]).groupby("epoch")
    assert frame["mean_of_batches"].to_list() == pytest.approx(by_hand["loss"].mean().to_list(), rel=1e-12)
    assert frame["mean_over_samples"].to_list() == pytest.approx((by_hand["weighted"].sum() / 9).to_list(), rel=1e-12)


def test_the_columns_of_the_comparison_with_their_dtypes(article: Result) -> None:
    frame = comparison(article)
    assert list(frame) == list(COMPARISON_COLUMNS)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        name: dtype for name, (dtype, _) in COMPARISON_COLUMNS.items()
    }


def test_the_issues_columns_are_there_in_their_order() -> None:
    wanted = [
        "epoch",
        "batch",
        "step",
        "quantity",
        "index",
        "hand",
        "hand_exact",
        "autograd",
        "difference",
        "ulps",
        "bound",
        "agrees",
    ]
    assert [name for name in COMPARISON_COLUMNS if name in wanted] == wanted


@pytest.mark.parametrize("columns", [STEP_COLUMNS, COMPARISON_COLUMNS, EPOCH_COLUMNS])
def test_every_column_has_a_meaning(columns: dict[str, tuple[str, str]]) -> None:
    assert all(len(meaning) > 5 for _, meaning in columns.values())


def test_one_row_for_each_number(article: Result) -> None:
    frame = comparison(article)
    assert frame["quantity"].to_list() == ["w_before", "b_before", "l", "dl/dw", "dl/db", "w", "b"] * 3
    assert frame["step"].to_list() == [step for step in (1, 2, 3) for _ in range(7)]
    assert (frame["index"] == "").all()
    assert frame["agrees"].all()


def test_the_fraction_beside_the_number(article: Result) -> None:
    first = comparison(article).set_index(["step", "quantity"]).loc[1]
    assert first["hand_exact"].to_dict() == {
        "w_before": "0",
        "b_before": "0",
        "l": "440/3",
        "dl/dw": "-80/3",
        "dl/db": "-24",
        "w": "4/15",
        "b": "6/25",
    }
    assert first.loc["dl/dw", "hand"] == -80 / 3


def test_the_numbers_of_a_row_fit_together(article: Result) -> None:
    for row in comparison(article).itertuples():
        exact = Fraction(row.hand_exact)
        assert row.hand == float(exact)
        assert row.difference == float(Fraction(row.autograd) - exact)
        assert abs(row.step_error) <= row.bound


def test_lines_have_their_rows_as_index() -> None:
    frame = comparison(verify("article", nodes=True, steps=2))
    second = frame[(frame["quantity"] == "d") & (frame["step"] == 2)]
    assert second["index"].to_list() == ["3", "4", "5"]
    assert second["hand_exact"].to_list() == ["-374/25", "-1252/75", "-1382/75"]


def test_a_long_fraction_is_left_out() -> None:
    checks = [row.checks["x"] for row in verify("parabola", steps=40).rows]
    texts = [exact_text(check) for check in checks]
    assert texts[0] == "3/5"
    assert max(len(text) for text in texts if text) <= MAX_EXACT == 40
    assert texts[-1] is None
    assert exact_text(replace(checks[0], hand=None)) is None
    frame = comparison(verify("parabola", steps=40))
    assert frame["hand_exact"].isna().any()
    assert str(frame["hand_exact"].dtype) == "string"


def test_after_the_hand_calculation_has_ended_its_columns_are_empty() -> None:
    result = simple("l = 1/w + 2*w", "w = 1", "1", 3)
    frame = comparison(result)
    after = frame[(frame["step"] == 2) & (frame["quantity"] == "l")].iloc[0]
    assert math.isnan(after["hand"])
    assert math.isnan(after["difference"])
    assert after["autograd"] == math.inf
    assert after["bound"] == math.inf
    assert after["agrees"] is pd.NA
    assert math.isnan(steps(result)["loss"].iloc[1])


@pytest.mark.parametrize(
    ("equation", "parameters", "columns"),
    [
        ("q = lr^2", "lr = 3", ["loss", "dq/dlr", "lr", "lr_after"]),
        ("q = loss^2", "loss = 3", ["loss", "dq/dloss", "lr", "loss_after"]),
        ("q = step^2 + n", "step = 3\nn = 1", ["loss", "dq/dstep", "dq/dn", "lr", "step_after", "n_after"]),
        ("loss = w^2", "w = 3", ["loss", "dloss/dw", "lr", "w"]),
        ("lr = w^2", "w = 3", ["loss", "dlr/dw", "optimizer.lr", "w"]),
    ],
)
def test_a_name_that_is_also_a_columns(equation: str, parameters: str, columns: list[str]) -> None:
    frame = steps(simple(equation, parameters))
    assert list(frame) == ["step", "epoch", "batch", "n", *columns]
    assert frame["optimizer.lr" if "optimizer.lr" in columns else "lr"].to_list() == [0.1, 0.1]
    assert frame.columns.is_unique


def test_what_is_watched_is_a_column_of_the_steps() -> None:
    text = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 2\n[watch]\nhalf = "w/2"\n'
    frame = steps(verify(text))
    assert list(frame.columns) == ["step", "epoch", "batch", "n", "loss", "dl/dw", "lr", "w", "half"]
    assert list(frame["half"]) == [0.25, 0.125]
