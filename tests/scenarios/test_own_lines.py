"""What follows through a line's own number: a person goes on with the printed h, as 1 − h², or goes back to z."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import Status, audit

FUNCTIONS = {  # the function, and its derivative by its own value h
    "tanh(z)": (math.tanh, lambda h: 1 - h * h),
    "sigmoid(z)": (lambda z: 1 / (1 + math.exp(-z)), lambda h: h * (1 - h)),
    "1/(1 + exp(-z))": (lambda z: 1 / (1 + math.exp(-z)), lambda h: h * (1 - h)),
    "exp(z)": (math.exp, lambda h: h),
    "exp(-z)": (lambda z: math.exp(-z), lambda h: -h),
    "sqrt(z)": (math.sqrt, lambda h: 1 / (2 * h)),
}


def statuses(problem: str, table: str) -> list[Status]:
    return [one.status for one in audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n').findings]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(FUNCTIONS)), st.integers(20, 150), st.integers(-300, 300), st.booleans(), st.booleans())
def test_what_is_calculated_from_a_wrong_line_is_inherited(
    function: str, hundredths: int, slip: int, goes_back: bool, is_wrong_there: bool
) -> None:
    z = hundredths / 100
    value, by_own = FUNCTIONS[function]
    right = round(value(z), 4)
    h = right + (slip + math.copysign(100, slip)) / 10_000 * right  # off by 1 to 4 hundredths of itself
    shown = f"{h:.4f}"
    upstream = float(shown) - 1
    # the derivative of the function from the printed h, or from z anew
    slope = by_own(value(z)) if goes_back else by_own(float(shown))
    exact = upstream * slope
    if abs(exact) < 0.05:
        return
    last = exact * (1.5 if is_wrong_there else 1)
    problem = f'equations = "h = {function}; l = (h - 1)^2/2"\n[parameters]\nz = {z}\n'
    found = statuses(problem, f"h,dl/dh,dl/dz\n{shown},{upstream:.4f},{last:.4f}")
    assert found[0] is Status.WRONG
    assert found[1] in (Status.INHERITED, Status.NOT_RIGHT)
    assert (found[2] is Status.WRONG) is is_wrong_there


SOFTMAX = """
equations = "p = softmax(z); l = -sum(t*log(p))"
[parameters]
z = [1, 0.5, -0.3]
[constants]
t = [1, 0, 0]
"""


def test_a_slip_in_a_probability_is_one_mistake() -> None:
    table = "p[0],p[1],p[2],dl/dz[0],dl/dz[1],dl/dz[2]\n.5322,.3282,.1450,-.4678,.3282,.1450"
    assert statuses(SOFTMAX, table) == [
        *(Status.RIGHT, Status.WRONG, Status.RIGHT),
        *(Status.RIGHT, Status.INHERITED, Status.RIGHT),
    ]
    other = table.replace("-.4678,.3282", "-.4678,.3382")
    assert statuses(SOFTMAX, other)[4] is Status.WRONG  # it follows from neither


LOGISTIC = """
equations = "p = sigmoid(w*x); l = -mean(y*log(p) + (1 - y)*log(1 - p))"
[parameters]
w = {w}
[data]
x = {x}
y = {y}
"""


@pytest.mark.parametrize(
    ("w", "x", "probabilities", "digits"),
    [(0.3, [2, 2, 2], ".65,.65,.65", 3), (0.3, [2, 2, 2], ".6457,.6457,.6457", 4)],
)
def test_what_the_printed_numbers_give_exactly_is_carried(
    w: float, x: list[int], probabilities: str, digits: int
) -> None:
    y = [1, 0, 1]
    p = [Fraction(number) for number in probabilities.split(",")]
    gradient = sum((one - t) * place for one, t, place in zip(p, y, x, strict=True)) / 3
    problem = LOGISTIC.format(w=w, x=x, y=y)
    found = statuses(problem, f"p[0],p[1],p[2],dl/dw\n{probabilities},{float(gradient):.{digits}f}")
    assert all(status.is_accepted for status in found)
    wrong = statuses(problem, f"p[0],p[1],p[2],dl/dw\n{probabilities},{float(-gradient):.{digits}f}")
    assert not wrong[3].is_accepted


def test_what_is_reported_beside_the_loss_is_no_line_of_it() -> None:
    problem = 'equations = "h = tanh(z); l = (h - 1)^2/2"\n[parameters]\nz = 0.8\n[report]\nr = "tanh(z)"\n'
    assert statuses(problem, "h,dl/dz\n.6940,-.1586") == [Status.WRONG, Status.INHERITED]
