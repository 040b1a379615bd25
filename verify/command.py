"""The command line of `python -m verify`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from derive.console import CommandParser, complain, list_problems, progress, tell, write_out
from derive.errors import SettingError, shorten, suggestion
from derive.problem.file import MAX_UNITS
from derive.problem.loading import load, named, shipped
from derive.source.files import check_writable
from derive.training import schedulers
from derive.training.clipping import NORM, VALUE
from derive.training.optimizers import OPTIMIZERS, OPTIONS
from derive.training.schedulers import EVERY, SCHEDULERS
from derive.training.settings import DTYPES, MAX_COUNT, ON_NONFINITE, Setting, read_as, whole
from derive.training.variants import NAMES
from verify.auditing.pipeline import Audit, audit
from verify.pipeline import verify
from verify.result import Result

_STEP = Setting("the number of a step, from 1", whole(1, MAX_COUNT))
_EPILOG = """exit status: 0 agrees, 1 disagrees, 2 the input cannot be read, 3 undecided, 130 interrupted,
143 terminated"""


class Presenter(Protocol):
    """What turns a result into output; `verify/__main__` passes the one of `tables`."""

    def to_text(self, result: Result, summary: bool = False, step: int | None = None) -> str:
        """For people: every step, or one line for each quantity, or one `step` worked out."""

    def to_json(self, result: Result) -> str:
        """For programs."""

    def write_comparison(self, result: Result, path: str) -> None:
        """The tidy comparison as CSV, whole or not at all."""

    def audit_to_text(self, found: Audit) -> str:
        """For people: the claimed table, each number marked, and what is to be said of it."""

    def audit_to_json(self, found: Audit) -> str:
        """For programs."""

    def write_audit(self, found: Audit, path: str) -> None:
        """One row for each claim as CSV, whole or not at all."""


@dataclass(frozen=True)
class _Flag:
    """A setting of the problem file that can be given as a flag."""

    key: str
    metavar: str
    help: str


_FLAGS = (
    _Flag("epochs", "N", "passes over the data"),
    _Flag("steps", "N", "mini-batches in all, in place of epochs"),
    _Flag("lr", "X", "learning rate, exact: 0.01; one for each epoch: 0.1,0.05; or in t and epoch: '1/(10*t)'"),
    _Flag("scheduler", "NAME", ", ".join(SCHEDULERS)),
    _Flag("scheduler_every", "|".join(EVERY), "after what the scheduler steps"),
    _Flag(NORM, "X", "bound the norm of all gradients together"),
    _Flag(VALUE, "X", "bound the size of each number of the gradients"),
    _Flag("batch_size", "N", "samples in a mini-batch, or all"),
    _Flag("batches", "LISTS", "the rows of each mini-batch: [[0, 1, 2], [3, 4]]"),
    _Flag("zero_grad", "true|false|K", "set the gradient to zero before each step, never, or before every K-th"),
    _Flag("accumulate", "K", "add up the gradients of K mini-batches for one update"),
    _Flag("dtype", "|".join(DTYPES), "PyTorch's number format"),
    _Flag("optimizer", "NAME", ", ".join(OPTIMIZERS)),
    _Flag("variant", "NAME", f"of the optimizer in textbooks, by hand alone: {', '.join(NAMES)}"),
    _Flag("seed", "N", "of the shuffled order"),
    _Flag("until", "CONDITION", "end after the first step in which it holds, such as 'l < 1e-6'"),
    _Flag("report", "N,N,…", "the steps that are printed; all are compared"),
    _Flag("on_nonfinite", "|".join(ON_NONFINITE), "what a run does at an infinity or NaN (stop)"),
)


def parser() -> argparse.ArgumentParser:
    """The flags; a setting that is given overrides the problem file."""
    found = CommandParser(
        prog="python -m verify",
        description="Calculates a training run by hand, runs the same in PyTorch, and compares every number.",
        epilog=_EPILOG,
    )
    found.add_argument(
        "problem", nargs="*", metavar="PROBLEM", help="a shipped problem, a file, or with --claim equations and shapes"
    )
    found.add_argument("--list", action="store_true", help="list the shipped problems")
    add_settings(found)
    claims = found.add_argument_group("claims", "judge what somebody states, in place of PyTorch")
    claims.add_argument(
        "--claims",
        metavar="FILE",
        nargs="?",
        const="",
        help="a table in a file, or - for standard input: CSV, Excel, Markdown, JSON; without FILE the problem's",
    )
    claims.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook, where several have claims")
    claims.add_argument(
        "--log", metavar="NAME", help="the trainer that has written the table: hf-trainer, lightning, keras"
    )
    claims.add_argument(
        "--claim",
        metavar="TEXT",
        action="append",
        help="one number or formula: 'step 2: dl/db = -33.39', 'dl/db = (2/n)*sum(w*x + b - y)'",
    )
    claims.add_argument("--units", metavar="N", help="units of its last digit that a claimed number may be off")
    found.add_argument("--summary", action="store_true", help="one line for each quantity in place of each step")
    found.add_argument("--show-step", metavar="N", help="step N worked out with all its numbers in place of the table")
    found.add_argument("--csv", metavar="FILE", help="write the tidy comparison, or one row for each claim")
    found.add_argument("--format", choices=("text", "json"), default="text", help="what is printed (text)")
    return found


def add_settings(found: argparse.ArgumentParser) -> None:
    """The flags that override the settings of the problem file."""
    group = found.add_argument_group("settings", "each overrides the problem file's")
    for flag in _FLAGS:
        group.add_argument(f"--{flag.key.replace('_', '-')}", metavar=flag.metavar, dest=flag.key, help=flag.help)
    group.add_argument(
        "--option",
        metavar="NAME=VALUE",
        action="append",
        help="of the optimizer or the scheduler: momentum=0.9, betas=0.9,0.99, nesterov, step_size=2",
    )
    group.add_argument(
        "--shuffle", action=argparse.BooleanOptionalAction, default=None, help="draw a new order each epoch"
    )
    group.add_argument(
        "--drop-last", action=argparse.BooleanOptionalAction, default=None, help="leave out a smaller last mini-batch"
    )
    group.add_argument("--nodes", action="store_true", help="compare every line and its adjoint too")
    group.add_argument("--drift", metavar="K", help="steps that are also calculated from the initial values on")
    group.add_argument(
        "--every", metavar="K", help="compare one step of K; that each begins where the last ended, of all"
    )
    group.add_argument("--limit", metavar="N", help="calculations that a run may take (1e8, about a minute and 2 GB)")
    group.add_argument("--first", action="store_true", help="end with the first step that disagrees")


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """The settings that were given as flags; None for the others. Raises `SettingError` for an unknown option."""
    return _options(options.option or ()) | {
        key: getattr(options, key)
        for key in (*(flag.key for flag in _FLAGS), "shuffle", "drop_last", "nodes", "drift", "every", "first", "limit")
    }


def _options(given: Sequence[str]) -> dict[str, object]:
    """The values of `--option momentum=0.9 --option nesterov`."""
    found: dict[str, object] = {}
    for text in given:
        name, _, value = (part.strip() for part in text.partition("="))
        known = (*OPTIONS, *schedulers.OPTIONS)
        if name not in known:
            hint = suggestion(name, known) or f"; known: {', '.join(known)}"
            what = "an optimizer or a scheduler"
            raise SettingError(f"--option {shorten(text)[1:-1]}: {shorten(name)} is no option of {what}{hint}")
        found[name] = value if "=" in text else "true"
    return found


def main(argv: Sequence[str] | None, present: Presenter) -> int:
    """Runs one verification and prints it; returns the exit status of its verdict."""
    options = parser().parse_args(argv)
    if options.list:
        return list_problems(shipped())
    if options.csv is not None:
        check_writable(options.csv)  # before the run, which may be long
    if options.claims is not None or options.claim:
        return _audited(options, present)
    step = _step(options)
    problem = load(named(options.problem))
    tell(problem.notes)
    result = verify(problem, tell=progress(), **settings_of(options))
    text = present.to_json(result) if options.format == "json" else present.to_text(result, options.summary, step)
    if options.csv is not None:
        present.write_comparison(result, options.csv)
    write_out(text)
    return result.verdict.outcome.exit_status


def _audited(options: argparse.Namespace, present: Presenter) -> int:
    """Judges the claims and prints them; returns 0, 1 where one is wrong, 3 where one is undecided and none wrong.

    A sentence that cannot be read is told after the others, and gives 2.
    """
    problem = load(named(options.problem))
    tell(problem.notes)
    given = {"claims": options.claims or None, "sentences": options.claim or (), "units": units_of(options.units)}
    found = audit(problem, **given, sheet=options.sheet, log=options.log, tell=progress(), **settings_of(options))  # type: ignore[arg-type]
    if options.csv is not None:
        present.write_audit(found, options.csv)
    write_out(present.audit_to_json(found) if options.format == "json" else present.audit_to_text(found))
    for error in found.refused:
        complain(str(error))
    return found.exit_status


def units_of(text: str | None) -> int | None:
    """The number of `--units`. Raises `SettingError`."""
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) <= MAX_UNITS:
        raise SettingError(f"--units {shorten(text)}: expected a whole number from 1 to {MAX_UNITS}")
    return int(text)


def _step(options: argparse.Namespace) -> int | None:
    """The step of --show-step. Raises `SettingError` for one that is not a number, or beside another view."""
    if options.show_step is None:
        return None
    if options.format == "json" or options.summary:
        other = "--summary" if options.summary else "--format json"
        raise SettingError(f"--show-step shows a step in place of the table, and {other} another view; leave one out")
    return int(read_as(_STEP, "--show-step", options.show_step))
