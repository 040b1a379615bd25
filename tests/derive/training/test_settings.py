from fractions import Fraction

import pytest

from derive.errors import Place, SettingError
from derive.source.numerals import Numeral
from derive.training import schedulers
from derive.training.optimizers import ENTRIES, OPTIONS, written
from derive.training.plan import Training
from derive.training.settings import ALSO_CALLED, MAX_SEED, OPTION_SETTINGS, SETTINGS, read_setting


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("lr", Numeral("0.01"), Fraction(1, 100)),
        ("lr", "0.1", Fraction(1, 10)),
        ("lr", "1/3", Fraction(1, 3)),
        ("lr", 2, Fraction(2)),
        ("lr", [Numeral("0.1"), 1], (Fraction(1, 10), Fraction(1))),
        ("lr", "0.1, 1/3", (Fraction(1, 10), Fraction(1, 3))),
        ("lr", "[0.1, 0.05]", (Fraction(1, 10), Fraction(1, 20))),
        ("lr", "1/(lambda*t)", "1/(lambda*t)"),
        ("lr", "max(0.1, 1/t)", "max(0.1, 1/t)"),
        ("scheduler", "StepLR", "StepLR"),
        ("scheduler_every", "batch", "batch"),
        ("clip_grad_norm", "1.5", Fraction(3, 2)),
        ("step_size", "3", 3),
        ("gamma", Numeral("0.1"), Fraction(1, 10)),
        ("anneal_strategy", "linear", "linear"),
        ("cycle_momentum", "false", False),
        ("batch_size", 3, 3),
        ("batch_size", " 3 ", 3),
        ("batch_size", "all", "all"),
        ("drop_last", "true", True),
        ("batches", [[0, 2], [1]], ((0, 2), (1,))),
        ("batches", "[[0, 2], [1]]", ((0, 2), (1,))),
        ("zero_grad", False, False),
        ("zero_grad", "false", False),
        ("zero_grad", "3", 3),
        ("zero_grad", 3, 3),
        ("accumulate", "4", 4),
        ("epochs", "1_000", 1000),
        ("steps", 10, 10),
        ("optimizer", "SGD", "SGD"),
        ("dtype", "float64", "float64"),
        ("shuffle", True, True),
        ("shuffle", "false", False),
        ("seed", 0, 0),
        ("seed", str(MAX_SEED), MAX_SEED),
        ("until", "l < 1e-6", "l < 1e-6"),
        ("report", [10, 1, 5, 1], (1, 5, 10)),
        ("report", "1,5, 10", (1, 5, 10)),
        ("on_nonfinite", "continue", "continue"),
        ("momentum", "0.9", Fraction(9, 10)),
        ("dampening", Numeral("-0.5"), Fraction(-1, 2)),
        ("nesterov", True, True),
        ("betas", [Numeral("0.9"), Numeral("0.999")], (Fraction(9, 10), Fraction(999, 1000))),
        ("betas", "(0.9, 1/3)", (Fraction(9, 10), Fraction(1, 3))),
    ],
)
def test_file_and_flag_are_read_by_the_same_rule(key: str, value: object, expected: object) -> None:
    read = read_setting(key, value)
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lr", Numeral("-0.1"), r"^lr = -0\.1 is below 0; expected a number from 0, such as 0\.01, a list"),
        ("lr", -1, "lr = -1 is below 0"),
        ("lr", "", "lr = '' is empty; expected a number from 0"),
        ("lr", Numeral("1e-400"), "lr = 1e-400 is smaller than any float64"),
        ("lr", "0.1, fast", "lr = '0.1, fast' holds ' fast', which is not a number"),
        ("lr", [Numeral("0.1"), -1], "lr = a list holds -1, which is below 0"),
        ("lr", [], "lr = a list has no numbers"),
        ("lr", [[1]], "lr = a list holds a list, which is not a number"),
        ("scheduler", "Step", "scheduler = 'Step' is not known; expected one of: StepLR, ExponentialLR, Cosine"),
        ("scheduler_every", "step", "scheduler_every = 'step' is not known; expected one of: epoch, batch$"),
        ("clip_grad_norm", 0, "clip_grad_norm = 0 is not above 0; expected a number above 0, the largest norm of all"),
        ("clip_grad_value", "x", "clip_grad_value = 'x' is not a number; expected a number above 0, the largest abs"),
        ("step_size", Numeral("0.5"), r"step_size = 0\.5 is not a whole number; expected a whole number from 1"),
        ("eta_min", -1, "eta_min = -1 is below 0; expected a number from 0"),
        ("max_momentum", 1, "max_momentum = 1 is not below 1; expected a number above 0 and below 1, such as 0.9"),
        ("lr", Numeral("nan"), "lr = nan is not a finite number"),
        ("lr", "inf", "lr = 'inf' is not a finite number"),
        ("lr", Numeral("1e999999999"), "lr = 1e999999999 has an exponent beyond"),
        ("lr", True, "lr = true is not a number"),
        ("batch_size", 0, r"batch_size = 0 is below 1; expected a whole number from 1 to 1,000,000,000"),
        ("batch_size", "-3", "batch_size = '-3' is below 1"),
        ("batch_size", Numeral("3.0"), r"batch_size = 3\.0 is not a whole number"),
        ("batch_size", "three", "batch_size = 'three' is not a whole number"),
        ("batch_size", True, "batch_size = true is not a whole number"),
        ("epochs", 10**10, "epochs = 10000000000 is above 1,000,000,000"),
        ("steps", 0, "steps = 0 is below 1"),
        ("seed", -1, "seed = -1 is below 0"),
        ("seed", 2**63, "is above 9,223,372,036,854,775,807"),
        pytest.param("seed", 16**5000, "seed = a very large integer is above", id="seed-16^5000"),
        ("optimizer", "Adm", "optimizer = 'Adm' is not known; expected one of: SGD, Adagrad, "),
        ("optimizer", 3, "optimizer = 3 is not a word in quotes"),
        ("optimizer", Numeral("1.5"), r"optimizer = 1\.5 is not a word in quotes"),
        ("dtype", "float8", "dtype = 'float8' is not known; expected one of: float32, float64, float16, bfloat16"),
        ("shuffle", 1, "shuffle = 1 is neither true nor false"),
        ("shuffle", "maybe", "shuffle = 'maybe' is neither true nor false"),
        ("until", 3, 'until = 3 is not a text in quotes; expected a comparison in quotes, such as "l < 1e-6"'),
        ("until", " ", "until = ' ' is empty; expected a comparison in quotes"),
        ("report", 5, r"report = 5 is not a list of steps; expected numbers of steps, such as \[1, 5, 10\]"),
        ("report", [], "report = a list has no steps; expected numbers of steps"),
        ("report", [1, 0], "report = a list holds 0, which is below 1"),
        ("report", "1,x", "report = '1,x' holds 'x', which is not a whole number"),
        ("report", True, "report = true is not a list of steps"),
        ("on_nonfinite", "ignore", "on_nonfinite = 'ignore' is not known; expected one of: stop, continue"),
        ("stop_when", 1, "unknown setting 'stop_when'; did you mean 'until'"),
        ("batchsize", 1, "unknown setting 'batchsize'; did you mean 'batch_size'"),
        ("learning_rate", 1, "unknown setting 'learning_rate'; did you mean 'lr'"),
        ("LR", 1, "unknown setting 'LR'; did you mean 'lr'"),
        (
            "zzz",
            1,
            "unknown setting 'zzz'; known: optimizer, variant, lr, .*, dtype, .*, and the options of the optimizer and",
        ),
        ("momentums", 1, "unknown setting 'momentums'; did you mean 'momentum'"),
        ("beta1", 1, "unknown setting 'beta1'; did you mean 'betas'"),
        ("momentum", "-0.9", "momentum = '-0.9' is below 0; expected a number from 0$"),
        ("momentum", True, "momentum = true is not a number"),
        ("nesterov", 1, "nesterov = 1 is neither true nor false"),
        ("betas", Numeral("0.9"), r"betas = 0\.9 is not a pair of numbers; expected two numbers from 0 and below 1"),
        ("betas", "0.9", "betas = '0.9' is not a pair of numbers"),
        ("betas", [0, 0, 0], "betas = a list is not a pair of numbers"),
        ("betas", "0.9,1", "betas = '0.9,1' holds '1', which is not below 1"),
        (
            "betas",
            [Numeral("0.9"), Numeral("0.99999999999999999999")],
            r"betas = a list holds 0\.9999.*, which is not below",
        ),
        ("betas", "-0.1,0.5", "betas = '-0.1,0.5' holds '-0.1', which is below 0"),
        ("rho", 1, "rho = 1 is not below 1; expected a number from 0 and below 1, such as 0.9"),
    ],
)
def test_refuses_what_is_not_possible(key: str, value: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read_setting(key, value)


def test_an_error_carries_the_place() -> None:
    with pytest.raises(SettingError, match=r"^a\.toml:3:1: lr = -1 is below 0") as caught:
        read_setting("lr", -1, Place("a.toml", 3, 1, "lr = -1"))
    assert str(caught.value).endswith("\n    lr = -1\n    ^")


def test_the_table_and_the_type_have_the_same_settings() -> None:
    assert {*SETTINGS, "options", "schedule", "groups"} == set(Training.__dataclass_fields__)


def test_every_option_of_an_optimizer_can_be_read() -> None:
    assert set(OPTION_SETTINGS) == set(OPTIONS)
    for entry in ENTRIES.values():
        for key, value in entry.options.items():
            assert read_setting(key, written(value)) == value


@pytest.mark.parametrize(("called", "name"), ALSO_CALLED.items())
def test_a_name_from_elsewhere_is_no_setting_and_leads_to_one(called: str, name: str) -> None:
    assert called not in SETTINGS
    assert called not in {*OPTIONS, *schedulers.OPTIONS, "groups"}
    assert name in {*SETTINGS, *OPTIONS, *schedulers.OPTIONS, "groups"}
