"""Claims as people write them: every form of a table, and what is said of a bad one."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.sentence import read_sentence
from verify.claims.table import MAX_CLAIMS, read_table, table_of

ARTICLE = timeline_of("article")
NETWORK = timeline_of("tanh_network")


@pytest.mark.parametrize(
    "table",
    [
        "step,w\n2,0.5\n",
        "epoch,batch,w\n1,2,0.5\n",
        "batch,w\n2,0.5\n",
        "iteration,w\n2,0.5\n",
        "w\n\n\n,\n".replace("\n\n\n,\n", "\n0.26667\n0.5\n"),  # the rows are the steps
        "step,quantity,value\n2,w,0.5\n",
        "epoch,batch,step,quantity,index,hand,hand_exact,autograd\n1,2,2,w,,0.5,1/2,0.5\n",
        'step,w\n2,"0.5"\n',
        "step, w \r\n2, 0.5 \r\n",
        "\nstep,w\n\n2,0.5\n",
    ],
    ids=range(10),
)
def test_tables_wide_and_tidy_place_a_number_alike(table: str) -> None:
    assert claimed(table, timeline_of("article"))[-1] == (2, "after", "w", "0.5")


def test_empty_cells_are_no_claims() -> None:
    assert claimed("step,w,b\n1,,–\n2,0.5,\n3,…,-\n", timeline_of("article")) == [(2, "after", "w", "0.5")]


def test_a_parameter_at_step_0_is_what_it_begins_with() -> None:
    assert claimed("step,w\n0,0\n1,1\n", timeline_of("article"))[0][:3] == (1, "before", "w_before")


def test_epochs_have_means() -> None:
    run = timeline_of("article", epochs=2)
    assert claimed("epoch,batches,n,mean_of_batches\n2,3,9,0.5\n", run) == [(6, "epoch", "mean_of_batches", "0.5")]


PLAIN = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0.5
[data]
x = [1, 2]
y = [3, 5]
[training]
lr = 0.05
epochs = 3
"""


@pytest.mark.parametrize("column", ["epoch", "step", "iteration"])
def test_a_table_that_counts_from_0_is_read_as_it_is_meant(column: str) -> None:
    found = claimed(f"{column},loss,w\n0,9,0.7\n2,1,0.9\n", timeline_of(PLAIN))
    assert found == [
        (1, "loss", "loss", "9"),
        (1, "after", "w", "0.7"),
        (3, "loss", "loss", "1"),
        (3, "after", "w", "0.9"),
    ]


def test_parameters_beside_the_first_loss_may_be_those_a_step_begins_with() -> None:
    """Row 0 holds the initial values, and the last row what the last step has left."""
    found = claimed("step,loss,w,b\n0,9,0.0,0.5\n1,8,0.7,0.6\n3,,0.9,0.7\n", timeline_of(PLAIN))
    assert [(step, group, text) for step, group, _, text in found] == [
        (1, "loss", "9"),
        (1, "before", "0.0"),
        (1, "before", "0.5"),
        (2, "loss", "8"),
        (2, "before", "0.7"),
        (2, "before", "0.6"),
        (3, "after", "0.9"),
        (3, "after", "0.7"),
    ]


def test_how_a_table_counts_is_told() -> None:
    told = "the table counts from 0 (in epoch): its row 0 is read as the first step"
    found = {claim.told for claim in read_table("epoch,loss,w\n0,9,0\n", "t.csv", timeline_of(PLAIN)).claims}
    assert found == {f"{told}, and its parameters as those a step begins with"}
    assert {claim.told for claim in read_table("epoch,loss\n0,9\n", "t.csv", timeline_of(PLAIN)).claims} == {told}
    assert {claim.told for claim in read_table("epoch,loss,w\n1,9,0\n", "t.csv", timeline_of(PLAIN)).claims} == {""}


def test_batches_that_count_from_0_within_epochs_from_1() -> None:
    found = claimed("epoch,batch,loss\n1,0,146.67\n1,2,145.28\n", ARTICLE)
    assert [(step, text) for step, _, _, text in found] == [(1, "146.67"), (3, "145.28")]


def test_a_row_0_of_parameters_alone_is_the_beginning() -> None:
    found = claimed("step,w\n0,0\n1,0.7\n", timeline_of(PLAIN))
    assert [(step, group) for step, group, _, _ in found] == [(1, "before"), (1, "after")]


