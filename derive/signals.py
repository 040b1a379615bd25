"""Ctrl-C and SIGTERM: a command ends in one line that says how far it was, with 130 or 143, and writes no half file.

This module imports next to nothing: the handlers are set before the imports that take long.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

from derive.exports import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_how_far: list[Callable[[], str]] = []  # the last one says how far the command is


def end_at_once() -> None:
    """From here on Ctrl-C and SIGTERM end the process in one line on stderr, whatever it is doing.

    An exception in the place of that is lost in a library that catches all of them while it is imported, or leaves one
    that is half imported and complains. A signal that is ignored, as nohup has it, stays so.
    """
    for number in _WORDS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def ignore() -> None:
    """From here on neither of them is heard: the command is done, and its status stands."""
    for number in _WORDS:
        signal.signal(number, signal.SIG_IGN)


def tell_how_far(words: Callable[[], str]) -> None:
    """`words` gives what is said after `interrupted`, from here on: " after step 2 of 3"."""
    _how_far.append(words)


def _end(number: int, _frame: object) -> NoReturn:
    ignore()
    words = _how_far[-1]() if _how_far else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{_WORDS[signal.Signals(number)]}{words}\n".encode())
    os._exit(128 + number)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Puts off Ctrl-C and SIGTERM until what belongs together is written.

    Python hears a signal in its main thread alone, whichever thread the system gave it to; so its handlers are
    exchanged. To block the signals would not do: a thread of PyTorch's may take them.
    """
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _WORDS}
    heard = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in heard:
            signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
