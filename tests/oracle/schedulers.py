"""The learning rate of a step: a number, one for each epoch, an expression, or that of a scheduler.

The schedulers are the closed forms in the documentation of torch.optim.lr_scheduler, after k steps of the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.oracle.notation import Scope, Tensor, number, parsed
from tests.oracle.numbers import Real, cosine_of_turns

_CYCLE: Mapping[str, Any] = {
    "pct_start": "0.3",
    "anneal_strategy": "cos",
    "cycle_momentum": True,
    "base_momentum": "0.85",
    "max_momentum": "0.95",
    "div_factor": 25,
    "final_div_factor": 10_000,
    "three_phase": False,
}


def real(value: Any) -> Real:
    """The number that is written."""
    return Real(Fraction(str(value)))


def rate(lr: Any, settings: Mapping[str, Any], k: int, t: int, epoch: int, constants: Mapping[str, Tensor]) -> Real:
    """The lr of update number `t` in an epoch, both from 1, after `k` steps of the scheduler."""
    scheduler = settings.get("scheduler")
    if scheduler == "OneCycleLR":
        return _one_cycle(settings, k, "lr")
    if isinstance(lr, list | tuple):
        return real(lr[epoch - 1])
    if isinstance(lr, str) and not _is_number(lr):
        found = Scope({**constants, "t": number(t), "epoch": number(epoch)}).value(parsed(lr))
        return found.of.item().value
    first = real(lr)
    match scheduler:
        case "StepLR":
            return first * real(settings.get("gamma", "0.1")) ** (k // int(settings["step_size"]))
        case "ExponentialLR":
            return first * real(settings["gamma"]) ** k
        case "CosineAnnealingLR":
            least = real(settings.get("eta_min", 0))
            turn = cosine_of_turns(Real(Fraction(k, int(settings["T_max"]))))
            return least + (first - least) * (1 + turn) / 2
    return first


def _is_number(text: str) -> bool:
    try:
        Fraction(text)
    except ValueError:
        return False
    return True


def cycled(settings: Mapping[str, Any], k: int) -> Real | None:
    """The momentum, or beta1, that goes against lr; None where none does."""
    if settings.get("scheduler") != "OneCycleLR" or not settings.get("cycle_momentum", True):
        return None
    return _one_cycle(settings, k, "momentum")


def _one_cycle(settings: Mapping[str, Any], k: int, what: str) -> Real:
    """Phases from one level to the next, each ending at a step: the first one with k <= its end is the one of k."""
    o = {**_CYCLE, **settings}
    total, start = int(o["total_steps"]), real(o["pct_start"])
    top = real(o["max_lr"])
    first = top / real(o["div_factor"])
    least = first / real(o["final_div_factor"])
    low, high = real(o["base_momentum"]), real(o["max_momentum"])
    rise, back = start * total - 1, 2 * start * total - 2
    if o["three_phase"]:
        levels, ends = ([first, top, first, least], [high, low, high, high]), [rise, back, Real(total - 1)]
    else:
        levels, ends = ([first, top, least], [high, low, high]), [rise, Real(total - 1)]
    along = levels[0] if what == "lr" else levels[1]
    begin = Real(0)
    for number_of, end in enumerate(ends):
        if (k - end).sign <= 0 or number_of == len(ends) - 1:
            share = (k - begin) / (end - begin)
            return _annealed(o["anneal_strategy"], along[number_of], along[number_of + 1], share)
        begin = end
    raise AssertionError


def _annealed(strategy: str, start: Real, end: Real, share: Real) -> Real:
    if strategy == "linear":
        return start + (end - start) * share
    return end + (start - end) / 2 * (cosine_of_turns(share) + 1)
