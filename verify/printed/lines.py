"""Logs, line by line: `step=1 loss=2.25`, `Epoch 1/4 - loss: 2.25`, `epoch 0 loss 2.25`, the progress of Keras.

A line is read as names with their numbers behind them, `loss: 2.25`, `loss=2.25` or `loss 2.25`; as counters, `Epoch 1`
or `3/10`; and as words that stand without a number. What a bar or a clock shows is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from derive.errors import ClaimError, Place, shorten
from verify.tabular.grid import Grid, Source
from verify.tabular.records import Record, rows_of
from verify.tabular.written import COUNTED_OF, KINDS, NUMBER, TOTALS, Written

LINES = "lines of names and numbers"  # what they are read as
_ENDS = re.compile(r"[\n\r\b]|\Z")  # of what a line shows at one time: progress is written over itself
_COUNTING = frozenset(
    word for words in KINDS.values() for word in words if len(word) > 1 and word not in (*NUMBER, *TOTALS)
)
_WORDS = "|".join(sorted(map(re.escape, _COUNTING), reverse=True))
_COUNT = re.compile(
    rf"(?P<word>{_WORDS})\.?[ \t]*[#:=]?[ \t]*[\[(]?[ \t]*(?P<number>\d{{1,15}})"
    r"(?:[ \t]*(?:/|of)[ \t]*(?P<all>\d{1,15}))?[\])]?[ \t]*:?(?![^\s,;|\])\[]|[.,]\d)",
    re.IGNORECASE,
)
_OF = re.compile(r"(?P<number>\d{1,15})[ \t]*/[ \t]*(?P<all>\d{1,15})(?![\w/.])")
_NUMBER = r"[-+−]?(?:\d+(?:,\d+)*(?:\.\d+|\.(?![.\d]))?|\.\d+)(?:[eE][-+]?\d+)?(?:\.\.+|…)?(?:\(\d{1,3}\))?"
_NUMBER += r"|[-+]?(?:nan|inf(?:inity)?)"
# after a word of up to four letters a full stop is that of an abbreviation, as in `Avg. loss`, and not of a sentence
_NAME = r"(?:[^\W\d_]|[∂∇])(?:[\w'/^∂∇*@-]|\.(?=\w))*(?:\[[\d, ]*\]|\(\w+\)|(?<!\w{5})\.(?=[ \t]))?"
_WORDED = re.compile(  # a name, blanks and a number that is not part of the name of another one
    rf"(?P<key>{_NAME}(?:[ \t]{_NAME}){{0,3}}?)[ \t]+(?:(?:is|was)[ \t]+)?"
    rf"(?P<value>(?:{_NUMBER})(?:%|[a-zµ]+(?:/[a-z]+)?)?|\[[ \t]*[-+.\d][^\[\]/\n]*\])"
    r"(?=[\s,;|)\]]|\.?(?:\s|$))(?![ \t]*[=:/])",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?P<key>[^\W\d_](?:\[[^\[\]\n]*\]|[^=:,;|\[\]\n]){0,200}?|[∂∇][^=:,;|\n]{0,200}?)\s*[=:]\s*")
_VALUE = re.compile(
    r"""(?P<array>(?:Parameter containing:\s*)?[\w.]*\(?\[)|"(?P<quoted>[^"\n]*)"|"""
    r"""(?P<bare>[^\s,;|](?:[^\s,;|]|,(?=\d))*)"""
)
_AVERAGE = re.compile(rf"[ \t]*\([ \t]*(?:avg:?[ \t]*)?(?P<value>{_NUMBER})[ \t]*\)", re.IGNORECASE)
_PROSE = re.compile(
    rf"{_NAME}(?:[ \t]+{_NAME})*(?=\.?(?:[ \t]+-[ \t]|\s*$)|(?<=\w{{5}})\.\s|[ \t]*[!,;|)\]])", re.MULTILINE
)
_LABEL = re.compile(  # of the names behind it: `Test set: loss 2.5`, `Train: loss=2.5`
    rf"(?P<label>{_NAME}(?:[ \t]+{_NAME})*):[ \t]+(?!nan|inf)"
    rf"(?=(?:{_NAME}[ \t]+)*{_NAME}[ \t]*(?:[=:]|(?:is[ \t]+)?[-+−]?[.\d]))"
)
_BEFORE_COUNT = re.compile(rf"(?:train|training|finished|completed|end of)[ \t]+(?=(?:{_WORDS})\b)", re.IGNORECASE)
_RULER = re.compile(r"[\s\-=_*#~.]*")
_FILLER = re.compile(r"(?:(?:and|with|the|then|after|at|in|on)[ \t]+)+(?=[^\W\d_]|[∂∇])", re.IGNORECASE)
_BETWEEN = re.compile(
    r"(?:[ \t,;|()\]{}!~>*#%→]|[-=]+>|\[(?![=>#]|\.\.)|\.(?=\s|$)|(?<![^\s|\[(])[-–—=.:]+(?![^\s|]))+"
)
_BAR = re.compile(r"\[[=>.\- #]*[=>.#][=>.\- #]*\]|[━╸╺─]+(?:[ \t]*[━╸╺─]+)*|\d{1,3}%\|[^|\n\r]*\|")
_CLOCK = re.compile(
    r"\d+(?:\.\d+)?[ \t]?(?:%|/s|(?:s|ms|us|µs|min|m|h|it|sec|secs|seconds|minutes|img|samples|examples)"
    r"(?:/(?:it|s|sec|step|epoch|batch|sample|iter))?)(?!\w)|(?:\d+:)+\d+(?:\.\d+)?(?:<(?:\d+:)*[\d?]+)?"
)
_TIMED = re.compile(  # `eta 0:00:04`
    rf"{_NAME}(?:[ \t]{_NAME})?[ \t]*[:=]?[ \t]*(?:\d+:)+\d+(?:\.\d+)?(?![\w.:])"
)
_PLACED = re.compile(
    r"\[[ \t]*(?P<epoch>\d{1,15}),[ \t]*(?P<batch>\d{1,15})[ \t]*\](?=[ \t]*[^\W\d])"
)  # [1,  2000] loss: 2.1
_STAMP = re.compile(  # what a program writes in front of a line of its log
    r"[ \t]*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*Z?\]?[ \t]*)?"
    r"(?:[ \t\-:|\[]*(?:INFO|DEBUG|WARNING)[ \t\-:|\]]*)?(?:[\w.]+:[\w.<>]+:\d+[ \t]+-[ \t]+)?"
)
_PAIR = re.compile(r"[=:]\s*(?:[-+−]?(?:[.\d]|nan\b|inf\b)|[\w.]*\(?\[)", re.IGNORECASE)
_NUMBERS_ALONE = re.compile(r"(?=[^\n]*\d)[\s\d.,;|+\-−eE]+")
_SAYS = re.compile(r"\d|[=:][ \t]*\S")  # what a line without claims has none of
_NO_NUMBER = "stands without a number"  # of a name
_SHOWN = 3  # lines that are left out, by their words


