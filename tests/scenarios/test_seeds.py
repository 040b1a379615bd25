"""The numbers that two published tutorials print, to their printed digits.

Each is checked three times: PyTorch's number, the exact number by hand, and an independent computation in
plain fractions in this file, which must give the hand calculation's number exactly. Twice the last digit that is
printed is one of float32's rounding, and the exact number has another one there.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import islice, pairwise

import pytest
import torch
from flint import arb

from derive.problem.loading import load
from verify import Result, verify
from verify.numbers import Exactly, as_ball, from_fraction, precision, to_float, to_fraction

LINE_STEPS = (1, 5, 10, 20, 50)


@cache
def parabola(lr: str = "0.1", steps: int = 100, start: int = 0, on_nonfinite: str = "stop") -> Result:
    """Gradient descent on (x − 3)² from `start`."""
    text = f'equations = "f = (x - 3)^2"\n[parameters]\nx = {start}\n[training]\nlr = {lr}\nsteps = {steps}\n'
    return verify(text, on_nonfinite=on_nonfinite)


def by_hand(result: Result, name: str) -> list[Exactly]:
    """The number of every step by hand: of the loss, of a gradient (`dl/dw`), or of a parameter after its update.

    It is a fraction, or a ball around one that is too long to go on with.
    """
    loss = result.problem.graph.loss
    found = []
    for step in result.hand.steps:
        numbers = {loss: step.loss, **{f"d{loss}/d{key}": g for key, g in step.gradients.items()}, **step.after}
        found.append(numbers[name].item())
    return found


def fractions(result: Result, name: str) -> list[Fraction]:
    """The same, all as fractions."""
    found = [to_fraction(number) for number in by_hand(result, name)]
    return [number for number in found if number is not None]


def is_known(result: Result, name: str, mine: list[Fraction]) -> bool:
    """Whether the hand calculation has exactly these numbers: as fractions, or inside narrow balls."""
    found = by_hand(result, name)
    with precision(10_000):  # of the balls around `mine`, which are far narrower than those of the calculation
        return len(found) == len(mine) and all(map(_is, found, mine))


def _is(number: Exactly, wanted: Fraction) -> bool:
    if isinstance(number, arb):
        return bool(number.contains(as_ball(from_fraction(wanted))))
    return to_fraction(number) == wanted


def by_pytorch(result: Result, name: str) -> list[float]:
    """The same of PyTorch."""
    loss = result.problem.graph.loss
    found = []
    for step in result.record.steps:
        numbers = {loss: step.loss, **{f"d{loss}/d{key}": g for key, g in step.gradients.items()}, **step.after}
        found.append(float(numbers[name]))
    return found


def printed(numbers: Iterable[float] | Iterable[Exactly], digits: int) -> list[str]:
    """Numbers with that many decimals; a fraction is rounded as it is, not as a float."""
    return [_printed(number, digits) for number in numbers]


def _printed(number: float | Exactly, digits: int) -> str:
    exact = Fraction(number) if isinstance(number, float) else to_fraction(number) or Fraction(to_float(number))
    return f"{float(round(exact, digits)):.{digits}f}"


def both_print(result: Result, name: str, digits: int, expected: list[str], steps: tuple[int, ...] = ()) -> None:
    """PyTorch's numbers and those by hand are printed as `expected`, at the first steps or at `steps`."""
    chosen = steps or tuple(range(1, len(expected) + 1))
    pytorch, exact = by_pytorch(result, name), by_hand(result, name)
    assert printed([pytorch[step - 1] for step in chosen], digits) == expected
    assert printed([exact[step - 1] for step in chosen], digits) == expected


