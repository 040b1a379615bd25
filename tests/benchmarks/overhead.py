"""What it costs to verify a training run, beside the bare PyTorch loop on the same work.

Run from the checkout: python tests/benchmarks/overhead.py
Both run in turn in one process, so that what else the machine does falls on both; imports are not counted. Printed is
the median of the ratios of neighbouring runs, with its quartiles. Then how long other work takes: a certified step
beside a gradcheck, claims at the end of a long run, a file of data; how long commands take to start is startup.py's.
Prints figures; judges nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
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
from verify import audit, verify

ARTICLE = """a = w*x
c = a + b
d = c - y
e = d^2
l = (1/n) * e"""

NETWORK = """a = X @ W1 + b1
r = relu(a)
z = r @ W2 + b2
l = cross_entropy(z, t)"""

SIGMOIDS = """h = sigmoid(x @ V + c)
o = sigmoid(h @ W + d)
l = sum((o - y)^2)/2"""

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


LONG = line("the article's graph, batch 3, 1,000,000 steps", 9, 3, 1_000_000, "≤ 1.3", drift=0, limit=10**14)


def gradcheck() -> float:
    """How many times one certified step of a network 32-64-10 torch.autograd.gradcheck of it takes, at one point."""
    work = network((32, 64, 10), 64, 100, "")
    columns = {name: torch.tensor(own, dtype=_kind(own)) for name, own in work.data.items()}
    rows = {
        name: own[: work.batch].double() if own.is_floating_point() else own[: work.batch]
        for name, own in columns.items()
    }
    point = [torch.tensor(own, dtype=torch.float64, requires_grad=True) for own in work.parameters.values()]

    def loss(*parameters: Tensor) -> Tensor:
        return work.loss(dict(zip(work.parameters, parameters, strict=True)), rows)

    problem = load(work.problem())
    verify(problem, steps=2, **work.flags)
    step = seconds(lambda: verify(problem, **work.flags)) / work.steps
    return seconds(lambda: torch.autograd.gradcheck(loss, point)) / step


def claims_at_the_end() -> float:
    """Seconds to judge what is claimed of the last of 10,000 steps of a network 2-2-2 of sigmoids."""
    parameters = "V = [[0.15, 0.25], [0.2, 0.3]]\nc = [0.35, 0.35]\nW = [[0.4, 0.5], [0.45, 0.55]]\nd = [0.6, 0.6]"
    data = "x = [[0.05, 0.1]]\ny = [[0.01, 0.99]]"
    training = "lr = 0.5\nsteps = 10000"
    text = f'equations = """\n{SIGMOIDS}\n"""\n[parameters]\n{parameters}\n[data]\n{data}\n[training]\n{training}\n'
    return seconds(lambda: audit(load(text), claims="step,l\n10000,0.0000351\n"))


def reading() -> float:
    """Seconds to read a problem with 300,000 rows from a CSV file."""
    work = WORKS[2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.csv"
        rows = zip(*(own.tolist() for own in work.data.values()), strict=True)
        path.write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows), encoding="utf-8")
        text = f'equations = """\n{ARTICLE}\n"""\n[parameters]\nw = 0\nb = 0\n[data]\nfile = "points.csv"\n'
        (Path(folder) / "problem.toml").write_text(f"{text}[training]\nlr = 0.01\n", encoding="utf-8")
        return seconds(lambda: load(Path(folder) / "problem.toml"))


ASIDE = (
    ("gradcheck of 32-64-10 / one certified step", gradcheck, "≥ 100", "times"),
    ("sigmoid 2-2-2, 10,000 steps, claims at the end", claims_at_the_end, "≤ 10", "s"),
    ("300,000 rows read from CSV", reading, "≤ 1", "s"),
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
    parser.add_argument("--long", action="store_true", help="also 1,000,000 steps of the article's graph, once")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    print(f"{'work':52} {'verified/bare':>9} {'quartiles':>13} {'target':>8} {'bare µs/step':>12} {'pairs':>6}")
    for work in WORKS:
        if options.only in work.name:
            print(measure(work, options.pairs or work.pairs), flush=True)
    if options.long:
        print(measure(LONG, 1), flush=True)
    for name, take, target, unit in ASIDE:
        if options.only in name:
            print(f"{name:52} {take():9.2f} {unit:15} {target:>8}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
