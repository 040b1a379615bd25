"""The audit: right tables are right, one changed digit is found, and what follows from it is told apart from it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import ClaimError, ProblemError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from tables.account import sentence, summary
from tables.audit import claims, to_json
from tables.text.audit import to_text
from verify import verify
from verify.auditing.pipeline import Audit, audit
from verify.claims.claim import Cell, Quantity
from verify.claims.literal import read_literal, written_like
from verify.following.finding import Finding, Status
from verify.following.right_values import right_values
from verify.numbers import Exactly, from_fraction, to_fraction

ROOT = Path(__file__).resolve().parents[3]

ARTICLE = {
    (1, "loss"): "146.67", (1, "dl/dw"): "-26.67", (1, "dl/db"): "-24", (1, "w"): "0.267", (1, "b"): "0.24",
    (2, "loss"): "280.67", (2, "dl/dw"): "-135.86", (2, "dl/db"): "-33.39", (2, "w"): "1.63", (2, "b"): "0.57",
    (3, "loss"): "145.28", (3, "dl/dw"): "-169.19", (3, "dl/db"): "-24.10", (3, "w"): "3.32", (3, "b"): "0.81",
}  # fmt: skip


def audited(problem: str, numbers: Mapping[tuple[int, str], str], **options: object) -> Audit:
    """The audit of single claims."""
    sentences = [f"step {step}: {name} = {text}" for (step, name), text in numbers.items()]
    return audit(problem, sentences=sentences, **options)  # type: ignore[arg-type]


def of(found: Audit, step: int, name: str) -> Finding:
    """The finding of one number."""
    [finding] = [one for one in found.findings if (one.cell.step, one.cell.name) == (step, name)]
    return finding


def statuses(found: Audit) -> dict[tuple[int, str], str]:
    return {(one.cell.step, one.cell.name): one.status.value for one in found.findings}


def test_the_articles_table_is_right_at_its_digits() -> None:
    found = audit("article")
    assert len(found.findings) == 15
    assert set(statuses(found).values()) == {"right"}
    assert (found.first_wrong, found.exit_status) == (None, 0)
    assert summary(found) == ("15 claims: 15 right", "11 formulas: 11 right")


def test_with_the_learning_rate_of_its_text_the_first_wrong_cell_is_w_after_step_1() -> None:
    found = audit("article", lr="0.1")
    assert found.first_wrong is of(found, 1, "w")
    assert found.exit_status == 1
    assert summary(found)[1] == "first wrong: step 1, w, claimed as 0.267; right is 2.667 (2.666667)"
    gradient = of(found, 2, "dl/dw")
    assert gradient.status is Status.INHERITED  # it is right by the article's own w and b
    assert gradient.inherited_from == of(found, 1, "w").cell


def test_from_the_printed_w_and_b_the_gradient_of_step_3_lies_where_their_digits_allow() -> None:
    found = audited("article", {**ARTICLE, (3, "dl/dw"): "-160.00"})
    finding = of(found, 3, "dl/dw")
    assert finding.status is Status.WRONG
    assert finding.follows == pytest.approx((-169.34, -168.20667), abs=1e-4)
    assert "it lies between -169.34 and -168.2067" in sentence(found, finding)


def test_what_was_calculated_from_rounded_numbers_is_carried_and_right_work() -> None:
    found = audited("article", {**ARTICLE, (3, "dl/dw"): "-168.77"})
    assert of(found, 3, "dl/dw").status is Status.CARRIED
    assert (found.exit_status, found.first_wrong) == (0, None)
    assert summary(found)[1] == (
        "carried: from step 3, dl/dw, claimed as -168.77, on, numbers follow from rounded ones as printed; "
        "exactly it is -169.19 (-169.19159)"
    )


def test_a_wrong_number_is_followed_through() -> None:
    # w after step 2 is 1.53 in place of 1.63; step 3 goes on from that, rightly
    changed = {(2, "w"): "1.53", (3, "dl/dw"): "-178.7", (3, "w"): "3.317"}
    found = audited("article", {**ARTICLE, **changed, (3, "loss"): "162.4", (3, "dl/db"): "-25.5", (3, "b"): "0.825"})
    assert found.first_wrong is of(found, 2, "w")
    assert of(found, 3, "dl/dw").status is Status.INHERITED
    assert of(found, 3, "dl/dw").inherited_from == of(found, 2, "w").cell
    assert of(found, 3, "loss").status is Status.INHERITED
    assert of(found, 3, "w").status is Status.RIGHT  # right by chance: right stays right


def test_a_number_that_is_wrong_by_itself_is_wrong_though_an_earlier_one_is_too() -> None:
    found = audited("article", {**ARTICLE, (2, "w"): "1.53", (3, "dl/db"): "99"})
    assert of(found, 3, "dl/db").status is Status.WRONG
    assert of(found, 3, "dl/dw").status is Status.RIGHT


def test_a_parameter_that_was_not_updated_is_named_so() -> None:
    found = audited("article", {(1, "w"): "0.27", (2, "w"): "0.27"})
    assert of(found, 2, "w").remarks == ("It is w before the update, 0.27",)
    assert of(audited("article", {(1, "w"): "0.000"}), 1, "w").remarks == ("It is w before the update",)


@pytest.mark.parametrize(
    ("numbers", "later"),
    [
        ({(1, "w"): "nan", (2, "dl/dw"): "5.00"}, (2, "dl/dw")),
        ({(1, "w"): "inf", (1, "b"): "-inf", (2, "loss"): "1.00"}, (2, "loss")),
        ({(1, "w"): "5e30", (2, "loss"): "1.00"}, (2, "loss")),
    ],
)
def test_degenerate_earlier_numbers_do_not_make_what_follows_look_right(
    numbers: dict[tuple[int, str], str], later: tuple[int, str]
) -> None:
    found = audited("article", numbers)
    assert of(found, *later).status in (Status.NOT_RIGHT, Status.WRONG)
    assert of(found, 1, "w").status is Status.WRONG
    assert found.exit_status == 1


def test_numbers_beyond_float64_are_judged_and_written() -> None:
    found = audited("article", {(1, "w"): "1e300", (2, "w"): "1e305", (3, "loss"): "1e399", (3, "dl/dw"): "2"})
    assert statuses(found)[1, "w"] == "wrong"
    assert found.exit_status == 1
    assert json.loads(to_json(found))["claims"][2]["low"] is None
    assert "1e399" in to_text(found)


def test_an_interval_that_is_too_wide_to_tell_leaves_open_only_whether_it_is_inherited() -> None:
    found = audited("article", {(1, "w"): "3e1", (1, "b"): "-12e1", (2, "dl/db"): "-4.4"})
    assert of(found, 2, "dl/db").status is Status.NOT_RIGHT
    assert sentence(found, of(found, 2, "dl/db")) == (
        "step 2, dl/db = -4.4 is not right: right is -33.4 (-33.38667); "
        "whether it follows from step 1, w, the earlier numbers are too coarse to tell"
    )


def test_what_is_known_not_to_be_right_is_never_undecided() -> None:
    found = audited("article", {(1, "w"): "3e1", (1, "b"): "-12e1", (2, "dl/db"): "-0.0002"})
    assert statuses(found) | {(1, "w"): "", (1, "b"): ""} == {(1, "w"): "", (1, "b"): "", (2, "dl/db"): "not_right"}
    assert found.exit_status == 1


def test_all_kinds_of_quantities_are_judged() -> None:
    text = """
