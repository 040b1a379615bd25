"""A file that a person names: its text is read, and a file is written whole or not at all."""

from __future__ import annotations

import codecs
import errno
import os
import stat
import sys
from pathlib import Path

from derive.errors import OutputError, Place, ProblemError, shorten

STANDARD_INPUT = "-"  # a path that stands for it


def read_text(
    path: str | os.PathLike[str],
    *,
    limit: int,
    what: str,
    error: type[ProblemError] = ProblemError,
    place: Place | None = None,
) -> str:
    """Returns the text of a regular file of at most `limit` bytes of UTF-8, as `clean` leaves it.

    UTF-16 with a byte order mark is read too. `what` says what was expected ("a problem file"). Raises `error`, at
    `place`, for anything else.
    """
    content = read_bytes(path, limit=limit, what=what, error=error, place=place)
    return _decoded(content, shorten(os.fspath(path), 200), limit, what, error, place)


def read_bytes(
    path: str | os.PathLike[str],
    *,
    limit: int,
    what: str,
    error: type[ProblemError] = ProblemError,
    place: Place | None = None,
) -> bytes:
    """Returns what a regular file of at most `limit` bytes holds. Raises `error`, at `place`, for anything else."""
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
    _check_size(content, name, limit, what, error, place)
    return content


def read_input(*, limit: int, what: str, error: type[ProblemError] = ProblemError) -> str:
    """Returns the text of standard input, like `read_text`."""
    if sys.stdin is None:
        raise error(f"there is no standard input; expected {what}")
    return _decoded(sys.stdin.buffer.read(limit + 1), "standard input", limit, what, error, None)


def _check_size(
    content: bytes, name: str, limit: int, what: str, error: type[ProblemError], place: Place | None
) -> None:
    if len(content) > limit:
        raise error(f"{name} is larger than {limit // 10**6} MB; expected {what} of at most that size", place)


def _decoded(content: bytes, name: str, limit: int, what: str, error: type[ProblemError], place: Place | None) -> str:
    """The text of at most `limit` bytes in UTF-8, or in UTF-16 where a byte order mark says so."""
    _check_size(content, name, limit, what, error, place)
    encoding = "UTF-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "UTF-8"
    try:
        return clean(content.decode(encoding))
    except UnicodeDecodeError as failure:
        raise error(f"{name} is not text in {encoding} (byte {failure.start + 1}); save it as UTF-8", place) from None


def clean(text: str) -> str:
    """`text` without a byte order mark, with lines ending in LF alone."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")  # line ends of an old Macintosh


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises `OutputError` where a file could not be written, before there is anything to write; changes nothing.

    A disk may still be full when the time comes.
    """
    name = shorten(os.fspath(path), 200)
    try:
        # a link is followed, so that the file it leads to is meant and not the link
        target = Path(path).resolve()
        if target.is_dir():
            raise OutputError(f"{name} is a directory; expected the name of a file to write")
        if not stat.S_ISDIR(target.parent.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(0, "it is write-protected")
        if (target.is_file() or not target.exists()) and not may_create_in(target.parent):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError, RuntimeError) as failure:  # not a path; a loop of links
        reason = getattr(failure, "strerror", None) or "not a possible path"
        raise OutputError(f"{name} cannot be written: {reason}; nothing was written") from None


def may_create_in(folder: Path) -> bool:
    """Whether files can be made in `folder`, which exists."""
    return os.access(folder, os.W_OK | os.X_OK)


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file in one step: what was there before stays until all of the new content is on the disk.

    Text is written as UTF-8, with line ends as they are. Raises `OutputError`; nothing is left behind then.
    """
    check_writable(path)
    name = shorten(os.fspath(path), 200)
    data = content.encode() if isinstance(content, str) else content
    try:
        # a link is followed, so that the file it leads to is replaced and not the link
        target = Path(path).resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # such as /dev/null, which cannot be replaced
        else:
            _replace(target, data)
    except (OSError, ValueError, RuntimeError) as failure:  # not a path; a loop of links
        reason = getattr(failure, "strerror", None) or "not a possible path"
        raise OutputError(f"{name} cannot be written: {reason}; nothing was written") from None


def _replace(target: Path, data: bytes) -> None:
    """Writes a temporary file in the same folder and puts it in the place of `target`."""
    import tempfile  # which takes milliseconds that a command without files does not need

    from derive.signals import undisturbed
    from derive.source.staging import PREFIX, alone_in, discard, permissions_of, sync, write_synced

    with undisturbed(), alone_in(target.parent):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=PREFIX)
        temporary = Path(name)
        try:
            write_synced(handle, data, permissions_of(target, 0o666))
            temporary.replace(target)
            sync(target.parent)
        finally:
            discard(temporary)
