"""Functions of whole tensors, written out as sums and products over named axes: `x @ W`, `softmax`, `pick`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce

from derive.algebra.axes import Typed, apart, described, new_letters, shape_text
from derive.algebra.expression import (
    ONE,
    PICKED,
    Apply,
    Axes,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    children,
    fresh_axis,
    rebuild,
    rename_axes,
    taken_axes,
)
from derive.errors import Place
from derive.graph.broadcast import along, elementwise, reduction
from derive.graph.node import SIZE
from derive.graph.scope import Scope
from derive.paper.macros import Macro
from derive.paper.syntax import read_expression


@dataclass(frozen=True)
class Call:
    """A function in a line, its operands resolved; `wanted` are the axes that it names, None without any."""

    expr: Expr
    values: Sequence[Typed]
    wanted: Axes | None = None

    def exactly(self, count: int, scope: Scope) -> Sequence[Typed]:
        """Returns the operands. Raises `EquationError` where they are not `count`, as many as the function takes."""
        if len(self.values) != count:
            name = getattr(self.expr, "op", "the function")
            raise scope.error(self.expr, f"{name} of {len(self.values)} arguments; expected {count}")
        return self.values


def _entry(scope: Scope, call: Call) -> Typed:
    """One entry along each axis that is written with a number or a label: Σ [k = label] x over that axis.

    In its place stand the axes of the label that the entry does not have: `P[v[i],k]` runs over i and k.
    """
    whole, *chosen = call.values
    result, axes = whole.expr, whole.axes
    letters = [axis for axis in axes if axis.letter.startswith(PICKED)]
    for picked, label in zip(letters, chosen, strict=True):
        if isinstance(label.expr, Number):
            _check_entry(scope, call.expr, label.expr, picked)
        here = fresh_axis(Axis("k", picked.size), [*axes, *label.axes, *taken_axes(result)])
        chooses = Apply("equal", (label.expr, Position(here)))
        renamed = rename_axes(result, {picked: here})
        place, others = axes.index(picked), tuple(axis for axis in axes if axis != picked)
        axes = (*others[:place], *(axis for axis in label.axes if axis not in others), *others[place:])
        result = Reduce("sum", Apply("mul", (chooses, renamed)), (here,))
    return Typed(result, axes)


def _check_entry(scope: Scope, expr: Expr, entry: Number, axis: Axis) -> None:
    """A number that picks an entry is a whole number below the size of the axis."""
    beyond = isinstance(axis.size, int) and entry.value >= axis.size
    if entry.value.denominator != 1 or entry.value < 0 or beyond:
        expected = f"from 0 to {axis.size - 1}" if isinstance(axis.size, int) else "from 0"
        raise scope.error(expr, f"the index {entry.value} is out of range; expected a whole number {expected}")


def _pick(scope: Scope, call: Call) -> Typed:
    """pick(z, y): of the last axis of z, the entry that the label y names."""
    whole, label = call.exactly(2, scope)
    if len(label.axes) != len(whole.axes) - 1:
        shapes = f"{shape_text(whole.axes)} and {shape_text(label.axes)}"
        raise scope.error(call.expr, f"pick of shapes {shapes}; expected labels with one axis less, as in pick(z, y)")
    last = whole.axes[-1]
    beside = along(scope, call.expr, label, whole.axes[:-1])
    chosen = Apply("mul", (Apply("equal", (beside.expr, Position(last))), whole.expr))
    return Typed(Reduce("sum", chosen, (last,)), whole.axes[:-1])


def _matmul(scope: Scope, call: Call) -> Typed:
    """`x @ W`: the product of numbers, else `numpy.matmul`: the last axis of the first with the rows of the second.

    The one addition: `w · x` of a vector and a matrix of samples is the sum of products of each row.
    """
    left, right = call.values
    if not left.axes or not right.axes or (scope.indexed and left.axes == right.axes):
        return elementwise(scope, call.expr, "mul", call.values)
    if scope.indexed:
        raise scope.error(call.expr, "@ in a line with indices; write sum(x[i,j]*W[j,k], j)")
    rows = max(len(right.axes) - 2, 0)
    if left.axes[-1].size == right.axes[rows].size:
        return _contracted(left, right, rows, _stacked(scope, call))
    if _is_of_each_sample(left, right):
        return _contracted(left, right, 1, {})
    raise scope.error(
        call.expr,
        f"{described(left)} and {described(right)} cannot be multiplied: the last size of the first "
        f"must be the size of the second's rows{_turned(left, right)}",
    )


def _is_of_each_sample(left: Typed, right: Typed) -> bool:
    """Whether these are a vector and a matrix of samples with as many columns."""
    if len(left.axes) != 1 or len(right.axes) != 2:
        return False
    return right.axes[0].size == SIZE and left.axes[0].size == right.axes[1].size


def _stacked(scope: Scope, call: Call) -> dict[Axis, Axis]:
    """For each axis of the second that counts its matrices, the one of the first: matched from the last one on."""
    left, right = call.values
    firsts, seconds = left.axes[:-2][::-1], right.axes[:-2][::-1]
    pairs = list(zip(seconds, firsts, strict=False))
    if any(second.size != first.size for second, first in pairs):
        message = f"{described(left)} and {described(right)} cannot be multiplied: they are not as many matrices"
        raise scope.error(call.expr, message)
    return dict(pairs)


def _log_softmax(scope: Scope, call: Call) -> Typed:
    """X − logsumexp(x) over the last axis, or the one that is named."""
    (value,) = call.exactly(1, scope)
    last = (Axis("last"),) if call.wanted is None else call.wanted
    total = reduction(scope, call.expr, "logsumexp", value, last)
    body = apart(total.expr, frozenset(value.axes))
    return Typed(Apply("sub", (value.expr, body)), value.axes)


def _transpose(scope: Scope, call: Call) -> Typed:
    """The axes in reverse order."""
    (value,) = call.exactly(1, scope)
    return Typed(value.expr, value.axes[::-1])


def _outer(scope: Scope, call: Call) -> Typed:
    """Every product of an entry of the first and one of the second: of columns of the data, each with each.

    Where both are matrices with a row for each sample, nobody means that.
    """
    left, right = call.exactly(2, scope)
    if all(len(own.axes) > 1 and any(axis.size == SIZE for axis in own.axes) for own in (left, right)):
        raise scope.error(
            call.expr,
            f"outer of {described(left)} and {described(right)}, which both have a row for each sample: it would pair "
            "every sample with every other; write transpose(h) @ d for the sum of the products of each sample",
        )
    renamed = new_letters(right.axes, left.axes)
    other = rename_axes(right.expr, renamed)
    axes = (*left.axes, *(renamed[axis] for axis in right.axes))
    return Typed(Apply("mul", (left.expr, other)), axes)


def _var(scope: Scope, call: Call) -> Typed:
    """The mean of the squared deviations, divided by the count (torch.var with correction=0)."""
    (value,) = call.exactly(1, scope)
    middle = reduction(scope, call.expr, "mean", value, call.wanted)
    away = Apply("sub", (value.expr, apart(middle.expr, frozenset(value.axes))))
    square = Apply("pow", (away, Number(ONE.value * 2)))
    return reduction(scope, call.expr, "mean", Typed(square, value.axes), call.wanted)


def _l2(scope: Scope, call: Call) -> Typed:
    """The sum of the squares of everything named."""
    squares = [Typed(Apply("pow", (value.expr, Number(ONE.value * 2))), value.axes) for value in call.values]
    sums = [reduction(scope, call.expr, "sum", s, None).expr if s.axes else s.expr for s in squares]
    return Typed(reduce(lambda a, b: Apply("add", (a, b)), sums), ())


def _cross_entropy(scope: Scope, call: Call) -> Typed:
    """−mean of the log-probability of the class that the label names, counted from 0."""
    logits, label = call.exactly(2, scope)
    logs = _log_softmax(scope, Call(call.expr, (logits,)))
    classes = logs.axes[-1]
    beside = along(scope, call.expr, label, logs.axes[:-1])
    chosen = Apply("equal", (beside.expr, Position(classes)))
    picked: Expr = Reduce("sum", Apply("mul", (chosen, logs.expr)), (classes,))
    if logs.axes[:-1]:
        picked = Reduce("mean", picked, logs.axes[:-1])
    return Typed(Apply("neg", (picked,)), ())


def _contracted(left: Typed, right: Typed, place: int, stacked: Mapping[Axis, Axis]) -> Typed:
    """Σ over the last axis of `left` and the axis `place` of `right`; `stacked` are other axes that are the same."""
    shared = left.axes[-1]
    others = tuple(axis for number, axis in enumerate(right.axes) if number != place and axis not in stacked)
    renamed = {**new_letters(others, left.axes), **stacked, right.axes[place]: shared}
    product = Apply("mul", (left.expr, rename_axes(right.expr, renamed)))
    count = max(place - len(stacked), 0) if len(left.axes) > 1 else 0
    stack, columns = others[:count], others[count:]  # further stacks of the second stand before the axes of the first
    kept = (*(renamed[axis] for axis in stack), *left.axes[:-1], *(renamed[axis] for axis in columns))
    return Typed(Reduce("sum", product, (shared,)), kept)


def _turned(left: Typed, right: Typed) -> str:
    """`; did you mean x @ W?` where the product fits the other way round, or W for each row of x."""
    if not (isinstance(left.expr, Ref) and isinstance(right.expr, Ref)):
        return ""
    first, second = left.expr.name, right.expr.name
    if len(left.axes) == 2 and left.axes[0].size != SIZE and left.axes[1].size == right.axes[-1].size:
        return f"; {first} times each row of {second} is {second} @ transpose({first})"
    fits = right.axes[-1].size == left.axes[max(len(left.axes) - 2, 0)].size
    return f"; did you mean {second} @ {first}?" if fits else ""


TENSORS: dict[str, Callable[[Scope, Call], Typed]] = {
    "entry": _entry,
    "pick": _pick,
    "matmul": _matmul,
    "log_softmax": _log_softmax,
    "transpose": _transpose,
    "outer": _outer,
    "var": _var,
    "l2": _l2,
    "cross_entropy": _cross_entropy,
}


def written_out(macro: Macro, wanted: Axes | None, column: int | None) -> Expr:
    """Returns the tree of the formula, its sums over `wanted` where indices are named.

    All its parts have the column (from 0) of the name that it is written out for, so that a caret stands there.
    """
    return _standing_at(_formula(macro, wanted), column)


@cache
def _formula(macro: Macro, wanted: Axes | None) -> Expr:
    tree = read_expression(macro.formula, Place(macro.name, text=macro.formula))
    return tree if wanted is None else _over(tree, wanted)


def _over(expr: Expr, wanted: Axes) -> Expr:
    """Every sum of a formula over the axes that are named."""
    if isinstance(expr, Apply) and expr.op == "log_softmax":
        return Apply(expr.op, (*expr.args, *(Ref(axis.letter) for axis in wanted)))
    parts = tuple(_over(part, wanted) for part in children(expr))
    return Reduce(expr.op, parts[0], wanted) if isinstance(expr, Reduce) else rebuild(expr, parts)


def _standing_at(expr: Expr, column: int | None) -> Expr:
    moved = rebuild(expr, tuple(_standing_at(part, column) for part in children(expr)))
    return replace(moved, column=column) if isinstance(moved, Ref | Apply | Reduce) else moved
