"""Means and sums of an epoch: how their batches count, and which they are where that is not said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any

from derive.run.run import Run
from verify.claims.claim import EITHER, Cell, Claim, Quantity
from verify.claims.literal import judge
from verify.following.right_values import right_values
from verify.logs.meaning import Averaged, RunningSums, weights
from verify.logs.means import needed, weights_of
from verify.numbers import Array, Exactly, Form, Forms, decimal, forms, is_moderate, middle

MAX_IN_MEANS = 200_000  # losses that means are made of together; those of a longer log are not followed


def means_by_step(run: Run, cells: Iterable[Cell]) -> Mapping[int, list[Cell]]:
    """The means and sums of losses among `cells`, by the step with which each ends; none where they are too long."""
    found: dict[int, list[Cell]] = {}
    left = MAX_IN_MEANS
    for cell in cells:
        if cell.quantity.group in ("epoch", "averaged"):
            found.setdefault(cell.step, []).append(cell)
            left -= cell.step - next(needed(run, cell))
    return found if left >= 0 else {}


def sum_behind(run: Run, cell: Cell, sums: RunningSums, loss: Callable[[int], Any]) -> tuple[Any, int] | None:
    """The sum of a mean, or a sum, and what it is divided by, of the losses of steps; None of what programs alone keep.

    That is an average that forgets.
    """
    if isinstance(cell.quantity, Averaged) and (so_far := sums.of(cell.quantity, cell.step, loss)) is not None:
        return so_far
    steps = list(needed(run, cell))
    batches = [run.batches[step - 1] for step in steps]
    if isinstance(cell.quantity, Averaged):
        listed = weights(cell.quantity, batches, run.watched.graph.averages)
        divisor = lcm(*(weight.denominator for weight in listed))
        counts = [int(weight * divisor) for weight in listed]
    else:
        counts, divisor = weights_of(run, cell.quantity.name, batches)
    total = None
    for step, times in zip(steps, counts, strict=False):
        total = sums.add(total, loss(step), times)
    return None if total is None else (total, divisor)


def which_of_two(run: Run, claims: Sequence[Claim]) -> list[tuple[Claim, ...]]:
    """The claims, in which every mean or sum of an epoch is said to be over the samples or of the batches.

    Of a column that does not say so it is the one that fits most of its numbers. Where it does not fit all of them the
    claims follow once more, with the other one.
    """
    columns: dict[Quantity, list[Claim]] = {}
    for claim in claims:
        if claim.cell.quantity.group == "epoch" and claim.cell.quantity.name.partition("/")[0] in EITHER:
            columns.setdefault(claim.cell.quantity, []).append(claim)
    either = {quantity: _either(quantity) for quantity in columns}
    cells = [
        replace(one.cell, quantity=kind) for own, listed in columns.items() for one in listed for kind in either[own]
    ]
    values = right_values(run, cells, lambda _: True).values if cells else {}
    fits = {own: {kind: _fitting(listed, kind, values) for kind in either[own]} for own, listed in columns.items()}
    ranked = {own: _nearest_first(listed, either[own], fits[own], values) for own, listed in columns.items()}
    best, other = ({own: kinds[place] for own, kinds in ranked.items()} for place in (0, 1))
    fits_all = all(fits[own][best[own]] == len(listed) for own, listed in columns.items())
    found = []
    for chosen in (best,) if fits_all else (best, other):
        read: dict[int, Claim] = {}
        for own, listed in columns.items():
            read |= _read_as(run, listed, chosen[own], either[own], values, fits[own][chosen[own]])
        found.append(tuple(read.get(id(claim), claim) for claim in claims))
    return found


def _either(quantity: Quantity) -> tuple[Quantity, ...]:
    """What a mean or a sum can be: of the batches, or over the samples."""
    kind, _, line = quantity.name.partition("/")
    names = [(f"{own}/{line}", f"{own}({line})") if line else (own, own) for own in EITHER[kind]]
    return tuple(Quantity("epoch", *own) for own in names)


def _fitting(claims: Iterable[Claim], kind: Quantity, values: Mapping[Cell, Exactly]) -> int:
    """How many of the claims are right where they are of this kind."""
    right = ((claim.literal, values.get(replace(claim.cell, quantity=kind))) for claim in claims)
    return sum(number is not None and judge(literal, number) == "right" for literal, number in right)


def _nearest_first(
    claims: Sequence[Claim], either: Sequence[Quantity], fits: Mapping[Quantity, int], values: Mapping[Cell, Exactly]
) -> list[Quantity]:
    """The kinds by how many numbers they fit; of those that fit as many, the nearest first."""

    def away(kind: Quantity) -> Fraction:
        """How far the claims are off, each as a share of itself."""
        pairs = [(claim.literal, values.get(replace(claim.cell, quantity=kind))) for claim in claims]
        known = [(one.value, middle(right)) for one, right in pairs if right is not None and is_moderate(right)]
        off = ((abs(value - right), max(abs(value), abs(right))) for value, right in known if value != right)
        return sum((distance / size for distance, size in off), Fraction(0))

    return sorted(either, key=lambda kind: (-fits[kind], away(kind)))


def _read_as(
    run: Run,
    claims: Sequence[Claim],
    chosen: Quantity,
    either: Iterable[Quantity],
    values: Mapping[Cell, Exactly],
    fitting: int,
) -> Mapping[int, Claim]:
    """The claims as they are read; the first of which it matters has the sentence, with the numbers of both kinds."""
    found = {id(claim): replace(claim, cell=replace(claim.cell, quantity=chosen)) for claim in claims}
    for claim in claims:
        cells = [replace(claim.cell, quantity=kind) for kind in either]
        shown = [decimal(values[cell], 7) for cell in cells if cell in values]
        if len({*shown}) > 1:
            how_many = "neither" if not fitting else f"{fitting} of {len(claims)} numbers"
            said = "" if fitting == len(claims) else f", and fits {how_many}"
            both = ", ".join(f"{cell.name} is {number}" for cell, number in zip(cells, shown, strict=True))
            where = f" in epoch {-(-claim.cell.step // run.settings.batches_per_epoch)}" if len(claims) > 1 else ""
            sentence = f"{claim.cell.name} is read as {chosen.label}{said}:{where} {both}"
            return {**found, id(claim): replace(found[id(claim)], told=sentence)}
    return found


def added(system: Forms, total: Array | None, form: Form, times: int) -> Array:
    """A sum and so many times a number."""
    number = forms([form], ())
    if times != 1:
        number = system.apply("mul", (number, system.constant(Fraction(times))))
    return number if total is None else system.apply("add", (total, number))
