"""The chain rule's products in PyTorch's form: the same derivative, and what the form is there for."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.calculus import partial
from derive.algebra.expression import Apply, Expr, Number, Ref, replace
from derive.algebra.operations import OPERANDS, OPERATIONS
from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.graph.graph import build
from derive.paper.lines import read_lines
from derive.paper.syntax import read_expression
from derive.problem.loading import load
from derive.show.notation import Ascii
from tests.step_bounds import at as at_state
from tests.step_bounds import distance, prepared
from verify import Outcome, Result, verify
from verify.bound.elementary import elementary
from verify.bound.pytorch_forms import as_calculated, as_pytorch, form, forward, settled
from verify.hand.evaluation import evaluate
from verify.hand.program import compile_rule
from verify.names import adjoint_of
from verify.numbers import Exact, Exactly, as_ball, from_fraction, is_finite, objects, precision

NAMES = tuple(name for name, operation in OPERATIONS.items() if operation.backward)
POSITIVE = ("log", "sqrt", "log1p", "log2", "log10", "pow")
KINKED = ("relu", "abs", "max", "min", "sign", "detach", "where", "clip")
TENTHS = st.integers(-30, 30).map(lambda tenths: Fraction(tenths, 10))


def calculated(expr: Expr, values: dict[str, Exactly]) -> Exactly:
    """An expression in single names, in exact numbers or to 100 digits."""
    with precision(400):
        given_values = {name: objects([value], ()) for name, value in values.items()}
        found: Exactly = evaluate(compile_rule("found", expr), Exact(), given_values, {}).results["found"].item()
    return found


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(TENTHS, min_size=4, max_size=4))
def test_each_form_is_g_times_sympys_derivative(name: str, drawn: list[Fraction]) -> None:
    operation = OPERATIONS[name]
    operands = [Ref(operand, ()) for operand in OPERANDS[: operation.arity]]
    values = {operand.name: from_fraction(x) for operand, x in zip(operands, drawn, strict=False)}
    if name in POSITIVE:
        values["x"] = abs(values["x"]) + from_fraction(Fraction(1, 7))
    if name == "where":
        values["x"] = from_fraction(Fraction(drawn[0] > 0))
    if name == "div" and values["y"] == 0:
        values["y"] = from_fraction(Fraction(1, 3))
    line = Apply(name, tuple(operands))
    values |= {"g": from_fraction(drawn[3]), "z": calculated(line, values)}
    for text, operand in zip(operation.backward, operands, strict=True):
        tree = replace(form(text), lambda ref: Apply("pi", ()) if ref.name == "pi" else Ref(ref.name, ()))
        ours = calculated(Apply("mul", (Ref("g", ()), partial(line, operand))), values)
        theirs = calculated(tree, values)
        if name in KINKED:
            assert theirs == ours
            continue
        difference = as_ball(theirs - ours)
        assert is_finite(difference)
        assert abs(difference) < arb(10) ** -100


def products(line: str, *parameters: str) -> list[str]:
    """The products of the edges of one line, its adjoint being G."""
    derivation = differentiate(elementary(build(read_lines(line), parameters=parameters)))
    product = as_pytorch(derivation)
    return [Ascii().show(product(edge, Ref("G", ()))) for edge in derivation.edges]


@pytest.mark.parametrize(
    ("line", "names", "expected"),
    [
        ("l = a/b", "ab", ["G/b", "-G*(a/b/b)"]),
        ("l = tanh(a)", "a", ["G*(1 - l°*l°)"]),
        ("l = sigmoid(a)", "a", ["G*(1 - l°)*l°"]),
        ("l = a - b", "ab", ["G", "-G"]),
        ("l = a^2", "a", ["G*(2*a)"]),
        ("l = a^3", "a", ["G*(3*(a*a))"]),
        ("l = a^0.5", "a", ["G*(0.5*a^(-0.5))"]),
        ("l = a^5", "a", ["G*(5*a^4)"]),
        ("l = 2^a", "a", ["G*where(0*(0 <= a), 0, l°*log(2))"]),
    ],
)
def test_the_products_are_those_of_autograd(line: str, names: str, expected: list[str]) -> None:
    assert products(line, *names) == expected


def test_an_exponent_that_no_float_holds_is_not_reduced_exactly() -> None:
    power = Apply("sub", (Number(Fraction(1, 10)), Number(Fraction(1))))
    assert settled(power) == power
    assert settled(Apply("sub", (Number(Fraction(1, 2)), Number(Fraction(1))))) == Number(Fraction(-1, 2))


def test_two_products_whose_sum_sympy_has_simplified_stay_so() -> None:
    assert products("l = clip(a, a, b)", "a", "b")[0].startswith("G*(")


def test_the_hand_calculation_keeps_sympys_partials() -> None:
    bound, _ = prepared('equations = "l = tanh(w)"\n[parameters]\nw = 0.5\n')
    ours = next(stage for stage in bound.exact.stages if stage.target == adjoint_of("w"))
    theirs = next(stage for stage in bound.rounded.stages if stage.target == adjoint_of("w"))
    assert [i.op for i in ours.terms[0].instructions if hasattr(i, "op")] == ["tanh", "pow", "sub", "mul"]
    assert [i.op for i in theirs.terms[0].instructions if hasattr(i, "op")] == ["mul", "sub", "mul"]


def at(line: str, dtype: str = "float32", **parameters: object) -> Result:
    listed = "\n".join(f"{name} = {value}" for name, value in parameters.items())
    return verify(f'equations = """\n{line}\n"""\n[parameters]\n{listed}\n', dtype=dtype, nodes=True)


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("l = w/b", {"w": "3e10", "b": "1.1e20"}),  # b² overflows
        ("l = w/b", {"w": "3e-30", "b": "-1.1e-25"}),  # b² underflows
        ("l = sqrt(w)", {"w": "1.3e-38"}),
        ("l = log(w)", {"w": "1.7e-30"}),
        ("l = w^b", {"w": "1.3e-30", "b": "1.2"}),
        ("l = w^b", {"w": "1.3e30", "b": "-0.9"}),
        ("l = w^b", {"w": "0", "b": "2"}),  # ∂/∂w: 2·0^1
        ("l = w^-1", {"w": "1e-12"}),
    ],
)
def test_what_was_undecided_is_decided_now(line: str, parameters: dict[str, str]) -> None:
    result = at(line, **parameters)
    checks = [check for check in result.comparison.checks if check.quantity == "dl/dw"]
    assert [check.agrees for check in checks] == [True]
    assert all(check.agrees is not False for check in result.comparison.checks)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus"])
def test_saturated_functions_give_no_false_alarm(name: str, dtype: str) -> None:
    points = np.concatenate([np.linspace(-90, 90, 241), np.linspace(-12, 12, 241)]).tolist()
    result = at(f"f = {name}(w)\nl = sum(f)", dtype, w=points)
    assert result.verdict.outcome is Outcome.AGREES, result.verdict.sentence
    assert all(check.agrees for check in result.comparison.checks)


def test_a_gradient_that_is_wrong_is_still_found() -> None:
    bound, record = prepared('equations = "l = w/b"\n[parameters]\nw = 3e10\nb = 1.1e20\n')
    right = float(record.steps[0].gradients["b"])
    found = distance(bound, at_state(bound, record.steps[0]), adjoint_of("b"), right)
    assert abs(float(found.error[0])) <= float(found.bound[0]) < abs(right) * 2.0**-20


def test_the_forms_are_read_once() -> None:
    text = OPERATIONS["tanh"].backward[0]
    assert form(text) is form(text)
    assert form(text) == read_expression(text, Place("backward"))


X = Ref("x", ())


def power(exponent: str) -> Expr:
    return as_calculated(Apply("pow", (X, Number(Fraction(exponent)))))


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        ("0", "1"),
        ("1", "x"),
        ("2", "x*x"),
        ("3", "x*x*x"),
        ("-1", "1/x"),
        ("1/2", "sqrt(x)"),
        ("-1/2", "x^(-0.5)"),
        ("-2", "x^(-2)"),
        ("5", "x^5"),
        ("1/3", "x^(1/3)"),
    ],
)
def test_what_is_calculated_for_an_exponent(exponent: str, expected: str) -> None:
    assert Ascii().show(power(exponent)) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pytorch_takes_these_short_cuts(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    for size in ((), (3,), (10_000,)):
        x = torch.rand(size, generator=generator, dtype=dtype) * 100 + 0.01
        assert torch.equal(x**0, torch.ones_like(x))
        assert torch.equal(x**1, x)
        assert torch.equal(x**2, x * x)
        assert torch.equal(x**3, x * x * x)
        assert torch.equal(x**-1, 1 / x)
        assert torch.equal(x**-2, 1 / (x * x))
        assert torch.equal(x**0.5, torch.sqrt(x))


def test_a_line_is_derived_as_a_power_all_the_same() -> None:
    whole = differentiate(elementary(load("article").graph))
    calculated = forward(whole)
    assert calculated.adjoints == whole.adjoints
    changed = [(p.body, q.body) for p, q in zip(whole.parts, calculated.parts, strict=True) if p.body != q.body]
    assert [tuple(map(Ascii().show, pair)) for pair in changed] == [("d[i]^2", "d[i]*d[i]")]
