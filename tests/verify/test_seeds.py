"""The numbers that two published tutorials print, to their printed digits.

Each is checked three times: PyTorch's number, the exact number by hand, and an independent computation in
plain fractions in this file, which must give the hand calculation's number exactly.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import pytest
import torch

from derive.problem import load
from verify import Result, verify
from verify.numbers import to_fraction

LINE_STEPS = (1, 5, 10, 20, 50)


@cache
def parabola(lr: str = "0.1", steps: int = 100, start: int = 0, on_nonfinite: str = "stop") -> Result:
    """Gradient descent on (x − 3)² from `start`."""
    text = f'equations = "f = (x - 3)^2"\n[parameters]\nx = {start}\n[training]\nlr = {lr}\nsteps = {steps}\n'
    return verify(text, on_nonfinite=on_nonfinite)


def by_hand(result: Result, name: str) -> list[Fraction]:
    """The exact number of every step: of the loss, of a gradient (`dl/dw`), or of a parameter after its update."""
    loss = result.problem.graph.loss
    found = []
    for step in result.hand.steps:
        numbers = {loss: step.loss, **{f"d{loss}/d{key}": g for key, g in step.gradients.items()}, **step.after}
        exact = to_fraction(numbers[name].item())
        assert exact is not None
        found.append(exact)
    return found


def by_pytorch(result: Result, name: str) -> list[float]:
    """The same of PyTorch."""
    loss = result.problem.graph.loss
    found = []
    for step in result.record.steps:
        numbers = {loss: step.loss, **{f"d{loss}/d{key}": g for key, g in step.gradients.items()}, **step.after}
        found.append(float(numbers[name]))
    return found


def printed(numbers: list[float] | list[Fraction], digits: int) -> list[str]:
    """Numbers with that many decimals; a fraction is rounded as it is, not as a float."""
    return [f"{float(round(Fraction(number), digits)):.{digits}f}" for number in numbers]


def both_print(result: Result, name: str, digits: int, expected: list[str], steps: tuple[int, ...] = ()) -> None:
    """PyTorch's numbers and those by hand are printed as `expected`, at the first steps or at `steps`."""
    chosen = steps or tuple(range(1, len(expected) + 1))
    pytorch, exact = by_pytorch(result, name), by_hand(result, name)
    assert printed([pytorch[step - 1] for step in chosen], digits) == expected
    assert printed([exact[step - 1] for step in chosen], digits) == expected


def descent(lr: Fraction, start: Fraction) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """x after each step, f and its gradient before it."""
    x = start
    while True:
        value, gradient = (x - 3) ** 2, 2 * (x - 3)
        x = x - lr * gradient
        yield x, value, gradient


def is_descent(result: Result, lr: str, start: int = 0) -> bool:
    """Whether the hand calculation has the numbers of `descent`, exactly."""
    mine = descent(Fraction(lr), Fraction(start))
    numbers = zip(*(by_hand(result, name) for name in ("x", "f", "df/dx")), strict=True)
    return all(found == wanted for found, wanted in zip(numbers, mine, strict=False))


# Gradient descent on a parabola: 003, §4.4 and §4.5


def test_experiment_07() -> None:
    result = parabola()
    assert result.agrees
    assert is_descent(result, "0.1")
    x = "0.600000 1.080000 1.464000 1.771200 2.016960 2.213568 2.370854 2.496684 2.597347 2.677877"
    f = "9.000000 5.760000 3.686400 2.359296 1.509950 0.966368 0.618475 0.395824 0.253327 0.162130"
    gradient = "-6.0000 -4.8000 -3.8400 -3.0720 -2.4576 -1.9661 -1.5729 -1.2583 -1.0066 -0.8053"
    both_print(result, "x", 6, x.split())
    both_print(result, "f", 6, f.split())
    both_print(result, "df/dx", 4, gradient.split())
    both_print(result, "x", 6, ["3.000000"], (100,))