equations = "p = w*x; d = p - y; l = mean(d^2)"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [2, 4, 6]
[training]
lr = 0.01
momentum = 0.5
batch_size = 2
epochs = 1
[watch]
double = "2*w"
[predict]
x = [10]
"""
    # by hand: d = (-1, -2), l = 2.5, dl/dw = -5, v = -5, w = 1.05; then d = -2.85, l = 8.1225, dl/dw = -17.1,
    # v = -19.6, w = 1.246
    claims = {
        (1, "w_before"): "1", (1, "p[1]"): "2.0", (1, "d[0]"): "-1", (1, "loss"): "2.5", (1, "dl/dp[1]"): "-2.0",
        (1, "dl/dw"): "-5", (1, "w.v"): "-5.0", (1, "w"): "1.05", (1, "double"): "2.1", (2, "w.v_before"): "-5",
        (2, "loss"): "8.1225", (2, "dl/dw"): "-17.1", (2, "w.v"): "-19.6", (2, "w"): "1.246", (2, "n"): "1",
        (2, "lr"): "0.01", (2, "double"): "2.492",
    }  # fmt: skip
    sentences = [f"step {step}: {name} = {number}" for (step, name), number in claims.items()]
    sentences += ["predict: p = 12.46", "epoch 1: mean_of_batches = 5.31125", "epoch 1: mean_over_samples = 4.3742"]
    found = audit(text, sentences=sentences)
    assert set(statuses(found).values()) == {"right"}, statuses(found)
    for place, claim in enumerate(sentences):  # and each of them is found where it is wrong
        left, _, number = claim.rpartition("= ")
        moved = f"{float(number) * 1.37:.5f}"  # farther than the digits of the others allow
        wrong = audit(text, sentences=[*sentences[:place], f"{left}= {moved}", *sentences[place + 1 :]])
        assert wrong.first_wrong is not None, claim
        assert wrong.first_wrong.claim.literal.text == moved


def test_the_gradients_at_a_point_are_judged() -> None:
    text = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 1\n'
    found = audit(text, sentences=["dl/dw = -4", "l = 4.0", "w = 1"])
    assert set(statuses(found).values()) == {"right"}
    assert audit(text, sentences=["dl/dw = 4"]).exit_status == 1


def test_gradients_that_add_up_are_judged_as_sums() -> None:
    found = audited("article", {(1, "dl/dw"): "-26.67", (2, "dl/dw"): "-162.52"}, zero_grad="false")
    assert set(statuses(found).values()) == {"right"}


def test_units_of_the_last_digit_count_where_the_author_says_so() -> None:
    claims = {(2, "dl/db"): "-33.37"}
    assert audited("article", claims).exit_status == 1
    assert audited("article", claims, units=2).exit_status == 0
    stated = load((ROOT / "derive/problems/article.toml").read_text().replace("-33.39", "-33.37"))
    assert audit(stated).counts[Status.CARRIED] == 1  # beside w = 0.27 and b = 0.24
    allowed = (
        (ROOT / "derive/problems/article.toml")
        .read_text()
        .replace("-33.39", "-33.37")
        .replace("[claims]", "[claims]\nunits = 2")
    )
    assert audit(load(allowed)).exit_status == 0


# What a program prints: 1.50994944 is 1.5099497 in float32


def test_what_a_float32_program_prints_is_residue_and_one_digit_further_is_wrong() -> None:
    assert of(audited("parabola", {(5, "loss"): "1.509950"}), 5, "loss").status is Status.RESIDUE
    assert of(audited("parabola", {(5, "loss"): "1.509952"}), 5, "loss").status is Status.WRONG
    assert of(audited("parabola", {(5, "loss"): "1.509950"}, dtype="float64"), 5, "loss").status is Status.WRONG


def test_what_no_bound_decides_is_residue_where_pytorch_prints_it() -> None:
    found = audited("parabola", {(81, "x"): "nan", (41, "loss"): "inf", (42, "loss"): "nan"}, lr="2", steps=90)
    assert statuses(found) == {(41, "loss"): "residue", (42, "loss"): "wrong", (81, "x"): "residue"}
    assert found.asked_pytorch


def test_a_table_is_audited_without_pytorch() -> None:
    program = (
        "import sys\nfrom verify.auditing.pipeline import audit\n"
        "audit('article', lr='0.1'); audit('line'); audit('parabola', sentences=['step 3: x = 1.5'])\n"
        "print('torch' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False False\n", "")


# Round trips

PROBLEMS = ("article", "parabola", "logistic", "relu_network", "tanh_network", "fan_out")


def cells_of(problem: str) -> dict[Cell, Exactly]:
    """The right values of the numbers of a table: loss, gradients, parameters."""
    read = load(problem)
    chosen = effective(read, {})
    sided = Run(read, differentiate(read.graph), chosen)
    cells = []
    for step in range(1, min(chosen.steps, 4) + 1):
        cells.append(Cell(step, Quantity("loss", read.graph.loss, "loss")))
        for group in ("gradients", "after"):
            for parameter in read.parameters:
                label = parameter.name if group == "after" else f"d{read.graph.loss}/d{parameter.name}"
                entry = (0,) * len(parameter.shape)
                cells.append(Cell(step, Quantity(group, parameter.name, label), entry, entry))
    return dict(right_values(sided, cells, lambda _: True).values)


VALUES = {problem: cells_of(problem) for problem in PROBLEMS}


@settings(max_examples=60)
@given(st.sampled_from(PROBLEMS), st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([1, -1]))
def test_one_unit_of_the_last_digit_of_one_cell_is_found_and_that_cell_first(
    problem: str, places: int, which: int, off: int
) -> None:
    like = read_literal("0." + "0" * places)
    values = VALUES[problem]
    printed = {cell: written_like(like, value) for cell, value in values.items()}
    changed = list(values)[which % len(values)]
    literal = read_literal(printed[changed])
    assert literal.unit is not None
    other = literal.value + off * literal.unit
    middle = to_fraction(values[changed])
    assume(middle is None or abs(middle - other) != literal.unit / 2)  # a tie is right either way
    text = written_like(like, from_fraction(other))
    claims = {**printed, changed: text}
    found = audit(problem, sentences=[f"step {c.step}: {c.name} = {t}" for c, t in claims.items()])
    [finding] = [one for one in found.findings if one.cell.step == changed.step and one.cell.name == changed.name]
    assert finding.status is not Status.RIGHT
    told = [one for one in found.findings if one.status is not Status.RIGHT]
    assert told == [finding]
    assert finding.status not in (Status.INHERITED, Status.NOT_RIGHT)  # carried, where the digits of the others allow


def test_a_thousand_steps_are_followed_through() -> None:
    text = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 0\n[training]\nlr = 0.001\nsteps = 1000\n'
    w = [Fraction(0)]
    for _ in range(1000):  # from step 10 on with a wrong w, rightly calculated
        w.append(w[-1] - Fraction(1, 1000) * 2 * (w[-1] - 3) + (Fraction(1, 10) if len(w) == 10 else 0))
    claims = {(step, "w"): f"{float(w[step]):.8f}" for step in range(1, 1001)}
    found = audited(text, claims)
    assert found.first_wrong is of(found, 10, "w")
    assert found.counts == {Status.RIGHT: 9, Status.WRONG: 1, Status.INHERITED: 990}
    assert of(found, 1000, "w").inherited_from == of(found, 10, "w").cell


def test_the_frame_has_a_row_for_each_claim() -> None:
    made = claims(audit("article", lr="0.1"))
    assert list(made["status"][:4]) == ["right", "right", "right", "wrong"]
    assert list(made["first_wrong"]).count(True) == 1
    assert made["inherited_from"][6] == "step 1: w"


def test_problems_without_claims_or_numbers_are_refused() -> None:
    with pytest.raises(ClaimError, match="states no numbers; give a table under"):
        audit("logistic")
    with pytest.raises(ProblemError, match="is about a number, and the equations alone have none"):
        audit("l = w^2", sentences=["dl/dw = 1"])


def test_formulas_of_the_file_are_judged_beside_a_table(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("step,w\n1,0.27\n")
    found = audit("article", claims=table)
    assert [formula.status for formula in found.formulas] == ["right"] * 11
    assert (found.exit_status, audit("article", claims=table, optimizer="Adam").exit_status) == (0, 1)
    wrong = (ROOT / "derive/problems/article.toml").read_text().replace('"1/n"', '"2/n"')
    found = audit(load(wrong), claims=table)
    assert [formula.name for formula in found.formulas if formula.status == "wrong"] == ["dl/de"]
    assert found.exit_status == 1
    assert summary(found)[-1] == "11 formulas: 10 right, 1 wrong"
    assert audit(load(wrong), sentences=["step 1: w = 0.27"]).formulas == ()  # one number alone is asked about


def test_an_error_in_the_problems_own_table_points_at_its_line() -> None:
    text = (ROOT / "derive/problems/article.toml").read_text().replace("-33.39", "minus")
    [unread] = audit(load(text)).unread
    assert str(unread).startswith("<text>:35:17: 'minus' is not a number")
    with pytest.raises(ClaimError, match=r"^<text>:33:8: unknown quantity 'dl/dv'"):
        audit(load(text.replace("dl/dw, ", "dl/dv, ")))


def test_json_is_json() -> None:

    document = json.loads(to_json(audit("article", lr="0.1")))
    assert document["schema"] == "handgrad/audit/1"
    assert document["counts"] == {
        "right": 3, "truncated": 0, "double_rounded": 0, "residue": 0, "carried": 0,
        "wrong": 6, "inherited": 6, "not_right": 0, "undecided": 0,
    }  # fmt: skip
    assert document["first_wrong"]["quantity"] == "w"


DIVERGES = "equations = 'l = (w - 3)^2'\n[parameters]\nw = 1\n[training]\nlr = 10\nsteps = 400\n"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("step,w\n1,41\n400,1e400\n", ["right", "wrong"]),
        ("step,w\n1,42\n400,1/7\n", ["wrong", "undecided"]),
        ("step,w\n400,-1.00000000000000000e399\n", ["wrong"]),
        ("step,w\n400,nan\n", ["residue"]),
        ("step,dl/dw\n400,5\n", ["undecided"]),
    ],
)
def test_numbers_beyond_float64_are_judged(tmp_path: Path, table: str, expected: list[str]) -> None:
    (tmp_path / "claims.csv").write_text(table)
    found = audit(load(DIVERGES), claims=tmp_path / "claims.csv")
    assert [finding.status.value for finding in found.findings] == expected
    assert "e+51" in to_json(found)
    assert "step 400" in to_text(found)
    assert len(claims(found)) == len(expected)


def test_digits_that_are_not_known_are_not_shown() -> None:
    problem = load("equations = 'l = (w - 3)^2'\n[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 1500000\n")
    [finding] = audit(problem, sentences=["step 1500000: l = 0.5"]).findings  # the right number is 4·0.64^1499999
    assert (finding.status.value, finding.printed, finding.exact) == ("wrong", "0.0", "")


@dataclass(frozen=True)
class Formula:
    """A stated formula as `Audit.formulas` holds it."""

    status: str
    name: str = "dl/dw"
    text: str = "2*w"
    sentence: str = "said of it"
    used: tuple[str, ...] = ()


@pytest.mark.parametrize(("status", "exit_status"), [("right", 0), ("wrong", 1), ("undecided", 3)])
def test_formulas_alone_are_counted_in_place_of_the_claims(status: str, exit_status: int) -> None:
    found = replace(audit("article"), findings=(), formulas=(Formula("right"), Formula(status)))
    counted = "2 right" if status == "right" else f"1 right, 1 {status}"
    assert summary(found) == (f"2 formulas: {counted}",)
    assert found.exit_status == exit_status
    assert summary(replace(found, formulas=())) == ("no claims",)


@pytest.mark.parametrize(("status", "exit_status"), [("right", 0), ("wrong", 1), ("undecided", 3)])
def test_formulas_count_for_the_exit_status_and_are_printed(status: str, exit_status: int) -> None:
    found = replace(audit("article"), formulas=(Formula(status),))
    assert found.exit_status == exit_status
    assert "dl/dw = 2*w: said of it" in to_text(found)
    assert json.loads(to_json(found))["formulas"][0]["status"] == status
    assert replace(audit("article", lr="0.1"), formulas=(Formula(status),)).exit_status == 1


ENDED = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2]
y = [3, 6]
[predict]
x = [10]
y = [1]
[report]
half = "l/2"
[training]
lr = 0.1
steps = 20
until = "l < 2"
"""


