"""The gradients among the steps: chain products, partials substituted, closed forms, adjoint equations."""

from __future__ import annotations

from typing import NamedTuple

from derive.algebra.expression import Expr, Ref
from derive.chain.closed_form import readable
from derive.chain.formulas import MAX_LINKS, MAX_PATHS, Formulas, Gradient, Path
from derive.chain.paths import Link
from derive.graph.graph import Graph
from derive.steps.equations import Derivative, Equation, Numbers, Product, Section, Total


class Stages(NamedTuple):
    """A gradient as the article writes it: the chain product, the partials substituted, the closed form.

    Each is None where it would say no more than the next one, or is too long to read; `left_out`
    says why in a sentence.
    """

    chain: Total | None = None
    substituted: Total | None = None
    closed: Expr | None = None
    left_out: str = ""


def stages(gradient: Gradient, graph: Graph) -> Stages:
    """Returns the stages of a gradient that are shown, or why they are left out."""
    if not gradient.paths:
        return Stages(left_out=_why_no_paths(gradient, graph))
    chain = substituted = None
    if any(len(path.links) > 1 for path in gradient.paths):
        chain = Total(tuple(_product(path, symbols=True) for path in gradient.paths))
        if all(readable(link.partial) for path in gradient.paths for link in path.links):
            substituted = Total(tuple(_product(path, symbols=False) for path in gradient.paths))
    left_out = "" if gradient.closed is not None else "The closed form is too long to read and is left out."
    return Stages(chain, substituted, gradient.closed, left_out)


def gradient_section(formulas: Formulas, gradient: Gradient, numbers: Numbers) -> Section:
    """Returns the section of a gradient in its stages; without a closed form, it ends with its adjoint equation."""
    loss = formulas.derivation.graph.loss
    whole = Derivative(Ref(loss, ()), gradient.wrt)
    found = stages(gradient, formulas.derivation.graph)
    direct = any(len(path.links) == 1 for path in gradient.paths)
    note = f"on the right, the partial of the line `{loss}` alone" if direct else ""
    equations: list[Equation] = []
    for side in (found.chain, found.substituted, found.closed):
        if side is not None:
            left = None if equations else whole
            equation = numbers.equation(left, side, note=note if side is found.chain else "")
            equations.append(equation._replace(closed=side is found.closed))
    if goes_on_from_adjoints(formulas, gradient):
        equation = numbers.equation(None if equations else whole, adjoint(formulas, gradient.wrt.name))
        equations.append(equation._replace(closed=True))
    sentences = (found.left_out,) if found.left_out else ()
    return Section("chain", f"Chain rule for `{gradient.wrt.name}`", tuple(equations), sentences)


def _product(path: Path, symbols: bool) -> Product:
    factors = tuple(Derivative(link.of, link.wrt) if symbols else link.partial for link in path.links)
    return Product(factors, path.summed)


def _why_no_paths(gradient: Gradient, graph: Graph) -> str:
    name = gradient.wrt.name
    if gradient.path_count == 0 and name in graph.class_labels:
        return f"`{name}` holds class labels, which choose what is in the loss: no derivative is taken by them."
    if gradient.path_count == 0 and name in graph.ancestors:
        return f"`{name}` is in the loss, but every derivative by it on the way there is 0: the gradient is 0."
    if gradient.path_count == 0:
        return f"The loss does not depend on `{name}`: the gradient is 0."
    if gradient.path_count > MAX_PATHS:
        return (
            f"{gradient.path_count:,} paths lead to `{name}`, more than the {MAX_PATHS} that are written "
            "out; the adjoint equations calculate their sum."
        )
    return (
        f"The path to `{name}` has {gradient.longest:,} factors, more than the {MAX_LINKS} that are written "
        "out; the adjoint equations calculate the product."
    )


def goes_on_from_adjoints(formulas: Formulas, gradient: Gradient) -> bool:
    """Whether an adjoint equation replaces the closed form: there is none, and a last partial is `readable`."""
    links = [path.links[0] for path in formulas.steps_to(gradient.wrt.name)] if gradient.closed is None else []
    return any(readable(link.partial) for link in links)


def adjoint_equations(formulas: Formulas, numbers: Numbers) -> Section:
    """Returns the section of the adjoint equations of all lines, for gradients whose closed forms are too long."""
    graph = formulas.derivation.graph
    loss = Ref(graph.loss, ())
    equations = [
        numbers.equation(Derivative(loss, Ref(node.name, node.axes)), total)
        for node in reversed(graph.lines)
        if (total := adjoint(formulas, node.name)).products
    ]
    return Section("adjoints", "Adjoints, in reverse order of calculation", tuple(equations))


def adjoint(formulas: Formulas, name: str) -> Total:
    """Returns the adjoint of a name from those of the lines that it stands in: (∂l/∂a)(∂a/∂`name`) + …."""
    loss = Ref(formulas.derivation.graph.loss, ())
    products = []
    for path in formulas.steps_to(name):
        link = path.links[0]
        products.append(Product((Derivative(loss, link.of), _slope(link)), path.summed))
    return Total(tuple(products))


def _slope(link: Link) -> Expr | Derivative:
    """The local partial; its symbol where that is too long to read."""
    return link.partial if readable(link.partial) else Derivative(link.of, link.wrt)
