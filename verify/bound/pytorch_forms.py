"""The chain rule's products as PyTorch's backward forms them: for the bound, never for the hand calculation.

SymPy's derivative and PyTorch's are the same function, but not the same calculation: of x/y by y the one is
−x/y², which overflows where y² does, the other −(x/y)/y. The balls must follow the second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache

from derive.algebra.conventions import Conventions
from derive.algebra.expression import ONE, ZERO, Apply, Expr, Number, Ref, children, rebuild, replace
from derive.algebra.operations import OPERANDS, OPERATIONS
from derive.chain.derivation import Derivation, Edge, Part
from derive.errors import Place
from derive.paper.syntax import read_expression
from verify.hand.program import Product, times_partial
from verify.names import own_result


def as_pytorch(derivation: Derivation) -> Product:
    """The product of each edge of an elementary graph, as `Operation.backward` states it, else by SymPy's partial."""
    parts = {part.name: part for part in derivation.parts}

    def product(edge: Edge, above: Ref) -> Expr:
        return _stated(parts[edge.of], edge.wrt, above, derivation.graph.conventions) or times_partial(edge, above)

    return product


def _stated(part: Part, wrt: Ref, above: Ref, conventions: Conventions) -> Expr | None:
    """The form that the table states for the operand `wrt` of a line with one operation, where it does."""
    body = part.body
    if not isinstance(body, Apply) or part.reduction is not None or body.args.count(wrt) != 1:
        return None  # a reduction; or, as in where(m > 0, w, w), two products whose sum SymPy has simplified
    forms = (conventions.way(body) or OPERATIONS[body.op]).backward
    if not forms:
        return None
    values = dict(zip(OPERANDS, body.args, strict=False)) | {
        "g": above,
        "z": Ref(own_result(part.name), part.axes),
        "pi": Apply("pi", ()),
    }
    return settled(replace(form(forms[body.args.index(wrt)]), lambda ref: values[ref.name]))


@cache
def form(text: str) -> Expr:
    """A `backward` of the table as a tree."""
    return read_expression(text, Place("backward", text=text))


def settled(expr: Expr) -> Expr:
    """`expr` without what a constant operand decides: for x^4, 4·x^3 and no case y = 0."""
    match rebuild(expr, tuple(settled(part) for part in children(expr))):
        case Apply(op="equal", args=(Number(value=x), Number(value=y))):
            return ONE if x == y else ZERO
        case Apply(op="where", args=(Number(value=holds), x, y)):
            return x if holds else y
        case Apply(op="sub", args=(Number(value=x), Number(value=y))) if _is_float(x):
            return Number(x - y)
        case other:
            return as_calculated(other)


def _is_float(value: Fraction) -> bool:
    """Whether a float64 holds the number exactly, so that 1 less is exact too."""
    return value == Fraction(float(value))


def _square(x: Expr) -> Expr:
    return Apply("mul", (x, x))


_SHORT: Mapping[Fraction, Callable[[Expr], Expr]] = {
    Fraction(0): lambda _: ONE,
    Fraction(1): lambda x: x,
    Fraction(2): _square,
    Fraction(3): lambda x: Apply("mul", (_square(x), x)),
    Fraction(-1): lambda x: Apply("div", (ONE, x)),
    Fraction(1, 2): lambda x: Apply("sqrt", (x,)),
}


def as_calculated(expr: Expr) -> Expr:
    """An operation on names and numbers as PyTorch calculates it: x^2 is x·x."""
    match expr:
        case Apply(op="pow", args=(x, Number(value=exponent))) if exponent in _SHORT:
            return _SHORT[exponent](x)
    return expr


def forward(derivation: Derivation) -> Derivation:
    """The derivation of an elementary graph whose lines are calculated as PyTorch does, and derived as before."""
    parts = tuple(dataclasses.replace(part, body=as_calculated(part.body)) for part in derivation.parts)
    return dataclasses.replace(derivation, parts=parts)
