"""`derive`: the derivation of a problem, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable

from derive.chain.derivation import Derivation, differentiate
from derive.characters import normalise
from derive.problem.loading import load
from derive.problem.problem import Problem


def derive(problem: Problem | str | os.PathLike[str], wrt: Iterable[str] | None = None) -> Derivation:
    """All derivatives of the problem's loss with respect to `wrt`: any names, all parameters when left out.

    `problem` is a loaded problem or what `load` takes. Raises `ProblemError` for a problem that
    cannot be read and for a name that it does not have.
    """
    loaded = problem if isinstance(problem, Problem) else load(problem)
    names = (wrt,) if isinstance(wrt, str) else wrt
    return differentiate(loaded.graph, None if names is None else [normalise(name) for name in names])
