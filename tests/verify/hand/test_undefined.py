"""Why a number by hand has no value."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from verify import Status, audit, verify
from verify.hand.calculation import beginnings
from verify.hand.undefined import Explained, NoValue, Undefined
from verify.numbers import Exact, element, from_fraction, is_finite, objects

BEGINS = "at step 1 (epoch 1, batch 1) the hand calculation ends: "


def problem(equations: str, parameters: str, lr: str = "0.05", data: str = "") -> str:
    """A problem of three steps."""
    return f'equations = """\n{equations}\n"""\n[parameters]\n{parameters}\n{data}\n[training]\nlr = {lr}\nsteps = 3\n'


@pytest.mark.parametrize(
    ("equations", "parameters", "why"),
    [
        ("z = w - 1/2\nl = log(z) + w", "w = 0.1", "log(-0.4) has no real value, in line l"),
        ("z = log(w - 0.5)\nl = 2*z", "w = 0.1", "log(-0.4) has no real value, in line z"),
        ("l = log2(w)", "w = -4", "log2(-4) has no real value, in line l"),
        ("l = log10(w)^2", "w = -4", "log10(-4) has no real value, in line l"),
        ("l = log1p(w)", "w = -1.5", "log1p(-1.5) has no real value, in line l"),
        ("l = sqrt(w)", "w = -4", "sqrt(-4) has no real value, in line l"),
        ("l = w^(1/2)", "w = -4", "(-4)^(1/2) has no real value, in line l"),
        ("l = w^(-1/3)", "w = -8", "(-8)^(-1/3) has no real value, in line l"),
        ("l = sqrt(w)", "w = 0", "division by zero, in dl/dw"),
        ("z = 1/w\nl = z + w", "w = 0", "division by zero, in line z"),
        ("l = sqrt(-exp(w))", "w = 0.5", "sqrt(-1.64872127) has no real value, in line l"),
        ("z = 2*w\nl = norm(z)", "w = [0, 0]", "division by zero, in the derivative of line l"),
        ("l = sum(log(w))", "w = [2, -3, -4]", "log(-3) has no real value, in line l"),
        ("l = logsumexp(sqrt(w))", "w = [2, -3, 4]", "sqrt(-3) has no real value, in line l"),
        ("l = max(log(w))", "w = [2, -3, 4]", "log(-3) has no real value, in line l"),
        # what is not chosen needs no value, and is no reason
        (
            "a = log(w)\nz = where(w > 0, a, w^2)\nl = z + sqrt(v)",
            "w = -2\nv = -3",
            "sqrt(-3) has no real value, in line l",
        ),
        ("l = where(w > 0, log(w - 1), log(w - 5))", "w = -1", "log(-6) has no real value, in line l"),
    ],
)
def test_the_operation_its_operand_and_the_line_are_named(equations: str, parameters: str, why: str) -> None:
    run = verify(problem(equations, parameters)).hand
    assert (len(run.steps), run.ended) == (0, BEGINS + why)


def test_the_step_is_named_that_has_no_value() -> None:
    text = problem("z = w - 0.4\nl = log(z) + w", "w = 0.5")  # w = 0.5 − 0.05·(1/0.1 + 1) = −0.05
    ended = verify(text).hand.ended
    assert ended == "at step 2 (epoch 2, batch 1) the hand calculation ends: log(-0.45) has no real value, in line l"
    finding = audit(text, sentences=["step 2: loss = 3"]).findings[0]
    assert (finding.status, finding.why) == (Status.UNDECIDED, "log(-0.45) has no real value, in line l")


def test_an_audit_names_what_later_steps_lack() -> None:
    text = problem("l = sqrt(w) + w", "w = 0.0001")  # w = 0.0001 − 0.05·(50 + 1) < 0
    right, later = audit(text, sentences=["step 1: loss = 0.0101", "step 3: w = 1"]).findings
    assert right.status is Status.RIGHT
    assert (later.status, later.why) == (Status.UNDECIDED, "at step 2 sqrt(-2.5499) has no real value, in line l")


def test_a_line_of_a_batch_names_its_own_row_and_the_others_stay_right() -> None:
    text = problem("a = w*x\nz = log(a)\nl = mean(a)", "w = 1", data="[data]\nx = [2, -3]")
    findings = audit(text, sentences=["step 1: a[1] = -3", "step 1: z[0] = 0.6931", "step 1: z[1] = 1"]).findings
    assert {one.claim.literal.text: one.status for one in findings} == {
        "-3": Status.RIGHT,
        "0.6931": Status.RIGHT,
        "1": Status.UNDECIDED,
    }
    assert [one.why for one in findings if one.status is Status.UNDECIDED] == ["log(-3) has no real value, in line z"]


def test_where_digits_do_not_tell_no_reason_is_made_up() -> None:
    text = problem("l = log(w*(sin(v)^2 + cos(v)^2 - 1))", "w = 1\nv = 1")  # a ball around 0
    assert verify(text).hand.ended == BEGINS + "a value is not defined, or its digits do not tell"


NUMBERS = st.fractions(min_value=-5, max_value=5, max_denominator=40)
DOMAINS = {
    "log": lambda x: x > 0,
    "log2": lambda x: x > 0,
    "log10": lambda x: x > 0,
    "log1p": lambda x: x > -1,
    "sqrt": lambda x: x >= 0,
}


@given(st.sampled_from(sorted(DOMAINS)), NUMBERS)
def test_what_has_no_value_is_outside_the_domain(op: str, number: Fraction) -> None:
    found = Explained().element(op)(from_fraction(number))
    assert isinstance(found, NoValue) is not DOMAINS[op](number)
    if not isinstance(found, NoValue):
        assert is_finite(found)
        assert str(found) == str(element(op)(from_fraction(number)))


@given(NUMBERS, NUMBERS)
def test_a_power_has_no_value_where_python_has_a_complex_one(base: Fraction, exponent: Fraction) -> None:
    found: Any = Explained().element("pow")(from_fraction(base), from_fraction(exponent))
    if base == 0 and exponent < 0:
        assert found == NoValue("division by zero")
        return
    assert isinstance(found, NoValue) is isinstance(float(base) ** float(exponent), complex)


@given(st.lists(st.sampled_from([1, 2, 3, None]), min_size=1, max_size=4), st.sampled_from(["max", "min"]))
def test_what_a_row_is_made_into_lacks_a_value_where_a_number_does(numbers: list[int | None], op: str) -> None:
    system = Explained()
    row = [NoValue("why") if one is None else from_fraction(Fraction(one)) for one in numbers]
    lacks = None in numbers
    for reduced in (op, "sum", "logsumexp"):
        assert isinstance(system.reduced(reduced, row), NoValue) is lacks
    shares = system.share(op, objects(row, (1, len(row))))
    assert all(isinstance(one, NoValue) is lacks for one in shares.flat)
    if not lacks:
        assert list(shares.flat) == list(Exact().share(op, objects(row, (1, len(row)))).flat)


@given(st.lists(st.fractions(min_value=-3, max_value=3, max_denominator=8), min_size=1, max_size=4))
def test_numbers_that_have_a_value_are_given_no_reason(weights: list[Fraction]) -> None:
    text = problem("z = where(w > 0, log(w), 2*w)\nl = sum(z)", f"w = [{', '.join(map(str, map(float, weights)))}]")
    loaded = load(text)
    run = Run(loaded, differentiate(loaded.graph), effective(loaded, {}))
    found = Undefined(run, beginnings(run.watched, run.settings, Exact()), run.batches[0])
    assert found.first() == ""
    assert [found.why("nodes", "z", (place,)) for place in range(len(weights))] == [""] * len(weights)
    assert math.isfinite(float(sum(weights)))
