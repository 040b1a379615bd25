"""What the columns of a claimed table may be called: `dl/dw`, `dL/dw`, `∂l/∂w`, `grad w`, `w_grad`, `W[1,0]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from derive.chain.derivation import Derivation
from derive.characters import ascii_text
from derive.errors import ClaimError, Place, UnknownQuantityError, shorten, suggestion
from derive.graph.gradient_names import gradient_name
from derive.graph.node import SIZE
from derive.problem.loading import Problem
from derive.problem.loading import Quantity as Given
from derive.problem.predict import predicted
from derive.problem.update_names import CHANGE, STEP_SIZE
from derive.run.settings import Settings
from derive.run.update_numbers import Inner
from verify.claims.claim import EITHER, OF_AN_EPOCH, Quantity, is_counter, is_of_epochs
from verify.claims.spellings import (
    Spellings,
    exact_spelling,
    letters_alone,
    loose_spelling,
    not_the_loss,
    spellings_of,
    words_for_loss,
)
from verify.hand.update import is_trained
from verify.names import beside, clipped_name, gradient_beside, rate_name, state_name

_ENTRY = re.compile(r"(?P<name>.*?)\s*[\[(]\s*(?P<entry>\d{1,9}(?:\s*,\s*\d{1,9})*)\s*[\])]\s*(?P<rest>.*)")
_DERIVATIVE = re.compile(r"d(?P<of>\w+?)(?P<above>(?:\[[\d,]+\])?)/d(?P<wrt>\w+?)(?P<below>(?:\[[\d,]+\])?)")
_INDEX = re.compile(r"\[[^\]]*\]")
_GRADIENT = (
    *("d{loss}/d{p}", "dloss/d{p}", "grad {p}", "{p} grad", "{p}.grad", "grad({p})", "gradient {p}", "∇{p}"),
    *("gradient of {p}", "{p} gradient", "d{loss}d{p}", "partial {loss}/partial {p}", "d{p}"),
    "g {p}",
    *("grad", "gradient"),  # of a parameter that is the only one
)
_RATE = "learning rate", "eta"
_UPDATED = "update", "the update", "step", "the step"  # w before update, w after the step
_BEFORE = (
    *("{p}_before", "{p}.before", "before {p}", "old {p}", "{p} old", "initial {p}", "starting {p}", "{p} initial"),
    *(f"{{p}} before {word}" for word in _UPDATED),
)
_AFTER = (
    *("{p}", "{p}_after", "{p}.after", "new {p}", "{p} new", "updated {p}", "{p}'", "{p} after", "{p} updated"),
    *(f"{{p}} after {word}" for word in _UPDATED),
)
_WORDS = {"w": ("weight", "weights"), "W": ("weight", "weights"), "b": ("bias",)}  # as in torch.nn, of one such name
_LINES = (("w", "b"), ("m", "b"), ("m", "c"))  # the two parameters of a line, its slope first
_ALPHA = "alpha"  # the learning rate, where the optimizer has no option of that name
_UPDATE = "update {p}", "{p} update", "update of {p}"  # of both that follow: which of them is to be said
_STEP_SIZE = *_UPDATE, "step of {p}"
_CHANGE = *_UPDATE, "delta {p}", "Δ{p}", "Δ {p}", "{p} change", "change of {p}", "change in {p}", "{p} delta"


@dataclass(frozen=True)
class Names:
    """The quantities of a problem by every spelling that stands for one of them alone.

    `shapes` are how many entries a quantity has along each axis; "n" stands for the rows of the data. `columns` are
    those that an exported table has of its own (`loss`, `lr`), whatever the problem's quantities are called. `given`
    says what the other names of the problem are, of which nothing is calculated: a constant, or data. `taken` are all
    names of the problem in lower case, `own` those of its lines and parameters as they are. `sizes` are the shapes of
    everything that has a name, and `lines` what is calculated: of these, any can be differentiated by any name.
    `open` says of words that people also use for a loss, `mse`, why they need not mean this one. `inputs` are the
    constants and data of each name in `given`, those of [predict] too.
    """

    known: Spellings
    shapes: Mapping[Quantity, tuple[int | str, ...]]
    predictions: Spellings
    rows: int  # of [predict]
    columns: Mapping[str, Quantity]
    given: Mapping[str, str]
    taken: frozenset[str]
    own: frozenset[str]
    sizes: Mapping[str, tuple[int | str, ...]]
    lines: frozenset[str]
    seeded: tuple[str, str] = ("", "")  # the line with an upstream gradient, if any, and the loss that is made of it
    said: Mapping[str, str] = field(default_factory=dict)  # names of a sentence alone: a column `seed` is of a draw
    open: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, tuple[Given, ...]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """All names that the problem gives."""
        return self.own | self.given.keys()

    def shape(self, quantity: Quantity) -> tuple[int | str, ...]:
        """How many entries a quantity has along each axis; a derivative has those of both its names."""
        if quantity.group == "partials":
            of, _, wrt = quantity.name.partition("/")
            return (*self.sizes[of], *self.sizes[wrt])
        return self.shapes[quantity]

    def derivative(self, written: str, place: Place) -> tuple[Quantity, tuple[int, ...]] | None:
        """The derivative of any line by any other name that is written, such as dz/dy; None where it is none.

        An index that is written once, `de/dd[3]`, is that of both where both have the same axes. Of the line that a
        seed_gradient is given for, dz/dx without an index of z is what `z.backward(seed)` leaves: Σ seed·∂z/∂x. Raises
        `ClaimError` for an index that can be that of x, or of both.
        """
        match = _DERIVATIVE.fullmatch(exact_spelling(written))
        if match is None or match["of"] not in self.lines or match["wrt"] not in self.sizes:
            return None
        of, wrt = match["of"], match["wrt"]
        above, below = (_numbers(_ENTRY.fullmatch(f"x{match[index]}")) for index in ("above", "below"))
        entry = (*above, *below)
        if of == self.seeded[0] and self.sizes[of] and not above and len(below) in (0, len(self.sizes[wrt])):
            meant = self.known.find(gradient_name(self.seeded[1], wrt))
            if meant and below and self.sizes[of] == self.sizes[wrt]:
                index = ",".join(map(str, below))
                seeded = f"{meant[0].label}[{index}], as {of}.backward(seed) leaves it"
                other = f"{gradient_name(of, wrt)}[{index},{index}]"
                raise ClaimError(f"{shorten(written)} can be {seeded}, or {other}; write which", place)
            if meant:
                return meant[0], below
        if self.sizes[of] == self.sizes[wrt] and len(entry) == len(self.sizes[of]):
            entry *= 2
        return Quantity("partials", f"{of}/{wrt}", gradient_name(of, wrt)), entry

    def begun(self, name: str) -> Quantity:
        """A parameter, or a state, before a step."""
        return self._begun[name]

    @cached_property
    def _begun(self) -> Mapping[str, Quantity]:
        return {quantity.name: quantity for quantity in self.shapes if quantity.group == "before"}

    def check(self, written: str, place: Place) -> None:
        """Raises `ClaimError` for what is no quantity, neither of a step nor of [predict]."""
        try:
            self.find(written, place, predicted=bool(self.predictions.by_spelling))
        except ClaimError:
            self.find(written, place)

    def says_where(self, written: str, header: Sequence[str]) -> bool:
        """Whether a column such as `epoch` says where a row is, also where the problem has a line of that name.

        So it is in a table that begins as an exported one does, or has the line or parameter in another column.
        """
        return written not in self.own or is_counter(written, header) or self._has_another(written, header)

    def alike(self, written: str) -> str:
        """The line or parameter that differs from a name in capitals alone; empty where there is none."""
        return next((name for name in self.own if name != written and name.casefold() == written.casefold()), "")

    def column(self, written: str, header: Sequence[str]) -> tuple[Quantity, tuple[int, ...]] | None:
        """The table's own column, where an exported table says that a parameter of that name has another.

        A parameter `lr` stands in the column `lr_after`, and the learning rate in `lr`.
        """
        match = _ENTRY.fullmatch(written)
        name = match["name"] if match and not match["rest"] else written
        own = self.columns.get(name)
        of_epochs = own is not None and own.group == "epoch" and is_of_epochs(header)
        if own is None or not (of_epochs or self._has_another(name, header)):
            return None
        return own, _numbers(match)

    def _has_another(self, name: str, header: Sequence[str]) -> bool:
        """Whether the problem's own `lr` stands in the column of an exported table, `lr_after` or `lr.after`."""
        others = {beside(name, word, self.names) for word in ("after", "reported")}
        return any(head in others or _INDEX.sub("", head) in others for head in header)

    def find(self, written: str, place: Place, *, predicted: bool = False) -> tuple[Quantity, tuple[int, ...]]:
        """The quantity of a column and the entry that its name gives.

        Raises `ClaimError` for an unknown name, and for one that can be two, or need not mean the loss.
        """
        known = self.predictions if predicted else self.known
        match = _ENTRY.fullmatch(written.strip())
        entry: tuple[int, ...] = ()
        found = known.find(written)
        if not found and match is not None:
            space = " " if match["rest"][:1].isalnum() else ""
            found, entry = known.find(f"{match['name']}{space}{match['rest']}"), _numbers(match)
        if not found and not predicted and (own := self.derivative(written, place)) is not None:
            return own
        if len(found) == 1 and not self._is_given(written, found[0], known):
            return found[0], entry
        if len(found) > 1:
            meant = [quantity.label for quantity in found]
            more = f" (and {len(meant) - 2} more)" if len(meant) > 2 else ""
            raise ClaimError(f"{shorten(written)} can be {meant[0]} or {meant[1]}{more}; write which", place)
        name = match["name"] if match is not None else written.strip()
        if why := self._why_open(written):
            raise ClaimError(f"{shorten(written)} {why}", place)
        labels = dict.fromkeys(quantity.label for quantity in known.quantities)
        hint = suggestion(written, labels) or f"; known: {', '.join(list(labels)[:20])}"
        if name in self.given:
            raise ClaimError(
                f"unknown quantity {shorten(written)}: {name} is {self.given[name]}, which is given and not calculated",
                place,
            )
        raise UnknownQuantityError(f"unknown quantity {shorten(written)}{hint}", place)

    def _why_open(self, written: str) -> str:
        """What is said of a name with a word that need not mean the loss, `MSE loss` or dMSE/dw; empty without one."""
        above = _DERIVATIVE.fullmatch(exact_spelling(written))
        said = letters_alone(above["of"] if above else written)
        return next((why for word, why in self.open.items() if f" {word} " in f" {said} "), "")

    def _is_given(self, written: str, found: Quantity, known: Spellings) -> bool:
        """Whether a name is that of a constant or of data, and not that of a quantity."""
        return written.strip() in self.given and found not in known.find_exactly(written)


