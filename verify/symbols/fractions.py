"""Fractions of polynomials with rational coefficients, in symbols that are named as they are met.

A symbol stands for a number that nothing is known of, or for one with a rule: √2 · √2 = 2. Work is counted and
not timed, so that what is decided does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import gcd

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

SIZES = (32, 128, 512)  # symbols, tried one after the other: a polynomial gets slower with those it might have
MAX_WORK = 3_000_000  # products of two terms, a few seconds
MAX_TERMS = 30_000  # of one polynomial
MAX_REDUCED = 4_000  # products of two terms, of what is still reduced to lowest terms
MAX_DEGREE = 1_000_000
MAX_POWER = 64  # a larger whole power of a sum is not multiplied out

Powers = tuple[tuple[int, int], ...]  # symbols with their exponents
Terms = tuple[tuple[fmpq, Powers], ...]  # each with its coefficient
Structure = tuple[Terms, Terms]  # numerator and denominator


class TooLargeError(Exception):
    """More work than is spent on one formula."""


class MoreSymbolsError(Exception):
    """More symbols are needed than the field was made for."""


class NoValueError(Exception):
    """A division by what is identically zero."""


@dataclass
class Effort:
    """The work that is left for one question, in however many ways it is tried."""

    left: int = MAX_WORK


@dataclass(frozen=True)
class Ratio:
    """`top`/`bottom`; the bottom's first coefficient is 1."""

    top: fmpq_mpoly
    bottom: fmpq_mpoly


