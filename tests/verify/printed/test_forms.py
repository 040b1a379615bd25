"""One table in every form that people have: read back digit by digit, and never read as other numbers when damaged."""

from __future__ import annotations

import contextlib
import re
import tracemalloc
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from derive.problem.loading import load
from tests.problems import THREE_POINTS
from tests.tabled import ACROSS, FORMS, IN_TWO_LINES, WITHOUT_COMMA
from tests.timelines import claimed, timeline_of
from verify.auditing.pipeline import Audit, audit
from verify.claims.table import read_table
from verify.following.finding import Status
from verify.printed.forms import read_grid
from verify.tabular.grid import Source, with_points

TABLE = [
    ["step", "J", "dJ/dw", "dJ/db", "w", "b"],
    ["1", "2.2500", "-7.6667", "-2.3333", "1.3833", "0.6167"],
    ["2", "0.2899", "-1.7559", "-0.3112", "1.4711", "0.6323"],
    ["3", "0.1914", "-0.4539", "0.1297", "1.4938", "0.6258"],
    ["4", "0.1833", "-0.1664", "0.2227", "1.5021", "0.6147"],
]
PASSED_OVER = ", a line of units passed over"
PROBLEM = load(THREE_POINTS)
RUN = timeline_of(PROBLEM)


def statuses(found: Audit) -> list[tuple[str, str, str]]:
    return [(str(one.cell.step), one.cell.name, one.status.value) for one in found.findings]


def audit_of(text: str, tmp_path: Path) -> Audit:
    file = tmp_path / "claims.txt"
    file.write_text(text, encoding="utf-8")
    return audit(PROBLEM, claims=file)


# this table was calculated with rounded numbers: from 0.2899 on, where 0.2898 is exact, they are carried
@pytest.mark.parametrize("form", [*FORMS, *ACROSS])
def test_every_form_has_the_verdict_of_the_same_table_in_csv(form: str, tmp_path: Path) -> None:
    expected = audit_of(FORMS["CSV"](TABLE), tmp_path)
    carried = [finding for finding in expected.findings if finding.status is Status.CARRIED]
    assert (expected.first_wrong, carried[0].claim.literal.text) == (None, "0.2899")
    found = audit_of({**FORMS, **ACROSS}[form](TABLE), tmp_path)
    assert statuses(found) == statuses(expected)
    assert [one.claim.literal.text for one in found.findings] == [one.claim.literal.text for one in expected.findings]
    assert found.told[0].startswith("read as ")
    assert found.told[0].removesuffix(PASSED_OVER).endswith(", 4 rows")


@pytest.mark.parametrize("form", WITHOUT_COMMA)
def test_and_with_decimal_commas(form: str, tmp_path: Path) -> None:
    table = [TABLE[0], *([cell.replace(".", ",") for cell in row] for row in TABLE[1:])]
    found = audit_of(FORMS[form](table), tmp_path)
    assert statuses(found) == statuses(audit_of(FORMS["CSV"](TABLE), tmp_path))
    assert found.told[0].removesuffix(PASSED_OVER).endswith(", decimal comma, 4 rows")


CUT = [TABLE[0], *([row[0], *(f"{cell}.." if "." in cell else cell for cell in row[1:])] for row in TABLE[1:])]
QUOTED = {"JSON lines", "JSON"}  # where digits that are cut off are no number, and stand in quotes


@pytest.mark.parametrize("form", [form for form in FORMS if form not in QUOTED])
def test_digits_that_are_cut_off_are_read_in_every_form(form: str, tmp_path: Path) -> None:
    found = audit_of(FORMS[form](CUT), tmp_path)
    assert statuses(found) == statuses(audit_of(FORMS["CSV"](CUT), tmp_path))
    literals = [one.claim.literal for one in found.findings]
    assert any(literal.is_cut for literal in literals)
    assert all(literal.is_cut == ("." in literal.text) for literal in literals)
    if form in WITHOUT_COMMA:
        table = [CUT[0], *([re.sub(r"(?<=\d)\.(?=\d)", ",", cell) for cell in row] for row in CUT[1:])]
        assert statuses(audit_of(FORMS[form](table), tmp_path)) == statuses(found)


