"""The status of every claim: by its digits, by rounding, and by the author's own earlier numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from derive.console import Progress
from derive.graph.node import SIZE
from derive.run.run import Run
from verify.auditing.alike_steps import covering
from verify.auditing.cutting import by_cutting, cut_claims, is_cut_rather, left_open
from verify.auditing.earlier import followed
from verify.claims.claim import Cell, Claim
from verify.claims.literal import Literal, judge, tie, written_like
from verify.claims.table import once
from verify.columns.order import in_order
from verify.following.course import Courses
from verify.following.epoch_means import which_of_two
from verify.following.extent import MAX_BY_HAND
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.following.manner import manner
from verify.following.on_the_way import Tried
from verify.following.own_numbers import filled_zeros, zeros_dropped, zeros_of_places
from verify.following.right_values import PRECISIONS, Known, rate, right_values
from verify.following.rounded_inputs import by_inputs
from verify.hand.update import is_trained, moves
from verify.numbers import (
    Exactly,
    decimal,
    from_fraction,
    precision,
)
from verify.residue.rate_residue import settle_rates
from verify.residue.settlement import is_dtype_named, is_of_pytorch, may_be_residue, settle


def in_both_ways(
    run: Run, claims: Sequence[Claim], tell: Progress | None, courses: Courses | None = None
) -> tuple[tuple[Finding, ...], bool]:
    """The findings, and whether PyTorch was asked; of two ways to read means and sums, in the better.

    Each number is claimed once. `courses` has what is known of a long run.
    """
    found = []
    run = covering(run, claims)
    for way in which_of_two(run, claims):
        read = once(way) if way != claims else way  # which of two may be claimed already
        known = right_values(run, _calculated(read), _Decided(read), tell, courses)
        with precision(PRECISIONS[-1]):  # the border of a claim is held as sharply as the right number
            found.append(_judged(run, in_order(run, read), known))
    return min(found, key=lambda judged: sum(one.status is Status.WRONG for one in judged[0]))


def count_wrong(run: Run, claims: Sequence[Claim]) -> int:
    """How many claims are wrong where they stand: what follows from the author's own numbers is carried, or inherited.

    Where numbers are only inherited, from one that is cut off, that one counts.
    """
    judged = in_both_ways(run, claims, None)[0]
    return sum(one.status is Status.WRONG for one in judged) or int(any(one.status.is_refused for one in judged))


def by_digits(run: Run, several: Sequence[Sequence[Claim]], rounding: bool) -> list[list[Finding]]:
    """What is found of several lists of claims by their digits, and by `rounding`, without following the author."""
    run = covering(run, (claim for own in several for claim in own))
    several = [which_of_two(run, own)[0] for own in several]
    claims = list({(claim.cell, claim.place): claim for own in several for claim in own}.values())
    known = right_values(run, _calculated(claims), _Decided(tuple(claims)))
    with precision(PRECISIONS[-1]):
        if not rounding:
            return [[_alone(run, claim, known) for claim in own] for own in several]
        return [_rounded(run, _each_alone(run, own, known), known)[0] for own in several]


def _calculated(claims: Iterable[Claim]) -> list[Cell]:
    return [claim.cell for claim in claims if claim.cell.quantity.group != "setting"]


@dataclass(frozen=True)
class _Decided:
    """Whether the digits of right values decide every claim of them."""

    claims: tuple[Claim, ...]

    @cached_property
    def literals(self) -> Mapping[Cell, Sequence[Literal]]:
        """What is claimed of each cell."""
        found: dict[Cell, list[Literal]] = {}
        for claim in self.claims:
            found.setdefault(claim.cell, []).append(claim.literal)
        return found

    def __call__(self, values: Mapping[Cell, Exactly]) -> bool:
        return all(
            judge(literal, value) is not None for cell, value in values.items() for literal in self.literals[cell]
        )


def _judged(run: Run, claims: Sequence[Claim], known: Known) -> tuple[tuple[Finding, ...], bool]:
    """A finding for each claim, and whether PyTorch was asked."""
    alone = _each_alone(run, claims, known)
    found, asked = _rounded(run, alone, known)
    tried = Tried()
    judged = _as_pytorch_prints(run, followed(run, found, tried))
    if not is_dtype_named(run) and _may_be_by_hand(judged):
        finer = replace(run, settings=replace(run.settings, dtype="float64"))
        in_float64, also_asked = _rounded(finer, alone, known)
        judged_finer = followed(finer, in_float64, tried)
        is_by_hand = _is_by_hand(judged) and not is_of_float32(judged, judged_finer)
        if is_by_hand or (_follow(judged, judged_finer) and not _is_of_pytorch(run, judged)):
            run, found, judged, asked = finer, in_float64, judged_finer, asked or also_asked
    cut = cut_claims(found, judged)
    if cut and not manner(run, found, ()).is_rounded:
        # nobody cuts off what rounding in a program has made a little smaller
        read = _of_digits(run, _each_alone(run, cut, known))
        by_cut = followed(run, read, tried)
        is_cut = is_cut_rather(found, read, judged, by_cut)
        judged = by_cutting(judged, by_cut) if is_cut else left_open(judged, by_cut)
    return judged, asked


def _as_pytorch_prints(run: Run, judged: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, in which what seems carried is residue where PyTorch prints it and all that is residue.

    Of a program's many numbers some follow from the printed ones by chance.
    """
    carried = {one.cell for one in judged if one.status is Status.CARRIED and one.allowed is None}
    if not carried or not any(one.status is Status.RESIDUE for one in judged):
        return judged
    why = f"exactly what PyTorch prints in {run.settings.dtype}"
    found = tuple(replace(one, status=Status.RESIDUE, why=why) if one.cell in carried else one for one in judged)
    return found if is_of_pytorch(run, found, sum(one.status is Status.RESIDUE for one in found)) else judged


