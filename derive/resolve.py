"""A line of paper with its axes filled in: which index every name is read along, and every sum runs over.

Two ways of writing meet here. With indices, `z[i,k] = sum(x[i,j]*W[j,k], j) + b[k]`, a letter
stands for the same axis throughout the line. Without, `z = x @ W + b`, axes are matched from
the last one on, as NumPy and PyTorch do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from derive.calculus import is_real
from derive.errors import EquationError, Place, UnknownNameError, suggestion
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
    fresh_axis,
    leaves,
    rebuild,
    refs,
    rename_axes,
    taken_axes,
    walk,
)
from derive.implied import summed
from derive.macros import MACROS
from derive.node import SAMPLES, SIZE, Node
from derive.operations import ALIASES, CONSTANTS, FUNCTIONS, REDUCTIONS
from derive.paper import PICKED, Line, read_expression
from derive.spelling import at
from derive.tensors import TENSORS, Call
from derive.typed import Typed, apart, described, rename_free, shape_text


def resolve(line: Line, nodes: Mapping[str, Node], is_loss: bool, aside: str = "") -> Node:
    """The node of a line. Raises `EquationError` with a caret for names and shapes that do not fit.

    `aside` ends the message for a loss that is more than one number.
    """
    resolver = Resolver(line, nodes)
    whole = resolver.lettered(resolver.value(line.expr))
    expr, axes = apart(whole.expr, frozenset(whole.axes)), whole.axes
    implied = False
    if is_loss and axes:
        expr, implied, axes = summed(expr, line, aside), True, ()
    if line.axes is not None:
        axes = _ordered(line, axes)
    return Node(line.name, "line", axes, expr, line.expr, implied, place=line.place)


def _ordered(line: Line, axes: Axes) -> Axes:
    """The axes in the order of the left side of the equation."""
    letters = [axis.letter for axis in line.axes or ()]
    if sorted(letters) != sorted(axis.letter for axis in axes):
        shown = f"runs over {', '.join(map(str, axes))}, sizes {shape_text(axes)}" if axes else "is one number"
        left = f"{line.name}[{','.join(letters)}]"
        more = [str(axis) for axis in axes if axis.letter not in letters]
        remedy = f"expected the same indices: sum over {', '.join(more)}, or name it on the left"
        if over := _unsaid(line, letters):
            remedy = f"without its index a sum or a mean is over all of them: write {over}"
        elif not more:
            missing = ", ".join(sorted(set(letters) - {axis.letter for axis in axes}))
            remedy = (
                f"expected the same indices; {missing} does not occur on the right" if missing else "name each once"
            )
        raise EquationError(f"{left}: the right side {shown}; {remedy}", line.place)
    return tuple(sorted(axes, key=lambda axis: letters.index(axis.letter)))


def _unsaid(line: Line, letters: Sequence[str]) -> str:
    """`sum(…, j)` for a sum over j that is written without its index; empty where there is none."""
    for part in walk(line.expr):
        if isinstance(part, Reduce) and part.axes is None:
            written = (axis.letter for ref in refs(part.body) for axis in ref.axes or ())
            summed_over = [letter for letter in dict.fromkeys(written) if letter not in (*letters, PICKED)]
            if summed_over:
                return f"{part.op}(…, {', '.join(summed_over)})"
    return ""


@dataclass
class Resolver:
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
        return frozenset(axis.letter for axes in (self.line.axes, *read) for axis in axes or ()) - {PICKED}

    def error(self, expr: Expr, message: str) -> EquationError:
        """The error with the caret under `expr`."""
        return EquationError(message, self.place(expr))

    def place(self, expr: Expr) -> Place:
        """Where `expr` stands in the line."""
        column = getattr(expr, "column", None)
        return self.line.place if column is None else at(self.line.place, column)

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
                whole = self.value(body, names)
                if names and not whole.axes and op in ("sum", "mean"):
                    return whole  # mse(a, b) of two numbers is (a − b)², as in PyTorch
                return self.reduction(expr, op, whole, axes)
            case Apply(op=op, args=args):
                return self.operation(expr, op, args, names)
        raise TypeError(type(expr).__name__)

    def name(self, ref: Ref) -> Typed:
        """A name with its axes, or the mathematical constant of that name."""
        node = self.nodes.get(ref.name)
        if node is None:
            constant = ALIASES.get(ref.name, ref.name)
            if ref.axes is None and (axis := self.index_of(ref.name)) is not None:
                return Typed(Position(axis), (axis,))
            if constant in CONSTANTS and ref.axes is None:
                return Typed(Apply(constant, (), ref.column), ())
            raise UnknownNameError(_unknown(ref.name, self.nodes), self.place(ref))
        if ref.axes is None and ref.name in self.letters:
            raise self.error(ref, f"{ref.name!r} is an index in this line and also a name ({node.kind}); rename one")
        axes = node.axes if ref.axes is None else self.read_along(ref, node)
        if ref.axes is None and self.indexed:
            axes = tuple(self.unwritten(axis) for axis in axes)
        return Typed(Ref(ref.name, axes, ref.column), axes)

    def unwritten(self, axis: Axis) -> Axis:
        """The axis of a name without indices in a line with them: the samples' own letter, or one nobody wrote."""
        if axis.size != SIZE:
            return Axis(axis.letter + UNWRITTEN, axis.size)
        found = (self.index_of(letter) for letter in sorted(self.letters))
        taken = self.index_of(SAMPLES.letter) is not None
        spare = fresh_axis(SAMPLES, [Axis(letter) for letter in self.letters]) if taken else SAMPLES
        return next((own for own in found if own is not None and own.size == SIZE), spare)

    def lettered(self, whole: Typed) -> Typed:
        """`whole` with letters for the axes that were written without; they must be summed by now."""
        hidden = sorted(axis for axis in taken_axes(whole.expr) if axis.letter.endswith(UNWRITTEN))
        self.refuse_unwritten(self.line.expr, whole)
        renamed: dict[Axis, Axis] = {}
        for axis in hidden:
            plain = Axis(axis.letter.removesuffix(UNWRITTEN), axis.size)
            renamed[axis] = fresh_axis(plain, [*taken_axes(whole.expr), *renamed.values()])
        return Typed(rename_axes(whole.expr, renamed), whole.axes)

    def refuse_unwritten(self, expr: Expr, value: Typed) -> None:
        """A tensor without its indices beside others that have theirs: which belongs to which is not said."""
        if any(axis.letter.endswith(UNWRITTEN) for axis in value.axes):
            refs = (part for part in walk(value.expr) if isinstance(part, Ref))
            bare = next((r for r in refs if any(a.letter.endswith(UNWRITTEN) for a in r.axes or ())), None)
            name = bare.name if bare else "a tensor"
            raise self.error(
                bare or expr,
                f"{name} has the shape {shape_text(self.nodes[name].axes) if bare else shape_text(value.axes)} and is "
                f"written without indices in a line that has them; write them, such as {name}[k]",
            )

    def index_of(self, letter: str) -> Axis | None:
        """The axis of a letter that the line uses as an index, for k as a number in [k = y[i]]."""
        for part in walk(self.line.expr):
            node = self.nodes.get(part.name) if isinstance(part, Ref) and part.axes else None
            if node is not None and isinstance(part, Ref) and len(part.axes or ()) == len(node.axes):
                for axis, own in zip(part.axes or (), node.axes, strict=True):
                    if axis.letter == letter:
                        return Axis(letter, own.size)
        return None

    def read_along(self, ref: Ref, node: Node) -> Axes:
        """The axes of a name written with indices, each with its size."""
        written = ref.axes or ()
        shown = f"{ref.name}[{','.join(map(str, written))}]"
        if len(written) != len(node.axes):
            has = f"has {len(node.axes)}, of the sizes {shape_text(node.axes)}" if node.axes else "is a single number"
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
            self.refuse_labels(expr, op, values)
            return self.macro(_standing_at(_formula(macro.name, macro.formula, wanted), expr.column), values)
        if op in TENSORS:
            return TENSORS[op](self, Call(expr, values, wanted))
        if op in MACRO_ARITIES:
            takes = " or ".join(map(str, sorted(MACRO_ARITIES[op])))
            raise self.error(expr, f"{op} of {len(values)} arguments; expected {takes}")
        aligned = self.aligned(expr, values)
        axes = max((value.axes for value in aligned), key=len, default=())
        if self.indexed:
            axes = tuple(dict.fromkeys(axis for value in aligned for axis in value.axes))
            if any(axis.letter in self.letters for axis in axes):
                for value in aligned:
                    self.refuse_unwritten(expr, value)
        whole = Apply(op, tuple(value.expr for value in aligned), expr.column)
        if op in OUTSIDE_THE_REALS and not leaves(whole) and not is_real(whole):
            called, expected = OUTSIDE_THE_REALS[op]
            message = f"this {called} of constants is not a real number; expected {expected}"
            raise self.error(self.line.expr if names else expr, message)  # a formula's own columns say nothing here
        return Typed(whole, axes)

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
            if ALIASES.get(last.name, last.name) in CONSTANTS and last.name not in self.letters:
                break  # the π of max(x, π)
            found.insert(0, Axis(last.name))
            operands.pop()
        return tuple(operands), tuple(found) or None

    def macro(self, formula: Expr, values: Sequence[Typed]) -> Typed:
        """A named formula, written out."""
        result = self.value(formula, dict(zip("xy", values, strict=False)))
        return Typed(result.expr, result.axes)

    def refuse_labels(self, expr: Expr, op: str, values: Sequence[Typed]) -> None:
        """One target for each row, where a loss wants one for each value: class labels, most likely."""
        if self.indexed or not _labels(values):
            return
        wide, targets = ([axis.size for axis in value.axes] for value in values)
        if targets and targets == wide[:-1] and targets != wide[-len(targets) :]:
            raise self.error(
                expr,
                f"{op} takes a target for each of its values, of the shape {shape_text(values[0].axes)}; "
                f"{described(values[1])} has one for each row: of class labels there is cross_entropy",
            )

    def aligned(self, expr: Expr, values: Sequence[Typed]) -> list[Typed]:
        """The operands along common axes: by letters in a line with indices, else from the last axis on."""
        if self.indexed:
            return self.aligned_unwritten(expr, values)
        target = max((value.axes for value in values), key=len, default=())
        longest = next((value for value in values if value.axes == target), None)
        return [self.along(expr, value, target, longest) for value in values]

    def aligned_unwritten(self, expr: Expr, values: Sequence[Typed]) -> list[Typed]:
        """The operands of a line with indices: axes written without are matched from the last one on."""
        hidden = [tuple(axis for axis in value.axes if axis.letter.endswith(UNWRITTEN)) for value in values]
        target = max(hidden, key=len, default=())
        found = []
        for value, own in zip(values, hidden, strict=True):
            matched = self.along(expr, Typed(value.expr, own), target, values[hidden.index(target)])
            renamed = dict(zip(own, matched.axes, strict=True))
            found.append(Typed(matched.expr, tuple(renamed.get(axis, axis) for axis in value.axes)))
        return found

    def along(self, expr: Expr, value: Typed, target: Axes, longest: Typed | None = None) -> Typed:
        """`value` read along the last axes of `target`."""
        if not value.axes or value.axes == target[len(target) - len(value.axes) :]:
            return value
        own = target[len(target) - len(value.axes) :]
        if any(mine.size != theirs.size for mine, theirs in zip(value.axes, own, strict=True)):
            raise self.error(
                expr,
                f"{described(longest or Typed(ONE, target))} and {described(value)} do not fit together; "
                "expected equal sizes "
                "from the last on, or indices that say what is meant, such as a[i]*x[i,j]",
            )
        body = apart(value.expr, frozenset(target) | frozenset(value.axes))
        return Typed(rename_free(body, dict(zip(value.axes, own, strict=True))), own)

    def operation_on(self, expr: Expr, op: str, values: Sequence[Typed]) -> Typed:
        """An operation of the table on operands that are resolved already."""
        aligned = self.aligned(expr, values)
        axes = tuple(dict.fromkeys(axis for value in aligned for axis in value.axes))
        if not self.indexed:
            axes = max((value.axes for value in aligned), key=len, default=())
        return Typed(Apply(op, tuple(value.expr for value in aligned), getattr(expr, "column", None)), axes)


