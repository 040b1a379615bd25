"""What must hold of every problem that is valid by construction: what `derive` accepts, `verify` accepts or refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

import derive
from derive.errors import HandgradError
from tables.text.report import to_text
from tests.grammar import Drawn
from verify import Outcome, audit, verify

Way = Callable[[derive.Problem, Drawn], Iterator[str]]


def faults(drawn: Drawn, ways: Iterable[Way] | None = None) -> Iterator[str]:
    """A sentence for each thing that is wrong with a problem, run through what can be done with it: `ways`, or all.

    A refusal with a message is none; an exception of any other kind, a disagreement of the two sides, a claim that is
    undecided without a reason and a line that is not proved equal to itself are. Raises nothing.
    """
    try:
        problem = derive.load(drawn.text)
        derive.derive(problem)
    except HandgradError:
        return
    for what in WAYS if ways is None else ways:
        try:
            yield from what(problem, drawn)
        except HandgradError as error:
            if not str(error):
                yield f"{what.__name__}: refused without a message"
        except Exception as error:  # noqa: BLE001
            yield f"{what.__name__}: {type(error).__name__}: {error}"


def _shown(problem: derive.Problem, _: Drawn) -> Iterator[str]:
    if not str(derive.derive(problem)):
        yield "a derivation without a line"


def _verified(problem: derive.Problem, drawn: Drawn) -> Iterator[str]:
    result = verify(problem, **drawn.settings)
    to_text(result)
    if result.verdict.outcome is Outcome.DISAGREES:
        yield result.verdict.sentence


def _audited(problem: derive.Problem, drawn: Drawn) -> Iterator[str]:
    flags = {name: value for name, value in drawn.settings.items() if name != "nodes"}
    for finding in audit(problem, claims=drawn.claims, **flags).findings:
        if finding.status.value == "undecided" and not finding.why:
            yield f"{finding.cell.name} is undecided without a reason"


def _judged(problem: derive.Problem, drawn: Drawn) -> Iterator[str]:
    for formula in audit(problem, sentences=list(drawn.formulas)).formulas:
        if formula.status == "wrong":
            yield f"{formula.name} = {formula.text}, a line of the problem, is called wrong: {formula.sentence}"


WAYS: tuple[Way, ...] = (_shown, _verified, _audited, _judged)  # what can be done with a problem


def one_way(random: Random) -> Way:
    """What is done with one of many small problems: the dear ways more rarely, as each of them takes the cheap ones."""
    return random.choices(WAYS, weights=(2, 4, 1, 3))[0]
