"""A line of paper with its axes filled in: which index every name is read along, and every sum runs over.

Two ways of writing meet here. With indices, `z[i,k] = sum(x[i,j]*W[j,k], j) + b[k]`, a letter
stands for the same axis throughout the line. Without, `z = x @ W + b`, axes are matched from
the last one on, as NumPy and PyTorch do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, reduce

from derive.errors import EquationError, Place, suggestion
from derive.expression import (
    ONE,
    Apply,
    Axes,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    children,
    count,
    free_axes,
    fresh_axis,
    rebuild,
    rename_axes,
    taken_axes,
    walk,
)
from derive.macros import MACROS
from derive.node import SIZE, Node
from derive.operations import CONSTANTS, REDUCTIONS
from derive.paper import PICKED, Line, read_expression
from derive.spelling import at


@dataclass(frozen=True)
class Typed:
    """A resolved expression and its axes in order, as PyTorch orders the dimensions of a tensor."""

    expr: Expr
    axes: Axes


def resolve(line: Line, nodes: Mapping[str, Node], is_loss: bool) -> Node:
    """The node of a line. Raises `EquationError` with a caret for names and shapes that do not fit."""
    whole = _Resolver(line, nodes).value(line.expr)
    expr, axes = _apart(whole.expr, frozenset(whole.axes)), whole.axes
    implied = False
    if is_loss and axes:
        expr, implied, axes = _summed(expr, line), True, ()
    if line.axes is not None:
        axes = _ordered(line, axes)
    return Node(line.name, "line", axes, expr, line.expr, implied)


def _ordered(line: Line, axes: Axes) -> Axes:
    """The axes in the order of the left side of the equation."""
    letters = [axis.letter for axis in line.axes or ()]
    if sorted(letters) != sorted(axis.letter for axis in axes):
        shown = f"runs over {', '.join(map(str, axes))}, sizes {_shape(axes)}" if axes else "is one number"
        left = f"{line.name}[{','.join(letters)}]"
        more = [str(axis) for axis in axes if axis.letter not in letters]
        remedy = f"expected the same indices: sum over {', '.join(more)}, or name it on the left"
        if not more:
            missing = ", ".join(sorted(set(letters) - {axis.letter for axis in axes}))
            remedy = (
                f"expected the same indices; {missing} does not occur on the right" if missing else "name each once"
            )
        raise EquationError(f"{left}: the right side {shown}; {remedy}", line.place)
    return tuple(sorted(axes, key=lambda axis: letters.index(axis.letter)))


@dataclass
class _Resolver:
    """Resolves the expressions of one line; remembers which size each letter has."""

    line: Line
    nodes: Mapping[str, Node]
    sizes: dict[str, tuple[Axis, str]] = field(default_factory=dict)

    @property
    def indexed(self) -> bool:
        """Whether the line is written with indices."""
        return self.line.axes is not None or any(isinstance(p, Ref) and p.axes for p in walk(self.line.expr))

    @cached_property
    def letters(self) -> frozenset[str]:
        """Every letter that is written as an index in the line."""
        read = [p.axes for p in walk(self.line.expr) if isinstance(p, Ref | Reduce)]
        return frozenset(axis.letter for axes in (self.line.axes, *read) for axis in axes or ())

    def error(self, expr: Expr, message: str) -> EquationError:
        column = getattr(expr, "column", None)
        return EquationError(message, self.line.place if column is None else at(self.line.place, column))

    def value(self, expr: Expr, names: Mapping[str, Typed] | None = None) -> Typed:
        """`expr` resolved; `names` are the operands of a formula that is being written out."""
        match expr:
            case Number():
                return Typed(expr, ())
            case Ref(name=name) if names and name in names:
                return names[name]
            case Ref():
                return self.name(expr)
            case Reduce(op=op, body=body, axes=axes):
                return self.reduction(expr, op, self.value(body, names), axes)
            case Apply(op=op, args=args):
                return self.operation(expr, op, args, names)
        raise TypeError(type(expr).__name__)

    def name(self, ref: Ref) -> Typed:
        """A name with its axes, or the mathematical constant of that name."""
        node = self.nodes.get(ref.name)
        if node is None:
            constant = {"π": "pi"}.get(ref.name, ref.name)
            if ref.axes is None and (axis := self.index_of(ref.name)) is not None:
                return Typed(Position(axis), (axis,))
            if constant in CONSTANTS and ref.axes is None:
                return Typed(Apply(constant, (), ref.column), ())
            raise self.error(ref, _unknown(ref.name, self.nodes))
        if ref.axes is None and ref.name in self.letters:
            raise self.error(ref, f"{ref.name!r} is an index in this line and also a name ({node.kind}); rename one")
        axes = node.axes if ref.axes is None else self.read_along(ref, node)
        if ref.axes is None and self.indexed:
            for axis in axes:
                self.remember(ref, axis)
        return Typed(Ref(ref.name, axes, ref.column), axes)

    def index_of(self, letter: str) -> Axis | None:
        """The axis of a letter that the line uses as an index, for k as a number in [k = y[i]]."""
        for part in walk(self.line.expr):
            node = self.nodes.get(part.name) if isinstance(part, Ref) and part.axes else None
            if node is not None and isinstance(part, Ref) and len(part.axes or ()) == len(node.axes):
                for axis, own in zip(part.axes or (), node.axes, strict=True):
                    if axis.letter == letter:
                        return Axis(letter, own.size)
        return None

    def entry(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """One entry along each axis that is written with a number or a label: Σ [k = label] x over that axis."""
        whole, *chosen = values
        result, axes = whole.expr, whole.axes
        letters = [axis for axis in axes if axis.letter.startswith(PICKED)]
        for picked, label in zip(letters, chosen, strict=True):
            if isinstance(label.expr, Number):
                self.check_entry(expr, label.expr, picked)
            here = fresh_axis(Axis("k", picked.size), [*axes, *label.axes])
            chooses = Apply("equal", (label.expr, Position(here)))
            renamed = _rename_free(result, {picked: here})
            axes = tuple(axis for axis in axes if axis != picked)
            result = Reduce("sum", Apply("mul", (chooses, renamed)), (here,))
        return Typed(result, axes)

    def check_entry(self, expr: Expr, entry: Number, axis: Axis) -> None:
        """A number that picks an entry is a whole number below the size of the axis."""
        beyond = isinstance(axis.size, int) and entry.value >= axis.size
        if entry.value.denominator != 1 or entry.value < 0 or beyond:
            expected = f"from 0 to {axis.size - 1}" if isinstance(axis.size, int) else "from 0"
            raise self.error(expr, f"the index {entry.value} is out of range; expected a whole number {expected}")

    def pick(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """pick(z, y): of the last axis of z, the entry that the label y names."""
        whole, label = self.exactly(expr, values, 2)
        if len(label.axes) != len(whole.axes) - 1:
            shapes = f"{_shape(whole.axes)} and {_shape(label.axes)}"
            raise self.error(expr, f"pick of shapes {shapes}; expected labels with one axis less, as in pick(z, y)")
        last = whole.axes[-1]
        beside = self.along(expr, label, whole.axes[:-1])
        chosen = Apply("mul", (Apply("equal", (beside.expr, Position(last))), whole.expr))
        return Typed(Reduce("sum", chosen, (last,)), whole.axes[:-1])

    def read_along(self, ref: Ref, node: Node) -> Axes:
        """The axes of a name written with indices, each with its size."""
        written = ref.axes or ()
        shown = f"{ref.name}[{','.join(map(str, written))}]"
        if len(written) != len(node.axes):
            has = f"has {len(node.axes)}, of the sizes {_shape(node.axes)}" if node.axes else "is a single number"
            count = "1 index" if len(written) == 1 else f"{len(written)} indices"
            raise self.error(ref, f"{shown} is written with {count}, but {ref.name} {has}; expected one index for each")
        written = tuple(
            Axis(f"{PICKED}{place}") if axis.letter == PICKED else axis for place, axis in enumerate(written)
        )
        if len({axis.letter for axis in written}) < len(written):
            raise self.error(ref, f"{shown} has the same index twice, which is not part of the notation")
        axes = tuple(Axis(axis.letter, own.size) for axis, own in zip(written, node.axes, strict=True))
        for axis in axes:
            if not axis.letter.startswith(PICKED):
                self.remember(ref, axis)
        return axes

    def remember(self, ref: Ref, axis: Axis) -> None:
        """A letter has one size throughout the line."""
        known, where = self.sizes.setdefault(axis.letter, (axis, ref.name))
        if known.size != axis.size:
            raise self.error(
                ref,
                f"the index {axis} has {_many(known)} in {where} and {_many(axis)} in {ref.name}; "
                "expected the same number, or another letter",
            )

    def reduction(self, expr: Expr, op: str, body: Typed, wanted: Axes | None) -> Typed:
        """A sum, mean, logsumexp, max or min over the axes that are named, or over all."""
        axes = body.axes if wanted is None else tuple(self.axis(expr, axis, body, op) for axis in wanted)
        if not axes:
            raise self.error(expr, f"{op} of a single number; expected something that runs over samples or an index")
        kept = tuple(axis for axis in body.axes if axis not in axes)
        return Typed(Reduce(op, body.expr, axes, getattr(expr, "column", None)), kept)

    def axis(self, expr: Expr, wanted: Axis, body: Typed, op: str) -> Axis:
        """The axis of `body` with the letter of `wanted`; `last` is the last one."""
        if wanted.letter == "last" and body.axes:
            return body.axes[-1]
        found = next((axis for axis in body.axes if axis.letter == wanted.letter), None)
        if found is None:
            runs = f"runs over {', '.join(map(str, body.axes))}" if body.axes else "is a single number"
            raise self.error(expr, f"{op} over {wanted}: what it is taken of {runs}; expected an index that it has")
        return found

    def operation(self, expr: Apply, op: str, args: tuple[Expr, ...], names: Mapping[str, Typed] | None) -> Typed:
        """A function or operator: of the table, of the macros, or on whole tensors."""
        args, wanted = self.split_axes(op, args, names)
        values = [self.value(arg, names) for arg in args]
        if op in ("max", "min") and (len(values) == 1 or wanted):
            return self.reduction(expr, op, values[0], wanted)
        if (macro := MACROS.get((op, len(values)))) is not None and not (op == "cross_entropy" and _labels(values)):
            return self.macro(macro.formula, macro.name, values, wanted)
        if op in _TENSOR:
            return _TENSOR[op](self, expr, values, wanted)
        if op in MACRO_ARITIES:
            takes = " or ".join(map(str, sorted(MACRO_ARITIES[op])))
            raise self.error(expr, f"{op} of {len(values)} arguments; expected {takes}")
        aligned = self.aligned(expr, values)
        axes = max((value.axes for value in aligned), key=len, default=())
        if self.indexed:
            axes = tuple(dict.fromkeys(axis for value in aligned for axis in value.axes))
        return Typed(Apply(op, tuple(value.expr for value in aligned), expr.column), axes)

    def split_axes(
        self, op: str, args: tuple[Expr, ...], names: Mapping[str, Typed] | None
    ) -> tuple[tuple[Expr, ...], Axes | None]:
        """Indices written as last arguments, as in max(z[i,k], k), apart from the operands."""
        if op not in OVER_AXES:
            return args, None
        operands = list(args)
        found: list[Axis] = []
        while len(operands) > 1 and isinstance(last := operands[-1], Ref) and last.axes is None:
            if last.name in self.nodes or (names and last.name in names):
                break
            found.insert(0, Axis(last.name))
            operands.pop()
        return tuple(operands), tuple(found) or None

    def macro(self, formula: str, name: str, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """A named formula, written out."""
        result = self.value(_formula(name, formula, wanted), dict(zip("xy", values, strict=False)))
        return Typed(result.expr, result.axes)

    def aligned(self, expr: Expr, values: Sequence[Typed]) -> list[Typed]:
        """The operands along common axes: by letters in a line with indices, else from the last axis on."""
        if self.indexed:
            return list(values)
        target = max((value.axes for value in values), key=len, default=())
        longest = next((value for value in values if value.axes == target), None)
        return [self.along(expr, value, target, longest) for value in values]

    def along(self, expr: Expr, value: Typed, target: Axes, longest: Typed | None = None) -> Typed:
        """`value` read along the last axes of `target`."""
        if not value.axes or value.axes == target[len(target) - len(value.axes) :]:
            return value
        own = target[len(target) - len(value.axes) :]
        if any(mine.size != theirs.size for mine, theirs in zip(value.axes, own, strict=True)):
            raise self.error(
                expr,
                f"{_described(longest or Typed(ONE, target))} and {_described(value)} do not fit together; "
                "expected equal sizes "
                "from the last on, or indices that say what is meant, such as a[i]*x[i,j]",
            )
        body = _apart(value.expr, frozenset(target) | frozenset(value.axes))
        return Typed(_rename_free(body, dict(zip(value.axes, own, strict=True))), own)

    def matmul(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """`x @ W`, `w · x`: the product of numbers, or the sum of products over the axis they share."""
        left, right = values
        if not left.axes or not right.axes or (self.indexed and left.axes == right.axes):
            return self.operation_on(expr, "mul", values)
        if self.indexed:
            raise self.error(expr, "@ in a line with indices; write sum(x[i,j]*W[j,k], j)")
        place = max(len(right.axes) - 2, 0)
        if left.axes[-1].size != right.axes[place].size:
            place = len(right.axes) - 1
        if left.axes[-1].size != right.axes[place].size:
            if left.axes == right.axes:
                return self.operation_on(expr, "mul", values)
            raise self.error(
                expr,
                f"{_described(left)} and {_described(right)} cannot be multiplied: the last size of the first "
                f"must be the size of the second's rows, or its last{_turned(left, right)}",
            )
        return _contracted(left, right, place)

    def operation_on(self, expr: Expr, op: str, values: Sequence[Typed]) -> Typed:
        """An operation of the table on operands that are resolved already."""
        aligned = self.aligned(expr, values)
        axes = tuple(dict.fromkeys(axis for value in aligned for axis in value.axes))
        if not self.indexed:
            axes = max((value.axes for value in aligned), key=len, default=())
        return Typed(Apply(op, tuple(value.expr for value in aligned), getattr(expr, "column", None)), axes)

    def log_softmax(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """X − logsumexp(x) over the last axis, or the one that is named."""
        (value,) = self.exactly(expr, values, 1)
        last = (Axis("last"),) if wanted is None else wanted
        total = self.reduction(expr, "logsumexp", value, last)
        body = _apart(total.expr, frozenset(value.axes))
        return Typed(Apply("sub", (value.expr, body)), value.axes)

    def transpose(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """The axes in reverse order."""
        (value,) = self.exactly(expr, values, 1)
        return Typed(value.expr, value.axes[::-1])

    def outer(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """Every product of an entry of the first and one of the second."""
        left, right = self.exactly(expr, values, 2)
        renamed = _new_letters(right.axes, left.axes)
        other = _rename_free(_apart(right.expr, frozenset(renamed.values())), renamed)
        axes = (*left.axes, *(renamed[axis] for axis in right.axes))
        return Typed(Apply("mul", (left.expr, other)), axes)

    def var(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """The mean of the squared deviations, divided by the count (torch.var with correction=0)."""
        (value,) = self.exactly(expr, values, 1)
        middle = self.reduction(expr, "mean", value, wanted)
        away = Apply("sub", (value.expr, _apart(middle.expr, frozenset(value.axes))))
        square = Apply("pow", (away, Number(ONE.value * 2)))
        return self.reduction(expr, "mean", Typed(square, value.axes), wanted)

    def l2(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """The sum of the squares of everything named."""
        squares = [Typed(Apply("pow", (value.expr, Number(ONE.value * 2))), value.axes) for value in values]
        sums = [self.reduction(expr, "sum", s, None).expr if s.axes else s.expr for s in squares]
        return Typed(reduce(lambda a, b: Apply("add", (a, b)), sums), ())

    def cross_entropy(self, expr: Expr, values: Sequence[Typed], wanted: Axes | None) -> Typed:
        """−mean of the log-probability of the class that the label names, counted from 0."""
        logits, label = self.exactly(expr, values, 2)
        logs = self.log_softmax(expr, [logits], None)
        classes = logs.axes[-1]
        beside = self.along(expr, label, logs.axes[:-1])
        chosen = Apply("equal", (beside.expr, Position(classes)))
        picked = Reduce("sum", Apply("mul", (chosen, logs.expr)), (classes,))
        return Typed(Apply("neg", (Reduce("mean", picked, logs.axes[:-1]),)), ())

    def exactly(self, expr: Expr, values: Sequence[Typed], wanted: int) -> Sequence[Typed]:
        """`values`, when they are as many as the function takes."""
        if len(values) != wanted:
            name = getattr(expr, "op", "the function")
            raise self.error(expr, f"{name} of {len(values)} arguments; expected {wanted}")
        return values


_TENSOR = {
    "matmul": _Resolver.matmul,
    "log_softmax": _Resolver.log_softmax,
    "transpose": _Resolver.transpose,
    "outer": _Resolver.outer,
    "var": _Resolver.var,
    "l2": _Resolver.l2,
    "cross_entropy": _Resolver.cross_entropy,
    "entry": _Resolver.entry,
    "pick": _Resolver.pick,
}
OVER_AXES = ("max", "min", "softmax", "log_softmax", "var", "norm", *REDUCTIONS)
MACRO_ARITIES: dict[str, set[int]] = {}
for _name, _arity in MACROS:
    MACRO_ARITIES.setdefault(_name, set()).add(_arity)


@cache
def _formula(name: str, text: str, wanted: Axes | None) -> Expr:
    """A macro's formula as a tree, its sums over `wanted` where indices were named."""
    tree = read_expression(text, Place(name, text=text))
    return tree if wanted is None else _over(tree, wanted)


