"""Claims that are not right at their digits, but what a correct program may print: by a bound, or by PyTorch itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from derive.run.run import Run
from verify.claims.claim import Cell, Claim
from verify.claims.literal import within
from verify.following.extent import in_forms
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.hand.run import HandStep
from verify.logs.meaning import Averaged
from verify.names import parameter_of
from verify.numbers import FORMATS, as_ball, from_fraction, radius, to_float
from verify.residue.drift import MAX_STEPS, UNBOUNDED, Drift, drifts, size_of_drifts
from verify.residue.quick_drift import many_steps, quick_drifts
from verify.residue.rounded_step import SLACK

MANY_STEPS = 50  # from which on the steps are first looked at side by side
# A drift as large as this share of a number is no rounding that a person expects; less, where PyTorch can be asked.
VAGUE = 1e-3
VAGUE_BESIDE_PYTORCH = 1e-4
# A bound is what rounding can do at worst, ten times and more what it does. Beyond so many units in the last place of
# its dtype a number is no residue by the bound alone: it is looked how far off PyTorch's own number is.
FAR_OFF = 64
MAX_SHARP, ROUNDINGS = 1_000_000, 100  # calculations for a sharper bound, and in as many roundings on average
FEW_DIGITS, FAR_OFF_IN_FEW = 6, 8  # a person prints so few; there is less reason to think of a program
ALIKE = 16  # times as far off as PyTorch's own number is still rounding of the same kind


def may_be_residue(finding: Finding) -> bool:
    """Whether rounding inside a program could explain what is not right at its digits."""
    is_calculated = finding.cell.quantity.group != "setting"
    if finding.right is None:  # the number by hand has no value, and that of a program may be nan
        return is_calculated and finding.claim.literal.special is not None and finding.status is Status.UNDECIDED
    return is_calculated and finding.status.may_be_residue


def settle(run: Run, findings: list[Finding], places: Sequence[int], steps: Sequence[HandStep] = ()) -> bool:
    """Settles, in `findings` itself, whether a correct program may have printed the numbers at `places`.

    Returns whether PyTorch was asked. What rounding in float64 can do, rounding in the dtype of the settings can do as
    well, so the dtype is tried first. `steps` are those of the hand calculation, where each was calculated: in a long
    run what is far from right is told by them at once, and what a longer one than `drifts` follows may have printed.
    """
    if not places:
        return False
    asked = _ask_without_value(run, findings, [place for place in places if findings[place].right is None])
    places = [place for place in places if findings[place].right is not None]
    if not places:
        return asked
    dtypes = _dtypes(run, findings)
    last = max(findings[place].cell.step for place in places)
    is_long = last > MAX_STEPS
    if is_long and len(steps) < last:
        steps = many_steps(run, last)
    known: Mapping[Cell, Drift] = {}
    for dtype in dtypes:
        if len(steps) >= MANY_STEPS and (is_long or dtype == dtypes[0]):
            far = quick_drifts(run, dtype, steps, [findings[place].cell for place in places])
            places = [place for place in places if not _is_beyond(findings[place], far.get(findings[place].cell))]
            known = far if is_long and dtype != "float64" else {}  # in float64 too wide to tell what rounding did
        left_over = [findings[place].cell for place in places if findings[place].cell not in known]
        size_of_drifts(run, left_over).check(run.settings.limit)
        printed = [place for place in places if _is_printed_in(findings[place], dtype)]
        in_it = {*printed}
        left = _by_bounds(run, findings, printed, dtype, known)
        finer = [place for place in places if place not in in_it] + left.finer
        if left.vague or left.far_off:
            in_dtype = replace(run, settings=replace(run.settings, dtype=dtype))
            asked = _ask_pytorch(in_dtype, findings, left.vague, left.far_off) or asked
            if not is_dtype_named(run):
                finer += [place for place in left.vague if findings[place].status is not Status.RESIDUE]
        places = finer
    return asked


def _ask_without_value(run: Run, findings: list[Finding], places: Sequence[int]) -> bool:
    """Compares `nan` of a number that has no value by hand with what PyTorch prints, in `findings` itself."""
    asked = [place for place in places if findings[place].cell.step <= MAX_ASKED]
    if not asked or run.settings.by_hand_alone:
        return False
    from verify.residue.pytorch_prints import by_pytorch

    numbers = by_pytorch(run, [findings[place].cell for place in asked])
    for place in asked:
        finding = findings[place]
        if finding.cell in numbers and _prints(finding.claim, numbers[finding.cell]):
            why = f"exactly what PyTorch prints in {run.settings.dtype}; by hand, {finding.why}"
            findings[place] = replace(finding, status=Status.RESIDUE, why=why)
    return True


class _Left(NamedTuple):
    """What the bounds in one dtype leave open: to a finer dtype, or to PyTorch in this one."""

    finer: list[int]
    vague: list[int]  # the bound is too wide to tell
    far_off: dict[int, str]  # within the bound, and why; but further off than rounding usually goes


def _by_bounds(
    run: Run, findings: list[Finding], places: Sequence[int], dtype: str, known: Mapping[Cell, Drift]
) -> _Left:
    """Settles, in `findings` itself, what the bound in one dtype decides; of some numbers it is `known`."""
    open_ = [findings[place].cell for place in places if findings[place].cell not in known]
    bounds: Mapping[Cell, Drift] = {**(drifts(run, dtype, open_) if open_ else {}), **known}
    bounds = _sharper(run, dtype, [findings[place] for place in places], bounds)
    told = "" if dtype == "float64" or is_dtype_named(run) else "; in float64 this is wrong"
    why = f"a correct {dtype} program may print it{told}"
    left, largest = _Left([], [], {}), _largest_so_far(findings, places)
    for place in places:
        finding = findings[place]
        drift = bounds.get(finding.cell, UNBOUNDED)
        if not _may_print(finding, drift):
            continue
        if not _is_rounding(finding, drift.farthest, _vague(run, finding), largest[place]):
            left.vague.append(place)
            continue
        left.finer.append(place)
        if not _is_far_off(run, finding, dtype):
            findings[place] = replace(finding, status=Status.RESIDUE, why=why)
        elif finding.status is Status.WRONG:
            left.far_off[place] = why
    return left


def _sharper(run: Run, dtype: str, findings: Sequence[Finding], bounds: Mapping[Cell, Drift]) -> Mapping[Cell, Drift]:
    """The bounds, of what is wrong and within them by forms of every rounding where that is no long calculation."""
    within_them = [
        one.cell for one in findings if one.status is Status.WRONG and _may_print(one, bounds.get(one.cell, UNBOUNDED))
    ]
    cells = [cell for cell in within_them if cell in bounds and cell.quantity.group in _OF_TENSORS]
    last = max((cell.step for cell in cells), default=0)
    if not cells or FORMATS[dtype].inner is not None or in_forms(run, last, ROUNDINGS) > MAX_SHARP:
        return bounds
    sharp = drifts(run, dtype, cells, is_sharp=True)
    return {**bounds, **{cell: drift for cell, drift in sharp.items() if drift.farthest < bounds[cell].farthest}}


def _is_beyond(finding: Finding, drift: Drift | None) -> bool:
    """Whether a number is further off than rounding can carry it, on either side: in a finer dtype as well."""
    return drift is not None and not _may_print(finding, Drift(0.0, drift.farthest * SLACK))


def is_dtype_named(run: Run) -> bool:
    """Whether the problem file or a flag names the dtype of the program that printed the numbers."""
    return run.settings.origins.get("dtype", "default") != "default"


def _dtypes(run: Run, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The dtypes in which a correct program may have printed the numbers, the coarser one first.

    Where nobody names the dtype, a table that is right beyond float32 was not made in float32: it has a right number
    with digits that no float32 number is printed with. A number that is wrong says nothing of the table it stands in.
    """
    dtype = run.settings.dtype
    if dtype == "float64" or is_dtype_named(run):
        return tuple(dict.fromkeys((dtype, "float64")))
    right = (one for one in findings if one.status is Status.RIGHT)
    is_beyond = any(not _is_printed_in(one, dtype) and _is_held(run, one) for one in right)
    return ("float64",) if is_beyond else (dtype, "float64")


