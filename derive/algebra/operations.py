"""The one table of operations: every name that can stand in an equation, and all that is known of it.

An entry holds the SymPy form (from which `sympy.diff` takes the derivative), the names in NumPy,
python-flint and PyTorch, the rounding error of a correct implementation, the products that PyTorch's
backward forms, and the convention at the kink where there is one. Adding an operation is adding one entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from derive.algebra.sympy_functions import (
    Form,
    absolute,
    at_least,
    at_most,
    clip,
    clip_sharing,
    clip_stopping,
    detach,
    equal,
    expm1,
    greater,
    maximum,
    minimum,
    raised,
    relu,
    sigmoid,
    sign,
    softplus,
    where,
)

_SIXTEEN_BITS = ("float16", "bfloat16")

OPERANDS = ("x", "y", "v")  # what the operands are called in an `expansion` and a `backward`


@dataclass(frozen=True)
class Way:
    """One of several ways in which versions of PyTorch take the derivative of an operation at its kink.

    `name` is that of conventions.toml; `symbolic` and `backward` are what they are in `Operation`.
    """

    name: str
    symbolic: Form
    backward: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One operation, element by element.

    `symbolic`: its SymPy form, of `arity` arguments. `numpy`, `torch`: the function's name there.
    `ball`: the method's name in `flint.arb`. An operation without a name in a library is
    calculated there by `expansion`, an equation in the paper's notation in the operands x (and y).
    `rounding`: largest error of one correct evaluation by PyTorch in float32 and float64, in units u
    of half an ulp (u = 2⁻²⁴ in float32, 2⁻⁵³ in float64), relative to the result; `numpy_rounding`:
    of one by NumPy in float64, None where NumPy has no such function. `kink`: the convention where
    the derivative jumps, with `where` it jumps: where the one operand is one of the numbers `turns`, or
    two operands are equal. `ways`: where versions of PyTorch differ in it, each of them; `kink` then names the place
    alone. `internal`: occurs in derivatives only, not on paper.

    `backward`: for each operand the product that PyTorch's backward passes on to it, an equation in the
    incoming adjoint g, the `OPERANDS` and the output z. It is the derivative in another form, which rounds,
    overflows and underflows in its own way: for the bound only, never for the hand calculation.
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
    backward: tuple[str, ...] = ()
    kink: str | None = None
    turns: tuple[int, ...] = (0,)
    internal: bool = False
    ways: tuple[Way, ...] = ()
    many: bool = False  # takes more than `arity` arguments, from left to right

    def absolute_in(self, dtype: str) -> float:
        """Returns the largest absolute error beyond `rounding`: PyTorch's erf loses up to 2⁻²⁰ in 16 bits."""
        return 2.0**-20 if dtype in _SIXTEEN_BITS and self.name == "erf" else 0.0


