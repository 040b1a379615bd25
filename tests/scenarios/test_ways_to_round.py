"""Right tables of people who round in a way of their own, each the smallest that was once called wrong."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import exp, log

import pytest

from verify import Audit, Status, audit


def audited(problem: str, table: str) -> Audit:
    return audit(f'{problem}[claims]\ntable = """\n{table}"""\n')


TWO_DIGITS = """
equations = "p = w*x + b; r = p - y; J = mean(r^2)"
[parameters]
w = -0.8
b = -0.5
[data]
x = [4.5, -2, -1.7, -0.8, 5]
y = [5.3, 7.8, 5.3, 0, 7.5]
[training]
optimizer = "RMSprop"
alpha = 0.9
lr = 0.04
batch_size = 1
steps = 4
"""
IN_TWO_DIGITS = """step,J,dJ/dw,dJ/db,w.v,b.v,w,b
1,88,-85,-19,720,35,-0.67,-0.37
2,47,27,-14,720,50,-0.71,-0.29
3,19,15,-8.8,670,53,-0.73,-0.24
4,0.12,-0.55,0.69,{last},48,-0.73,-0.24
"""


@pytest.mark.parametrize(("last", "is_wrong"), [("600", False), ("602", False), ("640", True), ("540", True)])
def test_a_zero_at_the_end_of_an_integer_is_no_digit_where_no_number_has_more(last: str, is_wrong: bool) -> None:
    """0.9·670 + 0.1·0.55² = 603.03, by two digits 600; one who writes 602 knows more, and two digits may give 620."""
    found = audited(TWO_DIGITS, IN_TWO_DIGITS.format(last=last))
    refused = [(one.cell.step, one.cell.name) for one in found.findings if one.status.is_refused]
    assert ((4, "w.v") in refused) == is_wrong
    assert bool(refused) == is_wrong


SIGMOID = """
equations = "z = w*x + b; p = sigmoid(z); L = -mean(y*log(p) + (1 - y)*log(1 - p))"
[parameters]
w = -0.6
b = 0.3
[data]
x = [3.3, -1]
y = [0, 1]
[training]
optimizer = "RMSprop"
alpha = 0.9
lr = 0.5
steps = 5
"""
PARAMETERS_ROUNDED = """step,L,dL/dw,dL/db,w.v,b.v,w,b
1,0.256,0.404,-0.066,0.016,0.000,-2.181,1.881
2,0.011,0.017,-0.006,0.015,0.000,-2.249,2.032
3,0.009,0.014,-0.005,0.013,0.000,-2.311,{b}
4,0.008,0.013,-0.004,0.012,0.000,-2.369,2.252
5,0.007,0.011,-0.003,0.011,0.000,-2.423,2.339
"""


@pytest.mark.parametrize(("b", "status"), [("2.152", Status.CARRIED), ("2.125", Status.WRONG)])
def test_who_rounds_only_the_parameters_goes_on_with_these(b: str, status: Status) -> None:
    """B is 2.1526 from the exact ones, and 2.1523 from -2.249 and 2.032 with all else in full; its v shows no digit."""
    found = audited(SIGMOID, PARAMETERS_ROUNDED.format(b=b))
    [own] = [one for one in found.findings if (one.cell.step, one.cell.name) == (3, "b")]
    assert own.status is status


SOFTMAX = """
equations = '''
z0 = w0*x + b0
z1 = w1*x + b1
z2 = w2*x + b2
s = exp(z0) + exp(z1) + exp(z2)
p0 = exp(z0)/s
p1 = exp(z1)/s
p2 = exp(z2)/s
L = -mean(t0*log(p0) + t1*log(p1) + t2*log(p2))
'''
[parameters]
w0 = -0.3
w1 = 0.2
w2 = -0.5
b0 = -1.0
b1 = -0.3
b2 = 0.9
[data]
x = [-0.6, 2.7, 1.8]
t0 = [0, 1, 0]
t1 = [1, 0, 0]
t2 = [0, 0, 1]
[training]
optimizer = "RMSprop"
alpha = 0.9
lr = 0.91
steps = 2
"""
LINES_ROUNDED = """step,L,dL/dw0,dL/dw1,dL/dw2,w0.v,w1.v,w2.v,w0,w1,w2,b0,b1,b2
1,1.755629,-0.792363,1.002190,-0.209827,0.062784,0.100438,0.004403,2.577671,-2.677679,2.377586,1.877684,-3.176865,-1.977505
2,{loss},0.409835,{dw1},-0.584373,0.073302,0.093441,0.038112,1.200168,-3.197268,5.101545,-0.814218,-0.384192,0.600137
"""


@pytest.mark.parametrize(
    ("loss", "dw1", "accepted"),
    [
        ("2.101130", "0.174537", True),
        ("2.101310", "0.174537", False),  # two digits swapped
        ("2.101130", "0.147537", False),
    ],
)
def test_lines_that_are_rounded_beside_gradients_by_another_formula(loss: str, dw1: str, accepted: bool) -> None:
    """z, s and p are rounded to six places, and the gradients are the means of (p - t)·x, which the chain rule has not.

    One p is 0.000000, whose logarithm nobody takes, as it is multiplied by 0.
    """
    found = audited(SOFTMAX, LINES_ROUNDED.format(loss=loss, dw1=dw1))
    assert (not any(one.status.is_refused for one in found.findings)) == accepted
    if accepted:
        assert {one.status for one in found.findings} <= {Status.RIGHT, Status.CARRIED}


TWO_PLACES = """
equations = "z = w1*x1 + w2*x2 + b; p = sigmoid(z); L = -mean(y*log(p) + (1-y)*log(1-p))"
[parameters]
w1 = 0.3
w2 = -0.3
b = 0.2
[data]
x1 = [-1, 4, 0.8, -0.3, 3.7]
x2 = [-0.4, -1, 0.9, 1.0, 0]
y = [0, 1, 0, 1, 0]
[training]
lr = 0.71
steps = 5
"""
IN_TWO_PLACES = """step,L,dL/dw1,dL/dw2,dL/db,w1,w2,b
1,0.80,0.48,-0.02,0.23,-0.04,-0.28,0.04
2,0.69,-0.02,0.02,0.09,-0.02,-0.29,-0.02
3,0.68,-0.01,0.01,0.08,-0.01,-0.30,-0.08
4,0.68,-0.02,0.01,0.07,0.00,-0.30,-0.13
5,0.67,-0.02,0.00,0.06,0.01,-0.30,-0.17
"""


def test_a_table_that_rounds_cuts_nothing_off() -> None:
    """dL/dw1 of step 3 is -0.0184 exactly, and -0.01 from the rounded parameters: 0.48 for 0.4778 shows who rounds."""
    found = audited(TWO_PLACES, IN_TWO_PLACES)
    assert {one.status for one in found.findings} == {Status.RIGHT, Status.CARRIED}


SIX_PLACES = """
equations = "p = w1*x1 + w2*x2 + b; r = p - y; J = mean(r^2)"
[parameters]
w1 = -1.0
w2 = 1.7
b = -0.7
[data]
x1 = [-2, -0.9]
x2 = [-1.9, 4]
y = [5.8, 6]
[training]
lr = 0.04
steps = 4
"""
IN_SIX_PLACES = """step,J,dJ/dw1,dJ/dw2,dJ/db,w1,w2,b
1,30.376450,14.560000,18.687000,-6.730000,-1.582400,0.952520,-0.430800
2,12.602532,10.828480,4.477757,-6.072348,-2.015539,0.773410,-0.187906
3,6.689350,8.004867,1.388859,-4.706588,-2.335734,0.717856,0.000358
4,3.631678,5.907651,0.630762,-3.518157,-2.572040,0.692626,0.141084
"""


def test_numbers_that_follow_as_printed_are_no_residue_where_pytorch_prints_one_of_eight() -> None:
    """Of the eight that are off, float32 PyTorch prints dJ/dw1 = 8.004867 by chance, and seven otherwise."""
    found = audited(SIX_PLACES, IN_SIX_PLACES)
    assert found.counts.get(Status.RESIDUE, 0) == 0
    assert found.counts[Status.CARRIED] == 8
    assert found.exit_status == 0


LINE = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0.6
[data]
x = [1, 2]
y = [1, 2.5]
[training]
lr = 0.1
steps = {steps}
"""


