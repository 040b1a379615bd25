"""Pieces of LaTeX: names and sentences in it, how wide a formula comes out, and where its lines may end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from derive.characters import ascii_text, greek_name

_SMALL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
_CAPITAL = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
GREEK = frozenset(f"{_SMALL} omega {_CAPITAL}".split())
_ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u0307": "dot", "\u0308": "ddot"}
_NAME = re.compile(r"(?P<base>.*?)(?P<digits>[0-9]*)", re.DOTALL)


def name_parts(name: str) -> tuple[str, tuple[str, ...]]:
    """Returns a name as LaTeX, and its subscripts: `w1` and `w_1` are w₁, `lambda` is λ, `y_hat` is ŷ."""
    first, *rest = [part for part in name.split("_") if part] or ["_"]
    match = _NAME.fullmatch(first)
    base, digits = (match["base"], match["digits"]) if match and match["base"] else (first, "")
    text = _word(base)
    if rest and rest[0] in _ACCENTS.values() and not digits:
        text = rf"\{rest.pop(0)}{{{text}}}"
    below = ([digits] if digits else []) + [part if part.isdigit() else _word(part) for part in rest]
    return text, tuple(below)


def _word(word: str) -> str:
    """One word of a name: a letter as it is, a Greek letter as its command, longer words upright and together."""
    if len(word) == 1:
        return _letter(word)
    if word in GREEK:
        return rf"\{word}"
    if any(greek_name(character) for character in word):
        return " ".join(_letter(character) for character in word)
    return rf"\mathit{{{ascii_text(word).replace('_', '')}}}"


def _letter(letter: str) -> str:
    greek = greek_name(letter)
    if greek is not None:
        return rf"\{greek}" if greek in GREEK else rf"\mathrm{{{greek[0]}}}"
    parts = unicodedata.normalize("NFD", letter)
    if parts[0].isascii() and parts[1:2] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    text = {"∂": r"\partial"}.get(letter) or ascii_text(letter)
    return text if len(text) == 1 or text.startswith("\\") else rf"\mathrm{{{text}}}"


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "^": r"\^{}",
    "_": r"\_",
    "~": r"\~{}",
    "%": r"\%",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': r"''",
    "←": r"$\leftarrow$",
    "½": r"$\tfrac{1}{2}$",
    "−": "$-$",
    "·": r"$\cdot$",
    "∂": r"$\partial$",
    "²": "${}^2$",
    "³": "${}^3$",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
}


def text_to_tex(text: str) -> str:
    """Returns a sentence for LaTeX; what stands between `s is a name and is set in italics."""
    pieces = text.split("`")
    return "".join(f"${subscripted(piece)}$" if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))


def subscripted(name: str, axes: tuple[str, ...] = ()) -> str:
    """Returns a name as LaTeX with its own subscripts and the letters of `axes` in one subscript."""
    text, below = name_parts(name)
    subscript = ",".join((*below, "".join(axes))) if axes and below else "".join(axes) or ",".join(below)
    return f"{text}_{{{subscript}}}" if subscript else text


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character) or _text_character(character) for character in text)


def _text_character(character: str) -> str:
    """A character of a sentence: accented Latin letters as they are, Greek ones as maths, others in ASCII."""
    if character.isascii() or "À" <= character <= "ſ":
        return character
    return f"${_letter(character)}$" if greek_name(character) else _escaped(ascii_text(character))


# Widths of Computer Modern at 10 points, in points, rounded up; only used to decide where lines end.
_LETTER, _OPERATOR, _PARENTHESIS, _SCRIPT = 6.0, 12.3, 3.9, 0.75
_WIDTHS = {r"\,": 1.7, r"\cdot": 7.3, r"\sum": 14.5, r"\qquad": 20.0, r"\leftarrow": 15.6, "=": 13.4, " ": 0.0}
_WIDTHS |= dict.fromkeys((r"\lbrack", r"\rbrack", r"\lvert", r"\rvert", "(", ")", ",", ".", "[", "]"), _PARENTHESIS)
_WIDTHS |= dict.fromkeys((r"\partial", "{", "}"), _LETTER)
_WIDTHS |= dict.fromkeys(("+", "-", "<", ">", r"\ge", r"\le", r"\ne"), _OPERATOR)
_SIZES = {"big": 5.0, "Big": 6.5, "bigg": 8.0, "Bigg": 9.5}
_ATOM = re.compile(r"\\(?P<command>[A-Za-z]+) ?|\\.|[_^]|.", re.DOTALL)


