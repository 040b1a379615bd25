"""What a correct program may print is residue; what none prints is not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.run.run import Run
from tests.audited import HALVING, audited, cell, claim
from tests.problems import THREE_POINTS
from verify.auditing.pipeline import audit
from verify.claims.claim import Cell
from verify.following.finding import Finding, Status
from verify.numbers import from_fraction
from verify.residue import drift, pytorch_prints, settlement
from verify.residue.drift import Drift
from verify.residue.settlement import MAX_ASKED, may_be_residue, settle

THIRD = HALVING.replace("w = 1\n", 'w = "1/3"\n')  # no binary format holds it
BEFORE = cell(1, "before", "w")
IN_FLOAT32 = "0.333333343267"  # 11184811/2²⁵, to 12 digits


def wrong(about: Cell, text: str, right: Fraction | None) -> Finding:
    """A number that is not right at its digits."""
    return Finding(claim(about, text), Status.WRONG, None if right is None else from_fraction(right))


def settled(of: Run, *findings: Finding) -> tuple[list[Finding], bool]:
    """The findings after they are settled, and whether PyTorch was asked."""
    found = list(findings)
    asked = settle(of, found, range(len(found)))
    return found, asked


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("group", ["after", "setting"])
def test_what_may_be_residue(status: Status, group: str) -> None:
    finding = replace(wrong(cell(1, group, "w"), "0.3", Fraction(1, 3)), status=status)
    not_right = status in (Status.WRONG, Status.TRUNCATED, Status.DOUBLE_ROUNDED)
    assert may_be_residue(finding) == (not_right and group == "after")
    assert not may_be_residue(replace(finding, right=None))


def test_what_looks_cut_off_is_residue_where_pytorch_prints_it_and_stays_so_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As 0.139 beside 0.138999999 of a float32, where no bound tells what rounding can do."""
    monkeypatch.setattr(settlement, "_is_rounding", lambda *_: False)
    cases = 0
    for k in range(101, 200):
        right = Fraction(k, 1000)
        held = float(np.float32(k / 1000))
        if not -1 < (held - k / 1000) * 1e9 < -0.5:
            continue
        of = audited(HALVING.replace("w = 1\n", f"w = 0.{k}\n"), dtype="float32")
        found = replace(wrong(BEFORE, f"{held:.9g}", right), status=Status.TRUNCATED, why="cut off")
        [after], asked = settled(of, found)
        assert asked
        assert (after.status, after.why) == (Status.RESIDUE, "exactly what PyTorch prints in float32")
        with monkeypatch.context() as patch:
            patch.setattr(pytorch_prints, "by_pytorch", lambda *_, other=held + 2**-26: {BEFORE: other})
            assert settled(of, found) == ([found], True)
            patch.setattr(settlement, "MAX_ASKED", 0)
            assert settled(of, found) == ([found], False)
        cases += 1
    assert cases > 2


def test_a_third_as_float32_holds_it_is_residue_of_float32_alone() -> None:
    assert Fraction(float(np.float32(1) / np.float32(3))) == Fraction(11184811, 2**25)
    text = f"{11184811 / 2**25:.12f}"
    assert text == IN_FLOAT32
    third = Fraction(1, 3)
    [finding], asked = settled(audited(THIRD, dtype="float32"), wrong(BEFORE, text, third))
    assert (finding.status, finding.why, asked) == (Status.RESIDUE, "a correct float32 program may print it", False)
    [finding], asked = settled(audited(THIRD, dtype="float64"), wrong(BEFORE, text, third))
    assert (finding.status, finding.why, asked) == (Status.WRONG, "", False)


def test_what_float64_prints_is_residue_in_every_dtype() -> None:
    text = f"{1 / 3:.20f}"
    assert text == "0.33333333333333331483"  # not …33333
    for dtype in ("float32", "float64"):
        [finding], _ = settled(audited(THIRD, dtype=dtype), wrong(BEFORE, text, Fraction(1, 3)))
        assert (finding.status, finding.why) == (Status.RESIDUE, "a correct float64 program may print it")