@pytest.mark.parametrize("variant", [{}, {"momentum": 0.5, "variant": "lr_in_velocity"}])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_run_that_until_ends_is_claimed_about_up_to_its_end(variant: dict[str, Any], batch_size: int) -> None:
    """What is predicted is so with its last parameters, and an epoch that it breaks off has the mean of its batches."""
    result = verify(ENDED, batch_size=batch_size, **variant)
    steps, prediction = len(result.record.steps), result.comparison.prediction
    assert steps < result.settings.steps
    assert prediction is not None
    right = float(prediction.numbers["nodes", "l"].autograd)
    last = result.epochs[-1]
    rows = [
        {"step": "predict", "l": f"{right:.4g}"},
        {"step": steps, "w": f"{float(result.rows[-1].checks['w'].hand):.4g}"},
    ]
    found = audit(ENDED, claims=rows, batch_size=batch_size, **variant)
    assert [one.status.value for one in found.findings] == ["right", "right"]
    rows = [{"epoch": last.epoch, "mean_of_batches": f"{last.hand.of_batches:.4g}"}]
    assert audit(ENDED, claims=rows, batch_size=batch_size, **variant).findings[0].status.value == "right"
    rows = [{"step": "predict", "l": f"{right * 1.01:.4g}"}]
    assert audit(ENDED, claims=rows, batch_size=batch_size, **variant).findings[0].status.is_refused


