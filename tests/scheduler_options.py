"""Random schedulers with their options, as the text of a problem file has them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from derive.training.schedulers import ENTRIES, Scheduler, read_scheduler
from derive.training.settings import read_setting

_SWITCH = ("false", "true")
CHOICES = {
    "step_size": ("1", "2", "7"),
    "gamma": ("0.1", "0.5", "1.25", "1/3"),
    "T_max": ("1", "2", "5", "9"),
    "eta_min": ("0", "0.001", "0.2"),
    "max_lr": ("0.1", "0.01", "1/30"),
    "total_steps": ("50", "60", "77"),
    "pct_start": ("0.3", "0.1", "0", "0.5", "2/3", "0.41"),
    "anneal_strategy": ("cos", "linear"),
    "cycle_momentum": _SWITCH,
    "base_momentum": ("0.85", "0.5", "0.95"),
    "max_momentum": ("0.95", "0.9", "0.6"),
    "div_factor": ("25", "10", "1/2"),
    "final_div_factor": ("10000", "3"),
    "three_phase": _SWITCH,
}


@st.composite
def options(draw: st.DrawFn, name: str) -> dict[str, str]:
    """The options that the scheduler `name` needs, and some of the others."""
    entry = ENTRIES[name]
    chosen = draw(st.sets(st.sampled_from(sorted(entry.options)))) if entry.options else set()
    return {key: draw(st.sampled_from(CHOICES[key])) for key in (*entry.required, *sorted(chosen))}


def read(name: str, given_options: Mapping[str, str], every: str | None = None) -> Scheduler:
    """The scheduler, its options as flags have them."""
    return read_scheduler(name, {key: read_setting(key, value) for key, value in given_options.items()}, every)
