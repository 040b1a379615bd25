"""Tables of people who round on the way: right work is never called wrong, and a slip is not hidden by rounding."""

import random
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
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
