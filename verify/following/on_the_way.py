"""What follows from an author's numbers where every number on the way is rounded, written down or not.

Two things are told apart. What roundings do together, whichever way each of them goes, is an interval: a number beyond
it does not follow. What a person gets who rounds in one way is one number for each of the table: only that is right
work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import product, takewhile

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.claims.literal import Literal, may_stand_for
from verify.following.extent import MAX_BY_HAND, in_forms
from verify.following.finding import Finding, Status
from verify.following.follow_through import follow
from verify.following.own_lines import OF_LINES, has_own_lines
from verify.following.own_numbers import Own, is_integer
from verify.hand.calculation import input_marks
from verify.names import parameter_of
from verify.numbers import (
    FEWEST,
    Carried,
    Form,
    PocketForms,
    PocketNumbers,
    Rounds,
    as_ball,
    carried,
    from_fraction,
    likely,
)

FEW_STEPS = 20  # of which rarer ways to round are tried as well
GUARD_DIGITS = 1  # that somebody carries at most beyond those that are printed
_OF_WRITTEN_LINES = (Rounds.LINES, Rounds.VALUES)
_OF_ROUNDED_LINES = (Rounds.RESULTS, Rounds.UPDATES, *_OF_WRITTEN_LINES)
WAYS = 2 * 2 * (len(Rounds) + len(_OF_ROUNDED_LINES)) * (1 + GUARD_DIGITS)  # to round that are tried of one run at most
ONE_IN = 8  # right numbers that a person who rounds in much the same way may have otherwise
_NO_LIMIT = 99  # digits, or places after the point


# Whether a table shows that its author rounds on the way. Of numbers that such rounding can take TRACE times as far as
# their digits and the numbers before them leave open, 222 of 482 were beyond that in 186 right tables of students who
# round everything (tests/students.py): two in five at least, at 99 %. If each is so with a chance of 2/5, the chance
# that m or fewer are, and more than RARE·(m + 1) are not, is less than 1/1000 for all m together: (3/5)^14 for m = 0,
# and less than 1/50000 for m = 1.
TRACE, RARE = 4, 13


@dataclass(frozen=True)
class Allowed:
    """What numbers on the way that are rounded to `digits` allow at most; nothing where nobody calculates so."""

    digits: Carried | None
    forms: Mapping[Cell, Form]


@dataclass(frozen=True)
class Reached:
    """The numbers that one `way` to round gives, in words, as they are printed; each with what it rests on.

    `way_of_lines` is that of the lines and losses, where it is another.
    """

    way: str = ""
    forms: Mapping[Cell, Form] = field(default_factory=dict)
    way_of_lines: str = ""

    def way_of(self, cell: Cell) -> str:
        """The way that gives a number."""
        return self.way_of_lines if self.way_of_lines and cell.quantity.group in OF_LINES else self.way

    def with_lines(self, other: Reached) -> Reached:
        """The numbers, the lines and losses as another way gives them."""
        own = {cell: form for cell, form in self.forms.items() if cell.quantity.group not in OF_LINES}
        return Reached(self.way, {**own, **other.forms}, other.way)


def allowed(run: Run, findings: Sequence[Finding], owns: Sequence[Own]) -> Allowed:
    """What follows from an author's numbers where each number on the way is rounded up or down to what is carried.

    Nothing where a table cannot be one that was calculated so: a number alone, too many digits or steps.
    """
    listed = [one for one in findings if one.cell.quantity.group != "setting" and one.claim.literal.digits]
    shortened = [own.claim.literal for own in owns if _is_shortened(own)]
    is_cut = bool(shortened) and all(literal.is_cut for literal in shortened)
    digits = carried(((one.claim.literal.digits, one.claim.literal.decimals) for one in listed), is_cut=is_cut)
    if digits is None or len(listed) < 2 or is_by_program(findings):
        return Allowed(None, {})
    found: dict[Cell, Form] = {}
    for calculated in (run, *run.written_out[:1]):
        system = PocketForms(digits, input_marks(run.watched))
        for cell, form in follow(calculated, owns, [one.cell for one in listed], system).items():
            own = likely(form)
            found[cell] = own if cell not in found or own.radius > found[cell].radius else found[cell]
    return Allowed(digits, found)


def is_by_program(findings: Sequence[Finding]) -> bool:
    """Whether numbers are claimed of more steps than somebody calculates by hand; the last step comes last."""
    late = takewhile(lambda one: one.cell.step > MAX_BY_HAND, reversed(findings))
    return any(one.cell.quantity.group != "setting" and one.claim.literal.digits for one in late)


def _is_shortened(own: Own) -> bool:
    """Whether a number has further digits that are left out, and is not written down whole."""
    literal = own.claim.literal
    is_calculated = own.claim.cell.quantity.group != "setting" and literal.digits > 0 and not is_integer(literal)
    return is_calculated and literal.unit is not None and own.high - own.low >= literal.unit


def reached(
    run: Run, findings: Sequence[Finding], candidates: Set[Cell], digits: Carried, beside: Set[Cell] = frozenset()
) -> Reached:
    """What a person gets who rounds in one way and goes on with what is printed: the way that explains the table best.

    That is the first that gives all `candidates`, which do not follow otherwise, as they are printed; or else, of those
    that give some of them, the one that gives the most numbers of the table. Each has to give those `beside` them, but
    for one in `ONE_IN`. Lines and losses may all be given by another way, that does not give the gradients: these are
    calculated by other formulas than the chain rule's as well, (p − t)·x. Nothing where that takes too long.
    """
    claims = [one.claim for one in findings if one.claim.literal.special is None]
    owns = [Own(claim, mark, claim.literal.value, claim.literal.value) for mark, claim in enumerate(claims)]
    literals = {claim.cell: claim.literal for claim in claims if claim.cell.quantity.group != "setting"}
    best, last = Reached(), max(cell.step for cell in literals)
    if in_forms(run, WAYS * last, 0) > run.settings.limit:
        return best
    forward = Reached()
    for way in _ways(run, digits, is_short=last <= FEW_STEPS, are_gradients_shown=not hides_gradients(findings)):
        given = way.given_with(candidates, owns, literals)
        if not given:
            continue
        lines = {cell: form for cell, form in given.items() if cell.quantity.group in OF_LINES}
        if way.is_coarse:
            given = way.beside_a_slip(owns, literals, given)
            if not _gives_most(given.keys(), candidates, literals.keys() - candidates):
                continue
        if candidates & lines.keys() and len(lines) > len(forward.forms):
            forward = Reached(way.words, lines)
        if ONE_IN * len(beside - given.keys()) > len(beside):
            continue
        if candidates <= given.keys():
            return Reached(way.words, given)
        if candidates & given.keys() and len(given) > len(best.forms):
            best = Reached(way.words, given)
    of_lines = {cell for cell in literals if cell.quantity.group in OF_LINES}
    is_better = len(forward.forms) > len(of_lines & best.forms.keys())
    return best.with_lines(forward) if is_better and forward.forms.keys() == of_lines else best


def hides_gradients(findings: Sequence[Finding]) -> bool:
    """Whether a short table has no gradients, which may be rounded to fewer digits than what it has."""
    has_gradients = any(one.cell.quantity.group == "gradients" for one in findings)
    return not has_gradients and max(one.cell.step for one in findings) <= FEW_STEPS


def _gives_most(given: Set[Cell], candidates: Set[Cell], others: Set[Cell]) -> bool:
    """Whether a way gives nearly all numbers that follow otherwise, and of the rest two for each that it does not."""
    off = len(candidates - given)
    return (not off or len(candidates & given) >= 2 * off) and ONE_IN * len(others - given) <= len(others)


def of_parameters(owns: Sequence[Own]) -> list[Own]:
    """The parameters, and what is set: somebody may carry all else in full, and only show it rounded."""
    return [own for own in owns if _is_of_parameter(own.claim.cell)]


def _is_of_parameter(cell: Cell) -> bool:
    group, name = cell.quantity.group, cell.quantity.name
    return group == "setting" or (group in ("before", "after") and parameter_of(name) == name)


@dataclass(frozen=True)
class _Way:
    """One way to round, in words: which numbers, and in a run of which lines.

    With `through`, derivatives are taken at the numbers of lines. `is_coarse` where numbers that are on no paper have
    fewer digits than those of the table: nothing else speaks for it than that it gives all of them.
    """

    words: str
    system: PocketNumbers
    run: Run
    through: bool = False
    is_coarse: bool = False

    def given(self, owns: Sequence[Own], literals: Mapping[Cell, Literal], cells: Set[Cell]) -> dict[Cell, Form]:
        """Those of `cells` that the way gives as they are printed."""
        kept = owns if self.system.rounds is not Rounds.PARAMETERS else of_parameters(owns)
        found = follow(self.run, kept, [*cells], self.system, through=self.through)
        return {cell: form for cell, form in found.items() if may_stand_for(literals[cell], form.ball) is True}

    def given_with(
        self, candidates: Set[Cell], owns: Sequence[Own], literals: Mapping[Cell, Literal]
    ) -> dict[Cell, Form]:
        """What the way gives of all numbers; nothing where it gives no candidate: the steps after them tell nothing."""
        last = max(cell.step for cell in candidates)
        begun = {cell for cell in literals if cell.step <= last}
        given = self.given(owns, literals, begun)
        if not candidates & given.keys():
            return {}
        return given if len(begun) == len(literals) else self.given(owns, literals, literals.keys())

    def beside_a_slip(
        self, owns: Sequence[Own], literals: Mapping[Cell, Literal], given: dict[Cell, Form]
    ) -> dict[Cell, Form]:
        """What is given, or what is where the first number that is not was copied wrongly, if that is more."""
        slip = next((cell for cell in literals if cell not in given), None)
        if slip is None:
            return given
        found = self.given([own for own in owns if own.claim.cell != slip], literals, literals.keys())
        return max(given, found, key=len)


def _ways(run: Run, digits: Carried, *, is_short: bool, are_gradients_shown: bool) -> Iterator[_Way]:
    """The ways in which people round: to digits or places, as many as printed or a few more, and which numbers.

    The usual ones come first; then, of a table that `is_short`, those in which functions inside a line are written down
    as well, a sum is rounded before it is divided, and gradients that are not in the table have fewer digits.
    """
    yield from _with_systems(run, _roundings(digits, _usual(run), GUARD_DIGITS))
    if not is_short:
        return
    others = run.written_out
    for other in others:
        yield from _with_systems(other, _roundings(digits, _OF_WRITTEN_LINES), is_through=True)
    if run.problem.graph.averages:
        yield from _with_systems(run, _roundings(digits, (*_OF_WRITTEN_LINES, Rounds.STEPS), sums=True))
        for other in others:
            yield from _with_systems(other, _roundings(digits, _OF_WRITTEN_LINES, sums=True), is_through=True)
    if not are_gradients_shown:
        for system in _of_coarse_gradients(digits):
            way = f"{words(system.of_gradients)} (the gradients)"
            yield from _either_half(_Way(way, system, run, is_coarse=True))


def _usual(run: Run) -> list[Rounds]:
    """Which numbers people round; numbers of an update, such as Adam's m_hat, and a state only where there are any."""
    rules = [group.rule for group in run.settings.param_groups]
    states = {state.name for rule in rules for state in rule.states}
    targets = {equation.target for rule in rules for equation in rule.on_paper}
    left_out = {Rounds.MOVES: not states, Rounds.UPDATES: targets <= {"p", *states}}
    return [rounds for rounds in Rounds if not left_out.get(rounds)]


