"""Judges formulas of random graphs and holds what is said against PyTorch: the verdict, its numbers and its reason."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from random import Random

import torch

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import Problem, load
from tests.index_graphs import MISTAKES, SAMPLES, IndexClaim, IndexGraph, claim, random_graph, value
from verify.formulas.judge import Counterexample, FormulaFinding, judge_formula

MAX_LENGTH = 400  # characters of a formula; nobody claims a longer one
BATCHES = (1, 2, 3, 5)  # at which a formula that is proved for every n is tried
NEAR = 1e-7  # float64 and 12 printed digits, beside the largest number of a gradient


@dataclass(frozen=True)
class Outcome:
    """What became of one formula: `faults` are the sentences about it that are false."""

    claim: IndexClaim
    finding: FormulaFinding
    is_right: bool | None  # by autograd; None where the points tried do not tell
    seconds: float
    faults: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        head = f"{self.claim.kind or 'as derived'}: {self.claim.key} = {self.claim.text}\n{self.finding.sentence}"
        return "\n".join([self.claim.graph.text, head, *self.faults])


def outcomes(seed: int, planted: int = 4) -> Iterator[Outcome]:
    """Two derived gradients of a random graph in random words, and `planted` with one mistake."""
    random = Random(seed)
    graph = random_graph(random)
    for kind in ("", "", *random.sample(MISTAKES, planted)):
        found = claim(random, graph, kind)
        if found is not None and len(found.text) <= MAX_LENGTH:
            yield judged(found)


def judged(claim: IndexClaim) -> Outcome:
    """The finding on a claim, checked; one that uses what the data are is held against rows of the data."""
    problem = load(claim.graph.text)
    start = time.perf_counter()
    finding = _finding(claim, claim.text)
    seconds = time.perf_counter() - start
    told = {claim.is_right(n, rows=_rows(problem) if finding.used else None) for n in claim.graph.batches}
    is_right = False if False in told else None if None in told else True
    if not claim.kind and is_right is False:
        raise AssertionError(f"the generator differentiates wrongly: {claim}")
    return Outcome(claim, finding, is_right, seconds, tuple(faults(claim, finding, is_right)))


def _finding(claim: IndexClaim, text: str) -> FormulaFinding:
    """What is found of a formula that is claimed of what the claim is of."""
    problem = load(claim.graph.text)
    return judge_formula(problem, differentiate(problem.graph), claim.key, text, Place("claim", None, 1, text))


def _rows(problem: Problem) -> Mapping[str, torch.Tensor]:
    """The columns of the data, in which all is as it is in the file."""
    return {
        column.name: torch.tensor([*map(float, column.values)], dtype=torch.float64).reshape(column.shape)
        for column in problem.data
    }


def faults(claim: IndexClaim, finding: FormulaFinding, is_right: bool | None) -> Iterator[str]:
    """What is false of a finding."""
    if finding.status == "right":
        sizes = BATCHES if finding.decided in ("every n", "always") else ()
        rows = _rows(load(claim.graph.text)) if finding.used else None
        if is_right is False or any(claim.is_right(n, seed=1, rows=rows) is False for n in sizes):
            yield "FALSE: proved, and it is not the gradient"
    if finding.status == "wrong":
        if not claim.kind:
            yield "FALSE: refuted, and it is the gradient"
        if finding.counterexample is not None and not _is_so(claim, finding.counterexample):
            yield "FALSE: the counterexample does not give these numbers"
        if finding.explanation is not None and not _explains(claim, finding.explanation.sentence):
            yield f"FALSE: it is not so that {finding.explanation.sentence}"
        if finding.right and _finding(claim, finding.right).status == "wrong":
            yield "FALSE: what is shown as right is not"


def _is_so(claim: IndexClaim, example: Counterexample) -> bool:
    """Whether the two sides have the numbers of a counterexample, in some size of batch where it tells none."""
    given = {name: _tensor(text) for name, text in example.given.items()}
    columns = [given[name].shape[0] for name, shape in claim.graph.given.items() if SAMPLES in shape and name in given]
    for n in columns[:1] or claim.graph.batches:
        env = claim.graph.at({**_random_given(claim.graph, n), **given}, n)
        claimed = value(claim.tree, env, claim.axes)[example.entry]
        right = env[f"dl/d{claim.name}"][example.entry]
        size = max(1.0, *(float(env[f"dl/d{claim.name}"].abs().max()), float(claimed.abs())))
        if example.claimed == "no value":
            return not bool(torch.isfinite(claimed))
        pairs = ((float(claimed), example.claimed), (float(right), example.right))
        if all(low - NEAR * size <= own <= high + NEAR * size for own, told in pairs for low, high in [_ends(told)]):
            return True
    return False


def _ends(told: str) -> tuple[float, float]:
    """A number as it is told: `3/2`, `1.25e-3`, `between 1 and 2`."""
    ends = [float(Fraction(part)) for part in told.removeprefix("between ").split(" and ")]
    return ends[0], ends[-1]


def _random_given(graph: IndexGraph, n: int) -> Mapping[str, torch.Tensor]:
    env = graph.env(7, n)
    return {name: env[name] for name in graph.given}


def _tensor(text: str) -> torch.Tensor:
    """The numbers of a counterexample: `3/2`, `(1, 2)`, `((1,), (2,))`."""
    depth = len(text) - len(text.lstrip("("))
    numbers = [float(Fraction(part)) for part in re.findall(r"[-\d./e+]+", text)]
    shape, rest = [], text
    for level in range(depth):
        inner = rest[1:-1]
        parts = re.split(r",\s*(?=\()", inner.rstrip(",")) if level < depth - 1 else inner.rstrip(",").split(",")
        shape.append(len(parts))
        rest = parts[0]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)


def _explains(claim: IndexClaim, sentence: str) -> bool:
    """Whether what is said of a wrong formula is so at random points, for every size of batch.

    What is said for positive x and the like is held against rows of the data.
    """
    sentence, only_for, _ = sentence.partition(" for ")
    sentence = sentence.removesuffix(",")
    rows = _rows(load(claim.graph.text)) if only_for else None
    ratio = re.fullmatch(r"it is (?:0|(?P<number>\S+) times the right one)", sentence)
    other = re.fullmatch(r"this is (?P<name>[\w/.]+)", sentence)
    paths = re.fullmatch(r"the paths? (?P<paths>.*) (?:is|are) missing", sentence)
    for n in BATCHES:
        env = claim.graph.env(11, n, rows)
        claimed, right = value(claim.tree, env, claim.axes), env[f"dl/d{claim.name}"]
        if ratio is not None:
            expected = right * _times(ratio["number"] or "0", n)
        elif paths is not None:
            expected = right - sum(_along(claim.graph, path, env) for path in re.split(", | and ", paths["paths"]))
        elif sentence == "it is the transpose of the right one":
            expected = right.T
        elif other is not None and other["name"] in env:
            expected = env[other["name"]]
        else:
            return False
        size = max(1.0, float(expected.abs().max()))
        if not bool(((claimed - expected).abs() <= NEAR * size).all()):
            return False
    return True


def _along(graph: IndexGraph, path: str, env: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What a path adds to a gradient, `W → h1 → l`: the chain rule along it, one line after the other, by autograd."""
    lines = {line.name: line for line in graph.lines}
    names = path.split(" → ")[::-1]
    above = torch.tensor(1.0, dtype=torch.float64)
    for of, wrt in pairwise(names):
        moved = env[wrt].clone().requires_grad_()
        found = value(lines[of].tree, {**env, wrt: moved}, lines[of].letters)
        [above] = torch.autograd.grad(found, [moved], above)
    return above


def _times(text: str, n: int) -> float:
    """The number of `-2/(3*n)`, `n^2/2`, `1/n`."""
    sign = -1 if text.startswith("-") else 1
    above, _, below = text.removeprefix("-").partition("/")
    return sign * _product(above, n) / _product(below.strip("()") or "1", n)


def _product(text: str, n: int) -> float:
    found = 1.0
    for part in text.split("*"):
        base, _, power = part.partition("^")
        found *= (float(n) if base == "n" else float(base)) ** int(power or 1)
    return found
