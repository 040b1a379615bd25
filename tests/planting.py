"""Mistakes planted in the program, and the first that is found of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from derive.problem.loading import Problem
from verify import Outcome, Result
from verify.compare.verdict import explanations
from verify.pytorch import run as training

Gradient = Callable[[Tensor], Tensor]


def plant_gradient(monkeypatch: pytest.MonkeyPatch, name: str, step: int, change: Gradient) -> None:
    """Changes the gradient of the parameter `name` in one step."""

    class Planted(training.GraphModule):
        def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
            super().__init__(problem, dtype)
            self.passes = 0
            self.named[name].register_hook(self.changed)

        def changed(self, gradient: Tensor) -> Tensor:
            self.passes += 1
            return change(gradient) if self.passes == step else gradient

    monkeypatch.setattr(training, "GraphModule", Planted)


def first_wrong(result: Result) -> str:
    """The first explanation of a run that disagrees."""
    assert result.verdict.outcome is Outcome.DISAGREES
    return explanations(result.comparison, result.tally)[0]
