"""Compares the hand calculation of drawn problems with the oracle's, number by number, and audits the oracle's claims.

    python tests/benchmarks/oracle.py --count 2000 --first 0 --processes 2

Prints each difference with the seed that gives its problem, and how many problems, steps, numbers and tables of claims
there were; the exit status is 1 where anything differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from derive.errors import HandgradError
from tests import claims_of_oracle
from tests.against_oracle import compare
from tests.grammar import draw


def of_seed(seed: int, claims: int) -> tuple[int, list[str], Counter[str]]:
    """What differs in the problem with a seed, and what was counted; every one of `claims` problems is audited."""
    warnings.simplefilter("ignore")
    drawn = draw(Random(seed))
    try:
        found = compare(drawn)
        counted = Counter(problems=1, steps=found.steps, numbers=found.numbers, ended=int(bool(found.ended)))
        wrong = list(found.differences)
        if claims and seed % claims == 0 and found.oracle is not None and not found.ended:
            wrong += claims_of_oracle.faults(drawn, found.oracle, Random(seed))
            counted["tables"] += 1
    except HandgradError:
        return seed, [], Counter(refused=1)
    except Exception as error:  # noqa: BLE001
        return seed, [f"{type(error).__name__}: {error}"], Counter(problems=1)
    return seed, wrong, counted


def main() -> int:
    """Compares as many problems as asked for."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    asked.add_argument("--count", type=int, default=2000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--claims", type=int, default=4, help="audit claims of every so many problems; 0 for none")
    asked.add_argument("--processes", type=int, default=1)
    given = asked.parse_args()
    wrong, counted = 0, Counter[str]()
    seeds = range(given.first, given.first + given.count)
    with multiprocessing.get_context("spawn").Pool(given.processes, maxtasksperchild=500) as pool:
        for seed, found, numbers in pool.imap_unordered(partial(of_seed, claims=given.claims), seeds, chunksize=10):
            counted += numbers
            for fault in found:
                wrong += 1
                print(f"seed {seed}: {fault}", flush=True)
    kinds = ("problems", "steps", "numbers", "tables", "refused", "ended")
    print(f"from seed {given.first} on: {', '.join(f'{counted[kind]} {kind}' for kind in kinds)}; {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