def test_a_number_further_off_than_rounding_reaches_stays_wrong() -> None:
    of, after = audited(THIRD, dtype="float32"), cell(3, "after", "w")
    right = 3 - (3 - Fraction(1, 3)) / 8
    in_float32 = np.float32(1) / np.float32(3)
    for _ in range(3):
        in_float32 -= np.float32(0.25) * (np.float32(2) * (in_float32 - np.float32(3)))
    near, far = f"{in_float32:.12f}", f"{float(right) + 1e-4:.12f}"
    assert Fraction(near) != right
    (residue_, planted), asked = settled(of, wrong(after, near, right), wrong(after, far, right))
    assert (residue_.status, planted.status, asked) == (Status.RESIDUE, Status.WRONG, False)


def test_only_the_places_that_are_named_are_settled() -> None:
    findings = [wrong(BEFORE, IN_FLOAT32, Fraction(1, 3))] * 2
    assert not settle(audited(THIRD, dtype="float32"), findings, [1])
    assert [finding.status for finding in findings] == [Status.WRONG, Status.RESIDUE]


def unbounded(monkeypatch: pytest.MonkeyPatch, printed: float) -> list[Cell]:
    """No bound on the drift of any number, and what PyTorch has in its place; returns what PyTorch is asked for."""
    asked: list[Cell] = []

    def by_pytorch(_of: Run, cells: Sequence[Cell]) -> Mapping[Cell, float]:
        asked.extend(cells)
        return dict.fromkeys(cells, printed)

    monkeypatch.setattr(settlement, "drifts", lambda *_, **__: {})
    monkeypatch.setattr(pytorch_prints, "by_pytorch", by_pytorch)
    return asked


@pytest.mark.parametrize(
    ("text", "printed", "status"),
    [
        ("0.2503", 0.25031, Status.RESIDUE),  # the digits of PyTorch's own number
        ("0.2503", 0.25036, Status.UNDECIDED),  # it prints 0.2504, but is no nearer to the right one
        ("0.2503", 0.2500000001, Status.WRONG),  # 3·10⁶ times as far off as PyTorch
        ("nan", float("nan"), Status.RESIDUE),
        ("nan", 0.25, Status.WRONG),
        ("inf", float("inf"), Status.RESIDUE),
        ("-inf", float("inf"), Status.WRONG),
        ("0.2503", float("inf"), Status.UNDECIDED),
    ],
)
def test_where_no_bound_decides_pytorch_is_asked(
    monkeypatch: pytest.MonkeyPatch, text: str, printed: float, status: Status
) -> None:
    asked = unbounded(monkeypatch, printed)
    [finding], was_asked = settled(audited(HALVING, dtype="float32"), wrong(BEFORE, text, Fraction(1, 4)))
    assert (finding.status, was_asked, asked) == (status, True, [BEFORE])
    if status is Status.RESIDUE:
        assert finding.why == "exactly what PyTorch prints in float32"


def test_pytorch_is_not_asked_for_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = unbounded(monkeypatch, 0.25031)
    late = cell(MAX_ASKED + 1, "after", "w")
    [finding], was_asked = settled(audited(HALVING), wrong(late, "0.2503", Fraction(1, 4)))
    assert (finding.status, was_asked, asked) == (Status.UNDECIDED, False, [])
    assert finding.why.startswith("it is not right at its digits, and what rounding does in 20,001 steps is not bound")


