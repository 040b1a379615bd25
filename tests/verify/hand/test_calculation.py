"""The inputs of a calculation: exact, and as unknowns within their printed digits."""

from fractions import Fraction

from flint import fmpq

from derive.problem.loading import load
from verify.hand.calculation import INPUTS, input_marks, numbers
from verify.numbers import Exact, Forms

TEXT = """\
rounded = ["x", "c"]
equations = "l = mean((w*x - c)^2)"
[parameters]
w = 0.5
[constants]
c = "1/3"
[data]
x = [1.5, 20]
"""


def test_rounded_inputs_are_counted_one_after_the_other() -> None:
    assert input_marks(load(TEXT)) == {"c": INPUTS, "x": INPUTS + 1}


def test_a_rounded_input_is_an_unknown_where_the_system_knows_of_it() -> None:
    problem = load(TEXT)
    [x], [w], [c] = problem.data, problem.parameters, problem.constants
    system = Forms(inputs=input_marks(problem))
    found = numbers(x, system)
    assert [form.centre for form in found] == [fmpq(3, 2), fmpq(20)]
    assert [dict(form.parts) for form in found] == [{INPUTS + 1: fmpq(1, 20)}, {INPUTS + 2: fmpq(1, 2)}]
    assert all(form.sources == frozenset() for form in found)  # no number of the author's
    assert numbers(w, system).item().is_fixed
    assert numbers(c, system).item().is_fixed  # a quotient is exact
    assert all(form.is_fixed for form in numbers(x, Forms()))
    assert list(numbers(x, Exact())) == [fmpq(3, 2), fmpq(20)]
    assert x.slacks == (Fraction(1, 20), Fraction(1, 2))
