"""The value of any expression of a problem, entry by entry, in any kind of numbers: exact ones, or symbols.

Lines are replaced by their definitions, gradients by their adjoint equations; nothing else is known here of either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Generic, Protocol, TypeVar

from derive.algebra.expression import (
    Apply,
    Axes,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    free_axes,
    fresh_axes,
    rename_axes,
    taken_axes,
)
from derive.chain.derivation import SHARES, Derivation, Edge, Part
from derive.graph.node import ROWS, SIZE, Node
from verify.symbols.entry import Index, Letter
from verify.symbols.fractions import TooLargeError

V = TypeVar("V")

MAX_ENTRIES = 60_000  # values that are worked out at one point
MAX_LINES = 60  # more lines than these are worked out in order, so that none waits for too many others

GRADIENT = "∂"  # before a name: the gradient of the loss with respect to it


class EntrySystem(Protocol[V]):
    """What a kind of numbers can do, one entry at a time; `NumberSystem` of `verify.hand` does it with arrays.

    Each may raise an error of its own kind, which `Values` hands on.
    """

    def number(self, value: Fraction) -> V:
        """The number that a literal is."""

    def leaf(self, name: str, index: tuple[Index, ...]) -> V:
        """An entry of what is given, or of what stands for itself."""

    def size(self, name: str) -> V:
        """The number of values of an axis of which that is left open."""

    def position(self, index: Index) -> V:
        """The number that an index is."""

    def apply(self, op: str, args: Sequence[V]) -> V:
        """The value of an operation of the table."""

    def sum(self, values: Sequence[V]) -> V:
        """The sum of several."""

    def reduce(self, op: str, values: Sequence[V]) -> V:
        """The logsumexp, max or min of several."""

    def summed(self, value: V, letter: Letter) -> V:
        """Σ of a value over an index that is left open."""


class Values(Generic[V]):
    """The values of one problem.

    `sizes` are those of the axes whose size has a name; an axis of which it is left open has a letter for its index.
    `opaque` are the lines and gradients that stand for themselves. `own` calculates names that the graph does not
    have, such as what an optimizer remembers. Everything is calculated once and remembered. Whatever calculates raises
    what `numbers` raises, and `TooLargeError` past `MAX_ENTRIES` or for what has no rule where a size is left open.
    """

    def __init__(
        self,
        derivation: Derivation,
        numbers: EntrySystem[V],
        sizes: Mapping[str, int],
        opaque: Collection[str] = (),
        own: Mapping[str, Callable[[Values[V], tuple[Index, ...]], V]] | None = None,
    ) -> None:
        self.nodes = derivation.graph.by_name
        self.numbers = numbers
        self.sizes = sizes
        self.opaque = frozenset(opaque)
        self.own = own or {}
        self.parts = {part.name: part for part in derivation.parts}
        self.adjoints = {adjoint.name: adjoint for adjoint in derivation.adjoints}
        self.loss = derivation.graph.loss
        self.ancestors = derivation.graph.ancestors
        self._known: dict[tuple[object, ...], V] = {}
        self._free: dict[int, Axes] = {}
        self._kept: list[Expr] = []  # so that no other expression gets their number
        self._written: dict[tuple[str, object], Expr] = {}
        if len(self.nodes) > MAX_LINES:
            self._in_order(derivation)

    def value(self, expr: Expr, where: Mapping[Axis, Index]) -> V:
        """The value of `expr`, where `where` has an index for each of its free axes."""
        free = self._axes(expr)
        here = {axis: where[axis] for axis in free}
        key = (id(expr), *here.values())
        if key not in self._known:
            if len(self._known) > MAX_ENTRIES:
                raise TooLargeError
            self._known[key] = self._value(expr, here)
        return self._known[key]

    def named(self, name: str, index: tuple[Index, ...]) -> V:
        """An entry of a line, a part, `∂name`, a size or what is given. Raises `KeyError` for any other name."""
        key = (name, *index)
        if key not in self._known:
            self._known[key] = self._named(name, index)
        return self._known[key]

    def entries(self, axes: Axes) -> Iterator[tuple[Index, ...]]:
        """The index of every entry along `axes`; what is left open of it is a letter."""
        ranges: list[Sequence[Index]] = []
        for axis in axes:
            length = self.length(axis)
            taken = [part for found in ranges for part in found if isinstance(part, Letter)]
            ranges.append([Letter(len(taken), str(axis.size))] if length is None else range(length))
        return product(*ranges)

    def length(self, axis: Axis) -> int | None:
        """How many values an axis has; None where it is left open."""
        return axis.size if isinstance(axis.size, int) else self.sizes.get(str(axis.size))

    def _value(self, expr: Expr, where: Mapping[Axis, Index]) -> V:
        match expr:
            case Number(value=value):
                return self.numbers.number(value)
            case Ref(name=name, axes=axes):
                return self.named(name, tuple(where[axis] for axis in axes or ()))
            case Position(axis=axis):
                index = where[axis]
                is_row = axis.size == SIZE and isinstance(index, int)
                return self.numbers.leaf(ROWS, (index,)) if is_row else self.numbers.position(index)
            case Apply(op=op, args=args):
                return self.numbers.apply(op, [self.value(arg, where) for arg in args])
            case Reduce(op=op, body=body, axes=axes):
                return self._reduced(op, body, axes or (), where)

    def _reduced(self, op: str, body: Expr, axes: Axes, where: Mapping[Axis, Index]) -> V:
        if op in ("sum", "mean"):
            total = self._total(body, axes, where)
            return total if op == "sum" else self.numbers.apply("div", (total, self._count(axes)))
        if any(self.length(axis) is None for axis in axes):
            if op != "logsumexp":
                raise TooLargeError  # the largest of so many numbers as nobody knows
            return self.numbers.apply("log", (self._total(Apply("exp", (body,)), axes, where),))
        return self.numbers.reduce(op, [self.value(body, here) for here in self._places(axes, where)])

    def _total(self, body: Expr, axes: Axes, where: Mapping[Axis, Index]) -> V:
        """Σ of `body`, over the axes that are left open last."""
        closed = tuple(axis for axis in axes if self.length(axis) is not None)
        here, letters = dict(where), []
        for axis in axes:
            if axis not in closed:
                taken = {part.number for part in here.values() if isinstance(part, Letter)}
                letter = Letter(next(k for k in range(len(taken) + 1) if k not in taken), str(axis.size))
                here[axis] = letter
                letters.append(letter)
        total = self.numbers.sum([self.value(body, there) for there in self._places(closed, here)])
        for letter in letters:
            total = self.numbers.summed(total, letter)
        return total

    def _places(self, axes: Axes, where: Mapping[Axis, Index]) -> Iterator[Mapping[Axis, Index]]:
        lengths = [self.length(axis) or 0 for axis in axes]
        if prod(lengths) > MAX_ENTRIES:
            raise TooLargeError
        for index in product(*map(range, lengths)):
            yield {**where, **dict(zip(axes, index, strict=True))}

    def _count(self, axes: Axes) -> V:
        counts = []
        for axis in axes:
            length = self.length(axis)
            counts.append(
                self.numbers.size(str(axis.size)) if length is None else self.numbers.number(Fraction(length))
            )
        whole = counts[0]
        for other in counts[1:]:
            whole = self.numbers.apply("mul", (whole, other))
        return whole

    def _named(self, name: str, index: tuple[Index, ...]) -> V:
        if name in self.opaque:
            return self.numbers.leaf(name, index)
        if name in self.own:
            return self.own[name](self, index)
        if name.startswith(GRADIENT) and name not in self.nodes:
            return self.gradient(name.removeprefix(GRADIENT), index)
        node = self.nodes.get(name)
        if node is None:
            part = self.parts[name]
            return self.value(self._part(part), dict(zip(_axes_of(part), index, strict=True)))
        if node.kind == "size":
            length = self.sizes.get(name)
            return self.numbers.size(name) if length is None else self.numbers.number(Fraction(length))
        if node.expr is None:
            return self.numbers.leaf(name, index)
        return self.value(node.expr, dict(zip(node.axes, index, strict=True)))

    def gradient(self, name: str, index: tuple[Index, ...]) -> V:
        """An entry of ∂loss/∂`name`: the sum of what each line that uses it passes on.

        Raises `TypeError` where the loss depends on it, but the derivation has no adjoint of it.
        """
        adjoint = self.adjoints.get(name)
        if adjoint is None and name in self.ancestors:
            raise TypeError(f"no adjoint of {name} was asked for")
        if adjoint is None or not adjoint.edges:
            return self.numbers.number(Fraction(name == self.loss))
        terms = []
        for number, edge in enumerate(adjoint.edges):
            whole = self._written.setdefault((name, number), self._passed_on(edge))
            terms.append(self.value(whole, dict(zip(edge.wrt.axes or (), index, strict=True))))
        return self.numbers.sum(terms)

    def _passed_on(self, edge: Edge) -> Expr:
        above = self.parts[edge.of]
        passed = Apply("mul", (Ref(f"{GRADIENT}{edge.of}", above.axes), edge.partial))
        return Reduce("sum", passed, edge.summed) if edge.summed else passed

    def _part(self, part: Part) -> Expr:
        """What a part of a line calculates; a share of a maximum is divided by how many are as large."""
        key = ("part", part.name)
        if key not in self._written:  # the same expression each time, so that its values are remembered
            whole = part.written()
            if part.reduction in SHARES:
                own = part.axes[len(part.axes) - part.shared :]
                renamed = fresh_axes(own, taken_axes(whole))
                counted = Reduce("sum", rename_axes(whole, renamed), tuple(renamed.values()))
                whole = Apply("div", (whole, counted))
            self._written[key] = whole
        return self._written[key]

    def _axes(self, expr: Expr) -> Axes:
        found = self._free.get(id(expr))
        if found is None:
            found = self._free[id(expr)] = free_axes(expr)
            self._kept.append(expr)
        return found

    def _in_order(self, derivation: Derivation) -> None:
        """Works out lines before those that use them, and gradients after: no long chain of waiting ones."""
        for node in derivation.graph.lines:
            self._every(node.name, node)
        for adjoint in derivation.adjoints:
            if adjoint.name in self.nodes:
                self._every(f"{GRADIENT}{adjoint.name}", self.nodes[adjoint.name])

    def _every(self, name: str, node: Node) -> None:
        for index in self.entries(node.axes):
            self.named(name, index)


def _axes_of(part: Part) -> Axes:
    return part.axes
