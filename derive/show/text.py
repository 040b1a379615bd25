"""A derivation as numbered text, aligned and at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Unpack

from derive.chain.derivation import Derivation
from derive.show.notation import Text
from derive.show.sides import ascii_style, left, right, sentence, text_style
from derive.steps.choice import How, printed
from derive.steps.equations import Equation, Section
from derive.training.optimizers import Optimizer

WIDTH = 80  # characters of a line, the width of a terminal by tradition


def to_text(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = "SGD", **how: Unpack[How]
) -> str:
    """Returns the chosen steps as text; `ascii_only` prints `dl/dw` and `sum_i` for `∂l/∂w` and `Σᵢ`."""
    found, ascii_only = printed(derivation, optimizer, how)
    style = ascii_style(derivation.graph) if ascii_only else text_style(derivation.graph)
    return "\n".join(lines(found, title, style)) + "\n"


def lines(found: tuple[Section, ...], title: str, style: Text) -> list[str]:
    """Returns the lines of the title, where there is one, and of the sections."""
    printed = [sentence(title, style), ""] if title else []
    width = len(str(max((equation.number for section in found for equation in section.equations), default=1)))
    for section in found:
        if section is not found[0]:
            printed.append("")
        printed.append(sentence(section.title, style))
        column = max((len(left(equation, style)) for equation in section.equations), default=0)
        for equation in section.equations:
            printed += _equation(equation, style, width, column)
        for text in section.sentences:
            printed += textwrap.wrap(sentence(text, style), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return printed


def _equation(equation: Equation, style: Text, width: int, column: int) -> list[str]:
    number = f"({equation.number})".rjust(width + 2)
    relation = sentence(equation.relation, style)
    head = f"  {number}  {left(equation, style).ljust(column)} {relation} "
    body = right(equation, style)
    note = f"    {sentence(equation.note, style)}" if equation.note else ""
    if len(head) + len(body) <= WIDTH:
        if len(head) + len(body) + len(note) <= WIDTH:
            return [head + body + note]
        return [head + body, *([" " * len(head) + note.strip()] if note else [])]
    indent = " " * min(len(head), WIDTH // 2)
    first, *rest = fold(body, WIDTH - len(head), WIDTH - len(indent) - 2)
    return [head + first, *(f"{indent}  {line}" for line in rest), *([indent + note.strip()] if note else [])]


def fold(text: str, first: int, width: int) -> list[str]:
    """Returns `text` in lines of at most `first`, then `width` characters; a piece without a break is longer.

    A line ends at a space, or between factors in parentheses, in the fewest parentheses, before a
    sign rather than inside a product, and never between a Σ and what it sums.
    """
    lines = []
    room = first
    while len(text) > room:
        breaks = list(_breaks(text))
        fitting = [entry for entry in breaks if entry[2] <= room]
        if not breaks:
            break
        late = [entry for entry in fitting if entry[2] > room // 3] or fitting
        column = min(late, key=lambda entry: (entry[0], entry[1], -entry[2]))[2] if late else breaks[0][2]
        lines.append(text[:column])
        text, room = text[column:].removeprefix(" "), width
    return [*lines, text]


def _breaks(text: str) -> Iterator[tuple[int, int, int]]:
    """Where a line may end: how many parentheses are open there, 0 if a sign follows, else 1 or 2, the column."""
    depth = 0
    for column, character in enumerate(text):
        if character in "(*" and text[column - 1 : column] == ")":
            yield depth, 2, column
        depth += (character in "([") - (character in ")]")
        if character == " " and column > 0:
            before, after = text[:column].rsplit(" ", 1)[-1], text[column + 1]
            if before.lstrip("(√|−-")[:1] != "Σ" and not before.startswith("sum_") and before not in ("+", "−", "-"):
                yield depth, int(after not in "+−-"), column
