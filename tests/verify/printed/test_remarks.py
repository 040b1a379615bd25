"""What stands around a table and is no part of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import timeline_of
from verify.claims.table import Reading, read_table

RUN = timeline_of('equations = "l = (w-3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 3\n')
TITLES = (
    "My homework",
    "Table 1: gradient descent",
    "Homework 3, Anna",
    "# my table",
    "# lr = 0.25",
    "# by hand, 2024",
)
NOTES = ("Note: calculated with a TI-30", "(rounded to 4 digits)", "# the end", "Source: my own work, page 3")


def read(text: str) -> Reading:
    return read_table(text, "t", RUN)


@given(
    st.sampled_from([",", ";", "\t", "  "]),
    st.lists(st.sampled_from(TITLES), max_size=2),
    st.lists(st.sampled_from(NOTES), max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_lines_around_a_table_are_left_out_and_named(
    sign: str, titles: list[str], notes: list[str], gap: bool, comment: bool
) -> None:
    rows = ["step,w,l", "1,2.0,4.0", *(["# halfway"] if comment else []), "2,2.5,1.0", "3,2.75,0.25"]
    text = "\n".join([*titles, *([""] if gap else []), *(row.replace(",", sign) for row in rows), *notes]) + "\n"
    others = [line for line in (*titles, *notes) if line[0] != "#"]
    if any(len(line.split(sign.strip() or None)) == 3 for line in others):
        return  # it may be the names, or a row
    found = read(text)
    assert [(one.cell.step, one.literal.text) for one in found.claims] == [
        *((1, "2.0"), (1, "4.0"), (2, "2.5"), (2, "1.0"), (3, "2.75"), (3, "0.25")),
    ]
    comments = sum(line[0] == "#" for line in (*titles, *notes, *(["#"] if comment else [])))
    assert (f"{comments} comment" in found.told) == (comments > 0)
    assert all(line[:30] in found.told for line in others[:1])


def test_a_line_that_may_be_a_claim_is_one_that_is_not_read() -> None:
    found = read("step,w,l\n1,2.0,4.0\nIn the end w = 2.75\n")
    assert [error.place and error.place.line for error in found.unread] == [3]


@pytest.mark.parametrize(
    "text",
    [
        "step,w,l\n1,2.0,4.0\n2,2.5\n",  # a row cut short
        "step,w,l\n1,2.0,4.0\ntotal,5.0\n",
        "step,w,l\n1,2.0,4.0\nnote,1,2,3\n",
        "1,2\nstep,w,l\n1,2.0,4.0\n",
    ],
)
def test_a_row_of_another_width_with_numbers_is_no_remark(text: str) -> None:
    with pytest.raises(ClaimError, match=r"cells in this row; expected|the first line has numbers"):
        read(text)


def test_the_names_that_numpy_writes_behind_a_sign() -> None:
    found = read("# made by hand\n# step w l\n1 2.0 4.0\n2 2.5 1.0\n")
    assert [one.literal.text for one in found.claims] == ["2.0", "4.0", "2.5", "1.0"]
    assert "1 comment left out: '# made by hand'" in found.told


def test_the_number_of_rows_below_a_table_of_a_database() -> None:
    found = read(" step |  w  |  l\n------+-----+-----\n    1 | 2.0 | 4.0\n    2 | 2.5 | 1.0\n(2 rows)\n\n")
    assert len(found.claims) == 4


BOX = "+------+------+\n| step | w    |\n+------+------+\n|    1 |  2.0 |\n|    2 | 2.50 |\n+------+------+\n"


@pytest.mark.parametrize("above", ["", "mysql> SELECT * FROM t;\n", "MariaDB [hw]> select step, w from t;\n"])
@pytest.mark.parametrize("below", ["", "2 rows in set (0.00 sec)\n\n", "2 rows in set, 1 warning (0.01 sec)\n"])
def test_what_a_database_prints_around_its_rows(above: str, below: str) -> None:
    found = read(above + BOX + below)
    assert [(one.cell.step, one.cell.name, one.literal.text) for one in found.claims] == [
        (1, "w", "2.0"),
        (2, "w", "2.50"),
    ]
    assert (found.told, found.unread) == ("read as reStructuredText (grid), 2 rows", ())


def test_other_databases() -> None:
    rows = " step |  w   \n------+------\n    1 |  2.0\n    2 | 2.50\n(2 rows)\n\nTime: 0,512 ms\n"
    for text in (f"hw=# select * from t;\n{rows}", f"hw=> SELECT * FROM t;\n{rows}", rows):
        assert [one.literal.text for one in read(text).claims] == ["2.0", "2.50"]
    columns = "step  w   \n----  ----\n1     2.0 \n2     2.50\nRun Time: real 0.000 user 0.000 sys 0.000\n"
    assert [one.literal.text for one in read(columns).claims] == ["2.0", "2.50"]


def test_a_table_of_matlab() -> None:
    text = "T =\n\n  2×2 table\n\n    step     w  \n    ____    ____\n\n     1       2.0\n     2      2.50\n\n"
    assert [one.literal.text for one in read(text).claims] == ["2.0", "2.50"]


@pytest.mark.parametrize("line", ["Time: 3 w: 2.0", "w=> 2.0", "l=> 4.0", "w = 2.0"])
def test_a_line_that_only_looks_like_it_is_read(line: str) -> None:
    assert len(read(f"step 1\n{line}\nstep 2\nw = 2.5\n").claims) == 2
