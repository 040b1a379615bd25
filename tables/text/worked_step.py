"""A step of the hand calculation as one writes it on paper: each formula, its numbers, what they give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import reduce

import numpy as np

from derive.algebra.expression import Apply, Axes, Axis, Expr, Number, Position, Reduce, Ref, children, rebuild, walk
from derive.algebra.tidying import shares_written
from derive.chain.formulas import Formulas
from derive.errors import SettingError
from derive.graph.node import SAMPLES, Node
from derive.run.run import Run
from derive.show.notation import ATOM, NEGATIVE, PRODUCT, Text
from derive.show.sides import shown, text_style
from derive.steps.equations import EVERY, Derivative, Product, Total
from derive.steps.expand import with_softmax
from derive.steps.gradients import adjoint
from derive.training.optimizers import counter
from tables.text.layout import WIDTH, Row, columns, section, wrapped
from verify.hand.update import moves
from verify.hand.worked import WorkedStep, WorkedUpdate, work_out
from verify.numbers import Array, Exactly, decimal, from_fraction, is_finite, is_moderate, middle, to_float
from verify.result import Result

MAX_TERMS = 6  # of a sum that are written; of a longer one the first three and the last
MAX_COLUMNS = 16  # samples in a table; fewer fit
MAX_LINES = 4  # that the numbers of one formula may take
_LEFT_OUT = Ref("…", ())

Place = Mapping[str, int]  # the letter of an index → which of its values is taken


def worked(result: Result, step: int) -> str:
    """The step of that number worked out: forward, backward and update, with every number in its formula.

    Raises `SettingError` where the run has no such step, or the hand calculation has ended before it.
    """
    return "\n".join(worked_lines(result, step))


def worked_lines(result: Result, step: int) -> list[str]:
    """The lines of `worked`, at most 80 columns wide. Raises as `worked` does."""
    return list(_Page(result, _worked_out(result, step)).lines())


def _worked_out(result: Result, step: int) -> WorkedStep:
    taken = result.tally.steps
    if not 1 <= step <= taken:
        steps = f"{taken} steps; expected a number from 1 to {taken}" if taken > 1 else "1 step; expected 1"
        raise SettingError(f"there is no step {step} to show: the run has {steps}")
    if step > result.tally.by_hand:
        raise SettingError(f"step {step} is not calculated by hand: {result.hand.ended}")
    found = next((own for own in result.hand.steps if own.batch.step == step), None)
    if found is None:
        raise SettingError(f"step {step} is not kept of so long a run; expected report = [{step}], or --report {step}")
    return work_out(Run(result.problem, result.derivation, result.settings), found)


class _Page:
    """One step on paper: `symbols` is the style of the formulas, `digits` that of their numbers."""

    def __init__(self, result: Result, worked: WorkedStep) -> None:
        self.result = result
        self.worked = worked
        self.graph = result.derivation.graph
        self.formulas = Formulas(result.derivation)
        self.symbols = text_style(self.graph)
        self.digits = Digits().as_written()

    def lines(self) -> Iterator[str]:
        """The whole page."""
        yield from self.heading()
        yield from section("Forward", self.forward())
        yield from section("Backward: the adjoint of each line, then the gradients", self.backward())
        yield from self.of_all_samples()
        yield from self.update()

    def heading(self) -> Iterator[str]:
        """Which step, at which samples, and which entry stands for all."""
        batch = self.worked.step.batch
        yield from wrapped(f"{str(batch).capitalize()} worked out by hand, numbers to seven digits")
        rows = ", ".join(map(str, batch.indices[:12])) + (", …" if len(batch.indices) > 12 else "")
        if batch.indices:
            many = f"samples {rows} of the data" if len(batch.indices) > 1 else f"sample {rows} of the data"
            yield from wrapped(f"n = {batch.n}: the {many}, counted from 0")
        axes = [axis for node in self.graph.nodes for axis in node.axes]
        fixed = dict.fromkeys(f"{axis} = {self.named(axis, 0)}" for axis in axes)
        if len(fixed) > 1 or (fixed and axes != [SAMPLES] * len(axes)) or batch.n > 1:
            yield from wrapped(f"What has an index is worked out for its first entry, {', '.join(fixed)}")

    def named(self, axis: Axis, place: int) -> str:
        """How an entry is counted: along the samples by its row of the data."""
        indices = self.worked.step.batch.indices
        return str(indices[place]) if axis.size == SAMPLES.size and indices else str(place)

    def forward(self) -> Iterator[Row]:
        """The lines in order of calculation."""
        for node in self.graph.lines:
            place = _first(node.axes)
            expr = with_softmax(shares_written(node.definition))
            numbers = self.numbers(node.definition, self.worked.values, place)
            result = self.number(self.worked.values[node.name], node.axes, place)
            yield Row(self.left(node), "=", self.symbols.as_written().show(expr), numbers, result)

    def left(self, node: Node) -> str:
        """The name of a line with its indices."""
        return self.symbols.ref(Ref(node.name, node.axes))

    def backward(self) -> Iterator[Row]:
        """The adjoints of the lines, the last line first, and of the names to derive for."""
        lines = [node.name for node in reversed(self.graph.lines)]
        for name in (*lines, *(name for name in self.formulas.derivation.wrt if name not in lines)):
            if name in self.worked.adjoints and name != self.graph.loss:
                yield from self.adjoint(name)

    def adjoint(self, name: str) -> Iterator[Row]:
        """One adjoint; for a parameter whose gradients add up, also what .grad holds then."""
        node = self.graph.by_name[name]
        left = self.symbols.derivative(Derivative(Ref(self.graph.loss, ()), Ref(name, node.axes)))
        place, value = _first(node.axes), self.worked.adjoints[name]
        total = _without_own(adjoint(self.formulas, name), self.graph.loss)
        result = self.number(value, node.axes, place)
        alone = _alone(total)
        if alone is None:
            yield Row(left, "=", shown(total, self.symbols), self.total(total, place), result)
        else:
            numbers = self.numbers(shares_written(alone), self.worked.values, place)
            yield Row(left, "=", shown(alone, self.symbols), numbers, result)
        before = self.worked.step.accumulated.get(name)
        if before is not None:
            summed = self.worked.step.gradients[name]
            numbers = f"{self.number(before, node.axes, place)} + {self.number(value, node.axes, place, closed=True)}"
            yield Row("", "", "with what was there before", numbers, self.number(summed, node.axes, place))

    def total(self, total: Total, place: Place) -> str:
        """The numbers of an adjoint: for each product its factors in parentheses, summed over its indices."""
        terms = [term for found in total.products for term in self.products(found, place)]
        return _short(" + ".join(terms)) if all(terms) else ""

    def products(self, found: Product, place: Place) -> Iterator[str]:
        """The terms of one product; an empty one where a factor is too long to be written."""
        for chosen in _places(found.axes, self.worked):
            if chosen is None:
                yield "…"
                continue
            factors = [self.factor(factor, {**place, **chosen}) for factor in found.factors]
            yield "".join(f"({factor})" for factor in factors) if all(factors) else ""

    def factor(self, factor: Expr | Derivative, place: Place) -> str:
        """A factor in numbers."""
        if not isinstance(factor, Derivative):
            return self.numbers(shares_written(factor), self.worked.values, place)
        own = factor.wrt
        if factor.of.name != self.graph.loss or own.name not in self.worked.adjoints:
            return ""
        return self.number(self.worked.adjoints[own.name], own.axes or (), place)

    def of_all_samples(self) -> Iterator[str]:
        """The values of the lines that have one number for each sample, and of their adjoints, in columns."""
        batch = self.worked.step.batch
        rows = [node for node in self.graph.lines if node.axes == (SAMPLES,)]
        if batch.n < 2 or not rows:
            return
        table = [("", [f"{SAMPLES} = {index}" for index in batch.indices[:MAX_COLUMNS]])]
        table += [(self.left(node), self.column(self.worked.values[node.name])) for node in rows]
        for node in reversed(rows):
            if node.name in self.worked.adjoints:
                left = self.symbols.derivative(Derivative(Ref(self.graph.loss, ()), Ref(node.name, node.axes)))
                table.append((left, self.column(self.worked.adjoints[node.name])))
        yield ""
        yield "For every sample"
        yield from columns(table, batch.n)

    def column(self, array: Array) -> list[str]:
        """The numbers of an array along the samples."""
        return [self.digits.show(_number(value)) for value in array[:MAX_COLUMNS].flat]

    def update(self) -> Iterator[str]:
        """The update equations of each parameter; a sentence where there are none."""
        batch, settings = self.worked.step.batch, self.result.settings
        if not settings.trains:
            return
        if not batch.updates:
            yield from ("", "No update after this batch: its gradients add up with those of the next one")
            return
        if self.worked.ambiguous:
            name = self.worked.ambiguous
            yield from (
                "",
                *wrapped(f"The update is not worked out: {name} is a parameter and a number of its equations"),
            )
            return
        variant = "" if settings.rule.variant is None else f" ({settings.variant})"
        title = f"Update: {settings.optimizer}{variant}{self._rate()}"
        title += f", {counter(self.result.problem.graph.by_name)} = {batch.t}" if batch.t != batch.step else ""
        yield from section(title, self.moves())

    def _rate(self) -> str:
        """The lr of the step, where all parameters have the same."""
        rates = {_number(update.before["lr"].item()) for update in self.worked.updates if "lr" in update.before}
        return f", lr = {self.digits.show(rates.pop())}" if len(rates) == 1 else ""

    def moves(self) -> Iterator[Row]:
        """The update equations in order, each for the first entry of its parameter that is not frozen."""
        for found in self.worked.updates:
            name = found.equation.parameter
            yield self.move(found, () if name == EVERY else _first_trained(self.result, name))

    def move(self, found: WorkedUpdate, entry: tuple[int, ...]) -> Row:
        """One update equation."""
        left, right = found.equation.left, found.equation.right
        values = {name: array[entry] if array.ndim and entry else array for name, array in found.before.items()}
        numbers = self.digits.show(_with_numbers(right.expr, values, {}, self.worked))
        result = self.digits.show(_number(found.after[entry] if found.after.ndim else found.after.item()))
        name = self.symbols.ref(left)
        if entry and any(entry):
            name += f" [{','.join(map(str, entry))}]"
        return Row(name, "←", shown(right, self.symbols), _short(numbers), result)

    def numbers(self, expr: Expr, values: Mapping[str, Array], place: Place) -> str:
        """An expression in numbers; empty where it would be too long, or a name in it has none."""
        if any(isinstance(part, Ref) and part.name not in values for part in walk(expr)):
            return ""
        return _short(self.digits.show(_with_numbers(expr, values, place, self.worked)))

    def number(self, array: Array, axes: Axes, place: Place, *, closed: bool = False) -> str:
        """One entry of an array."""
        value = _number(array[tuple(place[axis.letter] for axis in axes)] if axes else array.item())
        return self.digits.show(value, NEGATIVE + 1 if closed else 0)


class Digits(Text):
    """Numbers to seven digits, as the tables have them."""

    def number(self, value: Fraction) -> tuple[str, int]:
        """A number in decimals, also beyond the range of a float."""
        size = to_float(from_fraction(abs(value)))
        text = f"{size:.7g}" if 1e-4 <= size < 1e7 or not value else decimal(from_fraction(abs(value)), 7)
        if "e" in text:
            mantissa, _, exponent = text.partition("e")
            text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
        level = PRODUCT if "e" in text else super().number(Fraction(1))[1]
        return (f"{self.minus}{text}", NEGATIVE) if value < 0 else (text, level)

    def function(self, op: str, args: tuple[Expr, ...]) -> tuple[str, int]:
        """A root of a plain number without parentheses: √0.25."""
        if op == "sqrt" and isinstance(args[0], Number) and self.number(args[0].value)[1] > PRODUCT:
            return f"√{self.show(args[0])}", ATOM
        return super().function(op, args)


def _number(value: Exactly) -> Expr:
    """A number as it is shown; of an idle line without a value, such as log(-1), the word nan."""
    if is_moderate(value):
        return Number(middle(value))
    return Ref(decimal(value) if is_finite(value) else "nan", ())


def _with_numbers(expr: Expr, values: Mapping[str, Array], place: Place, worked: WorkedStep | None = None) -> Expr:
    """`expr` with a number for every name, at the entry `place`, and with every sum written out."""
    match expr:
        case Ref(name=name, axes=axes):
            array = np.asarray(values[name], dtype=object)
            return _number(array[tuple(place[axis.letter] for axis in axes)] if axes and array.ndim else array.item())
        case Position(axis=axis):
            rows = worked.step.batch.indices if worked is not None and axis.size == SAMPLES.size else ()
            return Number(Fraction(rows[place[axis.letter]] if rows else place[axis.letter]))
        case Reduce(op=op, body=body, axes=axes) if worked is not None:
            terms = [
                _LEFT_OUT if found is None else _with_numbers(body, values, {**place, **found}, worked)
                for found in _places(axes or (), worked)
            ]
            if op not in ("sum", "mean"):
                return Apply(op, tuple(terms))
            total = reduce(lambda left, right: Apply("add", (left, right)), terms)
            count = math.prod(_sizes(axes or (), worked))
            return total if op == "sum" else Apply("div", (total, Number(Fraction(count))))
    parts = tuple(_with_numbers(part, values, place, worked) for part in children(expr))
    return rebuild(expr, parts)


def _places(axes: Axes, worked: WorkedStep) -> Iterator[Place | None]:
    """The entries along the axes of a sum: every one, or the first three, None for those left out, and the last."""
    sizes = _sizes(axes, worked)
    count = math.prod(sizes)
    wanted = [*range(count)] if count <= MAX_TERMS else [0, 1, 2, None, count - 1]
    for number in wanted:
        if number is None:
            yield None
        else:
            entry = np.unravel_index(number, sizes) if sizes else ()
            yield {axis.letter: int(place) for axis, place in zip(axes, entry, strict=True)}


def _sizes(axes: Axes, worked: WorkedStep) -> tuple[int, ...]:
    return tuple(axis.size if isinstance(axis.size, int) else worked.step.batch.n for axis in axes)


def _first(axes: Axes) -> Place:
    return {axis.letter: 0 for axis in axes}


def _first_trained(result: Result, name: str) -> tuple[int, ...]:
    """The first entry of a parameter that is not frozen."""
    [shape] = [parameter.shape for parameter in result.problem.parameters if parameter.name == name]
    mask = moves(result.problem.graph.frozen, name, shape)
    return tuple(map(int, np.argwhere(mask)[0])) if shape else ()


def _without_own(total: Total, loss: str) -> Total:
    """The products without ∂l/∂l, which is 1."""
    return Total(tuple(Product(_others(found.factors, loss), found.axes) for found in total.products))


def _alone(total: Total) -> Expr | None:
    """The partial, with its sum, where an adjoint is nothing more."""
    if len(total.products) != 1 or len(total.products[0].factors) != 1:
        return None
    [factor], axes = total.products[0]
    return None if isinstance(factor, Derivative) else Reduce("sum", factor, axes) if axes else factor


def _others(factors: tuple[Expr | Derivative, ...], loss: str) -> tuple[Expr | Derivative, ...]:
    return tuple(
        factor
        for factor in factors
        if not (isinstance(factor, Derivative) and factor.wrt.name == factor.of.name == loss)
    )


def _short(text: str) -> str:
    """The text, or nothing where it would fill more than a few lines."""
    return text if len(text) <= MAX_LINES * WIDTH * 3 // 4 else ""
