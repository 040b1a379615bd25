"""The command line of `python -m tables`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from derive.command import list_shipped, tell
from derive.guard import say, write_out
from derive.problem import load
from tables.files import check_folder, write_tables
from verify.command import add_settings, settings_of, status
from verify.pipeline import verify


def parser() -> argparse.ArgumentParser:
    """The flags; settings override the problem file as for `python -m verify`."""
    found = argparse.ArgumentParser(
        prog="python -m tables",
        description="Verifies a problem and writes its tables: steps.csv (wide), epochs.csv and comparison.csv (tidy).",
    )
    found.add_argument("problem", nargs="?", default="article", metavar="PROBLEM", help="a shipped problem or a file")
    found.add_argument("--list", action="store_true", help="list the shipped problems")
    found.add_argument("--output", metavar="DIR", default="tables-out", help="the folder (tables-out)")
    add_settings(found)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Verifies and writes the tables; returns the exit status of the verdict."""
    options = parser().parse_args(argv)
    if options.list:
        return list_shipped()
    check_folder(options.output)  # before the run, which may be long
    problem = load(options.problem)
    tell(problem.notes)
    result = verify(problem, **settings_of(options))
    for path in write_tables(result, options.output):
        write_out(path)
    say(result.verdict.sentence)
    return status(result.verdict.outcome)
