"""Several claims as sentences: those that cannot be read are told, the others are judged; numbers of all entries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError, ProblemError
from tables import output
from tests.problems import SQUARE
from verify import audit
from verify.command import main

CENTRED = '''
equations = """
m = mean(x)
d = x - m
l = sum(w*d^2)
"""
[parameters]
x = [1, 2, 4]
w = [1, 2, 3]
'''


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("dm/dx = 1/3", "right"),
        ("dm/dx = 1/2", "wrong"),
        ("dd[i]/dx[j] = (i==j) - 1/3", "right"),
        ("dd[i]/dx[j] = where(i==j, 2/3, -1/3)", "right"),
        ("dd[i]/dx[j] = where(i==j, 2/3, 1/3)", "wrong"),
        ("dd[i]/dx[j] = (i==j)", "wrong"),
        ("dd[j]/dx[i] = (j==i) - (i>=0)/3", "right"),
        ("dd[i]/dx[j] = (i<j) - 1/3", "wrong"),
        ("dl/dx[j] = 2*w[j]*d[j] - 2*mean(w*d)", "right"),
    ],
)
def test_a_sentence_is_judged_as_in_a_file(sentence: str, status: str) -> None:
    name, _, formula = (part.strip() for part in sentence.partition(" = "))
    in_a_file = audit(f'{CENTRED}[claims]\nformulas."{name}" = "{formula}"\n').formulas
    said = audit(CENTRED, sentences=[sentence]).formulas
    assert [one.status for one in (*in_a_file, *said)] == [status, status]


def test_a_letter_on_the_left_may_be_a_name_of_the_problem() -> None:
    named = CENTRED.replace("x = [1, 2, 4]", "x = [1, 2, 4]\ni = 1")
    named = named.replace("l = sum(w*d^2)", "l = sum(w*d^2) + i")
    assert audit(named, sentences=["dd[k]/dx[j] = (k==j) - 1/3"]).formulas[0].status == "right"


READ = {"dl/dw = 2*w": "right", "dl/dw = 3*w": "wrong", "l = w*w": "right", "l = 1": "right", "dl/dw = 7": "wrong"}
UNREAD = ("dl/dw = 2*(w", "l = abc", "qq = 3", "no claim", "step 9: w = 1", "dl/dw[0] = 2*w")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from((*READ, *UNREAD)), min_size=1, max_size=4, unique=True))
def test_what_cannot_be_read_takes_nothing_from_the_others(sentences: list[str]) -> None:
    unread = [text for text in sentences if text in UNREAD]
    numbers = {text for text in sentences if text in ("l = 1", "dl/dw = 7")}
    if len(unread) == len(sentences):
        with pytest.raises(ProblemError) as error:
            audit(SQUARE, sentences=sentences)
        assert error.value.exit_status == 2
        return
    found = audit(SQUARE, sentences=sentences)
    judged = [READ[text] for text in sentences if text in READ and text not in numbers]
    assert [one.status for one in found.formulas] == judged
    assert sorted(one.status.value for one in found.findings) == sorted(READ[text] for text in numbers)
    assert [error.place.text for error in found.refused if error.place is not None] == unread
    if unread:
        assert found.exit_status == 2


def test_the_command_tells_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["f = x^2", "--claim", "df/dx = 2*(", "--claim", "df/dx = 2*x"], output) == 2
    out, err = capsys.readouterr()
    assert "✓ df/dx = 2*x: right: proved equal" in out
    assert err.endswith("    df/dx = 2*(\n              ^\n")


def test_two_that_contradict_are_refused_together() -> None:
    with pytest.raises(ClaimError, match="keep one"):
        audit(SQUARE, sentences=["l = 1", "l = 2"])
