"""The table is complete, and what it states of each operation is proved with SymPy."""

import re

import pytest
import sympy

from derive.algebra.calculus import partial, to_sympy
from derive.algebra.expression import Apply, Expr, Ref, names
from derive.algebra.operations import ALIASES, CONSTANTS, FUNCTIONS, OPERATIONS, REDUCTIONS
from derive.errors import Place
from derive.paper.syntax import read_expression

X, Y, Z = sympy.symbols("x y z", real=True)
POINTS = [sympy.Rational(k, 7) for k in (-23, -9, -2, 3, 8, 30)]

# Every operation in functions that SymPy itself differentiates; none has a derivative of ours.
PLAIN = {
    "add": X + Y,
    "sub": X - Y,
    "mul": X * Y,
    "div": X / Y,
    "pow": X**Y,
    "neg": -X,
    "exp": sympy.exp(X),
    "log": sympy.log(X),
    "sqrt": sympy.sqrt(X),
    "sin": sympy.sin(X),
    "cos": sympy.cos(X),
    "tan": sympy.tan(X),
    "tanh": sympy.tanh(X),
    "sigmoid": 1 / (1 + sympy.exp(-X)),
    "log1p": sympy.log(1 + X),
    "softplus": sympy.log(1 + sympy.exp(X)),
    "relu": sympy.Piecewise((X, X > 0), (0, True)),
    "abs": sympy.Piecewise((X, X > 0), (-X, True)),
    "max": sympy.Piecewise((X, X > Y), (Y, True)),
    "min": sympy.Piecewise((X, X < Y), (Y, True)),
    "sign": sympy.Piecewise((1, X > 0), (-1, X < 0), (0, True)),
    "greater": sympy.Piecewise((1, X > Y), (0, True)),
    "at_least": sympy.Piecewise((1, X > Y), (0, True)),
    "at_most": sympy.Piecewise((1, X <= Y), (0, True)),
    "equal": sympy.Piecewise((1, sympy.Eq(X, Y)), (0, True)),
    "erf": sympy.erf(X),
    "expm1": sympy.exp(X) - 1,
    "log2": sympy.log(X, 2),
    "log10": sympy.log(X, 10),
    "where": sympy.Piecewise((Y, X > 0), (Z, True)),
    "clip": sympy.Piecewise((Y, X < Y), (Z, X > Z), (X, True)),
    "pi": sympy.pi,
    "e": sympy.E,
}
OPERANDS = (Ref("x", ()), Ref("y", ()), Ref("z", ()))
SYMBOLS = (X, Y, Z)
LARGE = sympy.Rational(7, 3)  # the third operand: above every second one


def plain(expr: Expr) -> sympy.Expr:
    """The meaning of a tree in plain SymPy functions."""
    if isinstance(expr, Apply):
        args = [plain(arg) for arg in expr.args]
        return PLAIN[expr.op].subs(dict(zip(SYMBOLS, args, strict=False)), simultaneous=True)
    return sympy.Symbol(expr.name, real=True) if isinstance(expr, Ref) else to_sympy(expr)


def test_the_table_is_complete() -> None:
    assert set(OPERATIONS) == {*PLAIN, "detach"}
    required = "add sub mul div pow neg exp log sqrt sin cos tan tanh sigmoid softplus relu abs max min sign pi e"
    required += " erf expm1 log2 log10 where clip detach"
    assert set(required.split()) <= set(OPERATIONS)
    assert REDUCTIONS == ("sum", "mean", "logsumexp")
    assert set(ALIASES.values()) <= {*OPERATIONS, *REDUCTIONS}
    assert CONSTANTS == ("pi", "e")
    assert not set(FUNCTIONS) & {"add", "neg", "greater", "at_most", "equal", "at_least", "pi"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_entry_can_be_calculated_everywhere(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.name == name
    assert operation.rounding >= 0
    for library in (operation.numpy, operation.torch, operation.ball):
        assert library is not None or operation.expansion is not None or name in ("where", "clip")
    if operation.kink:
        assert re.match(rf"{name}\b", operation.kink)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in (*CONSTANTS, "detach")])
def test_the_derivative_is_that_of_the_plain_function(name: str) -> None:
    operation = OPERATIONS[name]
    tree = Apply(name, OPERANDS[: operation.arity])
    for operand, symbol in zip(OPERANDS[: operation.arity], SYMBOLS, strict=False):
        ours, theirs = plain(partial(tree, operand)), sympy.diff(PLAIN[name], symbol)
        if name in ("sigmoid", "softplus"):
            assert sympy.simplify((ours - theirs).rewrite(sympy.exp)) == 0
        for x in POINTS:
            if name in ("log", "sqrt", "pow", "log1p", "log2", "log10") and x <= 0:
                continue
            for y in (sympy.Rational(5, 3), sympy.Rational(-1, 3)):
                point = {X: int(bool(x > 0)) if name == "where" else x, Y: y, Z: LARGE}
                difference = sympy.N(ours.subs(point) - theirs.subs(point), 40)
                assert abs(difference) < sympy.Float("1e-30"), (x, y)


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.expansion])
def test_an_expansion_says_the_same(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.expansion is not None
    expanded = plain(read_expression(operation.expansion, Place("expansion")))
    for x in POINTS:
        for y in (sympy.Rational(5, 3), sympy.Rational(-1, 3), x):
            if name == "at_least" and x == y:
                continue  # a half, which no Piecewise above says; see below
            if name in ("log2", "log10") and x <= 0:
                continue
            point = {X: x, Y: y}
            assert abs(sympy.N(expanded.subs(point) - PLAIN[name].subs(point), 40)) < sympy.Float("1e-30")


G, P, Q = sympy.symbols("g p q", positive=True)

# Forms with cases, and the derivative of a step: proved in tests/verify/bound/test_pytorch_forms.py, in exact numbers
# on both sides of the kink and on it.
BY_CASES = ("relu", "abs", "max", "min", "sign", "detach", "where", "clip")


@pytest.mark.parametrize("name", [name for name, o in OPERATIONS.items() if o.backward and name not in BY_CASES])
def test_pytorchs_backward_is_the_derivative_in_another_form(name: str) -> None:
    positive = {X: P, Y: Q}
    for text, symbol in zip(OPERATIONS[name].backward, SYMBOLS, strict=False):
        tree = plain(read_expression(text, Place("backward")))
        form = tree.subs({Z: PLAIN[name], sympy.Symbol("pi", real=True): sympy.pi, sympy.Symbol("g", real=True): G})
        wanted = G * sympy.diff(PLAIN[name], symbol)
        difference = form.subs(positive) - wanted.subs(positive)
        assert sympy.simplify(difference.rewrite(sympy.exp)) == 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_of_pytorch_states_its_backward(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation.backward) == (operation.arity if operation.torch else 0)
    for text in operation.backward:
        assert set(names(read_expression(text, Place("backward")))) <= {"g", "z", "pi", *"xyv"[: operation.arity]}


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.kink])
def test_every_jump_of_a_derivative_is_stated(name: str) -> None:
    assert name in ("relu", "abs", "max", "min", "sign", "clip", "greater", "at_most")
