"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from derive.errors import OutputError, shorten
from derive.source.files import check_writable


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
    permissions = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".handgrad-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(permissions)
        temporary.replace(target)
    finally:  # also when Ctrl-C is pressed here
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
