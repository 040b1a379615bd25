"""What is known of a column in every row, as rules of its symbols: T² = T and Σₖ T[i,k] = 1 where the rows are one-hot.

A number that has only some values, such as 0 and 1, makes every function of it a sum of cases: f(s) is
(1 − s) f(0) + s f(1). What is known is used wherever the entry stands, also under a Σ over the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod

from verify.symbols.entry import Leaf
from verify.symbols.fractions import Ratio
from verify.symbols.symbols import Case, Symbols

MAX_CASES = 32  # of one function of such numbers; with more, nothing is known of its value


@dataclass(frozen=True)
class Column:
    """What is certain of a name in every row; the defaults say nothing.

    `values` are the only ones that an entry has. The entries along the last axis are all 0 but one, which is 1, where
    they are `one_hot`; their sum is 1 with `sums_to_one`. `fixed` are the entries that are the same in all rows, by
    their index without the row.
    """

    values: tuple[Fraction, ...] = ()
    one_hot: bool = False
    sums_to_one: bool = False
    positive: bool = False
    nonnegative: bool = False
    classes: int = 0  # entries along the last axis, where something is known of all of them; 0 where that is open
    fixed: Mapping[tuple[int, ...], Fraction] = field(default_factory=dict)

    def __or__(self, other: Column) -> Column:
        """What is certain where both are."""
        return Column(
            self.values or other.values,
            self.one_hot or other.one_hot,
            self.sums_to_one or other.sums_to_one,
            self.positive or other.positive,
            self.nonnegative or other.nonnegative,
            self.classes or other.classes,
            {**self.fixed, **other.fixed},
        )


def entry(symbols: Symbols, column: Column, leaf: Leaf) -> Ratio:
    """The fraction that an entry of a column is."""
    field = symbols.field
    within = tuple(part for part in leaf.index[1:] if isinstance(part, int))
    if len(within) == len(leaf.index) - 1 and within in column.fixed:
        return field.number(column.fixed[within])
    if not (column.one_hot or column.sums_to_one):
        found = _signed(symbols, column, leaf)
        return _one_of(symbols, found, column.values) if column.values else found
    *row, place = leaf.index
    if not isinstance(place, int) or not column.classes:
        return _signed(symbols, column, leaf)
    others = [_signed(symbols, column, Leaf(leaf.name, (*row, k))) for k in range(column.classes - 1)]
    if column.one_hot:
        _exclude(symbols, others)
    return others[place] if place < len(others) else field.subtract(field.one, field.total(others))


def _signed(symbols: Symbols, column: Column, leaf: Leaf) -> Ratio:
    found = symbols.symbol(leaf, positive=column.positive)
    if column.nonnegative or column.one_hot:
        symbols.is_nonnegative.add(symbols.field.places[leaf])
    return found


def _one_of(symbols: Symbols, found: Ratio, values: Sequence[Fraction]) -> Ratio:
    """The rule that Π (s − v) is 0, and the polynomial of each v that is 1 at it and 0 at the others."""
    field = symbols.field
    (place,) = field.symbols_in(found)
    if place not in symbols.groups:
        away = [field.subtract(found, field.number(v)) for v in values]
        whole = field.one
        for factor in away:
            whole = field.multiply(whole, factor)
        highest = field.power(found, len(values))
        lower = field.subtract(highest, whole)
        symbols.groups[place] = tuple(Case(_interpolated(symbols, away, values, v), {place: v}) for v in values)
        field.rules[place] = (len(values), lower)
    return found


def _interpolated(symbols: Symbols, away: Sequence[Ratio], values: Sequence[Fraction], chosen: Fraction) -> Ratio:
    field = symbols.field
    result = field.one
    for factor, value in zip(away, values, strict=True):
        if value != chosen:
            result = field.multiply(result, field.multiply(factor, field.number(1 / (chosen - value))))
    return result


def _exclude(symbols: Symbols, row: Sequence[Ratio]) -> None:
    """Of all entries of a row one is 1: those given here, or the one that is left."""
    field = symbols.field
    places = tuple(next(iter(field.symbols_in(found))) for found in row)
    if places and places[0] not in symbols.groups:
        exclude(symbols, places)


def exclude(symbols: Symbols, places: Sequence[int]) -> None:
    """Of some symbols, each 0 or 1, at most one is 1: each of these cases, and that none is."""
    field = symbols.field
    row = [Ratio(field.context.gen(place), field.unit) for place in places]
    last = field.subtract(field.one, field.total(row))
    nowhere = dict.fromkeys(places, Fraction(0))
    cases = [Case(found, {**nowhere, place: Fraction(1)}) for found, place in zip(row, places, strict=True)]
    for place, found in zip(places, row, strict=True):
        symbols.groups[place] = (*cases, Case(last, nowhere))
        field.rules[place] = (2, found)
        field.apart[place] = frozenset(places) - {place}


def by_cases(symbols: Symbols, args: Sequence[Ratio], calculate: Callable[[Sequence[Ratio]], Ratio]) -> Ratio:
    """A function of fractions; where they hold numbers that have only some values, the sum of its cases."""
    field = symbols.field
    found = []
    for holds, inside in cases_of(symbols, args):
        if not holds.top.is_zero():  # else the case cannot occur
            found.append(field.multiply(holds, calculate(inside)))
    return field.total(found)


def cases_of(symbols: Symbols, args: Sequence[Ratio]) -> Iterator[tuple[Ratio, Sequence[Ratio]]]:
    """Fractions in each case of their symbols that have only some values: what is 1 in that case, and the fractions.

    Where there are more than `MAX_CASES`, the fractions as they are.
    """
    groups: dict[int, tuple[Case, ...]] = {}
    for place in sorted(frozenset().union(*map(symbols.field.symbols_in, args))):
        cases = symbols.groups.get(place)
        if cases is not None:
            groups.setdefault(min(cases[0].values), cases)
    if prod(map(len, groups.values())) > MAX_CASES:
        groups = {}
    for chosen in product(*groups.values()):
        holds = symbols.field.one
        for case in chosen:
            holds = symbols.field.multiply(holds, case.holds)
        values = {place: value for case in chosen for place, value in case.values.items()}
        yield holds, [_where(symbols, arg, values) if values else arg for arg in args]


def _where(symbols: Symbols, x: Ratio, values: Mapping[int, Fraction]) -> Ratio:
    """The fraction with numbers for some of its symbols; a function that holds them is left as it is.

    Raises `NoValueError` where its denominator is then 0.
    """
    field = symbols.field
    sides = []
    for side in (x.top, x.bottom):
        terms = []
        for coefficient, powers in field.terms(side):
            number = Fraction(int(coefficient.p), int(coefficient.q))
            number *= prod((values[s] ** e for s, e in powers if s in values), start=Fraction(1))
            kept = tuple(pair for pair in powers if pair[0] not in values)
            if number:
                terms.append((field.number(number).top.leading_coefficient(), kept))
        sides.append(field.polynomial(tuple(terms)) if terms else field.zero.top)
    top, bottom = (Ratio(side, field.unit) for side in sides)
    return field.divide(top, bottom)
