"""Targets that a loss does not expect, such as 0 and 1 given to `hinge`: told in a note, for they may be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import Apply, Ref, walk
from derive.paper.lines import Line
from derive.problem.problem import Quantity
from derive.source.numerals import write_number


@dataclass(frozen=True)
class _Expected:
    """What the targets of a loss are, and what to write where the other two labels of two classes stand."""

    values: str
    low: int
    high: int
    others: frozenset[Fraction]
    remedy: str
    between: bool = True

    def allows(self, value: Fraction) -> bool:
        return self.low <= value <= self.high if self.between else value in (self.low, self.high)


_SIGNS = frozenset(map(Fraction, (-1, 1)))
_BITS = frozenset(map(Fraction, (0, 1)))
_HINGE = _Expected("of -1 and 1", -1, 1, _BITS, "2*{0} - 1", between=False)
_PROBABILITIES = _Expected("from 0 to 1", 0, 1, _SIGNS, "({0} + 1)/2")
_EXPECTED: Mapping[str, _Expected] = {
    "hinge": _HINGE,
    "bce": _PROBABILITIES,
    "bce_with_logits": _PROBABILITIES,
    "cross_entropy": _PROBABILITIES,
}


def target_notes(lines: Iterable[Line], quantities: Iterable[Quantity]) -> Iterator[str]:
    """A sentence for each loss whose targets are given and are not of its kind."""
    given = {quantity.name: quantity for quantity in quantities}
    for line in lines:
        for part in walk(line.expr):
            match part:
                case Apply(op=op, args=(_, Ref(name=name))) if op in _EXPECTED and name in given:
                    if op != "cross_entropy" or len(given[name].shape) > 1:  # class labels are checked elsewhere
                        yield from _unexpected(op, _EXPECTED[op], given[name])


def _unexpected(op: str, expected: _Expected, targets: Quantity) -> Iterator[str]:
    wrong = next((value for value in targets.values if not expected.allows(value)), None)
    if wrong is not None:
        remedy = (
            f"; write {op}(…, {expected.remedy.format(targets.name)})" if expected.others >= {*targets.values} else ""
        )
        yield f"{op} expects targets {expected.values}, and {targets.name} has {write_number(wrong)}{remedy}"
