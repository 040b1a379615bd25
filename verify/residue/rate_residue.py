"""An lr, or the momentum cycled with it, that is not right at its digits, but what a correct program prints.

Programs calculate these in Python's float64: from the equations on paper, or, as PyTorch's schedulers do, from the
number of the step before, whose roundings gather. Keras holds them in float32: 0.01 is printed as 0.009999999776482582.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.graph.node import SIZE
from derive.run.run import Run
from derive.training.rates import Formula, Moment
from verify.claims.literal import within
from verify.following.finding import Finding, Status
from verify.hand.rates import RATES_DTYPE, in_torch, moment, of_group, on_paper, together
from verify.intervals import RoundedPairs
from verify.numbers import FORMATS, Array, from_fraction, to_float
from verify.numbers.distance import farthest

MAX_STEPS = 20_000  # that are gone through; where a claim is later, no lr is called residue
SMALL = 2.0**-30  # of the largest number in a run: more is no rounding that a person would expect


def settle_rates(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, where an lr that a correct program may print has the status of residue."""
    findings = [_in_float32(run, finding) if _may_be_residue(finding) else finding for finding in findings]
    last = max((finding.cell.step for finding in findings if _may_be_residue(finding)), default=0)
    calculated = run.settings.scheduler is not None or any(
        isinstance(group.schedule.lr, Formula) for group in run.settings.param_groups
    )
    if not calculated or not last or last > MAX_STEPS:
        return findings
    ways = dict(enumerate(_rounded(run, last), start=1))
    largest = {name: max(float(way[name]["mid"].max()) for way, _ in ways.values()) for name in run.settings.varying}
    return [
        _settled(finding, ways[finding.cell.step], largest[finding.cell.quantity.name] * SMALL)
        if _may_be_residue(finding)
        else finding
        for finding in findings
    ]


def _may_be_residue(finding: Finding) -> bool:
    is_rate = finding.cell.quantity.group == "setting" and finding.cell.quantity.name != SIZE
    return is_rate and finding.status.may_be_residue and finding.claim.literal.special is None


def _in_float32(run: Run, finding: Finding) -> Finding:
    """A finding that is residue where the float32 number nearest to the right one is printed so."""
    right, literal = finding.right, finding.claim.literal
    if run.settings.dtype != "float32" or right is None:
        return finding
    held = FORMATS["float32"].nearest(Fraction(to_float(right)))
    if held is None or abs(held - literal.value) > literal.slack:
        return finding
    return replace(finding, status=Status.RESIDUE, why="the number in float32")


def _rounded(run: Run, last: int) -> Iterator[tuple[Mapping[str, Array], ...]]:
    """What changes in each step, with its rounding, in both ways: as on paper, and as PyTorch goes on."""
    settings, system = run.settings, RoundedPairs(RATES_DTYPE)
    before: Moment | None = None
    held: Mapping[str, Array] = {}
    groups = settings.param_groups
    for step in range(last):
        at = moment(run.batches[step], settings)
        written = [on_paper(group.schedule, system, at) for group in groups]
        gone_on = [
            in_torch(group.schedule, system, before, of_group(held, place, len(groups)), at)
            for place, group in enumerate(groups)
        ]
        held, before = together(gone_on, settings.varying), at
        yield together(written, settings.varying), held


def _settled(finding: Finding, ways: Sequence[Mapping[str, Array]], small: float) -> Finding:
    """A finding that is residue where a program that goes one of the ways may print it.

    A wrong one is undecided where such a program may, but only as its rounding is larger than a person would expect.
    """
    literal, right, cell = finding.claim.literal, finding.right, finding.cell
    assert right is not None  # it was judged by it
    expected = max(to_float(from_fraction(literal.unit or Fraction(0))), small)
    low, high = literal.ends
    far = [farthest(way[cell.quantity.name][cell.position], right) for way in ways]
    finite = [Fraction(off) for off in far if math.isfinite(off)]
    reached = [off for off in finite if within(right, low - off, high + off) is not False]
    if any(off <= expected for off in reached):
        return replace(finding, status=Status.RESIDUE, why=f"a correct {RATES_DTYPE} program may print it")
    if reached and finding.status is Status.WRONG:
        why = f"the rounding of a correct {RATES_DTYPE} program may take it so far off"
        return replace(finding, status=Status.UNDECIDED, why=why)
    return finding
