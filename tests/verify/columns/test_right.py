from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

import derive
from derive.errors import HandgradError
from derive.run.precedence import effective
from tables.audit import claims as as_frame
from tables.audit import to_json
from tables.text.audit import to_text
from tests.long_runs import long_run
from verify import Status, audit
from verify.auditing.reading import drawn
from verify.claims.claim import Cell, Quantity
from verify.columns import claims as plain_claims
from verify.columns import right as right_columns
from verify.following import course
from verify.following.extent import of_steps
from verify.following.right_values import right_values
from verify.numbers import decimal, middle, precision


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows are long ones."""
    monkeypatch.setattr(plain_claims, "LONG", 4)
    monkeypatch.setattr(plain_claims, "HEAD", 2)
    monkeypatch.setattr(right_columns, "HEAD", 2)


def both_ways(problem: str, claims: str, **more: object) -> tuple[bool, list[str], list[str]]:
    """Whether a table is judged a column at once, and all that is told of it, so and claim by claim."""
    said, at_once = [], []
    for long in (plain_claims.LONG, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain_claims, "LONG", long)
            try:
                found = audit(problem, claims=claims, **more)
            except HandgradError as error:
                said.append([str(error)])
                continue
            at_once.append(isinstance(found.findings, right_columns.RightColumns))
            said.append([to_text(found), to_json(found), as_frame(found).to_csv(), str(found), str(found.exit_status)])
            said[-1] += [str(found.first_wrong and found.first_wrong.cell.name), repr(found), str(len(found.findings))]
    assert not at_once or not at_once[-1]
    return bool(at_once and at_once[0]), said[0], said[1]


def table(draw: Random, text: str, wanted: list[tuple[str, str, tuple[int, ...]]]) -> tuple[str, list[list[str]]]:
    """The head of a table of right numbers, and its rows."""
    run = drawn(problem := derive.load(text), effective(problem, {}))
    columns = draw.sample(wanted, draw.randint(1, min(4, len(wanted))))
    places = [draw.randint(0, 8) for _ in columns]
    cells = {
        (step, column): Cell(step, Quantity(own[0], own[1], ""), own[2], own[2])
        for step in range(1, len(run.batches) + 1)
        for column, own in enumerate(columns)
    }
    with precision(256):
        right = right_values(run, list(cells.values()), lambda _: True).values
    heads = [
        {"loss": "loss", "before": f"{name}_before", "after": name, "gradients": f"dl/d{name}"}[group]
        + "".join(f"[{entry}]" for entry in position)
        for group, name, position in columns
    ]
    rows = [
        [str(step), *(f"{float(middle(right[cells[step, k]])):.{places[k]}f}" for k in range(len(columns)))]
        for step in range(1, len(run.batches) + 1)
        if draw.random() < 0.9
    ]
    return ",".join(["step", *heads]), rows


@how_many(deadline=None, max_examples=30)
@given(st.integers(0, 2**40), st.booleans())
def test_all_that_is_told_is_the_same_a_column_at_once(seed: int, is_wrong: bool) -> None:
    """Also where a number is changed in one of its digits, or a cell in any way."""
    draw = Random(seed)
    text, wanted = long_run(draw)
    head, rows = table(draw, text, wanted)
    row, column = draw.randrange(len(rows)), draw.randrange(1, len(rows[0]))
    if is_wrong:
        cell = rows[row][column]
        at = draw.randrange(len(cell))
        rows[row][column] = cell[:at] + draw.choice("0123456789-.") + cell[at + 1 :]
    claims = "\n".join([head, *map(",".join, rows)]) + "\n"
    _, told, plainly = both_ways(text, claims, dtype="float64", units=draw.choice([None, None, 2]))
    assert told == plainly


def test_most_right_tables_are_judged_a_column_at_once() -> None:
    told = 0
    for seed in range(12):
        draw = Random(seed)
        text, wanted = long_run(draw, "SGD")
        head, rows = table(draw, text, wanted)
        told += both_ways(text, "\n".join([head, *map(",".join, rows)]))[0]
    assert told >= 9


LINE = """equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0.5, -0.25, 0.75, 1]
y = [1, 0.5, -0.5, 0.25]
[training]
lr = 0.1
batch_size = 1
epochs = 2
"""


def right_table() -> list[list[str]]:
    found = audit(LINE, claims="step,w,loss\n" + "".join(f"{k},0,0\n" for k in range(1, 9)))
    right = {(one.cell.step, one.cell.quantity.group): one.right for one in found.findings}
    return [[str(k), *(decimal(right[k, group], 6) for group in ("after", "loss"))] for k in range(1, 9)]


def test_each_wrong_number_is_found_where_it_stands() -> None:
    rows = right_table()
    is_at_once, told, plainly = both_ways(LINE, as_text(rows))
    assert is_at_once
    assert told == plainly
    for row in range(len(rows)):
        for column in (1, 2):
            wrong = [list(own) for own in rows]
            wrong[row][column] = f"{float(wrong[row][column]) + 0.5:.6f}"
            is_at_once, told, plainly = both_ways(LINE, as_text(wrong))
            assert not is_at_once
            assert told == plainly
            found = audit(LINE, claims=as_text(wrong))
            assert found.first_wrong is not None
            assert (found.first_wrong.cell.step, found.first_wrong.cell.name) == (row + 1, ("w", "loss")[column - 1])


def as_text(rows: list[list[str]]) -> str:
    return "\n".join(["step,w,loss", *map(",".join, rows)]) + "\n"


def test_the_last_digit_and_a_tie_decide() -> None:
    """Also a number with more digits or fewer, and `-0.000`, which is no positive number."""
    problem = LINE.replace("epochs = 2", "epochs = 1")
    rows = [["1", "0.10"], ["2", "0.08"], ["3", "-0.03"], ["4", "-0.03"]]
    found = audit(problem, claims="step,w\n1,0\n2,0\n3,0\n4,0\n").findings
    known = {one.cell.step: one.right for one in found}
    rows = [[step, f"{float(middle(known[int(step)])):.3f}"] for step, _ in rows]
    for change in (None, (0, "0.101"), (0, "0.1"), (0, "-0.000"), (0, "+0.100"), (1, "0.0000000"), (3, "9.9")):
        own = [list(row) for row in rows]
        if change is not None:
            own[change[0]][1] = change[1]
        text = "step,w\n" + "\n".join(map(",".join, own))
        _, told, plainly = both_ways(problem, text)
        assert told == plainly


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("step,", "epoch,"),
        lambda text: text.replace("step,w,loss", "step,w,loss,accuracy").replace("\n", ",1\n")[:-2],
        lambda text: text.replace(",loss", ",nothing"),
        lambda text: text.replace("8,", "9,"),
        lambda text: text.replace("1,", "0,", 1),
        lambda text: text + "8,1,1\n",
        lambda text: text.replace("\n4,", "\n\n4,"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "# a comment\n" + text,
        lambda text: text.replace("w,loss", "w,w"),
        lambda text: text.replace("w,loss", "loss,w"),
        lambda text: text.replace("w,loss", "l,l"),
        lambda text: text.replace("w,loss", "new w,loss"),
        lambda text: text.replace("w,loss", "lr,loss"),
        lambda text: text[: text.rindex(",")] + ",..\n",
        lambda text: text[: text.rindex(",")] + "\n",
    ],
)
def test_tables_of_other_kinds_are_told_alike(change) -> None:  # type: ignore[no-untyped-def]
    _, told, plainly = both_ways(LINE, change(as_text(right_table())))
    assert told == plainly


def test_a_file_is_read_so_and_a_limit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(as_text(right_table()), encoding="utf-8")
    found = audit(LINE, claims=path)
    assert isinstance(found.findings, right_columns.RightColumns)
    assert found.findings[0].claim.place.source == str(path)
    assert found.counts == {Status.RIGHT: 16}
    assert [one.cell.name for one in found.findings[-2:]] == ["loss", "w"]
    assert found.findings[-1] == found.findings[15]
    with pytest.raises(IndexError):
        found.findings[16]
    with pytest.raises(HandgradError, match="limit"):
        audit(LINE, claims=path, limit=10)
    with pytest.raises(HandgradError, match="there is no file"):
        audit(LINE, claims=tmp_path / "other.csv")


def test_other_settings_are_told_alike() -> None:
    text = as_text(right_table())
    for more in ({"until": "l < 0.5"}, {"momentum": 0.5}, {"clip_grad_value": 1}, {"accumulate": 2}, {"shuffle": True}):
        _, told, plainly = both_ways(LINE, text, **more)
        assert told == plainly


def test_sentences_beside_a_table_are_judged_with_it() -> None:
    text = as_text(right_table())
    found = audit(LINE, claims=text, sentences=["step 1: dl/dw = -1"])
    assert len(found.findings) == 17
    formulas = LINE + '[claims]\nformulas = ["dl/dw = 2*mean((w*x + b - y)*x)"]\n'
    _, told, plainly = both_ways(formulas, text)
    assert told == plainly


def test_long_tables_show_their_first_rows() -> None:
    problem = LINE.replace("epochs = 2", "epochs = 30")
    found = audit(problem, claims="step,w\n" + "".join(f"{k},0\n" for k in range(1, 121)))
    rows = [[str(one.cell.step), decimal(one.right, 5)] for one in found.findings]  # type: ignore[arg-type]
    is_at_once, told, plainly = both_ways(problem, "step,w\n" + "".join(f"{k},{w}\n" for k, w in rows if "e" not in w))
    assert is_at_once
    assert told == plainly
    assert "rows are not shown" in told[0]


def test_the_claims_of_a_right_table_do_not_count_to_the_limit() -> None:
    """Those of any other table do: each of them is read, judged and told by itself."""
    run = drawn(problem := derive.load(LINE), effective(problem, {}))
    limit = of_steps(run, 8, 0).calculations
    rows = right_table()
    assert audit(LINE, claims=as_text(rows), limit=limit).counts == {Status.RIGHT: 16}
    with pytest.raises(HandgradError, match="limit"):
        audit(LINE, claims=as_text(rows), limit=limit - 1)
    rows[7][1] = "9.5"
    with pytest.raises(HandgradError, match="limit"):
        audit(LINE, claims=as_text(rows), limit=limit)


def test_a_wrong_table_is_left_at_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps beyond it are not calculated for it twice."""
    lasts: list[int] = []
    rows = right_table()
    original = course.course

    def noted(run, wanted, last):  # type: ignore[no-untyped-def]
        lasts.append(last)
        return original(run, wanted, last)

    monkeypatch.setattr(course, "course", noted)
    rows[1][1] = "9.5"
    assert audit(LINE, claims=as_text(rows)).first_wrong is not None
    assert lasts == [2]
