"""Rounded inputs: what none that print so can give is wrong, what some give is right, and the rest is open."""

from fractions import Fraction

import pytest

from derive.errors import SettingError
from tests.audited import audited as run_of
from tests.audited import cell
from verify import Audit, Status, audit
from verify.claims.literal import read_literal
from verify.following.extent import in_forms
from verify.following.finding import Finding
from verify.following.rounded_inputs import MAX_WORK, is_followed, tells

# four printed digits of a program, and its y, which is right for what they were rounded from
PRODUCTS = """\
equations = "y = a*w + b*v"
[parameters]
w = 0.0848
v = -0.0717
[constants]
a = 1.8676
b = -0.2631
"""
SAME = 'equations = "z = 1*w; l = 2*z"\n[parameters]\nw = 0.0848\n'
ALL = 'rounded = ["a", "b", "w", "v"]\n'


def judged(problem: str, *rows: str) -> Audit:
    table = "\n".join(rows)
    return audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')


def only(problem: str, *rows: str) -> Finding:
    [finding] = judged(problem, *rows).findings
    return finding


def test_a_number_that_inputs_give_which_print_so_is_right() -> None:
    found = only(ALL + PRODUCTS, "y", "0.1773")
    assert found.status is Status.RIGHT
    assert found.why == "for inputs that are printed so it lies between 0.1771224 and 0.1773511"
    assert found.allowed is not None
    # a*w is least at its low ends, b*v at those nearest to 0
    exactly = Fraction("1.86755") * Fraction("0.08475") + Fraction("0.26305") * Fraction("0.07165")
    assert 0 <= exactly - Fraction(found.allowed[0]) < Fraction(1, 10**7)


@pytest.mark.parametrize("claim", ["0.1775", "0.1770", "-0.1773", "0.3545", "0.01773", "0.0"])
def test_a_number_that_no_inputs_give_which_print_so_is_wrong(claim: str) -> None:
    found = only(ALL + PRODUCTS, "y", claim)
    assert found.status is Status.WRONG
    assert found.allowed is not None


def test_what_is_not_rounded_stays_exact() -> None:
    assert only('rounded = ["b"]\n' + PRODUCTS, "y", "0.1773").status is Status.WRONG
    assert only('rounded = ["w"]\n' + PRODUCTS, "y", "0.1773").status is Status.RIGHT
    exact = only('rounded = ["v"]\n' + PRODUCTS, "dy/dw", "1.8677")  # rests on a alone
    assert (exact.status, exact.allowed) == (Status.WRONG, None)


def test_a_right_number_stays_right_however_much_is_rounded() -> None:
    text = 'rounded = ["w", "x"]\nequations = "l = (w*x - 1)^2"\n[parameters]\nw = 1\n[constants]\nx = 2\n'
    assert only(text, "l", "1").status is Status.RIGHT


def test_what_the_inputs_leave_too_wide_is_undecided() -> None:
    text = 'rounded = ["w", "x"]\nequations = "l = w*x"\n[parameters]\nw = 1\n[constants]\nx = 2\n'
    found = only(text, "l", "2.5")  # 0.75 to 3.75 holds 1 and 2
    assert found.status is Status.UNDECIDED
    assert found.why.endswith("which is too wide to tell")
    assert only(text, "l", "3.9").status is Status.WRONG


def test_an_integer_that_is_rounded_stands_for_what_is_rounded_to_it() -> None:
    text = 'rounded = ["x"]\nequations = "l = w*x"\n[parameters]\nw = 1\n[constants]\nx = 7\n'
    assert only(text, "l", "7.4").status is Status.RIGHT
    assert only(text, "l", "7.6").status is Status.WRONG


@pytest.mark.parametrize("claim", ["0.12", "0.13"])
def test_a_claim_of_few_digits_is_right_where_some_inputs_round_to_it(claim: str) -> None:
    """The interval, 0.1233 to 0.1253, does not hold 0.13 itself: 0.125 is rounded to it."""
    text = 'rounded = ["x", "w"]\nequations = "l = w + x + 0.0003"\n[parameters]\nw = 0.062\n[constants]\nx = 0.062\n'
    assert only(text, "l", claim).status is Status.RIGHT
    assert only(text, "l", "0.14").status is Status.WRONG


def test_the_interval_knows_that_one_input_is_one_number() -> None:
    text = 'rounded = ["x"]\nequations = "l = x*w - x*w + w"\n[parameters]\nw = 3\n[constants]\nx = 100\n'
    assert only(text, "l", "3.1").status is Status.WRONG
    assert only(text, "l", "3").status is Status.RIGHT


def test_to_lie_in_an_interval_that_is_wider_than_it_must_be_is_no_proof() -> None:
    """P may be from 0 to 0.05, and the interval does not know that p and p are one number: l is 5."""
    text = 'rounded = ["x"]\nequations = "p = abs(x - 2); l = w + p - p"\n[parameters]\nw = 5\n[constants]\nx = 2.0\n'
    found = only(text, "l", "5.04")
    assert found.allowed == pytest.approx((4.9, 5.1))
    assert found.status is Status.UNDECIDED
    assert found.why.endswith("no inputs were found that give it")
    assert only(text, "l", "5.12").status is Status.WRONG


def test_inputs_are_found_where_the_printed_ones_give_the_greatest_number() -> None:
    text = 'rounded = ["x"]\nequations = "l = w*(x - x^2/4)"\n[parameters]\nw = 1\n[constants]\nx = 2.0\n'
    assert only(text, "l", "0.9995").status is Status.RIGHT
    assert only(text, "l", "0.9992").status is Status.WRONG


