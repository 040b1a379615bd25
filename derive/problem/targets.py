"""What a loss does not expect, targets 0 and 1 of `hinge` or probabilities for scores: told, for it may be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import ONE, Apply, Expr, Number, Position, Reduce, Ref, rename_axes, walk
from derive.errors import DataError, Place
from derive.graph.graph import Graph
from derive.graph.node import SIZE, Node
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


def check_labels(
    graph: Graph, quantities: Iterable[Quantity], places: Mapping[str, Place], samples: int | None = None
) -> None:
    """Raises `DataError`, with the row from 0, for a label that is not a whole number from 0 below the classes.

    `quantities` are the given numbers in which labels of `graph` may stand, `places` says where each name stands.
    What picks along the samples has to be a row of the data, of which there are `samples`.
    """
    given = {quantity.name: quantity for quantity in quantities}
    for line, name, classes in dict.fromkeys(picked_labels(graph)):
        if name in given and (classes or samples):
            _check(line, given[name], classes or samples or 0, places.get(name), picks_row=not classes)


def picked_labels(graph: Graph) -> Iterator[tuple[str, str, int]]:
    """The line, the name of the labels, and the number of classes wherever a label picks an entry; 0 for a row."""
    for line in graph.lines:
        for part in walk(line.definition):
            match part:
                case Apply(op="equal", args=(Ref(name=name), Position(axis=axis))) if axis.size == SIZE:
                    yield line.name, name, 0
                case Apply(op="equal", args=(Ref(name=name), Position(axis=axis))) if isinstance(axis.size, int):
                    yield line.name, name, axis.size


def check_rows(graph: Graph, samples: int | None) -> list[str]:
    """Returns a note on the rows of the data that lines pick by their number, such as `x[1]`.

    Raises `DataError` for a number that is no row of the `samples` of the data.
    """
    picked: dict[int, Node] = {}
    for line in graph.lines:
        for part in walk(line.definition):
            match part:
                case Apply(op="equal", args=(Number(value=value), Position(axis=axis))) if axis.size == SIZE:
                    picked.setdefault(int(value), line)
    beyond = next((row for row in picked if samples is not None and row >= samples), None)
    if beyond is not None:
        line = picked[beyond]
        raise DataError(
            f"{line.name} picks the row {beyond} of the data, which have {samples}; "
            f"expected a whole number from 0 to {(samples or 0) - 1}",
            line.place,
        )
    if not picked or samples is None:
        return []
    rows = ", ".join(map(str, sorted(picked)))
    which = f"the row {rows}" if len(picked) == 1 else f"the rows {rows}"
    return [f"an entry along the samples is a row of the data: {which}; in a batch without it, it is 0"]


def _check(line: str, labels: Quantity, classes: int, place: Place | None, *, picks_row: bool = False) -> None:
    wrong = next((row for row, value in enumerate(labels.values) if not _possible(value, classes)), None)
    if wrong is None:
        return
    value = labels.values[wrong]
    from_one = all(_possible(label - 1, classes) for label in labels.values)
    name, row = (f"{labels.name}[{wrong}]", f" (row {wrong}, counted from 0)") if labels.shape else (labels.name, "")
    if picks_row:
        raise DataError(
            f"{name} = {write_number(value)}{row} is no row of the data, which it picks in {line}; "
            f"expected whole numbers from 0 to {classes - 1}"
            + ("; these count from 1: subtract 1" if from_one else ""),
            place,
        )
    raise DataError(
        f"{name} = {write_number(value)}{row} is not a class label for {line};"
        f" expected whole numbers from 0 to {classes - 1}, for {classes} classes"
        + ("; these count from 1: subtract 1" if from_one else ""),
        place,
    )


def _possible(value: Fraction, classes: int) -> bool:
    return value.denominator == 1 and 0 <= value < classes


# What each such loss applies, and what it is called in torch.nn.
_APPLIED = {"cross_entropy": ("softmax", "CrossEntropyLoss"), "bce_with_logits": ("sigmoid", "BCEWithLogitsLoss")}
_INSTEAD = {"bce_with_logits": "write bce for probabilities, or ", "cross_entropy": ""}


def score_notes(lines: Iterable[Line]) -> Iterator[str]:
    """Yields a sentence for each loss of scores that is given what is a softmax or a sigmoid by its line."""
    by_name = {line.name: line.expr for line in lines}
    for expr in by_name.values():
        for part in walk(expr):
            if isinstance(part, Apply) and part.op in _APPLIED and len(part.args) == 2:
                given = part.args[0]
                made_by = _probabilities(_followed(given, by_name))
                if made_by is not None:
                    yield _sentence(part.op, given, *made_by)


def _sentence(loss: str, given: Expr, made_by: str, scores: Expr) -> str:
    applied, in_torch = _APPLIED[loss]
    what = f"{given.name!r}, which is a {made_by} already" if isinstance(given, Ref) else f"a {made_by}"
    how = "a second time" if made_by == applied else f"to the {made_by}"
    named = f", {scores.name}" if isinstance(scores, Ref) else ""
    return (
        f"{loss} takes scores and applies {applied} itself, as torch.nn.{in_torch} does; it is given {what}, and so "
        f"{applied} is applied {how}, here and in PyTorch; {_INSTEAD[loss]}give it what {made_by} is taken of{named}"
    )


def _followed(expr: Expr, by_name: Mapping[str, Expr]) -> Expr:
    """What a name stands for, also where it is another name for it."""
    seen: set[str] = set()
    while isinstance(expr, Ref) and expr.name in by_name and expr.name not in seen:
        seen.add(expr.name)
        expr = by_name[expr.name]
    return expr


def _probabilities(expr: Expr) -> tuple[str, Expr] | None:
    """`softmax` or `sigmoid` and what it is taken of, where an expression is one, by name or written out; else None."""
    match expr:
        case Apply(op="softmax" | "sigmoid", args=(scores, *_)):
            return expr.op, scores
        case Apply(op="div", args=(Apply(op="exp", args=(scores,)), Reduce(op="sum", body=body, axes=(summed,)))):
            if isinstance(body, Apply) and body.op == "exp":
                axes = {axis for part in walk(scores) if isinstance(part, Ref) for axis in part.axes or ()}
                if any(rename_axes(body.args[0], {summed: axis}) == scores for axis in axes):
                    return "softmax", scores
        case Apply(op="div", args=(one, Apply(op="add", args=terms))) if one == ONE:
            odds = [term for term in terms if term != ONE]
            match odds:
                case [Apply(op="exp", args=(Apply(op="neg", args=(scores,)),))]:
                    return "sigmoid", scores
    return None
