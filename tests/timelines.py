"""The run of a problem, against which claims are read."""

from __future__ import annotations

from derive.chain.derivation import differentiate
from derive.problem.loading import Problem, load
from derive.problem.watch import with_lines
from derive.run.batches import planned
from derive.run.precedence import effective
from verify.claims.names import names_of
from verify.claims.places import Timeline
from verify.claims.table import read_table


def timeline_of(problem: Problem | str, units: int | None = None, **settings: object) -> Timeline:
    """The run of a problem, as a table of claims is read against it."""
    problem = problem if isinstance(problem, Problem) else load(problem)
    chosen = effective(problem, settings)
    derivation = differentiate(with_lines(problem.graph, chosen.watch))
    names = names_of(problem, derivation, chosen)
    starts = {parameter.name: parameter.values for parameter in problem.parameters}
    return Timeline(names, planned(chosen), chosen.batches_per_epoch, problem.graph.loss, units, starts)


def claimed(table: str, run: Timeline) -> list[tuple[int, str, str, str]]:
    """Step, group, name and text of each claim."""
    found = read_table(table, "t.csv", run).claims
    return [(c.cell.step, c.cell.quantity.group, c.cell.name, c.literal.text) for c in found]
