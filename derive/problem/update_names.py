"""The numbers of an update as names, `lr`, `m_hat_w`, `step_size_w`, in what is calculated at the end of a step.

They are the names of the printed update equations: what an equation assigns for the parameter w is called with `_w`.
Which of them there are depends on the optimizer; see derive/run/update_numbers.py, which gives them their formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.algebra.expression import names
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.training.optimizers import ENTRIES, OWN_NAMES

KIND = "update"  # of the node that stands for one
RATE = "lr"
STEP_SIZE = "step_size"  # what a step takes off a parameter: the one before it minus the one after it
CHANGE = "delta"  # the other way round
_STATES = (state.name for entry in ENTRIES.values() for state in entry.states)
OF_A_PARAMETER = tuple(name for name in dict.fromkeys((*_STATES, *OWN_NAMES, STEP_SIZE, CHANGE)) if name != "p")


def own_name(name: str, parameter: str) -> str:
    """What a parameter's own number of the update is called: `m_hat_w`."""
    return f"{name}_{parameter}"


def update_nodes(graph: Graph) -> Mapping[str, Node]:
    """Returns a node for every such name of any optimizer that is no name of the problem."""
    found = {RATE: Node(RATE, KIND)}
    for parameter in graph.of_kind("parameter"):
        axes = graph.by_name[parameter].axes
        found |= {own_name(name, parameter): Node(own_name(name, parameter), KIND, axes) for name in OF_A_PARAMETER}
    return {name: node for name, node in found.items() if name not in graph.by_name}


def used_of_update(graph: Graph, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes of the update's numbers that `nodes` read and `graph` does not have."""
    own = {node.name for node in nodes}
    read = {name for node in nodes for name in names(node.definition)} - set(graph.by_name) - own
    return tuple(node for name, node in update_nodes(graph).items() if name in read)
