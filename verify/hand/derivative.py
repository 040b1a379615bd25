"""The derivative of a line by any other name, through all paths, at the numbers of a step; or its local partial alone.

Any line can be the one that is differentiated: a named part of the loss, a line between, the loss itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.chain.derivation import Derivation, differentiate
from derive.graph.node import Node
from derive.run.run import Run
from verify.hand.calculation import Calculation, prepare
from verify.hand.evaluation import NumberSystem, Values
from verify.hand.program import Product, times_guarded
from verify.names import adjoint_of
from verify.numbers import Array


@dataclass(frozen=True)
class Derivative:
    """The program that calculates ∂`of`/∂`wrt`."""

    calculation: Calculation
    of: str
    wrt: str

    def at(
        self,
        given: Values,
        n: int,
        position: tuple[int, ...],
        recorded: Values | None = None,
        *,
        local: bool = False,
    ) -> Any:
        """The number at `position`, the entry of the line and that of the name, at the parameters and data `given`.

        It begins with 1 at that entry of the line and 0 at the others. `recorded` are numbers of lines to go on with.
        `local` leaves out what comes through other lines. Raises `CalculationError` where it has no value.
        """
        above, below = self.parts(position)
        if self.of == self.wrt:
            return self.calculation.system.constant(Fraction(int(above == below)))[()]
        return self.row(given, n, above, recorded, local=local)[below]

    def parts(self, position: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The entry of the line, and that of the name."""
        rank = len(self.calculation.derivation.graph.by_name[self.of].axes)
        return position[:rank], position[rank:]

    def row(
        self, given: Values, n: int, above: tuple[int, ...], recorded: Values | None = None, *, local: bool = False
    ) -> Array:
        """The derivatives of the entry `above` of the line by all entries of the name, which is not the line itself."""
        graph, system = self.calculation.derivation.graph, self.calculation.system
        seed = _zeros(graph.by_name[self.of], n, system)
        seed[above] = system.constant(Fraction(1))[()]
        others = [node for node in graph.lines if node.name not in (self.of, self.wrt)] if local else []
        nothing = {adjoint_of(node.name): _zeros(node, n, system) for node in others}
        found = self.calculation.at(given, n, _Over({**nothing, adjoint_of(self.of): seed}, recorded or {})).results
        array: Array = found[adjoint_of(self.wrt)]
        return array


class _Over(Mapping[str, Array]):
    """The numbers `fixed` in the place of results, and what `under` gives for any of them."""

    def __init__(self, fixed: Values, under: Values) -> None:
        self.fixed, self.under = fixed, under

    def get(self, target: str, default: Any = None) -> Any:
        return self.under.get(target, self.fixed.get(target, default))

    def __getitem__(self, target: str) -> Array:
        return self.fixed[target] if target in self.fixed else self.under[target]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.under, **self.fixed})

    def __len__(self) -> int:
        return 1  # not empty: it is asked for every stage


def _zeros(node: Node, n: int, system: NumberSystem) -> Array:
    """An array of zeros in the shape of a line, for n samples."""
    zero = system.constant(Fraction(0))
    shape = tuple(n if isinstance(axis.size, str) else axis.size or 0 for axis in node.axes)
    return np.stack([zero] * math.prod(shape)).reshape(shape) if shape else zero.copy()


def derivative(
    run: Run, name: str, system: NumberSystem, edges: Callable[[Derivation], Product] | None = None
) -> Derivative:
    """The program of `name`, z/y, in a number system; `edges` says what those of a derivation add, if otherwise.

    Raises `EquationError` where it has no derivative.
    """
    of, _, wrt = name.partition("/")
    graph = replace(run.watched.graph, loss=of)
    derivation = differentiate(graph, (wrt,))
    problem = replace(run.watched, graph=graph)
    product = times_guarded if edges is None else edges(derivation)
    return Derivative(prepare(problem, derivation, run.settings, system, product), of, wrt)
