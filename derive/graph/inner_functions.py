"""A graph as it is calculated by hand, where a function that stands inside a line is written down beside it.

Of `L = cross_entropy(z, t)` a person writes down p = softmax(z) and goes on with these numbers, which the line does
not name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from derive.algebra.expression import ONE, Apply, Axes, Expr, Reduce, Ref, children, free_axes, rebuild
from derive.algebra.operations import FUNCTIONS
from derive.graph.graph import Graph
from derive.graph.node import SIZE, Node

_OF_COMPARISON = ("abs", "clip", "detach", "max", "min", "relu", "sign", "where")  # nothing is rounded in them


def written_out(graph: Graph, *, logarithms: bool) -> Graph:
    """Returns the graph with a line of its own for each function inside a line, and for `logarithms` only if wanted.

    A line that is no more than one function stays. Softmax and σ(z) are the quotients exp(z)/Σ exp(z) and
    1/(1 + exp(−z)), log softmax(z) becomes log(p) of a line p, and softplus(z) − t·z, the cross-entropy of a logit,
    −t log(p) − (1 − t) log(1 − p). The lines that are new have no place on paper. Returns the graph itself where
    nothing changes.
    """
    nodes: list[Node] = []
    inner = _Inner(logarithms)
    for node in graph.nodes:
        expr = None if node.expr is None else inner.whole(node.expr)
        nodes += inner.take()
        nodes.append(node if expr == node.expr else replace(node, expr=expr))
    return graph if tuple(nodes) == graph.nodes else replace(graph, nodes=tuple(nodes))


@dataclass
class _Inner:
    """The inner functions of lines, each with a name that no line of a paper can have."""

    logarithms: bool
    found: dict[Expr, Ref] = field(default_factory=dict)
    fresh: list[Node] = field(default_factory=list)

    def take(self) -> list[Node]:
        """The lines that were found since the last time."""
        fresh, self.fresh = self.fresh, []
        return fresh

    def whole(self, expr: Expr) -> Expr:
        """The right-hand side of a line, with names for the functions in it, but for one that is all of it."""
        if _quotient(expr) is not None or (isinstance(expr, Apply) and expr.op in FUNCTIONS):
            return self.of_operands(expr)
        return self.part(expr)

    def part(self, expr: Expr) -> Expr:
        """A part of a line, with names for the functions in it."""
        if _quotient(expr) is not None:
            return self.named(self.of_operands(expr))
        if _quotient(Apply("exp", (expr,))) is not None:
            return self.part(Apply("log", (Apply("exp", (expr,)),)))
        match expr:
            case Apply(op="sub", args=(Apply(op="softplus", args=(logit,)), Apply(op="mul", args=(target, other)))) if (
                logit == other
            ):
                return self.part(_cross_entropy(target, logit))
        found = rebuild(expr, tuple(map(self.part, children(expr))))
        if not isinstance(found, Apply) or found.op not in FUNCTIONS or found.op in _OF_COMPARISON:
            return found
        return found if found.op == "log" and not self.logarithms else self.named(found)

    def of_operands(self, expr: Expr) -> Expr:
        """A function with names for those in its operands; the exponentials of a quotient are not named."""
        quotient = _quotient(expr)
        if quotient is None:
            return rebuild(expr, tuple(map(self.part, children(expr))))
        return _with_exponents(quotient, self.part)

    def named(self, expr: Expr) -> Ref:
        """A line for a function, the same one for the same function."""
        if expr not in self.found:
            axes: Axes = tuple(sorted(free_axes(expr), key=lambda axis: axis.size != SIZE))  # samples come first
            name = f"inner {len(self.found) + 1}"
            self.found[expr] = Ref(name, axes)
            self.fresh.append(Node(name, "line", axes, expr))
        return self.found[expr]


def _quotient(expr: Expr) -> Apply | None:
    """A softmax, which a line has as exp(z − logsumexp(z)), as exp(z)/Σ exp(z), and σ(z) as 1/(1 + exp(−z)).

    None for all else.
    """
    match expr:
        case Apply(op="exp", args=(Apply(op="sub", args=(logit, Reduce(op="logsumexp", body=body, axes=axes))),)):
            return Apply("div", (Apply("exp", (logit,)), Reduce("sum", Apply("exp", (body,)), axes)))
        case Apply(op="sigmoid", args=(logit,)):
            return Apply("div", (ONE, Apply("add", (ONE, Apply("exp", (Apply("neg", (logit,)),))))))
    return None


def _with_exponents(quotient: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The quotient with every exponent changed."""
    if isinstance(quotient, Apply) and quotient.op == "exp":
        return rebuild(quotient, tuple(map(change, children(quotient))))
    return rebuild(quotient, tuple(_with_exponents(part, change) for part in children(quotient)))


def _cross_entropy(target: Expr, logit: Expr) -> Expr:
    """−t log(p) − (1 − t) log(1 − p) with p = σ(z)."""
    share = Apply("sigmoid", (logit,))
    of_one = Apply("mul", (target, Apply("log", (share,))))
    of_other = Apply("mul", (Apply("sub", (ONE, target)), Apply("log", (Apply("sub", (ONE, share)),))))
    return Apply("neg", (Apply("add", (of_one, of_other)),))
