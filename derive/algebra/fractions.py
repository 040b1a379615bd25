"""Fractions cancelled: (y/p − (1 − y)/(1 − p)) p (1 − p) is y − p.

SymPy cancels exactly, with every name, function and sum as one symbol; its form is taken only
where it is shorter.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from derive.algebra.equivalence import canonical
from derive.algebra.expression import Apply, Expr, Number, Ref, children, rebuild, replace, size, walk
from derive.algebra.monomial import Monomial, collect
from derive.algebra.tidying import negated, powered, product, terms

MAX_CANCELLED = 80  # numbers, names and operations that SymPy is given at once
MAX_SYMBOLS = 10  # in what SymPy is given; beyond these limits an expression stays as it is
MAX_POWER = 6  # larger powers are one symbol to SymPy
MAX_TERMS = 200  # about as many terms may come up while it multiplies out


def shorter(expr: Expr) -> Expr:
    """Returns `expr` with its fractions cancelled, or multiplied out, where that is shorter; else `expr` itself."""
    if size(expr) > MAX_CANCELLED or not is_a_fraction_or_sum(expr):
        return expr
    known: dict[Expr, Expr] = {}
    names: dict[Expr, Ref] = {}
    shape = _opaque(expr, names, known)
    if len(names) > MAX_SYMBOLS or _terms(shape) > MAX_TERMS:
        return expr
    best = _shortest(shape)
    if size(best) >= size(shape):
        return expr
    operands = list(known.values())
    return replace(best, lambda symbol: operands[int(symbol.name[1:])])


def is_a_fraction_or_sum(expr: Expr) -> bool:
    """Whether there is anything to cancel: a sum somewhere outside of functions."""
    return any(isinstance(part, Apply) and part.op in ("add", "sub") for part in _arithmetic(expr))


def _arithmetic(expr: Expr) -> list[Expr]:
    found = [expr]
    for part in found:
        if _is_arithmetic(part):
            found.extend(children(part))
    return found


def _is_arithmetic(expr: Expr) -> bool:
    match expr:
        case Apply(op="add" | "sub" | "mul" | "div" | "neg"):
            return True
        case Apply(op="pow", args=(_, Number(value=exponent))):
            return exponent.denominator == 1 and abs(exponent) <= MAX_POWER
    return False


def _terms(shape: Expr) -> int:
    """How many terms the numerator has at most when all is multiplied out."""
    match shape:
        case Apply(op="add" | "sub", args=(left, right)):
            return _terms(left) + _terms(right)
        case Apply(op="mul" | "div", args=(left, right)):
            return _terms(left) * _terms(right)
        case Apply(op="pow", args=(base, Number(value=exponent))):
            return int(_terms(base) ** abs(exponent))
        case Apply(op="neg", args=(inner,)):
            return _terms(inner)
    return 1


def _opaque(expr: Expr, names: dict[Expr, Ref], known: dict[Expr, Expr]) -> Expr:
    """`expr` with s0, s1, … for all that is not arithmetic; equal ones share a name."""
    if isinstance(expr, Number):
        return expr
    if _is_arithmetic(expr):
        return rebuild(expr, tuple(_opaque(part, names, known) for part in children(expr)))
    key = canonical(expr)
    known.setdefault(key, expr)
    return names.setdefault(key, Ref(f"s{len(names)}", ()))


@cache
def _shortest(shape: Expr) -> Expr:
    """The shortest of what SymPy makes of an expression in s0, s1, …; all of them are equal to it."""
    import sympy

    from derive.algebra.calculus import from_sympy, to_sympy
    from derive.errors import EquationError

    ranks = {sympy.Symbol(part.name): int(part.name[1:]) for part in walk(shape) if isinstance(part, Ref)}
    try:
        whole = to_sympy(shape)
        forms = [sympy.cancel(whole)]
        forms += [sympy.factor(forms[0])]
        found = [from_sympy(form, ranks) for form in forms]
    except (EquationError, sympy.PolynomialError, ZeroDivisionError):
        return shape
    return min(found, key=size)


def cancelled(whole: Monomial) -> Monomial:
    """The product with a fraction among its factors cancelled against the others, where that is shorter."""
    fractions = [factor for factor, _ in whole.outside if _is_worth_it(factor)]
    if not fractions:
        return whole
    symbols = {canonical(part) for factor in fractions for part in _symbols(factor)}
    together = [(f, p) for f, p in whole.outside if symbols.intersection(map(canonical, _symbols(f)))]
    before = collect([powered(*pair) for pair in together]).tree()
    after = shorter(before)
    if after == before:
        return whole
    others = [powered(*pair) for pair in whole.outside if pair not in together]
    return product(turned(whole.coefficient, after), *others)


def turned(coefficient: Fraction, expr: Expr) -> Expr:
    """Returns `coefficient` · `expr`; a minus sign turns a difference among its factors round: p − y for −(y − p)."""
    whole = collect((Number(coefficient), expr))
    for factor, power in whole.outside:
        if whole.coefficient < 0 and power == 1 and isinstance(factor, Apply) and factor.op == "sub":
            others = [negated(other) if other == factor else powered(other, p) for other, p in whole.outside]
            return collect((Number(-whole.coefficient), *others)).tree()
    return whole.tree()


def _is_worth_it(factor: Expr) -> bool:
    """Whether a factor is a sum with a fraction among its terms, or a sum times something, or the same in each."""
    if not isinstance(factor, Apply) or factor.op not in ("add", "sub"):
        return False
    inside = _arithmetic(factor)
    sums = [part for part in inside if isinstance(part, Apply) and part.op in ("add", "sub")]
    nested = any(getattr(child, "op", "") == "mul" and is_a_fraction_or_sum(child) for s in sums for child in s.args)
    first, *others = ({canonical(part) for part in _symbols(term.tree())} for term in terms(factor))
    return nested or bool(first.intersection(*others)) or any(getattr(part, "op", "") == "div" for part in inside)


def _symbols(factor: Expr) -> list[Expr]:
    """What of a factor is one symbol to SymPy."""
    return [part for part in _arithmetic(factor) if not _is_arithmetic(part) and not isinstance(part, Number)]
