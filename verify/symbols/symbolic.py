"""The operations of the table on fractions of polynomials: what is no polynomial becomes a symbol, with its rules.

Where the number of samples is left open, their index is a letter: xᵢ is one symbol, and so is Σᵢ xᵢ².
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd, isqrt, lcm

from flint import fmpq, fmpq_mpoly

from verify.symbols.entry import Index, Leaf, Letter, renamed_index
from verify.symbols.fractions import Effort, Field, Powers, Ratio, Structure, Terms, used

MAX_SPLIT = 40  # terms of an exponent that are taken apart
MAX_ROOT = 12  # the q of x^(p/q)

_ODD = ("sin", "tan", "tanh", "erf")


class FinerPartsError(Exception):
    """exp(x/3) beside exp(x/2): both are powers of exp(x/6), and `parts` is 6."""

    def __init__(self, parts: int) -> None:
        super().__init__(parts)
        self.parts = parts


@dataclass(frozen=True)
class Called:
    """The key of a function of fractions: its name, and what each argument is made of."""

    op: str
    args: tuple[Structure, ...]


@dataclass(frozen=True)
class Summed:
    """The key of Σ over a letter; inside, the letter is `bound`."""

    bound: Letter
    body: Structure


@dataclass(frozen=True)
class Manner:
    """How functions are taken: each as one symbol, or rewritten to exp and log; off kinks, −d > 0 is not d > 0."""

    rewritten: bool = False
    off_kinks: bool = False


class Symbolic:
    """Numbers that are fractions in symbols. `labels` are names that are one of so many classes, counted from 0.

    `known` are the values of names that stand for them. Of exp(x), exp(x/`parts`) is a symbol.
    """

    def __init__(
        self,
        size: int,
        manner: Manner,
        labels: Mapping[str, int],
        known: Mapping[Leaf, Fraction],
        effort: Effort | None = None,
        parts: int = 1,
    ) -> None:
        self.field = Field(size, effort)
        self.manner = manner
        self.labels = labels
        self.known = known
        self.letters: list[frozenset[Letter]] = []  # of each symbol, those it depends on
        self.is_positive: set[int] = set()
        self.is_root: set[int] = set()  # an even root is 0 or positive
        self._renamings: dict[tuple[object, ...], int] = {}
        self.parts = parts

    def number(self, value: Fraction) -> Ratio:
        """A literal."""
        return self.field.number(value)

    def leaf(self, name: str, index: tuple[Index, ...]) -> Ratio:
        """An entry of what is given: a parameter, a column of the data."""
        leaf = Leaf(name, index)
        if leaf in self.known:
            return self.field.number(self.known[leaf])
        return self.symbol(leaf)

    def size(self, name: str) -> Ratio:
        """How many values an axis has, where that is left open."""
        return self.symbol(Leaf(name, ()), positive=True)

    def position(self, index: Index) -> Ratio:
        """An index as a number."""
        return self.field.number(index) if isinstance(index, int) else self.symbol(index)

    def symbol(self, key: Leaf | Letter | Called | Summed, positive: bool = False) -> Ratio:
        """The symbol with a key, of which the letters are remembered."""
        found = self.field.symbol(key)
        place = self.field.places[key]
        if place == len(self.letters):
            self.letters.append(self._letters_of(key))
        if positive:
            self.is_positive.add(place)
        return found

    def apply(self, op: str, args: Sequence[Ratio]) -> Ratio:
        """An operation of the table."""
        return _OPERATIONS[op](self, *args) if op in _OPERATIONS else self.function(op, *args)

    def sum(self, values: Sequence[Ratio]) -> Ratio:
        """The sum of several."""
        return self.field.total(values)

    def reduce(self, op: str, values: Sequence[Ratio]) -> Ratio:
        """logsumexp, max or min of several."""
        if op != "logsumexp":
            return reduce(lambda x, y: self.apply(op, (x, y)), values)
        if self.manner.rewritten:
            return self.logarithm(self.sum([self.exponential(value) for value in values]))
        return self.function(op, *sorted(values, key=lambda value: repr(self.field.structure(value))))

    def summed(self, value: Ratio, letter: Letter) -> Ratio:
        """Σ over a letter: of each term, what is without the letter times Σ of what is with it."""
        field = self.field
        outside, inside = self._denominators(value.bottom, letter)
        whole, left = (value.top, value.top * 0) if inside == field.unit else divmod(value.top, inside)
        found = [self._one_sum(term, field.unit, letter) for term in field.terms(whole)]
        found += [self._one_sum(term, inside, letter) for term in field.terms(left)]
        return field.divide(field.total(found), Ratio(outside, field.unit))

    def _denominators(self, bottom: fmpq_mpoly, letter: Letter) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """The factors without the letter, and those with it."""
        outside = inside = self.field.unit
        if not any(letter in self.letters[symbol] for symbol in used(bottom)):
            return bottom, inside
        self.field.spend(1000 * len(bottom))
        number, factors = bottom.factor()
        outside = outside * number
        for factor, power in factors:
            if any(letter in self.letters[symbol] for symbol in used(factor)):
                inside = inside * factor**power
            else:
                outside = outside * factor**power
        return outside, inside

    def _one_sum(self, term: tuple[fmpq, Powers], inside: fmpq_mpoly, letter: Letter) -> Ratio:
        """Σ of one term over `inside`, which has the letter; Σ of a number is a multiple of the count."""
        field = self.field
        coefficient, powers = term
        without = tuple(pair for pair in powers if letter not in self.letters[pair[0]])
        factor = Ratio(field.monomial(coefficient, without), field.unit)
        own = tuple(pair for pair in powers if letter in self.letters[pair[0]])
        if not own and inside == field.unit:
            return field.multiply(factor, self.size(letter.size))
        own, inside = field.without_shared(own, inside)
        places = {symbol for symbol, _ in own} | used(inside)
        bound = Letter(-1 - max((self._depth(symbol) for symbol in places), default=0), letter.size)
        above = self._renamed_terms(((fmpq(1), own),), {letter: bound})
        below = field.terms(self._along(inside, {letter: bound}))
        first = below[0][0]
        body = (above, tuple((number / first, pairs) for number, pairs in below))
        whole = field.multiply(factor, self.symbol(Summed(bound, body)))
        return field.multiply(whole, Ratio(field.context.constant(1 / first), field.unit))

    def _along(self, polynomial: fmpq_mpoly, letters: Mapping[Letter, Letter]) -> fmpq_mpoly:
        """A polynomial along other letters."""
        if not any(self.letters[symbol] & letters.keys() for symbol in used(polynomial)):
            return polynomial
        return self.field.polynomial(self._renamed_terms(self.field.terms(polynomial), letters))

    def _renamed_terms(self, terms: Terms, letters: Mapping[Letter, Letter]) -> Terms:
        return tuple(
            (number, tuple(sorted((self._renamed_symbol(symbol, letters), e) for symbol, e in powers)))
            for number, powers in terms
        )

    def _depth(self, place: int) -> int:
        key = self.field.keys[place]
        own = 1 if isinstance(key, Summed) else 0
        return own + max((self._depth(inner) for inner in _inside(key)), default=0)

    def _renamed_symbol(self, place: int, letters: Mapping[Letter, Letter]) -> int:
        if not self.letters[place] & letters.keys():
            return place
        known = (place, *letters.items())
        if known not in self._renamings:
            self._renamings[known] = self._new_symbol(place, letters)
        return self._renamings[known]

    def _new_symbol(self, place: int, letters: Mapping[Letter, Letter]) -> int:
        key = self.field.keys[place]
        new: Leaf | Letter | Called | Summed
        match key:
            case Leaf(name=name, index=index):
                new = Leaf(name, renamed_index(index, letters))
            case Letter():
                new = letters.get(key, key)
            case Called(op=op, args=args):
                new = Called(op, tuple(self._renamed_structure(arg, letters) for arg in args))
            case Summed(bound=bound, body=body):
                new = Summed(bound, self._renamed_structure(body, letters))
            case _:
                raise TypeError(type(key).__name__)
        self.symbol(new, positive=place in self.is_positive)
        return self.field.places[new]  # its rules are not needed: inside a sum nothing is multiplied

    def _renamed_structure(self, structure: Structure, letters: Mapping[Letter, Letter]) -> Structure:
        """What a key is made of, along other letters: its terms in order, the denominator's first number 1."""
        field = self.field
        top, bottom = (field.terms(self._along(field.polynomial(terms), letters)) for terms in structure)
        first = bottom[0][0]
        scaled = (tuple((number / first, powers) for number, powers in side) for side in (top, bottom))
        above, below = scaled
        return above, below

    def _letters_of(self, key: Leaf | Letter | Called | Summed) -> frozenset[Letter]:
        match key:
            case Leaf(index=index):
                return frozenset(part for part in index if isinstance(part, Letter))
            case Letter():
                return frozenset((key,))
            case Summed(bound=bound):
                return frozenset(letter for place in _inside(key) for letter in self.letters[place]) - {bound}
        return frozenset(letter for place in _inside(key) for letter in self.letters[place])

    def function(self, op: str, *args: Ratio) -> Ratio:
        """A function as one symbol; of an odd one the sign is taken out."""
        sign = self.field.one
        if op in _ODD and args[0].top.leading_coefficient() < 0:
            args, sign = (self.field.negative(args[0]),), self.field.number(-1)
        if op == "cos" and args[0].top.leading_coefficient() < 0:
            args = (self.field.negative(args[0]),)
        if args and op in _AT_ZERO and args[0].top.is_zero():
            return self.field.number(_AT_ZERO[op])
        key = Called(op, tuple(map(self.field.structure, args)))
        found = self.symbol(key, positive=op in ("exp", "pi", "e", "sigmoid", "softplus"))
        return self.field.multiply(sign, found)

    # powers and roots

    def power(self, x: Ratio, y: Ratio) -> Ratio:
        """x^y: whole powers multiplied out, roots with their rule, any other a symbol."""
        exponent = self.field.constant(y)
        if exponent is None:
            if self.manner.rewritten:
                return self.exponential(self.field.multiply(y, self.logarithm(x)))
            return self.function("exp", y) if x == self.apply("e", ()) else self.function("pow", x, y)
        if exponent.denominator == 1:
            return self.field.power(x, int(exponent))
        if exponent.denominator > MAX_ROOT:
            return self.function("pow", x, y)
        return self.field.power(self.root(x, exponent.denominator), exponent.numerator)

    def root(self, x: Ratio, degree: int) -> Ratio:
        """The root of x: of what it has of a positive number as a factor, apart."""
        field = self.field
        if x.top.is_zero():
            return field.zero
        content = _content(x.top)
        rest = Ratio(x.top / content, x.bottom)
        value = Fraction(int(content.p), int(content.q))
        return field.multiply(self._root_of_number(value, degree), self._root_symbol(rest, degree))

    def _root_of_number(self, value: Fraction, degree: int) -> Ratio:
        """√(p/q) = √(p q)/q, its square factors taken out."""
        if degree != 2:
            return self._root_symbol(self.field.number(value), degree)
        whole, outside = value.numerator * value.denominator, 1
        if isqrt(whole) ** 2 == whole:
            return self.field.number(Fraction(isqrt(whole), value.denominator))
        for prime in (2, 3, 5, 7, 11, 13):
            while whole % prime**2 == 0:
                whole, outside = whole // prime**2, outside * prime
        root = self._root_symbol(self.field.number(whole), 2)
        return self.field.multiply(self.field.number(Fraction(outside, value.denominator)), root)

    def _root_symbol(self, x: Ratio, degree: int) -> Ratio:
        if x == self.field.one:
            return x
        key = Called(f"root {degree}", (self.field.structure(x),))
        found = self.symbol(key, positive=self.positive(x))
        self.field.rules.setdefault(self.field.places[key], (degree, x))
        if degree % 2 == 0:
            self.is_root.add(self.field.places[key])
        return found

    # exp and log

    def exponential(self, x: Ratio) -> Ratio:
        """exp(x): rewritten, the product of the exponentials of its terms."""
        if not self.manner.rewritten:
            return self.function("exp", x)
        terms = self.field.terms(x.top)
        if len(terms) > MAX_SPLIT:
            return self.function("exp", x)
        result = self.field.one
        for coefficient, powers in terms:
            body = self.field.ratio(self.field.monomial(fmpq(1), powers), x.bottom)
            result = self.field.multiply(result, self._exponential_of(body, coefficient))
        return result

    def _exponential_of(self, body: Ratio, coefficient: fmpq) -> Ratio:
        """exp(coefficient · body), as a power of the smallest part that is needed."""
        inner = self._inside_logarithm(body)
        if inner is not None:
            return self.power(inner, self.field.number(Fraction(int(coefficient.p), int(coefficient.q))))
        if self.parts % int(coefficient.q):
            raise FinerPartsError(lcm(self.parts, int(coefficient.q)))
        part = self.field.multiply(body, self.field.number(Fraction(1, self.parts)))
        return self.field.power(self.function("exp", part), int(coefficient.p) * (self.parts // int(coefficient.q)))

    def _inside_logarithm(self, body: Ratio) -> Ratio | None:
        """The x of log(x)."""
        if body.bottom != self.field.unit or len(body.top) != 1:
            return None
        ((coefficient, powers),) = self.field.terms(body.top)
        if coefficient != 1 or len(powers) != 1 or powers[0][1] != 1:
            return None
        key = self.field.keys[powers[0][0]]
        if not (isinstance(key, Called) and key.op == "log"):
            return None
        top, bottom = (self.field.polynomial(terms) for terms in key.args[0])
        return Ratio(top, bottom)

    def logarithm(self, x: Ratio) -> Ratio:
        """log(x): rewritten, what is certainly positive taken out of it."""
        if not self.manner.rewritten or x.top.is_zero():
            return self._log(x)
        field = self.field
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
        if self.positive(above_it) and self.positive(below_it):
            return field.subtract(field.add(result, self._log(above_it)), self._log(below_it))
        return field.add(result, self._log(left))

    def _log(self, x: Ratio) -> Ratio:
        if x.top.is_zero():
            return self.function("log", x)
        content = _content(x.top)
        rest = Ratio(x.top / content, x.bottom)
        number = Ratio(self.field.context.constant(content), self.field.unit)
        found = self.field.zero if content == 1 else self.function("log", number)
        return found if rest == self.field.one else self.field.add(found, self.function("log", rest))

    def positive(self, x: Ratio) -> bool:
        """Whether x is certainly positive: every term is, or an even power, and one more than a square."""
        return self._positive(x.top) and self._positive(x.bottom)

    def _positive(self, side: fmpq_mpoly) -> bool:
        strictly = False
        for coefficient, powers in self.field.terms(side):
            signed = any(s not in self.is_positive and s not in self.is_root and e % 2 for s, e in powers)
            if coefficient < 0 or signed:
                return False
            strictly = strictly or all(s in self.is_positive for s, _ in powers)
        return strictly

    # what is 0 or 1

    def greater(self, x: Ratio, y: Ratio) -> Ratio:
        """[x > y], of which only the sign of x − y matters; it is its own square."""
        field = self.field
        away = field.subtract(x, y)
        value = field.constant(away)
        if value is not None:
            return field.number(int(value > 0))
        if self.positive(away):
            return field.one
        if self.positive(field.negative(away)):
            return field.zero
        sign = field.ratio(away.top * away.bottom, field.unit).top
        factor, sign = self._positive_factors(sign / _content(sign))
        return field.multiply(factor, self._above_zero(sign))

    def _positive_factors(self, sign: fmpq_mpoly) -> tuple[Ratio, fmpq_mpoly]:
        """What the sign of a product does not depend on, divided out: what is positive, and what is 0 or 1."""
        field = self.field
        factor = field.one
        shared = field.shared_powers(sign)
        for symbol, exponent in shared:
            key = field.keys[symbol]
            is_truth = isinstance(key, Called) and key.op in ("greater", "equal")
            if symbol in self.is_positive or is_truth:
                sign = sign / field.context.gen(symbol) ** exponent
            if is_truth:
                factor = field.multiply(factor, Ratio(field.context.gen(symbol), field.unit))
        return factor, sign

    def _above_zero(self, sign: fmpq_mpoly) -> Ratio:
        """[sign > 0]; it and [−sign > 0] never hold together."""
        field = self.field
        if sign.is_constant():
            return field.number(int(sign.leading_coefficient() > 0))
        if self.manner.off_kinks and sign.leading_coefficient() < 0:
            return field.subtract(field.one, self._truth("greater", Ratio(-sign, field.unit)))
        found = self._truth("greater", Ratio(sign, field.unit))
        opposite = field.places.get(Called("greater", (field.structure(Ratio(-sign, field.unit)),)))
        place = next(iter(field.symbols_in(found)))
        if opposite is not None:
            field.apart[place], field.apart[opposite] = frozenset((opposite,)), frozenset((place,))
        return found

    def equal(self, x: Ratio, y: Ratio) -> Ratio:
        """[x = y]; of labels exactly one class holds."""
        field = self.field
        if x == y:
            return field.one
        if field.constant(field.subtract(x, y)) is not None:
            return field.zero
        for label, other in ((x, y), (y, x)):
            known = field.constant(other)
            classes = self._classes(label)
            if classes is not None and known is not None:
                return self._is_class(label, known, classes)
        return self._truth("equal", *sorted((x, y), key=lambda value: repr(field.structure(value))))

    def _classes(self, x: Ratio) -> int | None:
        if x.bottom != self.field.unit or len(x.top) != 1:
            return None
        ((coefficient, powers),) = self.field.terms(x.top)
        key = self.field.keys[powers[0][0]] if powers else None
        alone = coefficient == 1 and len(powers) == 1 and powers[0][1] == 1
        return self.labels.get(key.name) if alone and isinstance(key, Leaf) else None

    def _is_class(self, label: Ratio, known: Fraction, classes: int) -> Ratio:
        """[y = k] as a symbol; the last is what is left of 1."""
        field = self.field
        if known.denominator != 1 or not 0 <= known < classes:
            return field.zero
        truths = [self._truth("equal", label, field.number(k)) for k in range(classes - 1)]
        places = frozenset(next(iter(field.symbols_in(truth))) for truth in truths)
        for place in places:
            field.apart[place] = places - {place}
        return truths[int(known)] if known < classes - 1 else field.subtract(field.one, field.total(truths))

    def _truth(self, op: str, *args: Ratio) -> Ratio:
        key = Called(op, tuple(map(self.field.structure, args)))
        found = self.symbol(key)
        self.field.rules.setdefault(self.field.places[key], (2, found))
        return found


def _inside(key: object) -> frozenset[int]:
    """The symbols that a key is made of."""
    structures: tuple[Structure, ...] = ()
    if isinstance(key, Called):
        structures = key.args
    elif isinstance(key, Summed):
        structures = (key.body,)
    return frozenset(s for structure in structures for side in structure for _, powers in side for s, _ in powers)


def _content(polynomial: fmpq_mpoly) -> fmpq:
    """The largest positive number that all coefficients are whole multiples of."""
    found = fmpq(0)
    for coefficient in polynomial.coeffs():
        above = gcd(int(found.p * coefficient.q), int(coefficient.p * found.q))
        found = fmpq(above, found.q * coefficient.q)
    return found


def _where(self: Symbolic, chosen: Ratio, x: Ratio, y: Ratio) -> Ratio:
    field = self.field
    return field.add(field.multiply(chosen, x), field.multiply(field.subtract(field.one, chosen), y))


def _larger(self: Symbolic, x: Ratio, y: Ratio) -> Ratio:
    return _where(self, self.greater(x, y), x, y)


def _smaller(self: Symbolic, x: Ratio, y: Ratio) -> Ratio:
    return _where(self, self.greater(x, y), y, x)


def _sign(self: Symbolic, x: Ratio) -> Ratio:
    field = self.field
    return field.subtract(self.greater(x, field.zero), self.greater(field.zero, x))


def _absolute(self: Symbolic, x: Ratio) -> Ratio:
    doubled = self.field.multiply(self.field.number(2), self.greater(x, self.field.zero))
    return self.field.multiply(x, self.field.subtract(doubled, self.field.one))


def _at_least(self: Symbolic, x: Ratio, y: Ratio) -> Ratio:
    half = self.field.number(Fraction(1, 2))
    return self.field.multiply(half, self.field.add(self.field.one, _sign(self, self.field.subtract(x, y))))


def _sigmoid(self: Symbolic, x: Ratio) -> Ratio:
    if not self.manner.rewritten:
        return self.function("sigmoid", x)
    grown = self.exponential(x)
    return self.field.divide(grown, self.field.add(self.field.one, grown))


def _tanh(self: Symbolic, x: Ratio) -> Ratio:
    if not self.manner.rewritten:
        return self.function("tanh", x)
    field = self.field
    grown = self.exponential(field.multiply(field.number(2), x))
    return field.divide(field.subtract(grown, field.one), field.add(grown, field.one))


def _softplus(self: Symbolic, x: Ratio) -> Ratio:
    if not self.manner.rewritten:
        return self.function("softplus", x)
    return self.logarithm(self.field.add(self.field.one, self.exponential(x)))


def _log1p(self: Symbolic, x: Ratio) -> Ratio:
    return self.logarithm(self.field.add(self.field.one, x))


def _expm1(self: Symbolic, x: Ratio) -> Ratio:
    return self.field.subtract(self.exponential(x), self.field.one)


def _log_to(self: Symbolic, x: Ratio, base: int) -> Ratio:
    return self.field.divide(self.logarithm(x), self.logarithm(self.field.number(base)))


def _sine(self: Symbolic, x: Ratio) -> Ratio:
    """sin, whose square is 1 − cos²."""
    field = self.field
    found = self.function("sin", x)
    if not found.top.is_zero():
        (place,) = field.symbols_in(found)
        cosine = self.function("cos", x)
        field.rules.setdefault(place, (2, field.subtract(field.one, field.multiply(cosine, cosine))))
    return found


def _tangent(self: Symbolic, x: Ratio) -> Ratio:
    if not self.manner.rewritten:
        return self.function("tan", x)
    return self.field.divide(_sine(self, x), self.function("cos", x))


_AT_ZERO = {"sin": 0, "tan": 0, "tanh": 0, "erf": 0, "cos": 1, "exp": 1}

_OPERATIONS: dict[str, Callable[..., Ratio]] = {
    "add": lambda self, x, y: self.field.add(x, y),
    "sub": lambda self, x, y: self.field.subtract(x, y),
    "mul": lambda self, x, y: self.field.multiply(x, y),
    "div": lambda self, x, y: self.field.divide(x, y),
    "neg": lambda self, x: self.field.negative(x),
    "pow": Symbolic.power,
    "detach": lambda self, x: x,  # noqa: ARG005
    "exp": Symbolic.exponential,
    "log": Symbolic.logarithm,
    "sqrt": lambda self, x: self.root(x, 2),
    "greater": Symbolic.greater,
    "equal": Symbolic.equal,
    "at_most": lambda self, x, y: self.field.subtract(self.field.one, self.greater(x, y)),
    "at_least": _at_least,
    "where": _where,
    "max": _larger,
    "min": _smaller,
    "relu": lambda self, x: _larger(self, x, self.field.zero),
    "clip": lambda self, x, low, high: _smaller(self, _larger(self, x, low), high),
    "sign": _sign,
    "abs": _absolute,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softplus": _softplus,
    "log1p": _log1p,
    "expm1": _expm1,
    "log2": lambda self, x: _log_to(self, x, 2),
    "log10": lambda self, x: _log_to(self, x, 10),
    "sin": _sine,
    "tan": _tangent,
    "e": lambda self: self.exponential(self.field.one),
}