def _over(expr: Expr, wanted: Axes) -> Expr:
    if isinstance(expr, Apply) and expr.op == "log_softmax":
        return Apply(expr.op, (*expr.args, *(Ref(axis.letter) for axis in wanted)))
    parts = tuple(_over(part, wanted) for part in children(expr))
    return Reduce(expr.op, parts[0], wanted) if isinstance(expr, Reduce) else rebuild(expr, parts)


def _labels(values: Sequence[Typed]) -> bool:
    """Whether the second operand has one axis less than the first: class labels, not probabilities."""
    return len(values) == 2 and len(values[1].axes) == len(values[0].axes) - 1


def _contracted(left: Typed, right: Typed, place: int) -> Typed:
    """Σ over the last axis of `left` and the axis `place` of `right`."""
    shared = left.axes[-1]
    others = tuple(axis for number, axis in enumerate(right.axes) if number != place)
    if place == len(right.axes) - 1 and others == left.axes[:-1]:
        renamed = {axis: axis for axis in others}  # rows beside rows: the sum of products of each row
    else:
        renamed = _new_letters(others, left.axes)
    renamed[right.axes[place]] = shared
    body = _apart(right.expr, frozenset(renamed.values()) | frozenset(right.axes))
    product = Apply("mul", (left.expr, _rename_free(body, renamed)))
    kept = tuple(dict.fromkeys((*left.axes[:-1], *(renamed[axis] for axis in others))))
    return Typed(Reduce("sum", product, (shared,)), kept)


