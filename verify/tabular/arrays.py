"""An array as programs print it: `[0.45 0.25]`, `tensor([[1., 2.]])`, `array([0.45], dtype=float32)`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal as OneOf

from derive.source.numerals import NumeralError

_OPENING = re.compile(r"(?:Parameter containing:\s*)?(?:[\w.]*(?:tensor|array|matrix)\s*\(\s*)?(?=\[)", re.IGNORECASE)
_SCALAR = re.compile(
    r"(?:Parameter containing:\s*)?[\w.]*(?:tensor|array)\s*\(\s*([^\s,()\[\]]+)\s*,?((?:[^()]|\([^()]*\))*)\)",
    re.IGNORECASE,
)
_REST = re.compile(r"(?:[\s,]*[a-z_]+=(?:[^,()]|\([^()]*\))*)*[\s,]*\)?", re.IGNORECASE)  # dtype=float32, grad_fn=<…>
_LEFT_OUT = re.compile(r"(?<![^\s\[,])(?:\.{2,}|[…⋯⋮])(?![^\s\],])(?:\s*,)?")
_PAIR = re.compile(r"[+-]?\d+,\d+")  # two numbers, or one with a decimal comma
_TOKEN = re.compile(r"\s+|[\[\],;]|[^\s\[\],;]+")


@dataclass(frozen=True)
class Array:
    """The numbers of an array as they are written, each with its index and where in the text it stands.

    `gap` is how many entries stand before the dots in whose place a program has left some out; None without dots.
    """

    shape: tuple[int, ...]
    entries: tuple[tuple[tuple[int, ...], str, int], ...]
    gap: int | None = None


def is_array(text: str) -> bool:
    """Whether a cell begins as an array does."""
    return ("[" in text or "(" in text) and bool(_OPENING.match(text) or _SCALAR.fullmatch(text.strip()))


def read_array(text: str) -> Array:
    """The numbers of an array. Raises `NumeralError`, whose message completes the sentence "'…' ..."."""
    scalar = _SCALAR.fullmatch(text.strip())
    if scalar is not None:
        return Array((), (((), scalar[1], text.index(scalar[1], text.index("("))),))
    opening = _OPENING.match(text)
    if opening is None:
        raise NumeralError("is not an array")
    start = opening.end()
    stop = _closing(text, start)
    if stop is None or not _REST.fullmatch(text[stop:]) or ("(" in opening[0]) != text.rstrip().endswith(")"):
        raise NumeralError("is an array whose brackets do not match")
    dots = list(_LEFT_OUT.finditer(text, start, stop))
    if not dots:
        return _parsed(text, start, stop)
    found = _parsed(_LEFT_OUT.sub(lambda match: " " * len(match[0]), text), start, stop)
    if len(dots) > 1 or len(found.shape) > 1:
        raise NumeralError("is an array of which more is left out than entries in one place")
    return replace(found, gap=sum(at < dots[0].start() for _, _, at in found.entries))


def commas_of(text: str, shape: Sequence[int] | None = None) -> OneOf["", "decimal", "separating", "either"]:
    """What the commas of an array are; nothing where none can be a decimal comma, "either" where nothing tells.

    Of an array of a known `shape`, that tells if one of the two gives it. Otherwise they separate where a point stands
    beside one, or one behind a bracket and no blank anywhere (`[[1,2],[3,4]]`, JSON); where blanks separate the
    numbers, commas do not.
    """
    inner = re.sub(r"[\[\]();]", " ", text[text.index("[") if "[" in text else text.index("(") :])
    pieces = [piece.strip(",") for piece in inner.split()]
    if not any(_PAIR.fullmatch(piece) for piece in pieces):
        return ""
    if shape is not None and (gives := _gives(text, shape)) != _gives(with_decimal_points(text), shape):
        return "separating" if gives else "decimal"
    if any("." in piece and "," in piece for piece in pieces):
        return "separating"
    if re.search(r"\]\s*,", text):
        return "either" if re.search(r"\s", text.strip()) else "separating"
    return "either" if len(pieces) == 1 else "decimal"


def with_decimal_points(text: str) -> str:
    """An array of numbers with decimal commas, with points."""
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def _gives(text: str, shape: Sequence[int]) -> bool:
    """Whether an array is of a shape, but for axes of one entry."""
    try:
        found = read_array(text).shape
    except NumeralError:
        return False
    return [size for size in found if size != 1] == [size for size in shape if size != 1]


def _closing(text: str, start: int) -> int | None:
    """The end of the bracket that opens at `start`; None where it does not close."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "[") - (text[at] == "]")
        if not depth:
            return at + 1
    return None


def _parsed(text: str, start: int, stop: int) -> Array:
    """The entries by their indices: a bracket is one axis, and a `;` begins a new row, as in MATLAB."""
    counts: list[int] = []  # of the open brackets, what they hold so far
    entries: list[tuple[tuple[int, ...], str, int]] = []
    rows = 0  # begun by a ";"
    before = ""
    for match in _TOKEN.finditer(text, start, stop):
        token = match[0]
        if token.isspace():
            continue
        if token in ",;" and before in ("[", ",", ";", ""):
            raise NumeralError("has a separator with no number before it")
        if token == "[":
            if counts:
                counts[-1] += 1
            counts.append(0)
        elif token == "]":
            counts.pop()
        elif token == ";":
            rows += 1
            counts[-1] = 0
        elif token != ",":
            index = (*(count - 1 for count in counts[:-1]), counts[-1])
            counts[-1] += 1
            entries.append(((rows, *index) if ";" in text[start:stop] else index, token, match.start()))
        before = token
    return Array(_shape([index for index, _, _ in entries]), tuple(entries))


def _shape(indices: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The size along each axis. Raises `NumeralError` where the rows are not of one length."""
    if not indices:
        raise NumeralError("is an array without numbers")
    rank = max(map(len, indices))
    if any(len(index) != rank for index in indices):
        raise NumeralError("is an array whose rows are not of one length")
    shape = tuple(max(index[axis] for index in indices) + 1 for axis in range(rank))
    if list(indices) != list(product(*map(range, shape))):
        raise NumeralError("is an array whose rows are not of one length")
    return shape
