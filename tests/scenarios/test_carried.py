"""Tables of people who round on the way: right work is never called wrong, and a slip is not hidden by rounding."""

import random
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.problems import THREE_POINTS
from verify import Audit, Status, audit

Slip = Callable[[Decimal], Decimal]
SLIPS: dict[str, Slip] = {
    "sign": lambda x: -x,
    "factor 2": lambda x: 2 * x,
    "factor 1/2": lambda x: x / 2,
    "n times": lambda x: 3 * x,
    "digit dropped": lambda x: x / 10,
    "square": lambda x: x * x + 1,
    "term forgotten": lambda x: x - 7,
    "zero": lambda x: 0 * x,
}


def table(seed: int, digits: int, slip: tuple[int, str, Slip] | None = None) -> tuple[str, str]:
    """A fit of a line to three points, and its steps as a person calculates them with so many digits carried.

    The slip is made in one column of one step, and the person goes on from there.
    """
    draw = random.Random(seed)
    pocket = Context(prec=digits, rounding=ROUND_HALF_UP)
    x = [Decimal(draw.randint(-30, 30)) / 10 for _ in range(3)]
    y = [Decimal(draw.randint(-50, 50)) / 10 for _ in range(3)]
    w, b, lr = Decimal(draw.randint(-3, 3)), Decimal(draw.randint(-3, 3)), Decimal("0.05")
    problem = (
        'equations = "r = w*x + b - y; J = mean(r^2)"\n'
        f"[parameters]\nw = {w}\nb = {b}\n[data]\nx = {[float(v) for v in x]}\ny = {[float(v) for v in y]}\n"
        f"[training]\nlr = {lr}\nsteps = 4\n"
    )
    rows = ["step,J,dJ/dw,dJ/db,w,b"]
    for step in range(1, 5):

        def printed(column: str, value: Decimal, step: int = step) -> Decimal:
            if slip is not None and slip[:2] == (step, column):
                value = slip[2](value)
            return pocket.plus(value)

        r = [w * one + b - other for one, other in zip(x, y, strict=True)]
        loss = printed("J", sum((v * v for v in r), Decimal(0)) / 3)
        dw = printed("dJ/dw", 2 * sum((v * one for v, one in zip(r, x, strict=True)), Decimal(0)) / 3)
        db = printed("dJ/db", 2 * sum(r, Decimal(0)) / 3)
        w, b = printed("w", w - lr * dw), printed("b", b - lr * db)
        rows.append(",".join(f"{value:f}" for value in (Decimal(step), loss, dw, db, w, b)))
    return problem, "\n".join(rows) + "\n"


def audited(problem: str, rows: str) -> Audit:
    return audit(f'{problem}[claims]\ntable = """\n{rows}"""\n')


@given(st.integers(0, 10**6), st.integers(3, 6))  # with 2, 328 is printed as 330: digits that are none
def test_no_number_of_a_correct_student_is_wrong(seed: int, digits: int) -> None:
    found = audited(*table(seed, digits))
    assert not [finding for finding in found.findings if finding.status.is_refused]


