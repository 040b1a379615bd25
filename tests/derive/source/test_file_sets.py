"""A set of files is there as the old one or the new one, also after a kill, on a full disk, and with two writers."""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from derive.errors import OutputError
from derive.source import file_sets, staging
from derive.source.file_sets import COMMITTED, write_set
from derive.source.files import write_whole
from tests.file_sets import NAMES, alone, beside_others, broken_off, check_broken_off, found, left, nothing, texts

CALLS = ("open", "write", "fsync", "fchmod", "chmod", "mkdir", "rename", "replace", "unlink", "rmdir", "close")


def fail_at(place: int, fail: Callable[[], None], *, after: bool) -> None:
    """Makes the `place`-th call that changes a folder or a file fail, before it is done or after."""
    calls = iter(range(1, 10**9))

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def watching(*args: object, **named: object) -> object:
            number = next(calls)
            if number == place and not after:
                fail()
            done = call(*args, **named)
            if number == place and after:
                fail()
            return done

        return watching

    for name in CALLS:
        setattr(os, name, watched(getattr(os, name)))
    file_sets._exchange = watched(file_sets._exchange)  # type: ignore[assignment]


def in_child(folder: Path, letter: str, prepare: Callable[[], None]) -> int:
    """Writes a set in a process of its own; returns how it ended: 0, 1 for an error of the output, -9 for a kill."""
    child = os.fork()
    if not child:
        exit_now = os._exit
        try:
            prepare()
            write_set(folder, texts(letter))
            exit_now(0)
        except OutputError:
            exit_now(1)
        finally:
            exit_now(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def every_fault(folder: Path, begin: Callable[[Path], None], fail: Callable[[], None]) -> Iterator[tuple[int, Path]]:
    """The exit status and the folder for every call that can fail, before it is done and after."""
    for after in (False, True):
        for place in range(1, 200):
            target = folder / f"{after}{place}" / "out"
            target.parent.mkdir()
            begin(target)
            status = in_child(target, "b", lambda place=place, after=after: fail_at(place, fail, after=after))  # type: ignore[misc]
            if status == 0:
                break
            yield status, target


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to kill without fork")


@needs_fork
@pytest.mark.parametrize("begin", [nothing, alone, beside_others, broken_off])
def test_after_a_kill_there_is_one_set_and_the_next_run_leaves_nothing(
    tmp_path: Path, begin: Callable[[Path], None]
) -> None:
    count = 0
    for status, target in every_fault(tmp_path, begin, killed):
        assert status == -signal.SIGKILL
        count += 1
        check_broken_off(target, begin)
    assert count > 20  # there were calls to fail


@needs_fork
@pytest.mark.parametrize("begin", [nothing, alone, beside_others])
def test_on_a_full_disk_there_is_the_old_set(tmp_path: Path, begin: Callable[[Path], None]) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for status, target in every_fault(tmp_path, begin, full):
        assert status == 1
        seen = found(target)
        if seen not in ({} if begin is nothing else texts("a"), texts("b")):
            assert (target / COMMITTED).is_dir()
        write_set(target, texts("c"))
        assert found(target) == texts("c")
        assert left(target.parent) == []


def test_a_set_that_was_broken_off_is_finished_by_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "epochs.csv").write_text("old")
    (tmp_path / COMMITTED).mkdir()
    for name in NAMES[1:]:
        (tmp_path / COMMITTED / name).write_text("new")
    write_set(tmp_path, {"grades.csv": "other"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "notes.txt": "mine",
        "epochs.csv": "new",
        "comparison.csv": "new",
        "grades.csv": "other",
    }


def test_what_a_kill_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".handgrad-abcd1234").write_text("half")
    (tmp_path / ".handgrad-notes").write_text("mine")
    write_whole(tmp_path / "one.csv", "1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".handgrad-notes", "one.csv"]


def test_two_writers_at_once(tmp_path: Path) -> None:
    for begin in (nothing, alone, beside_others):
        target = tmp_path / begin.__name__
        begin(target)
        errors: list[BaseException] = []

        def write(letter: str, target: Path = target, errors: list[BaseException] = errors) -> None:
            try:
                for _ in range(5):
                    write_set(target, texts(letter))
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        writers = [threading.Thread(target=write, args=(letter,)) for letter in "pqr"]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert errors == []
        assert found(target) in [texts(letter) for letter in "pqr"]
        assert left(tmp_path) == []


def test_where_folders_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(_first: Path, _second: Path) -> None:
        raise file_sets._NoExchangeError

    target = tmp_path / "out"
    alone(target)
    monkeypatch.setattr(file_sets, "_exchange", cannot)
    write_set(target, texts("b"))
    assert found(target) == texts("b")
    assert left(tmp_path) == []


def test_a_folder_in_which_the_user_works_stays_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    write_set(".", texts("b"))
    assert (tmp_path.stat().st_ino, found(tmp_path)) == (before, texts("b"))


def test_permissions_stay(tmp_path: Path) -> None:
    target = tmp_path / "out"
    alone(target)
    target.chmod(0o750)
    (target / "steps.csv").chmod(0o640)
    write_set(target, texts("b"))
    assert target.stat().st_mode & 0o777 == 0o750
    assert (target / "steps.csv").stat().st_mode & 0o777 == 0o640


def test_parents_that_were_made_go_with_what_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a/b.* cannot be written: No space left on device; nothing was written"):
        write_set(tmp_path / "a" / "b", texts("b"))
    assert list(tmp_path.iterdir()) == []


@needs_fork
def test_another_writer_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "WAITED", 0.05)
    with staging.alone_in(tmp_path), pytest.raises(OutputError, match="another program is writing there"):
        write_set(tmp_path / "out", texts("b"))
    assert left(tmp_path) == []
