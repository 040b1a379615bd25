"""What all wrong numbers of a table have in common: one factor, also where each rests on the wrong ones before it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import audit

FALLING = 'equations = "l = (w - 3)^2/2 + w"\n[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 4\n'  # dl/dw = w − 2
FACTORS = [Fraction(1, 2), Fraction(5), Fraction(-1), Fraction(2), Fraction(-2, 3)]


def table(factor: Fraction, spoiled: int = 0) -> str:
    """Four steps of a student whose gradient is wrong by a factor, and who goes on with it, in four decimals.

    In the step `spoiled` the factor is another one.
    """
    w, rows = Fraction(1), ["step,dl/dw,w"]
    for step in range(1, 5):
        gradient = round((w - 2) * (factor if step != spoiled else factor * Fraction(7, 5)), 4)
        w = round(w - gradient / 10, 4)
        rows.append(f"{step},{float(gradient):.4f},{float(w):.4f}")
    return "\n".join(rows)


def remarks(rows: str) -> str:
    found = audit(f'{FALLING}[claims]\ntable = """\n{rows}\n"""\n')
    return " ".join(remark for finding in found.findings for remark in finding.remarks)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_in_each_step_is_named(factor: Fraction) -> None:
    """Only in the first step is the gradient that factor times the right one; then it is of what follows."""
    times = "times" if factor.denominator == 1 else "of"
    assert f"All 4 numbers that are wrong where they stand are {factor} {times} the right ones, by the" in remarks(
        table(factor)
    )


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(FACTORS), st.integers(1, 4))
def test_no_factor_is_named_where_one_step_has_another(factor: Fraction, spoiled: int) -> None:
    assert "wrong where they stand" not in remarks(table(factor, spoiled))
