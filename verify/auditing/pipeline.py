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
from derive.errors import ClaimError, Place, ProblemError, shorten
from derive.graph.node import SIZE
from derive.problem.loading import Problem, load
from derive.run.precedence import effective, in_effect
from derive.run.run import Run
from derive.run.settings import Settings
from derive.run.update_numbers import with_numbers
from verify import pytorch
from verify.auditing.finding import Finding, Stated, Status
from verify.auditing.follow_through import follow
from verify.auditing.log_choice import meant
from verify.auditing.mistakes import remarks, with_local_partials
from verify.auditing.own_numbers import Own, exact_integers, own_number
from verify.auditing.rate_residue import settle_rates
from verify.auditing.residue import may_be_residue, settle
from verify.auditing.right_values import PRECISIONS, Known, rate, right_values, which_of_two
from verify.auditing.rounded_inputs import by_inputs, check_rates, is_followed
from verify.claims.claim import AFTERWARDS, GROUPS, Cell, Claim
from verify.claims.literal import judge, tie, within, written_like
from verify.claims.names import names_of
from verify.claims.places import Timeline
from verify.claims.sentence import is_formula, read_sentence, says_step
from verify.claims.table import Reading, once, table_of
from verify.formulas.judge import judge_formulas
from verify.formulas.sentence import judge_sentences
from verify.hand.calculation import input_marks
from verify.hand.update import is_trained, moves
from verify.logs.writers import Writer, writer_named
from verify.numbers import (
    Exactly,
    Form,
    Forms,
    PocketForms,
    as_ball,
    carried,
    decimal,
    from_fraction,
    precision,
    to_float,
)
from verify.tabular.forms import read_grid
from verify.tabular.grid import Source
from verify.tabular.objects import Rows

NARROW = 0.2  # what was carried lies within a fifth of itself: neither a factor 2 or ½ nor a sign gets lost in that
WIDE = 0.5  # an interval as wide as half of the number itself tells nothing of it
MAX_BY_HAND = 200  # steps that somebody calculates with rounded numbers
TRACE, RARE = 4, 20  # of numbers that rounding can move by 4 units of their last digit, more than one in 21 are moved
_OF_DIGITS = (Status.TRUNCATED, Status.DOUBLE_ROUNDED)  # what is said of how a right number was printed
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

    `claims` is the name of a file (`-` for standard input), a pandas DataFrame, or a list of dicts, one a row. A
    sentence says a number, "step 2: dl/db = -33.39", or a formula, "dl/dw = 2*w"; of equations alone, formulas can be
    judged. The formulas of the problem's own [claims] are judged unless sentences alone are asked about.
    `units` is how many units of its last digit a number may be off, by the author's word; half of one when left out.
    `sheet` is the one that is read of a workbook, where several have claims; `log` names the trainer that has written
    the table, one of `verify/logs/writers.toml`, in place of that in [claims].
    `settings` are those of `verify.verify`. Raises `ProblemError`, or one of its kinds.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    chosen = effective(problem, settings)
    if problem.is_symbolic:
        return _of_equations(problem, chosen, claims, sentences)
    run = drawn(problem, chosen)
    check_rates(run)
    said = tuple(text for text in sentences if is_formula(text))
    numbers = tuple(text for text in sentences if text not in said)
    source, reading = _read(run, claims, numbers, units, (sheet, log), is_about_formulas=bool(said))
    run = _with_numbers(run, reading.claims)
    judged = _in_both_ways(run, reading.claims, tell)
    stated = in_effect(run.problem, chosen)
    formulas = () if sentences and claims is None else judge_formulas(stated, run.followed)
    formulas += judge_sentences(stated, run.followed, said)
    return Audit(run.problem, chosen, source, *judged, formulas, reading.unread, reading.told, reading.empty)