def _numbers(match: re.Match[str] | None) -> tuple[int, ...]:
    """The entry of `W[1,0]`."""
    return tuple(int(number) for number in match["entry"].split(",")) if match else ()


def names_of(problem: Problem, derivation: Derivation, settings: Settings) -> Names:
    """Every quantity of the problem, with its spellings."""
    known: dict[Quantity, tuple[str, ...]] = {}
    shapes: dict[Quantity, tuple[int | str, ...]] = {}
    for quantity, spellings, shape in _quantities(problem, derivation, settings):
        shapes.setdefault(quantity, shape)
        known[quantity] = (*known.get(quantity, ()), *spellings)
    ahead = [Quantity("prediction", name, name) for name in predicted(problem.graph, problem.predict)]
    for quantity in ahead:
        shapes[quantity] = tuple(axis.size or 0 for axis in problem.graph.by_name[quantity.name].axes)
    rows = problem.predict[0].shape[0] if problem.predict else 0
    own = {quantity.name: quantity for quantity in shapes if quantity.group in ("setting", "epoch")}
    own["loss"] = next(quantity for quantity in shapes if quantity.group == "loss")
    names = _names(problem, settings)
    given = {node.name: _GIVEN[node.kind] for node in problem.graph.nodes if node.kind in _GIVEN}
    inputs = (*problem.constants, *problem.data, *problem.predict)
    return Names(
        spellings_of(known, names),
        shapes,
        spellings_of(dict.fromkeys(ahead, ()), names),
        rows,
        own,
        given,
        _taken(problem),
        names - set(given),
        {node.name: tuple(axis.size or 0 for axis in node.axes) for node in problem.graph.nodes if node.kind in _NAMED},
        frozenset(node.name for node in problem.graph.lines) - {node.name for node in settings.watched},
        (problem.seeded, problem.graph.loss),
        {} if settings.shuffle else dict.fromkeys(_free(["seed"], problem), gradient_name(*2 * (problem.graph.loss,))),
        not_the_loss(problem.graph, settings.samples_in_step),
        {name: tuple(one for one in inputs if one.name == name) for name in given},
    )


