from pathlib import Path

import pytest

from derive.errors import ProblemError, SettingError
from derive.problem.loading import load
from derive.source.numerals import Numeral, NumeralError
from derive.training.batching import MAX_ROWS, read_batches, refuse_contradictions
from tests.problems import FIVE_POINTS

DATA = FIVE_POINTS + "[training]\nlr = 0.01\n"


@pytest.mark.parametrize(
    "written", [[[0, 1, 2], [3, 4]], ((0, 1, 2), (3, 4)), "[[0, 1, 2], [3, 4]]", " [[0,1,2],[3,4]] "]
)
def test_a_list_of_batches(written: object) -> None:
    assert read_batches(written) == ((0, 1, 2), (3, 4))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (3, "is not a list of batches"),
        ("0,1;2", "is not a list of batches"),
        ("[" * 100_000, "is not a list of batches"),
        (Numeral("1.5"), "is not a list of batches"),
        ([], "has no batches"),
        ([1, 2], "has 1 where batch 1 should stand"),
        ([[0], []], "has no rows in batch 2"),
        ([[0], [1, -1]], "has -1 in batch 2, which is no row"),
        ([[0], [True]], "has true in batch 2, which is no row"),
        ([["a"]], "has 'a' in batch 1, which is no row"),
        ([[Numeral("1.5")]], r"has 1\.5 in batch 1, which is no row"),
        ([[3, 1, 3]], "has row 3 twice in batch 1"),
        ([range(1)], "has 'range\\(0, 1\\)' where batch 1 should stand"),
        ([[row] for row in range(MAX_ROWS + 1)], "has more than 1,000,000 rows"),
    ],
    ids=lambda value: None if isinstance(value, list | str) and len(value) > 99 else repr(value)[:40],
)
def test_refuses_what_is_no_list_of_batches(written: object, message: str) -> None:
    with pytest.raises(NumeralError, match=f"^{message}$"):
        read_batches(written)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("batches = [[0, 5]]", r"batches: batch 1 has row 5, but the data have 5 rows, counted from 0 to 4$"),
        ("batches = [[0], []]", r"batches = a list has no rows in batch 2; expected lists of rows, counted from 0"),
        (
            "batches = [[0]]\nbatch_size = 2",
            "both batches and batch_size are given: a list of batches says .*; keep one$",
        ),
        ("batches = [[0]]\nshuffle = true", "both batches and shuffle are given"),
        ("batches = [[0]]\ndrop_last = true", "both batches and drop_last are given"),
        (
            "drop_last = true\nbatch_size = 6",
            r"drop_last with batch_size = 6 leaves no batch of the 5 samples; expected a batch_size of at most 5$",
        ),
        ("zero_grad = false\naccumulate = 2", "both zero_grad and accumulate are given: with accumulate the gradient"),
        ("zero_grad = 2\naccumulate = 2", "both zero_grad and accumulate are given"),
        ("zero_grad = 0", "zero_grad = 0 is below 1; expected true, false, or every how many steps"),
        ('zero_grad = "no"', "zero_grad = 'no' is not a whole number, nor true or false; expected true"),
        ("accumulate = 0", "accumulate = 0 is below 1; expected a whole number of batches for one update, from 1$"),
        ('batch_size = "most"', "batch_size = 'most' is not a whole number; expected .* to 1,000,000,000, or \"all\"$"),
        ("drop_remainder = true", r"unknown key 'drop_remainder' in \[training\]; did you mean 'drop_last'\?"),
        ("accumulation_steps = 4", r"unknown key 'accumulation_steps' in \[training\]; did you mean 'accumulate'\?"),
    ],
)
def test_a_file_is_refused_at_the_line(settings: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(DATA + settings + "\n")
    with pytest.raises(ProblemError) as caught:
        load(path)
    told, shown, caret = str(caught.value).split("\n")
    assert told.startswith(f"{path}:9:1: ")
    assert shown == f"    {settings.partition(chr(10))[0]}"
    assert caret == "    ^"
    with pytest.raises(ProblemError, match=message):
        raise type(caught.value)(caught.value.message)


@pytest.mark.parametrize(
    "settings",
    [
        "batches = [[0], [4]]\nshuffle = false\ndrop_last = false",
        "drop_last = true\nbatch_size = 5",
        'drop_last = true\nbatch_size = "all"',
        "zero_grad = true\naccumulate = 2",
        "zero_grad = 1\naccumulate = 2",
        "zero_grad = false\naccumulate = 1",
    ],
)
def test_what_can_hold_together_is_taken(settings: str) -> None:
    assert load(DATA + settings + "\n").training.lr is not None


def test_batches_need_data() -> None:
    with pytest.raises(SettingError, match=r"^batches has no effect without \[data\]; leave it out$"):
        refuse_contradictions({"batches": ((0,),)}, 0)
