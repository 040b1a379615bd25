"""Where files are made before they take their names: temporary names, one writer at a time, and what a kill has left.

A temporary name begins with `.handgrad-`. Who writes in a folder holds its lock; so whatever bears such a name while
the lock is held was left by a program that is dead, and is removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PREFIX = ".handgrad-"
WAITED = 10.0  # seconds for another writer, which needs milliseconds
_TEMPORARY = re.compile(r"\.handgrad-[a-z0-9_]{8}")  # as `tempfile` makes them


@contextlib.contextmanager
def alone_in(*folders: Path) -> Iterator[None]:
    """Holds the lock of each folder, outer ones first, and removes what a program that was killed has left in them.

    The lock is on the folder itself: nothing is written for it, and it ends with the process. Raises `OSError` where
    another program holds it for `WAITED` seconds. Where the system has no such locks, two writers are not kept apart.
    """
    held: list[int] = []
    try:
        for folder in folders:
            held += _locked(folder)
            _clean(folder)
        yield
    finally:
        for handle in held:
            os.close(handle)


def _locked(folder: Path) -> list[int]:
    """The open folder that is locked; nothing where it, or its file system, has no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return []
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # it can be written in, and not read
        return []
    until = time.monotonic() + WAITED
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return [handle]
        except OSError as failure:
            if failure.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(handle)
                return []
            if time.monotonic() > until:
                os.close(handle)
                raise OSError(errno.EBUSY, "another program is writing there") from None
            time.sleep(0.01)
        except BaseException:
            os.close(handle)
            raise


def _clean(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                discard(path)


def discard(path: Path) -> None:
    """Removes a temporary file or folder, if it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def write_synced(handle: int, data: bytes, permissions: int) -> None:
    """Writes an open file and closes it, with all of it on the disk."""
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        if hasattr(os, "fchmod"):
            os.fchmod(handle, permissions)
        os.fsync(handle)


def sync(folder: Path) -> None:
    """Puts the names in a folder on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def permissions_of(path: Path, fresh: int) -> int:
    """The permissions of what stands there, else those of something new: `fresh`, less what the user's mask takes."""
    return path.stat().st_mode & 0o777 if path.exists() else fresh & ~_umask()


def _umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def names_in(folder: Path) -> Sequence[str]:
    """The names in a folder, those that are temporary left out; none where there is no such folder."""
    return [path.name for path in folder.iterdir() if not path.name.startswith(PREFIX)] if folder.is_dir() else []
