"""What --steps and --node choose: the same equations with the same numbers, only fewer."""

import pytest

import derive
from derive.errors import EquationError, ProblemError
from derive.show.notation import Text
from derive.show.sides import left, right
from derive.steps.choice import EVERYTHING, Choice, chosen, read_steps
from derive.steps.equations import STEPS, Section
from derive.steps.steps import sections


def shown(found: tuple[Section, ...]) -> list[str]:
    style = Text()
    return [f"({e.number}) {left(e, style)} = {right(e, style)}" for section in found for e in section.equations]


def test_everything_is_every_step() -> None:
    derivation = derive.derive("article")
    assert chosen(derivation, "SGD", EVERYTHING) == sections(derivation)
    one_by_one = [line for step in STEPS for line in shown(chosen(derivation, "SGD", Choice((step,))))]
    assert len(one_by_one) == 22


def test_the_closed_forms_alone_say_what_they_are_of() -> None:
    found = shown(chosen(derive.derive("article"), "SGD", Choice(("closed",))))
    assert found == ["(17) ∂l/∂w = (2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ", "(20) ∂l/∂b = (2/n) Σᵢ (w xᵢ + b − yᵢ)"]


def test_one_line() -> None:
    found = shown(chosen(derive.derive("article"), "SGD", Choice(node="d")))
    assert found == [
        "(3) d = c − y",
        "(10) ∂eᵢ/∂dᵢ = 2 dᵢ",
        "(11) ∂dᵢ/∂cᵢ = 1",
        "(23) ∂l/∂dᵢ = (∂l/∂eᵢ)(∂eᵢ/∂dᵢ)",
        "(24)  = (1/n)(2 dᵢ)",
        "(25)  = 2 (w xᵢ + b − yᵢ)/n",
    ]


def test_a_parameter_keeps_the_numbers_of_its_section() -> None:
    found = chosen(derive.derive("article"), "SGD", Choice(node="b"))
    assert [e.number for section in found for e in section.equations] == [13, 18, 19, 20, 22]
    assert found[0].sentences == ("`b` is given: one of the parameters",)


def test_data_have_a_partial_of_their_own() -> None:
    found = shown(chosen(derive.derive("article"), "SGD", Choice(("local", "closed"), "x")))
    assert found == ["(23) ∂aᵢ/∂xᵢ = w", "(26) ∂l/∂xᵢ = 2 (w xᵢ + b − yᵢ) w/n"]


def test_a_line_beside_the_loss_has_no_gradient() -> None:
    found = chosen(derive.derive("softmax"), "SGD", Choice(node="p"))
    assert "The loss does not depend on `p`: the gradient is 0." in found[-1].sentences


def test_an_unknown_name() -> None:
    with pytest.raises(EquationError, match="unknown name 'coefs' to show; did you mean 'coeffs'"):
        chosen(derive.derive("coefficients"), "SGD", Choice(node="coefs"))


def test_reading_the_kinds_of_steps() -> None:
    assert read_steps("update, forward") == ("forward", "update")
    assert read_steps("chain,all") == STEPS
    with pytest.raises(ProblemError, match="'clsoed' is not a kind of step; did you mean 'closed'"):
        read_steps("clsoed")