@pytest.mark.parametrize(
    ("bound", "text", "printed", "status", "is_asked"),
    [
        (1e-3, "1.0005", 1.0, Status.WRONG, True),  # too wide beside the number
        (0.9e-4, "1.00005", 1.0, Status.WRONG, True),  # 415 units in the last place off, and PyTorch is not off at all
        (0.9e-4, "1.00005", 1.000001, Status.UNDECIDED, True),  # PyTorch is off as well, a fiftieth as far
        (0.9e-4, "1.00005", 1.00001, Status.RESIDUE, True),  # a fifth as far
        (0.9e-4, "1.00005", float("nan"), Status.RESIDUE, True),  # it tells nothing
        (0.9e-4, "1.000005", 1.0, Status.RESIDUE, False),  # 38 units
        (0.9e-4, "1.00002", 1.0, Status.WRONG, True),
        (1e-3, "1.0021", 1.0, Status.WRONG, False),  # further off than the bound
    ],
)
def test_a_drift_that_is_large_settles_nothing(
    monkeypatch: pytest.MonkeyPatch, bound: float, text: str, printed: float, status: Status, is_asked: bool
) -> None:
    """A bound is what rounding can do at worst: far off by it, a number is held against PyTorch's own, too."""
    unbounded(monkeypatch, printed)
    drift = Drift(0.0, bound)
    monkeypatch.setattr(settlement, "drifts", lambda _of, _dtype, cells, **_: dict.fromkeys(cells, drift))
    [finding], was_asked = settled(audited(HALVING), wrong(BEFORE, text, Fraction(1)))
    assert (finding.status, was_asked) == (status, is_asked)


SOFTMAX = """
equations = "z = W @ x + b\\np = softmax(z)\\nl = -log(p[0])"
[parameters]
W = [[0.1, 0.2], [0.3, -0.1], [-0.2, 0.4]]
b = [0, 0.1, -0.1]
[constants]
x = [1.5, -2]
[training]
lr = 0.2
steps = 3
"""


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("0.37856", "right"),
        ("0.3785577", "right"),
        ("0.37855756", "residue"),  # what PyTorch prints
        ("0.37855774", "residue"),  # what it prints of the cross-entropy in one
        ("0.3785", "truncated"),  # its first digits, of right work, and no rounding of a program
        ("0.37854", "wrong"),  # 430 units in the last place off, PyTorch 4: by intervals alone it was excused
    ],
)
def test_a_softmax_whose_bound_is_wide_excuses_nothing(number: str, status: str) -> None:
    assert statuses(SOFTMAX, f"step 2: l = {number}") == [status]


PRODUCT = 'equations = "l = a*b"\n[parameters]\na = 0.7\nb = 1.3\n'


def statuses(text: str, *sentences: str, **settings: object) -> list[str]:
    return [finding.status.value for finding in audit(text, sentences=sentences, **settings).findings]


def test_digits_that_no_float32_number_is_printed_with_are_no_residue_of_float32() -> None:
    assert statuses(PRODUCT, "step 1: l = 0.910000003") == ["wrong"]  # the numbers beside it are 2⁻²⁴ apart
    in_float32 = np.float32(0.7) * np.float32(1.3)
    assert statuses(PRODUCT, f"step 1: l = {in_float32:.9f}") == ["residue"]


def test_a_table_that_is_right_beyond_float32_was_not_made_in_float32() -> None:
    in_float32 = f"step 1: l = {np.float32(0.7) * np.float32(1.3):.9f}"
    exactly = "step 1: dl/da = 1.3000000000"
    assert statuses(PRODUCT, in_float32, exactly) == ["wrong", "right"]
    assert statuses(PRODUCT, in_float32, exactly, dtype="float32") == ["residue", "right"]
    assert statuses(PRODUCT, in_float32, "step 1: dl/da = 1.3") == ["residue", "right"]
    assert statuses(PRODUCT, in_float32, "step 1: dl/da = 1.3000000070") == ["residue", "wrong"]  # of nobody's table


def test_that_a_number_is_wrong_in_float64_is_said_where_nobody_names_the_dtype() -> None:
    claimed = f"step 1: l = {np.float32(0.7) * np.float32(1.3):.9f}"
    [finding] = audit(PRODUCT, sentences=[claimed]).findings
    assert finding.why == "a correct float32 program may print it; in float64 this is wrong"
    [finding] = audit(PRODUCT, sentences=[claimed], dtype="float32").findings
    assert finding.why == "a correct float32 program may print it"


