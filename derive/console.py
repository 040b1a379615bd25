"""The top of every command: what ends it, in one line and an exit status, never a traceback for bad input."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from derive.characters import ascii_text, inert
from derive.errors import HandgradError, OutputError
from derive.signals import end_at_once, ignore, tell_how_far

# Exit statuses: 0 done, or agrees; 1 disagrees; 2 the input cannot be read; 3 undecided (never 1 or 3 from derive).
BAD_INPUT, CLOSED = 2, 141  # 128 + SIGPIPE, as a shell reports it
# Objects made before unused cycles among them are looked for, and so often for older ones: next to nothing here is in
# a cycle, and to look through all numbers of a large problem again and again took a sixth of its time (mypy does so).
_COLLECTED = (200_000, 30, 30)
_TO_END_OF_LINE = "\x1b[K"  # takes away what an earlier, longer line has left
TOLD_EVERY = 1.0  # seconds between two lines of progress: a person reads along, and the terminal costs nothing

Progress = Callable[[int, int, str], None]  # called with the step, the last step, and what is found so far


def end_with(command: Callable[[], int]) -> NoReturn:
    """Runs `command` as a process of its own, and ends the process with the exit status that it returns.

    The process ends at once, without Python's clean-up: nothing is left to write, and to free what SymPy or PyTorch
    hold object by object takes as long as a third of `import sympy` (mypy ends so too). Ctrl-C and SIGTERM end it as
    `derive.signals` says.
    """
    end_at_once()
    gc.set_threshold(*_COLLECTED)
    status = run(command)
    ignore()
    if sys.getprofile() or sys.gettrace():
        sys.exit(status)  # a profiler or a debugger has something to print
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.flush()
    os._exit(status)


def run(command: Callable[[], int]) -> int:
    """Runs `command` and returns its exit status, or that of an error of the input, which is printed to stderr.

    That is 2, or 3 where a table claims nothing; a reader of stdout that went away gives 141 and no message.
    """
    try:
        status = _status(command)
        _flush()
        return status
    except HandgradError as error:
        complain(str(error))
        return error.exit_status
    except RecursionError:
        return complain("the input is nested too deeply; split it into smaller pieces")
    except MemoryError:
        return complain("the input is too large for this machine's memory")
    except BrokenPipeError:
        _drop_stdout()
        return CLOSED


def _status(command: Callable[[], int]) -> int:
    """The exit status of a command, also where argparse ends it: after --help, or a message on the usage."""
    try:
        return command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0


class CommandParser(argparse.ArgumentParser):
    """A parser whose help is data like any other: argparse is silent where it cannot be written, and ends with 0."""

    def print_help(self, file: Any = None) -> None:
        """Prints the help to stdout, or to `file`. Raises `OutputError` where stdout takes no more."""
        if file is None:
            write_out(self.format_help())
        else:
            super().print_help(file)


def say(message: str) -> None:
    """Prints a message to stderr, since stdout is for data; where stderr is closed or full, the message is lost."""
    if sys.stderr is not None:  # None would mean stdout to `print`
        with contextlib.suppress(OSError):
            # an argument that is not UTF-8 has characters that some streams refuse
            print(inert(message.encode(errors="backslashreplace").decode()), file=sys.stderr)


def write_out(text: str, plain: Callable[[], str] | None = None) -> None:
    """Prints data to stdout, with a line end; in ASCII where stdout has no such characters, and `inert`.

    `plain` gives the ASCII text where there is a better one than `ascii_text` of `text`. Raises `OutputError` where
    stdout is closed or takes no more, such as a full disk, and `BrokenPipeError` where its reader went away.
    """
    if sys.stdout is None:
        raise OutputError("the output cannot be written: stdout is closed")
    text = inert(text)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = ascii_text(inert(plain()) if plain else text)
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    except OSError as failure:
        _refuse(failure)


def _flush() -> None:
    try:
        if sys.stdout is not None:  # closed: a command that printed anything has been refused by now
            sys.stdout.flush()
    except OSError as failure:
        _refuse(failure)


def _refuse(failure: OSError) -> NoReturn:
    if isinstance(failure, BrokenPipeError):
        raise failure
    _drop_stdout()
    raise OutputError(f"the output cannot be written: {failure.strerror}") from None


def _drop_stdout() -> None:
    """Points stdout to nowhere: Python flushes it once more when it ends, which would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> int:
    """Prints what is wrong with the input to stderr, and returns the exit status of that."""
    say(f"error: {message}")
    return BAD_INPUT


def progress() -> Progress:
    """Returns a function that keeps how far a command is, for Ctrl-C to say.

    Where stderr is a terminal, it writes `step 12,000 of 1,500,000: no number disagrees; 40 s left` there, at most once
    in `TOLD_EVERY` seconds, and takes it away after the last step.
    """
    is_seen = sys.stderr is not None and sys.stderr.isatty()
    begun = told = time.monotonic()
    words = ""
    tell_how_far(lambda: words)

    def tell(step: int, last: int, found: str) -> None:
        nonlocal told, words
        words = f" after step {step:,} of {last:,}: {found}"
        now = time.monotonic()
        if is_seen and (now - told >= TOLD_EVERY or (step >= last and told > begun)):
            told = now
            left = _time((now - begun) / step * (last - step))
            line = f"step {step:,} of {last:,}: {found}; {left} left" if step < last else ""
            sys.stderr.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}{_TO_END_OF_LINE}")
            sys.stderr.flush()

    return tell


def _time(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def list_problems(rows: Sequence[tuple[str, str]]) -> int:
    """Prints `rows`, at least one name of a problem with its title; returns the exit status 0."""
    width = max(len(name) for name, _ in rows)
    write_out("\n".join(f"{name.ljust(width)}  {title}" for name, title in rows))
    return 0


def tell(notes: Iterable[str]) -> None:
    """Prints each note, a sentence that a user should know about the input, to stderr."""
    for note in notes:
        say(f"note: {note}")
