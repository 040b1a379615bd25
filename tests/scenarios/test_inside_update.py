"""The numbers inside an update, m_hat, v_hat and the step size, and lr: claimed, watched and reported."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tables
from derive.errors import ClaimError, EquationError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.update_numbers import Inner
from derive.training.optimizers import OPTIMIZERS
from tables.text.audit import to_text
from tests.optimizer_options import options
from verify import audit, verify
from verify.following.finding import Status
from verify.numbers import to_float

LINE = '''
equations = """
p = w*x + b
l = mean((p - y)^2)
"""
[parameters]
w = 0.5
b = -1
[data]
x = [1, 2, 3, 4, 5]
y = [2, 3, 5, 7, 8]
[training]
lr = 0.1
batch_size = 2
epochs = 2
'''
BATCHES = [(0, 1), (2, 3), (4,)] * 2


def watching(**lines: str) -> str:
    return LINE + "[watch]\n" + "".join(f'{name} = "{text}"\n' for name, text in lines.items())


def numbers_of(text: str, parameter: str = "w", **chosen: object) -> list[str]:
    """The names of all numbers inside the update of a parameter."""
    problem = load(text)
    return [*Inner(problem.graph, effective(problem, chosen)).formulas(parameter)]


def plain_adam(steps: int) -> list[dict[str, float]]:
    """m_hat, v_hat and the step size of w in each step: torch.optim.Adam, and its state divided as the paper says."""
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.5, -1.0))
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([1.0, 2, 3, 4, 5], [2.0, 3, 5, 7, 8]))
    optimizer = torch.optim.Adam([w, b], lr=0.1)
    found = []
    for t, rows in enumerate(BATCHES[:steps], start=1):
        before = w.item()
        optimizer.zero_grad()
        ((w * x[list(rows)] + b - y[list(rows)]) ** 2).mean().backward()
        optimizer.step()
        m, v = (optimizer.state[w][key].item() for key in ("exp_avg", "exp_avg_sq"))
        found.append({"m_hat": m / (1 - 0.9**t), "v_hat": v / (1 - 0.999**t), "step_size": before - w.item()})
    return found


def test_they_are_those_of_a_plain_loop() -> None:
    result = verify(watching(m="m_hat_w", v="v_hat_w", s="step_size_w", d="delta_w"), optimizer="Adam")
    assert result.agrees, result.verdict.sentence
    frame = tables.steps(result)
    for row, plain in zip(frame.to_dict("records"), plain_adam(6), strict=True):
        assert row["m"] == pytest.approx(plain["m_hat"], rel=1e-12)
        assert row["v"] == pytest.approx(plain["v_hat"], rel=1e-12)
        assert row["s"] == pytest.approx(plain["step_size"], rel=1e-10)
        assert row["d"] == pytest.approx(-plain["step_size"], rel=1e-10)


def test_they_are_right_when_they_are_claimed_and_the_planted_one_is_found() -> None:
    rows = [{"step": k, **{f"w.{n}": f"{v:.8f}" for n, v in row.items()}} for k, row in enumerate(plain_adam(6), 1)]
    found = audit(LINE, claims=rows, optimizer="Adam")
    assert {*found.counts} == {Status.RIGHT}, to_text(found)
    assert len(found.findings) == 18
    rows[3]["w.v_hat"] = f"{plain_adam(4)[3]['v_hat'] * 1.001:.8f}"
    wrong = audit(LINE, claims=rows, optimizer="Adam")
    assert wrong.first_wrong is not None
    assert (wrong.first_wrong.cell.step, wrong.first_wrong.cell.name) == (4, "w.v_hat")
    assert wrong.counts[Status.RIGHT] == 17


def test_later_numbers_follow_from_a_wrong_one() -> None:
    """With m_hat of step 2 not divided by 1 − beta1², the author goes on with what it gives."""
    plain, m = plain_adam(2), -8 * 0.9  # any other number
    w_before, v_hat = 0.5 - plain[0]["step_size"], plain[1]["v_hat"]
    step = 0.1 * m / v_hat**0.5
    rows = [{"step": 2, "m_hat w": f"{m:.7g}", "step size w": f"{step:.7g}", "w": f"{w_before - step:.7g}"}]
    found = audit(LINE, claims=rows, optimizer="Adam")
    statuses = {finding.cell.name: finding.status for finding in found.findings}
    assert statuses == {"w.m_hat": Status.WRONG, "w.step_size": Status.INHERITED, "w": Status.INHERITED}


def test_a_wrong_step_size_is_gone_on_with() -> None:
    first = plain_adam(1)[0]["step_size"]
    rows = [{"step": 1, "step_size w": f"{first * 1.5:.7g}", "w": f"{0.5 - first * 1.5:.7g}"}]
    statuses = [finding.status for finding in audit(LINE, claims=rows, optimizer="Adam").findings]
    assert statuses == [Status.WRONG, Status.INHERITED]


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=6)
@given(data=st.data())
def test_every_number_of_every_optimizer_agrees_and_is_right(name: str, data: st.DataObject) -> None:
    chosen: dict[str, object] = {"optimizer": name, **data.draw(options(name))}
    listed = numbers_of(LINE, **chosen)
    result = verify(watching(**{f"q{k}": f"{own}_w" for k, own in enumerate(listed)}), dtype="float64", **chosen)
    assert result.verdict.outcome.name != "DISAGREES", result.verdict.sentence
    states = {state.name for state in result.settings.rule_of("w").states}
    step = result.hand.steps[-1]
    rows = []
    for k, own in enumerate(listed):
        value = to_float(step.nodes[f"q{k}"].item())
        quantity = f"w.{own}" if own != "delta" else "delta w"
        rows += [{"step": step.batch.step, "quantity": quantity, "value": repr(value)}] if own not in states else []
    found = audit(LINE, claims=rows, dtype="float64", **chosen)
    assert not found.unread
    assert {f.status for f in found.findings} <= {Status.RIGHT, Status.RESIDUE, Status.TRUNCATED}, to_text(found)


def test_lr_is_the_one_of_the_step_in_watch_and_in_report() -> None:
    text = watching(rate="lr") + '[report]\nscaled = "lr*l"\nhalf = "l/2"\n'
    result = verify(text, lr=[0.1, 0.05])
    assert result.agrees
    frame = tables.steps(result)
    assert list(frame["rate"]) == [0.1] * 3 + [0.05] * 3
    assert list(frame["scaled"]) == pytest.approx([a * b for a, b in zip(frame["rate"], frame["loss"], strict=True)])
    assert list(frame["half"]) == pytest.approx([value / 2 for value in frame["loss"]])
    scheduled = verify(watching(lr="lr"), scheduler="StepLR", step_size=1)
    assert scheduled.agrees
    ended = verify(LINE + 'until = "lr < 0.06"\n', lr=[0.1, 0.05])
    assert ended.agrees
    assert len(ended.record.steps) == 4


@pytest.mark.parametrize("chosen", [{"accumulate": 2}, {"variant": "eps_inside"}, {"clip_grad_norm": 0.5}])
def test_beside_other_settings(chosen: dict[str, object]) -> None:
    result = verify(watching(m="m_hat_w", s="step_size_b", g="v_w"), optimizer="Adam", **chosen)
    assert result.agrees, result.verdict.sentence
    assert list(tables.steps(result)["g"]) == pytest.approx(list(tables.steps(result)["w.v"]))
    grouped = verify(watching(m="m_hat_b*lr"), optimizer="Adam", groups=[{"parameters": ["b"], "betas": [0.5, 0.9]}])
    assert grouped.agrees


def test_arrays_are_watched_by_a_norm() -> None:
    text = (
        'equations = "l = mean((x @ W)^2)"\n[parameters]\nW = [[1, 2], [3, 4]]\n[data]\nx = [[1, 2], [3, 4]]\n'
        '[watch]\nm = "norm(m_hat_W)"\ns = "sum(step_size_W)"\n[training]\nlr = 0.1\noptimizer = "Adam"\nsteps = 2\n'
    )
    assert verify(text).agrees
    found = audit(text, claims=[{"step": 1, "W.step_size[0,1]": "0.1", "v_hat W[1,1]": "1936"}])
    assert [finding.cell.name for finding in found.findings] == ["W.v_hat[1,1]", "W.step_size[0,1]"]


@pytest.mark.parametrize(
    ("text", "chosen", "message"),
    [
        (watching(m="m_hat_w"), {}, r":17:6: m_hat_w: SGD has no such number; its numbers are step_size_w, delta_w"),
        (
            'frozen = ["b"]\n' + watching(m="m_hat_b"),
            {"optimizer": "Adam"},
            r"m_hat_b: b is frozen, and is not",
        ),
        (LINE + '[report]\nr = "lr*w"\n', {}, r":17:6: r reads a number of the update, .* put it under \[watch\]"),
        (LINE.partition("[training]")[0] + '[watch]\nr = "lr"\n', {}, r"lr is a number of the update, and nothing is"),
        ('frozen = ["w", "b"]\n' + watching(r="lr"), {"lr": "1/t"}, "lr is a number of the update, .* is frozen"),
        (
            watching(r="lr") + '[[training.groups]]\nparameters = ["b"]\nlr = 0.2\n',
            {},
            r"lr is 2 numbers here, one for each group; watch step_size_w",
        ),
    ],
)
def test_what_an_update_does_not_have_is_refused_where_it_stands(
    text: str, chosen: dict[str, object], message: str
) -> None:
    with pytest.raises(EquationError, match=message):
        verify(text, **chosen)


def test_an_update_that_is_added_or_taken_off_is_to_be_said() -> None:
    with pytest.raises(ClaimError, match=r"'update w' can be delta w or w\.step_size; write which"):
        audit(LINE, sentences=["step 1: update w = 0.1"])
    with pytest.raises(ClaimError, match=r"'m_hat' can be w\.m_hat or b\.m_hat"):
        audit(LINE, sentences=["step 1: m_hat = 0.1"], optimizer="Adam")


def test_a_wrong_product_of_lr_and_gradient_is_gone_on_with_in_plain_descent() -> None:
    """dl/dw of the first batch is −8.5 at w = 0.5: the author takes lr·dl/dw to be −0.95."""
    rows = [{"step": 1, "dl/dw": "-8.5", "lr*dl/dw": "-0.95", "w": "1.45"}, {"step": 2, "dl/dw": "-9.1", "w": "2.36"}]
    found = audit(LINE, claims=rows)
    first = {finding.cell.name: finding.status for finding in found.findings if finding.cell.step == 1}
    assert first == {"dl/dw": Status.RIGHT, "lr*dl/dw": Status.WRONG, "w": Status.INHERITED}
    momentum = audit(LINE, claims=rows[:1], momentum=0.9)  # where w is made from the velocity, and not from the product
    assert {finding.cell.name: finding.status for finding in momentum.findings}["w"] is Status.WRONG
