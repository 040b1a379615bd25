from hypothesis import given
from hypothesis import strategies as st

from tables.text.layout import WIDTH, Row, columns, section, wrapped


def test_what_fits_stands_in_columns() -> None:
    rows = [Row("a", "=", "w·x", "2·3", "6"), Row("cc", "=", "a + b", "6 + 10", "16"), Row("d", "=", "a", "6", "6")]
    assert list(section("Forward", rows)) == [
        "",
        "Forward",
        "  a  = w·x   = 2·3    = 6",
        "  cc = a + b = 6 + 10 = 16",
        "  d  = a              = 6",
    ]


def test_what_does_not_fit_is_stacked_beside_what_does() -> None:
    long = " + ".join(["123456"] * 8)
    rows = [Row("a", "←", "w·x", "2·3", "6"), Row("b", "←", "Σ", long, "987648"), Row("c", "=", "0", "0", "0")]
    assert list(section("Update", rows))[2:] == [
        "  a ← w·x = 2·3 = 6",
        "  b ← Σ",
        f"    = {long}",
        "    = 987648",
        "  c = 0",
    ]


def test_no_rows_give_no_section() -> None:
    assert list(section("Update", [])) == []


_TEXT = st.lists(st.sampled_from(["w", "1.25", "(−3)", "b_w", "lr"]), min_size=1, max_size=40).map(" + ".join)


@given(st.lists(st.builds(Row, st.sampled_from(["a", "∂l/∂w"]), st.just("="), _TEXT, _TEXT, _TEXT), max_size=5))
def test_every_part_is_there_and_no_line_is_too_wide(rows: list[Row]) -> None:
    lines = list(section("Forward", rows))
    assert all(len(line) <= WIDTH for line in lines)
    told = "".join("".join(lines).split())
    for row in rows:
        assert "".join(row.symbols.split()) in told
        assert "".join(row.result.split()) in told


def test_columns_that_do_not_fit_are_counted() -> None:
    table = [("", [f"i = {k}" for k in range(16)]), ("aᵢ", ["1234567890"] * 16)]
    lines = list(columns(table, 1000))
    assert all(len(line) <= WIDTH for line in lines)
    shown = lines[1].count("1234567890")
    assert 4 <= shown < 16
    assert lines[-1] == f"  … and {1000 - shown} more samples"
    assert list(columns([("a", ["1", "2"])], 2)) == ["  a  1  2"]
    assert list(columns([("a", ["1", "2"])], 3))[-1] == "  … and 1 more sample"


def test_a_sentence_is_wrapped() -> None:
    assert wrapped("word " * 20) == [" ".join(["word"] * 16), "  " + " ".join(["word"] * 4)]