def descent(lr: Fraction, start: Fraction) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Yields x after each step, f and its gradient before it."""
    x = start
    while True:
        value, gradient = (x - 3) ** 2, 2 * (x - 3)
        x = x - lr * gradient
        yield x, value, gradient


def is_descent(result: Result, lr: str, start: int = 0) -> bool:
    """Whether the hand calculation has the numbers of `descent`, exactly."""
    mine = list(islice(descent(Fraction(lr), Fraction(start)), len(result.hand.steps)))
    columns = zip(*mine, strict=True)
    return all(is_known(result, name, list(column)) for name, column in zip(("x", "f", "df/dx"), columns, strict=True))


# Gradient descent on a parabola: 003, §4.4 and §4.5


def test_experiment_07() -> None:
    result = parabola()
    assert result.agrees
    assert is_descent(result, "0.1")
    x = "0.600000 1.080000 1.464000 1.771200 2.016960 2.213568 2.370854 2.496684 2.597347 2.677877"
    f = "9.000000 5.760000 3.686400 2.359296 1.509950 0.966368 0.618475 0.395824 0.253327 0.162130"
    gradient = "-6.0000 -4.8000 -3.8400 -3.0720 -2.4576 -1.9661 -1.5729 -1.2583 -1.0066 -0.8053"
    both_print(result, "x", 6, x.split())
    # the fifth loss is 1.5099497 in float32: the tutorial prints 1.509950 for the exact 1.50994944
    assert printed(by_pytorch(result, "f")[:10], 6) == f.split()
    assert printed(by_hand(result, "f")[:10], 6) == f.replace("1.509950", "1.509949").split()
    assert fractions(result, "f")[4] == Fraction("1.50994944")
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
    for numbers in (fractions(result, "x"), by_pytorch(result, "x")):
        distances = [Fraction(number) - 3 for number in numbers]
        assert all(first * second < 0 for first, second in pairwise(distances))
        assert all(abs(second) < abs(first) for first, second in pairwise(distances))


def test_lr_1_goes_between_0_and_6_forever() -> None:
    result = parabola("1.0", 50)
    assert result.agrees
    assert fractions(result, "x") == by_pytorch(result, "x") == [6, 0] * 25


@pytest.mark.parametrize(
    ("lr", "x"), [("1.5", [9, -9, 27, -45, 99, -189]), ("2.0", [12, -24, 84, -240])], ids=["1.5", "2.0"]
)
def test_it_diverges(lr: str, x: list[int]) -> None:
    result = parabola(lr, len(x))
    assert result.agrees
    assert is_descent(result, lr)
    assert fractions(result, "x") == by_pytorch(result, "x") == x


def test_lr_2_reaches_infinity_and_nan_in_float32_and_stays_finite_by_hand() -> None:
    result = parabola("2.0", 90, on_nonfinite="continue")
    loss, x = by_pytorch(result, "f"), by_pytorch(result, "x")
    assert next(step for step, value in enumerate(loss, start=1) if math.isinf(value)) == 41
    assert next(step for step, value in enumerate(x, start=1) if math.isinf(value)) == 80
    assert next(step for step, value in enumerate(x, start=1) if math.isnan(value)) == 81
    assert next(step for step, value in enumerate(loss, start=1) if math.isnan(value)) == 82
    assert len(result.record.steps) == len(result.hand.steps) == 90
    assert is_descent(result, "2.0")
    assert fractions(result, "x")[-1] == 3 - 3 * 3**90  # an even number of steps
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
    x = fractions(result, "x")
    assert all(3 < later < earlier for earlier, later in pairwise(x))


# A line through twenty points: 003, §4.6 and §4.8


def twenty_points(slope: float) -> tuple[list[float], list[float]]:
    """The tutorial's data: slope·x + 0.5 and noise, as float32 draws and rounds them."""
    torch.manual_seed(0)
    x = torch.linspace(-1.0, 1.0, 20)
    return x.tolist(), (slope * x + 0.5 + 0.1 * torch.randn(20)).tolist()


