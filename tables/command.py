"""The command line of `python -m tables`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from derive.console import BAD_INPUT, CommandParser, list_problems, progress, say, tell, write_out
from derive.errors import SettingError
from derive.problem.loading import load, shipped
from derive.run.precedence import effective
from derive.source.files import check_writable, write_whole
from tables.files import check_folder, write_grades, write_tables
from tables.grade import grade
from tables.worksheet import worksheet
from verify.command import add_settings, settings_of, units_of
from verify.pipeline import verify


def parser() -> argparse.ArgumentParser:
    """The flags; settings override the problem file as for `python -m verify`."""
    found = CommandParser(
        prog="python -m tables",
        description="Verifies a problem and writes its tables: steps.csv (wide), epochs.csv and comparison.csv (tidy).",
    )
    found.add_argument("problem", nargs="?", default="article", metavar="PROBLEM", help="a shipped problem or a file")
    found.add_argument("--list", action="store_true", help="list the shipped problems")
    found.add_argument("--output", metavar="DIR", default="tables-out", help="the folder (tables-out)")
    found.add_argument("--worksheet", metavar="FILE", help="write the empty table to fill in, in place of the tables")
    found.add_argument("--give", metavar="NAMES", help="what a worksheet gives away: columns and steps, such as lr,w,1")
    found.add_argument("--grade", metavar="DIR", help="judge every table of claims in a folder: grades.csv")
    found.add_argument("--sheet", metavar="NAME", help="the sheet of a graded workbook, where several have claims")
    found.add_argument("--log", metavar="NAME", help="the trainer that has written the graded tables: keras, …")
    found.add_argument("--units", metavar="N", help="units of its last digit that a claimed number may be off")
    add_settings(found)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Verifies and writes the tables, or does what a flag asks instead; returns the exit status."""
    options = parser().parse_args(argv)
    if options.list:
        return list_problems(shipped())
    for name in ("sheet", "log"):
        if getattr(options, name) is not None and options.grade is None:
            raise SettingError(f"--{name} says how graded tables are read; give their folder with --grade DIR")
    if options.worksheet is not None:
        return _worksheet(options)
    if options.grade is not None:
        return _graded(options)
    check_folder(options.output)  # before the run, which may be long
    problem = load(options.problem)
    tell(problem.notes)
    result = verify(problem, tell=progress(), **settings_of(options))
    for path in write_tables(result, options.output):
        write_out(path)
    say(result.verdict.sentence)
    return result.verdict.outcome.exit_status


def _worksheet(options: argparse.Namespace) -> int:
    """Writes the table to fill in."""
    check_writable(options.worksheet)
    problem = load(options.problem)
    write_whole(options.worksheet, worksheet(problem, effective(problem, settings_of(options)), options.give))
    write_out(options.worksheet)
    return 0


def _graded(options: argparse.Namespace) -> int:
    """Judges every file of claims in a folder and writes one summary; 2 where a file could not be read."""
    check_folder(options.output)
    problem = load(options.problem)
    units, settings = units_of(options.units), settings_of(options)
    graded = grade(problem, options.grade, units, settings, say, options.sheet, options.log)
    write_out(write_grades(graded, options.output))
    return BAD_INPUT if any(one.found is None for one in graded) else 0
