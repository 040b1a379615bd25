"""One update in numbers: the equations on paper and PyTorch's operations give the same; what is frozen stays."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.graph.node import Frozen
from derive.training.optimizers import OPTIMIZERS
from tests.optimizer_options import chosen, options
from verify.hand.update import Update, _compiled, moves, prepare
from verify.numbers import Exact, as_ball, from_fraction, objects, precision


def one_update(update: Update, data: st.DataObject) -> dict[str, Any]:
    """The update of one parameter from a random state, exactly."""

    def number(low: int) -> Any:
        return objects([from_fraction(Fraction(data.draw(st.integers(low, 300)), 100))], ())

    state = {found.name: number(1) for found in update.optimizer.states}
    if "m" in state and update.optimizer.name == "RMSprop":
        state["m"] = objects([from_fraction(Fraction(1, 1000))], ())  # v is at least m²
    if "mu_product" in state:
        state["mu_product"] = objects([from_fraction(Fraction(1, 3))], ())
    t = objects([from_fraction(Fraction(data.draw(st.integers(1, 20))))], ())
    return update.after(number(-300), number(-300), state, t)


class Repeated:
    """Draws once, and the same numbers again."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.drawn, self.place = data, [], 0  # type: ignore[var-annotated]

    def draw(self, strategy: st.SearchStrategy[int]) -> int:
        if self.place == len(self.drawn):
            self.drawn.append(self.data.draw(strategy))
        self.place += 1
        return int(self.drawn[self.place - 1])


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(data=st.data())
def test_pytorchs_operations_give_what_the_equations_on_paper_do(name: str, data: st.DataObject) -> None:
    rule = chosen(name, data.draw(options(name)))
    with precision(256):
        on_paper = prepare(rule, Fraction(1, 7), Exact(), as_floats=False)
        numbers = {"lr": Fraction(1, 7), **rule.numbers}
        in_torch = replace(on_paper, steps=tuple(_compiled(rule.in_torch, rule, numbers)))
        drawn: Any = Repeated(data)
        first = one_update(on_paper, drawn)
        drawn.place = 0
        second = one_update(in_torch, drawn)
        assert set(first) == set(second) == {"p", *(state.name for state in rule.states)}
        for key, value in first.items():
            difference = as_ball(value.item()) - as_ball(second[key].item())
            assert abs(difference) < Fraction(1, 2**150).numerator / 2**150, key


def test_a_mask_of_what_moves() -> None:
    frozen = (Frozen("W", ((0, 1),)), Frozen("b"))
    assert moves(frozen, "W", (2, 2)).tolist() == [[True, False], [True, True]]
    assert moves(frozen, "b", (2,)).tolist() == [False, False]
    assert bool(moves(frozen, "b", ())) is False
    assert bool(moves(frozen, "v", ())) is True
