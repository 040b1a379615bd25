"""A set of files on its way to its names: what may be found in its folder at any moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from derive.source import staging
from derive.source.file_sets import COMMITTED, write_set

NAMES = ("steps.csv", "epochs.csv", "comparison.csv")


def texts(letter: str) -> Mapping[str, str]:
    """A set by its letter."""
    return dict.fromkeys(NAMES, letter * 5000)


def found(folder: Path) -> Mapping[str, str]:
    """The files of the set that are there."""
    return {name: (folder / name).read_text() for name in NAMES if (folder / name).exists()}


def left(folder: Path) -> list[Path]:
    """Temporary files and folders."""
    return list(folder.rglob(f"{staging.PREFIX}*"))


def nothing(folder: Path) -> None:
    """No folder yet."""


def alone(folder: Path) -> None:
    """The old set, and nothing else."""
    write_set(folder, texts("a"))


def beside_others(folder: Path) -> None:
    """The old set beside a file of the user."""
    alone(folder)
    (folder / "notes.txt").write_text("mine")


def broken_off(folder: Path) -> None:
    """A set that a killed run has left on its way to its names, beside a file of the user."""
    alone(folder)
    (folder / "notes.txt").write_text("mine")
    (folder / COMMITTED).mkdir()
    for name in NAMES:
        (folder / name).rename(folder / COMMITTED / name)


def check_broken_off(target: Path, begin: Callable[[Path], None]) -> None:
    """Holds that a writing of the set `b` that was killed has left one whole set, and that the next run ends it."""
    seen = found(target)
    old = {} if begin is nothing else texts("a")
    if seen not in (old, texts("b")):
        # among other files names change one by one: what is missing waits whole, and two runs never stand together
        assert begin in (beside_others, broken_off)
        assert len({text[0] for text in seen.values()}) <= 1
        waiting = {path.name: path.read_text() for path in (target / COMMITTED).iterdir()}
        assert {**seen, **waiting} in (texts("a"), texts("b"))
    if begin in (beside_others, broken_off):
        assert (target / "notes.txt").read_text() == "mine"
    write_set(target, texts("c"))
    assert found(target) == texts("c")
    assert left(target.parent) == []
