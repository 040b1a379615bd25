"""Sums over an index that is left open: Σᵢ 2 w xᵢ is 2 w · Σᵢ xᵢ, and Σᵢ xᵢ is one symbol, whatever i is called."""

from __future__ import annotations

from collections.abc import Mapping

from flint import fmpq, fmpq_mpoly

from verify.symbols.entry import Leaf, Letter, renamed_index
from verify.symbols.fractions import Powers, Ratio, Structure, Terms, used
from verify.symbols.symbols import Called, Key, Summed, Symbols, inside


def summed(symbols: Symbols, value: Ratio, letter: Letter) -> Ratio:
    """Σ of `value` over a letter: of each term, what is without the letter times Σ of what is with it.

    Raises what `Field` raises.
    """
    field = symbols.field
    outside, within = _denominators(symbols, value.bottom, letter)
    whole, left = (value.top, value.top * 0) if within == field.unit else divmod(value.top, within)
    found = [_one_sum(symbols, term, field.unit, letter) for term in field.terms(whole)]
    found += [_one_sum(symbols, term, within, letter) for term in field.terms(left)]
    return field.divide(field.total(found), Ratio(outside, field.unit))


def summand(symbols: Symbols, polynomial: fmpq_mpoly) -> Ratio | None:
    """The a of a polynomial that is Σᵢ aᵢ; None where some term is no product with one sum, or sums run over others.

    Σᵢ xᵢ |xᵢ| − Σᵢ xᵢ² has no symbol in common, and its summand x |x| − x² is 0 in every case where x >= 0.
    """
    field = symbols.field
    found: list[tuple[Ratio, Summed]] = []
    for coefficient, powers in field.terms(polynomial):
        sums = [(symbol, key) for symbol, _ in powers if isinstance(key := field.keys[symbol], Summed)]
        if len(sums) != 1 or (sums[0][0], 1) not in powers:
            return None
        factor = field.monomial(coefficient, tuple(pair for pair in powers if pair[0] != sums[0][0]))
        found.append((Ratio(factor, field.unit), sums[0][1]))
    if len({key.bound.size for _, key in found}) != 1:
        return None
    taken = {letter.number for factor, _ in found for place in used(factor.top) for letter in symbols.letters[place]}
    taken |= {letter.number for _, key in found for place in inside(key) for letter in symbols.letters[place]}
    letter = Letter(next(k for k in range(len(taken) + 1) if k not in taken), found[0][1].bound.size)
    terms = []
    for outside, key in found:
        above, below = _renamed_structure(symbols, key.body, {key.bound: letter})
        body = field.ratio(field.polynomial(above), field.polynomial(below))
        terms.append(field.multiply(outside, body))
    return field.total(terms)


def _denominators(symbols: Symbols, bottom: fmpq_mpoly, letter: Letter) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """The factors without the letter, and those with it."""
    outside = within = symbols.field.unit
    if not any(letter in symbols.letters[symbol] for symbol in used(bottom)):
        return bottom, within
    symbols.field.spend(1000 * len(bottom))
    number, factors = bottom.factor()
    outside = outside * number
    for factor, power in factors:
        if any(letter in symbols.letters[symbol] for symbol in used(factor)):
            within = within * factor**power
        else:
            outside = outside * factor**power
    return outside, within


def _one_sum(symbols: Symbols, term: tuple[fmpq, Powers], within: fmpq_mpoly, letter: Letter) -> Ratio:
    """Σ of one term over `within`, which has the letter; Σ of a number is a multiple of the count."""
    field = symbols.field
    coefficient, powers = term
    without = tuple(pair for pair in powers if letter not in symbols.letters[pair[0]])
    factor = Ratio(field.monomial(coefficient, without), field.unit)
    own = tuple(pair for pair in powers if letter in symbols.letters[pair[0]])
    if not own and within == field.unit:
        return field.multiply(factor, symbols.size(letter.size))
    if within == field.unit and _are_whole(symbols, own, letter):
        return factor
    own, within = field.without_shared(own, within)
    places = {symbol for symbol, _ in own} | used(within)
    bound = Letter(-1 - max((_depth(symbols, symbol) for symbol in places), default=0), letter.size)
    above = _renamed_terms(symbols, ((fmpq(1), own),), {letter: bound})
    below = field.terms(_along(symbols, within, {letter: bound}))
    first = below[0][0]
    body = (above, tuple((number / first, pairs) for number, pairs in below))
    whole = field.multiply(factor, symbols.symbol(Summed(bound, body)))
    return field.multiply(whole, Ratio(field.context.constant(1 / first), field.unit))


