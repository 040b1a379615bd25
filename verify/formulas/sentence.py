"""A claimed formula written as a sentence: `dl/dw = (2/n)*sum((w*x + b - y)*x)`."""

from __future__ import annotations

from collections.abc import Iterable

from derive.chain.derivation import Derivation
from derive.errors import ClaimError, Place, shorten
from derive.paper.spelling import at
from derive.problem.loading import Problem
from verify.formulas.judge import FormulaFinding, judge_formula
from verify.formulas.reading import left_side

SOURCE = "--claim"  # what messages call a sentence


def judge_sentences(problem: Problem, derivation: Derivation, texts: Iterable[str]) -> tuple[FormulaFinding, ...]:
    """The findings on formulas, each a text such as `dl/dw = 2*w` or `w <- w - lr*dl/dw`, in order.

    Raises `ClaimError` for a text without a name and a sign, and as `judge_formula` does.
    """
    return tuple(_judged(problem, derivation, text) for text in texts)


def _judged(problem: Problem, derivation: Derivation, text: str) -> FormulaFinding:
    place = Place(SOURCE, None, 1, text)
    name, end = left_side(text)
    if not name:
        raise ClaimError(f"{shorten(text, 60)} is no claim; expected one such as 'dl/dw = 2*w'", place)
    start = end + len(text[end:]) - len(text[end:].lstrip())
    return judge_formula(problem, derivation, name, text[start:].rstrip(), at(place, start))
