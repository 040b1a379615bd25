"""The shapes of names that are given, as a reader takes equations that declare none; asked for where they stay open."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.algebra.expression import LETTERS, PICKED, Expr, Ref, children, names, walk
from derive.errors import EquationError, Place
from derive.graph.graph import find_loss, in_order
from derive.graph.node import SIZE
from derive.graph.seed_gradient import may_be_open
from derive.paper.lines import Line
from derive.paper.spelling import at
from derive.shapes.indices import Indexed, read_indices
from derive.shapes.rules import MAX_READINGS, NUMBERS, Rules, Shape, State
from derive.shapes.ties import OF_NAME, Size, is_unknown

# What shapes cost that are not the usual ones, by the number of axes; for data, of those beside the samples. In `x @ W`
# a name in small letters is a vector, one in capitals a matrix, and of data one row a sample.
_SMALL, _CAPITAL, _NUMBER, _DATA = (0, 1, 4), (0, 30, 1), (0, 3, 6), (0, 1)
NO_SAMPLES = 3  # that x, y, t are no data but single numbers and vectors
MAX_OTHERS = 4  # readings beside the one that is taken
NO_LOSS = 20  # that the loss is not one number, or depends on nothing but data


@dataclass(frozen=True)
class Shapes:
    """The shapes of the free names that are no single numbers; a size is a number or a name such as "J", or "n".

    `samples` are the names of data, whose first axis is the samples; a single number a sample is (n). `is_whole` is
    false where they do not fit a line, all of whose names have shapes from the lines before it, or have them said.
    `others` are shapes that a reader may also have meant, nearer ones first.
    """

    shapes: Mapping[str, Shape]
    samples: tuple[str, ...]
    is_whole: bool = True
    others: tuple[Shapes, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of the sizes."""
        return frozenset(size for shape in self.shapes.values() for size in shape if isinstance(size, str))


def read_shapes(
    lines: tuple[Line, ...], free: Sequence[str], candidates: Collection[str], declared: Mapping[str, Shape]
) -> Shapes:
    """Returns the shapes of the `free` names of lines with distinct names.

    `candidates` are those that mean data in most books, and `declared` the shapes that are said. Raises `EquationError`
    where two readings are as good as each other, with what to write, where no shapes fit a line, and for a cycle.
    """
    system = _System(lines, tuple(free), candidates, declared, read_indices(lines, free, candidates))
    states, misfit = system.states()
    best, key = states[0], system.key(states[0])
    if misfit is not None and (error := system.unfit(misfit, best)) is not None:
        raise error
    other = next((state for state in states[1:] if state.cost == best.cost and system.key(state) != key), None)
    if other is not None and misfit is None:
        raise system.open(best, other)
    return replace(system.named(best), is_whole=misfit is None, others=system.others(states))


