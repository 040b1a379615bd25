"""A claimed update rule where lr changes, gradients are clipped, groups have options of their own, in a variant."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from derive.training.optimizers import OPTIMIZERS, Optimizer, Value
from tests.optimizer_options import options
from tests.problems import GROUP
from verify.formulas.judge import FormulaFinding, judge_formula
from verify.formulas.rule import never_negative, numbers_of

LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[constants]
k = 4
[data]
x = [1, 2]
y = [3, 5]
[training]
"""
ONE_CYCLE = 'scheduler = "OneCycleLR"\nmax_lr = 0.1\ntotal_steps = 7\n'


@pytest.mark.parametrize(
    ("name", "given", "states"),
    [
        ("SGD", {"momentum": Fraction(9, 10)}, ()),
        ("Adagrad", {}, ("s",)),
        ("RMSprop", {"centered": True}, ("v",)),
        ("Adam", {"amsgrad": True}, ("v", "v_max")),
        ("Adadelta", {}, ("v", "u")),
        ("NAdam", {}, ("v",)),
        ("Adamax", {}, ("u",)),
    ],
)
def test_states_that_are_never_negative(name: str, given: dict[str, Value], states: tuple[str, ...]) -> None:
    assert never_negative(Optimizer(name, given)) == states


def judged(training: str, name: str, text: str) -> FormulaFinding:
    problem = load(LINE + training)
    return judge_formula(problem, differentiate(problem.graph), name, text, Place("t", 1, 1, text))


@pytest.mark.parametrize(
    ("training", "name", "text", "status"),
    [
        ("lr = [0.1, 0.05]\n", "w", "w - lr*dl/dw", "right"),
        ("lr = [0.1, 0.05]\n", "w", "w - 0.1*dl/dw", "wrong"),
        ('lr = "1/(10*t)"\n', "w", "w - lr*dl/dw", "right"),
        ('lr = "1/(10*t)"\n', "w", "w - dl/dw/(10*t)", "right"),
        ('lr = "1/(10*t)"\n', "w", "w - 0.1*dl/dw", "wrong"),
        ('lr = "0.1/(epoch + t)"\n', "w", "w - 0.1/(t + epoch)*dl/dw", "right"),
        ('lr = "0.1/(epoch + t)"\n', "w", "w - 0.1/t*dl/dw", "wrong"),
        ('lr = "1/(k*t)"\n', "w", "w - dl/dw/(4*t)", "right"),
        ('lr = "1/(k*t)"\n', "w", "w - dl/dw/(2*t)", "wrong"),
        ('lr = "0.1/sqrt(t)"\noptimizer = "Adam"\n', "w", "w - 0.1/sqrt(t)*m_hat/(sqrt(v_hat) + eps)", "right"),
        ('lr = "0.1/sqrt(t)"\noptimizer = "Adam"\n', "w", "w - 0.1*m_hat/(sqrt(v_hat) + eps)", "wrong"),
        ('lr = 0.1\nscheduler = "StepLR"\nstep_size = 1\n', "w", "w - lr*dl/dw", "right"),
        ('lr = 0.1\nscheduler = "StepLR"\nstep_size = 1\n', "w", "w - 0.1*dl/dw", "wrong"),
        (ONE_CYCLE, "w", "w - lr*(momentum*v_w + dl/dw)", "right"),
        (ONE_CYCLE, "w", "w - lr*(0.95*v_w + dl/dw)", "wrong"),
        (ONE_CYCLE + 'optimizer = "Adam"\n', "w.m", "beta1*m_w + (1 - beta1)*dl/dw", "right"),
        (ONE_CYCLE + 'optimizer = "Adam"\n', "w.m", "0.9*m_w + 0.1*dl/dw", "wrong"),
        ("lr = 0.1\nclip_grad_value = 2\n", "w", "w - lr*clip(dl/dw, -2, 2)", "right"),
        ("lr = 0.1\nclip_grad_value = 2\n", "w", "w - lr*min(max(dl/dw, -2), 2)", "right"),
        ("lr = 0.1\nclip_grad_value = 2\n", "w", "w - lr*dl/dw", "wrong"),
        ("lr = 0.1\nclip_grad_norm = 2\n", "w", "w - lr*dl/dw", "undecided"),
        ("lr = 0.1\nclip_grad_norm = 2\n", "dl/dw", "2*mean((w*x + b - y)*x)", "right"),  # it is what backward gives
        (f"lr = 0.1\n{GROUP}lr = 0.01\n", "w", "w - 0.1*dl/dw", "right"),
        (f"lr = 0.1\n{GROUP}lr = 0.01\n", "b", "b - 0.01*dl/db", "right"),
        (f"lr = 0.1\n{GROUP}lr = 0.01\n", "b", "b - 0.1*dl/db", "wrong"),
        (f'lr = 0.1\n{GROUP}lr = "1/t"\n', "b", "b - dl/db/t", "right"),
        (f"lr = 0.1\n{GROUP}momentum = 0.5\n", "b.v", "0.5*v_b + dl/db", "right"),
        (f"lr = 0.1\n{GROUP}weight_decay = 0.5\n", "b", "b - lr*(dl/db + 0.5*b)", "right"),
        (f"lr = 0.1\n{GROUP}weight_decay = 0.5\n", "w", "w - lr*(dl/dw + 0.5*w)", "wrong"),
        ('lr = 0.1\nmomentum = 0.9\nvariant = "lr_in_velocity"\n', "w.v", "momentum*v_w + lr*dl/dw", "right"),
        ('lr = 0.1\nmomentum = 0.9\nvariant = "lr_in_velocity"\n', "w", "w - v_w", "right"),
        ('lr = 0.1\nmomentum = 0.9\nvariant = "lr_in_velocity"\n', "w", "w - lr*v_w", "wrong"),
        ('lr = 0.1\noptimizer = "Adam"\nvariant = "eps_inside"\n', "w", "w - lr*m_hat/sqrt(v_hat + eps)", "right"),
    ],
)
def test_an_update_rule(training: str, name: str, text: str, status: str) -> None:
    assert judged(training, name, text).status == status


