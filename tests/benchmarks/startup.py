"""How long the commands take beside the imports that they cannot do without.

Each command and its baseline run in turn, in fresh interpreters, so that what else the machine does falls on both;
both find their bytecode compiled, as after any first run. Prints figures; judges nothing.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# Python may be told not to keep compiled bytecode; then every start would compile this package, but no library
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Pair(NamedTuple):
    """A command, the baseline it is measured against, and how many times the baseline it may take."""

    command: list[str]
    baseline: list[str]
    target: float


PAIRS = (
    Pair(["-m", "derive"], ["-c", "import sympy"], 1.15),
    Pair(
        ["-m", "verify"],
        ["-c", "import torch, sympy, pandas; torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)"],
        1.18,
    ),
)


def seconds(arguments: list[str]) -> float:
    """Wall-clock seconds of one run of this Python with the given arguments, in the checkout."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{shlex.join(['python', *arguments])}: exit status {done.returncode}\n{done.stderr}")
    return elapsed


def measure(pair: Pair, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of the command and of its baseline, run by run, after one run of each to warm the disk's cache."""
    seconds(pair.command)
    seconds(pair.baseline)
    times = [(seconds(pair.command), seconds(pair.baseline)) for _ in range(runs)]
    return [command for command, _ in times], [baseline for _, baseline in times]


def report(pair: Pair, command: list[float], baseline: list[float]) -> str:
    """Minimum, median and maximum of both, and the median of the ratios, pair by pair."""
    rows = [
        f"{min(times):8.3f} {statistics.median(times):8.3f} {max(times):8.3f}  {shlex.join(['python', *arguments])}"
        for times, arguments in ((command, pair.command), (baseline, pair.baseline))
    ]
    ratio = statistics.median(a / b for a, b in zip(command, baseline, strict=True))
    return "\n".join([*rows, f"median ratio {ratio:.3f}, target at most {pair.target}"])


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main() -> None:
    """Measures each pair and prints its figures."""
    parser = argparse.ArgumentParser(description="Measures the commands against the imports they need.")
    parser.add_argument("--runs", type=positive, default=7, help="runs of each, after one to warm up (default 7)")
    runs: int = parser.parse_args().runs
    print(f"Python {sys.version.split()[0]}, {runs} runs each, in turn; seconds:")
    print(f"{'min':>8} {'median':>8} {'max':>8}")
    for pair in PAIRS:
        print(report(pair, *measure(pair, runs)), flush=True)


if __name__ == "__main__":
    main()
