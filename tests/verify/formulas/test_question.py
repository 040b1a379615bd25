"""`partial.l.w` as a factor of a claimed formula, and derivatives along too many paths."""

from __future__ import annotations

import pytest

from derive.errors import ClaimError
from tests.problems import RIDGE
from tests.scenarios.test_claimed_back import judged

TRAINED_RIDGE = RIDGE + "[training]\nlr = 0.1\n"


@pytest.mark.parametrize(
    ("name", "formula", "status"),
    [
        ("dl/dw", "partial.l.w + sum(dl/dp*x)", "right"),
        ("dl/dw", "partial.l.w + sum(partial.l.p*partial.p.w)", "right"),
        ("dl/dw", "sum(dl/dp * partial.p.w) + partial.l.w", "right"),
        ("dl/dw", "2*partial.l.w + sum(dl/dp*x)", "wrong"),
        ("dl/dw", "partial.l.w", "wrong"),
        ("dl/dw", "dl/dp @ partial.p.w + partial.l.w", "right"),
        ("w", "w - lr*(partial.l.w + sum(partial.l.p*x))", "right"),
        ("w", "w - lr*partial.l.w", "wrong"),
        ("partial.l.w", "2*lam*w", "right"),
    ],
)
def test_a_partial_is_a_factor(name: str, formula: str, status: str) -> None:
    assert judged(TRAINED_RIDGE, name, formula).status == status


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("x*partial.q.w", "partial.q.w: 'q' is no name of the problem; expected a line and what it uses"),
        ("partial.p.lam", "partial.p.lam: the line p does not use lam itself"),
        ("partial.x.w", "partial.x.w: the line x does not use w itself"),
    ],
)
def test_a_partial_that_is_none_is_refused(formula: str, message: str) -> None:
    with pytest.raises(ClaimError) as error:
        judged(TRAINED_RIDGE, "dl/dw", formula)
    assert error.value.message.startswith(message)


def test_a_partial_is_not_said_to_be_itself() -> None:
    with pytest.raises(ClaimError, match=r"'partial\.l\.w' is said to be itself"):
        judged(TRAINED_RIDGE, "partial.l.w", "partial.l.w")


def test_other_characters_keep_their_column() -> None:
    with pytest.raises(Exception, match="q") as error:
        judged(TRAINED_RIDGE, "dl/dw", "partial.l.w + q")
    assert str(error.value).endswith("    partial.l.w + q\n                  ^")


@pytest.mark.parametrize(
    ("last", "alone"),
    [("", "partial.a10.z for the partial of the line a10"), (" + z", "partial.p.z for the partial of the line p")],
)
def test_too_many_paths_say_which_partial_can_be_claimed(last: str, alone: str) -> None:
    waves = "\n".join(f"a{k} = sin({k}*z)" for k in range(1, 11))
    total = " + ".join(f"a{k}" for k in range(1, 11))
    given = "[parameters]\nw = 1\n[data]\nx = [1, 2]\n"
    text = f'equations = """\nz = w*x\n{waves}\np = {total}{last}\nl = mean(p)\n"""\n{given}'
    with pytest.raises(ClaimError) as error:
        judged(text, "dp/dz", "1")
    assert f"{11 if last else 10} paths lead from p to z" in error.value.message
    assert f"write {alone} alone" in error.value.message
    assert judged(text, *(("partial.p.z", "1") if last else ("partial.a10.z", "10*cos(10*z)"))).status == "right"
