"""What is said of a claim was checked: it explains the digits, and it is possible."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import audit as shown
from tables.account import sentence
from tables.text.audit import to_text
from verify import audit
from verify.auditing.pipeline import Audit
from verify.claims.literal import judge, read_literal
from verify.following.finding import Status
from verify.numbers import from_fraction


def claimed(table: str, problem: str) -> Audit:
    return audit(f'{problem}\n[claims]\ntable = """\n{table}\n"""\n')


LOOKUP = """
equations = "l = sum((r[i] - q[v[i]]*c[i])^2, i)"
[parameters]
q = [1, 2]
[data]
v = [0, 1]
r = [3, 5]
c = [1, 1]
[training]
optimizer = "SGD"
lr = 0.1
batch_size = 1
epochs = 1
"""


def test_an_entry_that_a_step_leaves_alone_has_no_number_before_the_update() -> None:
    found = claimed("step, q[0], q[1]\n1, 1.5, 2\n2, 1.5, 2.6", LOOKUP)
    assert [f.status.value for f in found.findings] == ["wrong", "right", "inherited", "right"]
    assert not any(finding.remarks for finding in found.findings)
    [moved] = claimed("step, q[0]\n1, 1.0", LOOKUP).findings  # 1.4 by the step
    assert moved.remarks == ("It is q before the update",)


FROZEN = """
equations = \"\"\"
pred = dot(w, x)
l = (pred - t)^2/2
\"\"\"
frozen = ["w[0]"]
[parameters]
w = [0.1, 0.2, -0.1]
[constants]
x = [8.5, 0.65, 1.2]
t = 1
[training]
lr = 0.3
steps = 2
"""


def test_a_gradient_of_0_of_a_frozen_entry_is_right_for_the_update_and_said_to_be() -> None:
    found = claimed("step, dl/dw[0]\n1, 0\n2, 0", FROZEN)
    assert [f.status for f in found.findings] == [Status.RIGHT, Status.RIGHT]
    assert sentence(found, found.findings[0]) == (
        "step 1, dl/dw[0] = 0 is right: the entry is frozen, and 0 is right for the update; by the loss it is -1.19"
    )
    assert "by the loss it is -0.5250875" in to_text(found).replace("\n  ", " ")
    assert found.exit_status == 0
    by_loss = claimed("step, dl/dw[0], dl/dw[1]\n1, -1.19, 0.00\n2, -0.525, 0.000", FROZEN)
    assert [f.status.value for f in by_loss.findings] == ["right", "wrong", "right", "wrong"]


def test_it_is_not_right_where_other_numbers_rest_on_it_or_nothing_is_updated() -> None:
    clipped = FROZEN.replace("steps = 2", "steps = 2\nclip_grad_norm = 0.5")  # the norm is that of all entries
    assert claimed("step, dl/dw[0]\n1, 0", clipped).exit_status == 1
    assert claimed("step, dl/dw[0]\n1, 0", FROZEN.partition("[training]")[0]).exit_status == 1


@pytest.mark.parametrize(("text", "right"), [("0", "-0.525"), ("0", "-0.5250875"), ("0.00", "-0.0051"), ("-0", "0.51")])
def test_a_zero_is_not_rounded_twice(text: str, right: str) -> None:
    assert judge(read_literal(text), from_fraction(Fraction(right))) == "wrong"


BLAMED = """
equations = \"\"\"
r = w*x
h = tanh(r)
l = v*h^2
\"\"\"
[parameters]
w = 2
v = 3
[constants]
x = 0.5
"""


def test_an_integer_is_exact_where_the_column_does_not_show_otherwise() -> None:
    found = claimed("step, r, h, dl/dh, dl/dr\n1, 1, 0.7615942, 4.569565, 0", BLAMED)
    wrong = found.findings[-1]
    assert wrong.status is Status.WRONG
    assert wrong.remarks == ()
    assert wrong.follows is not None
    assert wrong.follows == pytest.approx((1.9191, 1.9191), abs=1e-4)
    # r = 1.2 printed as 1: the number is rounded, and what was calculated from it is carried
    rounded = claimed("step, r, dl/dh\n1, 1, 4.57", BLAMED.replace("x = 0.5", "x = 0.6"))
    assert rounded.findings[-1].status is Status.CARRIED


FACTOR = 'equations = "l = mean(w*x)"\n[parameters]\nw = [2, 3, 5]\n[constants]\nx = [7, 14, 21]\n'


def test_one_factor_of_all_wrong_numbers_is_told() -> None:
    found = claimed("step, l, dl/dw[0], dl/dw[1], dl/dw[2]\n1, 23.0, 1.0, 2.0, 3.0", FACTOR)
    told = "All 4 numbers that are wrong where they stand are 3/7 of the right ones"
    assert [finding.remarks for finding in found.findings] == [(told,), (), (), ()]
    assert shown.claims(found)["status"].eq("wrong").all()


@settings(max_examples=50, deadline=None)
@given(st.integers(-12, 12).filter(bool), st.integers(1, 12), st.booleans())
def test_a_factor_is_told_only_where_it_is_that_of_all(top: int, bottom: int, one_differs: bool) -> None:
    factor = Fraction(top, bottom)
    right = [Fraction(161, 3), Fraction(7, 3), Fraction(14, 3), Fraction(7)]
    wrong = [float(number * factor) for number in right]
    wrong[2] *= 1.07 if one_differs else 1
    table = "step, l, dl/dw[0], dl/dw[1], dl/dw[2]\n1, " + ", ".join(f"{number:.6f}" for number in wrong)
    remarks = [remark for finding in claimed(table, FACTOR).findings for remark in finding.remarks]
    if factor == 1 or one_differs:
        assert not any("of the right ones" in remark or "times the right" in remark for remark in remarks)
    else:
        times = "times" if factor.denominator == 1 else "of"
        assert remarks == [f"All 4 numbers that are wrong where they stand are {factor} {times} the right ones"]


@settings(max_examples=50, deadline=None)
@given(st.permutations([0, 1, 2]), st.lists(st.integers(-3, 3), min_size=3, max_size=3), st.data())
def test_a_number_before_the_update_is_one_that_the_update_moves(
    order: list[int], starts: list[int], data: st.DataObject
) -> None:
    """Each step moves one entry of q, halfway to its target; a claim is what that entry was, before or after."""
    problem = LOOKUP.replace("[1, 2]", str(starts)).replace("[0, 1]", str(order)).replace("[1, 1]", "[1, 1, 1]")
    problem = problem.replace("[3, 5]", "[4, 6, 8]").replace("lr = 0.1", "lr = 0.25")
    held = [Fraction(start) for start in starts]
    after = []
    for row, entry in enumerate(order):
        held[entry] += (4 + 2 * row - held[entry]) / 2
        after.append(list(held))
    step, entry = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 2))
    claim = data.draw(st.sampled_from([Fraction(starts[entry]), after[-1][entry], Fraction(1, 3)]))
    [finding] = claimed(f'step, "q[{entry}]"\n{step}, {claim.numerator}/{claim.denominator}', problem).findings
    before = Fraction(starts[entry]) if step == 1 else after[step - 2][entry]
    right = after[step - 1][entry]
    assert (finding.status is Status.RIGHT) == (claim == right)
    if finding.remarks:
        assert "before the update" in finding.remarks[0]
        assert claim == before
        assert before != right
