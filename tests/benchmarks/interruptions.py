"""Ctrl-C and SIGTERM at moments spread over whole commands: how each ended, and what it left in its folder.

Run from the checkout: python tests/benchmarks/interruptions.py
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "derive": ("softmax", "--output", "out"),
    "verify": ("article", "--epochs", "3000", "--csv", "out.csv"),
    "tables": ("article", "--epochs", "300", "--output", "out"),
}
NEVER = 3600.0  # seconds
EXPECTED = {signal.SIGINT: (130, b"interrupted"), signal.SIGTERM: (143, b"terminated")}


def run(name: str, folder: Path, delay: float, number: int) -> tuple[int, bytes, frozenset[str]]:
    """One command in an empty folder, with a signal after `delay` seconds: its status, its stderr, its files."""
    command = [sys.executable, str(ROOT / "tests/signal_later.py"), str(delay), str(number), name, *COMMANDS[name]]
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=found, capture_output=True, check=False, timeout=600)
    left = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return done.returncode, done.stderr, frozenset(left)


def verdict(number: signal.Signals, found: tuple[int, bytes, frozenset[str]], whole: frozenset[str]) -> str:
    """What became of it, in words; a fault where it is none of what is documented."""
    status, message, left = found
    if status == 0 and left == whole:
        return "had ended"
    expected, line = EXPECTED[number]
    if status == expected and message.startswith(line) and message.count(b"\n") == 1 and left in (frozenset(), whole):
        return "one line, its status, " + ("the whole set" if left else "no file")
    return f"FAULT: status {status}, {len(left)} of {len(whole)} files, {message[-200:]!r}"


def main() -> int:
    """Prints the counts; the exit status is 1 where there is a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100, help="of each command (100)")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    draw = random.Random(chosen.seed)
    faults = 0
    for name in COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            _, _, whole = run(name, Path(folder), NEVER, signal.SIGINT)
            lasting = time.monotonic() - began
        counts: Counter[str] = Counter()
        for _ in range(chosen.runs):
            number = draw.choice(list(EXPECTED))
            with tempfile.TemporaryDirectory() as folder:
                counts[verdict(number, run(name, Path(folder), draw.uniform(0, lasting), number), whole)] += 1
        faults += sum(count for word, count in counts.items() if word.startswith("FAULT"))
        print(
            f"{name}: {lasting:.1f} s, {len(whole)} files", *(f"{n:6}  {w}" for w, n in counts.most_common()), sep="\n"
        )
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
