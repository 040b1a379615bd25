"""Inequalities between fractions in symbols: what follows from what is known, and whether it contradicts itself.

An inequality is linear in monomials, each a number of its own (Fourier and Motzkin). What monomials have to do with one
another is added: products of two inequalities, squares that are not negative, functions that grow with their argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product

from flint import fmpq, fmpq_mpoly

from verify.symbols.entry import Leaf, Letter
from verify.symbols.fractions import Field, Powers, Ratio, used
from verify.symbols.symbols import Called, Summed, Symbols, inside

MAX_TRUTHS = 6  # comparisons in a polynomial of which the cases are looked at
MAX_ROWS = 300  # inequalities, of what is still decided
_WORK = 200  # of one inequality, in products of two terms

# Functions that grow with their argument, with an argument of which the value is rational.
_GROWING = {
    "exp": (fmpq(0), fmpq(1)),
    "log": (fmpq(1), fmpq(0)),
    "root 2": (fmpq(1), fmpq(1)),
    "tanh": (fmpq(0), fmpq(0)),
    "sigmoid": (fmpq(0), fmpq(1, 2)),
    "erf": (fmpq(0), fmpq(0)),
}


@dataclass(frozen=True)
class Inequality:
    """Σ of monomials with their coefficients, >= 0, or > 0 where it is `strict`."""

    terms: Mapping[Powers, fmpq]
    strict: bool


def fact(symbols: Symbols, polynomial: fmpq_mpoly, strict: bool) -> Inequality:
    """That a polynomial is >= 0, or > 0; of whole numbers, that is >= 1."""
    field = symbols.field
    terms = {powers: coefficient for coefficient, powers in field.terms(polynomial)}
    if strict and all(_is_whole(symbols, powers, coefficient) for powers, coefficient in terms.items()):
        terms[()] = terms.get((), fmpq(0)) - 1
        strict = False
    return Inequality({powers: coefficient for powers, coefficient in terms.items() if coefficient != 0}, strict)


def is_counted(symbols: Symbols, place: int) -> bool:
    """Whether a symbol is an index, a size or a label: a whole number that is not negative."""
    key = symbols.field.keys[place]
    return (
        isinstance(key, Letter) or place in symbols.is_count or (isinstance(key, Leaf) and key.name in symbols.labels)
    )


def is_thin(symbols: Symbols, polynomial: fmpq_mpoly) -> bool:
    """Whether a polynomial is 0 on a kink alone: whatever it is made of may be any number near what it is.

    An index is one of few. Where comparisons stand in it, it is so in each case of these: |x| − |y| is ±x ± y, but
    x − clip(x, −1, 1) is 0 at all x near 0.
    """
    truths = sorted(place for place in used(polynomial) if _is_truth(symbols, place))
    if len(truths) > MAX_TRUTHS:
        return False
    if not truths:
        return _is_free(symbols, polynomial)
    cases = (_with_truths(symbols, polynomial, dict(zip(truths, case, strict=True))) for case in _cases(len(truths)))
    return all(not left.is_zero() and (left.is_constant() or _is_free(symbols, left)) for left in cases)


def _cases(count: int) -> Iterator[tuple[int, ...]]:
    return product((0, 1), repeat=count)


def _is_truth(symbols: Symbols, place: int) -> bool:
    key = symbols.field.keys[place]
    return isinstance(key, Called) and key.op in ("greater", "equal")


def _with_truths(symbols: Symbols, polynomial: fmpq_mpoly, case: Mapping[int, int]) -> fmpq_mpoly:
    """The polynomial with 0 or 1 for each comparison."""
    field = symbols.field
    kept = (
        (coefficient, tuple(pair for pair in powers if pair[0] not in case))
        for coefficient, powers in field.terms(polynomial)
        if all(case.get(symbol, 1) for symbol, _ in powers)
    )
    return field.polynomial(tuple(kept))


def _is_free(symbols: Symbols, polynomial: fmpq_mpoly) -> bool:
    """Whether a polynomial, in which no comparison stands, is made of what may be any number near what it is."""
    pending = list(used(polynomial))
    seen: set[int] = set()
    while pending:
        place = pending.pop()
        if _is_truth(symbols, place) or place in symbols.groups or is_counted(symbols, place):
            return False
        seen.add(place)
        pending += inside(symbols.field.keys[place]) - seen
    return bool(seen)


def _is_whole(symbols: Symbols, powers: Powers, coefficient: fmpq) -> bool:
    return coefficient.q == 1 and all(is_counted(symbols, symbol) for symbol, _ in powers)


def contradict(symbols: Symbols, facts: Sequence[Inequality]) -> bool:
    """Whether no numbers satisfy all; where that is not seen at once, products of two facts are facts too."""
    known = [*facts, *_of_functions(symbols, facts)]
    if contradict_at_once(symbols, known):
        return True
    signs = [
        Inequality({((symbol, 1),): fmpq(1)}, strict=symbol in symbols.is_positive)
        for symbol in _not_negative(symbols, known)
    ]
    every = [*known, *_products(symbols, known, known), *signs, *_products(symbols, known, signs)]
    return contradict_at_once(symbols, every)


def contradict_at_once(symbols: Symbols, facts: Sequence[Inequality]) -> bool:
    """Whether no numbers satisfy all, by the facts themselves and the signs of their monomials."""
    return _infeasible(symbols.field, [*facts, *_known_signs(symbols, facts)])


def _of_functions(symbols: Symbols, facts: Sequence[Inequality]) -> list[Inequality]:
    """What is known of functions in the facts: eˣ > 1 where x > 0 is, and x > 0 where eˣ > 1 is."""
    standing = sorted({symbol for row in facts for powers in row.terms for symbol, _ in powers})
    found = {place: key for place in standing if isinstance(key := symbols.field.keys[place], Called)}
    growing = {place: key for place, key in found.items() if key.op in _GROWING}
    pairs = [_away_from(symbols, place, key) for place, key in growing.items()]
    pairs += [_apart(symbols, *two) for two in combinations(growing.items(), 2) if two[0][1].op == two[1][1].op]
    added: list[Inequality] = []
    for ends in pairs:
        if ends is not None:
            added += _alike(symbols, [*facts, *added], *ends)
    return added


def _away_from(symbols: Symbols, place: int, key: Called) -> _Ends | None:
    """X − x₀ and f(x) − f(x₀), which have the same sign."""
    field = symbols.field
    at, value = (field.context.constant(number) for number in _GROWING[key.op])
    inside = _argument(symbols, key)
    return None if inside is None else (inside - at, field.context.gen(place) - value)


_Ends = tuple[fmpq_mpoly, fmpq_mpoly]


def _apart(symbols: Symbols, one: tuple[int, Called], other: tuple[int, Called]) -> _Ends | None:
    """X − y and f(x) − f(y), which have the same sign."""
    field = symbols.field
    first, second = (_argument(symbols, key) for _, key in (one, other))
    if first is None or second is None:
        return None
    return first - second, field.context.gen(one[0]) - field.context.gen(other[0])


def _argument(symbols: Symbols, key: Called) -> fmpq_mpoly | None:
    """The argument of a function; None for one that divides."""
    above, below = key.args[0]
    bottom = symbols.field.polynomial(below)
    return symbols.field.polynomial(above) / bottom if bottom.is_constant() else None


def _alike(symbols: Symbols, facts: Sequence[Inequality], x: fmpq_mpoly, y: fmpq_mpoly) -> Iterator[Inequality]:
    """What the facts say of one of two polynomials of the same sign, said of the other."""
    for mine, others in ((x, y), (y, x)):
        for sign in (1, -1):
            for strict in (True, False):
                against = fact(symbols, -sign * mine, not strict)
                if contradict_at_once(symbols, [*facts, against]):
                    yield fact(symbols, sign * others, strict)
                    break


def _products(symbols: Symbols, some: Sequence[Inequality], others: Sequence[Inequality]) -> Iterator[Inequality]:
    """Products of what is not negative, by the rules of their symbols."""
    field = symbols.field
    pairs = combinations_with_replacement(others, 2) if some is others else product(some, others)
    for x, y in pairs:
        whole = field.multiply(*(Ratio(field.polynomial(_terms(row)), field.unit) for row in (x, y)))
        if whole.bottom == field.unit:
            yield fact(symbols, whole.top, x.strict and y.strict)


def _terms(row: Inequality) -> tuple[tuple[fmpq, Powers], ...]:
    return tuple((coefficient, powers) for powers, coefficient in row.terms.items())


def _not_negative(symbols: Symbols, facts: Iterable[Inequality]) -> list[int]:
    """The symbols that are never negative: roots, what is positive, indices, and sums of squares."""
    standing = {symbol for row in facts for powers in row.terms for symbol, _ in powers}
    return sorted(symbol for symbol in standing if _is_not_negative(symbols, symbol))


def _is_not_negative(symbols: Symbols, symbol: int) -> bool:
    if symbol in symbols.is_positive or symbol in symbols.is_nonnegative or is_counted(symbols, symbol):
        return True
    key = symbols.field.keys[symbol]
    if not isinstance(key, Summed):
        return False
    above, below = key.body
    return all(
        coefficient > 0 and all(exponent % 2 == 0 or _is_not_negative(symbols, inner) for inner, exponent in powers)
        for side in (above, below)
        for coefficient, powers in side
    )


def _known_signs(symbols: Symbols, facts: Iterable[Inequality]) -> Iterator[Inequality]:
    """That a product of squares and of what is never negative is not negative, and one of positive factors positive."""
    for powers in sorted({powers for row in facts for powers in row.terms if powers}):
        if all(exponent % 2 == 0 or _is_not_negative(symbols, symbol) for symbol, exponent in powers):
            strict = all(symbol in symbols.is_positive for symbol, _ in powers)
            yield Inequality({powers: fmpq(1)}, strict)


def _infeasible(field: Field, rows: list[Inequality]) -> bool:
    """Whether the inequalities contradict one another, each monomial a number of its own (Fourier and Motzkin)."""
    while True:
        field.spend(_WORK * len(rows))
        if any(_is_absurd(row) for row in rows):
            return True
        standing = sorted({powers for row in rows for powers in row.terms if powers})
        if not standing or len(rows) > MAX_ROWS:
            return False
        chosen = min(standing, key=lambda powers: _growth(rows, powers))
        rows = _without(rows, chosen)


def _is_absurd(row: Inequality) -> bool:
    """Whether it is 0 > 0, or −1 >= 0."""
    if any(row.terms):
        return False
    value = row.terms.get((), fmpq(0))
    return bool(value < 0 or (value == 0 and row.strict))


def _growth(rows: list[Inequality], powers: Powers) -> int:
    above = sum(row.terms.get(powers, 0) > 0 for row in rows)
    below = sum(row.terms.get(powers, 0) < 0 for row in rows)
    return above * below - above - below


def _without(rows: list[Inequality], powers: Powers) -> list[Inequality]:
    """What follows for the other monomials: each lower bound below each upper one."""
    above = [row for row in rows if row.terms.get(powers, 0) > 0]
    below = [row for row in rows if row.terms.get(powers, 0) < 0]
    kept = [row for row in rows if powers not in row.terms]
    found = {_key(row): row for row in (*kept, *(_combined(x, y, powers) for x in above for y in below))}
    return list(found.values())


def _combined(x: Inequality, y: Inequality, powers: Powers) -> Inequality:
    """A sum of multiples of two inequalities in which the monomial cancels."""
    first, other = -y.terms[powers], x.terms[powers]
    terms = {key: first * value for key, value in x.terms.items()}
    for key, value in y.terms.items():
        terms[key] = terms.get(key, fmpq(0)) + other * value
    return Inequality({key: value for key, value in terms.items() if value != 0}, x.strict or y.strict)


def _key(row: Inequality) -> tuple[object, ...]:
    """The same for inequalities that are multiples of one another."""
    ordered = sorted(row.terms.items())
    scale = abs(ordered[0][1]) if ordered else fmpq(1)
    return (row.strict, *((powers, str(value / scale)) for powers, value in ordered))