def test_an_author_who_goes_on_after_until_is_judged_all_the_same() -> None:
    rows = [{"step": 3, "w": "2.625"}, {"step": 4, "w": "2.8125"}, {"step": "predict", "l": "637.5625"}]
    assert [one.status.value for one in audit(ENDED, claims=rows).findings] == ["right"] * 3
    rows[0]["w"], rows[1]["w"], rows[2]["l"] = "2.525", "2.7625", "586.5625"  # (10·2.525 − 1)² is 588.0625
    assert [one.status.value for one in audit(ENDED, claims=rows).findings] == ["wrong", "wrong", "inherited"]


def test_an_audit_prints_what_was_found() -> None:
    found = audit("article", claims=[{"step": 1, "w": 0.3}, {"step": 2, "w": 0.5}, {"step": 3, "w": "?"}])
    assert repr(found) == "<Audit of article: 1 right, 1 wrong>"
    lines = str(found).splitlines()
    assert lines[2:4] == ["read as a list of dicts, 3 rows", "2 claims: 1 right, 1 wrong"]
    assert lines[-1] == "first wrong: w at step 2, claimed as 0.5"
    formula = audit("l = w^2", sentences=["dl/dw = 2*w"])
    assert str(formula).splitlines()[-1] == "1 formula right"