# Rounding, of PyTorch and of NumPy, is at least twice the largest error that tests/benchmarks/rounding.py has seen
# (verify/rounding; in brackets, in u), and no less than 4 u where a function is calculated: PyTorch's SLEEF is
# stated to be within 1 ulp, 2 u (https://sleef.org/additional.xhtml).
# + − × ÷: IEEE 754 rounds to nearest, 1 u; every result measured was. √: NumPy's likewise; PyTorch's is MKL's
# (1.50), which is within 1 ulp. x^y: 1.25; for constant exponents see `power_rounding`. sigmoid: 1/(1 + exp(−x))
# (2.49), flushed to 0 where exp(−x) overflows. log: 1.56; tan: 1.42;
# expm1: 1.50; erf: 1.25; log1p: 2.00, at the smallest normal number; exp, sin, cos, tanh, log2, log10: at most 1.2.
# NumPy: tanh 2.14, log10 1.54, the others at most 1.26. π and e are rounded once.
#
# Backward: read off PyTorch 2.13's tools/autograd/derivatives.yaml and, for the functions it calls,
# torch/csrc/autograd/FunctionsManual.cpp (div_tensor_other_backward, pow_backward_self, pow_backward_exponent,
# log1p_backward, clamp_backward) and aten/src/ATen/native/cpu/BinaryOpsKernel.cpp (sigmoid_backward, tanh_backward),
# operation by operation in their order. PyTorch holds log(2), log(10) and 2/sqrt(pi) as doubles: they are rounded
# once there, a few times here.
_BASE, _EXPONENT = "where(y == 0, 0, g*(y*x^(y - 1)))", "g*where((x == 0)*(y >= 0), 0, z*log(x))"
_LARGER, _SMALLER = (f"where(x {sign} y, 0, where(x == y, g/2, g))" for sign in "<>")
_PASSING = ("where((x >= y)*(x <= v), g, 0)", "where((x < y)*(y < v), g, 0)", "where((x <= v)*(y <= v), 0, g)")
_STOPPING = ("where((x > y)*(x < v), g, 0)", "where((x <= y)*(y < v), g, 0)", "where((x < v)*(y < v), 0, g)")
_SHARING = (
    "where((x > y)*(x < v), g, where((x == y)*(x == v), g, where((x >= y)*(x <= v), g/2, 0)))",
    "where(y > v, 0, where(x < y, g, where((x == y)*(y < v), g/2, 0)))",
    "where(y > v, g, where(x > v, g, where((x == v)*(y < v), g/2, 0)))",
)
_TABLE = (
    Operation("add", 2, lambda x, y: x + y, "add", "add", "__add__", 1, 1, backward=("g", "g")),
    Operation("sub", 2, lambda x, y: x - y, "subtract", "sub", "__sub__", 1, 1, backward=("g", "-g")),
    Operation("mul", 2, lambda x, y: x * y, "multiply", "mul", "__mul__", 1, 1, backward=("g*y", "g*x")),
    Operation("div", 2, lambda x, y: x / y, "divide", "div", "__truediv__", 1, 1, backward=("g/y", "-g*((x/y)/y)")),
    Operation("pow", 2, raised, "power", "pow", "__pow__", 4, 4, backward=(_BASE, _EXPONENT)),
    Operation("neg", 1, lambda x: -x, "negative", "neg", "__neg__", 0, 0, backward=("-g",)),
    Operation("exp", 1, sympy.exp, "exp", "exp", "exp", 4, 4, backward=("g*z",)),
    Operation("log", 1, sympy.log, "log", "log", "log", 4, 4, backward=("g/x",)),
    Operation("sqrt", 1, sympy.sqrt, "sqrt", "sqrt", "sqrt", 3, 1, backward=("g/(2*z)",)),
    Operation("sin", 1, sympy.sin, "sin", "sin", "sin", 4, 4, backward=("g*cos(x)",)),
    Operation("cos", 1, sympy.cos, "cos", "cos", "cos", 4, 4, backward=("g*-sin(x)",)),
    Operation("tan", 1, sympy.tan, "tan", "tan", "tan", 4, 4, backward=("g*(1 + z*z)",)),
    Operation("tanh", 1, sympy.tanh, "tanh", "tanh", "tanh", 4, 5, backward=("g*(1 - z*z)",)),
    Operation(
        "sigmoid", 1, sigmoid, None, "sigmoid", None, 6, None, expansion="1/(1 + exp(-x))", backward=("g*(1 - z)*z",)
    ),
    Operation("log1p", 1, lambda x: sympy.log(1 + x), "log1p", "log1p", "log1p", 4, 4, backward=("g/(x + 1)",)),
    Operation("softplus", 1, softplus, None, None, None, 8, None, expansion="max(x, 0) + log1p(exp(-abs(x)))"),
    Operation(
        "relu",
        1,
        relu,
        None,
        "relu",
        None,
        0,
        None,
        expansion="max(x, 0)",
        backward=("where(z > 0, g, 0)",),
        kink="relu at 0: the derivative is 0",
    ),
    Operation(
        "abs",
        1,
        absolute,
        "absolute",
        "abs",
        "__abs__",
        0,
        0,
        backward=("g*sign(x)",),
        kink="abs at 0: the derivative is 0",
    ),
    Operation(
        "max",
        2,
        maximum,
        "maximum",
        "maximum",
        "max",
        0,
        0,
        backward=(_LARGER, _SMALLER),
        many=True,
        kink="max of equals: ½ to each",
    ),
    Operation(
        "min",
        2,
        minimum,
        "minimum",
        "minimum",
        "min",
        0,
        0,
        backward=(_SMALLER, _LARGER),
        many=True,
        kink="min of equals: ½ to each",
    ),
    Operation(
        "sign", 1, sign, "sign", "sign", "sgn", 0, 0, backward=("0",), kink="sign: the derivative is 0 everywhere"
    ),
    Operation("erf", 1, sympy.erf, "erf", "erf", "erf", 4, 4, backward=("2/sqrt(pi)*exp(-(x*x))*g",)),
    Operation("expm1", 1, expm1, "expm1", "expm1", "expm1", 4, 4, backward=("g*(z + 1)",)),
    Operation(
        "log2",
        1,
        lambda x: sympy.log(x) / sympy.log(2),
        "log2",
        "log2",
        None,
        4,
        4,
        expansion="log(x)/log(2)",
        backward=("g/(x*log(2))",),
    ),
    Operation(
        "log10",
        1,
        lambda x: sympy.log(x) / sympy.log(10),
        "log10",
        "log10",
        None,
        4,
        4,
        expansion="log(x)/log(10)",
        backward=("g/(x*log(10))",),
    ),
    Operation("detach", 1, detach, "positive", "detach", "__pos__", 0, 0, backward=("0",)),
    Operation(
        "where", 3, where, "where", "where", None, 0, 0, backward=("0", "where(x > 0, g, 0)", "where(x > 0, 0, g)")
    ),
    Operation(
        "clip",
        3,
        clip,
        "clip",
        "clamp",
        None,
        0,
        0,
        backward=_PASSING,
        kink="clip at an edge",
        ways=(
            Way("passes", clip, _PASSING),
            Way("stops", clip_stopping, _STOPPING),
            Way("shares", clip_sharing, _SHARING),
        ),
    ),
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


def power_rounding(exponent: float | None) -> int:
    """Returns the largest error, in units u, of a power that PyTorch does not take as a product or quotient.

    `exponent` is None where it is not one number. By pow itself (1.25) and x^-0.5 (1.50) at most 2 u; x^-2 is 1/(x·x),
    off by up to 5 u where x·x is subnormal.
    """
    return 10 if exponent == -2 else OPERATIONS["pow"].rounding


# Spellings of the same operation on paper.
ALIASES = {"ln": "log", "σ": "sigmoid", "Σ": "sum", "√": "sqrt", "π": "pi"}

# Sums, means and the like, over axes; each has its derivative in derive/chain/derivation.py.
REDUCTIONS = ("sum", "mean", "logsumexp")

# What holds where the derivative of a reduction jumps.
# torch.amax and amin; torch.max(x, dim) gives all of it to one.
REDUCTION_KINKS = {op: f"{op} over an index: equal ones share the gradient evenly" for op in ("max", "min")}

# Operations on whole tensors; the graph writes them out as sums and products over named axes.
TENSOR_FUNCTIONS = ("log_softmax", "transpose", "outer", "var", "l2", "pick")

# What may be taken over the indices that stand as its last arguments, as max(z[i,k], k).
OVER_AXES = ("max", "min", "softmax", "log_softmax", "var", "norm", *REDUCTIONS)

_OPERATORS = ("add", "sub", "mul", "div", "pow", "neg")

# What can be called by name in an equation.
FUNCTIONS = tuple(
    name for name, op in OPERATIONS.items() if op.arity > 0 and not op.internal and name not in _OPERATORS
)

CONSTANTS = tuple(name for name, op in OPERATIONS.items() if op.arity == 0)