@pytest.mark.parametrize("steps", [3, 3001])
@pytest.mark.parametrize("is_right", [True, False])
def test_no_gradient_is_0_in_a_column_of_numbers_with_digits_after_the_point(steps: int, is_right: bool) -> None:
    """dl/dw is 5*w - 6: -3, -1.5, -0.75 and so on, of which none is 0 to any digit after the point before the 12th."""
    w, rows = Fraction(3, 5), []
    for step in range(steps):
        gradient = 5 * w - 6
        rows.append(f"{float(gradient):.3f}")
        w -= gradient / 10 if step < 60 else 0
    rows[2] = rows[2] if is_right else "0"
    table = "".join(f"{step},{number}\n" for step, number in enumerate(rows, 1))
    found = audited(LINE.format(steps=steps), f"step,dl/dw\n{table}")
    assert (found.exit_status == 0) == is_right
    assert found.findings[2].status is (Status.RIGHT if is_right else Status.WRONG)


LOGISTIC = """
equations = "z = w1*x1 + w2*x2 + b; p = sigmoid(z); L = -mean(y*log(p) + (1-y)*log(1-p))"
[parameters]
w1 = 0.3
w2 = 0.1
b = -1.0
[data]
x1 = [-2.0, 2.4, -0.4, 4]
x2 = [2.9, -1.9, 1.1, 1]
y = [0, 1, 1, 1]
[training]
optimizer = "RMSprop"
alpha = 0.9
lr = 0.45
steps = 4
"""
FROM_ROUNDED_P = """step,L,dL/dw1,dL/dw2,dL/db,w1,b
1,0.7673,-0.8278,0.1384,-0.3904,1.7233,0.4250
2,0.4735,0.0814,{dw2},-0.2128,1.5765,1.1348
3,0.1536,-0.0116,-0.0385,-0.0778,1.5985,1.4033
4,0.1409,-0.0734,0.0657,-0.0248,1.7448,1.4932
"""