@pytest.mark.parametrize(
    "text", ["step,loss\n1,146.67\n2,280.67\n", "step,loss\r\n1,146.67\r\n2,280.67", "\nloss\n146.67\n"]
)
def test_a_string_with_a_line_break_is_the_text_of_a_table(text: str) -> None:
    found = audit("article", claims=text)
    assert (found.exit_status, found.source) == (0, "the text of claims")
    assert audit("article", claims=text.replace("146.67", "146.76")).exit_status == 1
    with pytest.raises(ClaimError, match="--sheet s: claims are a text, which has no sheets"):
        audit("article", claims=text, sheet="s")


def test_any_other_string_is_the_name_of_a_file_as_a_path_always_is(tmp_path: Path) -> None:
    file = tmp_path / "step,loss"
    file.write_text("step,loss\n1,146.67\n")
    assert audit("article", claims=str(file)).exit_status == audit("article", claims=file).exit_status == 0
    for name in ("step,loss", Path("step,loss\n1,146.67\n")):
        with pytest.raises(ClaimError, match="there is no file 'step,loss"):
            audit("article", claims=name)


def test_numbers_without_names_are_losses_only_where_one_of_them_is() -> None:
    assert audit("article", claims="1: 146.67\n2: 280.67\n").exit_status == 0
    slip = audit("article", claims="1 146.67\n2 208.67\n")
    assert [one.status.value for one in slip.findings] == ["right", "wrong"]
    with pytest.raises(ClaimError, match=r"numbers without names, none of which is the loss of its step; write a line"):
        audit("article", claims="1: 0.267\n2: 1.63\n")
