"""What verify calculates by hand, number by number, against the oracle (tests/oracle), which shares no code with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import torch
from flint import fmpq

import derive
from tests.grammar import Drawn
from tests.oracle.numbers import BIG, Real, UnclearError
from tests.oracle.training import Step, Training
from verify import Result, verify
from verify.hand.run import HandStep

NEAR = BIG.mpf(10) ** -50  # relative; the oracle has 120 digits, of which a difference may cost some
SMALL = BIG.mpf(10) ** -20  # numbers below it are compared as if they were as large

LARGE = 10**6
UNCLEAR = "the digits of the oracle do not tell on which side of a kink a number is"


@dataclass
class Compared:
    """How many numbers were compared, in how many steps, and what differs, in sentences.

    `ended` says of a run whose numbers have no value, or one that digits do not tell, where it ends.
    """

    numbers: int = 0
    steps: int = 0
    differences: list[str] = field(default_factory=list)
    ended: str = ""
    oracle: Training | None = None


def compare(drawn: Drawn) -> Compared:
    """Every number of a problem by hand against the oracle's. Raises `HandgradError` for a problem that is refused."""
    settings = {**drawn.settings, "dtype": "float64", "nodes": True}
    settings.pop("drift", None)
    settings.pop("first", None)
    problem = derive.load(drawn.text)
    result = verify(problem, **settings)
    oracle = oracle_of(drawn.text, settings, result)
    found = Compared(oracle=oracle)
    last: Step | None = None
    ours = iter(result.hand.steps)
    try:
        for step in oracle.steps():
            mine = next(ours, None)
            if mine is None:
                _ends_too_soon(found, result, step)
                return found
            found.steps += 1
            last = step
            for name, own, other in _pairs(result, mine, step):
                _compared(found, f"step {found.steps}, {name}", own, other)
        if next(ours, None) is not None:
            found.differences.append(f"the oracle ends after {found.steps} steps, by hand the run goes on")
        for name, own, other in _at_the_end(result, oracle, last):
            _compared(found, name, own, other)
    except UnclearError:
        found.ended = UNCLEAR
    return found


def _ends_too_soon(found: Compared, result: Result, step: Step) -> None:
    """Notes why there is no more step by hand, and a difference where the oracle's has a value."""
    found.ended = result.hand.ended or "PyTorch's numbers are not finite"
    if result.hand.ended and _has_value(step):
        found.differences.append(f"by hand the run ends before step {found.steps + 1}: {result.hand.ended}")
    if not result.hand.ended and all(step.finite for step in result.record.steps):
        found.differences.append(f"by hand there are {found.steps} steps, the oracle goes on")


def oracle_of(text: str, settings: Mapping[str, Any], result: Result) -> Training:
    """The oracle of a problem. What PyTorch drew, parameters and the order of the rows, is taken from a result."""
    drawn = {quantity.name: _nested(quantity.values, quantity.shape) for quantity in result.problem.parameters}
    rows: dict[int, list[int]] = {}
    for step in result.record.steps:
        rows.setdefault(step.batch.epoch, []).extend(step.batch.indices)
    orders = [*rows.values()] if result.settings.shuffle else None
    if orders is not None:  # of an epoch that was broken off the rest is in no batch
        orders = [[*order, *(set(range(result.settings.samples)) - set(order))] for order in orders]
        orders.append(list(range(result.settings.samples)))
    return Training(text, settings, drawn, orders, edges())


@cache
def edges() -> Mapping[str, str]:
    """What the PyTorch that is installed takes as the derivative at an edge of clip."""
    w, low = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    torch.clamp(w, 1, 2).backward()
    by_numbers = {1.0: "passes", 0.0: "stops"}[w.grad.item()]
    w.grad = None
    torch.clamp(w, low, torch.tensor(2.0)).backward()
    return {"numbers": by_numbers, "calculated": {1.0: "passes", 0.5: "shares"}[w.grad.item()]}


def _nested(values: tuple[Fraction, ...], shape: tuple[int, ...]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape).tolist()


def _pairs(result: Result, mine: HandStep, step: Step) -> Iterator[tuple[str, Any, Any]]:
    """Every array of a step beside the oracle's, by name."""
    batch = mine.batch
    yield "epoch, batch and rows", (batch.epoch, batch.batch, batch.indices), (step.epoch, step.batch, step.rows)
    beside = {**step.lines, **step.beside}
    until = result.settings.until
    yield "loss", mine.loss, np.array(step.loss, dtype=object)
    for name, array in mine.nodes.items():
        called = "until" if until is not None and name == until.name else name
        if called in beside:
            yield name, array, beside[called]
    for name, array in mine.adjoints.items():
        if name in step.adjoints:
            yield f"the adjoint of {name}", array, step.adjoints[name]
    for group in ("gradients", "clipped", "after"):
        own, other = getattr(mine, group), getattr(step, group)
        yield f"the names of {group}", tuple(sorted(own)), tuple(sorted(other))
        yield from ((f"{group} {name}", array, other[name]) for name, array in own.items() if name in other)
    for name, array in mine.rates.items():
        yield name, array.reshape(-1), np.array(step.rates[name], dtype=object)


def _at_the_end(result: Result, oracle: Training, last: Step | None) -> Iterator[tuple[str, Any, Any]]:
    predicted = result.comparison.prediction
    if predicted is None or predicted.hand is None or last is None:
        return
    found = oracle.predicted(last.after or oracle.parameters)
    yield "the names predicted", tuple(sorted(predicted.hand.nodes)), tuple(sorted(found))
    both = [name for name in predicted.hand.nodes if name in found]
    yield from ((f"predicted {name}", predicted.hand.nodes[name], found[name]) for name in both)


def _compared(found: Compared, name: str, own: Any, other: Any) -> None:
    if isinstance(own, tuple):
        if own != other:
            found.differences.append(f"{name}: by hand {own}, the oracle {other}")
        return
    if own.shape != other.shape:
        found.differences.append(f"{name}: by hand the shape {own.shape}, the oracle {other.shape}")
        return
    for place in np.ndindex(own.shape):
        found.numbers += 1
        if not is_same(own[place], other[place]):
            found.differences.append(f"{name}{list(place)}: by hand {own[place]}, the oracle {other[place]}")


def is_same(own: Any, other: Real) -> bool:
    """Whether a number by hand is the oracle's: the same fraction, or in a ball within `NEAR` of it."""
    if other.value is None:
        return False
    if isinstance(own, fmpq):
        exact = Fraction(int(own.p), int(own.q))
        if other.is_exact:
            return exact == other.value
        middle, radius = Real(exact).big, 0
    else:
        middle, radius = (_float(part) for part in (own.mid(), own.rad()))
    size = max(abs(other.big), SMALL)
    return bool(abs(middle - other.big) <= radius + NEAR * size)


def _float(ball: Any) -> Any:
    mantissa, exponent = ball.man_exp()
    return BIG.ldexp(BIG.mpf(int(mantissa)), int(exponent))


def _has_value(step: Step) -> bool:
    """Whether every number of a step has a value, and none is so large that 1 + erf(−x) needs more digits."""
    groups = (step.lines, step.adjoints, step.gradients, step.clipped, step.after, step.beside)
    return all(
        x.value is not None and abs(x.big) < LARGE for group in groups for array in group.values() for x in array.flat
    )
