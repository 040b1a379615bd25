"""Closed forms: the products along all paths multiplied out of their lines, cancelled, and added up.

A line that is a function, such as h = tanh(a), keeps its name, any other line is replaced by its
right-hand side; where every function stands once, they are replaced as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property

from derive.algebra.axes import apart
from derive.algebra.expression import (
    Apply,
    Axes,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    children,
    free_axes,
    fresh_axes,
    rebuild,
    rename_axes,
    size,
    taken_axes,
    walk,
)
from derive.algebra.fractions import cancelled
from derive.algebra.monomial import Monomial, collect
from derive.algebra.sums import add_up
from derive.algebra.tidying import powered, product, tidy
from derive.chain.named_lines import Named, by_name, named
from derive.graph.graph import Graph
from derive.graph.node import Node

MAX_SIZE = 100  # numbers, names and operations in a closed form: about six lines of text
MAX_DEPTH = 96  # operations, and lines put into one another; beyond, the closed form keeps the names of the lines
MAX_ONCE = 30  # by how much a formula may grow for a name that stands once in it; else the name stays


class TooLongError(Exception):
    """A formula past the length at which it is shown."""


def readable(expr: Expr) -> bool:
    """Whether the formula is short enough to be shown: at most `MAX_SIZE` numbers, names and operations."""
    return size(expr) <= MAX_SIZE


class ClosedForms:
    """Works out closed forms of gradients in one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def named(self) -> tuple[Named, ...]:
        """The lines that keep their names."""
        return named(self.graph.lines)

    @cached_property
    def own_names(self) -> Mapping[str, Named]:
        """Those lines by their names."""
        return {line.name: line for line in self.named}

    @cached_property
    def _spelled_once(self) -> tuple[str, ...]:
        """Those that give way to their right-hand sides where they stand once."""
        return tuple(line.name for line in self.named if not line.is_fraction_of_functions)

    def total(self, paths: Iterable[tuple[tuple[Expr, ...], Axes]]) -> Expr | None:
        """Returns the sum of `paths`, each a product of factors summed over its axes; None where it is not `readable`.

        Lines are replaced by what they stand for where that stays readable, else their names stand in it.
        """
        products = [(self._product(factors), axes) for factors, axes in paths]
        try:
            spelled = self._added([(self._spelled(whole, axes), axes) for whole, axes in products])
            for whole in (self._in_given_names(spelled), spelled):
                if whole is not None and readable(whole):
                    return whole
        except TooLongError:
            pass
        short = self._added(products)
        return short if readable(short) else None

    def _product(self, factors: Iterable[Expr]) -> Monomial:
        whole = collect(factors)
        if sum(size(factor) for factor, _ in whole.outside) > 4 * MAX_SIZE:
            return whole
        return cancelled(picked(product(by_name(product(whole.tree()).tree(), self.named))))

    def _added(self, products: Iterable[tuple[Monomial, Axes]]) -> Expr:
        whole = add_up([cancelled(picked(product_)).summed_over(axes) for product_, axes in products])
        return apart(whole, frozenset(free_axes(whole)))

    def _spelled(self, whole: Monomial, axes: Axes) -> Monomial:
        around = {axis for factor, _ in whole.outside for axis in taken_axes(factor)} | set(axes)
        inline = inliner(self.graph, self.own_names)
        factors = [powered(inline(factor, around), power) for factor, power in whole.outside]
        return product(Number(whole.coefficient), *factors)

    def _in_given_names(self, whole: Expr) -> Expr | None:
        """The formula without names of lines; None where one of them stands in it more than once, or is long."""
        while standing := [part.name for part in walk(whole) if isinstance(part, Ref) and part.name in self.own_names]:
            name = standing[0]
            if standing.count(name) > 1 or name not in self._spelled_once:
                return None
            longer = inliner(self.graph, set(self.own_names) - {name})(whole, set(free_axes(whole)))
            if size(longer) - size(whole) > MAX_ONCE:
                return None
            whole = tidy(longer)
        return whole


def inliner(graph: Graph, kept: Collection[str]) -> Callable[[Expr, Collection[Axis]], Expr]:
    """Returns a function of an expression and of the axes around it that replaces lines by their right-hand sides.

    Lines in `kept` stay. The function raises `TooLongError` past 4 `MAX_SIZE` parts in all its calls together (tidying,
    which follows, may shorten a formula), and past `MAX_DEPTH` lines and operations inside one another.
    """
    budget = 4 * MAX_SIZE

    def inlined(expr: Expr, depth: int, around: frozenset[Axis]) -> Expr:
        """`around` are the axes of the sums that `expr` stands in: its own get other letters."""
        nonlocal budget
        budget -= 1
        if budget < 0 or depth > MAX_DEPTH:
            raise TooLongError
        if isinstance(expr, Ref):
            node = graph.by_name[expr.name]
            if node.expr is None or expr.name in kept:
                return expr
            return inlined(_read_along(node, expr, around), depth + 1, around)
        inside = around | frozenset(expr.axes or ()) if isinstance(expr, Reduce) else around
        return rebuild(expr, tuple(inlined(part, depth + 1, inside) for part in children(expr)))

    return lambda expr, around: inlined(expr, 0, frozenset(around))


def _read_along(node: Node, ref: Ref, around: frozenset[Axis]) -> Expr:
    """The right-hand side of a line, read along the axes of `ref`; its own sums have letters apart from `around`."""
    renamed = dict(zip(node.axes, ref.axes or (), strict=True))
    inner = sorted(taken_axes(node.definition) - set(node.axes))
    renamed |= fresh_axes(inner, [*around, *renamed.values()])
    return rename_axes(node.definition, renamed)


def picked(whole: Monomial) -> Monomial:
    """Returns the product with pₖ for its factor Σₘ [y = m] pₘ where another factor, [y = k], says that y is k."""
    labels = {found[0]: found[1] for factor, power in whole.outside if power > 0 and (found := _label(factor))}
    if not labels:
        return whole
    factors = [powered(_entry(factor, labels), power) for factor, power in whole.outside]
    return product(Number(whole.coefficient), *factors)


def _label(factor: Expr) -> tuple[Ref | Number, Axis] | None:
    """Y and k of [y = k]; y may be a number, as in p[1]."""
    match factor:
        case Apply(op="equal", args=((Ref() | Number()) as label, Position(axis=axis))):
            return label, axis
    return None


def _entry(factor: Expr, labels: Mapping[Ref | Number, Axis]) -> Expr:
    """pₖ for Σₘ [y = m] pₘ, where y is known to be k; any other factor as it is."""
    if not isinstance(factor, Reduce) or factor.op != "sum":
        return factor
    body = collect((factor.body,))
    for part, power in body.outside:
        found = _label(part)
        if found is not None and power == 1 and found[0] in labels and factor.axes == (found[1],):
            rest = [powered(other, exponent) for other, exponent in body.outside if other != part]
            here = labels[found[0]]
            return rename_axes(collect([Number(body.coefficient), *rest]).tree(), {found[1]: here})
    return factor
