"""A TOML text: its content, with the literal digits of every number, and where each key stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from derive.characters import normalise
from derive.errors import Place, ProblemError, shorten, suggestion
from derive.source.numerals import Numeral, shown

Path = tuple[str, ...]

_KEY = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_SECTION = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_DOTTED})[ \t]*\]")
_ENTRY = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_STRING_OR_COMMENT = re.compile(
    r"#[^\n]*|\"\"\"(?:\\.|[^\\])*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'", re.DOTALL
)
# tomllib takes time with the square of a dotted key's parts: seconds for 20,000 of them
_LONG_KEY = re.compile(r"(?:(?:(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}")
_OPENING = re.compile(r"[ \t]*(?:\"\"\"\n?|'''\n?|\"|')")
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """A TOML text that could be read; its numbers with a point or an exponent are `Numeral`s.

    `places` says where the keys and table headers stand that begin a line.
    """

    source: str
    text: str
    content: Mapping[str, object]
    places: Mapping[Path, Place]

    def place(self, *path: str) -> Place:
        """Returns where the key `path` stands; the table that holds it, or the file, where that is not known."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.source)

    def table(self, *path: str) -> Mapping[str, object]:
        """The table at `path`; an empty one when it is left out. Raises `ProblemError` for another kind of value."""
        value: object = self.content
        for key in path:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            name = ".".join(path)
            raise ProblemError(f"{name} is {shown(value)}; expected a table [{name}]", self.place(*path))
        return value

    def words(self, *path: str) -> str | None:
        """The text at `path`, None when it is left out. Raises `ProblemError` for another kind of value."""
        value = self.table(*path[:-1]).get(path[-1])
        if value is None or (isinstance(value, str) and not isinstance(value, Numeral)):
            return value
        raise ProblemError(f"{'.'.join(path)} = {shown(value)}; expected a text in quotes", self.place(*path))

    def refuse_unknown(self, known: Iterable[str], *path: str, remedies: Mapping[str, str] | None = None) -> None:
        """Raises `ProblemError` for a key of the table at `path` that is not `known`.

        `remedies` maps keys that are often mistaken to what to do about them.
        """
        known = tuple(known)
        for key in self.table(*path):
            if key not in known:
                remedy = (remedies or {}).get(key.lower(), "")
                remedy = f"; {remedy}" if remedy else suggestion(key, known) or f"; known: {', '.join(known)}"
                where = f" in [{'.'.join(path)}]" if path else ""
                raise ProblemError(f"unknown key {shorten(key)}{where}{remedy}", self.place(*path, key))

    def offset_after(self, path: Path, value: str, start: int = 0) -> int | None:
        """Returns the offset, from 0, in the text at which the characters of the string `value` begin.

        The string is looked for from `start`, or right after the `=` of the key `path` where that is 0. Returns None
        where it does not stand there as it is, such as when it was written with escapes.
        """
        place = self.places.get(path)
        if place is None or place.line is None or place.column is None:
            return None
        key = sum(len(line) + 1 for line in self.text.split("\n")[: place.line - 1]) + place.column - 1
        equals = self.text.index("=", key + len(path[-1])) + 1
        if start == 0:
            opening = _OPENING.match(self.text, equals)
            return opening.end() if opening and self.text.startswith(value, opening.end()) else None
        found = re.compile(rf"([\"']){re.escape(value)}\1").search(self.text, start)
        return found.start() + 1 if found else None


def parse(text: str, source: str) -> Document:
    """The document of a TOML text with lines ending in LF. Raises `ProblemError` with the line and a caret."""
    long_key = _LONG_KEY.search(text)
    if long_key is not None:
        line = text.count("\n", 0, long_key.start()) + 1
        raise ProblemError("a key of more than 50 parts; expected keys such as training.lr", Place(source, line))
    try:
        content = tomllib.loads(text, parse_float=Numeral)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, source) from None
    except RecursionError:
        raise ProblemError("arrays or tables nested too deeply; expected lists of numbers", Place(source)) from None
    except ValueError:  # Python refuses to read an integer of more than 4300 digits
        raise ProblemError("an integer with thousands of digits; expected at most 1000", Place(source)) from None
    return Document(source, text, content, _places(text, source))


