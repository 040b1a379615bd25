"""A student's table: without a slip no number is refused.

With one, the first wrong number is the one that shows it.

The long form is `tests/benchmarks/homework.py`.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.homework_checks import (
    MODES,
    SLIPS,
    audit_of_losses,
    correct,
    hidden_gradients,
    losses_alone,
    of_parameters,
    slipped,
)
from tests.problems import EXPONENTIAL, SQUARES_OF_FIVE, THREE_POINTS
from verify import Audit, Status, audit
from verify.following.manner import RARE

SEEDS = st.integers(0, 10**6)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(sorted(MODES)))
def test_no_number_of_a_right_table_is_refused(seed: int, mode: str) -> None:
    found = correct(seed, mode)
    assert not found.is_unfair, str(found)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(sorted(MODES)))
def test_who_rounds_only_the_parameters_is_not_refused(seed: int, mode: str) -> None:
    """Adam's v of 0.000, carried in full, moves a parameter as no v does that is printed so."""
    found = of_parameters(seed, mode)
    assert not found.is_unfair, str(found)


@pytest.mark.parametrize("seed", range(8000, 8008))
def test_gradients_of_fewer_places_that_are_not_shown_are_found(seed: int) -> None:
    found = hidden_gradients(seed, "half up")
    assert not found.is_unfair, str(found)


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_is_the_first_wrong_number(kind: str) -> None:
    """No number before the slip is wrong, and of a few tables no more than one is not told."""
    results = [slipped(seed, kind, sorted(MODES)[seed % 3]) for seed in range(8000, 8006)]
    assert not [str(found) for found, result in results if result == "earlier"]
    shown = [result for _, result in results if result != "hidden"]
    assert shown
    assert shown.count("first wrong") >= len(shown) - 1


def claimed(table: str) -> list[Status]:
    return [finding.status for finding in audit(f'{EXPONENTIAL}[claims]\ntable = """\n{table}\n"""\n').findings]


def test_what_is_not_written_down_is_rounded_as_well() -> None:
    """By three digits: c = (0.887, 1.67, 1.03), d = (0.587, 1.57, −0.17), e = (0.345, 2.46, 0.0289), l = 0.947.

    dl/dd = 2d/3 = (0.391, 1.05, −0.113), dl/da = dl/dd·c = (0.347, 1.75, −0.116), dl/dw = 0.139 − 2.98 + 0.0116, which
    is −2.83. Exactly they are 0.9411 and −2.804.
    """
    assert claimed("step,l,dl/dw\n1,0.947,-2.83") == [Status.CARRIED, Status.CARRIED]


def test_what_no_way_to_round_gives_is_not_carried() -> None:
    """With two digits on the way the loss of 0.7170 may be off by more than a fifth of itself, and dl/dw of −1.378."""
    coarse = EXPONENTIAL.replace("-1.7", "-1.2")
    found = audit(f'{coarse}[claims]\ntable = """\nstep,l,dl/dw\n1,0.69,-1.2\n"""\n').findings[0]
    assert found.status is Status.UNDECIDED
    assert found.why.endswith("rounding on the way can take it so far, though no way that was tried does")


@pytest.mark.parametrize("wrong", ["2.80", "-5.61", "-1.40", "-8.41", "-0.280", "-8.20"])
def test_a_sign_a_factor_and_swapped_digits_are_no_rounding(wrong: str) -> None:
    assert claimed(f"step,l,dl/dw\n1,0.941,{wrong}")[1] is Status.WRONG


def test_a_number_alone_shows_no_rounding_on_the_way() -> None:
    assert claimed("step,dl/dw\n1,-2.83") == [Status.WRONG]


def test_numbers_of_any_size_are_judged() -> None:
    two = EXPONENTIAL.replace("steps = 1", "steps = 2")
    found = audit(f'{two}[claims]\ntable = """\nstep,w,l\n1,-9e5,0.941\n2,1.0,1.0\n"""\n').findings
    assert [one.status for one in found if one.cell.step == 1] == [Status.RIGHT, Status.WRONG]
    assert all(one.status.is_refused or one.status is Status.UNDECIDED for one in found if one.cell.step == 2)


EXACT = """
equations = "r = w*x; s = r*r; l = sum(s*s)"
[parameters]
w = [1.03, 1.07, 1.13, 1.17, 1.19, 1.23, 1.27, 1.31, 1.37, 1.39, 1.43, 1.47, 1.51, 1.53, 1.57, 1.61, 1.67, 1.71, 1.73,
  1.79, 1.81, 1.87]
[constants]
x = 1.01
"""


