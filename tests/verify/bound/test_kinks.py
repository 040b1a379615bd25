"""The places at which derivatives jump: one node for the distance from each."""

from dataclasses import replace

import pytest

from derive.algebra.operations import OPERATIONS
from derive.problem.loading import load
from derive.show.notation import Ascii
from verify import verify
from verify.bound.kinks import with_kinks


def distances(line: str) -> list[tuple[str, str]]:
    """The operation of each kink of a line, and what is 0 on it."""
    graph, kinks = with_kinks(load(f"l = {line}").graph)
    return [(kink.op, Ascii().show(graph.by_name[kink.name].definition)) for kink in kinks]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("relu(w - 1)", [("relu", "w - 1")]),
        ("max(w, v) + w^2", [("max", "w - v")]),
        ("clip(w, -1, 1)", [("clip", "w - (-1)"), ("clip", "w - 1")]),
        ("exp(w)", []),
    ],
)
def test_where_a_line_has_kinks(line: str, expected: list[tuple[str, str]]) -> None:
    assert distances(line) == expected


def test_a_function_may_turn_elsewhere_than_at_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "relu", replace(OPERATIONS["relu"], turns=(-1, 0, 2)))
    assert [distance for _, distance in distances("relu(w)")] == ["w - (-1)", "w", "w - 2"]
    notes = verify('equations = "l = relu(w)"\n[parameters]\nw = 2\n').comparison.kink_notes
    [note] = notes
    assert "relu in l stands on its kink" in note
    notes = verify('equations = "l = relu(w)"\n[parameters]\nw = 1\n').comparison.kink_notes
    assert notes == ()
