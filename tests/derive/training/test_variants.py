from fractions import Fraction

import pytest

from derive.algebra.expression import names
from derive.errors import ProblemError, SettingError
from derive.problem.loading import load
from derive.training.optimizers import ENTRIES, Optimizer, Variant, read_assignment
from derive.training.settings import read_optimizer, read_setting
from derive.training.variants import NAMES, VARIANTS, optimizer_of, read_variant
from tests.problems import SQUARE


def chosen(optimizer: str, variant: str, **options: str) -> Optimizer:
    return read_variant(optimizer, {key: read_setting(key, value) for key, value in options.items()}, variant)


def written(optimizer: Optimizer) -> list[str]:
    """What the equations assign, and from what."""
    return [f"{found.target} of {' '.join(names(found.expr))}" for found in optimizer.on_paper]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda variant: f"{variant.optimizer}-{variant.name}")
def test_what_a_variant_changes_is_there(variant: Variant) -> None:
    entry = ENTRIES[variant.optimizer]
    own = Optimizer(variant.optimizer)
    assert set(variant.equations) <= {equation.text for equation in entry.equations}
    assert set(variant.starts) <= {state.name for state in entry.states}
    assert {*variant.without, *filter(None, [variant.needs])} <= set(entry.options)
    assert variant.equations or variant.starts
    assert variant.source
    assert not variant.source.endswith(".")
    known = {"p", "g", "t", "lr", *own.numbers, *(state.name for state in entry.states)}
    for equation in (new for old in variant.equations.values() for new in old):
        assert equation.torch is None
        assert {word.lstrip("!") for word in equation.when.split()} <= set(entry.options)
        known.add(read_assignment(equation.text).target)
    known |= {read_assignment(equation.text).target for equation in entry.equations}
    for equation in (new for old in variant.equations.values() for new in old):
        assert set(names(read_assignment(equation.text).expr)) <= known


@pytest.mark.parametrize(("optimizer", "variant"), list(VARIANTS))
@pytest.mark.parametrize("switch", ["", "weight_decay", "maximize", "amsgrad", "centered", "lr_decay"])
def test_under_every_option_a_variant_differs_from_the_optimizer(optimizer: str, variant: str, switch: str) -> None:
    given = {"momentum": "0.9"} if optimizer == "SGD" else {}
    if switch in ENTRIES[optimizer].options:
        given[switch] = "true" if isinstance(ENTRIES[optimizer].options[switch], bool) else "0.1"
    own = read_optimizer(optimizer, {key: read_setting(key, value) for key, value in given.items()})
    other = chosen(optimizer, variant, **given)
    states = [state.start for state in other.states] != [state.start for state in own.states]
    assert other.on_paper != own.on_paper or states
    assert [found.target for found in other.on_paper].count("p") >= 1
    assigned: set[str] = {"p", "g", "t", "lr", *other.numbers, *(state.name for state in other.states)}
    for found in other.on_paper:  # nothing is read before it is assigned
        assert set(names(found.expr)) <= assigned
        assigned.add(found.target)


def test_the_options_choose_among_the_equations_of_a_variant() -> None:
    assert written(chosen("Adam", "folded_bias_correction"))[-2:] == ["lr_t of lr beta2 t beta1", "p of p lr_t m v eps"]
    assert written(chosen("Adam", "folded_bias_correction", amsgrad="true"))[-1] == "p of p lr_t m v_max eps"
    assert written(chosen("RMSprop", "eps_inside", centered="true"))[-2:] == ["d of v m eps", "p of p lr g d"]
    assert [state.start for state in chosen("RMSprop", "average_from_1", centered="true").states] == ["1", "0"]
    assert chosen("RMSprop", "average_from_1").start(chosen("RMSprop", "average_from_1").states[0]) == Fraction(1)
    assert "nesterov" not in chosen("SGD", "lr_in_velocity", momentum="0.9").options


def test_none_is_the_form_of_pytorch() -> None:
    assert chosen("Adam", "none") == optimizer_of("Adam", {}, "none") == optimizer_of("Adam", {}, None)
    assert chosen("Adam", "none") == Optimizer("Adam")


def test_the_variant_of_a_problem_file() -> None:
    training = load(SQUARE + 'momentum = 0.9\nvariant = "lr_in_velocity"\n').training
    assert (training.variant, training.optimizer) == ("lr_in_velocity", None)
    assert load(SQUARE + 'variant = "none"\n').training.variant == "none"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            'variant = "eps_inside"',
            r"6:1: eps_inside is no variant of SGD but of Adagrad, RMSprop, Adam, AdamW; the variants of SGD are lr",
        ),
        (
            'variant = "eps_inside"\noptimizer = "NAdam"',
            r"6:1: eps_inside is no variant of NAdam but of Adagrad, RMSprop, Adam, AdamW$",
        ),
        (
            'variant = "lr_in_velocity"',
            r"6:1: the variant lr_in_velocity of SGD needs a momentum above 0: without it SGD has no velocity",
        ),
        (
            'momentum = 0.9\nvariant = "lr_in_velocity"\ndampening = 0.5',
            r"7:1: dampening is no option of SGD in the variant lr_in_velocity; leave one of them out",
        ),
        (
            'variant = "inside"',
            rf"6:1: variant = 'inside' is not known; expected one of: {', '.join(NAMES)}",
        ),
        ("variant = 3", r"6:1: variant = 3 is not a word in quotes; expected one of: none, lr_in_velocity"),
    ],
)
def test_refuses_a_variant_that_is_not_possible(lines: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        load(SQUARE + lines + "\n")
    assert str(caught.value).split("\n")[1].strip().startswith("variant")  # the caret is under it
    with pytest.raises(SettingError, match=message.rstrip("$")):
        load(SQUARE + lines + "\n")


def test_a_variant_above_the_tables_belongs_under_training() -> None:
    with pytest.raises(ProblemError, match=r"unknown key 'variant'; it belongs under \[training\]"):
        load('variant = "eps_inside"\n' + SQUARE)
