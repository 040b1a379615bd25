"""The claims of a table, in whatever form it is written: wide (one row a step) or tidy (one row a number).

A cell knows its line and column, so that a message can point at it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from derive.errors import ClaimError, NoClaimError, Place, shorten
from derive.graph.node import SIZE
from derive.source.files import STANDARD_INPUT, read_input, read_text
from verify.claims.cells import VALUES, readable, readable_values
from verify.claims.claim import MEANS, Cell, Claim, Quantity, is_of_epochs
from verify.claims.layout import counted, laid_out
from verify.claims.literal import Literal
from verify.claims.places import OF_EPOCHS, PREDICTION, STAGE, BeyondError, Timeline, whole_number
from verify.claims.rows import OF_NEXT, RowPlace, cell_of, counting_of, place_of, prediction_of, says_after
from verify.claims.unknown import of_no_row, rows_of_the_problem, without_given, without_unknown
from verify.printed.forms import read_grid
from verify.printed.lines import LINES
from verify.spreadsheet.workbook import is_workbook, read_workbook
from verify.tabular.grid import Grid, Source
from verify.tabular.objects import Rows, read_objects
from verify.tabular.written import NO_CLAIM, Row, Written

MAX_CLAIMS = 20 * 10**6  # bytes of a file of claims; a larger one is refused


_SEVERAL = re.compile(r"[-+−]?[.,\d]\S*(?:\s+[-+−]?[.,\d]\S*)+")
_GAP = (
    "a line without a number may be a step without claims, or nothing, where the rows count the steps; leave the line "
    "out, or number the rows by step"
)
_LEFT_OUT = "rows are left out here, where the rows count the steps; number the rows by step"
_OF_TIDY = "no column says the step: the first row of each name as step 1, its second one as step 2"
_DOTS_ALONE = re.compile(r"(?=[^.…⋯⋮⋱·]*[.…⋯⋮⋱·])[^\w]+")
TEXT = "the text of claims"
_WHAT = "a CSV file of claims, or a table in another form"


@dataclass(frozen=True)
class Reading:
    """The claims of a table, the cells that cannot be read, how the table was read, and how many cells are empty.

    `of_any_step` is how many rows name no step and can all be about one, where the run has several: a single row, or
    those of a tidy table in which each name stands once.
    Of sentences, `formulas` are those that say a number of all entries of something, and `refused` what is wrong with
    those that cannot be read.
    """

    claims: tuple[Claim, ...]
    unread: tuple[ClaimError, ...] = ()
    told: str = ""
    empty: int = 0
    formulas: tuple[str, ...] = ()
    refused: tuple[ClaimError, ...] = ()
    of_any_step: int = 0


def table_of(given: str | os.PathLike[str] | Rows, run: Timeline, sheet: str | None = None) -> tuple[str, Grid]:
    """What holds the claims, and their table: a file, standard input (`-`), a DataFrame, a list of dicts, a text.

    A string with a line break is the text of a table itself, and any other one the name of a file, as a path always is.
    `sheet` is the name of the one that is read of a workbook. Raises `ClaimError`.
    """
    if isinstance(given, str | os.PathLike):
        is_text = isinstance(given, str) and "\n" in given
        if not is_text and is_workbook(given):
            return str(given), _of_sheets(given, run, sheet)
        if sheet is not None and is_text:
            raise ClaimError(f"--sheet {shorten(sheet)[1:-1]}: claims are a text, which has no sheets")
        if sheet is not None:
            raise ClaimError(f"--sheet {shorten(sheet)[1:-1]}: {os.fspath(given)} is no workbook, and has no sheets")
        source = Source(TEXT, str(given)) if is_text else source_of(given)
        return source.name, read_grid(source)
    return read_objects(given)


def _of_sheets(path: str | os.PathLike[str], run: Timeline, sheet: str | None) -> Grid:
    """The sheet of a workbook that has claims. Raises `ClaimError` where several have."""
    grids = read_workbook(path, sheet, MAX_CLAIMS)
    if len(grids) == 1:
        return grids[0][1]
    found: dict[str, Grid] = {}
    failed: list[ClaimError] = []
    for name, grid in grids:
        try:
            read_rows(grid, run)
            found[name] = grid
        except ClaimError as error:
            failed.append(error)
    if len(found) > 1:
        named = " and ".join(map(shorten, found))
        raise ClaimError(f"{os.fspath(path)} has claims on the sheets {named}; choose one with --sheet NAME")
    if not found:
        raise failed[0]
    return next(iter(found.values()))


def source_of(path: str | os.PathLike[str]) -> Source:
    """The text of a file, or of standard input. Raises `ClaimError`."""
    if os.fspath(path) == STANDARD_INPUT:
        return Source("standard input", read_input(limit=MAX_CLAIMS, what=_WHAT, error=ClaimError))
    return Source(str(path), read_text(path, limit=MAX_CLAIMS, what=_WHAT, error=ClaimError))


def read_table(text: str, source: str, run: Timeline, first_line: int = 1) -> Reading:
    """The claims of a table whose first line is the line `first_line` of `source`. Raises `ClaimError`."""
    return read_rows(read_grid(Source(source, text, first_line)), run)


def read_rows(grid: Grid, run: Timeline) -> Reading:
    """The claims of a table. Raises `ClaimError` for one without a cell that can be read, and for rows cut short."""
    laid = counted(laid_out(grid, run), run)
    rows_count = not any(run.is_place(cell.text.lower()) for cell in laid.header)
    if rows_count:
        _check_counted(laid.gap, () if laid.is_tidy else laid.body)
    names, placed, unplaced = laid.header, *_placed(laid.header, laid.body, run)
    unknown, given, worded = "", "", list[ClaimError]()
    if laid.is_tidy:
        placed, unknown = rows_of_the_problem(names, placed, run)
    else:
        names, placed, given = without_given(names, placed, run, _not_looked_up(names, run))
        whole, known = placed, _not_looked_up(names, run)
        of_lines = laid.form.startswith(LINES)
        names, placed, unknown = without_unknown(names, placed, run, known, worded, of_lines=of_lines)
        if unknown and rows_count:
            _check_rows(whole, placed)
    header, body, readings = (readable_values if laid.is_tidy else readable)(names, placed, run)
    apart, told = of_no_row(laid.apart, laid.odd, run)
    lower = [cell.text.lower() for cell in header]
    beyond: list[ClaimError] = []
    claims = once(_tidy(lower, body, run, beyond) if laid.is_tidy else _wide(header, body, run, beyond))
    unread = (*unplaced, *worded, *readings.unread, *apart, *beyond)
    if not claims:
        if unread:
            raise NoClaimError(unread[0].message, unread[0].place)
        message = f"{header[0].place.source} claims nothing; expected a number in at least one cell below the names"
        raise NoClaimError(message, header[0].place)
    is_next = any(claim.cell.step > len(run.batches) for claim in claims)
    of_rows = (OF_NEXT if is_next else "", _told_of_epochs(claims, run))
    parts = (laid.told(len(laid.body)), *of_rows, given, unknown, told, readings.told)
    told_in_full = ", ".join(filter(None, parts))
    if not rows_count or len(run.batches) == 1:
        return Reading(claims, unread, told_in_full, laid.empty)
    if laid.is_tidy and not run.at_end:
        told_in_full += f", {_OF_TIDY}"
    is_of_one = len(body) == 1 or (laid.is_tidy and all(claim.cell.step == 1 for claim in claims))
    return Reading(claims, unread, told_in_full, laid.empty, of_any_step=len(body) if is_of_one else 0)


def _told_of_epochs(claims: Sequence[Claim], run: Timeline) -> str:
    """`w, b at the last step of the epoch`, where a row is about a whole one of several steps."""
    own = [claim.cell.quantity for claim in claims if run.whole_epochs and claim.cell.quantity.group in OF_EPOCHS]
    names = dict.fromkeys(quantity.label for quantity in own if quantity.group != "before")
    return f"{', '.join(names)} at the last step of the epoch" if names else ""


def _not_looked_up(header: Row, run: Timeline) -> set[int]:
    """The columns that say where a row is, or are known by the form of the table."""
    heads = [cell.text for cell in header]
    passed_over = _passed_over(header, run)
    return {
        *run.columns_that_say_where(header).values(),
        *(k for k, head in enumerate(heads) if head.lower() in passed_over or run.names.column(head, heads)),
    }


def _check_rows(whole: Sequence[Row], placed: Sequence[Row]) -> None:
    """Raises `ClaimError` for a row that holds only what is left out, where the rows count the steps."""
    for row, kept in zip(whole, placed, strict=True):
        if any(cell.text for cell in row) and not any(cell.text for cell in kept):
            raise ClaimError(_GAP, row[0].place)


def _placed(header: Row, body: Sequence[Row], run: Timeline) -> tuple[Sequence[Row], tuple[ClaimError, ...]]:
    """The rows whose step can be read, and what cannot: a last row `total` is about no step.

    Raises `ClaimError` where no row is left.
    """
    counted = [place for name, place in run.columns_that_say_where(header).items() if name != STAGE]
    found, unplaced = [], []
    for row in body:
        texts = [row[place] for place in counted if row[place].text.strip().lower() not in NO_CLAIM]
        try:
            for cell in texts:
                if not PREDICTION.fullmatch(cell.text):
                    whole_number(cell)
        except ClaimError as error:
            unplaced.append(error)
        else:
            found.append(row)
    if unplaced and not found:
        raise NoClaimError(unplaced[0].message, unplaced[0].place)
    return found, tuple(unplaced)


def _check_counted(gap: Place | None, body: Sequence[Row]) -> None:
    """Raises `ClaimError` where rows count the steps and it is not certain how many there are.

    An empty line in a table of one column, or a line of words in a log, is a step or nothing; several numbers in one
    cell may be several rows.
    """
    if gap is not None:
        is_cut = bool(_DOTS_ALONE.fullmatch(gap.text))
        raise ClaimError(_LEFT_OUT if is_cut else _GAP, gap)
    for cell in (cell for row in body for cell in row if " " in cell.text):
        if _SEVERAL.fullmatch(cell.text):
            message = f"{shorten(cell.text)} is more than one number in a cell, and the rows count the steps"
            raise ClaimError(f"{message}; write one row a step, or number the rows in a column step", cell.place)


def _wide(header: Row, body: Sequence[Row], run: Timeline, unread: list[ClaimError]) -> Iterator[Claim]:
    """One row a step, one column a quantity; what a step after the last would have is `unread`."""
    lower = [cell.text.lower() for cell in header]
    heads = [cell.text for cell in header]
    places = run.columns_that_say_where(header)
    passed_over = _passed_over(header, run)
    columns = [
        (position, cell)
        for position, cell in enumerate(header)
        if cell.text and position not in places.values() and lower[position] not in passed_over
    ]
    own = {position: run.names.column(cell.text, heads) for position, cell in columns}
    counting = counting_of(
        places, {position: _of_a_step(own[position], cell, run) for position, cell in columns}, heads, body, run
    )
    left = replace(counting, begins=False)  # of a column that says so
    counters = [cell.text for position, cell in columns if run.is_place(lower[position])]
    claimed = (
        f"{' and '.join(counters)} is what the problem calls so, and does not say where a row is" if counters else ""
    )
    told = "; ".join(filter(None, (counting.told, claimed)))
    held = {position: left if says_after(cell.text) else counting for position, cell in columns}
    found: dict[tuple[int, bool], tuple[Quantity, tuple[int, ...]]] = {}
    is_last = run.at_end and len(body) == 1
    for number, row in enumerate(body, start=run.last if is_last else 1):
        prediction = prediction_of(places, row)
        at: RowPlace | None = None
        for position, cell in columns:
            literal = run.literal(row[position])
            if literal is None:
                continue
            key = (position, prediction is not None)
            if key not in found:
                found[key] = own[position] or run.names.find(cell.text, cell.place, predicted=prediction is not None)
            quantity, entry = found[key]
            try:
                at = at or (place_of(places, row, counting) if prediction is None else None)
                own_cell = cell_of(quantity, entry, places, row, number, run, prediction, held[position], at)
            except BeyondError as error:
                unread.append(ClaimError(error.message, row[position].place))
                continue
            yield Claim(own_cell, literal, row[position].place, told)


def _passed_over(header: Row, run: Timeline) -> set[str]:
    """What a table of whole epochs has beside its means, in lower case."""
    lower = [cell.text.lower() for cell in header]
    named = set() if is_of_epochs([cell.text for cell in header]) else run.names.own
    if not any(name in MEANS and name not in named for name in lower):
        return set()
    return {"batches", SIZE, *(name for name in lower if name.endswith("_autograd"))} - named


def _of_a_step(own: tuple[Quantity, tuple[int, ...]] | None, column: Written, run: Timeline) -> Quantity | None:
    """The quantity of a column; None where it is one of [predict] alone."""
    try:
        return (own or run.names.find(column.text, column.place))[0]
    except ClaimError:
        return None


def _tidy(header: list[str], body: Sequence[Row], run: Timeline, unread: list[ClaimError]) -> Iterator[Claim]:
    """One row a number: columns for the step, `quantity`, `index` and the value; without the step each name counts.

    What a step after the last would have is `unread`.
    """
    position = {name: place for place, name in enumerate(header)}
    value = next((position[name] for name in VALUES if name in position), None)
    if value is None:
        place = body[0][0].place if body else Place("the table")
        raise ClaimError(f"a table with a column quantity needs one with its numbers: {', '.join(VALUES[:2])}", place)
    places = {name: place for name, place in position.items() if run.is_place(name)}
    counting = counting_of(places, {}, (), body, run)
    held: Counter[tuple[Quantity, tuple[int, ...]]] = Counter()  # rows of each number so far
    for row in body:
        literal = run.literal(row[value])
        prediction = prediction_of(places, row)
        called = row[position["quantity"]]
        if literal is None and not called.text:
            continue
        quantity, entry = run.names.find(called.text, called.place, predicted=prediction is not None)
        if "index" in position and row[position["index"]].text:
            entry = tuple(
                whole_number(Written(part, row[position["index"]].place)) for part in _parts(row[position["index"]])
            )
        held[quantity, entry] += 1
        number = run.last if run.at_end else held[quantity, entry]
        if literal is None:
            continue
        try:
            cell = cell_of(quantity, entry, places, row, number, run, prediction, counting)
        except BeyondError as error:
            unread.append(ClaimError(error.message, row[value].place))
            continue
        except ClaimError as error:
            if places or held[quantity, entry] == 1:
                raise
            why = f"nothing says the step, so row {number} of {shorten(called.text)} is about step {number}"
            raise ClaimError(f"{why}: {error.message}", called.place) from None
        yield Claim(cell, literal, row[value].place, counting.told)


def _parts(cell: Written) -> list[str]:
    return re.split(r"[,\s]+", cell.text.strip("[]() "))


def once(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """One claim for each number, the one with the most digits; raises `ClaimError` where two contradict."""
    found: dict[Cell, Claim] = {}
    for claim in claims:
        earlier = found.setdefault(claim.cell, claim)
        if earlier is claim:
            continue
        if not _compatible(earlier.literal, claim.literal):
            message = (
                f"{claim.cell.name} at step {claim.cell.step} is claimed to be {shorten(claim.literal.text)} here and"
            )
            raise ClaimError(f"{message} {shorten(earlier.literal.text)} at {earlier.place}; keep one", claim.place)
        if claim.literal.slack < earlier.literal.slack:
            found[claim.cell] = claim
    return tuple(found.values())


def _compatible(first: Literal, second: Literal) -> bool:
    """Whether one number can be printed in both ways; a tie, which can be rounded up and down, is none of them."""
    if first.special is not None or second.special is not None:
        return repr(first.special) == repr(second.special)
    low, high = max(first.low, second.low), min(first.high, second.high)
    return low < high or (low == high and 0 in (first.slack, second.slack))
