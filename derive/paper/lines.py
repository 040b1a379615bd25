"""Reads equations as written on paper: text → `Line`s, one named expression each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from derive.algebra.expression import Apply, Axes, Expr, Ref, children, rebuild
from derive.algebra.operations import ALIASES, FUNCTIONS, REDUCTIONS
from derive.characters import normalise
from derive.errors import EquationError, Place, shorten
from derive.paper.spelling import at, tokens
from derive.paper.syntax import read_expression

MAX_LENGTH = 10_000  # characters of one equation, a longer one is refused; a page of a book has about 3,000

_LEFT = re.compile(r"\s*(?P<left>.*?)\s*(?P<sign>[-+*/·×−^:]?=)(?!=)(?P<right>.*)", re.DOTALL)
_DECLARED = re.compile(r"(?P<names>[^:=()]+):(?!=)\s*(?P<shape>[^=]*)")
_SIZE = re.compile(r"[1-9][0-9]{0,8}|[^\W\d]\w*")
SAMPLES = "n"  # the size of an axis that runs over the samples


@dataclass(frozen=True)
class Line:
    """One line of paper: `name = expr`. `axes` holds the indices written on the left, None where there are none."""

    name: str
    expr: Expr
    place: Place
    axes: Axes | None = None


@dataclass(frozen=True)
class Declaration:
    """The shape of a name as it is said beside equations, `X: (n, k)`: a size is a number or a name, n the samples."""

    name: str
    shape: tuple[int | str, ...]
    place: Place


@dataclass(frozen=True)
class Sheet:
    """Equations, and the shapes that are said beside them."""

    lines: tuple[Line, ...]
    declarations: tuple[Declaration, ...]


def read_lines(text: str, source: str = "equations", first_line: int = 1) -> tuple[Line, ...]:
    """Returns the equations of `text`, one a line; `#` starts a comment, `;` separates two on one line.

    `first_line` is the number, from 1, of the line of `source` on which `text` begins. Raises `EquationError`, with
    the line and a caret, for what is not in the language, where there is no equation, and for a shape that is said.
    """
    sheet = read_sheet(text, source, first_line)
    for declaration in sheet.declarations:
        name = declaration.name
        raise EquationError(f"the shape of {name!r} is that of its numbers here; leave this out", declaration.place)
    return sheet.lines


def read_sheet(text: str, source: str = "equations", first_line: int = 1) -> Sheet:
    """Returns the equations of `text`, as `read_lines` does, and the shapes that are said, such as `X: (n, k)`."""
    lines: list[Line] = []
    declarations: list[Declaration] = []
    for number, full in enumerate(text.split("\n"), start=first_line):
        for start, piece in _pieces(full.partition("#")[0]):
            place = Place(source, number, start + 1, full)
            if (match := _DECLARED.fullmatch(piece)) is not None:
                declarations += _declarations(match, place, start, declarations)
            else:
                lines.append(read_line(piece, place, start))
    if not lines:
        raise EquationError("no equation; expected lines such as 'a = w*x'", Place(source, first_line))
    return Sheet(tuple(lines), tuple(declarations))


def _declarations(
    match: re.Match[str], place: Place, start: int, earlier: Iterable[Declaration]
) -> Iterator[Declaration]:
    """The shape of each name before the colon."""
    written = match["shape"].strip()
    inner = written.removeprefix("(").removesuffix(")")
    sizes = [size.strip() for size in inner.removesuffix(",").split(",")] if inner.strip() else []
    if written[:1] != "(" or written[-1:] != ")" or not all(_SIZE.fullmatch(size) for size in sizes):
        message = f"{shorten(written)} is no shape; expected sizes such as (n, k), (3), or () of a single number"
        raise EquationError(message, at(place, start + match.start("shape")))
    shape = tuple(int(size) if size.isdecimal() else normalise(size) for size in sizes)
    if SAMPLES in shape[1:]:
        message = f"{SAMPLES!r}, the number of samples, stands elsewhere than first; expected one row a sample: (n, k)"
        raise EquationError(message, at(place, start + match.start("shape")))
    known = {declaration.name for declaration in earlier}
    for name in match["names"].split(","):
        checked = check_name(name.strip(), place)
        if checked in known:
            raise EquationError(f"the shape of {checked!r} is said twice; keep one", place)
        yield Declaration(checked, shape, place)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The equations on one line of text, with the column (from 0) at which each begins."""
    start = 0
    for piece in text.split(";"):
        if piece.strip():
            indent = len(piece) - len(piece.lstrip())
            yield start + indent, piece.strip()
        start += len(piece) + 1


