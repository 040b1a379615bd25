"""lr by the equations on paper, and from step to step as PyTorch calculates it: the same numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.training.rates import Moment, Schedule
from derive.training.schedulers import ENTRIES, SCHEDULERS, Scheduler
from tests.scheduler_options import CHOICES, options, read
from verify.hand.rates import in_torch, on_paper
from verify.numbers import Exact, as_ball, precision, to_float


def of_torch(scheduler: Scheduler, lr: float, count: int) -> list[tuple[float, float]]:
    """The lr and the momentum of the first steps, of a scheduler that torch runs."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.5)
    plain = {key: float(v) if isinstance(v, Fraction) else v for key, v in scheduler.given.items()}
    found: Any = getattr(torch.optim.lr_scheduler, scheduler.name)(optimizer, **plain)
    numbers = []
    for _ in range(count):
        [group] = optimizer.param_groups
        numbers.append((group["lr"], group["momentum"]))
        optimizer.step()
        found.step()
    return numbers


@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=25)
@given(data=st.data())
def test_the_equations_on_paper_give_what_torch_does(name: str, data: st.DataObject) -> None:
    scheduler = read(name, data.draw(options(name)))
    cycled = scheduler.cycled("SGD")
    schedule = Schedule(Fraction(1, 7), scheduler, cycled)
    with precision(192):
        before: Moment | None = None
        held: dict[str, Any] = {}
        for k, (lr, momentum) in enumerate(of_torch(scheduler, 1 / 7, 50)):
            moment = Moment(k + 1, k + 1, k)
            found = on_paper(schedule, Exact(strict=False), moment)
            assert to_float(found["lr"].item()) == pytest.approx(lr, rel=1e-12, abs=1e-17)
            if cycled:
                assert to_float(found["momentum"].item()) == pytest.approx(momentum, rel=1e-14)
            # the same from step to step, as PyTorch calculates it
            held = in_torch(schedule, Exact(strict=False), before, held, moment)
            assert to_float(held["lr"].item()) == pytest.approx(lr, rel=1e-9, abs=1e-17)
            before = moment


@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=25)
@given(data=st.data())
def test_from_step_to_step_and_in_one_equation_is_the_same(name: str, data: st.DataObject) -> None:
    """Exactly: of decimals, whatever float64 makes of them."""
    scheduler = read(name, {k: data.draw(st.sampled_from([c for c in v if "/" not in c])) for k, v in CHOICES.items()
                            if k in ENTRIES[name].known})  # fmt: skip
    binary = {k: Fraction(float(v)) if isinstance(v, Fraction) else v for k, v in scheduler.given.items()}
    schedule = Schedule(Fraction(1, 8), replace(scheduler, given=binary))
    with precision(256):
        before: Moment | None = None
        held: dict[str, Any] = {}
        for k in range(40):
            moment = Moment(k + 1, k + 1, k)
            held = in_torch(schedule, Exact(strict=False), before, held, moment)
            found = on_paper(schedule, Exact(strict=False), moment)
            difference = as_ball(held["lr"].item()) - as_ball(found["lr"].item())
            assert abs(difference) < 2.0**-150
            before = moment
