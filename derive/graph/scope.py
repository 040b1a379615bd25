"""What the names and the index letters of one line mean: which node a name is, which size a letter has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from derive.algebra.axes import shape_text
from derive.algebra.expression import PICKED, Axes, Axis, Expr, Reduce, Ref, walk
from derive.errors import EquationError, Place
from derive.graph.node import SIZE, Node
from derive.paper.lines import Line
from derive.paper.spelling import at


@dataclass
class Scope:
    """One line among the nodes that it may use; remembers which size each letter has."""

    line: Line
    nodes: Mapping[str, Node]
    sizes: dict[str, tuple[Axis, str]] = field(default_factory=dict)

    @cached_property
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


def _many(axis: Axis) -> str:
    return "the samples" if axis.size == SIZE else f"{axis.size} values"