def fitted(
    x: Sequence[Fraction], y: Sequence[Fraction], lr: Fraction, start: tuple[Fraction, Fraction], steps: int
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """The w and b after each step, and the mean squared error before it, by the sums of a fitted line."""
    n = Fraction(len(x))
    sum_x, sum_y = sum(x, Fraction()), sum(y, Fraction())
    sum_xx, sum_yy = sum((a * a for a in x), Fraction()), sum((a * a for a in y), Fraction())
    sum_xy = sum((a * c for a, c in zip(x, y, strict=True)), Fraction())
    w, b = start
    for _ in range(steps):
        along_w, along_b = sum_xx * w + sum_x * b - sum_xy, sum_x * w + n * b - sum_y
        loss = (w * along_w + b * along_b - w * sum_xy - b * sum_y + sum_yy) / n
        w, b = w - 2 * lr / n * along_w, b - 2 * lr / n * along_b
        yield w, b, loss


def is_fitted(result: Result) -> bool:
    """Whether the hand calculation has the numbers of `fitted`, exactly."""
    x, y = (column.values for column in result.problem.data)
    w, b = (parameter.values[0] for parameter in result.problem.parameters)
    assert result.settings.lr is not None
    columns = zip(*fitted(x, y, result.settings.lr, (w, b), result.settings.steps), strict=True)
    names = ("w", "b", result.problem.graph.loss)
    return all(is_known(result, name, list(column)) for name, column in zip(names, columns, strict=True))


def test_the_shipped_line_has_the_tutorials_data() -> None:
    problem = load("line")
    held = [[float(torch.tensor(float(value))) for value in column.values] for column in problem.data]
    assert held == list(twenty_points(2.0))


def test_experiment_09() -> None:
    result = verify("line")
    assert result.agrees
    assert is_fitted(result)
    # the tutorial prints the float32 0.15448950 as 0.154490; by hand, w is 0.154489497… after step 1
    assert printed(by_pytorch(result, "w")[:1], 6) == ["0.154490"]
    assert printed(by_hand(result, "w")[:1], 6) == ["0.154489"]
    assert printed(by_hand(result, "w")[:1], 9) == ["0.154489497"]
    both_print(result, "w", 6, ["0.666696", "1.121395", "1.643009", "2.050989"], LINE_STEPS[1:])
    both_print(result, "b", 6, ["0.106941", "0.359492", "0.477290", "0.528539", "0.534696"], LINE_STEPS)
    both_print(result, "l", 6, ["1.912861", "0.933316", "0.420929", "0.095822", "0.008301"], LINE_STEPS)
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
    assert is_fitted(result)
    both_print(result, "w", 2, ["-0.88"], (50,))
    assert abs(fractions(result, "b")[-1] - Fraction("0.5")) < Fraction("0.05")


# Celsius to Fahrenheit: 002, §7.3 and §7.7

ONE_AND_ZERO = """
equations = "pred = w*celsius + b; loss = mean((pred - fahrenheit)^2)"
[parameters]
w = 1
b = 0
[data]
celsius = [0, 20, 40, 60, 80, 100]
fahrenheit = [32, 68, 104, 140, 176, 212]
[training]
lr = 0.0001
epochs = 1000
[predict]
celsius = [37]
"""


def test_the_temperatures_do_not_come_out_as_printed() -> None:
    result = verify("temperature")
    assert result.agrees
    assert is_fitted(result)
    both_print(result, "w", 3, ["2.211"], (1000,))  # printed: 1.799
    both_print(result, "b", 3, ["1.865"], (1000,))  # printed: 31.957
    both_print(result, "loss", 2, ["11449.43"], (1,))  # printed: 8585.23


def test_nor_from_the_other_initial_values_nor_for_37_degrees() -> None:
    result = verify(ONE_AND_ZERO)
    assert result.agrees
    assert is_fitted(result)
    both_print(result, "w", 3, ["2.209"], (1000,))
    both_print(result, "b", 3, ["1.988"], (1000,))
    [check] = result.comparison.predictions
    w, b = by_hand(result, "w")[-1], by_hand(result, "b")[-1]
    assert check.name == "pred[0]"
    assert check.hand is not None
    assert as_ball(check.hand).overlaps(as_ball(37 * w + b))
    assert printed([check.autograd, check.hand_value], 1) == ["83.7", "83.7"]  # printed: 98.6
