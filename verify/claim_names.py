"""What the columns of a claimed table may be called: `dl/dw`, `dL/dw`, `∂l/∂w`, `grad w`, `w_grad`, `W[1,0]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from derive.chain import Derivation
from derive.errors import ClaimError, Place, shorten, suggestion
from derive.node import SIZE
from derive.predict import predicted
from derive.problem import Problem
from derive.show.plain import ascii_text
from derive.spelling import normalise
from verify.claims import Quantity
from verify.frozen import is_trained
from verify.settings import Settings

EPOCH_MEANS = ("mean_of_batches", "mean_over_samples")

_ENTRY = re.compile(r"(?P<name>.*?)\s*[\[(]\s*(?P<entry>\d{1,9}(?:\s*,\s*\d{1,9})*)\s*[\])]\s*(?P<rest>.*)")
_GRADIENT = (
    *("d{loss}/d{p}", "dloss/d{p}", "grad {p}", "{p} grad", "{p}.grad", "grad({p})", "gradient {p}", "∇{p}"),
    *("gradient of {p}", "{p} gradient", "d{loss}d{p}", "partial {loss}/partial {p}", "d{p}"),
    *("grad", "gradient"),  # of a parameter that is the only one
)
_BEFORE = "{p}_before", "before {p}", "old {p}", "{p} old", "initial {p}", "starting {p}", "{p} initial"
_AFTER = "{p}", "{p}_after", "new {p}", "{p} new", "updated {p}", "{p}'", "{p} after", "{p} updated"


@dataclass(frozen=True)
class Names:
    """The quantities of a problem by every spelling that stands for one of them alone.

    `shapes` are how many entries a quantity has along each axis; "n" stands for the rows of the data.
    """

    known: Spellings
    shapes: Mapping[Quantity, tuple[int | str, ...]]
    predictions: Spellings
    rows: int  # of [predict]

    def check(self, written: str, place: Place) -> None:
        """Raises `ClaimError` for what is no quantity, neither of a step nor of [predict]."""
        try:
            self.find(written, place, predicted=bool(self.predictions.exact))
        except ClaimError:
            self.find(written, place)

    def find(self, written: str, place: Place, *, predicted: bool = False) -> tuple[Quantity, tuple[int, ...]]:
        """The quantity of a column and the entry that its name gives. Raises `ClaimError`."""
        known = self.predictions if predicted else self.known
        match = _ENTRY.fullmatch(written.strip())
        found = known.find(written)
        entry: tuple[int, ...] = ()
        if found is None and match is not None:
            found = known.find(f"{match['name']} {match['rest']}")
            entry = tuple(int(number) for number in match["entry"].split(","))
        if found is None:
            labels = dict.fromkeys(quantity.label for quantity in known.exact.values())
            hint = suggestion(written, labels) or f"; known: {', '.join(list(labels)[:20])}"
            raise ClaimError(f"unknown quantity {shorten(written)}{hint}", place)
        return found, entry


@dataclass(frozen=True)
class Spellings:
    """Quantities by their spellings: exactly, and in lower case and ASCII where that leaves one of them."""

    exact: Mapping[str, Quantity]
    loose: Mapping[str, Quantity]

    def find(self, written: str) -> Quantity | None:
        """The quantity as it is written, else whatever its capitals, else with Greek letters by their names."""
        spelled = _spelled(written)
        lower = spelled.casefold()
        return self.exact.get(spelled) or self.loose.get(lower) or self.loose.get(ascii_text(spelled).casefold())


def _spellings(exact: Mapping[str, Quantity]) -> Spellings:
    lower: dict[str, set[Quantity]] = {}
    for spelling, quantity in exact.items():
        for loose in {spelling.casefold(), ascii_text(spelling).casefold()}:
            lower.setdefault(loose, set()).add(quantity)
    return Spellings(exact, {key: next(iter(meant)) for key, meant in lower.items() if len(meant) == 1})


def _spelled(written: str) -> str:
    """A name as it is compared: without spaces and underscores, ∂ as d."""
    return re.sub(r"[\s_*]+", "", normalise(written).replace("∂", "d").replace("−", "-"))


def names_of(problem: Problem, derivation: Derivation, settings: Settings) -> Names:
    """Every quantity of the problem, with its spellings; one that stands for two quantities is none."""
    found: dict[str, dict[Quantity, None]] = {}
    shapes: dict[Quantity, tuple[int | str, ...]] = {}
    for quantity, spellings, shape in _quantities(problem, derivation, settings):
        shapes.setdefault(quantity, shape)
        for spelling in spellings:
            found.setdefault(_spelled(spelling), {})[quantity] = None
    exact = {spelling: next(iter(meant)) for spelling, meant in found.items() if len(meant) == 1}
    exact |= {_spelled(quantity.label): quantity for quantity in reversed(shapes)}
    predictions = {
        _spelled(name): Quantity("prediction", name, name) for name in predicted(problem.graph, problem.predict)
    }
    for quantity in predictions.values():
        shapes[quantity] = tuple(axis.size or 0 for axis in problem.graph.by_name[quantity.name].axes)
    rows = problem.predict[0].shape[0] if problem.predict else 0
    return Names(_spellings(exact), shapes, _spellings(predictions), rows)


_Known = tuple[Quantity, Iterable[str], tuple[int | str, ...]]


def _quantities(problem: Problem, derivation: Derivation, settings: Settings) -> Iterator[_Known]:
    """Every quantity with its spellings and its shape, those of a table first."""
    graph, loss = problem.graph, problem.graph.loss
    yield Quantity("loss", loss, "loss"), (loss, "loss"), ()
    for parameter in problem.parameters:
        yield from _of_parameter(parameter.name, parameter.shape, loss, problem, settings)
    yield Quantity("setting", "lr", "lr"), ("lr", "learning rate", "learning_rate"), ()
    yield Quantity("setting", SIZE, SIZE), (SIZE, "samples"), ()
    trained = {parameter.name for parameter in problem.parameters}
    for node in graph.lines:
        shape = tuple(axis.size or 0 for axis in node.axes)
        if node.name != loss:
            yield Quantity("nodes", node.name, node.name), (node.name, f"{node.name}_reported"), shape
    adjoints = {adjoint.name for adjoint in derivation.adjoints}
    for node in graph.lines:
        if node.name in adjoints and node.name not in trained and node.name != loss:
            label = f"d{loss}/d{node.name}"
            spellings = [label, *(form.format(loss=loss, p=node.name) for form in _GRADIENT[:-1])]
            yield Quantity("adjoints", node.name, label), spellings, tuple(axis.size or 0 for axis in node.axes)
    for node in settings.watch:
        yield Quantity("watch", node.name, node.name), (node.name,), ()
    for name in EPOCH_MEANS:
        yield Quantity("epoch", name, name), (name,), ()


def _of_parameter(
    name: str, shape: tuple[int, ...], loss: str, problem: Problem, settings: Settings
) -> Iterator[_Known]:
    """The gradient of a parameter, itself before and after a step, and the optimizer's state."""
    gradient = f"d{loss}/d{name}"
    yield Quantity("gradients", name, gradient), [form.format(loss=loss, p=name) for form in _GRADIENT], shape
    yield Quantity("accumulated", name, f"{gradient}_before"), (f"{gradient}_before",), shape
    before = Quantity("before", name, f"{name}_before")
    if not settings.trains:
        yield before, [form.format(p=name) for form in (*_BEFORE, "{p}")], shape
        return
    yield Quantity("after", name, name), [form.format(p=name) for form in _AFTER], shape
    yield before, [form.format(p=name) for form in _BEFORE], shape
    if is_trained(problem.graph.frozen, name):
        single = {state.name for state in settings.rule.states if state.single}
        for state in settings.rule.states:
            own = () if state.name in single else shape
            full = f"{name}.{state.name}"
            yield Quantity("after", full, full), (full, f"{full}_after", f"{state.key} {name}"), own
            yield Quantity("before", full, f"{full}_before"), (f"{full}_before",), own