class Field:
    """The fractions in at most `size` symbols, each of which has a key.

    Calculating raises `TooLargeError` where `effort` is spent or a polynomial is past its limits. Asking for a new
    symbol raises `MoreSymbolsError` where there are `size` already. No method changes a `Ratio` or a polynomial.
    """

    def __init__(self, size: int = SIZES[0], effort: Effort | None = None) -> None:
        self.context = fmpq_mpoly_ctx.get([f"s{number}" for number in range(size)], Ordering.degrevlex)
        self.keys: list[Hashable] = []
        self.places: dict[Hashable, int] = {}
        self.rules: dict[int, tuple[int, Ratio]] = {}  # symbol^degree = value
        self.apart: dict[int, frozenset[int]] = {}  # symbols of which a product with this one is 0
        self.weight = 5 + size // 8  # of one term that is taken apart
        self.effort = effort or Effort()
        self.unit = self.context.constant(1)
        self.one = self.number(1)
        self.zero = self.number(0)

    def number(self, value: Fraction | int) -> Ratio:
        """The fraction that a rational number is."""
        exact = fmpq(value.numerator, value.denominator)
        return Ratio(self.context.constant(exact), self.unit)

    def symbol(self, key: Hashable) -> Ratio:
        """The symbol with this key as a fraction; a new key gets the next symbol."""
        return Ratio(self.context.gen(self.place(key)), self.unit)

    def place(self, key: Hashable) -> int:
        """The number of the symbol with this key, counted from 0; a new key gets the next."""
        if key not in self.places:
            if len(self.keys) == self.context.nvars():
                raise MoreSymbolsError
            self.places[key] = len(self.keys)
            self.keys.append(key)
        return self.places[key]

    def add(self, x: Ratio, y: Ratio) -> Ratio:
        """The sum x + y."""
        if x.bottom == y.bottom:
            return self.ratio(x.top + y.top, x.bottom)
        if y.bottom == self.unit or x.bottom == self.unit:
            x, y = (x, y) if y.bottom == self.unit else (y, x)
            return self.ratio(x.top + self._times(y.top, x.bottom), x.bottom)
        shared = self._common(x.bottom, y.bottom)
        left, right = x.bottom / shared, y.bottom / shared
        top = self._times(x.top, right) + self._times(y.top, left)
        return self.ratio(top, self._times(x.bottom, right))

    def negative(self, x: Ratio) -> Ratio:
        """The negative −x."""
        return Ratio(-x.top, x.bottom)

    def subtract(self, x: Ratio, y: Ratio) -> Ratio:
        """The difference x − y."""
        return self.add(x, self.negative(y))

    def multiply(self, x: Ratio, y: Ratio) -> Ratio:
        """The product x · y."""
        return self.ratio(self._times(x.top, y.top), self._times(x.bottom, y.bottom))

    def divide(self, x: Ratio, y: Ratio) -> Ratio:
        """The quotient x / y. Raises `NoValueError` where y is identically zero."""
        if y.top.is_zero():
            raise NoValueError("division by what is always zero")
        return self.ratio(self._times(x.top, y.bottom), self._times(x.bottom, y.top))

    def power(self, x: Ratio, exponent: int) -> Ratio:
        """The power of x with a whole exponent, by repeated squaring.

        Raises `NoValueError` for a negative power of what is identically zero.
        """
        if exponent < 0:
            return self.power(self.divide(self.one, x), -exponent)
        if exponent > MAX_POWER and (len(x.top) > 1 or len(x.bottom) > 1):
            raise TooLargeError
        if exponent * max(1, *x.top.degrees(), *x.bottom.degrees()) > MAX_DEGREE:
            raise TooLargeError
        if len(x.top) == 1 and len(x.bottom) == 1 and not self.rules:
            return Ratio(x.top**exponent, x.bottom**exponent)
        result, square = self.one, x
        while exponent:
            if exponent & 1:
                result = self.multiply(result, square)
            exponent >>= 1
            if exponent:
                square = self.multiply(square, square)
        return result

    def total(self, values: Iterable[Ratio]) -> Ratio:
        """The sum of all; those over the same denominator are added first."""
        groups: dict[str, Ratio] = {}
        for value in values:
            key = str(value.bottom)
            groups[key] = self.add(groups[key], value) if key in groups else value
        result = self.zero
        for value in groups.values():
            result = self.add(result, value)
        return result

    def constant(self, x: Ratio) -> Fraction | None:
        """The rational number that x is; None where a symbol stands in it."""
        if not (x.top.is_constant() and x.bottom.is_constant()):
            return None
        if x.top.is_zero():
            return Fraction(0)
        value = x.top.leading_coefficient() / x.bottom.leading_coefficient()
        return Fraction(int(value.p), int(value.q))

    def structure(self, x: Ratio) -> Structure:
        """The terms of numerator and denominator, to be compared and hashed."""
        return self.terms(x.top), self.terms(x.bottom)

    def terms(self, polynomial: fmpq_mpoly) -> Terms:
        """The terms in descending order, each with its coefficient and the symbols that stand in it."""
        self.spend(len(polynomial) * self.weight)
        return tuple(
            (coefficient, tuple((symbol, int(e)) for symbol, e in enumerate(exponents) if e))
            for exponents, coefficient in polynomial.terms()
        )

    def polynomial(self, terms: Terms) -> fmpq_mpoly:
        """The polynomial that is the sum of these terms."""
        if len(terms) == 1:
            return self.monomial(*terms[0])
        self.spend(len(terms) * self.weight)
        found: dict[tuple[int, ...], fmpq] = {}
        for coefficient, powers in terms:
            exponents = [0] * self.context.nvars()
            for symbol, exponent in powers:
                exponents[symbol] = exponent
            found[tuple(exponents)] = found.get(tuple(exponents), fmpq(0)) + coefficient
        return self.context.from_dict(found)

    def monomial(self, coefficient: fmpq, powers: Powers) -> fmpq_mpoly:
        """One term as a polynomial."""
        self.spend(self.weight)
        result = self.context.constant(coefficient)
        for symbol, exponent in powers:
            result = result * self.context.gen(symbol) ** exponent
        return result

    def shared_powers(self, polynomial: fmpq_mpoly) -> Powers:
        """The symbols that every term has, each with its smallest exponent; the polynomial must not be 0."""
        first, *others = (dict(powers) for _, powers in self.terms(polynomial))
        found = ((symbol, min([e, *(other.get(symbol, 0) for other in others)])) for symbol, e in first.items())
        return tuple((symbol, exponent) for symbol, exponent in found if exponent)

    def without_shared(self, powers: Powers, polynomial: fmpq_mpoly) -> tuple[Powers, fmpq_mpoly]:
        """A term and a polynomial, as numerator and denominator, both divided by the symbols that they share."""
        if polynomial == self.unit:
            return powers, polynomial
        own = dict(powers)
        for symbol, exponent in self.shared_powers(polynomial):
            shared = min(own.get(symbol, 0), exponent)
            if shared:
                own[symbol] -= shared
                polynomial = polynomial / self.context.gen(symbol) ** shared
        return tuple((symbol, exponent) for symbol, exponent in own.items() if exponent), polynomial

    def ratio(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """The fraction top/bottom: the rules of its symbols applied, reduced, the bottom's first coefficient 1.

        Of long polynomials no common divisor is looked for. Raises `NoValueError` where by the rules the bottom is 0.
        """
        top, bottom = self._ruled(top, bottom)
        if top.is_zero():
            return Ratio(top, self.unit)
        if not bottom.is_constant():
            shared = self._common(top, bottom)
            if not shared.is_constant():
                top, bottom = top / shared, bottom / shared
        first = bottom.leading_coefficient()
        return Ratio(top, bottom) if first == 1 else Ratio(top / first, bottom / first)

    def symbols_in(self, x: Ratio) -> frozenset[int]:
        """The numbers of the symbols that stand in x."""
        return used(x.top) | used(x.bottom)

    def spend(self, work: int) -> None:
        """Takes work, in products of two terms, off the effort. Raises `TooLargeError` where less is left."""
        self.effort.left -= work
        if self.effort.left < 0:
            raise TooLargeError

    def _times(self, x: fmpq_mpoly, y: fmpq_mpoly) -> fmpq_mpoly:
        if len(x) > MAX_TERMS or len(y) > MAX_TERMS:
            raise TooLargeError
        self.spend(len(x) * len(y) + 5)
        return x * y

    def _common(self, x: fmpq_mpoly, y: fmpq_mpoly) -> fmpq_mpoly:
        """The greatest common divisor; 1 where the two are too long to look for it."""
        if len(x) * len(y) > MAX_REDUCED and min(len(x), len(y)) > 1:
            return self.unit
        self.spend(20 * len(x) * len(y) + self.weight)
        return x.gcd(y)

    def _ruled(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """Numerator and denominator with every power that a rule replaces, replaced."""
        if not self.rules and not self.apart:
            return top, bottom
        above, below = self._replaced(top), self._replaced(bottom)
        if above is None and below is None:
            return top, bottom
        whole = self.divide(above or Ratio(top, self.unit), below or Ratio(bottom, self.unit))
        return whole.top, whole.bottom

    def _replaced(self, polynomial: fmpq_mpoly) -> Ratio | None:
        """The polynomial by the rules; None where none applies."""
        degrees = polynomial.degrees()
        ruled = [symbol for symbol, (degree, _) in self.rules.items() if degrees[symbol] >= degree]
        standing = [symbol for symbol in self.apart if degrees[symbol] > 0]
        meeting = any(other in self.apart[symbol] for symbol, other in combinations(standing, 2))
        if not ruled and not meeting:
            return None
        self.spend(10 * len(polynomial))
        kept: list[tuple[fmpq, Powers]] = []
        others: list[Ratio] = []
        for coefficient, powers in self.terms(polynomial):
            symbols = [symbol for symbol, _ in powers]
            if any(other in self.apart.get(symbol, ()) for symbol, other in combinations(symbols, 2)):
                continue
            if any(symbol in self.rules and exponent >= self.rules[symbol][0] for symbol, exponent in powers):
                others.append(self._term(coefficient, powers))
            else:
                kept.append((coefficient, powers))
        if len(kept) == len(polynomial):
            return None
        return self.total([Ratio(self.polynomial(tuple(kept)), self.unit), *others])

    def _term(self, coefficient: fmpq, powers: Powers) -> Ratio:
        """One term with its powers replaced."""
        result = Ratio(self.context.constant(coefficient), self.unit)
        for symbol, exponent in powers:
            degree, value = self.rules.get(symbol, (exponent + 1, self.one))
            many, left = divmod(exponent, degree)
            for _ in range(many):
                result = self.multiply(result, value)
            if left:
                result = self.multiply(result, Ratio(self.context.gen(symbol) ** left, self.unit))
        return result


def used(polynomial: fmpq_mpoly) -> frozenset[int]:
    """The numbers of the symbols that stand in a polynomial."""
    return frozenset(symbol for symbol, degree in enumerate(polynomial.degrees()) if degree > 0)


def content(polynomial: fmpq_mpoly) -> fmpq:
    """The largest positive number that all coefficients are whole multiples of; 0 for the polynomial 0."""
    found = fmpq(0)
    for coefficient in polynomial.coeffs():
        above = gcd(int(found.p * coefficient.q), int(coefficient.p * found.q))
        found = fmpq(above, found.q * coefficient.q)
    return found
