"""The table of the steps stays readable where there are many numbers."""

import re

import pytest

from tables.text.report import to_text
from tables.text.step_table import MAX_COLUMNS, WIDTH
from verify import verify
from verify.step_row import SHOWN


def of_many(rows: int) -> str:
    return (
        f'equations = "z = W @ u\\nl = mean(z^2)"\n[parameters]\nW = {[[1] * 20] * rows}\nu = {[1] * 20}\n'
        "[training]\nlr = 0.001\nsteps = 1\n"
    )


@pytest.mark.parametrize("rows", [10, 40])
def test_of_many_numbers_the_first_of_each_quantity_are_shown(rows: int) -> None:
    text = to_text(verify(of_many(rows)))
    shown = len(set(re.findall(r"W\[\d+,\d+\]", text)))
    is_cut = 2 * rows * 20 > MAX_COLUMNS
    assert shown == (SHOWN if is_cut else rows * 20)
    assert max(map(len, text.splitlines())) <= WIDTH
    told = f"{SHOWN} of the {rows * 20} numbers of W" in " ".join(text.split())
    assert told == is_cut
    assert f"all {2 * (rows * 20 + 20) + 1} numbers" in " ".join(text.split())