def _are_whole(symbols: Symbols, own: Powers, letter: Letter) -> bool:
    """Whether the sum is that of a row, along its last axis, of which is known that it is 1; or of [y = k] over k."""
    if len(own) != 1 or own[0][1] != 1:
        return False
    match symbols.field.keys[own[0][0]]:
        case Leaf(name=name, index=(*row, place)):
            return name in symbols.sum_to_one and place == letter and letter not in row
        case Called(op="equal", args=(first, other)):
            keys = [_only_symbol(symbols, structure) for structure in (first, other)]
            label = next((key for key in keys if isinstance(key, Leaf)), None)
            is_label = label is not None and symbols.label_sizes.get(label.name) == letter.size
            return is_label and letter in keys and label is not None and letter not in label.index
    return False


def _only_symbol(symbols: Symbols, structure: Structure) -> object:
    """The key of the symbol that a fraction is; None where it is anything else."""
    match structure:
        case (((coefficient, ((symbol, 1),)),), ((bottom, ()),)) if coefficient == bottom:
            return symbols.field.keys[symbol]
    return None


def _depth(symbols: Symbols, place: int) -> int:
    """How many sums stand inside one another in a symbol."""
    key = symbols.field.keys[place]
    own = 1 if isinstance(key, Summed) else 0
    return own + max((_depth(symbols, inner) for inner in inside(key)), default=0)


def _along(symbols: Symbols, polynomial: fmpq_mpoly, letters: Mapping[Letter, Letter]) -> fmpq_mpoly:
    """A polynomial along other letters."""
    if not any(symbols.letters[symbol] & letters.keys() for symbol in used(polynomial)):
        return polynomial
    return symbols.field.polynomial(_renamed_terms(symbols, symbols.field.terms(polynomial), letters))


def _renamed_terms(symbols: Symbols, terms: Terms, letters: Mapping[Letter, Letter]) -> Terms:
    return tuple(
        (number, tuple(sorted((_renamed_symbol(symbols, symbol, letters), e) for symbol, e in powers)))
        for number, powers in terms
    )


def _renamed_symbol(symbols: Symbols, place: int, letters: Mapping[Letter, Letter]) -> int:
    if not symbols.letters[place] & letters.keys():
        return place
    known = (place, *letters.items())
    if known not in symbols.renamings:
        symbols.renamings[known] = _new_symbol(symbols, place, letters)
    return symbols.renamings[known]


def _new_symbol(symbols: Symbols, place: int, letters: Mapping[Letter, Letter]) -> int:
    key = symbols.field.keys[place]
    new: Key
    match key:
        case Leaf(name=name, index=index):
            new = Leaf(name, renamed_index(index, letters))
        case Letter():
            new = letters.get(key, key)
        case Called(op=op, args=args):
            new = Called(op, tuple(_renamed_structure(symbols, arg, letters) for arg in args))
        case Summed(bound=bound, body=body):
            new = Summed(bound, _renamed_structure(symbols, body, letters))
        case _:
            raise TypeError(type(key).__name__)
    symbols.symbol(new, positive=place in symbols.is_positive)
    if place in symbols.is_nonnegative:
        symbols.is_nonnegative.add(symbols.field.places[new])
    return symbols.field.places[new]  # its rules are not needed: inside a sum nothing is multiplied


def _renamed_structure(symbols: Symbols, structure: Structure, letters: Mapping[Letter, Letter]) -> Structure:
    """What a key is made of, along other letters: its terms in order, the denominator's first number 1."""
    field = symbols.field
    top, bottom = (field.terms(_along(symbols, field.polynomial(terms), letters)) for terms in structure)
    first = bottom[0][0]
    scaled = (tuple((number / first, powers) for number, powers in side) for side in (top, bottom))
    above, below = scaled
    return above, below
