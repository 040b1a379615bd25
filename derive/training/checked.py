"""Settings that have been read one by one, checked beside one another: of a file, or with flags in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import Place
from derive.training.batching import refuse_contradictions
from derive.training.groups import Group
from derive.training.optimizers import OPTIMIZERS, Value
from derive.training.rates import read_together
from derive.training.schedulers import Options, Scheduler
from derive.training.settings import read_optimizer
from derive.training.variants import NONE, read_variant


@dataclass(frozen=True)
class Checked:
    """What goes together: the options of the optimizer, the groups of parameters, the scheduler with its options."""

    options: Mapping[str, Value]
    groups: tuple[Group, ...]
    scheduler: Scheduler | None


def checked(
    values: Mapping[str, Any],
    options: Mapping[str, Value],
    schedule: Options,
    samples: int,
    groups: Callable[[str, Mapping[str, Value]], tuple[Group, ...]],
    place: Callable[[str], Place | None],
) -> Checked:
    """Checks settings beside one another and the data, of `samples` rows.

    `values` are settings by name, each from `read_setting`; `options` those of the optimizer, `schedule` those of the
    scheduler. `groups` reads the groups, for an optimizer with its options, and `place` says where a setting stands.
    Raises `SettingError` for what does not go together, and for a variant that the optimizer does not have.
    """
    refuse_contradictions(values, samples, place)
    optimizer = values.get("optimizer", OPTIMIZERS[0])
    given = read_optimizer(optimizer, options, place("nesterov")).given
    read_variant(optimizer, given, values.get("variant", NONE), place("variant"))
    own = groups(optimizer, given)
    scheduler = read_together({"optimizer": optimizer, **values, "groups": own}, schedule, place)
    return Checked(given, own, scheduler)
