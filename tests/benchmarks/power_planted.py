"""Planted errors: wrong gradients of every kind, judged as correct ones are, and given to torch.autograd.gradcheck."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.loading import load
from tests.benchmarks import random_graphs, steps
from tests.benchmarks.figures import Figures
from tests.benchmarks.power_correct import DTYPES, draw
from tests.benchmarks.random_graphs import Floats, RandomGraph
from tests.benchmarks.steps import Case, Judged, Plant, Planted, Truth
from verify.bound.bound import PRECISION, AtState, Bound
from verify.names import adjoint_of
from verify.numbers import Array, as_ball, precision
from verify.pytorch import run as training
from verify.record import StepRecord

SIZES = (1, 2, 4, 8, 16, 32, 64, 256, 1024, 4096)
WEIGHTS = (4, 4, 4, 4, 4, 3, 3, 2, 1, 0.5)
NUMBERS = {"float64": 64}  # of one column in one chunk
POWERS = range(1, 25)
LARGEST_GRADCHECK = 256  # samples of a batch
# Shares of the terms from which on a bound could be called too wide; verify's own is `check.OF_TERMS`, and it also
# replays what is wider than a quarter of the number itself.
SHARES = (2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-10, 2.0**-12, 2.0**-14)
STALE = 0.01  # the lr of the update that a stale parameter lacks
STRUCTURAL = (
    "lost 1/n",
    "n-1 for n",
    "flipped sign",
    "lost sample",
    "stale parameter",
    "transposed",
    "1e-6 x, sum",
)
NEEDS_SAMPLES = ("lost 1/n", "n-1 for n", "lost sample", "1e-6 x, sum")  # no error at n = 1


@dataclass(frozen=True)
class Error:
    """A planted error: what it does to a step, and at which other state the exact calculation does the same."""

    kind: str
    plant: Plant
    moved: Callable[[Mapping[str, Floats]], dict[str, Floats]] | None = None
    parameter: str | None = None  # of which the gradient alone is wrong


def chunk(seed: int, number: int, scale: float = 1.0) -> Figures:
    """Errors of every kind planted in steps of one graph, in every dtype."""
    random = Random(f"planted {seed} {number}")
    tiny = random.random() < 0.2  # the loss scaled by 1e-6
    square = random.random() < 0.5
    graph = random_graphs.network(random, square=True) if square else random_graphs.scalars(random, mean=True)
    if tiny:
        lines, _, last = graph.equations.rpartition("l = ")
        graph = replace(graph, equations=f"{lines}l = 1e-6*({last})")
    n = random.choices(SIZES, WEIGHTS)[0]
    if "transpose(X)" in graph.equations:
        n = min(n, random_graphs.MAX_ATTENTION)
    regime = random.choice(("near", "near", "near", "scaled"))
    parameter = random.choice(list(graph.parameters))
    figures, derivation = Figures(), None
    for place, dtype in enumerate(DTYPES):
        count = int(max(1, min(8, NUMBERS.get(dtype, 2**12) // n) * scale))
        values = draw(graph, np.random.default_rng([seed, number, place, 1]), dtype, regime, count, n)
        small = {name: value[0] if name in graph.parameters else value[0][:2] for name, value in values.items()}
        try:
            derivation = derivation or differentiate(load(graph.text(small, dtype, "0.01")).graph)
            found = steps.case(graph.text(small, dtype, "0.01"), dtype, derivation)
            found.bound  # noqa: B018
        except ProblemError as error:
            figures.add("refused", type(error).__name__)
            return figures
        planting = _Planting(figures, found, graph, values, n, regime, parameter, tiny)
        planting.run(number)
        if regime == "near" and n <= LARGEST_GRADCHECK and dtype in ("float32", "float64"):
            planting.gradcheck(random)
    return figures


class _Planting:
    """The errors planted in one case."""

    def __init__(
        self,
        figures: Figures,
        found: Case,
        graph: RandomGraph,
        values: Mapping[str, Floats],
        n: int,
        regime: str,
        parameter: str,
        tiny: bool,
    ) -> None:
        self.figures, self.found, self.graph, self.n = figures, found, graph, n
        self.parameter, self.tiny = parameter, tiny
        self.label = f"{found.dtype} {n} {regime}"
        self.values = dict(values)
        self.at = self.state(found.bound, steps.together(found, values))
        self.fine = None
        if found.dtype != "float64":
            self.fine = self.state(found.finer, steps.together(found, values, "float64"))
        self.right = self.judged(self.at)
        self.wrong = steps.any_of(self.right, lambda x: x.disagrees)
        self.usable = (steps.any_of(self.right, lambda x: ~x.decided) == 0) & ~self.wrong
        if self.fine is not None:
            self.usable &= steps.any_of(self.judged(self.fine), lambda x: ~x.agrees) == 0

    @staticmethod
    def state(bound: Bound, record: tuple[StepRecord, ...]) -> AtState:
        with np.errstate(all="ignore"):
            return bound.at(steps.block(record))

    def judged(self, at_state: AtState, record: tuple[StepRecord, ...] | None = None) -> Judged:
        """The loss and gradients of `record` at the bounds of the correct steps."""
        bound = self.found.bound if at_state is self.at or self.fine is None else self.found.finer
        if record is not None:
            at_state = replace(at_state, block=steps.block([replace(step, after={}) for step in record]))
        with np.errstate(all="ignore"):
            numbers = steps.judged(self.found, bound, at_state)
        return {name: x for name, x in numbers.items() if name[0] in ("loss", "gradients")}

    def run(self, number: int) -> None:
        """Plants every error that the graph can have."""
        label = self.label
        self.figures.add("planted in", label, int(self.usable.sum()))
        for share in SHARES:
            wide = steps.any_of(self.right, lambda x, share=share: x.distance.bound > share * x.terms)
            self.figures.add(f"wide from {share}", label, int((wide & self.usable).sum()))
        self.figures.add("false alarms", self.label, int(self.wrong.sum()))
        for place in np.flatnonzero(self.wrong)[:2]:
            step = self.at.block.step(place)
            text = self.graph.text({**step.before, **step.data}, self.found.dtype, "0.01")
            self.figures.alarm(f"planted, chunk {number}, step {step.batch.step}", text)
        for error in self.errors():
            record = steps.together(self.found, self.values, plant=error.plant)
            again = steps.together(self.found, self.values, "float64", error.plant) if self.fine else None
            self.count(f"{self.label} {error.kind}", "structural", record, again, self.effect(error))
        self.factors()

    def errors(self) -> list[Error]:
        """The structural errors that there can be."""
        p = self.parameter
        sums = Error("1e-6 x, sum" if self.tiny else "lost 1/n", _scaled(self.n))
        found = [sums, Error("n-1 for n", _scaled(self.n / max(self.n - 1, 1)))]
        found.append(Error("lost sample", self._lost, self._without_last))
        if self.n == 1:
            found = []
        found.append(
            Error(
                "flipped sign",
                lambda step: _put(step, p, 2 * step.parameters[p].detach() - step.parameters[p]),
                None,
                p,
            )
        )
        self.values["stale"] = self._stale()
        found.append(
            Error(
                "stale parameter",
                lambda step: _put(step, p, _at(step.parameters[p], step.others["stale"])),
                lambda v: {**v, p: self.values["stale"]},
            )
        )
        square = [name for name, shape in self.graph.parameters.items() if len(shape) == 2]
        if square:
            w = square[0]
            found.append(
                Error(
                    "transposed",
                    lambda step: _put(step, w, step.parameters[w].T),
                    lambda v: {**v, w: v[w].swapaxes(1, 2)},
                )
            )
        return found

    def _stale(self) -> Floats:
        """The parameter before the update that led here, about."""
        p = self.parameter
        gradient = np.stack([step.gradients[p] for step in steps.in_steps(self.at.block)])
        with np.errstate(all="ignore"):
            moved = steps.held(self.values[p] + STALE * gradient, self.found.dtype)
        return np.where(np.isfinite(moved), moved, self.values[p])

    def _lost(self, step: Planted) -> None:
        for name in self.graph.columns:
            step.others[name] = step.others[name][:-1]
        step.n -= 1

    def _without_last(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        return {name: value[:, :-1] if name in self.graph.columns else value for name, value in values.items()}

    def effect(self, error: Error) -> Truth:
        """In which steps the error changes the loss or a gradient at all, in exact arithmetic."""
        names = [adjoint_of(error.parameter)] if error.parameter else self._targets()
        right = {name: self.at.exact[name] for name in names}
        if error.moved is None:
            found = [_differs(right[name], None) for name in names]
        else:
            wrong = self._exactly(error.moved(self.values))
            found = [_differs(right[name], wrong[name]) for name in names]
        return np.asarray(np.logical_or.reduce([self._each(truth) for truth in found]))

    def _targets(self) -> list[str]:
        return [self.found.loss, *map(adjoint_of, self.graph.parameters)]

    def _each(self, truth: Truth) -> Truth:
        """A truth that may be the same in every step, for each step."""
        count = len(self.at.block)
        whole = truth if truth.ndim and len(truth) == count else np.broadcast_to(truth, (count, *truth.shape))
        return steps.each_step(whole)

    def _exactly(self, values: Mapping[str, Floats]) -> Mapping[str, Array]:
        """The derivation as it is written, at other states."""
        side = self.found.bound.exact
        taken = {name: values[name] for name in (*self.graph.parameters, *self.graph.columns)}
        n = next(values[name].shape[1] for name in self.graph.columns)
        with precision(PRECISION), np.errstate(all="ignore"):
            return side.at({name: side.system.take(value) for name, value in taken.items()}, n).results

    def count(
        self,
        label: str,
        group: str,
        record: tuple[StepRecord, ...],
        again: tuple[StepRecord, ...] | None,
        effect: Truth,
    ) -> None:
        """Counts the errors that have an effect, those above twice the bound, and those that are caught."""
        real = self.usable & effect
        numbers = self.judged(self.at, record)
        direct = steps.any_of(numbers, lambda x: ~x.within)
        twice = steps.any_of(numbers, lambda x: np.abs(x.distance.error) > 2 * x.distance.bound)
        by_rule = by_replay = direct
        for share in SHARES if self.fine is not None and again is not None and group == "structural" else ():
            finer = self.judged(self.fine, again)
            shown = {name: x.distance.bound > share * x.terms for name, x in numbers.items()}
            found = [steps.each_step(wide & ~finer[name].within) for name, wide in shown.items()]
            caught = real & np.logical_or.reduce([direct, *found])
            self.figures.add(f"from {share}", self.label, int(caught.sum()))
        if self.fine is not None and again is not None:
            finer = self.judged(self.fine, again)
            whole = {name: replace(x, replay=finer[name]) for name, x in numbers.items()}
            by_rule = steps.any_of(whole, lambda x: x.disagrees) | direct
            by_replay = direct | steps.any_of(finer, lambda x: ~x.within)
        for what, truth in (
            ("errors", real),
            ("twice", real & twice),
            ("twice caught", real & twice & direct),
            ("direct", real & direct),
            ("rule", real & by_rule),
            ("replay", real & by_replay),
            ("no effect", self.usable & ~effect),
        ):
            self.figures.add(f"{group} {what}", label, int(truth.sum()))

    def factors(self) -> None:
        """A factor 1 ± 2^-k on the gradient of one parameter."""
        p = self.parameter
        effect = self._each(_differs(self.at.exact[adjoint_of(p)], None))
        for k in POWERS:
            for sign in (1, -1):
                factor = 1 + sign * 2.0**-k
                record = tuple(self._times(step, factor, self.found.dtype) for step in steps.in_steps(self.at.block))
                again = (
                    tuple(self._times(s, factor, "float64") for s in steps.in_steps(self.fine.block))
                    if self.fine
                    else None
                )
                self.count(f"{self.found.dtype} {k}", "factor", record, again, effect)

    def _times(self, step: StepRecord, factor: float, dtype: str) -> StepRecord:
        changed = steps.held(np.asarray(step.gradients[self.parameter] * factor), dtype)
        return replace(step, gradients={**step.gradients, self.parameter: changed})

    def gradcheck(self, random: Random) -> None:
        """What torch.autograd.gradcheck says at its defaults to right and wrong gradients of one step."""
        if not self.usable.any():
            return
        place = random.choice(np.flatnonzero(self.usable).tolist())
        right = self.at.block.step(place)
        self._gradcheck("right", right.gradients, place)
        for error in self.errors():
            if self.effect(error)[place]:
                record = steps.together(self.found, self.values, plant=error.plant)
                self._gradcheck(error.kind, record[place].gradients, place)
        for k in random.sample(list(POWERS), 4):
            factor = 1 + random.choice((1, -1)) * 2.0**-k
            self._gradcheck(f"factor {k}", self._times(right, factor, self.found.dtype).gradients, place)

    def _gradcheck(self, kind: str, gradients: Mapping[str, Floats], place: int) -> None:
        passed = passes_gradcheck(self.found, self.values, place, gradients)
        self.figures.add("gradcheck runs", f"{self.found.dtype} {kind}")
        self.figures.add("gradcheck rejects", f"{self.found.dtype} {kind}", int(not passed))


def _scaled(factor: float) -> Plant:
    def plant(step: Planted) -> None:
        step.factor = factor

    return plant


def _put(step: Planted, name: str, value: Tensor) -> None:
    step.parameters[name] = value


def _at(parameter: Tensor, value: Tensor) -> Tensor:
    """The tensor `value`, of which the gradient is the parameter's."""
    return parameter - parameter.detach() + value


