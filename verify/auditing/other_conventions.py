"""The derivative at a kink by another convention than PyTorch's, by which a number that is wrong may be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from derive.algebra import expression
from derive.algebra.expression import Apply, Expr, children, rebuild, walk
from derive.algebra.operations import OPERANDS, OPERATIONS
from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.run.run import Run
from verify.claims.literal import judge
from verify.following.finding import Finding, Status
from verify.following.right_values import right_values

MAX_STEP = 200  # up to which a run is calculated once more


@dataclass(frozen=True)
class Convention:
    """An equation in the `OPERANDS` with the values of an operation, and another derivative at its kink.

    `words` say it of the operation.
    """

    operation: str
    equation: str
    words: str


# A function that is not differentiable has no right derivative there; these are what textbooks take.
CONVENTIONS = (
    Convention("relu", "where(x >= 0, x, 0)", "the derivative of relu at 0 is 1"),
    Convention("relu", "max(x, 0)", "the derivative of relu at 0 is ½"),
    Convention("abs", "where(x >= 0, x, -x)", "the derivative of abs at 0 is 1"),
    Convention("abs", "where(x > 0, x, -x)", "the derivative of abs at 0 is −1"),
    Convention("max", "where(x >= y, x, y)", "max of equals is the first"),
    Convention("max", "where(x > y, x, y)", "max of equals is the second"),
    Convention("min", "where(x <= y, x, y)", "min of equals is the first"),
    Convention("min", "where(x < y, x, y)", "min of equals is the second"),
    Convention("clip", "where(x >= y, where(x <= v, x, v), y)", "the derivative of clip at an edge is 1"),
    Convention("clip", "where(x > y, where(x < v, x, v), y)", "the derivative of clip at an edge is 0"),
)


def with_other_conventions(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, with the first wrong step's marked that are right by another convention at a kink.

    It is looked at where the operations stand, without asking whether one is on its kink: where none is, the right
    numbers are the same, and a wrong one stays wrong.
    """
    wrong = [one for one in findings if one.status is Status.WRONG and one.claim.literal.special is None]
    step = min((one.cell.step for one in wrong), default=0)
    first = [one for one in wrong if one.cell.step == step]
    found: dict[int, str] = {}
    if first and step <= MAX_STEP:
        for convention in _of_lines(node.definition for node in run.watched.graph.lines):
            other = by(run, convention)
            values = right_values(other, [one.cell for one in first], lambda _: True).values
            for one in first:
                if one.cell in values and judge(one.claim.literal, values[one.cell]) == "right":
                    found.setdefault(id(one), convention.words)
    return [replace(one, convention=found[id(one)]) if id(one) in found else one for one in findings]


def _of_lines(lines: Iterable[Expr]) -> list[Convention]:
    parts = [part for line in lines for part in walk(line)]
    return [one for one in CONVENTIONS if any(_is_of(one, part) for part in parts)]


def _is_of(convention: Convention, expr: Expr) -> bool:
    """Whether an expression is the operation of a convention; not of three or more, as `max(a, b, c)` is."""
    operation = convention.operation
    return isinstance(expr, Apply) and expr.op == operation and len(expr.args) == OPERATIONS[operation].arity


def by(run: Run, convention: Convention) -> Run:
    """The run by hand in which every such operation has the convention."""
    equation = read_expression(convention.equation, Place(convention.operation, text=convention.equation))
    nodes = tuple(
        node if node.expr is None else replace(node, expr=_rewritten(node.expr, convention, equation))
        for node in run.problem.graph.nodes
    )
    graph = replace(run.problem.graph, nodes=nodes)
    return replace(run, problem=replace(run.problem, graph=graph), derivation=differentiate(graph))


def _rewritten(expr: Expr, convention: Convention, equation: Expr) -> Expr:
    parts = tuple(_rewritten(part, convention, equation) for part in children(expr))
    if not _is_of(convention, expr):
        return rebuild(expr, parts)
    operands = dict(zip(OPERANDS, parts, strict=False))
    return expression.replace(equation, lambda ref: operands[ref.name])
