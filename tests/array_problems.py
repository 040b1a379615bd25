"""Random problems with vectors and matrices for hypothesis, with and without indices, as the text of a problem file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.strategies import LEARNING_RATES, numbers

Shape = tuple[int | str, ...]  # "n" is the number of samples
LETTERS = "ijkmr"

EACH = (
    "{u}",
    "-{u}",
    "{u}^2",
    "tanh({u})",
    "sigmoid({u})",
    "relu({u})",
    "abs({u})",
    "exp(tanh({u}))",
    "log1p(abs({u}))",
    "expm1(tanh({u}))",
    "erf({u})",
    "softplus({u})",
    "silu({u})",
    "elu({u})",
    "leaky_relu({u})",
    "leaky_relu({u}, 0.2)",
    "gelu({u})",
    "gelu_tanh({u})",
    "hinge({u})",
    "huber({u})",
    "square({u})",
    "sin({u})*{u}",
    "where({u} > 0, {u}, {u}^2)",
    "where({u} <= 1, 2*{u}, 1 + {u})",
    "clip({u}, -1, 1)",
    "log2({u}^2 + 1)",
    "log10({u}^2 + 1)",
    "detach({u})*{u}",
    "max({u}, 0, 1)",
    "max({u}, 1)*{u}",
)
PAIRS = (
    "{u} + {v}",
    "{u} - {v}",
    "{u}*{v}",
    "{u}/({v}^2 + 1)",
    "max({u}, {v})",
    "min({u}, {v})",
    "where({u} > {v}, {u}*{v}, {v})",
    "tanh({u})*{u} - {v}",
)
WHOLE = (
    "sum({u})",
    "mean({u})",
    "max({u})",
    "min({u})",
    "logsumexp({u})",
    "var({u})",
    "norm(exp(tanh({u})))",
    "l2({u})",
    "sum({u}*softmax({u}))",
    "mean({u} - mean({u}))",
    "mse({u}, 1)",
    "mae({u}, 1/3)",
    "huber({u}, 0)",
    "half_mse({u}, 2)",
    "sse({u}, 1)",
    "bce(sigmoid({u}), 1/4)",
    "bce_with_logits({u}, 1)",
)
LAST = ("softmax({u})", "log_softmax({u})", "{u} - mean({u})", "{u}*max({u})", "{u}/(1 + sum({u}^2))")
OVER = ("sum", "mean", "max", "min", "logsumexp", "var", "softmax", "log_softmax")


@dataclass(frozen=True)
class Piece:
    """One name, or what stands in its place, and its shape."""

    text: str
    shape: Shape


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape of both, matched from the last axis on; None where they do not fit."""
    short, long = sorted((left, right), key=len)
    return long if not short or long[len(long) - len(short) :] == short else None


@st.composite
def bare(draw: st.DrawFn, pool: Sequence[Piece]) -> Piece:
    """The right side of a line without indices."""
    u, v, kind = draw(st.sampled_from(pool)), draw(st.sampled_from(pool)), draw(st.integers(0, 9))
    if kind <= 2 and len(u.shape) > 0 and len(v.shape) > 0:
        place = max(len(v.shape) - 2, 0)
        if u.shape[-1] == v.shape[place] and len(u.shape) <= 2 and len(v.shape) <= 2:
            return Piece(f"{u.text} @ {v.text}", (*u.shape[:-1], *v.shape[:place], *v.shape[place + 1 :]))
    if kind == 3 and u.shape:
        return Piece(draw(st.sampled_from(WHOLE)).format(u=u.text), ())
    if kind == 4 and u.shape:
        return Piece(draw(st.sampled_from(LAST)).format(u=u.text), u.shape)
    if kind == 5 and len(u.shape) == 2:
        return Piece(f"transpose({u.text})", u.shape[::-1])
    if kind == 6 and len(u.shape) == len(v.shape) == 1:
        return Piece(f"outer({u.text}, {v.text})", (*u.shape, *v.shape))
    if kind >= 6 and (shape := broadcast(u.shape, v.shape)) is not None:
        return Piece(draw(st.sampled_from(PAIRS)).format(u=u.text, v=v.text), shape)
    return Piece(draw(st.sampled_from(EACH)).format(u=u.text), u.shape)


