from fractions import Fraction

import pytest

from derive.algebra.expression import names
from derive.errors import ProblemError, SettingError
from derive.problem.loading import load
from derive.training.optimizers import ENTRIES, OPTIMIZERS, Optimizer, Value, read_assignment
from derive.training.settings import read_optimizer, read_setting
from tests.problems import SQUARE


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_equations_of_an_entry_are_whole(name: str) -> None:
    entry = ENTRIES[name]
    everything = {"p", "g", "t", "lr", *Optimizer(name).numbers, *(state.name for state in entry.states)}
    for equation in entry.equations:
        assert {word.lstrip("!") for word in equation.when.split()} <= set(entry.options)
        for form in ((equation.text,), equation.torch or ()):
            for text in form:
                everything.add(read_assignment(text).target)
    for equation in entry.equations:
        for text in (equation.text, *(equation.torch or ())):
            assert set(names(read_assignment(text).expr)) <= everything, text
    for state in entry.states:
        assert state.start in everything or state.start in ("0", "1")


def test_options_choose_the_equations() -> None:
    def shown(**options: str) -> list[str]:
        return [found.target for found in chosen("SGD", **options).on_paper]

    assert shown() == ["p"]
    assert shown(momentum="0.9") == ["v", "p"]
    assert shown(momentum="0.9", weight_decay="0.1", maximize="true") == ["g", "g", "v", "p"]
    assert [state.name for state in Optimizer("SGD").states] == []
    assert [state.name for state in chosen("SGD", momentum="0.9").states] == ["v"]
    assert [state.name for state in chosen("Adam", amsgrad="true").states] == ["m", "v", "v_max"]
    assert [state.name for state in chosen("RMSprop", centered="true", momentum="0.5").states] == ["v", "m", "b"]


def chosen(name: str, **options: str) -> Optimizer:
    return read_optimizer(name, {key: read_setting(key, value) for key, value in options.items()})


def test_the_options_in_effect_are_those_that_change_something() -> None:
    assert list(Optimizer("SGD").in_effect) == []
    assert list(chosen("SGD", momentum="0.9", nesterov="true").in_effect) == [("momentum", "0.9"), ("nesterov", "true")]
    assert list(Optimizer("Adam").in_effect) == [("betas", "(0.9, 0.999)"), ("eps", "1e-08")]
    assert list(chosen("Adadelta", eps="1/3", rho="0").in_effect) == [("eps", "1/3")]


def test_the_options_of_a_problem_file() -> None:
    training = load(SQUARE + "momentum = 0.9\nnesterov = true\n").training
    assert (training.optimizer, training.options) == (None, chosen("SGD", momentum="0.9", nesterov="true").given)
    training = load(SQUARE + 'optimizer = "Adam"\nbetas = [0.9, 0.99]\n').training
    assert training.options == chosen("Adam", betas="0.9,0.99").given


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "eps = 0.1",
            r"6:1: eps is no option of SGD but of Adagrad, RMSprop, .*; the options of SGD are momentum, damp",
        ),
        ("momentum = -1", r"6:1: momentum = -1 is below 0; expected a number from 0"),
        (
            "betas = 0.9",
            r"6:1: betas = 0\.9 is not a pair of numbers; expected two numbers from 0 and below 1, such as",
        ),
        ("nesterov = true", r"6:1: nesterov needs a momentum above 0 and no dampening, as in torch\.optim\.SGD"),
        ("momentun = 0.9", r"6:1: unknown key 'momentun' in \[training\]; did you mean 'momentum'\?"),
        ("beta1 = 0.9", r"6:1: unknown key 'beta1' in \[training\]; did you mean 'betas'\?"),
        ("epsilon = 0.9", r"6:1: unknown key 'epsilon' in \[training\]; did you mean 'eps'\?"),
    ],
)
def test_refuses_an_option_that_is_not_possible(line: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(SQUARE + line + "\n")


def test_an_option_above_the_tables_belongs_under_training() -> None:
    with pytest.raises(ProblemError, match=r"unknown key 'momentum'; it belongs under \[training\]"):
        load("momentum = 0.9\n" + SQUARE)


def test_nesterov_without_dampening() -> None:
    with pytest.raises(SettingError, match="nesterov needs a momentum above 0 and no dampening"):
        chosen("SGD", momentum="0.9", dampening="0.1", nesterov="true")


@pytest.mark.parametrize(
    ("name", "given", "states"),
    [
        ("SGD", {"momentum": Fraction(1, 2)}, set()),
        ("Adagrad", {}, {"s"}),
        ("RMSprop", {}, {"v"}),
        ("RMSprop", {"centered": True}, set()),  # of v − m², and m has either sign
        ("Adam", {}, {"v"}),  # by v_hat
        ("AdamW", {"amsgrad": True}, {"v_max"}),
        ("Adadelta", {}, {"v", "u"}),
        ("Adamax", {}, set()),
    ],
)
def test_the_states_of_which_a_root_is_taken(name: str, given: dict[str, Value], states: set[str]) -> None:
    assert Optimizer(name, given).under_roots == states
