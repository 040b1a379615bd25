from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from derive.errors import SettingError
from derive.problem.loading import load
from derive.run.precedence import DEFAULTS, effective, in_effect
from tables.text.remarks import remarks
from tests.problems import FIVE_POINTS, SQUARE

BARE = "\n" + FIVE_POINTS
FILED = BARE + "[training]\nlr = 0.01\nbatch_size = 2\nepochs = 3\nshuffle = true\nseed = 7\ndtype = 'float64'\n"


def test_a_default_stands_where_nothing_is_given() -> None:
    settings = effective(load(BARE), {"lr": "0.01"})
    assert (settings.optimizer, settings.shuffle, settings.seed, settings.dtype) == ("SGD", False, 0, "float32")
    assert (settings.batch_size, settings.samples, settings.steps, settings.batches_per_epoch) == (5, 5, 1, 1)
    assert settings.origins == {**dict.fromkeys(DEFAULTS, "default"), "batch_size": "default", "lr": "flag"}
    assert settings.nodes is False


def test_the_file_goes_before_the_default() -> None:
    settings = effective(load(FILED), {})
    assert (settings.lr, settings.batch_size, settings.shuffle) == (Fraction(1, 100), 2, True)
    assert (settings.seed, settings.dtype) == (7, "float64")
    assert settings.steps == 3 * 3  # three batches an epoch: 2, 2 and 1
    assert settings.origins["lr"] == settings.origins["epochs"] == "file"
    assert settings.origins["optimizer"] == "default"


def test_a_flag_goes_before_the_file() -> None:
    flags = {"lr": "0.1", "batch_size": "4", "epochs": "2", "shuffle": False, "seed": "1", "dtype": "float32"}
    settings = effective(load(FILED), flags)
    assert (settings.lr, settings.batch_size, settings.steps) == (Fraction(1, 10), 4, 4)
    assert (settings.shuffle, settings.seed, settings.dtype) == (False, 1, "float32")
    assert {settings.origins[key] for key in flags} == {"flag"}


def test_a_flag_that_is_not_given_leaves_the_file_alone() -> None:
    assert effective(load(FILED), {"lr": None, "shuffle": None}) == effective(load(FILED), {})


@pytest.mark.parametrize("lr", ["0.1", 0.1, Decimal("0.1"), Fraction(1, 10), "1/10"])
def test_lr_is_exact_however_it_is_given(lr: object) -> None:
    assert effective(load(BARE), {"lr": lr}).lr == Fraction(1, 10)


def test_steps_in_place_of_epochs() -> None:
    assert effective(load(FILED), {"steps": 4}).steps == 4
    assert effective(load(FILED), {"steps": "4"}).origins["steps"] == "flag"
    assert effective(load("parabola"), {}).steps == 10
    assert effective(load("parabola"), {"epochs": 7}).steps == 7


def test_nodes_is_no_training_setting() -> None:
    settings = effective(load(FILED), {"nodes": True})
    assert settings.nodes is True
    assert "nodes" not in settings.origins


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"epochs": 2}, r"^lr is missing in <text>; give it as lr = 0\.01 under \[training\], or as --lr 0\.01$"),
        (
            {"lr": "-1"},
            r"^lr = '-1' is below 0; expected a number from 0, such as 0\.01, a list of one for",
        ),
        ({"lr": -0.5}, r"^lr = '-0\.5' is below 0"),
        ({"lr": "fast"}, r"^--lr:1: lr has the unknown name 'fast'; expected a number, or an expression in t"),
        ({"lr": float("nan")}, r"^lr = 'nan' is not a finite number"),
        ({"lr": "1e999999999"}, r"^lr = '1e999999999' has an exponent beyond"),
        (
            {"batch_size": 0},
            r"^batch_size = 0 is below 1; expected a whole number from 1 to 1,000,000,000, or \"all\"$",
        ),
        ({"batch_size": "-3"}, r"^batch_size = '-3' is below 1"),
        ({"batch_size": 2.5}, r"^batch_size = '2\.5' is not a whole number"),
        ({"epochs": 0}, r"^epochs = 0 is below 1"),
        ({"epochs": 1, "steps": 1}, r"^both epochs and steps are given; expected one of them$"),
        ({"optimizer": "Adm"}, r"^optimizer = 'Adm' is not known; expected one of: SGD, Adagrad, "),
        ({"dtype": "float8"}, r"^dtype = 'float8' is not known; expected one of: float32, float64, float16, bfloat16$"),
        ({"shuffle": "perhaps"}, r"^shuffle = 'perhaps' is neither true nor false"),
        ({"seed": -1}, r"^seed = -1 is below 0"),
        ({"batchsize": 3}, r"^unknown setting 'batchsize'; did you mean 'batch_size'\?$"),
    ],
)
def test_refuses_a_setting_that_is_not_possible(flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        effective(load(BARE), flags)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"batches": [[0, 5]]}, "batches: batch 1 has row 5, but the data have 5 rows, counted from 0 to 4"),
        ({"batches": [[0]], "batch_size": 2}, "both batches and batch_size are given: a list of batches says"),
        ({"batches": [[0]], "shuffle": True}, "both batches and shuffle are given"),
        ({"drop_last": True, "batch_size": 6}, "drop_last with batch_size = 6 leaves no batch of the 5 samples"),
        ({"zero_grad": False, "accumulate": 2}, "both zero_grad and accumulate are given"),
    ],
)
def test_refuses_settings_that_contradict_one_another(flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=f"^{message}"):
        effective(load(BARE), {"lr": "0.1", **flags})


