"""[predict]: data at which the lines that depend on them are calculated after training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from derive.algebra.expression import names
from derive.errors import DataError, suggestion
from derive.graph.graph import Graph
from derive.problem.data import Column, read_table
from derive.problem.problem import Quantity
from derive.source.toml_text import Document


def read_predict(
    document: Document, graph: Graph, columns: tuple[Column, ...], folder: Path
) -> tuple[tuple[Quantity, ...], list[str]]:
    """Returns the columns of [predict], some of the `columns` of [data] in any length, and notes on what was left out.

    They stand in the table, or in the CSV file that it names, which is looked for in `folder`. Raises `DataError`
    for a column that [data] does not have, for rows of another shape, and where no line can be calculated from
    these columns alone.
    """
    if "predict" not in document.content:
        return (), []
    given = {column.name: column for column in columns}
    found, notes = read_table(document, "predict", frozenset(given), folder)
    for column in found:
        known = given.get(column.name)
        if known is None:
            hint = suggestion(column.name, given) or (
                f"; the columns are {', '.join(given)}" if given else "; there is no [data]"
            )
            raise DataError(f"[predict] gives {column.written!r}, which is not a column of [data]{hint}", column.place)
        if known.row != column.row:
            raise DataError(
                f"a row of {column.written!r} has the shape {list(column.row)} in [predict] and {list(known.row)} in "
                "[data]; expected the same",
                column.place,
            )
    quantities = tuple(column.quantity for column in found)
    if not predicted(graph, quantities):
        raise DataError(
            f"no line can be calculated from {', '.join(c.name for c in found)} alone: {_missing(graph, quantities)}",
            document.place("predict"),
        )
    return quantities, notes


def predicted(graph: Graph, given: tuple[Quantity, ...]) -> tuple[str, ...]:
    """Returns the names of the lines that depend on some of the columns `given`, and on no other data."""
    columns = {quantity.name for quantity in given}
    return tuple(name for name, needed in _needed(graph).items() if needed and needed <= columns)


def _needed(graph: Graph) -> Mapping[str, frozenset[str]]:
    """The data that each line depends on."""
    found: dict[str, frozenset[str]] = {name: frozenset({name}) for name in graph.of_kind("data")}
    for node in graph.lines:
        found[node.name] = frozenset().union(*(found.get(name, frozenset()) for name in names(node.definition)))
    return {node.name: found[node.name] for node in graph.lines}


def _missing(graph: Graph, given: tuple[Quantity, ...]) -> str:
    """What the first line that uses any of the columns needs besides them."""
    columns = {quantity.name for quantity in given}
    for name, needed in _needed(graph).items():
        if needed & columns:
            return f"{name} needs {', '.join(sorted(needed - columns))} too"
    return "no line uses them"
