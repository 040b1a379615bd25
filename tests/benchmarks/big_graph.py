"""How long a big graph takes to derive: x ← x² + x, a thousand times and ten thousand times, beside SymPy on the whole.

Run from the checkout: python tests/benchmarks/big_graph.py
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sympy

from derive.chain.derivation import differentiate
from derive.graph.graph import build
from derive.paper.lines import read_lines

SIZES = (1_000, 10_000)
LEVELS = (4, 8, 12)
LAST = 16  # takes half a minute
SECONDS, RATIO = 5.0, 1.5  # the targets


def chain(lines: int) -> str:
    """The equations x1 = x0² + x0, x2 = x1² + x1, and so on."""
    return "\n".join(f"x{k + 1} = x{k}^2 + x{k}" for k in range(lines))


def stages(lines: int) -> tuple[float, float, float]:
    """The seconds for reading the equations, building their graph, and differentiating it."""
    text = chain(lines)
    start = time.perf_counter()
    read = read_lines(text)
    middle = time.perf_counter()
    graph = build(read, parameters=["x0"])
    built = time.perf_counter()
    differentiate(graph)
    return middle - start, built - middle, time.perf_counter() - built


def composed(levels: int) -> float:
    """The seconds for `sympy.diff` of the one expression in which every level is put into the next."""
    x = expression = sympy.Symbol("x0")
    for _ in range(levels):
        expression = expression**2 + expression
    return timed(lambda: sympy.diff(expression, x))


def timed(action: Callable[[], object]) -> float:
    """How long `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each size is derived; the median is printed")
    parser.add_argument("--all", action="store_true", help=f"SymPy on {LAST} levels as well, half a minute")
    options = parser.parse_args()
    stages(100)  # warms up: the imports of SymPy, and the one shape of line
    print("lines     read    build   differentiate   seconds   per line")
    each: list[float] = []
    for size in SIZES:
        runs = [stages(size) for _ in range(options.runs)]
        read, build_, derive_ = (statistics.median(run[stage] for run in runs) for stage in range(3))
        whole = statistics.median(map(sum, runs))
        each.append(whole / size)
        print(f"{size:6,}  {read:6.3f}   {build_:6.3f}   {derive_:13.3f}   {whole:7.3f}   {whole / size * 1e6:5.1f} µs")
    print(f"target: {SIZES[-1]:,} lines under {SECONDS:g} s on two cores")
    print(
        f"a line among {SIZES[-1]:,} takes {each[-1] / each[0]:.2f} times one among {SIZES[0]:,}"
        f" (target: at most {RATIO})"
    )
    print("\nsympy.diff on the composed expression")
    for levels in (*LEVELS, *((LAST,) if options.all else ())):
        print(f"{levels:6} levels  {composed(levels):8.3f} s")


if __name__ == "__main__":
    main()
