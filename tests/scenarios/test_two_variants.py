"""Two textbook variants at once: RMSprop that begins at 1, as TensorFlow 1 had it, with eps inside the root."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

import tables
from derive.errors import SettingError
from derive.training.optimizers import ENTRIES
from derive.training.variants import VARIANTS, variant_of
from verify import audit, verify
from verify.following.finding import Status

LINE = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0.5
[data]
x = [1, 2, 3]
y = [1, 3, 2]
[training]
optimizer = "RMSprop"
variant = ["average_from_1", "eps_inside"]
alpha = 0.9
eps = 0.1
lr = 0.1
steps = 4
"""
PAIRS = [
    (optimizer, one, other)
    for optimizer in ENTRIES
    for one, other in combinations([name for own, name in VARIANTS if own == optimizer], 2)
]


def plain(begin: float = 1.0, inside: bool = True) -> list[float]:
    """The w after each step of a plain loop."""
    w, v, found = 0.5, begin, []
    for _ in range(4):
        g = sum(2 * (w * x - y) * x for x, y in ((1, 1), (2, 3), (3, 2))) / 3
        v = 0.9 * v + 0.1 * g * g
        w -= 0.1 * g / (math.sqrt(v + 0.1) if inside else math.sqrt(v) + 0.1)
        found.append(w)
    return found


def test_both_are_in_effect() -> None:
    result = verify(LINE)
    assert result.agrees, result.verdict.sentence
    assert list(tables.steps(result)["w"]) == pytest.approx(plain(), rel=1e-12)
    assert result.settings.variant == "eps_inside+average_from_1"
    for name, begin, inside in (("eps_inside", 0.0, True), ("average_from_1", 1.0, False), ("none", 0.0, False)):
        alone = tables.steps(verify(LINE, variant=name))
        assert list(alone["w"]) == pytest.approx(plain(begin, inside), rel=1e-6), name
    flagged = verify(LINE, variant="average_from_1 + eps_inside")
    assert flagged.settings.variant == "eps_inside+average_from_1"


def test_claims_are_judged_by_both_and_wrong_by_one_of_them() -> None:
    rows = [{"step": k, "w": f"{value:.10f}"} for k, value in enumerate(plain(), start=1)]
    assert set(audit(LINE, claims=rows).counts) == {Status.RIGHT}
    for one in ("eps_inside", "average_from_1"):
        wrong = audit(LINE, claims=rows, variant=one).first_wrong
        assert wrong is not None
        assert wrong.cell.step == 1


@pytest.mark.parametrize(("optimizer", "one", "other"), PAIRS)
def test_every_pair_is_taken_together_or_refused(optimizer: str, one: str, other: str) -> None:
    """Together they have the equations of both; where both change the same one, it is said which."""
    first, second = VARIANTS[optimizer, one], VARIANTS[optimizer, other]
    same = {*first.equations} & {*second.equations} or {*first.starts} & {*second.starts}
    if same:
        with pytest.raises(SettingError, match=f"the variants {one} and {other} of {optimizer} both change"):
            variant_of(optimizer, f"{one}+{other}")
    else:
        both = variant_of(optimizer, f"{one}+{other}")
        assert both is not None
        assert both.equations == {**first.equations, **second.equations}
        assert both.starts == {**first.starts, **second.starts}


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ('"eps_inside+eps_inside"', r":10:1: variant = 'eps_inside\+eps_inside' has a name twice"),
        ('["none", "eps_inside"]', r":10:1: variant = a list has none beside another"),
        ('"eps_inside+lr_in_velocity"', r":10:1: lr_in_velocity is no variant of RMSprop but of SGD"),
        ("[]", r":10:1: variant = a list has no names"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(variant: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        verify(LINE.replace('["average_from_1", "eps_inside"]', variant))