@given(
    st.decimals("0.1", "9", places=2), st.decimals("0.1", "9", places=2), st.integers(3, 12), st.sampled_from([-3, 3])
)
def test_a_moved_number_is_residue_only_where_float32_has_it(a: Decimal, b: Decimal, places: int, units: int) -> None:
    moved = a * b + units * Decimal(10) ** -places
    text = f"{moved:.{places}f}"
    [status] = statuses(PRODUCT.replace("0.7", str(a)).replace("1.3", str(b)), f"step 1: l = {text}")
    near = np.float32(float(text))
    beside = (np.nextafter(near, np.float32(0)), near, np.nextafter(near, np.float32(99)))
    half = Fraction(1, 2 * 10**places)
    if status == "residue":
        assert any(abs(Fraction(float(x)) - Fraction(text)) <= half for x in beside)
    else:
        assert status == "wrong"


def test_what_an_input_is_rounded_to_is_known_with_its_sign() -> None:
    """0.7 and 1.3 are stored as less than they are, so no program prints more than 0.91, whatever it rounds up."""
    exactly = Fraction(float(np.float32(0.7))) * Fraction(float(np.float32(1.3)))
    near = np.float32(float(exactly))
    both = {near, np.nextafter(near, np.float32(9 if near < exactly else 0))}  # it is rounded up or down
    printed = {near + np.float32(k * 2.0**-24) for k in range(-8, 9)}
    assert both < printed
    for number in printed:
        expected = "residue" if number in both else "wrong"
        assert statuses(PRODUCT, f"step 1: l = {number:.12f}") == [expected], number


@pytest.mark.parametrize("moved", [0.0, 1e-9])
def test_what_pytorch_prints_in_float64_is_residue_where_no_bound_decides(
    monkeypatch: pytest.MonkeyPatch, moved: float
) -> None:
    """A float64 loop of one's own that names no dtype: PyTorch is asked in float64, too."""
    monkeypatch.setattr(drift, "MAX_STEPS", 10)
    x, y = np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 7.0])
    w, b, rows = 1.0, 0.5, ["step,J,dJ/dw,w"]
    for step in range(1, 1001):
        r = w * x + b - y
        dw, db = float(np.mean(2 * r * x)), float(np.mean(2 * r))
        w, b = w - 0.05 * dw, b - 0.05 * db
        if step % 250 == 0:
            rows.append(f"{step},{float(np.mean(r * r)) * (1 + moved * (step == 500))!r},{dw!r},{w!r}")
    problem = THREE_POINTS.replace("steps = 4", "steps = 1000")
    found = audit(f'{problem}[claims]\ntable = """\n' + "\n".join(rows) + '\n"""\n')
    refused = [(one.cell.step, one.cell.name) for one in found.findings if not one.status.is_accepted]
    assert refused == ([(500, "loss")] if moved else [])
    assert sum(one.why.endswith("in float64") or "as float64 takes it" in one.why for one in found.findings) > 1


@given(
    st.decimals(min_value=-1000, max_value=1000, places=6, allow_nan=False),
    st.integers(-6, 6),
    st.sampled_from([0.0, 2.5e-7, -5e-7, 1e-9, 0.25, -1.0]),
    st.sampled_from([0.0, 5e-7, 2.5e-7, 1e-6, 0.5, float("inf")]),
    st.sampled_from(["", "("]),
)
def test_what_may_be_printed_is_as_fractions_say_also_at_an_end(
    number: Decimal, off: int, shift: float, around: float, more: str
) -> None:
    """float64 decides where it tells, and only there; each end of what may be printed is exact."""
    text = f"{number}{'(3)' if more else ''}"
    right = Fraction(number) + Fraction(off, 4_000_000)
    finding = wrong(BEFORE, text, right)
    literal = finding.claim.literal
    exactly = around == float("inf") or (
        literal.ends[0] - Fraction(shift) - Fraction(around)
        <= right
        <= literal.ends[1] - Fraction(shift) + Fraction(around)
    )
    assert settlement._may_print(finding, Drift(shift, around)) == exactly
