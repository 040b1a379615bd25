"""How fair an audit is to tables calculated by hand: right ones, and ones with a slip.

Run from the checkout: python tests/benchmarks/homework.py
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.homework_checks import MODES, SLIPS, Graded, correct, hidden_gradients, of_parameters, slipped

STUDENTS = {
    correct: "goes on with what is written",
    of_parameters: "goes on with the written parameters, and full",
    hidden_gradients: "goes on with gradients of fewer places, which are not shown",
}
RESULTS = ("first wrong", "undecided", "hidden", "earlier", "later", "missed")


def _mode(number: int) -> str:
    """How the student of a table rounds: each way in turn, with and without rounding what is not written down."""
    return sorted(MODES)[number // 2 % len(MODES)]


def without_slip(student: Callable[[int, str], Graded], tables: int, seed: int) -> tuple[str, int]:
    """The figures of a student's tables without a slip, and how many have a number that is said not to be right."""
    statuses: Counter[str] = Counter()
    unfair = 0
    for number in range(seed, seed + tables):
        found = student(number, _mode(number))
        statuses.update(finding.status.value for finding in found.audit.findings)
        if found.is_unfair:
            unfair += 1
            print(f"table {number}\n{found}\n", file=sys.stderr, flush=True)
    total = sum(statuses.values())
    shares = ", ".join(f"{name} {100 * number / total:.2f} %" for name, number in statuses.most_common())
    text = f"{tables:,} tables without a slip, {total:,} numbers: {shares}"
    return f"{text}\nunfair tables: {unfair}", unfair


def with_slip(tables: int, seed: int) -> str:
    """The figures of tables with one slip, by kind."""
    lines = ["kind                 shown  " + "".join(f"{name:>13}" for name in RESULTS)]
    whole: Counter[str] = Counter()
    for place, kind in enumerate(SLIPS):
        counted: Counter[str] = Counter()
        for number in range(seed + place, seed + tables, len(SLIPS)):
            found, result = slipped(number, kind, _mode(number // len(SLIPS)))
            counted[result] += 1
            if result in ("earlier", "later", "missed"):
                print(f"table {number}, {kind}: {result}\n{found}\n", file=sys.stderr, flush=True)
        lines.append(_row(kind, counted))
        whole += counted
    return "\n".join([*lines, _row("all", whole)])


def _row(kind: str, counted: Counter[str]) -> str:
    shown = sum(counted.values()) - counted["hidden"]
    shares = {name: f"{100 * counted[name] / max(shown, 1):.1f} %" for name in RESULTS} | {"hidden": counted["hidden"]}
    numbers = [f"{found:>13}" for found in shares.values()]
    return f"{kind:20}{shown:6,}  {''.join(numbers)}"


def main() -> int:
    """Audits and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1_000, help="how many of each sort (1,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first of the tables")
    options = parser.parse_args()
    unfair = 0
    for student, told in STUDENTS.items():
        text, refused = without_slip(student, options.tables, options.seed)
        print(f"{told}: {text}", flush=True)
        unfair += refused
    print(with_slip(options.tables, options.seed))
    return 1 if unfair else 0


if __name__ == "__main__":
    sys.exit(main())
