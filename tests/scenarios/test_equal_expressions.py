"""Two expressions that are the same, written twice: one number, so that max(b, b) is a tie whatever its digits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import audit, verify
from verify.numbers import as_ball

IRRATIONAL = ("exp({w})", "tanh({w}) + 1/3", "sin(2*{w})", "sqrt({w}^2 + 2)", "log({w}^2 + 3)*{w}", "sigmoid({w}/3)")
ALIKE = (  # what is one number twice, and what that comes to
    ("max({u}, {v})", "{u}"),
    ("min({u}, {v})", "{u}"),
    ("max({u}, {v}, 1/7*{u}^2 - 9)", "{u}"),
    ("where({u} >= {v}, {u}, 2*{u})", "{u}"),
    ("where({u} > {v}, {u}, 2*{u})", "2*{u}"),
    ("where({u} == {v}, 3*{u}, {u})", "3*{u}"),
    ("where({u} != {v}, 3*{u}, {u})", "{u}"),
    ("abs({u} - {v}) + {u}", "{u}"),
    ("sign({u} - {v}) + {u}", "{u}"),
)


def of_equals(lines: str, loss: str, start: Fraction) -> str:
    """A problem of two steps with one parameter."""
    return f'equations = """\n{lines}l = {loss}\n"""\n[parameters]\nw = "{start}"\n[training]\nlr = 0.1\nsteps = 2\n'


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(IRRATIONAL),
    st.sampled_from(ALIKE),
    st.booleans(),
    st.fractions(min_value=-3, max_value=3, max_denominator=8).filter(bool),
)
def test_two_identical_expressions_tie_exactly(
    expression: str, alike: tuple[str, str], in_lines: bool, start: Fraction
) -> None:
    """Whether written twice in a line or in two lines; which digits of theirs do not tell."""
    own = expression.format(w="w")
    lines = f"a = w + 1/9\nu = {expression.format(w='a')}\nz = w + 1/9\nv = {expression.format(w='z')}\n"
    twice, once = (text.format(u="u", v="v") if in_lines else text.format(u=f"({own})", v=f"({own})") for text in alike)
    tied, plain = (verify(of_equals(lines if in_lines else "", loss, start)) for loss in (twice, once))
    assert (tied.hand.ended, len(tied.hand.steps)) == ("", 2)
    assert tied.agrees
    for step, other in zip(tied.hand.steps, plain.hand.steps, strict=True):
        assert as_ball(step.loss.item()).overlaps(as_ball(other.loss.item()))
        assert as_ball(step.gradients["w"].item()).overlaps(as_ball(other.gradients["w"].item()))


@pytest.mark.parametrize("pair", ["sin(w)^2, 1 - cos(w)^2", "sin(2*w), 2*sin(w)*cos(w)"])
def test_expressions_that_are_equal_by_more_than_structure_tie_where_that_is_proved(pair: str) -> None:
    tied = verify(of_equals("", f"max({pair})", Fraction(1, 3)))
    assert (tied.hand.ended, len(tied.hand.steps)) == ("", 2)
    assert tied.agrees


def test_a_line_that_is_another_once_more_is_predicted_and_recorded_by_itself() -> None:
    text = (
        'equations = """\nb = exp(w)*x\nc = exp(w)*x\nl = mean(max(b, c))\n"""\n[parameters]\nw = 0.5\n'
        "[data]\nx = [1, 2]\n[predict]\nx = [3]\n[training]\nlr = 0.1\nsteps = 2\n"
    )
    assert verify(text, nodes=True).agrees
    b, c = (audit(text, sentences=[f"predict 0: {name} = 3.7"]).findings[0] for name in ("b", "c"))
    assert b.exact
    assert (b.exact, b.status) == (c.exact, c.status)
