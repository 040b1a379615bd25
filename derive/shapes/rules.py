"""The shape of an expression, in every way in which its names can have shapes that fit.

The rules are those of `derive/graph`, on sizes alone: without indices shapes are matched from the last axis on, with
them by letters. A name whose shape is not known yet is tried in each of its `options`. A reading costs what its shapes
deviate from what such names are in most books, so that the cheapest one is what a reader takes the equations for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.algebra.expression import PICKED, Apply, Axes, Axis, Expr, Number, Reduce, Ref
from derive.algebra.operations import OVER_AXES
from derive.graph.node import SIZE
from derive.graph.tensors import written_out
from derive.paper.lines import Line, as_typed
from derive.paper.macros import MACROS, Macro
from derive.shapes.indices import index_letters
from derive.shapes.ties import OF_LETTER, Size, Ties, root, tied

Shape = tuple[Size, ...]
Options = Callable[[str], Sequence[tuple[int, Shape]]]  # the shapes that a name can have, each with its cost

MAX_READINGS = 200  # the cheapest that are followed; later ones are dropped
SPREAD = 1  # what it costs that a number stands for a whole vector, as s does in s*(X @ w)
ADDED = 2  # the same of what is added, as b in x @ W + b, or is data: these have a number for each of the others
LONELY = 4  # what it costs that norm or dot is taken of single numbers
CLASSES = 2  # what it costs that a target in capitals, T, holds labels

DATA = re.compile(r"[xytXYT](_?[0-9]+|_\w)?")  # x, y1, t_2, X, x_k: names that mean samples in most books
NUMBERS = re.compile(r"(lam|lambda|λ|alpha|α|eta|η|lr|eps|epsilon|ε|tau|τ)(_?[0-9])?")  # single ones, in most books


@dataclass(frozen=True)
class State:
    """What has been read so far: the shapes of names and lines, which sizes are equal, and what that costs.

    `sources` are, for each line, the names whose own shape it has element by element; `charged` the costs that are
    counted once.
    """

    shapes: Mapping[str, Shape]
    ties: Ties = field(default_factory=dict)
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cost: int = 0
    charged: frozenset[str] = frozenset()

    def known(self, size: Size) -> Size:
        """What `size` has turned out to be."""
        return root(self.ties, size)

    def with_ties(self, pairs: Iterable[tuple[Size, Size]]) -> State | None:
        """The state with these sizes equal; None where they cannot be."""
        found = tied(self.ties, pairs)
        return None if found is None else replace(self, ties=found)

    def charging(self, what: str, cost: int) -> State:
        """The state with a cost, unless it is counted already."""
        if what in self.charged:
            return self
        return replace(self, cost=self.cost + cost, charged=self.charged | {what})


@dataclass(frozen=True)
class Value:
    """An expression in one reading: its axes, each a letter ("" without one) and a size, and its `sources`."""

    state: State
    axes: tuple[tuple[str, Size], ...] = ()
    sources: frozenset[str] = frozenset()

    @property
    def sizes(self) -> Shape:
        """The size along each axis."""
        return tuple(size for _, size in self.axes)

    @property
    def inner(self) -> int:
        """How many axes it has beside the samples."""
        return sum(self.state.known(size) != SIZE for size in self.sizes)


Many = list[Value]


@dataclass
class Rules:
    """The readings of one line, the `number` of which makes its letters its own."""

    line: Line
    number: int
    options: Options
    operands: Mapping[str, Value] = field(default_factory=dict)  # of the formula that is being written out

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters that the line writes as indices."""
        return index_letters(self.line) - {PICKED}

    @cached_property
    def is_indexed(self) -> bool:
        """Whether the line is written with indices."""
        return bool(self.letters)

    def readings(self, state: State) -> list[State]:
        """Every state after the line, cheapest first."""
        found = []
        for value in self.values(as_typed(self.line), state):
            sizes = value.sizes
            if self.line.axes is not None:
                by_letter = dict(value.axes)
                if sorted(by_letter) != sorted(axis.letter for axis in self.line.axes):
                    continue
                sizes = tuple(by_letter[axis.letter] for axis in self.line.axes)
            shapes = {**value.state.shapes, self.line.name: sizes}
            sources = {**value.state.sources, self.line.name: value.sources}
            found.append(replace(value.state, shapes=shapes, sources=sources))
        return sorted(found, key=lambda state: state.cost)[:MAX_READINGS]

    def values(self, expr: Expr, state: State) -> Many:
        """Every reading of an expression."""
        match expr:
            case Number():
                return [Value(state)]
            case Ref():
                return self._name(expr, state)
            case Reduce(op=op, body=body, axes=axes):
                whole = self.values(body, state)
                return _cheapest(found for value in whole for found in self._reduced(value, op, axes))
            case Apply():
                return self._applied(expr, state)
        return [Value(state)]

    def _name(self, ref: Ref, state: State) -> Many:
        if ref.name in self.operands:
            own = self.operands[ref.name]
            return [Value(state, own.axes, own.sources)]
        if ref.axes is None and ref.name in self.letters and ref.name not in state.shapes:
            return [Value(state, ((ref.name, self._size(ref.name)),))]
        if ref.name in state.shapes:
            return self._along(ref, state, state.shapes[ref.name], state.sources.get(ref.name, frozenset()))
        found = []
        for cost, shape in self.options(ref.name):
            chosen = replace(state, shapes={**state.shapes, ref.name: shape}, cost=state.cost + cost)
            chosen = replace(chosen, sources={**chosen.sources, ref.name: frozenset({ref.name})})
            found += self._along(ref, chosen, shape, frozenset({ref.name}))
        return found

    def _along(self, ref: Ref, state: State, shape: Shape, sources: frozenset[str]) -> Many:
        """A name along the letters it is written with."""
        if ref.axes is None:
            return [Value(state, tuple(("", size) for size in shape), sources)]
        if len(ref.axes) != len(shape):
            return []
        letters = (f"{PICKED}{k}" if a.letter == PICKED else a.letter for k, a in enumerate(ref.axes))
        read = list(zip(letters, shape, strict=True))
        pairs = [(self._size(letter), size) for letter, size in read if not letter.startswith(PICKED)]
        tied_state = state.with_ties(pairs)
        return [] if tied_state is None else [Value(tied_state, tuple(read), sources)]

    def _size(self, letter: str) -> Size:
        """The size of a letter of the line."""
        return f"{OF_LETTER}{self.number} {letter}"

    def _applied(self, expr: Apply, state: State) -> Many:
        """A function or operator, its operands read one after the other."""
        args, wanted = self._split(expr)
        found: list[tuple[State, tuple[Value, ...]]] = [(state, ())]
        for arg in args:
            more = [(v.state, (*before, v)) for now, before in found for v in self.values(arg, now)]
            found = sorted(more, key=lambda pair: pair[0].cost)[:MAX_READINGS]
        return _cheapest(v for now, values in found for v in self._operation(expr, now, values, wanted))

    def _split(self, expr: Apply) -> tuple[tuple[Expr, ...], Axes | None]:
        """The operands, and the indices that are written after them."""
        count = len(expr.args)
        while expr.op in OVER_AXES and count > 1 and self._is_letter(expr.args[count - 1]):
            count -= 1
        letters = [Axis(ref.name) for ref in expr.args[count:] if isinstance(ref, Ref)]
        return expr.args[:count], tuple(letters) or None

    def _is_letter(self, arg: Expr) -> bool:
        known = {*self.letters, "last"}
        return isinstance(arg, Ref) and arg.axes is None and arg.name in known and arg.name not in self.operands

    def _operation(self, expr: Apply, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:
        values = tuple(replace(value, state=state) for value in values)
        op = expr.op
        if op in ("max", "min") and (len(values) == 1 or wanted):
            return self._reduced(values[0], op, wanted)
        if op == "cross_entropy" and len(values) == 2 and len(values[0].axes) - len(values[1].axes) == 1:
            return self._labelled(values[0], values[1], wanted)
        macro = MACROS.get((op, len(values)))
        if macro is not None:
            return self._written_out(macro, state, values, wanted)
        if op in ("matmul", "dotted"):
            return self._product(op, state, values)
        if op not in _TENSORS:
            return self._elementwise(op, state, values)
        takes, rule = _TENSORS[op]
        return rule(self, state, values, wanted) if takes in (None, len(values)) else []

    def _written_out(self, macro: Macro, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:
        if macro.name == "dot" and len(values[0].axes) != len(values[1].axes):
            return []  # of w and of x, which has a row a sample: that would be a sum over the samples too
        if macro.name in ("norm", "dot") and not any(value.axes for value in values):
            state = state.charging(f"{macro.name} of numbers", LONELY) if _follows(values) else state
        inside = Rules(self.line, self.number, self.options, dict(zip("xy", values, strict=False)))
        return inside.values(written_out(macro, wanted, None), state)

    def _elementwise(self, op: str, state: State, values: Sequence[Value]) -> Many:
        """Operands along common axes, matched by letters, and those without a letter from the last one on."""
        longest = max((_plain(value) for value in values), key=len, default=())
        pairs = [pair for value in values for pair in zip(reversed(_plain(value)), reversed(longest), strict=False)]
        lettered = dict(axis for value in values for axis in value.axes if axis[0])
        state = _spread(op, state, values)
        together = state.with_ties(pairs)
        if together is None:
            return []
        axes = (*lettered.items(), *(("", size) for size in longest))
        return _in_order([Value(together, axes, frozenset().union(*(value.sources for value in values)))])

    def _reduced(self, value: Value, op: str, wanted: Axes | None) -> Many:
        """A sum, mean, max or the like over the axes that are named, or over all."""
        if wanted is None:
            if not value.axes:
                return [replace(value, sources=frozenset())] if self.operands and op in ("sum", "mean") else []
            return [Value(value.state)]
        left = list(value.axes)
        for axis in wanted:
            found = [own for own in left if own[0] == axis.letter]
            if axis.letter == "last" and left and value.state.known(left[-1][1]) != SIZE:
                found = left[-1:]
            if not found:
                return []
            left.remove(found[0])
        return [Value(value.state, tuple(left))]

    def _product(self, op: str, state: State, values: tuple[Value, ...]) -> Many:
        """`x @ W`: over the last axis of the first, and the rows of the second; `w · x` over the columns of samples."""
        left, right = values
        if not left.axes or not right.axes or self.is_indexed:
            if op == "matmul" and not self.is_indexed and any(v.sources and not v.axes for v in values):
                return []  # an @ stands between arrays
            return self._elementwise("mul", state, values)
        rows = max(len(right.axes) - 2, 0)
        together = state.with_ties([(left.sizes[-1], right.sizes[rows])])
        if together is not None:
            others = tuple(axis for k, axis in enumerate(right.axes) if k != rows)
            return _in_order([Value(together, (*left.axes[:-1], *others))])
        if len(left.axes) == 1 and len(right.axes) == 2 and state.known(right.sizes[0]) == SIZE:
            together = state.with_ties([(left.sizes[0], right.sizes[1])])
            return [] if together is None else _in_order([Value(together, right.axes[:1])])
        return []

    def _labelled(self, scores: Value, labels: Value, wanted: Axes | None) -> Many:
        """The cross-entropy of labels: one for each row of the scores."""
        state, rows = scores.state, scores.axes[:-1]
        if state.known(scores.sizes[-1]) == SIZE or wanted is not None:
            return []
        if any(name[0].isupper() for name in labels.sources):
            state = state.charging("labels in capitals", CLASSES)
        together = state.with_ties(zip(labels.sizes, (size for _, size in rows), strict=True))
        return [] if together is None else [Value(together)]


def _plain(value: Value) -> Shape:
    """The sizes of the axes without a letter."""
    return tuple(size for letter, size in value.axes if not letter)


def _roots(state: State, axes: Iterable[tuple[str, Size]]) -> list[Size]:
    return [state.known(size) for _, size in axes]


def _in_order(values: Many) -> Many:
    """Those in which the samples come first; nobody writes what has them elsewhere, or twice."""
    return [v for v in values if SIZE not in _roots(v.state, [axis for axis in v.axes if not axis[0]][1:])]


def _follows(values: Iterable[Value]) -> bool:
    """Whether the shape of a value is that of names whose shape is open."""
    return any(value.sources for value in values)


def _spread(op: str, state: State, values: Sequence[Value]) -> State:
    """The state with what it costs that operands stand for whole vectors of others."""
    widest = max((value.inner for value in values), default=0)
    for value in values:
        for name in value.sources if widest and not value.inner else ():  # a row may stand for rows
            if NUMBERS.fullmatch(name):
                continue
            has_each = op in ("add", "sub") or DATA.fullmatch(name)
            state = state.charging(f"spread {name}", ADDED if has_each else SPREAD)
    return state


def _cheapest(values: Iterable[Value]) -> Many:
    return sorted(values, key=lambda value: value.state.cost)[:MAX_READINGS]


Rule = Callable[[Rules, State, tuple[Value, ...], Axes | None], Many]


def _log_softmax(rules: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:
    (value,) = values
    last = rules._reduced(replace(value, state=state), "logsumexp", wanted or (Axis("last"),))
    return [replace(value, state=found.state) for found in last]


def _transpose(_: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:  # noqa: ARG001
    (value,) = values
    return [replace(value, state=state, axes=value.axes[::-1])] if value.axes or not value.sources else []


def _outer(_: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:  # noqa: ARG001
    left, right = values
    if any(value.sources and not value.axes for value in values):
        return []
    return _in_order([Value(state, (*left.axes, *right.axes))])


def _var(rules: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:
    return rules._reduced(replace(values[0], state=state), "mean", wanted)


def _l2(_: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:  # noqa: ARG001
    return [Value(state)] if values else []


def _pick(_: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:  # noqa: ARG001
    whole, label = values
    if len(label.axes) != len(whole.axes) - 1 or state.known(whole.sizes[-1]) == SIZE:
        return []
    together = state.with_ties(zip(label.sizes, whole.sizes[:-1], strict=True))
    return [] if together is None else [Value(together, whole.axes[:-1])]


def _entry(_: Rules, state: State, values: tuple[Value, ...], wanted: Axes | None) -> Many:  # noqa: ARG001
    whole, *labels = values
    kept = [axis for axis in whole.axes if not axis[0].startswith(PICKED)]
    kept += [axis for label in labels for axis in label.axes if axis not in kept]
    return [Value(state, tuple(kept))]


_TENSORS: Mapping[str, tuple[int | None, Rule]] = {  # with the number of operands; None for any
    "log_softmax": (1, _log_softmax),
    "transpose": (1, _transpose),
    "outer": (2, _outer),
    "var": (1, _var),
    "l2": (None, _l2),
    "pick": (2, _pick),
    "entry": (None, _entry),
}