def _may_be_by_hand(judged: Sequence[Finding]) -> bool:
    """Whether rounding in float32 has to explain, or leaves open, numbers that a person may have printed.

    A program that prints its float32 numbers as they are prints more digits.
    """
    explained = [one for one in judged if one.status in _BY_FLOAT32]
    is_short = all(one.claim.literal.digits <= MOST_DIGITS for one in explained)
    is_known = any(one.right is not None for one in explained)  # else no dtype tells more of it
    return is_known and (is_short or _is_by_hand(judged))


def _follow(judged: Iterable[Finding], in_float64: Iterable[Finding]) -> bool:
    """Whether all that rounding in float32 would explain follows from the author's numbers as printed, in float64.

    Of a program's numbers some do not, as it goes on with more digits than it prints. Nothing else may be worse for it.
    """
    pairs = [(one.status, two.status) for one, two in zip(judged, in_float64, strict=True)]
    is_kept = all(one.is_refused or not two.is_refused or two in _FOLLOWS for one, two in pairs)
    is_explained = all(two.is_accepted or two in _FOLLOWS for one, two in pairs if one is Status.RESIDUE)
    return is_kept and is_explained and any(one in _BY_FLOAT32 and two in _FOLLOWS for one, two in pairs)


def is_of_float32(judged: Sequence[Finding], in_float64: Iterable[Finding]) -> bool:
    """Whether the whole table fits float32, and has more than a slip or two in float64; in a long one any will do.

    Nobody calculates so many steps by hand, and of many numbers some follow from the printed ones by chance.
    """
    fits = not any(one.status.is_refused for one in judged)
    is_long = max((one.cell.step for one in judged), default=0) > MAX_BY_HAND
    return fits and sum(one.status is Status.WRONG for one in in_float64) > (0 if is_long else FEW_SLIPS)


def _is_of_pytorch(run: Run, judged: Sequence[Finding]) -> bool:
    """Whether what is residue was rather printed by PyTorch than calculated from the printed numbers before it.

    Of a person's numbers PyTorch prints some by chance, but fewer than these give exactly as they are printed.
    """
    residue = [one.cell for one in judged if one.status is Status.RESIDUE]
    given = manner(run, judged, residue).given
    return is_of_pytorch(run, judged, max(1, sum(bool(given.get(cell)) for cell in residue)))


def _is_by_hand(judged: Iterable[Finding]) -> bool:
    """Whether a number follows from others only as these are printed: no program goes on with what it has printed.

    Where inputs are rounded, that is no sign of it: those of a program may be others.
    """
    return any(one.status is Status.CARRIED and one.allowed is None for one in judged)


def _rounded(run: Run, alone: Sequence[Finding], known: Known) -> tuple[list[Finding], bool]:
    """The same where nothing is calculated from the author's own numbers; each is known `alone`."""
    found = _of_digits(run, alone)
    open_ = [place for place, finding in enumerate(found) if may_be_residue(finding)]
    by_digits = tuple(found)
    asked = settle(run, found, open_, known.steps)
    return _cut_alike(run, by_digits, found), asked


def _of_digits(run: Run, alone: Sequence[Finding]) -> list[Finding]:
    """The claims by their digits, and by what inputs that are rounded and the dtype of a program allow."""
    return by_inputs(run, settle_rates(run, alone))


