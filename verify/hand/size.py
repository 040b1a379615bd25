"""How much a run is to calculate, by its shapes and before any of it: told before time is spent.

The unit is a calculation, one operation by hand on one number. Whatever else is done with a number, in PyTorch, for its
bound and in tables, is counted in that unit too, by what was measured (tests/benchmarks/sizes.py): 10^8 of them take
about a minute.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from derive.chain.derivation import Derivation
from derive.errors import ProblemError
from derive.problem.loading import Problem
from derive.run.settings import Settings
from verify.hand.evaluation import MOST_PRODUCTS, length
from verify.hand.program import Call, Constant, Positions, Read, Stage, Term, compile_backward, compile_forward
from verify.hand.update import is_trained

LEAST = 20  # calculations that an operation costs, however few its numbers are
STEP = 3000  # that a step costs in PyTorch, however little it calculates
ARRAY = 400  # that an array costs which is compared, however few its numbers are
REPORTED = {"float64": 60}  # that a number costs which is compared and reported: in float64 by balls, else by arrays
BY_ARRAYS = 12
HELD = 120  # bytes of a number in an array
KEPT = 600  # bytes of a reported number of a step that is kept
KEPT_STEPS = 10_000  # steps of which all numbers are kept
BYTES = 20  # of memory count as a calculation: 10^8 calculations and 2 GB are one limit


@dataclass(frozen=True)
class Size:
    """What a run takes: calculations, bytes of memory, and the line with the most numbers at once, with its sizes."""

    calculations: int
    memory: int
    line: str
    numbers: tuple[int, ...]
    what: str = "this"  # what takes so much

    def check(self, limit: int) -> None:
        """Raises `ProblemError` where this is more than `limit` calculations, or memory for as many."""
        if max(self.calculations, self.memory // BYTES) <= limit:
            return
        needed = 10 ** math.ceil(math.log10(max(self.calculations, self.memory // BYTES)))
        shape = " × ".join(map(str, self.numbers))
        most = f"; most numbers at once has {self.line}: {shape}" if len(self.numbers) > 1 else ""
        raise ProblemError(
            f"{self.what} would take about {self.calculations:.1e} calculations, {_time(self.calculations)}, and "
            f"{_memory(self.memory)} of memory{most}; the limit is {limit:.0e}: --limit {needed:.0e} goes beyond it"
        )


def size_of(problem: Problem, derivation: Derivation, settings: Settings, steps: int, *, is_reported: bool) -> Size:
    """The size of `steps` steps of a run; with `is_reported`, each of their numbers is compared and reported too."""
    sizes = {"n": max(settings.batch_size, 1)}
    terms = [(stage, term) for stage in _stages(derivation) for term in stage.terms]
    once = calculations(problem, derivation, settings)
    entries = compared(problem, settings)
    arrays = 2 * len(problem.parameters) + 1 + (2 * len(problem.graph.lines) if settings.nodes else 0)
    most, name, numbers = max(
        (
            (math.prod(lengths), stage.target, lengths)
            for stage, term in terms
            for lengths in _held(term, sizes, settings.dtype)
            if lengths
        ),
        default=(1, "", ()),
    )
    each = STEP + arrays * ARRAY + entries * REPORTED.get(settings.dtype, BY_ARRAYS)
    reported = steps * each if is_reported else 0
    kept = min(steps, KEPT_STEPS) * entries * KEPT if is_reported else 0
    return Size(steps * once + reported, most * HELD + kept, name.partition(".")[0], numbers)


def compared(problem: Problem, settings: Settings) -> int:
    """How many numbers of a step are compared: loss, gradients and parameters, with `nodes` every line and adjoint."""
    sizes = {"n": max(settings.batch_size, 1)}
    entries = sum(2 * math.prod(parameter.shape) for parameter in problem.parameters) + 1
    if settings.nodes:
        entries += sum(2 * math.prod(length(axis, sizes) for axis in node.axes) for node in problem.graph.lines)
    return entries


def calculations(problem: Problem, derivation: Derivation, settings: Settings, least: int = LEAST) -> int:
    """The calculations of one step by hand; each operation counts as `least` numbers, if it has fewer."""
    sizes = {"n": max(settings.batch_size, 1)}
    terms = (term for stage in _stages(derivation) for term in stage.terms)
    trained = [p for p in problem.parameters if settings.trains and is_trained(problem.graph.frozen, p.name)]
    update = sum(4 * max(least, math.prod(parameter.shape)) for parameter in trained)
    return update + sum(count for term in terms for count in _calculations(term, sizes, least))


def _stages(derivation: Derivation) -> tuple[Stage, ...]:
    return (*compile_forward(derivation), *compile_backward(derivation))


def _lengths(term: Term, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The sizes of the axes over which a term is calculated, those that it sums among them."""
    return tuple(length(axis, sizes) for axis in term.axes)


def _held(term: Term, sizes: Mapping[str, int], dtype: str) -> Iterator[tuple[int, ...]]:
    """The sizes of the arrays that are held of a term: of a large contraction no more than its factors and its sums.

    In float64 the bound is one of balls, which are made for each product.
    """
    lengths = _lengths(term, sizes)
    if term.contraction is None or dtype == "float64" or math.prod(lengths) <= MOST_PRODUCTS:
        yield lengths
    else:
        yield from (tuple(length(axis, sizes) for axis in own) for own in term.arrays)


def _calculations(term: Term, sizes: Mapping[str, int], least: int) -> Iterator[int]:
    """What each operation of a term costs: one for each number that it gives; a sum, one for each that it takes."""
    over: list[frozenset[int]] = []  # the axes along which each result runs
    lengths = _lengths(term, sizes)
    for instruction in term.instructions:
        match instruction:
            case Read(layout=layout):
                over.append(frozenset(place for place, own in enumerate(layout) if own is not None))
            case Positions(place=place):
                over.append(frozenset({place}))
            case Constant():
                over.append(frozenset())
            case Call(args=args):
                over.append(frozenset().union(*(over[arg] for arg in args)))
        if not isinstance(instruction, Read):
            yield max(least, math.prod(lengths[place] for place in over[-1]))
    if term.summed or term.shared:
        yield max(least, math.prod(lengths))


def _time(calculations: int) -> str:
    seconds = calculations / 1e8 * 60
    if seconds < 45:
        return "less than a minute"
    if seconds < 5400:
        return f"{max(round(seconds / 60), 1)} minutes" if seconds >= 90 else "a minute"
    return f"{round(seconds / 3600):,} hours" if seconds < 172_800 else f"{round(seconds / 86_400):,} days"


def _memory(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{max(round(size / 1e6), 1)} MB"
