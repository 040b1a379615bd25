"""The claims of a log: every way in which its numbers can be meant by the rules of its writer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise, product

from derive.errors import ClaimError, NoClaimError, Place
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.layout import Laid, counted, laid_out
from verify.claims.places import Timeline, cell_at
from verify.claims.table import Reading, once
from verify.claims.unknown import is_beside, of_no_row
from verify.logs.meaning import MEANINGS, Averaged, GradientNorm
from verify.logs.rows import Span, Steps, places, spans
from verify.logs.writers import Writer, writers
from verify.printed.lines import LINES
from verify.tabular.grid import Grid
from verify.tabular.written import NO_CLAIM, Row

MAX_WAYS = 24  # in which a log is tried
_SINCE_ROW = ("since_row", "since_row_filtered", "since_row_of_epoch")
_UNLIKELY = ("epoch_sum_by_samples", "smoothed", "smoothed_debiased")  # as wrong as a forgotten mean, if nobody says so
_SO_FAR = ("epoch_by_samples", "epoch_by_batches", "epoch_sum")
_SAYS_SO = re.compile(r"sum|total|Σ|∑|running|epoch|avg|average|mean|smooth", re.IGNORECASE)
_OWN = ("after", "before")  # what a column of a parameter can mean


@dataclass(frozen=True)
class LogReading:
    """The claims of a log in one of the ways in which it can be meant.

    `means` says what each column means, by its name, `words` the same in a sentence, `begins` from which number the log
    counts. `by` are the writers that write so, and `cells` the numbers of the columns whose meaning was chosen.
    `is_shifted` says that it counts from 0 although nothing in the table does: each number is then that of the step
    after the one beside which it stands, as is a loss that is wrongly taken after its update.
    """

    reading: Reading
    means: Mapping[str, str]
    begins: Mapping[str, int]
    by: tuple[str, ...]
    cells: frozenset[Cell]
    is_shifted: bool = False

    @property
    def words(self) -> str:
        """`read loss as the mean of the losses since the last row, as the HF Trainer writes`."""
        said = [f"{name} as {MEANINGS[meaning].words}" for name, meaning in self.means.items()]
        said += [f"counted from 0 ({word})" for word, begin in self.begins.items() if begin == 0]
        *others, last = self.by
        by = f"{', '.join(others)} or {last} write" if others else f"{last} writes"
        return f"read {', '.join(said)}, as {by}"


def read_log(grid: Grid, run: Timeline, writer: Writer) -> list[LogReading]:
    """Every way in which a log of a known writer can be meant. Raises `ClaimError` where it claims nothing."""
    laid = laid_out(grid, run)
    _check_windows(run, writer, laid.header[0].place)
    failed: list[ClaimError] = []
    found = list(_ways(laid, run, writer, failed, named=True))
    if not found:
        known = ", ".join(name for names, _ in writer.columns for name in names)
        place = laid.header[0].place
        message = f"no column of this log is one that {writer.called} writes; it writes {known}"
        raise failed[0] if failed else ClaimError(message, place)
    return found


def _check_windows(run: Timeline, writer: Writer, place: Place) -> None:
    """Raises `ClaimError` where the writer's windows of several batches go on in the next epoch, and the run's do not.

    Its parameters are others from the end of the first epoch on, and every number would be called wrong.
    """
    count = next((number for number, batch in enumerate(run.batches, start=1) if batch.updates), 1)
    if not writer.carries or run.batches[-1].epoch == 1 or not run.per_epoch % count:
        return
    message = f"{writer.called} goes on with a window of {count} batches in the next epoch, and here it ends with the "
    message += f"{run.per_epoch} batches of each; to let it go on, list those of all epochs as of one, by rows: "
    raise ClaimError(f"{message}batches = [[0, 1], [2], [0, 1], [2]] and epochs = 1", place)


def possible_readings(grid: Grid, run: Timeline) -> list[LogReading]:
    """Every way in which a table can be meant if it is the log of one of the writers that have all its columns."""
    try:
        laid = counted(laid_out(grid, run), run)
    except ClaimError:
        return []
    found: dict[tuple[tuple[Cell, ...], ...], LogReading] = {}
    for writer in writers().values():
        for way in islice(_ways(laid, run, writer, [], named=False), MAX_WAYS):
            key = (tuple(claim.cell for claim in way.reading.claims),)
            earlier = found.get(key)
            found[key] = way if earlier is None or (earlier.is_shifted > way.is_shifted) else _also_by(earlier, way)
    return list(found.values())


def _also_by(earlier: LogReading, later: LogReading) -> LogReading:
    return replace(earlier, by=tuple(dict.fromkeys((*earlier.by, *later.by))))


def _ways(laid: Laid, run: Timeline, writer: Writer, failed: list[ClaimError], *, named: bool) -> Iterator[LogReading]:
    """The ways in which a table can be meant by the rules of a writer; why not, in `failed`."""
    options = _options(laid.header, run, writer)
    unknown = [
        cell.text
        for position, cell in enumerate(laid.header)
        if cell.text and position not in options and not writer.passes_over(cell.text)
    ]
    placing = _place_words(laid.header)
    unknown = [name for name in unknown if name.casefold() not in placing and not is_beside(name, run)]
    ruled = [position for position in options if _meanings(laid.header[position].text, run, writer)]
    counted = all(kind in writer.counts for kind in places(laid.header))
    if not ruled or not (named or (counted and not unknown)):
        return
    if not named:
        options = {at: _likely(laid.header, at, means, writer) for at, means in options.items()}
    for begins in _beginnings(laid, writer):
        for means in _chosen(options):
            try:
                yield _way(laid, run, writer, means, begins, is_named=named)
            except ClaimError as error:
                failed.append(error)


def _chosen(options: Mapping[int, tuple[str, ...]]) -> Iterator[dict[int, str]]:
    """One meaning for each column; what a program writes of its parameters and their state is of one moment."""
    own = [at for at, means in options.items() if means == _OWN]
    columns = [[at] for at in options if at not in own] + ([own] if own else [])
    for meant in product(*(options[group[0]] for group in columns)):
        chosen = {at: meaning for group, meaning in zip(columns, meant, strict=True) for at in group}
        yield {at: chosen[at] for at in options}


def _likely(header: Row, at: int, means: tuple[str, ...], writer: Writer) -> tuple[str, ...]:
    """What a column of a log of nobody can mean: no sum over samples nor moving average that its name does not say.

    Such a number is as wrong as one of a forgotten mean. fastai's average is known by the columns beside it.
    """
    if _SAYS_SO.search(header[at].text):
        return means
    is_theirs = any(writer.passes_over(cell.text) for cell in header)
    return tuple(
        meaning for meaning in means if meaning not in _UNLIKELY or (meaning == "smoothed_debiased" and is_theirs)
    )


def _check_so_far(laid: Laid, where: Sequence[Span], means: Mapping[int, str], run: Timeline, writer: Writer) -> None:
    """Raises `ClaimError` where a column would be a mean so far in the midst of an epoch, and nothing says that it is.

    Keras prints such means in lines, which is said by their form.
    """
    ends = all(span.last == run.end_of_epoch(run.batches[span.last - 1].epoch, laid.header[0].place) for span in where)
    if ends or laid.form == LINES:
        return
    for at, meaning in means.items():
        if (
            meaning in _SO_FAR
            and _meanings(laid.header[at].text, run, writer)
            and not _SAYS_SO.search(laid.header[at].text)
        ):
            raise ClaimError("a mean of an epoch so far says so in its name", laid.header[at].place)


def _place_words(header: Row) -> set[str]:
    return {header[position].text.casefold() for position in places(header).values()}


def _options(header: Row, run: Timeline, writer: Writer) -> dict[int, tuple[str, ...]]:
    """What each column of numbers can mean: by the writer's rules, or as a number of the problem."""
    found: dict[int, tuple[str, ...]] = {}
    held = set(places(header).values())
    for position, cell in enumerate(header):
        means = _meanings(cell.text, run, writer)
        if means:
            found[position] = means
        elif cell.text and position not in held and not writer.passes_over(cell.text):
            quantity = _own(cell.text, run)
            if quantity is not None:
                found[position] = _OWN if quantity.group == "after" else ("as_it_is",)
    return found


