"""Derivatives that versions of PyTorch take differently at a kink: every way, on both sides, whatever is installed."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.conventions import STATED, Conventions, Kink, kinks
from derive.chain.derivation import differentiate
from derive.problem.loading import Problem, load
from derive.run.precedence import effective
from derive.run.run import Run
from verify import Outcome, audit, verify
from verify.bound.bound import prepare
from verify.compare.comparison import compare
from verify.hand.run import calculate
from verify.names import adjoint_of
from verify.numbers import to_fraction
from verify.pytorch import train, with_conventions

WAYS = [
    pytest.param(kink, way.name, id=f"{kink.operation} {kink.by} {way.name}") for kink in kinks() for way in kink.ways
]
CLIPS = [kink for kink in kinks() if kink.operation == "clip"]


def standing_on(kink: Kink, way: str) -> Problem:
    """The equation of a kink at its numbers, differentiated as a version of PyTorch that takes it this way."""
    given_values = "\n".join(f"{name} = [{', '.join(map(str, numbers))}]" for name, numbers in kink.at.items())
    problem = load(f'equations = "{kink.equation}"\n[parameters]\n{given_values}\n')
    taken = {**dict(STATED.ways), **({kink.key: way} if kink.varies else {})}
    return replace(problem, graph=replace(problem.graph, conventions=Conventions("9.9", tuple(taken.items()))))


def run_of(problem: Problem, dtype: str = "float32") -> Run:
    return Run(problem, differentiate(problem.graph), effective(problem, {"dtype": dtype}))


@pytest.mark.parametrize(("kink", "way"), WAYS)
def test_by_hand_it_is_what_that_version_takes(kink: Kink, way: str) -> None:
    run = run_of(standing_on(kink, way))
    (step,) = calculate(run, run.batches).steps
    expected = next(seen.gradients for seen in kink.ways if seen.name == way)
    found = {name: tuple(map(to_fraction, array.flat)) for name, array in step.gradients.items()}
    assert found == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kink", "way"), WAYS)
def test_the_bound_allows_nothing_else(kink: Kink, way: str, dtype: str) -> None:
    run = run_of(standing_on(kink, way), dtype)
    record, limits = train(run.problem, run.settings), prepare(run)
    (at_state,) = limits.states(record.steps)
    for name, numbers in next(seen.gradients for seen in kink.ways if seen.name == way).items():
        found = at_state.rounded[adjoint_of(name)]
        exactly = np.array([float(number) for number in numbers])
        distance = limits.distance(exactly[None], np.broadcast_to(found, (1, len(exactly))), None)
        np.testing.assert_array_equal(distance.radius, 0)
        np.testing.assert_array_equal(distance.error, 0)


@pytest.mark.parametrize("kink", CLIPS, ids=lambda kink: kink.by)
def test_the_way_of_another_version_is_a_disagreement(kink: Kink) -> None:
    taken = dict(with_conventions(standing_on(kink, kink.ways[0].name)).graph.conventions.ways)[kink.key]
    for way in kink.ways:
        run = run_of(standing_on(kink, way.name))
        checks = compare(run, calculate(run, run.batches), train(run.problem, run.settings), prepare(run)).checks
        assert all(check.agrees for check in checks) is (way.name == taken)


NUMBERS = st.sampled_from([Fraction(k, 2) for k in range(-2, 3)])


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=6), st.booleans())
def test_wherever_the_edges_lie_it_agrees(rows: list[tuple[Fraction, Fraction, Fraction]], squared: bool) -> None:
    columns = [", ".join(str(float(row[k])) for row in rows) for k in range(3)]
    text = f'equations = "l = sum(clip(w, u, v){"^2" if squared else ""})"\n[parameters]\n'
    text += "\n".join(f"{name} = [{column}]" for name, column in zip("wuv", columns, strict=True))
    assert verify(text + "\n").agrees
    _, low, high = rows[0]
    by_numbers = f'equations = "l = sum(clip(w, {low}, {high}))"\n[parameters]\nw = [{columns[0]}]\n'
    result = verify(by_numbers)
    assert result.agrees
    there = sum(row[0] in (low, high) for row in rows) if low < high else 0
    there += 2 * sum(row[0] == low for row in rows) if low == high else 0
    assert len(result.comparison.kink_notes) == there


@pytest.mark.parametrize("w", [1, 2])
def test_a_step_on_an_edge_says_which_version_takes_what(w: int) -> None:
    result = verify(f'equations = "l = clip(w, 1, 2)"\n[parameters]\nw = {w}\n')
    taken = with_conventions(load("l = clip(w, 1, 2)")).graph.conventions
    assert result.agrees
    (note,) = result.comparison.kink_notes
    expected = {"2.13": "1", "2.14": "0"}[taken.torch]
    assert note.endswith(f": clip in l stands on its kink; clip at an edge: PyTorch {taken.torch} takes {expected}")
    gradient = {"2.13": 1, "2.14": 0}[taken.torch]
    right = audit(f'equations = "l = clip(w, 1, 2)"\n[parameters]\nw = {w}\n', sentences=[f"dl/dw = {gradient}"])
    assert right.exit_status == 0


def test_edges_that_cross_are_no_kink() -> None:
    for equation, v in (("clip(w, 2, 1)", ""), ("clip(w, 2, v)", "v = 1")):
        result = verify(f'equations = "l = {equation}"\n[parameters]\nw = 2\n{v}\n')
        assert (result.verdict.outcome, result.comparison.kink_notes) == (Outcome.AGREES, ())