def _each_alone(run: Run, claims: Sequence[Claim], known: Known) -> list[Finding]:
    """The claims by their digits alone, whatever the dtype of a program."""
    found = [_alone(run, claim, known) for claim in claims]
    read = {**zeros_of_places(found), **filled_zeros(found)}
    for place, one in enumerate(found) if read else ():
        if one.cell in read:
            found[place] = _alone(run, replace(one.claim, literal=read[one.cell]), known)
    return _with_zeros(found)


def _with_zeros(findings: list[Finding]) -> list[Finding]:
    """The findings; where a column is printed without zeros at the end, nothing in it looks cut off for lacking them.

    What is right at the digits that stand there is right.
    """
    zeros = zeros_dropped(findings, {one.cell for one in findings if one.status in OF_DIGITS})
    if not zeros:
        return findings
    return [_by_all_digits(one, zeros[one.cell]) if one.cell in zeros else one for one in findings]


def _by_all_digits(finding: Finding, zeros: int) -> Finding:
    """A number that looks cut off, or rounded twice, with the zeros that its writer has dropped."""
    literal = finding.claim.literal.with_zeros(zeros)
    is_wrong = finding.right is not None and judge(literal, finding.right) == "wrong"
    claim = replace(finding.claim, literal=literal)
    return replace(finding, claim=claim, status=Status.WRONG, why="") if is_wrong else finding


def _cut_alike(run: Run, by_digits: Sequence[Finding], settled: list[Finding]) -> list[Finding]:
    """What is settled; but cut off, where all that rounding would explain is, beside what it does not explain.

    Of a program's numbers, rounded in its dtype, some are too large.
    """
    pairs = list(zip(by_digits, settled, strict=True))
    explained = [one.status for one, two in pairs if two.status is Status.RESIDUE]
    stays = any(two.status is Status.TRUNCATED for _, two in pairs)
    if is_dtype_named(run) or not stays or any(status is not Status.TRUNCATED for status in explained):
        return settled
    return [one if two.status is Status.RESIDUE else two for one, two in pairs]


_FOLLOWS = (Status.CARRIED, Status.INHERITED)
_BY_FLOAT32 = (Status.RESIDUE, Status.UNDECIDED)  # what rounding in float32 explains, or may
FEW_SLIPS = 2  # in the last digits that somebody makes in a table
MOST_DIGITS = 7  # of a number that a person carries; a float32 is printed with up to nine
_TOO_NEAR = "its digits do not tell: it is too near an end of what the printed digits allow"


def _alone(run: Run, claim: Claim, known: Known) -> Finding:
    """A claim against the right number, by its digits alone."""
    right = known.values.get(claim.cell)
    if claim.cell.quantity.group == "setting":
        right = _setting(run, claim.cell)
    if right is None:
        why = known.why(claim.cell) or "it is not calculated where nothing is trained"
        return Finding(claim, Status.UNDECIDED, None, why)
    verdict = judge(claim.literal, right)
    if verdict != "right" and _is_left_alone(run, claim):
        why = f"the entry is frozen, and 0 is right for the update; by the loss it is {decimal(right, 7)}"
        return Finding(claim, Status.RIGHT, right, why)
    if verdict is None:
        return Finding(claim, Status.UNDECIDED, right, known.why(claim.cell) or _TOO_NEAR)
    status = Status(verdict)
    why = ""
    if status is Status.TRUNCATED:
        why = f"cut off: rounded it is {written_like(claim.literal, right)}"
    elif status is Status.DOUBLE_ROUNDED:
        middle = replace(claim.literal, places=claim.literal.places + 1)
        once_ = written_like(middle, from_fraction(tie(claim.literal, right)))
        why = f"rounded twice, to {once_} first: rounded once it is {written_like(claim.literal, right)}"
    return Finding(claim, status, right, why)


def _is_left_alone(run: Run, claim: Claim) -> bool:
    """Whether a gradient of 0 is claimed of a frozen entry, which no update moves and no other number rests on."""
    cell, settings = claim.cell, run.settings
    if cell.quantity.group not in ("gradients", "clipped", "scaled") or not settings.trains:
        return False
    if claim.literal.special is not None or claim.literal.value:
        return False
    name, frozen = cell.quantity.name, run.watched.graph.frozen
    if not is_trained(frozen, name):
        return True
    shape = next(parameter.shape for parameter in run.watched.parameters if parameter.name == name)
    return settings.clip is None and not moves(frozen, name, shape)[cell.position]


def _setting(run: Run, cell: Cell) -> Exactly | None:
    """The learning rate and what changes with it, or the samples of a batch."""
    if cell.quantity.name != SIZE:
        return rate(run, cell)
    return from_fraction(Fraction(run.batches[cell.step - 1].n))
