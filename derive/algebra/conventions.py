"""What versions of PyTorch take as the derivative at a kink, read from conventions.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from derive.algebra.expression import Apply, Expr, Reduce, walk
from derive.algebra.literals import constant_value
from derive.algebra.operations import OPERATIONS, Way

NUMBERS = "numbers"  # how bounds are told apart that an equation writes as numbers


@dataclass(frozen=True)
class Seen:
    """One way to take the derivative at a kink: in which versions of PyTorch it was seen, and what it gives."""

    name: str
    torch: tuple[str, ...]
    takes: str
    gradients: Mapping[str, tuple[Fraction, ...]]


@dataclass(frozen=True, eq=False)  # each is itself alone: they are read once
class Kink:
    """A kink of an operation: an equation that stands on it `at` numbers of its parameters, and the ways known."""

    operation: str
    by: str
    equation: str
    at: Mapping[str, tuple[Fraction, ...]]
    ways: tuple[Seen, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other kinks."""
        return self.operation, self.by

    @property
    def varies(self) -> bool:
        """Whether versions of PyTorch differ."""
        return len(self.ways) > 1


@dataclass(frozen=True)
class Conventions:
    """The ways that one version of PyTorch takes, for the kinks where versions differ: pairs of key and name."""

    torch: str
    ways: tuple[tuple[tuple[str, str], str], ...]

    def way(self, expr: Apply) -> Way | None:
        """Returns the form of `expr`'s derivative; None where no version differs."""
        name = self._name(expr)
        return None if name is None else next(way for way in OPERATIONS[expr.op].ways if way.name == name)

    def at_kink(self, expr: Apply) -> str:
        """Returns what is taken as the derivative of `expr` at its kink, in words; an empty string without a kink."""
        name, words = self._name(expr), OPERATIONS[expr.op].kink or ""
        if name is None:
            return words
        ways = {seen.name: seen for seen in _kink_of(expr).ways}
        return f"{words}: PyTorch {self.torch} takes {ways[name].takes}".replace("1/2", "½")

    def beside(self, expr: Apply) -> str:
        """Returns what other versions of PyTorch take at the kink of `expr`, in words; an empty string for the same."""
        name = self._name(expr)
        others = [] if name is None else [seen for seen in _kink_of(expr).ways if seen.name != name]
        return "; ".join(f"{' and '.join(seen.torch)} takes {seen.takes}" for seen in others).replace("1/2", "½")

    def _name(self, expr: Apply) -> str | None:
        return dict(self.ways)[expr.op, by_numbers(expr)] if OPERATIONS[expr.op].ways else None


def by_numbers(expr: Apply) -> str:
    """How bounds are told apart: "numbers" where the equation writes all of them as such. PyTorch gets them so, too."""
    if not OPERATIONS[expr.op].ways:
        return ""
    return NUMBERS if all(constant_value(arg) is not None for arg in expr.args[1:]) else "what is calculated"


@cache
def kinks() -> tuple[Kink, ...]:
    """Returns every kink of conventions.toml."""
    return tuple(_kink(entry) for entry in _content()["kink"])


def of_lines(lines: Iterable[Expr]) -> tuple[Kink, ...]:
    """Returns the kinks of the operations in these expressions."""
    parts = (part for line in lines for part in walk(line))
    found = {
        (part.op, by_numbers(part) if isinstance(part, Apply) else "")
        for part in parts
        if isinstance(part, Apply | Reduce)
    }
    return tuple(kink for kink in kinks() if kink.key in found)


def depends_on_version(lines: Iterable[Expr]) -> bool:
    """Whether versions of PyTorch differ at a kink of an operation in these expressions."""
    return any(kink.varies for kink in of_lines(lines))


def stated(torch: str | None = None) -> Conventions:
    """Returns the conventions that were seen in a version such as "2.14"; without one those that `derive` states."""
    version = _content()["stated"] if torch is None else torch
    named = [(kink.key, seen.name) for kink in kinks() if kink.varies for seen in kink.ways if version in seen.torch]
    return Conventions(version, tuple(named))


def _kink_of(expr: Apply) -> Kink:
    return next(kink for kink in kinks() if kink.key == (expr.op, by_numbers(expr)))


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(files("derive.algebra").joinpath("conventions.toml").read_text(encoding="utf-8"))


def _kink(entry: Mapping[str, Any]) -> Kink:
    ways = tuple(
        Seen(name, tuple(way.get("torch", ())), way["takes"], _numbers(way["gradients"]))
        for name, way in entry["ways"].items()
    )
    return Kink(entry["operation"], entry.get("by", ""), entry["equation"], _numbers(entry["at"]), ways)


def _numbers(table: Mapping[str, list[float]]) -> dict[str, tuple[Fraction, ...]]:
    return {name: tuple(map(Fraction, numbers)) for name, numbers in table.items()}


STATED = stated()
