"""A derivation compiled once to a program over arrays, for any number system.

A program is a list of stages in order of calculation: first the parts of every line, then the
adjoints. A stage knows names, axes and operations; what a number is, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from derive.algebra.expression import ONE, Apply, Axes, Expr, Number, Position, Reduce, Ref, contraction
from derive.chain.derivation import Adjoint, Derivation, Edge, Part
from derive.graph.node import ROWS, SIZE
from verify.intervals import Contraction
from verify.names import adjoint_of

Product = Callable[[Edge, Ref], Expr]  # what an edge passes on, given the adjoint of the part it is of


@dataclass(frozen=True)
class Read:
    """An earlier value, laid out along the axes of the term: for each, the value's own dimension or None."""

    name: str
    layout: tuple[int | None, ...]


@dataclass(frozen=True)
class Constant:
    """An exact literal."""

    value: Fraction


@dataclass(frozen=True)
class Call:
    """An operation of the table on earlier results of the same term, by their positions."""

    op: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Positions:
    """The index along one axis of the term, counted from 0; along the samples, `ROWS` are read in its place."""

    place: int


Instruction = Read | Constant | Positions | Call


@dataclass(frozen=True)
class Term:
    """Instructions over `axes`, and a reduction over the last `summed` of them.

    The share of a maximum keeps its axes and is taken over the last `shared`. A term is of a contraction where the line
    is one: only then are products and their sum one operation, also in its derivatives. Those of `w*s` by a number s
    are products, each rounded to the dtype, and then a sum.
    """

    axes: Axes
    instructions: tuple[Instruction, ...]
    summed: int = 0
    reduction: str = "sum"
    shared: int = 0
    of_contraction: bool = False

    @cached_property
    def reads(self) -> tuple[tuple[str, int], ...]:
        """The values that it reads, each with its number of dimensions."""
        found = (step for step in self.instructions if isinstance(step, Read))
        return tuple((step.name, len(step.layout) - step.layout.count(None)) for step in found)

    @cached_property
    def contraction(self) -> Contraction | None:
        """How the term is a sum of products of two earlier values; None where it is anything else."""
        match self.instructions:
            case (Read(layout=left), Read(layout=right), Call(op="mul")) if self.of_contraction and self.summed:
                has = [tuple(place is not None for place in layout) for layout in (left, right)]
                kept = len(self.axes) - self.summed
                if self.reduction == "sum" and all(has[0][kept:]) and all(has[1][kept:]):
                    is_whole = all(a or b for a, b in zip(*has, strict=True))
                    return Contraction(has[0], has[1], self.summed) if is_whole else None
        return None

    @property
    def is_outer(self) -> bool:
        """Whether the term is a product of two earlier values without a sum, in the derivative of a contraction.

        PyTorch makes it as a product of matrices, too.
        """
        match self.instructions:
            case (Read(), Read(), Call(op="mul")):
                return self.of_contraction and not self.summed
        return False

    @property
    def arrays(self) -> tuple[Axes, ...]:
        """The axes of the arrays that it makes or reads: of a contraction, both factors and the result."""
        if self.contraction is None:
            return (self.axes,)
        factors = [
            tuple(axis for axis, own in zip(self.axes, has, strict=True) if own)
            for has in (self.contraction.left, self.contraction.right)
        ]
        return (*factors, self.axes[: self.contraction.kept])

    @cached_property
    def in_singles(self) -> tuple[tuple[str, tuple[int, ...], str, Fraction], ...]:
        """The instructions for a term that is one number: operation and operands, or what is read, or a number."""
        found: list[tuple[str, tuple[int, ...], str, Fraction]] = []
        for step in self.instructions:
            match step:
                case Call(op=op, args=args):
                    found.append((op, args, "", Fraction(0)))
                case Read(name=name):
                    found.append(("", (), name, Fraction(0)))
                case Constant(value=value):
                    found.append(("", (), "", value))
                case Positions():
                    found.append(("", (), "", Fraction(0)))
        return tuple(found)

    @property
    def chooses(self) -> bool:
        """Whether it takes one of two sides, so that the other needs no value."""
        return any(isinstance(step, Call) and step.op == "where" for step in self.instructions)


@dataclass(frozen=True)
class Stage:
    """One value of the program: the sum of its terms."""

    target: str
    terms: tuple[Term, ...]


def compile_forward(derivation: Derivation) -> tuple[Stage, ...]:
    """The stages that calculate every line."""
    return tuple(Stage(part.name, (_part(part),)) for part in derivation.parts)


