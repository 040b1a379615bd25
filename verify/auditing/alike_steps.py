"""What is alike in the steps of a run: what a further one would be, and which numbers need not say their step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.algebra.expression import names
from derive.chain.derivation import differentiate
from derive.chain.formulas import Formulas
from derive.errors import EquationError
from derive.graph.node import SIZE
from derive.run.run import Run
from verify.claims.claim import Claim, Quantity


def repeats(run: Run) -> bool:
    """Whether every step has the same batch and the same lr, and none ends the run: a further one would be alike."""
    settings = run.settings
    is_alike = settings.batches_per_epoch == 1 and run.drawn is None and settings.accumulate == 1
    return is_alike and settings.trains and not settings.varying and settings.until is None


def is_steady(run: Run, quantity: Quantity) -> bool:
    """Whether a number is the same in every step of the run: n, an lr that does not change, ∂l/∂l, a constant partial.

    So it is of a derivative whose closed form has only constants in it, or data, where every step has the same batch.
    """
    sizes = {batch.n for batch in run.batches}
    if quantity.group == "setting":
        return len(sizes) == 1 if quantity.name == SIZE else quantity.name not in run.settings.varying
    if quantity.group not in ("partials", "adjoints"):
        return False
    of, _, wrt = quantity.name.rpartition("/")
    graph = replace(run.watched.graph, loss=of or run.watched.graph.loss)
    if graph.loss == wrt:
        return True
    try:
        closed = Formulas(differentiate(graph, (wrt,))).gradient(wrt).closed
    except EquationError:
        return False
    if closed is None:
        return False
    same = {*graph.of_kind("constant"), *(graph.of_kind("data") if repeats(run) else ())}
    return {*names(closed)} <= {*same, *((SIZE,) if len(sizes) == 1 else ())}


def covering(run: Run, claims: Iterable[Claim]) -> Run:
    """The run, one step longer where something is claimed of a step after its last one."""
    last = max((claim.cell.step for claim in claims), default=0)
    if last <= len(run.batches):
        return run
    return replace(run, settings=replace(run.settings, steps=last))