class Atom(NamedTuple):
    """A piece of a formula that stays together, `width` points wide; `opens` is 1 for "(" and the like, −1 for ")"."""

    text: str
    width: float
    opens: int = 0


def atoms(formula: str) -> Iterator[Atom]:
    """Yields the pieces of a formula from left to right; what stands in braces belongs to the command before."""
    position = 0
    while position < len(formula):
        match = _ATOM.match(formula, position)
        assert match is not None  # the last alternative takes any character
        start, position = position, match.end()
        command = match["command"]
        arguments = []
        while position < len(formula) and formula[position] == "{" and (command or match[0] in "_^"):
            end = _closing(formula, position)
            arguments.append(formula[position + 1 : end])
            position = end + 1
        if command in _DELIMITERS:
            delimiter = _ATOM.match(formula, position)
            assert delimiter is not None  # a size is always followed by its delimiter
            position = delimiter.end()
        yield Atom(formula[start:position], _width(match[0].strip() or " ", arguments), _opens(match[0].strip()))


_DELIMITERS = frozenset(f"{size}{side}" for size in _SIZES for side in "lr")


def _opens(token: str) -> int:
    """1 for what opens parentheses, −1 for what closes them."""
    if token in ("(", r"\lbrack", r"\lvert") or token[1:] in {f"{size}l" for size in _SIZES}:
        return 1
    return -1 if token in (")", r"\rbrack", r"\rvert") or token[1:] in {f"{size}r" for size in _SIZES} else 0


def _width(token: str, arguments: list[str]) -> float:
    inside = [measure(argument) for argument in arguments]
    match token:
        case "_" | "^":
            return _SCRIPT * inside[0] if inside else 0.0
        case r"\frac":
            return max(inside) + 3.0
        case r"\sqrt":
            return inside[0] + 9.0
        case r"\operatorname" | r"\mathit" | r"\mathrm" | r"\hat" | r"\bar" | r"\tilde" | r"\text":
            return sum(inside)
    if token[1:] in _DELIMITERS:
        return _SIZES[token[1:-1]]
    if token.startswith("\\") and token[1:] not in GREEK and token not in _WIDTHS:
        return 5.5 * (len(token) - 1)  # \sin, \exp: as wide as their letters
    return _WIDTHS.get(token, _LETTER)


def measure(formula: str) -> float:
    """Returns about how wide a formula is, in points, at a font size of 10 points."""
    return sum(atom.width for atom in atoms(formula))


def _closing(formula: str, start: int) -> int:
    """Where the brace that opens at `start` is closed."""
    depth = 0
    for position in range(start, len(formula)):
        depth += (formula[position] == "{") - (formula[position] == "}")
        if depth == 0:
            return position
    return len(formula)


def fold(formula: str, first: float, width: float) -> list[str]:
    """Returns `formula` in lines of at most `first`, then `width` points, broken where the fewest parentheses are open.

    A line ends before a sum's sign, or between factors; what has neither stays whole.
    """
    pieces = list(atoms(formula))
    lines: list[str] = []
    start, room = 0, first
    while True:
        used, depth, candidates, end = 0.0, 0, [], len(pieces)
        for position in range(start, len(pieces)):
            piece = pieces[position]
            if position > start and (rank := _rank(pieces, position)) is not None:
                candidates.append((depth, rank, -position, used))
            used, depth = used + piece.width, depth + piece.opens
            if used > room:
                end = position
                break
        if end == len(pieces) or not candidates:
            lines.append("".join(piece.text for piece in pieces[start:]).strip())
            return lines
        late = [candidate for candidate in candidates if candidate[3] > room / 3] or candidates
        cut = -min(late)[2]
        lines.append("".join(piece.text for piece in pieces[start:cut]).strip())
        start = cut + (pieces[cut].text.strip() in (r"\,", ""))
        room = width


def _rank(pieces: list[Atom], position: int) -> int | None:
    """How good a line's end before this piece is: 0 before a sign, 1 between factors, None if it is none."""
    text = pieces[position].text.strip()
    after_space = pieces[position - 1].text == " "
    if text in ("+", "-") and after_space:
        return 0
    if text == r"\cdot" or (text == r"\," and position + 1 < len(pieces)):
        return 1
    return None
