"""Random problems for hypothesis, as the text of a problem file, so that a failing one can be read and kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

PARAMETERS = ("w", "b", "k")
COLUMNS = ("x", "y", "t")
LEARNING_RATES = ("0.1", "0.01", "0.003", "1", '"1/3"')
LITERALS = ("1", "2", "0.5", "1/3", "0.1", "3", "pi")

# Every operation, kept inside its domain and to numbers of a moderate size whatever stands in u and v.
UNARY = (
    "-u",
    "tanh(u)",
    "sigmoid(u)",
    "softplus(u)",
    "relu(u)",
    "abs(u)",
    "sin(u)",
    "cos(u)",
    "sign(u)",
    "tan(sin(u))",
    "exp(tanh(u))",
    "exp(-abs(u))",
    "log(1 + u^2)",
    "log(abs(u) + 0.5)",
    "sqrt(u^2 + 1)",
    "sqrt(abs(u) + 1/3)",
    "u^2",
    "u^3",
    "(1 + u^2)^-1",
    "(abs(u) + 2)^0.5",
    "(abs(u) + 1)^(1/3)",
    "(1.5 + sin(u))^-1.7",
    "u/3",
    "0.3*u",
    "2^tanh(u)",
    "e^sin(u)",
    "pi*u",
    "u*u",
    "u + u",
)
BINARY = ("u + v", "u - v", "u*v", "u/(1 + v^2)", "u/(2 + sin(v))", "max(u, v)", "min(u, v)", "(1 + abs(u))^tanh(v)")

# The same without any care: overflow, division by zero, logarithms of negative numbers.
WILD = ("exp(u)", "log(u)", "sqrt(u)", "tan(u)", "1/u", "u^-2", "u^0.5", "u^5", "exp(u)^2", "log(u)*u", "1/exp(u)")
WILD_BINARY = ("u/v", "u^v", "max(u, v)/u", "u - v", "exp(u)/exp(v)")

REDUCED = ("mean(u)", "sum(u)", "sqrt(mean(u^2) + 1)", "mean((u - mean(u))^2)", "sum(u*mean(u))")
CENTRED = ("u - mean(u)", "u/(1 + sum(u^2))", "u*mean(abs(u))")  # still one value a sample


@dataclass(frozen=True)
class Piece:
    """An expression as text; `runs` says whether it has a value for each sample."""

    text: str
    runs: bool = False


def _put(form: str, **operands: Piece) -> str:
    """`form` with its names u and v replaced, in parentheses where they are not names themselves."""
    shown = {name: p.text if p.text.isidentifier() else f"({p.text})" for name, p in operands.items()}
    return re.sub(r"\b[uv]\b", lambda match: shown[match[0]], form)


@st.composite
def pieces(draw: st.DrawFn, leaves: tuple[Piece, ...], depth: int, wild: bool) -> Piece:
    """A random expression in `leaves`."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(leaves))
    inner = pieces(leaves, depth - 1, wild)
    u, v, kind = draw(inner), draw(inner), draw(st.integers(0, 9))
    if kind == 9 and u.runs:
        return Piece(_put(draw(st.sampled_from(REDUCED)), u=u))
    if kind == 8 and u.runs:
        return Piece(_put(draw(st.sampled_from(CENTRED)), u=u), True)
    if kind >= 4:
        binary = BINARY + WILD_BINARY * wild
        return Piece(_put(draw(st.sampled_from(binary)), u=u, v=v), u.runs or v.runs)
    return Piece(_put(draw(st.sampled_from(UNARY + WILD * wild)), u=u), u.runs)


@st.composite
def equations(draw: st.DrawFn, parameters: tuple[str, ...], columns: tuple[str, ...], wild: bool = False) -> str:
    """Up to five lines with fan-out; every parameter is used, and the loss depends on all of them."""
    given = [Piece(name) for name in parameters]
    leaves = [*given, *given, *(Piece(name, True) for name in columns), *(Piece(text) for text in LITERALS)]
    leaves += [Piece("n")] if columns else []
    lines: list[Piece] = []
    for number in range(draw(st.integers(1, 4))):
        piece = draw(pieces(tuple(leaves), 3, wild))
        lines.append(Piece(f"a{number} = {piece.text}", piece.runs))
        leaves += [Piece(f"a{number}", piece.runs)] * 4  # earlier lines are read often
    last = [Piece(line.text.split()[0], line.runs) for line in lines[-2:]]
    whole = Piece(" + ".join(piece.text for piece in (*last, *given)), any(piece.runs for piece in last))
    ends = ("mean(u)", "sum(u)", "(1/n)*u", "u/n", "mean(u^2)") if whole.runs else ("u", "u^2", "tanh(u)", "abs(u)")
    return "\n".join((*(line.text for line in lines), "l = " + _put(draw(st.sampled_from(ends)), u=whole)))


def numbers(wild: bool = False) -> st.SearchStrategy[str]:
    """Decimals with two digits after the point, and fractions that no float holds; wild: of any size."""
    choices = [
        st.integers(-300, 300).map(lambda hundredths: str(hundredths / 100)),
        st.integers(-300, 300).map(lambda top: f'"{top}/300"'),
        st.sampled_from(("0", "1", "-1", "0.1")),
    ]
    if wild:
        choices.append(st.builds(lambda digits, ten: f"{digits}e{ten}", st.integers(-99, 99), st.integers(-46, 37)))
    return st.one_of(choices)


@st.composite
def problems(draw: st.DrawFn, wild: bool = False) -> str:
    """A problem file with 1 to 3 parameters, up to 3 columns of 1 to 7 samples, and its settings."""
    parameters = PARAMETERS[: draw(st.integers(1, 3))]
    columns = COLUMNS[: draw(st.integers(0, 3))]
    samples = draw(st.integers(1, 7))
    text = [f'equations = """\n{draw(equations(parameters, columns, wild))}\n"""', "[parameters]"]
    text += [f"{name} = {draw(numbers(wild))}" for name in parameters]
    if columns:
        text.append("[data]")
        text += [f"{name} = [{', '.join(draw(numbers(wild)) for _ in range(samples))}]" for name in columns]
    text += ["[training]", "lr = " + draw(st.sampled_from(LEARNING_RATES))]
    text.append(f"steps = {draw(st.integers(1, 3))}")
    if columns:
        text.append(f"batch_size = {draw(st.integers(1, samples + 1))}")
        text.append(f"shuffle = {draw(st.sampled_from(('true', 'false')))}")
        text.append(f"seed = {draw(st.integers(0, 9))}")
    text.append(draw(st.sampled_from(('dtype = "float32"', 'dtype = "float64"'))))
    return "\n".join(text) + "\n"