def test_latex_writes_dots_by_name() -> None:
    text = "\\begin{tabular}{rr}\nstep & $w$ \\\\\n1 & $0.26\\ldots$ \\\\\n2 & $-1.6 \\dots$ \\\\\n\\end{tabular}\n"
    assert cells(text)[1:] == [["1", "0.26…"], ["2", "-1.6 …"]]


HEADS = ["step", "w", "b", "dJ/dw", "W[0,1]", "dout/dx[0,0]", "J", "lr", "r[2]"]
DIGITS = st.text("0123456789", min_size=1, max_size=12)


@st.composite
def literals(draw: st.DrawFn) -> str:
    """A number as a program or a person writes it, as JSON knows it as well."""
    sign = draw(st.sampled_from(["", "-"]))
    whole = str(int(draw(DIGITS)))
    after = draw(st.sampled_from(["", "."])) and f".{draw(DIGITS)}"
    power = draw(st.sampled_from(["", "", "", "e-03", "e+12", "E5"]))
    return f"{sign}{whole}{after}{power}"


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 6))
    header = draw(st.permutations(HEADS))[:width]
    rows = draw(st.lists(st.lists(literals(), min_size=width, max_size=width), min_size=1, max_size=5))
    return [header, *rows]


def cells(text: str) -> list[list[str]]:
    return [[cell.text for cell in row] for row in with_points(read_grid(Source("t", text)))[0].rows]


@given(tables(), st.sampled_from([form for form in FORMS if form not in IN_TWO_LINES]))
def test_what_is_written_is_read_back_digit_by_digit(table: list[list[str]], form: str) -> None:
    text = FORMS[form](table)
    assert cells(text) == table
    for row, written in zip(read_grid(Source("t", text)).rows[1:], table[1:], strict=True):
        for cell, number in zip(row, written, strict=True):
            place = cell.place
            assert place.column is not None
            begin = place.text[place.column - 1 :].lstrip("$")
            assert begin.startswith(number)


@given(tables(), st.sampled_from([form for form in WITHOUT_COMMA if form not in IN_TWO_LINES]))
def test_and_with_decimal_commas_where_one_tells(table: list[list[str]], form: str) -> None:
    table = [*table, ["0.5"] * len(table[0])]
    text = FORMS[form]([table[0], *([cell.replace(".", ",") for cell in row] for row in table[1:])])
    assert cells(text) == table


def claims_of(text: str) -> set[tuple[int, str, str]]:
    reading = read_table(text, "t", RUN)
    return {(one.cell.step, one.cell.name, one.literal.text) for one in reading.claims}


def spoilt(whole: str, damage: str, comma: bool, choose: Callable[[int], int]) -> str:
    """The table with one damage between its cells, where it has a place for it."""
    lines = whole.split("\n")
    candidates = [k for k, line in enumerate(lines) if re.search(r"\d", line)]
    at = candidates[choose(len(candidates))]
    inside = r"[^\w.\-=:\"'$\[\]{}()+/,]+|" + (r",(?=\")|(?<=\"),(?!\d)" if comma else r",(?!\d)|(?<=\d),(?=-?\d)")
    seams = [match.span() for match in re.finditer(inside, lines[at])]
    seams = [(a, b) for a, b in seams if a > 0 and b < len(lines[at])]
    if not seams:
        return whole
    first, last = seams[choose(len(seams))]
    line = lines[at]
    if damage == "cut":
        line = line[:first]
    elif damage == "double":
        line = line[:last] + line[first:last] + line[last:]
    elif damage == "drop":
        line = line[:first] + line[last:]
    elif damage == "other":
        line = line[:first] + ";,\t|"[choose(4)] + line[last:]
    lines[at] = line
    if damage == "join":
        lines[at : at + 2] = [" ".join(lines[at : at + 2])]
    elif damage == "without line":  # one that only rules off the rows
        ruled = [k for k, each in enumerate(lines) if not re.search(r"\w", each)]
        del lines[ruled[choose(len(ruled))]]
    return "\n".join(lines)