def with_equals_once(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """The stages, in which one whose terms are those of an earlier one reads the result of that.

    So two lines `b = exp(w)` and `c = exp(w)` are one number, and max(b, c) a tie, which no digits of theirs tell.
    """
    found: list[Stage] = []
    first: dict[tuple[Term, ...], str] = {}
    same: dict[str, str] = {}
    for stage in stages:
        terms = tuple(replace(term, instructions=_reading(term, same)) for term in stage.terms)
        earlier = first.setdefault(terms, stage.target)
        if earlier != stage.target:
            same[stage.target] = earlier
            axes = terms[0].axes[: len(terms[0].axes) - terms[0].summed]
            found.append(Stage(stage.target, (Term(axes, (Read(earlier, tuple(range(len(axes)))),)),)))
        else:
            found.append(stage)
    return tuple(found)


def _reading(term: Term, instead: Mapping[str, str]) -> tuple[Instruction, ...]:
    """The instructions of a term, which read other names where `instead` has them."""
    return tuple(
        replace(step, name=instead.get(step.name, step.name)) if isinstance(step, Read) else step
        for step in term.instructions
    )


def times_partial(edge: Edge, above: Ref) -> Expr:
    """The adjoint of the edge's part times the edge's partial, as it reads."""
    return above if edge.partial == ONE else Apply("mul", (above, edge.partial))


def times_guarded(edge: Edge, above: Ref) -> Expr:
    """The same, without the sides of `where` that are not chosen."""
    return above if edge.guarded == ONE else Apply("mul", (above, edge.guarded))


def compile_backward(derivation: Derivation, product: Product = times_guarded) -> tuple[Stage, ...]:
    """The stages that calculate every adjoint, in reverse order of calculation; `product` says what an edge adds."""
    axes = {node.name: node.axes for node in derivation.graph.nodes}
    axes.update({part.name: part.axes for part in derivation.parts})
    contractions = frozenset(part.name for part in derivation.parts if _is_contraction(part))
    loss = derivation.graph.loss
    return tuple(_adjoint(adjoint, axes, loss, product, contractions) for adjoint in derivation.adjoints)


def compile_rule(target: str, expr: Expr) -> tuple[Stage, ...]:
    """One equation in scalar names, such as an update rule, for arrays of any shape alike."""
    return (Stage(target, (Term((), _instructions(expr, ())),)),)


def _part(part: Part) -> Term:
    axes = (*part.axes, *part.summed)
    instructions, reduction = _instructions(part.body, axes), part.reduction or "sum"
    return Term(axes, instructions, len(part.summed), reduction, part.shared, _is_contraction(part))


def _is_contraction(part: Part) -> bool:
    return part.reduction == "sum" and contraction(Reduce("sum", part.body, part.summed)) is not None


def _adjoint(adjoint: Adjoint, axes: Mapping[str, Axes], loss: str, product: Product, contractions: Set[str]) -> Stage:
    aboves = ((edge, Ref(adjoint_of(edge.of), axes[edge.of])) for edge in adjoint.edges)
    terms = tuple(_edge(edge, product(edge, above), edge.of in contractions) for edge, above in aboves)
    seed = Term(axes[adjoint.name], (Constant(Fraction(adjoint.name == loss)),))
    return Stage(adjoint_of(adjoint.name), terms or (seed,))


def _edge(edge: Edge, product: Expr, of_contraction: bool) -> Term:
    axes = (*(edge.wrt.axes or ()), *edge.summed)
    return Term(axes, _instructions(product, axes), len(edge.summed), of_contraction=of_contraction)


@lru_cache(1 << 12)  # a derivation is compiled for many number systems
def _instructions(expr: Expr, axes: Axes) -> tuple[Instruction, ...]:
    """`expr` as a list in which equal parts are calculated once."""
    found: dict[Expr, int] = {}
    listed: list[Instruction] = []

    def position(expr: Expr) -> int:
        if expr not in found:
            listed.append(instruction(expr))
            found[expr] = len(listed) - 1
        return found[expr]

    def instruction(expr: Expr) -> Instruction:
        match expr:
            case Number(value=value):
                return Constant(value)
            case Ref(name=name, axes=own):
                places = own or ()
                return Read(name, tuple(places.index(axis) if axis in places else None for axis in axes))
            case Position(axis=axis) if axis.size == SIZE:
                return instruction(Ref(ROWS, (axis,)))
            case Position(axis=axis):
                return Positions(axes.index(axis))
            case Apply(op=op, args=args):
                return Call(op, tuple(position(arg) for arg in args))
            case Reduce():
                raise TypeError("a reduction is a part of its own")

    position(expr)
    return tuple(listed)
