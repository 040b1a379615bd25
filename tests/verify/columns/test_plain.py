import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

from verify.columns.plain import plain_table
from verify.printed.forms import read_grid
from verify.tabular.grid import Source

NUMBER = st.from_regex(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", fullmatch=True)
BLANKS = st.sampled_from(["", "", " ", "  "])


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A step and numbers in each row."""
    columns = draw(st.integers(1, 3))
    steps = sorted(draw(st.sets(st.integers(1, 999999), min_size=2, max_size=6)))
    lines = [",".join(["step", *("w", "dl/dw", "W[0]")[:columns]])]
    for step in steps:
        cells = [str(step), *(draw(NUMBER) for _ in range(columns))]
        lines.append(",".join(draw(BLANKS) + cell + draw(BLANKS) for cell in cells))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


@how_many(deadline=None, max_examples=300)
@given(tables())
def test_a_plain_table_has_the_cells_that_any_reader_finds(text: str) -> None:
    source = Source("a test", text)
    found, rows = plain_table(source), read_grid(source).rows[1:]
    assert found is not None
    assert [found.row(k) for k in range(len(found.steps))] == rows
    assert found.steps.tolist() == [int(row[0].text) for row in rows]
    assert found.values.tolist() == [[float(cell.text) for cell in row[1:]] for row in rows]
    assert found.places.tolist() == [[len(cell.text.partition(".")[2]) for cell in row[1:]] for row in rows]
    head = plain_table(found.head(1))
    assert head is not None
    assert [head.row(0)] == rows[:1]


@how_many(deadline=None, max_examples=300)
@given(tables(), st.data())
def test_what_is_changed_is_read_as_it_is_or_not_at_all(text: str, data: st.DataObject) -> None:
    """One sign of any kind, put in or taken out."""
    at = data.draw(st.integers(0, len(text)))
    sign = data.draw(st.sampled_from([*"0123456789,.;-+ \n\t\"'e[]()/#|\r", "…", "−", "", "nan"]))
    changed = Source("a test", text[:at] + sign + text[at + (not sign) :])
    found = plain_table(changed)
    if found is not None:
        rows = read_grid(changed).rows[1:]
        assert [found.row(k) for k in range(len(found.steps))] == rows
        assert found.values.tolist() == [[float(cell.text) for cell in row[1:]] for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "step,w\n1,0.5\n\n2,3\n",
            "step,w\n1,\n",
            "step,w\n2,1\n1,1\n",
            "step,w\n1,1e3\n",
            "step,w\n0,1\n",
            "step\n1\n",
        ),
        *(
            "step,w\n1,1,2\n",
            "step,w\n1,1/3\n",
            "step,w\n1,.5\n",
            "w,step\n1,1\n",
            "epoch,w\n1,1\n",
            "step,w\n1,0.57(2)\n",
        ),
        *(
            'step,w\n1,"1"\n',
            "step,w\n1,nan\n",
            "step,w\n1.0,1\n",
            "step,w\n1,1\n1,1\n",
            "step;w\n1;1\n",
            "step,w\n1,−1\n",
            "",
        ),
        *("step,w\n1,0.5\r\n2,1\r\n", "step,w\n", "# step,w\n1,2\n", "step,ŵ\n1,2\n"),
    ],
)
def test_any_other_text_is_no_plain_table(text: str) -> None:
    assert plain_table(Source("a test", text)) is None


def test_many_rows_are_arrays() -> None:
    text = "step,w\n" + "".join(f"{k},{k / 8:.3f}\n" for k in range(1, 20_001))
    found = plain_table(Source("a test", text))
    assert found is not None
    assert found.values.shape == (20_000, 1)
    assert (found.places == 3).all()
    assert np.array_equal(found.values[:, 0], np.arange(1, 20_001) / 8)
