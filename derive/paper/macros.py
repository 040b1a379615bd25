"""Names for longer formulas: activations and losses that are written out before anything is derived.

An entry is an equation in the paper notation, in the operands x, y (and d); adding one is adding an
entry. `last` stands for the last axis of what it is written after.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Macro:
    """`name` of the `operands` stands for `formula`; `meaning` is what the README says of it.

    `singular` is said where a number is not finite: what PyTorch's function of that name has where the formula has no
    value or no derivative.
    """

    name: str
    operands: tuple[str, ...]
    formula: str
    meaning: str
    singular: str = ""


# leaky_relu's 1/100, elu's α = 1 and huber's δ = 1 are the defaults of torch.nn.LeakyReLU, ELU and HuberLoss; 0.044715
# is from Hendrycks, Gimpel: Gaussian Error Linear Units (2016).
_NORM = "norm is written out as sqrt(sum(x^2)): at 0 torch.linalg.vector_norm has the derivative 0, the formula none"
_BCE = (
    "bce is written out: at 0 and 1 torch.nn.functional.binary_cross_entropy takes no logarithm below -100, the "
    "formula has no value"
)
_TABLE = (
    Macro("square", ("x",), "x^2", "the square"),
    Macro("silu", ("x",), "x*sigmoid(x)", "x σ(x), also called swish"),
    Macro("elu", ("x",), "where(x > 0, x, expm1(x))", "x above 0, else eˣ − 1"),
    Macro("leaky_relu", ("x",), "where(x > 0, x, x/100)", "x above 0, else x/100"),
    Macro("leaky_relu", ("x", "y"), "where(x > 0, x, y*x)", "x above 0, else y x"),
    Macro("gelu", ("x",), "x/2*(1 + erf(x/sqrt(2)))", "x Φ(x), as torch.nn.GELU"),
    Macro(
        "gelu_tanh",
        ("x",),
        "x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))",
        "the approximation with tanh, torch.nn.GELU(approximate='tanh')",
    ),
    Macro("hinge", ("x",), "relu(1 - x)", "max(0, 1 − x)"),
    Macro("huber", ("x",), "where(abs(x) <= 1, x^2/2, abs(x) - 1/2)", "Huber's function with δ = 1"),
    Macro("softmax", ("x",), "exp(log_softmax(x))", "over the last axis"),
    Macro("dot", ("x", "y"), "sum(x*y)", "the sum of products"),
    Macro("norm", ("x",), "sqrt(sum(x^2))", "the Euclidean norm", _NORM),
    Macro("mse", ("x", "y"), "mean((x - y)^2)", "mean squared error, torch.nn.MSELoss"),
    Macro("half_mse", ("x", "y"), "mean((x - y)^2)/2", "half the mean squared error"),
    Macro("sse", ("x", "y"), "sum((x - y)^2)", "sum of squared errors"),
    Macro("mae", ("x", "y"), "mean(abs(x - y))", "mean absolute error, torch.nn.L1Loss"),
    Macro("huber", ("x", "y"), "mean(huber(x - y))", "torch.nn.HuberLoss with δ = 1"),
    Macro("bce", ("x", "y"), "-mean(y*log(x) + (1 - y)*log(1 - x))", "binary cross-entropy of probabilities x", _BCE),
    Macro("bce_with_logits", ("x", "y"), "mean(softplus(x) - y*x)", "binary cross-entropy of logits x"),
    Macro("hinge", ("x", "y"), "mean(relu(1 - y*x))", "hinge loss, targets y of −1 and 1"),
    Macro("cross_entropy", ("x", "y"), "-mean(sum(y*log_softmax(x), last))", "of logits x and probabilities y"),
)

MACROS = {(macro.name, len(macro.operands)): macro for macro in _TABLE}
SINGULAR = {macro.name: macro.singular for macro in _TABLE if macro.singular}
MACRO_NAMES = tuple(dict.fromkeys(macro.name for macro in _TABLE))

# How many operands each name may have.
ARITIES = {name: tuple(sorted(arity for other, arity in MACROS if other == name)) for name in MACRO_NAMES}
