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
from verify.following.finding import Status

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


@given(st.integers(1, 6), st.integers(2, 5), st.integers(2, 9))
def test_digits_of_all_entries_are_judged_as_digits(n: int, places: int, off: int) -> None:
    text = CENTRED.replace("x = [1, 2, 4]", f"x = {list(range(1, n + 1))}").replace("w = [1, 2, 3]", f"w = {[1] * n}")
    rounded = audit(text, sentences=[f"dm/dx = {1 / n:.{places}f}"])
    assert rounded.counts == {Status.RIGHT: n}
    assert not rounded.formulas
    moved = audit(text, sentences=[f"dm/dx = {1 / n + off * 10**-places:.{places}f}"])
    assert not {Status.RIGHT, Status.CARRIED, Status.RESIDUE} & moved.counts.keys()


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


STEADY = """
equations = \"\"\"
p = w*x + b
m = mean(p)
J = mean((p - y)^2)
\"\"\"
[parameters]
w = 1
b = 0.5
[data]
x = [1, 2, 3]
y = [3, 4, 6]
[training]
lr = 0.05
batch_size = {batch_size}
epochs = 2
"""


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("dJ/dJ = 1", "dJ/dJ = 2"),
        ("seed = 1", "seed = 0.9"),
        ("seed gradient = 1.0", "upstream gradient = -1"),
        ("lr = 0.05", "learning rate = 0.005"),
        ("n = {n}", "n = 9"),
        ("dm/db = 1", "dm/db = 0.5"),
    ],
)
def test_a_number_that_is_the_same_in_every_step_need_name_none(batch_size: int, right: str, wrong: str) -> None:
    text = STEADY.format(batch_size=batch_size)
    found = audit(text, sentences=[right.format(n=batch_size)])
    assert found.counts == {Status.RIGHT: 1}
    assert "is the same in every step, and read as that of the first" in found.told[0]
    assert audit(text, sentences=[wrong]).counts == {Status.WRONG: 1}


@pytest.mark.parametrize("sentence", ["dJ/dw = -3", "J = 2.25", "w = 1.15", "dm/dw = 2"])
def test_another_number_has_to_say_its_step(sentence: str) -> None:
    with pytest.raises(ClaimError, match="say first which step it is about"):
        audit(STEADY.format(batch_size=1), sentences=[sentence])


def test_what_changes_from_step_to_step_has_to_say_its_step() -> None:
    for changed, sentence in (("scheduler = 'StepLR'\nstep_size = 1", "lr = 0.05"), ("batch_size = 2", "n = 2")):
        text = STEADY.format(batch_size=3).replace("batch_size = 3", changed)
        with pytest.raises(ClaimError, match="say first which step it is about"):
            audit(text, sentences=[sentence])


def test_data_are_the_same_where_every_step_has_the_same_batch() -> None:
    assert audit(STEADY.format(batch_size=3), sentences=["dm/dw = 2", "dp[1]/dw = 2"]).counts == {Status.RIGHT: 2}


def test_a_seed_of_the_order_is_another_thing() -> None:
    shuffled = STEADY.format(batch_size=3).replace("epochs = 2", "epochs = 2\nshuffle = true\nseed = 1")
    with pytest.raises(ClaimError, match="unknown quantity 'seed'"):
        audit(shuffled, sentences=["seed = 1"])
    assert audit(shuffled, sentences=["seed gradient = 1"]).counts == {Status.RIGHT: 1}


def test_a_column_called_seed_is_that_of_random_numbers() -> None:
    found = audit(STEADY.format(batch_size=3), claims="step,seed,seed gradient,J\n1,442,1,3.5833\n2,442,2,0.7847\n")
    assert "not judged, as the problem has no such number: seed" in found.told[0]
    assert [(one.cell.name, one.status) for one in found.findings] == [
        ("loss", Status.RIGHT),
        ("dJ/dJ", Status.RIGHT),
        ("loss", Status.RIGHT),
        ("dJ/dJ", Status.WRONG),
    ]
