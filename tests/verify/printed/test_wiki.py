"""Tables of MediaWiki and AsciiDoc, and what of them is not read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.tabled import asciidoc, mediawiki
from tests.timelines import claimed, timeline_of
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
        (MEDIAWIKI.replace("| 1 ||", '| colspan="2" | 1 ||'), "a cell over several; write each of them by itself"),
        (MEDIAWIKI.replace("| 1 || 146.67", "| 1"), "2 cells in this row; expected 3, as in the first line"),
        (ASCIIDOC.replace("|1 |146.67", "|1 2+|146.67"), "a cell over several; write each of them by itself"),
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
    assert cells(mediawiki(table)) == table
    assert cells(asciidoc(table)) == table


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
    for begin in ("|===\n", "{|\n", "w =\n"):
        text = f"{begin}{' '.join(signs)}\n{begin.replace('{|', '|}')}"
        with contextlib.suppress(ClaimError):
            read_grid(Source("t", text))


@pytest.mark.parametrize("text", ["|===\n|===\n", "{|\n|}\n", "{|\n|-\n|}\n"])
def test_a_table_without_a_cell_has_no_rows(text: str) -> None:
    assert cells(text) == []
