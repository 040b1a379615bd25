"""Names of lines in place of their right-hand sides: oᵢ (1 − oᵢ) for σ(zᵢ) (1 − σ(zᵢ)) where oᵢ = σ(zᵢ)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from derive.algebra.equivalence import Pairs, matched
from derive.algebra.expression import ONE, Apply, Axes, Expr, Number, Reduce, Ref, children, rebuild, walk
from derive.algebra.monomial import Monomial
from derive.algebra.tidying import powered, product
from derive.graph.node import Node

_ARITHMETIC = ("add", "sub", "mul", "div", "neg", "pow")
_COMPARISONS = ("greater", "at_least", "at_most", "equal")


@dataclass(frozen=True)
class Named:
    """A line that is a function of something, or a quotient by something calculated; `whole` is its right-hand side."""

    name: str
    axes: Axes
    whole: Monomial

    @property
    def function(self) -> Expr | None:
        """The function, where the line is that alone; None for a product, a power or a quotient."""
        (factor, power), *more = self.whole.outside
        return factor if power == 1 and not more and self.whole.coefficient == 1 else None

    @property
    def is_fraction_of_functions(self) -> bool:
        """Whether the line is a quotient with functions or sums in it: then its name stays wherever it stands."""
        return self.function is None and any(
            isinstance(part, Reduce) or (isinstance(part, Apply) and part.op not in _ARITHMETIC)
            for factor, _ in self.whole.outside
            for part in walk(factor)
        )

    def read(self, pairs: Pairs) -> Ref:
        """Returns the name read along the axes that `pairs` gives for the line's own."""
        return Ref(self.name, tuple(pairs[axis] for axis in self.axes))


def named(nodes: Iterable[Node]) -> tuple[Named, ...]:
    """Returns the lines among `nodes` that keep their names: functions, and quotients by something calculated."""
    nodes = tuple(nodes)
    lines = {node.name for node in nodes}
    found = (Named(node.name, node.axes, product(node.definition)) for node in nodes if node.expr is not None)
    return tuple(line for line in found if _is_function(line) or _is_quotient(line.whole, lines))


def _is_function(line: Named) -> bool:
    if not line.whole.outside:
        return False
    match line.function:
        case Apply(op=op, args=args):
            return bool(args) and op not in (*_ARITHMETIC, *_COMPARISONS)
        case Reduce(op=op):
            return op not in ("sum", "mean")
    return False


def _is_quotient(whole: Monomial, lines: set[str]) -> bool:
    """Whether something calculated stands below the line of the fraction."""
    below = [factor for factor, power in whole.outside if power < 0]
    return any(not isinstance(factor, Ref) or factor.name in lines for factor in below)


def by_name(expr: Expr, lines: Iterable[Named]) -> Expr:
    """Returns `expr` with the name of a line wherever the line's right-hand side stands in it."""
    for line in lines:
        expr = _replaced(expr, line)
    return expr


def _replaced(expr: Expr, line: Named) -> Expr:
    function = line.function
    if function is not None:
        return _function_replaced(expr, function, line)
    return _quotient_replaced(expr, line)


def _function_replaced(expr: Expr, function: Expr, line: Named) -> Expr:
    pairs = matched(function, expr, line.axes)
    if pairs is not None and set(line.axes) <= set(pairs):
        return line.read(pairs)
    return rebuild(expr, tuple(_function_replaced(part, function, line) for part in children(expr)))


def _quotient_replaced(expr: Expr, line: Named) -> Expr:
    if not children(expr):
        return expr
    if isinstance(expr, Apply) and expr.op in ("mul", "div", "neg", "pow"):
        whole = product(expr)
        shorter = _divided(whole, line)
        if shorter is not None:
            expr = shorter.tree()
            if isinstance(expr, Ref):
                return expr
    return rebuild(expr, tuple(_quotient_replaced(part, line) for part in children(expr)))


def _divided(whole: Monomial, line: Named) -> Monomial | None:
    """The product with the quotient by its name as often as it stands in it; None where its denominator stays."""
    powers = dict(whole.outside)
    coefficient = whole.coefficient
    below = [factor for factor, power in line.whole.outside if power < 0]
    found: dict[Expr, int] = {}
    taken: list[Pairs] = []
    while (fit := _fitting(list(line.whole.outside), powers, line.axes, {})) is not None:
        pairs, used = fit
        for factor, power in used.items():
            powers[factor] -= power
        name = line.read(pairs)
        found[name] = found.get(name, 0) + 1
        coefficient /= line.whole.coefficient
        taken.append(pairs)
    if not found or any(_stays(factor, powers, line, taken) for factor in below):
        return None
    names_first = (*found.items(), *powers.items())
    divided = replace(whole, coefficient=coefficient, outside=tuple((f, p) for f, p in names_first if p))
    return _complemented(divided, line, taken[0])


def _complemented(whole: Monomial, line: Named, pairs: Pairs) -> Monomial:
    """With p = c/(a + E), p E is c − a p: p (1 − p) for p² exp(−z) where p = 1/(1 + exp(−z))."""
    (below, power), *more = line.whole.outside
    if more or power != -1 or not isinstance(below, Apply) or below.op != "add":
        return whole
    numbers = [part for part in below.args if isinstance(part, Number)]
    others = [part for part in below.args if not isinstance(part, Number)]
    name, powers = line.read(pairs), dict(whole.outside)
    for other, exponent in whole.outside if len(numbers) == 1 else ():
        if exponent == 1 and powers[name] > 0 and matched(others[0], other, line.axes, pairs) is not None:
            scaled = name if numbers[0] == ONE else Apply("mul", (numbers[0], name))
            complement = Apply("sub", (Number(line.whole.coefficient), scaled))
            rest = [powered(factor, p - (factor == name)) for factor, p in whole.outside if factor != other]
            place = 1 if powers[name] > 1 else 0
            return product(Number(whole.coefficient), *rest[:place], complement, *rest[place:])
    return whole


def _stays(factor: Expr, powers: Mapping[Expr, int], line: Named, taken: list[Pairs]) -> bool:
    """Whether the denominator is left in the product after the division."""
    return any(
        power < 0 and matched(factor, other, line.axes, pairs) is not None
        for other, power in powers.items()
        for pairs in taken
    )


def _fitting(
    wanted: list[tuple[Expr, int]], powers: Mapping[Expr, int], free: Axes, pairs: Pairs
) -> tuple[Pairs, dict[Expr, int]] | None:
    """Where all `wanted` factors stand in the product, along the same axes."""
    if not wanted:
        return (pairs, {}) if set(free) <= set(pairs) else None
    (factor, power), *rest = wanted
    for other, has in powers.items():
        if has * power > 0 and abs(has) >= abs(power):
            more = matched(factor, other, free, pairs)
            left = _fitting(rest, {**powers, other: has - power}, free, more) if more is not None else None
            if left is not None:
                return left[0], {**left[1], other: left[1].get(other, 0) + power}
    return None
