"""What numbers the rows of a table beside the words that say so.

`3/10` of an epoch, steps that begin anew in each epoch, and columns of whole numbers whose name nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from derive.errors import ClaimError, Place, UnknownQuantityError, shorten
from derive.graph.node import SIZE
from verify.claims.cells import VALUES
from verify.claims.places import NOT_COUNTED, Timeline, whole_number
from verify.claims.unknown import is_beside
from verify.tabular.grid import Grid
from verify.tabular.written import BEGINNING, COUNTED_OF, KINDS, LOOSE_COUNTERS, NO_CLAIM, Row, Written

_OF = re.compile(rf"{COUNTED_OF} (\d{{1,15}})")
_COUNTED = re.compile(r"(?:[^\W\d]*[\s#(\[=:_]*)(?P<number>\d{1,15})(?:\.0*)?[)\]:%]{0,2}")  # 3, 3.0, step 3, #3, (3)
_PLAIN = re.compile(r"[-+−]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?")
_SHOWN = 4  # numbers of such a column
_AFTER, _BEFORE = "after their batch", "before their batch"


def with_counters(header: Row, body: Sequence[Row], run: Timeline) -> tuple[Row, Sequence[Row], str]:
    """The table, in which what counts within an epoch is called `batch`; and how it counts, where that is to be told.

    Raises `ClaimError` for `3/10` where the run has ten of nothing, and where it can be two things.
    """
    kinds = _kinds(header, run)
    body = _with_beginning(body, kinds.values())
    if {"epoch", "batch"} <= kinds.keys() and "step" not in kinds:
        body, carried = _carried_down(body, kinds["epoch"], kinds["batch"])
        if carried:
            return header, body, f"an empty {header[kinds['epoch']].text} is that of the row above"
    at = next((place for place, cell in enumerate(header) if _OF.fullmatch(cell.text)), None)
    if at is not None:
        return _counted_of(header, body, at, run, has_epoch="epoch" in kinds)
    if kinds.keys() == {"epoch", "step"}:
        full, carried = _carried_down(body, kinds["epoch"], kinds["step"])
        if _begins_anew(kinds["epoch"], kinds["step"], full, run):
            told = f"{header[kinds['step']].text} counts the batches of its epoch"
            if carried:
                told += f", an empty {header[kinds['epoch']].text} is that of the row above"
            return _renamed(header, kinds["step"], "batch"), full, told
    return header, body, ""


def _with_beginning(body: Sequence[Row], places: Collection[int]) -> Sequence[Row]:
    """The rows; where the first one is of what a run begins with by a word (`init`), it is the row 0."""
    words = [place for place in places if body and body[0][place].text.casefold() in BEGINNING]
    if not words:
        return body
    return [[replace(cell, text="0") if at in words else cell for at, cell in enumerate(body[0])], *body[1:]]


def with_names(grid: Grid, run: Timeline) -> Grid:
    """A table of a step and one number in each row, without a line of names, `1: 64.6`, as one of the loss.

    So PyTorch's first examples print it. Any other table stays as it is.
    """
    rows = [row for row in grid.rows if any(cell.text for cell in row)]
    steps = [_COUNTED.fullmatch(row[0].text) if len(row) == 2 else None for row in rows]
    numbers = [int(match["number"]) for match in steps if match is not None]
    goes_up = all(later > earlier for earlier, later in pairwise(numbers))
    if not rows or len(numbers) < len(rows) or not goes_up or not all(_PLAIN.fullmatch(row[1].text) for row in rows):
        return grid
    loss = run.loss if "loss" in run.names.taken else "loss"
    named = [[replace(row[0], text=str(number)), row[1]] for row, number in zip(rows, numbers, strict=True)]
    header = [Written("step", rows[0][0].place), Written(loss, rows[0][1].place)]
    told = "its numbers without names read as the loss of a step"
    return replace(grid, rows=[header, *named], told=", ".join(filter(None, (grid.told, told))))


def _carried_down(body: Sequence[Row], epoch: int, batch: int) -> tuple[Sequence[Row], bool]:
    """The rows, in which an epoch that is left out beside a batch is that of the row above; and whether one is."""
    found: list[Row] = []
    above = ""
    for row in body:
        is_left_out = not row[epoch].text and bool(row[batch].text) and bool(above)
        found.append(
            [replace(cell, text=above) if at == epoch and is_left_out else cell for at, cell in enumerate(row)]
        )
        above = found[-1][epoch].text or above
    return found, any(new[epoch].text != old[epoch].text for new, old in zip(found, body, strict=True))


def by_unknown_column(header: Row, body: Sequence[Row], run: Timeline, *, is_tidy: bool) -> tuple[Row, str]:
    """The header, in which a column of another name that counts the rows from 0 is called step; and that it does.

    Where nothing says the step, the rows are the steps. A column that the problem does not have, of whole numbers that
    go up otherwise than the rows do, says that they are not: it is no such column as `accuracy`, which is left out.
    Raises `ClaimError` for it.
    """
    if any(run.is_place(cell.text.lower()) or _OF.fullmatch(cell.text) for cell in header):
        return header, ""
    filled = [place for place, row in enumerate(body) if any(cell.text for cell in row)]
    for at, head in enumerate(header):
        if is_tidy and head.text.lower() in ("quantity", "index", *VALUES):  # w1, w2; 1, 2: names, entries and numbers
            continue
        numbers = _counted([body[place][at] for place in filled], run)
        if not is_tidy and len(header) > 1 and _is_index_n(head, numbers, run):
            return _renamed(
                header, at, "step"
            ), f"{head.text} read as the step, as every batch has {run.batches[0].n} samples"
        if not numbers or not _is_unknown(head, run) or (not is_tidy and numbers == [place + 1 for place in filled]):
            continue
        word = LOOSE_COUNTERS.get(head.text.lower(), "")
        is_known = any(_group(cell, run) for cell in header)
        if word and is_known and not is_tidy and numbers[-1] <= len(run.batches):
            return _renamed(header, at, word), f"{head.text} read as the {word}"
        if len(numbers) == 1 and not is_beside(head.text, run):  # it is refused, as what it may be meant for
            continue
        groups = {_group(cell, run) for cell in header if cell.text}
        if is_tidy or numbers != filled or (groups & {*NOT_COUNTED} and not groups - {"", *NOT_COUNTED}):
            shown = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
            message = (
                f"{shorten(head.text)} has {shown} and may say the step of each row; call it step (or epoch, batch)"
            )
            raise ClaimError(f"{message}, or leave it out where the rows are the steps 1, 2, 3, …", head.place)
        if groups - {"", *NOT_COUNTED}:
            return _renamed(header, at, "step"), f"{head.text} read as the step"
    return header, ""


def _counted(cells: Sequence[Written], run: Timeline) -> list[int]:
    """The numbers of a column that goes up in whole numbers; nothing for another one.

    A single number counts where it can be a step, and is not that of the first row.
    """
    found = [_COUNTED.fullmatch(cell.text) for cell in cells]
    numbers = [int(match["number"]) for match in found if match is not None]
    if len(numbers) < len(cells) or any(later <= earlier for earlier, later in pairwise(numbers)):
        return []
    return numbers if len(numbers) > 1 or 1 < sum(numbers) <= len(run.batches) else []


def _is_index_n(head: Written, numbers: Sequence[int], run: Timeline) -> bool:
    """Whether a column n goes up as an index does, which the number of samples cannot: all batches have as many."""
    is_n = head.text == SIZE and _group(head, run) == "setting"
    return is_n and len(numbers) > 1 and numbers[-1] <= len(run.batches) and len({one.n for one in run.batches}) == 1


def _is_unknown(head: Written, run: Timeline) -> bool:
    try:
        run.names.check(head.text, head.place)
    except UnknownQuantityError:
        return bool(head.text)
    except ClaimError:
        return False
    return False


def _group(head: Written, run: Timeline) -> str:
    """The group of the quantity that a column is about; nothing for one of another name."""
    try:
        return run.names.find(head.text, head.place)[0].group
    except ClaimError:
        return ""


def _kinds(header: Row, run: Timeline) -> dict[str, int]:
    """The columns that say where a row is, by their kinds; none that is called as a name of the problem."""
    return {
        kind: place
        for place, cell in enumerate(header)
        for kind, words in KINDS.items()
        if cell.text.lower() in words and len(cell.text) > 1 and cell.text.lower() not in run.names.taken
    }


def _renamed(header: Row, at: int, word: str) -> Row:
    return [replace(cell, text=word) if place == at else cell for place, cell in enumerate(header)]


def _begins_anew(epoch: int, step: int, body: Sequence[Row], run: Timeline) -> bool:
    """Whether the steps are those within their epochs, and can be no steps of the run."""
    rows = [row for row in body if all(row[place].text.isdecimal() for place in (epoch, step))]
    counted = [(int(row[epoch].text), int(row[step].text)) for row in rows]
    if not counted or max(number for _, number in counted) > run.per_epoch:
        return False
    first = 0 if any(not number for number, _ in counted) else 1
    if max(within for within, _ in counted) - first >= run.batches[-1].epoch:
        return False
    return not any(
        all((number - begin) // run.per_epoch == within - first for within, number in counted) for begin in (0, 1)
    )


def _counted_of(
    header: Row, body: Sequence[Row], at: int, run: Timeline, *, has_epoch: bool
) -> tuple[Row, Sequence[Row], str]:
    """The table, in which `3/10` is the batch of its epoch or, without an epoch, the step of the run."""
    head = header[at]
    match = _OF.fullmatch(head.text)
    assert match is not None  # it is such a column
    count = int(match[1])
    sizes = [run.batches[k].n for k in range(min(run.per_epoch, len(run.batches)))]
    if not has_epoch and count == len(run.batches):
        return _renamed(header, at, "step"), body, ""
    if count == run.per_epoch and (has_epoch or run.batches[-1].epoch == 1):
        return _renamed(header, at, "batch"), body, ""
    if not has_epoch and count in (run.per_epoch, sum(sizes)) and run.batches[-1].epoch > 1:
        message = "progress without a line such as 'Epoch 1/2' above it; leave that line"
        raise ClaimError(message, head.place)
    if count == sum(sizes):
        when, batches = _by_samples(at, body, sizes)
        numbered = [
            [replace(cell, text=batches.get(cell.text, "")) if place == at else cell for place, cell in enumerate(row)]
            for row in body
        ]
        return _renamed(header, at, "batch"), numbered, f"1/{count} counts the samples of an epoch, {when}"
    message = f"1/{count} counts neither the {run.per_epoch} batches of an epoch nor its {sum(sizes)} samples"
    raise ClaimError(f"{message}; write which epoch and batch a line is about", head.place)


def _by_samples(at: int, body: Sequence[Row], sizes: Sequence[int]) -> tuple[str, dict[str, str]]:
    """Whether samples are counted with those of their batch or without, and the batch of each number.

    With a 0, or where no such batch ends, it is without them; with the number of the first batch it is with them.
    Raises `ClaimError` where both can be, or none.
    """
    cells = [row[at] for row in body if row[at].text.lower() not in NO_CLAIM]
    numbers = [whole_number(cell) for cell in cells]
    ends = list(accumulate(sizes))
    counts = {_AFTER: ends, _BEFORE: [0, *ends[:-1]]}
    fitting = [when for when, own in counts.items() if set(numbers) <= set(own)]
    if len(fitting) == 2 and sizes[0] in numbers:
        fitting = [_AFTER]
    if len(fitting) != 1:
        words = " or ".join(fitting) if fitting else f"neither {_AFTER} nor {_BEFORE}"
        message = f"samples are counted {words}, in batches of {', '.join(map(str, sizes[:8]))}"
        raise ClaimError(f"{message}; write which batch of its epoch each line is about", _first(cells, numbers, ends))
    return fitting[0], {str(number): str(k) for k, number in enumerate(counts[fitting[0]], start=1)}


def _first(cells: Sequence[Written], numbers: Sequence[int], ends: Sequence[int]) -> Place:
    """The place of the first number at which no batch ends; else of the first."""
    found = next((cell for cell, number in zip(cells, numbers, strict=True) if number not in (0, *ends)), cells[0])
    return found.place
