"""Parameter groups: lr and options of their own, as torch.optim takes them, by hand and in PyTorch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ProblemError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.training.optimizers import DECOUPLED_IN_TORCH, ENTRIES, OPTIMIZERS
from tables import steps
from tables.json_report import to_json
from tables.text.remarks import remarks
from tables.text.report import to_text
from tests.optimizer_options import options
from tests.planting import first_wrong
from tests.problems import GROUP, LINE, NETWORK
from verify import Outcome, verify
from verify.compare.verdict import explanations
from verify.pytorch import run as training

DTYPES = ("float32", "float64")
OF_B = GROUP + "lr = 0.2\nweight_decay = 0.5\n"


@pytest.mark.parametrize("dtype", DTYPES)
def test_by_hand(dtype: str) -> None:
    result = verify(LINE + OF_B, epochs=2, dtype=dtype)
    w, b = Fraction(1, 2), Fraction(-1)
    for row in result.rows:
        rows = [(0, 1), (1, 3)] if row.batch.batch == 1 else [(2, 2), (3, 5)]
        errors = [(x, w * x + b - y) for x, y in rows]
        w, b = w - sum(e * x for x, e in errors) / 10, b - (sum(e for _, e in errors) + b / 2) / 5
        assert [row.checks[name].hand_fraction for name in ("w", "b")] == [w, b]
    assert result.agrees


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=5)
@given(data=st.data())
def test_options_of_groups_give_no_false_alarm(name: str, dtype: str, data: st.DataObject) -> None:
    common, own = data.draw(options(name)), data.draw(options(name))
    own.pop("initial_accumulator_value", None)
    for chosen in (common, own):
        chosen.pop("nesterov", None)  # it restricts the options of the others
    groups = [{"parameters": ["b"], "lr": "0.02", **own}, {"parameters": "u", "lr": "1/(20*t)"}]
    result = verify(NETWORK, optimizer=name, dtype=dtype, lr="0.01", steps=6, drift=2, groups=groups, **common)
    assert result.verdict.outcome is not Outcome.DISAGREES, explanations(result.comparison, result.tally)
    if all(step.finite for step in result.record.steps):
        assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_run_is_that_of_a_plain_program(dtype: str) -> None:
    groups = [{"parameters": ["b"], "lr": 0.3, "momentum": 0.5, "weight_decay": 0.1}]
    result = verify(LINE, epochs=3, dtype=dtype, groups=groups, scheduler="StepLR", step_size=1, gamma=0.5)
    kind = getattr(torch, dtype)
    w, b = torch.tensor(0.5, requires_grad=True, dtype=kind), torch.tensor(-1.0, requires_grad=True, dtype=kind)
    x, y = torch.tensor([0.0, 1, 2, 3], dtype=kind), torch.tensor([1.0, 3, 2, 5], dtype=kind)
    optimizer = torch.optim.SGD(
        [{"params": [w]}, {"params": [b], "lr": 0.3, "momentum": 0.5, "weight_decay": 0.1}], lr=0.1
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    for step, record in enumerate(result.record.steps):
        rows = [0, 1] if step % 2 == 0 else [2, 3]
        optimizer.zero_grad()
        ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
        assert record.rates["lr"].tolist() == [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        if step % 2:
            scheduler.step()
        assert (float(record.after["w"]), float(record.after["b"])) == (w.item(), b.item())
    assert result.agrees
    assert set(result.record.steps[0].after) == {"w", "b", "b.v"}  # w has no momentum


def test_the_columns_of_several_groups() -> None:
    constant = steps(verify(LINE + OF_B))
    assert constant[["lr", "lr[1]"]].to_numpy().tolist() == [[0.1, 0.2]] * 2
    assert "lr lr[1]" in " ".join(to_text(verify(LINE + OF_B)).split())
    result = verify(LINE + OF_B.replace("0.2", '"1/(5*t)"'))
    assert steps(result)[["lr", "lr[1]"]].to_numpy().tolist() == [[0.1, 0.2], [0.1, 0.1]]
    assert [c.name for c in result.comparison.checks if c.quantity == "optimizer.lr"][:2] == [
        "optimizer.lr[0]",
        "optimizer.lr[1]",
    ]
    assert result.agrees


def test_all_parameters_in_groups() -> None:
    more = OF_B + '[[training.groups]]\nparameters = ["w"]\nlr = "0.1/t"\n'
    result = verify(LINE + more, epochs=2)
    assert result.agrees
    assert [group.parameters for group in result.settings.param_groups] == [("b",), ("w",)]
    assert list(result.record.steps[1].rates["lr"]) == [0.2, 0.05]


def test_a_frozen_parameter_is_in_no_group() -> None:
    result = verify('frozen = ["w"]\n' + LINE + OF_B)
    assert result.agrees
    assert [group.parameters for group in result.settings.param_groups] == [("b",)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_groups_that_are_exchanged(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = training.TorchUpdate.param_groups

    def planted(self: Any) -> list[Any]:
        first, second = original(self)
        return [{**first, "lr": second["lr"]}, {**second, "lr": first["lr"]}]

    monkeypatch.setattr(training.TorchUpdate, "param_groups", planted)
    result = verify(LINE + GROUP + "lr = 0.2\n", dtype=dtype)
    assert first_wrong(result).startswith("w at step 1 (epoch 1, batch 1): PyTorch has 1.2")
    changing = verify(LINE + GROUP + "lr = 0.2\n", dtype=dtype,
                      scheduler="ExponentialLR", gamma=0.5)  # fmt: skip
    assert first_wrong(changing).startswith(
        "optimizer.lr[0] at step 1 (epoch 1, batch 1): PyTorch has 0.2, by hand it is 0.1 at the same state"
    )
    assert "; the ratio is 2" in first_wrong(changing)


@pytest.mark.parametrize("dtype", DTYPES)
def test_groups_that_are_forgotten(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(training.TorchUpdate, "param_groups", lambda self: list(self.trained.values()))
    assert first_wrong(verify(LINE + OF_B, dtype=dtype)).startswith("b at step 1 (epoch 1, batch 1)")


def test_in_the_settings() -> None:
    found = effective(load(LINE + OF_B), {})
    assert str(found).startswith("SGD, lr 0.1, group b: lr 0.2, weight_decay 0.5, batch_size 2 of 4")
    flagged = effective(load(LINE), {"groups": [{"parameters": ["b"], "lr": 0.2}]})
    assert str(flagged).startswith("SGD, lr 0.1, group b: lr 0.2 (flag), batch_size 2 of 4")
    assert '"group b: lr 0.2, weight_decay 0.5"' in to_json(verify(LINE + OF_B))


def test_the_options_of_a_group_that_another_optimizer_does_not_have() -> None:
    text = LINE + OF_B + "momentum = 0.9\n"
    found = effective(load(text), {"optimizer": "Adam"})
    assert found.groups[0].options == {"weight_decay": Fraction(1, 2)}
    assert remarks(found) == ("momentum of the problem file: left out, no option of Adam",)
    assert verify(text, optimizer="Adam").agrees


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "groups = 3",
            r":12:1: groups = 3 is not a list of tables; expected tables \[\[training\.groups\]\]",
        ),
        (GROUP, r":13:1: group 1 has nothing of its own; expected an lr, or options"),
        (
            "[[training.groups]]\nlr = 1",
            r":12:3: group 1 has no parameters; expected names of parameters, such as",
        ),
        (
            "[[training.groups]]\nparameters = 3\nlr = 1",
            r":13:1: parameters = 3 in group 1; expected names of",
        ),
        ("[[training.groups]]\nparameters = []\nlr = 1", r":13:1: parameters = a list in group 1; expected names"),
        ('[[training.groups]]\nparameters = ["B"]\nlr = 1', r":13:1: group 1: 'B' is no parameter; did you mean 'b'\?"),
        ('[[training.groups]]\nparameters = ["q2"]\nlr = 1', r":13:1: group 1: 'q2' is no parameter; known: w, b"),
        (
            f"{GROUP}lr = 1\n{GROUP}lr = 2",
            r":16:1: b is in another group too; a parameter is in one group\n    parameters = \[\"b\"\]\n    \^",
        ),
        (
            '[[training.groups]]\nparameters = ["b", "b"]\nlr = 1',
            r":13:1: b is in group 1 twice; a parameter is",
        ),
        (GROUP + "lr = -1", r":14:1: lr = -1 is below 0"),
        (
            f'{GROUP}lr = 1\n[[training.groups]]\nparameters = ["w"]\nlr = "1/u"',
            r":17:9: lr has the unknown name 'u'",
        ),
        (
            GROUP + "batch_size = 3",
            r":14:1: unknown key 'batch_size' in group 1; known: parameters, lr, and the",
        ),
        (GROUP + "momentun = 3", r":14:1: unknown key 'momentun' in group 1; did you mean 'momentum'\?"),
        (GROUP + "eps = 3", r":14:1: eps is no option of SGD but of Adagrad"),
        (GROUP + "momentum = -1", r":14:1: momentum = -1 is below 0"),
        (GROUP + "nesterov = true", r":14:1: nesterov needs a momentum above 0 and no dampening"),
    ],
)
def test_refuses_a_group_that_is_not_possible(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(LINE + text + "\n")


def test_refuses_a_frozen_parameter_in_a_group() -> None:
    with pytest.raises(ProblemError, match=r":14:1: group 1: b is frozen, and never updated; leave it out"):
        load('frozen = ["b"]\n' + LINE + OF_B)


def test_what_torch_keeps_for_all_groups_is_not_of_one() -> None:
    message = r":15:1: initial_accumulator_value is one for all parameters, as in torch\.optim; set it under"
    with pytest.raises(ProblemError, match=message):
        load(LINE + f'optimizer = "Adagrad"\n{GROUP}initial_accumulator_value = 1\n')
    # all other options are of a group: torch.optim keeps them in param_groups
    for name, entry in ENTRIES.items():
        parameter = torch.zeros(1, requires_grad=True)
        [group] = getattr(torch.optim, name)([parameter], lr=0.1).param_groups
        by_the_loop = set() if name in DECOUPLED_IN_TORCH else {"decoupled_weight_decay"}
        assert set(entry.options) - by_the_loop <= set(group)


def test_a_rate_of_a_group_that_does_not_last_is_shown_where_it_stands() -> None:
    text = LINE + OF_B.replace("0.2", "[0.2, 0.1]", 1)
    with pytest.raises(
        ProblemError, match=r":14:1: lr of group 1 has 2 entries, .* 3 epochs.*\n    lr = \[0\.2, 0\.1\]"
    ):
        verify(text, epochs=3)
    with pytest.raises(ProblemError, match=r":14:1: lr = '1/\(t - 1\)' is inf at step 1 .*\n    lr = \"1/"):
        verify(LINE + OF_B.replace("0.2", '"1/(t - 1)"', 1))
    with pytest.raises(ProblemError, match=r"^lr = '1 - 2\*t' is -1 at step 1 .* from 0$"):
        verify(LINE, lr="1 - 2*t")