def _with_systems(run: Run, systems: Iterable[PocketNumbers], *, is_through: bool = False) -> Iterator[_Way]:
    """Ways to round by the chain rule; and where lines are rounded, with derivatives at their numbers as well.

    These are p − y for a logarithm of p = σ(z), which a person calculates from the p that is written down: all that
    there are where `is_through`.
    """
    for system in systems:
        way = words(system.carried) + (", sums before they are divided as well" if system.sums else "")
        may_be_through = system.rounds in _OF_ROUNDED_LINES and has_own_lines(run.followed)
        for through in ((False,) if not is_through else ()) + ((True,) if may_be_through else ()):
            yield from _either_half(_Way(way, system, run, through))


def _either_half(way: _Way) -> Iterator[_Way]:
    """A way, and where it has met a half, which it rounds away from 0, the one that rounds it to the even digit."""
    yield way
    if way.system.has_met_tie:
        yield replace(way, system=way.system.halves_to_even())


def _roundings(
    digits: Carried, numbers: Iterable[Rounds], guards: int = 0, *, sums: bool = False
) -> Iterator[PocketNumbers]:
    """To digits or places, as many as printed and up to so many `guards` more, of these `numbers`."""
    for more, rounds in product(range(guards + 1), tuple(numbers)):
        for limit in (
            replace(digits, digits=digits.digits + more, places=_NO_LIMIT),
            replace(digits, digits=_NO_LIMIT, places=digits.places + more),
        ):
            yield PocketNumbers(limit, rounds, sums=sums)


