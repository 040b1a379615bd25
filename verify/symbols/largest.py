"""The largest of several as one symbol m, off the kinks where two are equal: then it is exactly one of them.

Which one it is are the symbols [x = m], which exclude each other and have the sum 1, as those of a label do. So the
share [x = m]/Σ [xₖ = m] of a gradient is [x = m], however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from verify.symbols.fractions import Ratio
from verify.symbols.inequalities import is_thin
from verify.symbols.symbols import Called, Symbols


def largest(symbols: Symbols, values: Sequence[Ratio]) -> Ratio | None:
    """The symbol; None where it is not certain that two are equal on a kink alone."""
    field = symbols.field
    pairs = (field.subtract(x, y).top for x, y in combinations(values, 2))
    if len(values) < 2 or not all(is_thin(symbols, away) for away in pairs):
        return None
    structures = sorted(map(field.structure, values), key=repr)
    key = Called("largest", tuple(structures))
    found = symbols.symbol(key)
    place = field.places[key]
    if place not in symbols.largest:
        keys = [Called("equal", (structure, field.structure(found))) for structure in structures]
        truths = [symbols.symbol(each) for each in keys[:-1]]
        places = frozenset(field.places[each] for each in keys[:-1])
        for each, truth in zip(keys[:-1], truths, strict=True):
            field.rules.setdefault(field.places[each], (2, truth))
            field.apart[field.places[each]] = places - {field.places[each]}
        last = field.subtract(field.one, field.total(truths))
        symbols.largest[place] = dict(zip(structures, (*truths, last), strict=True))
    return found


def is_largest(symbols: Symbols, above: Ratio, below: Ratio) -> Ratio | None:
    """[below = above] where `above` − `below` is the largest of several less one of them; None of other differences."""
    field = symbols.field
    away = field.subtract(above, below)
    for place in field.symbols_in(away) & symbols.largest.keys():
        one = field.structure(field.subtract(field.symbol(field.keys[place]), away))
        if one in symbols.largest[place]:
            return symbols.largest[place][one]
    return None
