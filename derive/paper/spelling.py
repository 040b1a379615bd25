"""Paper spellings → Python syntax, remembering which column each character came from.

`d²`, `w·x`, `c − y`, `Σ(e)`, `√x`, `x₁`, `Xᵀ` and names such as `lambda` become text that Python's own
parser accepts. Nothing is evaluated here or anywhere else.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import NamedTuple

from derive.characters import normalise
from derive.errors import EquationError, Place

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₚ", "0123456789ijklmnp", strict=True))
_OPERATORS = {
    "^": "**",
    "·": "@",
    "×": "*",
    "⋅": "@",
    "∙": "@",
    "∗": "*",
    "−": "-",
    "–": "-",
    "÷": "/",
    "∕": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
_FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
_MARK = "ˍ"  # a letter nobody types: sets names such as `lambda` apart from Python's keywords

_TRANSPOSED = "ᵀ⊤"
_SUP, _SUB, _PARTS = "".join(_SUPERSCRIPTS), "".join(_SUBSCRIPTS), "".join(_FRACTIONS)
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>(?:∂|[^\W\d{_SUP}{_SUB}{_PARTS}{_TRANSPOSED}])(?:[^\W{_SUP}{_SUB}{_PARTS}{_TRANSPOSED}]|[₀-₉])*)
    |(?P<subscript>[{_SUB}]+)
    |(?P<power>[{_SUP}]+)
    |(?P<transposed>\.T(?!\w)|\^?[{_TRANSPOSED}])
    |(?P<called>\.(?=[^\W\d]\w*(?:\.[^\W\d]\w*)*\s*\())
    |(?P<operator>\*\*|[<>=!]=|[-+*/^@<>≤≥≠()\[\],·×⋅∙∗÷∕−–√])
    |(?P<other>.)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of an equation; `kind` is the name of its group in `_TOKEN`, `column` counts from 0 within the text."""

    kind: str
    text: str
    column: int


class Spelled(NamedTuple):
    """Python syntax, and for each of its characters the column (from 0) of the original."""

    code: str
    columns: tuple[int, ...]

    def column(self, offset: int) -> int:
        """Returns the original column (from 0) of the character of `code` at `offset`; past the end, the last one."""
        return self.columns[min(max(offset, 0), len(self.columns) - 1)] if self.columns else 0


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, without white space; ∑, the sign, is Σ, the letter."""
    return [
        Token(str(match.lastgroup), match.group(), match.start())
        for match in _TOKEN.finditer(text.replace("∑", "Σ"))
        if match.lastgroup != "space"
    ]


def unmark(name: str) -> str:
    """Returns the name that was written for a name in `Spelled.code`: `lambda` without the mark."""
    return name.removesuffix(_MARK)


def spell(text: str, place: Place, start: int) -> Spelled:
    """Returns `text` as Python syntax; `start` is its column (from 0) in the source line of `place`.

    Raises `EquationError` for characters that have no meaning.
    """
    code: list[str] = []
    columns: list[int] = []

    def emit(piece: str, column: int) -> None:
        code.append(piece)
        columns.extend([column + start] * len(piece))

    pieces = tokens(text)
    depth = 0
    owed: list[int] = []  # for each √ without its own parentheses, how many were open before it
    for position, token in enumerate(pieces):
        following = pieces[position + 1] if position + 1 < len(pieces) else None
        if token.text == "√":
            bare = following is not None and following.text != "("
            emit("sqrt(" if bare else "sqrt", token.column)
            owed += [depth] if bare else []
            continue
        if token.text == "Σ" and index_of_sum(pieces, position):
            emit(SUM_OVER, token.column)
            continue
        if token.kind == "subscript" and index_of_sum(pieces, position - 1):
            emit("".join(_SUBSCRIPTS[c] for c in token.text), token.column)  # Σ_i, one name
            continue
        emit(_piece(token, following, place, start), token.column)
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        goes_on = following is not None and (following.text in ("(", "[") or following.kind == "subscript")
        while owed and owed[-1] == depth and not goes_on:
            emit(")", token.column)
            owed.pop()
    return Spelled("".join(code), tuple(columns))


def _piece(token: Token, following: Token | None, place: Place, start: int) -> str:
    """One token as Python syntax."""
    match token.kind:
        case "called":
            return "."
        case "operator":
            return _OPERATORS.get(token.text, token.text)
        case "power":
            return f"**({''.join(_SUPERSCRIPTS[c] for c in token.text)})"
        case "subscript":
            return f"[{','.join(_SUBSCRIPTS[c] for c in token.text)}]"
        case "number":
            return token.text + " "
        case "transposed":
            return ".T"
        case "name":
            called = following is not None and following.text == "("
            name = normalise("sigmoid" if called and token.text == "σ" else token.text)
            return name + _MARK if keyword.iskeyword(name) else name
    raise EquationError(f"{_meaning(token.text)}", at(place, token.column + start))


def index_of_sum(pieces: Sequence[Token], position: int) -> str:
    """Returns the i of `Σᵢ(…)` and of `Σ_i(…)`, where one begins at `position`; else ""."""
    after = [token.text for token in pieces[position + 1 : position + 3]]
    if position < 0 or not after:
        return ""
    if pieces[position].text == "Σ" and pieces[position + 1].kind == "subscript" and after[1:] == ["("]:
        return "".join(_SUBSCRIPTS[c] for c in after[0])
    return (
        pieces[position].text.removeprefix(SUM_OVER) if is_sum_over(pieces[position].text) and after[0] == "(" else ""
    )


SUM_OVER = "Σ_"  # with the letters of its indices behind it, the name of a sum that says them


def is_sum_over(name: str) -> bool:
    """Returns whether a name is that of a Σ with its indices, `Σ_i`, and not one such as `Σ_12` or `Σ_`."""
    return name.startswith(SUM_OVER) and name.removeprefix(SUM_OVER).isalpha()


def at(place: Place, column: int) -> Place:
    """Returns `place` with the caret under `column`, which counts from 0."""
    return Place(place.source, place.line, column + 1, place.text)


_NO_ATTRIBUTE = "attributes are never read (n is the number of samples)"


def _meaning(character: str) -> str:
    """Why a character is refused, and what to write."""
    remedies = {
        **{sign: f"'{sign}' is not part of the notation; write {plain}" for sign, plain in _FRACTIONS.items()},
        "|": "'|' is not part of the notation; write abs(…)",
        ".": f"'.' is not part of the notation: {_NO_ATTRIBUTE}; a number needs a digit beside its point",
        "=": "a second '='; an equation has one name on its left and one expression on its right",
        "'": "quotes are not part of the notation; choose a name such as x2 for x′",
    }
    return remedies.get(character, f"{character!r} is not part of the notation")
