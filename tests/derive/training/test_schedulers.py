import pytest

from derive.algebra.expression import names
from derive.training.optimizers import read_assignment
from derive.training.schedulers import ENTRIES, OPTIONS, SCHEDULERS, Scheduler, read_scheduler, written
from derive.training.settings import OPTION_SETTINGS, SCHEDULER_SETTINGS, SETTINGS, read_setting
from tests.scheduler_options import CHOICES


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_equations_of_an_entry_are_whole(name: str) -> None:
    entry = ENTRIES[name]
    options = {key: read_setting(key, CHOICES[key][0]) for key in entry.known}
    counts = entry.counts(3, options)
    numbers = {"lr_0", "k", "pi", *counts, *Scheduler(name, options).numbers}
    for equations, held in ((entry.paper, set[str]()), (entry.torch, {"lr"})):
        known = numbers | held
        for equation in equations:
            words = {word.lstrip("!") for word in equation.when.split()}
            assert words <= {*entry.known, *counts, "linear", "cycled"}
            found = read_assignment(equation.text)
            assert set(names(found.expr)) <= known, equation.text
            known.add(found.target)
        assert "lr" in known or not equations


def test_every_option_has_a_setting_of_its_own() -> None:
    assert set(SCHEDULER_SETTINGS) == set(OPTIONS)
    assert not set(OPTIONS) & {*SETTINGS, *OPTION_SETTINGS}


def chosen(name: str, **options: str) -> Scheduler:
    return read_scheduler(name, {key: read_setting(key, value) for key, value in options.items()})


def test_options_choose_the_equations() -> None:
    def targets(**options: str) -> list[str]:
        found = chosen("OneCycleLR", max_lr="1", total_steps="10", **options)
        return [equation.target for equation in found.on_paper(found.cycled("Adam"))]

    two = ["first_lr", "min_lr", "end_1", "share_1", "share_2", "lr_1", "lr_2", "lr"]
    assert targets(cycle_momentum="false") == two
    assert targets() == [*two, "momentum_1", "momentum_2", "beta1"]
    assert targets(three_phase="true", cycle_momentum="false") == [
        *("first_lr", "min_lr", "end_1", "end_2", "share_1", "share_2", "share_3"),
        *("lr_1", "lr_2", "lr_3", "lr"),
    ]


def test_a_step_in_which_lr_stays() -> None:
    found = chosen("StepLR", step_size="3")
    assert [len(found.in_torch(k)) for k in range(1, 7)] == [0, 0, 1, 0, 0, 1]


def test_in_words() -> None:
    assert chosen("StepLR", step_size="3", gamma="1/3").in_words == "StepLR each epoch, step_size 3, gamma 1/3"
    found = chosen("OneCycleLR", max_lr="0.1", total_steps="10", three_phase="true", anneal_strategy="linear")
    assert found.in_words.endswith("each batch, max_lr 0.1, total_steps 10, three_phase true, anneal_strategy linear")
    assert [written(value) for value in (True, 3, "cos")] == ["true", "3", "cos"]


@pytest.mark.parametrize(
    ("optimizer", "cycled"), [("SGD", "momentum"), ("RMSprop", "momentum"), ("Adam", "beta1"), ("NAdam", "beta1")]
)
def test_what_is_cycled(optimizer: str, cycled: str) -> None:
    assert chosen("OneCycleLR", max_lr="1", total_steps="10").cycled(optimizer) == cycled
    assert chosen("OneCycleLR", max_lr="1", total_steps="10", cycle_momentum="false").cycled(optimizer) == ""
    assert chosen("ExponentialLR", gamma="0.5").cycled(optimizer) == ""
