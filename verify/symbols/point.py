"""Numbers at one point: fractions while they can be, else balls that contain the number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from flint import ctx, fmpq

from derive.algebra.operations import OPERATIONS
from verify.numbers.elements import REDUCTIONS, element
from verify.numbers.scalars import Exactly, from_fraction
from verify.symbols.entry import Index, Letter

_KINKS = ("relu", "abs", "sign", "max", "min", "greater", "at_most", "at_least")  # where two arguments are equal


_LOGARITHMS = {"log": 0, "log2": 0, "log10": 0, "log1p": -1}  # with the largest number that they have no value at


def _has_no_value(op: str, args: Sequence[Exactly]) -> bool:
    """Whether a function certainly has no real value: log(0), sqrt(−1), (−1)^(1/2)."""
    if op in _LOGARITHMS:
        return bool(args[0] <= _LOGARITHMS[op])
    if op == "pow":
        return bool(args[0] < 0) and isinstance(args[1], fmpq) and args[1].q != 1
    return op == "sqrt" and bool(args[0] < 0)


def _extremes(op: str, values: Sequence[Exactly]) -> Iterator[Exactly]:
    """The values that are certainly the largest, or the smallest: themselves, so that they are known to be equal."""
    for value in values:
        others = (other for other in values if other is not value)
        if all(bool(value >= other if op == "max" else value <= other) for other in others):
            yield value


class AtPoint:
    """An `EntrySystem` of the exact numbers at a point; `given` has the entries of each name.

    `on_kink` becomes true where an operation stands exactly on its kink, `without_value` where one has no real value,
    as log(0): its result is no finite ball, which a `where` may leave out. `differences` gets each difference that one
    compares with 0. All indices are numbers here.
    """

    def __init__(self, given: Mapping[str, Mapping[tuple[int, ...], Fraction]]) -> None:
        self.given = given
        self.on_kink = False
        self.without_value = False
        self.differences: list[Exactly] = []
        self._known: dict[tuple[object, ...], tuple[Exactly, Sequence[Exactly]]] = {}

    def number(self, value: Fraction) -> Exactly:
        """The number that a literal is."""
        return from_fraction(value)

    def leaf(self, name: str, index: tuple[Index, ...]) -> Exactly:
        """An entry of what is given. Raises `KeyError` where the point has none."""
        return from_fraction(self.given[name][tuple(part for part in index if isinstance(part, int))])

    def size(self, name: str) -> Exactly:
        """Raises `KeyError`: at a point no size is left open."""
        raise KeyError(name)

    def position(self, index: Index) -> Exactly:
        """The number that an index is. Raises `KeyError` for a letter."""
        return from_fraction(Fraction(index)) if isinstance(index, int) else self.size(index.size)

    def apply(self, op: str, args: Sequence[Exactly]) -> Exactly:
        """The value of an operation of the table. Raises `CalculationError` where it has none."""
        if op in _KINKS:
            away = args[0] - args[1] if len(args) > 1 else args[0]
            self.on_kink = self.on_kink or bool(away == 0)
            self.differences.append(away)
        elif op == "equal":
            self.differences.append(args[0] - args[1])
        elif op == "clip":
            self.differences += [args[0] - args[1], args[0] - args[2]]
        elif len(args) == 1:
            self.differences += [args[0] - from_fraction(Fraction(turn)) for turn in OPERATIONS[op].turns if turn]
        self.without_value = self.without_value or _has_no_value(op, args)
        return self._once(op, args)

    def _once(self, op: str, args: Sequence[Exactly]) -> Exactly:
        """The value, of the same operands the same ball: tanh(x) is known to be m = max(tanh(x)), written anew."""
        key = (ctx.prec, op, *(arg if isinstance(arg, fmpq) else id(arg) for arg in args))
        if key not in self._known:
            self._known[key] = element(op)(*args), args  # kept, so that no other ball gets their id
        return self._known[key][0]

    def sum(self, values: Sequence[Exactly]) -> Exactly:
        """The sum of several."""
        return REDUCTIONS["sum"](list(values))

    def reduce(self, op: str, values: Sequence[Exactly]) -> Exactly:
        """The logsumexp, max or min of several; where several are the largest or smallest, that is a kink."""
        extreme = next(_extremes(op, values), None) if op != "logsumexp" else None
        found = REDUCTIONS[op](list(values)) if extreme is None else extreme
        if op != "logsumexp" and len(values) > 1:
            self.on_kink = self.on_kink or sum(value is found or bool(value == found) for value in values) > 1
            others = (REDUCTIONS[op]([*values[:k], *values[k + 1 :]]) for k in range(len(values)))
            self.differences += [value - other for value, other in zip(values, others, strict=True)]
        return found

    def summed(self, value: Exactly, letter: Letter) -> Exactly:
        """Raises `KeyError`: at a point no index is left open."""
        raise KeyError(value, letter)