def _of_coarse_gradients(digits: Carried) -> Iterator[PocketNumbers]:
    """Gradients, or lines and gradients, to fewer digits or places than the parameters."""
    printed = replace(digits, digits=_NO_LIMIT)
    fewer = [replace(printed, places=places) for places in range(digits.places - 1, 0, -1)]
    fewer += [replace(digits, digits=number, places=_NO_LIMIT) for number in range(digits.digits - 1, FEWEST - 1, -1)]
    for rounds, of_gradients in product((Rounds.STEPS, Rounds.VALUES), fewer):
        yield PocketNumbers(printed, rounds, of_gradients=of_gradients)


def words(digits: Carried) -> str:
    """What is carried, in words: "rounded to 3 digits", "cut off after 2 digits after the point"."""
    number, after = (digits.digits, "") if digits.digits < _NO_LIMIT else (digits.places, " after the point")
    return f"{'cut off after' if digits.is_cut else 'rounded to'} {number} digits{after}"


def unexplained(findings: Sequence[Finding], exactly: Mapping[Cell, Form]) -> frozenset[Cell]:
    """The numbers that are not right, nor follow from those before them as printed.

    One alone shows nothing of how its author works.
    """
    return frozenset(
        one.cell
        for one in findings
        if one.status is Status.WRONG
        and one.cell in exactly
        and one.claim.literal.special is None
        and may_stand_for(one.claim.literal, exactly[one.cell].ball) is False
    )