def test_beside_what_is_cut_off_or_rounded_twice_a_number_is_wrong() -> None:
    text = 'rounded = ["w"]\nequations = "l = w"\n[parameters]\nw = 0.2\n'
    assert only(text, "l", "0.15").status is Status.RIGHT
    assert only(text, "l", "0.13").status is Status.WRONG
    cut = only(text.replace("0.2", "0.234"), "l", "0.23")  # as printed, and for 0.2344
    assert (cut.status, cut.why[:30]) == (Status.RIGHT, "")


def test_a_row_follows_from_the_author_s_numbers_and_from_inputs() -> None:
    text = 'rounded = ["x"]\nequations = "z = w*x; l = z^2"\n[parameters]\nw = 1\n[constants]\nx = 2.0\n'
    good = judged(text, "z, l", "2.04, 4.16")
    assert [one.status for one in good.findings] == [Status.RIGHT, Status.RIGHT]
    # 1.95 to 2.05 gives 3.81 by itself, but not beside z = 2.04
    bad = judged(text, "z, l", "2.04, 3.81")
    assert [one.status for one in bad.findings] == [Status.RIGHT, Status.UNDECIDED]
    assert bad.findings[1].why.endswith("not all of these are right")
    assert bad.exit_status == 3


def test_a_wrong_number_is_inherited_through_rounded_inputs() -> None:
    text = 'rounded = ["x"]\nequations = "z = w*x; l = z^2"\n[parameters]\nw = 1\n[constants]\nx = 2.0\n'
    found = judged(text, "z, l", "3.00, 9.00").findings
    assert [one.status for one in found] == [Status.WRONG, Status.INHERITED]


def test_integers_beside_rounded_inputs_are_rounded() -> None:
    """12 is exactly 3 times 4, and is printed by who has 3.04 times 4.04 as well."""
    text = 'rounded = ["x", "y"]\nequations = "z = w*x*y; l = z + 0.5"\n[parameters]\nw = 1\n'
    found = judged(f"{text}[constants]\nx = 3.0\ny = 4.0\n", "z, l", "12, 12.8").findings
    assert [one.status for one in found] == [Status.RIGHT, Status.RIGHT]


def test_what_is_tells() -> None:
    literal = read_literal("1.0")
    assert tells((1.0, 1.9), literal)
    assert not tells((1.0, 2.0), literal)
    assert tells((-1.9, -1.0), literal)
    assert not tells((-0.1, 0.1), literal)
    assert tells((-0.05, 0.05), literal)  # as wide as its own digits leave it open


def test_an_lr_is_exact() -> None:
    text = 'rounded = ["c"]\nequations = "l = (w - c)^2"\n[parameters]\nw = 0.5\n[constants]\nc = 1.0\n'
    rate = '[training]\nlr = "c/t"\nsteps = 1\n'
    with pytest.raises(SettingError, match="lr is calculated from c, which is rounded"):
        judged(text + rate, "l", "0.25")
    assert judged(text + rate.replace("c/t", "1/t"), "l", "0.26").exit_status == 0


def test_beyond_reach_what_is_not_right_as_printed_is_open() -> None:
    x = ", ".join(f"{k}.5" for k in range(50))
    text = f'rounded = ["x"]\nequations = "l = mean((w*x - 1)^2)"\n[parameters]\nw = 0\n[data]\nx = [{x}]\n'
    run = run_of(text + "[training]\nlr = 1e-5\nsteps = 1000\n")
    last = MAX_WORK // in_forms(run, 1, 50)
    assert last < 1000
    assert is_followed(run, [cell(last, "after", "w")])
    assert not is_followed(run, [cell(last + 1, "after", "w")])
    found = audit(text + "[training]\nlr = 1e-5\nsteps = 1000\n", sentences=["step 1000: w = 0.5"])
    assert [one.status for one in found.findings] == [Status.UNDECIDED]
    assert "out of reach" in found.findings[0].why


# what is said where nothing says that inputs are rounded


def test_it_is_said_that_a_number_is_right_for_rounded_inputs() -> None:
    [finding] = judged(PRODUCTS, "y", "0.1773").findings
    assert finding.status is Status.WRONG
    said = "It would be right if w, v, a and b were rounded to the digits that are printed"
    assert finding.remarks == (f'{said}: rounded = ["w", "v", "a", "b"] in the problem file says so',)
    found = judged(SAME, "z, l", "0.08484, 0.16968")
    assert [bool(one.remarks) for one in found.findings] == [True, False]
    assert found.findings[0].remarks[0].startswith("All claims would be right if w was rounded")


@pytest.mark.parametrize(
    ("problem", "rows"),
    [
        (PRODUCTS, ("y", "0.1775")),  # no inputs give it
        (PRODUCTS, ("y, dy/dw", "0.1773, 1.8679")),  # none give both
        (SAME, ("z, l", "0.08484, 0.16953")),  # each by itself, and not both
        (PRODUCTS.replace("0.0848", "0.1"), ("y", "0.35")),  # 0.1 allows a number and its double
        ('equations = "l = w*x"\n[parameters]\nw = 3\n[constants]\nx = 4\n', ("l", "12.4")),  # whole numbers
        (ALL + PRODUCTS, ("y", "0.1775")),  # it is said already
    ],
)
def test_it_is_not_said_where_it_is_not_so(problem: str, rows: tuple[str, ...]) -> None:
    for finding in judged(problem, *rows).findings:
        assert not any("would be right" in remark for remark in finding.remarks)
