"""Reads the text of a file that a person names, or says why it cannot be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from derive.errors import Place, ProblemError, shorten


def read_text(
    path: str | os.PathLike[str],
    *,
    limit: int,
    what: str,
    error: type[ProblemError] = ProblemError,
    place: Place | None = None,
) -> str:
    """The text of a regular file of at most `limit` bytes of UTF-8, without a byte order mark, lines ending in LF.

    `what` says what was expected ("a problem file"). Raises `error`, at `place`, for anything else.
    """
    name = shorten(os.fspath(path), 200)
    try:
        # looked at before it is opened: opening a named pipe would wait for ever
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise error(f"{name} is {kind}; expected {what}", place)
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise error(f"there is no file {name}; expected {what}", place) from None
    except (OSError, ValueError) as failure:  # ValueError: a null byte or a surrogate in the path
        reason = getattr(failure, "strerror", None) or "not a possible path"
        raise error(f"{name} cannot be read: {reason}", place) from None
    if len(content) > limit:
        raise error(f"{name} is larger than {limit // 10**6} MB; expected {what} of at most that size", place)
    try:
        return clean(content.decode())
    except UnicodeDecodeError as failure:
        raise error(f"{name} is not text in UTF-8 (byte {failure.start + 1}); save it as UTF-8", place) from None


def clean(text: str) -> str:
    """`text` without a byte order mark, with lines ending in LF alone."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
