"""How often a claimed formula is decided, and never wrongly: derived gradients in other words, and with one mistake.

Run from the checkout: python tests/benchmarks/formulas.py
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from derive.errors import ProblemError
from tests.claimed_formulas import Outcome, outcomes
from tests.index_graphs import MISTAKES

DERIVED = "as derived"


@dataclass
class Tally:
    """What became of the formulas so far; `unclear` counts changes that no point tried tells from the gradient."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    unclear: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    false: int = 0
    seconds: float = 0.0

    @property
    def formulas(self) -> int:
        """How many were judged."""
        return sum(self.counts.values()) + sum(self.unclear.values())

    def add(self, outcome: Outcome) -> None:
        """Counts an outcome."""
        finding, kind = outcome.finding, outcome.claim.kind or DERIVED
        self.false += len(outcome.faults)
        self.seconds += outcome.seconds
        if outcome.claim.kind and outcome.is_right is not False:
            self.unclear[finding.status] += 1
            return
        self.counts[kind, finding.status] += 1
        if finding.status == "undecided":
            reason = finding.sentence.partition(";")[0]
            self.reasons["as derived" if kind == DERIVED else "with a mistake", reason] += 1
        if finding.explanation is not None:
            self.explained[finding.explanation.kind] += 1


def report(tally: Tally) -> str:
    """The figures."""
    lines = [
        f"{tally.formulas:,} formulas, {tally.false} false verdicts or reasons, {tally.refused} not read",
        f"{1000 * tally.seconds / max(tally.formulas, 1):.0f} ms each",
        "",
        "kind              formulas    right    wrong  undecided",
    ]
    for kind in (DERIVED, *MISTAKES):
        found = {status: tally.counts[kind, status] for status in ("right", "wrong", "undecided")}
        total = sum(found.values())
        shares = "".join(f"{share(number, total):>9}" for number in found.values())
        lines.append(f"{kind:18}{total:8,}{shares}")
    listed: list[tuple[str, Mapping[str, int]]] = [
        ("undecided", {f"{kind}: {reason}": number for (kind, reason), number in tally.reasons.items()}),
        ("explained", tally.explained),
        ("changes that change nothing at the points tried", tally.unclear),
    ]
    for title, counted in listed:
        lines += ["", f"{title}:", *(f"{number:7,}  {name}" for name, number in Counter(counted).most_common())]
    return "\n".join(lines)


def share(number: int, total: int) -> str:
    """A share in per cent."""
    return f"{100 * number / total:.1f} %" if total else "–"


def main() -> int:
    """Judges, and prints what is false at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formulas", type=int, default=10_000, help="how many are judged (10,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first of the graphs")
    parser.add_argument("--every", type=int, default=500, help="report to stderr after so many formulas")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tally, seed, told = Tally(), options.seed, options.every
    while tally.formulas < options.formulas:
        try:
            for outcome in outcomes(seed):
                tally.add(outcome)
                if outcome.faults:
                    print(f"graph {seed}\n{outcome}\n", file=sys.stderr, flush=True)
        except ProblemError as error:
            tally.refused += 1
            print(f"graph {seed}: {error}\n", file=sys.stderr, flush=True)
        seed += 1
        if tally.formulas >= told:
            print(report(tally), file=sys.stderr, flush=True)
            told += options.every
    print(report(tally))
    return 1 if tally.false else 0


if __name__ == "__main__":
    sys.exit(main())
