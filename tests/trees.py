"""Random expressions as trees, and a second, slow reading of them: one sample after the other, in exact numbers.

Nothing here uses the chain rule, the axes, or the printer of `derive`: it is what they are checked against.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Axes, Expr, Number, Reduce, Ref
from derive.algebra.operations import FUNCTIONS, OPERATIONS
from derive.chain.derivation import Derivation
from derive.graph.graph import Graph, build
from derive.paper.lines import read_lines

BINARY = ("add", "sub", "mul", "div", "pow")


def numbers() -> st.SearchStrategy[Number]:
    """Literals as they can be typed: not negative, and with an end."""
    decimals = st.builds(lambda top, places: Fraction(top, 10**places), st.integers(0, 10**6), st.integers(0, 30))
    large = st.builds(lambda top, power: Fraction(top * 10**power), st.integers(1, 99), st.integers(0, 60))
    return st.builds(Number, st.one_of(decimals, large))


def written(names: Sequence[str] = ("a", "w", "x1", "lambda", "α"), leaves: int = 12) -> st.SearchStrategy[Expr]:
    """Any tree that an equation can be read as; nothing keeps it from having no value."""

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        unary = [name for name in FUNCTIONS if OPERATIONS[name].arity == 1]
        pairs = [name for name in FUNCTIONS if OPERATIONS[name].arity == 2]
        return st.one_of(
            st.builds(lambda op, x, y: Apply(op, (x, y)), st.sampled_from(BINARY), inner, inner),
            st.builds(lambda x: Apply("neg", (x,)), inner),
            st.builds(lambda op, x: Apply(op, (x,)), st.sampled_from(unary), inner),
            st.builds(lambda op, x, y: Apply(op, (x, y)), st.sampled_from(pairs), inner, inner),
            st.builds(Reduce, st.sampled_from(["sum", "mean"]), inner),
        )

    refs = st.sampled_from(names).map(Ref)
    return st.recursive(st.one_of(refs, refs, numbers()), grown, max_leaves=leaves)


RATIONAL = (
    "u + v",
    "u - v",
    "u*v",
    "u*v - u",
    "-u",
    "u^2",
    "u^3",
    "u/(v^2 + 1)",
    "u/2",
    "0.1*u",
    "3 - u",
    "(u^2 + 1)^-2",
)
SMOOTH = (
    "exp(sin(u))",
    "log(u^2 + 1)",
    "sqrt(u^2 + 2)",
    "tanh(u)",
    "sigmoid(u)*v",
    "softplus(u)",
    "cos(u)*v",
    "sin(u) - v",
    "(u^2 + 1)^0.3",
    "tan(sin(u)/2)",
    "2^sin(u)",
)
OVER_SAMPLES = (
    "sum(u)",
    "mean(u)",
    "mean(u*v)",
    "mean((u - mean(u))^2)",
    "sum(u*mean(u*v))",
    "u - mean(u)",
    "v*sum(u)",
)


def put(form: str, u: str, v: str = "") -> str:
    """`form` with its operands in the places of u and v."""
    return re.sub(r"\b[uv]\b", lambda match: f"({u if match[0] == 'u' else v})", form)


@st.composite
def graphs(draw: st.DrawFn, forms: Sequence[str] = RATIONAL) -> Graph:
    """Up to five lines in w, b, x and y, with fan-out, broadcasting and nested reductions; the last is the loss."""
    runs = {"w": False, "b": False, "x": True, "y": True}
    pool = list(runs)
    lines = []
    for number in range(draw(st.integers(1, 4))):
        u, v = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        if draw(st.integers(0, 3)) == 0:
            form = draw(st.sampled_from(OVER_SAMPLES))
            u = u if runs[u] else f"{u}*x"
            over = form == "u - mean(u)" or (form == "v*sum(u)" and runs[v])
        else:
            form = draw(st.sampled_from(forms))
            over = runs[u] or ("v" in form and runs[v])
        name = f"a{number}"
        lines.append(f"{name} = {put(form, u, v)}")
        runs[name] = over
        pool += [name] * 3  # earlier lines are read often
    ends = ["mean(u + w*x)", "sum(u*w - b*y)", "(1/n)*(u + w + b*x)"] if runs[name] else ["u*w + b", "u^2 + w*b"]
    lines.append("l = " + put(draw(st.sampled_from(ends)), name))
    text = "\n".join(lines)
    return build(
        read_lines(text), parameters=[name for name in ("w", "b") if re.search(rf"\b{name}\b", text)], data=["x", "y"]
    )


def graph_of(text: str, parameters: Iterable[str], data: Iterable[str] = ()) -> Graph:
    """The graph of equations."""
    return build(read_lines(text), parameters=parameters, data=data)


# ---------------------------------------------------------------- numbers, one sample after the other

Values = dict[str, Any]  # a number for each name, or a list of them, one a sample


def value(expr: Expr, values: Mapping[str, Any], at: Mapping[str, int], samples: int) -> Any:
    """The value of a resolved expression at one place of its axes; Fractions in, a Fraction out."""
    match expr:
        case Number(value=number):
            return number
        case Ref(name=name, axes=axes):
            found = values[name]
            for axis in axes or ():
                found = found[at[axis]]
            return found
        case Reduce(op=op, body=body, axes=axes):
            places = list(itertools.product(range(samples), repeat=len(axes or ())))
            total = sum(value(body, values, {**at, **dict(zip(axes or (), p, strict=True))}, samples) for p in places)
            return total if op == "sum" else total / len(places)
        case Apply(op=op, args=args):
            return apply(op, [value(arg, values, at, samples) for arg in args])
    raise TypeError(expr)


def apply(op: str, args: list[Any]) -> Any:
    """An operation on Fractions; on SymPy numbers for what is not rational."""
    match op, args:
        case "add", (x, y):
            return x + y
        case "sub", (x, y):
            return x - y
        case "mul", (x, y):
            return x * y
        case "div", (x, y):
            return x / y
        case "neg", (x,):
            return -x
        case "pow", (x, y):
            return x ** int(y) if isinstance(y, Fraction) and y.denominator == 1 else _symbolic(op, args)
    return _symbolic(op, args)


def _symbolic(op: str, args: list[Any]) -> Any:
    forms = {
        "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
        "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
        "pow": lambda x, y: x**y,
    }
    known = forms.get(op) or getattr(sympy, op)
    return known(*(sympy.Rational(a.numerator, a.denominator) if isinstance(a, Fraction) else a for a in args))


def places(axes: Axes, samples: int) -> list[dict[str, int]]:
    """Every place of the axes."""
    return [dict(zip(axes, p, strict=True)) for p in itertools.product(range(samples), repeat=len(axes))]


def adjoints(derivation: Derivation, values: Values, samples: int) -> Values:
    """The adjoint equations, worked out term by term; for each name a number, or a list of them."""
    values = dict(values)
    shapes = {node.name: node.axes for node in derivation.graph.nodes}
    for part in derivation.parts:
        shapes[part.name] = part.axes
        body = Reduce(part.reduction, part.body, part.summed) if part.reduction else part.body
        values[part.name] = table(part.axes, samples, {}, body, values)
    found: dict[str, dict[tuple[int, ...], Any]] = {derivation.graph.loss: {(): Fraction(1)}}
    for adjoint in derivation.adjoints:
        own = found.setdefault(adjoint.name, {})
        for edge in adjoint.edges:
            for at in places(tuple(dict.fromkeys((*(edge.wrt.axes or ()), *edge.summed))), samples):
                above = found[edge.of].get(tuple(at[axis] for axis in shapes[edge.of]), Fraction(0))
                key = tuple(at[axis] for axis in edge.wrt.axes or ())
                own[key] = own.get(key, Fraction(0)) + above * value(edge.partial, values, at, samples)
    return {
        name: entries.get((), Fraction(0))
        if not shapes[name]
        else [entries.get((i,), Fraction(0)) for i in range(samples)]
        for name, entries in found.items()
    }


def table(axes: Axes, samples: int, at: Mapping[str, int], body: Expr, values: Mapping[str, Any]) -> Any:
    """The values of an expression as lists in lists, one level an axis."""
    if not axes:
        return value(body, values, at, samples)
    return [table(axes[1:], samples, {**at, axes[0]: index}, body, values) for index in range(samples)]


# ---------------------------------------------------------------- the composed expression, from the paper alone


def composed(graph: Graph, given: Mapping[str, Any], samples: int) -> Any:
    """The loss as one SymPy expression in `given`: a symbol for each name, or a list of them, one a sample."""
    known = {**given, "n": sympy.Integer(samples)}
    for node in graph.lines:
        assert node.written is not None
        known[node.name] = _composed(node.written, known)
    loss = known[graph.loss]
    return sympy.Add(*loss) if isinstance(loss, list) else loss


def symbols(graph: Graph, samples: int) -> Values:
    """A SymPy symbol for each given name, or a list of them."""
    return {
        node.name: [sympy.Symbol(f"{node.name}_{i}") for i in range(samples)] if node.axes else sympy.Symbol(node.name)
        for node in graph.nodes
        if node.kind in ("parameter", "constant", "data")
    }


def _composed(expr: Expr, known: Mapping[str, Any]) -> Any:
    match expr:
        case Number(value=number):
            return sympy.Rational(number.numerator, number.denominator)
        case Ref(name=name):
            return known[name]
        case Reduce(op=op, body=body):
            inner = _composed(body, known)
            return sympy.Add(*inner) if op == "sum" else sympy.Add(*inner) / len(inner)
        case Apply(op=op, args=args):
            parts = [_composed(arg, known) for arg in args]
            lists = [part for part in parts if isinstance(part, list)]
            if not lists:
                return apply(op, parts)
            return [apply(op, [p[i] if isinstance(p, list) else p for p in parts]) for i in range(len(lists[0]))]
    raise TypeError(expr)