def _new_letters(axes: Axes, taken: Axes) -> dict[Axis, Axis]:
    """Axes with letters that are not in `taken`; a letter that is free stays."""
    renamed: dict[Axis, Axis] = {}
    for axis in axes:
        if axis.letter in {other.letter for other in taken}:
            renamed[axis] = fresh_axis(axis, [*taken, *axes, *renamed.values()])
        else:
            renamed[axis] = axis
    return renamed


def _unknown(name: str, nodes: Mapping[str, Node]) -> str:
    if name == SIZE:
        return "'n', the number of samples in the batch, is used, but there are no data; add [data]"
    remedy = suggestion(name, nodes)
    return f"unknown name {name!r}{remedy or '; define it in a line, or give it under [parameters] or [data]'}"


def _many(axis: Axis) -> str:
    return "the samples" if axis.size == SIZE else f"{axis.size} values"


def _described(value: Typed) -> str:
    """`x of the shape (n, 3)`, or the shape alone of what has no name."""
    shape = f"the shape {_shape(value.axes)}" if value.axes else "a single number"
    return f"{value.expr.name} of {shape}" if isinstance(value.expr, Ref) and value.axes else shape


def _turned(left: Typed, right: Typed) -> str:
    """`; did you mean x @ W?` where the product fits the other way round."""
    if not (isinstance(left.expr, Ref) and isinstance(right.expr, Ref)):
        return ""
    fits = right.axes[-1].size == left.axes[max(len(left.axes) - 2, 0)].size
    return f"; did you mean {right.expr.name} @ {left.expr.name}?" if fits else ""


