"""The order in which a person calculates the numbers of a run."""

from __future__ import annotations

from collections.abc import Iterable

from derive.run.run import Run
from verify.claims.claim import AFTERWARDS, GROUPS, Claim


def in_order(run: Run, claims: Iterable[Claim]) -> list[Claim]:
    """The claims in the order of calculation: step by step, group by group, line by line."""
    lines = {node.name: place for place, node in enumerate(run.watched.graph.lines)}
    parameters = {parameter.name: place for place, parameter in enumerate(run.watched.parameters)}
    groups = {group: place for place, group in enumerate((*GROUPS, *AFTERWARDS))}

    def place(claim: Claim) -> tuple[int, int, int, int, tuple[int, ...]]:
        cell = claim.cell
        name, group = cell.quantity.name.rpartition("/")[2], cell.quantity.group
        line = lines.get(name, 0) * (-1 if group in ("adjoints", "partials") else 1)
        own = parameters.get(name.partition(".")[0])
        inside = group in ("inside", "change")  # of the numbers of one parameter after its state, before itself
        state = own * 4 - (1 if inside else 2 * ("." in name)) if own is not None else line
        order = lines.get(name, 0) if inside else 0
        return cell.step, groups["after" if inside else group], state, order, cell.position

    return sorted(claims, key=place)
