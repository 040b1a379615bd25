"""A derivative at a kink that PyTorch takes otherwise is named as that, where it gives the claimed number."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import Place
from derive.paper.syntax import read_expression
from verify import Audit, Status, audit
from verify.auditing.other_conventions import CONVENTIONS, Convention
from verify.numbers import from_fraction, to_fraction
from verify.numbers.elements import evaluate


def audited(loss: str, claims: dict[str, str], w: str = "0", training: str = "lr = 0.1\nsteps = 1") -> Audit:
    text = f'equations = "l = {loss}"\n[parameters]\nw = {w}\n[training]\n{training}\n'
    return audit(text, sentences=[f"step 1: {name} = {number}" for name, number in claims.items()])


def said(found: Audit) -> str:
    """The remark on the first claim, which is wrong."""
    first = found.findings[0]
    assert first.status is Status.WRONG
    return " ".join(remark for remark in first.remarks if "otherwise" in remark)


@pytest.mark.parametrize(
    ("loss", "claimed", "words"),
    [
        ("relu(w)", "1.0", "the derivative of relu at 0 is 1"),
        ("relu(w) - relu(1 - exp(w))", "1.0", "the derivative of relu at 0 is ½"),  # the function has this derivative
        ("abs(w)", "1", "the derivative of abs at 0 is 1"),
        ("abs(3*w)", "-3", "the derivative of abs at 0 is −1"),
        ("max(2*w, w)", "2.0", "max of equals is the first"),
        ("max(2*w, w)", "1.0", "max of equals is the second"),
        ("min(2*w, w)", "2.0", "min of equals is the first"),
        ("min(2*w, w)", "1.0", "min of equals is the second"),
    ],
)
def test_the_convention_is_named(loss: str, claimed: str, words: str) -> None:
    remark = said(audited(loss, {"dl/dw": claimed}))
    assert remark == f"It is right where {words}, which PyTorch takes otherwise"


def test_at_an_edge_of_clip_it_is_the_one_that_pytorch_does_not_take() -> None:
    right = audited("clip(3*w, 0, 1)", {"dl/dw": "3"}).findings[0].status is Status.RIGHT  # up to PyTorch 2.13
    other, number = ("0", "0") if right else ("1", "3")
    words = f"the derivative of clip at an edge is {other}, which PyTorch"
    assert words in said(audited("clip(3*w, 0, 1)", {"dl/dw": number}))


def test_a_parameter_after_the_step_is_explained_too() -> None:
    assert "relu at 0 is 1" in said(audited("relu(w) + 2*w", {"w": "-0.30"}))


@pytest.mark.parametrize(
    ("loss", "w", "claimed"),
    [
        ("relu(w)", "0", "2.0"),  # on the kink, and by no convention
        ("relu(w)", "-1", "1.0"),  # not on the kink
        ("abs(w)", "1", "-1.0"),
        ("max(2*w, w)", "1", "1.0"),
        ("w^2", "0", "1.0"),  # no kink
    ],
)
def test_it_is_not_said_where_it_does_not_explain_the_digits(loss: str, w: str, claimed: str) -> None:
    assert said(audited(loss, {"dl/dw": claimed}, w)) == ""


def test_what_follows_from_it_is_inherited() -> None:
    found = audited("relu(w)", {"dl/dw": "1.0", "w": "-0.10"})
    assert [finding.status for finding in found.findings] == [Status.WRONG, Status.INHERITED]
    assert found.findings[1].remarks == ()


def test_only_the_first_wrong_step_is_looked_at() -> None:
    text = 'equations = "l = relu(w)"\n[parameters]\nw = 0\n[training]\nlr = 0.1\nsteps = 2\n'
    found = audit(text, sentences=["step 1: dl/dw = 7.0", "step 2: dl/dw = 1.0", "step 2: w = 0.00"])
    assert not any(finding.convention for finding in found.findings)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: one.words)
@given(numbers=st.tuples(*[st.integers(-3, 3)] * 3))
def test_a_convention_changes_no_value(convention: Convention, numbers: tuple[int, int, int]) -> None:
    x, y, v = numbers
    given_ = {"x": Fraction(x), "y": Fraction(min(y, v)), "v": Fraction(max(y, v))}
    own = {"relu": "relu(x)", "abs": "abs(x)", "clip": "clip(x, y, v)"}.get(
        convention.operation, f"{convention.operation}(x, y)"
    )
    values = [_value(text, given_) for text in (own, convention.equation)]
    assert values[0] == values[1]


def _value(text: str, numbers: dict[str, Fraction]) -> Fraction | None:
    expr = read_expression(text, Place("<text>", text=text))
    return to_fraction(evaluate(expr, {name: from_fraction(number) for name, number in numbers.items()}))