def _shape(axes: Axes) -> str:
    return f"({', '.join(str(axis.size) for axis in axes)}{',' if len(axes) == 1 else ''})"


def _apart(expr: Expr, taken: frozenset[Axis]) -> Expr:
    """`expr` with each reduction over axes of its own, so that x − mean(x) reads xᵢ − (1/n) Σⱼ xⱼ."""
    if isinstance(expr, Reduce):
        axes = expr.axes or ()
        around = taken | frozenset(free_axes(expr.body)) - frozenset(axes)
        letters = {axis.letter for axis in around}
        renamed = {axis: fresh_axis(axis, around | taken_axes(expr.body)) for axis in axes if axis.letter in letters}
        body = _rename_free(expr.body, renamed)
        new_axes = tuple(renamed.get(axis, axis) for axis in axes)
        return Reduce(expr.op, _apart(body, around | frozenset(new_axes)), new_axes, expr.column)
    return rebuild(expr, tuple(_apart(part, taken) for part in children(expr)))


def _rename_free(expr: Expr, renamed: Mapping[Axis, Axis]) -> Expr:
    """Renames axes that are free in `expr`; a reduction inside that binds the same name keeps its own."""
    if isinstance(expr, Reduce):
        renamed = {old: new for old, new in renamed.items() if old not in (expr.axes or ())}
    if isinstance(expr, Ref | Position):
        return rename_axes(expr, renamed)
    return rebuild(expr, tuple(_rename_free(part, renamed) for part in children(expr)))


