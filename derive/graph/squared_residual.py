"""Whether a loss is a sum of squared residuals, and by what they are divided: what people call MSE is their mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from derive.algebra.expression import Apply, Axes, Expr, Number, Reduce, Ref, count
from derive.graph.graph import Graph
from derive.graph.node import SIZE


@dataclass(frozen=True)
class SquaredResidual:
    """`weight` · nᵖ · Σ over `axes` of a difference squared, where n is the number of samples and p `of_samples`."""

    weight: Fraction = Fraction(1)
    of_samples: int = 0
    axes: Axes = ()

    def share_of_mean(self, samples: int | None) -> Fraction | None:
        """How many times the mean of the squares it is; n is only known where `samples` says it, else None."""
        weight, power = self.weight, self.of_samples
        for axis in self.axes:
            if isinstance(axis.size, int):
                weight *= axis.size
            else:
                power += 1
        if samples is None and power != 0:
            return None
        return weight * (Fraction(samples) ** power if samples else 1)

    def is_single(self, samples: int | None) -> bool:
        """Whether it is the square of one number."""
        return all((samples if axis.size == SIZE else axis.size) == 1 for axis in self.axes)


def squared_residual(graph: Graph) -> SquaredResidual | None:
    """Returns the loss of a graph as a multiple of Σ (a − b)²; None where it is nothing of the kind."""
    return _squares(Ref(graph.loss, ()), graph)


def _squares(expr: Expr, graph: Graph) -> SquaredResidual | None:
    match expr:
        case Ref(name=name) if graph.by_name[name].kind == "line" and (body := graph.by_name[name].expr) is not None:
            return _squares(body, graph)
        case Apply(op="pow", args=(base, Number(value=exponent))) if exponent == 2:
            return SquaredResidual() if _is_difference(base, graph) else None
        case Apply(op="mul", args=(left, right)) if left == right:
            return SquaredResidual() if _is_difference(left, graph) else None
        case Apply(op="mul", args=(left, right)):
            return _multiplied(left, 1, _squares(right, graph)) or _multiplied(right, 1, _squares(left, graph))
        case Apply(op="div", args=(top, bottom)):
            return _multiplied(bottom, -1, _squares(top, graph))
        case Reduce(op="sum", body=body, axes=axes):
            return _over(axes or (), _squares(body, graph))
        case Reduce(op="mean", body=body, axes=axes):
            summed = _over(axes or (), _squares(body, graph))
            for axis in axes or ():
                summed = _multiplied(count(axis), -1, summed)
            return summed
    return None


def _is_difference(expr: Expr, graph: Graph) -> bool:
    """Whether it is a − b, here or in the line that it names."""
    while isinstance(expr, Ref) and graph.by_name[expr.name].kind == "line":
        line = graph.by_name[expr.name].expr
        if line is None:
            return False
        expr = line
    return isinstance(expr, Apply) and expr.op == "sub"


def _over(axes: Axes, inside: SquaredResidual | None) -> SquaredResidual | None:
    return None if inside is None else replace(inside, axes=(*inside.axes, *axes))


def _multiplied(factor: Expr, power: int, whole: SquaredResidual | None) -> SquaredResidual | None:
    """`whole` times a factor, or divided by it: a number, the number of samples, or a quotient or product of them."""
    if whole is None:
        return None
    match factor:
        case Number(value=value) if value:
            return replace(whole, weight=whole.weight * value**power)
        case Ref(name=name) if name == SIZE:
            return replace(whole, of_samples=whole.of_samples + power)
        case Apply(op="mul", args=(left, right)):
            return _multiplied(right, power, _multiplied(left, power, whole))
        case Apply(op="div", args=(top, bottom)):
            return _multiplied(bottom, -power, _multiplied(top, power, whole))
    return None