BAD = [
    ("step,dl/dq\n1,2\n", r"^t\.csv:1:6: unknown quantity 'dl/dq'; did you mean 'dl/d[wb]'\?\n    step,dl/dq\n {9}\^$"),
    ("step,frobnicate\n1,2\n", r"unknown quantity 'frobnicate'; known: loss, dl/dw"),
    ("step,w\n4,2\n", r"^t\.csv:2:1: there is no step 4; the run has the steps 1 to 3"),
    ("step,w\n0.5,2\n", r"'0\.5' is not a number of a step"),
    (
        "step,quantity,value\n0,loss,2\n",
        r"^t\.csv:2:1: there is no step 0 of this quantity; .* are counted from 1: add 1 to each",
    ),
    (
        "step,loss\n0,2\n3,4\n",
        r"^t\.csv:3:1: a loss or gradient stands in a row 0, .* step 3 is the run's step 4: there is no step 4",
    ),
    ("batch,lr\n0,2\n", r"^t\.csv:2:1: there is no batch 0 of this quantity"),
    (
        "epoch,step,w\n2,1,0.5\n",
        r"step 1 of the run is in epoch 1, not 2; what counts within the epoch is called batch",
    ),
    ("epoch,batch,w\n1,4,2\n", r"there is no epoch 1, batch 4; the last is epoch 1, batch 3"),
    ("epoch,w\n1,2\n", r"an epoch has 3 batches; say which one in a column batch"),
    ("step,w\n1,about two\n", r"^t\.csv:2:3: 'about two' is not a number; expected a number, or an empty cell"),
    ("step,w\n1,8,585.23\n", r'3 cells in this row; expected 2.*a number with commas stands in quotes: "8,585\.23"'),
    ("step,w,w\n1,2,3\n", r"two columns are named 'w'"),
    ("step,\n1,2\n", r"a column without a name has numbers"),
    ("", r"has no table; expected a line with the names of the columns"),
    ('step,w\n1,"2"3\n', r"not CSV: a quotation mark inside a cell"),
    ("step,w\n1,2\n1,4\n", r"^t\.csv:3:3: w at step 1 is claimed to be '4' here and '2' at t\.csv:2:3; keep one"),
    ("step,quantity\n1,w\n", r"needs one with its numbers: value, claimed"),
    ("step,a\n1,3\n", r"a runs over the samples; name one entry, such as a\[0\]"),
    ("step,a[3]\n1,3\n", r"the batch of step 1 does not hold the row 3 of the data; it holds 0, 1, 2"),
    ("step,w[0]\n1,3\n", r"w is one number"),
    ("mean_of_batches\n2\n", r"is of an epoch; say which one in a column epoch"),
]


