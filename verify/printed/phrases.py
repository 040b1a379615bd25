"""Phrases of free words in a log: `after 3 iterations`, `the 2nd step`, `w became 0.5`, `from 0 to 0.5`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from verify.tabular.written import KINDS, NUMBER, TOTALS

COUNTING = frozenset(  # the words that count in a line
    word for words in KINDS.values() for word in words if len(word) > 1 and word not in (*NUMBER, *TOTALS)
)
WORDS = "|".join(sorted(map(re.escape, COUNTING), reverse=True))
_IN_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINALS: Mapping[str, int] = {word: number for number, word in enumerate(_IN_WORDS, start=1)}
_ORDINAL = re.compile(  # 1st step, 1. iteration, first epoch
    rf"(?:(?P<number>\d{{1,15}})(?:st|nd|rd|th|\.)|(?P<ordinal>{'|'.join(_ORDINALS)}))[ \t]+"
    rf"(?:[^\W\d_]+[ \t]+)?(?P<word>{WORDS})\b(?![ \t]*#?[ \t]*\d)[ \t]*:?",
    re.IGNORECASE,
)
_PASSED = re.compile(rf"after[ \t]+(?P<number>\d{{1,15}})[ \t]+(?P<word>{WORDS})s?\b[ \t]*:?", re.IGNORECASE)
_WITHOUT_NUMBER = re.compile(
    rf"(?:last|final|next|previous|following|preceding|same|one|each|every|all)[ \t]+(?:{WORDS})s?\b(?![ \t]*\d)",
    re.IGNORECASE,
)
_VERBS = (
    r"(?:(?:is|was|are)(?:[ \t]+(?:now|then|equal[ \t]+to|about))?|equals?|(?:became|becomes|become)|(?:gets|got)|"
    r"(?:comes|came)[ \t]+(?:out[ \t]+)?(?:to|at|as)|(?:reaches|reached)|(?:has|had)[ \t]+the[ \t]+value)"
)
IS = (  # what stands between a name and its number, beside = and :
    rf"(?:[ \t]+(?:{_VERBS}[ \t]+)?|[ \t]*(?:≈|≃|~|<-+|←|→|⟶|-+>|=+>)[ \t]*)"
)
FILLER = re.compile(
    r"(?:(?:and|with|the|then|after(?![ \t]+\d)|at|in|on|so|thus|hence|therefore|we|get|gets|got|obtain|have|find|"
    r"giving|gives|gave|yields|now|finished|its|our)[ \t]+)+(?=[^\W\d_]|[∂∇]|\d+(?:st|nd|rd|th|\.)[ \t])",
    re.IGNORECASE,
)
AT = r"(?:after|at|in|for|of|on|by)[ \t]+(?:the[ \t]+)?"  # between a name and what counts: loss at step 3 is 0.5

COUNTS = rf"(?:\d|(?:{WORDS}|{'|'.join(_IN_WORDS)})\b)"  # how it begins there


def ordinal(text: str, at: int) -> tuple[str, str, int] | None:
    """What counts at a place in other words than `step 3`: its word, its number as digits, and where it ends."""
    match = _PASSED.match(text, at) or _ORDINAL.match(text, at)
    if match is None:
        return None
    word = match["word"].lower()
    return word, match["number"] or str(_ORDINALS[match["ordinal"].lower()]), match.end()


def says_no_number(text: str, start: int, stop: int) -> re.Match[str] | None:
    """`the last step`, which is one of the run, and nobody says which."""
    return _WITHOUT_NUMBER.search(text, start, stop)
