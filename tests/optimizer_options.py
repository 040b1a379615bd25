"""Random options of the optimizers, as the text of a problem file has them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from derive.training.optimizers import ENTRIES, Optimizer
from derive.training.settings import read_optimizer, read_setting

_SWITCH = ("false", "true")
CHOICES = {
    "momentum": ("0", "0.9", "0.5", "1.5"),
    "dampening": ("0", "0.1", "0.9", "-0.5"),
    "weight_decay": ("0", "0.01", "0.3"),
    "nesterov": _SWITCH,
    "maximize": _SWITCH,
    "lr_decay": ("0", "0.1", "0.001"),
    "initial_accumulator_value": ("0", "0.1", "3"),
    "eps": ("1e-8", "1e-3", "0.1"),
    "alpha": ("0.99", "0.9", "0.5", "0.4"),
    "centered": _SWITCH,
    "betas": ("0.9,0.999", "0.5,0.9", "0.3,0.99", "0,0.999", "0.9,0", "0.999,0.9999"),
    "amsgrad": _SWITCH,
    "decoupled_weight_decay": _SWITCH,
    "rho": ("0.9", "0.5", "0"),
    "momentum_decay": ("0.004", "0", "0.1"),
}


@st.composite
def options(draw: st.DrawFn, name: str) -> dict[str, str]:
    """Some of the options of the optimizer `name`, in a combination that torch.optim takes."""
    chosen = draw(st.sets(st.sampled_from(sorted(ENTRIES[name].options))))
    found = {key: draw(st.sampled_from(CHOICES[key])) for key in sorted(chosen)}
    if found.get("nesterov") == "true":
        found["momentum"] = "0.9"
        found.pop("dampening", None)
    return found


def chosen(name: str, given_options: Mapping[str, str]) -> Optimizer:
    """The optimizer, its options as flags have them."""
    return read_optimizer(name, {key: read_setting(key, value) for key, value in given_options.items()})
