"""A short run of tests/benchmarks/power.py: no false alarm, and what is planted above twice the bound is caught."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import (
    power,
    power_correct,
    power_loops,
    power_operations,
    power_planted,
    power_report,
    power_runs,
    steps,
)
from tests.benchmarks.figures import Figures
from verify.command import parser
from verify.numbers import FORMATS

SHORT = 0.2  # of the steps of a chunk


def alarms(figures: Figures) -> list[str]:
    return [f"{place}:\n{text}" for place, text in figures.alarms]


@cache
def correct() -> Figures:
    found = Figures()
    for number in range(8):
        found.join(power_correct.chunk(0, number, SHORT))
    return found


@cache
def planted() -> Figures:
    found = Figures()
    for number in (0, 1, 4):
        found.join(power_planted.chunk(0, number, 0.5))
    return found


@cache
def loops() -> Figures:
    found = Figures()
    for number in (0, 1, 3):
        found.join(power_loops.chunk(0, number))
    return found


def test_no_correct_step_is_a_false_alarm() -> None:
    found = correct()
    assert alarms(found) == []
    assert found.total("false alarms") == 0
    assert found.total("decided") > 2000
    for dtype in FORMATS:
        assert found.total("decided", f"{dtype} ") > 0.5 * found.total("steps", f"{dtype} ") > 10
        assert 0.05 < found.maxima["closest"][f"{dtype} gradients"] <= 1


def test_every_step_is_counted_once() -> None:
    found = correct()
    assert found.total("steps") == found.total("decided") + found.total("not finite") + found.total("undecided")
    assert found.total("replayed") > 0
    assert found.total("on a kink") > 0


def test_no_operation_is_a_false_alarm() -> None:
    found = power_operations.chunk(0, 0, 0.1)
    assert alarms(found) == []
    assert found.total("false alarms") == 0
    assert found.total("numbers") > 10_000


def test_what_is_planted_above_twice_the_bound_is_caught() -> None:
    found = planted()
    assert alarms(found) == []
    assert power_report.missed(found) == 0
    assert found.total("structural twice") > 100
    assert found.total("factor twice") > 500
    for dtype in FORMATS:
        assert found.total("structural replay", f"{dtype} ") == found.total("structural errors", f"{dtype} ") > 20
    kinds = {kind for kind in power_planted.STRUCTURAL for key in found.counts["structural errors"] if kind in key}
    assert kinds == set(power_planted.STRUCTURAL)


def test_every_mistake_of_a_loop_is_found_and_named_at_its_step() -> None:
    found = loops()
    assert alarms(found) == []
    assert set(found.counts["loop mistakes"]) == set(power_loops.MISTAKES)
    assert list(found.counts.get("loop missed", {})) == []
    assert found.counts["loop named"] == found.counts["loop caught"] == found.counts["loop mistakes"]
    assert power_report.unnamed(found) == 0


def test_a_mistake_that_is_told_as_another_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(power_loops.TOLD, "after", "the batches")  # type: ignore[index]
    kinds = {kind: power_loops.MISTAKES[kind] for kind in ("update twice", "batch repeated")}
    monkeypatch.setattr(power_loops, "MISTAKES", kinds)
    found = power_loops.chunk(0, 0)
    assert found.counts["loop caught"] == {"update twice": 1, "batch repeated": 1}
    assert found.counts["loop named"] == {"update twice": 0, "batch repeated": 1}
    assert power_report.failed({"loops": found})


def test_gradcheck_takes_right_gradients_and_refuses_wrong_ones() -> None:
    found = steps.case("article", "float64")
    record = steps.together(found, POINT)
    right = record[0].gradients
    assert power_planted.passes_gradcheck(found, POINT, 0, right)
    assert not power_planted.passes_gradcheck(found, POINT, 0, {**right, "w": -right["w"]})
    assert power_planted.passes_gradcheck(found, POINT, 0, {**right, "w": right["w"] * (1 + 1e-4)})  # its rtol is 1e-3


POINT = {
    "w": np.array([0.5]),
    "b": np.array([0.25]),
    "x": np.array([[0.0, 1.0, 2.0]]),
    "y": np.array([[10.0, 12.0, 14.0]]),
}


@pytest.mark.parametrize("dtype", FORMATS)
def test_steps_side_by_side_are_those_of_the_training_loop(dtype: str) -> None:
    found = steps.case("tanh_network", dtype)
    random = np.random.default_rng(0)
    values = {p.name: random.uniform(-1, 1, (5, *p.shape)) for p in found.problem.parameters}
    values |= {c.name: random.uniform(-1, 1, (5, 4, *c.shape[1:])) for c in found.problem.data}
    values = {name: steps.held(value, dtype) for name, value in values.items()}
    kept = {name: value.copy() for name, value in values.items()}
    alone, beside = steps.run(found, values), steps.together(found, values)
    (at_state,) = found.bound.states(alone)
    for record in (alone, beside):
        numbers = steps.judged(found, found.bound, replace(at_state, block=steps.block(record)))
        assert steps.any_of(numbers, lambda x: x.agrees).all()
        assert not steps.any_of(numbers, lambda x: ~x.agrees & ~x.wide).any()
    for one, other in zip(alone, beside, strict=True):
        assert one.batch == other.batch
        for group in ("before", "data"):
            for name, value in getattr(one, group).items():
                np.testing.assert_array_equal(value, getattr(other, group)[name])
    for name, value in values.items():
        np.testing.assert_array_equal(value, kept[name])  # an update leaves the states as they are


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_wrong_step_is_counted_as_a_false_alarm(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = steps.together

    def wrong(*args: object, **options: object) -> tuple[steps.StepRecord, ...]:
        record = original(*args, **options)  # type: ignore[arg-type]
        return tuple(replace(s, loss=s.loss * 3 + 1) for s in record)

    monkeypatch.setattr(steps, "together", wrong)
    figures, found = Figures(), steps.case(ARTICLE, dtype)
    graph = power_correct.RandomGraph("l = mean((w*x - y)^2)", {"w": ()}, {"x": (), "y": ()})
    values = {"w": np.full(50, 0.5), "x": np.ones((50, 3)), "y": np.full((50, 3), 2.0)}
    power_correct.judge(figures, found, graph, values, "here", "0.01")
    assert figures.total("false alarms") == 49  # the first step is made by itself
    place, text = figures.alarms[0]
    assert place == "here, step 2: loss l"
    assert steps.case(text, dtype).dtype == dtype  # a problem file


ARTICLE = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2]
y = [1, 2]
[training]
lr = 0.01
"""


