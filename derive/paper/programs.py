"""Calls as programs write them: `np.exp(x)`, `E.mean()`, `torch.matmul(X, W)`. They are read as the notation's own.

What means something else there than in the notation is refused.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

_MODULES = frozenset(("np", "numpy", "jnp", "torch", "math"))
_NAMES = {  # of functions and methods, in the notation
    **dict.fromkeys(("dot", "matmul", "mm", "mv", "bmm"), "matmul"),  # dot(x, W) of matrices is their product there
    **dict.fromkeys(("pow", "power"), "pow"),
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "negative": "neg",
    "t": "transpose",
    "maximum": "max",
    "minimum": "min",
    "absolute": "abs",
    "average": "mean",
    "clamp": "clip",
    "mse_loss": "mse",
    "l1_loss": "mae",
    "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
}
_OPERATORS = frozenset(("matmul", "pow", "add", "sub", "mul", "div", "neg"))
_EXTREMES = ("max", "min", "amax", "amin")
AXES = ("axis", "dim", "keepdims", "keepdim")  # the arguments that count axes
COUNTS_AXES = "counts axes as NumPy does; write the letter of the axis, as in"


class Call(NamedTuple):
    """A call: the function's name in the notation, its arguments, and why it is refused, if it is."""

    name: str
    arguments: list[ast.expr]
    refused: str = ""

    @property
    def is_operator(self) -> bool:
        """Whether the notation has a sign for it, and no function."""
        return self.name in _OPERATORS


def read_call(node: ast.Call) -> Call | None:
    """A method, or a function of a module, as one of the notation; None for what is called by its name alone."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr == "T":
        return None
    written = node.func.attr
    root: ast.expr = node.func
    while isinstance(root, ast.Attribute):
        root = root.value
    is_function = isinstance(root, ast.Name) and root.id in _MODULES
    arguments = [*([] if is_function else [node.func.value]), *node.args]
    name = _NAMES.get(written, written)
    refused = ""
    if written in ("var", "std"):
        refused = f"{written} of a program divides by n or by n - 1: write var(x) for the first, n/(n - 1)*var(x) else"
    elif written in _EXTREMES and len(arguments) > 1:
        refused = f"{written} of a program {COUNTS_AXES} max(x[i,k], i); the larger of two is np.maximum(x, y)"
    return Call(name, arguments, refused)
