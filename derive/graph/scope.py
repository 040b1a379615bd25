"""What the names and the index letters of one line mean, on both sides; and what an unknown name may have meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from derive.algebra.axes import shape_text
from derive.algebra.expression import PICKED, Axes, Axis, Expr, Reduce, Ref, refs, walk
from derive.algebra.operations import FUNCTIONS
from derive.errors import EquationError, Place, suggestion
from derive.graph.node import SIZE, Node
from derive.paper.lines import Line
from derive.paper.spelling import at


@dataclass
class Scope:
    """One line and the nodes that it may use, by name; `sizes` has each letter's axis and a name read along it.

    `beside` are axes whose letters may stand in the line as numbers, though nothing in it is read along them.
    """

    line: Line
    nodes: Mapping[str, Node]
    sizes: dict[str, tuple[Axis, str]] = field(default_factory=dict)
    beside: Axes = ()

    @cached_property
    def indexed(self) -> bool:
        """Whether the line is written with indices."""
        is_read = any(isinstance(p, Ref) and p.axes for p in walk(self.line.expr))
        return self.line.axes is not None or is_read or bool(self.alone)

    @cached_property
    def alone(self) -> Axes:
        """Those of the axes `beside` of which the letter stands in the line, as i does in [i = j]."""
        return letters_alone(self.line.expr, self.nodes, self.beside)

    @cached_property
    def letters(self) -> frozenset[str]:
        """Every letter that is written as an index in the line."""
        read = [p.axes for p in walk(self.line.expr) if isinstance(p, Ref | Reduce)]
        return frozenset(axis.letter for axes in (self.line.axes, self.alone, *read) for axis in axes or ()) - {PICKED}

    def error(self, expr: Expr, message: str) -> EquationError:
        """Returns the error with this message and the caret under `expr`; the caller raises it."""
        return EquationError(message, self.place(expr))

    def place(self, expr: Expr) -> Place:
        """Where `expr` stands in the line."""
        column = getattr(expr, "column", None)
        return self.line.place if column is None else at(self.line.place, column)

    def index_of(self, letter: str) -> Axis | None:
        """Returns the axis of a letter that the line uses as an index, for k as a number in [k = y[i]]; else None."""
        for part in walk(self.line.expr):
            node = self.nodes.get(part.name) if isinstance(part, Ref) and part.axes else None
            if node is not None and isinstance(part, Ref) and len(part.axes or ()) == len(node.axes):
                for axis, own in zip(part.axes or (), node.axes, strict=True):
                    if axis.letter == letter:
                        return Axis(letter, own.size)
        return next((axis for axis in self.alone if axis.letter == letter), None)

    def read_along(self, ref: Ref, node: Node) -> Axes:
        """Returns the axes of the name `ref` of `node`, written with indices, each with its size.

        Raises `EquationError` for too many or too few indices, and for a letter that stands twice or has two sizes.
        """
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
        """Notes the size of a letter. Raises `EquationError` where the line has read the letter with another size."""
        known, where = self.sizes.setdefault(axis.letter, (axis, ref.name))
        if known.size != axis.size:
            raise self.error(
                ref,
                f"the index {axis} has {_many(known)} in {where} and {_many(axis)} in {ref.name}; "
                "expected the same number, or another letter",
            )


def letters_alone(expr: Expr, nodes: Mapping[str, Node], axes: Axes) -> Axes:
    """The `axes` of which the letter stands in an expression as a name, and is no other one."""
    named = {ref.name for ref in refs(expr) if ref.axes is None} - set(nodes)
    return tuple(axis for axis in axes if axis.letter in named)


def _many(axis: Axis) -> str:
    return "the samples" if axis.size == SIZE else f"{axis.size} values"


def ordered(line: Line, axes: Axes) -> Axes:
    """Returns the `axes` of the right side in the order of the left side of `line`.

    Raises `EquationError` where the two sides have different indices.
    """
    letters = [axis.letter for axis in line.axes or ()]
    if sorted(letters) != sorted(axis.letter for axis in axes):
        shown = f"runs over {', '.join(map(str, axes))}, sizes {shape_text(axes)}" if axes else "is one number"
        left = f"{line.name}[{','.join(letters)}]"
        raise EquationError(f"{left}: the right side {shown}; {_remedy(line, letters, axes)}", line.place)
    return tuple(sorted(axes, key=lambda axis: letters.index(axis.letter)))


def _remedy(line: Line, letters: Sequence[str], axes: Axes) -> str:
    """What to write where the two sides have different indices."""
    if over := _unsaid(line, letters):
        return f"without its index a sum or a mean is over all of them: write {over}"
    more = [str(axis) for axis in axes if axis.letter not in letters]
    if more:
        return f"expected the same indices: sum over {', '.join(more)}, or name it on the left"
    missing = ", ".join(sorted(set(letters) - {axis.letter for axis in axes}))
    return f"expected the same indices; {missing} does not occur on the right" if missing else "name each once"


def _unsaid(line: Line, letters: Sequence[str]) -> str:
    """`sum(…, j)` for a sum over j that is written without its index; empty where there is none."""
    for part in walk(line.expr):
        if isinstance(part, Reduce) and part.axes is None:
            written = (axis.letter for ref in refs(part.body) for axis in ref.axes or ())
            summed_over = [letter for letter in dict.fromkeys(written) if letter not in (*letters, PICKED)]
            if summed_over:
                return f"{part.op}(…, {', '.join(summed_over)})"
    return ""


_COUNTERS = ("epoch", "step", "iteration")
_LONGEST_PRODUCT = 20  # letters; nobody writes a longer one without signs


def unknown_name(name: str, nodes: Mapping[str, Node]) -> str:
    """Returns the message for a name that is none of the `nodes`, with what may have been meant."""
    if name == SIZE:
        return "'n', the number of samples in the batch, is used, but there are no data; add [data]"
    if name in _COUNTERS:
        rate = 'lr = "0.01*0.9^(epoch - 1)"'
        return f"unknown name {name!r}; no equation reads which step it is: what changes with it is lr, by {rate}"
    gradients = [known for known in nodes if known.startswith(f"{name}/d")]
    if gradients:
        return f"unknown name {name!r}; the gradients that can be read are {', '.join(gradients)}"
    product = factors(name, nodes)
    called = next((op for op in FUNCTIONS if name.startswith(op) and name.removeprefix(op) in nodes), None)
    if called:
        remedy = f"; the argument of {called} stands in parentheses: write {called}({name.removeprefix(called)})"
    else:
        remedy = f"; a product needs its sign: write {'*'.join(product)}" if product else suggestion(name, nodes)
    return f"unknown name {name!r}{remedy or '; define it in a line, or give it under [parameters] or [data]'}"


def factors(name: str, known: Collection[str], most: int = 3) -> tuple[str, ...]:
    """Returns the known names, from two to `most`, that `name` joins, as wx joins w and x; () for any other name."""
    if len(name) > _LONGEST_PRODUCT:
        return ()
    for length in range(1, len(name)):
        first, rest = name[:length], name[length:]
        if first in known:
            others = (rest,) if rest in known else factors(rest, known, most - 1) if most > 2 else ()
            if others:
                return (first, *others)
    return ()
