"""Tables that are right to the last digit but for one number: what does not follow as printed is wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Context
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tables import account
from tests.homework_checks import graded, where
from tests.problems import EXPONENTIAL, THREE_POINTS
from tests.students import Pocket, hand_in, homework, unit
from verify import Audit, Status, audit
from verify.auditing.cutting import TOLD

SQUARE = """
equations = "l = (w*x + b - y)^2"
[parameters]
w = 2
b = 1
[constants]
x = 3
y = 5
[training]
lr = 0.1
steps = 1
"""
LINE = """
equations = "p = w*x + b; l = sum((p - y)^2)/(2*n)"
[parameters]
w = 0.5
b = -0.2
[data]
x = [-1, -1, -0.4]
y = [4, 6, 0.5]
[training]
lr = 0.1
steps = 1
"""
SOFTMAX = """
equations = "z = W@x; s = softmax(z); l = -log(s[y])"
[parameters]
W = [[0.1, 0.2], [0.3, -0.1], [0, 0.5]]
[constants]
x = [1, 2]
y = 2
"""
LONG = "step,J,dJ/dw,dJ/db,w,b\n1,2.2500,-7.6667,{},1.3833,0.6167\n2,0.2898,-1.7556,-0.3111,1.4711,0.6322"
MOVED = [
    (SQUARE, "step,dl/dw,w\n1,12.00,{}", "0.80", "0.81"),
    (LINE, "step,l,dl/dw,dl/db\n1,11.30,3.92,{}", "-4.10", "-4.05"),
    (SOFTMAX, "l,dl/dz[0]\n0.6997,{}", "0.3013", "0.3016"),
    (THREE_POINTS, "step,w\n1,1.3833\n2,{}", "1.4711", "1.4712"),
    (THREE_POINTS, "step,w,b\n1,1.38333,0.61667\n2,{},0.63222", "1.47111", "1.47112"),
    (THREE_POINTS, "step,J\n1,2.2500\n2,{}", "0.2898", "0.2901"),
    (THREE_POINTS, LONG, "-2.3333", "-2.3331"),
    (THREE_POINTS, LONG, "-2.3333", "-2.3336"),
]


def audited(problem: str, table: str) -> Audit:
    return audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')


@pytest.mark.parametrize(("problem", "table", "right", "moved"), MOVED)
def test_one_number_that_does_not_follow_is_wrong(problem: str, table: str, right: str, moved: str) -> None:
    assert set(audited(problem, table.format(right)).counts) == {Status.RIGHT}
    found = audited(problem, table.format(moved))
    assert [one.claim.literal.text for one in found.findings if one.status is not Status.RIGHT] == [moved]
    assert found.first_wrong is not None
    assert found.first_wrong.status is Status.WRONG
    assert found.exit_status == 1


ADAGRAD = """
equations = "r = w*x - y; l = mean(r^2)"
[parameters]
w = 0.5
[data]
x = [-1, 3, 2]
y = [5, -3, 2]
[training]
optimizer = "Adagrad"
lr = 0.1
epochs = 3
"""
RESIDUALS = """step,loss,dl/dw,w.s,w
1,17.167,11.333,128.44,0.40000
2,16.080,10.400,236.60,0.33239
3,15.398,{},332.04,0.27878
"""


@pytest.mark.parametrize(
    ("problem", "table", "number"),
    [
        (ADAGRAD, RESIDUALS, "9.7691"),  # of the residuals -5.3324, 3.9972 and -1.3352
        (THREE_POINTS, "step,J\n1,2.2500\n2,{}", "0.2899"),  # of w = 1.3833 and b = 0.6167
    ],
)
def test_a_single_number_that_one_way_to_round_gives_with_all_others_is_open(
    problem: str, table: str, number: str
) -> None:
    """Right work may print it, and so may a slip: nothing else of the table has a trace of rounding."""
    found = audited(problem, table.format(number))
    [own] = [one for one in found.findings if one.status is not Status.RIGHT]
    assert (own.claim.literal.text, own.status, found.exit_status) == (number, Status.UNDECIDED, 3)
    assert "give it, but too few others have a trace of that" in own.why
    further = audited(problem, table.format(number[:-1] + "5"))  # no way to round takes it so far
    assert (further.exit_status, further.first_wrong is not None) == (1, True)


def test_a_single_number_by_rounding_is_not_the_first_wrong_one_of_a_slip_elsewhere() -> None:
    problem = """
equations = "z = w*x + b; p = sigmoid(z); l = -mean(y*log(p) + (1-y)*log(1-p))"
[parameters]
w = 0
b = -1
[data]
x = [2, 1.5, -1]
y = [1, 1, 1]
[training]
lr = 0.1
epochs = 3
"""
    table = """step,loss,dl/dw,dl/db,w,b
