"""The two sides of a numbered equation, and sentences, as text in a style, for every format."""

from __future__ import annotations

from collections.abc import Mapping

from derive.algebra.expression import Apply, Expr, walk
from derive.algebra.tidying import shares_written
from derive.characters import ascii_names, ascii_text, greek_names
from derive.graph.graph import Graph
from derive.show.notation import Ascii, Text
from derive.steps.equations import GRADIENT, Derivative, Equation, Product, Side, Total, Update
from derive.steps.expand import with_softmax
from derive.training.optimizers import OWN_NAMES


def ascii_style(graph: Graph) -> Ascii:
    """The ASCII style, in which names of `graph` that are not ASCII are spelled out."""
    return Ascii(names=_with_own(ascii_names(graph.by_name)))


def text_style(graph: Graph) -> Text:
    """The style of Unicode text, in which `alpha` is α; beside a sigmoid, σ(…), a name `sigma` stays a word."""
    names = dict(greek_names(graph.by_name))
    sigmoid = any(isinstance(part, Apply) and part.op == "sigmoid" for n in graph.lines for part in walk(n.definition))
    if sigmoid:
        names.pop("sigma", None)
    return Text(_with_own(names))


def _with_own(names: Mapping[str, str]) -> Mapping[str, str]:
    """How names are printed, those of an optimizer's state too: where `theta` is θ, `v_theta` is v_θ."""
    return {**names, **{f"{own}_{name}": f"{own}_{text}" for name, text in names.items() for own in OWN_NAMES}}


def left(equation: Equation, style: Text) -> str:
    """The left-hand side of an equation; empty where it continues the one before."""
    if equation.left is None:
        return ""
    return style.derivative(equation.left) if isinstance(equation.left, Derivative) else style.ref(equation.left)


def right(equation: Equation, style: Text) -> str:
    """The right-hand side of an equation."""
    return shown(equation.right, style.as_written() if equation.is_written else style)


def shown(side: Side, style: Text) -> str:
    """Returns one side of an equation as text in `style`."""
    match side:
        case Derivative():
            return style.derivative(side)
        case Total(products=products):
            return " + ".join(_product(product, style) for product in products) or "0"
        case Update(expr=expr, gradient=gradient):
            return style.signed({GRADIENT: style.derivative(gradient)} if gradient else None).show(expr)
    return style.show(with_softmax(shares_written(side)))


def sentence(text: str, style: Text) -> str:
    """Returns a sentence, title or sign without the `s around names, in the names and characters of the style."""
    pieces = text.split("`")
    unmarked = "".join(style.names.get(piece, piece) if number % 2 else piece for number, piece in enumerate(pieces))
    return ascii_text(unmarked) if isinstance(style, Ascii) else unmarked


def _product(product: Product, style: Text) -> str:
    if len(product.factors) == 1 and isinstance(product.factors[0], Derivative):
        return style.sigma(product.axes) + style.derivative(product.factors[0])
    return style.sigma(product.axes) + style.chained.join(_factor(factor, style) for factor in product.factors)


def _factor(factor: Expr | Derivative, style: Text) -> str:
    return style.factor(factor if isinstance(factor, Derivative) else with_softmax(shares_written(factor)))
