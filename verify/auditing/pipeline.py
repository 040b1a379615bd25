"""The audit: every claim against the right number, the first that is wrong, and what follows from it.

PyTorch is asked only where it must be: for numbers that it draws, and where rounding decides and no bound does.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial

from derive.chain.derivation import differentiate
from derive.console import Progress
from derive.errors import ClaimError, Place, ProblemError
from derive.graph.node import SIZE
from derive.problem.loading import Problem, load
from derive.run.precedence import effective
from derive.run.run import Run
from derive.run.settings import Settings
from verify import pytorch
from verify.auditing.finding import Finding, Stated, Status
from verify.auditing.follow_through import exact_integers, follow, own_number
from verify.auditing.log_choice import meant
from verify.auditing.mistakes import remarks, with_local_partials
from verify.auditing.rate_residue import settle_rates
from verify.auditing.residue import may_be_residue, settle
from verify.auditing.right_values import PRECISIONS, Known, rate, right_values
from verify.claims.claim import AFTERWARDS, GROUPS, Cell, Claim
from verify.claims.literal import judge, tie, within, written_like
from verify.claims.names import names_of
from verify.claims.places import Timeline
from verify.claims.sentence import read_sentence
from verify.claims.table import Reading, once, table_of
from verify.formulas.judge import judge_formulas
from verify.hand.update import is_trained, moves
from verify.logs.writers import Writer, writer_named
from verify.numbers import Exactly, Form, as_ball, decimal, from_fraction, precision, to_float
from verify.tabular.forms import read_grid
from verify.tabular.grid import Source
from verify.tabular.objects import Rows

NARROW = 0.2  # what was carried lies within a fifth of itself: neither a factor 2 or ½ nor a sign gets lost in that
WIDE = 0.5  # an interval as wide as half of the number itself tells nothing of it
FEW_UNITS = 10  # unless it is that many units of the last digit, or fewer


@dataclass(frozen=True)
class Audit:
    """What was found of each claim, in the order in which a person calculates the numbers.

    `unread` are the cells of the table that cannot be read; `empty` is how many have no number.
    """

    problem: Problem
    settings: Settings
    source: str
    findings: tuple[Finding, ...]
    asked_pytorch: bool = False
    formulas: tuple[Stated, ...] = ()
    unread: tuple[ClaimError, ...] = ()
    read_as: str = ""
    empty: int = 0

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many claims there are of each status that occurs."""
        counted = Counter(finding.status for finding in self.findings)
        return {status: counted[status] for status in Status if counted[status]}

    @cached_property
    def first_wrong(self) -> Finding | None:
        """The first wrong number; where all that is wrong is inherited from one that was only cut off, that one."""
        for finding in self.findings:
            if finding.status is Status.WRONG:
                return finding
            if finding.status in (Status.INHERITED, Status.NOT_RIGHT):
                return next(one for one in self.findings if one.cell == finding.inherited_from)
        return None

    @property
    def told(self) -> tuple[str, ...]:
        """How the claims were read, where that is to be said."""
        told = (self.read_as, *(finding.claim.told for finding in self.findings))
        return tuple(dict.fromkeys(filter(None, told)))

    @property
    def exit_status(self) -> int:
        """0 where nothing is wrong, 1 where something is; else 3 where something is undecided or cannot be read."""
        formulas = {Status(formula.status) for formula in self.formulas}
        if any(status.is_refused for status in (*self.counts, *formulas)):
            return 1
        return 3 if self.unread or Status.UNDECIDED in (*self.counts, *formulas) else 0

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.settings.batches_per_epoch


