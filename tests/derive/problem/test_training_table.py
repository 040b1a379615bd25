"""lr, schedulers and clipping in a problem file: what is read, and what is refused with its line and caret."""

from fractions import Fraction

import pytest

from derive.errors import ProblemError
from derive.problem.loading import load
from derive.training.groups import Group
from derive.training.rates import Formula, write_rate

TEXT = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[constants]
lambda = "1/4"
eta0 = 2
rates = [1, 2]
[data]
x = [1, 2]
y = [2, 4]
[training]
"""


def test_an_lr_for_each_epoch() -> None:
    found = load(TEXT + 'lr = [0.1, "1/3"]\nepochs = 2\n').training.lr
    assert found == (Fraction(1, 10), Fraction(1, 3))
    assert found is not None
    assert write_rate(found) == "[0.1, 1/3]"


def test_an_lr_as_an_expression_knows_its_constants() -> None:
    problem = load(TEXT + 'lr = "eta0/(lambda*t)"\n')
    assert isinstance(problem.training.lr, Formula)
    assert problem.training.lr.constants == {"eta0": 2, "lambda": Fraction(1, 4)}
    assert write_rate(problem.training.lr) == "eta0/(lambda*t)"
    # a constant that only lr reads is used
    assert problem.notes == ("constant 'rates' is not used in the equations",)


def test_a_scheduler_with_its_options() -> None:
    training = load(TEXT + 'lr = 0.1\nscheduler = "StepLR"\nstep_size = 3\ngamma = 0.5\n').training
    assert (training.scheduler, training.scheduler_every) == ("StepLR", None)
    assert training.schedule == {"step_size": 3, "gamma": Fraction(1, 2)}
    assert training.options == {}


def test_groups_in_either_form_of_a_table() -> None:
    inline = load(TEXT + 'lr = 0.1\ngroups = [{parameters = ["w"], lr = 0.2, momentum = 0.9}]\n').training.groups
    apart = load(TEXT + 'lr = 0.1\n[[training.groups]]\nparameters = "w"\nlr = 0.2\nmomentum = 0.9\n').training.groups
    assert inline == apart == (Group(("w",), Fraction(1, 5), {"momentum": Fraction(9, 10)}),)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('lr = "1/(lamda*t)"',
         r":13:10: lr has the unknown name 'lamda'; .*; did you mean 'lambda'\?\n    lr = .*\n             \^"),
        ('lr = "rates*t"', r":13:7: rates is more than one number, and lr is one; expected constants that are"),
        ('lr = "t[i]"', r":13:7: t has an index, and lr is one number; expected t, epoch and constants"),
        ('lr = "mean(t)"', r":13:7: mean is of arrays, and lr is one number; expected operations on numbers"),
        ('lr = "softmax(t)"', r":13:7: softmax is of arrays, and lr is one number"),
        ('lr = "1/(t"', r":13:9: a parenthesis is opened and never closed"),
        ('lr = "x*t"', r":13:7: lr has the unknown name 'x'"),
        ("lr = []", r":13:1: lr = a list has no numbers; expected a number from 0"),
        ("lr = [0.1, -1]", r":13:1: lr = a list holds -1, which is below 0; expected"),
        ('lr = 0.1\nscheduler = "StepLr"', r":14:1: scheduler = 'StepLr' is not known; expected one of: StepLR, Exp"),
        ('lr = 0.1\nscheduler = "StepLR"',
         r':14:1: StepLR needs step_size, as in .*; give it beside scheduler\n    scheduler = "StepLR"\n    \^'),
        ('lr = 0.1\nscheduler = "StepLR"\nstep_size = 0', r":15:1: step_size = 0 is below 1; expected a whole number"),
        ("lr = 0.1\nstep_size = 3", r':14:1: step_size needs a scheduler, such as scheduler = "StepLR"'),
        ('lr = 0.1\nscheduler = "StepLR"\nstep_size = 3\nT_max = 3',
         r":16:1: T_max is no option of StepLR but of CosineAnnealingLR; the options of StepLR are step_size, gamma"),
        ('lr = 0.1\nscheduler_every = "batch"', r":14:1: scheduler_every needs a scheduler"),
        ('lr = 0.1\nscheduler = "ExponentialLR"\ngamma = 0.5\nscheduler_every = "step"',
         r":16:1: scheduler_every = 'step' is not known; expected one of: epoch, batch"),
        ('lr = "1/t"\nscheduler = "ExponentialLR"\ngamma = 0.5',
         r":13:1: the lr is an expression, and a scheduler changes it as well; expected a number, or no scheduler"),
        ('optimizer = "Adadelta"\nscheduler = "OneCycleLR"\nmax_lr = 1\ntotal_steps = 9',
         r":14:1: OneCycleLR cycles the momentum, and Adadelta has none; expected cycle_momentum = false, or an opt"),
        ('scheduler = "OneCycleLR"\nmax_lr = 1\ntotal_steps = 10\npct_start = 0.1',
         r":13:1: pct_start = 0\.1 of total_steps = 10 is one step, and OneCycleLR divides by the steps after it"),
        ("lr_scheduler = 3", r":13:1: unknown key 'lr_scheduler' in \[training\]; did you mean 'scheduler'\?"),
        ("t_max = 3", r":13:1: unknown key 't_max' in \[training\]; did you mean 'T_max'\?"),
        ("param_groups = 3", r":13:1: unknown key 'param_groups' in \[training\]; did you mean 'groups'\?"),
    ],
)  # fmt: skip
def test_refuses_what_is_not_possible(lines: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(TEXT + lines + "\n")


@pytest.mark.parametrize(("name", "counted"), [("t", "the number of the update"), ("epoch", "the number of the epoch")])
def test_a_constant_that_is_called_like_a_counter(name: str, counted: str) -> None:
    text = TEXT.replace("eta0 = 2", f"{name} = 2") + f'lr = "1/{name}"\n'
    with pytest.raises(ProblemError, match=f"{name} is {counted} in lr, and a constant too; rename the constant"):
        load(text)
    load(text.replace(f'"1/{name}"', "0.1"))  # elsewhere it is a name like any other


def test_a_scheduler_above_the_tables_belongs_under_training() -> None:
    with pytest.raises(ProblemError, match=r"unknown key 'scheduler'; it belongs under \[training\]"):
        load('scheduler = "StepLR"\n' + TEXT)
