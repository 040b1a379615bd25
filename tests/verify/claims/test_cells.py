"""What a cell holds: the entries of an array with their indices, and what cannot be read."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table

NETWORK = timeline_of("tanh_network")


def test_an_array_claims_every_entry() -> None:
    shape = NETWORK.names.shapes[NETWORK.names.find("W", None)[0]]  # type: ignore[arg-type]
    rows, columns = (int(size) for size in shape)
    matrix = [[f"0.{i}{j}" for j in range(columns)] for i in range(rows)]
    for open_, between, close in (("tensor([[", "], [", "]])"), ("[[", "] [", "]]"), ("[[", "],\n [", "]]")):
        text = open_ + between.join(", ".join(row) for row in matrix) + close
        assert claimed(f'step,W\n2,"{text}"\n', NETWORK) == [
            (2, "after", f"W[{i},{j}]", matrix[i][j]) for i in range(rows) for j in range(columns)
        ]
        if "\n" not in text:
            assert len(claimed(f"step,W,dl/dW[0,1]\n2,{text},0.5\n", NETWORK)) == rows * columns + 1
    [unread] = read_table("step,W,dl/dW[0,1]\n2,[1 2 3 4],0.5\n", "t", NETWORK).unread
    assert str(unread).startswith(f"t:2:3: '[1 2 3 4]' is an array of 4; W is an array of {rows} × {columns}")


def test_the_entry_that_cannot_be_read_is_named() -> None:
    run = timeline_of("article", batch_size=9)
    found = read_table("step,w,a\n1,0.5,[0 1 2 about 4 5 6 7 8]\n", "t", run)
    assert [str(error).partition(";")[0] for error in found.unread] == ["t:2:14: 'about' is not a number"]
    assert [claim.cell.name for claim in found.claims] == ["w", *(f"a[{k}]" for k in (0, 1, 2, 4, 5, 6, 7, 8))]


def test_along_the_samples_where_the_batches_hold_different_rows() -> None:
    found = read_table("step,w,a\n1,0.5,[0 1 2]\n", "t", timeline_of("article"))
    [unread] = found.unread
    assert "a runs over the samples, and the batches hold different rows of the data" in unread.message
    assert len(found.claims) == 1


def test_an_array_of_one_number_is_the_number() -> None:
    run = timeline_of("article")
    assert claimed("step,w\n1,tensor([[0.5]])\n2,0.25\n", run) == [(1, "after", "w", "0.5"), (2, "after", "w", "0.25")]
    with pytest.raises(ClaimError, match=r"^t.csv:2:3: '\[0.5, 1\]' is an array of 2; w is one number"):
        claimed("step,w\n1,[0.5, 1]\n", run)


@pytest.mark.parametrize("head", ["quantity", "name", "variable"])
def test_arrays_in_a_tidy_table(head: str) -> None:
    rows, columns = (int(size) for size in NETWORK.names.shapes[NETWORK.names.find("W", None)[0]])  # type: ignore[arg-type]
    matrix = [[f"0.{i}{j}" for j in range(columns)] for i in range(rows)]
    written = "[" + ", ".join("[" + " ".join(row) + "]" for row in matrix) + "]"
    table = f'step,{head},value\n2,W,"{written}"\n2,c,0.5\n2,W,about\n1,c,tensor([0.25])\n'
    found = read_table(table, "t", NETWORK)
    claims = [(one.cell.step, one.cell.name, one.literal.text) for one in found.claims]
    assert claims == [
        *((2, f"W[{i},{j}]", matrix[i][j]) for i in range(rows) for j in range(columns)),
        (2, "c", "0.5"),
        (1, "c", "0.25"),
    ]
    assert [error.message.partition(";")[0] for error in found.unread] == ["'about' is not a number"]


def test_an_array_of_another_shape_in_a_tidy_table_is_one_cell() -> None:
    found = read_table('step,quantity,index,value\n1,c,,0.5\n1,W,,"[1 2 3 4 5]"\n2,b,1,0.75\n', "t", NETWORK)
    assert [one.cell.name for one in found.claims] == ["c", "b[1]"]
    assert "'[1 2 3 4 5]' is an array of 5; W is an array of" in found.unread[0].message


STEPS = timeline_of("article")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("0.0000 - 0.01*(-26.67) = 0.267", "0.267"),
        ("= 0.0000 - 0.01*(-26.67) = 0.267", "0.267"),
        ("w = 0.0000 - 0.01·(−26.67) = 0.267", "0.267"),
        ("w - lr*g = 0 - 0.01*(-26.67) = 0.2667 = 0.267", "0.267"),
        ("4/15 = 0.267", "0.267"),
        ("w = 1 - 11/15", "4/15"),
        ("0.01*26", "13/50"),
        ("= 100 - 99", "1"),
        ("0.0000 - 0.01*(-26.67)", "0.26670(11)"),
    ],
)
def test_a_calculation_in_a_cell_claims_what_it_comes_to(cell: str, text: str) -> None:
    reading = read_table(f"step,w\n1,{cell}\n", "t", STEPS)
    assert [one.literal.text for one in reading.claims] == [text]
    assert "slip" not in reading.told


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("0.0000 - 0.01*(-99) = 0.89", "0.0000 - 0.01*(-99) is 0.99, not 0.89"),
        ("0 + 0.12*2 = 0.5 = 0.2667", "0 + 0.12*2 is 0.2, not 0.5"),
        ("1/4 = 3/4 - 1/3", "1/4 is not 3/4 - 1/3"),
    ],
)
def test_a_slip_in_the_arithmetic_is_named(cell: str, told: str) -> None:
    reading = read_table(f"step,w\n1,{cell}\n", "t", STEPS)
    assert f"a slip in the arithmetic of t:2:3: {told}" in reading.told
    assert len(reading.claims) == 1


@given(
    st.decimals(-9, 9, places=4),
    st.decimals(-99, 99, places=2),
    st.sampled_from(["0.1", "0.01", "2"]),
    st.integers(1, 5),
    st.integers(-3, 3),
)
def test_rounded_results_are_no_slips_and_others_are(
    start: Decimal, gradient: Decimal, lr: str, places: int, off: int
) -> None:
    """The result with any number of digits, off by some units of the last one."""
    value = Fraction(start) - Fraction(lr) * Fraction(gradient)
    unit = Fraction(1, 10**places)
    result = round(value / unit) + off
    shown = f"{'-' if result < 0 else ''}{abs(result) // 10**places}.{abs(result) % 10**places:0{places}d}"
    reading = read_table(f"step,w\n1,{start} - {lr}*({gradient}) = {shown}\n", "t", STEPS)
    assert [one.literal.text for one in reading.claims] == [shown]
    allowed = Fraction("0.00005") + Fraction(lr) * Fraction("0.005")  # by the digits of start and gradient
    is_far = abs(result * unit - value) > unit + allowed
    if abs(gradient) >= Decimal("0.1") or not gradient:  # one digit could be the learning rate as well
        assert ("slip" in reading.told) == is_far


TWO = ("0.5-0.6", "0.5 - 0.6", "0.5+-0.1", "0.5 +/- 0.1", "0.5 (0.6)", "64.6/37.7", "1-2", "(0.5) - 0.6")  # or a range


def test_a_calculation_of_another_name_or_with_names_claims_nothing() -> None:
    for cell in ("b = 0.5 - 0.1", "0.5 - b", "w = w - lr*dw", "0.5 - 0.1 = about 0.4", "2024-01-02", *TWO):
        reading = read_table(f"step,w,b\n1,{cell},0.24\n", "t", STEPS)
        assert [one.cell.name for one in reading.claims] == ["b"]
        assert [error.place and error.place.column for error in reading.unread] == [3]


@given(
    st.lists(st.integers(-99, 99), min_size=6, max_size=6),
    st.sampled_from([",", ", "]),
    st.sampled_from([",", ", "]),
    st.sampled_from(["0.5", '"0,5"']),
)
def test_compact_arrays_of_integers(numbers: list[int], inner: str, outer: str, beside: str) -> None:
    """The commas of JSON separate, whatever is written beside it, and whether blanks follow them or not."""
    problem = timeline_of(
        'equations = "l = sum(W * X) + c"\n[parameters]\nW = [[0, 0], [0, 0], [0, 0]]\nc = 0\n'
        "[constants]\nX = [[1, 2], [3, 4], [5, 6]]\n[training]\nlr = 0.1\n"
    )
    rows = [f"[{inner.join(map(str, numbers[k : k + 2]))}]" for k in (0, 2, 4)]
    found = claimed(f'step,c,W\n1,{beside},"[{outer.join(rows)}]"\n', problem)
    assert [text for _, _, name, text in found if name != "c"] == list(map(str, numbers))
    assert [text for _, _, name, text in found if name == "c"] == ["0.5"]
