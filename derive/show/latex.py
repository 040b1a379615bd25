r"""A derivation in LaTeX: a document for pdflatex, and a formula for notebooks.

Parentheses have fixed sizes (`\bigl(`), never `\left(`, so that a line may end between them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Unpack

from derive.algebra.expression import ONE, Axes, Expr, Position, Reduce, Ref, count
from derive.chain.derivation import Derivation
from derive.characters import ascii_text
from derive.show.notation import ATOM, NEGATIVE, POWER, PRODUCT, SIGMA, SUM, Text
from derive.show.sides import left, right
from derive.show.tex import fold, measure, subscripted, text_to_tex
from derive.source.numerals import write_literal
from derive.steps.choice import How, printed
from derive.steps.equations import Derivative, Equation, Section
from derive.steps.steps import sections
from derive.training.optimizers import Optimizer

_ROOM = 400.0  # points for one line of an equation, of the document's 160 mm, beside its number
_TALL = 230.0  # points up to which a numerator, a denominator or a root is set in one piece
_FUNCTIONS = frozenset(["exp", "log", "sin", "cos", "tan", "tanh", "max", "min"])
_DOCUMENT = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\setlength{\textwidth}{160mm}
\setlength{\oddsidemargin}{-0.5mm}
\setlength{\textheight}{235mm}
\setlength{\topmargin}{-10mm}
\setlength{\parindent}{0pt}
\setlength{\jot}{6pt}
\allowdisplaybreaks
"""


class Latex(Text):
    r"""The style that writes LaTeX maths in `amsmath` commands that MathJax knows as well."""

    minus, times, partial_sign, chained = "-", r" \cdot ", r"\partial ", r" \cdot "

    def __init__(self) -> None:
        super().__init__()
        self.dot = r" \, "

    def show(self, expr: Expr, needed: int = SUM) -> str:
        """`expr`, in parentheses as tall as it is where it holds together less than `needed`."""
        text, level = self._show(expr)
        return text if level >= needed else enclosed("(", text, ")")

    def opening(self, expr: Expr, needed: int) -> tuple[str, str]:
        """The sign, if any, and the text of what opens a product or a quotient."""
        sign, text = super().opening(expr, needed)
        if not sign and text.startswith("(") and text.endswith(")"):
            return "", self.show(expr, needed)
        return sign, text

    def number(self, value: Fraction) -> tuple[str, int]:
        """A number; a quotient as a fraction, an exponent as a power of ten."""
        text, level = write_literal(abs(value)), ATOM
        if "/" in text:
            top, bottom = text.split("/")
            text, level = rf"\frac{{{top}}}{{{bottom}}}", POWER
        elif "e" in text:
            digits, exponent = text.split("e")
            power = f"10^{{{exponent}}}"
            text, level = (power, POWER) if digits == "1" else (rf"{digits} \cdot {power}", PRODUCT)
        return (f"-{text}", NEGATIVE) if value < 0 else (text, level)

    def ref(self, ref: Ref) -> str:
        """A name with its indices below; a part of a line (`l#1`) has its number above."""
        if ref.name in self.names:
            return self.names[ref.name]
        line, _, part = ref.name.partition("#")
        letters = tuple(axis.letter for axis in ref.axes or ())
        if not part:
            return subscripted(line, letters)
        below = f"_{{{''.join(letters)}}}" if letters else ""
        return f"{{{subscripted(line)}}}^{{({part})}}{below}"

    def index(self, axes: Axes) -> str:
        """Indices below."""
        return f"_{{{''.join(axis.letter for axis in axes)}}}" if axes else ""

    def reduction(self, op: str, body: Expr, axes: Axes | None) -> tuple[str, int]:
        r"""A sum as \sum, a mean as 1/n \sum; a mean as the word where the axes were left out on paper."""
        if op not in ("sum", "mean") or (op == "mean" and (axes is None or axes[0].size is None)):
            return rf"\operatorname{{{op}}}{self.index(axes or ())}{enclosed('(', self.show(body), ')')}", ATOM
        total = rf"\sum{self.index(axes or ())} {self.show(body, SIGMA)}"
        if op == "sum":
            return total, SIGMA
        sizes = r" \cdot ".join(self.show(count(axis)) for axis in axes or ())
        return rf"\frac{{1}}{{{sizes}}} {total}", SIGMA

    def matmul(self, left: str, right: str, op: str) -> str:
        """A product of matrices, with the sign that was typed."""
        return rf"{left}{self.times}{right}" if op == "dotted" else rf"{left} \mathbin{{@}} {right}"

    def unequal(self, left: str, right: str) -> str:
        """[k ≠ y]."""
        return enclosed(r"\lbrack ", rf"{left} \ne {right}", r"\rbrack ")

    def product(self, left: Expr, right: Expr) -> tuple[str, int]:
        """Factors side by side; a sum may only come last, where nothing follows it."""
        sign, first = self.opening(left, PRODUCT)
        if isinstance(right, Reduce):
            text, level = f"{sign}{first}{self.dot}{self.show(right, SIGMA)}", SIGMA
        else:
            second = self.show(right, POWER)
            dot = self.times if second[0].isdigit() else self.dot
            text, level = f"{sign}{first}{dot}{second}", PRODUCT
        return text, NEGATIVE if sign else level

    def quotient(self, top: Expr, bottom: Expr) -> tuple[str, int]:
        """A fraction; as a product where its numerator or denominator is too wide for one line."""
        sign, over = self.opening(top, SUM)
        under = self.show(bottom)
        if measure(under) > _TALL:
            before = "" if top == ONE else f"{self.show(top, POWER)}{self.dot}"
            return f"{before}{enclosed('(', under, ')')}^{{-1}}", PRODUCT
        if measure(over) > _TALL:
            return rf"\frac{{1}}{{{under}}}{self.dot}{self.show(top, POWER)}", PRODUCT
        return rf"{sign}\frac{{{over}}}{{{under}}}", NEGATIVE if sign else POWER

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        """An exponent above."""
        hidden = isinstance(base, Ref) and "#" in base.name  # has something above already
        below = enclosed("(", self.show(base), ")") if hidden else self.show(base, ATOM)
        return f"{below}^{{{self.show(exponent)}}}", POWER

    def function(self, op: str, args: tuple[Expr, ...]) -> tuple[str, int]:
        """A function of the table by its command, or by its name upright."""
        shown = [self.show(arg) for arg in args]
        match op:
            case "abs":
                return enclosed(r"\lvert ", shown[0], r"\rvert "), ATOM
            case "sqrt" if measure(shown[0]) > _TALL:
                return f"{enclosed('(', shown[0], ')')}^{{1/2}}", POWER
            case "sqrt":
                return rf"\sqrt{{{shown[0]}}}", ATOM
            case "greater" | "at_least" | "at_most" | "equal":
                relation = {"greater": ">", "at_least": r"\ge", "at_most": r"\le", "equal": "="}[op]
                return enclosed(r"\lbrack ", f"{shown[0]} {relation} {shown[1]}", r"\rbrack "), ATOM
            case "sigmoid":
                return rf"\sigma{enclosed('(', shown[0], ')')}", ATOM
            case "pi" | "e":
                return r"\pi" if op == "pi" else r"\mathrm{e}", ATOM
            case "softmax" if isinstance(args[-1], Position):
                return rf"\operatorname{{softmax}}{self.index((args[-1].axis,))}{enclosed('(', shown[0], ')')}", ATOM
        plain = op.replace("_", r"\_")
        name = rf"\{op}" if op in _FUNCTIONS else rf"\operatorname{{{plain}}}"
        return f"{name}{enclosed('(', ', '.join(shown), ')')}", ATOM

    def derivative(self, derivative: Derivative) -> str:
        r"""\frac{\partial l}{\partial w}."""
        return rf"\frac{{\partial {self.ref(derivative.of)}}}{{\partial {self.ref(derivative.wrt)}}}"

    def sigma(self, axes: Axes) -> str:
        """The summation sign before a product of derivatives; empty without axes."""
        return rf"\sum{self.index(axes)} " if axes else ""

    def factor(self, item: Expr | Derivative) -> str:
        """A factor of a chain product; in parentheses only where it needs them."""
        return self.derivative(item) if isinstance(item, Derivative) else self.show(item, PRODUCT)


