import pytest

from derive.errors import ProblemError
from derive.source.numerals import Numeral, exact
from derive.source.toml_text import parse

TEXT = '''\
title = "x = 1"  # y = 2
"loss" = 'l'
equations = """
fake = 1
[fake]
"""
training.lr = 0.10

[ data ]
x = [
  1,
]
  "β" = [1]
[claims]
formulas."dl/dw" = "w"
'''


def test_numbers_keep_their_digits() -> None:
    content = parse("a = 0.10\nb = 1e5\nc = 7\nd = '1'", "t").content
    assert content == {"a": "0.10", "b": "1e5", "c": 7, "d": "1"}
    assert [type(value) for value in content.values()] == [Numeral, Numeral, int, str]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("title",), "t:1:1"),
        (("loss",), "t:2:1"),
        (("equations",), "t:3:1"),
        (("training",), "t:7:1"),
        (("training", "lr"), "t:7:1"),
        (("data",), "t:9:3"),
        (("data", "x"), "t:10:1"),
        (("data", "β"), "t:13:3"),
        (("data", "z"), "t:9:3"),
        (("claims", "formulas", "dl/dw"), "t:15:1"),
        (("fake",), "t"),
    ],
)
def test_keys_are_found_outside_of_strings_and_comments(path: tuple[str, ...], place: str) -> None:
    assert str(parse(TEXT, "t").place(*path)) == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = \n", r"^t:1:5: not TOML: .*\n    a =\n        \^$"),
        ("a = 1\na = 2\n", "t:2:6: not TOML: "),
        ('a = "', "t:1: not TOML: "),
        ("β = 1\n", 't:1:1: not TOML: write the name in quotes: "β" = …'),
        ("θ₀ = 1\n", 't:1:1: not TOML: write the name in quotes: "θ₀" = …'),
        pytest.param("a = " + "[" * 5000 + "]" * 5000, "t: arrays or tables nested too deeply", id="nested"),
        pytest.param("a = " + "[" * 5000, "t: arrays or tables nested too deeply", id="nested and open"),
        pytest.param("a = " + "9" * 5000, "t: an integer with thousands of digits", id="5000 digits"),
        pytest.param("\n" + "a." * 20_000 + "a = 1", "t:2: a key of more than 50 parts", id="long key"),
        pytest.param("\n" + '"a".' * 20_000 + "a = 1", "t:2: a key of more than 50 parts", id="long quoted key"),
    ],
)
def test_refuses_what_is_not_toml(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        parse(text, "t")


def test_no_escape_sequence_reaches_the_terminal() -> None:
    with pytest.raises(ProblemError, match=r"not TOML: .* character") as caught:
        parse("# \x1b[31m\n", "t")
    assert "\x1b" not in str(caught.value)


def test_unknown_keys_are_refused_with_a_suggestion() -> None:
    document = parse("los = 1\nlr = 1\n[a]\nqq = 1", "t")
    with pytest.raises(ProblemError, match=r"t:1:1: unknown key 'los'; did you mean 'loss'"):
        document.refuse_unknown(["loss", "lr", "a"])
    with pytest.raises(ProblemError, match=r"t:2:1: unknown key 'lr'; it belongs under \[training\]"):
        document.refuse_unknown(["los", "a"], remedies={"lr": "it belongs under [training]"})
    with pytest.raises(ProblemError, match=r"t:4:1: unknown key 'qq' in \[a\]; known: b, c"):
        document.refuse_unknown(["b", "c"], "a")


@pytest.mark.parametrize(("text", "message"), [("a = 1", "a is 1; expected a table"), ("[[a]]", "a is a list")])
def test_a_table_is_a_table(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        parse(text, "t").table("a")


@pytest.mark.parametrize("value", ["1", "1.5", "true", "[1]", "{}"])
def test_a_text_is_a_text(value: str) -> None:
    with pytest.raises(ProblemError, match=r"a = .*; expected a text in quotes"):
        parse(f"a = {value}", "t").words("a")


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (".15", 'a decimal point stands between digits: write 0.15, or ".15" as text'),
        ("5.", 'a decimal point stands between digits: write 5.0, or "5." as text'),
        ("-.5", 'a decimal point stands between digits: write -0.5, or "-.5" as text'),
        ("1.e5", 'a decimal point stands between digits: write 1.0e5, or "1.e5" as text'),
        (".5e-3", 'a decimal point stands between digits: write 0.5e-3, or ".5e-3" as text'),
        ("[.5, 1]", 'a decimal point stands between digits: write 0.5, or ".5" as text'),
        ("[1.5, 2., 3]", 'a decimal point stands between digits: write 2.0, or "2." as text'),
        ("{low = -.5}", 'a decimal point stands between digits: write -0.5, or "-.5" as text'),
        ("[" + "1.5, " * 100 + ".5]", 'a decimal point stands between digits: write 0.5, or ".5" as text'),
        ("0,01", "the decimal sign is a point: write 0.01"),
        ("1/3", 'a quotient is written as text: "1/3"'),
        ("[1 / 3, 2]", 'a quotient is written as text: "1/3"'),
    ],
)
def test_a_number_that_toml_writes_otherwise(value: str, remedy: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(f"w = {value}\n", "t")
    assert caught.value.message == f"not TOML: {remedy}"
    first, _, offered = remedy.partition(", or ")
    written = first.rpartition(" ")[2]
    assert parse(f"w = {written}\n", "t").content["w"] == written.strip('"')
    if offered:  # either is the same number
        text = parse(f"w = {offered.removesuffix(' as text')}\n", "t").content["w"]
        assert exact(text) == exact(parse(f"w = {written}\n", "t").content["w"])


@pytest.mark.parametrize("value", ["[1,2", '"a .5', "1.5 x", "[1.5 2]", "1e", "'1/3' x"])
def test_other_slips_are_not_taken_for_numbers(value: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(f"w = {value}\n", "t")
    assert "write" not in caught.value.message


def test_tables_of_a_list_are_counted() -> None:
    text = "[[training.groups]]\nlr = 1\n[[training.groups]]\nlr = 2\n[training.other]\nlr = 3\n"
    document = parse(text, "p.toml")
    found = {path: document.place("training", "groups", path, "lr").line for path in ("1", "2")}
    assert found == {"1": 2, "2": 4}
    assert document.place("training", "groups", "2").line == 3
    assert document.place("training", "groups").line == 1
    assert document.place("training", "other", "lr").line == 6
    assert document.place("training", "groups", "2", "momentum").line == 3  # the table, where the key is not
