"""The operations of the table on fractions in symbols: order and equality, and what is made of other operations.

Each takes and gives a `Ratio`, and may raise what `Field` raises; rewritten to exp and log, `FinerPartsError` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce

from flint import fmpq_mpoly

from verify.symbols.columns import Column, by_cases, cases_of, entry, exclude
from verify.symbols.entry import Index, Leaf, Letter
from verify.symbols.fractions import Effort, NoValueError, Ratio, content
from verify.symbols.inequalities import is_thin
from verify.symbols.largest import is_largest, largest
from verify.symbols.powers import exponential, logarithm, power, root
from verify.symbols.sums import summed
from verify.symbols.symbols import Called, Case, Manner, Symbols


class Symbolic(Symbols):
    """An `EntrySystem` whose numbers are fractions in symbols; `columns` says what is known of names in every row."""

    def __init__(
        self,
        size: int,
        manner: Manner,
        labels: Mapping[str, int],
        known: Mapping[Leaf, Fraction],
        effort: Effort | None = None,
        parts: int = 1,
        columns: Mapping[str, Column] | None = None,
    ) -> None:
        super().__init__(size, manner, labels, known, effort, parts)
        self.columns = columns or {}
        self.sum_to_one = frozenset(name for name, own in self.columns.items() if own.one_hot or own.sums_to_one)

    def leaf(self, name: str, index: tuple[Index, ...]) -> Ratio:
        """An entry of what is given, with what is known of it in every row."""
        column = self.columns.get(name)
        return super().leaf(name, index) if column is None else entry(self, column, Leaf(name, index))

    def apply(self, op: str, args: Sequence[Ratio]) -> Ratio:
        """The value of an operation of the table; one that has no rule here is one symbol."""
        if self.groups and not _is_polynomial(self, op, args):
            return self._by_cases(args, lambda inside: self._applied(op, inside))
        return self._applied(op, args)

    def _by_cases(self, args: Sequence[Ratio], calculate: Callable[[Sequence[Ratio]], Ratio]) -> Ratio:
        """A function in every case; at once, where it has no value in some case: 1/max(x, 0) is a fraction."""
        try:
            return by_cases(self, args, calculate)
        except NoValueError:
            if not self.manner.by_cases:
                raise
            return calculate(args)

    def positive(self, x: Ratio) -> bool:
        """Whether x is certainly positive, in every case of what has only some values."""
        if self.groups.keys() & self.field.symbols_in(x):
            return all(super(Symbolic, self).positive(inside) for _, (inside,) in cases_of(self, (x,)))
        return super().positive(x)

    def _applied(self, op: str, args: Sequence[Ratio]) -> Ratio:
        return _OPERATIONS[op](self, *args) if op in _OPERATIONS else self.function(op, *args)

    def sum(self, values: Sequence[Ratio]) -> Ratio:
        """The sum of several."""
        return self.field.total(values)

    def reduce(self, op: str, values: Sequence[Ratio]) -> Ratio:
        """The logsumexp, max or min of several. Not rewritten, a logsumexp is one symbol, in whatever order."""
        if op != "logsumexp":
            found = self._largest(op, values) if self.manner.largest else None
            return found if found is not None else reduce(lambda x, y: self.apply(op, (x, y)), values)
        return self._by_cases(values, self._logsumexp) if self.groups else self._logsumexp(values)

    def _largest(self, op: str, values: Sequence[Ratio]) -> Ratio | None:
        """The maximum as one symbol, if it can be; of the minimum, −max(−x)."""
        if op == "max":
            return largest(self, values)
        found = largest(self, [self.field.negative(value) for value in values])
        return None if found is None else self.field.negative(found)

    def _logsumexp(self, values: Sequence[Ratio]) -> Ratio:
        if self.manner.rewritten:
            return logarithm(self, self.sum([exponential(self, value) for value in values]))
        return self.function("logsumexp", *sorted(values, key=lambda value: repr(self.field.structure(value))))

    def summed(self, value: Ratio, letter: Letter) -> Ratio:
        """Σ of `value` over an index that is left open."""
        return summed(self, value, letter)


def _is_polynomial(symbols: Symbols, op: str, args: Sequence[Ratio]) -> bool:
    """Whether an operation leaves polynomials in numbers that have only some values what they are."""
    if op == "pow":
        exponent = symbols.field.constant(args[1])
        return exponent is not None and exponent.denominator == 1 and exponent >= 0
    return op in _POLYNOMIAL or (op == "div" and not symbols.groups.keys() & symbols.field.symbols_in(args[1]))


def greater(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    """[x > y], which is 1 where x > y and else 0: a number where the sign of x − y is certain, else a symbol.

    Positive factors of x − y are left out, so that [2x > 2y] is [x > y].
    """
    field = symbols.field
    away = field.subtract(x, y)
    value = field.constant(away)
    if value is not None:
        return field.number(int(value > 0))
    if symbols.positive(away):
        return field.one
    if symbols.positive(field.negative(away)) or is_largest(symbols, y, x) is not None:
        return field.zero
    chosen = is_largest(symbols, x, y)
    if chosen is not None:
        return field.subtract(field.one, chosen)
    sign = field.ratio(away.top * away.bottom, field.unit).top
    factor, sign = _positive_factors(symbols, sign / content(sign))
    return field.multiply(factor, _above_zero(symbols, sign))


def _positive_factors(symbols: Symbols, sign: fmpq_mpoly) -> tuple[Ratio, fmpq_mpoly]:
    """What the sign of a product does not depend on, divided out: what is positive, and what is 0 or 1."""
    field = symbols.field
    factor = field.one
    shared = field.shared_powers(sign)
    for symbol, exponent in shared:
        key = field.keys[symbol]
        is_truth = isinstance(key, Called) and key.op in ("greater", "equal")
        if symbol in symbols.is_positive or is_truth:
            sign = sign / field.context.gen(symbol) ** exponent
        if is_truth:
            factor = field.multiply(factor, Ratio(field.context.gen(symbol), field.unit))
    return factor, sign


def _above_zero(symbols: Symbols, sign: fmpq_mpoly) -> Ratio:
    """[sign > 0]; it and [−sign > 0] never hold together."""
    field = symbols.field
    if sign.is_constant():
        return field.number(int(sign.leading_coefficient() > 0))
    if symbols.manner.off_kinks and sign.leading_coefficient() < 0 and is_thin(symbols, sign):
        return field.subtract(field.one, _truth(symbols, "greater", Ratio(-sign, field.unit)))
    found = _truth(symbols, "greater", Ratio(sign, field.unit))
    opposite = field.places.get(symbols.called("greater", Ratio(-sign, field.unit)))
    place = next(iter(field.symbols_in(found)))
    if opposite is not None:
        field.apart[place], field.apart[opposite] = frozenset((opposite,)), frozenset((place,))
    return found


def equal(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    """[x = y], which is 1 where x = y and else 0: a number where x − y is one, else a symbol.

    Of a label with K classes exactly one holds: [y = 0] … [y = K−2] exclude each other, [y = K−1] is what is left of 1.
    Off kinks it is 0 where [x > y] stands beside it: that x = y is such a kink.
    """
    field = symbols.field
    if x == y:
        return field.one
    away = field.subtract(x, y)
    chosen = is_largest(symbols, x, y) or is_largest(symbols, y, x)
    if chosen is not None:
        return chosen
    if field.constant(away) is not None or _is_kink(symbols, away):
        return field.zero
    for label, other in ((x, y), (y, x)):
        known = field.constant(other)
        classes = _classes(symbols, label)
        if classes is not None and known is not None:
            return _is_class(symbols, label, known, classes)
    return _truth(symbols, "equal", *sorted((x, y), key=lambda value: repr(field.structure(value))))


def _is_kink(symbols: Symbols, away: Ratio) -> bool:
    """Whether kinks are left out, and that a difference is 0 is one: it is also compared with 0, and thin."""
    field = symbols.field
    if not symbols.manner.off_kinks or away.bottom != field.unit or not is_thin(symbols, away.top):
        return False
    sign = away.top / content(away.top)
    return any(symbols.called("greater", Ratio(side, field.unit)) in field.places for side in (sign, -sign))


def _classes(symbols: Symbols, x: Ratio) -> int | None:
    """The number of classes where x is a label alone, else None."""
    if x.bottom != symbols.field.unit or len(x.top) != 1:
        return None
    ((coefficient, powers),) = symbols.field.terms(x.top)
    key = symbols.field.keys[powers[0][0]] if powers else None
    alone = coefficient == 1 and len(powers) == 1 and powers[0][1] == 1
    return symbols.labels.get(key.name) if alone and isinstance(key, Leaf) else None


def _is_class(symbols: Symbols, label: Ratio, known: Fraction, classes: int) -> Ratio:
    """[y = k] as a symbol; the last is what is left of 1; 0 where `known` is no class."""
    field = symbols.field
    if known.denominator != 1 or not 0 <= known < classes:
        return field.zero
    truths = [_truth(symbols, "equal", label, field.number(k)) for k in range(classes - 1)]
    places = frozenset(next(iter(field.symbols_in(truth))) for truth in truths)
    for place in places:
        field.apart[place] = places - {place}
    if symbols.manner.by_cases and places:
        exclude(symbols, sorted(places))
    return truths[int(known)] if known < classes - 1 else field.subtract(field.one, field.total(truths))


def _truth(symbols: Symbols, op: str, *args: Ratio) -> Ratio:
    """What is 0 or 1 as a symbol t, with the rule t² = t."""
    key = symbols.called(op, *args)
    found = symbols.symbol(key)
    place = symbols.field.places[key]
    symbols.field.rules.setdefault(place, (2, found))
    if symbols.manner.by_cases:
        other = symbols.field.subtract(symbols.field.one, found)
        symbols.groups.setdefault(place, (Case(found, {place: Fraction(1)}), Case(other, {place: Fraction(0)})))
    return found


def _where(symbols: Symbols, chosen: Ratio, x: Ratio, y: Ratio) -> Ratio:
    """With c, which is 0 or 1, as `chosen`: c x + (1 − c) y."""
    field = symbols.field
    return field.add(field.multiply(chosen, x), field.multiply(field.subtract(field.one, chosen), y))


def _larger(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    return _where(symbols, greater(symbols, x, y), x, y)


def _smaller(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    return _where(symbols, greater(symbols, x, y), y, x)


def _sign(symbols: Symbols, x: Ratio) -> Ratio:
    """sign(x) = [x > 0] − [0 > x]."""
    field = symbols.field
    return field.subtract(greater(symbols, x, field.zero), greater(symbols, field.zero, x))


def _absolute(symbols: Symbols, x: Ratio) -> Ratio:
    """|x| = x (2 [x > 0] − 1)."""
    field = symbols.field
    doubled = field.multiply(field.number(2), greater(symbols, x, field.zero))
    return field.multiply(x, field.subtract(doubled, field.one))


def _at_least(symbols: Symbols, x: Ratio, y: Ratio) -> Ratio:
    """(1 + sign(x − y))/2, the derivative of the maximum by x: 1/2 where both are equal."""
    field = symbols.field
    half = field.number(Fraction(1, 2))
    return field.multiply(half, field.add(field.one, _sign(symbols, field.subtract(x, y))))


def _sigmoid(symbols: Symbols, x: Ratio) -> Ratio:
    """σ(x), rewritten eˣ/(1 + eˣ)."""
    if not symbols.manner.rewritten:
        return symbols.function("sigmoid", x)
    grown = exponential(symbols, x)
    return symbols.field.divide(grown, symbols.field.add(symbols.field.one, grown))


def _tanh(symbols: Symbols, x: Ratio) -> Ratio:
    """tanh(x), rewritten (e²ˣ − 1)/(e²ˣ + 1)."""
    if not symbols.manner.rewritten:
        return symbols.function("tanh", x)
    field = symbols.field
    grown = exponential(symbols, field.multiply(field.number(2), x))
    return field.divide(field.subtract(grown, field.one), field.add(grown, field.one))


def _softplus(symbols: Symbols, x: Ratio) -> Ratio:
    """softplus(x), rewritten log(1 + eˣ)."""
    if not symbols.manner.rewritten:
        return symbols.function("softplus", x)
    return logarithm(symbols, symbols.field.add(symbols.field.one, exponential(symbols, x)))


def _log1p(symbols: Symbols, x: Ratio) -> Ratio:
    return logarithm(symbols, symbols.field.add(symbols.field.one, x))


def _expm1(symbols: Symbols, x: Ratio) -> Ratio:
    return symbols.field.subtract(exponential(symbols, x), symbols.field.one)


def _log_to(symbols: Symbols, x: Ratio, base: int) -> Ratio:
    return symbols.field.divide(logarithm(symbols, x), logarithm(symbols, symbols.field.number(base)))


def _sine(symbols: Symbols, x: Ratio) -> Ratio:
    """sin(x), a symbol with the rule sin² = 1 − cos²."""
    field = symbols.field
    found = symbols.function("sin", x)
    if not found.top.is_zero():
        (place,) = field.symbols_in(found)
        cosine = symbols.function("cos", x)
        field.rules.setdefault(place, (2, field.subtract(field.one, field.multiply(cosine, cosine))))
    return found


def _tangent(symbols: Symbols, x: Ratio) -> Ratio:
    """tan(x), rewritten sin(x)/cos(x)."""
    if not symbols.manner.rewritten:
        return symbols.function("tan", x)
    return symbols.field.divide(_sine(symbols, x), symbols.function("cos", x))


_POLYNOMIAL = ("add", "sub", "mul", "neg", "detach", "where")

_OPERATIONS: dict[str, Callable[..., Ratio]] = {
    "add": lambda symbols, x, y: symbols.field.add(x, y),
    "sub": lambda symbols, x, y: symbols.field.subtract(x, y),
    "mul": lambda symbols, x, y: symbols.field.multiply(x, y),
    "div": lambda symbols, x, y: symbols.field.divide(x, y),
    "neg": lambda symbols, x: symbols.field.negative(x),
    "pow": power,
    "detach": lambda _, x: x,
    "exp": exponential,
    "log": logarithm,
    "sqrt": lambda symbols, x: root(symbols, x, 2),
    "greater": greater,
    "equal": equal,
    "at_most": lambda symbols, x, y: symbols.field.subtract(symbols.field.one, greater(symbols, x, y)),
    "at_least": _at_least,
    "where": _where,
    "max": _larger,
    "min": _smaller,
    "relu": lambda symbols, x: _larger(symbols, x, symbols.field.zero),
    "clip": lambda symbols, x, low, high: _smaller(symbols, _larger(symbols, x, low), high),
    "sign": _sign,
    "abs": _absolute,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softplus": _softplus,
    "log1p": _log1p,
    "expm1": _expm1,
    "log2": lambda symbols, x: _log_to(symbols, x, 2),
    "log10": lambda symbols, x: _log_to(symbols, x, 10),
    "sin": _sine,
    "tan": _tangent,
    "e": lambda symbols: exponential(symbols, symbols.field.one),
}