def audit(
    problem: Problem | str | os.PathLike[str],
    *,
    claims: str | os.PathLike[str] | Rows | None = None,
    sentences: Sequence[str] = (),
    units: int | None = None,
    sheet: str | None = None,
    log: str | None = None,
    tell: Progress | None = None,
    **settings: object,
) -> Audit:
    """Judges what is claimed of a problem: in its own [claims], in `claims`, or in `sentences`.

    `claims` is the name of a file (`-` for standard input), a pandas DataFrame, or a list of dicts, one a row.
    `units` is how many units of its last digit a number may be off, by the author's word; half of one when left out.
    `sheet` is the one that is read of a workbook, where several have claims; `log` names the trainer that has written
    the table, one of `verify/logs/writers.toml`, in place of that in [claims].
    `settings` are those of `verify.verify`. Raises `ProblemError`, or one of its kinds.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    if problem.is_symbolic:
        raise ProblemError(f"{problem.source} has equations but no numbers; an audit needs a problem file")
    chosen = effective(problem, settings)
    run = drawn(problem, chosen)
    source, reading = _read(run, claims, sentences, units, (sheet, log))
    found = reading.claims
    known = right_values(run, _calculated(found), _Decided(found), tell)
    with precision(PRECISIONS[-1]):  # the border of a claim is held as sharply as the right number
        judged = _judged(run, _in_order(run, found), known)
    return Audit(
        run.problem,
        chosen,
        source,
        *judged,
        () if claims is not None or sentences else judge_formulas(run.problem, run.followed),
        reading.unread,
        reading.told,
        reading.empty,
    )


def drawn(problem: Problem, settings: Settings) -> Run:
    """The run that is claimed about; PyTorch draws numbers and batches where the problem says so."""
    derivation = differentiate(problem.graph)
    if not all(parameter.is_drawn for parameter in problem.parameters):
        problem = pytorch.draw(problem, settings.dtype)
    batches = tuple(pytorch.batches(problem, settings)) if settings.shuffle else None
    return Run(problem, derivation, settings, batches)


def _read(
    run: Run,
    path: str | os.PathLike[str] | Rows | None,
    sentences: Sequence[str],
    units: int | None,
    how: tuple[str | None, str | None],
) -> tuple[str, Reading]:
    """Where the claims come from, and the claims; `how` names the sheet of a workbook and the writer of a log."""
    names = names_of(run.watched, run.followed, run.settings)
    stated = run.watched.claims
    if units is None and stated is not None and path is None and not sentences:
        units = stated.units
    starts = {parameter.name: parameter.values for parameter in run.watched.parameters}
    timeline = Timeline(names, run.batches, run.settings.batches_per_epoch, run.loss, units, starts)
    if path is not None:
        name, grid = table_of(path, timeline, how[0])
        reading = meant(grid, timeline, _writer(run, how[1]), partial(_by_digits, run))
        said = (read_sentence(text, timeline) for text in sentences)
        return name, replace(reading, claims=once((*reading.claims, *said)))
    if sentences:
        return "--claim", Reading(once(read_sentence(text, timeline) for text in sentences))
    if stated is not None and stated.table is None and stated.formulas:
        return run.watched.source, Reading(())
    if stated is None or stated.table is None:
        raise ClaimError(
            f"{run.watched.source} states no numbers; give a table under [claims], a file with --claims FILE, or one "
            "number with --claim 'step 2: dl/db = -33.39'"
        )
    place = stated.table_place
    grid = read_grid(Source(place.source, stated.table, place.line or 1))
    return run.watched.source, meant(grid, timeline, _writer(run, how[1]), partial(_by_digits, run))


def _writer(run: Run, named: str | None) -> Writer | None:
    """The writer of the log that is claimed: of a flag, else of the file. Raises `ClaimError` for an unknown one."""
    stated = run.watched.claims
    if named is not None:
        return writer_named(named, Place("--log"))
    return writer_named(stated.log, stated.log_place) if stated is not None and stated.log is not None else None


def _by_digits(run: Run, several: Sequence[Sequence[Claim]], rounding: bool) -> list[list[Finding]]:
    """What is found of several lists of claims by their digits, and by `rounding`, without following the author."""
    claims = list({(claim.cell, claim.place): claim for own in several for claim in own}.values())
    known = right_values(run, _calculated(claims), _Decided(tuple(claims)))
    with precision(PRECISIONS[-1]):
        if not rounding:
            return [[_alone(run, claim, known) for claim in own] for own in several]
        return [_rounded(run, own, known)[0] for own in several]


def _calculated(claims: Iterable[Claim]) -> list[Cell]:
    return [claim.cell for claim in claims if claim.cell.quantity.group != "setting"]


@dataclass(frozen=True)
class _Decided:
    """Whether the digits of the right values decide every claim."""

    claims: tuple[Claim, ...]

    def __call__(self, values: Mapping[Cell, Exactly]) -> bool:
        return all(
            judge(claim.literal, values[claim.cell]) is not None for claim in self.claims if claim.cell in values
        )


def _in_order(run: Run, claims: Iterable[Claim]) -> list[Claim]:
    """The claims in the order of calculation: step by step, group by group, line by line."""
    lines = {node.name: place for place, node in enumerate(run.watched.graph.lines)}
    parameters = {parameter.name: place for place, parameter in enumerate(run.watched.parameters)}
    groups = {group: place for place, group in enumerate((*GROUPS, *AFTERWARDS))}

    def place(claim: Claim) -> tuple[int, int, int, tuple[int, ...]]:
        cell = claim.cell
        name, group = cell.quantity.name.rpartition("/")[2], cell.quantity.group
        line = lines.get(name, 0) * (-1 if group in ("adjoints", "partials") else 1)
        own = parameters.get(name.partition(".")[0])
        state = own * 2 - ("." in name) if own is not None else line
        return cell.step, groups[group], state, cell.position

    return sorted(claims, key=place)


def _judged(run: Run, claims: Sequence[Claim], known: Known) -> tuple[tuple[Finding, ...], bool]:
    """A finding for each claim, and whether PyTorch was asked."""
    found, asked = _rounded(run, claims, known)
    return _followed(run, found), asked


def _rounded(run: Run, claims: Sequence[Claim], known: Known) -> tuple[list[Finding], bool]:
    """The same where nothing is calculated from the author's own numbers."""
    found = settle_rates(run, [_alone(run, claim, known) for claim in claims])
    return found, settle(run, found, [place for place, finding in enumerate(found) if may_be_residue(finding)])


