"""Gradients of max, min, |x|, where and clip inside one another: proved in other words, a change refuted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derive.algebra.expression import Expr, size
from derive.chain.derivation import differentiate
from derive.chain.formulas import Formulas
from derive.errors import Place
from derive.problem.loading import load
from derive.show.notation import Ascii
from tests.piecewise import X, Y, anywhere, call, formulas, number
from verify.formulas.judge import FormulaFinding, judge_formula

MANY = 300
NEAR = Fraction(1, 10**9)  # of the exponentials, which are floats here


def judged(text: str, key: str, claim: str) -> FormulaFinding:
    problem = load(text)
    return judge_formula(problem, differentiate(problem.graph), key, claim, Place("claim", None, 1, claim))


def points() -> list[Mapping[str, Fraction]]:
    """Points off every kink, a quarter of them close to where whole numbers are compared."""
    random = Random(3)
    found = []
    for number_ in range(MANY):
        x, y = (Fraction(random.randint(-3000, 3000), 997) for _ in "xy")
        close = Fraction(random.choice((-1, 1)), 10**4 + 7)
        ends = [(x, y), (x, y), (x, x + close), (x, -x + close), (round(x) + close, y), (x, round(y) + close)]
        found.append(dict(zip("xy", ends[number_ % len(ends)], strict=True)))
    return found


POINTS = points()


def differ(one: Expr, other: Expr) -> bool:
    return any(abs(number(one, at) - number(other, at)) > NEAR for at in POINTS)


@st.composite
def claims(draw: st.DrawFn, ways: str) -> tuple[Expr, Expr, Expr]:
    """A formula of x and y, its derivative by x as it is derived, and that in other words or with a change."""
    expr = draw(formulas(("abs", "relu", "neg", "exp"), 4))
    problem = load(f"l = {Ascii().show(call('add', expr, call('mul', call('mul', X, X), Y)))}\nx: ()\ny: ()")
    right = Formulas(differentiate(problem.graph)).gradient("x").closed
    assume(right is not None and size(right) < 60)
    assert right is not None
    return expr, right, anywhere(draw, right, ways)


@settings(deadline=None, max_examples=40)
@given(claims("equal"))
def test_a_gradient_in_other_words_is_never_refuted(claim: tuple[Expr, Expr, Expr]) -> None:
    expr, right, other = claim
    whole = Ascii().show(call("add", expr, call("mul", call("mul", X, X), Y)))
    finding = judged(f"l = {whole}\nx: ()\ny: ()", "dl/dx", Ascii().show(other))
    assert not differ(right, other)
    assert finding.status == "right", finding.sentence


@settings(deadline=None, max_examples=40)
@given(claims("changed"))
def test_a_change_is_refuted(claim: tuple[Expr, Expr, Expr]) -> None:
    expr, right, other = claim
    whole = Ascii().show(call("add", expr, call("mul", call("mul", X, X), Y)))
    finding = judged(f"l = {whole}\nx: ()\ny: ()", "dl/dx", Ascii().show(other))
    if differ(right, other):
        assert finding.status == "wrong", finding.sentence
    if finding.counterexample is not None:
        at = {name: Fraction(value) for name, value in finding.counterexample.given.items()}
        at = {"x": Fraction(0), "y": Fraction(0), **at}
        assert abs(number(right, at) - number(other, at)) > 0


CLIPPED = "f = clip(x, -1, 1)\nx: ()"
ELU = "l = sum(where(x > 0, x, exp(x) - 1))"
SMALLER = "f = min(x, y)"


@pytest.mark.parametrize(
    ("text", "key", "claim", "excluded"),
    [
        (CLIPPED, "df/dx", "where(abs(x) <= 1, 1, 0)", ()),
        (CLIPPED, "df/dx", "(abs(x) < 1)", ("abs(x) = 1", "x = 0")),
        (CLIPPED, "df/dx", "(1 - sign(abs(x) - 1))/2", ("abs(x) - 1 = 0", "x = 0")),
        (ELU, "dl/dx", "exp(min(x, 0))", ()),
        (ELU, "dl/dx", "min(1, exp(x))", ()),
        (SMALLER, "df/dx", "(1 - sign(x - y))/2", ()),
        (SMALLER, "df/dx", "(exp(x) < exp(y))", ("exp(y) = exp(x)", "x = y")),
    ],
)
def test_right_in_every_case(text: str, key: str, claim: str, excluded: tuple[str, ...]) -> None:
    finding = judged(text, key, claim)
    assert finding.status == "right", finding.sentence
    assert set(finding.excluded) <= set(excluded)
    assert bool(finding.excluded) == bool(excluded)


@pytest.mark.parametrize(
    ("text", "key", "claim"),
    [
        (SMALLER, "df/dx", "min(1, max(0, 1000*(y - x)))"),  # wrong in a strip beside the kink
        (SMALLER, "df/dx", "min(1, max(0, 10^7*(y - x)))"),
        (SMALLER, "df/dx", "(x < y) + max(0, 1 - 10000*(abs(x) + abs(y)))"),  # in a small square
        (CLIPPED, "df/dx", "(abs(x) < 1.0001)"),
        (CLIPPED, "df/dx", "(abs(x) < 1)*min(1, 1000*abs(x))"),
        (ELU, "dl/dx", "min(1, max(exp(x), 1 - 10000*x^2))"),
        (ELU, "dl/dx", "where(x > clip(x, -1, 1), 1, where(clip(x, -1, 1) > x, exp(x), exp(min(x, 0))/2))"),
    ],
)
def test_wrong_in_a_narrow_case(text: str, key: str, claim: str) -> None:
    finding = judged(text, key, claim)
    assert finding.status == "wrong", finding.sentence
    assert finding.counterexample is not None
    given = ", ".join(finding.counterexample.given.values())
    assert len(given) < 60  # as few decimals as the strip allows


CORNERED = '''equations = """
v = max(min(a, 2), b)
s = abs(v - c)
l = where(a > b, s*exp(b), s^2)
"""
[parameters]
a = 0.5
b = 1.5
c = -2
'''
CLIPPED_CORNER = '''equations = """
v = max(clip(a, -1, 2), b)
m = min(v, a*b)
l = where(a > b, m, v)
"""
[parameters]
a = 0.5
b = 1.5
'''


@pytest.mark.parametrize(
    ("text", "claim", "status"),
    [
        (CORNERED, "where(a > b, s*exp(b), 2*s*ds/db)", "wrong"),  # where a > b > 2
        (CORNERED, "where(a > b, (ds/db + s)*exp(b), 2*s*ds/db)", "right"),
        (CLIPPED_CORNER, "where(a > b, where(v < a*b, 0, a), dv/db)", "wrong"),  # where a > b > 2
        (CLIPPED_CORNER, "where(a > b, where(v < a*b, dv/db, a), dv/db)", "right"),
    ],
)
def test_wrong_in_a_corner(text: str, claim: str, status: str) -> None:
    finding = judged(text, "dl/db", claim)
    assert finding.status == status, finding.sentence


@settings(deadline=None, max_examples=40)
@given(
    st.integers(-40, 40),
    st.sampled_from((1, -1)),
    st.sampled_from(
        (
            "2*w*where({u} > {edge}, 2, 1)",
            "2*w + relu({u} - {edge})",
            "2*w + ({u} > {edge})",
            "where({u} >= {edge}, 2*w, 2*max(w, {u}) - 2*{u} + w)",
            "2*w + where({u} > {edge}, max(0, 1 - 10^9*({u} - {edge})), 0)",
            "where({u} == {edge}, 0, 2*w)",
        )
    ),
    st.sampled_from(("w", "-3*w", "(w + 1/3)", "w^3", "(w + exp(w))")),
)
def test_wrong_in_a_case_far_away_or_near_0(power: int, sign: int, claim: str, u: str) -> None:
    """A boundary of any size is found: a point is on each side of it, and at it for an equality."""
    assume("==" not in claim or u not in ("w^3", "(w + exp(w))"))
    text = claim.format(u=u, edge=f"({sign}*10^({power}))")
    finding = judged("l = w^2", "dl/dw", text)
    assert finding.status == "wrong", finding.sentence


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        ("2*w*where(w^2 < -1, 2, 1)", "right"),  # never so, which is proved
        ("2*max(w, w - 10^6)", "right"),
        ("2*w + (exp(sin(w)) > 10)", "undecided"),  # never so, which is not seen
        ("2*w*where(w > w^2 + 10, 2, 1)", "undecided"),
    ],
)
def test_a_case_that_is_not_met_is_said(claim: str, status: str) -> None:
    finding = judged("l = w^2", "dl/dw", claim)
    assert finding.status == status, finding.sentence
    said = "1 comparison came out one way at every point that was found: the other way is not tried"
    assert (said in finding.sentence) == (status == "undecided")


POSITIVE = """equations = "l = mean((w*x - y)^2)"
[data]
x = [1, 2, 3]
y = [2, 4, 7]
[parameters]
w = 0.5
[training]
lr = 0.1
steps = 1
"""


@pytest.mark.parametrize(
    ("key", "claim"),
    [
        ("dl/dw", "mean(2*x*(w*x - y)*where(x > 10^7, 2, 1))"),  # x is positive in the file, and may be any such number
        ("w", "w - lr*dl/dw*where(dl/dw > 10^7, 2, 1)"),
    ],
)
def test_data_and_gradients_are_followed_far_too(key: str, claim: str) -> None:
    finding = judged(POSITIVE, key, claim)
    assert finding.status == "wrong", finding.sentence
