"""What follows from an author's numbers where every number on the way is rounded, written down or not.

Two things are told apart. What roundings do together, whichever way each of them goes, is an interval: a number beyond
it does not follow. What a person gets who rounds in one way is one number for each of the table: only that is right
work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import product, takewhile

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.claims.literal import Literal, may_stand_for
from verify.following.extent import MAX_BY_HAND, in_forms
from verify.following.finding import Finding
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
    carried,
    likely,
)

FEW_STEPS = 20  # of which rarer ways to round are tried as well
GUARD_DIGITS = 1  # that somebody carries at most beyond those that are printed
_OF_WRITTEN_LINES = (Rounds.LINES, Rounds.VALUES)
_OF_ROUNDED_LINES = (Rounds.RESULTS, Rounds.UPDATES, *_OF_WRITTEN_LINES)
WAYS = 2 * 2 * (len(Rounds) + len(_OF_ROUNDED_LINES)) * (1 + GUARD_DIGITS)  # to round that are tried of one run at most
ONE_IN = 8  # right numbers that a person who rounds in much the same way may have otherwise
_NO_LIMIT = 99  # digits, or places after the point


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
    digits = carried(_digits([one.claim.literal for one in listed]), is_cut=is_cut)
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


def _digits(literals: Sequence[Literal]) -> Iterator[tuple[int, int]]:
    """The significant digits of each number, and those after the point; of a table with filled zeros no more than so.

    There the 0 of a right 160 is no digit either.
    """
    most = max((literal.digits for literal in literals if literal.zeros), default=None)
    for literal in literals:
        is_longer = most is not None and is_integer(literal) and literal.digits > most
        yield (most if is_longer and most is not None else literal.digits), literal.decimals


def _is_shortened(own: Own) -> bool:
    """Whether a number has further digits that are left out, and is not written down whole."""
    literal = own.claim.literal
    is_calculated = own.claim.cell.quantity.group != "setting" and literal.digits > 0 and not is_integer(literal)
    return is_calculated and literal.unit is not None and own.high - own.low >= literal.unit


def reached(
    run: Run,
    findings: Sequence[Finding],
    candidates: Set[Cell],
    digits: Carried,
    tried: Tried,
    beside: Set[Cell] = frozenset(),
) -> Reached:
    """What a person gets who rounds in one way and goes on with what is printed: the way that explains the table best.

    That is the first that gives all `candidates`, which do not follow otherwise, as they are printed; or else, of those
    that give some of them, the one that gives the most numbers of the table. Each has to give those `beside` them, but
    for one in `ONE_IN`. Lines and losses may all be given by another way, that does not give the gradients: these are
    calculated by other formulas than the chain rule's as well, (p − t)·x. Nothing where that takes too long. A way is
    left as soon as it can be none of these; `tried` has what is known of it.
    """
    claims = [one.claim for one in findings if one.claim.literal.special is None]
    owns = [Own(claim, mark, claim.literal.value, claim.literal.value) for mark, claim in enumerate(claims)]
    literals = {claim.cell: claim.literal for claim in claims if claim.cell.quantity.group != "setting"}
    last = max(cell.step for cell in literals)
    if in_forms(run, WAYS * last, 0) > run.settings.limit:
        return Reached()
    best = _Best(literals, candidates, beside)
    for way in _ways(run, digits, is_short=last <= FEW_STEPS, are_gradients_shown=not hides_gradients(findings)):
        plain = tried.given(way, owns, literals, best.may_have_slip if way.is_coarse else best.may_matter)
        if not candidates & plain.keys():
            continue
        given = tried.beside_a_slip(way, owns, literals, plain) if way.is_coarse else plain
        if way.is_coarse and not _gives_most(given.keys(), candidates, literals.keys() - candidates):
            continue
        best.take_lines(way, plain)
        if best.take(way, given):
            break
    return best.found


class _Best:
    """Of the ways so far the one that explains a table best, and that of its lines and losses."""

    def __init__(self, literals: Mapping[Cell, Literal], candidates: Set[Cell], beside: Set[Cell]) -> None:
        self.count, self.candidates, self.beside = len(literals), candidates, beside
        self.lines = {cell for cell in literals if cell.quantity.group in OF_LINES}
        self.way, self.of_lines = Reached(), Reached()

    def take_lines(self, way: _Way, given: Mapping[Cell, Form]) -> None:
        """Takes a way for the lines and losses by what it gives, where that is more of them."""
        lines = {cell: form for cell, form in given.items() if cell in self.lines}
        if self.candidates & lines.keys() and len(lines) > len(self.of_lines.forms):
            self.of_lines = Reached(way.words, lines)

    def take(self, way: _Way, given: Mapping[Cell, Form]) -> bool:
        """Takes a way by what it gives, where that is more; returns whether it gives all that it is to explain."""
        is_whole, is_more = self.candidates <= given.keys(), len(given) > len(self.way.forms)
        if self.is_beside(self.beside - given.keys()) and (is_whole or (is_more and self.candidates & given.keys())):
            self.way = Reached(way.words, given)
            return is_whole
        return False

    def is_beside(self, missed: Set[Cell]) -> bool:
        """Whether a way that misses these may be given beside what it has to give."""
        return ONE_IN * len(self.beside & missed) <= len(self.beside)

    def may_matter(self, missed: Set[Cell]) -> bool:
        """Whether a way that misses these numbers may still be taken: for the whole table, or for lines and losses."""
        if self.candidates <= missed:
            return False
        if not self.lines & missed and len(self.of_lines.forms) < len(self.lines):
            return True
        is_more = not self.candidates & missed or self.count - len(missed) > len(self.way.forms)
        return is_more and self.is_beside(missed)

    def may_have_slip(self, missed: Set[Cell]) -> bool:
        """Whether a way that misses these numbers may give more beside a slip."""
        return not self.candidates <= missed

    @property
    def found(self) -> Reached:
        """The best way; with the lines and losses by another, where that gives all of them, and more."""
        own, other = self.lines & self.way.forms.keys(), self.of_lines.forms
        return self.way.with_lines(self.of_lines) if len(other) > len(own) and other.keys() == self.lines else self.way


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
    """One way to round, in words: which numbers, and in a run of which lines, by its `place` among these.

    With `through`, derivatives are taken at the numbers of lines. `is_coarse` where numbers that are on no paper have
    fewer digits than those of the table: nothing else speaks for it than that it gives all of them.
    """

    words: str
    system: PocketNumbers
    run: Run
    place: int = 0
    through: bool = False
    is_coarse: bool = False

    @property
    def key(self) -> _Key:
        """What tells a way apart from the others of a table."""
        return (*self.system.manner, self.place, self.through)


_Key = tuple[Carried, Rounds, bool, bool, Carried, int, bool]


@dataclass
class _Try:
    """The numbers that are known of a way, in the order in which they follow, and whether these are all."""

    forms: Mapping[Cell, Form]
    is_whole: bool
    has_met_tie: bool


@dataclass
class Tried:
    """What is known of the ways to round of one table: it is the same whatever they are to explain.

    So it is whatever the dtype of a program is, which tells nothing of what a person gets.
    """

    known: dict[tuple[tuple[Cell, Literal], ...], dict[_Key, _Try]] = field(default_factory=dict)

    def of(self, owns: Sequence[Own]) -> dict[_Key, _Try]:
        """The ways that have been tried of an author's numbers."""
        return self.known.setdefault(tuple((own.claim.cell, own.claim.literal) for own in owns), {})

    def given(
        self,
        way: _Way,
        owns: Sequence[Own],
        literals: Mapping[Cell, Literal],
        may_matter: Callable[[Set[Cell]], bool] = lambda _: True,
    ) -> dict[Cell, Form]:
        """The numbers that a way gives as they are printed; none where it does not matter, by those that it misses."""
        missed: set[Cell] = set()

        def looks_on(cell: Cell, form: Form) -> bool:
            if cell in missed or may_stand_for(literals[cell], form.ball) is True:
                return True
            missed.add(cell)
            return may_matter(missed)

        tries = self.of(owns)
        known = tries.get(way.key)
        if known is None or (not known.is_whole and all(looks_on(*one) for one in known.forms.items())):
            missed.clear()
            kept = owns if way.system.rounds is not Rounds.PARAMETERS else of_parameters(owns)
            found = follow(way.run, kept, [*literals], way.system, through=way.through, looks_on=looks_on)
            known = _Try(found, may_matter(missed), way.system.has_met_tie)
            tries[way.key] = known
        way.system.has_met_tie = known.has_met_tie
        if not known.is_whole:
            return {}
        return {cell: form for cell, form in known.forms.items() if may_stand_for(literals[cell], form.ball) is True}

    def beside_a_slip(
        self, way: _Way, owns: Sequence[Own], literals: Mapping[Cell, Literal], given: dict[Cell, Form]
    ) -> dict[Cell, Form]:
        """What is given, or what is where the first number that is not was copied wrongly, if that is more."""
        slip = next((cell for cell in literals if cell not in given), None)
        if slip is None:
            return given
        return max(given, self.given(way, [own for own in owns if own.claim.cell != slip], literals), key=len)


