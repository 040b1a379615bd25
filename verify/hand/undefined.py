"""Why a number of a step by hand has no value: the operation, the number it is of, and the line it stands in.

The step is calculated once more with numbers that say why they have no value, and pass that on to all that is made of
them. An operand decides that only where all numbers of its ball lie outside of what the operation is defined for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from derive.graph.gradient_names import gradient_name
from derive.run.batches import Batch
from derive.run.run import Run
from verify.hand.calculation import Calculation, columns, line_of, prepare
from verify.hand.evaluation import Array, Values, evaluate
from verify.names import adjoint_of
from verify.numbers import CalculationError, Exact, Exactly, as_ball, decimal, objects


@dataclass
class NoValue:
    """In the place of a number that has none: why, and which line or derivative it is in."""

    why: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.why}, in {self.where}"


# Where the real function has no value: true only where that is so of every number in the ball.
_OUTSIDE: Mapping[str, Callable[[Exactly], bool]] = {
    **dict.fromkeys(("log", "log2", "log10"), lambda x: bool(x <= 0)),
    "log1p": lambda x: bool(x <= -1),
    "sqrt": lambda x: bool(x < 0),
}


class Explained(Exact):
    """Exact numbers, and in the place of one that has no value a `NoValue`."""

    def element(self, op: str) -> Callable[..., Any]:
        """The operation on single numbers, some of which may have no value."""
        function = super().element(op)

        def explained(*args: Any) -> Any:
            if op == "where" and not isinstance(args[0], NoValue):
                return _side(*args)
            found = next((arg for arg in args if isinstance(arg, NoValue)), None)
            if found is not None:
                return found
            why = _why_not(op, *args)
            if why:
                return NoValue(why)
            try:
                return function(*args)
            except CalculationError as error:
                return NoValue(str(error))

        return explained

    def reduced(self, op: str, row: list[Any]) -> Any:
        """The sum, logsumexp, max or min of single numbers."""
        found = next((number for number in row if isinstance(number, NoValue)), None)
        return super().reduced(op, row) if found is None else found

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min; none of a row in which a number has no value."""
        known = objects([fmpq(0) if isinstance(one, NoValue) else one for one in array.flat], array.shape)
        shares = super().share(op, known)
        for row, found in zip(array.reshape((-1, array.shape[-1])), shares.reshape((-1, array.shape[-1])), strict=True):
            if lacking := [one for one in row if isinstance(one, NoValue)]:
                found[:] = objects(lacking[:1] * len(row), (len(row),))
        return shares


def _side(chosen: Exactly, x: Any, y: Any) -> Any:
    """The side of `where` that is chosen; where a ball does not tell, and one has no value, nothing is known."""
    if chosen == 1 or chosen == 0:
        return x if chosen == 1 else y
    return arb.nan() if isinstance(x, NoValue) or isinstance(y, NoValue) else as_ball(x).union(as_ball(y))


def _why_not(op: str, *args: Exactly) -> str:
    """Why a real operation has no value at its operands; empty where it has one, or it is not known."""
    if op in _OUTSIDE and _OUTSIDE[op](args[0]):
        return f"{op}({decimal(args[0])}) has no real value"
    if op == "pow" and bool(args[0] < 0) and not _may_be_whole(args[1]):
        return f"({decimal(args[0])})^{_written(args[1])} has no real value"
    return ""


def _may_be_whole(exponent: Exactly) -> bool:
    return bool(exponent.q == 1 if isinstance(exponent, fmpq) else exponent.contains_integer())


def _written(exponent: Exactly) -> str:
    """`0.5`, `(-0.5)`, `(1/3)`: an exponent behind `^`."""
    text = str(exponent) if isinstance(exponent, fmpq) and len(str(exponent)) <= 20 else decimal(exponent)
    return f"({text})" if "/" in text or text.startswith("-") else text


_OF_STAGES = ("nodes", "loss", "adjoints", "gradients", "after", "change")


class Undefined:
    """Why numbers of one step have no value, for all of them calculated once."""

    def __init__(self, run: Run, held: Values, batch: Batch) -> None:
        calculation = prepare(run.watched, run.followed, run.settings, Explained())
        data = columns(run.watched, run.watched.data, calculation.system)
        rows = {name: column[list(batch.indices)] for name, column in data.items()}
        self.loss, self.wrt = run.followed.graph.loss, run.followed.wrt
        self.values = _values(calculation, {**held, **rows}, batch.n)

    def why(self, group: str, name: str, position: tuple[int, ...] = ()) -> str:
        """Why a number of a line, or a gradient, has no value: "nodes", "loss" or another group, and the name.

        A parameter after its update lacks one where its gradient does. Empty where it has one, or it is not known.
        """
        if group not in _OF_STAGES:
            return ""
        of_line = group in ("nodes", "loss")
        stage = (self.loss if group == "loss" else name) if of_line else adjoint_of(name)
        found = self.values.get(stage)
        if found is None or len(position) != found.ndim:
            return ""
        number = found[position]
        return str(number) if isinstance(number, NoValue) else ""

    def first(self) -> str:
        """Why the loss has no value, else the first gradient without one; empty where that is not known."""
        arrays = (self.values[stage] for stage in (self.loss, *map(adjoint_of, self.wrt)))
        return next((str(number) for array in arrays for number in array.flat if isinstance(number, NoValue)), "")


def _values(calculation: Calculation, given: Values, n: int) -> dict[str, Array]:
    """The result of every stage; a number that loses its value in one is told where that was."""
    loss, values = calculation.derivation.graph.loss, calculation.inputs(given, n)
    found: dict[str, Array] = {}
    for stage in calculation.once:
        found[stage.target] = evaluate((stage,), calculation.system, values, {"n": n}).results[stage.target]
        for number in found[stage.target].flat:
            if isinstance(number, NoValue) and not number.where:
                number.where = _place(stage.target, loss)
    return found


def _place(target: str, loss: str) -> str:
    """`line z`, `dl/dz`, or of an operation inside the line z `the derivative of line z`: where it stands on paper."""
    mark = adjoint_of("")
    name = target.removeprefix(mark)
    line = line_of(name)
    if name == target:
        return f"line {line}"
    return gradient_name(loss, name) if name == line else f"the derivative of line {line}"
