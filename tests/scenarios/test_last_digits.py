"""Slips in the last digits of a table that is rounded: what follows from one is inherited, and nothing is cut off."""

from __future__ import annotations

import pytest

from tests.homework_checks import correct, off_in_last_digits, where
from tests.problems import SQUARES_OF_FIVE
from verify import Audit, Status, audit
from verify.auditing.cutting import TOLD

MOMENTUM = """
equations = "p = w*x + b; l = mean((p - y)^2)/2"
[parameters]
w = 0.5
b = 0
[data]
x = [-1.4, -2, -2.6, -2.7]
y = [4.7, -4.4, 8.1, 0.8]
[training]
lr = 0.05
momentum = 0.9
batch_size = 2
epochs = 2
"""
SLOPE = 'equations = "l = -5.0004*w"\n[parameters]\nw = 0\n[training]\nlr = 0.1\nsteps = 1\n'
PARTS = """
equations = "a = w*x; c = exp(a); o = v*c; l = mean(o^2)"
[parameters]
w = -0.7
v = -0.6
[data]
x = [0.7, -1.3]
"""
_OF_DIGITS = {Status.TRUNCATED, Status.DOUBLE_ROUNDED}


def audited(problem: str, table: str) -> Audit:
    return audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')


def statuses(found: Audit) -> list[Status]:
    return [finding.status for finding in found.findings]


def test_what_follows_from_a_slip_is_not_cut_off() -> None:
    """By p[0] = −0.7007, w is 0.48098 and then dl/dw = 14.8563; by the right 0.481 it is 14.856525, cut off 14.856."""
    table = "step,p[0],dl/dw,w.v,w\n1,-0.70070,0.38049,0.38049,0.48098\n2,,14.856,15.198,-0.27892"
    assert statuses(audited(MOMENTUM, table)) == [Status.WRONG, *[Status.INHERITED] * 6]


def test_one_number_is_not_cut_off_where_the_others_are_rounded() -> None:
    """65, 38 and 13 are rounded up, of 64.6, 37.69 and 12.97: 7.5 is not how such an author writes 7.5966."""
    problem = f"{SQUARES_OF_FIVE}epochs = 5\n"
    found = audited(problem, "step,l\n1,65\n2,38\n3,22\n4,13\n5,7.5")
    assert found.exit_status != 0
    assert not _OF_DIGITS & found.counts.keys()
    assert audited(problem, "step,l\n1,64\n2,37\n3,22\n4,12\n5,7.5").counts[Status.TRUNCATED] == 4


def test_somebody_who_now_and_then_cuts_off_is_not_wrong() -> None:
    """Of ten numbers three are cut off, and five others rounded up: w after k steps is 8/9·(1 − 0.8^k)."""
    problem = 'equations = "l = (w - 8/9)^2/2"\n[parameters]\nw = 0\n[training]\nlr = 0.2\nsteps = 10\n'
    right = [8 / 9 * (1 - 0.8**k) for k in range(1, 11)]
    rounded = [f"{number:.3f}" for number in right]
    up = [k for k, text in enumerate(rounded) if float(text) > right[k]]
    assert len(up) >= 5
    cut = [f"{float(text) - 0.001:.3f}" if k in up[:3] else text for k, text in enumerate(rounded)]
    found = audited(problem, "step,w\n" + "\n".join(f"{k},{text}" for k, text in enumerate(cut, 1)))
    assert not any(one.status.is_refused for one in found.findings)


@pytest.mark.parametrize("wrong", ["-5.01", "-5.02", "-4.99"])
def test_a_slip_and_what_follows_from_it_do_not_excuse_each_other(wrong: str) -> None:
    found = audited(SLOPE, f"dl/dw,w\n{wrong},{-float(wrong) / 10:.3f}")
    assert statuses(found) == [Status.WRONG, Status.INHERITED]


def test_a_number_without_the_zeros_at_its_end_is_that_number() -> None:
    """−0.49 is exact, and 0.1351 follows from it; 0.1355 would, if it could be −0.4875."""
    table = 'step,"a[0]","c[0]","o[0]","dl/da[0]"\n1,-0.49,0.6126,-0.3676,{}'
    assert Status.WRONG not in statuses(audited(PARTS, table.format("0.1351")))
    assert statuses(audited(PARTS, table.format("0.1355")))[-1] is Status.WRONG


@pytest.mark.parametrize("first", range(0, 24, 8))
def test_in_a_table_that_is_rounded_nothing_is_cut_off_after_a_slip(first: int) -> None:
    """No number after the slip is right by another way to shorten it; the slip itself is wrong, but for a few."""
    named = tried = 0
    for seed in range(first, first + 8):
        made = off_in_last_digits(seed)
        if made is None:
            continue
        found, slip = made
        tried += 1
        order = [where(one) for one in found.audit.findings]
        later = found.audit.findings[order.index(slip) :]
        assert not _OF_DIGITS & {one.status for one in later}, str(found)
        assert TOLD not in found.audit.told, str(found)
        named += later[0].status is Status.WRONG
    assert tried >= 2
    assert named >= tried - 1


@pytest.mark.parametrize("seed", [5023, 5185])
def test_right_tables_of_two_students_who_cut_off(seed: int) -> None:
    """One was read as rows that begin with w of the step; in the other −2.6 and 1.9 have no zeros at their end."""
    found = correct(seed, "cut")
    assert not found.is_unfair, str(found)


LOGISTIC = """
equations = "z = w*x + b; p = sigmoid(z); l = -mean(y*log(p) + (1-y)*log(1-p))"
[parameters]
w = 0.5
b = 0.1
[data]
x = [1.5, -1]
y = [1, 1]
[training]
lr = 0.5
epochs = 5
"""
ROUNDED_ON_THE_WAY = """step,loss,dl/dw,dl/db,w,b
1,0.63444,0.07477,-0.44906,0.46261,0.32453
2,0.53646,0.06824,-0.39990,0.42849,0.52448
3,0.45864,0.05999,-0.35669,0.39849,0.70283
4,0.39671,0.05170,{},0.37264,0.86248
5,0.34707,0.04414,-0.28719,0.35057,1.00608
"""


def test_in_a_table_that_rounds_on_the_way_nothing_is_rounded_twice_by_chance() -> None:
    """−0.31928462 printed as −0.31929, beside numbers that are off by rounding on the way."""
    table = ROUNDED_ON_THE_WAY.format("-0.31929")
    [own] = [one for one in audit(LOGISTIC, claims=table).findings if one.claim.literal.text == "-0.31929"]
    assert own.status is Status.CARRIED
    assert own.on_the_way == "rounded to 5 digits after the point"
    further = audit(LOGISTIC, claims=ROUNDED_ON_THE_WAY.format("-0.31940"))
    assert next(one.status for one in further.findings if one.claim.literal.text == "-0.31940") is Status.WRONG
    alone = audit(LOGISTIC, claims="step,dl/db\n1,-0.44906\n4,-0.31929\n")  # nothing else is off
    assert [one.status for one in alone.findings] == [Status.RIGHT, Status.DOUBLE_ROUNDED]
