"""Tables calculated from numbers of which the file has only the printed digits: none of them is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.problem.rounded import marked
from tests.audited import audited as run_of
from verify import Audit, Status, audit
from verify.following.rounded_inputs import by_inputs
from verify.hand import run as hand
from verify.numbers import to_float

# equations, parameters, whether it is trained on x and y, or at a point with a constant c
PROBLEMS: Mapping[str, tuple[str, str, bool]] = {
    "line": ("r = w*x + b - y\nJ = mean(r^2)", "wb", True),
    "tanh": ("h = tanh(w*x + b)\nJ = mean((v*h - y)^2)", "wbv", True),
    "relu": ("h = relu(w*x + b)\nJ = mean((v*h - y)^2)", "wbv", True),
    "abs": ("p = sigmoid(w*x + b)\nJ = mean(abs(p - y)) + 0.1*w^2", "wb", True),
    "point": ("h = max(w*c, b)\nq = h/(1 + exp(-v))\nJ = q^2 + where(w > 0, w, 2*w)", "wbv", False),
}
Slip = Callable[[float], float]
SLIPS: Mapping[str, Slip] = {
    "sign": lambda x: -x,
    "factor 2": lambda x: 2 * x,
    "factor 1/2": lambda x: x / 2,
    "n times": lambda x: 3 * x,
    "digit dropped": lambda x: x / 10,
    "one more": lambda x: x + 1,
}


def printed(value: float, digits: int) -> str:
    return f"{Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(Decimal(repr(value))):f}"


@dataclass(frozen=True)
class Student:
    """A problem as it is printed, the one that was calculated, and the table of it."""

    as_printed: str
    hidden: str
    rows: tuple[tuple[str, ...], ...]

    def audited(self, rows: tuple[tuple[str, ...], ...] | None = None) -> Audit:
        table = "\n".join(",".join(row) for row in rows or self.rows)
        return audit(f'{self.as_printed}[claims]\ntable = """\n{table}\n"""\n')


def student(seed: int) -> Student:
    """Hidden numbers of 8 decimals, of which 2 to 5 digits are printed, and what is calculated from them."""
    draw = random.Random(seed)
    equations, names, trains = PROBLEMS[draw.choice(list(PROBLEMS))]
    given_digits, digits, steps = draw.randint(2, 5), draw.randint(2, 6), draw.randint(1, 4)

    def number() -> float:
        return round(draw.uniform(-3, 3), 8) or 1.0

    parameters = {name: number() for name in names}
    columns = {name: [number() for _ in range(3)] for name in "xy"}
    constant = number()

    def text(write: Callable[[float], str]) -> str:
        lines = [f'equations = """\n{equations}\n"""', "[parameters]"]
        lines += [f"{name} = {write(value)}" for name, value in parameters.items()]
        if not trains:
            return "\n".join([*lines, "[constants]", f"c = {write(constant)}", ""])
        lines += ["[data]", *(f"{name} = [{', '.join(map(write, column))}]" for name, column in columns.items())]
        return "\n".join([*lines, "[training]", "lr = 0.05", f"steps = {steps}", ""])

    hidden = text(lambda value: f"{Decimal(repr(value)):f}")
    run = run_of(hidden)
    rows = [("step", "J", *(f"dJ/d{name}" for name in names), *(names if trains else ""))]
    for step in hand.calculate(run, run.batches).steps:
        after = [step.after[name] for name in names] if trains else []
        values = [step.loss, *(step.gradients[name] for name in names), *after]
        rows.append((str(step.batch.step), *(printed(to_float(value.item()), digits) for value in values)))
    listed = [*names, *("xy" if trains else "c")]
    as_printed = f"rounded = {listed}\n" + text(lambda value: printed(value, given_digits))
    return Student(as_printed, hidden, tuple(rows))


@given(st.integers(0, 10**9))
def test_no_number_calculated_from_what_was_rounded_is_wrong(seed: int) -> None:
    found = student(seed).audited()
    for finding in found.findings:
        assert not finding.status.is_refused, (seed, finding)
        assert "not all of these are right" not in finding.why, (seed, finding)  # they all are


def test_most_of_these_numbers_are_known_to_be_right() -> None:
    """Without it, a verdict that is always open would pass all tests."""
    counts = {True: 0, False: 0}
    for seed in range(30):
        for finding in student(seed).audited().findings:
            counts[finding.status.is_accepted] += 1
    assert counts[True] >= 0.9 * sum(counts.values())


def test_without_rounded_inputs_many_of_these_numbers_are_wrong() -> None:
    refused = 0
    for seed in range(10):
        made = student(seed)
        exact = made.as_printed.partition("\n")[2]
        table = "\n".join(",".join(row) for row in made.rows)
        found = audit(f'{exact}[claims]\ntable = """\n{table}\n"""\n')
        refused += sum(finding.status.is_refused for finding in found.findings)
    assert refused >= 20


@given(st.integers(0, 10**9))
def test_the_interval_holds_the_numbers_of_all_inputs_that_print_so(seed: int) -> None:
    made = student(seed)
    claims = made.audited().findings
    run = run_of(made.hidden)
    given = (*run.problem.parameters, *run.problem.constants, *run.problem.data)
    hidden = {one.name: one.values for one in given}
    exactly = {step.batch.step: step for step in hand.calculate(run, run.batches).steps}
    loose = run_of(made.as_printed)
    near = {one.name: one for one in (*loose.problem.parameters, *loose.problem.constants, *loose.problem.data)}
    for name, values in hidden.items():
        for value, shown, slack in zip(values, near[name].values, near[name].slacks, strict=True):
            assert abs(value - shown) <= slack
    for finding in by_inputs(run_of(made.as_printed), claims):
        cell = finding.cell
        if finding.allowed is None or cell.quantity.group not in ("gradients", "after"):
            continue
        group = getattr(exactly[cell.step], cell.quantity.group)
        low, high = finding.allowed
        assert low <= to_float(group[cell.quantity.name][cell.position]) <= high, (seed, finding)


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_is_found_beside_rounded_inputs(kind: str) -> None:
    told = tried = 0
    for seed in range(25):
        made = student(seed)
        draw = random.Random(f"{seed} {kind}")
        row, column = draw.randrange(1, len(made.rows)), draw.randrange(1, len(made.rows[0]))
        old = made.rows[row][column]
        new = printed(SLIPS[kind](float(old)), 6)
        if Fraction(new) == Fraction(old):
            continue
        tried += 1
        rows = [list(cells) for cells in made.rows]
        rows[row][column] = new
        found = made.audited(tuple(map(tuple, rows)))
        name = {"J": "loss"}.get(made.rows[0][column], made.rows[0][column])
        [own] = [f for f in found.findings if (f.cell.step, f.cell.name) == (int(rows[row][0]), name)]
        assert found.first_wrong in (own, None), (seed, own)
        told += found.exit_status != 0 and own.status in (Status.WRONG, Status.UNDECIDED)
    assert tried >= 15
    assert told >= 0.9 * tried


def test_marking_inputs_never_makes_a_right_number_wrong() -> None:
    """What is right as printed stays right, and nothing that was accepted is refused."""
    for seed in range(10):
        made = student(seed)
        exact = marked(run_of(made.as_printed).problem, ())
        table = [dict(zip(made.rows[0], row, strict=True)) for row in made.rows[1:]]
        before, after = audit(exact, claims=table).findings, made.audited().findings
        for one, other in zip(before, after, strict=True):
            if one.status is Status.RIGHT:
                assert other.status is Status.RIGHT
            if one.status.is_accepted:
                assert not other.status.is_refused
