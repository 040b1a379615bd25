"""What a wrong number late in a long run costs beside a right one, for every optimizer.

Run from the checkout: python tests/benchmarks/long_wrong.py
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from verify import audit

LINEAR = ("p = w*x + b", "w = 0.5\nb = 0.1")
TANH = ("p = v*tanh(w*x + b)", "w = 0.5\nb = 0.1\nv = 0.7")
OPTIMIZERS = {
    "SGD": 'optimizer = "SGD"',
    "momentum": 'optimizer = "SGD"\nmomentum = 0.9',
    "Nesterov": 'optimizer = "SGD"\nmomentum = 0.9\nnesterov = true',
    "RMSprop": 'optimizer = "RMSprop"',
    "Adagrad": 'optimizer = "Adagrad"',
    "Adam": 'optimizer = "Adam"',
    "AdamW": 'optimizer = "AdamW"',
}


def problem(model: tuple[str, str], optimizer: str, steps: int) -> str:
    """A problem file of four samples in one batch."""
    equation, parameters = model
    return (
        f'equations = """\n{equation}\nl = mean((p - y)^2)\n"""\n[parameters]\n{parameters}\n[data]\n'
        f"x = [0.1, 0.4, 0.7, 1.1]\ny = [0.3, 0.9, 1.3, 2.5]\n[training]\n{OPTIMIZERS[optimizer]}\nlr = 0.01\n"
        f"steps = {steps}\n"
    )


def cost(text: str, steps: int, number: str, times: int) -> tuple[float, str, bool]:
    """The least seconds of processor time for an audit, the right number, and whether PyTorch was asked."""
    least = float("inf")
    for _ in range(times):
        begun = time.process_time()
        found = audit(text, sentences=[f"step {steps}: w = {number}"])
        least = min(least, time.process_time() - begun)
    return least, found.findings[0].exact or number, found.asked_pytorch


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000, help="the step of the claim (1,000)")
    parser.add_argument("--times", type=int, default=3, help="how often each is measured; the least counts (3)")
    options = parser.parse_args()
    print(f"{'':16}    right    wrong    ratio")
    for name, model in (("linear", LINEAR), ("tanh", TANH)):
        for optimizer in OPTIMIZERS:
            text = problem(model, optimizer, options.steps)
            wrong, right, asked = cost(text, options.steps, "7", options.times)
            plain, _, _ = cost(text, options.steps, right, options.times)
            told = "  PyTorch was asked" if asked else ""
            print(f"{name:7}{optimizer:9}{plain:8.2f}s{wrong:8.2f}s{wrong / plain:9.1f}{told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
