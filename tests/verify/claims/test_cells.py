"""What a cell holds: the entries of an array with their indices, and what cannot be read."""

from __future__ import annotations

import pytest

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