def _alone(run: Run, claim: Claim, known: Known) -> Finding:
    """A claim against the right number, by its digits alone."""
    right = known.values.get(claim.cell)
    if claim.cell.quantity.group == "setting":
        right = _setting(run, claim.cell)
    if right is None:
        return Finding(claim, Status.UNDECIDED, None, known.reason or "it is not calculated where nothing is trained")
    verdict = judge(claim.literal, right)
    if verdict != "right" and _is_left_alone(run, claim):
        why = f"the entry is frozen, and 0 is right for the update; by the loss it is {decimal(right, 7)}"
        return Finding(claim, Status.RIGHT, right, why)
    if verdict is None:
        return Finding(claim, Status.UNDECIDED, right, known.reason)
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


def _followed(run: Run, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with what is inherited told apart from what is wrong where it stands."""
    refused = [finding.cell for finding in findings if finding.status is Status.WRONG]
    if not refused:
        return tuple(findings)
    exact = exact_integers(findings)
    owns = [
        own_number(one.claim, mark, one.right, one.status is Status.WRONG, is_exact=one.cell in exact)
        for mark, one in enumerate(findings)
    ]
    forms = follow(run, owns, [cell for cell in refused if cell.quantity.group != "setting"])
    judged: list[Finding] = []
    roots: dict[int, Cell] = {}
    undecided: set[int] = set()
    for mark, alone in enumerate(findings):
        form = forms.get(alone.cell)
        finding = (
            alone if form is None or alone.status is not Status.WRONG else _by_earlier(alone, form, roots, undecided)
        )
        if finding.status is Status.UNDECIDED:
            undecided.add(mark)
        elif not finding.status.is_accepted:
            roots[mark] = finding.inherited_from or finding.cell
        judged.append(finding)
    judged = with_local_partials(run, _as_printed(run, judged))
    context = {finding.cell: finding for finding in judged}
    return tuple(
        replace(finding, remarks=remarks(run, finding, context)) if finding.status.is_refused else finding
        for finding in judged
    )


def _by_earlier(finding: Finding, form: Form, roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number that is not right, by what follows from the author's earlier ones: `form`.

    It is inherited where these are wrong (those of the marks `roots`, each with the first that is), carried where
    they are right as they are printed, and wrong here where it does not follow from them. Where the earlier numbers
    are too coarse to tell, or undecided themselves, it is not right in one of two ways, or undecided.
    """
    literal = finding.claim.literal
    ball = as_ball(form.ball)
    rests_on = [mark for mark in sorted(form.sources) if mark in roots]
    ends = (float(ball.lower()), float(ball.upper())) if ball.is_finite() else (-math.inf, math.inf)
    interval = ends if all(map(math.isfinite, ends)) else None
    if literal.special is not None or (interval is None and not rests_on):
        return finding
    if interval is not None:
        meets = within(ball, literal.low, literal.high) is not False
        finding = replace(finding, follows=interval) if form.sources else finding
        if not meets or not form.sources:
            return finding
    unit = to_float(from_fraction(literal.unit or Fraction(0)))
    if rests_on and interval is not None and _tells(interval, WIDE, FEW_UNITS * unit):
        return replace(finding, status=Status.INHERITED, inherited_from=roots[rests_on[0]])
    if rests_on:
        return replace(finding, status=Status.NOT_RIGHT, inherited_from=roots[rests_on[0]])
    if not undecided & form.sources and interval is not None and _tells(interval, NARROW, unit):
        return replace(finding, status=Status.CARRIED, why="it follows from the numbers before it, as printed")
    rests = "rest on one that is undecided" if undecided & form.sources else "are too coarse to tell"
    why = f"it is not right at its digits; whether it follows from the numbers before it, these {rests}"
    return replace(finding, status=Status.UNDECIDED, why=why)


def _as_printed(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings; carried is also what the numbers before it give exactly as they are printed, however coarse."""
    near = [one.cell for one in findings if one.status is Status.UNDECIDED and one.follows is not None]
    if not near:
        return list(findings)
    owns = [own_number(one.claim, mark, one.right, is_wrong=True, is_exact=True) for mark, one in enumerate(findings)]
    forms = follow(run, owns, near)
    return [
        replace(one, status=Status.CARRIED, why="it is what the numbers before it give as they are printed")
        if one.cell in forms and judge(one.claim.literal, forms[one.cell].ball) == "right"
        else one
        for one in findings
    ]


def _tells(interval: tuple[float, float], share: float, units: float) -> bool:
    """Whether an interval tells something: half its width is a small share of its middle, or not above `units`."""
    radius = (interval[1] - interval[0]) / 2
    return radius <= max(share * abs(interval[1] + interval[0]) / 2, units)
