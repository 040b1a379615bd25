"""The short cuts of torch.pow, by exact equality with what PyTorch gives."""

from fractions import Fraction

import pytest
import torch

from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.show.notation import Ascii
from verify.bound.elementary import elementary
from verify.bound.pytorch_forms import as_calculated, forward

X = Ref("x", ())


def power(exponent: str) -> Expr:
    return as_calculated(Apply("pow", (X, Number(Fraction(exponent)))))


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        ("0", "1"),
        ("1", "x"),
        ("2", "x*x"),
        ("3", "x*x*x"),
        ("-1", "1/x"),
        ("1/2", "sqrt(x)"),
        ("-1/2", "x^(-0.5)"),
        ("-2", "x^(-2)"),
        ("5", "x^5"),
        ("1/3", "x^(1/3)"),
    ],
)
def test_what_is_calculated_for_an_exponent(exponent: str, expected: str) -> None:
    assert Ascii().show(power(exponent)) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pytorch_takes_these_short_cuts(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    for size in ((), (3,), (10_000,)):
        x = torch.rand(size, generator=generator, dtype=dtype) * 100 + 0.01
        assert torch.equal(x**0, torch.ones_like(x))
        assert torch.equal(x**1, x)
        assert torch.equal(x**2, x * x)
        assert torch.equal(x**3, x * x * x)
        assert torch.equal(x**-1, 1 / x)
        assert torch.equal(x**-2, 1 / (x * x))
        assert torch.equal(x**0.5, torch.sqrt(x))


def test_a_line_is_derived_as_a_power_all_the_same() -> None:
    whole = differentiate(elementary(load("article").graph))
    calculated = forward(whole)
    assert calculated.adjoints == whole.adjoints
    changed = [(p.body, q.body) for p, q in zip(whole.parts, calculated.parts, strict=True) if p.body != q.body]
    assert [tuple(map(Ascii().show, pair)) for pair in changed] == [("d[i]^2", "d[i]*d[i]")]
