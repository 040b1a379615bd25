"""Numbers that float32's rounding would explain, and that a person has calculated from those printed before them."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audited import cell, claim
from verify import Status, audit
from verify.auditing.judgement import is_of_float32
from verify.following.finding import Finding


def statuses(problem: str, table: str) -> list[Status]:
    return [one.status for one in audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n').findings]


SIGMOID = 'equations = "p = sigmoid(w*x); l = -log(p)"\n[parameters]\nw = 0.4\n[constants]\nx = 2\n'


def test_what_the_number_before_gives_is_carried() -> None:
    """It is within what a bound lets float32 do; PyTorch prints another number, and the printed one gives it."""
    assert statuses(SIGMOID, "p,dl/dw\n.6900,-.6200") == [Status.RIGHT, Status.CARRIED]


FIT = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3]
y = [{y}]
[training]
lr = 0.05
steps = 4
"""


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([-9, -7, -5, 5, 7, 9]))
def test_what_comes_of_a_slip_is_no_residue(seed: int, units: int) -> None:
    random = Random(seed)
    x, y = (1, 2, 3), [Fraction(random.randint(20, 400), 10) for _ in range(3)]
    w, rows = Fraction(0), []
    for step in range(1, 5):
        gradient = Fraction(f"{float(sum(2 * (w * a - b) * a for a, b in zip(x, y, strict=True)) / 3):.3f}")
        gradient += Fraction(units, 50) * (step == 1)
        w = Fraction(f"{float(w - gradient / 20):.4f}")
        rows.append(f"{step},{float(gradient):.3f},{float(w):.4f}")
    found = statuses(FIT.format(y=", ".join(str(float(b)) for b in y)), "step,dl/dw,w\n" + "\n".join(rows))
    assert found[0] is Status.WRONG
    assert found[1] is Status.INHERITED
    assert Status.RESIDUE not in found
    assert found.count(Status.WRONG) == 1


def test_the_numbers_of_a_float32_loop_are_accepted_as_before() -> None:
    x, y = (np.array(values, dtype=np.float32) for values in ((1, 2, 3), (2.3, 4.1, 7.7)))
    w, rows = np.float32(0), []
    for step in range(1, 5):
        gradient = np.float32((2 * (w * x - y) * x).mean())
        w = np.float32(w - np.float32(0.05) * gradient)
        rows.append(f"{step},{gradient:.9g},{w:.9g}")
    found = statuses(FIT.format(y="2.3, 4.1, 7.7"), "step,dl/dw,w\n" + "\n".join(rows))
    assert all(status in (Status.RIGHT, Status.RESIDUE) for status in found)
    assert Status.RESIDUE in found


TANH = '''
equations = """
h = tanh(w*x + b)
l = mean((h - y)^2)/2
"""
[parameters]
w = 0.3
b = 0.1
[data]
x = [-2, 3.7, 1]
y = [1, 0.5, 0.5]
[training]
optimizer = "RMSprop"
lr = 0.1
epochs = 5
'''


@pytest.mark.parametrize("steps", [3, 4, 5])
@pytest.mark.parametrize("named", [{}, {"dtype": "float32"}])
def test_what_a_program_prints_is_not_carried_by_chance(steps: int, named: dict[str, str]) -> None:
    """A loop in float32 of one's own, printed with 8 digits: single numbers follow from the printed ones by chance."""
    w, b = (torch.tensor(value, requires_grad=True) for value in (0.3, 0.1))
    x, y = torch.tensor([-2, 3.7, 1]), torch.tensor([1, 0.5, 0.5])
    optimizer, rows = torch.optim.RMSprop([w, b], lr=0.1), ["step,loss,dl/dw,dl/db,w,b"]
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss = ((torch.tanh(w * x + b) - y) ** 2).mean() / 2
        loss.backward()
        optimizer.step()
        assert w.grad is not None
        assert b.grad is not None
        numbers = (loss, w.grad, b.grad, w, b)
        rows.append(",".join([str(step), *(f"{number.item():.8g}" for number in numbers)]))
    found = audit(TANH, claims="\n".join(rows) + "\n", **named)
    assert {finding.status for finding in found.findings} <= {Status.RIGHT, Status.RESIDUE}
    assert found.exit_status == 0
    rows[2] = rows[2].replace("0.33065197", "0.33065297")
    wrong = audit(TANH, claims="\n".join(rows) + "\n", **named)
    assert wrong.exit_status != 0