def test_in_a_table_that_is_right_elsewhere_rounding_is_not_taken_for_a_reason() -> None:
    """Each gradient is 4·w³·x⁴, and eight operations of three digits can move it by some units of the last one."""
    weights = EXACT.partition("w = [")[2].partition("]")[0].split(",")
    right = [f"{4 * float(w) ** 3 * 1.01**4:.2f}" for w in weights]
    names = [f"dl/dw[{k}]" for k in range(len(weights))]

    def found(numbers: list[str]) -> list[Status]:
        table = "\n".join([",".join(["step", *names]), ",".join(["1", *numbers])])
        return [one.status for one in audit(f'{EXACT}[claims]\ntable = """\n{table}\n"""\n').findings]

    assert set(found(right)) == {Status.RIGHT}
    moved = [*right[:5], f"{float(right[5]) + 0.03:.2f}", *right[6:]]
    assert [place for place, status in enumerate(found(moved)) if status is not Status.RIGHT] == [5]
    assert found(moved)[5] is Status.WRONG
    often = [f"{float(number) + 0.02 * (k % 2):.2f}" for k, number in enumerate(right)]
    assert set(found(often)) == {Status.RIGHT, Status.UNDECIDED}  # no way to round gives these


IN_BATCHES, AT_ONCE = f"{SQUARES_OF_FIVE}batch_size = 2\nepochs = 2\n", f"{SQUARES_OF_FIVE}epochs = 5\n"
RIGHT_LOSSES = {IN_BATCHES: "17 63.63 68.9 1.78", AT_ONCE: "65 38 22 13 7.6", THREE_POINTS: "2.3 0.29 0.19 0.18"}


@pytest.mark.parametrize(
    ("problem", "losses"),
    [
        (IN_BATCHES, "17 63.6 68.1 1.86"),  # by three digits it is 68.9 and 1.78
        (AT_ONCE, "68 36"),  # 9 + 25 + 64 + 81 + 140 is 320 by two digits in any order but one, and then 330
        (AT_ONCE, "57 30"),
        (THREE_POINTS, "2.1 0.26"),
    ],
)
def test_two_slips_do_not_excuse_each_other(problem: str, losses: str) -> None:
    """Roundings that all go the same way would allow these, and no person's do."""

    def found(numbers: str) -> Audit:
        table = "\n".join(f"{step},{loss}" for step, loss in enumerate(numbers.split(), 1))
        name = "J" if problem is THREE_POINTS else "l"
        return audit(f'{problem}[claims]\ntable = """\nstep,{name}\n{table}\n"""\n')

    assert found(RIGHT_LOSSES[problem]).exit_status == 0
    assert found(losses).exit_status != 0
    assert Status.CARRIED not in found(losses).counts


def test_two_slips_in_a_column_of_losses_are_not_carried() -> None:
    """Two of the exact losses are moved by 2 to 8 units of the second or third digit; hardly ever can that be right."""
    statuses = [audit_of_losses(seed, slips=2).exit_status for seed in range(24)]
    assert statuses.count(0) <= 1
    assert statuses.count(1) >= 8


def test_losses_of_a_student_who_rounds_everything_are_seldom_refused() -> None:
    """Only the losses are handed in: no number follows from another as printed.

    One alone that is off, where all others are right, is no different from a wrong one. Of 1,740 such tables 22 were
    refused, nearly all of Adam at two or three digits, whose losses are off by a tenth.
    """
    refused = []
    for seed in range(10):
        for mode in sorted(MODES):
            found = losses_alone(seed, mode)
            open_ = [one for one in found.audit.findings if one.status in (Status.CARRIED, Status.UNDECIDED)]
            if len(found.refused) + bool(open_) > 1 and found.refused:
                refused.append(str(found))
    assert len(refused) < 2, refused


def test_a_table_of_rounded_numbers_is_seldom_taken_for_one_of_exact_ones() -> None:
    """The constants beside `RARE`: m or fewer of the others are moved, of more than RARE·(m + 1) + m."""

    def few(m: int) -> float:
        total = RARE * (m + 1) + m + 1
        return sum(comb(total, k) * 0.4**k * 0.6 ** (total - k) for k in range(m + 1))

    assert few(1) < 1 / 50000
    assert sum(few(m) for m in range(20)) < 1 / 1000


SIX_DIGITS = '''
equations = """
a = w*x
c = a*v
d = c - y
l = sum(d^2)
"""
[parameters]
w = -0.2
v = -1.9
[data]
x = [-2.5, 0.5, -3]
y = [-1.1, -0.6, -3.4]
[training]
lr = 0.01
epochs = 3
'''
CALCULATED = """step,l,dl/dw,dl/dv,w,v
1,5.75420,25.6880,2.70400,-0.456880,-1.92704
2,2.87005,-3.84099,-0.910656,-0.418470,-1.91793
3,2.80881,0.804608,0.175556,-0.426516,-1.91969
"""


