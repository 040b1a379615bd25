"""Where a run ends before its last epoch, and what became infinite or NaN: sentences for the report.

PyTorch decides: its run ends after the first step in which the condition of `until` holds, and the
hand calculation takes as many steps. Where its exact numbers would have ended elsewhere, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from derive.graph.gradient_names import gradient_name
from derive.run.settings import Settings
from verify.hand.run import HandRun, HandStep
from verify.numbers import Array, decimal
from verify.record import Record, StepRecord, side_by_side


def holds(step: StepRecord | HandStep, settings: Settings) -> bool:
    """Whether the condition of `until` holds at the end of the step, by PyTorch's numbers or by hand."""
    return settings.is_met(step.nodes)


@dataclass(frozen=True)
class Ending:
    """How a run ended: its last step, how many there were and how many by hand, and after which `until` held by hand.

    `by_hand_alone` says that the update is one by hand, and that the condition holds there after the last step.
    """

    last: StepRecord
    steps: int
    by_hand: int
    met_by_hand: int | None
    by_hand_alone: bool


def stop_note(settings: Settings, ending: Ending) -> str:
    """Why a run ends before its last step, or that the condition of `until` never held; else empty."""
    last, by_hand_alone = ending.last, ending.by_hand_alone
    early = ending.steps < settings.steps
    if settings.until is None or (early and not holds(last, settings) and not by_hand_alone):
        if last.finite:
            return ""  # the run by hand has ended, which says why
        if not last.fits:
            return f"PyTorch's run ends with step {last.batch.step}, whose columns do not have the rows of its batch"
        there = f"PyTorch's run ends with step {last.batch.step}, in which a number is not finite"
        return f'{there}; on_nonfinite = "continue" lets it go on' if early else ""
    name = settings.until.name
    by_hand = ending.met_by_hand
    if by_hand_alone and not holds(last, settings):
        found = f"the run ends after step {last.batch.step}, the first after which {name} holds by hand"
        return f"{found}; in PyTorch it does not hold yet: rounding decides"
    if not holds(last, settings):
        found = f"{name} holds after none of the {ending.steps} steps"
        return found if by_hand is None else f"{found}, but by hand after step {by_hand}: rounding decides"
    found = f"the run ends after step {last.batch.step}, the first after which {name} holds"
    if by_hand == last.batch.step:
        return f"{found}, by hand as in PyTorch"
    if by_hand is not None:
        return f"{found} in PyTorch; by hand it holds after step {by_hand} already: rounding decides"
    if ending.by_hand < ending.steps:
        return f"{found} in PyTorch; the hand calculation ends before"
    return f"{found} in PyTorch; by hand it does not hold yet: rounding decides"


First = tuple[str, str]  # a quantity, and "inf", "-inf" or "nan"


def first_nonfinite(hand: HandRun, record: Record, loss: str) -> dict[First, str]:
    """A sentence on the step in which the loss, each gradient and each parameter is first infinite, and first NaN."""
    by_hand = {step.batch.step: step for step in hand.steps}
    notes: dict[First, str] = {}
    steps = side_by_side(record.steps)
    finite = steps.each([block.finite for block in steps.blocks])
    for number in np.flatnonzero(np.logical_not(finite)):
        step = steps[int(number)]
        if not step.fits:
            continue  # nothing was calculated
        exact = by_hand.get(step.batch.step)
        aside = {} if exact is None else _numbers(loss, exact.loss, exact.gradients, exact.after)
        for quantity, array in _numbers(loss, step.loss, step.gradients, step.after).items():
            for kind, place in _first(array):
                if (quantity, kind) not in notes:
                    index = f"[{','.join(map(str, place))}]" if place else ""
                    value = decimal(aside[quantity].item(place)) if quantity in aside else "not calculated"
                    where = f"PyTorch's {quantity}{index} is {kind} first at {step.batch}"
                    notes[quantity, kind] = f"{where}; by hand it is {value} there"
    return notes


def _numbers(loss: str, value: Array, gradients: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, Array]:
    return {loss: value, **{gradient_name(loss, name): found for name, found in gradients.items()}, **after}


def _first(array: Array) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The first entry that is infinite and the first that is NaN, each with its value as a word."""
    for marked in (np.isinf(array), np.isnan(array)):
        place = next((tuple(map(int, place)) for place in np.argwhere(marked)), None)
        if place is not None:
            yield str(float(array[place])), place
