"""A claimed derivative of a line that is wrong: later numbers follow from it, where the author went on with it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables.text.audit import to_text
from verify import audit
from verify.following.finding import Status

NEURON = '''
equations = """
net = w*x
o = net^2
l = o^2/2
"""
[parameters]
w = 0.5
[constants]
x = 3
[training]
lr = 0.01
steps = 2
'''
ORDER = ("do/dnet", "do/dw", "dl/do", "dl/dnet", "dl/dw", "w")


def author(wrong: Mapping[str, float]) -> dict[str, float]:
    """A table filled in by hand, one chain product after the other: net = 1.5, o = 2.25, with what is `wrong` in it."""
    found: dict[str, float] = {"do/dnet": 3.0, "dnet/dw": 3.0, "dl/do": 2.25}
    found |= {name: value for name, value in wrong.items() if name in found}
    found["do/dw"] = wrong.get("do/dw", found["do/dnet"] * found["dnet/dw"])
    found["dl/dnet"] = wrong.get("dl/dnet", found["dl/do"] * found["do/dnet"])
    found["dl/dw"] = found["dl/do"] * found["do/dw"] if "do/dw" in wrong else found["dl/dnet"] * found["dnet/dw"]
    found["w"] = 0.5 - 0.01 * found["dl/dw"]
    return found


def statuses(table: Mapping[str, float]) -> dict[str, Status]:
    found = audit(NEURON, claims=[{"step": 1, **{name: f"{value:.8f}" for name, value in table.items()}}])
    assert not found.unread
    return {finding.cell.name: finding.status for finding in found.findings}


def test_the_right_table_is_right() -> None:
    assert set(statuses(author({})).values()) == {Status.RIGHT}


@pytest.mark.parametrize(
    ("wrong", "inherited"),
    [
        ("do/dnet", {"do/dw", "dl/dnet", "dl/dw", "w"}),
        ("dnet/dw", {"do/dw", "dl/dw", "w"}),
        ("do/dw", {"dl/dw", "w"}),
        ("dl/do", {"dl/dnet", "dl/dw", "w"}),
    ],
)
@settings(max_examples=25)
@given(value=st.integers(-400, 400).map(lambda k: k / 50))
def test_what_is_made_from_a_wrong_one_is_inherited(wrong: str, inherited: set[str], value: float) -> None:
    right = author({})
    table = author({wrong: value})
    if value and all(abs(table[name] - right[name]) > 1e-6 for name in (wrong, *inherited)):
        expected = {name: Status.INHERITED if name in inherited else Status.RIGHT for name in table}
        assert statuses(table) == {**expected, wrong: Status.WRONG}


def test_one_that_was_not_gone_on_with_spoils_nothing() -> None:
    """The gradient is calculated in one go, and rounded: the wrong derivative beside it has no part in it."""
    rows = [{"step": 1, "do/dnet": "3.5", "dl/dw": "20.3", "w": "0.297"}, {"step": 2, "dl/dw": "4.244"}]
    found = audit(NEURON, claims=rows)
    assert [(f.cell.step, f.cell.name, f.status) for f in found.findings] == [
        (1, "do/dnet", Status.WRONG),
        (1, "dl/dw", Status.RIGHT),
        (1, "w", Status.RIGHT),
        (2, "dl/dw", Status.CARRIED),
    ], to_text(found)


def test_a_second_mistake_is_wrong_where_it_stands() -> None:
    table = author({"do/dnet": 5.0, "dl/dnet": 7.0})
    assert statuses(table)["do/dnet"] is Status.WRONG
    assert statuses(table)["dl/dnet"] is Status.WRONG
    assert statuses(table)["dl/dw"] is Status.INHERITED


def test_entries_over_the_samples() -> None:
    text = (
        'equations = """\nd = w*x - y\ne = d^2\nl = sum(e)\n"""\n[parameters]\nw = 1\n'
        "[data]\nx = [1, 2, 3]\ny = [3, 3, 3]\n[training]\nlr = 0.01\n"
    )
    # de[0]/dd[0] = −4, de[1]/dd[1] = −2, de[2]/dd[2] = 0; with −2.5 for the second dl/dw = −4 − 5 + 0
    found = audit(text, claims=[{"step": 1, "de/dd[0]": "-4", "de/dd[1]": "-2.5", "dl/dw": "-9", "w": "1.09"}])
    assert [finding.status.value for finding in found.findings] == ["right", "wrong", "inherited", "inherited"]
