"""A formula that is wrong of equations alone only as their shapes were guessed: which were meant has to be said."""

from __future__ import annotations

from dataclasses import replace

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.equations import read_equations
from derive.problem.problem import Problem
from derive.run.precedence import in_effect
from derive.run.settings import Settings
from verify.formulas.judge import FormulaFinding, judge_sentences


def unless_read_otherwise(problem: Problem, settings: Settings, finding: FormulaFinding, text: str) -> FormulaFinding:
    """The finding on the sentence `text`; undecided, with what to say, where a wrong one is right by other shapes."""
    if finding.status != "wrong":
        return finding
    for said, equations in problem.readings:
        if _is_right(equations, problem.source, settings, text):
            why = f"it is right with {said} beside the equations, and wrong as they are read; say which is meant"
            return replace(
                finding,
                status="undecided",
                sentence=f"not decided: {why}",
                decided="the shapes are open",
                counterexample=None,
                explanation=None,
                right="",
            )
    return finding


def _is_right(equations: str, source: str, settings: Settings, text: str) -> bool:
    try:
        problem = read_equations(equations, source)
        found = judge_sentences(in_effect(problem, settings), differentiate(problem.graph), (text,))
    except ProblemError:  # with these shapes the formula, or the equations, cannot be read
        return False
    return all(one.status == "right" for one in found)