def _of_equations(
    problem: Problem, settings: Settings, claims: str | os.PathLike[str] | Rows | None, sentences: Sequence[str]
) -> Audit:
    """The formulas that are claimed of equations alone. Raises `ProblemError` for numbers, which need the data."""
    needs = "give them in a problem file, with [parameters] and [data]"
    if claims is not None or not sentences:
        raise ProblemError(
            f"{problem.source} has equations but no numbers to compare with; {needs}, or claim a formula: "
            "--claim 'dl/dw = 2*w'"
        )
    about_numbers = f"is about a number, and the equations alone have none; {needs}"
    for text in sentences:
        if says_step(text):
            raise ClaimError(f"{shorten(text, 60)} {about_numbers}")
    formulas = judge_sentences(in_effect(problem, settings), differentiate(problem.graph), sentences)
    for text, formula in zip(sentences, formulas, strict=True):
        if not is_formula(text) and formula.status != "right":  # a number may be the formula: 2 is, of 2*b
            raise ClaimError(f"{shorten(text, 60)} {about_numbers}")
    return Audit(problem, settings, "--claim", (), formulas=formulas)


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
    *,
    is_about_formulas: bool = False,
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
    if sentences or is_about_formulas:
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


def _by_digits(run: Run, several: Sequence[Sequence[Claim]]) -> list[list[Finding]]:
    """What is found of several lists of claims by their digits and by rounding, without following the author."""
    claims = list({(claim.cell, claim.place): claim for own in several for claim in own}.values())
    known = right_values(run, _calculated(claims), _Decided(tuple(claims)))
    with precision(PRECISIONS[-1]):
        return [_rounded(run, own, known)[0] for own in several]


def _with_numbers(run: Run, claims: Iterable[Claim]) -> Run:
    """The run, in which what is claimed of the inside of its updates, such as `w.m_hat`, is calculated too."""
    inside = dict.fromkeys(claim.cell.quantity.name for claim in claims if claim.cell.quantity.group == "inside")
    wanted = [(state, parameter) for parameter, _, state in (name.partition(".") for name in inside)]
    return replace(run, settings=with_numbers(run.problem.graph, run.settings, wanted)) if wanted else run


def _in_both_ways(run: Run, claims: Sequence[Claim], tell: Progress | None) -> tuple[tuple[Finding, ...], bool]:
    """The findings, and whether PyTorch was asked; where a mean or sum fits neither reading, in that which follows."""
    found: tuple[tuple[Finding, ...], bool] = ((), False)
    for otherwise in (0, 1):
        read = once(which_of_two(run, claims, otherwise))
        known = right_values(run, _calculated(read), _Decided(read), tell)
        with precision(PRECISIONS[-1]):  # the border of a claim is held as sharply as the right number
            judged = _judged(run, _in_order(run, read), known)
        wrong = [one for one in judged[0] if one.status is Status.WRONG]
        if not otherwise or len(wrong) < len([one for one in found[0] if one.status is Status.WRONG]):
            found = judged
        if not any("fits neither" in one.claim.told for one in wrong):
            break
    return found


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

    def place(claim: Claim) -> tuple[int, int, int, int, tuple[int, ...]]:
        cell = claim.cell
        name, group = cell.quantity.name.rpartition("/")[2], cell.quantity.group
        line = lines.get(name, 0) * (-1 if group in ("adjoints", "partials") else 1)
        own = parameters.get(name.partition(".")[0])
        inside = group in ("inside", "change")  # of the numbers of one parameter after its state, before itself
        state = own * 4 - (1 if inside else 2 * ("." in name)) if own is not None else line
        order = lines.get(name, 0) if inside else 0
        return cell.step, groups["after" if inside else group], state, order, cell.position

    return sorted(claims, key=place)


def _judged(run: Run, claims: Sequence[Claim], known: Known) -> tuple[tuple[Finding, ...], bool]:
    """A finding for each claim, and whether PyTorch was asked."""
    found, asked = _rounded(run, claims, known)
    return _followed(run, found), asked


