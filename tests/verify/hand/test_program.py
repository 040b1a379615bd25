from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest

from derive.chain.derivation import Derivation, differentiate
from derive.graph.graph import build
from derive.paper.lines import read_lines
from derive.problem.loading import load
from derive.training.optimizers import Optimizer
from verify.bound.elementary import elementary
from verify.hand.evaluation import evaluate
from verify.hand.program import Call, Constant, Read, compile_backward, compile_forward, compile_rule
from verify.names import adjoint_of
from verify.numbers import Array, Exact, from_fraction, objects, to_fraction

Given = Mapping[str, int | str | Sequence[int | str]]


def derivation(text: str, parameters: Sequence[str] = ("w",), data: Sequence[str] = ("x",)) -> Derivation:
    return differentiate(build(read_lines(text), parameters=parameters, data=data))


def array(value: int | str | Sequence[int | str]) -> Array:
    """Exact numbers; a sequence is a column."""
    if isinstance(value, int | str):
        return objects([from_fraction(Fraction(value))], ())
    return objects([from_fraction(Fraction(entry)) for entry in value], (len(value),))


def calculated(found: Derivation, values: Given) -> dict[str, list[Fraction | None]]:
    """Every value of the program, as flat lists of fractions."""
    columns = [len(value) for value in values.values() if not isinstance(value, int | str)]
    n = columns[0] if columns else 1
    given = {name: array(value) for name, value in values.items()}
    given |= {name: array(n) for name in found.graph.of_kind("size")}
    stages = (*compile_forward(found), *compile_backward(found))
    found_values = evaluate(stages, Exact(), given, {"n": n}).results
    return {name: [to_fraction(v) for v in result.flat] for name, result in found_values.items()}


def gradient(text: str, values: Given, parameters: Sequence[str] = ("w",)) -> list[Fraction | None]:
    data = [name for name, value in values.items() if not isinstance(value, int | str)]
    found = calculated(derivation(text, parameters, data), values)
    return [found[adjoint_of(name)][0] for name in parameters]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("l = w^2", {"w": 3}, [6]),
        ("l = sum(w*x)", {"w": 3, "x": [1, 2, 4]}, [7]),
        ("l = mean(w*x)", {"w": 3, "x": [1, 2, 4]}, ["7/3"]),
        ("l = (1/n)*(w*x)", {"w": 3, "x": [1, 2, 4]}, ["7/3"]),
        ("l = mean(x)*w^2", {"w": 3, "x": [1, 2, 4]}, [14]),
        ("l = mean((w*x - mean(w*x))^2)", {"w": 3, "x": [1, 2, 6]}, [28]),  # 2w·var(x), var = 14/3
        ("l = sum(x*sum(w*x))", {"w": 3, "x": [1, 2, 4]}, [49]),
        ("l = sum(w*x + x^2)/n", {"w": 3, "x": [1, 2, 4]}, ["7/3"]),
        ("a = w*x\nl = mean(a)^2 + sum(a)", {"w": 3, "x": [1, 2, 3]}, [30]),
        ("l = mean(w + x)", {"w": 3, "x": [1, 2, 3]}, [1]),
        ("l = sum(w + x)", {"w": 3, "x": [1, 2, 3]}, [3]),
        ("l = n*w", {"w": 3, "x": [1, 2, 3]}, [3]),
        ("l = max(w, 3)", {"w": 3}, ["1/2"]),
        ("l = relu(w)", {"w": 0}, [0]),
        ("l = abs(w)", {"w": 0}, [0]),
        ("l = w*w*w", {"w": 3}, [27]),
    ],
)
def test_gradients_by_hand(text: str, values: Given, expected: list[int | str]) -> None:
    assert gradient(text, values) == [Fraction(value) for value in expected]


def test_a_parameter_used_on_several_ways() -> None:
    text = "a = w*x + b\nc = a*w\nl = mean((c - a)^2)"
    # at w = 2, b = 1: c − a = a = 2x + 1; ∂(c − a)/∂w = x(w − 1) + a, ∂(c − a)/∂b = w − 1
    found = gradient(text, {"w": 2, "b": 1, "x": [0, 1]}, ("w", "b"))
    assert found == [Fraction(2 * 1 * 1 + 2 * 3 * 4, 2), Fraction(2 * 1 + 2 * 3, 2)]


