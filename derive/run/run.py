"""One run, before either side has calculated anything."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from derive.chain.derivation import Derivation, differentiate
from derive.graph.graph import Graph
from derive.graph.inner_functions import written_out
from derive.problem.problem import Problem
from derive.problem.watch import with_lines
from derive.run.batches import Batch, Batches, planned
from derive.run.settings import Settings


@dataclass(frozen=True)
class Run:
    """What the hand calculation and PyTorch share: the problem, its derivation, the settings, the batches in order.

    `problem` has the numbers that PyTorch draws for it. `drawn` are the batches where PyTorch draws the order of the
    rows too; None where the settings alone say it.
    """

    problem: Problem
    derivation: Derivation
    settings: Settings
    drawn: tuple[Batch, ...] | None = None

    @cached_property
    def batches(self) -> Batches:
        """The batches of the run in order."""
        return planned(self.settings) if self.drawn is None else self.drawn

    @cached_property
    def watched(self) -> Problem:
        """The problem with the lines of [watch] and the condition of `until` beside its own."""
        graph = self.problem.graph
        graph = replace(graph, nodes=(*graph.nodes, *self.settings.reads.nodes))
        return replace(self.problem, graph=with_lines(graph, self.settings.watched))

    @cached_property
    def followed(self) -> Derivation:
        """The derivation of `watched`."""
        return differentiate(self.watched.graph) if self.settings.watched else self.derivation

    @cached_property
    def written_out(self) -> tuple[Run, ...]:
        """The run with a line for each function inside a line: for all but logarithms, and for these as well.

        One or none where that is the same.
        """
        graphs = [written_out(self.problem.graph, logarithms=logarithms) for logarithms in (False, True)]
        found = (graph for graph in dict.fromkeys(graphs) if graph is not self.problem.graph)
        return tuple(self._of_graph(graph) for graph in found)

    def _of_graph(self, graph: Graph) -> Run:
        problem = replace(self.problem, graph=graph)
        return replace(self, problem=problem, derivation=differentiate(graph, self.derivation.wrt))

    @cached_property
    def remembered(self) -> dict[Hashable, Any]:
        """What has been calculated of this run, and is asked for again and again, by whoever has calculated it."""
        return {}

    @property
    def loss(self) -> str:
        """The loss's own name."""
        return self.problem.graph.loss
