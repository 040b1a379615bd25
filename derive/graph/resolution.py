"""A line of paper with its axes filled in: which index every name is read along, and every sum runs over.

Two ways of writing meet here. With indices, `z[i,k] = sum(x[i,j]*W[j,k], j) + b[k]`, a letter
stands for the same axis throughout the line. Without, `z = x @ W + b`, axes are matched from
the last one on, as NumPy and PyTorch do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derive.algebra.axes import Typed, apart, described, shape_text
from derive.algebra.calculus import is_real
from derive.algebra.expression import Apply, Axes, Axis, Expr, Number, Position, Reduce, Ref, leaves
from derive.algebra.operations import ALIASES, CONSTANTS, OPERATIONS, OVER_AXES
from derive.errors import UnknownNameError
from derive.graph.broadcast import aligned, applied, reduction
from derive.graph.implicit import lettered, refuse_unwritten, summed, unwritten
from derive.graph.labels import labelled
from derive.graph.node import Node
from derive.graph.scope import Scope, ordered, unknown_name
from derive.graph.tensors import TENSORS, Call, written_out
from derive.paper.lines import Line, as_typed
from derive.paper.macros import ARITIES, MACROS

Operands = Mapping[str, Typed]  # of a formula that is being written out, by the names x and y that it has for them


def resolve(line: Line, nodes: Mapping[str, Node], is_loss: bool, aside: str = "", beside: Axes = ()) -> Node:
    """Returns the node of a line that reads `nodes`; a loss is summed over the axes that are left (`implicit.summed`).

    Raises `EquationError` with a caret for names and shapes that do not fit, for a loss that is not one number, and
    `UnknownNameError`, its subclass, for a name that is none of `nodes`. `aside` ends the message about the loss,
    and `beside` are axes whose letters may stand in the line as numbers.
    """
    line = labelled(line, nodes)
    scope = Scope(line, nodes, beside=beside)
    whole = lettered(Resolver(scope).value(as_typed(line)), scope)
    expr, axes = apart(whole.expr, frozenset(whole.axes)), whole.axes
    implied = False
    if is_loss and axes:
        expr, implied, axes = summed(expr, line, aside), True, ()
    if line.axes is not None:
        axes = ordered(line, axes)
    return Node(line.name, "line", axes, expr, line.expr, implied, place=line.place)


class Resolver:
    """Resolves the expressions of one line; raises `EquationError`, with a caret, for what does not fit.

    `operands` are those of the formula, such as mse, that is being written out, if any.
    """

    def __init__(self, scope: Scope, operands: Operands | None = None) -> None:
        self.scope = scope
        self.operands = operands or {}

    def value(self, expr: Expr) -> Typed:
        """Returns `expr` with axes for every name; formulas such as mse and products such as x @ W are written out."""
        match expr:
            case Number():
                return Typed(expr, ())
            case Ref(name=name):
                return self.operands[name] if name in self.operands else self.name(expr)
            case Reduce(op=op, body=body, axes=axes):
                whole = self.value(body)
                if expr.after:
                    self.refuse_products(expr, whole)
                if op in ("sum", "mean") and not whole.axes and (product := by_element(body)) != body:
                    whole = self.value(product)
                if self.operands and not whole.axes and op in ("sum", "mean"):
                    return whole  # mse(a, b) of two numbers is (a − b)², as in PyTorch
                return reduction(self.scope, expr, op, whole, axes)
            case Apply():
                return self.operation(expr)
        raise TypeError(type(expr).__name__)

    def refuse_products(self, expr: Reduce, summed: Typed) -> None:
        """Raises `EquationError` for `Σ(a)*x` where both run over the same: on paper the Σ is over their product."""
        sizes = {axis.size for axis in summed.axes}
        for factor in expr.after:
            name = next((ref.name for ref in _by_themselves(factor) if sizes & self.sizes_of(ref)), None)
            if name is not None:
                raise self.scope.error(
                    expr,
                    f"Σ(…)*… means Σ(…*…) on paper, and {name!r} behind this Σ runs over what it sums: write all of "
                    f"it in its parentheses, Σ(…*{name}), or (Σ(…))*{name} for a sum that is multiplied",
                )

    def sizes_of(self, ref: Ref) -> set[int | str | None]:
        """The sizes of what a name runs over."""
        node = self.scope.nodes.get(ref.name)
        return {axis.size for axis in node.axes} if node is not None else set()

    def name(self, ref: Ref) -> Typed:
        """Returns a name with its axes, or what `index_or_constant` returns where no node has the name."""
        scope = self.scope
        node = scope.nodes.get(ref.name)
        if node is None:
            return self.index_or_constant(ref)
        if ref.axes is None and ref.name in scope.letters:
            raise scope.error(ref, f"{ref.name!r} is an index in this line and also a name ({node.kind}); rename one")
        axes = node.axes if ref.axes is None else scope.read_along(ref, node)
        if ref.axes is None and scope.indexed:
            axes = tuple(unwritten(axis, scope) for axis in axes)
        return Typed(Ref(ref.name, axes, ref.column), axes)

    def index_or_constant(self, ref: Ref) -> Typed:
        """Returns an index as a number, or a constant such as π. Raises `UnknownNameError` for any other name."""
        if ref.axes is None and (axis := self.scope.index_of(ref.name)) is not None:
            return Typed(Position(axis), (axis,))
        constant = ALIASES.get(ref.name, ref.name)
        if constant in CONSTANTS and ref.axes is None:
            return Typed(Apply(constant, (), ref.column), ())
        raise UnknownNameError(unknown_name(ref.name, self.scope.nodes), self.scope.place(ref))

    def operation(self, expr: Apply) -> Typed:
        """Returns a function or operator resolved: max and min over axes, macros, functions of tensors, the table."""
        expr = self.transposed(expr)
        op = expr.op
        if op in ("matmul", "dotted"):
            operands = (self.transposed(arg, of_product=True) if isinstance(arg, Apply) else arg for arg in expr.args)
            op, expr = "matmul", Apply("matmul", tuple(operands), expr.column)
        args, wanted = self.split_axes(expr)
        values = [self.chosen(arg) if op == "equal" else self.value(arg) for arg in args]
        if op in ("max", "min") and (len(values) == 1 or wanted):
            return reduction(self.scope, expr, op, values[0], wanted)
        macro = MACROS.get((op, len(values)))
        if macro is not None and not (op == "cross_entropy" and _has_labels(values)):
            self.refuse_labels(expr, values)
            formula = written_out(macro, wanted, expr.column)
            return Resolver(self.scope, dict(zip("xy", values, strict=False))).value(formula)
        if op in TENSORS:
            return TENSORS[op](self.scope, Call(expr, values, wanted))
        if op in ARITIES:
            takes = " or ".join(map(str, ARITIES[op]))
            raise self.scope.error(expr, f"{op} of {len(values)} arguments; expected {takes}")
        return self.elementwise(expr, values)

    def chosen(self, arg: Expr) -> Typed:
        """Returns an operand of [k = y[i]]: the k there is the index, also where the number of classes is called k."""
        node = self.scope.nodes.get(arg.name) if isinstance(arg, Ref) and arg.axes is None else None
        axis = self.scope.index_of(node.name) if node is not None and node.kind == "size" else None
        return self.value(arg) if axis is None else Typed(Position(axis), (axis,))

    def elementwise(self, expr: Apply, values: Sequence[Typed]) -> Typed:
        """Returns an operation of the table on its resolved operands `values`."""
        scope = self.scope
        beside = aligned(scope, expr, values)
        whole = applied(scope, expr, expr.op, beside)
        if scope.indexed and any(axis.letter in scope.letters for axis in whole.axes):
            for value in beside:
                refuse_unwritten(expr, value, scope)
        if isinstance(whole.expr, Apply) and (message := not_real(whole.expr)):
            # the columns of a formula say nothing here
            raise scope.error(scope.line.expr if self.operands else expr, message)
        return whole

    def split_axes(self, expr: Apply) -> tuple[tuple[Expr, ...], Axes | None]:
        """Returns the operands, and the indices that are written after them, as in max(z[i,k], k); None without any."""
        if expr.op not in OVER_AXES:
            return expr.args, None
        count = len(expr.args)
        while count > 1 and self.is_index(expr.args[count - 1], expr.op):
            count -= 1
        letters = (ref.name for ref in expr.args[count:] if isinstance(ref, Ref))
        return expr.args[:count], tuple(map(Axis, letters)) or None

    def transposed(self, expr: Apply, of_product: bool = False) -> Apply:
        """Returns X^T as transpose(X), where nothing is called T and X is no single number; all else as it is.

        As an operand of a product of matrices it is transposed also where targets, no single number, are called T.
        """
        match expr:
            case Apply(op="pow", args=(base, Ref(name="T", axes=None))):
                node = self.scope.nodes.get("T")
                is_power = node is not None and not (of_product and node.axes)
                if not is_power and self.scope.index_of("T") is None and self.value(base).axes:
                    return Apply("transpose", (base,), expr.column)
        return expr

    def is_letter_of_size(self, op: str, ref: Ref) -> bool:
        """Whether a name is that of a size and of an index of the line; of max and min either may be meant."""
        return op not in ("max", "min") and self.scope.nodes[ref.name].kind == "size" and ref.name in self.scope.letters

    def is_index(self, arg: Expr, op: str) -> bool:
        """Whether an argument is an index to reduce over; the π of max(x, π) is not."""
        if (
            not isinstance(arg, Ref)
            or arg.axes is not None
            or (arg.name in self.scope.nodes and not self.is_letter_of_size(op, arg))
            or arg.name in self.operands
        ):
            return False
        return ALIASES.get(arg.name, arg.name) not in CONSTANTS or arg.name in self.scope.letters

    def refuse_labels(self, expr: Apply, values: Sequence[Typed]) -> None:
        """Raises `EquationError` for targets that are likely class labels, one a row, where a loss has one a value."""
        if self.scope.indexed or not _has_labels(values):
            return
        wide, targets = ([axis.size for axis in value.axes] for value in values)
        if targets and targets == wide[:-1] and targets != wide[-len(targets) :]:
            raise self.scope.error(
                expr,
                f"{expr.op} takes a target for each of its values, of the shape {shape_text(values[0].axes)}; "
                f"{described(values[1])} has one for each row: of class labels there is cross_entropy",
            )


def by_element(expr: Expr) -> Expr:
    """Returns what is summed with every product that was typed with a dot taken entry by entry: Σ (p − y)·x."""
    match expr:
        case Apply(op="dotted", args=(left, right)):
            return Apply("mul", (by_element(left), by_element(right)), expr.column)
        case Apply(op="mul" | "div" | "add" | "sub" | "neg", args=args):
            return Apply(expr.op, tuple(map(by_element, args)), expr.column)
    return expr


def _by_themselves(expr: Expr) -> Iterator[Ref]:
    """The names of an expression but for those inside a sum, or a function that may sum, such as norm."""
    if isinstance(expr, Ref):
        yield expr
    elif isinstance(expr, Apply) and expr.op in OPERATIONS:
        for part in expr.args:
            yield from _by_themselves(part)


def _has_labels(values: Sequence[Typed]) -> bool:
    """Whether the second operand has one axis less than the first: class labels, not probabilities."""
    return len(values) == 2 and len(values[1].axes) == len(values[0].axes) - 1


_OUTSIDE = {
    "sqrt": ("root", "one of a number that is not negative"),
    "pow": ("power", "a positive base, or a whole exponent"),
    "div": ("quotient", "a divisor other than 0"),
    "tan": ("tangent", "one of an angle other than pi/2"),
    "log1p": ("logarithm", "one of a number above -1, to which it adds 1"),
    **dict.fromkeys(("log", "log2", "log10"), ("logarithm", "one of a positive number")),
}


def not_real(whole: Apply) -> str:
    """Returns the message for an operation of constants that has no real value; an empty string for any other."""
    if whole.op not in _OUTSIDE or leaves(whole) or is_real(whole):
        return ""
    called, expected = _OUTSIDE[whole.op]
    return f"this {called} of constants is not a real number; expected {expected}"