def _is_held(run: Run, finding: Finding) -> bool:
    """Whether a program holds the number in its dtype: not a state and what is clipped where the update is by hand."""
    quantity = finding.cell.quantity
    by_hand = quantity.group == "clipped" or parameter_of(quantity.name) != quantity.name
    return not (run.settings.by_hand_alone and by_hand)


# Not the losses of an epoch, what is watched and lr: a program may calculate these in Python, beside its tensors.
_OF_TENSORS = ("before", "nodes", "loss", "adjoints", "accumulated", "gradients", "clipped", "after", "prediction")


def _is_of_tensor(cell: Cell) -> bool:
    """Whether a program has a number as a tensor; the mean or the sum of one loss is that loss."""
    quantity = cell.quantity
    if isinstance(quantity, Averaged):
        return quantity.first == cell.step and quantity.kind in ("batches", "samples", "sum", "filtered")
    return quantity.group in _OF_TENSORS


def _is_printed_in(finding: Finding, dtype: str) -> bool:
    """Whether some number of the dtype is printed with the claimed digits."""
    literal = finding.claim.literal
    if literal.special is not None or literal.unit is None or not _is_of_tensor(finding.cell):
        return True
    if literal.is_off_by_half and FORMATS[dtype].has_digits(literal.floats[0], literal.digits):
        return True  # as nearly all are, and that is quickly seen
    nearest = FORMATS[dtype].nearest(literal.value)
    return nearest is not None and literal.low <= nearest <= literal.high