@pytest.mark.parametrize(
    ("optimizer", "text", "right"),
    [
        (  # the case in which the claim was shown as its own correction: the decay is an equation of its own
            'optimizer = "AdamW"\nweight_decay = 0.1\n',
            "w - lr*m_hat/(sqrt(v_hat) + eps)",
            "w - lr*weight_decay*w - lr*m_hat/(sqrt(v_hat) + eps)",
        ),
        ("weight_decay = 0.1\n", "w - lr*dl/dw", "w - lr*(dl/dw + weight_decay*w)"),
        ("maximize = true\n", "w - lr*dl/dw", "w + lr*dl/dw"),
    ],
)
def test_the_right_rule_is_whole(optimizer: str, text: str, right: str) -> None:
    found = judged(f"lr = 0.1\n{optimizer}", "w", text)
    assert (found.status, found.right) == ("wrong", right)
    assert judged(f"lr = 0.1\n{optimizer}", "w", right).status == "right"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_rule_that_is_shown_is_right(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OPTIMIZERS))
    lines = [
        f"{key} = [{value}]" if "," in value else f"{key} = {value}" for key, value in data.draw(options(name)).items()
    ]
    training = "\n".join([f'lr = 0.1\noptimizer = "{name}"', *lines, ""])
    wrong = judged(training, "w", "w + lr*dl/dw*7 + 1")
    assert wrong.status == "wrong"
    assert judged(training, "w", wrong.right).status == "right", wrong.right


def test_what_changes_from_step_to_step_is_said() -> None:
    found = judged('lr = 0.1\nscheduler = "StepLR"\nstep_size = 1\n', "w", "w - lr*dl/dw")
    assert found.sentence.endswith("read as the update of SGD, in which lr may change from step to step")
    found = judged(ONE_CYCLE, "w", "w - lr*v_w")
    assert found.sentence.endswith("in which lr and momentum may change from step to step")


