"""What changes from step to step, lr and the momentum that is cycled with it: by hand, and from what PyTorch holds.

PyTorch calculates these in Python's float64, whatever the dtype of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from derive.algebra.expression import Apply, Expr, Number, Position, Ref, children, names, rebuild, replace_leaves
from derive.algebra.literals import constant_value
from derive.run.batches import Batch
from derive.run.settings import Settings
from derive.training.optimizers import Assignment
from derive.training.rates import Moment, Schedule
from verify.hand.evaluation import Array, NumberSystem, Values, evaluate
from verify.hand.program import Stage, compile_rule
from verify.numbers import Exact

RATES_DTYPE = "float64"  # Python's: torch/optim/lr_scheduler.py calculates with Python's numbers


def moment(batch: Batch, settings: Settings) -> Moment:
    """The moment of a batch: its update and epoch, from 1, and how often the scheduler has stepped before it."""
    scheduler = settings.scheduler
    by_epoch = scheduler is not None and scheduler.every == "epoch"
    return Moment(batch.update, batch.epoch, batch.epoch - 1 if by_epoch else batch.update - 1)


def on_paper(schedule: Schedule, system: NumberSystem, at: Moment) -> dict[str, Array]:
    """The lr, and the momentum that is cycled with it, at a moment, by name, from the equations on paper."""
    return _results(schedule, system, schedule.on_paper(at), {}, at, as_floats=False)


def in_torch(
    schedule: Schedule, system: NumberSystem, before: Moment | None, held: Values, at: Moment
) -> dict[str, Array]:
    """The same as PyTorch calculates it from what it `held` at the moment `before`; None at first."""
    equations = schedule.in_torch(before, at)
    if not equations:
        return {name: held[name] for name in schedule.names}
    return _results(schedule, system, equations, held, at, as_floats=True)


def _results(
    schedule: Schedule,
    system: NumberSystem,
    equations: Iterable[Assignment],
    held: Values,
    at: Moment,
    as_floats: bool,
) -> dict[str, Array]:
    values = {**{name: _number(value, system, as_floats) for name, value in schedule.numbers(at).items()}, **held}
    found: dict[str, Array] = {}
    for equation in equations:
        inputs = {name: values[name] for name in names(equation.expr)}
        exact = {} if as_floats or not isinstance(system, Exact) else schedule.numbers(at)
        known = _with_known_cosines(equation.expr, exact) if exact else equation.expr
        stages = _compiled(equation) if known == equation.expr else compile_rule(equation.target, known)
        found[equation.target] = evaluate(stages, system, inputs, {}).results[equation.target]
        values[equation.target] = found[equation.target]
    return {name: found[name] for name in schedule.names}


# cos(π·r) of a fraction r is rational for these r alone, up to its sign and whole turns (Niven's theorem)
_COSINES: Mapping[Fraction, Fraction] = {
    Fraction(0): Fraction(1),
    Fraction(1, 3): Fraction(1, 2),
    Fraction(1, 2): Fraction(0),
    Fraction(2, 3): Fraction(-1, 2),
    Fraction(1): Fraction(-1),
}


def _with_known_cosines(expr: Expr, values: Mapping[str, Fraction]) -> Expr:
    """`expr` with the number of each cosine that is rational: a ball does not tell to which side a tie is rounded."""
    if isinstance(expr, Apply) and expr.op == "cos":
        share = _share_of_pi(expr.args[0], values)
        turned = None if share is None else abs((share + 1) % 2 - 1)  # cos is even, and has the period 2π
        if turned is not None and turned in _COSINES:
            return Number(_COSINES[turned])
    return rebuild(expr, tuple(_with_known_cosines(part, values) for part in children(expr)))


def _share_of_pi(expr: Expr, values: Mapping[str, Fraction]) -> Fraction | None:
    """The fraction r of an expression π·r, such as pi*k/T_max; None of any other."""
    match expr:
        case Apply(op="pi"):
            return Fraction(1)
        case Apply(op="neg", args=(inner,)):
            share = _share_of_pi(inner, values)
            return None if share is None else -share
        case Apply(op="mul", args=(left, right)):
            for one, other in ((left, right), (right, left)):
                share, factor = _share_of_pi(one, values), _fraction(other, values)
                if share is not None and factor is not None:
                    return share * factor
        case Apply(op="div", args=(top, bottom)):
            share, divisor = _share_of_pi(top, values), _fraction(bottom, values)
            return share / divisor if share is not None and divisor else None
    return None


def _fraction(expr: Expr, values: Mapping[str, Fraction]) -> Fraction | None:
    """The number of an expression of numbers and names whose values are known; None where it has none."""
    return constant_value(replace_leaves(expr, lambda leaf: _known(leaf, values)))


def _known(leaf: Ref | Position, values: Mapping[str, Fraction]) -> Expr:
    return Number(values[leaf.name]) if isinstance(leaf, Ref) and leaf.name in values else leaf


def _number(value: Fraction, system: NumberSystem, as_floats: bool) -> Array:
    return system.take(np.asarray(value.numerator / value.denominator)) if as_floats else system.constant(value)


@cache
def _compiled(equation: Assignment) -> tuple[Stage, ...]:
    return compile_rule(equation.target, equation.expr)


@dataclass(frozen=True)
class ByHand:
    """The lr and what is cycled with it, by hand, for any step of a run."""

    settings: Settings
    system: NumberSystem

    def at(self, batch: Batch) -> dict[str, Array]:
        """The numbers of the step of a batch, in the form of `together`; none where nothing changes."""
        if not self.settings.varying:
            return {}
        at = moment(batch, self.settings)
        groups = [on_paper(group.schedule, self.system, at) for group in self.settings.param_groups]
        return together(groups, self.settings.varying)


def together(groups: list[dict[str, Array]], varying: Iterable[str]) -> dict[str, Array]:
    """The numbers of all groups by name: each one number, or an array whose last dimension is that of the groups."""
    if len(groups) == 1:
        return {name: groups[0][name] for name in varying}
    return {name: np.stack([group[name] for group in groups], axis=-1) for name in varying}


def of_group(rates: Mapping[str, Array], group: int, groups: int) -> dict[str, Array]:
    """The numbers of the group number `group`, counted from 0, of `groups`, out of what `together` gives."""
    return {name: value if groups == 1 else value[..., group] for name, value in rates.items()}