def test_a_table_with_carried_numbers_was_made_in_no_float32() -> None:
    """Every number follows from the written ones before it; w of step 3 is 0.42651586 and was residue of float32."""
    whole = f'{SIX_DIGITS}[claims]\ntable = """\n{CALCULATED}"""\n'
    found = audit(whole).findings
    carried = {(one.cell.step, one.cell.name) for one in found if one.status is Status.CARRIED}
    assert carried == {(3, "dl/dw"), (3, "dl/dv"), (3, "w")}
    assert all(one.status in (Status.RIGHT, Status.CARRIED) for one in found)
    named = audit(whole, dtype="float32").findings  # the author says so, and is taken at the word
    assert Status.RESIDUE in {one.status for one in named}


def test_a_table_of_a_float32_loop_keeps_its_residue() -> None:
    """Nothing in it follows from other numbers as printed and is not what float32 gives."""
    w, v = np.float32(-0.2), np.float32(-1.9)
    x, y = (np.array(column, np.float32) for column in ([-2.5, 0.5, -3], [-1.1, -0.6, -3.4]))
    rows = []
    for step in (1, 2, 3):
        d = w * x * v - y
        dw, dv = np.sum(2 * d * v * x), np.sum(2 * d * w * x)
        w, v = w - np.float32(0.01) * dw, v - np.float32(0.01) * dv
        rows.append(f"{step},{np.sum(d * d):.8g},{dw:.8g},{dv:.8g},{w:.8g},{v:.8g}")
    table = "\n".join(["step,l,dl/dw,dl/dv,w,v", *rows])
    found = audit(f'{SIX_DIGITS}[claims]\ntable = """\n{table}\n"""\n').findings
    assert {one.status for one in found} <= {Status.RIGHT, Status.TRUNCATED, Status.RESIDUE}
    assert sum(one.status is Status.RESIDUE for one in found) > 3


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(sorted(MODES)))
def test_no_number_is_residue_of_float32_beside_a_carried_one(seed: int, mode: str) -> None:
    findings = correct(seed, mode).audit.findings
    if any(one.status is Status.CARRIED for one in findings):
        assert not any("float32" in one.why for one in findings)


def test_zeros_that_are_left_out_leave_nothing_open() -> None:
    """By five digits w and b are −1.9000 and 1.6000 after step 1; the loss of step 2 is calculated with w = −2.

    Read as one digit after the point, w may be −1.95, and the whole table seemed carried.
    """
    found = slipped(30323, "stale parameter", "half up")
    assert found[1] == "first wrong"
    assert "1,17.796,-21.636,0.32,-2.1636,0.46812,-1.9,0.032,0.0001024,1.6" in found[0].table.text


SIGMOID = '''
equations = """
z = w*x + b
p = 1/(1+exp(-z))
L = mean(-(y*log(p) + (1-y)*log(1-p)))
"""
[parameters]
w = 1
b = -0.1
[data]
x = [3, 1.2, -1.9, 2.1, 1.3, -1]
y = [1, 1, 1, 0, 1, 1]
[training]
lr = 0.5
batch_size = 6
epochs = 4
'''


def test_a_number_that_looks_cut_off_beside_carried_ones_is_rounded_on_the_way() -> None:
    """With p rounded to two digits dl/dw is 0.60 and w 0.70; exactly it is 0.70697, of which 0.70 looks cut off."""
    rows = "1,1.04,0.70,0.01\n2,0.86,0.46,0.12\n3,0.74,0.28,0.24\n4,0.65,0.16,0.35\n"
    found = audit(SIGMOID, claims="epoch,loss,w,b\n" + rows).findings
    assert {one.status for one in found} == {Status.RIGHT, Status.CARRIED}
    assert found[1].why.endswith("others follow from rounded numbers")


def test_that_others_go_on_with_rounded_numbers_is_not_said_where_none_does() -> None:
    """Exactly w is 0.70697, 0.47022 and 0.29478 after three steps; the last is rounded up."""
    rows = "1,1.0409,0.7069,0.0070\n2,0.8613,0.4702,0.1180\n3,0.7382,0.2948,0.2313\n"
    found = audit(SIGMOID, claims="epoch,loss,w,b\n" + rows).findings
    assert [one.cell.step for one in found if one.status is not Status.RIGHT] == [1]
    assert found[1].status in (Status.TRUNCATED, Status.UNDECIDED)
    assert "others follow" not in found[1].why
