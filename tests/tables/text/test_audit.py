"""An audit as people read it."""

import pytest

from tables.text.audit import to_text
from verify.auditing.pipeline import audit

WRONG = """\
A line fitted to nine points, three batches of three
SGD, lr 0.01, batch_size 3 of 9, epochs 1, float32
claims of --claim

step     dl/dw         w
   1  -26.67 ✓   0.267 ✓
   2            1.53 ✗
   3  -178.7 ↳

✓ right   ✗ wrong here   ↳ follows from an earlier wrong number

4 claims: 2 right, 1 wrong, 1 inherited
first wrong: step 2, w, claimed as 1.53; right is 1.63 (1.625244)

step 2, w = 1.53 is wrong: right is 1.63 (1.625244); from the numbers before it,
  as printed, it lies between 1.625133 and 1.6258

step 3, dl/dw = -178.7 follows from step 2, w; right is -169.2 (-169.1916)
"""
CLAIMS = ("step 1: dl/dw = -26.67", "step 1: w = 0.267", "step 2: w = 1.53", "step 3: dl/dw = -178.7")


def test_the_printed_account_of_a_wrong_table() -> None:
    text = to_text(audit("article", sentences=CLAIMS))
    assert [line.split() for line in text.splitlines()] == [line.split() for line in WRONG.splitlines()]
    assert max(map(len, text.splitlines())) <= 80


def test_colour_is_for_terminals_and_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit("article", sentences=CLAIMS)
    assert "\x1b[" not in to_text(found)
    assert "\x1b[1;31m" in to_text(found, colour=True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in to_text(found)


def test_cells_that_are_not_read_are_shown() -> None:
    table = [{"step": 1, "w": 0.267}, *({"step": 2, f"dl/d{name}": "about"} for name in "wb")]
    lines = to_text(audit("article", claims=table), colour=False).splitlines()
    assert lines[3] == "read as a list of dicts, 3 rows"
    assert [line[:28] for line in lines if line.startswith("not read")] == [
        f"not read: claims[{k}]['dl/d{name}']" for k, name in ((1, "w"), (2, "b"))
    ]