def _meanings(name: str, run: Timeline, writer: Writer) -> tuple[str, ...]:
    """What a column can mean by the rules of a writer; one with a name of the problem is what it names."""
    return writer.meanings(name) if name == run.loss or name not in run.names.names else ()


def _own(name: str, run: Timeline) -> Quantity | None:
    """The number of the problem that a column is named after."""
    try:
        return run.names.find(name, Place(name))[0]
    except ClaimError:
        return None


def _beginnings(laid: Laid, writer: Writer) -> Iterator[dict[str, int]]:
    """From which number each column counts: where there is a 0 from that, else from all that the writer begins with."""
    options: dict[str, tuple[int, ...]] = {}
    for kind, position in places(laid.header).items():
        begins = writer.counts.get(kind, (1,))
        is_zero = any(row[position].text == "0" for row in laid.body)
        options[kind] = (0,) if is_zero and 0 in begins else begins
    for meant in product(*options.values()):
        yield dict(zip(options, meant, strict=True))


def _is_shifted(laid: Laid, run: Timeline, begins: Mapping[str, int]) -> bool:
    """Whether a table that counts from 0 shows it nowhere: neither by a 0, nor by an epoch that its steps are in."""
    columns = places(laid.header)
    if 0 not in begins.values() or any(row[at].text == "0" for row in laid.body for at in columns.values()):
        return False
    if not {"step", "epoch"} <= columns.keys():
        return True
    pairs = [[row[columns[kind]].text for kind in ("step", "epoch")] for row in laid.body]
    counted = [(int(step), int(epoch)) for step, epoch in pairs if step.isdecimal() and epoch.isdecimal()]
    first = begins["epoch"]
    return all((step - 1) // run.per_epoch == epoch - first for step, epoch in counted)


def _way(
    laid: Laid, run: Timeline, writer: Writer, means: Mapping[int, str], begins: Mapping[str, int], *, is_named: bool
) -> LogReading:
    """The claims in one way. Raises `ClaimError` where a row is about no step of the run, or nothing is claimed."""
    chosen_at = [at for at in means if _meanings(laid.header[at].text, run, writer) or means[at] in _OWN]
    of_steps = [at for at in means if means[at] != "of_run"]
    rows = [row for row in laid.body if any(not _is_empty(row, position) for position in means)]
    counted = [any(not _is_empty(row, position) for position in of_steps) for row in rows]
    where, told = spans(laid.header, rows, counted, run, writer, begins)
    if not is_named:
        _check_so_far(laid, where, means, run, writer)
    unread: list[ClaimError] = []
    claims: list[Claim] = []
    chosen: set[Cell] = set()
    after: list[str] = []
    for position, meaning in means.items():
        read = list(_of_column(laid, rows, where, position, meaning, run, writer, unread))
        own = [one for one in read if isinstance(one, Claim)]
        beyond = (one for one in read if not isinstance(one, Claim))
        after += (f"the {laid.header[position].text} of a step after the run, {one}" for one in beyond)
        claims += own
        chosen |= {claim.cell for claim in own if position in chosen_at}
    if not chosen:
        why, place = (
            (unread[0].message, unread[0].place) if unread else ("the log claims nothing", laid.header[0].place)
        )
        raise NoClaimError(why, place)
    beside = [cell.text for k, cell in enumerate(laid.header) if cell.text and _is_beside(k, laid.header, means)]
    apart, without_step = of_no_row(laid.apart, laid.odd, run)
    unread += apart
    parts = [
        laid.told(len(rows)),
        told,
        f"not judged: {', '.join([*beside, *after])}" if beside or after else "",
        without_step,
    ]
    reading = Reading(once(claims), tuple(unread), ", ".join(filter(None, parts)), laid.empty)
    named = {laid.header[at].text: means[at] for at in chosen_at if means[at] != "after"}
    return LogReading(reading, named, begins, (writer.called,), frozenset(chosen), _is_shifted(laid, run, begins))


def _is_empty(row: Row, position: int) -> bool:
    return row[position].text.casefold() in NO_CLAIM


def _is_beside(position: int, header: Row, means: Mapping[int, str]) -> bool:
    return position not in means and position not in places(header).values()


def _of_column(
    laid: Laid,
    rows: Sequence[Row],
    where: Sequence[Span],
    position: int,
    meaning: str,
    run: Timeline,
    writer: Writer,
    unread: list[ClaimError],
) -> Iterator[Claim | str]:
    """The claims of a column, or the text of an lr after the run; a row that cannot be read is a row nevertheless."""
    head = laid.header[position]
    filled = [(row[position], span) for row, span in zip(rows, where, strict=True) if not _is_empty(row, position)]
    steps = Steps(run, writer.unit)
    if meaning == "of_run" and len(filled) > 1:
        raise ClaimError(
            f"{head.text} stands in one row of a log, after its last step; here it is in several", head.place
        )
    begins = _begun([span for _, span in filled], steps, head.place) if meaning in _SINCE_ROW else []
    if meaning == "since_row_of_epoch":
        begins = [max(first, steps.begin_of_epoch(span.last)) for first, (_, span) in zip(begins, filled, strict=True)]
    for at, (cell, span) in enumerate(filled):
        try:
            literal = run.literal(cell)
        except ClaimError as error:
            unread.append(error)
            continue
        first = begins[at] if begins else span.first
        about = _about(head.text, meaning, span, first, run, writer, head.place)
        if literal is not None:
            yield literal.text if about is None else Claim(about, literal, cell.place)


def _begun(rows: Sequence[Span], steps: Steps, place: Place) -> list[int]:
    """The first step that the mean of each row is about: that after the row before.

    What stands before the first row is not in the log: it is taken to be as far from it as the nearest two rows are.
    """
    gaps = [later.number - earlier.number for earlier, later in pairwise(rows)]
    if any(gap <= 0 for gap in gaps):
        raise ClaimError("the steps of this log go back; leave one run of it", place)
    if not rows:
        return []
    before = max(0, rows[0].number - min(gaps)) if gaps else 0
    return [steps.span(before + 1, place).first, *(row.last + 1 for row in rows[:-1])]


def _about(head: str, meaning: str, span: Span, first: int, run: Timeline, writer: Writer, place: Place) -> Cell | None:
    """The number of the run that a number of a log is about; None for the lr after the last step."""
    steps = Steps(run, writer.unit)
    if meaning in ("lr_used", "lr_next"):
        step = span.last + 1 if meaning == "lr_next" else span.last
        rate = run.names.columns.get("lr")
        if rate is None:
            raise ClaimError("nothing is trained, so there is no lr", place)
        return cell_at(rate, (), {"step": step}, 1, run, place) if step <= len(run.batches) else None
    if meaning == "norm":
        divisor = _most(steps, run) if writer.divides == "all" else span.last - span.first + 1
        return Cell(span.last, GradientNorm("norm", "gradients", head, divisor))
    if meaning in (*_OWN, "as_it_is"):
        quantity, entry = run.names.find(head, place)
        if meaning == "before":
            quantity = run.names.begun(quantity.name)
        return cell_at(quantity, entry, {"step": span.last}, 1, run, place)
    rule = MEANINGS[meaning]
    begin = {"step": span.first, "row": first, "epoch": steps.begin_of_epoch(span.last), "run": 1}[rule.since]
    window = writer.window if writer.unit == "update" else ""
    if rule.since == "step" and (span.first == span.last or window == "last"):
        return Cell(span.last, Quantity("loss", run.loss, head))
    return Cell(span.last, Averaged("averaged", run.loss, head, rule.kind, begin, window))


def _most(steps: Steps, run: Timeline) -> int:
    """How many batches an update should have: those of the first one."""
    first = steps.span(1, Place(run.loss))
    return first.last - first.first + 1
