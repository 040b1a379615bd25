"""The derivative of one line: by SymPy, in the order of the paper."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.calculus import from_sympy, guarded, is_real, is_zero, partial, to_sympy
from derive.algebra.expression import Apply, Axis, Expr, Ref, replace
from derive.errors import EquationError, Place
from derive.paper.syntax import read_expression
from derive.show.notation import Ascii
from tests.trees import RATIONAL, SMOOTH, put


def read(text: str) -> Expr:
    return replace(read_expression(text, Place("test", text=text)), lambda ref: Ref(ref.name, ref.axes or ()))


@pytest.mark.parametrize(
    ("text", "name", "derivative"),
    [
        ("w*x", "w", "x"),
        ("c - y", "c", "1"),
        ("c - y", "y", "-1"),
        ("d^2", "d", "2*d"),
        ("(x - 3)^2", "x", "2*(x - 3)"),
        ("(w*x + b - y)^2", "w", "2*(w*x + b - y)*x"),
        ("x^2 + x", "x", "2*x + 1"),
        ("x^3", "x", "3*x^2"),
        ("1/x", "x", "-1/x^2"),
        ("w/x", "x", "-w/x^2"),
        ("x/3", "x", "1/3"),
        ("x^0.5", "x", "1/(2*sqrt(x))"),
        ("x^1.5", "x", "3*sqrt(x)/2"),
        ("x^(1/3)", "x", "1/(3*x^(2/3))"),
        ("sqrt(x)", "x", "1/(2*sqrt(x))"),
        ("exp(w*x)", "w", "exp(w*x)*x"),
        ("log(p)", "p", "1/p"),
        ("y*log(p) + (1 - y)*log(1 - p)", "p", "y/p - (1 - y)/(1 - p)"),
        ("sigmoid(z)", "z", "sigmoid(z)*(1 - sigmoid(z))"),
        ("tanh(z)", "z", "1 - tanh(z)^2"),
        ("softplus(z)", "z", "sigmoid(z)"),
        ("relu(z)", "z", "(z > 0)"),
        ("abs(z)", "z", "sign(z)"),
        ("max(a, b)", "a", "at_least(a, b)"),
        ("max(a, b)", "b", "at_least(b, a)"),
        ("min(a, b)", "a", "at_least(b, a)"),
        ("sign(z)", "z", "0"),
        ("2^x", "x", "2^x*log(2)"),
        ("w^x", "w", "w^(x - 1)*x"),
        ("w^x", "x", "log(w)*w^x"),
        ("(2*w)^x", "w", "2*(2*w)^(x - 1)*x"),
        ("w^pi", "w", "w^(pi - 1)*pi"),
        ("x[i]*x[j]", "x", "x[j]"),
    ],
)
def test_derivatives_as_a_person_writes_them(text: str, name: str, derivative: str) -> None:
    body = read(text)
    operand = Ref(name, (Axis("i"),) if "[i]" in text else ())
    assert Ascii().show(partial(body, operand)) == derivative


@pytest.mark.parametrize("form", [*RATIONAL, *SMOOTH])
def test_the_tree_says_what_sympy_found(form: str) -> None:
    body = read(put(form, "p*q + 1", "q"))
    for name in ("p", "q"):
        ours = to_sympy(partial(body, Ref(name, ())))
        assert sympy.simplify(ours - sympy.diff(to_sympy(body), sympy.Symbol(name))) == 0


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_is_that_of_the_paper_not_of_the_alphabet(names: list[str]) -> None:
    first, second, third, _ = names
    body = read(f"({first}*{second} + {third})^3")
    assert Ascii().show(partial(body, Ref(first, ()))) == f"3*({first}*{second} + {third})^2*{second}"


def test_lines_of_the_same_shape_are_differentiated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    partial(read("q1*sin(q2) - 17"), Ref("q1", ()))
    monkeypatch.setattr(sympy, "diff", lambda *_: pytest.fail("differentiated again"))
    assert Ascii().show(partial(read("u*sin(v[i]) - 17"), Ref("u", ()))) == "sin(v[i])"


def test_a_derivative_that_is_nowhere_defined() -> None:
    with pytest.raises(EquationError, match="the derivative is not defined: it contains zoo"):
        from_sympy(sympy.zoo, {})


def test_a_derivative_without_a_real_value_is_refused_in_plain_words() -> None:
    for text in ("log(w - w)*w", "sqrt(-1)*w", "log(w)/(w - w)"):
        with pytest.raises(EquationError, match="has no real value anywhere: it divides by zero, or takes a logarithm"):
            partial(read(text), Ref("w", ()))


@pytest.mark.parametrize(
    ("text", "real"),
    [("log(2)", True), ("log(0)", False), ("sqrt(0 - 1)", False), ("(-8)^(1/3)", False), ("sigmoid(2)", True)],
)
def test_a_number_is_real_or_not(text: str, real: bool) -> None:
    assert is_real(read(text)) is real


def test_operations_too_deep_for_sympy_are_refused() -> None:
    tree: Expr = Ref("x", ())
    for _ in range(300):
        tree = Apply("sin", (tree,))
    with pytest.raises(EquationError, match="operations too deep inside one another; split the equation"):
        partial(tree, Ref("x", ()))


def test_zero() -> None:
    assert is_zero(partial(read("w*0 + x"), Ref("w", ())))
    assert not is_zero(partial(read("w + x"), Ref("w", ())))


@pytest.mark.parametrize(
    ("text", "name", "derivative"),
    [
        ("where(w > 0, 1/w, w)", "w", "where((w > 0), -1/w^2, 1)"),
        ("2*where(w > 0, 1/w, x)*w", "w", "where((w > 0), 0, 2*x)"),
        ("where(w > 0, w, x)", "x", "where((w > 0), 0, 1)"),
        ("where(w > 0, w, 2) + where(w > 0, 1, w)", "w", "1"),
        ("w^x", "x", "where((w == 0)*(0 <= x), 0, log(w)*w^x)"),
        ("w^x", "w", "w^(x - 1)*x"),
        ("0^x + x", "x", "1"),
        ("w*x", "w", "x"),
    ],
)
def test_a_side_that_is_not_chosen_is_left_out_where_it_is_calculated(text: str, name: str, derivative: str) -> None:
    assert Ascii().show(guarded(read(text), Ref(name, ()))) == derivative


def test_more_sides_than_are_derived_apart_are_derived_at_once() -> None:
    body = read(" + ".join(f"where(w > {k}, w^2, {k}*w)" for k in range(6)))
    assert guarded(body, Ref("w", ())) == partial(body, Ref("w", ()))
