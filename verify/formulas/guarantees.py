"""What the columns of the data are in every row of the file: one-hot, 0 or 1, positive, the same number in all rows.

A formula is judged on the data that it is about: the points at which it is tried have columns of the same kind, and a
proof may use it, which is said. What chance makes likely is no kind: it takes two rows for a column to be positive or
constant, and both values for it to be 0 or 1 (−1 or 1). That a row is one-hot, or sums to 1, is a relation of its own
entries, and one row shows it. A column may still be positive, or constant, by chance; therefore the sentence always
names what was needed, and nothing is taken for granted of parameters and constants. Where a sign is enough, no constant
is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import TypeVar

from derive.algebra.expression import Apply, Expr, Ref, walk
from derive.graph.graph import Graph
from derive.graph.node import SIZE
from derive.problem.loading import Problem
from derive.problem.problem import Quantity
from derive.source.numerals import write_number
from verify.points.samples import labels
from verify.symbols.columns import Column

MAX_CLASSES = 8  # different labels of a column of which it is used that there are no others
MAX_LISTED = 3  # constant entries of a column that are named one by one
MAX_SUBSETS = 24  # sets of guarantees that are tried for the smallest one

_BINARY = ((Fraction(0), Fraction(1)), (Fraction(-1), Fraction(1)))

T = TypeVar("T")


@dataclass(frozen=True)
class Guarantee:
    """What holds in every row of the column `name`; `words` completes "proved for"."""

    name: str
    words: str
    column: Column


def guarantees(problem: Problem, exprs: Sequence[Expr]) -> tuple[Guarantee, ...]:
    """What is guaranteed of the data that `exprs` are about, of each column the weakest first.

    A column of whole numbers is one of class labels where the lines or `exprs` compare it for equality.
    """
    compared = set(_compared((*exprs, *(node.definition for node in problem.graph.lines))))
    if problem.is_symbolic:
        return tuple(_targets(problem.graph))
    classes = labels(problem.graph, {})  # in a file no size is a name
    known = [column for column in problem.data if column.is_drawn and column.values]
    found = [own for column in known if column.name not in classes for own in _of_column(column, compared)]
    for column in known:  # what is a label by the lines has all their classes, though not all may occur
        if column.name in classes and set(column.values) == set(range(classes[column.name])):
            found += _listed(column)
    return tuple(found)


def _targets(graph: Graph) -> Iterator[Guarantee]:
    """That rows of targets are probabilities, of which the sum is 1: those of a cross-entropy of equations alone.

    It may be written out, y*log(softmax(z)).
    """
    classes = labels(graph, dict.fromkeys(graph.of_kind("size"), 1))
    written = (node.written if node.written is not None else node.definition for node in graph.lines)
    found = {name for expr in written for part in walk(expr) if (name := _target_of(part)) is not None}
    for node in graph.nodes:
        is_given = node.kind in ("data", "parameter") and node.name not in classes
        if is_given and node.name in found and node.axes and node.axes[-1].size != SIZE:
            size = node.axes[-1].size
            column = Column(sums_to_one=True, classes=size if isinstance(size, int) else 0)
            rows = f"rows of {node.name}" if len(node.axes) > 1 else f"entries of {node.name}"
            yield Guarantee(node.name, f"{rows} that sum to 1", column)


def _target_of(expr: Expr) -> str | None:
    """The name of the targets of a cross-entropy; None of anything else."""
    match expr:
        case Apply(op="cross_entropy", args=(_, Ref(name=name))):
            return name
        case Apply(op="mul", args=(Ref(name=name), other) | (other, Ref(name=name))) if _is_log_softmax(other):
            return name
    return None


def _is_log_softmax(expr: Expr) -> bool:
    match expr:
        case Apply(op="log", args=(Apply(op="softmax"),)) | Apply(op="log_softmax"):
            return True
    return False


def together(chosen: Sequence[Guarantee]) -> Mapping[str, Column]:
    """What is known of each column by all of them."""
    found: dict[str, Column] = {}
    for guarantee in chosen:
        found[guarantee.name] = found.get(guarantee.name, Column()) | guarantee.column
    return found


def smallest(
    every: Sequence[Guarantee], find: Callable[[Sequence[Guarantee]], T | None]
) -> tuple[T, tuple[Guarantee, ...]] | None:
    """What `find` finds with as few of the guarantees as are found to be enough, and these; None where all are not."""
    found = find(every) if every else None
    if found is None:
        return None
    kept = tuple(every)
    subsets = (subset for count in range(1, len(every)) for subset in combinations(every, count))
    for subset, _ in zip(subsets, range(MAX_SUBSETS), strict=False):
        fewer = find(subset)
        if fewer is not None:
            return fewer, subset
    for guarantee in every:
        fewer = find(left) if (left := tuple(other for other in kept if other is not guarantee)) else None
        if fewer is not None:
            found, kept = fewer, left
    return found, kept


def named(used: Sequence[Guarantee]) -> str:
    """The guarantees in words: `one-hot T and positive x`."""
    *others, last = (guarantee.words for guarantee in used)
    return f"{', '.join(others)} and {last}" if others else last


def _compared(exprs: Sequence[Expr]) -> Iterator[str]:
    """The names that are compared for equality."""
    for expr in exprs:
        for part in walk(expr):
            if isinstance(part, Apply) and part.op == "equal":
                yield from (arg.name for arg in part.args if isinstance(arg, Ref))


def _of_column(column: Quantity, compared: Collection[str]) -> Iterator[Guarantee]:
    values, name = set(column.values), column.name
    rows = column.shape[0]
    if len(column.shape) > 1 and column.shape[-1] > 1:
        classes = column.shape[-1]
        sums = {sum(column.values[k : k + classes]) for k in range(0, len(column.values), classes)}
        if sums == {1} and values == set(_BINARY[0]):
            yield Guarantee(name, f"one-hot {name}", Column(one_hot=True, classes=classes))
            return
        if sums == {1}:
            yield Guarantee(name, f"rows of {name} that sum to 1", Column(sums_to_one=True, classes=classes))
    listed = _listed(column) if name in compared or values in map(set, _BINARY) else ()
    if rows > 1 and min(values) >= 0 and not listed:
        sign = "positive" if min(values) > 0 else "nonnegative"
        yield Guarantee(name, f"{sign} {name}", Column(positive=min(values) > 0, nonnegative=True))
    yield from listed
    fixed = _fixed(column) if rows > 1 else {}
    if fixed:
        yield Guarantee(name, _constant(name, fixed), Column(fixed=fixed))


def _listed(column: Quantity) -> tuple[Guarantee, ...]:
    """That no other values occur than 0 and 1, −1 and 1, or labels from 0 to a number below `MAX_CLASSES`."""
    values = tuple(sorted(set(column.values)))
    if values not in _BINARY and not (1 < len(values) <= MAX_CLASSES and values == tuple(range(len(values)))):
        return ()
    written = ", ".join(map(write_number, values))
    return (Guarantee(column.name, f"{column.name} in {{{written}}}", Column(values=values)),)


def _fixed(column: Quantity) -> Mapping[tuple[int, ...], Fraction]:
    """The entries that are the same in all rows, by their index without the row."""
    width = len(column.values) // column.shape[0]
    first = column.values[:width]
    places = product(*map(range, column.shape[1:]))
    return {
        place: first[k] for k, place in enumerate(places) if all(value == first[k] for value in column.values[k::width])
    }


def _constant(name: str, fixed: Mapping[tuple[int, ...], Fraction]) -> str:
    if len(fixed) > MAX_LISTED:
        return f"the columns of {name} that are constant in the file"
    shown = (
        f"{name}{'[:,' + ','.join(map(str, place)) + ']' if place else ''} = {write_number(value)}"
        for place, value in fixed.items()
    )
    return f"{', '.join(shown)} in all rows"