_NAMED = ("line", "parameter", "constant", "data")
_GIVEN = {"constant": "a constant of the problem", "data": "a column of the data"}


def _names(problem: Problem, settings: Settings) -> frozenset[str]:
    """The names that the problem gives, also under [watch]; n, the number of samples, is none of them."""
    given = {node.name for node in problem.graph.nodes if node.kind not in ("size", "gradient", "update")}
    return frozenset(given | {node.name for node in settings.watched})


_Known = tuple[Quantity, Iterable[str], tuple[int | str, ...]]


def _quantities(problem: Problem, derivation: Derivation, settings: Settings) -> Iterator[_Known]:
    """Every quantity with its spellings and its shape, those of a table first."""
    graph, loss = problem.graph, problem.graph.loss
    names = _names(problem, settings)
    called = _free(words_for_loss(graph, settings.samples_in_step), problem)
    yield (
        Quantity("loss", loss, loss if "loss" in names else "loss"),
        (loss, "step.loss", *_free(["loss"], problem), *called),
        (),
    )
    for parameter in problem.parameters:
        yield from _of_parameter(parameter.name, parameter.shape, loss, problem, settings)
    yield from _of_rates(problem, settings)
    size = f"data.{SIZE}"  # where a line or parameter is called n
    yield Quantity("setting", SIZE, size if SIZE in names else SIZE), (size, *_free(["samples"], problem)), ()
    trained = {parameter.name for parameter in problem.parameters}
    watched = {node.name for node in settings.watched}
    for node in graph.lines:
        shape = tuple(axis.size or 0 for axis in node.axes)
        if node.name != loss and node.name not in watched:
            yield Quantity("nodes", node.name, node.name), _with(node.name, "reported", names), shape
    adjoints = {adjoint.name for adjoint in derivation.adjoints}
    for node in graph.lines:
        if node.name in adjoints and node.name not in trained and node.name != loss:
            label = gradient_name(loss, node.name)
            spellings = [label, *(form.format(loss=loss, p=node.name) for form in _GRADIENT[:-2])]
            yield Quantity("adjoints", node.name, label), spellings, tuple(axis.size or 0 for axis in node.axes)
    begins = Quantity("partials", f"{loss}/{loss}", gradient_name(loss, loss))  # with which backpropagation begins
    yield begins, _free(("seed gradient", "upstream gradient"), problem), ()
    for node in settings.watched:
        yield Quantity("watch", node.name, node.name), _with(node.name, "after", names), ()
    yield from _of_epochs(problem, names, called)