def test_a_line_that_the_loss_does_not_see_has_no_adjoint() -> None:
    found = calculated(derivation("q = b^2\nl = w^2", ("w", "b"), ()), {"w": 3, "b": 2})
    assert found["q"] == [Fraction(4)]
    assert adjoint_of("q") not in found
    assert found[adjoint_of("b")] == [Fraction(0)]


@pytest.mark.parametrize("text", ["q = sign(w)\nl = q + b", "q = w*0\nl = q + b", "q = w^0\nl = q + b"])
def test_an_adjoint_that_vanishes_identically_is_zero(text: str) -> None:
    assert gradient(text, {"w": 3, "b": 2}, ("w", "b")) == [0, 1]


def test_the_adjoint_of_the_loss_is_one() -> None:
    assert calculated(derivation("l = w^2", data=()), {"w": 3})[adjoint_of("l")] == [Fraction(1)]


def test_the_adjoint_of_a_sum_is_broadcast_and_of_a_broadcast_summed() -> None:
    found = calculated(derivation("s = sum(w*x)\nd = x - s\nl = mean(d^2)"), {"w": 1, "x": [1, 2, 3]})
    # d = −5, −4, −3; ∂l/∂s = −(2/3)(−12) = 8; ∂l/∂w = 8·6
    assert found[adjoint_of("s")] == [8]
    assert found[adjoint_of("w")] == [48]


def test_equal_parts_are_calculated_once() -> None:
    stage = compile_forward(derivation("l = (w + 1)^2*(w + 1)", data=()))[0]
    assert stage.terms[0].instructions == (
        Read("w", ()),
        Constant(Fraction(1)),
        Call("add", (0, 1)),
        Constant(Fraction(2)),
        Call("pow", (2, 3)),
        Call("mul", (4, 2)),
    )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_the_update_rule_is_for_arrays_of_any_shape(shape: tuple[int, ...]) -> None:
    size = 1
    for length in shape:
        size *= length
    p, g = (objects([from_fraction(Fraction(value + k)) for k in range(size)], shape) for value in (1, 10))
    rule = compile_rule("p", Optimizer("SGD").on_paper[0].expr)
    found = evaluate(rule, Exact(), {"p": p, "g": g, "lr": array("1/10")}, {}).results["p"]
    assert found.shape == shape
    assert [to_fraction(value) for value in found.flat] == [1 + k - Fraction(10 + k, 10) for k in range(size)]


@pytest.mark.parametrize(
    ("equations", "contractions"),
    [
        ("z[i,k] = sum(x[i,j]*w[j,k], j)\nl = sum(z[i,k]^2, i, k)", {"z", "∂w", "∂x"}),
        ("l = sum(w[i]*x[i], i)", {"l"}),  # its derivatives are products, with nothing to sum
        ("z[i] = w[i]*sum(x[j], j)\nl = sum(z[i], i)", set()),  # PyTorch multiplies, rounds, and adds up
        ("l = sum(2*w[i], i) + sum(x[i], i)", set()),
        ("l = sum(w[i]*x[i]*x[i], i)", {"l"}),  # w·x by x
        ("l = mean(w[i]*x[i], i)", set()),
        ("l = sum(w[i]*x[j], i, j)", set()),  # over letters that not both factors have
    ],
)
def test_what_is_one_sum_of_products(equations: str, contractions: set[str]) -> None:
    shapes = {"w": (3, 2) if "w[j,k]" in equations else (3,), "x": (4, 3) if "x[i,j]" in equations else (3,)}
    text = f'equations = """\n{equations}\n"""\n[parameters]\n'
    text += "".join(f"{name} = {np.ones(shape).tolist()}\n" for name, shape in shapes.items())
    whole = differentiate(elementary(load(text).graph))
    stages = (*compile_forward(whole), *compile_backward(whole))
    assert {stage.target for stage in stages if any(term.contraction for term in stage.terms)} == contractions