def _rounded(run: Run, claims: Sequence[Claim], known: Known) -> tuple[list[Finding], bool]:
    """The same where nothing is calculated from the author's own numbers."""
    found = by_inputs(run, settle_rates(run, [_alone(run, claim, known) for claim in claims]))
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
    refused = [one.cell for one in findings if one.status is Status.WRONG or one.by_inputs]
    if not refused and not any(one.status in _OF_DIGITS for one in findings):
        return tuple(findings)
    inputs = input_marks(run.watched)
    if inputs and not is_followed(run, refused):
        return tuple(findings)
    exact = exact_integers(findings)
    owns = [_own(one, mark, is_exact=one.cell in exact) for mark, one in enumerate(findings)]
    wanted = [cell for cell in refused if cell.quantity.group != "setting"]
    forms = follow(run, owns, wanted, Forms(inputs=inputs))
    unused = _without_asides(run, findings, owns, wanted)
    digits, rounded = _rounded_on_the_way(run, findings, owns)
    is_traced = _has_traces(findings, forms, rounded)
    judged: list[Finding] = []
    roots: dict[int, Cell] = {}
    undecided: set[int] = set()
    for mark, alone in enumerate(findings):
        form = forms.get(alone.cell)
        finding = alone
        if form is not None and alone.by_inputs:
            finding = _beside_earlier(alone, form, roots, undecided)
        elif form is not None and alone.status is Status.WRONG:
            finding = _by_earlier(alone, form, roots, undecided)
        if finding.status is Status.WRONG and alone.cell in unused:
            other = _by_earlier(alone, unused[alone.cell], roots, undecided)
            finding = finding if other.status is Status.WRONG else other
        if finding.status is Status.WRONG and alone.cell in rounded:
            finding = _on_the_way(finding, rounded[alone.cell], roots, undecided, digits, is_traced=is_traced)
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


def _without_asides(
    run: Run, findings: Sequence[Finding], owns: Sequence[Own], wanted: Sequence[Cell]
) -> Mapping[Cell, Form]:
    """What follows where the author's derivatives of lines and products with lr that are wrong were not gone on with.

    Nothing where there are none: a person may calculate a gradient in one go and such a number beside it.
    """
    asides = [one.cell for one in findings if one.status is Status.WRONG and one.cell.quantity.group in _ASIDES]
    if not asides:
        return {}
    system = Forms(inputs=input_marks(run.watched))
    return follow(run, [own for own in owns if own.claim.cell not in asides], wanted, system)


_ASIDES = ("partials", "scaled")


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


def _rounded_on_the_way(run: Run, findings: Sequence[Finding], owns: Sequence[Own]) -> tuple[int, Mapping[Cell, Form]]:
    """The digits that an author carries, and what follows where every number on the way is rounded to them.

    Nothing where a table cannot be one that was calculated so: a number alone, too many digits or steps.
    """
    listed = [one for one in findings if one.cell.quantity.group != "setting" and one.claim.literal.digits]
    digits = carried((one.claim.literal.digits, one.claim.literal.decimals) for one in listed)
    last = max((one.cell.step for one in listed), default=0)
    if digits is None or len(listed) < 2 or last > MAX_BY_HAND:
        return 0, {}
    return digits.digits, follow(run, owns, [one.cell for one in listed], PocketForms(digits, input_marks(run.watched)))


def _has_traces(findings: Sequence[Finding], exactly: Mapping[Cell, Form], rounded: Mapping[Cell, Form]) -> bool:
    """Whether rounding on the way has moved more than a few of the numbers that it can move, or there are few."""
    moved = clean = 0
    for one in findings:
        literal, form = one.claim.literal, rounded.get(one.cell)
        if form is None or not literal.unit or not form.radius >= TRACE * as_ball(from_fraction(literal.unit)):
            continue
        own = exactly.get(one.cell)
        is_clean = own is None or within(as_ball(own.ball), literal.low, literal.high) is not False
        clean += is_clean
        moved += not is_clean and within(as_ball(form.ball), literal.low, literal.high) is not False
    return clean <= RARE * moved