def _summed(expr: Expr, line: Line) -> Expr:
    """The loss summed over the samples, term by term where it divides by n; else it is refused."""
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        return replace(expr, args=tuple(_summed(arg, line) if free_axes(arg) else arg for arg in expr.args))
    if isinstance(expr, Apply) and expr.op == "neg":
        return replace(expr, args=(_summed(expr.args[0], line),))
    axes = free_axes(expr)
    if not all(_divides_by(expr, count(axis)) for axis in axes):
        raise EquationError(
            f"the loss {line.name!r} has a value for each {'sample' if axes[0].size == SIZE else 'entry'}; "
            f"expected one number: write {line.name} = mean(…) or {line.name} = sum(…), or give its upstream gradient "
            "as seed_gradient",
            line.place,
        )
    return Reduce("sum", expr, axes)


def _divides_by(expr: Expr, many: Expr) -> bool:
    """Whether `expr` is a product or quotient with the count among its divisors."""
    if not isinstance(expr, Apply) or not isinstance(many, Ref):
        return False
    match expr.op, expr.args:
        case "div", (top, bottom):
            return _divides_by(top, many) or _is_factor(bottom, many)
        case "mul", (left, right):
            return _divides_by(left, many) or _divides_by(right, many)
        case "neg", (inner,):
            return _divides_by(inner, many)
        case "pow", (base, exponent):
            minus_one = exponent in (Number(-ONE.value), Apply("neg", (ONE,)))
            return minus_one and _is_factor(base, many)
    return False


def _is_factor(expr: Expr, many: Ref) -> bool:
    if isinstance(expr, Apply) and expr.op == "mul":
        return any(_is_factor(arg, many) for arg in expr.args)
    return isinstance(expr, Ref) and expr.name == many.name
