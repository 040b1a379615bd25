"""Powers, roots, exp and log of fractions. Each takes and gives a `Ratio`, and may raise what `Field` raises."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, lcm

from flint import fmpq, fmpq_mpoly

from verify.symbols.fractions import Ratio, content
from verify.symbols.symbols import Called, Symbols

MAX_SPLIT = 40  # terms; exp of more is one symbol
MAX_ROOT = 12  # the q of x^(p/q); with a larger one it is one symbol


class FinerPartsError(Exception):
    """exp(x/3) beside exp(x/2): both are powers of exp(x/6), and `parts` is 6."""

    def __init__(self, parts: int) -> None:
        super().__init__(parts)
        self.parts = parts


def power(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    """x^y: whole powers multiplied out, roots with their rule, any other a symbol.

    Rewritten, x^y is exp(y log(x)) where y is no number; this raises what `exponential` raises.
    """
    field = symbols.field
    exponent = field.constant(y)
    if exponent is None:
        if symbols.manner.rewritten:
            return exponential(symbols, field.multiply(y, logarithm(symbols, x)))
        return symbols.function("exp", y) if x == exponential(symbols, field.one) else _of_number(symbols, x, y)
    if exponent.denominator == 1:
        return field.power(x, int(exponent))
    if exponent.denominator > MAX_ROOT:
        return symbols.function("pow", x, y)
    return field.power(root(symbols, x, exponent.denominator), exponent.numerator)


def _of_number(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    """x^y as a symbol: of a positive number it is positive, and below 1 where the number is and y is positive."""
    found = symbols.function("pow", x, y)
    base = symbols.field.constant(x)
    if base is not None and base > 0:
        (place,) = symbols.field.symbols_in(found)
        symbols.is_positive.add(place)
        if base < 1 and symbols.positive(y):
            symbols.is_below_one.add(place)
    return found


def root(symbols: Symbols, x: Ratio, degree: int) -> Ratio:
    """The root of x: that of the largest positive rational factor of its numerator, times the root of the rest.

    Powers of what is never negative are taken out: √(x² y) is x √y where x >= 0. So is what is positive, also a whole
    denominator: √(x/c) is √x/√c where c > 0.
    """
    field = symbols.field
    if x.top.is_zero():
        return field.zero
    if symbols.positive(Ratio(-x.bottom, field.unit)):
        x = Ratio(-x.top, -x.bottom)
    factor = content(x.top)
    value = Fraction(int(factor.p), int(factor.q))
    (above, top), (below, bottom) = (_taken_out(symbols, side, degree) for side in (x.top / factor, x.bottom))
    number = field.multiply(_root_of_number(symbols, value, degree), field.divide(above, below))
    if bottom != field.unit and symbols.positive(Ratio(bottom, field.unit)):
        roots = [_root_symbol(symbols, Ratio(side, field.unit), degree) for side in (top, bottom)]
        return field.multiply(number, field.divide(*roots))
    return field.multiply(number, _root_symbol(symbols, field.ratio(top, bottom), degree))


def _taken_out(symbols: Symbols, side: fmpq_mpoly, degree: int) -> tuple[Ratio, fmpq_mpoly]:
    """The root of what is never negative and divides a polynomial, and what is left of it.

    What may be 0 is taken out in whole powers alone: √(0 y) is 0, and √0 √y has no value where y < 0.
    """
    field = symbols.field
    outside = field.one
    for symbol, exponent in field.shared_powers(side):
        if symbol not in symbols.is_positive and symbol not in symbols.is_nonnegative:
            continue
        many, left = divmod(exponent, degree)
        part = field.context.gen(symbol)
        outside = field.multiply(outside, Ratio(part**many, field.unit))
        side = side / part ** (many * degree)
        if left and symbol in symbols.is_positive:
            own = _root_symbol(symbols, Ratio(part, field.unit), degree)
            outside, side = field.multiply(outside, field.power(own, left)), side / part**left
    return outside, side


def _root_of_number(symbols: Symbols, value: Fraction, degree: int) -> Ratio:
    """The root of p/q; √(p/q) = √(p q)/q, the squares of primes up to 13 taken out of the root."""
    field = symbols.field
    if degree != 2:
        return _root_symbol(symbols, field.number(value), degree)
    whole, outside = value.numerator * value.denominator, 1
    if isqrt(whole) ** 2 == whole:
        return field.number(Fraction(isqrt(whole), value.denominator))
    for prime in (2, 3, 5, 7, 11, 13):
        while whole % prime**2 == 0:
            whole, outside = whole // prime**2, outside * prime
    left = _root_symbol(symbols, field.number(whole), 2)
    return field.multiply(field.number(Fraction(outside, value.denominator)), left)


def _root_symbol(symbols: Symbols, x: Ratio, degree: int) -> Ratio:
    """The symbol whose power of this degree is x."""
    field = symbols.field
    if x == field.one:
        return x
    key = symbols.called(f"root {degree}", x)
    found = symbols.symbol(key, positive=symbols.positive(x))
    field.rules.setdefault(field.places[key], (degree, x))
    if degree % 2 == 0:
        symbols.is_nonnegative.add(field.places[key])
    return found


def exponential(symbols: Symbols, x: Ratio) -> Ratio:
    """exp(x): one symbol; rewritten, the product of the exponentials of its terms, and exp(p log(x)) is x^p.

    An exponent of more than `MAX_SPLIT` terms is one symbol in any case. Raises `FinerPartsError` where a term has a
    denominator that does not divide the `parts`.
    """
    field = symbols.field
    if not symbols.manner.rewritten:
        return symbols.function("exp", x)
    terms = field.terms(x.top)
    if len(terms) > MAX_SPLIT:
        return symbols.function("exp", x)
    result = field.one
    for coefficient, powers in terms:
        body = field.ratio(field.monomial(fmpq(1), powers), x.bottom)
        result = field.multiply(result, _exponential_of(symbols, body, coefficient))
    return result


def _exponential_of(symbols: Symbols, body: Ratio, coefficient: fmpq) -> Ratio:
    """exp(coefficient · body), as a power of the smallest part that is needed."""
    field = symbols.field
    inner = _inside_logarithm(symbols, body)
    if inner is not None:
        return power(symbols, inner, field.number(Fraction(int(coefficient.p), int(coefficient.q))))
    if symbols.parts % int(coefficient.q):
        raise FinerPartsError(lcm(symbols.parts, int(coefficient.q)))
    part = field.multiply(body, field.number(Fraction(1, symbols.parts)))
    return field.power(symbols.function("exp", part), int(coefficient.p) * (symbols.parts // int(coefficient.q)))


def _inside_logarithm(symbols: Symbols, body: Ratio) -> Ratio | None:
    """The x of log(x)."""
    field = symbols.field
    if body.bottom != field.unit or len(body.top) != 1:
        return None
    ((coefficient, powers),) = field.terms(body.top)
    if coefficient != 1 or len(powers) != 1 or powers[0][1] != 1:
        return None
    key = field.keys[powers[0][0]]
    if not (isinstance(key, Called) and key.op == "log"):
        return None
    top, bottom = (field.polynomial(terms) for terms in key.args[0])
    return Ratio(top, bottom)


def logarithm(symbols: Symbols, x: Ratio) -> Ratio:
    """log(x), as the log of the largest positive rational factor of its numerator plus the log of the rest.

    Rewritten, log(eˣ y) is x + log(y), and log(x/y) is log(x) − log(y) where both are certainly positive.
    """
    if not symbols.manner.rewritten or x.top.is_zero():
        return _log(symbols, x)
    field = symbols.field
    result, left = field.zero, x
    for symbol in sorted(field.symbols_in(x)):
        key = field.keys[symbol]
        if isinstance(key, Called) and key.op == "exp":
            above, below = (dict(field.shared_powers(side)).get(symbol, 0) for side in (x.top, x.bottom))
            if above or below:
                top, bottom = (field.polynomial(terms) for terms in key.args[0])
                exponent = field.number(above - below)
                result = field.add(result, field.multiply(exponent, Ratio(top, bottom)))
                taken = Ratio(field.context.gen(symbol), field.unit)
                left = field.divide(left, field.power(taken, above - below))
    above_it, below_it = Ratio(left.top, field.unit), Ratio(left.bottom, field.unit)
    if symbols.positive(above_it) and symbols.positive(below_it):
        return field.subtract(field.add(result, _log(symbols, above_it)), _log(symbols, below_it))
    return field.add(result, _log(symbols, left))


def _log(symbols: Symbols, x: Ratio) -> Ratio:
    """log(number · rest) = log(number) + log(rest)."""
    if x.top.is_zero():
        return symbols.function("log", x)
    field = symbols.field
    factor = content(x.top)
    rest = Ratio(x.top / factor, x.bottom)
    number = Ratio(field.context.constant(factor), field.unit)
    found = field.zero if factor == 1 else symbols.function("log", number)
    return found if rest == field.one else field.add(found, symbols.function("log", rest))
