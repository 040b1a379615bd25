"""Tables of wikis and manuals, merged cells among them, and what of them is not read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.tabled import asciidoc, csv_table, dokuwiki, jira, list_table, mediawiki, textile
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table
from verify.printed.forms import read_grid
from verify.tabular.grid import Source

ARTICLE = timeline_of("article")
EXPECTED = [(1, "loss", "146.67"), (1, "w", "0.267"), (2, "loss", "280.67"), (2, "w", "1.63")]


def cells(text: str) -> list[list[str]]:
    return [[cell.text for cell in row] for row in read_grid(Source("t", text)).rows]


MEDIAWIKI = """\
Some words above.
{| class="wikitable sortable" style="margin: auto"
|+ Two steps
|-
! scope="col" | step !! \'\'\'loss\'\'\' !! <math>w</math>
|-
| 1 || 146.67 || 0.267
|-
! scope="row" | 2
| style="text-align:right" | 280.67
| &nbsp;1.63
|}
"""
ASCIIDOC = """\
.Two steps
[cols="1,>2,2*", options="header"]
|===
|step |loss |w |b

|1 |146.67 >|0.267 |
|2
|280.67
|1.63 |
|===
"""


@pytest.mark.parametrize("text", [MEDIAWIKI, ASCIIDOC])
def test_a_table_as_it_is_written(text: str) -> None:
    assert [(step, name, number) for step, _, name, number in claimed(text, ARTICLE)] == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MEDIAWIKI.replace("|}\n", ""), r"a '\{\|' without '\|\}': the table may be cut off"),
        (MEDIAWIKI + MEDIAWIKI, "a second table; leave one of them out"),
        (MEDIAWIKI.replace("| 1 ||", '| colspan="2" | 1 ||'), r"^t.csv:5:39: a column without a name has numbers"),
        (MEDIAWIKI.replace("| 1 || 146.67", "| 1"), "2 cells in this row; expected 3, as in the first line"),
        (
            ASCIIDOC.replace("|1 |146.67", "|1 2+|146.67"),
            "12 cells, which fill no rows of 4; the first line has one cell",
        ),
        ("{|\n! step !! colspan=2 | w\n|-\n| 1 || 0.2 || 0.3\n|}\n", "the merged cell names 2 columns; unmerge it"),
        ("|===\n|step 2+|w\n|1 |0.2 |0.3\n|===\n", "the merged cell names 2 columns; unmerge it"),
        ("||step||w||\n|1|0.267|\n|2|1.63|0.24|\n", r"^t.csv:3:9: 3 cells in this row; expected 2"),
        ("||step||w||\n|1|\n", r"^t.csv:2:2: 1 cells in this row; expected 2"),
        (".. csv-table::\n   :file: mine.csv\n", "rows stand in mine.csv, which is not read; give that file itself"),
        (".. csv-table::\n   :delim: space\n   :header: a b\n\n   1 2\n", "cells between 'space'; expected one of"),
        (".. list-table::\n\n   * - step\n     - w\n\n.. list-table::\n\n   * - 1\n", r"^t.csv:6:1: a second table"),
        (".. list-table::\n\n     - step\n   * - 1\n", "a cell before the first row"),
        (".. list-table::\n\n   1, 2\n", "no row of a list-table; expected such as"),
        (".. list-table::\n\n   * - step\n     - w\n   * - 1\n", "1 cells in this row; expected 2"),
        (ASCIIDOC + ASCIIDOC, "a second table; leave one of them out"),
        (ASCIIDOC[: ASCIIDOC.rindex("|===")], r"a '\|===' without a second one"),
        (ASCIIDOC.replace("|280.67\n", ""), "11 cells, which fill no rows of 4; the first line has one cell for each"),
    ],
)
def test_what_is_cut_short_or_merged_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(text, ARTICLE)


def test_one_unreadable_cell_is_named_where_it_stands() -> None:
    for text in (MEDIAWIKI, ASCIIDOC):
        grid = read_grid(Source("t", text.replace("280.67", "28O.67")))
        cell = grid.rows[2][1]
        assert cell.text == "28O.67"
        assert cell.place.line == text[: text.index("280.67")].count("\n") + 1
        assert cell.place.column == text.splitlines()[cell.place.line - 1].index("280.67") + 1


@given(st.lists(st.lists(st.sampled_from(["", "1", "-2.5", "1e-3", "w", "dl/dw"]), min_size=3, max_size=3), min_size=1))
def test_any_table_is_read_back(rows: list[list[str]]) -> None:
    table = [["step", "loss", "w"], *rows]
    for write in (mediawiki, asciidoc, jira, dokuwiki, textile, csv_table, list_table):
        assert cells(write(table)) == table


_SIGNS = [
    "{|",
    "|}",
    "|-",
    "|",
    "||",
    "!",
    "!!",
    "|===",
    "[cols=2]",
    "step",
    "w",
    "1",
    "=",
    "\n",
    " ",
    "w =",
    "2.5",
    "1.0e+03 *",
]


@given(st.lists(st.sampled_from(_SIGNS), max_size=14))
def test_what_begins_as_a_table_of_a_wiki_is_read_or_refused(signs: list[str]) -> None:
    """A table of AsciiDoc without a cell was a traceback."""
    for begin in (
        "|===\n",
        "{|\n",
        "w =\n",
        "||step||\n",
        "^ w ^\n",
        "|_. w|\n",
        ".. csv-table::\n\n",
        ".. list-table::\n\n",
    ):
        text = f"{begin}{' '.join(signs)}\n{begin.replace('{|', '|}')}"
        with contextlib.suppress(ClaimError):
            read_grid(Source("t", text))


@pytest.mark.parametrize("text", ["|===\n|===\n", "{|\n|}\n", "{|\n|-\n|}\n"])
def test_a_table_without_a_cell_has_no_rows(text: str) -> None:
    assert cells(text) == []


GROUPS = [(1, "gradients", "dl/dw", "-26.67"), (1, "gradients", "dl/db", "-24"), (1, "after", "w", "0.267")]
GROUPS += [(1, "after", "b", "0.24")]
ROWS = ["1", "-26.67", "-24", "0.267", "0.24"]


@pytest.mark.parametrize(
    "text",
    [
        "{|\n! rowspan=2 | step !! colspan='2' | Grads !! colspan=\"2\" | Parameters\n|-\n! w !! b !! w !! b\n|-\n| "
        + " || ".join(ROWS)
        + "\n|}\n",
        "|===\n.2+|step 2+|Gradients 2+|Parameters\n|w |b |w |b\n\n|" + " |".join(ROWS) + "\n|===\n",
        "[cols=5*]\n|===\n5+|Gradient descent\n.2+^.^h|step 2+s|Gradients 2+|Parameters\n|w |b |w |b\n|"
        + "\n|".join(ROWS)
        + "\n|===\n",
        "|/2_. step |\\2_. Gradients |\\2_. Parameters |\n|_. w |_. b |_. w |_. b |\n|" + "|".join(ROWS) + "|\n",
    ],
)
def test_names_over_several_columns(text: str) -> None:
    assert sorted(claimed(text, ARTICLE)) == sorted(GROUPS)


BATCHES = timeline_of("article", epochs=2)
MERGED = [(1, "w", "0.267"), (2, "w", "1.63"), (4, "w", "0.5")]


@pytest.mark.parametrize(
    "text",
    [
        "{|\n! epoch !! batch !! w\n|-\n| rowspan=2 | 1 || 1 || 0.267\n|-\n| 2 || 1.63\n|-\n| 2 || 1 || 0.5\n|}\n",
        "|===\n|epoch |batch |w\n.2+|1 |1 |0.267\n|2 |1.63\n|2 |1 |0.5\n|===\n",
        "|_. epoch |_. batch |_. w |\n|/2. 1 |1 |0.267 |\n|2 |1.63 |\n|2 |1 |0.5 |\n",
    ],
)
def test_an_epoch_over_its_batches_and_a_number_over_several(text: str) -> None:
    assert [(step, name, number) for step, _, name, number in claimed(text, BATCHES)] == MERGED
    over = (
        text.replace("0.267", "0.9", 1).replace("| 1 || 0.9", "| 1 || rowspan=2 | 0.9").replace("|1 |0.9", "|1 .2+|0.9")
    )
    over = over.replace("|1 |0.9 |", "|1 |/2. 0.9 |").replace("|1 .2+|0.9 |", "|1 |/2. 0.9 |")
    over = over.replace("| 2 || 1.63", "| 2").replace("|2 |1.63 |", "|2 |").replace("|2 |1.63\n", "|2\n")
    reading = read_table(over, "t", BATCHES)
    assert [(one.cell.step, one.literal.text) for one in reading.claims] == [(4, "0.5")]
    [unread] = reading.unread
    assert "'0.9' stands in a cell over 2 rows: which row it is about is not told" in str(unread)


def test_a_cell_that_stands_for_several() -> None:
    assert cells("|===\n|step |w |b\n|1 2*|0.5\n|===\n") == [["step", "w", "b"], ["1", "0.5", "0.5"]]


@pytest.mark.parametrize("above", ["[%header,format=csv]\n|===\n", ",===\n", '[format="csv"]\n|===\n'])
def test_asciidoc_with_its_cells_in_csv(above: str) -> None:
    fence = above.splitlines()[-1]
    assert cells(f'= Title\n\n{above}step,w\n1,"0,5"\n{fence}\n') == [["step", "w"], ["1", "0,5"]]


def test_what_stands_around_a_directive_and_in_its_cells() -> None:
    text = "Title\n=====\n\n.. list-table:: Steps\n   :header-rows: 1\n\n   * - step\n     - :math:`w`\n   * - 1\n"
    text += "     - ``0.5``\n   * - 2\n     -\n\nMore, 3.\n"
    assert cells(text) == [["step", "w"], ["1", "0.5"], ["2", ""]]
    text = (
        "   .. csv-table::\n      :delim: ;\n      :header-rows: 1\n\n      step; ``w``\n      1; 0,5\n\n   More; 3\n"
    )
    assert cells(text) == [["step", "w"], ["1", "0,5"]]


def test_a_line_beside_a_table_of_jira_is_told() -> None:
    grid = read_grid(Source("t", "||step||w||\n|1|0.5|\nh2. w = 0.7 in the end\n"))
    assert [[cell.text for cell in row] for row in grid.rows] == [["step", "w"], ["1", "0.5"]]
    assert [str(error.place.line) for error in grid.odd if error.place] == ["3"]