def _ways(run: Run, digits: Carried, *, is_short: bool, are_gradients_shown: bool) -> Iterator[_Way]:
    """The ways in which people round: to digits or places, as many as printed or a few more, and which numbers.

    The usual ones come first; then, of a table that `is_short`, those in which functions inside a line are written down
    as well, a sum is rounded before it is divided, and gradients that are not in the table have fewer digits.
    """
    yield from _with_systems(run, _roundings(digits, _usual(run), GUARD_DIGITS))
    if not is_short:
        return
    others = run.written_out
    for place, other in enumerate(others, 1):
        yield from _with_systems(other, _roundings(digits, _OF_WRITTEN_LINES), place)
    if run.problem.graph.averages:
        yield from _with_systems(run, _roundings(digits, (*_OF_WRITTEN_LINES, Rounds.STEPS), sums=True))
        for place, other in enumerate(others, 1):
            yield from _with_systems(other, _roundings(digits, _OF_WRITTEN_LINES, sums=True), place)
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


def _with_systems(run: Run, systems: Iterable[PocketNumbers], place: int = 0) -> Iterator[_Way]:
    """Ways to round by the chain rule; and where lines are rounded, with derivatives at their numbers as well.

    These are p − y for a logarithm of p = σ(z), which a person calculates from the p that is written down: all that
    there are in a run of other lines than the problem's own, whose `place` is not 0.
    """
    are_own = has_own_lines(run.followed)
    for system in systems:
        way = words(system.carried) + (", sums before they are divided as well" if system.sums else "")
        may_be_through = system.rounds in _OF_ROUNDED_LINES and are_own
        for through in ((False,) if not place else ()) + ((True,) if may_be_through else ()):
            yield from _either_half(_Way(way, system, run, place, through))


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
