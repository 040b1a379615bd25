"""Points at which a claimed formula is tried: the problem's own first batch, small whole numbers, random fractions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from derive.graph.graph import Graph
from derive.graph.node import ROWS, SIZE, Node
from derive.problem.loading import Problem
from derive.problem.problem import Quantity
from verify.symbols.columns import Column

Entries = Mapping[tuple[int, ...], Fraction]

SMALL = 8  # points of small whole numbers, for each batch size
_SPREAD = (1, 2, 0, 3, -1, 2, 1, -2)


@dataclass(frozen=True)
class Point:
    """A number for every entry of what is given; `sizes` are those of axes whose size has a name, such as n.

    `origin` is "own", "small" or "random".
    """

    origin: str
    sizes: Mapping[str, int]
    given: Mapping[str, Entries]


def batch_sizes(problem: Problem) -> tuple[int, ...]:
    """The batch sizes that occur in a run; 2 and 3 for equations without data, none where nothing runs over samples."""
    samples, training = problem.samples, problem.training
    if not samples:
        return (2, 3) if SIZE in problem.graph.by_name else ()
    if training.batches is not None:
        return tuple(dict.fromkeys(len(rows) for rows in training.batches))
    whole = training.batch_size if isinstance(training.batch_size, int) else samples
    whole = min(whole, samples)
    left = 0 if training.drop_last else samples % whole
    return (whole, left) if left else (whole,)


def labels(graph: Graph, sizes: Mapping[str, int]) -> Mapping[str, int]:
    """The names that are class labels, with the number of classes, as far as `sizes` has it where it has a name."""
    counts = ((name, sizes.get(size) if isinstance(size, str) else size) for name, size in graph.class_labels.items())
    return {name: count for name, count in counts if count is not None}


def constants(problem: Problem) -> Mapping[str, Entries]:
    """The values of the problem's constants, entry by entry."""
    return {quantity.name: _entries(quantity) for quantity in problem.constants if quantity.is_drawn}


def own_point(problem: Problem) -> Point | None:
    """The first batch and the initial values; None where they are not known."""
    given = problem.given
    if problem.is_symbolic or not all(quantity.is_drawn for quantity in given):
        return None
    sizes = {}
    values = {quantity.name: _entries(quantity) for quantity in (*problem.parameters, *problem.constants)}
    if problem.samples:
        rows = problem.training.batches[0] if problem.training.batches else range(batch_sizes(problem)[0])
        sizes[SIZE] = len(rows)
        values[ROWS] = {(place,): Fraction(row) for place, row in enumerate(rows)}
        for column in problem.data:
            whole = _entries(column)
            values[column.name] = {
                (place, *index[1:]): whole[(row, *index[1:])]
                for place, row in enumerate(rows)
                for index in whole
                if index[0] == row
            }
    return Point("own", sizes, values)


def other_sizes(problem: Problem) -> Iterator[int]:
    """Small batch sizes that do not occur in a run of the problem."""
    return (n for n in range(1, 5) if n not in batch_sizes(problem))


def at_other_sizes(problem: Problem, more: Mapping[str, Node], columns: Mapping[str, Column]) -> Iterator[Point]:
    """Points of small whole numbers at batch sizes that do not occur; otherwise as `points`."""
    for n in other_sizes(problem):
        for number in range(SMALL):
            yield fitted(_small(problem, more, n, number), columns)


def points(problem: Problem, more: Mapping[str, Node], count: int, columns: Mapping[str, Column]) -> Iterator[Point]:
    """The points in the order in which they are tried: one's own, small ones, `count` random ones for each batch size.

    `more` are names besides those of the graph that a value is needed for; what `columns` say holds at every point.
    """
    numbers = random.Random(1)
    sizes = batch_sizes(problem) or (0,)
    own = own_point(problem)
    if own is not None:
        yield _with_more(own, more)
    for number in range(SMALL):
        for n in sizes:
            yield fitted(_small(problem, more, n, number), columns)
    for _ in range(count):
        for n in sizes:
            yield fitted(_random(problem, more, n, numbers), columns)


def unmoved(problem: Problem, sizes: Mapping[str, int], columns: Mapping[str, Column]) -> set[str]:
    """The names whose numbers are not any near what they are: constants, labels, rows, data of a few values."""
    few = (name for name, column in columns.items() if column.values or column.one_hot)
    return {ROWS, *constants(problem), *labels(problem.graph, sizes), *few}


def beside(problem: Problem, point: Point, columns: Mapping[str, Column]) -> Point:
    """The point with all that may be any number moved a little: what it has by chance, such as a tie, is gone."""
    numbers = random.Random(2)
    kept = unmoved(problem, point.sizes, columns)
    given = {
        name: own
        if name in kept
        else {k: value + Fraction(numbers.randint(1, 10**6), 10**10) for k, value in own.items()}
        for name, own in point.given.items()
    }
    return fitted(replace(point, given=given), {name: own for name, own in columns.items() if name not in kept})


