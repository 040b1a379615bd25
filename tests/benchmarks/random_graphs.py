"""Random problems from a seed: equations as text, and the numbers of as many steps of them as are wanted.

The forms are those of the tests (tests/strategies.py, tests/array_problems.py); hypothesis draws there, `random` here,
since a million steps need neither shrinking nor a database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from tests import array_problems, strategies
from verify.numbers import FORMATS

Shape = tuple[int, ...]
Floats = NDArray[np.float64]

REGIMES = ("near", "near", "near", "scaled", "scaled", "wild")  # how often each is drawn
LITERALS = strategies.LITERALS

_NORMALIZED = """m[i] = mean(X[i,j], j)
d[i,j] = X[i,j]*v[j] - m[i]
s[i] = mean(d[i,j]^2, j)
g[i,j] = d[i,j]/sqrt(s[i] + 0.01)
l = mean(mean(g[i,j]*v[j], j)^2 + w*y[i], i)"""

# Models as they are written in practice; {k} inputs and {h} hidden numbers. Square weights can be transposed.
NETWORKS = (
    "z = w*x + b\nl = mean((z - y)^2)",
    "z[i] = sum(X[i,j]*v[j], j) + b\nl = mean((z - y)^2)",
    "z = X @ W\nl = mean(sum(z[i,k]*v[k], k)^2 - z[i,0]*y[i], i)",
    "h = tanh(X @ W + b)\nz = h @ v\nl = mean((z - y)^2)",
    "h = relu(X @ W + v)\nz = h @ v + b\nl = mean((z - y)^2)",
    "h = sigmoid(X @ W)\nz = h @ v + b\nl = bce_with_logits(z, p)",
    "z = X @ W + v\nl = cross_entropy(z, c)",
    "h = gelu(X @ W)\nl = cross_entropy(h @ V, c)",
    "h = silu(X @ W @ V)\nl = huber(h @ v, y)",
    _NORMALIZED,
    "z = X @ v\nl = mean(softplus(z) - y*z) + 0.1*l2(v)",
    "s = X @ W @ transpose(X)\na = softmax(s)\nl = mean((a @ X @ v - y)^2)",
)
SHAPES: Mapping[str, Shape] = {"w": (), "b": (), "v": (3,), "W": (3, 3), "V": (3, 3)}
COLUMNS: Mapping[str, Shape] = {"x": (), "y": (), "t": (), "p": (), "c": (), "X": (3,)}
MAX_ATTENTION = 16  # samples of a network that multiplies them with one another


@dataclass(frozen=True)
class RandomGraph:
    """Equations, the shapes of their parameters, and the shapes of one row of their columns."""

    equations: str
    parameters: Mapping[str, Shape]
    columns: Mapping[str, Shape]

    def text(self, values: Mapping[str, Floats], dtype: str, lr: str) -> str:
        """A problem file of one step at `values`."""
        lines = ['equations = """', *self.equations.splitlines(), '"""', "[parameters]"]
        lines += [f"{name} = {values[name].tolist()}" for name in self.parameters]
        if self.columns:
            lines += ["[data]", *(f"{name} = {values[name].tolist()}" for name in self.columns)]
        return "\n".join([*lines, "[training]", f"lr = {lr}", f'dtype = "{dtype}"', ""])


def graph(random: Random, wild: bool) -> RandomGraph:
    """Random equations: of single numbers, of vectors and matrices, or a network."""
    kind = random.randrange(10)
    if kind < 5:
        return scalars(random, wild)
    return arrays(random) if kind < 7 else network(random)


def network(random: Random, square: bool = False) -> RandomGraph:
    """One of `NETWORKS`; with `square`, one that has a square weight."""
    equations = random.choice([text for text in NETWORKS if "W" in text or not square])
    return RandomGraph(equations, _used(SHAPES, equations), _used(COLUMNS, equations))


def _used(shapes: Mapping[str, Shape], equations: str) -> dict[str, Shape]:
    defined = {line.partition("=")[0].partition("[")[0].strip() for line in equations.splitlines()}
    names = set(re.findall(r"\b[A-Za-z]\w*\b", equations)) - defined
    return {name: shape for name, shape in shapes.items() if name in names}


def _put(form: str, **operands: str) -> str:
    """`form` with its names u and v replaced, in parentheses where they are not names themselves."""
    shown = {name: text if text.isidentifier() else f"({text})" for name, text in operands.items()}
    return re.sub(r"\b[uv]\b", lambda match: shown[match[0]], form)


@dataclass(frozen=True)
class _Piece:
    text: str
    runs: bool = False  # it has a value for each sample


def scalars(random: Random, wild: bool = False, mean: bool = False) -> RandomGraph:
    """Up to four lines with fan-out, of numbers and columns; with `mean`, the loss is a mean over the samples."""
    parameters = strategies.PARAMETERS[: random.randint(1, 3)]
    columns = strategies.COLUMNS[: random.randint(1 if mean else 0, 3)]
    leaves = [*map(_Piece, (*parameters, *parameters, *LITERALS)), *(_Piece(name, True) for name in columns)]
    leaves += [_Piece("n")] if columns else []
    lines: list[_Piece] = []
    for number in range(1, random.randint(1, 3) + 1):
        piece = _piece(random, leaves, random.randint(1, 3), wild)
        lines.append(_Piece(f"a{number} = {piece.text}", piece.runs))
        leaves += [_Piece(f"a{number}", piece.runs)] * 4  # earlier lines are read often
    ends = [_Piece(line.text.split()[0], line.runs) for line in lines[-2:]]
    if mean and not any(piece.runs for piece in ends):
        ends.append(_Piece(columns[0], True))
    whole = _Piece(" + ".join([piece.text for piece in ends] + list(parameters)), any(piece.runs for piece in ends))
    if mean:
        forms = ("mean(u)", "mean(u^2)", "mean(sin(u))")
    else:
        forms = ("mean(u)", "sum(u)", "(1/n)*u", "u/n", "mean(u^2)") if whole.runs else ("u", "u^2", "tanh(u)")
    equations = "\n".join((*(line.text for line in lines), "l = " + _put(random.choice(forms), u=whole.text)))
    used = {name: shape for name, shape in _used(COLUMNS, equations).items() if name in columns}
    return RandomGraph(equations, dict.fromkeys(parameters, ()), used)


def _piece(random: Random, leaves: list[_Piece], depth: int, wild: bool) -> _Piece:
    if depth == 0 or random.randrange(5) == 0:
        return random.choice(leaves)
    u, v = _piece(random, leaves, depth - 1, wild), _piece(random, leaves, depth - 1, wild)
    kind = random.randrange(10)
    if kind == 9 and u.runs:
        return _Piece(_put(random.choice(strategies.REDUCED), u=u.text))
    if kind == 8 and u.runs:
        return _Piece(_put(random.choice(strategies.CENTRED), u=u.text), True)
    if kind >= 4:
        forms = strategies.BINARY + strategies.WILD_BINARY * wild
        return _Piece(_put(random.choice(forms), u=u.text, v=v.text), u.runs or v.runs)
    return _Piece(_put(random.choice(strategies.UNARY + strategies.WILD * wild), u=u.text), u.runs)


def arrays(random: Random) -> RandomGraph:
    """Lines without indices, of vectors and matrices."""
    parameters = {name: SHAPES[name] for name in random.sample(list(SHAPES), random.randint(1, 3))}
    columns = {name: COLUMNS[name] for name in random.sample(["x", "y", "X"], random.randint(0, 2))}
    pool = [(name, tuple(shape)) for name, shape in (*parameters.items(), *parameters.items())]
    pool += [(name, ("n", *shape)) for name, shape in columns.items()]
    lines = []
    for number in range(1, random.randint(1, 4) + 1):
        text, shape = _array(random, pool)
        lines.append(f"a{number} = {text}")
        pool += [(f"a{number}", shape)] * 3
    forms = ("mean({u})", "sum({u})", "mean({u}^2)", "logsumexp({u})", "max({u})") if pool[-1][1] else ("{u}", "{u}^2")
    lines.append(f"l = {random.choice(forms).format(u=pool[-1][0])} + l2({', '.join(parameters)})")
    equations = "\n".join(lines)
    return RandomGraph(
        equations, parameters, {name: columns[name] for name in columns if name in _used(columns, equations)}
    )


def _array(random: Random, pool: list[tuple[str, tuple[int | str, ...]]]) -> tuple[str, tuple[int | str, ...]]:
    (u, left), (v, right), kind = random.choice(pool), random.choice(pool), random.randrange(10)
    if kind <= 2 and left and right and left[-1] == right[max(len(right) - 2, 0)] != "n":
        place = max(len(right) - 2, 0)
        return f"{u} @ {v}", (*left[:-1], *right[:place], *right[place + 1 :])
    if kind == 3 and left:
        return random.choice(array_problems.WHOLE).format(u=u), ()
    if kind == 4 and left:
        return random.choice(array_problems.LAST).format(u=u), left
    if kind >= 6 and (shape := array_problems.broadcast(left, right)) is not None:
        return random.choice(array_problems.PAIRS).format(u=u, v=v), shape
    return random.choice(array_problems.EACH).format(u=u), left


def exponents(dtype: str) -> tuple[int, int]:
    """The exponents of the smallest and the largest number of a format."""
    found = FORMATS[dtype]
    return max(found.tiny, -1074) + 1, int(np.frexp(found.largest)[1]) - 1


def numbers(random: np.random.Generator, name: str, shape: Shape, dtype: str, regime: str) -> Floats:
    """Random numbers for a quantity; the first dimension of `shape` is the step.

    near: up to 3, sometimes whole. scaled: each step by its own power of 2, within the middle half of the dtype's
    exponents. wild: half of them of any exponent that the dtype has.
    """
    if name == "c":
        return random.integers(0, 3, shape).astype(np.float64)
    if name == "p":
        return np.asarray(random.uniform(0, 1, shape))
    found = random.uniform(-3, 3, shape)
    found = np.where(random.random((shape[0], *[1] * (len(shape) - 1))) < 0.1, np.rint(found), found)
    low, high = exponents(dtype)
    if regime == "scaled":
        powers = random.uniform(low / 2.2, high / 2.2, shape[0])
        found = found * np.exp2(powers).reshape((-1, *[1] * (len(shape) - 1)))
    if regime == "wild":
        found = np.where(random.random(shape) < 0.5, found / 3 * np.exp2(random.uniform(low, high, shape)), found)
    return np.asarray(found)
