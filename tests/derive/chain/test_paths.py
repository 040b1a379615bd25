"""The derivative of a maximum over an index at a tie: the formula that is printed shares it evenly."""

from fractions import Fraction

import mpmath
import pytest

from derive.chain.derivation import differentiate
from derive.chain.formulas import Formulas
from derive.graph.graph import build
from derive.paper.lines import read_lines
from derive.show.notation import Text
from tests.by_differences import Tables, tabulated, with_lines


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize(("entries", "shares"), [((1, 2, 2), 2), ((3, 1, 2), 1), ((2, 2, 2), 3)])
def test_equal_entries_share_the_derivative(op: str, entries: tuple[int, ...], shares: int) -> None:
    graph = build(read_lines(f"l = {op}(w)"), parameters={"w": (3,)})
    formulas = Formulas(differentiate(graph))
    signed = [entry if op == "max" else -entry for entry in entries]
    tables: Tables = with_lines(graph, {"w": {(k,): mpmath.mpf(entry) for k, entry in enumerate(signed)}})
    closed = formulas.gradient("w").closed
    assert closed is not None
    assert Text().show(closed) == "[wᵢ = l]/(Σⱼ [wⱼ = l])"
    found = tabulated(closed, graph.by_name["w"].axes, tables)
    for k, entry in enumerate(signed):
        expected = Fraction(1, shares) if entry == tables["l"][()] else Fraction(0)
        assert found[(k,)] == mpmath.mpf(expected.numerator) / expected.denominator


def test_two_equal_operands_share_the_derivative() -> None:
    graph = build(read_lines("l = max(a, b)"), parameters=["a", "b"])
    formulas = Formulas(differentiate(graph))
    for point, expected in (((1, 1), (0.5, 0.5)), ((2, 1), (1, 0)), ((1, 2), (0, 1))):
        tables: Tables = {name: {(): mpmath.mpf(value)} for name, value in zip("ab", point, strict=True)}
        for name, value in zip("ab", expected, strict=True):
            closed = formulas.gradient(name).closed
            assert closed is not None
            assert tabulated(closed, (), with_lines(graph, tables))[()] == value
