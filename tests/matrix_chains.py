"""Random problems of matrices with a gradient in each of several spellings, and its value by the rules for matrices.

The lines are sums of products of matrices, so that the gradient of each term is known: of Σ G · (P Q) by P it is G Qᵀ.
Letters are drawn from few, so that those of a formula, of its sums and of the lines often meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

LETTERS = "ijkm"
Matrices = Mapping[str, Any]


@dataclass(frozen=True)
class Term:
    """`sign` times the product of two matrices, the first of them transposed or not, or entry by entry."""

    sign: int
    left: str
    right: str
    kind: str = "matmul"  # or "turned", or "entries"

    def value(self, values: Matrices) -> Any:
        left, right = values[self.left], values[self.right]
        by_kind = {"matmul": lambda: left @ right, "turned": lambda: left.T @ right, "entries": lambda: left * right}
        return self.sign * by_kind[self.kind]()

    def summed(self, shapes: Mapping[str, tuple[int, int]]) -> int:
        """Over how many values a product of matrices sums."""
        return shapes[self.right][0]

    def text(self, letters: Sequence[str] | None) -> str:
        """Along two letters and one for the sum; as a product of matrices where there are none."""
        if letters is None:
            first = f"transpose({self.left})" if self.kind == "turned" else self.left
            return f"{first}*{self.right}" if self.kind == "entries" else f"{first} @ {self.right}"
        row, column, inner = letters
        if self.kind == "entries":
            return f"{self.left}[{row},{column}]*{self.right}[{row},{column}]"
        first = f"{inner},{row}" if self.kind == "turned" else f"{row},{inner}"
        return f"sum({self.left}[{first}]*{self.right}[{inner},{column}], {inner})"


@dataclass(frozen=True)
class Piece:
    """A term of a gradient: `sign` · `a` · `b`, each transposed where its flag says so; `a` or `b` is a gradient."""

    sign: int
    a: str
    b: str
    a_turned: bool = False
    b_turned: bool = False
    by_entries: bool = False
    factor: int = 1

    def value(self, values: Matrices) -> Any:
        a = values[self.a].T if self.a_turned else values[self.a]
        b = values[self.b].T if self.b_turned else values[self.b]
        return self.sign * self.factor * (a * b if self.by_entries else a @ b)

    def text(self, letters: Sequence[str] | None) -> str:
        times = f"{self.factor}*" if self.factor != 1 else ""
        if letters is None:
            a, b = (
                f"transpose({name})" if turned else name
                for name, turned in ((self.a, self.a_turned), (self.b, self.b_turned))
            )
            return f"{times}({a}*{b})" if self.by_entries else f"{times}({a} @ {b})"
        row, column, inner = letters
        if self.by_entries:
            return f"{times}{self.a}[{row},{column}]*{self.b}[{row},{column}]"
        first = f"{inner},{row}" if self.a_turned else f"{row},{inner}"
        last = f"{column},{inner}" if self.b_turned else f"{inner},{column}"
        return f"{times}sum({self.a}[{first}]*{self.b}[{last}], {inner})"


@dataclass(frozen=True)
class Chain:
    """Lines by their names, in order, each a sum of terms; the loss is half the sum of the squares of the last."""

    shapes: Mapping[str, tuple[int, int]]
    lines: Mapping[str, tuple[Term, ...]]
    parameters: tuple[str, ...]
    text: str

    def values(self, given: Matrices) -> dict[str, Any]:
        """Every line, and ∂l by every name, as dl/dh."""
        values = dict(given)
        for name, terms in self.lines.items():
            values[name] = sum(term.value(values) for term in terms)
        last = next(reversed(self.lines))
        values[f"dl/d{last}"] = values[last]
        for name in reversed([*given, *self.lines]):
            if name != last:
                pieces = self.pieces(name)
                zero = values[name] * 0
                values[f"dl/d{name}"] = sum((piece.value(values) for piece in pieces), zero)
        return values

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """The terms of ∂l/∂name, one for each time that it is used."""
        found = []
        for line, terms in self.lines.items():
            for term in terms:
                g, sign = f"dl/d{line}", term.sign
                if term.left == name:
                    found.append(
                        {
                            "matmul": Piece(sign, g, term.right, b_turned=True),
                            "turned": Piece(sign, term.right, g, b_turned=True),
                            "entries": Piece(sign, g, term.right, by_entries=True),
                        }[term.kind]
                    )
                if term.right == name:
                    found.append(
                        {
                            "matmul": Piece(sign, term.left, g, a_turned=True),
                            "turned": Piece(sign, term.left, g),
                            "entries": Piece(sign, g, term.left, by_entries=True),
                        }[term.kind]
                    )
        return tuple(found)


def joined(pieces: list[tuple[int, str]]) -> str:
    """A sum with its signs."""
    text = "".join(f" {'-' if sign < 0 else '+'} {piece}" for sign, piece in pieces)
    return text.removeprefix(" + ").replace(" - ", "-", 1) if text.startswith(" - ") else text.removeprefix(" + ")


def letters(draw: st.DrawFn) -> str:
    """Three letters, for rows, columns and a sum."""
    return "".join(draw(st.permutations(LETTERS))[:3])


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """One to three lines over matrices of one or two sizes, in either notation."""
    sizes = draw(st.sampled_from([(2,), (2,), (2, 3), (1, 2)]))
    size = st.sampled_from(sizes)
    shapes = {name: (draw(size), draw(size)) for name in ("A", "B", "C", "D")}
    given = tuple(shapes)
    lines: dict[str, tuple[Term, ...]] = {}
    written = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        ways: dict[tuple[int, int], list[tuple[str, str, str]]] = {}
        for a, (rows, columns) in shapes.items():
            for b, (others, more) in shapes.items():
                if columns == others:
                    ways.setdefault((rows, more), []).append((a, b, "matmul"))
                if rows == others:
                    ways.setdefault((columns, more), []).append((a, b, "turned"))
                if shapes[a] == shapes[b]:
                    ways.setdefault(shapes[a], []).append((a, b, "entries"))
        earlier = f"h{number - 1}"
        shape = draw(st.sampled_from(sorted(ways)))
        using = [way for way in ways[shape] if earlier in way[:2]] or ways[shape]
        chosen = [draw(st.sampled_from(using)), *draw(st.lists(st.sampled_from(ways[shape]), max_size=2))]
        terms = tuple(Term(draw(st.sampled_from((1, 1, -1))), *way) for way in draw(st.permutations(chosen)))
        name = f"h{number}"
        if draw(st.booleans()):
            row, column, _ = own = letters(draw)
            sizes_of = dict(zip((row, column), shape, strict=True))
            bound = [_sum_letter(draw, sizes_of, own[:2], term.summed(shapes)) for term in terms]
            texts = [(t.sign, t.text((row, column, m))) for t, m in zip(terms, bound, strict=True)]
            written.append(f"{name}[{row},{column}] = {joined(texts)}")
        else:
            written.append(f"{name} = {joined([(t.sign, t.text(None)) for t in terms])}")
        shapes[name], lines[name] = shape, terms
    written.append(f"l = sum({name}^2)/2")
    parameters = tuple(name for name in given if any(name in (t.left, t.right) for ts in lines.values() for t in ts))
    text = ['equations = """', *written, '"""', "[parameters]"]
    text += [f"{p} = {_listed(draw, shapes[p])}" for p in parameters]
    return Chain(shapes, lines, parameters, "\n".join(text) + "\n")


def _sum_letter(draw: st.DrawFn, sizes: dict[str, int], taken: str, size: int) -> str:
    """A letter for a sum over `size` values: in a line, a letter has one size throughout."""
    fitting = [c for c in LETTERS if c not in taken and sizes.get(c, size) == size] or [f"r{size}"]
    letter = draw(st.sampled_from(fitting))
    sizes[letter] = size
    return letter


def _listed(draw: st.DrawFn, shape: tuple[int, int]) -> str:
    rows, columns = shape
    return str([[draw(st.integers(-3, 5)) for _ in range(columns)] for _ in range(rows)])


@dataclass(frozen=True)
class Claim:
    """A formula for a gradient, and what it gives."""

    chain: Chain
    name: str
    text: str
    key: str
    pieces: tuple[Piece, ...]

    def differs(self, seed: int) -> bool:
        """Whether it is another matrix than the gradient at some point."""
        numbers = np.random.default_rng(seed)
        given = {
            name: np.array([Fraction(int(v)) for v in numbers.integers(-9, 9, rows * columns)], dtype=object).reshape(
                rows, columns
            )
            for name, (rows, columns) in self.chain.shapes.items()
            if name in self.chain.parameters
        }
        values = self.chain.values(given)
        claimed = sum((piece.value(values) for piece in self.pieces), values[self.name] * 0)
        return bool((claimed != values[f"dl/d{self.name}"]).any())


@st.composite
def claims(draw: st.DrawFn, planted: bool) -> Claim:
    """The gradient by some name, its terms in any order, as matrices or with letters; with one mistake, if planted."""
    chain = draw(chains())
    last = next(reversed(chain.lines))
    names = [name for name in (*chain.parameters, *chain.lines) if name != last and chain.pieces(name)]
    name = draw(st.sampled_from(names))
    pieces = list(draw(st.permutations(chain.pieces(name))))
    if planted:
        place = draw(st.integers(0, len(pieces) - 1))
        pieces[place : place + 1] = draw(st.sampled_from(_mistakes(pieces[place], chain)))
    indexed = draw(st.booleans())
    row, column, _ = letters(draw)
    texts = []
    for piece in pieces:
        inner = draw(st.sampled_from([c for c in LETTERS if c not in (row, column)]))
        texts.append((piece.sign, piece.text(f"{row}{column}{inner}" if indexed else None)))
    key = f"dl/d{name}[{row},{column}]" if indexed else f"dl/d{name}"
    return Claim(chain, name, joined(texts) or "0", key, tuple(pieces))


def _mistakes(piece: Piece, chain: Chain) -> list[list[Piece]]:
    """A wrong sign, a factor, the term left out, a factor with its indices the other way round."""
    ways = [[replace(piece, sign=-piece.sign)], [replace(piece, factor=2)], []]
    square = {name for name, (rows, columns) in chain.shapes.items() if rows == columns}
    if piece.a.removeprefix("dl/d") in square:
        ways.append([replace(piece, a_turned=not piece.a_turned)])
    if piece.b.removeprefix("dl/d") in square:
        ways.append([replace(piece, b_turned=not piece.b_turned)])
    return [way for way in ways if not piece.by_entries or not any(p.a_turned or p.b_turned for p in way)]
