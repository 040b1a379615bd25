"""The author's own numbers of lines, and the chain rule at them: 1 − h² for the derivative of h = tanh(z)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive.algebra.equivalence import canonical
from derive.algebra.expression import ONE, Apply, Expr, Ref
from derive.chain.derivation import Derivation, Edge, Part
from derive.chain.named_lines import Named, by_name, named
from derive.graph.node import Node
from derive.run.run import Run
from verify.hand.program import Product
from verify.names import adjoint_of
from verify.numbers import Array, Forms, forms

OF_LINES = ("nodes", "loss")  # the groups of the numbers that lines have


@dataclass(frozen=True)
class Correction:
    """By how much the author's ∂`of`/∂`wrt` is `off`, of an entry of the line and one of the name."""

    of: str
    wrt: str
    above: tuple[int, ...]
    below: tuple[int, ...]
    off: Array


class Recorded(Mapping[str, Array]):
    """The author's lines and their adjoints, put in the place of what is calculated as it is calculated.

    By the chain rule, what the author's derivative of a line is off moves the adjoint of its name by the line's own
    adjoint times that. Adjoints are claimed of the loss; `is_of_loss` is false where another line is differentiated.
    """

    def __init__(
        self,
        run: Run,
        system: Forms,
        settled: Callable[[str, str, Array], Array],
        corrections: Sequence[Correction] = (),
        *,
        is_of_loss: bool = True,
    ) -> None:
        self.system, self.settled, self.corrections = system, settled, tuple(corrections)
        lines = [node for node in run.watched.graph.lines if node.name != run.loss]
        self.targets = {node.name: ("nodes", node.name) for node in lines}
        on_paper = [node.name for node in lines if node.place is not None and is_of_loss]  # nobody has 1/p of a softmax
        self.targets |= {adjoint_of(name): ("adjoints", name) for name in on_paper}
        self.seen: dict[str, Array] = {}

    def get(self, target: str, default: Any = None) -> Any:
        """What is calculated of a line or an adjoint, `default`, with the author's numbers in it."""
        if default is None:
            return default
        found = self.corrected(target, default)
        if target in self.targets:
            found = self.settled(*self.targets[target], found)
        self.seen[target] = found
        return found

    def corrected(self, target: str, adjoint: Array) -> Array:
        """An adjoint, moved by what the author's own derivatives by its name are off."""
        system, found = self.system, adjoint
        for own in self.corrections:
            above = self.seen.get(adjoint_of(own.of))
            if adjoint_of(own.wrt) == target and above is not None:
                moved = system.apply("mul", (forms([above[own.above]], ()), own.off))
                found = adjoint.copy() if found is adjoint else found
                found[own.below] = system.apply("add", (forms([found[own.below]], ()), moved)).item()
        return found

    def __getitem__(self, target: str) -> Array:
        raise KeyError(target)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1  # not empty: it is asked for every line


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
