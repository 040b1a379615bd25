"""Any number of a derivation can be claimed: derivatives of any line, the seed, what an update adds, an lr of 0."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError
from tables.account import sentence
from verify import audit
from verify.auditing.pipeline import Audit
from verify.following.finding import Status


def claimed(table: str, problem: str) -> Audit:
    return audit(f'{problem}\n[claims]\ntable = """\n{table}\n"""\n')


def statuses(table: str, problem: str) -> list[str]:
    return [finding.status.value for finding in claimed(table, problem).findings]


LOCAL = 'equations = """\ny = 3*w\nz = y^2\nl = z/2\n"""\n[parameters]\nw = 3\n'
PATHS = 'equations = """\ny = 3*w\nu = 2*y\nz = y^2*u\nl = z/2\n"""\n[parameters]\nw = 3\n'
TRAINED = """
equations = \"\"\"
h[i] = w*x[i]
E1 = mean((h - y)^2)
E2 = mean(h^2)
loss = E1 + k*E2
\"\"\"
[parameters]
w = 2
[constants]
k = 0.5
[data]
x = [1, 2]
y = [3, 5]
[training]
lr = 0.1
steps = 2
"""


def test_a_local_partial_and_the_seed_are_numbers_of_the_derivation() -> None:
    assert statuses("step, dz/dy, dl/dl, dl/dz, dz/dw\n1, 18, 1, 0.5, 54", LOCAL) == ["right"] * 4
    assert statuses("step, dz/dy, dl/dl\n1, 19, 2", LOCAL) == ["wrong", "wrong"]


def test_the_derivative_through_all_paths_is_meant_and_the_local_partial_named() -> None:
    assert statuses("step, dz/dy\n1, 486", PATHS) == ["right"]
    [finding] = claimed("step, dz/dy\n1, 324", PATHS).findings
    assert finding.status is Status.WRONG
    assert finding.remarks == ("It is the local partial of the line z; through all paths the derivative is another",)


def test_the_gradient_of_a_named_part_of_the_loss() -> None:
    # h = 2, 4; E1 = ((2 − 3)² + (4 − 5)²)/2; w after step 1 is 2 + 0.1·3 − 0.1·10·0.5
    table = "step, dE1/dw, dE2/dw, dE1/dh[0], dloss/dE2, dE1/dy[1]\n1, -3, 10, -1, 0.5, 1"
    assert statuses(table, TRAINED) == ["right"] * 5
    assert statuses("step, dE1/dw\n2, -4.0", TRAINED) == ["right"]  # at w = 1.8
    assert statuses("step, dh[1]/dw, dh[1]/dh[0], dh/dh[1]\n1, 2, 0, 1", TRAINED) == ["right"] * 3
    with pytest.raises(ClaimError, match=r"dh/dw runs over the samples; name one entry, such as dh/dw\[0\]"):
        claimed("step, dh/dw\n1, 2", TRAINED)


def test_what_an_update_adds() -> None:
    table = "step, delta w, lr*dloss/dw, w, Δw\n1, -0.2, 0.2, 1.8, -0.20\n2, -0.05, 0.05, 1.75,"
    assert set(statuses(table, TRAINED)) == {"right"}
    [finding] = claimed("step, delta w\n1, 0.2", TRAINED).findings
    assert finding.status is Status.WRONG
    assert finding.remarks == ("It has the other sign: delta w is w after the step minus w before it",)


def test_what_follows_from_a_wrong_number_is_inherited() -> None:
    # from w = 1.5 in place of 1.8: dE1/dw = 5·1.5 − 13; from the change −0.3: w = 1.7
    found = claimed("step, w, dE1/dw\n1, 1.5,\n2,,-5.5", TRAINED)
    assert [finding.status.value for finding in found.findings] == ["wrong", "inherited"]
    found = claimed("step, delta w, w\n1, -0.3, 1.7", TRAINED)
    assert [finding.status.value for finding in found.findings] == ["wrong", "inherited"]
    assert "follows from step 1, delta w" in sentence(found, found.findings[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_program_rounds_is_residue_and_a_hundredth_more_is_wrong(dtype: str) -> None:
    import numpy as np

    kind = np.dtype(dtype).type
    problem = LOCAL.replace("w = 3", "w = 0.7") + f'[training]\nlr = 0.1\nsteps = 1\ndtype = "{dtype}"\n'
    w, lr = kind(0.7), kind(0.1)
    y = kind(3) * w
    printed = {"dz/dy": kind(2) * y, "lr*dl/dw": lr * (kind(3) * y)}
    printed["delta w"] = (w - printed["lr*dl/dw"]) - w
    table = f"step, {', '.join(printed)}\n1, "
    found = statuses(table + ", ".join(f"{float(number):.17g}" for number in printed.values()), problem)
    assert set(found) <= {"right", "residue"}
    for name, number in printed.items():  # each alone: together they would follow from the first
        assert statuses(f"step, {name}\n1, {float(number) * 1.01:.17g}", problem) == ["wrong"]


def test_an_lr_of_0_is_a_number() -> None:
    # cosine annealing ends at 0: in epoch 3 of 3 nothing is left
    problem = TRAINED.replace("steps = 2", 'epochs = 3\nscheduler = "CosineAnnealingLR"\nT_max = 2')
    table = "step, lr, delta w, lr*dloss/dw\n3, 0, 0, 0"
    assert statuses(table, problem) == ["right"] * 3
    assert statuses("step, lr\n3, 0.1", problem) == ["wrong"]


TERMS = st.sampled_from(["{a}^2", "3*{a}", "{a}*{b}", "{a} - 2*{b}", "{a}/4 + {b}"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TERMS, st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=4), st.data())
def test_every_derivative_of_a_line_is_its_difference_quotient(
    terms: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """Right is what a central difference of exact fractions goes to; a hundredth more is wrong."""
    names = ["w"]
    lines = []
    for place, (term, first, second) in enumerate(terms):
        lines.append((f"y{place}", term.format(a=names[first % len(names)], b=names[second % len(names)])))
        names.append(f"y{place}")
    loss = [f"{names[-1]} + {names[-2]}"]
    problem = "\n".join(f"{name} = {text}" for name, text in lines)
    problem = f'equations = """\n{problem}\nl = {loss[0]}\n"""\n[parameters]\nw = 0.5\n'
    of = data.draw(st.integers(0, len(lines) - 1))
    wrt = data.draw(st.integers(0, of))
    right = _derivative(lines, of, names[wrt])
    column = f"d{lines[of][0]}/d{names[wrt]}"
    assert statuses(f"step, {column}\n1, {right.numerator}/{right.denominator}", problem) == ["right"]
    wrong = right * Fraction(101, 100) + (right == 0)
    assert statuses(f"step, {column}\n1, {wrong.numerator}/{wrong.denominator}", problem) == ["wrong"]


def _derivative(lines: list[tuple[str, str]], of: int, wrt: str) -> Fraction:
    """By dual numbers: every line as its value and its derivative, where `wrt` is what moves."""
    known = {"w": _Dual(Fraction(1, 2), Fraction(int(wrt == "w")))}
    for name, text in lines[: of + 1]:
        value = eval(text.replace("^", "**"), {}, known)  # noqa: S307 - of the text above
        known[name] = _Dual(value.value, Fraction(1) if name == wrt else value.slope)
    return known[lines[of][0]].slope


class _Dual:
    def __init__(self, value: Fraction, slope: Fraction) -> None:
        self.value, self.slope = value, slope

    def __mul__(self, other: _Dual | int) -> _Dual:
        if isinstance(other, int):
            return _Dual(self.value * other, self.slope * other)
        return _Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    __rmul__ = __mul__

    def __add__(self, other: _Dual) -> _Dual:
        return _Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: _Dual) -> _Dual:
        return self + other * -1

    def __truediv__(self, other: int) -> _Dual:
        return _Dual(self.value / other, self.slope / other)

    def __pow__(self, power: int) -> _Dual:
        return self * self
