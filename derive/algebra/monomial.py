"""Products as a person simplifies them: one coefficient, factors with exponents, Σ last.

Nothing is expanded, so a formula never grows, and the factors keep the order of the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from derive.algebra.equivalence import canonical
from derive.algebra.expression import (
    ONE,
    ZERO,
    Apply,
    Axes,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    count,
    free_axes,
)

Powers = dict[Expr, int]


@dataclass(frozen=True)
class Monomial:
    """`coefficient` · Π factor^exponent, times Σ over `axes` of Π inside^exponent."""

    coefficient: Fraction
    outside: tuple[tuple[Expr, int], ...]
    inside: tuple[tuple[Expr, int], ...] = ()
    axes: Axes = ()

    def summed_over(self, axes: Axes) -> Monomial:
        """Returns the sum over `axes`: factors that do not run over them stand before it, Σᵢ 1 is the size of i."""
        whole, axes = self.without_one_hots(axes)
        return whole._summed_over(axes)

    def without_one_hots(self, axes: Axes) -> tuple[Monomial, Axes]:
        """Returns the product without factors [y = k] that alone run over k, and `axes` without k: Σₖ [y = k] is 1."""
        outside, left = dict(self.outside), axes
        for axis in axes:
            running = [factor for factor in outside if axis in free_axes(factor)]
            if len(running) == 1 and outside[running[0]] == 1 and _is_one_hot(running[0], axis):
                del outside[running[0]]
                left = tuple(other for other in left if other != axis)
        return Monomial(self.coefficient, tuple(outside.items()), self.inside, self.axes), left

    def _summed_over(self, axes: Axes) -> Monomial:
        inside = [(factor, power) for factor, power in self.outside if set(free_axes(factor)) & set(axes)]
        outside = {factor: power for factor, power in self.outside if (factor, power) not in inside}
        coefficient = self.coefficient
        running = {axis for factor, _ in inside for axis in free_axes(factor)}
        for axis in axes:
            if axis not in running:
                many = count(axis)
                if isinstance(many, Number):
                    coefficient *= many.value
                else:
                    outside[many] = outside.get(many, 0) + 1
        kept = tuple(axis for axis in axes if axis in running)
        return Monomial(coefficient, _tidy(outside), tuple(inside), kept)

    def tree(self) -> Expr:
        """The product as an expression: sign, coefficient and constants, then the sum."""
        body = self.unsigned()
        return Apply("neg", (body,)) if self.coefficient < 0 else body

    def unsigned(self) -> Expr:
        """The product without its sign."""
        sums: list[Expr] = [factor for factor, power in self.outside if isinstance(factor, Reduce) and power == 1]
        before = _quotient(abs(self.coefficient), tuple(pair for pair in self.outside if pair[0] not in sums))
        if self.axes:
            sums.append(Reduce("sum", Monomial(Fraction(1), self.inside).unsigned(), self.axes))
        return before if not sums else _product(sums if before == ONE else [before, *sums])


def collect(factors: Iterable[Expr]) -> Monomial:
    """Returns the product of `factors` with numbers multiplied out and equal factors as powers."""
    coefficient = Fraction(1)
    powers: Powers = {}
    pending = [(factor, 1) for factor in reversed(tuple(factors))]
    while pending:
        expr, power = pending.pop()
        match expr:
            case Number(value=value) if value != 0 or power > 0:
                coefficient *= value**power
            case Apply(op="neg", args=(inner,)):
                coefficient *= (-1) ** power
                pending.append((inner, power))
            case Apply(op="mul", args=(left, right)):
                pending += [(right, power), (left, power)]
            case Apply(op="div", args=(top, bottom)):
                pending += [(bottom, -power), (top, power)]
            case Apply(op="pow", args=(base, Number(value=exponent))) if exponent.denominator == 1:
                pending.append((base, power * int(exponent)))
            case _:
                powers[expr] = powers.get(expr, 0) + power
    return Monomial(coefficient, _tidy(powers))


def counted(terms: Iterable[Monomial]) -> list[Monomial]:
    """Returns the terms without those that cancel, and with one term, 2 a, for equal ones, a + a.

    The letters of sums inside the factors do not matter.
    """
    merged: dict[tuple[object, ...], Monomial] = {}
    for term in terms:
        key = (_key(term.outside), _key(term.inside), term.axes)
        before = merged[key].coefficient if key in merged else Fraction(0)
        first = merged.get(key, term)
        merged[key] = replace(first, coefficient=before + term.coefficient)
    return [term for term in merged.values() if term.coefficient != 0]


def _key(factors: tuple[tuple[Expr, int], ...]) -> frozenset[tuple[Expr, int]]:
    return frozenset((canonical(factor), power) for factor, power in factors)


def joined(terms: list[Monomial]) -> Expr:
    """Returns the sum of the terms, a positive one first where there is one; 0 without terms."""
    if not terms:
        return ZERO
    ordered = sorted(terms, key=lambda term: term.coefficient < 0)
    first = terms[0] if terms[0].coefficient > 0 else ordered[0]
    tree = first.tree()
    for term in terms:
        if term is not first:
            tree = Apply("sub" if term.coefficient < 0 else "add", (tree, term.unsigned()))
    return tree


def _is_one_hot(factor: Expr, axis: Axis) -> bool:
    """Whether the factor is [y = k], the label y being a name without the axis k, or one of its numbers."""
    match factor:
        case Apply(op="equal", args=(Number(value=value), Position(axis=place))):
            many = axis.size if isinstance(axis.size, int) else 1  # at least, where that is open
            return place == axis and value.denominator == 1 and 0 <= value < many
        case Apply(op="equal", args=(Ref(axes=own), Position(axis=place))):
            return place == axis and axis not in (own or ())
    return False


def _tidy(powers: Powers) -> tuple[tuple[Expr, int], ...]:
    return tuple((factor, power) for factor, power in powers.items() if power != 0)


def _quotient(coefficient: Fraction, powers: tuple[tuple[Expr, int], ...]) -> Expr:
    """The product coefficient · Π factor^power as numerator over denominator."""
    top = [_power(factor, power) for factor, power in powers if power > 0]
    bottom = [_power(factor, -power) for factor, power in powers if power < 0]
    if coefficient.numerator != 1 or not top:
        top.insert(0, Number(Fraction(coefficient.numerator)))
    if coefficient.denominator != 1:
        bottom.insert(0, Number(Fraction(coefficient.denominator)))
    return Apply("div", (_product(top), _product(bottom))) if bottom else _product(top)


def _power(factor: Expr, power: int) -> Expr:
    return factor if power == 1 else Apply("pow", (factor, Number(Fraction(power))))


def _product(factors: list[Expr]) -> Expr:
    return reduce(lambda left, right: Apply("mul", (left, right)), factors)
