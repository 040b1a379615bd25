"""An upstream gradient for a line that is not one number."""

import re

import pytest

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.show.text import to_text
from tests.problems import VECTOR, VECTORS, read


def test_the_loss_is_seed_times_the_line() -> None:
    problem = read("seed_gradient = [1, 0, -2]\n" + VECTOR)
    assert problem.graph.loss == "L"
    assert [(c.name, c.shape, c.values) for c in problem.constants][1] == ("seed", (3,), (1, 0, -2))
    shown = to_text(differentiate(problem.graph))
    assert re.search(r"L += sum\(seed·y\)    seed is the upstream gradient, ∂L/∂y\n", shown)
    assert "∂L/∂yᵢ" in shown
    assert "seedᵢ" in shown


def test_a_seed_over_samples_is_data() -> None:
    problem = read("seed_gradient = [[1, 0], [0, 1], [2, 2]]\n" + VECTORS)
    assert problem.graph.by_name["seed"].kind == "data"
    assert [column.name for column in problem.data] == ["x", "seed"]


def test_a_number_is_a_seed_for_every_entry() -> None:
    problem = read("seed_gradient = 2\n" + VECTOR)
    assert problem.constants[-1].shape == ()


def test_a_seed_of_a_single_number() -> None:
    problem = read("seed_gradient = 3\nequations = 'l = w^2'\n[parameters]\nw = 2\n")
    assert problem.graph.loss == "L"


def test_names_that_are_taken_are_left_alone() -> None:
    text = "seed_gradient = 1\nequations = '''\nL = seed*w\ny = L + [w]\n'''\n[parameters]\nw = 1\nseed = [2, 1]\n"
    problem = read(text.replace("[w]", "w"))
    assert problem.graph.loss == "L_seed"
    assert problem.constants[-1].name == "upstream"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            VECTOR + "[training]\nlr = 0.1\n",
            (
                r"^p\.toml:1:14: the loss 'y' has a value for each entry; expected one number: write y = mean\(…\) or "
                r"y = sum\(…\), or give its upstream gradient as seed_gradient"
            ),
        ),
        (
            "seed_gradient = [1, 2]\n" + VECTOR,
            (
                r"^p\.toml:1:1: seed_gradient has the shape \(2,\), but y runs over i; "
                r"expected numbers of the shape \(3,\)"
            ),
        ),
        ("seed_gradient = [[1, 0]]\n" + VECTORS, r"but y runs over i, k; expected numbers of the shape \(3, 2\)"),
        (
            "seed_gradient = [1]\nequations = 'l = w^2'\n[parameters]\nw = 2\n",
            "but l is one number; expected one number",
        ),
        ("seed_gradient = [[1], [1, 2]]\n" + VECTOR, r"seed_gradient\[0\] has 1 entry and seed_gradient\[1\] has 2"),
        (
            "seed_gradient = 'a'\n" + VECTOR,
            "seed_gradient = 'a' is not a number; expected a number, or lists of numbers",
        ),
    ],
)
def test_refuses_a_seed_that_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(text)
