"""Numbers that remember what they were made of: a centre, a part of each unknown, and a rest.

A form is c + Σ aₖ εₖ + r with unknowns |εₖ| ≤ 1 and |r| ≤ rest (J. Stolfi, L. H. de Figueiredo, "Self-Validated
Numerical Methods and Applications", IMPA 1997, §3). Linear operations lose nothing: what depends on the same unknown
cancels, as in w − lr·2·(w − 3). Anything else goes by its derivative, what that lacks being in the rest.

Where the unknowns are not bounded (`Forms(bounded=False)`), whatever is not linear in them tells nothing: so it shows
which quantities are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from derive.algebra.calculus import partial
from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.algebra.operations import OPERATIONS
from derive.errors import EquationError
from verify.numbers.by_element import ByElement, objects
from verify.numbers.elements import REDUCTIONS, CalculationError, element, evaluate, kept, shares
from verify.numbers.formats import Floats
from verify.numbers.scalars import Exactly, as_ball, exact_float, from_fraction, to_float

FEW = 16  # terms of a sum of exponentials, up to which the share of each is taken as narrowly as it can be
_NOTHING = arb.nan()
_ZERO = arb(0)
_LINEAR = ("add", "sub", "neg", "mul", "div", "detach")
_CHOOSING = ("abs", "max", "min", "where", "relu", "clip")


@dataclass(frozen=True, eq=False, slots=True)
class Form:
    """One number: `centre` c, `parts` aₖ by the mark k of the unknown, and `rest`, the bound on |r|.

    `sources` are the marks of all unknowns that have entered it, also of those that have cancelled.
    """

    centre: Exactly
    parts: Mapping[int, Exactly] = field(default_factory=dict)
    rest: arb = field(default_factory=lambda: _ZERO)  # before python-flint 0.9 a ball has no hash, as a default needs
    sources: frozenset[int] = frozenset()

    @property
    def radius(self) -> arb:
        """How far the number can be from the centre."""
        if not self.parts:
            return self.rest
        total: Any = sum(map(abs, self.parts.values()), self.rest)
        found: arb = total.upper()
        return found

    @property
    def ball(self) -> Exactly:
        """Everything that the number can be."""
        radius = self.radius
        return self.centre if radius == 0 else _around(self.centre, radius)

    @property
    def is_fixed(self) -> bool:
        """Whether no unknown is left in it."""
        return not self.parts and bool(self.rest == 0)


def _around(centre: Exactly, radius: arb) -> arb:
    return as_ball(centre) + arb(0, radius) if radius.is_finite() else _NOTHING


def fixed(value: Exactly, sources: frozenset[int] = frozenset()) -> Form:
    """A number that is known."""
    return Form(value, {}, _ZERO, sources)


def unknown(sources: frozenset[int]) -> Form:
    """A number of which nothing is known."""
    return Form(fmpq(0), {}, _NOTHING, sources)


def between(low: Fraction, high: Fraction, mark: int) -> Form:
    """A number from `low` to `high`: the unknown `mark`."""
    half = from_fraction((high - low) / 2)
    return Form(from_fraction((high + low) / 2), {mark: half} if half != 0 else {}, _ZERO, frozenset({mark}))


def shortened(form: Form, fresh: int, most: int) -> Form:
    """The form with numbers of few digits and at most `most` unknowns; the smaller ones become one, marked `fresh`."""
    parts = {mark: _short(part) for mark, part in form.parts.items()}
    if form.rest == 0 and len(parts) <= most:
        return Form(_short(form.centre), parts, form.rest, form.sources)
    largest = sorted(parts, key=lambda mark: float(abs(as_ball(parts[mark])).mid()), reverse=True)
    small = sum((abs(as_ball(parts.pop(mark))).upper() for mark in largest[most:]), form.rest).upper()
    if not small.is_finite():
        return unknown(form.sources)
    return Form(_short(form.centre), {**parts, fresh: small}, _ZERO, form.sources)


def _short(value: Exactly) -> Exactly:
    """A number of few digits: a fraction while it is short."""
    return arb(value) if isinstance(value, fmpq) and value.height_bits() > 1000 else value


class Forms(ByElement):
    """The number system of forms; the program of a derivation runs on it as on any other.

    `inputs` says which given numbers are not exact: the mark of the first number of each such name.
    """

    def __init__(self, bounded: bool = True, inputs: Mapping[str, int] | None = None) -> None:
        self.bounded = bounded
        self.inputs = inputs or {}
        self._elements: dict[str, Callable[..., Form]] = {}

    def number(self, value: Fraction) -> Form:
        """The literal as a form without unknowns."""
        return fixed(from_fraction(value))

    def given(self, name: str, values: Sequence[Fraction], slacks: Sequence[Fraction]) -> NDArray[Any]:
        """The numbers of an input in a row: each an unknown, as far from its value as its slack; known without one."""
        made = []
        for mark, (value, slack) in enumerate(zip(values, slacks, strict=True), start=self.inputs[name]):
            parts: dict[int, Exactly] = {mark: from_fraction(slack)} if slack else {}
            made.append(Form(from_fraction(value), parts))
        return forms(made, (len(made),))

    def take(self, array: Floats) -> NDArray[Any]:
        """The floats as forms without unknowns; infinity and NaN are not known."""
        return forms([fixed(exact_float(float(value))) for value in np.ravel(array)], np.shape(array))

    def written(self, group: str, array: NDArray[Any], samples: int = 1) -> NDArray[Any]:  # noqa: ARG002 - not rounded
        """The numbers of a `group`, such as "gradients", as somebody writes them down: as they are.

        `samples` are those that they are means of, if they are.
        """
        return array

    def cast(self, array: NDArray[Any]) -> NDArray[Any]:
        """Python's numbers as an operation on tensors reads them: as they are."""
        return array

    def element(self, op: str) -> Callable[..., Form]:
        """The operation on single forms; where it may have no value, a form that tells nothing."""
        if op not in self._elements:
            self._elements[op] = self._element(op)
        return self._elements[op]

    def accumulate(self, array: NDArray[Any]) -> NDArray[Any]:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def share(self, op: str, array: NDArray[Any]) -> NDArray[Any]:
        """The share of each entry in the max or min over the last dimension."""
        found: list[Form] = []
        for row in array.reshape((-1, array.shape[-1])):
            sources = _sources(row)
            found.extend(_of_ball(share, sources) for share in shares(op, [self._range(form) for form in row]))
        return forms(found, array.shape)

    def size(self, array: NDArray[Any]) -> Floats:
        """The absolute value of each number, as a float."""
        return np.array([abs(to_float(form.centre)) for form in array.flat], dtype=np.float64).reshape(array.shape)

    def _range(self, form: Form) -> Exactly:
        return form.ball if self.bounded or not form.parts else _NOTHING

    def _radius(self, form: Form) -> arb:
        return form.radius if self.bounded or not form.parts else _NOTHING

    def _element(self, op: str) -> Callable[..., Form]:
        exactly = element(op)

        def function(*args: Form) -> Form:
            try:
                if self._is_nothing(op, args):
                    return fixed(fmpq(0), _sources(args))
                if all(arg.is_fixed for arg in args):
                    return fixed(exactly(*[arg.centre for arg in args]), _sources(args))
                if op in _LINEAR:
                    return self._linear(op, args)
                if op in _CHOOSING:
                    return self._chosen(op, args)
                return self._smooth(op, args)
            except (CalculationError, ValueError, ZeroDivisionError):
                return unknown(_sources(args))

        return function

    def _is_nothing(self, op: str, args: Sequence[Form]) -> bool:  # noqa: ARG002 - to a program 0·∞ is nan
        """Whether a result is 0 whatever the other operand is."""
        return False

    def _linear(self, op: str, args: tuple[Form, ...]) -> Form:
        x = args[0]
        match op:
            case "add":
                return _added(x, args[1])
            case "sub":
                return _added(x, _scaled(args[1], fmpq(-1)))
            case "neg":
                return _scaled(x, fmpq(-1))
            case "mul":
                return self._product(x, args[1])
            case "div" if args[1].is_fixed:
                if args[1].centre == 0:
                    raise CalculationError("division by zero")
                return _with_sources(_scaled(x, element("div")(fmpq(1), args[1].centre)), args)
            case "div":
                return self._smooth("div", args)
        return x

    def _product(self, x: Form, y: Form) -> Form:
        sources = x.sources | y.sources
        for one, other in ((x, y), (y, x)):
            if one.is_fixed:
                return _with_sources(_scaled(other, one.centre), (one, other))
        across = self._radius(x) * self._radius(y)
        linear = _added(
            _scaled(Form(fmpq(0), x.parts, x.rest), y.centre), _scaled(Form(fmpq(0), y.parts, y.rest), x.centre)
        )
        centre = kept(x.centre * y.centre)
        if x is y:  # a square is not negative: half of it stands in the centre
            centre, across = kept(as_ball(centre) + across / 2) if across > 0 else centre, across / 2
        return Form(centre, linear.parts, linear.rest + across.upper(), sources)

    def _smooth(self, op: str, args: tuple[Form, ...]) -> Form:
        """By the mean value theorem: f(c) + Σ f′(c)·Δ, and how far f′ moves away from f′(c)."""
        if op == "pow" and args[1].is_fixed and args[1].centre == 2:
            return _with_sources(self._product(args[0], args[0]), args)
        sources = _sources(args)
        ranges = [self._range(arg) for arg in args]
        whole = _of_ball(element(op)(*ranges), sources)
        exponent = args[1].centre if op == "pow" and args[1].is_fixed else None
        found = fixed(element(op)(*(arg.centre for arg in args)), sources)
        for place, arg in enumerate(args):
            if arg.is_fixed:
                continue
            derivative = by_operand(op, place, None if exponent is None else str(exponent))
            if derivative is None:
                return whole
            here = evaluate(derivative, dict(zip("xyv", (one.centre for one in args), strict=False)))
            there = evaluate(derivative, dict(zip("xyv", ranges, strict=False)))
            off = abs(as_ball(there) - as_ball(here)).upper() * self._radius(arg)
            moved = _scaled(Form(fmpq(0), arg.parts, arg.rest), here)
            found = _added(found, Form(fmpq(0), moved.parts, moved.rest + off, sources))
        return found if found.radius <= 2 * whole.radius or not whole.radius.is_finite() else whole

    def _chosen(self, op: str, args: tuple[Form, ...]) -> Form:
        """An operation that takes one of its operands, where it is known which; else everything it can be."""
        ranges = [as_ball(self._range(arg)) for arg in args]
        sources = _sources(args)
        zero = fixed(fmpq(0))
        match op:
            case "relu":
                return self._chosen("max", (args[0], zero))
            case "clip":
                return self._chosen("min", (self._chosen("max", args[:2]), args[2]))
            case "abs" if ranges[0] >= 0 or ranges[0] <= 0:
                return args[0] if ranges[0] >= 0 else _scaled(args[0], fmpq(-1))
            case "max" | "min" if ranges[0] >= ranges[1] or ranges[0] <= ranges[1]:
                first = bool(ranges[0] >= ranges[1]) == (op == "max")
                return _with_sources(args[0] if first else args[1], args)
            case "where" if args[0].is_fixed and (args[0].centre == 1 or args[0].centre == 0):
                return _with_sources(args[1] if args[0].centre == 1 else args[2], args)
        return _of_ball(element(op)(*ranges), sources)

    def reduced(self, op: str, row: list[Form]) -> Form:
        """The sum, logsumexp, max or min of single forms."""
        if op == "sum":
            return _total(row)
        if op in ("max", "min"):
            found = row[0]
            for other in row[1:]:
                found = self._element(op)(found, other)
            return found
        if all(form.is_fixed for form in row):
            return fixed(REDUCTIONS[op]([form.centre for form in row]), _sources(row))
        return self._log_sum_exp(row)

    def _log_sum_exp(self, row: list[Form]) -> Form:
        """By the mean value theorem, as in `_smooth`: the derivative by each term is its share, exp(x − log Σ exp)."""
        sources, log_sum_exp = _sources(row), REDUCTIONS["logsumexp"]
        ranges = [as_ball(self._range(form)) for form in row]
        whole = _of_ball(log_sum_exp(list(ranges)), sources)
        start = found = fixed(log_sum_exp([form.centre for form in row]), sources)
        centres = [as_ball(form.centre) for form in row]
        for place, form in enumerate(row):
            here = (centres[place] - as_ball(start.centre)).exp()
            there = _share_of_exp(ranges, place) if len(row) <= FEW else (ranges[place] - as_ball(whole.ball)).exp()
            off = abs(there - here).upper() * self._radius(form)
            moved = _scaled(Form(fmpq(0), form.parts, form.rest), here)
            found = _added(found, Form(fmpq(0), moved.parts, moved.rest + off, sources))
        return found if found.radius <= 2 * whole.radius or not whole.radius.is_finite() else whole


