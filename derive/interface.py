"""`derive`: the derivation of a problem, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable

from derive.chain import derivation
from derive.chain.derivation import differentiate
from derive.characters import normalise
from derive.problem.loading import load
from derive.problem.problem import Problem
from derive.show.latex import display
from derive.show.text import to_text


class Derivation(derivation.Derivation):
    """All derivatives of a problem's loss. Printed, it is every step as text; in a notebook, as LaTeX."""

    def __str__(self) -> str:
        return to_text(self, optimizer=None).removesuffix("\n")

    def _repr_latex_(self) -> str:
        return display(self)


def derive(problem: Problem | str | os.PathLike[str], wrt: Iterable[str] | None = None) -> Derivation:
    """Returns the derivatives of the problem's loss with respect to `wrt`: any names, all parameters when left out.

    Of equations alone whose names are all said to be data, `X: (n, k)`, it is the data but for class labels.

    `problem` is a loaded problem or what `load` takes. Raises `ProblemError` for a problem that
    cannot be read, and for a name that it does not have or that the loss is not differentiated by, such as n.
    """
    loaded = problem if isinstance(problem, Problem) else load(problem)
    names = (wrt,) if isinstance(wrt, str) else wrt
    if names is None and loaded.is_symbolic and not loaded.graph.of_kind("parameter"):
        names = [name for name in loaded.graph.of_kind("data") if name not in loaded.graph.class_labels]
    found = differentiate(loaded.graph, None if names is None else [normalise(name) for name in names])
    return Derivation(found.graph, found.wrt, found.parts, found.adjoints)