def _may_print(finding: Finding, drift: Drift) -> bool:
    """Whether a number that far from the right one is printed with the claimed digits."""
    literal = finding.claim.literal
    if not math.isfinite(drift.farthest) or literal.special is not None:
        return True
    is_even = not literal.is_cut and (literal.value or not literal.minus)  # as far to either side
    if is_even and finding.allowed is None:
        off, lost = _apart(finding)
        room, apart = literal.floats[1] + drift.around, abs(off + drift.shift)
        lost += 2.0**-50 * (room + abs(drift.shift))
        if apart + lost < room or apart - lost > room:  # as nearly always: float64 tells
            return apart < room
    shift, around = Fraction(drift.shift), Fraction(drift.around)
    low, high = literal.ends[0] - shift - around, literal.ends[1] - shift + around
    if finding.status is Status.WRONG and finding.allowed is not None:  # by all inputs that are printed so
        return bool(finding.allowed[0] <= high and low <= finding.allowed[1])
    return finding.right is not None and within(finding.right, low, high) is not False


def _apart(finding: Finding) -> tuple[float, float]:
    """The right number minus the claimed one, and how far that can be from the truth; NaN where it is not known.

    float64 loses half a unit in the last place of each of the two, and of their difference.
    """
    if finding.right is None:
        return math.nan, math.nan
    right, value = to_float(finding.right), finding.claim.literal.floats[0]
    return right - value, 2.0**-50 * (abs(right) + abs(value)) + 2.0**-1000 + radius(finding.right)


def _vague(run: Run, finding: Finding) -> float:
    """The share of a number from which on a bound on its drift does not settle it."""
    return VAGUE if run.settings.by_hand_alone or finding.cell.step > MAX_ASKED else VAGUE_BESIDE_PYTORCH


def _is_rounding(finding: Finding, bound: float, vague: float, largest: float) -> bool:
    """Whether a drift is so small beside the number or its last digit that it can only be rounding.

    A parameter has the rounding of all steps so far, also of those in which it was larger: `largest` is how large.
    """
    literal = finding.claim.literal
    if literal.special is not None or finding.right is None or not math.isfinite(bound):
        return False
    unit = to_float(from_fraction(literal.unit or Fraction(0)))
    return bound <= max(unit, max(abs(to_float(finding.right)), largest) * vague)


def _largest_so_far(findings: Sequence[Finding], places: Sequence[int]) -> dict[int, float]:
    """For each of the `places` how large the same parameter has been in the table before; 0 for what is none."""
    asked = {_parameter(findings[place]) for place in places} - {None}
    found = dict.fromkeys(places, 0.0)
    sizes: dict[tuple[str, tuple[int, ...]], float] = {}
    for place, one in enumerate(findings[: max(places) + 1] if asked else ()):
        key = _parameter(one)
        if key is None or key not in asked:
            continue
        if place in found:
            found[place] = sizes.get(key, 0.0)
        if one.right is not None:
            size = abs(to_float(one.right))
            sizes[key] = max(sizes.get(key, 0.0), size if math.isfinite(size) else 0.0)
    return found


def _parameter(finding: Finding) -> tuple[str, tuple[int, ...]] | None:
    """The parameter of which a number is claimed, by name and position; None for any other number."""
    quantity = finding.cell.quantity
    is_one = quantity.group in ("before", "after") and "." not in quantity.name
    return (quantity.name, finding.cell.position) if is_one else None


def _is_far_off(run: Run, finding: Finding, dtype: str) -> bool:
    """Whether a number that a bound allows is so far off that PyTorch is asked too, where it can be."""
    can_be_asked = not run.settings.by_hand_alone and finding.cell.step <= MAX_ASKED
    right = finding.right
    if not can_be_asked or right is None or finding.allowed is not None:
        return False
    literal = finding.claim.literal
    far = FAR_OFF_IN_FEW if literal.digits <= FEW_DIGITS else FAR_OFF
    most = far * abs(to_float(right)) * 2.0 ** (FORMATS[dtype].unit + 1)
    off, lost = _apart(finding)
    if not literal.is_cut and abs(off) + lost < most:
        return False
    return _off(finding) > most


def _off(finding: Finding) -> float:
    """How far the right number is from the nearest one that is printed with the claimed digits."""
    assert finding.right is not None
    literal, right = finding.claim.literal, as_ball(finding.right)
    ends = [abs(to_float(right - as_ball(from_fraction(end)))) for end in literal.ends]
    return 0.0 if within(finding.right, *literal.ends) else min(ends)


