"""A row has every number of its step, and makes none that is not asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.text.report import to_text
from tests.problems import LAYER, NETWORK, TWO_POINTS
from verify import Result, verify
from verify.compare.comparison import Comparison
from verify.step_row import SHOWN, Checks


@pytest.fixture(params=[TWO_POINTS, NETWORK, LAYER], ids=["line", "network", "layer"], scope="module")
def result(request: pytest.FixtureRequest) -> Result:
    return verify(request.param, nodes=True)


def test_a_row_has_the_checks_of_its_columns_in_their_order(result: Result) -> None:
    step = result.comparison.steps[-1]
    wanted = [check for check in result.comparison.checks if check.batch == step.batch]
    by_name = {check.name: check for name in result.columns for check in wanted if check.quantity == name}
    checks = result.row(step).checks
    assert dict(checks) == by_name
    assert list(checks) == list(by_name)
    assert len(checks) == sum(checks.counts.values()) == len(by_name)


@given(count=st.integers(0, 20))
def test_the_first_of_each_quantity(result: Result, count: int) -> None:
    checks = result.whole_row.checks
    found = checks.first(count)
    assert list(found) == [
        name for name, check in checks.items() if list(checks).index(name) in _first(checks, check.quantity, count)
    ]
    assert all(checks[name] == check for name, check in found.items())


def _first(checks: Checks, quantity: str, count: int) -> range:
    begun = next(place for place, check in enumerate(checks.values()) if check.quantity == quantity)
    return range(begun, begun + min(count, checks.counts[quantity]))


def test_a_name_that_no_number_has() -> None:
    checks = verify(TWO_POINTS).rows[0].checks
    assert checks.get("w[0]") is None
    with pytest.raises(KeyError):
        checks["v"]


def test_a_report_of_many_numbers_makes_few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    check = Comparison.check

    def counted(*args: object) -> object:
        made.append(args)
        return check(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Comparison, "check", counted)
    counts = []
    for rows in (60, 240):
        matrix = np.arange(rows * 20).reshape(rows, 20).tolist()
        text = f'equations = "z = W @ u\\nl = mean(z^2)"\n[parameters]\nW = {matrix}\nu = {[1] * 20}\n'
        made.clear()
        assert "others" not in to_text(verify(f"{text}[training]\nlr = 0.001\nsteps = 1\n"))
        counts.append(len(made))
    assert counts[0] == counts[1] < 12 * SHOWN
