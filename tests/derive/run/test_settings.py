"""The settings of a run in one line."""

import pytest

from derive.problem.loading import load
from derive.run.precedence import effective
from tests.problems import FIVE_POINTS

BARE = "\n" + FIVE_POINTS
FILED = BARE + "[training]\nlr = 0.01\nbatch_size = 2\nepochs = 3\nshuffle = true\nseed = 7\ndtype = 'float64'\n"


@pytest.mark.parametrize(
    ("problem", "flags", "line"),
    [
        ("article", {}, "SGD, lr 0.01, batch_size 3 of 9, epochs 1, float32"),
        ("article", {"lr": "0.1"}, "SGD, lr 0.1 (flag), batch_size 3 of 9, epochs 1, float32"),
        ("article", {"steps": 2}, "SGD, lr 0.01, batch_size 3 of 9, steps 2 (flag), float32"),
        (
            "article",
            {"epochs": 2, "dtype": "float64"},
            "SGD, lr 0.01, batch_size 3 of 9, epochs 2 (flag), float64 (flag)",
        ),
        (FILED, {}, "SGD, lr 0.01, batch_size 2 of 5, epochs 3, shuffle with seed 7, float64"),
        ("parabola", {}, "SGD, lr 0.1, steps 10, float32"),
        ("parabola", {"zero_grad": False}, "SGD, lr 0.1, steps 10, no zero_grad (flag), float32"),
        ("parabola", {"zero_grad": "3"}, "SGD, lr 0.1, steps 10, zero_grad every 3 steps (flag), float32"),
        ("parabola", {"zero_grad": "true", "accumulate": 1}, "SGD, lr 0.1, steps 10, float32"),
        (
            "article",
            {"batch_size": "all", "accumulate": "2"},
            "SGD, lr 0.01, batch_size 9 of 9 (flag), epochs 1, accumulate 2 batches (flag), float32",
        ),
        (
            "article",
            {"batch_size": "4", "drop_last": True, "epochs": 2},
            "SGD, lr 0.01, batch_size 4 of 9 (flag), epochs 2 (flag), drop_last (flag), float32",
        ),
        (FILED, {"batches": [[0, 1], [4]]}, "SGD, lr 0.01, 2 listed batches of 5 samples (flag), epochs 3, float64"),
        (FILED, {"batches": "[[3, 1]]"}, "SGD, lr 0.01, 1 listed batch of 5 samples (flag), epochs 3, float64"),
        ("parabola", {"lr": "1/3"}, "SGD, lr 1/3 (flag), steps 10, float32"),
    ],
)
def test_the_settings_in_one_line(problem: str, flags: dict[str, object], line: str) -> None:
    assert str(effective(load(problem), flags)) == line
