"""The effective settings of a run, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.graph.node import Node
from derive.run.reads import Reads
from derive.training.batching import Batches
from derive.training.clipping import Clip
from derive.training.groups import Group
from derive.training.optimizers import DECOUPLED_IN_TORCH, Optimizer, Value
from derive.training.rates import Rate, Schedule, sets_lr, write_rate
from derive.training.schedulers import Scheduler
from derive.training.variants import NONE, optimizer_of

LIMIT = 10**8  # calculations that are made without being asked: about a minute, and 2 GB of memory


@dataclass(frozen=True)
class ParamGroup:
    """Parameters that are updated alike, as an entry of `optimizer.param_groups`.

    `given` are the options that they have of their own or share, `rule` is the optimizer with all of them.
    """

    parameters: tuple[str, ...]
    schedule: Schedule
    given: Mapping[str, Value]
    rule: Optimizer


@dataclass(frozen=True)
class Settings:
    """What one run is made with. `samples` is the number of rows of data, 0 without data.

    `batches`, where it is given, lists the rows of every batch of an epoch, and `batch_size` is the largest.
    `zero_grad` is True, False, or every how many steps the gradient is set to zero; `accumulate` is the number of
    batches whose gradients add up for one update.
    `lr` is None where nothing is trained: the gradients are evaluated once, at the values that are given.
    `steps` counts mini-batches over the whole run. `nodes` compares every line too, `drift` is the number of
    steps that are calculated by hand from the initial values on (None: while the digits suffice), of `every` so
    many steps one is compared, `first` ends the comparison with the first step that disagrees, `limit` is how many
    calculations a run may take.
    `origins` tells of each setting whether it
    comes from a flag, from the problem file, or is the default. The run ends after the first step in which `until`
    holds, and with `on_nonfinite` "stop" after the first that is not finite. `report` are the steps that are
    printed, all where it is empty. `variant` is the textbook's form of the optimizer, or "none"; `options` are
    the optimizer's that are given;
    `left_out` names those of the problem file that the optimizer or the scheduler of a flag does not have.
    `groups` are parameters with options of their own, `parameters` the names of all that are trained.
    `reads` is what the lines of `watched` read of the update.
    """

    optimizer: str
    lr: Rate | None
    batch_size: int
    steps: int
    shuffle: bool
    seed: int
    dtype: str
    samples: int
    origins: Mapping[str, str]
    nodes: bool = False
    drift: int | None = None
    every: int = 1
    first: bool = False
    limit: int = LIMIT
    until: Node | None = None
    report: tuple[int, ...] = ()
    on_nonfinite: str = "stop"
    watch: tuple[Node, ...] = ()
    drop_last: bool = False
    batches: Batches | None = None
    zero_grad: bool | int = True
    accumulate: int = 1
    options: Mapping[str, Value] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    variant: str = NONE
    scheduler: Scheduler | None = None
    clip: Clip | None = None
    groups: tuple[Group, ...] = ()
    parameters: tuple[str, ...] = ()
    reads: Reads = field(default_factory=Reads)

    @cached_property
    def rule(self) -> Optimizer:
        """The optimizer with the options of the parameters that are in no group."""
        return self._rule(self.options)

    def _rule(self, options: Mapping[str, Value]) -> Optimizer:
        """The optimizer; where its momentum is cycled, with the momentum of the first step."""
        if self._cycled == "momentum":
            options = {**options, "momentum": self._first_momentum}
        elif self._cycled:
            betas = Optimizer(self.optimizer, options).options["betas"]
            rest = betas[1:] if isinstance(betas, tuple) else ()
            options = {**options, "betas": (self._first_momentum, *rest)}
        return optimizer_of(self.optimizer, options, self.variant)

    @property
    def _cycled(self) -> str:
        return "" if self.scheduler is None else self.scheduler.cycled(self.optimizer)

    @property
    def _first_momentum(self) -> Fraction:
        assert self.scheduler is not None  # else nothing is cycled
        return self.scheduler.numbers["max_momentum"]

    @cached_property
    def param_groups(self) -> tuple[ParamGroup, ...]:
        """The groups in the order of `optimizer.param_groups`: first the parameters that are in no group, if any.

        An empty tuple where nothing is trained.
        """
        if self.lr is None:
            return ()
        listed = {name for group in self.groups for name in group.parameters}
        rest = tuple(name for name in self.parameters if name not in listed)
        groups = [*([Group(rest)] if rest or not self.groups else []), *self.groups]
        return tuple(self._param_group(group, self.lr) for group in groups)

    def _param_group(self, group: Group, lr: Rate) -> ParamGroup:
        options = {**self.options, **group.options}
        schedule = Schedule(lr if group.lr is None else group.lr, self.scheduler, self._cycled)
        return ParamGroup(group.parameters, schedule, options, self._rule(options))

    def group_of(self, name: str) -> int:
        """Returns the place, from 0, of a parameter's group among `param_groups`; 0 where it is in none."""
        return next((k for k, group in enumerate(self.param_groups) if name in group.parameters), 0)

    def rule_of(self, name: str) -> Optimizer:
        """Returns the optimizer with the options of the group of the parameter `name`."""
        return self.param_groups[self.group_of(name)].rule if self.groups and self.trains else self.rule

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """What may change from step to step: lr, and the momentum or beta1 that is cycled with it."""
        names = [name for group in self.param_groups if group.schedule.varies for name in group.schedule.names]
        return tuple(dict.fromkeys(names))

    @property
    def updates(self) -> int:
        """The number of updates of the whole run."""
        if not self.samples:
            return self.steps // self.accumulate
        epochs, rest = divmod(self.steps, self.batches_per_epoch)
        return epochs * -(-self.batches_per_epoch // self.accumulate) + rest // self.accumulate

    @property
    def decays_in_loop(self) -> bool:
        """Whether weights decay apart from the gradient, and the optimizer of torch.optim leaves that to the loop."""
        options = [group.rule.options for group in self.param_groups]
        decays = any(own.get("decoupled_weight_decay") and own.get("weight_decay") for own in options)
        return decays and self.optimizer not in DECOUPLED_IN_TORCH

    @property
    def by_hand_alone(self) -> bool:
        """Whether the update is one that PyTorch does not have: PyTorch is then given the parameters by hand."""
        return self.trains and self.rule.variant is not None

    @property
    def watched(self) -> tuple[Node, ...]:
        """The lines that are calculated beside those of the problem: [watch], and the condition of `until`."""
        return (*self.watch, *([] if self.until is None else [self.until]))

    def is_met(self, nodes: Mapping[str, Any]) -> bool:
        """Whether the condition of `until` holds in a step; `nodes` has its value, an array or tensor, by its name."""
        return self.until is not None and nodes[self.until.name].item() == 1

    @property
    def trains(self) -> bool:
        """Whether the parameters are updated after a step."""
        return self.lr is not None

    @property
    def batches_per_epoch(self) -> int:
        """Steps in one epoch; without data every epoch is one step."""
        if self.batches is not None:
            return len(self.batches)
        if self.drop_last and self.samples:
            return self.samples // self.batch_size
        return -(-self.samples // self.batch_size) if self.samples else 1

    @property
    def states(self) -> list[str]:
        """The names of what optimizers keep of each entry of a parameter, such as v."""
        kept = (state for group in self.param_groups for state in group.rule.states)
        return list(dict.fromkeys(state.name for state in kept if not state.single))

    @property
    def samples_in_step(self) -> int | None:
        """How many rows of data every step reads; None where they are not as many in each, and without data."""
        if self.batches is not None:
            sizes = {len(batch) for batch in self.batches}
            return sizes.pop() if len(sizes) == 1 else None
        is_whole = self.drop_last or (self.samples and self.samples % self.batch_size == 0)
        return self.batch_size if self.samples and is_whole else None

    @property
    def zero_every(self) -> int:
        """Every how many steps the gradient is set to zero; 0 for never."""
        return int(self.zero_grad)

    def __str__(self) -> str:
        """One line, such as `SGD, lr 0.1 (flag), batch_size 3 of 9, epochs 1, float32`."""
        if self.lr is None:
            samples = f", all {self.samples} samples" if self.samples > 1 else ""
            flag = " (flag)" if self.origins.get("dtype") == "flag" else ""
            return f"gradients at a point: one step without update{samples}, {self.dtype}{flag}"
        epochs, rest = divmod(self.steps, self.batches_per_epoch)
        whole_epochs = bool(self.samples) and not rest
        shown = [
            ("optimizer", self.optimizer),
            ("variant", "" if self.variant == NONE else f"variant {self.variant}"),
            ("lr", "" if sets_lr(self.scheduler) else f"lr {write_rate(self.lr)}{self._rate_in_words()}"),
            *(
                (n, n if text == "true" else f"{n} {text}")
                for n, text in Optimizer(self.optimizer, self.options).in_effect
            ),
            ("scheduler", self.scheduler.in_words if self.scheduler else ""),
            (self.clip.by if self.clip else "", str(self.clip) if self.clip else ""),
            *(("groups", str(group)) for group in self.groups),
            ("batches" if self.batches else "batch_size", self._batches_in_words()),
            ("epochs", f"epochs {epochs}" if whole_epochs else f"steps {self.steps}"),
            ("until", "" if self.until is None else f"until {self.until.name}"),
            ("drop_last", "drop_last" if self.drop_last else ""),
            ("zero_grad", self._zero_grad_in_words()),
            ("accumulate", f"accumulate {self.accumulate} batches" if self.accumulate > 1 else ""),
            ("shuffle", f"shuffle with seed {self.seed}" if self.shuffle else ""),
            ("dtype", self.dtype),
            ("on_nonfinite", "" if self.on_nonfinite == "stop" else f"on_nonfinite {self.on_nonfinite}"),
        ]
        flagged = {"epochs" if key == "steps" else key for key, origin in self.origins.items() if origin == "flag"}
        return ", ".join(text + (" (flag)" if key in flagged else "") for key, text in shown if text)

    def _rate_in_words(self) -> str:
        return " by epoch" if isinstance(self.lr, tuple) else ""

    def _batches_in_words(self) -> str:
        if not self.samples:
            return ""
        if self.batches is None:
            return f"batch_size {self.batch_size} of {self.samples}"
        return f"{len(self.batches)} listed batch{'es' if len(self.batches) > 1 else ''} of {self.samples} samples"

    def _zero_grad_in_words(self) -> str:
        if self.zero_every == 1:
            return ""
        return f"zero_grad every {self.zero_every} steps" if self.zero_every else "no zero_grad"
