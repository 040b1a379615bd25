"""An explicit list of batches, and settings of batches that contradict one another or the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from derive.errors import Place, SettingError
from derive.source.numerals import Numeral, NumeralError, shown

Batches = tuple[tuple[int, ...], ...]

MAX_ROWS = 1_000_000  # in all batches together; a longer list is refused


def read_batches(value: object) -> Batches:
    """Returns the rows of each batch, from 0; `value` is a list of lists in a file, the text `[[0, 1], [2]]` as a flag.

    Raises `NumeralError` for anything else, an empty batch, a row twice in one batch, or more than `MAX_ROWS`.
    """
    if isinstance(value, str) and not isinstance(value, Numeral):
        value = _from_flag(value)
    if not isinstance(value, list | tuple):
        raise NumeralError("is not a list of batches")
    if not value:
        raise NumeralError("has no batches")
    batches = tuple(_rows(rows, f"batch {number}") for number, rows in enumerate(value, start=1))
    if sum(map(len, batches)) > MAX_ROWS:
        raise NumeralError(f"has more than {MAX_ROWS:,} rows")
    return batches


def _from_flag(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        raise NumeralError("is not a list of batches") from None
    return found


def _rows(rows: object, which: str) -> tuple[int, ...]:
    """The rows of one batch, each once."""
    if not isinstance(rows, list | tuple):
        raise NumeralError(f"has {shown(rows)} where {which} should stand")
    if not rows:
        raise NumeralError(f"has no rows in {which}")
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, bool) or not isinstance(row, int) or row < 0:
            raise NumeralError(f"has {shown(row)} in {which}, which is no row")
        if row in seen:
            raise NumeralError(f"has row {shown(row)} twice in {which}")
        seen.add(row)
    return tuple(rows)


def refuse_contradictions(
    settings: Mapping[str, object], samples: int, place: Callable[[str], Place | None] = lambda _: None
) -> None:
    """Raises `SettingError` for settings of a step that exclude each other, or do not fit data of `samples` rows.

    `settings` are checked values by name; `samples` is 0 without data; `place` says where a setting stands.
    """
    for key, other, why in _contradictions(settings):
        raise SettingError(f"both {key} and {other} are given: {why}; keep one", place(key))
    batches = settings.get("batches")
    if isinstance(batches, tuple):
        _refuse_rows(batches, samples, place("batches"))
    size = settings.get("batch_size")
    if settings.get("drop_last") and samples and isinstance(size, int) and size > samples:
        message = f"drop_last with batch_size = {size} leaves no batch of the {samples} samples"
        raise SettingError(f"{message}; expected a batch_size of at most {samples}", place("drop_last"))


def _contradictions(settings: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Pairs of settings, and why one excludes the other."""
    listed = settings.get("batches") is not None
    others = [key for key in ("batch_size", "shuffle", "drop_last") if listed and settings.get(key)]
    found = [("batches", key, "a list of batches says which rows each has") for key in others]
    zero, count = settings.get("zero_grad"), settings.get("accumulate")
    if zero is not None and zero != 1 and count not in (None, 1):  # true is 1
        found.append(("zero_grad", "accumulate", "with accumulate the gradient is set to zero after each update"))
    return found


def _refuse_rows(batches: Batches, samples: int, place: Place | None) -> None:
    """Every row is one of the data's."""
    if not samples:
        raise SettingError("batches has no effect without [data]; leave it out", place)
    for number, rows in enumerate(batches, start=1):
        if max(rows) >= samples:
            message = f"batches: batch {number} has row {shown(max(rows))}, but the data have {samples} rows"
            raise SettingError(f"{message}, counted from 0 to {samples - 1}", place)