@pytest.mark.parametrize(("dw2", "is_right"), [("-0.2330", True), ("0.2330", False), ("-0.2530", False)])
def test_gradients_are_p_minus_y_of_the_rounded_p(dw2: str, is_right: bool) -> None:
    """Z and p have four places; w2 and its state, which are not shown, are carried so as well."""
    found = audited(LOGISTIC, FROM_ROUNDED_P.format(dw2=dw2))
    [own] = [one for one in found.findings if (one.cell.step, one.cell.name) == (2, "dL/dw2")]
    assert own.status is (Status.CARRIED if is_right else Status.WRONG)
    assert (found.exit_status == 0) == is_right
    if is_right:
        assert own.on_the_way == "rounded to 4 digits after the point"
        assert {one.status for one in found.findings} == {Status.RIGHT, Status.CARRIED}


SKIPPED = """
equations = "p = w*x + b; l = mean((p - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [-1, -2]
[training]
lr = 0.1
steps = 2
"""


def test_a_parameter_that_was_not_updated_is_not_right_for_its_one_digit() -> None:
    """B is -0.3000 after the first step, and the second row goes on from 0: 0 was right, to half of 1."""
    found = audited(SKIPPED, "step,dl/dw,dl/db,w,b\n1,5.000,3.000,-0.5000,0\n2,2.500,1.500,-0.7500,-0.1500\n")
    assert found.first_wrong is not None
    assert (found.first_wrong.cell.step, found.first_wrong.cell.name) == (1, "b")
    assert found.counts[Status.WRONG] == 1


@pytest.mark.parametrize("steps", [6, 3001])
def test_a_column_of_zeros_stands_for_as_many_places_as_the_table_has(steps: int) -> None:
    """dl/dw is 0.3, 0.15 and so on beside w of three places: a long table was right to half of 1."""
    w, rows = Fraction(126, 100), []
    for step in range(1, steps + 1):
        w -= (5 * w - 6) / 10 if step < 60 else 0
        rows.append(f"{step},0,{float(w):.3f}\n")
    found = audited(LINE.format(steps=steps).replace("w = 0.6", "w = 1.26"), f"step,dl/dw,w\n{''.join(rows)}")
    assert found.first_wrong is not None
    assert (found.first_wrong.cell.step, found.first_wrong.cell.name) == (1, "dl/dw")


HIDDEN_GRADIENTS = """
equations = "p = w*x + b; L = mean((p - y)^2)"
[parameters]
w = 0.3
b = 0.1
[data]
x = [-1.8, 2.3, -2.8, -0.6]
y = [-0.5, -1.7, 0.2, 1.9]
[training]
lr = 0.013
steps = 3
"""