def _differs(x: Array, y: Array | None) -> Truth:
    """Where exact numbers are certainly not equal, or not 0 where there is no other."""
    if x.dtype == object:
        if y is None:
            return np.array([not as_ball(a).contains(0) for a in x.flat]).reshape(x.shape)
        pairs = zip(*(np.broadcast_arrays(x, y)[k].flat for k in (0, 1)), strict=True)
        shape = np.broadcast_shapes(x.shape, y.shape)
        return np.array([not as_ball(a).overlaps(as_ball(b)) for a, b in pairs]).reshape(shape)
    if y is None:
        return np.asarray(np.abs(x["mid"]) > x["rad"])
    return np.asarray(np.abs(x["mid"] - y["mid"]) > (x["rad"] + y["rad"]) * (1 + 2.0**-40))


def passes_gradcheck(found: Case, values: Mapping[str, Floats], place: int, gradients: Mapping[str, Floats]) -> bool:
    """Whether gradcheck, at its defaults, takes these gradients for those of the step's loss."""
    kind = training.DTYPES[found.dtype]
    model = training.GraphModule(found.problem, kind)
    names = list(model.named)
    columns = {c.name: torch.from_numpy(values[c.name][place]).to(kind) for c in found.problem.data}
    n = next(iter(columns.values())).shape[0]
    stated = [torch.from_numpy(np.array(gradients[name])).to(kind) for name in names]

    class Stated(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, *inputs: Tensor) -> Tensor:
            model.named = dict(zip(names, inputs, strict=True))  # type: ignore[assignment]
            return model(columns, n)[found.loss]

        @staticmethod
        def backward(_: Any, above: Tensor) -> Any:
            return tuple(above * gradient for gradient in stated)

    inputs = [torch.from_numpy(np.array(values[name][place])).to(kind).requires_grad_() for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the inputs are not in float64
        return bool(torch.autograd.gradcheck(Stated.apply, inputs, raise_exception=False))
