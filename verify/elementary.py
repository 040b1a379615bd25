"""A graph rewritten with one operation a line: what PyTorch's autograd sees.

The chain rule on this graph is autograd's own calculation, operation by operation, so a ball that
rounds after each of them contains every correct result. Its exact value is that of the graph as
written; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.expression import Apply, Expr, Number, Reduce, Ref, dimension, free_axes, replace
from derive.graph import SIZES, Graph, Node
from derive.operations import OPERATIONS
from verify.numbers import expansion


def elementary(graph: Graph) -> Graph:
    """`graph` with every nested operation a node of its own: `line.1`, `line.2` and so on."""
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.extend(_flattened(node) if node.kind == "line" else (node,))
    return Graph(tuple(nodes), graph.loss)


def _flattened(node: Node) -> Iterator[Node]:
    """The nodes of one line; the last one has the line's name and its axes."""
    found: list[Node] = []

    def operand(expr: Expr) -> Expr:
        """A name or number that stands for `expr`, which becomes a node when it is an operation."""
        if isinstance(expr, Ref | Number):
            return expr
        simple = operation(expr)
        if not isinstance(simple, Apply | Reduce):
            return simple
        found.append(Node(f"{node.name}.{len(found) + 1}", "line", free_axes(simple), simple))
        return Ref(found[-1].name, found[-1].axes)

    def operation(expr: Expr) -> Expr:
        """`expr` with operands that are names or numbers."""
        if isinstance(expr, Reduce):
            total = Reduce("sum", operand(expr.body), expr.axes)
            return total if expr.op == "sum" else _averaged(total)
        if isinstance(expr, Apply) and OPERATIONS[expr.op].torch is None:
            names = dict(zip("xy", (operand(arg) for arg in expr.args), strict=False))
            return operation(replace(expansion(expr.op), lambda ref: names[ref.name]))
        if isinstance(expr, Apply):
            return Apply(expr.op, tuple(operand(arg) for arg in expr.args))
        return expr

    def _averaged(total: Reduce) -> Expr:
        """A mean as PyTorch takes it: the sum, divided by the count."""
        found.append(Node(f"{node.name}.{len(found) + 1}", "line", free_axes(total), total))
        mean: Expr = Ref(found[-1].name, found[-1].axes)
        for axis in total.axes or ():
            mean = Apply("div", (mean, Ref(SIZES[dimension(axis)], ())))
        return mean

    last = operation(node.definition)
    yield from found
    yield Node(node.name, "line", node.axes, last)
