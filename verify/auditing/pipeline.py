"""The audit: every claim against the right number, the first that is wrong, and what follows from it.

PyTorch is asked only where it must be: for numbers that it draws, and where rounding decides and no bound does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derive.chain.derivation import Derivation, differentiate
from derive.console import Progress
from derive.errors import ClaimError, ProblemError, shorten
from derive.problem.loading import Problem, load
from derive.run.precedence import effective, in_effect
from derive.run.run import Run
from derive.run.settings import Settings
from derive.run.update_numbers import with_numbers
from verify.auditing.judgement import in_both_ways
from verify.auditing.other_shapes import unless_read_otherwise
from verify.auditing.reading import drawn, read, read_plain, timeline_of
from verify.claims.claim import Claim
from verify.claims.sentence import is_formula, is_of_every_entry, is_rounded, says_step
from verify.columns.claims import plain_claims
from verify.columns.right import RightColumns, right_columns
from verify.following.course import Courses
from verify.following.extent import by_hand
from verify.following.finding import Finding, Stated, Status
from verify.following.rounded_inputs import check_rates
from verify.formulas.judge import FormulaFinding, judge_formulas, judge_sentences
from verify.hand.size import size_of
from verify.origins.hidden import with_hidden_numbers
from verify.tabular.objects import Rows


@dataclass(frozen=True, repr=False)
class Audit:
    """What was found of each claim, in the order in which a person calculates the numbers.

    `unread` are the cells of the table that cannot be read; `empty` is how many have no number. `refused` says what is
    wrong with each sentence that cannot be read, beside others that can.
    """

    problem: Problem
    settings: Settings
    source: str
    findings: Sequence[Finding]
    asked_pytorch: bool = False
    formulas: tuple[Stated, ...] = ()
    unread: tuple[ClaimError, ...] = ()
    read_as: str = ""
    empty: int = 0
    refused: tuple[ProblemError, ...] = ()

    @cached_property
    def remarkable(self) -> tuple[Finding, ...]:
        """The findings of which more is to be said than that the number is right."""
        if isinstance(self.findings, RightColumns):
            return ()
        return tuple(one for one in self.findings if one.status is not Status.RIGHT or one.why)

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many claims there are of each status that occurs."""
        counted = Counter(finding.status for finding in self.remarkable)
        counted[Status.RIGHT] += len(self.findings) - len(self.remarkable)
        return {status: counted[status] for status in Status if counted[status]}

    @cached_property
    def first_wrong(self) -> Finding | None:
        """The first wrong number; where all that is wrong is inherited from one that was only cut off, that one."""
        for finding in self.remarkable:
            if finding.status is Status.WRONG:
                return finding
            if finding.status in (Status.INHERITED, Status.NOT_RIGHT):
                return next(one for one in self.findings if one.cell == finding.inherited_from)
        return None

    @property
    def told(self) -> tuple[str, ...]:
        """How the claims were read, where that is to be said."""
        findings = () if isinstance(self.findings, RightColumns) else self.findings
        told = (self.read_as, *(finding.claim.told for finding in findings))
        return tuple(dict.fromkeys(filter(None, told)))

    @property
    def exit_status(self) -> int:
        """0 where nothing is wrong, 1 where something is; else 3 where something is undecided or a cell is not read.

        2 where a sentence cannot be read.
        """
        if self.refused:
            return self.refused[0].exit_status
        formulas = {Status(formula.status) for formula in self.formulas}
        if any(status.is_refused for status in (*self.counts, *formulas)):
            return 1
        return 3 if self.unread or Status.UNDECIDED in (*self.counts, *formulas) else 0

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status.value}" for status, count in self.counts.items())
        return f"<Audit of {self.problem.name}: {counts or f'{len(self.formulas)} formulas'}>"

    def __str__(self) -> str:
        """The title, the settings, how the claims were read, and what was found of how many of them."""
        counts = [f"{count} {status.value}" for status, count in self.counts.items()]
        said = Counter(str(formula.status) for formula in self.formulas)
        formulas = [f"{count} formula{'s' if count != 1 else ''} {status}" for status, count in said.items()]
        unread = [f"{len(self.unread)} not read"] if self.unread else []
        found = f"{len(self.findings)} claims: {', '.join((*counts, *unread))}" if self.findings else ""
        first = self.first_wrong
        wrong = "" if first is None else f"first wrong: {first.cell.name} at step {first.cell.step}, claimed as"
        wrong += "" if first is None else f" {first.claim.literal.text}"
        lines = (self.problem.title, str(self.settings), *self.told, found, ", ".join(formulas), wrong)
        return "\n".join(filter(None, lines))

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

    `claims` is the name of a file (`-` for standard input), the text of a table (a string with a line break is one, for
    no file is called so), a pandas DataFrame or Series, a list of dicts, one a row, or a dict of lists or of dicts. A
    sentence says a number, "step 2: dl/db =
    -33.39", or a formula, "dl/dw = 2*w"; of equations alone, formulas can be judged. The formulas of the problem's own
    [claims] are judged unless sentences alone are asked about.
    `units` is how many units of its last digit a number may be off, by the author's word; half of one when left out.
    `sheet` is the one that is read of a workbook, where several have claims; `log` names the trainer that has written
    the table, one of `verify/logs/writers.toml`, in place of that in [claims].
    `settings` are those of `verify.verify`. Raises `ProblemError`, or one of its kinds.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    chosen = effective(problem, settings)
    if problem.is_symbolic:
        return _of_equations(problem, chosen, claims, sentences)
    size_of(problem, differentiate(problem.graph), chosen, 1, is_reported=False).check(chosen.limit)
    run = drawn(problem, chosen)
    check_rates(run)
    stated = in_effect(run.problem, chosen)
    plain, courses = None, Courses()
    if not sentences and sheet is None and log is None:
        plain = plain_claims(run, timeline_of(run, units), claims)
    right = None if plain is None else right_columns(run, plain, courses)
    if plain is not None and right is not None:
        formulas = judge_formulas(stated, run.followed)
        return Audit(run.problem, chosen, plain.source, right, formulas=formulas, read_as=plain.told)
    said = tuple(text for text in sentences if is_formula(text))
    numbers = tuple(text for text in sentences if text not in said)
    if plain is None:
        source, reading = read(run, claims, numbers, units, (sheet, log), is_about_formulas=bool(said))
    else:
        source, reading = plain.source, read_plain(run, plain, units)
    run = _with_numbers(run, reading.claims)
    by_hand(run, [claim.cell for claim in reading.claims], courses).check(chosen.limit)
    findings, asked = in_both_ways(run, reading.claims, tell, courses)
    findings = with_hidden_numbers(run, findings)
    formulas = () if sentences and claims is None else judge_formulas(stated, run.followed)
    more, refused = _judged(stated, run.followed, (*said, *reading.formulas))
    refused = tuple(sorted((*reading.refused, *refused), key=lambda error: _place_in(sentences, error)))
    if refused and not (findings or formulas or more):
        raise refused[0]
    formulas += more
    found = (reading.unread, reading.told, reading.empty, refused)
    return Audit(run.problem, chosen, source, findings, asked, formulas, *found)