def _of_epochs(problem: Problem, names: Collection[str], called: Iterable[str]) -> Iterator[_Known]:
    """What is made of the losses of an epoch's batches, and of the numbers that are reported."""
    loss = problem.graph.loss
    for line in (loss, *problem.reported):
        own = ("loss", loss, *called) if line == loss else (line,)
        for kind, forms in OF_AN_EPOCH.items():
            label = f"epoch.{kind}" if kind in names else kind
            label = label if line == loss and kind not in EITHER else forms[0].format(r=own[0])
            spellings = [form.format(r=each) for each in own for form in forms]
            yield Quantity("epoch", kind if line == loss else f"{kind}/{line}", label), spellings, ()


def _taken(problem: Problem) -> frozenset[str]:
    """The names of the problem as they are compared, whatever their capitals."""
    return frozenset(ascii_text(loose_spelling(name)).casefold() for name in problem.graph.by_name)


def _with(name: str, word: str, names: frozenset[str]) -> tuple[str, ...]:
    """A line's name, and what an exported table calls it where it has a column of that name."""
    return name, f"{name}_{word}", beside(name, word, names)


def _free(spellings: Iterable[str], problem: Problem) -> list[str]:
    """The spellings that are no names of the problem."""
    taken = _taken(problem)
    return [spelling for spelling in spellings if loose_spelling(spelling).casefold() not in taken]