@given(
    st.lists(
        st.lists(st.sampled_from(["0.5", "1.25", "3", "-2.75", "12", "1.0e-3"]), min_size=5, max_size=5),
        min_size=2,
        max_size=4,
    ),
    st.sampled_from(list(FORMS)),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["cut", "double", "other", "drop", "join", "without line"]),
    st.randoms(use_true_random=False),
)
def test_a_damaged_table_is_refused_or_named_and_never_read_as_other_numbers(
    rows: list[list[str]], form: str, numbered: bool, comma: bool, damage: str, random: object
) -> None:
    choose = random.randrange  # type: ignore[attr-defined]
    header = ["J", "dJ/dw", "dJ/db", "w", "b"]
    table = [header, *rows]
    if numbered:
        table = [["step", *header], *([str(k), *row] for k, row in enumerate(rows, start=1))]
    whole = FORMS[form](table)
    right = claims_of(whole)
    if comma and form in WITHOUT_COMMA:
        table = [table[0], *([cell.replace(".", ",") for cell in row] for row in table[1:])]
        whole = FORMS[form](table)
    damaged = spoilt(whole, damage, comma, choose)
    try:
        found = claims_of(damaged)
    except ClaimError:
        return
    known = {(step, name): text for step, name, text in right}
    changed = {one for one in found if known.get(one[:2]) != one[2]}
    assert not changed, (whole, damaged)


def test_the_places_of_errors_are_right_in_every_form() -> None:
    for form, write in FORMS.items():
        if form.startswith("words"):  # in which a word without a number is part of a name, and refused as that
            continue
        text = write([*TABLE[:2], ["2", "0.2899", "about", "-0.3112", "1.4711", "0.6323"]])
        if form.startswith("JSON"):
            text = text.replace("about", '"about"')
        [unread] = read_table(text, "t", RUN).unread
        assert unread.place is not None
        assert unread.place.column is not None
        assert unread.place.text[unread.place.column - 1 :].lstrip("$").startswith("about"), form
        number = next(k for k, line in enumerate(text.split("\n"), start=1) if "about" in line)
        assert unread.place.line == number, form
        assert "'about' is not a number" in unread.message


def test_a_text_of_utf16_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "claims.txt"
    for encoding in ("utf-16", "utf-8-sig"):
        file.write_bytes(FORMS["tabs"](TABLE).encode(encoding))
        assert len(audit(PROBLEM, claims=file).findings) == 20


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"step,w\n1,1.3833\n2,ca. 2\n")))
    found = audit(PROBLEM, claims="-")
    assert found.source == "standard input"
    assert [str(one.claim.place) for one in found.findings] == ["standard input:2:3"]
    assert [str(one.place) for one in found.unread] == ["standard input:3:3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,iteration,w\n1,2,0.5\n", r"^t:2:3: iteration 2 stands beside step 1; leave one column out"),
        ("Step,step #,w\n1,2,0.5\n", r"^t:1:6: two columns are named 'step'; leave one out"),
        ("step;w\n1;1,234\n", r"^t:2:3: '1,234' is 1234 if its comma is a thousands mark, and 1\.234 if it is a dec"),
        ("step;w;b\n1;0,5;0.5\n", r"^t:2:3: '0,5' has a decimal comma, and '0\.5' at t:2:7 a point; write all"),
        ('step,w,b\n1,"0,123",0.5\n', r"^t:2:4: '0,123' has a decimal comma"),
        ("step;w[0]\n1;[1,2]\n", r"^t:2:3: '\[1,2\]' has commas that may be decimal commas, or separate its numbers"),
        ("w\n0,5\n", r"^t:2:3: 2 cells in this row; expected 1"),
        ("w\n0.5\n\n0.7\n", r"^t:3:1: a line without a number may be a step without claims, or nothing"),
        ("w=0.5\nDone\nw=0.7\n", r"^t:2:1: a line without a number may be a step without claims, or nothing"),
        ("w\n0.5 0.6\n0.7\n", r"^t:2:1: '0\.5 0\.6' is more than one number in a cell, and the rows count the steps"),
        ("w,b\n1.5;2,3\n", r"a ';' in a table whose cells are separated by ','"),
        ("w b\n0, 24\n", r"a ',' in a table whose cells are separated by blanks"),
        ("step;w,b\n1;2,3\n", r"^t:1:1: the cells of t may be separated by ',' or ';'"),
        (
            'step,w,b\n1,"1,234",0.5\n',
            r"'1,234' has a decimal comma, and '0.5' .*a point; write all numbers .*in one way",
        ),
        ("step,w\n", r"^t:1:1: t claims nothing; expected a number in at least one cell"),
        ("step,w\n1,\n", r"^t:1:1: t claims nothing"),
        ("step,w\n1,about\n2,nearly\n", r"^t:2:3: 'about' is not a number"),
        ('w,b\n1.3833,"0.6\n1.4711,0.6\n"\n', r"^t:2:9: a quotation mark opens here and closes on a later line"),
        (
            "==== ==== ====\nstep w    b\n==== ==== ====\n1         0.5\n",
            r"^t:4:6: an empty cell; write –",
        ),
        ("step w b\n1 1.3833\n", r"^t:2:3: 2 cells in this row; expected 3"),
    ],
)
def test_two_readings_are_spelled_out_and_damage_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read_table(text, "t", RUN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("step;w;b\n1;1,234;0,5\n", "1.234"),  # another number tells
        ("step;w;b\n1;1.234,5;0,5\n", "1234.5"),
        ("step;w\n1;0,123\n", "0.123"),  # no thousands begin with 0
        ('step,w,b\n1,"1,234",5\n', "1.234"),  # in quotes, never a thousands mark
        ('step,w\n1,"1,234"\n', "1.234"),
        ('step,w\n1,"1,234,567"\n', "1,234,567"),
        ("step;w\n1;-1,5e-03\n", "-1.5e-03"),
        ("step;w\n1;−1,5(2)\n", "−1.5(2)"),
    ],
)
def test_what_a_comma_is(text: str, expected: str) -> None:
    assert expected in {text for _, name, text in claims_of(text) if name == "w"}


