"""Expressions as written: the one tree that is parsed, differentiated, printed, and evaluated.

SymPy reorders and expands what it is given; this tree keeps the order of the paper, which is
also the order in which PyTorch evaluates it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Axis:
    """One index of a tensor: the letter it is written with, and how many values it has.

    `size` is a number, or the name of one: "n" for the samples of the batch. It is None until the
    graph is built.
    """

    letter: str
    size: int | str | None = field(default=None, compare=True)

    def __str__(self) -> str:
        return self.letter

    def __lt__(self, other: Axis) -> bool:
        return (self.letter, str(self.size)) < (other.letter, str(other.size))


Axes = tuple[Axis, ...]

PICKED = "·"  # the letter of an axis of which one entry is picked, as in z[i,0]


@dataclass(frozen=True)
class Number:
    """An exact literal."""

    value: Fraction


@dataclass(frozen=True)
class Ref:
    """A name, and the axes it is read along: `w`, `x[i]`; without indices, `axes` is None until the graph is built.

    `column` (from 0) is where it stands in its line on paper, None for what was not written there.
    """

    name: str
    axes: Axes | None = None
    column: int | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Position:
    """The index itself as a number, counted from 0 along its axis."""

    axis: Axis


class _HashedOnce:
    """A tree that is looked up again and again: its hash is made once, of those of what is directly inside.

    In another process, where the hashes of texts are others, it is made anew.
    """

    _hash: int

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(value for name, value in vars(self).items() if name != "_hash")


@dataclass(frozen=True)
class Apply(_HashedOnce):
    """An operation of the table applied to its operands, element by element.

    Until the graph is built, `op` may also be a function of tensors, such as matmul, or a formula, such as mse.
    """

    op: str
    args: tuple[Expr, ...]
    column: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.op, self.args)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Reduce(_HashedOnce):
    """`sum`, `mean`, `logsumexp`, `max` or `min` of `body` over `axes`; None, until the graph is built, means all.

    `after` are the factors that stand behind a Σ in its product, and that are read as factors of the whole sum.
    """

    op: str
    body: Expr
    axes: Axes | None = None
    column: int | None = field(default=None, compare=False, repr=False)
    after: tuple[Expr, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.op, self.body, self.axes)))

    def __hash__(self) -> int:
        return self._hash


Expr = Number | Ref | Position | Apply | Reduce

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside `expr`."""
    if isinstance(expr, Apply):
        return expr.args
    return (expr.body,) if isinstance(expr, Reduce) else ()


def walk(expr: Expr) -> Iterator[Expr]:
    """`expr` and every expression inside it, left to right, without recursion."""
    pending = [expr]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def size(expr: Expr) -> int:
    """How many numbers, names and operations the expression has."""
    return sum(1 for _ in walk(expr))


def refs(expr: Expr) -> tuple[Ref, ...]:
    """The distinct references, in the order in which they are read on paper."""
    return tuple(dict.fromkeys(part for part in walk(expr) if isinstance(part, Ref)))


def names(expr: Expr) -> tuple[str, ...]:
    """The distinct names, in the order in which they are read on paper."""
    return tuple(dict.fromkeys(ref.name for ref in refs(expr)))


