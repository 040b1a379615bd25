"""Class labels that pick an entry: whole numbers from 0, as many as there are classes. Checked before training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from derive.algebra.expression import Apply, Position, Ref, walk
from derive.errors import DataError, Place
from derive.graph.graph import Graph
from derive.problem.problem import Quantity
from derive.source.numerals import write_number


def check_labels(graph: Graph, quantities: Iterable[Quantity], places: Mapping[str, Place]) -> None:
    """Raises `DataError` for a label that is not a whole number or is beyond the classes, naming its row."""
    given = {quantity.name: quantity for quantity in quantities}
    for line, name, classes in dict.fromkeys(_labels(graph)):
        if name in given:
            _check(line, given[name], classes, places.get(name))


def _labels(graph: Graph) -> Iterator[tuple[str, str, int]]:
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
    raise DataError(
        f"{labels.name}[{wrong}] = {write_number(value)} (row {wrong}, counted from 0) is not a class label for {line};"
        f" expected whole numbers from 0 to {classes - 1}, for {classes} classes"
        + ("; these count from 1: subtract 1" if from_one else ""),
        place,
    )


def _possible(value: Fraction, classes: int) -> bool:
    return value.denominator == 1 and 0 <= value < classes
