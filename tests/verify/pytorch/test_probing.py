"""The order in which PyTorch adds up, asked of it: what is found is how it adds any numbers, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.problem.loading import load
from derive.run.precedence import effective
from tests.summation_orders import added
from verify.pytorch import probing
from verify.pytorch.calls import MEAN, PRODUCT, SUM, Call, laid
from verify.pytorch.probing import Probe, Sums, orders_of
from verify.pytorch.run import train
from verify.record import side_by_side
from verify.summation.order import Order
from verify.summation.sums import Made, Sum, product


def call(name: str, operands: list[torch.Tensor], dimensions: tuple[int, ...] = ()) -> Call:
    return Call(name, tuple(map(laid, operands)), dimensions, torch.get_num_threads())


def drawn(seed: int, shape: torch.Size, whole: bool = False) -> torch.Tensor:
    """Numbers of any size and sign; or powers of two, by which a product needs no rounding, fused or not."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randn(shape, generator=generator)
    sizes = torch.randint(-6, 7, shape, generator=generator).to(torch.float32)
    return torch.exp2(sizes) * (signs.sign() if whole else signs)


def in_orders(found: tuple[Order, ...], terms: Any) -> Any:
    """The sums in each of the orders, along the last dimension."""
    return np.array([added(order, terms) for order in found])


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([1, 2, 3, 7, 16, 33, 64, 130]), min_size=1, max_size=3),
    st.data(),
    st.integers(0, 2**32),
    st.sampled_from([1, 2]),
    st.sampled_from([0, 1, 8]),
)
def test_sums_over_dimensions(shape: list[int], data: st.DataObject, seed: int, threads: int, offset: int) -> None:
    """However the operand lies in memory, with one thread or two: each result is the sum in one of the orders."""
    dimensions = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    places = data.draw(st.permutations(range(len(shape))))
    memory = torch.empty(offset + int(np.prod(shape)))[offset:]
    operand = memory.view([shape[place] for place in places]).permute(list(np.argsort(places)))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        own = call(SUM, [operand], dimensions)
        found = orders_of(own)
        values = drawn(seed, operand.shape)
        sums = own.made([laid(operand).filled(values)]).reshape(-1).numpy()
    finally:
        torch.set_num_threads(before)
    if own.sums.shape[0] < 2 or not found:
        return
    kept = [place for place in range(len(shape)) if place not in dimensions]
    terms = values.permute(*kept, *dimensions).reshape(-1, own.sums.shape[0]).numpy()
    assert (in_orders(found, terms) == sums).any(axis=0).all()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([(1, 1, 1), (1, 8, 1), (1, 64, 1), (1, 17, 10), (1, 3, 32), (1, 40, 33), (5, 2, 3), (16, 1, 1)]),
    st.sampled_from([2, 16, 33, 64, 200, 400]),
    st.tuples(st.booleans(), st.booleans()),
    st.tuples(*[st.sampled_from([0, 0, 1, 3, 4])] * 2),
    st.integers(0, 2**32),
)
def test_products_of_matrices(
    sizes: tuple[int, int, int], terms: int, turned: tuple[bool, bool], offsets: tuple[int, int], seed: int
) -> None:
    """Also where an operand does not begin where its memory does: kernels of vectors go by how they are aligned."""
    many, rows, columns = sizes
    operands = []
    for shape, is_turned, offset in zip([(rows, terms), (terms, columns)], turned, offsets, strict=True):
        whole = torch.empty(offset + many * rows * terms * columns)[offset:]
        stored = shape[::-1] if is_turned else shape
        operand = whole[: many * shape[0] * shape[1]].view(many, *stored)
        operands.append(operand.transpose(1, 2) if is_turned else operand)
    own = call(PRODUCT, operands)
    found = orders_of(own)
    assert found
    x, y = drawn(seed, operands[0].shape), drawn(seed + 1, operands[1].shape, whole=True)
    products = (x[:, :, None, :] * y.transpose(1, 2)[:, None, :, :]).numpy()
    sums = own.made([own.operands[0].filled(x), own.operands[1].filled(y)]).numpy()
    assert (in_orders(found, products) == sums).any(axis=0).all()


