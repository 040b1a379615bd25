"""Random problems that are valid by construction, from a seed: the grammar of the paper notation, data, flags, claims.

Every construct stands where it is allowed: operations of the table, index notation with sums, indices as numbers and
picks along every axis, the samples among them, `@`, transpose, outer, where, losses of targets and labels, constants,
numbers that PyTorch draws, an upstream gradient; with optimizers and their options, variants, groups, schedulers,
batches, what adds up, what is frozen, watched, reported and predicted, what ends a run, and claims drawn too.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    *("elu({u})", "leaky_relu({u})", "leaky_relu({u}, 1/3)", "gelu_tanh({u})", "square({u})", "expm1(tanh({u}))"),
    *("log2({u}^2 + 1)", "log10({u}^2 + 1)", "huber({u})", "hinge({u})", "tan(tanh({u}))", "abs({u})^(3/2)"),
    *("where({u} > 0, log({u}), {u})", "where({u} >= 1, sqrt({u}), 2*{u})", "{u}^3/3", "-{u}^2", "ln({u}^2 + 2)"),
)
PAIRS = ("{u} + {v}", "{u} - {v}", "{u}*{v}", "{u}/({v}^2 + 1)")
SIDES = (  # of two that differ: whether a number that is no fraction is as large as itself, digits do not tell
    *("max({u}, {v})", "min({u}, {v})", "where({u} >= {v}, {u}, {v})", "clip({u}, {v}, {v} + 1)"),
    "where({u} < {v}, {u}^2, 2*{v})",
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
    "sse({u}, 2)",
    "half_mse({u}, 1/2)",
    "mae({u}, 1)",
    "huber({u}, 1/3)",
    "hinge({u}, 1)",
    "bce(sigmoid({u}), 1/4)",
    "bce_with_logits({u}, 3/4)",
    "dot({u}, {u})",
)
LAST = ("softmax({u})", "log_softmax({u})")
OF_LABELS = ("cross_entropy({u}, v)", "mean(pick({u}, v))", "sum(pick(log_softmax({u}), v))")
OVER = ("sum", "mean", "max", "min", "logsumexp", "var")
LOSSES = ("mean({u})", "sum({u}^2)", "mean({u}^2)", "logsumexp({u})", "mse({u}, 1)", "huber({u}, 0)", "mae({u}, 1/3)")
OPTIMIZERS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "SGD": ({}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"momentum": 0.9, "dampening": 0.5}),
    "Adagrad": ({}, {"lr_decay": 0.1}, {"initial_accumulator_value": 0.5, "eps": 1e-4}),
    "RMSprop": ({}, {"momentum": 0.9}, {"centered": True}, {"alpha": 0.5, "centered": True, "momentum": 0.5}),
    "Adam": ({}, {"amsgrad": True}, {"betas": [0.5, 0.75]}, {"eps": 0.1}),
    "AdamW": ({}, {"amsgrad": True}, {"weight_decay": 0.1, "betas": [0.8, 0.9]}),
    "Adadelta": ({}, {"rho": 0.5}),
    "NAdam": ({}, {"momentum_decay": 0.1}, {"betas": [0.5, 0.75]}),
    "Adamax": ({}, {"betas": [0.5, 0.75]}),
}
VARIANTS: Mapping[str, tuple[str | list[str], ...]] = {
    "SGD": ("lr_in_velocity", "velocity_as_step", "averaged_velocity"),
    "Adagrad": ("eps_inside",),
    "RMSprop": ("eps_inside", "average_from_1", ["eps_inside", "average_from_1"]),
    "Adam": ("eps_inside", "folded_bias_correction", "no_bias_correction"),
    "AdamW": ("eps_inside", "folded_bias_correction", "no_bias_correction"),
}
DECAYS: tuple[dict[str, Any], ...] = (
    *({}, {}, {}, {"weight_decay": 0.1}, {"weight_decay": 0.5, "decoupled_weight_decay": True}, {"maximize": True}),
)
SCHEDULES: tuple[dict[str, Any], ...] = (
    *({}, {}, {}, {"scheduler": "StepLR", "step_size": 1}, {"scheduler": "ExponentialLR", "gamma": 0.5}),
    *({"scheduler": "CosineAnnealingLR", "T_max": 2}, {"clip_grad_norm": 1}, {"clip_grad_value": 0.5}),
    *({"scheduler": "StepLR", "step_size": 2, "gamma": 0.5, "scheduler_every": "batch"}, {"lr": "1/(t + epoch)"}),
    *({"scheduler": "CosineAnnealingLR", "T_max": 3, "eta_min": 0.01, "scheduler_every": "batch"}, {"lr": [0.1, 0.02]}),
)
CYCLES: tuple[dict[str, Any], ...] = (
    *({}, {"three_phase": True}, {"anneal_strategy": "linear"}, {"pct_start": 0.5, "cycle_momentum": False}),
)
FLAGS: tuple[dict[str, Any], ...] = (
    *({}, {}, {"nodes": True}, {"zero_grad": False}, {"first": True}, {"drift": 1}, {"dtype": "float64"}),
    *({"until": "l < -5"}, {"on_nonfinite": "continue"}, {"dtype": "float16"}, {"dtype": "bfloat16"}),
    *({"accumulate": 2}, {"accumulate": 3}, {"zero_grad": 2}, {"until": "l < 2"}, {"until": "l >= 1"}),
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


def draw(random: Random, *, small: bool = False) -> Drawn:
    """The problem of the next numbers of `random`; a `small` one has two lines, samples and steps at most."""
    size, samples = random.randint(1, 2 if small else 3), random.randint(1, 2 if small else 5)
    shapes: tuple[Shape, ...] = ((), (size,), (size, size))
    parameters = [Name(name, random.choice(shapes)) for name in ("w", "b")[: random.randint(1, 2)]]
    constants = [Name("c", random.choice(shapes))] if random.random() < 0.4 else []
    columns = [Name(name, ("n", *random.choice(shapes[:2]))) for name in ("x", "y")[: random.randint(0, 2)]]
    labels = [Name("v", ("n",))] if columns and random.random() < 0.4 else []
    pool, lines = [*parameters, *parameters, *columns, *constants], []
    for number in range(random.randint(1, 2 if small else 4)):
        line = _line(random, f"a{number}", pool, labels, samples)
        lines.append(line[0])
        pool += [line[1]] * 3
    last = pool[-1]
    end = random.choice(LOSSES if last.shape else ("{u}", "{u}^2")).format(u=last.text)
    rows = [name for name in pool if labels and _is_of_classes(name)]
    if rows and random.random() < 0.5:
        end = random.choice(OF_LABELS).format(u=random.choice(rows).text)
    lines.append(f"l = {end} + l2({', '.join(name.text for name in parameters)})" + (" + 0*sum(v)" if labels else ""))
    seed = _upstream(random, lines, pool[-1].shape, parameters, samples)
    frozen = [f'frozen = ["{random.choice(_entries(random, parameters))}"]'] * (random.random() < 0.1)
    text = ["equations = '''", *lines, "'''", *seed, *frozen]
    tables = [("parameters", parameters, 0), ("constants", constants, 0), ("data", [*columns, *labels], samples)]
    for table, names, many in tables:
        text += [f"[{table}]"] * bool(names)
        text += [f"{name.text} = {_given(random, name, many, table)}" for name in names]
    settings = _settings(random, parameters)
    if columns:
        settings |= _batches(random, samples) | ({"epochs": 1} if small else {})
        text += ["[predict]", *(f"{name.text} = {_numbers(random, name, 2)}" for name in (*columns, *labels))] * (
            random.random() < 0.2 and samples > 1
        )
    else:
        settings |= {"steps": random.randint(1, 2 if small else 3)}
    loss = "L" if seed else "l"
    if seed and str(settings.get("until", "")).startswith("l"):
        settings["until"] = f"{loss}{settings['until'][1:]}"
    text += _beside(random, parameters, settings, loss)
    entry = [0] * len(parameters[0].shape)
    label = parameters[0].text + (str(entry).replace(" ", "") if entry else "")
    claims = [{"step": 1, loss: random.choice((1, 0.5)), label: 0.3, f"d{loss}/d{label}": 1}]
    left = f"a0{lines[0].partition(' =')[0][2:]}"
    formulas = (f"{left} = {lines[0].partition(' = ')[2]}", *([] if seed else [f"l = {lines[-1].partition(' = ')[2]}"]))
    return Drawn("\n".join(text) + "\n", settings, claims, formulas)


def _is_of_classes(name: Name) -> bool:
    """Whether a label of a sample picks an entry of it: it has a number for each of two classes or more."""
    return len(name.shape) == 2 and name.shape[0] == "n" and name.shape[1] not in (1, "n")


def _upstream(random: Random, lines: list[str], shape: Shape, parameters: list[Name], samples: int) -> list[str]:
    """In place of the loss, now and then, a last line of several numbers with their upstream gradient."""
    if not shape or "n" in shape[1:] or random.random() < 0.9:
        return []
    last = f"a{len(lines) - 2}"
    lines[-1] = f"z = {last} + l2({', '.join(name.text for name in parameters)})"
    return [f"seed_gradient = {_listed(random, [samples if size == 'n' else int(size) for size in shape])}"]


def _entries(random: Random, parameters: list[Name]) -> list[str]:
    """What can be frozen while something is left to train: an entry, or one of two parameters."""
    found = [parameters[0].text] if len(parameters) > 1 else []
    large = [name for name in parameters if name.shape and all(int(size) > 1 for size in name.shape)]
    found += [f"{name.text}[{','.join(str(random.randrange(int(k))) for k in name.shape)}]" for name in large]
    return found or [parameters[-1].text]


def _given(random: Random, name: Name, samples: int, table: str) -> str:
    """The numbers of a name; now and then those of a parameter are drawn by PyTorch."""
    if table != "parameters" or random.random() < 0.9:
        return _numbers(random, name, samples)
    shape, seed = [int(size) for size in name.shape], random.randint(0, 99)
    how = random.choice(('distribution = "uniform", low = -1, high = 1', 'distribution = "normal", mean = 0, std = 1'))
    return f"{{shape = {shape}, {how}, seed = {seed}}}"


def _settings(random: Random, parameters: list[Name]) -> dict[str, Any]:
    """An optimizer with some of its options, a variant or none, what lr does, and flags."""
    name = random.choice((*OPTIMIZERS, "SGD", "SGD", "Adam"))
    found = {"lr": 0.1, "optimizer": name, **random.choice(OPTIMIZERS[name]), **random.choice(DECAYS)}
    found.pop("decoupled_weight_decay" if name == "AdamW" else "", None)
    if name in VARIANTS and random.random() < 0.25:
        found["variant"] = random.choice(VARIANTS[name])
        if name == "SGD":
            found = {key: value for key, value in found.items() if key not in ("dampening", "nesterov")}
            found["momentum"] = 0.9
    found |= {**random.choice(SCHEDULES), **random.choice(FLAGS)}
    if random.random() < 0.05:
        cycle = {"scheduler": "OneCycleLR", "max_lr": 0.5, "total_steps": 20, **random.choice(CYCLES)}
        moves = "betas" in OPTIMIZERS[name][-1] or name in ("Adam", "AdamW", "NAdam", "Adamax", "SGD", "RMSprop")
        found = {key: value for key, value in found.items() if not key.startswith(("scheduler", "step_size", "gamma"))}
        found = {key: value for key, value in found.items() if key not in ("lr", "T_max", "eta_min")}
        return found | cycle | ({} if moves else {"cycle_momentum": False})
    if len(parameters) > 1 and random.random() < 0.2:
        own = random.choice(({"lr": 0.3}, {"weight_decay": 0.3}, {"lr": 0.3, "weight_decay": 0.2}))
        found["groups"] = [{"parameters": ["b"], **own}]
    found.pop("clip_grad_norm" if "variant" in found and random.random() < 0.5 else "", None)
    return found


def _batches(random: Random, samples: int) -> dict[str, Any]:
    """How many samples are in a batch, and for how many epochs."""
    listed = [random.sample(range(samples), random.randint(1, samples)) for _ in range(2)]
    size = random.randint(1, samples)
    kinds = ({}, {"batch_size": size}, {"shuffle": True, "batch_size": 1}, {"shuffle": True, "batch_size": size})
    more = ({"batches": listed}, {"batch_size": size, "drop_last": True})
    return {**random.choice((*kinds, *more)), "epochs": random.randint(1, 2)}


def _beside(random: Random, parameters: list[Name], settings: dict[str, Any], loss: str) -> list[str]:
    """[watch] and [report], or neither; `until` may read a gradient."""
    first = parameters[0]
    whole = "norm({u})" if first.shape else "abs({u})"
    gradient = whole.format(u=f"d{loss}/d{first.text}")
    if random.random() < 0.1:
        settings["until"] = f"{gradient} < {random.choice((1, 5, 20))}"
    text: list[str] = []
    if random.random() < 0.2:
        forms = [whole.format(u=first.text), gradient, f"{loss} - 2*{gradient}", f"{loss} < 3"]
        total = "sum({u})" if first.shape else "2*{u}"
        forms += [total.format(u=f"delta_{first.text}"), total.format(u=f"step_size_{first.text}")]
        forms += ["3*lr"] * ("groups" not in settings)
        if settings["optimizer"] in ("Adam", "AdamW") and "variant" not in settings:
            forms += [total.format(u=f"{own}_{first.text}") for own in ("m_hat", "v_hat", "m")]
        text += ["[watch]", *(f'r{k} = "{form}"' for k, form in enumerate(random.sample(forms, 2)))]
    if random.random() < 0.2:
        text += ["[report]", f'half = "{loss}/2"', f'size = "{whole.format(u=first.text)} + half"']
    return text


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
        piece = _bare(random, pool, labels)
        return f"{name} = {piece.text}", Name(name, piece.shape)
    left, piece = _indexed(random, pool, labels, samples)
    return f"{name}{left} = {piece.text}", Name(name, piece.shape)


def _bare(random: Random, pool: list[Name], labels: list[Name]) -> Name:
    """The right side of a line without indices."""
    u, v = random.choice(pool), random.choice(pool)
    short, long = sorted((u.shape, v.shape), key=len)
    kinds = ["each"] + ["pair"] * 2 * (not short or long[len(long) - len(short) :] == short)
    kinds += ["whole", "last"] * bool(u.shape) + ["transpose"] * (len(u.shape) == 2)
    kinds += ["outer"] * (len(u.shape) == len(v.shape) == 1 and "n" not in v.shape)
    kinds += ["labels"] * 3 * (bool(labels) and _is_of_classes(u))
    place = max(len(v.shape) - 2, 0)
    kinds += (
        ["product"]
        * 2
        * (0 < len(u.shape) <= 2 and 0 < len(v.shape) <= 2 and u.shape[-1] == v.shape[place] and "n" not in v.shape[:1])
    )
    match random.choice(kinds):
        case "pair":
            return Name(random.choice(PAIRS + SIDES * (u != v)).format(u=u.text, v=v.text), long)
        case "last":
            return Name(random.choice(LAST).format(u=u.text), u.shape)
        case "outer":
            return Name(f"outer({u.text}, {v.text})", (*u.shape, *v.shape))
        case "labels":
            return Name(random.choice(OF_LABELS).format(u=u.text), ())
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