def read_line(text: str, place: Place, start: int = 0) -> Line:
    """Returns the equation `text`; `start` is the column (from 0) at which it begins in `place.text`.

    Raises `EquationError` for what is not in the language, and beyond `MAX_LENGTH`.
    """
    if len(text) > MAX_LENGTH:
        raise EquationError(
            f"an equation of {len(text):,} characters; expected at most {MAX_LENGTH:,}: split it over several lines",
            Place(place.source, place.line),
        )
    match = _LEFT.fullmatch(text)
    if match is None:
        raise EquationError("no '=' in this line; expected name = expression, such as a = w*x", at(place, start))
    sign, left, right = match["sign"], match["left"], match["right"]
    if sign != "=":
        raise EquationError(_refused_sign(sign, left, right), at(place, start + match.start("sign")))
    name, axes = _read_left(left, at(place, start))
    if not right.strip():
        raise EquationError("nothing after '='; expected an expression", at(place, start + match.end("sign") - 1))
    return Line(name, read_expression(right, place, start + match.start("right")), place, axes)


def _refused_sign(sign: str, left: str, right: str) -> str:
    """What to write instead of `+=` and the like."""
    if sign == ":=":
        return "':=' is not part of the notation; write '='"
    new = f"{left}2" if left.isidentifier() else "a new name"
    right = right.strip()
    return (
        f"'{sign}' gives {shorten(left)} a second value; each line names a new quantity: "
        f"write {new} = {left} {sign[0]} {right if len(right) < 40 else '…'}"
    )


def _read_left(text: str, place: Place) -> tuple[str, Axes | None]:
    """The name on the left of an equation, with its indices when written `z[i,k]` or `zᵢ`."""
    pieces = tokens(text)
    if not text:
        raise EquationError("nothing before '='; expected a name", place)
    if pieces[0].kind == "name" and len(pieces) == 1:
        return check_name(pieces[0].text, place), None
    if pieces[0].kind == "name" and (pieces[1].text == "[" or pieces[1].kind == "subscript"):
        ref = read_expression(text, place, (place.column or 1) - 1)
        if isinstance(ref, Ref):
            return check_name(ref.name, place), ref.axes
    raise EquationError(f"{shorten(text)} on the left of '='; expected one name, such as a", place)


def check_name(name: str, place: Place | None = None) -> str:
    """Returns `name` in Unicode NFKC. Raises `EquationError` where it is no name, or the name of an operation."""
    normal = normalise(name)
    if normal in FUNCTIONS or normal in REDUCTIONS or normal in ALIASES.values():
        raise EquationError(f"{name!r} is the name of an operation; choose another name", place)
    pieces = tokens(name)
    if len(pieces) != 1 or pieces[0].kind != "name" or not normal.isidentifier():
        raise EquationError(f"{shorten(name)} is not a name; a name is letters, digits and _, such as w1", place)
    return normal


def with_transposes(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Returns lines in which X^T is transpose(X) as an operand of a product of matrices, where no line is called T."""
    lines = tuple(lines)

    def read(expr: Expr) -> Expr:
        inner = tuple(map(read, children(expr)))
        if isinstance(expr, Apply) and expr.op == "matmul":
            inner = tuple(Apply("transpose", arg.args[:1], arg.column) if _is_to_t(arg) else arg for arg in inner)
        return rebuild(expr, inner)

    if any(line.name == "T" for line in lines):
        return lines
    return tuple(replace(line, expr=read(line.expr)) for line in lines)


def _is_to_t(expr: Expr) -> TypeGuard[Apply]:
    return isinstance(expr, Apply) and expr.op == "pow" and expr.args[1] == Ref("T")


_DOTS = "·⋅∙"


def as_typed(line: Line) -> Expr:
    """Returns the right-hand side with `dotted` for every `matmul` that was typed as a dot; both mean the same."""
    start = (line.place.column or 1) - 1
    text = line.place.text[start:]
    if not any(dot in text for dot in _DOTS):
        return line.expr
    signs = (token.text for token in tokens(text) if token.text in (*_DOTS, "@"))
    return _signed(line.expr, signs)


def _signed(expr: Expr, signs: Iterator[str]) -> Expr:
    """The tree with the signs of its products of matrices; they come in the order of the text."""
    if isinstance(expr, Apply) and expr.op == "matmul":
        left = _signed(expr.args[0], signs)
        op = "dotted" if next(signs, "@") in _DOTS else "matmul"
        return Apply(op, (left, _signed(expr.args[1], signs)), expr.column)
    return rebuild(expr, tuple(_signed(part, signs) for part in children(expr)))
