"""The optimizers, one function each, after the algorithms in the documentation of torch.optim; and textbook variants.

A function takes one number of a parameter with its gradient, and moves it. `held` is what is remembered of it, which
the function changes; `o` are the options, `t` the number of the update, from 1. What is remembered is called as in the
tables: see `STATES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from tests.oracle.numbers import HALF, ONE, ZERO, Real, larger, root

Held = dict[str, Real]

COMMON: Mapping[str, Any] = {"weight_decay": "0", "decoupled_weight_decay": False, "maximize": False}
ADAM: Mapping[str, Any] = {"betas": ["0.9", "0.999"], "eps": "1e-8", "amsgrad": False}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "SGD": {"momentum": "0", "dampening": "0", "nesterov": False},
    "Adagrad": {"lr_decay": "0", "initial_accumulator_value": "0", "eps": "1e-10"},
    "RMSprop": {"alpha": "0.99", "eps": "1e-8", "momentum": "0", "centered": False},
    "Adam": ADAM,
    "AdamW": {**ADAM, "weight_decay": "0.01", "decoupled_weight_decay": True},
    "Adadelta": {"rho": "0.9", "eps": "1e-6"},
    "NAdam": {"betas": ["0.9", "0.999"], "eps": "1e-8", "momentum_decay": "0.004"},
    "Adamax": {"betas": ["0.9", "0.999"], "eps": "1e-8"},
}


def options(name: str, given: Mapping[str, Any]) -> SimpleNamespace:
    """All options of an optimizer as numbers, those that are given and the defaults of PyTorch."""
    known = {**COMMON, **DEFAULTS[name]}
    found = {key: _read(value) for key, value in {**known, **{k: v for k, v in given.items() if k in known}}.items()}
    if "betas" in found:
        found["beta1"], found["beta2"] = found.pop("betas")
    return SimpleNamespace(**found)


def _read(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return tuple(map(_read, value)) if isinstance(value, list | tuple) else Real(Fraction(str(value)))


def begun(name: str, variant: str, o: SimpleNamespace) -> Held:
    """What is remembered of a number before the first update."""
    match name:
        case "SGD":
            return {"v": ZERO} if o.momentum.sign else {}
        case "Adagrad":
            return {"s": o.initial_accumulator_value}
        case "RMSprop":
            first = {"v": ONE if "average_from_1" in variant else ZERO}
            return first | ({"m": ZERO} if o.centered else {}) | ({"b": ZERO} if o.momentum.sign else {})
        case "Adadelta":
            return {"v": ZERO, "u": ZERO}
        case "Adamax":
            return {"m": ZERO, "u": ZERO}
        case "NAdam":
            return {"m": ZERO, "v": ZERO, "mu_product": ONE}
    return {"m": ZERO, "v": ZERO} | ({"v_max": ZERO} if o.amsgrad else {})


def moved(name: str, variant: str, o: SimpleNamespace, p: Real, g: Real, held: Held, lr: Real, t: int) -> Real:
    """The number after update number t."""
    if o.maximize:
        g = -g
    if o.decoupled_weight_decay:
        p = p - lr * o.weight_decay * p
    else:
        g = g + o.weight_decay * p
    return p - _STEPS[name](o, variant, g, held, lr, t)


def _sgd(o: SimpleNamespace, variant: str, g: Real, held: Held, lr: Real, t: int) -> Real:
    if not o.momentum.sign:
        return lr * g
    v = held["v"]
    match variant:
        case "lr_in_velocity":  # Ruder
            held["v"] = o.momentum * v + lr * g
            return held["v"]
        case "velocity_as_step":  # Goodfellow, Bengio, Courville
            held["v"] = o.momentum * v - lr * g
            return -held["v"]
        case "averaged_velocity":  # Ng
            held["v"] = o.momentum * v + (1 - o.momentum) * g
            return lr * held["v"]
    held["v"] = g if t == 1 else o.momentum * v + (1 - o.dampening) * g
    return lr * (g + o.momentum * held["v"] if o.nesterov else held["v"])


def _adagrad(o: SimpleNamespace, variant: str, g: Real, held: Held, lr: Real, t: int) -> Real:
    now = lr / (1 + (t - 1) * o.lr_decay)
    held["s"] = held["s"] + g * g
    return now * g / (root(held["s"] + o.eps) if variant == "eps_inside" else root(held["s"]) + o.eps)


def _rmsprop(o: SimpleNamespace, variant: str, g: Real, held: Held, lr: Real, _: int) -> Real:
    held["v"] = o.alpha * held["v"] + (1 - o.alpha) * g * g
    spread = held["v"]
    if o.centered:
        held["m"] = o.alpha * held["m"] + (1 - o.alpha) * g
        spread = held["v"] - held["m"] * held["m"]
    step = g / (root(spread + o.eps) if "eps_inside" in variant else root(spread) + o.eps)
    if not o.momentum.sign:
        return lr * step
    held["b"] = o.momentum * held["b"] + step
    return lr * held["b"]


def _adam(o: SimpleNamespace, variant: str, g: Real, held: Held, lr: Real, t: int) -> Real:
    held["m"] = o.beta1 * held["m"] + (1 - o.beta1) * g
    held["v"] = o.beta2 * held["v"] + (1 - o.beta2) * g * g
    v = held["v"]
    if o.amsgrad:
        v = held["v_max"] = larger(held["v_max"], v)
    first, second = 1 - o.beta1**t, 1 - o.beta2**t
    match variant:
        case "folded_bias_correction":  # Kingma, Ba: the end of section 2
            return lr * root(second) / first * held["m"] / (root(v) + o.eps)
        case "no_bias_correction":  # BERT
            return lr * held["m"] / (root(v) + o.eps)
        case "eps_inside":  # Défossez
            return lr * held["m"] / first / root(v / second + o.eps)
    return lr * held["m"] / first / (root(v / second) + o.eps)


def _adadelta(o: SimpleNamespace, _: str, g: Real, held: Held, lr: Real, __: int) -> Real:
    held["v"] = o.rho * held["v"] + (1 - o.rho) * g * g
    step = root(held["u"] + o.eps) / root(held["v"] + o.eps) * g
    held["u"] = o.rho * held["u"] + (1 - o.rho) * step * step
    return lr * step


def _nadam(o: SimpleNamespace, _: str, g: Real, held: Held, lr: Real, t: int) -> Real:
    def mu(k: int) -> Real:
        return o.beta1 * (1 - HALF * Real(Fraction(96, 100)) ** (k * o.momentum_decay))

    held["m"] = o.beta1 * held["m"] + (1 - o.beta1) * g
    held["v"] = o.beta2 * held["v"] + (1 - o.beta2) * g * g
    so_far = held["mu_product"] = held["mu_product"] * mu(t)
    hat = mu(t + 1) * held["m"] / (1 - so_far * mu(t + 1)) + (1 - mu(t)) * g / (1 - so_far)
    return lr * hat / (root(held["v"] / (1 - o.beta2**t)) + o.eps)


def _adamax(o: SimpleNamespace, _: str, g: Real, held: Held, lr: Real, t: int) -> Real:
    held["m"] = o.beta1 * held["m"] + (1 - o.beta1) * g
    held["u"] = larger(o.beta2 * held["u"], abs(g) + o.eps)
    return lr * held["m"] / ((1 - o.beta1**t) * held["u"])


_STEPS: Mapping[str, Callable[..., Real]] = {
    "SGD": _sgd,
    "Adagrad": _adagrad,
    "RMSprop": _rmsprop,
    "Adam": _adam,
    "AdamW": _adam,
    "Adadelta": _adadelta,
    "NAdam": _nadam,
    "Adamax": _adamax,
}
