"""A formula as a person tidies it: powers for repeated factors, equal terms counted, one number in front.

Nothing is expanded, and terms and factors keep the order of the paper.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import gcd

from derive.algebra.equivalence import canonical
from derive.algebra.expression import ONE, Apply, Axes, Expr, Number, Reduce, children, count, rebuild
from derive.algebra.monomial import Monomial, collect, counted, joined

_PRODUCTS = ("mul", "div", "neg", "pow")


def tidy(expr: Expr) -> Expr:
    """Returns `expr` with equal factors of its products as powers and equal terms of its sums counted."""
    match expr:
        case Apply(op="add" | "sub"):
            return _sum(counted(terms(expr)))
        case Apply(op=op) if op in _PRODUCTS:
            return product(expr).tree()
        case Reduce(op="sum" | "mean"):
            return product(expr).tree()
    return rebuild(expr, tuple(map(tidy, children(expr))))


def _sum(kept: list[Monomial]) -> Expr:
    """The terms joined; −(a + b) for −a − b."""
    if len(kept) > 1 and all(term.coefficient < 0 for term in kept):
        return Apply("neg", (joined([replace(term, coefficient=-term.coefficient) for term in kept]),))
    return joined(kept)


def product(*factors: Expr) -> Monomial:
    """Returns the product of `factors`, each tidied, with the numbers of all sums among them in front."""
    first = collect(factors)
    whole: list[Expr] = [Number(first.coefficient)]
    for factor, power in first.outside:
        whole.append(powered(_factored(factor), power))
    return _alike_together(collect(whole))


def _factored(factor: Expr) -> Expr:
    """A factor, tidied: a sum with its common number in front, Σ 2 x as 2 Σ x."""
    match factor:
        case Apply(op="add" | "sub"):
            return with_number_in_front(terms(factor))
        case Reduce(op="sum" | "mean", body=body, axes=axes):
            return summed(product(body), axes or (), factor.op).tree()
    return rebuild(factor, tuple(map(tidy, children(factor))))


def summed(body: Monomial, axes: Axes, op: str = "sum") -> Monomial:
    """Returns the sum of `body` over `axes`, or its mean; factors that do not run over them stand in front."""
    total = body.summed_over(axes)
    if op == "sum":
        return total
    shares = collect([Apply("div", (ONE, count(axis))) for axis in axes])
    outside = [powered(*pair) for pair in (*shares.outside, *total.outside)]
    before = collect([Number(total.coefficient * shares.coefficient), *outside])
    return replace(total, coefficient=before.coefficient, outside=before.outside)


def powered(base: Expr, power: int) -> Expr:
    """base^power."""
    if power == 1:
        return base
    exponent: Expr = Number(Fraction(abs(power)))
    return Apply("pow", (base, exponent if power > 0 else Number(Fraction(power))))


def _alike_together(whole: Monomial) -> Monomial:
    """The product with factors that differ only in the letters of their sums as one power."""
    if not any(isinstance(part, Reduce | Apply) for part, _ in whole.outside):
        return whole
    first: dict[Expr, Expr] = {}
    powers: dict[Expr, int] = {}
    for factor, power in whole.outside:
        own = first.setdefault(canonical(factor), factor)
        powers[own] = powers.get(own, 0) + power
    return Monomial(whole.coefficient, tuple((f, p) for f, p in powers.items() if p), whole.inside, whole.axes)


def terms(expr: Expr) -> list[Monomial]:
    """The terms of a sum, each a tidy product."""
    found: list[Monomial] = []
    pending = [(expr, 1)]
    while pending:
        part, sign = pending.pop()
        match part:
            case Apply(op="add" | "sub" as op, args=(left, right)):
                pending += [(right, sign if op == "add" else -sign), (left, sign)]
            case Apply(op="neg", args=(inner,)):
                pending.append((inner, -sign))
            case _:
                own = product(part)
                found.append(replace(own, coefficient=sign * own.coefficient))
    return found


def with_number_in_front(found: list[Monomial]) -> Expr:
    """The sum of terms with the number that all have in front: 2 (w x + b − y), never (w x + 2 b)/2.

    A Σ keeps its own: 2 λ β + (2/n) Σᵢ dᵢ.
    """
    kept = counted(found)
    with_sums = len(kept) > 1 and any(term.axes or any(isinstance(f, Reduce) for f, _ in term.outside) for term in kept)
    number = Fraction(1) if with_sums else common_number([term.coefficient for term in kept])
    whole = joined([replace(term, coefficient=term.coefficient / number) for term in kept])
    return whole if number == 1 else Apply("mul", (Number(number), whole))


def common_number(coefficients: list[Fraction]) -> Fraction:
    """Returns the greatest common divisor of coefficients with the same denominator, negative where all of them are.

    Returns 1 where the denominators differ.
    """
    if len({c.denominator for c in coefficients}) != 1:
        return Fraction(1)
    size = Fraction(gcd(*(c.numerator for c in coefficients)), coefficients[0].denominator)
    return -size if all(c < 0 for c in coefficients) else size


def negated(expr: Expr) -> Expr:
    """−`expr`; a sum with every sign turned, p − y for y − p."""
    return joined([replace(term, coefficient=-term.coefficient) for term in terms(expr)])


def shares_written(expr: Expr) -> Expr:
    """Returns `expr` with [x > y] + [x = y]/2 for at_least(x, y), the share of the larger of two."""
    parts = tuple(map(shares_written, children(expr)))
    if isinstance(expr, Apply) and expr.op == "at_least":
        half = Apply("div", (Apply("equal", parts), Number(Fraction(2))))
        return Apply("add", (Apply("greater", parts), half))
    return rebuild(expr, parts)
