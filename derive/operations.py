"""The one table of operations: every name that can stand in an equation, and all that is known of it.

An entry holds the SymPy form (from which `sympy.diff` takes the derivative), the names in NumPy,
python-flint and PyTorch, the rounding error of a correct implementation, and the convention at the
kink where there is one. Adding an operation is adding one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

Form = Callable[..., sympy.Expr]

_SIXTEEN_BITS = ("float16", "bfloat16")


@dataclass(frozen=True)
class Operation:
    """One operation, element by element.

    `symbolic`: its SymPy form, of `arity` arguments. `numpy`, `torch`: the function's name there.
    `ball`: the method's name in `flint.arb`. An operation without a name in a library is
    calculated there by `expansion`, an equation in the paper's notation in the operands x (and y).
    `rounding`: largest error of one correct evaluation by PyTorch in float32 and float64, in units u
    of half an ulp (u = 2⁻²⁴ in float32, 2⁻⁵³ in float64), relative to the result; `numpy_rounding`:
    of one by NumPy in float64, None where NumPy has no such function. `kink`: the convention where
    the derivative jumps, with `where` it jumps. `internal`: occurs in derivatives only, not on paper.
    """

    name: str
    arity: int
    symbolic: Form
    numpy: str | None
    torch: str | None
    ball: str | None
    rounding: int
    numpy_rounding: int | None
    expansion: str | None = None
    kink: str | None = None
    internal: bool = False
    many: bool = False  # takes more than `arity` arguments, from left to right

    def rounding_in(self, dtype: str) -> int:
        """The largest error of PyTorch in units u of `dtype`.

        In float16 (u = 2⁻¹¹) and bfloat16 (u = 2⁻⁸) PyTorch calculates in float32 and rounds once:
        1 u, and of float32's error next to nothing. A power may round its square before that.
        """
        return min(self.rounding, 2) if dtype in _SIXTEEN_BITS and self.name != "pow" else self.rounding

    def absolute_in(self, dtype: str) -> float:
        """What the error can be beyond that, absolutely: in 16 bits PyTorch's erf loses small results."""
        return 2.0**-20 if dtype in _SIXTEEN_BITS and self.name == "erf" else 0.0


