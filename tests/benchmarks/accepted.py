"""Tries problems that are valid by construction: whatever derive accepts, verify accepts or refuses with a message.

    python tests/benchmarks/accepted.py --count 100000 --first 0 --processes 2

With `--small` the problems are those of the tests, each used in one way. Prints each fault with the seed that gives its
problem, and how many problems were tried; the exit status is 1 for any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import warnings
from functools import partial
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.accepted import faults, one_way
from tests.grammar import draw


def of_seed(seed: int, *, small: bool) -> tuple[int, list[str]]:
    """The faults of the problem with a seed."""
    warnings.simplefilter("ignore")
    random = Random(seed)
    drawn = draw(random, small=small)
    return seed, list(faults(drawn, [one_way(random)] if small else None))


def main() -> int:
    """Tries as many problems as asked for."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    asked.add_argument("--count", type=int, default=100_000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--small", action="store_true")
    given = asked.parse_args()
    wrong = 0
    with multiprocessing.get_context("spawn").Pool(given.processes, maxtasksperchild=500) as pool:
        seeds = range(given.first, given.first + given.count)
        for seed, found in pool.imap_unordered(partial(of_seed, small=given.small), seeds, chunksize=10):
            for fault in found:
                wrong += 1
                print(f"seed {seed}: {fault}", flush=True)
    print(f"{given.count} problems from seed {given.first} on, {wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
