"""An optimizer's equations in one number system: the parameter and its state after one update.

PyTorch calculates what is made of numbers alone (1 − beta1, lr/(1 − beta1^t)) in Python's float64, and rounds it to
the dtype where it meets a tensor; so do the systems here that round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.algebra.expression import names
from derive.graph.node import Frozen
from derive.training.optimizers import Assignment, Optimizer, State, in_numbers_alone
from verify.hand.evaluation import Array, NumberSystem, Values, evaluate
from verify.hand.program import Stage, compile_rule
from verify.intervals import RoundedPairs
from verify.numbers import Rounded, RoundedForms

Instead = Callable[[str, Array], Array]  # what stands in the place of a result, by its name


@dataclass(frozen=True)
class Step:
    """One equation, compiled; `alone` says that it has numbers alone in it."""

    target: str
    stages: tuple[Stage, ...]
    reads: tuple[str, ...]
    alone: bool


@dataclass(frozen=True)
class Update:
    """The equations of an optimizer, compiled once.

    `tensors` is the system of the parameters, `floats` that of Python's numbers, and `singles` that of states
    that are one float32; `given` are lr and the options, in `floats`.
    """

    optimizer: Optimizer
    steps: tuple[Step, ...]
    tensors: NumberSystem
    floats: NumberSystem
    singles: NumberSystem
    given: Values

    def after(
        self, p: Array, g: Array, state: Values, t: Array, instead: Instead | None = None, rates: Values | None = None
    ) -> dict[str, Array]:
        """The parameter ("p") and every state after an update; `p`, its gradient `g` and `state` are those before it.

        `t` is the number of the update, from 1; it has a dimension where several steps stand side by side. Later
        equations go on with what `instead` gives for a result, by the name that is assigned. `rates` are the numbers
        that change from step to step, such as lr, with the dimensions of `t`.
        """
        single = {found.name for found in self.optimizer.states if found.single}
        alone = {
            name: _raised(value, t, p) for name, value in ({"t": t} | dict(self.given) | dict(rates or {})).items()
        }
        alone |= {name: _raised(value, t, p) for name, value in state.items() if name in single}
        values = {"p": p, "g": g} | {name: value for name, value in state.items() if name not in single}
        found: dict[str, Array] = {}
        for step in self.steps:
            if step.target in single:
                inputs = {
                    name: alone[name] if name in single else self.singles.cast(alone[name]) for name in step.reads
                }
                result = evaluate(step.stages, self.singles, inputs, {}).results[step.target]
            elif step.alone:
                result = evaluate(step.stages, self.floats, {n: alone[n] for n in step.reads}, {}).results[step.target]
            else:
                inputs = {n: values[n] if n in values else self.tensors.cast(alone[n]) for n in step.reads}
                result = evaluate(step.stages, self.tensors, inputs, {}).results[step.target]
            found[step.target] = result
            if instead is not None and step.target != "p":
                own = instead(step.target, result)
                result = own if own is result or step.target not in single else _raised(own, t, p)
            (alone if step.alone else values)[step.target] = result
        kept = {state.name: found[state.name] for state in self.optimizer.states}
        return {"p": found["p"]} | {n: value.reshape(t.shape) if n in single else value for n, value in kept.items()}


def _raised(number: Array, t: Array, p: Array) -> Array:
    """A number, or one for each of the steps side by side, with the dimensions of `p`."""
    return number.reshape((*number.shape, *[1] * (p.ndim - t.ndim))) if number.ndim else number


def prepare(optimizer: Optimizer, lr: Fraction | None, system: NumberSystem, as_floats: bool) -> Update:
    """The update in `system`: as PyTorch calculates it where the system rounds and PyTorch has it, else as on paper.

    `as_floats` takes lr and the options as the float64 numbers that PyTorch holds, in place of the decimals. An lr
    of None changes from step to step, and is among the `rates` of each.
    """
    rounds, floats, singles = False, system, system
    if isinstance(system, Rounded | RoundedPairs | RoundedForms):
        rounds, floats, singles = True, system.of("float64"), system.of("float32")
    numbers = {**({} if lr is None else {"lr": lr}), **optimizer.numbers}
    in_torch = rounds and optimizer.variant is None  # PyTorch has no order of its own for a textbook variant
    equations = optimizer.in_torch if in_torch else optimizer.on_paper
    given = {
        name: floats.take(np.asarray(value.numerator / value.denominator)) if as_floats else floats.constant(value)
        for name, value in numbers.items()
    }
    return Update(optimizer, tuple(_compiled(equations, optimizer, numbers)), system, floats, singles, given)


def _compiled(equations: tuple[Assignment, ...], optimizer: Optimizer, numbers: Mapping[str, Fraction]) -> list[Step]:
    known = {"t", "lr", *numbers, *(state.name for state in optimizer.states if state.single)}
    alone = in_numbers_alone(equations, frozenset(known))
    return [
        Step(found.target, compile_rule(found.target, found.expr), names(found.expr), found.target in alone)
        for found in equations
    ]


def starts(optimizer: Optimizer, system: NumberSystem, shape: tuple[int, ...], as_floats: bool) -> dict[str, Array]:
    """The initial value of every state of a parameter, by the state's name: an array of `shape`, or one number."""
    return {state.name: _start(optimizer, state, system, shape, as_floats) for state in optimizer.states}


def _start(optimizer: Optimizer, state: State, system: NumberSystem, shape: tuple[int, ...], as_floats: bool) -> Array:
    value = optimizer.start(state)
    if as_floats:
        value = Fraction(value.numerator / value.denominator)
    number = system.constant(value)
    return np.broadcast_to(number, () if state.single else shape).copy()


def is_trained(frozen: Iterable[Frozen], name: str) -> bool:
    """Whether any entry of the parameter `name` is updated: it is not frozen as a whole."""
    return not any(part.name == name and not part.entries for part in frozen)


def moves(frozen: Iterable[Frozen], name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """For each entry of the parameter `name` whether it is updated."""
    mask = np.ones(shape, dtype=np.bool_)
    for part in frozen:
        if part.name == name:
            for entry in part.entries or ((),):
                place: tuple[Any, ...] = (..., *entry)
                mask[place] = False
    return mask


def applied(frozen: Iterable[Frozen], name: str, before: Array, after: Array) -> Array:
    """`after` where the parameter is updated, `before` where it is frozen; the entries are the last dimensions."""
    if not any(part.name == name for part in frozen):
        return after
    mask = moves(frozen, name, before.shape)
    if mask.all():
        return after
    kept = before.copy()
    kept[mask] = after[mask]
    return kept