def test_nan_beside_a_right_number_of_thousands_of_digits() -> None:
    text = (
        'equations = "l = log(w)"\n[parameters]\nw = 0.1\n[training]\nlr = 0.1\nsteps = 2\non_nonfinite = "continue"\n'
    )
    found = audit(text, claims="step,l\n1,nan\n2,nan\n")
    assert [finding.status for finding in found.findings] == [Status.WRONG, Status.RESIDUE]
    assert found.findings[0].printed == "-2.302585093"


CUTS = """
equations = "p = w*x + b; r = p - y; l = mean(r^2)"
[parameters]
w = 0
b = 1
[data]
x = [-1, 3, 0]
y = [2, 2, 1]
[training]
lr = 0.05
momentum = 0.9
epochs = 4
"""
CUT = "step,w,b\n1,0.066666,1.066666\n2,0.166666,1.182222\n3,0.255629,1.323555\n4,0.295582,1.468024\n"


def test_in_a_table_that_cuts_nothing_is_left_to_the_rounding_of_float32() -> None:
    """0.066666 is no float32's 2/30, and the other numbers are cut off as well."""
    found = audit(CUTS, claims=CUT)
    assert [one.status for one in found.findings].count(Status.TRUNCATED) == 7
    too_large = audit(CUTS, claims=CUT.replace("1.468024", "1.468026"))  # which rounding in float32 allows
    assert not too_large.findings[-1].status.is_accepted
    assert too_large.exit_status != 0


CROSSING = """
equations = "e = w*x + b - y; l = mean(e^2)"
[parameters]
w = 0.5
b = -0.25
[data]
x = [0.4, -0.3, 2.2]
y = [3.1, -0.5, -0.7]
[training]
lr = 0.01
steps = 100
"""


def test_a_parameter_of_a_float32_loop_may_pass_0() -> None:
    """It keeps the rounding of the steps in which it was larger: beside 0.002 that of 0.5 is much."""
    x, y = (np.array(own, np.float32) for own in ([0.4, -0.3, 2.2], [3.1, -0.5, -0.7]))
    w, b, lr = np.float32(0.5), np.float32(-0.25), np.float32(0.01)
    rows = []
    for step in range(1, 101):
        off = w * x + b - y
        loss = np.mean(off * off)
        w, b = w - lr * (np.float32(2) * np.mean(off * x)), b - lr * (np.float32(2) * np.mean(off))
        rows.append(f"{step},{w:.8g},{b:.8g},{loss:.8g}")
    found = audit(CROSSING, claims="\n".join(["step,w,b,l", *rows]))
    assert found.exit_status == 0, found.counts
    assert found.counts[Status.RESIDUE] > 50
    assert min(abs(one.claim.literal.value) for one in found.findings if one.cell.name == "w") < Fraction("0.005")
    spoilt = rows[57].split(",")
    spoilt[1] = f"{float(spoilt[1]) * 1.001:.8g}"  # 0.0022 off by a thousandth: 10 ulp of 0.5 times 4
    rows[57] = ",".join(spoilt)
    assert audit(CROSSING, claims="\n".join(["step,w,b,l", *rows])).exit_status != 0


@pytest.mark.parametrize(
    ("judged", "in_float64", "step", "expected"),
    [
        ("rrrr~~~~c", "rrrrwwwic", 1, True),
        ("rrrr~~~~c", "rrrrwwccc", 1, False),  # a slip or two
        ("rrrr~~~~c", "rrrrwcccc", 300, True),  # nobody calculates so many steps by hand
        ("rrrr~~~wc", "rrrrwwwwc", 300, False),  # float32 does not explain all of it
    ],
)
def test_a_table_that_fits_float32_is_of_a_program(judged: str, in_float64: str, step: int, expected: bool) -> None:
    letters = {"r": "right", "~": "residue", "c": "carried", "w": "wrong", "i": "inherited"}
    of_both = (
        [Finding(claim(cell(step, "after", "w"), "1.5"), Status(letters[letter]), None) for letter in text]
        for text in (judged, in_float64)
    )
    assert is_of_float32(*of_both) is expected