def _on_the_way(
    finding: Finding, form: Form, roots: Mapping[int, Cell], undecided: Set[int], digits: int, *, is_traced: bool
) -> Finding:
    """A number that does not follow exactly, where every number on the way is rounded as well: `form`."""
    literal, ball = finding.claim.literal, as_ball(form.ball)
    if literal.special is not None or not ball.is_finite() or within(ball, literal.low, literal.high) is False:
        return finding
    rests_on = [mark for mark in sorted(form.sources) if mark in roots]
    interval = (float(ball.lower()), float(ball.upper()))
    is_narrow = _tells(interval, NARROW, to_float(from_fraction(literal.unit or Fraction(0))))
    if rests_on:
        status = Status.INHERITED if is_narrow else Status.NOT_RIGHT
        return replace(finding, status=status, inherited_from=roots[rests_on[0]])
    if is_narrow and is_traced and not undecided & form.sources:
        why = f"it is within what {digits} digits carried on the way allow"
        return replace(finding, status=Status.CARRIED, why=why)
    why = f"it is not right at its digits; {digits} digits carried on the way allow it, "
    if not is_narrow:
        why += "and much else"
    else:
        why += "if an undecided number before it is right" if is_traced else "but other numbers have no trace of them"
    return replace(finding, status=Status.UNDECIDED, why=why)


def _own(finding: Finding, mark: int, *, is_exact: bool) -> Own:
    """The author's number of a finding; where inputs are rounded, nothing else is known of it than what is printed."""
    is_wrong, literal = finding.status is Status.WRONG, finding.claim.literal
    if finding.allowed is None:
        return own_number(finding.claim, mark, finding.right, is_wrong, is_exact=is_exact)
    own = own_number(finding.claim, mark, None, is_wrong)
    if literal.unit is not None and finding.status in (Status.TRUNCATED, Status.DOUBLE_ROUNDED, Status.RESIDUE):
        return replace(own, low=literal.value - literal.unit, high=literal.value + literal.unit)
    return own


def _beside_earlier(finding: Finding, form: Form, roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number that some inputs give which are printed so, or may give, beside the author's earlier ones: `form`.

    Where it does not follow from these, though none of them is wrong by itself, not all of them are right. What is open
    by itself is carried where it follows from them.
    """
    ball, literal = as_ball(form.ball), finding.claim.literal
    if not form.sources or not ball.is_finite() or form.sources & (roots.keys() | undecided):
        return finding
    interval = (float(ball.lower()), float(ball.upper()))
    finding = replace(finding, follows=interval)
    if within(ball, literal.low, literal.high) is False:
        why = "inputs that are printed so may give it, but it does not follow from the numbers before it, as printed: "
        return replace(finding, status=Status.UNDECIDED, why=f"{why}not all of these are right")
    if finding.status is Status.UNDECIDED and _tells(interval, NARROW, float(literal.unit or 0)):
        return replace(finding, status=Status.CARRIED, why="it follows from the numbers before it, as printed")
    return finding


def _as_printed(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings; carried is also what the numbers before it give exactly as they are printed, however coarse.

    So is what looks cut off or rounded twice, unless a number of the table is that which no earlier one explains.
    """
    near = [
        one.cell
        for one in findings
        if one.status in _OF_DIGITS or (one.status is Status.UNDECIDED and one.follows is not None)
    ]
    if not near:
        return list(findings)
    owns = [own_number(one.claim, mark, one.right, is_wrong=True, is_exact=True) for mark, one in enumerate(findings)]
    literals = {one.cell: one.claim.literal for one in findings}
    forms = follow(run, owns, near)
    refused = {mark for mark, one in enumerate(findings) if one.status.is_refused}
    explained = {
        cell
        for cell, form in forms.items()
        if form.sources and not form.sources & refused and judge(literals[cell], form.ball) == "right"
    }
    for_sure = {one.status for one in findings if one.status in _OF_DIGITS and one.cell not in explained}
    return [
        replace(one, status=Status.CARRIED, why="it is what the numbers before it give as they are printed")
        if one.cell in explained and one.status not in for_sure
        else one
        for one in findings
    ]


def _tells(interval: tuple[float, float], share: float, units: float) -> bool:
    """Whether an interval tells something: half its width is a small share of its middle, or not above `units`."""
    radius = (interval[1] - interval[0]) / 2
    return radius <= max(share * abs(interval[1] + interval[0]) / 2, units)
