"""A derivation in Markdown, with formulas that GitHub, Jupyter and pandoc render."""

from __future__ import annotations

import re
from typing import Unpack

from derive.chain.derivation import Derivation
from derive.characters import ascii_text
from derive.show.latex import aligned
from derive.steps.choice import How, printed
from derive.steps.equations import Equation, Section
from derive.training.optimizers import Optimizer

_ROOM = 480.0  # points for one line of an equation: about a column of GitHub's

# GitHub reads the text between $$ as Markdown first, where a backslash before a sign is dropped and
# `}_{` can begin emphasis (github/markup, issues 1577 and 1746): only commands made of letters are left.
_SAFE = (
    (re.compile(r"\\, ?"), r"\\thinspace "),
    (re.compile(r"(?<=\W)_\{"), r"\\sb{"),
    (re.compile(r" > "), r" \\gt "),
    (re.compile(r" < "), r" \\lt "),
)
_MARKUP = re.compile(r"([\\*_\[\]<>#|~$&])")


def to_markdown(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = "SGD", **how: Unpack[How]
) -> str:
    """Returns the chosen steps as Markdown: headings, numbered formulas between $$, and sentences."""
    found, ascii_only = printed(derivation, optimizer, how)
    blocks = [f"# {marked(title)}"] if title else []
    for section in found:
        blocks += _section(section)
    text = "\n\n".join(blocks) + "\n"
    return ascii_text(text) if ascii_only else text


def _section(section: Section) -> list[str]:
    formulas = [_formula(equation) for equation in section.equations]
    return [f"## {marked(section.title)}", *formulas, *(f"{marked(text)}." for text in section.sentences)]


def _formula(equation: Equation) -> str:
    """One equation as a block of its own; `$$` stand on lines of their own."""
    rows = aligned(equation, _ROOM)
    if len(rows) > 1:
        table = r" \cr ".join(rows)
        body = rf"\begin{{aligned}} {table} \end{{aligned}}"
    else:
        body = rows[0].replace("&", "" if equation.left else "{} ")
    for pattern, safe in _SAFE:
        body = pattern.sub(safe, body)
    return f"$$\n{body} \\tag{{{equation.number}}}\n$$"


def marked(text: str) -> str:
    """Returns a sentence in Markdown: names stay between their `s, other signs with a meaning are escaped."""
    pieces = text.split("`")
    return "".join(f"`{piece}`" if number % 2 else _MARKUP.sub(r"\\\1", piece) for number, piece in enumerate(pieces))