@pytest.mark.parametrize(
    "head", ["Step", "Iteration #", "Iter.", "iter no.", "k", "Step number", "ITERATION", "step #", "Update"]
)
def test_heads_that_number_the_rows(head: str) -> None:
    assert claims_of(f"{head},w\n3,0.5\n") == {(3, "w", "0.5")}


def test_an_empty_row_is_a_step_without_claims() -> None:
    assert claims_of("w,b\n0.267,0.24\n,\n3.32,0.81\n") == {
        (1, "w", "0.267"),
        (1, "b", "0.24"),
        (3, "w", "3.32"),
        (3, "b", "0.81"),
    }


def test_a_line_break_in_a_head() -> None:
    assert claims_of('step,"grad\nw"\n1,0.5\n') == {(1, "dJ/dw", "0.5")}
    with pytest.raises(ClaimError, match=r"^t:1:9: a line break in the name of a column: unknown quantity 'loss \(mea"):
        claims_of('step,w,"loss\n(mean)"\n1,0.267,146.67\n')


def test_one_cell_in_words_is_one_cell_in_words(tmp_path: Path) -> None:
    found = audit_of(
        "step,J,dJ/dw,dJ/db,w,b\n1,2.2500,-7.6667,-2.3333,1.3833,0.6167\n2,0.2898,ca. -1.76,?,1.4711,\n", tmp_path
    )
    assert [one.message for one in found.unread] == [
        "'ca. -1.76' is not a number; expected a number, or an empty cell for no claim"
    ]
    assert {one.status.value for one in found.findings} == {"right"}
    assert (len(found.findings), found.exit_status) == (7, 3)


def test_what_numpy_and_psql_write() -> None:
    assert claims_of("# step w b\n1 1.3833e+00 6.167e-01\n") == {(1, "w", "1.3833e+00"), (1, "b", "6.167e-01")}
    assert claims_of("# step,w\n1,0.5\n") == {(1, "w", "0.5")}
    assert claims_of(" step | w\n------+-----\n    1 | 0.5\n") == {(1, "w", "0.5")}


def test_names_with_blanks_in_columns_between_blanks() -> None:
    assert claims_of("step  grad w   new b\n1   0.5   0.25\n") == {(1, "dJ/dw", "0.5"), (1, "b", "0.25")}


def test_a_log_of_printed_tensors() -> None:
    """As a program prints them, with the names of the problem."""
    text = "".join(
        f"Epoch {k}, Loss: {loss}, W_grad: tensor([{dw}]), B_grad: tensor([{db}]), w: {w}, b: {b}\n"
        for k, loss, dw, db, w, b in TABLE[1:]
    )
    assert claims_of(text) == claims_of(FORMS["CSV"](TABLE))


