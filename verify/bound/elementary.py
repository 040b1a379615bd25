"""A graph rewritten with one operation a line: what PyTorch's autograd sees.

The chain rule on this graph is autograd's own calculation, operation by operation, so a ball that
rounds after each of them contains every correct result. Its exact value is that of the graph as
written; a test holds the two against each other.
"""

from __future__ import annotations

import dataclasses

from derive.algebra.conventions import NUMBERS, by_numbers
from derive.algebra.expression import Apply, Expr, Number, Reduce, Ref, contraction, count, free_axes, replace
from derive.algebra.literals import constant_value
from derive.algebra.operations import OPERATIONS
from derive.graph.graph import Graph
from derive.graph.node import Node
from verify.numbers import expansion


def elementary(graph: Graph) -> Graph:
    """`graph` with every nested operation a node of its own: `line.1`, `line.2` and so on."""
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.extend(_Line(node).flattened() if node.kind == "line" else (node,))
    return dataclasses.replace(graph, nodes=tuple(nodes))


class _Line:
    """One line on its way to nodes with one operation each."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.nodes: list[Node] = []

    def flattened(self) -> tuple[Node, ...]:
        """The nodes of the line; the last one has the line's name and its axes."""
        last = self.operation(self.node.definition)
        return (*self.nodes, Node(self.node.name, "line", self.node.axes, last, place=self.node.place))

    def named(self, expr: Expr) -> Ref:
        """A new node that is calculated by `expr`."""
        name = f"{self.node.name}.{len(self.nodes) + 1}"
        self.nodes.append(Node(name, "line", free_axes(expr), expr, place=self.node.place))
        return Ref(self.nodes[-1].name, self.nodes[-1].axes)

    def operand(self, expr: Expr) -> Expr:
        """A name or number that stands for `expr`, which becomes a node when it is an operation."""
        simple = self.operation(expr)
        return self.named(simple) if isinstance(simple, Apply | Reduce) else simple

    def operation(self, expr: Expr) -> Expr:
        """`expr` with operands that are names or numbers."""
        if isinstance(expr, Reduce):
            if (factors := contraction(expr)) is not None:
                return Reduce("sum", Apply("mul", self.pair(*map(self.operand, factors))), expr.axes)
            total = Reduce("sum" if expr.op == "mean" else expr.op, self.operand(expr.body), expr.axes)
            return self.averaged(total) if expr.op == "mean" else total
        if not isinstance(expr, Apply):
            return expr
        if expr.op == "pow" and (power := constant_value(expr.args[1])) is not None:
            return Apply("pow", (self.operand(expr.args[0]), Number(power)))  # x^(4/2) is x², as in torch.pow
        if by_numbers(expr) == NUMBERS:  # clip(x, -1/2, 1/2) has numbers for bounds, as torch.clamp gets them
            bounds = (Number(bound) for arg in expr.args[1:] if (bound := constant_value(arg)) is not None)
            return Apply(expr.op, (self.operand(expr.args[0]), *bounds))
        args = tuple(self.operand(arg) for arg in expr.args)
        if OPERATIONS[expr.op].torch is None:
            names = dict(zip("xy", args, strict=False))
            return self.operation(replace(expansion(expr.op), lambda ref: names[ref.name]))
        return Apply(expr.op, self.pair(*args) if len(args) == 2 else args)

    def pair(self, left: Expr, right: Expr) -> tuple[Expr, Expr]:
        """Two operands under names of their own: autograd adds g·b to g·b for b·b; of one name, SymPy would take 2b."""
        return (left, self.named(right)) if left == right and isinstance(right, Ref) else (left, right)

    def averaged(self, total: Reduce) -> Expr:
        """A mean as PyTorch takes it: the sum, divided by the count."""
        mean: Expr = self.named(total)
        for axis in total.axes or ():
            mean = Apply("div", (mean, count(axis)))
        return mean
