"""Targets that a loss does not expect, such as 0 and 1 given to `hinge`: told in a note, for they may be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import Apply, Position, Ref, walk
from derive.errors import DataError, Place
from derive.graph.graph import Graph
from derive.paper.lines import Line
from derive.problem.problem import Quantity
from derive.source.numerals import write_number


@dataclass(frozen=True)
class _Expected:
    """What the targets of a loss are, and what to write where the other two labels of two classes stand."""

    values: str
    low: int
    high: int
    others: frozenset[Fraction]
    remedy: str
    between: bool = True

    def allows(self, value: Fraction) -> bool:
        return self.low <= value <= self.high if self.between else value in (self.low, self.high)


_SIGNS = frozenset(map(Fraction, (-1, 1)))
_BITS = frozenset(map(Fraction, (0, 1)))
_HINGE = _Expected("of -1 and 1", -1, 1, _BITS, "2*{0} - 1", between=False)
_PROBABILITIES = _Expected("from 0 to 1", 0, 1, _SIGNS, "({0} + 1)/2")
_EXPECTED: Mapping[str, _Expected] = {
    "hinge": _HINGE,
    "bce": _PROBABILITIES,
    "bce_with_logits": _PROBABILITIES,
    "cross_entropy": _PROBABILITIES,
}


def target_notes(lines: Iterable[Line], quantities: Iterable[Quantity]) -> Iterator[str]:
    """Yields a sentence for each loss whose targets are among `quantities` and have a value that it does not expect."""
    given = {quantity.name: quantity for quantity in quantities}
    for line in lines:
        for part in walk(line.expr):
            match part:
                case Apply(op=op, args=(_, Ref(name=name))) if op in _EXPECTED and name in given:
                    if op != "cross_entropy" or len(given[name].shape) > 1:  # class labels are checked elsewhere
                        yield from _unexpected(op, _EXPECTED[op], given[name])


def _unexpected(op: str, expected: _Expected, targets: Quantity) -> Iterator[str]:
    wrong = next((value for value in targets.values if not expected.allows(value)), None)
    if wrong is not None:
        remedy = (
            f"; write {op}(…, {expected.remedy.format(targets.name)})" if expected.others >= {*targets.values} else ""
        )
        yield f"{op} expects targets {expected.values}, and {targets.name} has {write_number(wrong)}{remedy}"


def check_labels(graph: Graph, quantities: Iterable[Quantity], places: Mapping[str, Place]) -> None:
    """Raises `DataError`, with the row from 0, for a label that is not a whole number from 0 below the classes.

    `quantities` are the given numbers in which labels of `graph` may stand, `places` says where each name stands.
    """
    given = {quantity.name: quantity for quantity in quantities}
    for line, name, classes in dict.fromkeys(picked_labels(graph)):
        if name in given:
            _check(line, given[name], classes, places.get(name))


def picked_labels(graph: Graph) -> Iterator[tuple[str, str, int]]:
    """The line, the name of the labels, and the number of classes wherever a label picks an entry."""
    for line in graph.lines:
        for part in walk(line.definition):
            match part:
                case Apply(op="equal", args=(Ref(name=name), Position(axis=axis))) if isinstance(axis.size, int):
                    yield line.name, name, axis.size


def _check(line: str, labels: Quantity, classes: int, place: Place | None) -> None:
    wrong = next((row for row, value in enumerate(labels.values) if not _possible(value, classes)), None)
    if wrong is None:
        return
    value = labels.values[wrong]
    from_one = all(_possible(label - 1, classes) for label in labels.values)
    name, row = (f"{labels.name}[{wrong}]", f" (row {wrong}, counted from 0)") if labels.shape else (labels.name, "")
    raise DataError(
        f"{name} = {write_number(value)}{row} is not a class label for {line};"
        f" expected whole numbers from 0 to {classes - 1}, for {classes} classes"
        + ("; these count from 1: subtract 1" if from_one else ""),
        place,
    )


def _possible(value: Fraction, classes: int) -> bool:
    return value.denominator == 1 and 0 <= value < classes
