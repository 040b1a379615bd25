"""Gradients as names, `dl/dw` and `∂l/∂w`, in expressions that are calculated after the backward pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from derive.algebra.expression import Expr, Ref, names, replace
from derive.characters import normalise
from derive.errors import EquationError, Place
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.paper.spelling import Token, tokens
from derive.paper.syntax import read_expression

_JOINED = "ǀ"  # a letter nobody types: makes one name of dl/dw, as long as what is written
KIND = "gradient"  # of the node that stands for one


def gradient_name(loss: str, parameter: str) -> str:
    """Returns what the gradient is called in tables: `dl/dw` for the loss `l` and the parameter `w`."""
    return f"d{loss}/d{parameter}"


def gradient_nodes(graph: Graph) -> Mapping[str, Node]:
    """Returns a node for each parameter's gradient by its name `dl/dw`, unless a quantity is called `dl` or `dw`."""
    known = [name for name in graph.of_kind("parameter") if not {f"d{graph.loss}", f"d{name}"} & set(graph.by_name)]
    return {
        gradient_name(graph.loss, name): Node(gradient_name(graph.loss, name), KIND, graph.by_name[name].axes)
        for name in known
    }


def used_gradients(graph: Graph, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes of the gradients that `nodes` read and `graph` does not have."""
    read = {name for node in nodes for name in names(node.definition)} - set(graph.by_name)
    return tuple(node for name, node in gradient_nodes(graph).items() if name in read)


def read_with_gradients(text: str, place: Place, start: int, known: Collection[str]) -> Expr:
    """The tree of an expression in which the gradients `known`, such as `dl/dw`, are names. Raises `EquationError`."""
    try:
        expr = read_expression(_joined(text, known), place, start)
    except EquationError as error:
        raise EquationError(error.message.replace(_JOINED, "/"), error.place) from None
    return replace(expr, lambda ref: Ref(ref.name.replace(_JOINED, "/"), ref.axes, ref.column))


def _joined(text: str, known: Collection[str]) -> str:
    """`text` with each gradient as one word of the same length."""
    pieces, found = tokens(text), list(text)
    for first, sign, second in zip(pieces, pieces[1:], pieces[2:], strict=False):
        if sign.text == "/" and f"{_plain(first)}/{_plain(second)}" in known:
            end = second.column + len(second.text)
            word = f"{_in_letters(first)}{_JOINED}{_in_letters(second)}"
            found[first.column : end] = word.ljust(end - first.column)
    return "".join(found)


def _in_letters(token: Token) -> str:
    """`dl` for ∂l."""
    return token.text.replace("∂", "d", 1) if token.text.startswith("∂") else token.text


def _plain(token: Token) -> str:
    return normalise(_in_letters(token))