LATEX = r"""
\begin{table}
\caption{Four steps & more}
\begin{tabular}{|l|r@{.}l|r|} % aligned
\hline
\textbf{step} & $\frac{\partial J}{\partial w}$ & $\partial J / \partial b$ & $\mathbf{w}$ \\ \hline
1 & $-7.6667$ & \num{-2.3333} & \textbf{1.3833} \\[2pt] % right
\cmidrule(lr){1-2}
2 & $-1.7559 \times 10^{0}$ & $-0.3112$ & \\
\hline
\end{tabular}
\end{table}
"""


def test_latex_as_it_is_written() -> None:
    assert claims_of(LATEX) == {
        (1, "dJ/dw", "-7.6667"),
        (1, "dJ/db", "-2.3333"),
        (1, "w", "1.3833"),
        (2, "dJ/dw", "-1.7559e0"),
        (2, "dJ/db", "-0.3112"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LATEX.replace(r"\end{tabular}", ""),
            r"^t:4:1: \\begin\{tabular\} without \\end\{tabular\}",
        ),
        (LATEX + LATEX, r"^t:16:1: a second table; leave one of them out"),
        (LATEX.replace(r"$-7.6667$", r"\multicolumn{2}{c}{3}"), r"^t:7:45: 5 cells in this row; expected 4"),
        ("| step | w |\n|---|---|\n| 1 | 0.5 |\n\n| 2 | 0.7 |\n", r"^t:5:1: more of a table after an empty line"),
        (
            "+---+---+\n| k | w |\n+---+---+\n| 1 |  2.5 |\n+---+---+\n",
            r"^t:4:9: the columns of this line",
        ),
        (
            "+--+-----+\n|k |w    |\n+==+=====+\n|1 |2.5  |\n|2 |3.5  |\n+--+-----+\n|3 |4.5  |\n+--+-----+\n",
            r"^t:5:2: two lines in one cell; put a border between two rows",
        ),
        ("k & w \\\\\n1 & 2.5\n2 & 3.5 \\\\", r"^t:2:5: a line break inside a cell; end the row above it"),
        ("step|w\n--|--\n|\n", r"^t:1:1: t claims nothing"),
        ("===  ===\nk    w\n===  ===\n1  2.5\n===  ===\n", r"^t:4:4: a cell stands between two columns"),
    ],
)
def test_a_damaged_document_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claims_of(text)


def written_in(sign: str, rows: list[list[str]]) -> str:
    """Rows in Markdown, or with a sign between their cells."""
    if sign == "|":
        rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return "".join(sign.join(row) + "\n" for row in rows)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", "  "])
@given(st.data())
def test_tables_of_the_same_steps_below_one_another_are_one(sign: str, data: st.DataObject) -> None:
    """Gradients first, and the parameters below them: the same numbers as in one table, whatever steps each has."""
    cut = data.draw(st.integers(2, len(TABLE[0]) - 1))
    whole, blocks, wanted = claims_of(written_in(",", TABLE)), [], set()
    for columns in (range(1, cut), range(cut, len(TABLE[0]))):
        steps = data.draw(st.sets(st.sampled_from(range(1, 4)), min_size=1))
        names = {"loss" if TABLE[0][k] == "J" else TABLE[0][k] for k in columns}
        own = [TABLE[0], *(TABLE[k] for k in sorted(steps))]
        blocks.append(written_in(sign, [[row[0], *(row[k] for k in columns)] for row in own]))
        wanted |= {claim for claim in whole if claim[0] in steps and claim[1] in names}
    assert claims_of("\n".join(blocks)) == wanted


def memory_of(lines: int) -> int:
    """The most bytes that are held at once while a log with an empty line after each is read."""
    source = Source("t", "\n\n".join(f"epoch {number}: loss 0.5" for number in range(lines)))
    tracemalloc.start()
    assert len(read_grid(source).rows) == lines + 1
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_a_log_of_many_blocks_is_read_without_copies_of_what_is_above_each() -> None:
    """With these, four times as many lines took fourteen times as much memory."""
    assert memory_of(10_000) < 6 * memory_of(2_500)


@pytest.mark.parametrize(
    "text",
    [
        "step,w,b\n1,0.5,0.7\n\nstep,w\n1,0.5\n",  # two tables of one name
        "step,w\n1,0.5\n\nstep,b\n1,0.5\n1,0.7\n",  # a step twice
        "step,w\n1,0.5\n\nepoch,b\n1,0.5\n",
        "step,w\n1,0.5\n\nstep,b\n1,0.5,0.7\n",
    ],
)
def test_other_tables_below_one_another_are_not(text: str) -> None:
    with pytest.raises(ClaimError, match="t:4:1: a second table begins here"):
        claims_of(text)


