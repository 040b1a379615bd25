"""What a person should know about the settings of a run before reading the tables, in sentences."""

from __future__ import annotations

from fractions import Fraction

from derive.run.settings import Settings
from derive.training import schedulers
from derive.training.optimizers import written
from derive.training.rates import sets_lr
from verify.numbers.formats import FORMATS


def remarks(settings: Settings) -> tuple[str, ...]:
    """What a person should know about the settings before reading the tables."""
    return (
        *_large_batch(settings),
        *_rows_left_out(settings),
        *_accumulation(settings),
        *_rates(settings),
        *_options_in_effect(settings),
        *_by_hand_alone(settings),
    )


def _large_batch(settings: Settings) -> list[str]:
    if not settings.samples or settings.batch_size <= settings.samples:
        return []
    sizes = f"batch_size {settings.batch_size} is larger than the {settings.samples} samples"
    return [f"{sizes}: each epoch is one batch of all of them"]


def _rows_left_out(settings: Settings) -> list[str]:
    """The samples that a listed epoch does not use, and how many drop_last leaves out."""
    if settings.batches is not None:
        used = {row for rows in settings.batches for row in rows}
        left = [str(row) for row in range(settings.samples) if row not in used]
        rows = ", ".join(left[:12]) + (", …" if len(left) > 12 else "")
        return [f"no batch has the row{'s' if len(left) > 1 else ''} {rows} of the data"] if left else []
    left_out = settings.samples % settings.batch_size if settings.drop_last and settings.samples else 0
    if not left_out:
        return []
    return [f"drop_last leaves out {left_out} of the {settings.samples} samples in each epoch"]


def _accumulation(settings: Settings) -> list[str]:
    if settings.samples and settings.accumulate > settings.batches_per_epoch:
        batches = "one batch" if settings.batches_per_epoch == 1 else f"{settings.batches_per_epoch} batches"
        return [f"an epoch has {batches}, fewer than accumulate {settings.accumulate}: one update an epoch"]
    if settings.accumulate > 1:
        until = ", fewer at the end of an epoch" if settings.samples else ""
        sums = f"the gradients of {settings.accumulate} batches add up (not their mean) for one update{until}"
        return [f"{sums}; each gradient below is the sum so far"]
    if settings.zero_every != 1:
        since = "the run began" if not settings.zero_every else "the last zero_grad"
        sums = "the sum of all" if settings.clip is None else "added to what clipping has left of those"
        return [f"the gradients below are not those of one batch: each is {sums} since {since}"]
    return []


def _rates(settings: Settings) -> list[str]:
    """An lr that a scheduler replaces, and entries of a list that no epoch takes."""
    found = []
    if sets_lr(settings.scheduler) and settings.scheduler is not None and settings.origins.get("lr") != "default":
        found.append(f"{settings.scheduler.name} sets lr from max_lr: the lr that is given is not used")
    epochs = -(-settings.steps // settings.batches_per_epoch)
    for group in settings.param_groups:
        rates = group.schedule.lr
        if isinstance(rates, tuple) and len(rates) > epochs:
            found.append(f"lr has {len(rates)} entries, and the run {epochs} epochs: the last ones are not used")
    return list(dict.fromkeys(found))


def _options_in_effect(settings: Settings) -> list[str]:
    """An eps that is 0 in the dtype, and the options of the file that another optimizer does not have."""
    found = []
    eps = settings.rule.numbers.get("eps")
    if settings.trains and eps and eps <= Fraction(2) ** FORMATS[settings.dtype].tiny:
        found.append(f"eps {written(eps)} is 0 in {settings.dtype}: where a gradient is 0, 0/0 has no value")
    if settings.decays_in_loop:
        how = "before each step the parameters are multiplied by 1 − lr·weight_decay, as AdamW does"
        found.append(f"torch.optim.{settings.optimizer} leaves decoupled weight decay to the loop: {how}")
    if settings.left_out:
        owner = settings.optimizer
        if settings.scheduler is not None and set(settings.left_out) & set(schedulers.OPTIONS):
            owner += f" or {settings.scheduler.name}"
        found.append(f"{', '.join(settings.left_out)} of the problem file: left out, no option of {owner}")
    return found


def _by_hand_alone(settings: Settings) -> list[str]:
    """What is compared where PyTorch does not have the update."""
    if not settings.by_hand_alone or settings.rule.variant is None:
        return []
    form = f"torch.optim.{settings.optimizer} has no variant {settings.variant} ({settings.rule.variant.source})"
    return [f"{form}: the updates are those by hand, and PyTorch's gradients are taken at the parameters by hand"]
