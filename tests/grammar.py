"""Random problems that are valid by construction, from a seed: the grammar of the paper notation, data, flags, claims.

Every construct stands where it is allowed: operations of the table, index notation with sums, indices as numbers and
picks along every axis, the samples among them, `@`, transpose, where, losses, constants; with optimizers, schedulers,
batches, claims and what is watched, reported and predicted drawn too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

Shape = tuple[int | str, ...]  # "n" is the number of samples
LETTERS = "ikmrs"  # i is kept for the samples

EACH = (
    *(
        "{u}",
        "-{u}",
        "{u}^2",
        "tanh({u})",
        "sigmoid({u})",
        "relu({u})",
        "abs({u})",
        "exp(tanh({u}))",
        "sqrt({u}^2 + 1)",
    ),
    *("log({u}^2 + 1)", "log1p(abs({u}))", "sin({u})", "cos({u})", "sign({u})*{u}", "erf({u})", "softplus({u})"),
    *("gelu({u})", "silu({u})", "clip({u}, -1, 1)", "max({u}, 0)", "min({u}, 1)", "detach({u})*{u}", "{u}/2"),
    *("where({u} > 0, {u}, {u}^2)", "where({u} != 1, 2*{u}, 1)", "(2 - {u})^3", "1/({u}^2 + 1)", "2^tanh({u})"),
)
PAIRS = (
    "{u} + {v}",
    "{u} - {v}",
    "{u}*{v}",
    "{u}/({v}^2 + 1)",
    "max({u}, {v})",
    "min({u}, {v})",
    "where({u} >= {v}, {u}, {v})",
)
WHOLE = (
    "sum({u})",
    "mean({u})",
    "max({u})",
    "min({u})",
    "logsumexp({u})",
    "var({u})",
    "l2({u})",
    "norm({u})",
    "mse({u}, 1)",
)
OVER = ("sum", "mean", "max", "min", "logsumexp", "var")
LOSSES = ("mean({u})", "sum({u}^2)", "mean({u}^2)", "logsumexp({u})", "mse({u}, 1)", "huber({u}, 0)", "mae({u}, 1/3)")
OPTIMIZERS: tuple[dict[str, Any], ...] = (
    *({}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.1}, {"optimizer": "Adam"}),
    *({"optimizer": name} for name in ("AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "Adamax")),
    *({"momentum": 0.9, "variant": "lr_in_velocity"}, {"optimizer": "Adam", "variant": "eps_inside"}),
)
SCHEDULES: tuple[dict[str, Any], ...] = (
    *({}, {}, {}, {"scheduler": "StepLR", "step_size": 1}, {"scheduler": "ExponentialLR", "gamma": 0.5}),
    *({"scheduler": "CosineAnnealingLR", "T_max": 2}, {"clip_grad_norm": 1}, {"clip_grad_value": 0.5}),
)
FLAGS: tuple[dict[str, Any], ...] = (
    *({}, {}, {"nodes": True}, {"zero_grad": False}, {"first": True}, {"drift": 1}, {"dtype": "float64"}),
    *({"until": "l < -5"}, {"on_nonfinite": "continue"}, {"dtype": "float16"}, {"dtype": "bfloat16"}),
)


@dataclass(frozen=True)
class Name:
    """A name with its shape."""

    text: str
    shape: Shape


@dataclass(frozen=True)
class Drawn:
    """A problem file, the settings it is verified with, a table of claims and claimed formulas."""

    text: str
    settings: dict[str, Any] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    formulas: tuple[str, ...] = ()


def draw(random: Random) -> Drawn:
    """The problem of the next numbers of `random`."""
    size, samples = random.randint(1, 3), random.randint(1, 5)
    shapes: tuple[Shape, ...] = ((), (size,), (size, size))
    parameters = [Name(name, random.choice(shapes)) for name in ("w", "b")[: random.randint(1, 2)]]
    constants = [Name("c", random.choice(shapes))] if random.random() < 0.4 else []
    columns = [Name(name, ("n", *random.choice(shapes[:2]))) for name in ("x", "y")[: random.randint(0, 2)]]
    labels = [Name("v", ("n",))] if columns and random.random() < 0.4 else []
    pool, lines = [*parameters, *parameters, *columns, *constants], []
    for number in range(random.randint(1, 4)):
        line = _line(random, f"a{number}", pool, labels, samples)
        lines.append(line[0])
        pool += [line[1]] * 3
    last = pool[-1]
    end = (
        random.choice(LOSSES).format(u=last.text) if last.shape else random.choice(("{u}", "{u}^2")).format(u=last.text)
    )
    lines.append(f"l = {end} + l2({', '.join(name.text for name in parameters)})" + (" + 0*sum(v)" if labels else ""))
    text = ["equations = '''", *lines, "'''"]
    tables = [("parameters", parameters, 0), ("constants", constants, 0), ("data", [*columns, *labels], samples)]
    for table, names, many in tables:
        text += [f"[{table}]"] * bool(names)
        text += [f"{name.text} = {_numbers(random, name, many)}" for name in names]
    settings = {"lr": 0.1, **random.choice(OPTIMIZERS), **random.choice(SCHEDULES), **random.choice(FLAGS)}
    if columns:
        settings |= random.choice(({}, {"batch_size": random.randint(1, samples)}, {"shuffle": True, "batch_size": 1}))
        settings |= {"epochs": random.randint(1, 2)}
        text += ["[predict]", *(f"{name.text} = {_numbers(random, name, 2)}" for name in (*columns, *labels))] * (
            random.random() < 0.2 and samples > 1
        )
    else:
        settings |= {"steps": random.randint(1, 3)}
    settings.pop("clip_grad_norm" if "variant" in settings and random.random() < 0.5 else "", None)
    entry = [0] * len(parameters[0].shape)
    label = parameters[0].text + (str(entry).replace(" ", "") if entry else "")
    claims = [{"step": 1, "l": random.choice((1, 0.5)), label: 0.3, f"dl/d{label}": 1}]
    left = f"a0{lines[0].partition(' =')[0][2:]}"
    formulas = (f"{left} = {lines[0].partition(' = ')[2]}", f"l = {lines[-1].partition(' = ')[2]}")
    return Drawn("\n".join(text) + "\n", settings, claims, formulas)


def _numbers(random: Random, name: Name, samples: int) -> str:
    """Nested lists of short decimals; of labels `v` whole numbers that are 0 or, with two samples or more, 1."""
    if name.text == "v":
        return str([random.randint(0, 1) if samples > 1 else 0 for _ in range(samples)])
    sizes = [samples if size == "n" else int(size) for size in name.shape]
    return _listed(random, sizes)


def _listed(random: Random, sizes: list[int]) -> str:
    if not sizes:
        return str(random.choice((0, 1, -1, 0.5, 2, -0.25, 0.1, 3)))
    return f"[{', '.join(_listed(random, sizes[1:]) for _ in range(sizes[0]))}]"


def _line(random: Random, name: str, pool: list[Name], labels: list[Name], samples: int) -> tuple[str, Name]:
    """A line `name`, with indices or without, and what it defines."""
    if random.random() < 0.5:
        piece = _bare(random, pool)
        return f"{name} = {piece.text}", Name(name, piece.shape)
    left, piece = _indexed(random, pool, labels, samples)
    return f"{name}{left} = {piece.text}", Name(name, piece.shape)


def _bare(random: Random, pool: list[Name]) -> Name:
    """The right side of a line without indices."""
    u, v = random.choice(pool), random.choice(pool)
    short, long = sorted((u.shape, v.shape), key=len)
    kinds = ["each"] + ["pair"] * 2 * (not short or long[len(long) - len(short) :] == short)
    kinds += ["whole"] * bool(u.shape) + ["transpose"] * (len(u.shape) == 2)
    place = max(len(v.shape) - 2, 0)
    kinds += (
        ["product"]
        * 2
        * (0 < len(u.shape) <= 2 and 0 < len(v.shape) <= 2 and u.shape[-1] == v.shape[place] and "n" not in v.shape[:1])
    )
    match random.choice(kinds):
        case "pair":
            return Name(random.choice(PAIRS).format(u=u.text, v=v.text), long)
        case "whole":
            return Name(random.choice(WHOLE).format(u=u.text), ())
        case "transpose":
            return Name(f"transpose({u.text})", u.shape[::-1])
        case "product":
            return Name(f"{u.text} @ {v.text}", (*u.shape[:-1], *v.shape[:place], *v.shape[place + 1 :]))
    return Name(random.choice(EACH).format(u=u.text), u.shape)


def _indexed(random: Random, pool: list[Name], labels: list[Name], samples: int) -> tuple[str, Name]:
    """The letters on the left of a line with indices, and its right side."""
    sizes: dict[str, int | str] = {}
    terms = [_read(random, random.choice(pool), sizes, labels, samples) for _ in range(random.randint(1, 3))]
    factors = [random.choice(EACH).format(u=term) for term in terms]
    if sizes and random.random() < 0.4:
        factors.append(random.choice((*sizes,)) if random.random() < 0.7 else f"({random.choice((*sizes,))} + 1)")
    text = random.choice(("*", " + ", " - ")).join(f"({factor})" for factor in factors)
    free = [*sizes]
    random.shuffle(free)
    kept = free[: random.randint(0, min(2, len(free)))]
    summed = [letter for letter in free if letter not in kept]
    if summed:
        text = f"{random.choice(OVER)}({text}, {', '.join(summed)})"
    return f"[{','.join(kept)}]" if kept else "", Name(text, tuple(sizes[letter] for letter in kept))


def _read(random: Random, name: Name, sizes: dict[str, int | str], labels: list[Name], samples: int) -> str:
    """A name with an index along each axis: a letter, a number, or a label."""
    written: list[str] = []
    for size in name.shape:
        letter = next(c for c in (LETTERS[0] if size == "n" else LETTERS[1:]) if c not in written)
        if random.random() < 0.25:
            written.append(str(random.randrange(samples if size == "n" else int(size))))
        elif labels and random.random() < 0.3 and ((size == "n" and samples > 1) or (size != "n" and int(size) > 1)):
            sizes["i"] = "n"
            written.append("v[i]")
        elif (letter in sizes and sizes[letter] != size) or (size == "n" and "i" in written):
            written.append("0")
        else:
            sizes[letter] = size
            written.append(letter)
    return f"{name.text}[{','.join(written)}]" if written else name.text
