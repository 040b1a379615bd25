"""The derivative of one expression, by SymPy: tree → SymPy → `sympy.diff` → tree.

Expressions of the same shape are differentiated once: their references are renamed to s0, s1, …
and the result is remembered.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, reduce

import sympy

from derive.algebra.conventions import STATED, Conventions
from derive.algebra.expression import (
    ZERO,
    Apply,
    Expr,
    Number,
    Ref,
    children,
    leaves,
    rebuild,
    refs,
    replace,
    replace_leaves,
    walk,
)
from derive.algebra.operations import OPERATIONS
from derive.errors import EquationError

Ranks = dict[sympy.Symbol, int]  # place of a symbol on paper; sums and products keep this order


def partial(body: Expr, ref: Ref, conventions: Conventions = STATED) -> Expr:
    """Returns ∂`body`/∂`ref`, in the order of the paper, for a `body` without reductions that holds `ref`.

    `conventions` say what it is at a kink, where versions of PyTorch differ.

    Raises `EquationError` where the derivative has no real value anywhere, and for operations too deep inside one
    another for SymPy.
    """
    operands = leaves(body)
    shape = replace_leaves(body, lambda operand: Ref(f"s{operands.index(operand)}", ()))
    derived = _partial_of_shape(shape, operands.index(ref), conventions)
    return replace(derived, lambda operand: operands[int(operand.name[1:])])


def guarded(body: Expr, ref: Ref, conventions: Conventions = STATED) -> Expr:
    """Returns `partial`, as it is calculated: with the sides of `where` apart, for the one not chosen needs no value.

    `partial` multiplies each side by 1 or 0, which is shorter to read. A power of 0 by its exponent is 0 here, while
    that is not negative, where x^y·log(x) has no value; so it is in PyTorch.
    """
    return _by_cases(_with_zero_powers(body, ref), ref, conventions, MAX_CASES) or partial(body, ref, conventions)


MAX_CASES = 16  # sides that are derived apart; a line with more is derived at once


def _by_cases(body: Expr, ref: Ref, conventions: Conventions, cases: int) -> Expr | None:
    """The partial with each side of every `where` derived by itself; None for more sides than `cases`."""
    if ref not in refs(body):
        return ZERO
    choice = next((part for part in walk(body) if isinstance(part, Apply) and part.op == "where"), None)
    if choice is None:
        return partial(body, ref, conventions)
    if cases < 2:
        return None
    condition = choice.args[0]
    sides = [_by_cases(_decided(body, condition, side), ref, conventions, cases // 2) for side in (1, 2)]
    if sides[0] is None or sides[1] is None:
        return None
    return sides[0] if sides[0] == sides[1] else Apply("where", (condition, sides[0], sides[1]))


def _decided(expr: Expr, condition: Expr, side: int) -> Expr:
    """`expr` where every `where` with this condition is one of its sides."""
    if isinstance(expr, Apply) and expr.op == "where" and expr.args[0] == condition:
        return _decided(expr.args[side], condition, side)
    return rebuild(expr, tuple(_decided(part, condition, side) for part in children(expr)))


def _with_zero_powers(expr: Expr, ref: Ref) -> Expr:
    """`expr` with 0 for each power of 0 with `ref` in its exponent alone, which is not negative."""
    whole = rebuild(expr, tuple(_with_zero_powers(part, ref) for part in children(expr)))
    match whole:
        case Apply(op="pow", args=(base, exponent)) if ref in refs(exponent) and ref not in refs(base) and leaves(base):
            at_zero = Apply("mul", (Apply("equal", (base, ZERO)), Apply("at_most", (ZERO, exponent))))
            return Apply("where", (at_zero, ZERO, whole))
    return whole


_NOT_REAL = (sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)


@cache
def _partial_of_shape(shape: Expr, number: int, conventions: Conventions) -> Expr:
    try:
        derivative = sympy.diff(to_sympy(shape, conventions), sympy.Symbol(f"s{number}"))
        if derivative.has(*_NOT_REAL):
            raise EquationError(
                "the derivative of this line has no real value anywhere: it divides by zero, or takes a logarithm or a "
                "root of a number that has none"
            )
        return _in_paper_order(derivative, shape)
    except RecursionError:
        raise EquationError("operations too deep inside one another; split the equation over several lines") from None


def _in_paper_order(derivative: sympy.Expr, shape: Expr) -> Expr:
    """The tree of a derivative of `shape`, with its terms and factors as they stand there."""
    ranks = {sympy.Symbol(ref.name): int(ref.name[1:]) for ref in refs(shape)}
    if not derivative.is_Add:
        return from_sympy(derivative, ranks)
    content, rest = derivative.primitive()  # 2x − 6 is shown as 2 (x − 3)
    tree = from_sympy(rest, ranks)
    if content.p != 1:
        tree = Apply("mul", (Number(Fraction(int(content.p))), tree))
    return tree if content.q == 1 else Apply("div", (tree, Number(Fraction(int(content.q)))))


def to_sympy(expr: Expr, conventions: Conventions = STATED) -> sympy.Expr:
    """Returns the SymPy form of an expression; a reference becomes a symbol, another one for `x[i]` than for `x[j]`.

    `conventions` say which derivative SymPy takes of it.

    Raises `TypeError` for reductions and positions, which have none.
    """
    match expr:
        case Number(value=value):
            return sympy.Rational(value.numerator, value.denominator)
        case Ref(name=name, axes=axes):
            return sympy.Symbol(f"{name}[{','.join(map(str, axes))}]" if axes else name)
        case Apply(op=op, args=args):
            form = (conventions.way(expr) or OPERATIONS[op]).symbolic
            return form(*(to_sympy(arg, conventions) for arg in args))
    raise TypeError(f"{type(expr).__name__} has no SymPy form; take reductions out first")


def from_sympy(expr: sympy.Expr, ranks: Ranks) -> Expr:
    """Returns the tree of a SymPy expression in symbols named as references, terms and factors ordered by `ranks`.

    Raises `EquationError` for a SymPy function that no operation of the table has.
    """
    if expr.is_Rational:
        value = Fraction(int(expr.p), int(expr.q))
        return Number(value) if value >= 0 else Apply("neg", (Number(-value),))
    if expr.is_Symbol:
        return Ref(expr.name, ())
    if expr.is_Add:
        return _sum(sorted(expr.args, key=lambda term: _key(term, ranks, -1)), ranks)
    if expr.is_Mul or expr.is_Pow:
        return _quotient(expr, ranks)
    for name, constant in (("pi", sympy.pi), ("e", sympy.E)):
        if expr == constant:
            return Apply(name, ())
    name = _NAMES.get(type(expr).__name__, type(expr).__name__)
    if name not in OPERATIONS:
        raise EquationError(f"the derivative is not defined: it contains {expr}")
    return Apply(name, tuple(from_sympy(arg, ranks) for arg in expr.args))


_NAMES = {"absolute": "abs", "maximum": "max", "minimum": "min", "power": "pow"}
_NAMES.update(dict.fromkeys(("clip_stopping", "clip_sharing"), "clip"))


def _key(expr: sympy.Expr, ranks: Ranks, direction: int) -> tuple[list[int], int, str]:
    """Sorts terms and factors by their places on paper, numbers last.

    Among equals longer terms come first (x² + x) and shorter factors (σ (1 − σ)).
    """
    places = sorted(ranks[symbol] for symbol in expr.free_symbols)
    text = _text(expr)
    return (places or [len(ranks)], direction * len(text), text)


@cache
def _text(expr: sympy.Expr) -> str:
    """A text that tells expressions apart and grows with them; SymPy's own printer takes far longer."""
    if not expr.args:
        return str(expr)
    return f"{type(expr).__name__}({','.join(sorted(map(_text, expr.args)))})"