@dataclass
class Letters:
    """Gives each axis of a line a letter: one that is used for the same size, or a new one."""

    sizes: dict[str, int | str]

    def read(self, draw: st.DrawFn, piece: Piece) -> tuple[str, tuple[str, ...]] | None:
        """`u[i,k]` and its letters; None where the letters do not suffice."""
        taken: list[str] = []
        for size in piece.shape:
            fitting = [c for c in LETTERS if self.sizes.get(c, size) == size and c not in taken]
            if size == "n":
                fitting = [c for c in fitting if c == "i" or self.sizes.get(c) == "n"] or fitting
            elif "i" in fitting:
                fitting.remove("i")
            if not fitting:
                return None
            letter = draw(st.sampled_from(fitting[:3]))
            taken.append(letter)
            self.sizes[letter] = size
        return (f"{piece.text}[{','.join(taken)}]" if taken else piece.text), tuple(taken)


@st.composite
def indexed(draw: st.DrawFn, pool: Sequence[Piece]) -> tuple[str, Piece]:
    """The letters on the left side of a line with indices, such as [i,k], and its right side."""
    letters = Letters({})
    found = [letters.read(draw, draw(st.sampled_from(pool))) for _ in range(draw(st.integers(1, 3)))]
    read = [entry for entry in found if entry is not None]
    if not any(own for _, own in read):
        piece = draw(bare(pool))
        return "", piece
    free = list(dict.fromkeys(letter for _, own in read for letter in own))
    factors = [draw(st.sampled_from((*EACH[:8], "{u}", "{u}", "{u}"))).format(u=text) for text, _ in read]
    text = draw(st.sampled_from(("*", " + ", " - "))).join(f"({factor})" for factor in factors)
    kept = draw(st.permutations(free))[: draw(st.integers(0, min(3, len(free))))]
    summed = [letter for letter in free if letter not in kept]
    op = draw(st.sampled_from(OVER))
    if op in ("softmax", "log_softmax"):
        if len(free) > 3:
            op = "sum"
        else:
            kept, summed = draw(st.permutations(free)), [draw(st.sampled_from(free))]
    if summed:
        text = f"{op}({text}, {', '.join(summed)})"
    if kept and draw(st.booleans()):
        text = f"{text}*{read[0][0]}" if set(read[0][1]) <= set(kept) else f"{text}/2"
    shape = tuple(letters.sizes[letter] for letter in kept)
    return f"[{','.join(kept)}]" if kept else "", Piece(text, shape)


def listed(draw: st.DrawFn, shape: tuple[int, ...]) -> str:
    """Random numbers as nested lists."""
    if not shape:
        return draw(numbers())
    return f"[{', '.join(listed(draw, shape[1:]) for _ in range(shape[0]))}]"


@st.composite
def array_problems(draw: st.DrawFn) -> str:
    """A problem file with 1 to 3 parameters of up to two dimensions, up to 2 data columns, and its settings."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    shapes = st.lists(st.sampled_from(sizes), max_size=2).map(tuple)
    parameters = [Piece(name, draw(shapes)) for name in ("w", "b", "q")[: draw(st.integers(1, 3))]]
    columns = [Piece(name, ("n", *draw(shapes)[:1])) for name in ("x", "y")[: draw(st.integers(0, 2))]]
    pool = [*parameters, *parameters, *columns]
    lines: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        left, piece = draw(indexed(pool)) if draw(st.booleans()) else ("", draw(bare(pool)))
        lines.append(f"a{number}{left} = {piece.text}")
        pool += [Piece(f"a{number}", piece.shape)] * 3  # earlier lines are read often
    last = pool[-1]
    ends = ("mean({u})", "sum({u})", "mean({u}^2)", "logsumexp({u})", "max({u})") if last.shape else ("{u}", "{u}^2")
    end = draw(st.sampled_from(ends)).format(u=last.text)
    lines.append(f"l = {end} + l2({', '.join(p.text for p in parameters)})")
    samples = draw(st.integers(1, 4))
    text = ['equations = """', *lines, '"""', "[parameters]"]
    text += [f"{p.text} = {listed(draw, tuple(int(size) for size in p.shape))}" for p in parameters]
    if columns:
        text.append("[data]")
        for column in columns:
            text.append(f"{column.text} = {listed(draw, (samples, *(int(size) for size in column.shape[1:])))}")
    text += ["[training]", "lr = " + draw(st.sampled_from(LEARNING_RATES))]
    text.append(f"steps = {draw(st.integers(1, 2))}")
    if columns:
        text.append(f"batch_size = {draw(st.integers(1, samples))}")
    text.append(draw(st.sampled_from(('dtype = "float32"', 'dtype = "float64"'))))
    return "\n".join(text) + "\n"
