"""Fractions in which comparisons stand, such as those of max and |x|, equal in every case that can occur.

A comparison is a symbol [p > 0], 1 where it holds and else 0; so is an equality [p = q]. They are decided one after the
other: where one is a number, p > 0 or p <= 0 is known of the others; what is left is shown to be 0 by inequalities, or
the case not to occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from flint import fmpq_mpoly

from verify.symbols.fractions import Field, MoreSymbolsError, NoValueError, Ratio, Structure, TooLargeError, used
from verify.symbols.inequalities import Inequality, contradict, contradict_at_once, fact, is_thin
from verify.symbols.sums import summand
from verify.symbols.symbols import Called, Summed, Symbols

MAX_COMPARISONS = 14  # that are split
MAX_EFFORT = 1_000_000  # on all cases of one difference, in products of two terms


@dataclass(frozen=True)
class _Case:
    """Comparisons that are decided, with 1 or 0 for each, of `every` one; the inequalities `given` hold as well."""

    decided: Mapping[int, int]
    every: Sequence[int]
    given: Sequence[Inequality] = ()

    def both(self, place: int) -> Iterator[_Case]:
        """The case in which a comparison holds too, and that in which it does not."""
        return (replace(self, decided={**self.decided, place: held}) for held in (1, 0))


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


def _always_zero(symbols: Symbols, difference: Ratio, given: Sequence[Inequality] = ()) -> bool:
    comparisons = _comparisons(symbols, difference.top)
    if not comparisons:
        return _has_zero_summand(symbols, difference.top, given)
    if len(comparisons) > MAX_COMPARISONS or used(difference.bottom) & set(comparisons):
        return False
    return _zero_in(symbols, difference.top, _Case({}, comparisons, given))


def _has_zero_summand(symbols: Symbols, top: fmpq_mpoly, given: Sequence[Inequality]) -> bool:
    """Whether a polynomial is a sum over an open index, and what is summed is 0 in every case where `given` holds.

    What is known of one index, such as x[i] > 0, is not known of the others that a sum runs over.
    """
    found = summand(symbols, top) if any(isinstance(symbols.field.keys[s], Summed) for s in used(top)) else None
    closed = [row for row in given if not any(symbols.letters[s] for powers in row.terms for s, _ in powers)]
    return found is not None and (bool(found.top.is_zero()) or _always_zero(symbols, found, closed))


def _comparisons(symbols: Symbols, top: fmpq_mpoly) -> list[int]:
    """The comparisons in a polynomial, and in what they compare, the inner ones first."""
    found: set[int] = set()
    pending = sorted(used(top))
    while pending:
        place = pending.pop()
        if place not in found and _is_comparison(symbols, place):
            found.add(place)
            pending += sorted(used(_compared(symbols, place)))
    return sorted(found)


def _is_comparison(symbols: Symbols, place: int) -> bool:
    key = symbols.field.keys[place]
    return isinstance(key, Called) and key.op in ("greater", "equal")


def _compared(symbols: Symbols, place: int) -> fmpq_mpoly:
    """The p of [p > 0], and p − q of [p = q], times a denominator."""
    key = symbols.field.keys[place]
    assert isinstance(key, Called)  # a comparison
    first, *others = (_as_ratio(symbols.field, arg) for arg in key.args)
    return (symbols.field.subtract(first, others[0]) if others else first).top


def _as_ratio(field: Field, structure: Structure) -> Ratio:
    return Ratio(*(field.polynomial(side) for side in structure))


def _zero_in(symbols: Symbols, top: fmpq_mpoly, case: _Case) -> bool:
    """Whether the polynomial is 0 wherever the case occurs: one comparison more is decided until that is seen."""
    left = _in_case(symbols.field, top, case.decided)
    if left.is_zero():
        return True
    facts = [*case.given, *_facts(symbols, case.decided)]
    if contradict_at_once(symbols, facts):
        return True
    open_ = [place for place in _comparisons(symbols, left) if place not in case.decided]
    if not open_ and _is_zero(symbols, left, case, facts):
        return True
    others = [place for place in case.every if place not in case.decided]  # what they compare may tell
    chosen = next(iter((*open_, *others)), None)
    return chosen is not None and all(_zero_in(symbols, left, one) for one in case.both(chosen))


def _is_zero(symbols: Symbols, left: fmpq_mpoly, case: _Case, facts: list[Inequality]) -> bool:
    """Whether what is left is 0 where all facts hold, or no numbers satisfy them."""
    if any(divmod(left, zero)[1].is_zero() for zero in _zeros(symbols, case.decided)):
        return True
    if contradict(symbols, facts) or _has_zero_summand(symbols, left, facts):
        return True
    return all(contradict(symbols, [*facts, fact(symbols, side, True)]) for side in (left, -left))


def _facts(symbols: Symbols, decided: Mapping[int, int]) -> Iterator[Inequality]:
    """What is known where comparisons hold or do not; off kinks nothing that is compared is 0."""
    for place, held in decided.items():
        compared = _in_case(symbols.field, _compared(symbols, place), decided)
        if _is_equality(symbols, place):
            yield from (fact(symbols, side, False) for side in ((compared, -compared) if held else ()))
        elif held:
            yield fact(symbols, compared, True)
        else:
            yield fact(symbols, -compared, symbols.manner.off_kinks and is_thin(symbols, compared))


def _is_equality(symbols: Symbols, place: int) -> bool:
    return getattr(symbols.field.keys[place], "op", "") == "equal"


def _zeros(symbols: Symbols, decided: Mapping[int, int]) -> Iterator[fmpq_mpoly]:
    """What is compared and is 0: of an equality that holds, and where neither p nor −p is positive."""
    compared = {place: _in_case(symbols.field, _compared(symbols, place), decided) for place in decided}
    found = {place: side for place, side in compared.items() if not side.is_zero()}
    yield from (side for place, side in found.items() if decided[place] and _is_equality(symbols, place))
    others = [side for place, side in found.items() if not decided[place] and not _is_equality(symbols, place)]
    yield from (one for one, other in combinations(others, 2) if one == -other)


def _in_case(field: Field, polynomial: fmpq_mpoly, case: Mapping[int, int]) -> fmpq_mpoly:
    """The polynomial with 0 or 1 for each comparison."""
    kept = []
    for coefficient, powers in field.terms(polynomial):
        if all(case.get(symbol, 1) for symbol, _ in powers):
            kept.append((coefficient, tuple(pair for pair in powers if pair[0] not in case)))
    return field.polynomial(tuple(kept))
