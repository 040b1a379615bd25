"""Expressions as text: on paper with Unicode (`(2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ`) or in plain ASCII.

The ASCII form is the notation that equations are read in, so it can be typed back.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from fractions import Fraction
from typing import Self

from derive.algebra.expression import ONE, PICKED, Apply, Axes, Expr, Number, Position, Reduce, Ref, count
from derive.source.numerals import write_literal
from derive.steps.equations import Derivative

# How tightly an expression holds together, from least to most; an operand that holds less than needed gets parentheses.
SUM, NEGATIVE, SIGMA, QUOTIENT, PRODUCT, POWER, ATOM = range(7)

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


class Text:
    """The style of Unicode text; methods that return a pair return a text and how tightly it holds together.

    `names` replaces names by text already printed; `dot` stands in products, `chained` between the
    factors of a chain product. `exact` tells −(a b) and (−a) b apart, which are the same number and
    different trees; `bare` leaves the indices out.
    """

    minus, times, partial_sign, chained = "−", "·", "∂", ""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self.names = names or {}
        self.dot = " "
        self.exact = False
        self.bare = False

    def as_written(self) -> Self:
        """The style of the equations on paper, every product with its sign."""
        style = self.signed()
        style.exact = True
        return style

    def signed(self, names: Mapping[str, str] | None = None) -> Self:
        """The style with a sign in every product, and with more `names` replaced."""
        style = copy.copy(self)
        style.dot, style.names = self.times, {**self.names, **(names or {})}
        return style

    def without_indices(self) -> Self:
        """The style that writes eᵢ as e."""
        style = copy.copy(self)
        style.bare = True
        return style

    def show(self, expr: Expr, needed: int = SUM) -> str:
        """`expr`, in parentheses where it holds together less than `needed`."""
        text, level = self._show(expr)
        return text if level >= needed else f"({text})"

    def _show(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case Number(value=value):
                return self.number(value)
            case Ref():
                return self.ref(expr), ATOM
            case Position(axis=axis):
                return axis.letter, ATOM
            case Reduce(op=op, body=body, axes=axes):
                return self.reduction(op, body, axes)
            case Apply(op="entry", args=(Ref(name=name, axes=axes), *chosen)):
                return self.entry(self.names.get(name, name), axes or (), [self.show(value) for value in chosen]), ATOM
            case Apply(op="matmul" | "dotted" as op, args=(left, right)):
                return self.matmul(self.show(left, PRODUCT), self.show(right, POWER), op), PRODUCT
            case Apply(op="sub", args=(first, Apply(op="equal", args=(left, right)))) if first == ONE:
                return self.unequal(self.show(left), self.show(right)), ATOM
            case Apply(op="add" | "sub" as op, args=(left, right)):
                sign = "+" if op == "add" else self.minus
                return f"{self.show(left)} {sign} {self.show(right, NEGATIVE + 1)}", SUM
            case Apply(op="neg", args=(inner,)):
                return f"{self.minus}{self.show(inner, POWER if self.exact else SIGMA)}", NEGATIVE
        return self.application(expr.op, expr.args)

    def application(self, op: str, args: tuple[Expr, ...]) -> tuple[str, int]:
        """A product, a quotient, a power, or a function."""
        match op, args:
            case "mul", (left, right):
                return self.product(left, right)
            case "div", (top, bottom):
                return self.quotient(top, bottom)
            case "pow", (base, exponent):
                return self.power(base, exponent)
        return self.function(op, args)

    def number(self, value: Fraction) -> tuple[str, int]:
        """A number; a quotient holds together like a division."""
        text = write_literal(abs(value))
        level = QUOTIENT if "/" in text else PRODUCT if "e" in text else ATOM
        return (f"{self.minus}{text}", NEGATIVE) if value < 0 else (text, level)

    def ref(self, ref: Ref) -> str:
        """A name with its indices as subscripts."""
        name = self.names.get(ref.name, ref.name)
        return name if self.bare else name + self.index(ref.axes or ())

    def index(self, axes: Axes) -> str:
        """Indices as subscripts where Unicode has them all, else in brackets."""
        letters = [axis.letter for axis in axes]
        subscripts = "".join(letters).translate(_SUBSCRIPTS)
        plain = any(letter in subscripts for letter in letters)
        return f"[{','.join(letters)}]" if plain and letters else subscripts

    def entry(self, name: str, axes: Axes, chosen: list[str]) -> str:
        """A picked entry as it is written: z[i,y[i]]."""
        values = iter(chosen)
        return f"{name}[{','.join(next(values) if axis.letter == PICKED else axis.letter for axis in axes)}]"

    def reduction(self, op: str, body: Expr, axes: Axes | None) -> tuple[str, int]:
        """A sum as Σᵢ …, a mean as (1/n) Σᵢ …; as the word where the axes were left out on paper."""
        if axes is None:
            return f"{op}({self.show(body)})", ATOM
        if op not in ("sum", "mean") or (op == "mean" and axes[0].size is None):
            return f"{op}{self.index(axes)}({self.show(body)})", ATOM
        total = f"Σ{self.index(axes)} {self.show(body, SIGMA)}"
        if op == "sum":
            return total, SIGMA
        sizes = self.times.join(self.show(count(axis), POWER) for axis in axes)
        return f"(1/{sizes if len(axes) == 1 else f'({sizes})'}) {total}", SIGMA

    def matmul(self, left: str, right: str, op: str) -> str:
        """A product of matrices, with the sign that was typed."""
        return f"{left}{self.times if op == 'dotted' else ' @ '}{right}"

    def unequal(self, left: str, right: str) -> str:
        """[k ≠ y], 1 where the two differ, else 0."""
        return f"[{left} ≠ {right}]"

    def product(self, left: Expr, right: Expr) -> tuple[str, int]:
        """Factors side by side; a Σ may only come last, where nothing follows it."""
        (sign, first), second = self.opening(left, PRODUCT), self.show(right, POWER)
        if isinstance(right, Reduce) and right.axes is not None:
            text, level = f"{sign}{first}{self.dot.strip() or ' '}{self.show(right, SIGMA)}", SIGMA
        else:
            dot = self.times if second[0].isdigit() else self.dot
            text, level = f"{sign}{first}{dot}{second}", PRODUCT
        return text, NEGATIVE if sign else level

    def quotient(self, top: Expr, bottom: Expr) -> tuple[str, int]:
        """a/b on one line."""
        sign, over = self.opening(top, QUOTIENT)
        return f"{sign}{over}/{self.show(bottom, POWER)}", NEGATIVE if sign else QUOTIENT

    def opening(self, expr: Expr, needed: int) -> tuple[str, str]:
        """The sign, if any, and the text of what opens a product or a quotient: −a·b, not (−a)·b."""
        if isinstance(expr, Apply) and expr.op == "neg":
            return self.minus, self.show(expr.args[0], POWER if self.exact else needed)
        text, level = self._show(expr)
        if needed == PRODUCT and level < needed and isinstance(expr, Apply) and expr.op == "mul":
            first, last = expr.args
            if isinstance(last, Reduce) and last.axes is not None:  # a (Σᵢ bᵢ) c: more follows the sum
                sign, before = self.opening(first, PRODUCT)
                return sign, f"{before}{self.dot}{self.show(last, POWER)}"
        if level == NEGATIVE and isinstance(expr, Apply) and (expr.op == "mul" or needed == QUOTIENT):
            return self.minus, text.removeprefix(self.minus)
        return "", text if level >= needed else f"({text})"

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        """A whole exponent as a superscript, any other after ^."""
        below = self.show(base, ATOM)
        whole = whole_number(exponent)
        if whole is not None:
            return below + str(whole).translate(_SUPERSCRIPTS), POWER
        return f"{below}^{self.show(exponent, ATOM)}", POWER

    def function(self, op: str, args: tuple[Expr, ...]) -> tuple[str, int]:
        """A function of the table by the sign it has on paper."""
        shown = [self.show(arg) for arg in args]
        match op:
            case "abs":
                return f"|{shown[0]}|", ATOM
            case "sqrt":
                return f"√{self.show(args[0], ATOM)}" if isinstance(args[0], Ref) else f"√({shown[0]})", ATOM
            case "greater" | "at_least" | "at_most" | "equal":
                signs = {"greater": ">", "at_least": "≥", "at_most": "≤", "equal": "="}
                return f"[{shown[0]} {signs[op]} {shown[1]}]", ATOM
            case "sigmoid":
                return f"σ({shown[0]})", ATOM
            case "pi":
                return "π", ATOM
            case "softmax" if isinstance(args[-1], Position):
                return f"softmax{self.index((args[-1].axis,))}({shown[0]})", ATOM
        return (f"{op}({', '.join(shown)})" if shown else op), ATOM

    def derivative(self, derivative: Derivative) -> str:
        """∂l/∂w."""
        return f"{self.partial_sign}{self.ref(derivative.of)}/{self.partial_sign}{self.ref(derivative.wrt)}"

    def sigma(self, axes: Axes) -> str:
        """The summation sign before a product of derivatives; empty without axes."""
        return f"Σ{self.index(axes)} " if axes else ""

    def factor(self, item: Expr | Derivative) -> str:
        """A factor of a chain product, in parentheses."""
        return f"({self.derivative(item) if isinstance(item, Derivative) else self.show(item)})"


def whole_number(expr: Expr) -> int | None:
    """Returns the value of an integer literal, with or without a minus sign; None for any other expression."""
    if isinstance(expr, Apply) and expr.op == "neg":
        inner = whole_number(expr.args[0])
        return None if inner is None else -inner
    if isinstance(expr, Number) and expr.value.denominator == 1:
        return int(expr.value)
    return None


class Ascii(Text):
    """Plain ASCII, as equations are typed: `(2/n)*sum((w*x[i] + b - y[i])*x[i], i)`."""

    minus, times, partial_sign, chained = "-", "*", "d", "*"

    def index(self, axes: Axes) -> str:
        """Indices in brackets."""
        return f"[{','.join(axis.letter for axis in axes)}]" if axes else ""

    def reduction(self, op: str, body: Expr, axes: Axes | None) -> tuple[str, int]:
        """`sum(…, i)`."""
        index = "".join(f", {axis.letter}" for axis in axes or ())
        return f"{op}({self.show(body)}{index})", ATOM

    def product(self, left: Expr, right: Expr) -> tuple[str, int]:
        """Factors with their sign."""
        sign, first = self.opening(left, PRODUCT)
        return f"{sign}{first}*{self.show(right, POWER)}", NEGATIVE if sign else PRODUCT

    def matmul(self, left: str, right: str, op: str) -> str:  # noqa: ARG002
        """A product of matrices as @, which can be typed."""
        return f"{left} @ {right}"

    def unequal(self, left: str, right: str) -> str:
        """A comparison in parentheses."""
        return f"({left} != {right})"

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        """Every exponent after ^."""
        return f"{self.show(base, ATOM)}^{self.show(exponent, ATOM)}", POWER

    def function(self, op: str, args: tuple[Expr, ...]) -> tuple[str, int]:
        """A function by its name in the table, a comparison in parentheses."""
        sign = {"greater": ">", "at_most": "<=", "equal": "=="}.get(op)
        if sign is not None:
            return f"({self.show(args[0])} {sign} {self.show(args[1])})", ATOM
        return (f"{op}({', '.join(self.show(arg) for arg in args)})" if args else op), ATOM

    def sigma(self, axes: Axes) -> str:
        """The word for the summation sign."""
        return f"sum_{''.join(axis.letter for axis in axes)} " if axes else ""