class HandForms(Forms):
    """Forms of what a person calculates, who leaves out a term that is multiplied by 0: 0·log(p) of a p near 0."""

    def _is_nothing(self, op: str, args: Sequence[Form]) -> bool:
        """As of a product with 0; 0 over a number that is exactly 0 is nothing that is known."""
        if op == "div":
            return _is_zero(args[0]) and not _is_zero(args[1])
        return op == "mul" and (_is_zero(args[0]) or _is_zero(args[-1]))


def forms(values: Iterable[Form], shape: tuple[int, ...]) -> NDArray[Any]:
    """The forms as an array of this shape, the last index running fastest."""
    return objects(list(values), shape)


def _is_zero(form: Form) -> bool:
    return bool(form.centre == 0) and form.is_fixed


def _sources(args: Iterable[Form]) -> frozenset[int]:
    return frozenset().union(*[arg.sources for arg in args])


def _with_sources(form: Form, args: Iterable[Form]) -> Form:
    return Form(form.centre, form.parts, form.rest, form.sources | _sources(args))


def _of_ball(value: Exactly, sources: frozenset[int]) -> Form:
    """A number of which a ball is known."""
    if isinstance(value, fmpq):
        return fixed(value, sources)
    if not value.is_finite():
        return unknown(sources)
    return Form(value.mid(), {}, value.rad().upper(), sources)