def reachable(findings: Sequence[Finding], cells: Set[Cell], rounded: Mapping[Cell, Form]) -> frozenset[Cell]:
    """Those of `cells` that roundings on the way may give together."""
    return frozenset(
        one.cell
        for one in findings
        if one.cell in cells
        and one.cell in rounded
        and may_stand_for(one.claim.literal, rounded[one.cell].ball) is not False
        and as_ball(rounded[one.cell].ball).is_finite()
    )


def has_traces(
    findings: Sequence[Finding], exactly: Mapping[Cell, Form], rounded: Mapping[Cell, Form], moved: Set[Cell]
) -> bool:
    """Whether rounding on the way has moved more than a few of the numbers that it can move, or there are few."""
    movable = [
        one
        for one in findings
        if one.cell in rounded and _is_movable(one.claim.literal, exactly.get(one.cell), rounded[one.cell])
    ]
    clean = sum(may_stand_for(one.claim.literal, exactly[one.cell].ball) is not False for one in movable)
    return clean <= RARE * max(sum(one.cell in moved for one in movable), 1)


def _is_movable(literal: Literal, exactly: Form | None, rounded: Form) -> bool:
    """Whether rounding on the way can take a number `TRACE` times as far as its digits and what is before it do."""
    if exactly is None or literal.unit is None:
        return False
    open_ = exactly.radius + as_ball(from_fraction(literal.slack))
    return bool(rounded.radius - exactly.radius >= TRACE * open_)
