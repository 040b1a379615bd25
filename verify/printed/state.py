"""What one line of a log shows: names with their numbers, counters, and words. Bars and clocks are passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from derive.errors import ClaimError, shorten
from verify.printed.phrases import AT, COUNTING, COUNTS, FILLER, IS, WORDS, ordinal, says_no_number
from verify.tabular.grid import PartError, Source
from verify.tabular.records import Record
from verify.tabular.written import COUNTED_OF, Written

ENDS = re.compile(r"[\n\r\b]|\Z")  # of what a line shows at one time: progress is written over itself
COUNT = re.compile(
    rf"(?P<word>{WORDS})\.?(?:[ \t]+(?:no|nr|number|num)\b\.?)?[ \t]*[#:=]?[ \t]*[\[(]?[ \t]*(?P<number>\d{{1,15}})"
    r"(?:[ \t]*(?:/|of)[ \t]*(?P<all>\d{1,15}))?[\])]?[ \t]*:?(?![^\s,;|\])\[]|[.,]\d)",
    re.IGNORECASE,
)
_OF = re.compile(r"(?P<number>\d{1,15})[ \t]*/[ \t]*(?P<all>\d{1,15})(?![\w/.])(?:\]?[ \t]*:(?=[ \t]))?")
_NUMBER = r"[-+−]?(?:\d+(?:,\d+)*(?:\.\d+|\.(?![.\d]))?|\.\d+)(?:[eE][-+]?\d+)?(?:\.\.+|…)?(?:\(\d{1,3}\))?"
_NUMBER += r"|[-+]?(?:nan|inf(?:inity)?)"
_CALL = r"[\w.]*(?:tensor|array)\("
# after a word of up to four letters a full stop is that of an abbreviation, as in `Avg. loss`, and not of a sentence
_NAME = r"(?:[^\W\d_]|[∂∇])(?:[\w'/^∂∇*@-]|\.(?=\w))*(?:\[[\d, ]*\]|\(\w+\)|(?<!\w{5})\.(?=[ \t]))?"
_WORDED = re.compile(  # a name, blanks and a number that is not part of the name of another one
    rf"(?P<key>{_NAME}(?:[ \t]{_NAME}){{0,3}}?){IS}"
    rf"(?P<value>(?:{_NUMBER})(?:%|[a-zµ]+(?:/[a-z]+)?)?|\[[ \t]*[-+.\d][^\[\]/\n]*\]|"
    rf"{_CALL}(?:[^()]|\([^()]*\))*\))"
    r"(?=[\s,;|)\]]|\.?(?:\s|$))(?![ \t]*[=:/])",
    re.IGNORECASE,
)
KEY = re.compile(
    r"(?P<key>[^\W\d_](?:\[[^\[\]\n]*\]|[^=:,;|\[\]\n]){0,200}?|[∂∇][^=:,;|\n]{0,200}?)[ \t]*(?::=|[=:])"
    r"(?:[ \t]*\r?\n(?=[ \t]*[\w.]*\(?\[[\[ \t]*[-+−]?[\d.]+[\s,\]])|[ \t]*)"  # an array may stand below its name
)
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
_BEFORE_COUNT = re.compile(rf"(?:train|training|finished|completed|end of)[ \t]+(?=(?:{WORDS})\b)", re.IGNORECASE)
_BETWEEN = re.compile(
    r"(?:[ \t,;|()\]{}!~>*#%→]|[-=]+>|\[(?![=>#]|\.\.)|\.(?=\s|$)|(?<![^\s|\[(])[-–—=.:]+(?![^\s|]))+"
)
_BAR = re.compile(r"\[[=>.\- #]*[=>.#][=>.\- #]*\]|[━╸╺─]+(?:[ \t]*[━╸╺─]+)*|\d{1,3}%\|[^|\n\r]*\|")
_CLOCK = re.compile(
    r"\d+(?:\.\d+)?[ \t]?(?:%|/s|(?:s|ms|us|µs|min|m|h|it|sec|secs|seconds|minutes|img|samples|examples)"
    r"(?:/(?:it|s|sec|step|epoch|batch|sample|iter))?)(?!\w)|(?:\d+:)+\d+(?:\.\d+)?(?:<(?:\d+:)*[\d?]+)?"
)
_TIMED = re.compile(  # `eta 0:00:04`
    rf"{_NAME}(?:[ \t]{_NAME})?[ \t]*[:=]?[ \t]*(?:\d+:)+\d+(?:\.\d+)?(?![\w.:])|"
    r"eta[ \t]*[:=]?[ \t]*\d+(?:\.\d+)?[ \t]?(?:s|ms|m|min|h|sec|secs|seconds|minutes)\b(?:[ \t]?\d+[ms]\b)?",
    re.IGNORECASE,
)
PLACED = re.compile(
    r"\[[ \t]*(?P<epoch>\d{1,15}),[ \t]*(?P<batch>\d{1,15})[ \t]*\](?=[ \t]*[^\W\d])"
)  # [1,  2000] loss: 2.1
LEADING = re.compile(  # [1] loss=2.1, (1) loss 2.1, 1) loss 2.1, 1: loss 2.1, #1 loss 2.1, 1 loss 2.1
    r"[ \t]*(?:\[[ \t]*(?P<square>\d{1,15})[ \t]*\]|\([ \t]*(?P<round>\d{1,15})[ \t]*\)|\#?(?P<bare>\d{1,15}))"
    rf"(?:[).:]|[ \t]*[-–|,;]+)?(?:[ \t]+|(?<=\])|(?<=\)))"
    rf"(?={_NAME}(?:[ \t]{_NAME}){{0,2}}[ \t]*(?:[=:]|[ \t][-+−]?[.\d]))"
)
_STAMP = re.compile(  # what a program writes in front of a line of its log
    r"[ \t]*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*Z?\]?[ \t]*)?"
    r"(?:(?:INFO|DEBUG|WARNING):[\w.]+:|\[ Info: )?"  # of Python's logging, and of Julia
    r"(?:[ \t\-:|\[]*(?:INFO|DEBUG|WARNING)[ \t\-:|\]]*)?(?:[\w.]+:[\w.<>]+:\d+[ \t]+-[ \t]+)?"
)
_ARROW = re.compile(rf"[ \t]*(?:-+>|→|⟶|=+>)[ \t]*(?P<value>{_NUMBER})(?=[\s,;|)\]]|$)", re.IGNORECASE | re.MULTILINE)
_FROM_TO = re.compile(  # w changes from 0.0 to 0.532
    rf"(?P<key>{_NAME}(?:[ \t]{_NAME}){{0,2}}?)[ \t]+(?:[^\W\d_]+[ \t]+){{0,2}}?from[ \t]+(?P<before>{_NUMBER})[ \t]+"
    rf"to[ \t]+(?P<after>{_NUMBER})(?=[\s,;|)\]]|\.?(?:\s|$))",
    re.IGNORECASE,
)
_NAMED_AT = re.compile(rf"(?P<key>{_NAME}(?:[ \t]{_NAME}){{0,2}}?)[ \t]+(?P<at>{AT})(?={COUNTS})", re.IGNORECASE)
_IS = re.compile(rf"[ \t]*(?:[=:]|(?:is|was)\b)[ \t]*|{IS}", re.IGNORECASE)
_RANGE = re.compile(rf"[ \t]*(?:±|\+/-|\+-)[ \t]*(?:{_NUMBER})%?")
_ARITHMETIC = r"[-+−\d(.√](?:[-+−–*/·×^()\[\].\d \t]|e(?=[-+]?\d)|(?:sqrt|exp|ln|log|tanh|sigmoid)(?=\())*[\d)\]]"
_CALCULATED = re.compile(  # w = 0.5 - 0.01*(-53.2) = 1.032, or w = w - lr*dw = 0.5 - 0.01*(-53.2)
    rf"(?:[^\W\d_][^=:,;|\n]*[*·×/][^=:,;|\n]*=[ \t]*)?"
    rf"(?:(?:{_ARITHMETIC}[ \t]*[=≈][ \t]*)+(?:{_ARITHMETIC}|{_NUMBER})|(?P<alone>{_ARITHMETIC}))(?=\.?(?:[\s,;|]|$))",
    re.IGNORECASE | re.MULTILINE,
)
_OPERATION = re.compile(r"[\d)\]][ \t]*[*·×^+][ \t]*[-+−\d(.]")
_BESIDE = re.compile(r"[\d)][ \t]*\(|\d[ \t]+[\d.]")  # two numbers that no sign joins, as 64.6 (70.1)
_JOINED = re.compile(r"[^\W\d_](?:\d+\.\d|[-+−]\d)")  # loss64.6, dw-53.2: no blank in front of the number
_AVERAGED = re.compile(r"loss|acc|prec|err|top|time|data|batch|score|cost", re.IGNORECASE)  # what meters average
_PARTS = re.compile(r"[ \t]*[,;|\t]|[ \t]+(?:and|[-–—])(?=[ \t])|(?=[\n\r\b])|\Z")  # what parts two pairs
_TWO = "has two numbers; expected the claimed one alone"
_NO_NAME = "no name with its number behind it; expected such as loss=2.25, loss: 2.25 or loss 2.25"
_JOINING = re.compile(r"[ \t]+and[ \t]+")  # of two parts: `J is abc and w = 0.5` has two names
_NO_NUMBER = "stands without a number"  # of a name


class _CountError(ClaimError):
    """Counters that contradict each other: nothing in their line says where it is."""


@dataclass
class State:
    """What a line shows at one time: its counters and numbers in their order, and names without one.

    `counters` are the counters by their words, `numbers` the numbers with their names. `unread` are parts of the line
    that cannot be read, `odd` is why nothing of it can.
    """

    cells: Record = field(default_factory=list)

    counters: dict[str, tuple[Written, Written]] = field(default_factory=dict)
    numbers: Record = field(default_factory=list)
    words: Record = field(default_factory=list)
    label: str = ""
    odd: ClaimError | None = None
    unread: list[PartError] = field(default_factory=list)


def after_stamp(source: Source, at: int) -> int:
    """Where a line begins behind the time and the level that a program has written in front of it."""
    stamp = _STAMP.match(source.text, at)
    return stamp.end() if stamp else at


def state_at(source: Source, at: int, *, leads: bool = False) -> tuple[State, int]:
    """What is shown from a place on, and where the next begins. Raises `ClaimError` for counters that contradict.

    `leads` says that a number in front of a line, `[1] loss=2.1`, is its step, where it says no other one.
    """
    text, found = source.text, State()
    at = after_stamp(source, at)
    leading = LEADING.match(text, at) if leads and ordinal(text, at) is None else None
    if placed := PLACED.match(text, at):
        at = placed.end()
        for word in ("epoch", "batch"):
            _add_counter(Written(word, source.place(placed.start())), source.cell(*placed.span(word)), found)
    elif leading is not None:
        at = leading.end()
    begin, before, counted = at, _lengths(found), 0  # of the part, and what is found before it
    while True:
        skipped, at = at, _behind_signs(text, at)
        if ENDS.match(text, at):
            _end(source, leading, found)
            return found, at + 1
        if re.search(r"[^ \t]", text[skipped:at]) or len(found.counters) > counted:
            begin, before, counted = at, _lengths(found), len(found.counters)
        passed_over = _BAR.match(text, at) or _CLOCK.match(text, at)
        try:
            at = passed_over.end() if passed_over else _next(source, at, found)
        except _CountError:
            raise
        except ClaimError as error:
            at = _passed_part(source, (begin, at), before, error, found)


def _behind_signs(text: str, at: int) -> int:
    """Where something begins again behind bars, separators and words that say nothing."""
    for passed in (_BAR, _BETWEEN, FILLER, _BEFORE_COUNT):
        at = match.end() if (match := passed.match(text, at)) else at
    return at


def _end(source: Source, leading: re.Match[str] | None, found: State) -> None:
    """Takes the number in front of a line that says no other step, and why nothing of a line can be read."""
    if leading is not None and not found.counters:
        number = source.cell(*leading.span(leading.lastgroup or 0))
        _add_counter(Written("step", number.place), number, found)
    if found.unread and not found.numbers:
        found.odd = found.odd or ClaimError(found.unread[0].message, found.unread[0].place)


def _lengths(found: State) -> tuple[int, int, int]:
    return len(found.cells), len(found.numbers), len(found.words)


def _passed_part(
    source: Source, at: tuple[int, int], before: tuple[int, int, int], error: ClaimError, found: State
) -> int:
    """The end of the part of a line that begins at the first place and cannot be read from the second on.

    What is found of it so far is given up: of `w=0.5 0.6` neither number is w.
    """
    for held, count in zip((found.cells, found.numbers, found.words), before, strict=True):
        del held[count:]
    parting = _PARTS.search(source.text, at[1] + 1)
    stop = parting.start() if parting else len(source.text)
    unread = PartError(error.message, error.place)
    unread.part = source.text[at[0] : stop]
    found.unread.append(unread)
    return max(stop, at[1] + 1)


def _next(source: Source, at: int, found: State) -> int:
    """Takes what stands at a place into the state, and says where it ends. Raises `ClaimError` for what is no name."""
    text = source.text
    if (end := _counter(source, at, found)) is not None:
        return end
    if timed := _TIMED.match(text, at):
        return timed.end()
    if label := _LABEL.match(text, at):
        found.label += f"{label['label']} "
        return label.end()
    if (end := _named_at(source, at, found)) is not None:
        return end
    if both := _FROM_TO.match(text, at):
        _add_before_and_after(
            _named(source, both, found),
            source.cell(*both.span("before")),
            source.cell(*both.span("after")),
            found,
        )
        return both.end()
    if worded := _WORDED.match(text, at):
        _check_apart(source, worded.span("key"))
        name = _named(source, worded, found)
        return _with_others(source, name, source.cell(*worded.span("value")), worded.end("value"), found)
    if prose := _PROSE.match(text, at):
        _check_apart(source, prose.span())
        if says := says_no_number(text, *prose.span()):
            message = f"{shorten(says[0])} has no number; write which one it is, such as step 5"
            found.odd = found.odd or ClaimError(message, source.place(says.start()))
        cell = source.cell(*prose.span())
        found.words.append((cell, replace(cell, why=_NO_NUMBER)))
        return prose.end()
    return _keyed(source, at, found)


def _counter(source: Source, at: int, found: State) -> int | None:
    """Takes what counts at a place into the state, `step 3` or `after 3 steps`; where it ends, None for nothing."""
    if count := COUNT.match(source.text, at) or _OF.match(source.text, at):
        _count(source, count, found)
        return count.end()
    if (other := ordinal(source.text, at)) is not None:
        word, number, end = other
        place = source.place(at)
        _add_counter(Written(word, place), Written(number, place), found)
        return end
    return None


def _named_at(source: Source, at: int, found: State) -> int | None:
    """Takes `loss at step 3 is 0.5`, a name whose number stands behind what counts; where it ends, None for nothing."""
    key = _NAMED_AT.match(source.text, at)
    counted = State()
    if key is None:
        return None
    end = _counter(source, key.start("at"), counted) or _counter(source, key.end(), counted)
    if end is None:
        return None
    start = match.end() if (match := _IS.match(source.text, end)) else end
    value = _VALUE.match(source.text, start)
    if value is None or not re.match(
        rf"{_NUMBER}|[\w.]*\(?\[|{_CALL}", source.text[start : value.end()], re.IGNORECASE
    ):
        return None
    for word, number in counted.counters.values():
        _add_counter(word, number, found)
    cell, end = _value(source, value)
    return _with_others(source, _named(source, key, found), cell, end, found)


def _add_before_and_after(name: Written, before: Written, after: Written, found: State) -> None:
    _add(replace(name, text=f"{name.text}_before"), before, found)
    _add(replace(name, text=f"{name.text}_after"), after, found)


def _named(source: Source, match: re.Match[str], found: State) -> Written:
    """The name of a number, with the label of what it is about."""
    cell = source.cell(*match.span("key"))
    return replace(cell, text=f"{found.label}{cell.text}")


def _count(source: Source, match: re.Match[str], found: State) -> None:
    """`Epoch 3/10` as the pair `epoch: 3`; `3/10` alone as the third of ten, of whatever."""
    if match["all"] is not None and int(match["number"]) > int(match["all"]):
        raise _CountError(f"{match[0].strip()!r} counts beyond its end", source.place(match.start()))
    number = source.cell(*match.span("number"))
    if "word" in match.re.groupindex:
        word = source.cell(*match.span("word"))
    else:
        word = Written(f"{COUNTED_OF} {match['all']}", source.place(match.start()))
    _add_counter(word, number, found)


def _add_counter(word: Written, number: Written, found: State) -> None:
    """A counter, once. Raises `ClaimError` for two that differ."""
    if _kind(word) not in found.counters:
        found.cells.append((word, number))
    earlier = found.counters.setdefault(_kind(word), (word, number))
    if earlier[1].text != number.text:
        raise _CountError(f"{shorten(word.text)} stands twice in one row; leave one out", word.place)


def _add(name: Written, number: Written, found: State) -> None:
    if name.text.lower() in COUNTING:
        _add_counter(name, number, found)
    else:
        found.cells.append((name, number))
        found.numbers.append((name, number))


def _kind(word: Written) -> str:
    """What a counter is known by: its word in lower case, or that it has none."""
    return COUNTED_OF if is_of(word) else word.text.lower()


def is_of(word: Written) -> bool:
    """Whether a head is that of `3/10`, which says no word."""
    return word.text.startswith(f"{COUNTED_OF} ")


def _keyed(source: Source, at: int, found: State) -> int:
    """A name with its number behind `=` or `:`, and where it ends. Raises `ClaimError` for anything else."""
    key = KEY.match(source.text, at)
    value = _VALUE.match(source.text, key.end()) if key is not None else None
    if key is None or value is None:
        raise ClaimError(_NO_NAME, source.place(at))
    if (joined := _JOINING.search(key["key"])) is not None and re.search(r"[ \t]", key["key"][: joined.start()]):
        raise ClaimError(_NO_NAME, source.place(at))
    name = _named(source, key, found)
    if calculated := _calculation(source.text, key.end()):
        _add(name, source.cell(*calculated.span()), found)
        return calculated.end()
    cell, end = _value(source, value)
    return _with_others(source, name, cell, end, found)


def _calculation(text: str, at: int) -> re.Match[str] | None:
    """A calculation with its result, or one alone that no dash between two pairs can be taken for."""
    found = _CALCULATED.match(text, at)
    if found is None or found["alone"] is None:
        return found
    alone = found["alone"]
    return found if _OPERATION.search(alone) and not _BESIDE.search(alone) else None


def _check_apart(source: Source, span: tuple[int, int]) -> None:
    """Raises `ClaimError` for a word with a number that may be its value, as `loss64.6`."""
    joined = _JOINED.search(source.text, *span)
    if joined is not None:
        message = "no blank between a name and its number; write such as loss 2.25"
        raise ClaimError(message, source.place(joined.start() + 1))


def _with_others(source: Source, name: Written, cell: Written, end: int, found: State) -> int:
    """Takes a number, and what else is said of it behind; where that ends.

    `w: 0.0 -> 0.5` has w before and after the update. `Loss 6.9 (7.1)` has the average so far in brackets, called
    `avg_Loss`; of what no meter averages it is another number, as is one behind ±, and none of the two is read.
    """
    text = source.text
    if arrow := _ARROW.match(text, end):
        _add_before_and_after(name, cell, source.cell(*arrow.span("value")), found)
        return arrow.end()
    average = _AVERAGE.match(text, end)
    other = None if average and _AVERAGED.search(name.text) else (average or _RANGE.match(text, end))
    if other is not None:
        both = replace(cell, text=f"{cell.text}{other[0]}", why=_TWO)
        _add(name, both, found)
        return other.end()
    _add(name, cell, found)
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
