"""Inputs that are printed rounded: `rounded = ["x", "w"]`, or `x = {values = […], rounded = true}`.

Such a number stands for all numbers that are printed so: `0.10` for those from 0.095 to 0.105, `3` for those from
2.5 to 3.5. A quotient is exact. Only an audit of claimed numbers makes use of it; all else takes the printed values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from derive.characters import normalise
from derive.errors import Place, ProblemError, suggestion
from derive.problem.problem import Problem, Quantity
from derive.problem.targets import picked_labels
from derive.source.numerals import Numeral, shown
from derive.source.toml_text import Document

_KEYS = ("values", "rounded")


def unwrapped(
    value: object, written: str, place: Place, error: type[ProblemError] = ProblemError
) -> tuple[object, bool]:
    """Returns the numbers of `{values = …, rounded = true}` and whether they are rounded; another value as it is.

    Raises `error` for other keys beside `values`, and for what is neither true nor false.
    """
    if not isinstance(value, dict) or "values" not in value:
        return value, False
    for key in value:
        if key not in _KEYS:
            hint = suggestion(key, _KEYS) or f"; known: {', '.join(_KEYS)}"
            raise error(f"{written}: unknown key {key!r} beside values{hint}", place)
    is_rounded = value.get("rounded", False)
    if not isinstance(is_rounded, bool):
        raise error(f"{written}.rounded = {shown(is_rounded)}; expected true or false", place)
    return value["values"], is_rounded


def with_rounded(problem: Problem, document: Document) -> Problem:
    """Returns the problem with the inputs marked that the document says are rounded, and a note that names them.

    Raises `ProblemError` for what is no list of names, for a name that is no parameter, constant or column of data,
    for numbers that nobody has printed (drawn ones), and for class labels, which are exact.
    """
    given = problem.given
    listed = _listed(document, given)
    names = [quantity.name for quantity in given if quantity.rounded or quantity.name in listed]
    where = {name: document.place("rounded") for name in listed}
    where |= {name: place for key, place in problem.places if (name := key.partition(".")[2]) and name not in where}
    exact_labels = {name for _, name, _ in picked_labels(problem.graph)}
    for quantity in given:
        if quantity.name in names:
            _check(quantity, exact_labels, where.get(quantity.name))
    for quantity in problem.predict:
        if quantity.rounded:
            message = f"{quantity.name} is rounded, in [predict]; expected exact numbers there"
            raise ProblemError(f"{message}: leave out rounded = true", document.place("predict", quantity.name))
    if not names:
        return problem
    note = f"rounded: {', '.join(names)}; claims are judged for all numbers that are printed so, and all else is"
    return replace(
        marked(problem, names), notes=(*problem.notes, f"{note} calculated from the numbers as they are printed")
    )


def marked(problem: Problem, names: Collection[str]) -> Problem:
    """Returns the problem in which the inputs of these names are rounded, and no others."""

    def marked_(quantities: Iterable[Quantity]) -> tuple[Quantity, ...]:
        return tuple(replace(quantity, rounded=quantity.name in names) for quantity in quantities)

    return replace(
        problem,
        parameters=marked_(problem.parameters),
        constants=marked_(problem.constants),
        data=marked_(problem.data),
    )


def _listed(document: Document, given: Iterable[Quantity]) -> list[str]:
    """The names that `rounded` lists."""
    value = document.content.get("rounded")
    if value is None:
        return []
    place = document.place("rounded")
    if not isinstance(value, list) or not all(isinstance(e, str) and not isinstance(e, Numeral) for e in value):
        raise ProblemError(f'rounded is {shown(value)}; expected names, such as ["x", "w"]', place)
    known = [quantity.name for quantity in given]
    names = [normalise(written) for written in value]
    for name, written in zip(names, value, strict=True):
        if name not in known:
            hint = suggestion(name, known) or f"; they are {', '.join(known)}"
            message = f"rounded: {shown(written)} is not a parameter, a constant or a column of data{hint}"
            raise ProblemError(message, place)
    return names


def _check(quantity: Quantity, exact_labels: Collection[str], place: Place | None) -> None:
    """Raises `ProblemError` where the numbers of a quantity cannot be rounded ones."""
    if not quantity.digits:
        what = "is drawn, and" if quantity.draw is not None else "has a distribution, and"
        message = f"rounded: {quantity.name} {what} has no printed digits; write its numbers, or leave it out"
        raise ProblemError(message, place)
    if quantity.name in exact_labels:
        message = f"rounded: {quantity.name} holds class labels, which are whole numbers and exact; leave it out"
        raise ProblemError(message, place)
