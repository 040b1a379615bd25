"""A claim written as a sentence, and what is no claim."""

from __future__ import annotations

import pytest

from derive.errors import ClaimError
from tests.timelines import timeline_of
from verify.claims.sentence import read_sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("step 2: dl/db = -33.39", (2, "gradients", "-33.39")),
        ("epoch 1, batch 3: w = 3.32", (3, "after", "3.32")),
        ("batch 2: loss = 280.67", (2, "loss", "280.67")),
        ("step 2 : dl/db=1/3", (2, "gradients", "1/3")),
        ("step 2: Cost J = 280.67", (2, "loss", "280.67")),
        ("step 2: gradient of l wrt w = -135.86", (2, "gradients", "-135.86")),
        ("step 1: w = 0.0000 - 0.01*(-26.67)", (1, "after", "0.26670(11)")),
        ("step 1: w = 0.0000 - 0.01*(-26.67) = 0.267", (1, "after", "0.267")),
    ],
)
def test_one_claim_in_a_sentence(text: str, expected: tuple[int, str, str]) -> None:
    claim = read_sentence(text, timeline_of("article"))
    assert (claim.cell.step, claim.cell.quantity.group, claim.literal.text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dl/db", "is no claim; expected one such as 'step 2: dl/db = -33.39'"),
        ("step 2: dl/db =", "no number after the '='"),
        ("dl/db = 3", "say first which step it is about"),
        ("soon: dl/db = 3", "say first which step it is about"),
        ("step 2: dl/dq = 3", r"^--claim:9: unknown quantity 'dl/dq'"),
        ("step 9: dl/db = 3", "there is no step 9"),
        ("step 1: w = two", "'two' is not a number"),
        ("predict: w = 2", "unknown quantity 'w'"),
    ],
)
def test_a_sentence_that_is_no_claim(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read_sentence(text, timeline_of("article"))


SQUARE = 'equations = "l = (w - {target})^2"\n[parameters]\nw = 1\n{more}[training]\nlr = 0.1\nsteps = 4\n'
PLAIN = SQUARE.format(target="3", more="")


@pytest.mark.parametrize("written", ["step 3", "t = 3", "t=3", "Step #3", "step no. 3", "iteration 3", "iter: 3"])
def test_and_in_a_sentence(written: str) -> None:
    assert read_sentence(f"{written}: w = 0.5", timeline_of(PLAIN)).cell.step == 3
