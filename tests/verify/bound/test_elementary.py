from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from derive.algebra.expression import Apply, Reduce, children
from derive.chain.derivation import Derivation, differentiate
from derive.graph.graph import Graph, build
from derive.graph.node import SAMPLES
from derive.paper.lines import read_lines
from derive.problem.loading import load
from tests.strategies import problems
from verify.bound.elementary import elementary
from verify.hand.calculation import numbers
from verify.hand.evaluation import evaluate
from verify.hand.program import compile_backward, compile_forward
from verify.names import adjoint_of
from verify.numbers import Array, Exact, as_ball, from_fraction, is_finite, objects, precision


def graph(text: str, parameters: Sequence[str] = ("w",), data: Sequence[str] = ()) -> Graph:
    return build(read_lines(text), parameters=parameters, data=data)


def lines(found: Graph) -> dict[str, object]:
    return {node.name: node.expr for node in elementary(found).lines}


def exact(derivation: Derivation, given_values: dict[str, Array], samples: int) -> dict[str, Array]:
    sizes = {name: objects([from_fraction(Fraction(samples))], ()) for name in derivation.graph.of_kind("size")}
    stages = (*compile_forward(derivation), *compile_backward(derivation))
    with precision(256):
        return dict(evaluate(stages, Exact(), {**given_values, **sizes}, {"n": samples}).results)


@pytest.mark.parametrize("name", ["article", "parabola", "temperature", "line"])
def test_each_node_has_one_operation_on_names_and_numbers(name: str) -> None:
    for node in elementary(load(name).graph).lines:
        for part in children(node.definition):
            assert not isinstance(part, Apply | Reduce)


def test_the_lines_keep_their_names_and_their_order() -> None:
    found = elementary(load("line").graph)
    assert [node.name for node in found.lines] == ["y_pred.1", "y_pred", "l.1", "l.2", "l.3", "l"]
    assert found.loss == "l"
    assert [node.axes for node in found.lines] == [(SAMPLES,), (SAMPLES,), (SAMPLES,), (SAMPLES,), (), ()]


def test_a_mean_is_a_sum_divided_by_n() -> None:
    found = elementary(graph("l = mean(w*x)", data=["x"]))
    *_, total, mean = found.lines
    assert isinstance(total.expr, Reduce)
    assert total.expr.op == "sum"
    assert isinstance(mean.expr, Apply)
    assert (mean.expr.op, [part.name for part in mean.expr.args]) == ("div", ["l.2", "n"])  # type: ignore[union-attr]


def test_an_operand_used_twice_is_two_operands() -> None:
    # autograd adds two products for w*w; of one name, the derivative would be 2w in one
    found = elementary(graph("l = w*w"))
    assert [node.name for node in found.lines] == ["l.1", "l"]
    derivation = differentiate(found)
    adjoint = next(adjoint for adjoint in derivation.adjoints if adjoint.name == "w")
    assert len(adjoint.edges) == 2


def test_a_constant_exponent_stays_a_number() -> None:
    found = lines(graph("l = (w - 1)^(4/2) + w^-2"))
    powers = [expr.args[1] for expr in found.values() if isinstance(expr, Apply) and expr.op == "pow"]
    assert [power.value for power in powers] == [2, -2]  # type: ignore[union-attr]


def test_softplus_is_taken_apart_as_pytorch_evaluates_it() -> None:
    operations = [node.definition.op for node in elementary(graph("l = softplus(w)")).lines]  # type: ignore[union-attr]
    assert operations == ["max", "abs", "neg", "exp", "log1p", "add"]


def test_a_name_alone_on_a_line_stays_a_node() -> None:
    assert [node.name for node in elementary(graph("z = w\nl = z^2")).lines] == ["z", "l"]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(problems())
def test_its_values_and_gradients_are_those_of_the_graph_as_written(text: str) -> None:
    problem = load(text)
    given_values = {quantity.name: numbers(quantity, Exact()) for quantity in (*problem.parameters, *problem.data)}
    samples = problem.samples or 1
    written = differentiate(problem.graph)
    expected = exact(written, given_values, samples)
    found = exact(differentiate(elementary(problem.graph), written.wrt), given_values, samples)
    names = [node.name for node in problem.graph.lines] + [adjoint_of(name) for name in written.wrt]
    for name in names:
        assert found[name].shape == expected[name].shape
        for left, right in zip(found[name].flat, expected[name].flat, strict=True):
            assume(is_finite(left))
            assume(is_finite(right))
            assert as_ball(left).overlaps(as_ball(right)), name
    loss = np.ravel(expected[problem.graph.loss])
    assert loss.shape == (1,)