@pytest.mark.parametrize("numbers", [1, 3, 17, 1000, 2**20 + 1])
def test_memory_begins_at_64_bytes(numbers: int) -> None:
    """So what is probed lies as what the run has."""
    held = [torch.empty(numbers) for _ in range(20)]
    assert all(own.data_ptr() % 64 == 0 for own in held)


@pytest.mark.parametrize("terms", [64, 1024, 4096])
def test_a_long_sum_is_far_from_adding_one_term_after_the_other(terms: int) -> None:
    (order,) = orders_of(call(SUM, [torch.empty(terms)], (0,)))
    assert np.log2(terms) <= order.depth < terms / 2
    assert orders_of(call(MEAN, [torch.empty(terms)], (0,))) == (order,)


def test_an_operand_in_which_one_number_stands_for_several_is_not_asked() -> None:
    assert orders_of(call(SUM, [torch.ones(1).expand(64)], (0,))) == ()
    assert orders_of(call(PRODUCT, [torch.ones(1, 4, 1).expand(1, 4, 64), torch.empty(1, 64, 4)])) == ()


def test_other_dtypes_are_not_asked() -> None:
    assert orders_of(call(SUM, [torch.empty(64, dtype=torch.float64)], (0,))) == ()


def test_what_would_take_long_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_WORK", 1000)
    assert orders_of(call(SUM, [torch.empty(67)], (0,))) == ()


class _Otherwise(Probe):
    """A call of which one line is added in the reverse order."""

    def _asked(self, lines: Any, pairs: Any) -> Any:
        found = super()._asked(lines, pairs)
        (order,) = orders_of(self.call)
        own = np.arange(len(self.lines))[lines]
        for place in np.flatnonzero(own == 5):
            first, second = self.terms - 1 - pairs[place % len(pairs)]
            found[place] = order.together(int(first), int(second))
        return found


def test_one_line_that_is_added_otherwise_is_found_out() -> None:
    """Each line is asked something else: a single one in another order shows when all are asked once more."""
    own = call(SUM, [torch.empty(64, 50)], (1,))
    (order,) = orders_of(own)
    assert Probe(own, apart=True).confirms(order)
    assert not _Otherwise(own, apart=True).confirms(order)


NETWORK = """equations = '''
h = relu(X @ W + b)
z = h @ V
l = mean((z - y)^2)
'''
[parameters]
W = {W}
b = {b}
V = {V}
[data]
X = {X}
y = {y}
[training]
lr = 0.01
batch_size = 16
"""


def network(rows: int = 32) -> str:
    random = np.random.default_rng(0)
    shapes = {"W": (20, 24), "b": (24,), "V": (24,), "X": (rows, 20), "y": (rows,)}
    return NETWORK.format(**{name: np.round(random.normal(size=shape), 2).tolist() for name, shape in shapes.items()})


def made(text: str, **flags: object) -> tuple[Made, ...]:
    problem = load(text)
    chosen = effective(problem, flags)
    (block,) = side_by_side(train(problem, chosen).steps).blocks
    return Sums(problem, chosen)(block)


def test_the_sums_of_a_step_are_those_of_its_passes() -> None:
    found = made(network())
    shapes = [
        *(product(20, 1, 16, 24), product(24, 1, 16, 1), Sum((16, 1))),  # forward: two layers and a mean
        *(product(16, 1, 24, 1), Sum((16, 24)), product(16, 1, 20, 24)),  # backward: V, b and W
    ]
    assert [own.sums for own in found] == shapes
    assert all(own.orders and own.in_a_row for own in found)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_of_other_dtypes_nothing_is_said(dtype: str) -> None:
    assert made(network(), dtype=dtype) == ()