class greater(sympy.Function):  # type: ignore[misc]  # noqa: N801 - SymPy functions are named as they print
    """[x > y]: 1 where x > y, else 0, also where x = y. Its derivative is taken as 0."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sympy.Expr:  # noqa: ARG002
        """The derivative with respect to any argument."""
        return sympy.S.Zero


class at_least(greater):  # noqa: N801
    """[x > y] + ½ [x = y]: the share of the larger of two, which share evenly when equal."""


class at_most(greater):  # noqa: N801
    """[x <= y]. Its derivative is taken as 0."""


class equal(greater):  # noqa: N801
    """[x = y]. Its derivative is taken as 0."""


class sign(greater):  # noqa: N801
    """-1, 0 or 1. Its derivative is taken as 0."""

    nargs = 1


def _opaque(name: str, *derivatives: Form) -> type[sympy.Function]:
    """A SymPy function that stays as it is written and has these partial derivatives."""

    def fdiff(self: Any, argindex: int = 1) -> sympy.Expr:
        return derivatives[argindex - 1](*self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": len(derivatives)})


# sigmoid, softplus and expm1 keep their names on paper, so their derivatives are stated through the output,
# as textbooks and PyTorch do (ATen, derivatives.yaml: sigmoid_backward is grad·(1 − y)·y, expm1 grad·(y + 1));
# tests/derive/test_operations.py proves them equal to sympy.diff of the expansions below.
sigmoid: type[sympy.Function] = _opaque("sigmoid", lambda x: sigmoid(x) * (1 - sigmoid(x)))
softplus = _opaque("softplus", sigmoid)
detach = _opaque("detach", lambda *_: sympy.S.Zero)
where = _opaque("where", lambda *_: sympy.S.Zero, lambda c, *_: c, lambda c, *_: 1 - c)
# torch.clamp passes the gradient at both edges; beyond them the edge itself takes it, the upper one where they cross
clip = _opaque(
    "clip",
    lambda x, low, high: at_most(low, x) * at_most(x, high),
    lambda x, low, high: greater(low, x) * greater(high, low),
    lambda x, low, high: 1 - at_most(x, high) * at_most(low, high),
)
expm1: type[sympy.Function] = _opaque("expm1", lambda x: expm1(x) + 1)
relu = _opaque("relu", lambda x: greater(x, 0))
absolute = _opaque("absolute", sign)
maximum = _opaque("maximum", at_least, lambda x, y: at_least(y, x))
minimum = _opaque("minimum", lambda x, y: at_least(y, x), at_least)

# Rounding, of PyTorch and of NumPy, is at least twice the largest error that tests/benchmarks/rounding.py has seen
# (verify/rounding.toml; in brackets, in u), and no less than 4 u where a function is calculated: PyTorch's SLEEF is
# stated to be within 1 ulp, 2 u (https://sleef.org/additional.xhtml).
# + − × ÷: IEEE 754 rounds to nearest, 1 u; every result measured was. √: NumPy's likewise; PyTorch's is MKL's
# (1.50), which is within 1 ulp. x^p: x·x·x (1.98) and 1/(x·x), off by up to 5 u where x·x lies below the normal
# numbers (4.46). sigmoid: 1/(1 + exp(−x)) (2.49), flushed to 0 where exp(−x) overflows. log: 1.56; tan: 1.42;
# expm1: 1.50; erf: 1.25; log1p: 2.00, at the smallest normal number; exp, sin, cos, tanh, log2, log10: at most 1.2.
# NumPy: tanh 2.14, log10 1.54, the others at most 1.26. π and e are rounded once.
_TABLE = (
    Operation("add", 2, lambda x, y: x + y, "add", "add", "__add__", 1, 1),
    Operation("sub", 2, lambda x, y: x - y, "subtract", "sub", "__sub__", 1, 1),
    Operation("mul", 2, lambda x, y: x * y, "multiply", "mul", "__mul__", 1, 1),
    Operation("div", 2, lambda x, y: x / y, "divide", "div", "__truediv__", 1, 1),
    Operation("pow", 2, lambda x, y: x**y, "power", "pow", "__pow__", 10, 4),
    Operation("neg", 1, lambda x: -x, "negative", "neg", "__neg__", 0, 0),
    Operation("exp", 1, sympy.exp, "exp", "exp", "exp", 4, 4),
    Operation("log", 1, sympy.log, "log", "log", "log", 4, 4),
    Operation("sqrt", 1, sympy.sqrt, "sqrt", "sqrt", "sqrt", 3, 1),
    Operation("sin", 1, sympy.sin, "sin", "sin", "sin", 4, 4),
    Operation("cos", 1, sympy.cos, "cos", "cos", "cos", 4, 4),
    Operation("tan", 1, sympy.tan, "tan", "tan", "tan", 4, 4),
    Operation("tanh", 1, sympy.tanh, "tanh", "tanh", "tanh", 4, 5),
    Operation("sigmoid", 1, sigmoid, None, "sigmoid", None, 6, None, expansion="1/(1 + exp(-x))"),
    Operation("log1p", 1, lambda x: sympy.log(1 + x), "log1p", "log1p", "log1p", 4, 4),
    Operation("softplus", 1, softplus, None, None, None, 8, None, expansion="max(x, 0) + log1p(exp(-abs(x)))"),
    Operation(
        "relu", 1, relu, None, "relu", None, 0, None, expansion="max(x, 0)", kink="relu at 0: the derivative is 0"
    ),
    Operation("abs", 1, absolute, "absolute", "abs", "__abs__", 0, 0, kink="abs at 0: the derivative is 0"),
    Operation("max", 2, maximum, "maximum", "maximum", "max", 0, 0, many=True, kink="max of equals: ½ to each"),
    Operation("min", 2, minimum, "minimum", "minimum", "min", 0, 0, many=True, kink="min of equals: ½ to each"),
    Operation("sign", 1, sign, "sign", "sign", "sgn", 0, 0, kink="sign: the derivative is 0 everywhere"),
    Operation("erf", 1, sympy.erf, "erf", "erf", "erf", 4, 4),
    Operation("expm1", 1, expm1, "expm1", "expm1", "expm1", 4, 4),
    Operation("log2", 1, lambda x: sympy.log(x) / sympy.log(2), "log2", "log2", None, 4, 4, expansion="log(x)/log(2)"),
    Operation(
        "log10", 1, lambda x: sympy.log(x) / sympy.log(10), "log10", "log10", None, 4, 4, expansion="log(x)/log(10)"
    ),
    Operation("detach", 1, detach, "positive", "detach", "__pos__", 0, 0),
    Operation("where", 3, where, "where", "where", None, 0, 0),
    Operation("clip", 3, clip, "clip", "clamp", None, 0, 0, kink="clip at an edge: the derivative is 1"),
    Operation(
        "greater",
        2,
        greater,
        None,
        None,
        None,
        0,
        None,
        expansion="max(sign(x - y), 0)",
        kink="greater, of equals: does not hold",
        internal=True,
    ),
    Operation(
        "at_most",
        2,
        at_most,
        None,
        None,
        None,
        0,
        None,
        expansion="1 - max(sign(x - y), 0)",
        kink="at_most, of equals: holds",
        internal=True,
    ),
    Operation("equal", 2, equal, None, None, None, 0, None, expansion="1 - abs(sign(x - y))", internal=True),
    Operation("at_least", 2, at_least, None, None, None, 0, None, expansion="(1 + sign(x - y))/2", internal=True),
    Operation("pi", 0, lambda: sympy.pi, "pi", "pi", "pi", 1, 1),
    Operation("e", 0, lambda: sympy.E, "e", "e", "const_e", 1, 1),
)

OPERATIONS = {operation.name: operation for operation in _TABLE}

# Powers with a constant exponent that are rounded less than x^-2: x·x and 1/x once; √x as sqrt; others by at most
# 2 u (x·x·x: 1.98, 1/√x: 1.50, by pow itself: 1.25).
_POWERS = {Fraction(1): 0, Fraction(2): 1, Fraction(-1): 1, Fraction(1, 2): 3, Fraction(-2): 10}


def power_rounding(exponent: Fraction) -> int:
    """The largest error of a power with that constant exponent, in units u as `Operation.rounding`."""
    return _POWERS.get(exponent, 4)


# Spellings of the same operation on paper.
ALIASES = {"ln": "log", "σ": "sigmoid", "Σ": "sum", "√": "sqrt", "π": "pi"}

# Sums, means and the like, over axes; each has its derivative in chain.py.
REDUCTIONS = ("sum", "mean", "logsumexp")

# What holds where the derivative of a reduction jumps.
REDUCTION_KINKS = {op: f"{op} over an index: equal ones share the gradient evenly" for op in ("max", "min")}

# Operations on whole tensors; the graph writes them out as sums and products over named axes.
TENSOR_FUNCTIONS = ("log_softmax", "transpose", "outer", "var", "l2", "pick")

_OPERATORS = ("add", "sub", "mul", "div", "pow", "neg")

# What can be called by name in an equation.
FUNCTIONS = tuple(
    name for name, op in OPERATIONS.items() if op.arity > 0 and not op.internal and name not in _OPERATORS
)

CONSTANTS = tuple(name for name, op in OPERATIONS.items() if op.arity == 0)