@dataclass
class _State:
    """What a line shows at one time: its counters and numbers in their order, and names without one.

    `counters` are the counters by their words, `numbers` the numbers with their names.
    """

    cells: Record = field(default_factory=list)

    counters: dict[str, tuple[Written, Written]] = field(default_factory=dict)
    numbers: Record = field(default_factory=list)
    words: Record = field(default_factory=list)
    label: str = ""


def is_lines(source: Source) -> bool:
    """Whether the first line with numbers has them behind their names, and no other line is of numbers alone."""
    return _begins_with_pairs(source) or _is_worded(source)


def _begins_with_pairs(source: Source) -> bool:
    """Whether the first line with a number after `=` or `:` begins with such a pair, and none before it has numbers."""
    for line, start in zip(source.lines, source.starts, strict=True):
        if _PAIR.search(line):
            return _begins(source, start)
        if re.search(r"[\d,;\t|]", line) and not _COUNT.search(line):
            return False
    return False


def _begins(source: Source, at: int) -> bool:
    """Whether a line begins with a pair whose value is a number, or counts as `Epoch 1` does."""
    at = _after_stamp(source, at)
    key = _KEY.match(source.text, at)
    value = re.compile(r"[-+−]?(?:[.\d]|nan\b|inf\b)|[\w.]*\(?\[|[\w.]+\(", re.IGNORECASE)
    return bool(
        _COUNT.match(source.text, at) or _PLACED.match(source.text, at) or (key and value.match(source.text, key.end()))
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
                state, _ = _state(source, start)
            except ClaimError:
                return False
            if not state.counters and (words_above or not state.numbers):
                return False
            found = True
        words_above = words_above or bool(line.strip())
    return found


def read_lines(source: Source) -> Grid:
    """One row for each line with numbers; what only counts, `Epoch 1/4`, is about the lines below it.

    Where lines count, the numbers of one that does not are apart. A line without numbers that have names is left out,
    and told. Raises `ClaimError` for a number without a name.
    """
    states: list[tuple[_State, Record]] = []  # what the lines show, and the counters above that they lack
    passed: list[Place] = []
    above: dict[str, tuple[Written, Written]] = {}
    for state, place in _states(source):
        if state.numbers:
            states.append((state, [counter for word, counter in above.items() if word not in state.counters]))
        elif state.counters.keys() - {COUNTED_OF}:
            above = state.counters
        elif not state.counters:
            passed.append(place)
            above = {} if state.label else above  # `Validation:` begins something else
    counts = any(state.counters or counters for state, counters in states)
    if not counts:
        _check_alike([state.numbers for state, _ in states])
    records, apart = [], []
    for state, counters in states:
        if counts and not (state.counters or counters):
            apart += state.numbers
        else:
            records.append(_row(state, counters))
    gap = next(iter(passed), None)
    return Grid(rows_of(records), LINES, gap, _left_out(passed), tuple(apart))


def _row(state: _State, above: Record) -> Record:
    """A row in the order of its line; `3/10` beside the word that says what is counted is the same once more."""
    cells = [*above, *state.cells]
    says_all = any(key.text.lower() in (*KINDS["step"], *KINDS["batch"]) for key, _ in cells)
    held = {key.text for key, _ in cells}
    words = {key.text: (key, cell) for key, cell in state.words if key.text not in held}
    return [pair for pair in (*cells, *words.values()) if not (says_all and _is_of(pair[0]))]


def _check_alike(rows: Sequence[Record]) -> None:
    """Raises `ClaimError` for two lines with no name in common, where the lines count the steps."""
    for row, following in pairwise(rows):
        if not {key.text for key, _ in row} & {key.text for key, _ in following}:
            message = "this line may be of the same step as the one above it, or of the next, or of none"
            raise ClaimError(f"{message}; begin each line with its step, as in 'step 1'", following[0][0].place)


def _left_out(passed: Sequence[Place]) -> str:
    """`lines 1 and 7 left out, which have no numbers with names: 'Training begins', 'Done.'`."""
    if not passed:
        return ""
    shown = ", ".join(shorten(place.text.strip()) for place in passed[:_SHOWN])
    more = f" and {len(passed) - _SHOWN} more" if len(passed) > _SHOWN else ""
    return f"{len(passed)} line{'s' if len(passed) != 1 else ''} without claims left out: {shown}{more}"


def _states(source: Source) -> Iterator[tuple[_State, Place]]:
    """What the lines show, and where; an array may go on in the lines below it."""
    at = 0
    while at < len(source.text):
        begin = at
        stop = _end(source.text, at)
        shown = source.text[at:stop]
        if _RULER.fullmatch(shown):
            at = stop + 1
        elif not _SAYS.search(shown):
            yield _State(label=shown if shown.rstrip().endswith(":") else ""), source.place(begin)
            at = stop + 1
        else:
            state, at = _state(source, begin)
            yield state, source.place(begin)


def _end(text: str, at: int) -> int:
    """Where what is shown at a place ends."""
    found = _ENDS.search(text, at)
    return found.start() if found else len(text)


def _after_stamp(source: Source, at: int) -> int:
    stamp = _STAMP.match(source.text, at)
    return stamp.end() if stamp else at


def _state(source: Source, at: int) -> tuple[_State, int]:
    """What is shown from a place on, and where the next begins. Raises `ClaimError` for a number without a name."""
    text, found = source.text, _State()
    at = _after_stamp(source, at)
    if placed := _PLACED.match(text, at):
        at = placed.end()
        for word in ("epoch", "batch"):
            _add_counter(Written(word, source.place(placed.start())), source.cell(*placed.span(word)), found)
    while True:
        for passed in (_BAR, _BETWEEN, _FILLER, _BEFORE_COUNT):
            at = match.end() if (match := passed.match(text, at)) else at
        if _ENDS.match(text, at):
            return found, at + 1
        passed_over = _BAR.match(text, at) or _CLOCK.match(text, at)
        at = passed_over.end() if passed_over else _next(source, at, found)


def _next(source: Source, at: int, found: _State) -> int:
    """Takes what stands at a place into the state, and says where it ends. Raises `ClaimError` for what is no name."""
    text = source.text
    if count := _COUNT.match(text, at) or _OF.match(text, at):
        _count(source, count, found)
        return count.end()
    if timed := _TIMED.match(text, at):
        return timed.end()
    if label := _LABEL.match(text, at):
        found.label += f"{label['label']} "
        return label.end()
    if worded := _WORDED.match(text, at):
        name = _named(source, worded, found)
        _add(name, source.cell(*worded.span("value")), found)
        return _with_average(source, name, worded.end("value"), found)
    if prose := _PROSE.match(text, at):
        cell = source.cell(*prose.span())
        found.words.append((cell, replace(cell, why=_NO_NUMBER)))
        return prose.end()
    return _keyed(source, at, found)


def _named(source: Source, match: re.Match[str], found: _State) -> Written:
    """The name of a number, with the label of what it is about."""
    cell = source.cell(*match.span("key"))
    return replace(cell, text=f"{found.label}{cell.text}")


def _count(source: Source, match: re.Match[str], found: _State) -> None:
    """`Epoch 3/10` as the pair `epoch: 3`; `3/10` alone as the third of ten, of whatever."""
    if match["all"] is not None and int(match["number"]) > int(match["all"]):
        raise ClaimError(f"{match[0].strip()!r} counts beyond its end", source.place(match.start()))
    number = source.cell(*match.span("number"))
    if "word" in match.re.groupindex:
        word = source.cell(*match.span("word"))
    else:
        word = Written(f"{COUNTED_OF} {match['all']}", source.place(match.start()))
    _add_counter(word, number, found)


def _add_counter(word: Written, number: Written, found: _State) -> None:
    """A counter, once. Raises `ClaimError` for two that differ."""
    if _kind(word) not in found.counters:
        found.cells.append((word, number))
    earlier = found.counters.setdefault(_kind(word), (word, number))
    if earlier[1].text != number.text:
        raise ClaimError(f"{shorten(word.text)} stands twice in one row; leave one out", word.place)


def _add(name: Written, number: Written, found: _State) -> None:
    if name.text.lower() in _COUNTING:
        _add_counter(name, number, found)
    else:
        found.cells.append((name, number))
        found.numbers.append((name, number))


def _kind(word: Written) -> str:
    """What a counter is known by: its word in lower case, or that it has none."""
    return COUNTED_OF if _is_of(word) else word.text.lower()


def _is_of(word: Written) -> bool:
    """Whether a head is that of `3/10`, which says no word."""
    return word.text.startswith(f"{COUNTED_OF} ")


def _keyed(source: Source, at: int, found: _State) -> int:
    """A name with its number behind `=` or `:`, and where it ends. Raises `ClaimError` for anything else."""
    key = _KEY.match(source.text, at)
    value = _VALUE.match(source.text, key.end()) if key is not None else None
    if key is None or value is None:
        message = "no name with its number behind it"
        raise ClaimError(f"{message}; expected such as loss=2.25, loss: 2.25 or loss 2.25", source.place(at))
    cell, end = _value(source, value)
    name = _named(source, key, found)
    _add(name, cell, found)
    return _with_average(source, name, end, found)


def _with_average(source: Source, name: Written, end: int, found: _State) -> int:
    """`Loss 6.9 (7.1)` has the average so far in brackets, called `avg_Loss`; where it ends."""
    average = _AVERAGE.match(source.text, end)
    if average is None:
        return end
    _add(Written(f"avg_{name.text}", name.place), source.cell(*average.span("value")), found)
    return average.end()


def _value(source: Source, match: re.Match[str]) -> tuple[Written, int]:
    """A value, and where it ends: an array to the bracket that closes it."""
    if match["quoted"] is not None:
        return source.cell(*match.span("quoted")), match.end()
    start = match.start()
    opening = re.compile(r"(?:Parameter containing:\s*)?[\w.]*[\[(]").match(source.text, start)
    if opening is None or (match["bare"] is not None and match["bare"][:1].isdigit()):
        return _bare(source, *match.span("bare"))
    depth = 0
    for at in range(opening.end() - 1, len(source.text)):
        depth += (source.text[at] in "[(") - (source.text[at] in "])")
        if not depth:
            return source.cell(start, at + 1), at + 1
    raise ClaimError("a bracket opens here and does not close", source.place(start))


def _bare(source: Source, start: int, stop: int) -> tuple[Written, int]:
    """A number without what closes a bracket or a sentence behind it."""
    text = source.text[start:stop]
    while text[-1:] in (")", "]") and text.count(text[-1]) > text.count({")": "(", "]": "["}[text[-1]]):
        text = text[:-1]
    if re.fullmatch(r"[-+−]?\d+\.\d+\.", text):
        text = text[:-1]
    end = start + len(text)
    if re.fullmatch(rf"(?:{_NUMBER}):", text):  # as tqdm puts one between what it shows and its bar
        text = text[:-1]
    return source.cell(start, start + len(text)), end