def test_an_error_about_a_setting_of_the_file_has_its_place() -> None:
    problem = load(FILED + "drop_last = true\n")
    with pytest.raises(SettingError, match=r"^<text>:\d+:1: drop_last with batch_size = 6 leaves no batch") as caught:
        effective(problem, {"batch_size": 6})
    assert str(caught.value).endswith("\n    drop_last = true\n    ^")


def test_a_flag_replaces_what_contradicts_it_in_the_file() -> None:
    listed = BARE + "[training]\nlr = 0.01\nbatches = [[0, 1]]\nzero_grad = false\n"
    found = effective(load(listed), {"batch_size": 2, "accumulate": 2})
    assert (found.batches, found.batch_size, found.zero_grad, found.accumulate) == (None, 2, True, 2)
    found = effective(load(FILED), {"batches": [[0, 1, 2], [4]]})
    assert (found.batches, found.batch_size, found.shuffle) == (((0, 1, 2), (4,)), 3, False)
    assert found.batches_per_epoch == 2


def test_a_batch_larger_than_the_data_is_said() -> None:
    settings = effective(load("article"), {"batch_size": 100})
    assert settings.batches_per_epoch == 1
    assert remarks(settings) == ("batch_size 100 is larger than the 9 samples: each epoch is one batch of all of them",)


@pytest.mark.parametrize(("problem", "size"), [("article", 9), ("article", 2), (SQUARE, 5)])
def test_otherwise_nothing_is_said(problem: str, size: int) -> None:
    assert remarks(effective(load(problem), {"batch_size": size})) == ()


def test_without_data_every_epoch_is_one_step() -> None:
    settings = effective(load(SQUARE), {"epochs": 3})
    assert (settings.samples, settings.batches_per_epoch, settings.steps) == (0, 1, 3)


def test_numbers_of_numpy_are_read_as_those_of_python() -> None:
    problem = load("article")
    found = effective(problem, {"epochs": np.int64(2), "lr": np.array([0.1, 0.05]), "shuffle": np.bool_(True)})
    assert (found.steps, found.lr, found.shuffle) == (6, (Fraction(1, 10), Fraction(1, 20)), True)
    assert effective(problem, {"batches": [range(3), np.arange(3, 5)]}).batches == ((0, 1, 2), (3, 4))


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"lr": "0.5", "batch_size": "3", "shuffle": False},
        {"optimizer": "Adam", "betas": "0.5,0.9", "variant": "eps_inside"},
        {"momentum": "0.9", "clip_grad_norm": "2", "drop_last": True},
        {"scheduler": "StepLR", "step_size": "2", "scheduler_every": "batch", "clip_grad_value": "1"},
        {"scheduler": "OneCycleLR", "max_lr": "0.1", "total_steps": "100"},
        {"batches": "[[0, 1], [2]]", "accumulate": "2"},
        {"groups": [{"parameters": ["w"], "lr": 0.5}], "zero_grad": "false"},
    ],
)
def test_a_problem_in_effect_says_in_its_file_what_flags_say(flags: dict[str, object]) -> None:
    """Run without flags, it has the settings that the problem has with them; only where they come from differs."""
    problem = load(FILED)
    settings = effective(problem, flags)
    again = effective(in_effect(problem, settings), {"steps": settings.steps})
    same = ("optimizer", "variant", "lr", "batch_size", "batches", "drop_last", "shuffle", "seed", "dtype", "zero_grad")
    same += ("accumulate", "options", "scheduler", "clip", "groups", "parameters", "steps")
    assert {key: getattr(again, key) for key in same} == {key: getattr(settings, key) for key in same}


def test_gradients_at_a_point_stay_so_in_effect() -> None:
    problem = load(BARE)
    assert not in_effect(problem, effective(problem, {})).trains
    assert in_effect(problem, effective(problem, {"lr": "0.1"})).trains
