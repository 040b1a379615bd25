"""What a Σ sums: on paper the whole product behind it, up to the next + or -; here on the tree of Python's parser.

`2/n*Σᵢ(a[i])*x[i]` is 2/n·Σᵢ aᵢ xᵢ, and `Σ(a)*Σ(b)` a product of two sums. A Σ in a divisor, or in parentheses of its
own, sums what is in its parentheses alone, and so do the functions `sum` and `mean`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from derive.paper.spelling import is_sum_over, unmark

SIGN = "Σ"
_PRODUCTS = (ast.Mult, ast.MatMult, ast.Div)


class Factor(NamedTuple):
    """A factor or divisor of a product: its `sign` is that before it, a product's of the first one."""

    sign: ast.operator
    node: ast.expr


class Covered(NamedTuple):
    """A Σ, where it stands among the `factors` of its product, and where what it sums on paper ends."""

    call: ast.Call
    factors: Sequence[Factor]
    first: int
    end: int

    @property
    def after(self) -> Sequence[Factor]:
        """The factors behind it that it sums on paper."""
        return self.factors[self.first + 1 : self.end]

    @property
    def is_bare(self) -> bool:
        """Whether it says no index: the function `sum` would then mean something else."""
        return isinstance(self.call.func, ast.Name) and unmark(self.call.func.id) == SIGN

    def product(self) -> ast.expr:
        """The product with all that it sums in the parentheses of the Σ."""
        body = _product([Factor(ast.Mult(), self.call.args[0]), *self.after])
        whole: ast.expr = ast.copy_location(ast.Call(self.call.func, [body], []), self.call)
        written = self.factors[self.first].node
        if isinstance(written, ast.UnaryOp):
            whole = ast.copy_location(ast.UnaryOp(written.op, whole), written)
        own = Factor(self.factors[self.first].sign, whole)
        return _product([*self.factors[: self.first], own, *self.factors[self.end :]])


def covered(node: ast.expr, code: bytes) -> Covered | None:
    """Returns the first Σ of a product that sums more on paper than its parentheses; None where there is none.

    `code` is the text that the tree was parsed from.
    """
    factors = _factors(node, code)
    sums = [_sum(factor, code) for factor in factors]
    for first, call in enumerate(sums):
        end = next((place for place in range(first + 1, len(sums)) if sums[place] is not None), len(sums))
        if call is not None and not isinstance(factors[first].sign, ast.Div) and end > first + 1:
            is_open = not _is_enclosed(factors[first].node, code)
            if is_open and len(call.args) == 1 and not call.keywords:
                return Covered(call, factors, first, end)
    return None


def _factors(node: ast.expr, code: bytes) -> list[Factor]:
    """The factors of a product from left to right; one in parentheses is one factor."""
    found: list[Factor] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS) and not (found and _is_enclosed(node, code)):
        found.append(Factor(node.op, node.right))
        node = node.left
    return [Factor(ast.Mult(), node), *found[::-1]]


def _sum(factor: Factor, code: bytes) -> ast.Call | None:
    """The call of a Σ that a factor is, also with a minus before it."""
    node = factor.node
    if isinstance(node, ast.UnaryOp) and not _is_enclosed(node, code):
        node = node.operand
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = unmark(node.func.id)
        return node if name == SIGN or is_sum_over(name) else None
    return None


def _is_enclosed(node: ast.expr, code: bytes) -> bool:
    """Whether what stands to the left of a sign is in parentheses, as `(a*b)` in `(a*b)*c`."""
    return code[node.end_col_offset or 0 :].lstrip()[:1] == b")"


def _product(factors: Sequence[Factor]) -> ast.expr:
    """The tree of a product, as Python's parser makes it."""
    whole = factors[0].node
    for factor in factors[1:]:
        product = ast.copy_location(ast.BinOp(whole, factor.sign, factor.node), whole)
        product.end_col_offset = factor.node.end_col_offset
        whole = product
    return whole
