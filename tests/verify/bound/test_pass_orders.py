"""What the passes of a graph add up, beside what PyTorch makes; the bound is that of PyTorch's orders."""

from __future__ import annotations

import numpy as np
import pytest

from derive.chain.derivation import differentiate
from derive.problem.loading import Problem, load
from derive.run.precedence import effective
from derive.run.run import Run
from derive.run.settings import Settings
from tests.step_bounds import at
from verify.bound.bound import prepare
from verify.bound.pass_orders import PassOrders
from verify.names import adjoint_of
from verify.pytorch import Sums
from verify.pytorch.run import train
from verify.record import Block, side_by_side
from verify.summation.sums import Made, Orders

LAYERS = {"W": (20, 24), "b": (24,), "V": (24, 3), "X": (32, 20), "t": (32, 3)}
NETWORK = "h = tanh(X @ W + b)\nz = h @ V\nl = mean(sum((z - t)^2, j))"
OTHERS = {
    "a line": ("l = mean((w*x + b - y)^2)", {"w": (), "b": (), "x": (32,), "y": (32,)}),
    "a sum of two axes": ("s[i] = sum(A[j,k]*X[i,j,k], j, k)\nl = mean(exp(s))", {"A": (5, 6), "X": (32, 5, 6)}),
    "a vector": ("a = X @ w\nl = mean(exp(a - y)^2)", {"w": (40,), "X": (32, 40), "y": (32,)}),
    "a norm": ("l = mean((X @ w - y)^2) + sum(w^2)", {"w": (40,), "X": (32, 40), "y": (32,)}),
    "spread": ("l = sum(X @ w)", {"w": (40,), "X": (32, 40)}),
    "softmax": ("z = X @ W\nl = cross_entropy(z, y)", {"W": (20, 18), "X": (32, 20), "y": (32, 18)}),
}


def problem_of(equations: str, shapes: dict[str, tuple[int, ...]], data: set[str]) -> Problem:
    random = np.random.default_rng(0)
    text = f"equations = '''\n{equations}\n'''\n"
    for title, is_data in (("parameters", False), ("data", True)):
        text += f"[{title}]\n"
        for name, shape in shapes.items():
            if (name in data) == is_data:
                text += f"{name} = {np.round(random.normal(size=shape) / 4, 3).tolist()}\n"
    return load(text + "[training]\nlr = 0.01\nbatch_size = 16\n")


def run_of(problem: Problem, **flags: object) -> tuple[Run, Settings]:
    settings = effective(problem, flags)
    return Run(problem, differentiate(problem.graph), settings), settings


@pytest.fixture(scope="module")
def network() -> Problem:
    return problem_of(NETWORK, LAYERS, {"X", "t"})


def test_every_sum_of_a_network_has_its_call(network: Problem) -> None:
    run, settings = run_of(network)
    bound = prepare(run, ask=Sums(network, settings))
    (block,) = side_by_side(train(network, settings).steps).blocks
    assert bound.orders is not None
    found = bound.orders.of(block)
    assert found.known == found.long == 6
    assert bound.orders.counted == (6, 6)
    assert bound.orders.of(block) is found  # it is asked once for batches of a size


@pytest.mark.parametrize("name", OTHERS)
def test_pytorch_lies_in_the_bound_of_its_orders(name: str) -> None:
    """And so does the exact value; no bound is wider than that of any order."""
    equations, shapes = OTHERS[name]
    problem = problem_of(equations, shapes, {"x", "y", "X"})
    run, settings = run_of(problem)
    ordered, free = prepare(run, ask=Sums(problem, settings)), prepare(run)
    for step in train(problem, settings).steps:
        states = at(ordered, step), at(free, step)
        values = {problem.graph.loss: step.loss, **{adjoint_of(own): held for own, held in step.gradients.items()}}
        for target, value in values.items():
            own, other = (
                bound.distance(value[np.newaxis], state.rounded[target], state.exact[target])
                for bound, state in zip((ordered, free), states, strict=True)
            )
            assert own.consistent.all()
            assert (np.abs(own.error) <= own.bound).all()
            assert (own.radius <= other.radius * (1 + 1e-9)).all()


def test_what_is_asked_is_what_the_passes_add_up(network: Problem) -> None:
    """Calls that no sum of the passes is, or of other shapes, say nothing."""
    run, settings = run_of(network)
    (block,) = side_by_side(train(network, settings).steps).blocks
    calls = Sums(network, settings)(block)

    def orders(made: tuple[Made, ...]) -> Orders:
        return PassOrders(prepare(run).rounded.stages, lambda _: made).of(block)

    assert orders(()).known == 0
    assert orders((*calls, *calls)).known == 6
    for left_out in range(len(calls)):
        assert orders((*calls[:left_out], *calls[left_out + 1 :])).known < 6


def test_short_sums_ask_nothing() -> None:
    problem = problem_of("l = mean((w*x + b - y)^2)", {"w": (), "b": (), "x": (8,), "y": (8,)}, {"x", "y"})
    run, settings = run_of(problem, batch_size=4)

    def ask(block: Block) -> tuple[Made, ...]:
        raise AssertionError(block)

    for step in train(problem, settings).steps:
        at(prepare(run, ask=ask), step)
