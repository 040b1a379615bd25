"""Asks the installed PyTorch, at first use, what it takes as the derivative at a kink; the answer is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import torch

from derive.algebra.conventions import Conventions, Kink, Seen, kinks, of_lines
from derive.errors import SettingError
from derive.problem.loading import Problem, load
from verify.pytorch.module import GraphModule

Gradients = Mapping[str, tuple[Fraction, ...]]


def with_conventions(problem: Problem) -> Problem:
    """Returns the problem with what the installed PyTorch takes as the derivative where versions differ.

    Raises `SettingError` where it takes something else than any known version at a kink of an operation that the
    problem has: the hand calculation would not know what to compare with.
    """
    for kink in of_lines(node.definition for node in problem.graph.lines):
        way_of(kink)
    if not problem.graph.depends_on_version:
        return problem
    asked = Conventions(version(), tuple((kink.key, way_of(kink).name) for kink in kinks() if kink.varies))
    return replace(problem, graph=replace(problem.graph, conventions=asked))


def version() -> str:
    """Returns the version of the installed PyTorch as it is named: 2.14 of 2.14.1+cpu."""
    return ".".join(torch.__version__.split(".")[:2])


@cache
def way_of(kink: Kink) -> Seen:
    """Returns the way that PyTorch takes at a kink. Raises `SettingError` for one that is not known."""
    found = gradients(kink)
    for way in kink.ways:
        if way.gradients == found:
            return way
    raise SettingError(unknown(kink, found))


def gradients(kink: Kink) -> Gradients:
    """Returns PyTorch's gradients of the equation of a kink at its numbers."""
    given = "\n".join(f"{name} = [{', '.join(map(str, numbers))}]" for name, numbers in kink.at.items())
    problem = load(f'equations = "{kink.equation}"\n[parameters]\n{given}\n')
    model = GraphModule(problem, torch.float64)
    with torch.enable_grad():
        model({}, 0)[problem.graph.loss].backward()
    found = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named.items()}
    return {name: tuple(Fraction(number) for number in gradient.tolist()) for name, gradient in found.items()}


def unknown(kink: Kink, found: Gradients) -> str:
    """Returns the message for gradients that no known version has."""
    known = " or ".join(_shown(way.gradients) for way in kink.ways)
    return (
        f"PyTorch {version()} takes a derivative that no known version takes: of {kink.equation} at {_shown(kink.at)} "
        f"it has {_shown(found)}, expected {known}; the hand calculation cannot be compared with it at a kink of "
        f"{kink.operation}: use a version that is tested"
    )


def _shown(numbers: Gradients) -> str:
    return ", ".join(f"{name} = ({', '.join(f'{float(n):g}' for n in values)})" for name, values in numbers.items())
