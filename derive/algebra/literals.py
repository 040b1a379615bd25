"""Expressions of literals only, such as 1/3 and 2^10, worked out exactly, and those that no calculation could hold."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.expression import Apply, Expr, Number

MAX_POWER = 1000  # the largest exponent; x^1000 is 0 or infinite in float64 but for sizes of x from 0.48 to 2.03
MAX_BITS = 10_000  # of a power of literals, about 3,000 digits; a larger one is refused


def constant_value(expr: Expr) -> Fraction | None:
    """Returns the value of an expression of literals only; None for any other, and where it is not rational."""
    if isinstance(expr, Number):
        return expr.value
    if not isinstance(expr, Apply) or expr.op not in ("add", "sub", "mul", "div", "pow", "neg"):
        return None
    values = [value for arg in expr.args if (value := constant_value(arg)) is not None]
    return _worked_out(expr.op, *values) if len(values) == len(expr.args) else None


def _worked_out(op: str, x: Fraction, y: Fraction = Fraction(0)) -> Fraction | None:
    """One arithmetic operation; None where it has no rational value or one too long to work out."""
    match op:
        case "neg":
            return -x
        case "add":
            return x + y
        case "sub":
            return x - y
        case "mul":
            return x * y
        case "div":
            return x / y if y != 0 else None
    whole = y.denominator == 1 and abs(y) <= MAX_POWER and not (x == 0 and y < 0)
    return x ** int(y) if whole else None


def unworkable(expr: Apply) -> str:
    """Returns the message for a division by zero or a power that is too large; an empty string for anything else."""
    if expr.op not in ("div", "pow"):
        return ""
    right = constant_value(expr.args[1])
    if right is None:
        return ""
    if expr.op == "div":
        return "division by zero" if right == 0 else ""
    base = constant_value(expr.args[0])
    bits = 0 if base is None else (abs(base.numerator) * base.denominator).bit_length()
    if abs(right) > MAX_POWER or bits * abs(right) > MAX_BITS:
        most = min(MAX_POWER, MAX_BITS // bits) if bits else MAX_POWER
        shorter = ", or a base of fewer digits" if most < MAX_POWER else ""
        return f"this power is too large; expected an exponent of at most {most}{shorter}"
    return "division by zero" if base == 0 and right < 0 else ""
