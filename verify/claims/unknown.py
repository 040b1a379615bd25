"""Columns that the problem does not have: `accuracy`, `time`, `comment`. They are left out, and told.

A claim that nobody judges is a false comfort. So a name that is like one of the problem, or like a loss, a gradient or
a step, is none of these: it is refused, as `dl/dv` for `dl/dw`, `lossx` or `best w`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

from derive.errors import ClaimError, NoClaimError, Place, UnknownQuantityError, shorten, suggestion
from verify.claims.literal import Literal
from verify.claims.places import Timeline
from verify.tabular.grid import PartError
from verify.tabular.written import KINDS, NO_CLAIM, Row, Written, is_words

_VALIDATION = {"val", "valid", "validation", "test", "eval", "dev"}  # the first word of what is not of the training
_TELLING = {
    *("loss", "cost", "objective", "mse", "grad", "grads", "gradient", "gradients", "norm", "lr", "delta", "param"),
}
_OTHER_WORDS = {  # for what a problem calls otherwise, whatever number stands behind them
    *(
        "gnorm",
        "train",
        "training",
        "obj",
        "value",
        "alpha",
        "theta",
        "slope",
        "intercept",
        "coef",
        "coefficient",
        "weight",
    ),
}
_WORD = re.compile(r"[^\W\d_]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")  # also of camel case: trainLoss
_SHORTEST = 3  # letters of a name that is taken for a word; fewer may be a parameter of another name
_DERIVATIVE = re.compile(r"\s*(?:d|∂|∇|partial\b).*[/∇∂].*|.*\[\s*\d.*")  # or an entry: W[0]
_COUNTING = tuple(word for words in KINDS.values() for word in words if len(word) > _SHORTEST)


def is_beside(written: str, run: Timeline) -> bool:
    """Whether a name that the problem does not have is like none that it has: nobody can mean a number of the steps."""
    words = [word.casefold() for word in _WORD.findall(written)]
    if words and words[0] in _VALIDATION and len(words) > 1:
        return True
    if sum(char.isalpha() for char in written) < _SHORTEST or _DERIVATIVE.fullmatch(written):
        return False
    known = [quantity.label for quantity in (*run.names.known.quantities, *run.names.predictions.quantities)]
    if suggestion(written, known):
        return False
    return not _names_one(written, run)


def _names_one(written: str, run: Timeline) -> bool:
    """Whether a word of a name is one of the problem, or tells what kind of number it is."""
    if re.sub(r"[\W\d_]+", "", written).casefold() in _OTHER_WORDS:
        return True
    parts = (*re.findall(r"[^\W_]+", written), *_WORD.findall(written))
    words = {*(word.casefold() for word in parts), *written.split()}
    return any(word in _TELLING or word in run.names.taken or run.names.known.find(word) for word in words)


def without_unknown(
    header: Row, body: Sequence[Row], run: Timeline, known: Iterable[int], unread: list[ClaimError], *, of_lines: bool
) -> tuple[Row, list[Row], str]:
    """A wide table without the columns that the problem does not have, and what is to be told of them.

    `known` are the columns that need no look. Of lines (`of_lines`), what is said in other words, `the loss was high`,
    `loss is almost 3`, is `unread` where no more than half of them say it. Raises `UnknownQuantityError` for a name
    like one of the problem's unless all cells below it are words, and `NoClaimError` where no other column is left.
    """
    passed = set(known)
    counted = bool(run.columns_that_say_where(header))  # else a name such as `epok` may say it
    left_out: list[int] = []
    first: ClaimError | None = None
    for place, head in enumerate(header):
        if place in passed or not head.text:
            continue
        try:
            run.names.check(head.text, head.place)
        except UnknownQuantityError as error:
            cells = [row[place] for row in body if row[place].text]
            has_words = any(is_words(cell.text) for cell in cells)
            is_remark = not of_lines and has_words and not any(map(_may_be_number, cells))
            if not is_remark and _is_refused(head.text, cells, run, counted=counted):
                is_single = bool(cells) and (len(body) == 1 or 2 * len(cells) <= len(body))
                if not (of_lines and is_single and _is_said(head, cells)):
                    raise
                unread += (_not_read(cell, head, error) for cell in cells)
            first = first or error
            left_out.append(place)
    if first is None:
        return header, list(body), ""
    rest = [place for place, head in enumerate(header) if head.text and place not in left_out and place not in passed]
    if not rest:
        raise NoClaimError(first.message, first.place)
    kept = [place for place in range(len(header)) if place not in left_out]
    has_numbers = [place for place in left_out if any(_is_number(row[place]) for row in body)]
    return (
        [header[place] for place in kept],
        [[row[place] for place in kept] for row in body],
        left_out_told(header[place].text for place in has_numbers),
    )


def without_given(
    header: Row, body: Sequence[Row], run: Timeline, known: Collection[int]
) -> tuple[Row, list[Row], str]:
    """A wide table without the columns of data and constants that stand beside what is calculated of them, as x and y.

    `known` are the columns that say where a row is, or are known otherwise. Nothing is claimed of what is given, and so
    is told, too. Raises `ClaimError` for a number that the problem does not have.
    """
    heads = [(place, head.text) for place, head in enumerate(header) if place not in known]
    places = [place for place, text in heads if _base(text) in run.names.inputs]
    beside = {*places, *known}
    if not places or not any(head.text for place, head in enumerate(header) if place not in beside):
        return header, list(body), ""
    for place in places:
        name = _base(header[place].text)
        values = sorted(value for given in run.names.inputs[name] for value in given.values)
        for cell in (row[place] for row in body):
            literal = run.literal(cell)
            if literal is not None and not _is_one_of(literal, values):
                message = f"{header[place].text} is {shorten(cell.text)} here, and no number of the problem's {name}"
                raise ClaimError(f"{message}, which is given and not calculated", cell.place)
    kept = [place for place in range(len(header)) if place not in places]
    told = f"not judged, as given: {', '.join(header[place].text for place in places)}"
    return [header[place] for place in kept], [[row[place] for place in kept] for row in body], told


def _base(head: str) -> str:
    """`x` of `x[0]`."""
    return re.sub(r"\s*\[[\d, ]*\]$", "", head.strip())


def _is_one_of(literal: Literal, values: Sequence[Fraction]) -> bool:
    """Whether a number, as it is printed, is one of some values, in order."""
    place = bisect_left(values, literal.low)
    return literal.special is None and place < len(values) and values[place] <= literal.high


def _is_said(head: Written, cells: Sequence[Written]) -> bool:
    """Whether a name in a line is more than one: words without a number, or with a verb among them."""
    return all(cell.why for cell in cells) or _SAYS.search(head.text) is not None


def _not_read(cell: Written, head: Written, error: ClaimError) -> ClaimError:
    """What is said of a name in one line of a text that the problem does not have."""
    if cell.why:
        return ClaimError(f"{shorten(cell.text)} {cell.why}", cell.place)
    place = cell.place if cell.place.line != head.place.line else head.place
    return ClaimError(error.message, place)


def _is_refused(name: str, cells: Sequence[Written], run: Timeline, *, counted: bool) -> bool:
    """Whether the name of a column may be meant for one of the problem's, or, where nothing counts, for a step's."""
    if not counted and suggestion(name.casefold(), _COUNTING):
        return True
    stands_alone = not any(map(_is_number, cells))  # as words of a log do, such as `finished`
    return _names_one(name, run) if stands_alone else not is_beside(name, run)


def rows_of_the_problem(header: Row, body: Sequence[Row], run: Timeline) -> tuple[list[Row], str]:
    """The rows of a tidy table that are about the problem, and what is told of the others.

    Raises `UnknownQuantityError` for a name that is like one of the problem's, or where no row is left.
    """
    at = [cell.text.lower() for cell in header].index("quantity")
    kept, left_out = [], []
    failed: UnknownQuantityError | None = None
    for row in body:
        called = row[at]
        try:
            if called.text:
                run.names.check(called.text, called.place)
        except UnknownQuantityError as error:
            if not is_beside(called.text, run):
                raise
            failed = failed or error
            left_out.append(called.text)
        else:
            kept.append(row)
    if failed is not None and not any(row[at].text for row in kept):
        raise NoClaimError(failed.message, failed.place)
    return kept, left_out_told(left_out)


def _may_be_number(cell: Written) -> bool:
    return cell.text.lower() not in NO_CLAIM and not is_words(cell.text)


def _is_number(cell: Written) -> bool:
    return bool(cell.text) and not cell.why


def left_out_told(names: Iterable[str]) -> str:
    """`not judged, as the problem has no such number: 'accuracy', 'time'`."""
    shown = [shorten(name)[1:-1] for name in dict.fromkeys(names)]
    return f"not judged, as the problem has no such number: {', '.join(shown)}" if shown else ""


_SAYS = re.compile(r"\s(?:is|was|are|were|became|becomes|equals)\b", re.IGNORECASE)
_OF_RUN = re.compile(r"(?:best|final|last|lowest|min|minimum|max|maximum)\b", re.IGNORECASE)
_SHOWN = 3  # lines that are not read, by their words


def without_single(header: Row, body: Sequence[Row], run: Timeline) -> tuple[Row, list[Row], tuple[ClaimError, ...]]:
    """The rows of a log without what one line alone says of the whole run, `Best loss: 7.6`, which is not judged.

    With why not, where it may be meant for a number of the problem.
    """
    odd: list[ClaimError] = []
    passed: set[int] = set()
    for at, head in enumerate(header):
        filled = [row[at] for row in body if row[at].text]
        if len(filled) == 1 and len(body) > 2 and _OF_RUN.match(head.text) and not _is_known(head, run):
            passed.add(at)
            message = (
                f"{shorten(f'{head.text} {filled[0].text}')} is said in one line alone, and is no number of a step"
            )
            odd.append(ClaimError(message, head.place))
    kept = [at for at in range(len(header)) if at not in passed]
    return [header[at] for at in kept], [[row[at] for at in kept] for row in body], tuple(odd)


def _is_known(head: Written, run: Timeline) -> bool:
    try:
        run.names.check(head.text, head.place)
    except UnknownQuantityError:
        return False
    except ClaimError:
        return True
    return True


def of_no_row(
    apart: Sequence[tuple[Written, Written]], odd: Sequence[ClaimError], run: Timeline
) -> tuple[list[ClaimError], str]:
    """What is said of names with numbers that stand in no row, and of lines that cannot be read (`odd`).

    Those that may be about the problem's numbers cannot be judged; others are told.
    """
    unread, left_out = [], []
    for name, number in apart:
        try:
            run.names.check(name.text, name.place)
            is_like = True
        except UnknownQuantityError:
            is_like = not is_beside(name.text, run)
        except ClaimError:
            is_like = True
        if is_like:
            message = f"{shorten(f'{name.text} {number.text}')} says no step, as the other lines do; write which one"
            unread.append(ClaimError(message, name.place))
        else:
            left_out.append(name.text)
    unread += [error for error in odd if _may_claim(error, run)]
    lines = [error for error in odd if error.place is not None and not _may_claim(error, run)]
    return unread, "; ".join(filter(None, (left_out_told(left_out), _lines_told(lines))))


def _may_claim(error: ClaimError, run: Timeline) -> bool:
    """Whether a line that cannot be read may claim something: it counts, or has a name of the problem with a number."""
    if isinstance(error, PartError) and error.place is not None and error.place.line is not None:
        words = re.findall(r"[^\W\d_]+|[^\W\d]\w*", error.part)
        return any(run.names.known.find(word) or word.casefold() in _TELLING for word in words)
    text = _text_of(error)
    if re.match(rf"[\[(\-]*(?:(?:after|at|in|on|for)\s+)?(?:{'|'.join(_COUNTING)})\b[^\w]*\d", text, re.IGNORECASE):
        return True
    named = re.findall(r"(?<![\w\"'-])([^\W\d]\w*)[ \t]*[=: \t][ \t]*[-+−]?\.?\d", text)
    named += re.findall(r"(?<![\w\"'.-])([^\W\d]+)[-+−]?\d*\.\d", text)  # loss64.6
    return any(run.names.known.find(name) or name.casefold() in _TELLING for name in named)


def _text_of(error: ClaimError) -> str:
    """The line that cannot be read, or the note of a workbook."""
    text = "" if error.place is None else error.place.text
    return (error.part if isinstance(error, PartError) and not text else text).strip()


def _lines_told(errors: Sequence[ClaimError]) -> str:
    """`not read: line 6, 'prediction for x=6: 10.4556'`, or `not read: mine.xlsx, A6, 'Note'`."""
    if not errors:
        return ""
    places = [error.place or Place("") for error in errors[:_SHOWN]]
    where = [place.source if place.line is None else f"line {place.line}" for place in places]
    shown = "; ".join(f"{at}, {shorten(_text_of(error))}" for at, error in zip(where, errors, strict=False))
    more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return f"not read: {shown}{more}"
