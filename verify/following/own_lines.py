"""The chain rule at the author's own numbers of lines: 1 − h² for the derivative of h = tanh(z)."""

from __future__ import annotations

from collections.abc import Iterable

from derive.algebra.equivalence import canonical
from derive.algebra.expression import ONE, Apply, Expr, Ref
from derive.chain.derivation import Derivation, Edge, Part
from derive.chain.named_lines import Named, by_name, named
from derive.graph.node import Node
from verify.hand.program import Product

OF_LINES = ("nodes", "loss")  # the groups of the numbers that lines have


def has_own_lines(derivation: Derivation) -> bool:
    """Whether some line is a function or a quotient, whose derivative may be taken at its own number."""
    return bool(_named(derivation.parts))


def _named(parts: Iterable[Part]) -> tuple[Named, ...]:
    return named(Node(part.name, "line", part.axes, part.body) for part in parts if part.reduction is None)


def through_lines(derivation: Derivation) -> Product:
    """What an edge adds, its partial with the name of a line wherever the line's own formula stands in it.

    As a function it is the same; but a person who goes on with a printed h calculates 1 − h² from it, and another, who
    goes back to z, 1 − tanh(z)²: of a rounded or a wrong h these are two numbers, and both follow.
    """
    behind = derivation.graph.behind((derivation.graph.loss,))  # what is watched is not calculated before the adjoints
    lines = _named(part for part in derivation.parts if part.line in behind)

    def product(edge: Edge, above: Ref) -> Expr:
        partial = _by_quotient(edge, lines)
        return above if partial == ONE else Apply("mul", (above, partial))

    return product


def _by_quotient(edge: Edge, lines: Iterable[Named]) -> Expr:
    """The partial of an edge with the names of lines that are quotients, of p = exp(z)/s and s = exp(z) + …, in it.

    By s, p has −p/s, and s has p·s by z. So the adjoint of a z below a softmax that is written out is by the written p
    alone: (p − t)/n.
    """
    for line in lines:
        above, below = _fraction(line)
        if not isinstance(below, Ref) or not below.axes == line.axes == edge.wrt.axes:
            continue
        own = Ref(line.name, line.axes)
        if line.name == edge.of and below == edge.wrt:
            return Apply("neg", (Apply("div", (own, below)),))
        if below.name == edge.of and canonical(above) == canonical(edge.guarded):
            return Apply("mul", (own, below))
    return by_name(edge.guarded, lines)


def _fraction(line: Named) -> tuple[Expr, Expr | None]:
    """What stands above and below in a line that is one factor over another, as exp(z)/s is; else nothing below."""
    factors = {power: factor for factor, power in line.whole.outside}
    is_plain = len(line.whole.outside) == 2 and not line.whole.inside and line.whole.coefficient == 1
    return (factors[1], factors[-1]) if is_plain and factors.keys() == {1, -1} else (ONE, None)
