"""Files that belong together are written as one: at any moment the old set is there or the new one.

All of the new set is first written under a temporary name. Then it takes its place

- by one rename, where there is no folder yet, or an empty one;
- by one exchange of the old folder for the new (Linux), where the folder holds nothing but the set;
- else, where other files stand in the folder, name by name: first the old files go, then the new ones come. POSIX has
  no way to do this at once. While it lasts the new set lies whole in `.handgrad-set`; where it was broken off, the
  files that are there are those of one run, and the next writer begins by finishing it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from derive.errors import OutputError, shorten
from derive.signals import undisturbed
from derive.source.staging import (
    PREFIX,
    alone_in,
    discard,
    names_in,
    permissions_of,
    sync,
    write_synced,
)

COMMITTED = f"{PREFIX}set"  # a set that is complete, and on its way to its names
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux, renameat2(2)


def write_set(folder: str | os.PathLike[str], contents: Mapping[str, str]) -> tuple[str, ...]:
    """Writes a set of text files into `folder`, which is made if need be, and returns their paths.

    `contents` are the texts by the name of the file; other files in the folder stay. Raises `OutputError`; then the old
    set is there as it was, unless the message says that the new one is finished by the next run.
    """
    place = Path(folder)
    try:
        target = place.resolve()
        with undisturbed():
            _write_alone(target, contents)
    except (OSError, ValueError, RuntimeError) as failure:  # not a path; a loop of links
        reason = getattr(failure, "strerror", None) or "not possible"
        name = shorten(os.fspath(folder), 200)
        raise OutputError(f"the files of {name} cannot be written: {reason}; {_left(place)}") from None
    return tuple(str(place / name) for name in contents)


def _write_alone(target: Path, contents: Mapping[str, str]) -> None:
    made = _made(target.parent)
    try:
        with alone_in(target.parent, *([target] if target.is_dir() else [])):
            _write(target, contents)
    except BaseException:
        _unmake(made)
        raise


def _write(target: Path, contents: Mapping[str, str]) -> None:
    if not target.is_dir() or _is_replaceable(target, contents):
        try:
            _as_a_folder(target, contents)
        except _NoExchangeError:
            _among_others(target, contents)
    else:
        _among_others(target, contents)


def _left(place: Path) -> str:
    if (place / COMMITTED).exists():
        return "run the command again, which finishes writing them"
    return "nothing was written"


def _is_replaceable(target: Path, names: Mapping[str, str]) -> bool:
    """Whether the folder as a whole may be put aside: nothing but the set is in it, and nobody lives there."""
    if os.path.ismount(target) or not os.access(target.parent, os.W_OK | os.X_OK | os.R_OK):
        return False
    found = names_in(target)
    if (target / COMMITTED).exists() or not all(name in names and _is_plain(target / name) for name in found):
        return False
    own = target.stat()
    is_ours = not hasattr(os, "geteuid") or own.st_uid == os.geteuid()
    lives_there = Path.cwd().is_relative_to(target)
    return is_ours and not lives_there and not own.st_mode & 0o7000


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _as_a_folder(target: Path, contents: Mapping[str, str]) -> None:
    """The new folder in the place of none, of an empty one, or of one that holds the old set alone."""
    staged = _staged(target.parent, contents, target)
    try:
        if names_in(target):
            _exchange(staged, target)
        else:
            if target.is_dir():
                target.rmdir()
            staged.rename(target)
        sync(target.parent)
    finally:
        discard(staged)


def _made(folder: Path) -> Sequence[Path]:
    """Makes a folder and those above it; returns those that were made, inner ones first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _unmake(folders: Sequence[Path]) -> None:
    """Removes empty folders."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _among_others(target: Path, contents: Mapping[str, str]) -> None:
    """The new files in a folder that has others."""
    _finish(target)
    staged = _staged(target, contents, target)
    try:
        staged.rename(target / COMMITTED)
        _finish(target)
    finally:
        discard(staged)


def _finish(target: Path) -> None:
    """Gives the files of a complete set their names, also where that was begun before.

    The first file replaces the old one at once; the others of the old set have gone by then, so never two runs stand
    side by side.
    """
    committed = target / COMMITTED
    waiting = sorted(committed.iterdir()) if committed.is_dir() else []
    for path in waiting[1:]:
        (target / path.name).unlink(missing_ok=True)
    for path in waiting:
        path.replace(target / path.name)
    if committed.is_dir():
        sync(target)
        committed.rmdir()


def _staged(folder: Path, contents: Mapping[str, str], target: Path) -> Path:
    """All files of the set in a temporary folder in `folder`, with the permissions of those in `target`."""
    staged = Path(tempfile.mkdtemp(dir=folder, prefix=PREFIX))
    try:
        for name, text in contents.items():
            handle = os.open(staged / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            write_synced(handle, text.encode(), permissions_of(target / name, 0o666))
        sync(staged)
        staged.chmod(permissions_of(target, 0o777))
    except BaseException:
        discard(staged)
        raise
    return staged


class _NoExchangeError(OSError):
    """The system, or this file system, cannot exchange two folders."""


def _exchange(first: Path, second: Path) -> None:
    """Exchanges two folders at once: renameat2(2), which Python's `os` does not have. Raises `_NoExchangeError`."""
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if rename is None or rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) != 0:
        raise _NoExchangeError