def test_why_a_rule_is_not_judged_is_said() -> None:
    found = judged("lr = 0.1\nclip_grad_norm = 2\n", "w", "w - lr*dl/dw")
    assert found.decided == "not judged"
    assert found.sentence == (
        "not judged: clip_grad_norm = 2 scales every gradient by the norm of all of them before the update, which a "
        "formula of one parameter does not show"
    )


def test_the_right_rule_shows_the_clipping() -> None:
    found = judged("lr = 0.1\nclip_grad_value = 2\n", "w", "w - lr*dl/dw")
    assert found.right == "w - lr*clip(dl/dw, -2, 2)"


ADAM = 'lr = 0.1\noptimizer = "Adam"\n'


@pytest.mark.parametrize(
    ("training", "name", "text", "status"),
    [
        (ADAM, "w.m_hat", "m_w/(1 - beta1^t)", "right"),
        (ADAM, "m_hat w", "m_w/(1 - beta1^t)", "right"),
        (ADAM, "m̂_w", "m_w/(1 - beta1^t)", "right"),
        (ADAM, "w.m_hat", "(beta1*m_w + (1 - beta1)*dl/dw)/(1 - beta1^t)", "right"),  # m before the step
        (ADAM, "w.m_hat", "m_w/(1 - beta1)", "wrong"),
        (ADAM, "w.v_hat", "v_w/(1 - beta2^t)", "right"),
        (ADAM, "w.v_hat", "v_w/(1 - beta1^t)", "wrong"),
        (ADAM, "w.step_size", "lr*m_hat_w/(sqrt(v_hat_w) + eps)", "right"),
        (ADAM, "step_size w", "lr*m_hat_w/(sqrt(v_hat_w) + eps)", "right"),
        (ADAM, "w.step_size", "lr*m_w/(sqrt(v_hat_w) + eps)", "wrong"),
        (ADAM, "Δw", "-lr*m_hat_w/(sqrt(v_hat_w) + eps)", "right"),
        (ADAM, "delta w", "lr*m_hat_w/(sqrt(v_hat_w) + eps)", "wrong"),
        ("lr = 0.1\n", "w.step_size", "lr*dl/dw", "right"),
        ("lr = 0.1\n", "Δw", "-0.1*dl/dw", "right"),
        ("lr = 0.1\nmomentum = 0.9\n", "w.step_size", "lr*(0.9*v_w + dl/dw)", "right"),  # v before the step
        ("lr = 0.1\nmomentum = 0.9\n", "w.step_size", "lr*v_w", "right"),  # and after it
        ("lr = 0.1\nweight_decay = 0.5\n", "w.g", "dl/dw + weight_decay*w", "right"),
        ("lr = 0.1\nweight_decay = 0.5\n", "w.step_size", "lr*dl/dw", "wrong"),
    ],
)
def test_a_number_inside_an_update(training: str, name: str, text: str, status: str) -> None:
    found = judged(training, name, text)
    assert found.status == status, found.sentence


def test_what_a_frozen_parameter_is_moved_by_is_0() -> None:
    problem = load('frozen = ["w"]\n' + LINE + ADAM)
    place = Place("t", 1, 1, "0")
    findings = [judge_formula(problem, differentiate(problem.graph), "w.step_size", text, place) for text in ("0", "1")]
    assert [found.status for found in findings] == ["right", "wrong"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_formula_of_every_number_inside_that_is_shown_is_right(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OPTIMIZERS))
    problem = load(f'{LINE}lr = 0.1\noptimizer = "{name}"\n')
    numbers = {number for parameter, number in numbers_of(problem).values() if parameter == "w"}
    asked = data.draw(st.sampled_from(sorted(numbers)))
    wrong = judged(f'lr = 0.1\noptimizer = "{name}"\n', f"w.{asked}", "7*w + 3")
    assert wrong.status == "wrong"
    right = judged(f'lr = 0.1\noptimizer = "{name}"\n', f"w.{asked}", wrong.right)
    assert right.status == "right", (asked, wrong.right, right.sentence)