def _sum(terms: list[sympy.Expr], ranks: Ranks) -> Expr:
    """The terms in order, a positive one first where there is one: 1 − p, not −p + 1."""
    signed = [(term.could_extract_minus_sign(), term) for term in terms]
    positive = next((pair for pair in signed if not pair[0]), signed[0])
    signed.remove(positive)
    tree = from_sympy(positive[1], ranks)
    for minus, term in signed:
        tree = Apply("sub" if minus else "add", (tree, from_sympy(-term if minus else term, ranks)))
    return tree


def _quotient(expr: sympy.Expr, ranks: Ranks) -> Expr:
    """A product or power as sign, numerator and denominator."""
    coefficient, rest = expr.as_coeff_Mul()
    top: list[Expr] = []
    bottom: list[Expr] = []
    for factor in sorted(sympy.Mul.make_args(rest), key=lambda f: _key(f, ranks, 1)):
        base, exponent = factor.as_base_exp()
        if base == sympy.E or not exponent.is_Rational:
            (top if factor != 1 else []).append(_power(base, exponent, ranks))
        else:
            (top if exponent > 0 else bottom).append(_power(base, abs(exponent), ranks))
    value = Fraction(int(coefficient.p), int(coefficient.q))
    if abs(value.numerator) != 1 or not top:
        top.insert(0, Number(Fraction(abs(value.numerator))))
    if value.denominator != 1:
        bottom.insert(0, Number(Fraction(value.denominator)))
    tree = Apply("div", (_product(top), _product(bottom))) if bottom else _product(top)
    return Apply("neg", (tree,)) if value < 0 else tree


def _power(base: sympy.Expr, exponent: sympy.Expr, ranks: Ranks) -> Expr:
    if base == sympy.E:
        return Apply("exp", (from_sympy(exponent, ranks),)) if exponent != 1 else Apply("e", ())
    if exponent == 1:
        return from_sympy(base, ranks)
    if exponent == sympy.S.Half:
        return Apply("sqrt", (from_sympy(base, ranks),))
    return Apply("pow", (from_sympy(base, ranks), from_sympy(exponent, ranks)))


def _product(factors: list[Expr]) -> Expr:
    return reduce(lambda left, right: Apply("mul", (left, right)), factors)


def is_real(expr: Expr) -> bool:
    """Whether an expression of numbers has a finite real value, as far as SymPy can tell."""
    value = to_sympy(expr)
    return value.is_real is not False and not value.has(*_NOT_REAL)


def power_without_logarithm(body: Expr, ref: Ref) -> Apply | None:
    """Returns a power in `body` with `ref` in its exponent and a constant base without real logarithm; else None."""
    for part in walk(body):
        if isinstance(part, Apply) and part.op == "pow" and ref in refs(part.args[1]):
            base = part.args[0]
            if not leaves(base) and not is_real(Apply("log", (base,))):
                return part
    return None


def is_zero(expr: Expr) -> bool:
    """Whether `expr` is the literal 0, which `partial` returns where a derivative vanishes identically."""
    return expr == ZERO
