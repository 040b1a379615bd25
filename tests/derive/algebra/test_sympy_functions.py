"""The derivatives that are stated rather than found by SymPy: at a kink, and through the output."""

import pytest
import sympy

from derive.algebra.calculus import partial
from derive.algebra.expression import ONE, ZERO, Apply, Expr, Ref, names, replace
from tests.trees import apply, value

OPERANDS = (Ref("x", ()), Ref("y", ()), Ref("z", ()))


def test_the_derivative_of_what_is_detached_is_0() -> None:
    x, y, _ = OPERANDS
    tree = Apply("detach", (Apply("mul", (x, y)),))
    assert partial(tree, x) == ZERO
    assert partial(Apply("mul", (tree, x)), x) == tree


def at_kink(expr: Expr, x: int, y: int, z: int) -> object:
    """The value of a derivative at a kink, by the conventions in the table's docstrings."""
    signs = {
        "sign": lambda a: (a > 0) - (a < 0),
        "greater": lambda a, b: int(a > b),
        "at_most": lambda a, b: int(a <= b),
    }
    shares = {"at_least": lambda a, b: sympy.Rational((a > b) - (a < b) + 1, 2)}
    if isinstance(expr, Apply) and expr.op in (*signs, *shares):
        return {**signs, **shares}[expr.op](*(at_kink(arg, x, y, z) for arg in expr.args))
    if isinstance(expr, Apply) and expr.op in ("mul", "sub"):
        return apply(expr.op, [at_kink(arg, x, y, z) for arg in expr.args])
    return value(expr, {"x": x, "y": y, "z": z}, {}, 1)


@pytest.mark.parametrize(
    ("name", "x", "y", "slopes"),
    [
        ("relu", 0, 0, [0]),
        ("abs", 0, 0, [0]),
        ("sign", 0, 0, [0]),
        ("max", 2, 2, [sympy.Rational(1, 2)] * 2),
        ("min", 2, 2, [sympy.Rational(1, 2)] * 2),
        ("max", 3, 2, [1, 0]),
        ("min", 3, 2, [0, 1]),
        ("relu", 3, 0, [1]),
        ("abs", -3, 0, [-1]),
        ("clip", 2, 2, [1, 0, 0]),
        ("clip", 9, 2, [1, 0, 0]),
        ("clip", 1, 2, [0, 1, 0]),
        ("clip", 10, 2, [0, 0, 1]),
    ],
)
def test_the_conventions_at_a_kink_are_pytorch_s(name: str, x: int, y: int, slopes: list[object]) -> None:
    tree = Apply(name, OPERANDS[: len(slopes)])
    assert [at_kink(partial(tree, operand), x, y, 9) for operand in OPERANDS[: len(slopes)]] == slopes


def test_sigmoid_softplus_and_expm1_are_differentiated_through_their_outputs() -> None:
    x = Ref("x", ())
    assert partial(Apply("expm1", (x,)), x) == Apply("add", (Apply("expm1", (x,)), ONE))
    assert names(partial(Apply("sigmoid", (x,)), x)) == ("x",)
    assert partial(Apply("softplus", (x,)), x) == Apply("sigmoid", (x,))
    assert replace(partial(Apply("relu", (x,)), x), lambda ref: ref) == partial(Apply("relu", (x,)), x)
