"""lr is missing only where something is to be trained."""

import pytest

from derive.errors import SettingError
from derive.problem.loading import load
from derive.run.precedence import effective

POINT = 'equations = "l = w^2"\n[parameters]\nw = 2\n'


def test_a_training_table_without_lr_is_an_error() -> None:
    for table in ("[training]\nepochs = 2\n", "[training]\n"):
        with pytest.raises(SettingError, match=r"lr is missing in <text>; give it as lr = 0\.01"):
            effective(load(POINT + table), {})


@pytest.mark.parametrize("flag", [{"steps": 3}, {"epochs": 2}, {"optimizer": "SGD"}, {"shuffle": True}])
def test_a_flag_of_training_needs_lr(flag: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="lr is missing"):
        effective(load(POINT), flag)


def test_one_step_without_lr() -> None:
    settings = effective(load(POINT), {"dtype": "float64", "nodes": True})
    assert (settings.lr, settings.steps, settings.trains, settings.nodes) == (None, 1, False, True)