1,1.313,-0.6093,-0.7311,0.06093,-1.854
2,1.956,-0.7027,-0.8583,0.1312,-1.768
3,1.835,-0.6697,-0.8387,0.1982,-1.684
"""
    found = audited(problem, table)
    assert found.first_wrong is not None
    assert (found.first_wrong.cell.step, found.first_wrong.cell.name) == (1, "b")
    assert [one.status for one in found.findings if one.claim.literal.text == "-0.6093"] == [Status.UNDECIDED]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.sampled_from((-3, -2, -1, 1, 2, 3)))
def test_a_single_number_is_carried_only_where_it_follows_as_printed(seed: int, digits: int, units: int) -> None:
    """A table of exact numbers, each rounded once, with one of them moved by a few units of its last digit."""
    random = Random(seed)
    exact = hand_in(homework(random), Pocket(40, "half up"), is_full=False)
    once = Context(prec=digits, rounding=ROUND_HALF_UP)
    sheet = {cell: once.plus(value) for cell, value in exact.sheet.items()}
    cell = random.choice(list(sheet))
    assume(sheet[cell])
    sheet[cell] += units * unit(sheet[cell])
    table = replace(exact, sheet=sheet)  # its pocket rounds nothing on the way
    [own] = [one for one in graded(table).audit.findings if where(one) == cell]
    assert not own.on_the_way, table.text
    assert "on the way" not in own.why or own.status is Status.UNDECIDED, table.text
    assert own.claim.told != TOLD, table.text
    assert own.status is not Status.RIGHT or abs(units) == 1, table.text  # a tie is right in two ways


PRODUCT = EXPONENTIAL.replace("steps = 1", "steps = 2")


def test_the_account_says_in_which_of_two_ways_numbers_follow() -> None:
    """After w = −0.0170 of dl/dw = −2.83, step 1 is rounded on the way."""
    way = "with those on the way rounded to 3 digits"
    both = account.summary(audited(PRODUCT, "step,l,dl/dw,w\n1,0.947,-2.83,-0.0170"))
    assert any(f"numbers follow from rounded ones as printed or {way}; exactly" in line for line in both)
    only = account.summary(audited(PRODUCT, "step,l,dl/dw\n1,0.947,-2.83"))
    assert any(f"numbers follow {way}; exactly" in line for line in only)
    printed = account.summary(audited(THREE_POINTS, "step,w,b,dJ/dw\n1,1.383,0.617,\n2,,,-1.757"))
    assert any("numbers follow from rounded ones as printed; exactly" in line for line in printed)


ADAM = """
equations = "l = (w-3)^2 + w^4/4"
[parameters]
w = -1.0
[training]
optimizer = "Adam"
lr = 0.1
steps = 1
"""


def test_what_follows_from_a_number_with_zeros_at_its_end_is_no_rounding() -> None:
    """0.08100 is 0.081: its v_hat is 81, and nothing between 80.995 and 81.005."""
    table = "step,loss,dl/dw,w.m,w.v,w.m_hat,w.v_hat,w\n1,16.25000,-9.00000,-0.90000,{},-9.00000,{},-0.90000\n"
    assert audited(ADAM, table.format("0.08100", "81.00000")).exit_status == 0
    slip = audited(ADAM, table.format("0.08100", "81.00070"))
    assert [one.cell.name for one in slip.findings if one.status is Status.WRONG] == ["w.v_hat"]
    coarse = audited(ADAM, table.format("0.081", "81.00070"))  # an own number of three digits
    assert coarse.exit_status == 0


CUT = """
equations = "a = w*x; c = a + b; d = c - y; e = d^2; l = mean(e)"
[parameters]
w = 2.8
b = -2.7
[data]
x = [-3.6, -3.5, -1.5, -2.8, 3]
y = [-2, -0.3, -2.2, 1, 1.9]
[training]
optimizer = "Adam"
lr = 0.02
epochs = 1
"""


def test_a_single_number_that_follows_only_where_everything_is_cut_off_is_open() -> None:
    """The squares 116.2084, … are cut off after six digits; whoever writes all but the loss down exactly may do so."""
    table = "step,l,dl/dw,dl/db,w.m,w.v,w,b.m,b.v,b\n"
    table += "1,{},52.9080,-14.168,5.29080,2.79925,2.78000,-1.4168,0.200732,-2.68"
    found = audited(CUT, table.format("86.9498"))
    assert [one.status for one in found.findings if one.cell.name == "loss"] == [Status.UNDECIDED]
    assert found.exit_status == 3
    for number in ("86.9490", "86.9502"):  # further off, and on the other side
        assert audited(CUT, table.format(number)).exit_status == 1
    rounded_up = audited(CUT, table.replace("2.79925", "2.79926").format("86.9498"))  # exactly 2.799256…
    assert rounded_up.exit_status == 1


SOFTMAX_OF_THREE = """
equations = '''
z[i,k] = x[i]*W[k] + c[k]
p[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m)
l = -mean(sum(T[i,k]*log(p[i,k]), k), i)
'''
[parameters]
W = [-0.5, -0.3, -0.9]
c = [-0.5, -0.1, 0.6]
[data]
x = [-0.6, -0.8, -1.6]
T = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
[training]
lr = 0.2
steps = 4
"""
CUT_PROBABILITIES = """step,l,dl/dW[0],dl/dW[1],dl/dW[2],dl/dc[0],dl/dc[1],dl/dc[2],W[0],W[1],W[2],c[0],c[1],c[2]
1,1.435,0.124,0.363,-0.486,-0.184,-0.149,0.332,-0.524,-0.372,-0.802,-0.463,-0.070,0.533
2,1.334,0.100,0.326,-0.425,-0.163,-0.115,0.276,-0.544,-0.437,-0.717,-0.430,-0.047,0.477
3,1.256,0.079,0.291,-0.369,-0.144,-0.083,0.225,-0.559,-0.495,-0.643,-0.401,-0.030,0.432
4,1.200,0.062,0.259,-0.319,-0.128,-0.054,0.180,-0.571,-0.546,-0.579,-0.375,-0.019,0.396
"""


def test_what_rounding_leaves_open_is_not_wrong_by_cutting_off() -> None:
    """Only the probabilities, the gradients and the parameters are cut off, and not every result on the way."""
    found = audited(SOFTMAX_OF_THREE, CUT_PROBABILITIES)
    assert not [one for one in found.findings if one.status.is_refused]
    wrong = audited(SOFTMAX_OF_THREE, CUT_PROBABILITIES.replace("0.332", "0.232"))
    assert wrong.first_wrong is not None
    assert wrong.first_wrong.claim.literal.text == "0.232"
