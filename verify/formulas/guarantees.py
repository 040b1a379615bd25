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

from derive.algebra.expression import Apply, Expr, Reduce, Ref, walk
from derive.graph.graph import Graph
from derive.graph.node import SIZE, Node
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

    It may be written out, y*log(softmax(z)), in one line or through several.
    """
    classes = labels(graph, dict.fromkeys(graph.of_kind("size"), 1))
    lines = {node.name: _as_written(node) for node in graph.lines}
    found = {name for expr in lines.values() for part in walk(expr) for name in _targets_of(part, graph, lines)}
    for node in graph.nodes:
        is_given = node.kind in ("data", "parameter") and node.name not in classes
        if is_given and node.name in found:
            size = node.axes[-1].size
            column = Column(sums_to_one=True, classes=size if isinstance(size, int) else 0)
            rows = f"rows of {node.name}" if len(node.axes) > 1 else f"entries of {node.name}"
            yield Guarantee(node.name, f"{rows} that sum to 1", column)


def _as_written(node: Node) -> Expr:
    return node.written if node.written is not None else node.definition


def _targets_of(expr: Expr, graph: Graph, lines: Mapping[str, Expr]) -> Iterator[str]:
    """The name of the targets of a cross-entropy; nothing of anything else.

    They are the only factor beside the logarithm of a softmax that runs over classes.
    """
    match expr:
        case Apply(op="cross_entropy", args=(_, Ref() as targets)):
            beside = [targets]
        case Apply(op="mul" | "matmul" | "dot"):
            factors = [*_factors(expr)]
            logarithms = [factor for factor in factors if _is_log_softmax(_without_sign(factor, lines), lines)]
            beside = [factor for factor in factors if isinstance(factor, Ref) and factor not in logarithms]
            beside = beside if len(logarithms) == 1 else []
        case _:
            return
    axes = {factor.name: graph.by_name[factor.name].axes for factor in beside if factor.name in graph.by_name}
    over_classes = [name for name, own in axes.items() if own and own[-1].size != SIZE]
    if len(over_classes) == 1:
        yield over_classes[0]


def _factors(expr: Expr) -> Iterator[Expr]:
    """What a product is made of, without signs and what it is divided by."""
    match expr:
        case Apply(op="mul" | "matmul" | "dot", args=args):
            for arg in args:
                yield from _factors(arg)
        case Apply(op="neg" | "div", args=(first, *_)):
            yield from _factors(first)
        case _:
            yield expr


def _without_sign(expr: Expr, lines: Mapping[str, Expr]) -> Expr:
    """What a name stands for, without a sign and what it is divided by."""
    found = _followed(expr, lines)
    while isinstance(found, Apply) and found.op in ("neg", "div"):
        found = _followed(found.args[0], lines)
    return found


def _is_log_softmax(expr: Expr, lines: Mapping[str, Expr]) -> bool:
    match _followed(expr, lines):
        case Apply(op="log_softmax"):
            return True
        case Apply(op="log", args=(inner,)):
            return _is_softmax(inner, lines)
        case Apply(op="sub", args=(_, total)):  # z - log(sum(exp(z)))
            return _is_log_of_sum(total, lines)
    return False


def _is_softmax(expr: Expr, lines: Mapping[str, Expr]) -> bool:
    match _followed(expr, lines):
        case Apply(op="softmax"):
            return True
        case Apply(op="exp", args=(inner,)):
            return _is_log_softmax(inner, lines)
        case Apply(op="div", args=(above, below)):
            return _is_exp(above, lines) and _is_sum_of_exp(below, lines)
    return False


def _is_log_of_sum(expr: Expr, lines: Mapping[str, Expr]) -> bool:
    match _followed(expr, lines):
        case Reduce(op="logsumexp"):
            return True
        case Apply(op="log", args=(inner,)):
            return _is_sum_of_exp(inner, lines)
    return False


def _is_sum_of_exp(expr: Expr, lines: Mapping[str, Expr]) -> bool:
    found = _followed(expr, lines)
    return isinstance(found, Reduce) and found.op == "sum" and _is_exp(found.body, lines)


def _is_exp(expr: Expr, lines: Mapping[str, Expr]) -> bool:
    found = _followed(expr, lines)
    return isinstance(found, Apply) and found.op == "exp"


def _followed(expr: Expr, lines: Mapping[str, Expr]) -> Expr:
    """What a name stands for, through all lines that only give another name to it."""
    while isinstance(expr, Ref) and expr.name in lines:
        expr = lines[expr.name]
    return expr


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