def of_rounded_gradients(places: int) -> list[dict[str, str]]:
    """The table of somebody who goes on with gradients of so many places, and prints only losses and parameters."""
    w, b, rows = Decimal("0.3"), Decimal("0.1"), []
    x, y = ([Decimal(text) for text in texts.split()] for texts in ("-1.8 2.3 -2.8 -0.6", "-0.5 -1.7 0.2 1.9"))
    for step in range(1, 4):
        off = [w * one + b - other for one, other in zip(x, y, strict=True)]
        loss = sum((own * own for own in off), Decimal(0)) / 4
        by_w, by_b = sum((2 * own * one for own, one in zip(off, x, strict=True)), Decimal(0)) / 4, sum(off) / 2
        w -= Decimal("0.013") * round(by_w, places)
        b -= Decimal("0.013") * round(by_b, places)
        rows.append({"step": str(step), "L": f"{loss:.5f}", "w": f"{w:.5f}", "b": f"{b:.5f}"})
    return rows


@pytest.mark.parametrize("places", [1, 2, 3])
def test_gradients_that_are_in_no_column_may_be_rounded_to_fewer_places(places: int) -> None:
    found = audit(HIDDEN_GRADIENTS, claims=of_rounded_gradients(places))
    assert not any(one.status.is_refused for one in found.findings)
    assert any("(the gradients)" in one.why for one in found.findings)


@pytest.mark.parametrize(("step", "name"), [(1, "w"), (2, "b"), (3, "w")])
def test_beside_rounded_gradients_a_slip_is_found(step: int, name: str) -> None:
    rows = of_rounded_gradients(2)
    rows[step - 1][name] = f"{Decimal(rows[step - 1][name]) + Decimal('0.00070'):.5f}"
    first = next(one for one in audit(HIDDEN_GRADIENTS, claims=rows).findings if one.status.is_refused)
    assert (first.cell.step, first.cell.name) == (step, name)


CROSS_ENTROPY = """
equations = "z = X@W + b; L = cross_entropy(z, t)"
[parameters]
W = [[{W}]]
b = [{b}]
[data]
X = [[-2], [-0.5], [2.4]]
t = [0, 0, 1]
[training]
lr = 0.5
steps = 2
"""


def of_rounded_shares(digits: int) -> tuple[str, list[dict[str, str]]]:
    """The table of somebody who writes down p = softmax(z), rounded, and prints only the loss, gradients, parameters.

    The losses and gradients are calculated from the rounded z and p at once.
    """

    def rounded(value: float) -> float:
        return float(round(Decimal(repr(value)), digits))

    weights, biases, rows = [0.4, -0.9], [0.5, 0.2], []
    x, t = [-2.0, -0.5, 2.4], [0, 0, 1]
    text = CROSS_ENTROPY.format(W=", ".join(map(str, weights)), b=", ".join(map(str, biases)))
    for step in (1, 2):
        z = [[rounded(w * one + b) for w, b in zip(weights, biases, strict=True)] for one in x]
        p = [[rounded(exp(own) / sum(map(exp, row))) for own in row] for row in z]
        loss = sum(-log(row[label]) for row, label in zip(p, t, strict=True)) / 3
        off = [[row[k] - (label == k) for row, label in zip(p, t, strict=True)] for k in (0, 1)]
        by_w = [rounded(sum(o * one for o, one in zip(row, x, strict=True)) / 3) for row in off]
        by_b = [rounded(sum(row) / 3) for row in off]
        weights = [rounded(w - 0.5 * g) for w, g in zip(weights, by_w, strict=True)]
        biases = [rounded(b - 0.5 * g) for b, g in zip(biases, by_b, strict=True)]
        named = {f"dL/dW[0,{k}]": g for k, g in enumerate(by_w)} | {f"dL/db[{k}]": g for k, g in enumerate(by_b)}
        named |= {f"W[0,{k}]": w for k, w in enumerate(weights)} | {f"b[{k}]": b for k, b in enumerate(biases)}
        numbers = {"L": loss, **named}
        rows.append({"step": str(step)} | {name: f"{value:.{digits}f}" for name, value in numbers.items()})
    return text, rows


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_shares_of_a_cross_entropy_that_are_rounded_and_on_no_line(digits: int) -> None:
    text, rows = of_rounded_shares(digits)
    found = audit(text, claims=rows)
    assert {one.status for one in found.findings} <= {Status.RIGHT, Status.CARRIED}
    assert Status.CARRIED in {one.status for one in found.findings}
    rows[0]["L"] = f"{float(rows[0]['L']) + 40 * 10.0**-digits:.{digits}f}"
    [loss] = [one for one in audit(text, claims=rows).findings if (one.cell.step, one.cell.name) == (1, "loss")]
    assert loss.status is Status.WRONG


