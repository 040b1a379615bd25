"""What Keras shows while it trains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from verify.tabular.forms import read_grid
from verify.tabular.grid import Source


def cells(text: str) -> list[list[str]]:
    return [[cell.text for cell in row] for row in read_grid(Source("t", text)).rows]


def test_both_kinds_of_bars() -> None:
    text = (
        "Epoch 1/2\n"
        "\x1b[1m1/3\x1b[0m \x1b[32m━━━\x1b[0m\x1b[37m━━━\x1b[0m \x1b[1m0s\x1b[0m 9ms/step - loss: 17.0000\r"
        "\x1b[1m3/3\x1b[0m \x1b[32m━━━━━━\x1b[0m 0s 12ms/step - accuracy: 0.5 - loss: 46.0342 - val_loss: 6.9775\n"
        "Epoch 2/2\n\n"
        "3/3 [==============================] - 0s 2ms/step - loss: 5.0089e-01\n"
    )
    assert cells(text) == [
        ["epoch", "batch", "loss", "accuracy", "val_loss"],
        ["1", "1", "17.0000", "", ""],
        ["1", "3", "46.0342", "0.5", "6.9775"],
        ["2", "3", "5.0089e-01", "", ""],
    ]


def test_a_bar_without_an_epoch_is_refused() -> None:
    with pytest.raises(ClaimError, match="t:1:1: progress without a line such as 'Epoch 1/2' above it"):
        cells("3/3 ━━━━ 0s 12ms/step - loss: 46.0342\n")


@given(st.lists(st.lists(st.decimals(0, 999, places=4), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_shown_is_read_back(epochs: list[list[object]]) -> None:
    text = "".join(
        f"Epoch {e}/{len(epochs)}\n"
        + "\r".join(f" {k}/{len(losses)} ━━━━ 0s 1ms/step - loss: {loss}" for k, loss in enumerate(losses, start=1))
        + "\n"
        for e, losses in enumerate(epochs, start=1)
    )
    expected = [[str(e), str(k), str(loss)] for e, own in enumerate(epochs, 1) for k, loss in enumerate(own, 1)]
    assert cells(text) == [["epoch", "batch", "loss"], *expected]
