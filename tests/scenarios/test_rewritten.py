"""Random formulas: another way to write the right one is right, a planted mistake is refuted, and by a true example.

The counterexamples are checked by the program that calculates by hand, which shares nothing with what decides.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from derive.algebra.expression import ONE, Apply, Expr, Number, Reduce, Ref, children, rebuild, walk
from derive.chain.derivation import Derivation, differentiate
from derive.chain.formulas import Formulas
from derive.errors import Place
from derive.graph.resolution import resolve
from derive.paper.lines import Line
from derive.paper.syntax import read_expression
from derive.problem.loading import Problem, load
from derive.problem.watch import with_lines
from derive.run.precedence import effective
from derive.show.notation import Ascii
from verify.formulas.judge import judge_formula
from verify.formulas.question import questions
from verify.formulas.trials import tried
from verify.hand.calculation import prepare
from verify.numbers import CalculationError, Exact, precision
from verify.numbers.scalars import as_ball, from_fraction
from verify.numbers.systems import objects
from verify.points.samples import Point

RATIONAL = """
equations = \"\"\"
r = w*x/(1 + b^2) - y
l = mean(r^2*t) + b/3
\"\"\"
[parameters]
w = 1
b = 2
[data]
x = [1, 2, 3, 4, 5]
y = [0, 1, 0, 2, 1]
t = [1, 3, 2, 1, 2]
[training]
lr = 0.1
batch_size = 2
"""
PROBLEMS = ("article", "logistic", "tanh_network", RATIONAL)


@cache
def read(name: str) -> tuple[Problem, Derivation, Mapping[str, Expr]]:
    problem = load(name)
    derivation = differentiate(problem.graph)
    formulas = Formulas(derivation)
    closed = {wrt: formulas.gradient(wrt).closed for wrt in derivation.wrt}
    return problem, derivation, {wrt: expr for wrt, expr in closed.items() if expr is not None}


def number(value: int) -> Expr:
    return Number(Fraction(value))


def equal_ways(expr: Expr) -> list[Expr]:
    """The expression in other ways, each equal to it."""
    ways = [
        Apply("div", (Apply("mul", (number(2), expr)), number(2))),
        Apply("neg", (Apply("neg", (expr,)),)),
        Apply("add", (expr, number(0))),
        Apply("sub", (Apply("add", (expr, number(7))), number(7))),
        Apply("pow", (expr, number(1))),
    ]
    match expr:
        case Apply(op="add" | "mul" as op, args=(left, right)):
            ways.append(Apply(op, (right, left)))
        case Apply(op="sub", args=(left, right)):
            ways += [Apply("add", (left, Apply("neg", (right,)))), Apply("neg", (Apply("sub", (right, left)),))]
        case Apply(op="pow", args=(base, Number(value=value))) if value == 2:
            ways.append(Apply("mul", (base, base)))
        case Apply(op="div", args=(top, bottom)):
            ways.append(Apply("mul", (top, Apply("div", (ONE, bottom)))))
        case Reduce(op="sum", body=Apply(op="add" | "sub" as op, args=args), axes=axes):
            ways.append(Apply(op, tuple(Reduce("sum", arg, axes) for arg in args)))
        case Reduce(op="sum", body=body, axes=axes) if axes and axes[0].size == "n" and len(axes) == 1:
            ways.append(Apply("mul", (Ref("n", ()), Reduce("mean", body, axes))))
    if isinstance(expr, Apply) and expr.op == "mul" and isinstance(expr.args[0], Apply):
        first, other = expr.args
        if isinstance(first, Apply) and first.op in ("add", "sub"):
            ways.append(Apply(first.op, tuple(Apply("mul", (arg, other)) for arg in first.args)))
    return ways


def changed_ways(expr: Expr) -> list[Expr]:
    """The expression with a mistake that people make."""
    match expr:
        case Apply(op="add", args=(left, right)):
            return [Apply("sub", (left, right)), left, right]
        case Apply(op="sub", args=(left, right)):
            return [Apply("add", (left, right)), left, Apply("neg", (right,))]
        case Apply(op="mul", args=(left, right)):
            return [left, right]
        case Apply(op="pow", args=(base, _)):
            return [base]
        case Number(value=value):
            return [Number(value + 1), Number(value / 2)]
        case Ref(name="n"):
            return [Apply("sub", (expr, ONE)), ONE]
        case Ref(name="x", axes=axes) if axes and len(axes) == 1:
            return [Ref("y", axes)]
        case Reduce(op="sum", body=body, axes=axes):
            return [Reduce("mean", body, axes)]
    return []


def places(expr: Expr, path: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Expr]]:
    found = [(path, expr)]
    for k, part in enumerate(children(expr)):
        found += places(part, (*path, k))
    return found


def put(expr: Expr, path: tuple[int, ...], new: Expr) -> Expr:
    if not path:
        return new
    parts = list(children(expr))
    parts[path[0]] = put(parts[path[0]], path[1:], new)
    return rebuild(expr, tuple(parts))


@st.composite
def claims(draw: st.DrawFn, planted: bool) -> tuple[str, str, str]:
    """A problem, a gradient, and a formula for it: rewritten a few times, and with one mistake where it is planted."""
    name = draw(st.sampled_from(PROBLEMS))
    _, _, closed = read(name)
    wrt = draw(st.sampled_from(sorted(closed)))
    expr = closed[wrt]
    for _ in range(draw(st.integers(0, 3))):
        path, part = draw(st.sampled_from(places(expr)))
        expr = put(expr, path, draw(st.sampled_from(equal_ways(part))))
    if planted:
        wrong = [(path, way) for path, part in places(expr) for way in changed_ways(part)]
        assume(wrong)
        expr = put(expr, *draw(st.sampled_from(wrong)))
        assume(any(isinstance(part, Ref) for part in walk(expr)))
    return name, wrt, Ascii().show(expr)


def by_hand(problem: Problem, wrt: str, text: str, point: Point) -> list[tuple[object, object]]:
    """The claimed and the right numbers of every entry by the compiled program of the hand calculation."""
    written = read_expression(text, Place("claim", text=text))
    node = resolve(Line("claimed", written, Place("claim", text=text)), problem.graph.by_name, is_loss=False)
    derivation = differentiate(with_lines(problem.graph, (node,)))
    given = {}
    for name, entries in point.given.items():
        shape = tuple(max(index[k] for index in entries) + 1 for k in range(len(next(iter(entries)))))
        values = [from_fraction(entries[index]) for index in product(*map(range, shape))]
        given[name] = objects(values, shape)
    found = prepare(problem, derivation, effective(problem, {}), Exact()).at(given, point.sizes["n"]).results
    right = found[f"∂{wrt}"]
    order = [
        [axis.letter for axis in node.axes].index(a.letter) for a in problem.graph.by_name[wrt].axes if a in node.axes
    ]
    claimed = found["claimed"].transpose(order)
    return list(zip(np.broadcast_to(claimed, right.shape).flat, right.flat, strict=True))


# a formula that fails is printed as it was found: to make it smaller takes minutes, and it is short already
SLOW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@SLOW
@given(claims(planted=False))
def test_another_way_to_write_it_is_right(claim: tuple[str, str, str]) -> None:
    name, wrt, text = claim
    problem, derivation, _ = read(name)
    finding = judge_formula(problem, derivation, f"dl/d{wrt}", text, Place("claim", None, 1, text))
    assert (finding.status, finding.decided) == ("right", "every n"), finding


@SLOW
@given(claims(planted=True))
def test_a_planted_mistake_is_refuted_by_a_true_example(claim: tuple[str, str, str]) -> None:
    name, wrt, text = claim
    problem, derivation, _ = read(name)
    place = Place("claim", None, 1, text)
    (question, *_) = questions(problem, derivation, f"dl/d{wrt}", text, place)
    found = tried(question, 0)
    finding = judge_formula(problem, derivation, f"dl/d{wrt}", text, place)
    if found.difference is None:  # the change changed nothing: by hand, the two are the same where they were tried
        assert finding.status == "right", finding
        return
    assert finding.status == "wrong"
    with precision(256):
        differences = [as_ball(a) - as_ball(b) for a, b in by_hand(problem, wrt, text, found.difference.point)]
        assert any(not difference.contains(0) for difference in differences)


@SLOW
@given(claims(planted=False) | claims(planted=True), st.integers(1, 5), st.randoms(use_true_random=False))
def test_nothing_that_differs_is_proved(claim: tuple[str, str, str], n: int, numbers: random.Random) -> None:
    """What is found right is right at a random point, by hand; the proof is for every n."""
    name, wrt, text = claim
    problem, derivation, _ = read(name)
    finding = judge_formula(problem, derivation, f"dl/d{wrt}", text, Place("claim", None, 1, text))
    assume(finding.decided == "every n")
    point = _random_point(problem, n, numbers)
    with precision(256):
        try:
            pairs = by_hand(problem, wrt, text, point)
        except CalculationError:
            return
        assert all((as_ball(a) - as_ball(b)).contains(0) for a, b in pairs)


def _random_point(problem: Problem, n: int, numbers: random.Random) -> Point:
    def entries(*sizes: int) -> dict[tuple[int, ...], Fraction]:
        draw = numbers.randint
        return {index: Fraction(draw(-30, 30), draw(1, 20)) for index in product(*map(range, sizes))}

    nodes = [node for node in problem.graph.nodes if node.kind in ("parameter", "constant", "data")]
    given = {
        node.name: entries(*(n if axis.size == "n" else int(str(axis.size)) for axis in node.axes)) for node in nodes
    }
    return Point("random", {"n": n}, given)


def test_the_hand_program_agrees_with_the_article() -> None:
    problem, _, closed = read("article")
    point = _random_point(problem, 3, random.Random(1))
    pairs = by_hand(problem, "w", Ascii().show(closed["w"]), point)
    assert all(a == b for a, b in pairs)


@pytest.mark.parametrize("text", ["(2/n)*sum((w*x + b - y)*x)", "2*mean((w*x[i] + b - y[i])*x[i], i)"])
def test_the_way_of_writing_indices_does_not_matter(text: str) -> None:
    problem, derivation, _ = read("article")
    assert judge_formula(problem, derivation, "dl/dw", text, Place("claim", None, 1, text)).decided == "every n"
