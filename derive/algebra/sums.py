"""Products added up: equal ones counted together, and what they share taken out, also from under their sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

from derive.algebra.equivalence import canonical
from derive.algebra.expression import Axes, Axis, Expr, Number, Reduce, bound_as, free_axes, rename_axes
from derive.algebra.fractions import shorter, turned
from derive.algebra.monomial import Monomial, collect, counted, joined
from derive.algebra.tidying import common_number, powered, product

MAX_LETTERED = 4  # axes; sums over more are not compared under other letters: 4 and 4 are 576 ways already


def add_up(terms: list[Monomial]) -> Expr:
    """Returns the sum of products, with equal ones counted together and common factors taken out."""
    groups: list[list[Monomial]] = []
    for term in terms:
        for place, group in enumerate(groups):
            joint = _alongside(group, term)
            if joint is not None:
                groups[place] = joint
                break
        else:
            groups.append([term])
    return joined([whole for group in groups for whole in _together(group)])


def _alongside(group: list[Monomial], term: Monomial) -> list[Monomial] | None:
    """The group with one more term, all under the same sums; None where they have nothing in common."""
    first = group[0]
    if not first.axes or not term.axes:
        return [*group, term] if first.axes == term.axes else None
    read = _lettered_as(first, term)
    axes = tuple(axis for axis in first.axes if axis in read.axes)
    joint = [_under(member, axes) for member in (*group, read)]
    return joint if axes and (_common(joint) is not None or len(counted(joint)) <= len(group)) else None


def _lettered_as(first: Monomial, term: Monomial) -> Monomial:
    """`term` with those letters for its sums that give it the most factors of `first`."""
    if len(term.axes) > MAX_LETTERED or len(first.axes) > MAX_LETTERED:
        return term
    wanted = {(canonical(factor), power) for factor, power in first.inside}
    best, most = term, -1
    for chosen in permutations(first.axes, min(len(first.axes), len(term.axes))):
        for own in permutations(term.axes, len(chosen)):
            pairs = dict(zip(own, chosen, strict=True))
            if any(mine.size != theirs.size for mine, theirs in pairs.items()):
                continue
            read = _renamed(term, pairs)
            shared = sum((canonical(factor), power) in wanted for factor, power in read.inside)
            if shared > most:
                best, most = read, shared
    return best


def _renamed(term: Monomial, pairs: Mapping[Axis, Axis]) -> Monomial:
    """The term with other letters for its sums; one that something else in it has is not taken."""
    outside = {axis for factor, _ in (*term.outside, *term.inside) for axis in free_axes(factor)} - set(term.axes)
    renamed = bound_as(term.axes, pairs, outside)
    inside = tuple((rename_axes(factor, renamed), power) for factor, power in term.inside)
    return replace(term, inside=inside, axes=tuple(renamed[axis] for axis in term.axes))


def _under(term: Monomial, axes: Axes) -> Monomial:
    """The term as one sum over `axes`; what runs over others of its axes is summed inside."""
    more = tuple(axis for axis in term.axes if axis not in axes)
    if not more:
        return replace(term, axes=axes)
    running = [pair for pair in term.inside if set(free_axes(pair[0])) & set(more)]
    own = tuple(pair for pair in term.inside if pair not in running)
    total = Reduce("sum", Monomial(Fraction(1), tuple(running)).tree(), more)
    if set(free_axes(total)) & set(axes):
        return replace(term, inside=(*own, (total, 1)), axes=axes)
    return replace(term, outside=(*term.outside, (total, 1)), inside=own, axes=axes)


def _together(group: list[Monomial]) -> list[Monomial]:
    """The terms of a group as one product, of what they share and a sum in parentheses, where they share anything."""
    kept = counted(group)
    if len(kept) < 2:
        return [_with_its_own_power(term) for term in kept]
    common = _common(kept)
    if common is not None:
        return [_bracketed(kept, common)]
    whole = joined(kept)
    short = whole if kept[0].axes else shorter(whole)
    return kept if short == whole else [product(short)]


def _bracketed(kept: list[Monomial], common: Monomial) -> Monomial:
    """What terms share, times the sum of what is left of them."""
    bracket = joined(counted([_without(term, common) for term in kept]))
    short = shorter(bracket)
    if short != bracket:
        common, short = replace(common, coefficient=Fraction(1)), turned(common.coefficient, short)
    own = {canonical(factor) for factor, _ in common.inside}
    place = next((k for k, (f, _) in enumerate(kept[0].inside) if canonical(f) not in own), len(common.inside))
    factors = _factors(common.inside)
    inner = product(*factors[:place], short, *factors[place:])
    total = inner.summed_over(common.axes)
    outer = collect([Number(common.coefficient * total.coefficient), *_factors((*common.outside, *total.outside))])
    return _with_its_own_power(replace(total, coefficient=outer.coefficient, outside=outer.outside))


def _with_its_own_power(term: Monomial) -> Monomial:
    """(Σᵢ xᵢ)² for (Σⱼ xⱼ) Σᵢ xᵢ."""
    if not term.axes or not any(isinstance(factor, Reduce) for factor, _ in term.outside):
        return term
    total = Reduce("sum", Monomial(Fraction(1), term.inside).tree(), term.axes)
    own = canonical(total)
    if all(canonical(factor) != own for factor, _ in term.outside):
        return term
    outside = tuple((factor, power + (canonical(factor) == own)) for factor, power in term.outside)
    return Monomial(term.coefficient, tuple((f, p) for f, p in outside if p))


def _factors(pairs: Iterable[tuple[Expr, int]]) -> list[Expr]:
    return [powered(factor, power) for factor, power in pairs]


def _common(terms: list[Monomial]) -> Monomial | None:
    """What all terms share, when they are sums over the same axes; None where it is nothing."""
    first = terms[0]
    if any(term.axes != first.axes for term in terms):
        return None
    outside, inside = (_shared([_lettered(getattr(term, side)) for term in terms]) for side in ("outside", "inside"))
    number = common_number([term.coefficient for term in terms])
    return Monomial(number, outside, inside, first.axes) if outside or inside else None


Lettered = dict[Expr, tuple[Expr, int]]  # factors with their exponents, by their canonical forms


def _lettered(factors: tuple[tuple[Expr, int], ...]) -> Lettered:
    found: Lettered = {}
    for factor, power in factors:
        key = canonical(factor)
        first, before = found.get(key, (factor, 0))
        found[key] = (first, before + power)
    return found


def _shared(sides: list[Lettered]) -> tuple[tuple[Expr, int], ...]:
    """The factors that stand in every one of `sides`, with the smallest of their exponents."""
    shared: list[tuple[Expr, int]] = []
    for key, (factor, _) in sides[0].items():
        powers = [side[key][1] if key in side else 0 for side in sides]
        if all(p > 0 for p in powers):
            shared.append((factor, min(powers)))
        elif all(p < 0 for p in powers):
            shared.append((factor, max(powers)))
    return tuple(shared)


def _without(term: Monomial, common: Monomial) -> Monomial:
    """`term` divided by what is common; no longer under its sum."""
    left = _lettered((*term.outside, *term.inside))
    for factor, power in (*common.outside, *common.inside):
        own, before = left[canonical(factor)]
        left[canonical(factor)] = (own, before - power)
    return Monomial(term.coefficient / common.coefficient, tuple((f, p) for f, p in left.values() if p))
