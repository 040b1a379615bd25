"""The orders that a seed draws: those of a plain DataLoader over the data, epoch after epoch."""

from __future__ import annotations

from itertools import islice

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from derive.problem.loading import load
from derive.run.precedence import effective
from verify.pytorch.order import orders


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 10**6))
def test_they_are_those_of_a_loader_over_the_data(samples: int, size: int, drop: bool, seed: int) -> None:
    size = min(size, samples)
    text = f"equations = 'l = mean((w*x)^2)'\n[parameters]\nw = 1\n[data]\nx = {[1] * samples}\n[training]\nlr = 0.1\n"
    chosen = effective(load(text), {"shuffle": True, "seed": seed, "batch_size": size, "drop_last": drop, "epochs": 3})
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(torch.arange(samples)), size, shuffle=True, drop_last=drop, generator=generator)
    plain = [tuple(int(row) for (rows,) in loader for row in rows) for _ in range(3)]
    assert list(islice(orders(chosen), 3)) == plain