@pytest.mark.parametrize(("table", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_a_table_that_cannot_be_read_is_refused_where_it_stands(table: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(table, timeline_of("article"))


@pytest.mark.parametrize("cells", ["0.27,0.267", "0.267,0.27", "0.3,0.267"])
def test_of_claims_that_can_be_the_same_number_the_one_with_more_digits_is_judged(cells: str) -> None:
    assert claimed(f"step,w,new w\n1,{cells}\n", timeline_of("article")) == [(1, "after", "w", "0.267")]


@pytest.mark.parametrize("cells", ["0.26,0.27", "0.27,0.26", "0.2675,0.2674"])
def test_claims_that_share_a_tie_alone_contradict(cells: str) -> None:
    with pytest.raises(ClaimError, match=r"w at step 1 is claimed to be '.*' here and '.*' at t\.csv:2:3; keep one"):
        claimed(f"step,w,new w\n1,{cells}\n", timeline_of("article"))


@pytest.mark.parametrize("cells", ["1/4,0.3", "1/4,2/8", "-0.0,0.0"])
def test_an_exact_number_at_the_end_of_an_interval_does_not_contradict(cells: str) -> None:
    assert len(claimed(f"step,w,new w\n1,{cells}\n", timeline_of("article"))) == 1


def test_an_epoch_beside_its_own_step_says_the_same() -> None:
    run = timeline_of("article", epochs=2)
    assert claimed("epoch,step,w\n2,5,0.5\n", run) == [(5, "after", "w", "0.5")]


@pytest.mark.parametrize("written", ["n/a", "N/A", "NA", "--", "—"])
def test_a_sign_for_no_value_is_no_claim(written: str) -> None:
    assert claimed(f"step,w,b\n2,0.5,{written}\n", timeline_of("article")) == [(2, "after", "w", "0.5")]


WORDS = (
    *("step", "w", "dl/dw", "a[4]", "W[1,", "predict", "epoch", "quantity", "value", ",", '"', "1", "2", "-0.5"),
    *("1e9", "1/0", "nan", "=", ":", "∂", "٣", "²", "[", "(2)"),
)
PIECES = st.sampled_from([*WORDS, "\n", "\t", "\x00", " ", "9" * 5000, "a[" + "9" * 5000 + "]"])


@given(st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    for read in (lambda: claimed(text, ARTICLE), lambda: read_sentence(text, ARTICLE)):
        with contextlib.suppress(ClaimError):
            read()


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_bytes("step,w\n1,2 ≈\n".encode("cp437"))
    with pytest.raises(ClaimError, match=r"is not text in UTF-8 \(byte 12\); save it as UTF-8"):
        table_of(file, timeline_of("article"))


def test_a_file_of_100_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    with file.open("wb") as handle:
        handle.truncate(100 * 10**6)
    with pytest.raises(ClaimError, match=f"is larger than {MAX_CLAIMS // 10**6} MB; expected a CSV file of claims"):
        table_of(file, timeline_of("article"))


def test_a_table_of_too_many_cells_is_refused() -> None:
    with pytest.raises(ClaimError, match=r"^t\.csv: t\.csv has more than 1,000,000 cells; claim fewer steps"):
        claimed("step,w\n" + "1,2\n" * 600_000, timeline_of("article"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match=r"there is no file .*expected a CSV file of claims"):
        table_of(tmp_path / "nowhere.csv", timeline_of("article"))


@given(st.permutations(range(12)), st.sampled_from(["quantity", "name", "Variable"]), st.sampled_from([",", " | "]))
def test_without_a_step_each_name_of_a_tidy_table_counts_its_own_rows(
    order: list[int], word: str, between: str
) -> None:
    """In whatever order the names stand, also with an index, an empty cell and a name that is written in two ways."""
    names = [("W", "0,1"), ("W", "1,0"), ("b", "1"), ("loss", "")]
    held: dict[tuple[str, str], int] = {}
    rows, numbered = [(word, "index", "value")], [("step", "quantity", "index", "value")]
    for k in order:
        name, index = names[k % 4]
        step = held[name, index] = held.get((name, index), 0) + 1
        value = "—" if k == 5 else f"0.{k + 1}5"
        written = "error" if (name, step) == ("loss", 2) else name
        rows.append((written, f'"{index}"', value))
        numbered.append((str(step), name, f'"{index}"', value))
    texts = ["\n".join(between.join(row) for row in table) for table in (rows, numbered)]
    if between != ",":
        texts = [text.replace('"', "") for text in texts]
    found, expected = (read_table(text + "\n", "t", NETWORK) for text in texts)
    assert {(one.cell, one.literal.text) for one in found.claims} == {
        (one.cell, one.literal.text) for one in expected.claims
    }
    assert "no column says the step: the first row of each name as step 1" in found.told
    assert "no column says the step" not in expected.told


@pytest.mark.parametrize("head", ["quantity", "Quantity", "name"])
def test_names_that_end_in_numbers_are_no_steps(head: str) -> None:
    problem = timeline_of(
        'equations = "l = w1*w5^2 + w7"\n[parameters]\nw1 = 1\nw5 = 2\nw7 = 3\n[training]\nlr = 0.1\n'
    )
    found = claimed(f"{head},value\nw1,0.6\nw5,1.6\nw7,2.9\n", problem)
    assert found == [(1, "after", "w1", "0.6"), (1, "after", "w5", "1.6"), (1, "after", "w7", "2.9")]


def test_a_name_that_stands_more_often_than_there_are_steps_is_told() -> None:
    text = "quantity,value\n" + "w,0.5\n" * 6 + "loss,2\n"
    why = "t:5:1: nothing says the step, so row 4 of 'w' is about step 4: there is no step 4; the run has the steps 1"
    with pytest.raises(ClaimError, match=why):
        read_table(text, "t", ARTICLE)
