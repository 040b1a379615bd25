"""A problem file calculated once more: forward and backward pass, updates, and all that is shown of a step."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.oracle import optimizers, tape
from tests.oracle.notation import Line, Scope, Tensor, number, parsed, scalar
from tests.oracle.numbers import ZERO, Real, larger, root, smaller
from tests.oracle.problem import Array, Problem, Values, mapped
from tests.oracle.schedulers import cycled, rate, real
from tests.oracle.tape import Var


@dataclass
class Step:
    """All that is shown of one step, arrays of `Real` by name; what an update gives is empty where there is none."""

    epoch: int
    batch: int
    rows: tuple[int, ...]
    loss: Real
    lines: Values
    adjoints: Values
    gradients: Values
    along: dict[str, tuple[bool, ...]]  # of each line, which axes run over the samples
    clipped: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    rates: dict[str, list[Real]] = field(default_factory=dict)
    beside: Values = field(default_factory=dict)  # [watch], [report] and the condition of until
    is_met: bool = False


class Training(Problem):
    """The run of a problem; `edges` is what PyTorch takes at an edge of clip, by "numbers" and "calculated" bounds."""

    def __init__(
        self,
        text: str,
        settings: Mapping[str, Any],
        drawn: Mapping[str, Any] | None = None,
        orders: Sequence[Sequence[int]] | None = None,
        edges: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text, settings, drawn, orders)
        self.edges = edges or {"numbers": "passes", "calculated": "passes"}

    def steps(self) -> Iterator[Step]:
        """The steps of the run. It ends with the one in which `until` holds."""
        held: Values = dict(self.parameters)
        states = {name: self._begun(name, array) for name, array in held.items()}
        gathered: Values = {}
        t, place = 1, 0  # the number of the coming update, and of the batch among those that add up
        accumulate = int(self.settings.get("accumulate", 1))
        zero = self.settings.get("zero_grad", True)
        for count, (epoch, batch, rows, ends) in enumerate(self.batches(), start=1):
            if self._is_over(count, epoch):
                return
            place = 1 if self.samples and batch == 1 else place + 1
            every = accumulate if accumulate > 1 else int(zero)
            at = place if accumulate > 1 else count
            adds = (at - 1) % every != 0 if every else count > 1
            step, scope = self._passed(held, rows, epoch, batch, gathered if adds else {})
            step.rates = self._rates(t, epoch)
            updates = self.trains and (ends or place % accumulate == 0)
            left = step.gradients
            if updates:
                step.clipped = self._clipped(step.gradients)
                left = {**left, **step.clipped}
            before, step.after = held, {}
            if self.trains:
                moved = self._moved(held, states, left, step.rates, t) if updates else held
                step.after = {**moved, **_states(states)}
                held = moved
            self._show(step, scope, before, held, t, updates)
            yield step
            if step.is_met:
                return
            gathered, t = left, t + updates

    def _is_over(self, count: int, epoch: int) -> bool:
        if not self.trains:
            return count > 1
        if "steps" in self.settings:
            return count > int(self.settings["steps"])
        return epoch > int(self.settings.get("epochs", 1))

    # one step

    def _scope(self, parameters: Mapping[str, Any], data: Mapping[str, Any], rows: Sequence[int], n: int) -> Scope:
        values = {name: _tensor(array) for name, array in self.constants.items()}
        values |= {name: Tensor(mapped(tape.leaf, array), (False,) * array.ndim) for name, array in parameters.items()}
        values |= {name: _tensor(array, True) for name, array in data.items()}
        if "n" not in self.lines:
            values["n"] = number(n)
        return Scope(values, rows, self.edges)

    def _forward(self, scope: Scope, names: Sequence[str]) -> None:
        """Works out lines in an order in which each has what it reads; the loss is one number."""
        values, left = scope.values, list(names)
        while left:
            name = next(own for own in left if not _read(self.lines[own].right) & set(left) - {own})
            found = self.lines[name]
            is_loss = name == self.loss and self.seed is None and self.is_closed
            tensor = scalar(scope.loss(found.right)) if is_loss else scope.defined(found)
            values[name] = Tensor(mapped(tape.named, tensor.of), tensor.samples)
            left.remove(name)

    @property
    def is_closed(self) -> bool:
        """Whether the last line is a loss: without [training] it may have several numbers."""
        return self.trains or self.loss.lower() in ("l", "loss", "cost", "error", "e", "j", "mse", "mae")

    def _passed(
        self, held: Values, rows: tuple[int, ...], epoch: int, batch: int, so_far: Values
    ) -> tuple[Step, Scope]:
        """The forward and the backward pass of a batch."""
        data = {name: column[list(rows)] for name, column in self.data.items()}
        scope = self._scope(held, data, rows, len(rows) or 1)
        self._forward(scope, list(self.lines))
        end = scope.values[self.loss]
        loss = tape.total([tape.multiply(x, Var(weight)) for x, weight in self._seeded(end, rows)])
        if self.seed is not None:
            scope.values["L"] = scalar(tape.named(loss))
        tape.backward(loss)
        lines = {name: scope.values[name].of for name in self.lines}
        gradients = {name: mapped(lambda x: x.adjoint, scope.values[name].of) for name in self.parameters}
        gradients = {n: _sum(array, so_far[n]) if n in so_far else array for n, array in gradients.items()}
        return Step(
            epoch,
            batch,
            rows,
            loss.value,
            {name: mapped(lambda x: x.value, array) for name, array in lines.items()},
            {name: mapped(lambda x: x.adjoint, array) for name, array in lines.items()},
            gradients,
            {name: scope.values[name].samples for name in self.lines},
        ), scope

    def _seeded(self, end: Tensor, rows: tuple[int, ...]) -> Iterator[tuple[Var, Real]]:
        """The numbers of the last line, each with the upstream gradient that it is given."""
        seed = np.array(Real(1)) if self.seed is None else self.seed
        if any(end.samples) and seed.ndim:
            seed = seed[list(rows)]
        yield from zip(end.of.flat, np.broadcast_to(seed, end.of.shape).flat, strict=True)

    def _clipped(self, gradients: Values) -> Values:
        """The gradients of all parameters that are trained, after clipping."""
        trained = {name: array for name, array in gradients.items() if name not in self.frozen}
        if "clip_grad_norm" in self.settings:
            norm = root(sum((g * g for array in trained.values() for g in array.flat), ZERO))
            share = smaller(Real(1), real(self.settings["clip_grad_norm"]) / (norm + real("1e-6")))
            return {name: mapped(lambda g: g * share, array) for name, array in trained.items()}
        if "clip_grad_value" in self.settings:
            most = real(self.settings["clip_grad_value"])
            return {name: mapped(lambda g: smaller(larger(g, -most), most), a) for name, a in trained.items()}
        return {}

    # the update

    def _own(self, name: str) -> tuple[int, Mapping[str, Any]]:
        """The group of a parameter, with the settings that hold for it."""
        place = next(k for k, (names, _) in enumerate(self.groups) if name in names)
        return place, {**self.settings, **self.groups[place][1]}

    def _options(self, name: str, k: int) -> SimpleNamespace:
        """The options of the optimizer for a parameter, after k steps of the scheduler."""
        _, own = self._own(name)
        found = optimizers.options(str(self.settings.get("optimizer", "SGD")), own)
        moving = cycled(self.settings, k)
        if moving is not None:
            setattr(found, self._cycles, moving)
        return found

    @property
    def _cycles(self) -> str:
        return "beta1" if "betas" in optimizers.DEFAULTS[str(self.settings.get("optimizer", "SGD"))] else "momentum"

    @property
    def _variant(self) -> str:
        variant = self.settings.get("variant", "none")
        return variant if isinstance(variant, str) else "+".join(variant)

    def _begun(self, name: str, array: Array) -> Any:
        """What is remembered of every number of a parameter; nothing where it is frozen as a whole."""
        if not self.trains or name in self.frozen:
            return mapped(lambda _: {}, array)
        optimizer = str(self.settings.get("optimizer", "SGD"))
        return mapped(lambda _: optimizers.begun(optimizer, self._variant, self._options(name, 0)), array)

    def _stepped(self, t: int, epoch: int) -> int:
        """How often the scheduler has stepped before update number t."""
        usual = "batch" if self.settings.get("scheduler") == "OneCycleLR" else "epoch"
        return t - 1 if self.settings.get("scheduler_every", usual) == "batch" else epoch - 1

    def _rates(self, t: int, epoch: int) -> dict[str, list[Real]]:
        """The lr of each group, and what is cycled with it."""
        if not self.trains:
            return {}
        k = self._stepped(t, epoch)
        constants = {name: _tensor(array) for name, array in self.constants.items()}
        lrs = [group.get("lr", self.settings.get("lr")) for _, group in self.groups]
        found = {"lr": [rate(lr, self.settings, k, t, epoch, constants) for lr in lrs]}
        moving = cycled(self.settings, k)
        return found if moving is None else {**found, self._cycles: [moving] * len(lrs)}

    def _moved(
        self, held: Values, states: Mapping[str, Any], left: Values, rates: Mapping[str, list[Real]], t: int
    ) -> Values:
        """The parameters after update number t; `states` are changed in place."""
        optimizer, found = str(self.settings.get("optimizer", "SGD")), {}
        for name, array in held.items():
            found[name] = array.copy()
            if name in self.frozen:
                continue
            place, _ = self._own(name)
            o = self._options(name, 0)
            if self._cycles in rates:
                setattr(o, self._cycles, rates[self._cycles][place])
            for index in np.ndindex(array.shape):
                new = optimizers.moved(
                    optimizer,
                    self._variant,
                    o,
                    array[index],
                    left[name][index],
                    states[name][index],
                    rates["lr"][place],
                    t,
                )
                entry = f"{name}[{','.join(map(str, index))}]"
                found[name][index] = array[index] if entry in self.frozen else new
        return found

    def _show(self, step: Step, scope: Scope, before: Values, after: Values, t: int, updates: bool) -> None:
        """What stands beside the loss: [report] at the parameters before the update, [watch] at those after it."""
        values = {
            name: Tensor(mapped(lambda x: Var(x.value), own.of), own.samples) for name, own in scope.values.items()
        }
        of_update = {
            name: _tensor(array) for name, array in self._update_names(step, before, after, t, updates).items()
        }
        early = {**values}
        for found in self.report:
            if not _read(found.right) & set(of_update) - set(values):
                early[found.name] = Scope(early, scope.rows, self.edges).value(found.right)
                step.beside[found.name] = mapped(lambda x: x.value, early[found.name].of)
        late = {**of_update, **early, **{name: _tensor(array) for name, array in after.items()}}
        loss = self.loss if self.seed is None else "L"
        late |= {f"{loss}__by__{name}": _tensor(array) for name, array in step.gradients.items()}
        rest = [found for found in self.report if found.name not in step.beside]
        for found in (*rest, *self.watch):
            late[found.name] = Scope(late, scope.rows, self.edges).value(found.right)
            step.beside[found.name] = mapped(lambda x: x.value, late[found.name].of)
        if "until" in self.settings:
            text = str(self.settings["until"])
            truth = Scope(late, scope.rows, self.edges).value(parsed(text))
            step.beside["until"] = mapped(lambda x: x.value, truth.of)
            step.is_met = truth.of.item().value.sign > 0

    def _update_names(self, step: Step, before: Values, after: Values, t: int, updates: bool) -> Values:
        """lr, step_size_w, delta_w, the state of w, and m_hat_w and v_hat_w as the printed equations have them."""
        if not self.trains:
            return {}
        found: Values = {"lr": np.array(step.rates["lr"][0])} if len(step.rates["lr"]) == 1 else {}
        for name, array in before.items():
            found[f"step_size_{name}"] = _sum(array, mapped(lambda x: -x, after[name]))
            found[f"delta_{name}"] = mapped(lambda x: -x, found[f"step_size_{name}"])
        for full, array in step.after.items():
            name, _, own = full.partition(".")
            if own and own != "mu_product":
                found[f"{own}_{name}"] = array
                if own in ("m", "v") and str(self.settings.get("optimizer")) in ("Adam", "AdamW"):
                    o = self._options(name, 0)
                    made = max(t if updates else t - 1, 1)
                    beta = o.beta1 if own == "m" else o.beta2
                    largest = step.after.get(f"{name}.v_max") if own == "v" else None
                    hat = array if largest is None else largest
                    found[f"{own}_hat_{name}"] = mapped(lambda x, b=beta, u=made: x / (1 - b**u), hat)
        return found

    # after training

    def predicted(self, parameters: Values) -> Values:
        """Every line that depends on the columns of [predict] and on no other data, at the final parameters."""
        n = len(next(iter(self.predict.values())))
        other = set(self.data) - set(self.predict)
        early = {found.name: found for found in self.report}
        reads = {name: self._behind(name, {**self.lines, **early}) for name in (*self.lines, *early)}
        fits = [name for name, names in reads.items() if names & set(self.predict) and not names & other]
        behind = {name for own in fits for name in (own, *reads[own])}
        scope = self._scope({name: parameters[name] for name in self.parameters}, self.predict, range(n), n)
        self._forward(scope, [name for name in self.lines if name in behind])
        for name, found in early.items():
            if name in behind:
                scope.values[name] = scope.value(found.right)
        return {name: mapped(lambda x: x.value, scope.values[name].of) for name in fits}

    def _behind(self, name: str, lines: Mapping[str, Line]) -> set[str]:
        """All names that a line reads, by way of others too."""
        found: set[str] = set()
        pending = [name]
        while pending:
            own = pending.pop()
            new = _read(lines[own].right) - found if own in lines else set()
            found |= new
            pending.extend(new)
        return found


def _read(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _sum(one: Array, other: Array) -> Array:
    found = np.empty(one.shape, dtype=object)
    found[...] = one + other
    return found


def _tensor(array: Array, of_samples: bool = False) -> Tensor:
    axes = tuple(of_samples and axis == 0 for axis in range(np.ndim(array)))
    return Tensor(mapped(Var, np.asarray(array, dtype=object)), axes)


def _states(states: Mapping[str, Any]) -> Values:
    """The optimizer's state as it is now, `w.v`; what NAdam remembers of mu is one number for a whole parameter."""
    found: Values = {}
    for name, array in states.items():
        for own in next(iter(array.flat), {}):
            each = mapped(lambda held, own=own: held[own], array)
            found[f"{name}.{own}"] = np.array(each.flat[0], dtype=object) if own == "mu_product" else each
    return found
