"""Drawn parameters and frozen ones, as a problem file states them."""

from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import ProblemError
from derive.graph.node import Frozen
from derive.problem.file import read_problem
from derive.problem.problem import Draw, Problem


def read(value: str, top: str = "", more: str = "") -> Problem:
    text = f'{top}\nequations = "l = sum(W^2)"\n[parameters]\nW = {value}\n{more}'
    return read_problem(text, "p", "p.toml", Path())


def test_a_draw_waits_for_pytorch() -> None:
    problem = read('{shape = [2, 3], distribution = "uniform", low = -0.5, high = 0.5, seed = 442}')
    weights = problem.parameters[0]
    assert (weights.shape, weights.values, weights.is_drawn) == ((2, 3), (), False)
    assert weights.draw == Draw("uniform", 442, Fraction(-1, 2), Fraction(1, 2))
    assert str(weights.draw) == "uniform from -0.5 to 0.5, seed 442"
    assert [axis.size for axis in problem.graph.by_name["W"].axes] == [2, 3]


def test_defaults() -> None:
    assert read('{shape = [2], distribution = "uniform"}').parameters[0].draw == Draw("uniform", 0)
    drawn = read('{shape = [2], distribution = "normal"}').parameters[0].draw
    assert str(drawn) == "normal with mean 0, std 1, seed 0"


@pytest.mark.parametrize(("distribution", "value"), [("zeros", 0), ("ones", 1)])
def test_zeros_and_ones_need_no_draw(distribution: str, value: int) -> None:
    quantity = read(f'{{shape = [2, 2], distribution = "{distribution}"}}').parameters[0]
    assert (quantity.values, quantity.draw) == ((value,) * 4, None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{a = 1}", r"^p\.toml:4:1: W is a table without a shape; expected \{shape = \[2, 3\], distribution"),
        ("{shape = [2]}", "W has a shape and no distribution; expected distribution = one of: uniform, normal, zeros"),
        ("{shape = 2, distribution = 'normal'}", r"W\.shape = 2; expected a list of whole numbers above 0"),
        ("{shape = [0], distribution = 'normal'}", r"W\.shape = \[0\]; expected"),
        ("{shape = [2.5], distribution = 'normal'}", r"W\.shape = \[2\.5\]; expected"),
        ("{shape = [1, 1, 1, 1, 1], distribution = 'normal'}", "expected at most 4 sizes and 1,000,000 numbers"),
        ("{shape = [1000, 1001], distribution = 'normal'}", "expected at most 4 sizes and 1,000,000 numbers"),
        (
            "{shape = [2], distribution = 'norml'}",
            r"W\.distribution = 'norml'; expected one of: .*; did you mean 'normal'",
        ),
        ("{shape = [2], distribution = 3}", r"W\.distribution = 3; expected one of"),
        ("{shape = [2], distribution = 'normal', low = 1}", "W: unknown key 'low' for 'normal'; known: shape"),
        ("{shape = [2], distribution = 'normal', sdt = 1}", "unknown key 'sdt' for 'normal'; did you mean 'std'"),
        ("{shape = [2], distribution = 'normal', std = 0}", r"W\.std = 0 is not above 0"),
        ("{shape = [2], distribution = 'normal', mean = 'x'}", r"W\.mean = 'x' is not a number; expected a number"),
        (
            "{shape = [2], distribution = 'uniform', low = 2}",
            "W: low is not below high; expected low = 2 to be smaller",
        ),
        ("{shape = [2], distribution = 'uniform', seed = -1}", "seed = -1 is below 0"),
        ("{shape = [2], distribution = 'ones', seed = 1}", "unknown key 'seed' for 'ones'"),
    ],
)
def test_refuses_a_draw_that_is_not_possible(value: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(value)


def test_constants_are_not_drawn() -> None:
    more = "[constants]\nc = {shape = [2], distribution = 'normal'}\n"
    with pytest.raises(ProblemError, match=r"^p\.toml:6:1: c is drawn, but only parameters can be"):
        read("1", more=more)


def test_frozen_names_and_entries() -> None:
    value = "[[1, 2], [3, 4]]"
    assert read(value).graph.frozen == ()
    assert read(value, 'frozen = ["W"]').graph.frozen == (Frozen("W"),)
    some = read(value, 'frozen = ["W[0,1]", " W[ 1, 1 ]", "W[0,1]"]').graph.frozen
    assert some == (Frozen("W", ((0, 1), (1, 1))),)
    assert str(some[0]) == "W[0,1], W[1,1]"
    assert read(value, 'frozen = ["W[0,1]", "W"]').graph.frozen == (Frozen("W"),)


@pytest.mark.parametrize(
    ("frozen", "message"),
    [
        ("3", r"^p\.toml:1:1: frozen is 3; expected names, such as"),
        ("[1]", "frozen is a list; expected names"),
        ('["V"]', r"^p\.toml:1:1: frozen: 'V' is not a parameter; the parameters are W"),
        ('["l"]', "'l' is not a parameter"),
        ('["W[2,0]"]', r"'W\[2,0\]' is out of range: index 2, but W has 2 there, counted from 0 to 1"),
        ('["W[0]"]', r"'W\[0\]' is written with 1 index, but W has 2"),
        ('["W[0,0,0]"]', "is written with 3 indices, but W has 2"),
        ('["W[-1,0]"]', "expected whole numbers from 0"),
        ('["W[i,j]"]', "expected whole numbers from 0"),
        ('["W[0,0"]', "is not a parameter"),
    ],
)
def test_refuses_what_cannot_be_frozen(frozen: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read("[[1, 2], [3, 4]]", f"frozen = {frozen}")


def test_a_single_number_has_no_entry_to_freeze() -> None:
    text = 'frozen = ["w[0]"]\nequations = "l = w^2"\n[parameters]\nw = 1\n'
    with pytest.raises(ProblemError, match=r"'w\[0\]' is written with 1 index, but w is a single number and has none"):
        read_problem(text, "p", "p.toml", Path())