PIECES = (
    *(
        "step",
        "w",
        "dJ/dw",
        "1",
        "2",
        "0.5",
        "0,5",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        '"',
        "tensor(",
        "nan",
        "e5",
        "\\",
        "&",
    ),
    *("$", "\n", "\n", ",", ";", "\t", "|", " ", "  ", "=", ":", "+--+--+\n", "===  ===\n", "|--|--|\n", "\\\\"),
    *(r"\begin{tabular}{rr}", r"\end{tabular}"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_whatever_is_written_is_read_or_refused_in_every_form(text: str) -> None:
    with contextlib.suppress(ClaimError):
        claims_of(text)


LOOP = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nepochs = 9\n"
)
OF_PROGRAMS = {
    "R, print(df)": "  step  loss     w\n1    1 64.60 0.532\n2    2 37.71 0.938\n",
    "R, head(df)": "> head(df)\n  step  loss     w\n1    1 64.60 0.532\n2    2 37.71 0.938\n",
    "R, tibble": "# A tibble: 2 × 3\n"
    "   step  loss     w\n  <dbl> <dbl> <dbl>\n1     1 64.60 0.532\n2     2 37.71 0.938\n",
    "R, data.table": "   step  loss     w\n1:    1 64.60 0.532\n2:    2 37.71 0.938\n",
    "R, kable": "\n\n| step|  loss|     w|\n|----:|-----:|-----:|\n|    1| 64.60| 0.532|\n|    2| 37.71| 0.938|\n",
    "R, print(paste())": '[1] "Step 1 : loss = 64.60, w = 0.532"\n[1] "Step 2 : loss = 37.71, w = 0.938"\n',
    "MATLAB, table": "    step     loss       w   \n"
    "    ____    _____    _____\n\n     1      64.60    0.532\n     2      37.71    0.938\n",
    "MATLAB, fprintf": "Iter 1: J = 64.60, w = 0.532\nIter 2: J = 37.71, w = 0.938\n",
    "Julia, @show": "step = 1\nloss = 64.60\nw = 0.532\nstep = 2\nloss = 37.71\nw = 0.938\n",
    "Julia, @info": "[ Info: Epoch 1: loss = 64.60, w = 0.532\n[ Info: Epoch 2: loss = 37.71, w = 0.938\n",
    "Julia, named tuples": "(step = 1, loss = 64.60, w = 0.532)\n(step = 2, loss = 37.71, w = 0.938)\n",
    "Jupyter": "Out[5]: \n   step   loss      w\n0     1  64.60  0.532\n1     2  37.71  0.938\n",
    "logging": "INFO:root:epoch 1 loss 64.60 w 0.532\nINFO:root:epoch 2 loss 37.71 w 0.938\n",
    "Org": "| step | loss | w |\n|------+------+---|\n| 1 | 64.60 | 0.532 |\n| 2 | 37.71 | 0.938 |\n",
    "YAML": "- step: 1\n  loss: 64.60\n  w: 0.532\n- step: 2\n  loss: 37.71\n  w: 0.938\n",
    "by hand": "Step 1\nloss = (9 + 25)/2 = 17.0 = 64.60\nw = 0 + 0.532 = 0.532\n\nStep 2\nloss = 37.71\nw = 0.938\n",
}


@pytest.mark.parametrize("program", OF_PROGRAMS)
def test_what_other_programs_print(program: str) -> None:
    found = {(step, name, text) for step, _, name, text in claimed(OF_PROGRAMS[program], LOOP)}
    assert found == {(1, "loss", "64.60"), (1, "w", "0.532"), (2, "loss", "37.71"), (2, "w", "0.938")}


def test_strings_of_r_do_not_count() -> None:
    """[1] stands before every one of them."""
    text = '[1] "loss 64.60"\n[1] "loss 37.71"\n'
    assert [(step, number) for step, _, _, number in claimed(text, LOOP)] == [(1, "64.60"), (2, "37.71")]
    place = read_grid(Source("t", '[1] "w = 0.5"\n')).rows[1][0].place
    assert (place.line, place.column) == (1, 10)