def rebuild(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """`expr` with other expressions directly inside it."""
    if isinstance(expr, Apply):
        return Apply(expr.op, parts, expr.column)
    if isinstance(expr, Reduce):
        return Reduce(expr.op, parts[0], expr.axes, expr.column, expr.after)
    return expr


def replace(expr: Expr, change: Callable[[Ref], Expr]) -> Expr:
    """`expr` with every reference replaced by what `change` makes of it."""
    if isinstance(expr, Ref):
        return change(expr)
    return rebuild(expr, tuple(replace(part, change) for part in children(expr)))


def free_axes(expr: Expr) -> Axes:
    """Returns the axes that a resolved expression runs over, in the order of their first appearance."""
    if isinstance(expr, Ref | Position):
        return axes_of(expr)
    inner = dict.fromkeys(axis for part in children(expr) for axis in free_axes(part))
    bound = expr.axes or () if isinstance(expr, Reduce) else ()
    return tuple(axis for axis in inner if axis not in bound)


def contraction(expr: Expr) -> tuple[Expr, Expr] | None:
    """The two factors of a sum of products over axes that both of them run over; None for anything else.

    So is a product of matrices, of a matrix and a vector, and a dot product; `sum(2*x[i], i)` is none.
    """
    match expr:
        case Reduce(op="sum", body=Apply(op="mul", args=(left, right)), axes=axes) if axes:
            if set(axes) <= {*free_axes(left)} & {*free_axes(right)}:
                return left, right
    return None


def bound_axes(expr: Expr) -> frozenset[Axis]:
    """Returns the axes that some reduction inside the expression runs over."""
    return frozenset(axis for part in walk(expr) if isinstance(part, Reduce) for axis in part.axes or ())


def taken_axes(expr: Expr) -> frozenset[Axis]:
    """Every axis that occurs in `expr`, free or bound."""
    return bound_axes(expr) | frozenset(
        axis for part in walk(expr) if isinstance(part, Ref | Position) for axis in axes_of(part)
    )


def axes_of(leaf: Ref | Position) -> Axes:
    """The axes a single name is read along."""
    return (leaf.axis,) if isinstance(leaf, Position) else leaf.axes or ()


def count(axis: Axis) -> Expr:
    """How many values an axis has: a number, or the name of one such as n."""
    return Number(Fraction(axis.size)) if isinstance(axis.size, int) else Ref(str(axis.size), ())


LETTERS = "ijkmpruvst"  # for indices that nobody named: those that Unicode has as subscripts


def fresh_axis(axis: Axis, taken: Collection[Axis]) -> Axis:
    """An index over the same values, with a letter that no axis of `taken` has."""
    letters = {other.letter for other in taken}
    if axis.letter not in letters:
        return axis
    spare = (letter for letter in LETTERS if letter not in letters)
    more = (f"i{number}" for number in range(2, len(letters) + 3) if f"i{number}" not in letters)
    return Axis(next(spare, None) or next(more), axis.size)


def fresh_axes(axes: Iterable[Axis], taken: Collection[Axis]) -> dict[Axis, Axis]:
    """New indices for `axes`, each with a letter that neither `taken` nor another of them has."""
    renamed: dict[Axis, Axis] = {}
    for axis in axes:
        renamed[axis] = fresh_axis(axis, [*taken, *renamed.values()])
    return renamed


def rename_axes(expr: Expr, names: Mapping[Axis, Axis]) -> Expr:
    """Returns the expression read along other axes, old to new, all at once; nothing else renames axes.

    No letter is captured: where a reduction inside runs over the letter of one that comes in, it gets another. An axis
    of `names` that a reduction runs over is renamed as well, where that letter is free. Before the graph is built, a
    name without indices may be a letter, and is renamed as one.
    """
    if not names:
        return expr
    match expr:
        case Ref(axes=None):
            return Ref(names.get(Axis(expr.name), Axis(expr.name)).letter, None, expr.column)
        case Ref():
            return Ref(expr.name, tuple(names.get(axis, axis) for axis in expr.axes or ()), expr.column)
        case Position():
            return Position(names.get(expr.axis, expr.axis))
        case Reduce(axes=axes) if axes is not None:
            outside = [axis for axis in (*free_axes(expr.body), *_bare_letters(expr.body)) if axis not in axes]
            own = bound_as(axes, names, [names.get(axis, axis) for axis in outside])
            inside = {**{old: new for old, new in names.items() if old not in axes}, **own}
            return Reduce(expr.op, rename_axes(expr.body, inside), tuple(own[axis] for axis in axes), expr.column)
    return rebuild(expr, tuple(rename_axes(part, names) for part in children(expr)))


def bound_as(axes: Axes, wanted: Mapping[Axis, Axis], around: Collection[Axis]) -> dict[Axis, Axis]:
    """What a reduction over `axes` runs over instead: the `wanted`, or a new letter where that is one of `around`."""
    found: dict[Axis, Axis] = {}
    for axis in sorted(axes, key=lambda axis: axis not in wanted):
        found[axis] = fresh_axis(wanted.get(axis, axis), [*around, *found.values()])
    return found


def _bare_letters(body: Expr) -> Iterator[Axis]:
    """The names without indices, before the graph is built: each may be a letter."""
    return (Axis(part.name) for part in walk(body) if isinstance(part, Ref) and part.axes is None)


def replace_leaves(expr: Expr, change: Callable[[Ref | Position], Expr]) -> Expr:
    """`expr` with every reference and every position replaced by what `change` makes of it."""
    if isinstance(expr, Ref | Position):
        return change(expr)
    return rebuild(expr, tuple(replace_leaves(part, change) for part in children(expr)))


def leaves(expr: Expr) -> tuple[Ref | Position, ...]:
    """The distinct references and positions, in the order in which they are read on paper."""
    return tuple(dict.fromkeys(part for part in walk(expr) if isinstance(part, Ref | Position)))
