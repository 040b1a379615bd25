"""Operations of constants that have no real value, such as √(−1) and log(0): what they are called, what is expected."""

from __future__ import annotations

from derive.algebra.calculus import is_real
from derive.algebra.expression import Apply, leaves

_OUTSIDE = {
    "sqrt": ("root", "one of a number that is not negative"),
    "pow": ("power", "a positive base, or a whole exponent"),
    "div": ("quotient", "a divisor other than 0"),
    "tan": ("tangent", "one of an angle other than pi/2"),
    "log1p": ("logarithm", "one of a number above -1, to which it adds 1"),
    **dict.fromkeys(("log", "log2", "log10"), ("logarithm", "one of a positive number")),
}


def not_real(whole: Apply) -> str:
    """The message for an operation of constants without a real value; empty for any other."""
    if whole.op not in _OUTSIDE or leaves(whole) or is_real(whole):
        return ""
    called, expected = _OUTSIDE[whole.op]
    return f"this {called} of constants is not a real number; expected {expected}"
