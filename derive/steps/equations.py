"""What the steps of a derivation are made of, before any format: numbered equations in sections."""

from __future__ import annotations

from typing import NamedTuple

from derive.algebra.expression import Axes, Expr, Ref

GRADIENT = "#gradient"  # a name that nobody can type
EVERY = "#every"  # what an equation is about that holds for all parameters alike
STEPS = ("forward", "local", "chain", "closed", "update")  # what can be shown alone; closed forms follow the chains


class Derivative(NamedTuple):
    """∂`of`/∂`wrt`, for display."""

    of: Ref
    wrt: Ref


class Product(NamedTuple):
    """Σ over `axes` of a product whose factors stand in parentheses."""

    factors: tuple[Expr | Derivative, ...]
    axes: Axes


class Total(NamedTuple):
    """A sum of products, one for each path; 0 without any."""

    products: tuple[Product, ...]


class Update(NamedTuple):
    """The right-hand side of an update rule; the name `GRADIENT` in it stands for `gradient`."""

    expr: Expr
    gradient: Derivative | None


Side = Expr | Derivative | Total | Update


class Equation(NamedTuple):
    """A numbered equation; `left` is None where it continues the one before. `note` follows it.

    `closed` is true for the closed form of a gradient; `about` names the parameter that an update is of.
    Names in notes, titles and sentences stand between `s.
    """

    number: int
    left: Ref | Derivative | None
    right: Side
    relation: str = "="
    note: str = ""
    closed: bool = False
    about: str = ""

    @property
    def is_written(self) -> bool:
        """Whether this is an equation as it stands on paper."""
        return isinstance(self.left, Ref)


class Section(NamedTuple):
    """A titled group of equations, with sentences after it; `step` is the kind of all of them, of `STEPS`."""

    step: str
    title: str
    equations: tuple[Equation, ...]
    sentences: tuple[str, ...] = ()


class Numbers:
    """Numbers the equations of all sections; `last` is the number of the last one so far."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def equation(self, left: Ref | Derivative | None, right: Side, relation: str = "=", note: str = "") -> Equation:
        """Returns an equation with the next number."""
        self.last += 1
        return Equation(self.last, left, right, relation, note)