# Operations of numbers that may have no real value: what they are called, and what is expected of their operands.
OUTSIDE_THE_REALS = {
    "sqrt": ("root", "one of a number that is not negative"),
    "pow": ("power", "a positive base, or a whole exponent"),
    "div": ("quotient", "a divisor other than 0"),
    "tan": ("tangent", "one of an angle other than pi/2"),
    "log1p": ("logarithm", "one of a number above -1, to which it adds 1"),
    **dict.fromkeys(("log", "log2", "log10"), ("logarithm", "one of a positive number")),
}
UNWRITTEN = "°"  # marks the letter of an axis that stands in a line with indices without being written
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


def _standing_at(expr: Expr, column: int | None) -> Expr:
    """A formula whose parts all stand where its name does, for the caret of a message."""
    moved = rebuild(expr, tuple(_standing_at(part, column) for part in children(expr)))
    return replace(moved, column=column) if isinstance(moved, Ref | Apply | Reduce) else moved


def _labels(values: Sequence[Typed]) -> bool:
    """Whether the second operand has one axis less than the first: class labels, not probabilities."""
    return len(values) == 2 and len(values[1].axes) == len(values[0].axes) - 1


def _unknown(name: str, nodes: Mapping[str, Node]) -> str:
    if name == SIZE:
        return "'n', the number of samples in the batch, is used, but there are no data; add [data]"
    product = factors(name, nodes)
    called = next((op for op in FUNCTIONS if name.startswith(op) and name.removeprefix(op) in nodes), None)
    if called:
        remedy = f"; the argument of {called} stands in parentheses: write {called}({name.removeprefix(called)})"
    else:
        remedy = f"; a product needs its sign: write {'*'.join(product)}" if product else suggestion(name, nodes)
    return f"unknown name {name!r}{remedy or '; define it in a line, or give it under [parameters] or [data]'}"


_LONGEST_PRODUCT = 20  # letters; nobody writes a longer one without signs


def factors(name: str, known: Collection[str], most: int = 3) -> tuple[str, ...]:
    """The two or three known names that `name` is written of, as wx is of w and x; () for any other."""
    if len(name) > _LONGEST_PRODUCT:
        return ()
    for length in range(1, len(name)):
        first, rest = name[:length], name[length:]
        if first in known:
            others = (rest,) if rest in known else factors(rest, known, most - 1) if most > 2 else ()
            if others:
                return (first, *others)
    return ()


def _many(axis: Axis) -> str:
    return "the samples" if axis.size == SIZE else f"{axis.size} values"
