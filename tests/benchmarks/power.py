"""How strong the check is: false alarms among correct steps, and which planted errors are caught, by how much.

Run from the checkout: python tests/benchmarks/power.py [--steps 1000000] [--state FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from tests.benchmarks import power_correct, power_loops, power_operations, power_planted, power_report, power_runs
from tests.benchmarks.figures import Figures

DECIDED = 1_000_000
STEPS_A_PLANTED_CHUNK = 4_000  # how many decided steps there are for one graph with planted errors
STEPS_A_LOOP = 5_000  # for one run with mistakes of the loop
STEPS_AN_OPERATIONS_ROUND = 50_000

Chunk = Callable[[int, int, float], Figures]


@dataclass
class Part:
    """One part of the work: chunks 0, 1, 2, … until `done`."""

    name: str
    chunk: Chunk
    done: Callable[[Figures, int], bool]
    figures: Figures
    chunks: int = 0


def parts(which: str, count: int) -> list[Part]:
    """What there is to do."""
    loops = max(4, count // STEPS_A_LOOP)
    rounds = max(1, count // STEPS_AN_OPERATIONS_ROUND)
    graphs = max(4, count // STEPS_A_PLANTED_CHUNK)
    correct = [
        Part("operations", power_operations.chunk, lambda _, done: done >= rounds, Figures()),
        Part("correct", power_correct.chunk, lambda found, _: found.total("decided") >= count, Figures()),
    ]
    planted = [
        Part("planted", power_planted.chunk, lambda _, done: done >= graphs, Figures()),
        Part("runs", power_runs.chunk, lambda _, done: done >= 1, Figures()),
    ]
    mistaken = [Part("loops", power_loops.chunk, lambda _, done: done >= loops, Figures())]
    return {"correct": correct, "planted": planted, "loops": mistaken, "all": correct + planted + mistaken}[which]


def run(part: Part, seed: int, workers: int, scale: float, finished: Callable[[], None]) -> None:
    """Works through the chunks of a part in order; `finished` is called after each."""
    for figures in _chunks(part, seed, workers, scale):
        part.figures.join(figures)
        part.chunks += 1
        finished()
        if part.done(part.figures, part.chunks):
            return


def _chunks(part: Part, seed: int, workers: int, scale: float) -> Iterator[Figures]:
    """The figures of one chunk after the other, from the first that is not finished."""
    if part.done(part.figures, part.chunks):
        return
    work, number = partial(_one, part.chunk, seed, scale), part.chunks
    if workers == 1:
        while True:
            yield work(number)
            number += 1
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(work, number + k) for k in range(2 * workers)]
        number += len(waiting)
        try:
            while True:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(work, number))
                number += 1
        finally:
            pool.shutdown(cancel_futures=True)


def _one(chunk: Chunk, seed: int, scale: float, number: int) -> Figures:
    torch.set_num_threads(1)
    return chunk(seed, number, scale)


def restored(path: Path | None, todo: list[Part], settings: dict[str, Any]) -> None:
    """Takes up what a state file holds of a run with the same settings."""
    if path is None or not path.exists():
        return
    held = json.loads(path.read_text())
    if held["settings"] != settings:
        sys.exit(f"power.py: {path} is of a run with {held['settings']}; expected {settings}, or another file")
    for part in todo:
        if part.name in held["parts"]:
            part.chunks = held["parts"][part.name]["chunks"]
            part.figures = Figures(held["parts"][part.name]["figures"])


def store(path: Path, todo: list[Part], settings: dict[str, Any]) -> None:
    """Writes the state, whole or not at all."""
    held = json.loads(path.read_text())["parts"] if path.exists() else {}
    held |= {part.name: {"chunks": part.chunks, "figures": part.figures.stored()} for part in todo if part.chunks}
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps({"settings": settings, "parts": held}))
    draft.replace(path)


class Progress:
    """A line on stderr now and then, and the state file after each chunk."""

    def __init__(self, todo: list[Part], path: Path | None, settings: dict[str, Any]) -> None:
        self.todo, self.path, self.settings = todo, path, settings
        self.told = -math.inf
        self.alarms = 0

    def __call__(self, part: Part) -> None:
        if self.path is not None:
            store(self.path, self.todo, self.settings)
        found = part.figures
        for place, text in found.alarms[self.alarms :]:
            print(f"FALSE ALARM, {part.name}, {place}:\n{text}", file=sys.stderr)
        self.alarms = len(found.alarms)
        if time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            decided = int(found.total("decided"))
            print(f"{part.name}: {part.chunks} chunks, {decided} steps decided", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the parts and prints their figures; 1 where `power_report.failed` says so."""
    options = _parser().parse_args(argv)
    torch.set_num_threads(1)
    settings = {"steps": options.steps, "seed": options.seed}
    todo = parts(options.part, options.steps)
    restored(options.state, todo, settings)
    progress = Progress(todo, options.state, settings)
    for part in todo:
        progress.alarms = len(part.figures.alarms)
        run(part, options.seed, options.workers, 1.0, partial(progress, part))
    found = {part.name: part.figures for part in todo}
    print(power_report.report(found))
    return int(power_report.failed(found))


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="power.py", description=__doc__)
    found.add_argument("--steps", type=int, default=DECIDED, help=f"correct steps to decide ({DECIDED})")
    found.add_argument("--seed", type=int, default=0, help="of everything that is drawn (0)")
    found.add_argument("--workers", type=int, default=1, help="processes; the figures do not depend on them (1)")
    found.add_argument(
        "--state", type=Path, metavar="FILE", help="what is finished; a run that is started again goes on"
    )
    found.add_argument(
        "--part", choices=("correct", "planted", "loops", "all"), default="all", help="what is run (all)"
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
