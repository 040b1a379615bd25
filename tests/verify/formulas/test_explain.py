"""What a wrong formula is instead: the transpose of the right one, or a step without lr."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.problems import DENSE
from tests.scenarios.test_claimed_back import SLOW, judged

SAID = "it is the transpose of the right one"


@pytest.mark.parametrize(
    ("formula", "is_so"),
    [
        ("transpose((h - T)*(1 - h^2)) @ X", True),
        ("((h - T)*(1 - h^2)).T @ X", True),
        ("transpose(transpose(X) @ ((h - T)*(1 - h^2)))", True),
        ("transpose((h - T)*(1 - h)) @ X", False),
        ("2*transpose((h - T)*(1 - h^2)) @ X", False),
    ],
)
def test_a_transpose_is_named_and_turned(formula: str, is_so: bool) -> None:
    finding = judged(DENSE, "dl/dW", formula)
    assert finding.status == "wrong"
    assert (SAID in finding.sentence) is is_so
    if is_so:
        assert finding.right == "transpose(X) @ ((h - T)*(1 - h^2))"


@SLOW
@given(st.sampled_from(["h", "X", "T", "h*h", "X @ W", "h - T"]), st.sampled_from(["X", "h", "T*h", "h"]))
def test_a_transpose_is_said_where_it_is_one(one: str, other: str) -> None:
    """Of a sum of products of matrices, which has a symmetric part."""
    problem = DENSE.replace("l = sum((h - T)^2)/2", f"l = sum(W*(transpose({one}) @ ({other})))").replace(
        "h = tanh(X @ W)", "h = tanh(X)"
    )
    if "W" in one:
        return
    finding = judged(problem, "dl/dW", f"transpose(transpose({one}) @ ({other}))")
    assert finding.status == ("right" if one == other else "wrong")
    assert (SAID in finding.sentence) is (one != other)


RATE = (
    'equations = "l = mean((w*x - y)^2)"\n[parameters]\nw = 1\n[data]\nx = [1, 2]\ny = [1, 3]\n[training]\nlr = 0.01\n'
)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("w - dl/dw", "it is 1/lr = 100 times the right step"),
        ("w + dl/dw", "it is -1/lr = -100 times the right step"),
        ("w - lr^2*dl/dw", "it is lr = 1/100 times the right step"),
        ("w - 2*lr*dl/dw", "it is 2 times the right step"),
        ("w - lr*dl/dw/n", "it is 1/n times the right step"),
        ("w - dl/dw/n", "it is 100/n times the right step"),
    ],
)
def test_a_step_without_lr(formula: str, said: str) -> None:
    finding = judged(RATE, "w", formula)
    assert f"; {said};" in finding.sentence
    assert finding.right == "w - lr*dl/dw"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("2*(w*x - y)*x*lr", "it is lr*n = n/100 times the right one"),
        ("lr*2*mean((w*x - y)*x)", "it is lr = 1/100 times the right one"),
        ("-lr*2*mean((w*x - y)*x)", "it is -lr = -1/100 times the right one"),
        ("lr*mean((w*x - y)*x)", "it is lr/2 = 1/200 times the right one"),
        ("2*mean((w*x - y)*x)/lr", "it is 1/lr = 100 times the right one"),
        ("lr + 2*mean((w*x - y)*x)", "without the term lr it is right"),
    ],
)
def test_the_rate_in_a_gradient_is_read_and_named(formula: str, said: str) -> None:
    finding = judged(RATE, "dl/dw", formula)
    assert finding.status == "wrong"
    assert f"; {said};" in finding.sentence
    assert "lr" not in finding.right


def test_where_it_stands_for_no_factor_none_is_named() -> None:
    """The same numbers without lr, lr that cancels, another factor beside it, a formula that is no multiple."""
    assert "it is 1/100 times the right one" in judged(RATE, "dl/dw", "2*mean((w*x - y)*x)/100").sentence
    assert judged(RATE, "dl/dw", "2*lr*mean((w*x - y)*x)/lr").status == "right"
    assert "times the right one" not in judged(RATE, "dl/dw", "lr*2*mean(w*x - y)").sentence
    assert "it is lr =" not in judged(RATE, "dl/dw", "2*lr*mean((w*x - y)*x*x)").sentence
    own = RATE.replace("w*x", "w*lr*x").replace("w = 1", "w = 1\nlr = 2")
    assert judged(own, "dl/dw", "2*lr*mean((w*lr*x - y)*x)").status == "right"


def test_a_rate_that_is_no_one_number_is_refused() -> None:
    changing = RATE + 'scheduler = "StepLR"\nstep_size = 1\n'
    for text in (changing, RATE.replace("lr = 0.01", "lr = [0.1, 0.2]\nepochs = 2"), RATE.partition("[training]")[0]):
        with pytest.raises(ClaimError, match="lr belongs to the update, and is no one number here: leave it out, or"):
            judged(text, "dl/dw", "2*lr*mean((w*x - y)*x)")


@pytest.mark.parametrize(
    ("line", "formula", "told"),
    [("p*z", "p", "this is p;"), ("p*z", "p + 0*z", "this is p;"), ("p + z", "1", "this is partial.o.z,")],
)
def test_a_local_partial_is_looked_for_along_the_axes_that_are_claimed(line: str, formula: str, told: str) -> None:
    """Of `do/dz` the diagonal and the whole Jacobian are meant; that of the line alone is a diagonal only."""
    text = f'''
equations = """
p = softmax(z)
o = {line}
l = sum(c*o)
"""
[parameters]
z = [1, 2, 4]
[constants]
c = [1, 3, 2]
'''
    finding = judged(text, "do/dz", formula)
    assert finding.status == "wrong"
    assert told in finding.sentence
    assert "the whole Jacobian do[i]/dz[j] either" in finding.sentence
