"""The chain rule at the author's own numbers of lines: 1 − h² for the derivative of h = tanh(z)."""

from __future__ import annotations

from collections.abc import Iterable

from derive.algebra.expression import ONE, Apply, Expr, Ref
from derive.chain.derivation import Derivation, Edge, Part
from derive.chain.named_lines import Named, by_name, named
from derive.graph.node import Node
from verify.hand.program import Product


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
        partial = by_name(edge.guarded, lines)
        return above if partial == ONE else Apply("mul", (above, partial))

    return product
