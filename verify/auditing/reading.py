"""What is claimed of a run: by a table, a log or sentences, given or in the problem file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product

from derive.chain.derivation import differentiate
from derive.errors import ClaimError, Place
from derive.problem.loading import Problem
from derive.run.batches import plan
from derive.run.run import Run
from derive.run.settings import Settings
from verify import pytorch
from verify.auditing.alike_steps import is_steady, repeats
from verify.auditing.judgement import by_digits, count_wrong
from verify.auditing.log_choice import meant
from verify.claims.claim import Claim
from verify.claims.counters import with_names
from verify.claims.names import names_of
from verify.claims.places import NoEntryError, Timeline
from verify.claims.sentence import is_rounded, read_sentence, says_step
from verify.claims.table import Reading, once, table_of
from verify.columns.claims import PlainClaims
from verify.hand.run import HandStep, calculate
from verify.logs.writers import Writer, writer_named
from verify.printed.forms import read_grid
from verify.record import StepRecord
from verify.tabular.grid import Grid, Source
from verify.tabular.objects import Rows

LONG = 10_000  # steps of PyTorch's run that are held at a time


def drawn(problem: Problem, settings: Settings) -> Run:
    """The run that is claimed about; PyTorch draws numbers and batches where the problem says so.

    It is asked for the derivative at a kink only where its versions differ there.
    """
    if problem.graph.depends_on_version:
        problem = pytorch.with_conventions(problem)
    derivation = differentiate(problem.graph)
    if not all(parameter.is_drawn for parameter in problem.parameters):
        problem = pytorch.draw(problem, settings.dtype)
    batches = tuple(plan(settings, pytorch.orders(settings))) if settings.shuffle else None
    return Run(problem, derivation, settings, batches)


def end_of(run: Run) -> int:
    """The last step of the run: that after which the condition of `until` holds, if it does.

    PyTorch decides it, as in `verify.verify`; where it does not have the update, the numbers by hand do.
    """
    settings = run.settings
    if settings.until is None or not settings.trains:
        return len(run.batches)
    lasts: list[HandStep | StepRecord] = []
    if settings.by_hand_alone:
        lasts += calculate(run, run.batches).steps[-1:]
    else:
        for record in pytorch.pieces(run.problem, settings, LONG):
            lasts += record.steps[-1:]
    ends = (step.batch.step for step in lasts if settings.is_met(step.nodes))
    return next(ends, len(run.batches))


def timeline_of(run: Run, units: int | None) -> Timeline:
    """What claims of the run are about; `units` is how many units of its last digit a number may be off."""
    names = names_of(run.watched, run.followed, run.settings)
    starts = {parameter.name: parameter.values for parameter in run.watched.parameters}
    per_epoch, end = run.settings.batches_per_epoch, cache(partial(end_of, run))
    steady = partial(is_steady, run)
    return Timeline(names, run.batches, per_epoch, run.loss, units, starts, end, repeats=repeats(run), steady=steady)


def read(
    run: Run,
    path: str | os.PathLike[str] | Rows | None,
    sentences: Sequence[str],
    units: int | None,
    how: tuple[str | None, str | None],
    *,
    is_about_formulas: bool = False,
) -> tuple[str, Reading]:
    """Where the claims come from, and the claims; `how` names the sheet of a workbook and the writer of a log."""
    stated = run.watched.claims
    if units is None and stated is not None and path is None and not sentences:
        units = stated.units
    timeline = timeline_of(run, units)
    if path is not None:
        name, grid = table_of(path, timeline, how[0])
        reading = _meant(grid, run, timeline, how[1])
        said = _said(sentences, timeline)
        claims = once((*reading.claims, *said.claims))
        return name, replace(reading, claims=claims, formulas=said.formulas, refused=said.refused)
    if sentences or is_about_formulas:
        said = _said(sentences, timeline)
        return "--claim", replace(said, claims=once(said.claims))
    if stated is not None and stated.table is None and stated.formulas:
        return run.watched.source, Reading(())
    if stated is None or stated.table is None:
        raise ClaimError(
            f"{run.watched.source} states no numbers; give a table under [claims], a file with --claims FILE, or one "
            "number with --claim 'step 2: dl/db = -33.39'"
        )
    place = stated.table_place
    grid = read_grid(Source(place.source, stated.table, place.line or 1))
    return run.watched.source, _meant(grid, run, timeline, how[1])


def read_plain(run: Run, claims: PlainClaims, units: int | None) -> Reading:
    """What a long plain table claims, in the way in which it is meant."""
    return _meant(claims.grid, run, timeline_of(run, units), None, claims.reading)


def _said(sentences: Sequence[str], timeline: Timeline) -> Reading:
    """The claims of sentences; an exact number of all entries, such as dm/dx = 1/3 of a vector x, is a formula.

    One with digits after its point, dm/dx = 0.333, is claimed of each of them.
    """
    claims: list[Claim] = []
    formulas: list[str] = []
    refused: list[ClaimError] = []
    for text in sentences:
        try:
            claims.append(read_sentence(text, timeline))
        except ClaimError as error:
            if isinstance(error, NoEntryError) and is_rounded(text):
                claims.extend(read_sentence(text, timeline, entry) for entry in product(*error.sizes))
            elif isinstance(error, NoEntryError) and not says_step(text):
                formulas.append(text)
            else:
                refused.append(error)
    return Reading(tuple(claims), formulas=tuple(formulas), refused=tuple(refused))


def _meant(grid: Grid, run: Run, timeline: Timeline, writer: str | None, plain: Reading | None = None) -> Reading:
    """What a table claims, that is read as `plain` where it stands so. Raises `ClaimError`, with how it was read."""
    named = grid if plain is not None else with_names(grid, timeline)
    how = partial(by_digits, run), partial(count_wrong, run)
    try:
        found = meant(named, timeline, _writer(run, writer), *how, plain)
        if named is not grid and not any(one.status.is_accepted for one in by_digits(run, [found.claims], True)[0]):
            message = "numbers without names, none of which is the loss of its step; write a line of names above them"
            raise ClaimError(f"{message}, such as step,loss", named.rows[0][0].place)
        return found
    except ClaimError as error:
        rows = max(0, len(grid.rows) - 1)
        breaks = ", line breaks in cells" if any("\n" in cell.text for row in grid.rows for cell in row) else ""
        read = f"(read as {grid.form}, {rows} row{'' if rows == 1 else 's'}{breaks})"
        raise type(error)(f"{error.message} {read}", error.place) from None


def _writer(run: Run, named: str | None) -> Writer | None:
    """The writer of the log that is claimed: of a flag, else of the file. Raises `ClaimError` for an unknown one."""
    stated = run.watched.claims
    if named is not None:
        return writer_named(named, Place("--log"))
    return writer_named(stated.log, stated.log_place) if stated is not None and stated.log is not None else None