def fitted(point: Point, columns: Mapping[str, Column]) -> Point:
    """The point with numbers in its columns that are of the kind that they are in the file."""
    fitted = {name: _of_kind(column, point.given[name]) for name, column in columns.items()}
    return Point(point.origin, point.sizes, {**point.given, **fitted})


def _of_kind(column: Column, entries: Entries) -> Entries:
    found = {index: _number_of(column, value) for index, value in entries.items()}
    if column.one_hot or column.sums_to_one:
        classes = 1 + max(index[-1] for index in found)
        rows = {index[:-1]: [found[(*index[:-1], k)] for k in range(classes)] for index in found}
        made = {row: _one_hot(values) if column.one_hot else _with_sum_1(values) for row, values in rows.items()}
        found = {index: made[index[:-1]][index[-1]] for index in found}
    return {index: column.fixed.get(index[1:], value) for index, value in found.items()}


def _number_of(column: Column, value: Fraction) -> Fraction:
    """A number of the kind of a column in place of any other."""
    if column.values:
        return column.values[(value.numerator + value.denominator) % len(column.values)]
    if column.positive:
        return abs(value) or Fraction(1)
    return abs(value) if column.nonnegative else value


def _one_hot(row: Sequence[Fraction]) -> list[Fraction]:
    """1 in a place that depends on all numbers, and else 0."""
    chosen = sum((k + 1) * (value.numerator + value.denominator) for k, value in enumerate(row)) % len(row)
    return [Fraction(k == chosen) for k in range(len(row))]


def _with_sum_1(row: Sequence[Fraction]) -> list[Fraction]:
    """The row divided by its sum; where that is 0, its last number makes the sum 1."""
    total = sum(row, Fraction(0))
    return [value / total for value in row] if total else [*row[:-1], 1 - sum(row[:-1], Fraction(0))]


def _with_more(point: Point, more: Mapping[str, Node]) -> Point:
    given = dict(point.given)
    for number, (name, node) in enumerate(more.items()):
        if name not in given:
            given[name] = {
                index: Fraction(1 + (number + place) % 2) for place, index in enumerate(_indices(node, point.sizes))
            }
    return Point(point.origin, point.sizes, given)


def _small(problem: Problem, more: Mapping[str, Node], n: int, number: int) -> Point:
    """Whole numbers from −2 to 3, in half of the points only positive ones."""

    def value(name: int, place: int) -> Fraction:
        found = _SPREAD[(3 * name + place + number) % len(_SPREAD)]
        return Fraction(found if number % 2 == 0 else abs(found) + 1)

    return _filled(problem, more, n, "small", value)


def _random(problem: Problem, more: Mapping[str, Node], n: int, numbers: random.Random) -> Point:
    """Fractions between −3 and 3, in half of the points only positive ones."""
    lowest = numbers.choice((-60, 1))

    def value(name: int, place: int) -> Fraction:  # noqa: ARG001
        return Fraction(numbers.randint(lowest, 60) or 1, numbers.randint(20, 40))

    return _filled(problem, more, n, "random", value)


def _filled(
    problem: Problem, more: Mapping[str, Node], n: int, origin: str, value: Callable[[int, int], Fraction]
) -> Point:
    graph = problem.graph
    known = constants(problem)
    sizes = {name: 2 + k for k, name in enumerate(name for name in graph.of_kind("size") if name != SIZE)}
    if n:
        sizes[SIZE] = n
    classes = labels(graph, sizes)
    given: dict[str, Entries] = {}
    nodes = [node for node in graph.nodes if node.kind in ("parameter", "constant", "data")]
    for name, node in enumerate((*nodes, *(node for node in more.values() if node.name not in graph.by_name))):
        if node.name in known:
            given[node.name] = known[node.name]
            continue
        found = {}
        for place, index in enumerate(_indices(node, sizes)):
            number = value(name, place)
            if node.name in classes:
                number = Fraction((name + place + int(10 * number)) % classes[node.name])
            found[index] = abs(number) if node.name in more else number
        given[node.name] = found
    if n:
        given[ROWS] = {(place,): Fraction(row) for place, row in enumerate(_rows(problem, n, value))}
    return Point(origin, sizes, given)


def _rows(problem: Problem, n: int, value: Callable[[int, int], Fraction]) -> Iterator[int]:
    """Rows of the data, each once, that may be those of a batch of `n`."""
    many = max(problem.samples or 0, n + 1)
    begun = int(100 * value(0, n))
    return ((begun + place) % many for place in range(n))


def _indices(node: Node, sizes: Mapping[str, int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(axis.size if isinstance(axis.size, int) else sizes[str(axis.size)]) for axis in node.axes))


def _entries(quantity: Quantity) -> Entries:
    return dict(zip(product(*map(range, quantity.shape)), quantity.values, strict=True))
