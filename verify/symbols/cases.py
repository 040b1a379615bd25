"""Fractions in which comparisons stand, such as those of max and |x|, equal in every case that can occur.

A comparison is a symbol [p > 0], 1 where it holds and else 0. In each case every one of them is a number, and p > 0 or
p <= 0 is known of the others; what is left is shown to be 0 by inequalities that are linear in monomials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product

from flint import fmpq, fmpq_mpoly

from verify.symbols.fractions import Field, MoreSymbolsError, NoValueError, Powers, Ratio, TooLargeError, used
from verify.symbols.sums import summand
from verify.symbols.symbols import Called, Summed, Symbols

MAX_COMPARISONS = 7  # that are split; more have more than 128 cases
MAX_EFFORT = 1_000_000  # on all cases of one difference, in products of two terms
MAX_ROWS = 300  # inequalities, of what is still decided
_WORK = 200  # of one inequality, in products of two terms


@dataclass(frozen=True)
class _Inequality:
    """Σ of monomials with their coefficients, >= 0, or > 0 where it is `strict`."""

    terms: Mapping[Powers, fmpq]
    strict: bool


def always_zero(symbols: Symbols, difference: Ratio) -> bool:
    """Whether the difference is 0 in every case; False where that is not found.

    What is spent in vain is not missing elsewhere: that many questions are few.
    """
    effort = symbols.field.effort
    before = effort.left
    effort.left = min(before, MAX_EFFORT)
    available = effort.left
    try:
        is_zero = _always_zero(symbols, difference)
    except (TooLargeError, MoreSymbolsError, NoValueError):
        is_zero = False
    effort.left = before - (available - effort.left) if is_zero else before
    return is_zero


def _always_zero(symbols: Symbols, difference: Ratio, given: Sequence[_Inequality] = ()) -> bool:
    comparisons = _comparisons(symbols, difference.top)
    if not comparisons:
        return _has_zero_summand(symbols, difference.top, given)
    if len(comparisons) > MAX_COMPARISONS or used(difference.bottom) & comparisons.keys():
        return False
    cases = (dict(zip(comparisons, held, strict=True)) for held in product((1, 0), repeat=len(comparisons)))
    return all(_zero_in(symbols, difference.top, comparisons, case, given) for case in cases)


def _has_zero_summand(symbols: Symbols, top: fmpq_mpoly, given: Sequence[_Inequality]) -> bool:
    """Whether a polynomial is a sum over an open index, and what is summed is 0 in every case where `given` holds.

    What is known of one index, such as x[i] > 0, is not known of the others that a sum runs over.
    """
    found = summand(symbols, top) if any(isinstance(symbols.field.keys[s], Summed) for s in used(top)) else None
    closed = [fact for fact in given if not any(symbols.letters[s] for powers in fact.terms for s, _ in powers)]
    return found is not None and (bool(found.top.is_zero()) or _always_zero(symbols, found, closed))


def _comparisons(symbols: Symbols, top: fmpq_mpoly) -> dict[int, fmpq_mpoly]:
    """The comparisons in a polynomial, and in what they compare: for each symbol the p of [p > 0]."""
    found: dict[int, fmpq_mpoly] = {}
    pending = sorted(used(top))
    while pending:
        place = pending.pop()
        key = symbols.field.keys[place]
        if isinstance(key, Called) and key.op == "greater" and place not in found:
            found[place] = symbols.field.polynomial(key.args[0][0])
            pending += sorted(used(found[place]))
    return dict(sorted(found.items()))


def _zero_in(
    symbols: Symbols,
    top: fmpq_mpoly,
    comparisons: Mapping[int, fmpq_mpoly],
    case: Mapping[int, int],
    given: Sequence[_Inequality],
) -> bool:
    """Whether the polynomial is 0 in one case, or the case cannot occur, where the inequalities `given` hold."""
    field = symbols.field
    left = _in_case(field, top, case)
    if left.is_zero():
        return True
    known = [(_in_case(field, compared, case), case[place]) for place, compared in comparisons.items()]
    if any(first == -other and divmod(left, first)[1].is_zero() for first, other in _zeros(known)):
        return True
    facts = [*given, *(_fact(field, compared if holds else -compared, bool(holds)) for compared, holds in known)]
    if _contradict(symbols, facts) or _has_zero_summand(symbols, left, facts):
        return True
    return all(_contradict(symbols, [*facts, _fact(field, side, True)]) for side in (left, -left))


def _zeros(known: Sequence[tuple[fmpq_mpoly, int]]) -> Iterator[tuple[fmpq_mpoly, fmpq_mpoly]]:
    """Pairs of what is compared with 0, neither being positive: where one is the other's negative, both are 0."""
    left = [compared for compared, holds in known if not holds and not compared.is_zero()]
    return combinations(left, 2)