def _syntax_error(message: str, text: str, source: str) -> ProblemError:
    """What tomllib found wrong, with the line and a caret."""
    where = _WHERE.search(message)
    lines = text.split("\n")
    if where is None or where[1] is None:
        place = Place(source, len(lines))
    else:
        number, column = int(where[1]), int(where[2])
        place = Place(source, number, column, _printable(lines[number - 1]))
    reason = _WHERE.sub("", message)
    return ProblemError(f"not TOML: {_remedy(place) or reason[:1].lower() + reason[1:]}", place)


def _remedy(place: Place) -> str:
    """What to do about the commonest slips: a Greek name that TOML wants in quotes, and `.5`, `5.`, `0,5`, `1/3`."""
    name = place.text.partition("=")[0].strip()
    if "=" in place.text and normalise(name).isidentifier() and not name.isascii():
        return f'write the name in quotes: "{name}" = …'
    start = max(0, (place.column or 0) - _NEAR)
    complaint = (place.column or 0) - 1 - start
    numbers = _NUMBER.finditer(place.text[start : start + 2 * _NEAR])
    return next((_number_remedy(found) for found in numbers if found.start() <= complaint <= found.end()), "")


_NEAR = 100  # characters on either side of what tomllib complains of
_NUMBER = re.compile(
    r"""(?<![\w."'])(?P<sign>[+-]?)(?P<whole>[0-9]*)(?P<between>\.|,|[ ]?/[ ]?)(?P<after>[0-9]*)"""
    r"""(?P<power>[eE][+-]?[0-9]+)?"""
)


def _number_remedy(number: re.Match[str]) -> str:
    """How TOML writes a number that it refuses otherwise; empty where nothing is wrong with it."""
    sign, whole, between, after, power = number.group("sign", "whole", "between", "after", "power")
    if number.string[: number.start()].count('"') % 2:
        return ""  # text, whose closing quotes are what is missing
    if between == "." and bool(whole) != bool(after):
        written = f"{sign}{whole or 0}.{after or 0}{power or ''}"
        return f'a decimal point stands between digits: write {written}, or "{number.group()}" as text'
    if between == "," and whole and after and number.string[: number.start()].rstrip().endswith("="):
        return f"the decimal sign is a point: write {sign}{whole}.{after}"
    if "/" in between and whole and after:
        return f'a quotient is written as text: "{sign}{whole}/{after}"'
    return ""


def _printable(line: str) -> str:
    """`line` for a terminal: no escape sequences of a stranger's file reach it."""
    return "".join(character if character.isprintable() or character == "\t" else "�" for character in line)


def _places(text: str, source: str) -> dict[Path, Place]:
    """Every `[section]` and every `key =` that begins a line, outside of strings and comments.

    Tables of a list, `[[training.groups]]`, are counted from 1: what stands in the second is at
    `("training", "groups", "2", …)`.
    """
    places: dict[Path, Place] = {}
    counted: dict[Path, int] = {}
    section: Path = ()
    bare = _STRING_OR_COMMENT.sub(lambda match: _blank(match.group()), text)
    for number, (line, full) in enumerate(zip(bare.split("\n"), text.split("\n"), strict=True), start=1):
        header, entry = _SECTION.match(line), _ENTRY.match(line)
        match = header or entry
        if match is None:
            continue
        path = tuple(key.strip("\"'") for key in re.findall(_KEY, match[1]))
        if header and line.lstrip().startswith("[["):
            counted[path] = counted.get(path, 0) + 1
            path = (*path, str(counted[path]))
        section, path = (path, path) if header else (section, section + path)
        for length in range(1, len(path) + 1):
            places.setdefault(path[:length], Place(source, number, match.start(1) + 1, _printable(full)))
    return places


def _blank(piece: str) -> str:
    """A comment or a string over several lines, without its characters; a string on one line may be a key."""
    if piece.startswith("#") or "\n" in piece:
        return re.sub(r"[^\n]", " ", piece)
    return piece
