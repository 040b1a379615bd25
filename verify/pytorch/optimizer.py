"""What changes the parameters between two steps: `torch.optim`, or the numbers by hand in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from derive.errors import Place, SettingError
from derive.run.batches import Batch
from derive.run.settings import Settings
from derive.training.clipping import NORM
from derive.training.optimizers import DECOUPLED_IN_TORCH, Value
from verify.names import state_name
from verify.pytorch.module import GraphModule, as_values
from verify.pytorch.rates import Rates, first_rate, plain
from verify.record import Handed, Values


class TorchUpdate:
    """`torch.optim` for what is trained: nothing without lr, and not the frozen parameters.

    Single frozen entries of a parameter are put back after each step: with momentum or decay they would move
    even if their gradient were 0.
    """

    def __init__(
        self, model: GraphModule, settings: Settings, place_of: Callable[[str], Place | None] = lambda _: None
    ) -> None:
        whole = {frozen.name for frozen in model.graph.frozen if not frozen.entries}
        self.trained = {name: p for name, p in model.named.items() if name not in whole}
        self.trains = settings.lr is not None
        self.settings = settings
        self.optimizer: torch.optim.Optimizer | None = None
        self.decays = settings.optimizer not in DECOUPLED_IN_TORCH
        self.decoupled = [
            group
            for group in settings.param_groups
            if self.decays and group.rule.options["decoupled_weight_decay"] and group.rule.options["weight_decay"]
        ]
        self.rates: Rates | None = None
        if settings.lr is not None and self.trained:
            options = self.of_torch(settings.options)
            build = getattr(torch.optim, settings.optimizer)
            self.optimizer = build(self.param_groups(), lr=first_rate(settings.lr), **options)
            if settings.varying:
                self.rates = Rates(self.optimizer, settings, place_of)
        self.kept = [(model.named[f.name], entry) for f in model.graph.frozen for entry in f.entries]

    def param_groups(self) -> list[Any]:
        """The parameters as torch.optim takes them: in groups, where some have options of their own."""
        if not self.settings.groups:
            return list(self.trained.values())
        return [
            {
                "params": [self.trained[name] for name in group.parameters],
                "lr": first_rate(group.schedule.lr),
                **self.of_torch(group.given),
            }
            for group in self.settings.param_groups
        ]

    def of_torch(self, options: Mapping[str, Value]) -> dict[str, Any]:
        """Options as torch.optim takes them, without a decay that it does not have and `decay` makes."""
        if not self.decays:
            return _plain_options(options)
        others = {name: value for name, value in options.items() if name != "decoupled_weight_decay"}
        is_decoupled = bool(options.get("decoupled_weight_decay"))
        return _plain_options({**others, "weight_decay": Fraction(0)} if is_decoupled else others)

    @torch.no_grad()
    def decay(self) -> None:
        """Decoupled weight decay before the step, where torch.optim leaves it to the loop: p.mul_(1 - lr*weight_decay).

        As in torch.optim.AdamW, the factor is a Python float.
        """
        assert self.optimizer is not None  # else there is no step
        of_parameter = {id(parameter): held for held in self.optimizer.param_groups for parameter in held["params"]}
        for group in self.decoupled:
            for parameter in (self.trained[name] for name in group.parameters):
                lr = of_parameter[id(parameter)]["lr"]
                parameter.mul_(1 - lr * float(group.rule.numbers["weight_decay"]))

    def begin(self, batch: Batch) -> None:
        """Sets what changes from step to step, such as lr, for a batch. Raises `SettingError` as `rate_at` does."""
        if self.rates is not None:
            self.rates.begin(batch)

    def held(self) -> Values:
        """The values of lr and the like that the optimizer holds now, by name; none where nothing changes."""
        return {} if self.rates is None else self.rates.held()

    def clip(self) -> Values:
        """Clips the gradients of what is trained in place; returns them by parameter, none where nothing is clipped."""
        clip = self.settings.clip
        if clip is None or self.optimizer is None:
            return {}
        self.complete()
        limit = float(clip.limit)
        if clip.by == NORM:
            torch.nn.utils.clip_grad_norm_(self.trained.values(), limit)
        else:
            torch.nn.utils.clip_grad_value_(self.trained.values(), limit)
        return as_values({name: p.grad for name, p in self.trained.items() if p.grad is not None})

    def complete(self) -> None:
        """Gives a parameter that the loss does not depend on the gradient 0, as on paper."""
        for parameter in self.trained.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def step(self) -> None:
        """One update. Raises `SettingError` where torch.optim cannot make it in the dtype."""
        if self.optimizer is None:
            return
        self.complete()
        held = [parameter[entry].clone() for parameter, entry in self.kept]
        if self.decoupled:
            self.decay()
        try:
            self.optimizer.step()
        except RuntimeError as error:  # such as an lr/(1 − beta1^t) that the dtype cannot hold
            raise SettingError(f"torch.optim.{self.settings.optimizer} cannot make the step: {error}") from None
        with torch.no_grad():
            for (parameter, entry), value in zip(self.kept, held, strict=True):
                parameter[entry] = value

    def state(self) -> dict[str, Tensor]:
        """The optimizer's state by its names on paper, `w.v`; before the first step, what it will begin with."""
        if self.optimizer is None:
            return {}
        found = {}
        for name, parameter in self.trained.items():
            held = self.optimizer.state.get(parameter, {})
            rule = self.settings.rule_of(name)
            for state in rule.states:
                start = parameter.detach().new_full((() if state.single else parameter.shape), float(rule.start(state)))
                value = held.get(state.key)
                found[state_name(name, state.name)] = start if value is None else value
        return found


class UpdateByHand:
    """In place of an optimizer that PyTorch does not have: each update takes the next numbers by hand."""

    def __init__(self, model: GraphModule, by_hand: Handed) -> None:
        self.model = model
        self.trains = True
        self.values = by_hand.start
        self.updates = iter(by_hand.updates)
        self.clipped = iter(by_hand.clipped)
        self.rates = iter(by_hand.rates)

    def step(self) -> None:
        """Sets the parameters to those after the next update, rounded to the dtype as any number that PyTorch takes."""
        self.values = next(self.updates)
        with torch.no_grad():
            for name, parameter in self.model.named.items():
                parameter.copy_(torch.from_numpy(self.values[name]))

    def state(self) -> dict[str, Tensor]:
        """The state by hand, by its names `w.v`; not rounded to the dtype, for PyTorch has no use for it."""
        own = (name for name in self.values if name not in self.model.named)
        return {name: torch.from_numpy(self.values[name]) for name in own}

    def begin(self, batch: Batch) -> None:
        """Nothing is set before a batch: PyTorch holds no lr."""

    def held(self) -> Values:
        """The numbers by hand of the next step, lr and the like: PyTorch holds none."""
        return next(self.rates, {})

    def clip(self) -> Values:
        """The gradients after clipping, by hand: PyTorch makes no update, and its .grad holds what clipping leaves."""
        found = next(self.clipped, {})
        for name, values in found.items():
            self.model.named[name].grad = torch.from_numpy(values).to(self.model.dtype, copy=True)
        return found


def _plain_options(options: Mapping[str, Value]) -> dict[str, Any]:
    """Options as torch.optim takes them."""
    return {name: plain(value) for name, value in options.items()}
