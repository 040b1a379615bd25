"""Runs whose steps have one sample each: a line has one number there, and nobody writes which row it is of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError
from tables.audit import claims
from verify.auditing.pipeline import Audit, audit
from verify.following.finding import Status

LINE = """
equations = \"\"\"
p = w*x + b
J = mean((p - y)^2)
\"\"\"
[parameters]
w = {w}
b = 0.5
[data]
x = {x}
y = {y}
[training]
lr = 0.05
batch_size = {batch_size}
epochs = {epochs}
"""
NETWORK = """
equations = \"\"\"
z = X@W + b
h = tanh(z)
o = h@v
L = mean((o - y)^2)
\"\"\"
[parameters]
W = [[0.1, 0.2], [0.3, -0.4]]
b = [0, 0.1]
v = [0.5, -0.5]
[data]
X = [[1, 2], [3, 4]]
y = [1, 0]
[training]
lr = 0.1
batch_size = 1
epochs = 1
"""


def line(batch_size: int, x: list[int], epochs: int = 1, w: str = "1") -> str:
    return LINE.format(w=w, x=x, y=[3, 4, 6][: len(x)], batch_size=batch_size, epochs=epochs)


def judged(found: Audit) -> list[tuple[object, ...]]:
    return [(one.cell, one.cell.entry, one.cell.position, one.status, one.printed) for one in found.findings]


def test_a_column_of_a_line_is_the_number_of_the_one_sample() -> None:
    table = "step,p,dJ/dp,dp/dw,J\n1,1.5,-3,1,2.25\n2,2.95,-2.1,2,1.1025\n3,4.835,-2.33,3,1.357225\n"
    found = audit(line(1, [1, 2, 3]), claims=table)
    assert found.counts == {Status.RIGHT: 12}
    assert [one.cell.name for one in found.findings[:4]] == ["p", "loss", "dp/dw", "dJ/dp"]
    assert claims(found)["index"].tolist()[:4] == ["0", "", "0", "0"]  # the row, by which it is read back


def test_so_it_is_where_the_data_have_one_row() -> None:
    found = audit(line(1, [2], epochs=3), claims="epoch,p\n1,2.5\n2,2.75\n3,2.857\n")
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.RIGHT, Status.WRONG]
    assert found.first_wrong is not None
    assert (found.first_wrong.printed, found.first_wrong.cell.name) == ("2.875", "p")


def test_and_in_a_list_for_each_step() -> None:
    found = audit(line(1, [1, 2, 3]), claims='{"p": [1.5, 2.95, 4.835],\n "J": [2.25, 1.1025, 1.357225]}')
    assert found.counts == {Status.RIGHT: 6}


def test_of_a_layer_the_units_are_counted_alone() -> None:
    table = "step,z1,z2,h,o,dL/dz[1]\n1,0.7,-0.5,[0.6044 -0.4621],0.5332,0.3671\n2,1.8555,-1.3405,,1.0034,-0.2616\n"
    found = audit(NETWORK, claims=table)
    assert found.counts == {Status.RIGHT: 10}
    assert [one.cell.name for one in found.findings[:2]] == ["z[0]", "z[1]"]
    wrong = audit(NETWORK, sentences=["step 2: h[1] = 0.8718"])
    assert wrong.first_wrong is not None
    assert wrong.first_wrong.printed == "-0.8718"


def test_a_row_that_is_written_is_read_as_before() -> None:
    found = audit(line(1, [1, 2, 3]), sentences=["step 2: p[1] = 2.95"])
    assert found.counts == {Status.RIGHT: 1}
    with pytest.raises(ClaimError, match=r"the batch of step 2 does not hold the row 0 of the data; it holds 1"):
        audit(line(1, [1, 2, 3]), sentences=["step 2: p[0] = 2.95"])


def test_the_same_number_with_its_row_and_without_is_one_claim() -> None:
    with pytest.raises(ClaimError, match=r"p\[0\] at step 1 is claimed to be"):
        audit(line(1, [1, 2, 3]), claims="step,p,p[0]\n1,1.5,1.6\n")


def test_of_steps_with_more_samples_the_row_is_asked_for() -> None:
    with pytest.raises(ClaimError, match=r"p runs over the samples; name one entry, such as p\[0\]"):
        audit(line(3, [1, 2, 3]), claims="step,p\n1,1.5\n")


def test_where_steps_differ_that_is_said() -> None:
    expected = r"p runs over the samples, and step 1 has 2 of them \(step 2 has one\); name one entry, such as p\[0\]"
    with pytest.raises(ClaimError, match=expected):
        audit(line(2, [1, 2, 3]), claims="step,p\n1,1.5\n2,4.325\n")
    assert audit(line(2, [1, 2, 3]), sentences=["step 2: p = 4.325"]).counts == {Status.RIGHT: 1}


@settings(max_examples=25)
@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=3),
    st.integers(-20, 20).map(lambda tenths: f"{tenths / 10}"),
    st.integers(1, 3),
    st.data(),
)
def test_without_its_row_a_number_is_judged_as_with_it(x: list[int], w: str, epochs: int, data: st.DataObject) -> None:
    text = line(1, x, epochs, w)
    numbers = st.decimals(-10, 10, places=3, allow_nan=False).map(str)
    steps = range(1, epochs * len(x) + 1)
    names = ("p", "dJ/dp", "dp/dw", "dJ/dx")
    rows = [{"step": step, **{name: data.draw(numbers) for name in names}} for step in steps]
    full = [
        {name if name == "step" else f"{name}[{(row['step'] - 1) % len(x)}]": number for name, number in row.items()}
        for row in rows
    ]
    assert judged(audit(text, claims=rows)) == judged(audit(text, claims=full))
