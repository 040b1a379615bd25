"""What is told before a run is begun, beside what the run takes: the constants of the estimate are measured here.

Nothing is judged by seconds. A small loop in the same process stands for how fast the machine is now; printed is how
long a run takes, in units of what the loop says that a calculation costs, beside the estimate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from functools import partial
from random import Random

from flint import fmpq

from verify import audit, verify
from verify.hand.size import Size

NO_LIMIT = 10**18
LOOP = 200_000  # fractions that are multiplied and added
CALCULATIONS_A_TURN = 0.4  # calculations of the estimate for one turn of the loop: 10^8 of them take about a minute

LINE = """equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = {x}
y = {y}
[training]
lr = 0.01
batch_size = {batch}
steps = {steps}
dtype = "{dtype}"
"""
NETWORK = """equations = '''
h = tanh(x @ W + b)
z = h @ v + c
l = mean((z - y)^2)
'''
[parameters]
W = {{shape = [{inputs}, {hidden}], distribution = "normal", std = 0.3, seed = 1}}
b = {{shape = [{hidden}], distribution = "normal", std = 0.3, seed = 2}}
v = {{shape = [{hidden}], distribution = "normal", std = 0.3, seed = 3}}
c = 0
[data]
x = {x}
y = {y}
[training]
lr = 0.01
batch_size = 5
steps = {steps}
dtype = "{dtype}"
"""
MATRIX = """equations = "z = W @ u\\nl = mean(z^2)"
[parameters]
W = {{shape = [{size}, {size}], distribution = "normal", std = 0.03, seed = 1}}
u = {{shape = [{size}], distribution = "normal", seed = 2}}
[training]
lr = 0.01
steps = {steps}
dtype = "{dtype}"
"""


Case = tuple[str, Callable[[], object]]  # a run and its name


def _numbers(rows: int, columns: int = 0) -> list[object]:
    draw = Random(rows)
    return [[draw.randint(-99, 99) / 100 for _ in range(columns)] if columns else draw.random() for _ in range(rows)]


def line(steps: int, batch: int = 1, dtype: str = "float32") -> str:
    """A linear fit."""
    rows = min(steps * batch, 3000)
    return LINE.format(x=_numbers(rows), y=_numbers(rows), batch=batch, steps=steps, dtype=dtype)


def network(steps: int, inputs: int, hidden: int, dtype: str = "float32") -> str:
    """A network with one hidden layer."""
    given = {"inputs": inputs, "hidden": hidden, "x": _numbers(20, inputs), "y": _numbers(20)}
    return NETWORK.format(**given, steps=steps, dtype=dtype)


def table(text: str, wrong: int | None = None, parameters: int = 10**9) -> list[dict[str, object]]:
    """A table of the loss and the updated parameters, as float64 rounds them to 4 places; row `wrong` is off."""
    rows = []
    for row in verify(text, limit=NO_LIMIT).rows:
        kept = [(name, check) for name, check in row.checks.items() if not name.startswith("dl/")][:parameters]
        rows.append({"step": row.batch.step, **{name: f"{check.hand_value:.4f}" for name, check in kept}})
    if wrong is not None:
        name = list(rows[wrong])[-1]
        rows[wrong][name] = "0.9876"
    return rows


def long_table(steps: int, wrong: int | None = None) -> str:
    """The text of a table of a linear fit of one sample a step, by decimals of 60 digits; w of row `wrong` is off."""
    x, y = ([Decimal(repr(number)) for number in _numbers(min(steps, 3000))] for _ in "xy")
    w = b = Decimal(0)
    rows = ["step,l,w,b"]
    with localcontext(prec=60):
        for step in range(1, steps + 1):
            place = (step - 1) % len(x)
            off = w * x[place] + b - y[place]
            w, b = w - Decimal("0.02") * off * x[place], b - Decimal("0.02") * off
            shown = w + Decimal("0.02") * (step == wrong)
            rows.append(f"{step},{off * off:.6f},{shown:.6f},{b:.6f}")
    return "\n".join(rows) + "\n"


def cases() -> Iterator[Case]:
    """Steps × columns × rows × the size of a network, in all dtypes."""
    for name, text in (
        ("line, 1 sample, 2000 steps", line(2000)),
        ("line, 100 samples, 100 steps", line(100, 100)),
        ("line, float64, 300 steps", line(300, dtype="float64")),
        ("network 17-10, 60 steps", network(60, 17, 10)),
        ("network 17-10, float64, 10 steps", network(10, 17, 10, "float64")),
        ("network 40-40, 6 steps", network(6, 40, 40)),
        ("matrix of 300 × 300", MATRIX.format(size=300, steps=1, dtype="float32")),
        ("matrix of 60 × 60, float64", MATRIX.format(size=60, steps=1, dtype="float64")),
        ("matrix of 60 × 60, 20 steps", MATRIX.format(size=60, steps=20, dtype="float32")),
    ):
        yield f"verify: {name}", partial(verify, text, limit=NO_LIMIT)
    yield "verify --nodes: network 17-10, 10 steps", partial(verify, network(10, 17, 10), nodes=True, limit=NO_LIMIT)
    for name, text, wrong in (
        ("line, 3000 rows, right", line(3000), None),
        ("line, 10000 rows, right", line(10_000), None),
        ("line, 3000 rows, wrong", line(3000), 2),
        ("line, 100 samples, 60 rows, wrong", line(60, 100), 2),
        ("network 3-3, 60 rows, wrong", network(60, 3, 3), 2),
        ("network 17-10, 6 rows, right", network(6, 17, 10), None),
        ("network 17-10, 6 rows, wrong", network(6, 17, 10), 2),
        ("matrix of 12 × 12, 10 rows, wrong", MATRIX.format(size=12, steps=10, dtype="float32"), 2),
    ):
        rows = table(text, wrong)
        yield f"audit: {name}", partial(audit, text, claims=rows, limit=NO_LIMIT)
    for name, row in (("right", None), ("wrong at row 3", 3), ("wrong at row 50001", 50_001)):
        rows_of_text = long_table(100_000, row)
        yield f"audit: line, 100000 rows, {name}", partial(audit, line(100_000), claims=rows_of_text, limit=NO_LIMIT)


def speed() -> float:
    """Calculations of the estimate that this machine makes in a second now."""
    x, y, begun = fmpq(1, 3), fmpq(2, 7), time.process_time()
    for _ in range(LOOP):
        x * y + y
    return LOOP * CALCULATIONS_A_TURN / (time.process_time() - begun)


def main() -> None:
    """Prints, for each case, the estimate, what it takes, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    only = parser.parse_args().only
    told: list[int] = []

    def noted(size: Size, _: int) -> None:
        told.append(size.calculations)

    Size.check = noted  # type: ignore[method-assign]
    verify(network(1, 2, 2))  # what is loaded once
    print(f"{'':46}{'estimate':>10}{'taken':>10}{'ratio':>7}")
    for name, run in cases():
        if only not in name:
            continue
        told.clear()
        before, begun = speed(), time.process_time()
        run()
        seconds = time.process_time() - begun
        taken = seconds * (before + speed()) / 2
        print(f"{name:46}{sum(told):10.1e}{taken:10.1e}{sum(told) / taken:7.2f}   {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
