"""Operations one by one, at PyTorch's own operands: the largest error/bound of each, forward and backward."""

from __future__ import annotations

import re
from random import Random

import numpy as np

from derive.algebra.operations import FUNCTIONS, OPERATIONS
from tests.benchmarks import random_graphs, steps
from tests.benchmarks.figures import Figures
from tests.benchmarks.power_correct import DTYPES
from verify.pytorch import run as training

WITHOUT_DERIVATIVE = ("sign", "detach")
FUNCTIONS_OF_ONE = [name for name in FUNCTIONS if OPERATIONS[name].arity == 1 and name not in WITHOUT_DERIVATIVE]
LINES = (
    *(f"{name}(w)" for name in FUNCTIONS_OF_ONE),
    *("w + b", "w - b", "w*b", "w/b", "w/3", "3/w", "-w", "w^b", "2^w", "0.3^w"),
    *(f"w^{p}" for p in ("2", "3", "5", "-1", "-2", "-3", "0.5", "-0.5", "1.7", "-1.1")),
    *("max(w, b)", "min(w, b)", "clip(w, b, 1)", "where(w > b, w, b)"),
    *("w*sum(b)", "w*mean(b)", "w*logsumexp(b)", "w*max(b)", "softmax(w)", "log_softmax(w)", "Q @ w"),
)
REGIMES = ("near", "near", "wide", "wild")
COUNT = {"float64": 128}
OTHERS = 2048  # operands of one operation in one round
REDUCED = 64  # where the operation takes them all at once


def chunk(seed: int, number: int, scale: float = 1.0) -> Figures:
    """Every operation in every dtype at random operands: near 1, within ±100, or of any exponent."""
    figures = Figures()
    for place, line in enumerate(LINES):
        for dtype in DTYPES:
            regime = Random(f"operations {seed} {number} {line}").choice(REGIMES)
            random = np.random.default_rng([seed, number, place, 2])
            count = max(4, int(COUNT.get(dtype, OTHERS) * scale))
            operation(figures, line, dtype, regime, random, count)
    return figures


def operation(figures: Figures, line: str, dtype: str, regime: str, random: np.random.Generator, count: int) -> None:
    """The numbers of one operation, judged."""
    names = [name for name in ("w", "b", "Q") if re.search(rf"\b{name}\b", line)]
    if re.search(r"sum|mean|max\(b|soft|@", line):
        count = min(count, REDUCED)
    shapes = {"w": (count,), "b": (count,), "Q": (count, count), "c": (count,)}
    text = f'equations = """\nf = {line}\nl = sum(c*f)\n"""\n[parameters]\n'
    text += "".join(f'{name} = {{shape = {list(shapes[name])}, distribution = "ones"}}\n' for name in (*names, "c"))
    found = steps.case(text, dtype, nodes=True)
    values = {name: _numbers(random, shapes[name], dtype, regime) for name in (*names, "c")}
    drawn = steps.Case(training.draw(found.problem, dtype), found.derivation, found.settings)
    record = steps.run(drawn, values)
    (at_state,) = steps.states(drawn.bound, record)
    for (group, name), x in steps.judged(drawn, drawn.bound, at_state).items():
        if (group, name) != ("nodes", "f") and (group != "gradients" or name == "c"):
            continue
        of = "value" if group == "nodes" else "gradient"
        figures.add("numbers", dtype, int(x.decided.sum()))
        figures.add("undecided numbers", dtype, int((~x.decided).sum()))
        figures.add("false alarms", dtype, int(x.disagrees.sum()))
        known = x.decided & (x.distance.bound > 0)
        figures.most(of, f"{dtype} {line}", 0.0)
        if known.any():
            ratio = np.abs(x.distance.error[known]) / x.distance.bound[known]
            figures.most(of, f"{dtype} {line}", float(ratio.max()))
        for spot in np.argwhere(x.disagrees)[:2]:
            at = tuple(spot[1:])
            shown = {n: float(v[0][at]) for n, v in values.items() if v[0].shape == x.autograd.shape[1:]}
            figures.alarm(
                f"{line} in {dtype}: {of} {name}{list(map(int, at))} is {x.autograd[tuple(spot)]!r}", str(shown)
            )


def _numbers(random: np.random.Generator, shape: tuple[int, ...], dtype: str, regime: str) -> random_graphs.Floats:
    whole = (1, *shape)
    if regime == "wide":
        return steps.held(np.asarray(random.uniform(-100, 100, whole)), dtype)
    found = random_graphs.numbers(random, "w", whole, dtype, regime)
    # functions with a domain: more numbers above 0 than below
    return steps.held(np.where(random.random(whole) < 0.5, np.abs(found), found), dtype)
