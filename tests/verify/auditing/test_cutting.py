"""Authors who cut their digits off: their tables are read so where rounding alone makes a right number wrong."""

from __future__ import annotations

import random

import pytest

from tests.audited import cell, claim
from verify import Audit, Status, audit, verify
from verify.auditing.cutting import TOLD, is_cut_rather
from verify.following.finding import Finding

POWER = """
equations = "r = w*x; s = r*r; l = s*s"
[parameters]
w = 1.33
[constants]
x = 1.33
[training]
lr = 0.01
steps = 1
"""
PRODUCT = """
equations = "a = w*x; c = a*v; d = c - y; e = d^2; l = mean(e)"
[parameters]
w = -2.3
v = 1.2
[data]
x = [2.1, -3.4, 3.3]
y = [-0.2, -3.9, -2.2]
[training]
lr = 0.02
steps = 2
"""


def audited(problem: str, table: str) -> Audit:
    return audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')


def statuses(found: Audit) -> list[Status]:
    return [finding.status for finding in found.findings]


def test_every_result_is_cut_off() -> None:
    """By three digits r = 1.7689 → 1.76, s = 3.0976 → 3.09, l = 9.5481 → 9.54, and exactly 9.79: 25 units off.

    Half a unit for each result would allow 16. dl/ds = 6.18, dl/dr = 6.18·3.52 = 21.7(5), dl/dw = 28.8(6).
    """
    found = audited(POWER, "step,l,dl/dw\n1,9.54,28.8")
    assert statuses(found) == [Status.CARRIED, Status.CARRIED]
    assert found.findings[0].why == "it follows with numbers on the way cut off after 3 digits"
    assert TOLD in found.told


@pytest.mark.parametrize("wrong", ["9.34", "4.77", "-9.54"])
def test_cutting_off_excuses_no_more_than_it_does(wrong: str) -> None:
    """45 units of the last digit are more than three results can lose."""
    assert statuses(audited(POWER, f"step,l,dl/dw\n1,{wrong},28.8"))[0] is Status.WRONG


def test_what_is_rounded_up_shows_that_nothing_is_cut_off() -> None:
    """The loss is as before, but dl/dw is 29.44567 rounded to four digits, with one digit more than is carried."""
    found = audited(POWER, "step,l,dl/dw,w\n1,9.54,29.446,1.036")
    assert statuses(found)[:2] == [Status.WRONG, Status.RIGHT]
    assert TOLD not in found.told


def test_a_number_that_follows_from_a_wrong_one_is_evidence_too() -> None:
    """Two digits of 64 swapped: w = −2.3 + 0.02·46 = −1.38, rounded to −1.4. By cutting off it would be −1.3.

    −46 may be what cutting leaves of −63.8; then −1.4 would be wrong, and blame would only go elsewhere.
    """
    found = audited(PRODUCT, "step,l,dl/dw,dl/dv,w,v\n1,85,-46,1.2E+2,-1.4,-1.2\n2,26,-32,-37,-0.76,-0.46")
    assert statuses(found)[1] is Status.WRONG
    assert found.first_wrong == found.findings[1]


def test_integers_are_exact_and_not_cut_off() -> None:
    """Where 2 were cut off, dl/dw in the next step could be any number from −2 to 0, and −1.9 would be carried."""
    problem = 'equations = "l = (w-3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 2\n'
    found = audited(problem, "step,w,dl/dw\n1,2,-4.0\n2,2.5,-1.9")
    assert statuses(found) == [Status.RIGHT, Status.RIGHT, Status.WRONG, Status.RIGHT]
    assert TOLD not in found.told


def test_what_is_said_to_be_cut_off_is_followed_so() -> None:
    """The same where the author writes `9.54..`."""
    assert statuses(audited(POWER, "step,l,dl/dw\n1,9.54..,28.8..")) == [Status.CARRIED, Status.CARRIED]


def _of(statuses_of: str) -> list[Finding]:
    by_letter = {"r": Status.RIGHT, "w": Status.WRONG, "c": Status.CARRIED}
    return [
        Finding(claim(cell(step, "after", "w"), "1.5"), by_letter[letter], None)
        for step, letter in enumerate(statuses_of, start=1)
    ]


@pytest.mark.parametrize(
    ("alone", "alone_cut", "judged", "judged_cut", "is_cut"),
    [
        ("ww", "rr", "ww", "rr", True),
        ("wwr", "rrw", "wwr", "rrw", True),  # one is rounded up
        ("wwrr", "rrww", "wwrr", "rrww", False),  # as many are rounded up as cut off
        ("w", "r", "w", "r", False),  # one alone may be a slip
        ("w", "r", "c", "r", True),  # and is none where its author goes on with it
    ],
)
def test_more_numbers_speak_for_cutting_off_than_against_it(
    alone: str, alone_cut: str, judged: str, judged_cut: str, is_cut: bool
) -> None:
    assert is_cut_rather(_of(alone), _of(alone_cut), _of(judged), _of(judged_cut)) is is_cut


LOOP = """
equations = "l = (w - y)^2"
[parameters]
w = 0
[constants]
y = {y}
[training]
lr = 0.003
steps = 100
dtype = "float64"
"""


def loop(seed: int, form: str) -> tuple[str, list[list[str]]]:
    """A problem, and what PyTorch's loop prints of it, a row a step."""
    draw = random.Random(seed)
    problem = LOOP.format(y=round(draw.uniform(1, 2), 3))
    numbers = ([row.checks[name].autograd for name in ("dl/dw", "w")] for row in verify(problem).rows)
    return problem, [[str(step), *(form % number for number in own)] for step, own in enumerate(numbers, start=1)]


def of_rows(problem: str, rows: list[list[str]]) -> Audit:
    return audit(problem, claims="\n".join(["step,dl/dw,w", *map(",".join, rows)]) + "\n")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["%.9g", "%.7g", "%.6f"])
def test_all_that_is_right_stays_right_and_what_is_planted_is_wrong(seed: int, form: str) -> None:
    """A number that lacks its last digits, among 100 that have dropped their zeros, was no such number of a program.

    What rounds to the digits that stand there is right as anywhere; where zeros stand at the end, it may be cut off.
    """
    problem, rows = loop(seed, form)
    assert of_rows(problem, rows).counts == {Status.RIGHT: 200}
    draw = random.Random(seed)
    is_dropped = form.endswith("g")
    for digits in (1, 2):
        at = draw.choice([k for k, row in enumerate(rows) if row[2][-digits:] > "5" * digits])
        wrong = [list(row) for row in rows]
        wrong[at][2] = wrong[at][2][:-digits]
        [odd] = [one for one in of_rows(problem, wrong).findings if one.status is not Status.RIGHT]
        assert odd.claim.literal.text == wrong[at][2]
        assert odd.status is (Status.WRONG if is_dropped else Status.TRUNCATED)
        assert not is_dropped or float(odd.printed) == float(rows[at][2])