def of_rounded_steps() -> list[dict[str, str]]:
    """The table of somebody who rounds losses, gradients and parameters to three places and goes on with these."""
    w, b, rows = Decimal("0.3"), Decimal("0.1"), []
    x, y = ([Decimal(text) for text in texts.split()] for texts in ("-1.8 2.3 -2.8 -0.6", "-0.5 -1.7 0.2 1.9"))
    for step in range(1, 4):
        off = [w * one + b - other for one, other in zip(x, y, strict=True)]
        loss = round(sum((own * own for own in off), Decimal(0)) / 4, 3)
        by_w = round(sum((2 * own * one for own, one in zip(off, x, strict=True)), Decimal(0)) / 4, 3)
        by_b = round(sum(off) / 2, 3)
        w, b = round(w - Decimal("0.013") * by_w, 3), round(b - Decimal("0.013") * by_b, 3)
        numbers = {"step": step, "L": loss, "dL/dw": by_w, "dL/db": by_b, "w": w, "b": b}
        rows.append({name: str(number) for name, number in numbers.items()})
    return rows


@pytest.mark.parametrize(("step", "name"), [(1, "w"), (1, "dL/dw"), (2, "w"), (2, "b"), (1, "b")])
def test_what_follows_from_the_right_number_in_place_of_one_that_is_copied_wrongly(step: int, name: str) -> None:
    """The slip is in the table alone: what is after it was calculated from the right number, rounded."""
    rows = of_rounded_steps()
    assert not any(one.status.is_refused for one in audit(HIDDEN_GRADIENTS, claims=rows).findings)
    rows[step - 1][name] = str(Decimal(rows[step - 1][name]) + Decimal("0.090"))
    found = audit(HIDDEN_GRADIENTS, claims=rows).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status.is_refused] == [(step, name)]
    said = f"it follows with the right number in place of step {step}, {name}"
    if name != "dL/dw":
        assert any(one.why == said for one in found if one.cell.step > step)


@pytest.mark.parametrize("name", ["w", "b", "dL/dw"])
def test_what_follows_from_neither_is_wrong(name: str) -> None:
    rows = of_rounded_steps()
    rows[0]["w"] = str(Decimal(rows[0]["w"]) + Decimal("0.090"))
    rows[1][name] = str(Decimal(rows[1][name]) + Decimal("0.050"))
    found = audit(HIDDEN_GRADIENTS, claims=rows).findings
    assert {(1, "w"), (2, name)} <= {(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG}


SMALL = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0.3, 0.2]
y = [-0.1, -0.6]
[training]
lr = 0.001
steps = 2
"""


@pytest.mark.parametrize("zero", ["0.000", "-0.000"])
def test_a_small_negative_number_that_is_cut_off(zero: str) -> None:
    """Of -0.0007 either zero is left, whether the minus is written or not."""
    table = f"step,loss,dl/dw,dl/db,w,b\n1,0.185,0.150,0.700,0.000,{zero}\n2,0.184,0.149,0.698,0.000,-0.001\n"
    found = audited(SMALL, table).findings
    assert {(one.cell.step, one.cell.name) for one in found if one.status is Status.TRUNCATED} == {
        (1, "b"),
        (2, "dl/dw"),
        (2, "dl/db"),
    }
    assert all(one.status.is_accepted for one in found)


def test_lines_that_are_cut_off_of_somebody_who_goes_on_with_every_digit() -> None:
    """By chance some are what the printed ones before them give, rounded up: 2.3780 squared is 5.6549."""
    problem = """