def _inside(name: str, shape: tuple[int, ...], problem: Problem, settings: Settings) -> Iterator[_Known]:
    """The numbers inside the update of a parameter that is trained: `w.m_hat`, `w.step_size`."""
    states = {state.name for state in settings.rule_of(name).states}
    for number in Inner(problem.graph, settings).formulas(name):
        if number not in (*states, CHANGE):
            full = state_name(name, number)
            called = (number, number.replace("_hat", "\N{COMBINING CIRCUMFLEX ACCENT}"))
            spellings = [form.format(n=own, p=name) for own in called for form in ("{n} {p}", "{p} {n}")]
            spellings += called if number != "g" else ()  # of a parameter that is the only one
            spellings += _STEP_SIZE if number == STEP_SIZE else ()
            yield Quantity("inside", full, full), [form.format(p=name) for form in spellings], shape


def _rates(problem: Problem, settings: Settings) -> list[str]:
    """What else the learning rate is called."""
    options = {option for group in settings.param_groups for option in group.rule.options}
    return _free((*_RATE, *(() if _ALPHA in options else (_ALPHA,))), problem)


def _of_a_line(name: str, shape: tuple[int, ...], problem: Problem) -> tuple[str, ...]:
    """What a parameter of a straight line is called, where the problem has its two parameters and no other."""
    given = {parameter.name for parameter in problem.parameters}
    line = next((line for line in _LINES if given == set(line)), ())
    return () if shape or not line else ("slope",) if name == line[0] else ("intercept",)


def _of_rates(problem: Problem, settings: Settings) -> Iterator[_Known]:
    """lr, and the momentum or beta1 that changes with it: one number, or one for each of several groups."""
    shape = (len(settings.param_groups),) if len(settings.param_groups) > 1 else ()
    for rate in settings.varying or ("lr",):
        own = rate_name(rate)
        taken = rate in _names(problem, settings)
        spellings = (own, *(() if taken else (rate,)), *(_rates(problem, settings) if rate == "lr" else ()))
        yield Quantity("setting", rate, own if taken else rate), spellings, shape


def _of_parameter(
    name: str, shape: tuple[int, ...], loss: str, problem: Problem, settings: Settings
) -> Iterator[_Known]:
    """The gradient of a parameter, itself before and after a step, and the optimizer's state."""
    gradient, names = gradient_name(loss, name), _names(problem, settings)
    called = (name, *_free((*_WORDS.get(name, ()), *_of_a_line(name, shape, problem)), problem))
    spellings = [form.format(loss=loss, p=own) for own in called for form in _GRADIENT]
    spellings += [
        gradient_name(other, name) for other in _free(words_for_loss(problem.graph, settings.samples_in_step), problem)
    ]
    yield Quantity("gradients", name, gradient), spellings, shape
    if settings.clip is not None and settings.trains and name in settings.parameters:
        clipped = [each for form in spellings for each in (f"{form}_clipped", f"clipped {form}")]
        yield Quantity("clipped", name, clipped_name(loss, name, names)), (*clipped, f"{gradient}.clipped"), shape
    gathered = Quantity("accumulated", name, gradient_beside(loss, name, "before", names))
    yield gathered, (f"{gradient}_before", f"{gradient}.before"), shape
    before = Quantity("before", name, beside(name, "before", names))
    if not settings.trains:
        yield before, [form.format(p=own) for own in called for form in (*_BEFORE, "{p}")], shape
        return  # by its own name: there is no other one
    yield Quantity("after", name, name), [form.format(p=own) for own in called for form in _AFTER], shape
    yield before, [form.format(p=own) for own in called for form in _BEFORE], shape
    if is_trained(problem.graph.frozen, name):
        yield Quantity("change", name, f"delta {name}"), [form.format(p=name) for form in _CHANGE], shape
        rate = rate_name("lr") if "lr" in names else "lr"
        scaled = [f"{rates}*{form}" for rates in (rate, *_rates(problem, settings)) for form in spellings]
        yield Quantity("scaled", name, f"{rate}*{gradient}"), scaled, shape
        yield from _inside(name, shape, problem, settings)
        states = settings.rule_of(name).states
        single = {state.name for state in states if state.single}
        for state in states:
            own = () if state.name in single else shape
            full = f"{name}.{state.name}"
            spelled = (full, f"{full}_after", f"{state.key} {name}", f"{state.name} {name}")
            yield Quantity("after", full, full), spelled, own
            yield Quantity("before", full, f"{full}_before"), (f"{full}_before",), own