def test_experiment_08_is_07_bit_for_bit() -> None:
    hand_written, with_sgd = torch.tensor(0.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([with_sgd], lr=0.1)
    values: list[tuple[float, float, float]] = []
    for _ in range(100):
        (loss,) = (torch.square(hand_written - 3),)
        (slope,) = torch.autograd.grad(loss, hand_written)
        with torch.no_grad():
            hand_written -= 0.1 * slope
        with_sgd.grad = None
        other = (with_sgd - 3) ** 2
        other.backward()  # type: ignore[no-untyped-call]
        assert with_sgd.grad is not None
        assert other.item() == loss.item()
        assert with_sgd.grad.item() == slope.item()
        optimizer.step()
        assert with_sgd.item() == hand_written.item()
        values.append((with_sgd.item(), other.item(), slope.item()))
    recorded = zip(*(by_pytorch(parabola(), name) for name in ("x", "f", "df/dx")), strict=True)
    assert list(recorded) == values


# Other learning rates and another start: 003, §4.8


def test_lr_099_oscillates_with_shrinking_amplitude() -> None:
    result = parabola("0.99", 10)
    assert result.agrees
    assert is_descent(result, "0.99")
    for numbers in (by_hand(result, "x"), by_pytorch(result, "x")):
        distances = [Fraction(number) - 3 for number in numbers]
        assert all(first * second < 0 for first, second in zip(distances, distances[1:], strict=False))
        assert all(abs(second) < abs(first) for first, second in zip(distances, distances[1:], strict=False))


def test_lr_1_goes_between_0_and_6_forever() -> None:
    result = parabola("1.0", 50)
    assert result.agrees
    assert by_hand(result, "x") == by_pytorch(result, "x") == [6, 0] * 25


@pytest.mark.parametrize(
    ("lr", "x"), [("1.5", [9, -9, 27, -45, 99, -189]), ("2.0", [12, -24, 84, -240])], ids=["1.5", "2.0"]
)
def test_it_diverges(lr: str, x: list[int]) -> None:
    result = parabola(lr, len(x))
    assert result.agrees
    assert is_descent(result, lr)
    assert by_hand(result, "x") == by_pytorch(result, "x") == x


def test_lr_2_reaches_infinity_and_nan_in_float32_and_stays_finite_by_hand() -> None:
    result = parabola("2.0", 90, on_nonfinite="continue")
    loss, x = by_pytorch(result, "f"), by_pytorch(result, "x")
    assert next(step for step, value in enumerate(loss, start=1) if math.isinf(value)) == 41
    assert next(step for step, value in enumerate(x, start=1) if math.isinf(value)) == 80
    assert next(step for step, value in enumerate(x, start=1) if math.isnan(value)) == 81
    assert next(step for step, value in enumerate(loss, start=1) if math.isnan(value)) == 82
    assert len(result.record.steps) == len(result.hand.steps) == 90
    assert is_descent(result, "2.0")
    assert by_hand(result, "x")[-1] == 3 - 3 * 3**90  # an even number of steps
    assert [note.partition(";")[0] for note in result.nonfinite] == [
        "PyTorch's f is inf first at step 41 (epoch 41, batch 1)",
        "PyTorch's x is -inf first at step 80 (epoch 80, batch 1)",
        "PyTorch's df/dx is -inf first at step 81 (epoch 81, batch 1)",
        "PyTorch's x is nan first at step 81 (epoch 81, batch 1)",
        "PyTorch's f is nan first at step 82 (epoch 82, batch 1)",
        "PyTorch's df/dx is nan first at step 82 (epoch 82, batch 1)",
    ]


def test_lr_2_ends_where_the_loss_is_infinite_unless_told_otherwise() -> None:
    result = parabola("2.0", 90)
    assert len(result.record.steps) == 41
    assert result.stopped == (
        'PyTorch\'s run ends with step 41, in which a number is not finite; on_nonfinite = "continue" lets it go on'
    )
    [note] = result.nonfinite
    assert note == "PyTorch's f is inf first at step 41 (epoch 41, batch 1); by hand it is 1.33027946e+39 there"
    assert round(Fraction(9) * 9**40, -31) == Fraction("1.33027946e39")


def test_from_7_every_gradient_has_the_other_sign() -> None:
    result = parabola(start=7)
    assert result.agrees
    assert is_descent(result, "0.1", 7)
    both_print(result, "df/dx", 4, ["8.0000", "6.4000", "5.1200"])
    x = by_hand(result, "x")
    assert all(3 < later < earlier for earlier, later in zip(x, x[1:], strict=False))


# A line through twenty points: 003, §4.6 and §4.8


def twenty_points(slope: float) -> tuple[list[float], list[float]]:
    """The tutorial's data: slope·x + 0.5 and noise, as float32 draws and rounds them."""
    torch.manual_seed(0)
    x = torch.linspace(-1.0, 1.0, 20)
    return x.tolist(), (slope * x + 0.5 + 0.1 * torch.randn(20)).tolist()


def fitted(
    x: list[Fraction], y: list[Fraction], lr: Fraction, w: Fraction, b: Fraction, steps: int
) -> list[tuple[Fraction, Fraction, Fraction]]:
    """w and b after each step, and the mean squared error before it."""
    n, found = len(x), []
    for _ in range(steps):
        errors = [w * at + b - value for at, value in zip(x, y, strict=True)]
        loss = sum((error * error for error in errors), Fraction()) / n
        w, b = (
            w - lr * 2 * sum((error * at for error, at in zip(errors, x, strict=True)), Fraction()) / n,
            b - lr * 2 * sum(errors, Fraction()) / n,
        )
        found.append((w, b, loss))
    return found


def is_fitted(result: Result, steps: int) -> bool:
    """Whether the hand calculation has the numbers of `fitted` in its first steps, exactly."""
    x, y = (list(column.values) for column in result.problem.data)
    w, b = (parameter.values[0] for parameter in result.problem.parameters)
    assert result.settings.lr is not None
    mine = fitted(x, y, result.settings.lr, w, b, steps)
    names = ("w", "b", result.problem.graph.loss)
    return list(zip(*(by_hand(result, name)[:steps] for name in names), strict=True)) == mine


def test_the_shipped_line_has_the_tutorials_data() -> None:
    problem = load("line")
    held = [[float(torch.tensor(float(value))) for value in column.values] for column in problem.data]
    assert held == list(twenty_points(2.0))


def test_experiment_09() -> None:
    result = verify("line")
    assert result.agrees
    assert is_fitted(result, 50)
    both_print(result, "w", 6, "0.154490 0.666696 1.121395 1.643009 2.050989".split(), LINE_STEPS)
    both_print(result, "b", 6, "0.106941 0.359492 0.477290 0.528539 0.534696".split(), LINE_STEPS)
    both_print(result, "l", 6, "1.912861 0.933316 0.420929 0.095822 0.008301".split(), LINE_STEPS)
    both_print(result, "w", 4, ["2.0510"], (50,))
    both_print(result, "b", 4, ["0.5347"], (50,))


def test_another_slope() -> None:
    x, y = twenty_points(-1.0)
    text = f"""
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = {x}
y = {y}
[training]
lr = 0.1
epochs = 50
"""
    result = verify(text)
    assert result.agrees
    assert is_fitted(result, 50)
    both_print(result, "w", 2, ["-0.88"], (50,))
    assert abs(by_hand(result, "b")[-1] - Fraction("0.5")) < Fraction("0.05")


# Celsius to Fahrenheit: 002, §7.3 and §7.7

ONE_AND_ZERO = """
equations = "loss = mean((w*celsius + b - fahrenheit)^2)"
[parameters]
w = 1
b = 0
[data]
celsius = [0, 20, 40, 60, 80, 100]
fahrenheit = [32, 68, 104, 140, 176, 212]
[training]
lr = 0.0001
epochs = 1000
"""


def test_the_temperatures_do_not_come_out_as_printed() -> None:
    result = verify("temperature")
    assert result.agrees
    assert is_fitted(result, 1000)
    both_print(result, "w", 3, ["2.211"], (1000,))  # printed: 1.799
    both_print(result, "b", 3, ["1.865"], (1000,))  # printed: 31.957
    both_print(result, "loss", 2, ["11449.43"], (1,))  # printed: 8585.23


def test_nor_from_the_other_initial_values() -> None:
    result = verify(ONE_AND_ZERO)
    assert result.agrees
    assert is_fitted(result, 1000)
    both_print(result, "w", 3, ["2.209"], (1000,))
    both_print(result, "b", 3, ["1.988"], (1000,))


def test_37_degrees_are_not_98_6_after_1000_epochs() -> None:
    text = ONE_AND_ZERO.replace("loss =", "pred = w*celsius + b; loss =") + "[predict]\ncelsius = [37]\n"
    result = verify(text)
    assert result.agrees
    [check] = result.comparison.predictions
    w, b = by_hand(result, "w")[-1], by_hand(result, "b")[-1]
    assert check.hand_fraction == 37 * w + b
    assert check.name == "pred[0]"
    assert f"{check.autograd:.1f}" == f"{check.hand_value:.1f}" == "83.7"