def enclosed(opening: str, text: str, closing: str) -> str:
    """Returns `text` between delimiters about as tall as it is."""
    signs = {r"\frac": "bigg", r"\sum": "Big", r"\sqrt": "big", "(": "big"}
    size = next((size for sign, size in signs.items() if sign in text), "")
    return f"\\{size}l{opening}{text}\\{size}r{closing}" if size else f"{opening}{text}{closing}"


def to_latex(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = "SGD", **how: Unpack[How]
) -> str:
    """Returns a whole document with the chosen steps, numbered as in the text, for pdflatex with amsmath.

    Only accented letters of the title are not ASCII; `ascii_only` drops the accents.
    """
    found, ascii_only = printed(derivation, optimizer, how)
    title = ascii_text(title) if ascii_only else title
    head = rf"\section*{{{text_to_tex(title)}}}" + "\n" if title else ""
    body = "\n".join(_section(section) for section in found)
    return f"{_DOCUMENT}\\begin{{document}}\n{head}{body}\\end{{document}}\n"


def display(derivation: Derivation) -> str:
    """Returns all steps but the update rules as one aligned formula, for a notebook."""
    rows: list[str] = []
    for section in sections(derivation, None):
        rows.append(rf"&\textbf{{{text_to_tex(section.title)}}}")
        for equation in section.equations:
            *before, last = aligned(equation)
            rows += [*before, rf"{last} && \text{{({equation.number})}}"]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def _section(section: Section) -> str:
    """A heading, the equations aligned, and the sentences."""
    rows = []
    for equation in section.equations:
        *before, last = aligned(equation)
        rows += [*(f"{row} \\\\*\n" for row in before), rf"{last} \tag{{{equation.number}}}"]
        rows[-1] += " \\\\\n"
    table = "".join(rows).removesuffix(" \\\\\n")
    block = f"\\begin{{align*}}\n{table}\n\\end{{align*}}\n" if table else ""
    paragraphs = "".join(f"{text_to_tex(text)}.\\par\n".replace("..", ".") for text in section.sentences)
    return f"\\subsection*{{{text_to_tex(section.title)}}}\n{block}{paragraphs}"


def aligned(equation: Equation, room: float = _ROOM) -> list[str]:
    """Returns the rows of an equation in an alignment, folded to about `room` points where a line may end."""
    style = Latex()
    head, relation = left(equation, style), {"←": r"\leftarrow"}.get(equation.relation, equation.relation)
    width = room - measure(head)
    first, *rest = fold(right(equation, style), width, width - 20.0)
    rows = [f"{head} &{relation} {first}".strip(), *(f"&\\qquad {{}} {line}" for line in rest)]
    if equation.note:
        note = rf"\text{{{text_to_tex(equation.note)}}}"
        if measure(rows[-1]) + measure(note) + 60.0 < room:
            rows[-1] += rf" \qquad {note}"
        else:
            rows.append(rf"&\qquad {note}")
    return rows
