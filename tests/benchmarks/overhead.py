"""What it costs to verify a training run, beside the bare PyTorch loop on the same work.

Run from the checkout: python tests/benchmarks/overhead.py
Both run in turn in one process, so that what else the machine does falls on both; imports are not counted. Printed is
the median of the ratios of neighbouring runs, with its quartiles. Prints figures; judges nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's, read when it is imported

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from derive import load
from verify import verify

ARTICLE = """a = w*x
c = a + b
d = c - y
e = d^2
l = (1/n) * e"""

NETWORK = """a = X @ W1 + b1
r = relu(a)
z = r @ W2 + b2
l = cross_entropy(z, t)"""

Columns = dict[str, Tensor]


@dataclass(frozen=True)
class Work:
    """Training, as a problem and as a loop: `loss` is the loss of a batch, given the parameters and the columns."""

    name: str
    equations: str
    loss: Callable[[Columns, Columns], Tensor]
    parameters: dict[str, np.ndarray]
    data: dict[str, np.ndarray]
    batch: int
    steps: int
    lr: float
    target: str
    flags: dict[str, object]
    pairs: int = 15

    def problem(self) -> str:
        """The problem file."""
        blocks = [f'equations = """\n{self.equations}\n"""']
        for title, values in (("parameters", self.parameters), ("data", self.data)):
            blocks.append("\n".join([f"[{title}]", *(f"{name} = {own.tolist()}" for name, own in values.items())]))
        blocks.append(f"[training]\nlr = {self.lr}\nbatch_size = {self.batch}\nsteps = {self.steps}\n")
        return "\n".join(blocks)

    def bare(self) -> None:
        """The loop in PyTorch alone, in float32."""
        columns = {name: torch.tensor(own, dtype=_kind(own)) for name, own in self.data.items()}
        parameters = {n: torch.tensor(p, dtype=torch.float32, requires_grad=True) for n, p in self.parameters.items()}
        optimizer = torch.optim.SGD(list(parameters.values()), lr=self.lr)
        loader = DataLoader(TensorDataset(*columns.values()), batch_size=self.batch)
        step = 0
        while True:
            for rows in loader:
                optimizer.zero_grad()
                self.loss(parameters, dict(zip(columns, rows, strict=True))).backward()
                optimizer.step()
                step += 1
                if step == self.steps:
                    return


def _kind(values: np.ndarray) -> torch.dtype:
    return torch.int64 if values.dtype.kind == "i" else torch.float32


def _line(parameters: Columns, columns: Columns) -> Tensor:
    """The article's graph, line by line."""
    a = parameters["w"] * columns["x"]
    c = a + parameters["b"]
    d = c - columns["y"]
    e = d**2
    return e.sum() / len(e)


def _network(parameters: Columns, columns: Columns) -> Tensor:
    hidden = torch.relu(columns["X"] @ parameters["W1"] + parameters["b1"])
    return torch.nn.functional.cross_entropy(hidden @ parameters["W2"] + parameters["b2"], columns["t"])


def line(name: str, rows: int, batch: int, steps: int, target: str, **flags: object) -> Work:
    """The article's graph with so many rows of data."""
    x = np.round(np.arange(rows) * (8 / max(1, rows - 1)), 6)
    return Work(
        *(name, ARTICLE, _line, {"w": np.zeros(()), "b": np.zeros(())}, {"x": x, "y": 2 * x + 10}),
        *(batch, steps, 0.01, target, flags),
    )


def network(sizes: tuple[int, int, int], batch: int, steps: int, target: str, **flags: object) -> Work:
    """A network of one hidden layer, with relu and cross-entropy."""
    draws = np.random.default_rng(0)
    many, hidden, classes = sizes
    parameters = {
        "W1": np.round(draws.normal(0, many**-0.5, (many, hidden)), 4),
        "b1": np.zeros(hidden),
        "W2": np.round(draws.normal(0, hidden**-0.5, (hidden, classes)), 4),
        "b2": np.zeros(classes),
    }
    data = {"X": np.round(draws.normal(0, 1, (4 * batch, many)), 3), "t": draws.integers(0, classes, 4 * batch)}
    name = f"network {'-'.join(map(str, sizes))}, batch {batch}, {steps:,} steps"
    name += f", --every {flags['every']}" if "every" in flags else ""
    given = {"limit": 10**14, "drift": 0, **flags}
    return Work(name, NETWORK, _network, parameters, data, batch, steps, 0.05, target, given, 3)


WORKS = (
    line("the article's graph, batch 3, 10,000 steps", 9, 3, 10_000, "≤ 1.25"),
    line("the same, --drift 0", 9, 3, 10_000, "≤ 1.25", drift=0),
    line("the same graph, batch 256, 300,000 rows", 300_000, 256, 1_172, "≤ 1.15"),
    network((32, 64, 10), 64, 500, "≤ 6"),
    network((32, 64, 10), 64, 500, "≤ 1.6", every=10),
    network((784, 128, 10), 64, 300, "≤ 8"),
    network((784, 128, 10), 64, 300, "≤ 1.8", every=10),
)


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(work: Work, pairs: int) -> str:
    """One row of the table."""
    problem = load(work.problem())
    verify(problem, steps=2, **work.flags)  # what is done once in a process
    ratios, bare = [], []
    for _ in range(pairs):
        bare.append(seconds(work.bare))
        ratios.append(seconds(lambda: verify(problem, **work.flags)) / bare[-1])
    spread = f"{np.quantile(ratios, 0.25):.2f}-{np.quantile(ratios, 0.75):.2f}"
    each = 1e6 * statistics.median(bare) / work.steps
    return f"{work.name:52} {statistics.median(ratios):9.2f} {spread:>15} {work.target:>8} {each:12.0f} {pairs:6}"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="take only the work with this in its name")
    parser.add_argument("--pairs", type=int, help="how many pairs of runs (15, of the networks 3)")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    print(f"{'work':52} {'verified/bare':>9} {'quartiles':>13} {'target':>8} {'bare µs/step':>12} {'pairs':>6}")
    for work in WORKS:
        if options.only in work.name:
            print(measure(work, options.pairs or work.pairs), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
