"""What the formulas of an update's numbers read of a step, on both sides: arrays by the names of their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.algebra.expression import Expr
from derive.graph.node import Node


@dataclass(frozen=True)
class Reads:
    """What the formulas read: `nodes` of arrays and numbers that a step holds, `numbers` that are calculated apart.

    `numbers` are expressions in t, and in lr and what else changes from step to step: `lr` of the first group of
    parameters, `lr[1]` of the next.
    """

    nodes: tuple[Node, ...] = ()
    numbers: Mapping[str, Expr] = field(default_factory=dict)

    def values(self, step: Held) -> dict[str, Any]:
        """The arrays that are read of a step, by the names of their nodes; those of `numbers` are not among them."""
        return {node.name: step.array(node.name) for node in self.nodes if node.name not in self.numbers}


@dataclass(frozen=True)
class Held:
    """What one side holds of a step: arrays, or tensors. `gradients` are those that the update is made from."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    gradients: Mapping[str, Any]

    def array(self, name: str) -> Any:
        """The array of a node of `Reads`."""
        own, _, when = name.partition("|")
        return {"before": self.before, "after": self.after, "gradient": self.gradients}[when][own]


def rates_by_name(rates: Mapping[str, Any], groups: int) -> dict[str, Any]:
    """What changes from step to step as `Reads.numbers` calls it, of the arrays that have an entry for each group."""
    if groups == 1:
        return dict(rates)
    return {rate_of(name, k): value[..., k] for name, value in rates.items() for k in range(groups)}


def rate_of(name: str, group: int) -> str:
    """`lr` of the first group of parameters, `lr[1]` of the next."""
    return f"{name}[{group}]" if group else name
