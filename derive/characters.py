"""Text for terminals and files: in ASCII alone where they hold nothing else, and never with what steers a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_SIGNS = str.maketrans(
    {
        "←": "<-",
        "→": "->",
        "½": "1/2",
        "−": "-",
        "–": "-",
        "—": "-",
        "·": "*",
        "×": "*",
        "∂": "d",
        "≥": ">=",
        "²": "^2",
        "³": "^3",
        "√": "sqrt",
        "…": "...",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\N{REPLACEMENT CHARACTER}": "?",
    }
)


# what moves the cursor, changes colours or titles (C0, DEL, C1), or turns the direction of reading round
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def inert(text: str) -> str:
    """`text` without characters that steer a terminal, each a � then; line ends and tabs stay."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def ascii_text(text: str) -> str:
    """`text` in ASCII: Greek letters by their names, accents dropped, any other letter by its code point."""
    return text if text.isascii() else "".join(_ascii_character(character) for character in text.translate(_SIGNS))


def ascii_names(names: Iterable[str]) -> Mapping[str, str]:
    """Maps each name that is not ASCII to a spelling in ASCII; no two names get the same one."""
    names = tuple(names)
    taken = set(names)
    spelled: dict[str, str] = {}
    for name in names:
        if not name.isascii():
            plain = ascii_text(name)
            while plain in taken:
                plain += "_"
            taken.add(plain)
            spelled[name] = plain
    return spelled


def greek_names(names: Iterable[str]) -> Mapping[str, str]:
    """Maps names such as `alpha` and `sigma_1` to how they are printed, α and σ_1.

    Other names are not in the mapping, nor is `alpha` where `names` holds α as well.
    """
    names = tuple(names)
    printed = {name: "_".join(_greek_word(word) for word in name.split("_")) for name in names}
    return {name: letters for name, letters in printed.items() if letters not in names}


def _greek_word(word: str) -> str:
    base = word.rstrip("0123456789")
    return _GREEK.get(base, base) + word[len(base) :]


def greek_name(character: str) -> str | None:
    """Returns `alpha` for α and `Alpha` for Α; None for what is not a Greek letter."""
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or words[2:3] != ["LETTER"]:
        return None
    name = "sigma" if words[3:] == ["FINAL", "SIGMA"] else words[3].lower()
    name = {"lamda": "lambda"}.get(name, name)
    return name if words[1] == "SMALL" else name.capitalize()


def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    stripped = "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii())
    return stripped or greek_name(character) or f"U{ord(character):04X}"


# Letters whose names stand for them; Σ and Π would be read as signs, π is no name, and Α looks like A.
_GREEK = {str(greek_name(letter)): letter for letter in "αβγδεζηθικλμνξρστυφχψωΓΔΘΛΞΦΨΩ"}


def normalise(name: str) -> str:
    """A name as it is compared: Unicode NFKC, so that µ (micro) and μ (mu), x₁ and x1 are one."""
    return unicodedata.normalize("NFKC", name)