@dataclass(frozen=True)
class _System:
    lines: tuple[Line, ...]
    free: tuple[str, ...]
    candidates: Collection[str]
    declared: Mapping[str, Shape]
    indexed: Indexed

    def states(self) -> tuple[list[State], Line | None]:
        """Every reading, cheapest first; or the cheapest of the first lines, and the line that it ends before."""
        given = frozenset(name for name, shape in self.declared.items() if SIZE in shape)
        open_ones = frozenset(name for name in self.candidates if name not in self.declared)
        indexed = [name for name in open_ones if name in self.indexed.ranks]
        modes = [(open_ones, 0)] if open_ones and (self.indexed.samples or not indexed) else []
        if not modes or not (given or self.indexed.samples):  # y beside x[j] is one number
            modes.append((frozenset(), NO_SAMPLES if modes else 0))
        whole: list[State] = []
        partial: list[tuple[int, State]] = []
        for samples, cost in modes:
            found, done = self._read(samples, State(dict(self.declared), cost=cost))
            if done == len(self.lines):
                whole += [self._of_loss(state, given) for state in found]
            else:
                partial.append((done, found[0]))
        if whole:
            return sorted(whole, key=lambda state: state.cost), None
        done, longest = max(partial, key=lambda pair: pair[0])
        return [longest], in_order(self.lines)[done]

    def _read(self, samples: Collection[str], first: State) -> tuple[list[State], int]:
        """The readings in which `samples` are data, of as many lines as have one."""
        states = [first]
        for number, line in enumerate(in_order(self.lines)):
            rules = Rules(line, number, lambda name: tuple(self._options(name, name in samples)))
            found = [after for state in states for after in rules.readings(state)]
            if not found:
                return states, number
            states = sorted(found, key=lambda state: state.cost)[:MAX_READINGS]
        return states, len(self.lines)

    def _options(self, name: str, is_data: bool) -> Iterator[tuple[int, Shape]]:
        """The shapes that a name can have, with what each costs."""
        if name not in self.free:
            yield 0, ()  # n, a size, a constant
            return
        own = tuple(f"{OF_NAME}{name}.{place}" for place in range(3))
        if name in self.indexed.ranks:
            shape: Shape = own[: self.indexed.ranks[name]]
            yield 0, (SIZE, *shape[1:]) if name in self.indexed.samples else shape
            return
        costs = _DATA if is_data else _NUMBER if NUMBERS.fullmatch(name) else _CAPITAL if name[0].isupper() else _SMALL
        for rank, cost in enumerate(costs):
            yield cost, (SIZE, *own[1 : rank + 1]) if is_data else own[:rank]

    def _of_loss(self, state: State, given: Collection[str]) -> State:
        """The state with what it costs that nothing can be derived."""
        by_name = {line.name: line for line in self.lines}
        loss = by_name[find_loss(self.lines)]
        reached, pending = set[str](), [loss.name]
        while pending:
            name = pending.pop()
            if name not in reached:
                reached.add(name)
                pending += names(by_name[name].expr) if name in by_name else ()
        parameters = [name for name in reached if name in self.free and SIZE not in state.shapes.get(name, (SIZE,))]
        divides = SIZE in names(loss.expr) and SIZE not in by_name
        is_several = bool(state.shapes[loss.name]) and not may_be_open(loss.name)
        lacks = (is_several and not divides) or (not parameters and not given)
        return replace(state, cost=state.cost + NO_LOSS * lacks)

    def others(self, states: Sequence[State]) -> tuple[Shapes, ...]:
        """The readings, of those sorted by cost, that cost no more above the first than x, y, t that are no data."""
        near = [state for state in states if state.cost <= states[0].cost + NO_SAMPLES and state.cost < NO_LOSS]
        distinct = {self.key(state): state for state in reversed(near)}
        distinct.pop(self.key(states[0]), None)
        kept = sorted(distinct.values(), key=lambda state: state.cost)[:MAX_OTHERS]
        return tuple(map(self.named, kept))

    def key(self, state: State) -> tuple[tuple[str, int, bool], ...]:
        """What tells two readings apart: of each name the number of its axes, and whether it is data."""
        return tuple((name, len(shape), SIZE in shape) for name in self.free for shape in [state.shapes.get(name, ())])

    def named(self, state: State) -> Shapes:
        """The shapes with a name for each size that is not known."""
        known = {name: tuple(map(state.known, shape)) for name, shape in state.shapes.items()}
        arrays = {name for name, _ in self.indexed.letters} | {line.name for line in self.lines}
        arrays |= {name for name, shape in known.items() if shape}
        called: dict[Size, str] = {}
        for (name, place), letter in self.indexed.letters.items():
            size = known[name][place] if place < len(known.get(name, ())) else SIZE
            if is_unknown(size) and size not in called:
                called[size] = _size_name(letter, {*called.values(), *arrays})
        taken = {*arrays, *self.free, *(str(size) for shape in known.values() for size in shape)}
        for name in self.free:
            for size in known.get(name, ()):
                if is_unknown(size) and size not in called:
                    called[size] = _spare_name({*called.values(), *taken})
        shapes = {name: tuple(called.get(size, size) for size in known.get(name, ())) for name in self.free}
        samples = tuple(name for name, shape in shapes.items() if shape[:1] == (SIZE,))
        return Shapes({name: shape for name, shape in shapes.items() if shape}, samples)

    def open(self, one: State, other: State) -> EquationError:
        """The error for a name whose shape is open, at its first use."""
        name = next(a[0] for a, b in zip(self.key(one), self.key(other), strict=True) if a != b)
        first, second = (shape_text(self.named(state).shapes.get(name, ())) for state in (one, other))
        message = (
            f"the shape of {name!r} stays open: it can be {first} or {second}; say which beside the equations, as in "
            f'"{name}: {first}; …"'
        )
        return EquationError(message, self._use(name))

    def unfit(self, line: Line, state: State) -> EquationError | None:
        """The error for the innermost part of a line that no shapes fit; None where all its names have theirs."""
        part = next(self._unfit_parts(line.expr, self._rules(line, state), state), line.expr)
        unread = [name for name in names(part) if name in self.free and name not in state.shapes]
        if not unread:
            return None
        known = {
            name: shape_text(self.named(state).shapes.get(name, ())) for name in names(part) if name in state.shapes
        }
        beside = f" beside {', '.join(f'{name} {shape}' for name, shape in known.items())}" if known else ""
        message = (
            f"no shape of {', '.join(unread)} fits here{beside}; say shapes beside the equations, as in 'X: (n, k)'"
        )
        column = getattr(part, "column", None)
        return EquationError(message, line.place if column is None else at(line.place, column))

    def _unfit_parts(self, expr: Expr, rules: Rules, state: State) -> Iterator[Expr]:
        """The parts of an expression that have no reading, innermost first."""
        for part in children(expr):
            yield from self._unfit_parts(part, rules, state)
        if not rules.values(expr, state):
            yield expr

    def _rules(self, line: Line, state: State) -> Rules:
        """The rules for one line, its names read as those of `state`."""
        samples = self.candidates if any(SIZE in shape for shape in state.shapes.values()) else ()
        return Rules(line, len(self.lines), lambda name: tuple(self._options(name, name in samples)))

    def _use(self, name: str) -> Place | None:
        """Where a name stands first."""
        for line in self.lines:
            for part in walk(line.expr):
                if isinstance(part, Ref) and part.name == name and part.column is not None:
                    return at(line.place, part.column)
        return None


def shape_text(shape: Shape) -> str:
    """Returns a shape as it is declared: `(n, k)`, `()` of a single number."""
    return f"({', '.join(map(str, shape))})"


def _size_name(letter: str, taken: Collection[str]) -> str:
    """The upper-case letter, with a number where it means another size already."""
    letter = "m" if letter == PICKED else letter
    wanted = letter.upper() if letter.upper() != letter else f"N_{letter}"
    return _free(wanted, taken)


def _spare_name(taken: Collection[str]) -> str:
    """J, K, M: the first letter in capitals that nothing else is called."""
    spare = [letter.upper() for letter in LETTERS[1:]]
    return next((name for name in spare if name not in taken and not re.fullmatch("[XYT]", name)), _free("J", taken))


def _free(wanted: str, taken: Collection[str]) -> str:
    numbered = (f"{wanted}{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)
