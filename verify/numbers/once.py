"""Exact numbers, each calculated once, so that it is known which are equal where their digits never tell.

Two balls may hold the same number and do not say so: `max` of exp(1) and exp(1) is a tie. Here what is calculated alike
from equal numbers is one number, and of two that may be equal it is looked whether SymPy proves it: exp(1)·exp(1) is
exp(2). To look each number up takes longer than to calculate it: it is done where digits have not sufficed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy
from flint import arb, fmpq

from derive.algebra.calculus import to_sympy
from derive.algebra.expression import Apply, Expr, Number, Ref, size
from verify.numbers.by_element import Array, objects
from verify.numbers.elements import shares
from verify.numbers.scalars import Exactly, is_finite, to_fraction
from verify.numbers.systems import Exact

MOST_PARTS = 40  # numbers and operations of a number in a difference that SymPy is asked about
FEW_PARTS = 12  # of both together, where SymPy is asked for all that it knows: sin(x)^2 + cos(x)^2 is 1
_COMMUTES = ("add", "mul", "max", "min")
_COMPARES = ("sub", "max", "min", "greater", "at_most", "equal", "at_least")


class ExactOnce(Exact):
    """Exact numbers that know how they were calculated, from the last `forget` on."""

    def __init__(self) -> None:
        super().__init__()
        # By identity, and with the numbers themselves, so that no other number gets the identity of one.
        self._found: dict[tuple[Any, ...], tuple[Exactly, tuple[Exactly, ...]]] = {}
        self._made: dict[int, tuple[Exactly, str, tuple[Exactly, ...]]] = {}
        self._told: dict[tuple[int, int], tuple[bool, Exactly, Exactly]] = {}

    def forget(self) -> None:
        """Forgets how numbers were calculated; those that are one number stay so."""
        self._found.clear()
        self._made.clear()
        self._told.clear()

    def are_short(self, *arrays: Array) -> bool:  # noqa: ARG002
        """False: how each number is calculated is kept."""
        return False

    def element(self, op: str) -> Callable[..., Any]:
        """The operation, of which equal operands give one result."""
        function = super().element(op)

        def once(*args: Exactly) -> Exactly:
            if op in _COMPARES:
                args = tuple(self._as_one(args))
            return self._once(op, args, lambda: function(*args))

        return once

    def reduced(self, op: str, row: list[Exactly]) -> Exactly:
        """The sum, logsumexp, max or min of single numbers."""
        terms = self._as_one(row) if op in ("max", "min") else row
        return self._once(f"reduce {op}", tuple(terms), lambda: super(ExactOnce, self).reduced(op, list(terms)))

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension: equal ones share evenly."""
        rows = array.reshape((-1, array.shape[-1]))
        return objects([share for row in rows for share in shares(op, self._as_one(list(row)))], array.shape)

    def _once(self, op: str, args: tuple[Exactly, ...], calculate: Callable[[], Exactly]) -> Exactly:
        keys = [_key(arg) for arg in args]
        key = (op, *(sorted(keys) if op in _COMMUTES or op.startswith("reduce") else keys))
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = (calculate(), args)
            if isinstance(found[0], arb) and not any(found[0] is arg for arg in args):
                self._made[id(found[0])] = (found[0], op, args)
        return found[0]

    def _as_one(self, numbers: Sequence[Exactly]) -> list[Exactly]:
        """The numbers, of which those that are proved to be equal are the first of them."""
        found: list[Exactly] = []
        for number in numbers:
            found.append(next((other for other in found if self._is_equal(number, other)), number))
        return found

    def _is_equal(self, x: Exactly, y: Exactly) -> bool:
        """Whether two numbers are proved to be equal."""
        if x is y or (isinstance(x, fmpq) and isinstance(y, fmpq)):
            return bool(x is y or x == y)
        if not (is_finite(x) and is_finite(y)) or x < y or x > y:
            return False
        key = (id(x), id(y))
        if key not in self._told:
            self._told[key] = (self._is_proved(x, y), x, y)
        return self._told[key][0]

    def _is_proved(self, x: Exactly, y: Exactly) -> bool:
        """Whether SymPy proves that two numbers are equal by how they were calculated."""
        names: dict[int, Ref] = {}
        one, other = self._written(x, names, MOST_PARTS), self._written(y, names, MOST_PARTS)
        if one is None or other is None:
            return False
        whole = Apply("sub", (one, other))
        difference = to_sympy(whole)
        if difference == 0 or sympy.powsimp(sympy.expand(difference)) == 0:
            return True
        return bool(size(whole) <= FEW_PARTS and sympy.simplify(difference) == 0)

    def _written(self, number: Exactly, names: dict[int, Ref], most: int) -> Expr | None:
        """How a number was calculated, from fractions and names; None where that is too long, or it is no formula."""
        fraction = to_fraction(number)
        if fraction is not None:
            return Number(fraction)
        if id(number) not in self._made:
            return names.setdefault(id(number), Ref(f"x{len(names)}", ()))
        _, op, args = self._made[id(number)]
        if op in ("reduce max", "reduce min", "reduce logsumexp"):
            return names.setdefault(id(number), Ref(f"x{len(names)}", ()))
        parts: list[Expr] = []
        for arg in args:
            part = self._written(arg, names, most - 1) if most > 0 else None
            most -= 0 if part is None else size(part)
            if part is None or most < 0:
                return None
            parts.append(part)
        if op != "reduce sum":
            return Apply(op, tuple(parts))
        total = parts[0]
        for part in parts[1:]:
            total = Apply("add", (total, part))
        return total


def _key(number: Exactly) -> tuple[str, int, int]:
    """What tells a number apart: its fraction, or which ball it is."""
    return ("q", int(number.p), int(number.q)) if isinstance(number, fmpq) else ("b", id(number), 0)
