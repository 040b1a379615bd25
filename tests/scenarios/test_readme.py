"""What the README promises of the commands' options."""

import argparse
import re
from pathlib import Path

import pytest

import derive.command
import tables.command
import verify.command

ROOT = Path(__file__).resolve().parents[2]
PARSERS = {"derive": derive.command.parser, "verify": verify.command.parser, "tables": tables.command.parser}


def listed(first_cell: str) -> set[str]:
    """The flags that the table of options lists in one row."""
    rows = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    [row] = [row for row in rows if row.startswith(f"| {first_cell} |")]
    return set(re.findall(r"--[a-z][a-z-]+", row))


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """The flags that a command takes."""
    return {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")} - {"--help"}


@pytest.mark.parametrize("command", list(PARSERS))
def test_the_table_lists_every_option(command: str) -> None:
    settings = set() if command == "derive" else listed("settings of both")
    assert listed(f"`python -m {command} [PROBLEM]`") | settings == flags(PARSERS[command]())
