"""What the columns of a claimed table may be called: `dl/dw`, `dL/dw`, `∂l/∂w`, `grad w`, `w_grad`, `W[1,0]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from derive.chain.derivation import Derivation
from derive.characters import ascii_text, normalise
from derive.errors import ClaimError, Place, shorten, suggestion
from derive.graph.gradient_names import gradient_name
from derive.graph.node import SIZE
from derive.problem.loading import Problem
from derive.problem.predict import predicted
from derive.run.settings import Settings
from verify.claims.claim import Quantity
from verify.hand.update import is_trained
from verify.names import rate_name

EPOCH_MEANS = ("mean_of_batches", "mean_over_samples")  # the columns of epochs.csv

_ENTRY = re.compile(r"(?P<name>.*?)\s*[\[(]\s*(?P<entry>\d{1,9}(?:\s*,\s*\d{1,9})*)\s*[\])]\s*(?P<rest>.*)")
_GRADIENT = (
    *("d{loss}/d{p}", "dloss/d{p}", "grad {p}", "{p} grad", "{p}.grad", "grad({p})", "gradient {p}", "∇{p}"),
    *("gradient of {p}", "{p} gradient", "d{loss}d{p}", "partial {loss}/partial {p}", "d{p}"),
    *("grad", "gradient"),  # of a parameter that is the only one
)
_LOSS = "mse", "cost", "error", "J", "L"  # what else a loss is called, where the problem has no such name
_RATE = "learning rate", "eta"
_BEFORE = "{p}_before", "before {p}", "old {p}", "{p} old", "initial {p}", "starting {p}", "{p} initial"
_AFTER = "{p}", "{p}_after", "new {p}", "{p} new", "updated {p}", "{p}'", "{p} after", "{p} updated"


@dataclass(frozen=True)
class Names:
    """The quantities of a problem by every spelling that stands for one of them alone.

    `shapes` are how many entries a quantity has along each axis; "n" stands for the rows of the data. `columns` are
    those that an exported table has of its own (`loss`, `lr`), whatever the problem's quantities are called, and
    `taken` the problem's names in lower case.
    """

    known: Spellings
    shapes: Mapping[Quantity, tuple[int | str, ...]]
    predictions: Spellings
    rows: int  # of [predict]
    columns: Mapping[str, Quantity]
    taken: frozenset[str]

    def check(self, written: str, place: Place) -> None:
        """Raises `ClaimError` for what is no quantity, neither of a step nor of [predict]."""
        try:
            self.find(written, place, predicted=bool(self.predictions.exact))
        except ClaimError:
            self.find(written, place)

    def column(self, written: str, header: Collection[str]) -> tuple[Quantity, tuple[int, ...]] | None:
        """The table's own column, where an exported table says that a parameter of that name has another.

        A parameter `lr` stands in the column `lr_after`, and the learning rate in `lr`.
        """
        match = _ENTRY.fullmatch(written)
        own = self.columns.get(match["name"] if match and not match["rest"] else written)
        if own is None or not {f"{written}_after", f"{written}_reported"} & set(header):
            return None
        return own, tuple(int(number) for number in match["entry"].split(",")) if match else ()

    def find(self, written: str, place: Place, *, predicted: bool = False) -> tuple[Quantity, tuple[int, ...]]:
        """The quantity of a column and the entry that its name gives. Raises `ClaimError` for an unknown name."""
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
    own = {quantity.name: quantity for quantity in shapes if quantity.group == "setting"}
    own["loss"] = next(quantity for quantity in shapes if quantity.group == "loss")
    return Names(_spellings(exact), shapes, _spellings(predictions), rows, own, _taken(problem))


_Known = tuple[Quantity, Iterable[str], tuple[int | str, ...]]


def _quantities(problem: Problem, derivation: Derivation, settings: Settings) -> Iterator[_Known]:
    """Every quantity with its spellings and its shape, those of a table first."""
    graph, loss = problem.graph, problem.graph.loss
    called = _free(_LOSS, problem)
    yield Quantity("loss", loss, loss if "loss" in graph.by_name else "loss"), (loss, "loss", *called), ()
    for parameter in problem.parameters:
        yield from _of_parameter(parameter.name, parameter.shape, loss, problem, settings)
    yield from _of_rates(problem, settings)
    yield Quantity("setting", SIZE, SIZE), (SIZE, "samples"), ()
    trained = {parameter.name for parameter in problem.parameters}
    watched = {node.name for node in settings.watched}
    for node in graph.lines:
        shape = tuple(axis.size or 0 for axis in node.axes)
        if node.name != loss and node.name not in watched:
            yield Quantity("nodes", node.name, node.name), (node.name, f"{node.name}_reported"), shape
    adjoints = {adjoint.name for adjoint in derivation.adjoints}
    for node in graph.lines:
        if node.name in adjoints and node.name not in trained and node.name != loss:
            label = gradient_name(loss, node.name)
            spellings = [label, *(form.format(loss=loss, p=node.name) for form in _GRADIENT[:-1])]
            yield Quantity("adjoints", node.name, label), spellings, tuple(axis.size or 0 for axis in node.axes)
    for node in settings.watched:
        yield Quantity("watch", node.name, node.name), (node.name, f"{node.name}_after"), ()
    for name in EPOCH_MEANS:
        yield Quantity("epoch", name, name), (name,), ()


def _taken(problem: Problem) -> frozenset[str]:
    """The names of the problem as they are compared, whatever their capitals."""
    return frozenset(ascii_text(_spelled(name)).casefold() for name in problem.graph.by_name)


def _free(spellings: Iterable[str], problem: Problem) -> list[str]:
    """The spellings that are no names of the problem."""
    taken = _taken(problem)
    return [spelling for spelling in spellings if _spelled(spelling).casefold() not in taken]


def _of_rates(problem: Problem, settings: Settings) -> Iterator[_Known]:
    """lr, and the momentum or beta1 that changes with it: one number, or one for each of several groups."""
    shape = (len(settings.param_groups),) if len(settings.param_groups) > 1 else ()
    for rate in settings.varying or ("lr",):
        own = rate_name(rate)
        spellings = (rate, own, *(_free(_RATE, problem) if rate == "lr" else ()))
        yield Quantity("setting", rate, own if rate in problem.graph.by_name else rate), spellings, shape


def _of_parameter(
    name: str, shape: tuple[int, ...], loss: str, problem: Problem, settings: Settings
) -> Iterator[_Known]:
    """The gradient of a parameter, itself before and after a step, and the optimizer's state."""
    gradient = gradient_name(loss, name)
    spellings = [form.format(loss=loss, p=name) for form in _GRADIENT]
    spellings += [gradient_name(other, name) for other in _free(_LOSS, problem)]
    yield Quantity("gradients", name, gradient), spellings, shape
    if settings.clip is not None and settings.trains and name in settings.parameters:
        clipped = [each for form in spellings for each in (f"{form}_clipped", f"clipped {form}")]
        yield Quantity("clipped", name, f"{gradient}_clipped"), clipped, shape
    yield Quantity("accumulated", name, f"{gradient}_before"), (f"{gradient}_before",), shape
    before = Quantity("before", name, f"{name}_before")
    if not settings.trains:
        yield before, [form.format(p=name) for form in (*_BEFORE, "{p}")], shape
        return
    yield Quantity("after", name, name), [form.format(p=name) for form in _AFTER], shape
    yield before, [form.format(p=name) for form in _BEFORE], shape
    if is_trained(problem.graph.frozen, name):
        states = settings.rule_of(name).states
        single = {state.name for state in states if state.single}
        for state in states:
            own = () if state.name in single else shape
            full = f"{name}.{state.name}"
            yield Quantity("after", full, full), (full, f"{full}_after", f"{state.key} {name}"), own
            yield Quantity("before", full, f"{full}_before"), (f"{full}_before",), own
