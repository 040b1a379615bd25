"""A result as JSON, for programs."""

from __future__ import annotations

import json
import math

from derive.training.optimizers import written
from derive.training.rates import Rate
from tables.draws import drawn, drawn_document
from tables.frames import COMPARISON_COLUMNS, EPOCH_COLUMNS, exact_text
from verify.compare.check import Check
from verify.compare.epochs import EpochLoss
from verify.compare.summary import Summary
from verify.compare.verdict import explanations
from verify.result import Result

SCHEMA = "handgrad/verification/1"


def to_json(result: Result) -> str:
    """The comparison, the settings and the verdict; numbers that are not finite are null."""
    settings = result.settings
    document = {
        "schema": SCHEMA,
        "title": result.problem.title,
        "settings": {
            "optimizer": settings.optimizer if settings.trains else None,
            "variant": settings.variant if settings.by_hand_alone else None,
            "lr": _lr(settings.lr),
            "scheduler": None if settings.scheduler is None else settings.scheduler.in_words,
            "clip": None if settings.clip is None else str(settings.clip),
            "groups": [str(group) for group in settings.groups],
            "options": {name: written(value) for name, value in settings.rule.options.items()}
            if settings.trains
            else {},
            "batch_size": settings.batch_size if settings.samples and settings.batches is None else None,
            "drop_last": settings.drop_last,
            "batches": None if settings.batches is None else [list(rows) for rows in settings.batches],
            "zero_grad": settings.zero_grad,
            "accumulate": settings.accumulate,
            "steps": settings.steps,
            "shuffle": settings.shuffle,
            "seed": settings.seed,
            "dtype": settings.dtype,
            "until": None if settings.until is None else settings.until.name,
            "report": list(settings.report),
            "on_nonfinite": settings.on_nonfinite,
            "origins": dict(settings.origins),
        },
        "torch": result.record.torch_version,
        "drawn": [drawn_document(quantity, settings.dtype) for quantity in drawn(result)],
        "frozen": [str(frozen) for frozen in result.problem.graph.frozen],
        "comparison": [_json_row(check) for check in result.comparison.checks],
        "summary": [_json_summary(found) for found in result.tally.summaries],
        "prediction": [_json_row(check) for check in result.comparison.predictions],
        "stopped": result.stopped or None,
        "nonfinite": list(result.nonfinite),
        "epochs": [_json_epoch(epoch) for epoch in result.epochs],
        "kinks": list(result.comparison.kink_notes),
        "hand_ended": result.hand.ended or None,
        "verdict": {
            "outcome": result.verdict.outcome.word,
            "sentence": result.verdict.sentence,
            "explanations": list(explanations(result.comparison, result.tally)),
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def _lr(lr: Rate | None) -> str | list[str] | None:
    """An lr as it is written, exact; a list of one for each epoch."""
    if lr is None:
        return None
    return [str(rate) for rate in lr] if isinstance(lr, tuple) else str(lr)


def _json_summary(found: Summary) -> dict[str, object]:
    """One quantity over all steps; `caught` is a share of Σ|terms|."""
    closest = found.closest
    place = {"step": closest.batch.step, "index": closest.index}
    error = {"step_error": _finite(closest.step_error), "bound": _finite(closest.bound)}
    return {
        "quantity": found.quantity,
        "count": found.count,
        "wrong": found.wrong,
        "undecided": found.undecided,
        "replayed": found.replayed,
        "closest": {**place, **error},
        "caught": None if found.widest is None else _finite(found.widest.share),
    }


def _json_epoch(epoch: EpochLoss) -> dict[str, object]:
    means = (epoch.hand.of_batches, epoch.hand.over_samples, epoch.autograd.of_batches, epoch.autograd.over_samples)
    return dict(zip(EPOCH_COLUMNS, (epoch.epoch, epoch.batches, epoch.n, *map(_finite, means)), strict=True))


def _json_row(check: Check) -> dict[str, object]:
    batch = check.batch
    place: tuple[object, ...] = (batch.epoch, batch.batch, batch.step, check.quantity, check.index)
    errors = (check.autograd, check.difference, check.step_error, check.ulps, check.bound)
    numbers = map(_finite, (*errors, check.caught, check.caught_directly))
    values = (*place, _finite(check.hand_value), exact_text(check), *numbers, check.replayed, check.agrees)
    return dict(zip(COMPARISON_COLUMNS, values, strict=True))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