def test_a_factor_in_the_articles_last_digits_is_caught() -> None:
    assert power_runs.FACTOR == 1 + 2e-6
    caught = power_runs.article()
    assert len(caught) == 6
    assert all(caught.values())
    assert not any(power_runs.article(1 + 2e-8).values())  # below float32's own digits


def test_the_script_prints_its_figures_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(power, "parts", lambda _, count: small(count))
    state = tmp_path / "state.json"
    assert power.main(["--steps", "300", "--state", str(state)]) == 0
    first = capsys.readouterr().out
    assert max(map(len, first.splitlines())) <= 80
    held = json.loads(state.read_text())
    assert re.search(r"decided in all: (\d+); false alarms: 0", first)
    held["parts"]["correct"]["chunks"] = 1
    held["parts"]["correct"]["figures"] = chunk(0, 0, 1.0).stored()
    state.write_text(json.dumps(held))
    assert power.main(["--steps", "300", "--state", str(state)]) == 0
    seconds = re.compile(r"seconds of.*")
    assert seconds.sub("", capsys.readouterr().out) == seconds.sub("", first)
    with pytest.raises(SystemExit, match=r"is of a run with .*'steps': 300.*; expected .*'steps': 301"):
        power.main(["--steps", "301", "--state", str(state)])


def chunk(seed: int, number: int, scale: float) -> Figures:
    return power_correct.chunk(seed, number, 0.02 * scale)


def small(count: int) -> list[power.Part]:
    return [power.Part("correct", chunk, lambda found, _: found.total("decided") >= count, Figures())]


def test_the_tables_fit_and_name_what_was_missed() -> None:
    runs = power_runs.chunk(0, 0, 0.001)
    text = power_report.report({"correct": correct(), "planted": planted(), "loops": loops(), "runs": runs})
    assert text.count(": yes") == 6
    assert "regression bfloat16 replay terms" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "missed 0" in text
    assert not power_report.failed({"planted": planted()})
    bad = Figures()
    bad.add("factor twice", "float32 1")
    assert power_report.failed({"planted": bad})
    bad.add("factor twice caught", "float32 1")
    assert not power_report.failed({"planted": bad})
    bad.add("false alarms", "float32 1")
    assert power_report.failed({"planted": bad})


def test_no_tolerance_can_be_chosen() -> None:
    options = [option for action in parser()._actions for option in action.option_strings]
    assert "--dtype" in options
    words = re.compile(r"\b(rtol|atol|tolerance|allclose|isclose|approx)\b")
    assert not [option for option in options if words.search(option)]
    sources = [
        path for name in ("derive", "verify", "tables") for path in (Path(__file__).parents[2] / name).rglob("*.py")
    ]
    assert len(sources) > 50
    code = {path: re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text()) for path in sources}
    assert [str(path) for path, text in code.items() if words.search(text)] == []
