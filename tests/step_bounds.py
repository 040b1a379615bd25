"""The bound of a problem beside its record: how a number of PyTorch stands to what is correct."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from verify.bound.bound import AtState, Bound, prepare
from verify.numbers import Distance
from verify.pytorch.run import train
from verify.record import Record, StepRecord, side_by_side


def prepared(text: str, **flags: object) -> tuple[Bound, Record]:
    problem = load(text)
    settings = effective(problem, flags)
    return prepare(Run(problem, differentiate(problem.graph), settings)), train(problem, settings)


def at(bound: Bound, step: StepRecord) -> AtState:
    return bound.at(side_by_side([step]).blocks[0])


def distance(bound: Bound, state: AtState, target: str, value: Any) -> Distance:
    """How a number of PyTorch's stands to what is correct."""
    return bound.distance(np.asarray(value)[np.newaxis], state.rounded[target], state.exact.get(target))
