"""What is said of a number beside the author's earlier ones, and numbers beyond float64."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.audited import cell, claim
from verify import audit
from verify.auditing import judgement
from verify.following.finding import Finding, Status
from verify.numbers import from_fraction

HUGE = """
equations = "l = (w*x-3.5)^2"
{rounded}
[parameters]
w = 1.25
[constants]
x = 1.5
[training]
scheduler = "ExponentialLR"
lr = 0.3
gamma = 0.9
steps = 2
[claims]
table = "step,l,w,lr\\n1,2.5e400,3e390,{lr}\\n2,1e500,1e400,0.27"
"""


@pytest.mark.parametrize("rounded", ["", 'rounded = ["w"]'])
@pytest.mark.parametrize("lr", ["0.3", "1e400"])
def test_numbers_beyond_float64_are_refused(rounded: str, lr: str) -> None:
    """Rounded to so few digits, inputs explain nothing either."""
    found = audit(HUGE.format(rounded=rounded, lr=lr)).findings
    assert found[1 if lr == "0.3" else 0].status.is_refused
    assert not any("would be right if" in remark for one in found for remark in one.remarks)


def wrong(text: str) -> Finding:
    """A number that is not right at its digits; the right one is 9."""
    return Finding(claim(cell(2, "after", "w"), text), Status.WRONG, from_fraction(Fraction(9)))


def test_a_number_that_some_inputs_give_is_no_sign_of_work_by_hand() -> None:
    carried = replace(wrong("2.50"), status=Status.CARRIED)
    assert judgement._is_by_hand([wrong("2.50"), carried])
    assert not judgement._is_by_hand([wrong("2.50"), replace(carried, allowed=(2.0, 3.0))])


COARSE = """
equations = "a = sin(x)\\nl = mean(min(c, a)) + w^2"
[parameters]
w = 1
[constants]
c = 0.1
[data]
x = [3, 0, 2]
[training]
lr = 0.43
steps = 2
[claims]
table = '''
step, a[1], dl/da[1], w
1,    0.00, 0.3333,   0.1
2,    ,     ,         0.015
'''
"""


def test_a_right_adjoint_stays_right_beside_one_that_is_undecided() -> None:
    """It was called carried: that it follows from the line before it, as printed, says no more."""
    found = {(one.cell.name, one.cell.step): one.status.value for one in audit(COARSE).findings}
    assert found["dl/da[1]", 1] == "right"
    assert found["w", 2] == "undecided"
