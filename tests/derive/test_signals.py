"""Ctrl-C and SIGTERM: one line, the status of a shell, and no file that is half there."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from derive.signals import undisturbed
from derive.source.file_sets import write_set
from derive.source.files import write_whole

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
ENDS = [(signal.SIGINT, 130, b"interrupted\n"), (signal.SIGTERM, 143, b"terminated\n")]
IMPORTS = "import os, signal\nfrom derive import signals\nfrom derive.console import end_with, progress\n"


def ended(program: str, *, ignored: bool = False) -> subprocess.CompletedProcess[bytes]:
    """A program of its own; with `ignored` it is started as nohup and `&` do."""
    start = [sys.executable, "-c", IMPORTS + program]
    if ignored:
        start = ["sh", "-c", 'trap \'\' INT; exec "$0" "$@"', *start]
    return subprocess.run(start, cwd=ROOT, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize(("number", "status", "line"), ENDS)
@pytest.mark.parametrize("how", ["{}", "exec('{}')"])  # exec: as dataclasses do, while modules are imported
def test_a_command_ends_in_one_line(number: signal.Signals, status: int, line: bytes, how: str) -> None:
    command = how.format(f"os.kill(os.getpid(), {number.value})")
    done = ended(f"end_with(lambda: {command})")
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", line)


def test_a_library_that_catches_everything_does_not_lose_it() -> None:
    done = ended("def main():\n  try: signal.raise_signal(2)\n  except BaseException: pass\n  return 0\nend_with(main)")
    assert (done.returncode, done.stderr) == (130, b"interrupted\n")


def test_a_second_one_says_nothing() -> None:
    program = (
        "def words():\n  signal.raise_signal(2)\n  return ' twice'\n"
        "signals.tell_how_far(words)\nend_with(lambda: signal.raise_signal(2))"
    )
    done = ended(program)
    assert (done.returncode, done.stderr) == (130, b"interrupted twice\n")


def test_it_says_how_far_the_command_is() -> None:
    done = ended("progress()(2000, 15000, 'one number disagrees')\nend_with(lambda: signal.raise_signal(15))")
    assert (done.returncode, done.stderr) == (143, b"terminated after step 2,000 of 15,000: one number disagrees\n")


def test_the_last_status_stands() -> None:
    """When the command is done, and while Python ends for a profiler, neither is heard."""
    program = (
        "import atexit, sys\nsys.setprofile(lambda *_: None)\n"
        "atexit.register(lambda: signal.raise_signal(2))\nend_with(lambda: 3)"
    )
    done = ended(program)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_signal_that_is_ignored_stays_so() -> None:
    done = ended("end_with(lambda: signal.raise_signal(2) or 3)", ignored=True)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_stderr_that_is_closed_changes_no_status() -> None:
    done = ended("os.close(2)\nend_with(lambda: signal.raise_signal(2))")
    assert (done.returncode, done.stderr) == (130, b"")


# --- while files are written


def test_what_is_undisturbed_is_finished_first() -> None:
    finished = []

    def write() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert finished


def test_a_thread_that_takes_the_signal_does_not_disturb() -> None:
    """To block signals in the main thread would leave them to the others, as PyTorch has."""
    finished = []
    over = threading.Event()
    other = threading.Thread(target=over.wait, args=(60,))
    other.start()

    def write() -> None:
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            finished.append(sum(range(100_000)))

    with pytest.raises(KeyboardInterrupt):
        write()
    over.set()
    other.join()
    assert finished == [4_999_950_000]


def test_the_handlers_are_there_again() -> None:
    before = [signal.getsignal(number) for number, _, _ in ENDS]
    with undisturbed():
        pass
    assert [signal.getsignal(number) for number, _, _ in ENDS] == before


def test_in_another_thread_nothing_is_exchanged() -> None:
    seen = []

    def look() -> None:
        with undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


CALLS = ("fsync", "fchmod", "rename", "replace", "open", "mkdir", "fdopen")  # of `os`, of which pathlib makes its own


@pytest.mark.parametrize("call", CALLS)
def test_files_are_whole_wherever_it_comes(tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, came = getattr(os, call), []

    def disturbed(*given: object, **named: object) -> object:
        came.append(call)
        signal.raise_signal(signal.SIGINT)
        return real(*given, **named)

    monkeypatch.setattr(f"os.{call}", disturbed)
    names = {"a.csv": "1\n", "b.csv": "2\n"}
    for write in (lambda: write_set(tmp_path / "new/out", names), lambda: write_whole(tmp_path / "c.csv", "3\n")):
        try:
            write()
        except KeyboardInterrupt:
            assert came
    monkeypatch.undo()
    assert came, f"os.{call} is not called"
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert written == {"new/out/a.csv": "1\n", "new/out/b.csv": "2\n", "c.csv": "3\n"}


# --- the commands themselves; tests/benchmarks/interruptions.py has hundreds of moments


@pytest.mark.parametrize(("number", "status", "line"), ENDS)
@pytest.mark.parametrize("seconds", [0.02, 0.2, 0.6, 1.2])
def test_a_command_ends_at_any_moment(
    tmp_path: Path, number: signal.Signals, status: int, line: bytes, seconds: float
) -> None:
    command = ["verify", "article", "--epochs", "3000", "--csv", str(tmp_path / "out.csv")]
    start = [sys.executable, "tests/signal_later.py", str(seconds), str(number.value), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", line)
    assert list(tmp_path.iterdir()) == []
