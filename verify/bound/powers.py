"""The short cuts of torch.pow with a constant exponent, which round fewer times than a power in general.

x^-2 is 1/(x·x) there. It stays a power here: where x·x overflows, a ball of it would tell nothing, while the
power's holds the 0 that PyTorch gives; and the power's rounding in the table covers an x·x that underflows.
x^-0.5, PyTorch's rsqrt, stays one too: it is not bit for bit 1/√x.

Sources: aten/src/ATen/native/cpu/PowKernel.cpp (pow_tensor_scalar_kernel and its optimized kernel) and
aten/src/ATen/native/Pow.cpp (exponents 0 and 1), PyTorch 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from derive.algebra.expression import ONE, Apply, Expr, Number
from derive.chain.derivation import Derivation


def _square(x: Expr) -> Expr:
    return Apply("mul", (x, x))


_SHORT: Mapping[Fraction, Callable[[Expr], Expr]] = {
    Fraction(0): lambda _: ONE,
    Fraction(1): lambda x: x,
    Fraction(2): _square,
    Fraction(3): lambda x: Apply("mul", (_square(x), x)),
    Fraction(-1): lambda x: Apply("div", (ONE, x)),
    Fraction(1, 2): lambda x: Apply("sqrt", (x,)),
}


def as_calculated(expr: Expr) -> Expr:
    """An operation on names and numbers as PyTorch calculates it: x^2 is x·x."""
    match expr:
        case Apply(op="pow", args=(x, Number(value=exponent))) if exponent in _SHORT:
            return _SHORT[exponent](x)
    return expr


def forward(derivation: Derivation) -> Derivation:
    """The derivation of an elementary graph whose lines are calculated as PyTorch does, and derived as before."""
    return replace(derivation, parts=tuple(replace(p, body=as_calculated(p.body)) for p in derivation.parts))