@pytest.mark.parametrize("seed", range(8))
def test_more_units_of_the_last_digit_never_lower_a_score(seed: int) -> None:
    kind = list(SLIPS)[seed]
    problem, rows = table(seed, 4, (2, "dJ/db", SLIPS[kind]))

    def score(units: int | None) -> int:
        found = audit(f'{problem}[claims]\ntable = """\n{rows}"""\n', units=units)
        return sum(one.status.is_accepted or one.status is Status.INHERITED for one in found.findings)

    scores = [score(units) for units in (None, 1, 3, 10, 50)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("kind", SLIPS)
def test_the_first_wrong_number_is_the_slip_or_undecided(kind: str) -> None:
    named = tried = 0
    for seed in range(12):
        draw = random.Random(f"{seed} {kind}")
        step, column, digits = draw.randint(1, 4), draw.choice(["J", "dJ/dw", "dJ/db", "w", "b"]), draw.randint(3, 6)
        right, slipped = table(seed, digits)[1], table(seed, digits, (step, column, SLIPS[kind]))
        if right == slipped[1]:
            continue
        tried += 1
        try:
            found = audited(*slipped)
        except ClaimError:
            raise AssertionError(slipped) from None
        name = {"J": "loss"}.get(column, column)
        [own] = [f for f in found.findings if (f.cell.step, f.cell.name) == (step, name)]
        assert own.status in (Status.WRONG, Status.UNDECIDED), (slipped, own)
        assert found.first_wrong in (own, None), slipped
        named += found.first_wrong is own
    assert tried >= 8
    assert named >= tried - 1


FOUR_DECIMALS = """\
step,J,dJ/dw,dJ/db,w,b
1,2.2500,-7.6667,-2.3333,1.3833,0.6167
2,0.2899,-1.7559,-0.3112,1.4711,0.6323
3,0.1914,-0.4539,0.1297,1.4938,0.6258
4,0.1833,-0.1664,0.2227,1.5021,0.6147
"""


def test_what_looks_cut_off_and_was_carried_is_carried() -> None:
    """The gradient of step 4 is −0.1664691; of the printed numbers before it, it is −0.16640, rounded."""
    found = audited(THREE_POINTS, FOUR_DECIMALS)
    assert set(found.counts) == {Status.RIGHT, Status.CARRIED}
    [own] = [one for one in found.findings if (one.cell.step, one.cell.name) == (4, "dJ/dw")]
    assert own.status is Status.CARRIED
    assert own.why == "it follows from the numbers before it, as printed"


def test_who_cuts_off_is_said_to_cut_off() -> None:
    """2/3, 4/9, 8/27, 16/81, cut off: 0.197 is also what 0.296 gives, rounded, but 0.666 follows from nothing."""
    thirds = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = "1/6"\nsteps = 4\n'
    rows = "1,0.666\n", "2,0.444\n3,0.296\n4,0.197\n"
    statuses = [one.status for one in audited(thirds, "step,w\n" + rows[0] + rows[1]).findings]
    assert statuses == [Status.TRUNCATED, Status.RIGHT, Status.RIGHT, Status.TRUNCATED]
    statuses = [one.status for one in audited(thirds, "step,w\n" + rows[1]).findings]
    assert statuses == [Status.RIGHT, Status.RIGHT, Status.CARRIED]


def test_what_follows_from_a_slip_is_not_carried() -> None:
    """0.6666 is a slip, and its square is printed as the right one, 0.44448889, would be if it were cut off."""
    found = audited('equations = "z = 1*w; l = z^2"\n[parameters]\nw = 0.6667\n', "z,l\n0.6666,0.4444\n").findings
    assert [one.status for one in found] == [Status.WRONG, Status.INHERITED]


HALVING = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 4\n'


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ("step,w_before,l,w\n1,,,2.004\n2,2.0,1.05,\n", Status.WRONG),  # by 2.0 alone it could be 0.90 to 1.10
        ("step,w_before,l,w\n1,,,2.004\n2,2.0,0.992,\n", Status.INHERITED),
        ("step,w_before,l,w\n1,,,2.0\n2,2.004,1.05,\n", Status.WRONG),
        ("step,w_before,l,w\n1,,,2.0\n2,,1.05,\n", Status.CARRIED),  # nothing is finer
        ("step,w_before,l,w\n1,,,2.304\n2,2.0,1.05,\n", Status.CARRIED),  # it is another number
    ],
)
def test_what_follows_is_judged_by_the_finer_of_two_numbers(rows: str, status: Status) -> None:
    [own] = [one for one in audited(HALVING, rows).findings if one.cell.name == "loss"]
    assert own.status is status