def _in_case(field: Field, polynomial: fmpq_mpoly, case: Mapping[int, int]) -> fmpq_mpoly:
    """The polynomial with 0 or 1 for each comparison."""
    kept = []
    for coefficient, powers in field.terms(polynomial):
        if all(case.get(symbol, 1) for symbol, _ in powers):
            kept.append((coefficient, tuple(pair for pair in powers if pair[0] not in case)))
    return field.polynomial(tuple(kept))


def _fact(field: Field, polynomial: fmpq_mpoly, strict: bool) -> _Inequality:
    return _Inequality({powers: coefficient for coefficient, powers in field.terms(polynomial)}, strict)


def _contradict(symbols: Symbols, facts: list[_Inequality]) -> bool:
    """Whether no numbers satisfy all; where that is not seen at once, products of two facts are facts too."""
    if _infeasible(symbols.field, [*facts, *_known_signs(symbols, facts)]):
        return True
    signs = [_Inequality({((symbol, 1),): fmpq(1)}, strict=False) for symbol in _not_negative(symbols, facts)]
    every = [*facts, *_products(symbols.field, facts, facts), *signs, *_products(symbols.field, facts, signs)]
    return _infeasible(symbols.field, [*every, *_known_signs(symbols, every)])


def _products(field: Field, some: Iterable[_Inequality], others: list[_Inequality]) -> Iterator[_Inequality]:
    """Products of what is not negative, by the rules of their symbols."""
    pairs = combinations_with_replacement(others, 2) if some is others else product(some, others)
    for x, y in pairs:
        whole = field.multiply(*(Ratio(field.polynomial(_terms(fact)), field.unit) for fact in (x, y)))
        if whole.bottom == field.unit:
            yield _fact(field, whole.top, x.strict and y.strict)


def _terms(fact: _Inequality) -> tuple[tuple[fmpq, Powers], ...]:
    return tuple((coefficient, powers) for powers, coefficient in fact.terms.items())


def _not_negative(symbols: Symbols, facts: Iterable[_Inequality]) -> list[int]:
    """The symbols that are never negative: roots, what is positive, and sums of squares."""
    standing = {symbol for fact in facts for powers in fact.terms for symbol, _ in powers}
    return sorted(symbol for symbol in standing if _is_not_negative(symbols, symbol))


def _is_not_negative(symbols: Symbols, symbol: int) -> bool:
    if symbol in symbols.is_positive or symbol in symbols.is_nonnegative:
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


def _known_signs(symbols: Symbols, facts: Iterable[_Inequality]) -> Iterator[_Inequality]:
    """That a product of squares and of what is never negative is not negative, and one of positive factors positive."""
    for powers in sorted({powers for fact in facts for powers in fact.terms if powers}):
        if all(exponent % 2 == 0 or _is_not_negative(symbols, symbol) for symbol, exponent in powers):
            strict = all(symbol in symbols.is_positive for symbol, _ in powers)
            yield _Inequality({powers: fmpq(1)}, strict)


def _infeasible(field: Field, rows: list[_Inequality]) -> bool:
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


def _is_absurd(row: _Inequality) -> bool:
    """Whether it is 0 > 0, or −1 >= 0."""
    if any(row.terms):
        return False
    value = row.terms.get((), fmpq(0))
    return bool(value < 0 or (value == 0 and row.strict))


def _growth(rows: list[_Inequality], powers: Powers) -> int:
    above = sum(row.terms.get(powers, 0) > 0 for row in rows)
    below = sum(row.terms.get(powers, 0) < 0 for row in rows)
    return above * below - above - below


def _without(rows: list[_Inequality], powers: Powers) -> list[_Inequality]:
    """What follows for the other monomials: each lower bound below each upper one."""
    above = [row for row in rows if row.terms.get(powers, 0) > 0]
    below = [row for row in rows if row.terms.get(powers, 0) < 0]
    kept = [row for row in rows if powers not in row.terms]
    found = {_key(row): row for row in (*kept, *(_combined(x, y, powers) for x in above for y in below))}
    return list(found.values())


def _combined(x: _Inequality, y: _Inequality, powers: Powers) -> _Inequality:
    """A sum of multiples of two inequalities in which the monomial cancels."""
    first, other = -y.terms[powers], x.terms[powers]
    terms = {key: first * value for key, value in x.terms.items()}
    for key, value in y.terms.items():
        terms[key] = terms.get(key, fmpq(0)) + other * value
    return _Inequality({key: value for key, value in terms.items() if value != 0}, x.strict or y.strict)


def _key(row: _Inequality) -> tuple[object, ...]:
    """The same for inequalities that are multiples of one another."""
    ordered = sorted(row.terms.items())
    scale = abs(ordered[0][1]) if ordered else fmpq(1)
    return (row.strict, *((powers, str(value / scale)) for powers, value in ordered))