def _added(x: Form, y: Form) -> Form:
    return _total((x, y))


def _total(terms: Iterable[Form]) -> Form:
    """The sum: what depends on the same unknown is added up."""
    centre: Exactly = fmpq(0)
    rest, sources = _ZERO, frozenset[int]()
    parts: dict[int, Exactly] = {}
    for term in terms:
        centre = centre + term.centre
        rest, sources = rest + term.rest, sources | term.sources
        for mark, part in term.parts.items():
            parts[mark] = parts[mark] + part if mark in parts else part
    return Form(kept(centre), {mark: kept(part) for mark, part in parts.items() if part != 0}, rest.upper(), sources)


def _scaled(x: Form, factor: Exactly) -> Form:
    if factor == 0 and x.rest.is_finite():
        return Form(fmpq(0), {}, _ZERO, x.sources)
    if isinstance(factor, fmpq):
        parts = {mark: kept(part * factor) for mark, part in x.parts.items()}
    else:  # so are the products: there is no fraction to be kept short
        parts = {mark: part * factor for mark, part in x.parts.items()}
    rest = (x.rest * abs(as_ball(factor))).upper() if not x.rest == 0 else _ZERO  # noqa: SIM201 - nan
    return Form(kept(x.centre * factor), parts, rest, x.sources)


def _share_of_exp(terms: Sequence[arb], place: int) -> arb:
    """The exponential of a term as a share of all of them: 1/Σ exp(y − x), with each x once."""
    own = terms[place]
    return 1 / sum(((other - own).exp() for k, other in enumerate(terms) if k != place), arb(1))


@cache
def by_operand(op: str, place: int, exponent: str | None) -> Expr | None:
    """The derivative of an operation by one of its operands, in x, y and v; None where there is none to use."""
    operands: list[Expr] = [Ref(name, ()) for name in "xyv"]
    if exponent is not None:
        operands[1] = Number(Fraction(exponent))
    wanted = operands[place]
    if not isinstance(wanted, Ref):
        return None
    try:
        return partial(Apply(op, tuple(operands[: OPERATIONS[op].arity])), wanted)
    except EquationError:
        return None