equations = "a = w*x; c = exp(a); o = v*c; d = o - y; e = d^2; l = mean(e)"
[parameters]
w = -0.1
v = -1.1
[data]
x = [-0.7, -1.5, 1.3]
y = [-1.1, 1.1, 1.2]
[training]
lr = 0.01
"""
    table = "step,a[0],a[1],a[2],c[0],c[1],c[2],o[0],o[1],o[2],d[0],d[1],d[2],e[0],e[1],e[2],l\n"
    table += "1,0.07,0.15,-0.13,1.0725,1.1618,0.87809,-1.1797,-1.2780,-0.96590,-0.079758,-2.3780,-2.1659,0.0063614,"
    found = audited(problem.replace("; ", "\\n"), f"{table}5.6549,4.6911,3.4508\n").findings
    assert all(one.status.is_accepted for one in found)


BESIDE_A_SLIP = """
equations = "p = w*x + v*z + b; l = mean((p - y)^2)/2"
[parameters]
w = {w}
v = {v}
b = {b}
[data]
x = {x}
z = {z}
y = {y}
[training]
optimizer = "Adam"
lr = {lr}
batch_size = {batch_size}
steps = {steps}
"""


def test_a_number_that_is_cut_off_on_the_way_is_open_beside_a_slip() -> None:
    """Every result is cut off after 5 places; lr was forgotten in the last b."""
    problem = BESIDE_A_SLIP.format(
        w=-0.6,
        v=0.1,
        b=-0.2,
        x=[2, -2, 1, 0, -1],
        z=[-3, 2, 0, 1, -2],
        y=[0, 4, 3, 6, 5],
        lr=0.05,
        batch_size=1,
        steps=3,
    )
    table = "step,l,w,v,b\n1,1.44500,-0.55000,0.05000,-0.15000\n2,4.35125,-0.56552,0.05625,-0.10101\n"
    found = audited(problem.replace("; ", "\\n"), f"{table}3,6.72172,-0.56093,0.06108,0.88237\n")
    wrong = [(one.cell.step, one.cell.name) for one in found.findings if one.status.is_refused]
    assert wrong == [(3, "b")]
    right = audited(problem.replace("; ", "\\n"), f"{table}3,6.72172,-0.56093,0.06108,-0.05184\n")
    assert all(one.status.is_accepted for one in right.findings)


def test_gradients_by_their_own_formula_and_all_numbers_of_the_update_are_rounded() -> None:
    """To 3 places: dl/dw as the mean of (p - y)*x, and m_hat and v_hat; w was not updated in step 3."""
    problem = BESIDE_A_SLIP.format(
        w=0, v=0, b=0, x=[2, -3, 0, 2], z=[3, -2, 1, 4], y=[-1, 1, 3, 2], lr=0.2, batch_size=2, steps=4
    )
    table = "step,dl/dw,dl/dv,dl/db,w,v,b\n1,2.500,2.500,0.000,-0.204,-0.204,0.000\n"
    table += "2,-3.224,-8.050,-3.214,-0.168,-0.102,0.151\n3,0.721,0.905,0.184,-0.168,-0.037,0.260\n"
    found = audited(problem.replace("; ", "\\n"), f"{table}4,-2.224,-5.837,-2.501,-0.110,0.073,0.403\n")
    assert [(one.cell.step, one.cell.name) for one in found.findings if one.status is Status.WRONG] == [(3, "w")]


ADADELTA = """
equations = "p = w*x + b; l = mse(p, y)"
[parameters]
w = -1
b = 0
[data]
x = [2.2, -1.8, -1.8, 2.7]
y = [2.2, -3, 2, -2]
[training]
optimizer = "Adadelta"
lr = 1
batch_size = 1
steps = 2
shuffle = false
""".replace("; ", "\\n")


@pytest.mark.parametrize(
    ("w", "status"), [("-0.9946", Status.CARRIED), ("-0.9938", Status.RIGHT), ("-1.9946", Status.WRONG)]
)
def test_a_mean_of_squares_that_is_printed_as_0_is_not_below_it(w: str, status: Status) -> None:
    """With u = 0.0000 as printed Δ is 0.001/√63.5603·17.2706 = 0.0022, and w is -0.9946; in full it is -0.9938."""
    table = "step,loss,dl/dw,dl/db,w.v,w.u,w,b.v,b.u,b\n"
    table += "1,19.3600,-19.3600,-8.8000,37.4810,0.0000,-0.9968,7.7440,0.0000,0.0032\n"
    table += f"2,23.0150,-17.2706,9.5948,63.5603,0.0000,{w},16.1756,0.0000,0.0008\n"
    found = {(one.cell.step, one.cell.name): one.status for one in audit(ADADELTA, claims=table).findings}
    assert found[2, "w"] is status
    assert not [place for place, one in found.items() if one.is_refused and place != (2, "w")]
