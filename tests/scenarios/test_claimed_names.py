"""Whatever a problem calls its lines and parameters, a claimed number is judged as what its name says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tables
from derive.errors import ClaimError, HandgradError
from tables.text.audit import to_text
from tables.worksheet import worksheet
from verify import audit, verify
from verify.auditing.pipeline import Audit
from verify.following.finding import Status


def claims(table: str, problem: str) -> dict[str, str]:
    """The status of every claim of a table in a problem."""
    found = audit(f'{problem}\n[claims]\ntable = """\n{table}\n"""\n')
    return {finding.cell.name: finding.status.value for finding in found.findings}


def test_a_line_called_n_is_no_number_of_samples() -> None:
    problem = 'equations = """\nn = -1*w\nf = exp(n)\n"""\n[parameters]\nw = 3\n'
    assert claims("step, n\n1, -3", problem) == {"n": "right"}
    assert claims("step, n\n1, 1", problem) == {"n": "wrong"}
    assert claims("step, data.n\n1, 1", problem) == {"data.n": "right"}


UNDERSCORE = """
equations = \"\"\"
a = w1*x
b = w_1*x
l = (a + 2*b - 1)^2
\"\"\"
[parameters]
w1 = 3
w_1 = 5
[constants]
x = 1
[training]
lr = 0.01
steps = 1
"""


def test_names_that_differ_by_an_underscore_are_two() -> None:
    assert claims("step, w1, w_1\n1, 2.76, 4.52", UNDERSCORE) == {"w1": "right", "w_1": "right"}
    assert claims("step, dl/dw1, dl/dw_1\n1, 24, 48", UNDERSCORE) == {"dl/dw1": "right", "dl/dw_1": "right"}
    with pytest.raises(ClaimError, match=r"'W1' can be w1 or w_1; write which"):
        claims("step, W1\n1, 3", UNDERSCORE)


@pytest.mark.parametrize("name", ["iter", "epoch", "batch", "step", "t"])
def test_a_line_is_no_counter(name: str) -> None:
    problem = f'equations = """\n{name} = 2*w\nl = {name}^2\n"""\n[parameters]\nw = 3\n'
    assert claims(f"{name}\n6", problem) == {name: "right"}
    assert claims(f"{name}, l\n6, 36", problem) == {name: "right", "loss": "right"}
    assert claims(f"{name}\n7", problem) == {name: "wrong"}
    if name != "t":  # which is a step only where nothing is called t
        with pytest.raises(ClaimError, match=f"'{name.title()}' can be {name}, a line or parameter of the problem, or"):
            claims(f"{name.title()}, l\n6, 36", problem)


def test_a_constant_is_no_setting() -> None:
    problem = (
        'equations = "l = (w - lr)^2"\n[parameters]\nw = 1\n[constants]\nlr = 3\n[training]\nlr = 0.1\nsteps = 1\n'
    )
    with pytest.raises(ClaimError, match="unknown quantity 'lr': lr is a constant of the problem"):
        claims("step, lr\n1, 0.1", problem)
    assert claims("step, optimizer.lr\n1, 0.1", problem) == {"optimizer.lr": "right"}


def test_a_gradient_that_can_be_a_quotient_is_refused_with_the_reason() -> None:
    problem = (
        'equations = """\ndp[i] = (a[i] - p[i])^2\nl = mean(dp)\n"""\n[parameters]\na = [0.1, 0.7]\np = [0.3, 0.2]\n'
    )
    with pytest.raises(
        ClaimError, match="'dl/dp' can be a derivative or a quotient: dp is in the problem; write grad p"
    ):
        audit(f'{problem}[claims]\nformulas."dl/dp" = "p - a"\n')
    [formula] = audit(f'{problem}[claims]\nformulas."grad p" = "p - a"\n').formulas
    assert formula.status == "right"
    assert claims('step, "dl/dp[0]", "dp[1]"\n1, 0.2, 0.25', problem) == {"dl/dp[0]": "right", "dp[1]": "right"}


HOSTILE = ["n", "lr", "t", "step", "epoch", "batch", "iter", "loss", "l", "L", "mse", "w1", "w_1", "W1", "grad"]
HOSTILE += [
    "gradient",
    "value",
    "quantity",
    "index",
    "batches",
    "mean_of_batches",
    "optimizer",
    "samples",
    "eta",
    "dw1",
]
PLAIN = """
equations = \"\"\"
{p} = {a}*1.5 + {b}
{q} = {p}*{b} + {k}
{z} = ({q} - 2)^2 + {a}
\"\"\"
[parameters]
{a} = 0.75
{b} = 1.25
[constants]
{k} = 0.5
"""
WITH_DATA = """
equations = \"\"\"
{p} = {a}*{k} + {b}
{q} = {p}*{b}
{z} = mean(({q} - 2)^2) + {a}
\"\"\"
[parameters]
{a} = 0.75
{b} = 1.25
[data]
{k} = [1, 3, 2]
"""
TRAINED = "[training]\nlr = 0.01\nepochs = 2\nmomentum = 0.5\nclip_grad_norm = 1.5\n"


@st.composite
def problems(draw: st.DrawFn) -> str:
    """A small problem of which every name could be taken for something else."""
    names: list[str] = []
    for _ in range(6):
        beside = [f"{name}_{word}" for name in names for word in ("before", "after", "clipped", "reported")]
        names.append(draw(st.sampled_from([name for name in (*HOSTILE, *beside, *beside) if name not in names])))
    text = draw(st.sampled_from([PLAIN, WITH_DATA])).format(**dict(zip("abpqzk", names, strict=True)))
    batches = draw(st.sampled_from(["", "batch_size = 2\n"])) if "[data]" in text else ""
    return text + draw(st.sampled_from(["", TRAINED + batches]))


def claimed(text: str, frame: pd.DataFrame, folder: Path) -> Audit:
    file = folder / "claims.csv"
    frame.to_csv(file, index=False)
    return audit(text, claims=file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problems(), st.data())
def test_every_exported_number_is_right_under_its_name_and_another_number_is_wrong_there(
    tmp_path: Path, text: str, data: st.DataObject
) -> None:
    try:
        result = verify(text, nodes=True)
    except HandgradError:
        assume(False)  # n in a problem with data
    for frame in (tables.steps(result), tables.epochs(result), tables.comparison(result)):
        found = claimed(text, frame, tmp_path)
        assert set(found.counts) == {Status.RIGHT}, to_text(found)
    assert len(found.findings) == len(frame)
    row = data.draw(st.sampled_from(frame.index[frame["hand"].abs() > 1e-6].tolist()), label="row")
    frame.loc[row, "hand"] *= 1.01
    moved = claimed(text, frame, tmp_path)
    [other] = [finding for finding in moved.findings if finding.status is not Status.RIGHT]
    assert other.claim.place.line == row + 2
    name = other.cell.quantity.label  # wrong, or carried where the numbers before it are of few digits
    assert name == frame.loc[row, "quantity"] or (
        name == "loss" and frame.loc[row, "quantity"] == result.problem.graph.loss
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problems(), st.data())
def test_a_worksheet_and_a_row_a_step_are_read_alike(tmp_path: Path, text: str, data: st.DataObject) -> None:
    try:
        result = verify(text)
    except HandgradError:
        assume(False)
    file = tmp_path / "sheet.csv"
    every = ",".join(map(str, range(1, result.settings.steps + 1)))
    file.write_text(worksheet(result.problem, result.settings, every), encoding="utf-8")
    sheet = audit(text, claims=file)
    assert set(sheet.counts) == {Status.RIGHT}, file.read_text(encoding="utf-8")
    frame = tables.steps(result)
    column = data.draw(st.sampled_from([c for c in frame.columns[3:] if abs(frame[c].iloc[0]) > 1e-6]), label="column")
    frame[column] = frame[column].astype(float)
    frame.loc[0, column] *= 1.01
    found = claimed(text, frame, tmp_path)
    [other] = [finding for finding in found.findings if finding.status is not Status.RIGHT]
    assert other.claim.place.line == 2
    given = {finding.cell: finding.claim.literal.text for finding in sheet.findings}
    of_the_sheet = given.get(other.cell)  # which lacks what is reported, and the state
    assert of_the_sheet is None or float(of_the_sheet) * 1.01 == pytest.approx(frame.loc[0, column], rel=1e-4)


@pytest.mark.parametrize("loss", ["n", "step", "lr", "mean_of_batches"])
def test_a_loss_that_is_called_like_a_column_beside_a_line_called_loss(tmp_path: Path, loss: str) -> None:
    names = dict(zip("abpqzk", ["w", "v", "loss", "q", loss, "k"], strict=True))
    text = PLAIN.format(**names) + "[training]\nlr = 0.01\nsteps = 2\n"
    frame = tables.steps(verify(text))
    found = claimed(text, frame, tmp_path)
    assert set(found.counts) == {Status.RIGHT}
    assert len(found.findings) == 2 * (len(frame.columns) - 3)


@pytest.mark.parametrize(
    ("formula", "status"),
    [
        ("dl/db = np.mean(2*d)", "right"),
        ("dl/db = (2*d).mean()", "right"),
        ("dl/db = d.mul(2).sum()", "wrong"),
        ("l = torch.pow(d, 2).mean()", "right"),
    ],
)
def test_a_claimed_formula_as_a_program_has_it(formula: str, status: str) -> None:
    found = audit("article", sentences=[formula])
    assert found.formulas[-1].status == status