@given(st.integers(2, 6), st.integers(2, 6), st.integers(-(10**6), 10**6), st.booleans())
def test_a_copy_in_other_digits_never_makes_right_work_wrong(fine: int, coarse: int, at: int, first: bool) -> None:
    """A student who writes w twice, in more digits and in fewer, and goes on with the finer."""
    w = Decimal(at) / 10**6 + 2
    digits = (
        Context(prec=max(fine, coarse), rounding=ROUND_HALF_UP),
        Context(prec=min(fine, coarse), rounding=ROUND_HALF_UP),
    )
    used, other = digits[0].plus(w), digits[1].plus(w)
    after, before = (used, other) if first else (other, used)
    loss = Context(prec=7, rounding=ROUND_HALF_UP).plus((used - 3) ** 2)
    found = audited(HALVING, f"step,w_before,l,w\n1,,,{after:f}\n2,{before:f},{loss:f},\n").findings
    [own] = [one for one in found if one.cell.name == "loss"]
    assert own.status is not Status.WRONG


NESTEROV = """
equations = "r = w*x + b - y\\nJ = mean(r^2)"
[parameters]
w = 1
b = 0.5
[data]
x = [1, 2, 4, 3]
y = [2, 3, 7, 4]
[training]
lr = 0.02
steps = 5
momentum = 0.9
nesterov = true
"""
A_DIGIT_SWAPPED = """\
step,J,dJ/dw,dJ/db,w.v,b.v,w,b
1,1.750,-6.500,-2.000,-6.500,-2.000,1.247,0.576
2,0.550,-2.415,-0.613,-8.265,-2.413,1.444,0.632
3,0.389,0.820,0.484,-6.619,-1.688,1.576,0.653
4,0.652,2.905,1.186,-3.052,-0.333,1.573,0.635
5,0.623,2.770,1.135,0.023,0.835,1.517,0.597
"""


def test_the_first_digits_of_a_right_number_by_chance_are_inherited() -> None:
    """By the wrong w of step 3, w of step 5 is 1.517; the right one is 1.5179, and nothing else is cut off."""
    found = audited(NESTEROV, A_DIGIT_SWAPPED)
    assert found.first_wrong is not None
    assert (found.first_wrong.cell.step, found.first_wrong.cell.name) == (3, "w")
    [own] = [one for one in found.findings if (one.cell.step, one.cell.name) == (5, "w")]
    assert own.status is Status.INHERITED
    assert not any(one.status in (Status.TRUNCATED, Status.DOUBLE_ROUNDED) for one in found.findings)


LOGISTIC = """
equations = "p = sigmoid(w*x + b)\\nl = mean(-y*log(p) - (1 - y)*log(1 - p))"
[parameters]
w = 0.5
b = -0.2
[data]
x = [1, -2, 3, 0.5, -1, 2]
y = [1, 0, 1, 0, 0, 1]
[training]
lr = 0.5
batch_size = 2
epochs = 2
"""
THREE_DIGITS = """\
step,l,dl/dw,dl/db,w,b
1,0.409,-0.444,-0.0975,0.722,-0.151
2,0.464,-0.0375,0.218,0.741,-0.260
3,0.286,-0.363,0.0205,0.923,-0.270
4,0.266,-0.278,-0.118,1.06,-0.211
5,0.458,0.0713,0.265,1.02,-0.344
6,0.198,-0.256,0.0250,1.15,-0.357
"""


def test_what_is_rounded_on_the_way_is_not_said_to_be_cut_off() -> None:
    """1.06 − 0.5·0.0713 = 1.024 is 1.02, and the right number 1.0253: it was neither cut off nor rounded twice."""
    found = audited(LOGISTIC, THREE_DIGITS)
    assert not found.counts.keys() & {Status.TRUNCATED, Status.DOUBLE_ROUNDED, Status.WRONG, Status.INHERITED}
    [own] = [one for one in found.findings if (one.cell.step, one.cell.name) == (5, "w")]
    assert own.status is Status.CARRIED