MAX_ASKED = 20_000  # steps that PyTorch is asked to run; where an open claim is later, all of those stay undecided


def is_of_pytorch(run: Run, findings: Sequence[Finding], least: int) -> bool:
    """Whether of the numbers that are residue at `least` so many are exactly what PyTorch prints in the run's dtype.

    So they are taken to be where the run is too long to ask.
    """
    residue = [one for one in findings if one.status is Status.RESIDUE]
    if not residue or max(one.cell.step for one in residue) > MAX_ASKED:
        return bool(residue)
    from verify.residue.pytorch_prints import by_pytorch

    numbers = by_pytorch(run, [one.cell for one in residue])
    return sum(one.cell in numbers and _prints(one.claim, numbers[one.cell]) for one in residue) >= least


def _ask_pytorch(run: Run, findings: list[Finding], vague: Sequence[int], far_off: Mapping[int, str]) -> bool:
    """Compares numbers that no bound decides with what PyTorch prints; `far_off` are those that one allows, and why."""
    places = [*vague, *far_off]
    last = max(findings[place].cell.step for place in places)
    if last > MAX_ASKED:
        why = (
            f"what rounding does in {last:,} steps is not bounded, and PyTorch is not asked for more than {MAX_ASKED:,}"
        )
        for place in places:
            if not _is_near(findings[place]):
                findings[place] = _left_open(findings[place], why)
        return False
    from verify.residue.pytorch_prints import by_pytorch

    numbers = by_pytorch(run, [findings[place].cell for place in places])
    for place in places:
        findings[place] = _beside(
            run.settings.dtype, findings[place], numbers.get(findings[place].cell), far_off.get(place)
        )
    return True


def _beside(dtype: str, finding: Finding, number: float | None, allowed: str | None) -> Finding:
    """What a claim is beside PyTorch's own number, if it has one; `allowed` is why a bound allows it, if one does."""
    if number is not None and _prints(finding.claim, number):
        return replace(finding, status=Status.RESIDUE, why=f"exactly what PyTorch prints in {dtype}")
    if _is_near(finding):
        return finding
    if allowed is not None and (number is None or _is_alike(finding, number, dtype)):
        return replace(finding, status=Status.RESIDUE, why=allowed)
    if number is not None and dtype == "float64" and _is_as_far(finding, number):
        why = f"as far off as float64 takes it: PyTorch's own number is {number:.17g}"
        return replace(finding, status=Status.RESIDUE, why=why)
    if finding.claim.literal.special is not None or _is_far(finding, number):
        return finding
    why = "what rounding does in so many steps is not bounded"
    if finding.cell.step == 1:
        why = "the bound on what rounding can do in this step is too wide to tell"
    if allowed is not None:
        why = f"the bound on what rounding can do allows it, though PyTorch's own number is {number:.9g}"
    return _left_open(finding, why)


def _is_near(finding: Finding) -> bool:
    """Whether a number that is not right at its digits stays what it is, unless PyTorch prints it."""
    return finding.status in OF_DIGITS


def _left_open(finding: Finding, why: str) -> Finding:
    return replace(finding, status=Status.UNDECIDED, why=f"it is not right at its digits, and {why}")


def _is_alike(finding: Finding, number: float, dtype: str) -> bool:
    """Whether a claim is off as PyTorch's own number is, or not much further."""
    assert finding.right is not None
    own = abs(number - to_float(finding.right))
    return not own < math.inf or _off(finding) <= ALIKE * max(own, abs(number) * 2.0 ** FORMATS[dtype].unit)


def _is_as_far(finding: Finding, number: float) -> bool:
    """Whether a claim is off as PyTorch's own number in float64 is: a slip that no person makes is as small as that."""
    own_is_known = math.isfinite(number) and finding.claim.literal.special is None
    return own_is_known and _is_alike(finding, number, "float64")


def _is_far(finding: Finding, number: float | None) -> bool:
    """Whether a claim is a thousand times as far off as PyTorch's own number: no rounding of another program's."""
    if number is None or finding.right is None or number != number or abs(number) == float("inf"):
        return False
    off = abs(to_float(as_ball(finding.right) - as_ball(from_fraction(finding.claim.literal.value))))
    return off > 1000 * max(abs(number - to_float(finding.right)), abs(number) * 2.0**-52)


def _prints(claim: Claim, number: float) -> bool:
    """Whether a program that holds the number prints the claimed digits."""
    literal = claim.literal
    if literal.special is not None:
        return repr(literal.special) == repr(number)
    if number != number or abs(number) == float("inf"):
        return False
    return literal.ends[0] <= Fraction(number) <= literal.ends[1]
