"""Problems of long runs with small states, of which the right numbers can be told step by step."""

from __future__ import annotations

from random import Random

OPTIMIZERS = {
    "SGD": "",
    "SGD, weight decay": "weight_decay = 0.01",
    "momentum": "momentum = 0.5",
    "Adam": 'optimizer = "Adam"\neps = 1e-3',
}
_MODELS = {
    "w*x + b": "w = {}\nb = {}",
    "w*x": "w = {}",
    "tanh(w*x + b)": "w = {}\nb = {}",
    "w*x^2 + b*x": "w = {}\nb = {}",
    "exp(w*x/4) - b": "w = {}\nb = {}",
    "v[0]*x + v[1]": "v = [{}, {}]",
}
Wanted = tuple[str, str, tuple[int, ...]]


def long_run(draw: Random, optimizer: str | None = None) -> tuple[str, list[Wanted]]:
    """The text of a problem, and what can be wanted of each of its steps."""
    model, given = draw.choice(list(_MODELS.items()))
    samples, batch = draw.randint(3, 12), draw.randint(1, 4)
    columns = {name: [f"{draw.uniform(-1, 1):.3f}" for _ in range(samples)] for name in "xy"}
    more = OPTIMIZERS[optimizer or draw.choice(list(OPTIMIZERS))]
    numbers = [f"{draw.uniform(-1, 1):.2f}" for _ in range(2)]
    text = f"""equations = '''
m = {model}
l = mean((m - y)^2)
'''
[parameters]
{given.format(*numbers)}
[data]
x = [{", ".join(columns["x"])}]
y = [{", ".join(columns["y"])}]
[training]
lr = {draw.choice(["0.01", "0.1", '"1/7"'])}
batch_size = {batch}
epochs = {draw.randint(2, 15)}
{more}
"""
    entries: list[tuple[str, tuple[int, ...]]] = [("v", (0,)), ("v", (1,))] if "v[" in model else [("w", ())]
    if "b" in given:
        entries.append(("b", ()))
    wanted: list[Wanted] = [("loss", "l", ())]
    for group in ("before", "gradients", "after"):
        wanted += [(group, name, position) for name, position in entries]
    return text, wanted
