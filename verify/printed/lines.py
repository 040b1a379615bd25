"""Logs, line by line: `step=1 loss=2.25`, `Epoch 1/4 - loss: 2.25`, `epoch 0 loss 2.25`, the progress of Keras.

A line is read as names with their numbers behind them, `loss: 2.25`, `loss=2.25` or `loss 2.25`; as counters, `Epoch 1`
or `3/10`; and as words that stand without a number. What a bar or a clock shows is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from derive.errors import ClaimError, Place
from verify.printed.state import COUNT, ENDS, KEY, LEADING, PLACED, State, after_stamp, is_of, state_at
from verify.tabular.arrays import is_array
from verify.tabular.grid import Grid, Source, left_out
from verify.tabular.records import Record, rows_of
from verify.tabular.written import COUNTED_OF, KINDS, Written

LINES = "lines of names and numbers"  # what they are read as
_NUMBER = r"[-+−]?(?:[.\d]|nan\b|inf\b)|[\w.]*\(?\["  # how it begins, or an array
_PAIR = re.compile(rf"[=:]\s*(?:{_NUMBER})", re.IGNORECASE)
_VALUE = re.compile(rf"{_NUMBER}|[\w.]+\(", re.IGNORECASE)
_NUMBERS_ALONE = re.compile(r"(?=[^\n]*\d)[\s\d.,;|+\-−eE]+")
_SAYS = re.compile(r"\d|[=:][ \t]*\S")  # what a line without claims has none of
_RULER = re.compile(r"[\s\-=_*#~.]*")
_LOOKED_AT = 50  # lines of a text that may be a log
ENOUGH = 2  # lines that can be read, beside one that cannot
MOST_ODD = 0.5  # of as many lines as can be read: so many that cannot be read are left out and told


def is_lines(source: Source) -> bool:
    """Whether the first line with numbers has them behind their names, and no other line is of numbers alone.

    So are lines most of which count and have a number with a name, whatever stands among them.
    """
    return _leads(source) or _begins_with_pairs(source) or _is_worded(source) or _is_mostly_counted(source)


def _leads(source: Source) -> bool:
    """Whether most lines, the first among them, begin with a number that goes up, and names with theirs behind it."""
    numbers = []
    filled = [(line, start) for line, start in zip(source.lines, source.starts, strict=True) if line.strip()]
    for line, start in filled[:_LOOKED_AT]:
        match = LEADING.match(source.text, after_stamp(source, start))
        if match is not None:
            numbers.append(int(match[match.lastgroup or 0]))
        elif not numbers and re.search(r"\w", line):
            return False
    goes_up = all(later > earlier for earlier, later in pairwise(numbers))
    return goes_up and 2 * len(numbers) > min(len(filled), _LOOKED_AT)


def _is_mostly_counted(source: Source) -> bool:
    """Whether of the first lines with numbers most count, as `Epoch 1`, and have a number with a name."""
    counted = others = 0
    for line, start in zip(source.lines, source.starts, strict=True):
        if counted + others == _LOOKED_AT:
            break
        if re.search(r"\d", line):
            try:
                state, _ = state_at(source, start)
            except ClaimError:
                state = State()
            is_counted = bool(state.numbers) and bool(state.counters)
            counted += is_counted
            others += not is_counted
    return counted >= ENOUGH and others <= MOST_ODD * counted


def _begins_with_pairs(source: Source) -> bool:
    """Whether the first line with a number after `=` or `:` begins with such a pair, and none before it has numbers."""
    for line, start in zip(source.lines, source.starts, strict=True):
        if _PAIR.search(line):
            return _begins(source, start)
        if _has_array_below(source, start):
            return True
        if re.search(r"[\d,;\t|]", line) and not COUNT.search(line):
            return False
    return False


def _begins(source: Source, at: int) -> bool:
    """Whether a line begins with a pair whose value is a number, or counts as `Epoch 1` does."""
    at = after_stamp(source, at)
    key = KEY.match(source.text, at)
    return bool(
        COUNT.match(source.text, at) or PLACED.match(source.text, at) or (key and _VALUE.match(source.text, key.end()))
    )


def _is_worded(source: Source) -> bool:
    """Whether the first line with a number is one of this form; below a line of words only where it counts."""
    words_above = False
    found = False
    for line, start in zip(source.lines, source.starts, strict=True):
        if _NUMBERS_ALONE.fullmatch(line):
            return False
        if not found and re.search(r"\d", line):
            try:
                state, _ = state_at(source, start)
            except ClaimError as error:
                state = State(odd=error)
            if (state.unread and not _counts_first(state)) or (state.odd and not state.numbers):
                return not words_above and COUNT.match(source.text, after_stamp(source, start)) is not None
            if not state.counters and (words_above or not state.numbers):
                return False
            found = True
        words_above = words_above or bool(line.strip())
    return found


def _counts_first(state: State) -> bool:
    """Whether a line says where it is, by a word, before the first part of it that cannot be read."""
    first = _column(state.unread[0].place)
    return any(not is_of(word) and _column(number.place) < first for word, number in state.counters.values())


def _column(place: Place | None) -> int:
    return 0 if place is None or place.column is None else place.column


def read_lines(source: Source) -> Grid:
    """One row for each line with numbers; what only counts, `Epoch 1/4`, is about the lines below it.

    Where lines count, the numbers of one that does not are apart. A line without numbers that have names is left out,
    and told; one that cannot be read is `odd`, where most others can, and so is a part of one. Raises `ClaimError` for
    a number without a name.
    """
    states: list[tuple[State, Record]] = []  # what the lines show, and the counters above that they lack
    passed: list[Place] = []
    odd: list[ClaimError] = []
    unread: list[ClaimError] = []
    above: dict[str, tuple[Written, Written]] = {}
    for state, place in _states(source):
        if state.odd is not None:
            odd.append(state.odd)
        elif state.numbers:
            unread += state.unread
            states.append((state, [counter for word, counter in above.items() if word not in state.counters]))
        elif state.counters.keys() - {COUNTED_OF}:
            above = state.counters
        elif not state.counters:
            passed.append(place)
            above = {} if state.label else above  # `Validation:` begins something else
    if odd and (len(states) < ENOUGH or len(odd) > MOST_ODD * len(states)):
        raise odd[0]
    states = _merged(states)
    counts = any(state.counters or counters for state, counters in states)
    if not counts:
        _check_alike([state.numbers for state, _ in states])
    records, apart = [], []
    for state, counters in states:
        if counts and not (state.counters or counters):
            apart += state.numbers
        else:
            records.append(_row(state, counters))
    gap = next((place for place in (*passed, *(error.place for error in odd)) if place is not None), None)
    told = left_out("line", passed, " without claims")
    return Grid(rows_of(_alike(records)), LINES, gap, told, tuple(apart), (*odd, *unread))


def _merged(states: list[tuple[State, Record]]) -> list[tuple[State, Record]]:
    """The lines; where each has nothing but a list, `losses = [64.6, 37.7]`, they are one row."""
    numbers = [pair for state, _ in states for pair in state.numbers]
    is_of_lists = len(states) > 1 and all(is_array(cell.text) for _, cell in numbers)
    if not is_of_lists or any(state.counters or above for state, above in states):
        return states
    if len({name.text for name, _ in numbers}) < len(numbers):
        return states
    return [(State(cells=numbers, numbers=numbers), [])]


def _alike(records: list[Record]) -> list[Record]:
    """The rows with one spelling of what counts, the first: `Epoch 1` and `at epoch 5`."""
    spelled: dict[str, str] = {}
    words = {word for kind in KINDS.values() for word in kind}
    found = []
    for record in records:
        for key, _ in record:
            if key.text.lower() in words:
                spelled.setdefault(key.text.lower(), key.text)
        found.append([(replace(key, text=spelled.get(key.text.lower(), key.text)), cell) for key, cell in record])
    return found


def _row(state: State, above: Record) -> Record:
    """A row in the order of its line; `3/10` beside the word that says what is counted is the same once more."""
    cells = [*above, *state.cells]
    says_all = any(key.text.lower() in (*KINDS["step"], *KINDS["batch"]) for key, _ in cells)
    held = {key.text for key, _ in cells}
    words = {key.text: (key, cell) for key, cell in state.words if key.text not in held}
    return [pair for pair in (*cells, *words.values()) if not (says_all and is_of(pair[0]))]


def _check_alike(rows: Sequence[Record]) -> None:
    """Raises `ClaimError` for two lines with no name in common, where the lines count the steps."""
    for row, following in pairwise(rows):
        if not {key.text for key, _ in row} & {key.text for key, _ in following}:
            message = "this line may be of the same step as the one above it, or of the next, or of none"
            raise ClaimError(f"{message}; begin each line with its step, as in 'step 1'", following[0][0].place)


def _states(source: Source) -> Iterator[tuple[State, Place]]:
    """What the lines show, and where; an array may go on in the lines below it."""
    at = 0
    leads = _leads(source)
    while at < len(source.text):
        begin = at
        stop = _end(source.text, at)
        shown = source.text[at:stop]
        if _RULER.fullmatch(shown):
            at = stop + 1
        elif not _SAYS.search(shown) and not _has_array_below(source, begin):
            yield State(label=shown if shown.rstrip().endswith(":") else ""), source.place(begin)
            at = stop + 1
        else:
            try:
                state, at = state_at(source, begin, leads=leads)
            except ClaimError as error:
                state, at = State(odd=error), stop + 1
            yield state, source.place(begin)


def _has_array_below(source: Source, at: int) -> bool:
    """Whether a line is a name whose array stands in the line below it, `W:`."""
    key = KEY.match(source.text, at)
    return key is not None and key.end() > _end(source.text, at)


def _end(text: str, at: int) -> int:
    """Where what is shown at a place ends."""
    found = ENDS.search(text, at)
    return found.start() if found else len(text)