def _place_in(sentences: Sequence[str], error: ProblemError) -> int:
    """Which of the sentences cannot be read."""
    return next((k for k, text in enumerate(sentences) if error.place is not None and error.place.text == text), 0)


def _judged(
    problem: Problem, derivation: Derivation, texts: Iterable[str]
) -> tuple[tuple[FormulaFinding, ...], tuple[ProblemError, ...]]:
    """The findings on sentences that say formulas, and what is wrong with those that cannot be read."""
    found: list[FormulaFinding] = []
    refused: list[ProblemError] = []
    for text in texts:
        try:
            found += judge_sentences(problem, derivation, (text,))
        except ProblemError as error:
            refused.append(error)
    return tuple(found), tuple(refused)


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
    stated, derivation = in_effect(problem, settings), differentiate(problem.graph)
    found: list[FormulaFinding] = []
    refused: list[ProblemError] = []
    for text in sentences:
        formulas, unread = ((), ()) if says_step(text) else _judged(stated, derivation, (text,))
        refused += unread
        is_said = is_formula(text) or (is_of_every_entry(text) and not is_rounded(text))
        if not unread and not (is_said or [one for one in formulas if one.status == "right"]):
            # a number may be the formula: 2 is, of 2*b
            why = f"is about a number, and the equations alone have none; {needs}"
            refused.append(ClaimError(f"{shorten(text, 60)} {why}"))
        else:
            found += (unless_read_otherwise(problem, settings, formula, text) for formula in formulas)
    if refused and not found:
        raise refused[0]
    return Audit(problem, settings, "--claim", (), formulas=tuple(found), refused=tuple(refused))


def _with_numbers(run: Run, claims: Iterable[Claim]) -> Run:
    """The run, in which what is claimed of the inside of its updates, such as `w.m_hat`, is calculated too."""
    inside = dict.fromkeys(claim.cell.quantity.name for claim in claims if claim.cell.quantity.group == "inside")
    wanted = [(state, parameter) for parameter, _, state in (name.partition(".") for name in inside)]
    return replace(run, settings=with_numbers(run.problem.graph, run.settings, wanted)) if wanted else run
