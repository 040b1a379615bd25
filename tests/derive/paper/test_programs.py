"""Calls as programs write them are the notation's own, or are refused with what to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Expr
from derive.errors import EquationError, Place
from derive.paper.syntax import read_expression

FUNCTIONS = ["exp", "log", "tanh", "sqrt", "abs", "relu", "sigmoid", "square", "sum", "mean"]


def tree(text: str) -> Expr:
    return read_expression(text, Place("t", 1, 1, text))


@st.composite
def spellings(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """An expression in the notation, and as a program may have it."""
    if not depth or draw(st.booleans()):
        name = draw(st.sampled_from(["E", "w", "x", "y1", "lam"]))
        return name, name
    notation, program = draw(spellings(depth - 1))
    if draw(st.booleans()):
        name = draw(st.sampled_from(FUNCTIONS))
        module = draw(st.sampled_from(["np.", "numpy.", "torch.", "jnp."]))
        method = draw(st.booleans())
        return f"{name}({notation})", f"({program}).{name}()" if method else f"{module}{name}({program})"
    other, its_program = draw(spellings(depth - 1))
    sign, called = draw(
        st.sampled_from(
            [("@", "dot"), ("@", "matmul"), ("@", "mm"), ("*", "mul"), ("+", "add"), ("/", "div"), ("-", "sub")]
        )
    )
    method = draw(st.booleans())
    calls = f"({program}).{called}({its_program})" if method else f"np.{called}({program}, {its_program})"
    return f"({notation}) {sign} ({other})", calls


@given(spellings())
def test_a_call_of_a_program_is_the_same_in_the_notation(both: tuple[str, str]) -> None:
    notation, program = both
    assert tree(program) == tree(notation)


@pytest.mark.parametrize(
    ("program", "notation"),
    [
        ("E.pow(2).sum()/2", "sum(E^2)/2"),
        ("np.linalg.norm(w)", "norm(w)"),
        ("X.T.dot(E)", "X.T @ E"),
        ("X.t().mm(E)", "transpose(X) @ E"),
        ("np.maximum(x, 0)", "max(x, 0)"),
        ("x.clamp(0, 1)", "clip(x, 0, 1)"),
        ("torch.nn.functional.mse_loss(p, y)", "mse(p, y)"),
        ("x.max()", "max(x)"),
        ("np.where(x > 0, x, 0)", "where(x > 0, x, 0)"),
    ],
)
def test_names_of_programs(program: str, notation: str) -> None:
    assert tree(program) == tree(notation)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        (
            "np.sum(E, axis=0)",
            "axis= counts axes as NumPy does; write the letter of the axis, as in sum(x[i,k], i)",
            11,
        ),
        ("E.mean(dim=0)", "dim= counts axes as NumPy does", 8),
        ("np.sum(E, keepdims=True)", "keepdims= counts axes", 11),
        ("E.sum(0)", "sum(…, 0) counts axes as NumPy does; write the letter", 7),
        ("np.max(x, 0)", "max of a program counts axes as NumPy does", 1),
        ("E.var()", "var of a program divides by n or by n - 1", 1),
        ("E.foo()", "unknown function 'foo'", 1),
        ("E.pow(2, 3)", "pow of 3 arguments; expected 2", 1),
        ("E.sum", "attributes are never read", 2),
        ("E.__class__()", "unknown function '__class__'", 1),
        ("(lambda).sum(x)(y)", "a product needs its sign", 16),
    ],
)
def test_what_is_refused(text: str, message: str, column: int) -> None:
    with pytest.raises(EquationError) as caught:
        tree(text)
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column == column


def test_a_count_of_samples_is_n() -> None:
    for call in ("len(y)", "np.size(y)", "torch.numel(y)"):
        with pytest.raises(EquationError, match=r"unknown function '(len|size|numel)'; n is the number of samples"):
            tree(f"sum((w*x - y)^2)/{call}")
    assert tree("np.average((w*x - y)^2)") == tree("mean((w*x - y)^2)")
