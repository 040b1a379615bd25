"""What ends a command: one line and an exit status."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from derive.console import progress, run, write_out
from derive.errors import EquationError, OutputError, Place

ROOT = Path(__file__).resolve().parents[2]


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (EquationError("no", Place("f", 1, 3, "a = 2x")), 2, "error: f:1:3: no\n    a = 2x\n      ^\n"),
        (OutputError("full"), 2, "error: full\n"),
        (RecursionError("maximum"), 2, "error: the input is nested too deeply; split it into smaller pieces\n"),
        (MemoryError(), 2, "error: the input is too large for this machine's memory\n"),
    ],
)
def test_errors(capsys: pytest.CaptureFixture[str], error: BaseException, status: int, message: str) -> None:
    assert run(raising(error)) == status
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_status_of_a_command_is_its_own(status: int) -> None:
    assert run(lambda: status) == status


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0)


def test_output_ends_with_one_line_end(capsys: pytest.CaptureFixture[str]) -> None:
    write_out("a")
    write_out("b\n")
    assert capsys.readouterr().out == "a\nb\n"


@pytest.mark.parametrize(
    ("encoding", "written"), [("ascii", b"dl <- x\n"), ("cp1252", b"dl <- x\n"), ("utf-8", "∂l ← x\n".encode())]
)
def test_a_terminal_without_the_characters_gets_ascii(
    monkeypatch: pytest.MonkeyPatch, encoding: str, written: bytes
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
    write_out("∂l ← x")
    sys.stdout.flush()
    assert raw.getvalue() == written
    monkeypatch.undo()


def python(program: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


LOUD = "import sys; from derive.console import run, write_out; sys.exit(run(lambda: write_out('x' * 10**6) or 0))"


def test_a_reader_that_went_away_is_no_error() -> None:
    process = python(LOUD, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert errors == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        process = python(LOUD, stdout=full)
        _, errors = process.communicate(timeout=60)
    assert errors == b"error: the output cannot be written: No space left on device\n"
    assert process.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("package", ["derive", "verify", "tables"])
def test_help_that_cannot_be_written_is_an_error(package: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", package, "--help"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (2, b"error: the output cannot be written: No space left on device\n")


def ended(program: str, *, close: str = "") -> subprocess.CompletedProcess[bytes]:
    """A program under the guard of a command; `close` names streams that are closed before it starts."""
    quoted = [sys.executable, "-c", program]
    if close:
        quoted = ["sh", "-c", f'exec "$0" "$@" {close}', *quoted]
    return subprocess.run(quoted, cwd=ROOT, capture_output=True, check=False, timeout=60)


WRITING = "from derive.console import end_with, write_out; end_with(lambda: write_out('data') or 3)"
REFUSING = """
from derive.errors import ProblemError
from derive.console import end_with

def refuse():
    raise ProblemError("no")

end_with(refuse)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by the shell")
@pytest.mark.parametrize(
    ("program", "close", "status", "out", "err"),
    [
        (WRITING, "", 3, b"data\n", b""),
        (WRITING, ">&-", 2, b"", b"error: the output cannot be written: stdout is closed\n"),
        (WRITING, "2>&-", 3, b"data\n", b""),
        (WRITING, ">&- 2>&-", 2, b"", b""),
        (REFUSING, "", 2, b"", b"error: no\n"),
        (REFUSING, ">&-", 2, b"", b"error: no\n"),
        (REFUSING, "2>&-", 2, b"", b""),
    ],
)
def test_a_closed_stream(program: str, close: str, status: int, out: bytes, err: bytes) -> None:
    done = ended(program, close=close)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_messages_that_cannot_be_written_keep_the_status() -> None:
    assert ended(REFUSING, close="2>/dev/full").returncode == 2


def test_what_profiles_a_command_prints_its_profile() -> None:
    command = [sys.executable, "-m", "cProfile", "-m", "derive", "l = w^2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "function calls" in done.stdout


def test_a_process_ends_at_once_with_all_that_it_printed() -> None:
    program = (
        "import atexit, sys\nfrom derive.console import end_with, write_out\n"
        "atexit.register(lambda: print('the clean-up of Python'))\n"
        "end_with(lambda: sys.stderr.write('note') and (write_out('data ' * 50_000) or 1))"
    )
    done = ended(program)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"data " * 50_000 + b"\n", b"note")


def test_what_is_echoed_never_steers_the_terminal() -> None:
    """An equation from a stranger, in a message; and data."""
    done = ended("from derive.console import *; say('l = w \\x1b[2J'); end_with(lambda: write_out('\\x9b2J x') or 0)")
    assert (done.stdout, done.stderr) == ("�2J x\n".encode(), "l = w �[2J\n".encode())


def test_in_ascii_it_is_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", newline="\n"))
    write_out("∂ \x1b[2J")
    write_out("∂ \x1b[2J", lambda: "d \x1b[2J")
    sys.stdout.flush()
    assert raw.getvalue() == b"d ?[2J\nd ?[2J\n"
    monkeypatch.undo()


def test_a_command_looks_for_unused_cycles_rarely_and_still_does() -> None:
    done = ended("import gc\nfrom derive.console import *\nend_with(lambda: write_out(str(gc.get_threshold())) or 0)")
    assert done.returncode == 0
    first, *others = map(int, done.stdout.decode().strip("()\r\n").split(","))
    assert 100_000 <= first <= 1_000_000
    assert all(0 < other <= 100 for other in others)


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def test_progress_is_told_now_and_then_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    terminal = Terminal()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((60, 20)))
    tell = progress()
    for seconds, step in (
        (0.5, 1_000),
        (2.0, 4_000),
        (2.5, 5_000),
        (200.0, 8_000),
        (9_000.0, 9_000),
        (9_000.0, 12_000),
    ):
        now[0] = 100.0 + seconds
        tell(step, 12_000, "no number disagrees")
    assert terminal.getvalue().split("\r")[1:] == [
        "step 4,000 of 12,000: no number disagrees; 4 s left\x1b[K",
        "step 8,000 of 12,000: no number disagrees; 2 min left\x1b[K",
        "step 9,000 of 12,000: no number disagrees; 50 min left\x1b[K",
        "\x1b[K",
    ]


@pytest.mark.parametrize("steps", [[(10, 10)], [(5, 10), (10, 10)]])
def test_a_short_run_tells_nothing(steps: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    monkeypatch.setattr("sys.stderr", terminal)
    tell = progress()
    for step, last in steps:
        tell(step, last, "no number disagrees")
    assert not terminal.getvalue()


def test_progress_is_not_told_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    log, now = io.StringIO(), [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr", log)
    tell = progress()
    now[0] += 60
    tell(1, 2, "no number disagrees")
    assert not log.getvalue()
