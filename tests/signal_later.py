"""Runs a command that sends itself a signal some time after it has begun to listen for it.

    python tests/signal_later.py SECONDS SIGNAL MODULE [ARGUMENT ...]

What comes before the handlers are set is the interpreter's own, and prints what it prints.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time


def _send(seconds: float, number: int) -> None:
    while signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    _delay, _number, *sys.argv = sys.argv[1:]
    threading.Thread(target=_send, args=(float(_delay), int(_number)), daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
