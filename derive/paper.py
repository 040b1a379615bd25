"""Reads equations as written on paper: text → `Line`s, one named expression each.

The text is parsed with Python's `ast` and walked against a whitelist. It is never evaluated and
never given to SymPy's `sympify`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import EquationError, Place, shorten, suggestion
from derive.expression import ONE, Apply, Axes, Axis, Expr, Number, Reduce, Ref
from derive.macros import MACRO_NAMES
from derive.numerals import NumeralError, read_number
from derive.operations import ALIASES, FUNCTIONS, OPERATIONS, REDUCTIONS, TENSOR_FUNCTIONS
from derive.slips import ONLY_CALLED, refuse_slips
from derive.spelling import Spelled, at, normalise, spell, tokens, unmark

MAX_LENGTH = 10_000  # characters of one equation; a page of a book has about 3,000
MAX_DEPTH = 150  # operations inside one another on one line
MAX_POWER = 1000  # the largest exponent; x^1000 of a float64 has overflowed long before
MAX_BITS = 10_000  # of a number that stands in an equation, worked out

_BINARY = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}
_COMPARISONS = {ast.Gt: ("greater", False), ast.Lt: ("greater", True), ast.LtE: ("at_most", False)}
_COMPARISONS |= {ast.GtE: ("at_most", True), ast.Eq: ("equal", False), ast.NotEq: ("equal", False)}
_LEFT = re.compile(r"\s*(?P<left>.*?)\s*(?P<sign>[-+*/·×−^:]?=)(?!=)(?P<right>.*)", re.DOTALL)
PICKED = "·"  # the letter of an axis of which one entry is picked

_REFUSED = {
    ast.Attribute: "attribute access is not part of the notation",
    ast.Subscript: "an index is a letter, a whole number or a label, as in x[i,j], z[i,0], z[i,y[i]]",
    ast.Tuple: "a comma belongs between the arguments of a function",
    ast.List: "a list is not part of an equation; put numbers under [data] or [parameters]",
    ast.Compare: "a comparison has two sides, as in where(x > 0, a, b)",
    ast.Lambda: "functions are not defined in equations",
    ast.BinOp: "'//' is not part of the notation; write /",
    ast.Starred: "a * stands between two factors",
}


@dataclass(frozen=True)
class Line:
    """One line of paper: `name = expr`. `axes` holds the indices written on the left, if any."""

    name: str
    expr: Expr
    place: Place
    axes: Axes | None = None


def read_lines(text: str, source: str = "equations", first_line: int = 1) -> tuple[Line, ...]:
    """The equations of `text`, one a line; `#` starts a comment, `;` separates two on one line.

    `first_line` is the line of `source` on which `text` begins. Raises `EquationError` with the
    line and a caret.
    """
    lines: list[Line] = []
    for number, full in enumerate(text.split("\n"), start=first_line):
        for start, piece in _pieces(full.partition("#")[0]):
            lines.append(read_line(piece, Place(source, number, start + 1, full), start))
    if not lines:
        raise EquationError("no equation; expected lines such as 'a = w*x'", Place(source, first_line))
    return tuple(lines)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The equations on one line of text, with the column (from 0) at which each begins."""
    start = 0
    for piece in text.split(";"):
        if piece.strip():
            indent = len(piece) - len(piece.lstrip())
            yield start + indent, piece.strip()
        start += len(piece) + 1


def read_line(text: str, place: Place, start: int = 0) -> Line:
    """One equation; `start` is the column (from 0) at which `text` begins in `place.text`."""
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
    """`name`, normalised, when it can name a quantity; raises `EquationError` when it cannot."""
    normal = normalise(name)
    if normal in FUNCTIONS or normal in REDUCTIONS or normal in ALIASES.values():
        raise EquationError(f"{name!r} is the name of an operation; choose another name", place)
    pieces = tokens(name)
    if len(pieces) != 1 or pieces[0].kind != "name" or not normal.isidentifier():
        raise EquationError(f"{shorten(name)} is not a name; a name is letters, digits and _, such as w1", place)
    return normal


def read_expression(text: str, place: Place, start: int = 0) -> Expr:
    """The right-hand side of an equation as a tree. Raises `EquationError`."""
    refuse_slips(text, place, start)
    spelled = spell(text, place, start)
    try:
        tree = ast.parse(spelled.code.strip(), mode="eval").body
    except SyntaxError as error:
        column = spelled.column((error.offset or 1) - 1)
        raise EquationError(_syntax_message(error, spelled.code), at(place, column)) from None
    except (RecursionError, MemoryError, ValueError):
        raise EquationError(_TOO_DEEP, at(place, start)) from None
    return _Reader(spelled, place).read(tree, 0)


_TOO_DEEP = f"more than {MAX_DEPTH} operations inside one another; split the equation over several lines"


def _syntax_message(error: SyntaxError, code: str) -> str:
    """A sentence for what Python's parser found wrong."""
    message = error.msg or ""
    if "nested parentheses" in message or "too complex" in message:
        return _TOO_DEEP
    if "never closed" in message:
        return "a parenthesis is opened and never closed"
    if "unmatched" in message or "does not match" in message:
        return "a parenthesis is closed that was never opened"
    if "integer string conversion" in message:
        return "a number with thousands of digits; expected at most 1000"
    if code.rstrip().endswith(("+", "-", "*", "/", "(", ",")):
        return "the equation ends where an operand was expected"
    return "cannot be read from here on; expected names, numbers, + - * / ^, parentheses and functions"


class _Reader:
    """Walks the tree of Python's parser and keeps what is on the whitelist."""

    def __init__(self, spelled: Spelled, place: Place) -> None:
        self.spelled = spelled
        self.code = spelled.code.strip()
        self.bytes = self.code.encode()
        self.place = place

    def column(self, node: ast.expr) -> int:
        """The column (from 0) in the original line; `ast` counts in bytes of UTF-8."""
        return self.spelled.column(len(self.bytes[: node.col_offset].decode(errors="ignore")))

    def error(self, node: ast.expr, message: str) -> EquationError:
        return EquationError(message, at(self.place, self.column(node)))

    def read(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise self.error(node, _TOO_DEEP)
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name():
                return self.name(node)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self.subscript(node, unmark(name), index, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Apply("neg", (self.read(operand, depth + 1),), self.column(node))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp() if type(node.op) in _BINARY:
                args = (self.read(node.left, depth + 1), self.read(node.right, depth + 1))
                return self.checked(node, Apply(_BINARY[type(node.op)], args, self.column(node)))
            case ast.Call():
                return self.call(node, depth)
            case ast.Compare(ops=[sign], left=left, comparators=[right]) if type(sign) in _COMPARISONS:
                args = (self.read(left, depth + 1), self.read(right, depth + 1))
                return self.comparison(node, type(sign), args)
        known = next((text for kind, text in _REFUSED.items() if isinstance(node, kind)), None)
        raise self.error(node, known or f"{type(node).__name__} is not part of the notation")

    def name(self, node: ast.Name) -> Ref:
        name = unmark(node.id)
        if name in ONLY_CALLED:
            raise self.error(node, f"{name} is a function, and its argument stands in parentheses: write {name}(…)")
        return Ref(name, None, self.column(node))

    def comparison(self, node: ast.expr, sign: type[ast.cmpop], args: tuple[Expr, Expr]) -> Expr:
        """1 where it holds, else 0."""
        op, swapped = _COMPARISONS[sign]
        held = Apply(op, args[::-1] if swapped else args, self.column(node))
        return Apply("sub", (ONE, held), self.column(node)) if sign is ast.NotEq else held

    def number(self, node: ast.Constant) -> Number:
        text = self.bytes[node.col_offset : node.end_col_offset].decode()
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(node, f"{shorten(text)} is not a number")
        try:
            return Number(read_number(text))
        except NumeralError as error:
            raise self.error(node, f"{shorten(text)} {error}") from None

    def subscript(self, node: ast.expr, name: str, index: ast.expr, depth: int) -> Expr:
        """`x[i,j]`; where an entry is a number or a label, as in z[i,0] and z[i,y[i]], an entry is picked."""
        entries = index.elts if isinstance(index, ast.Tuple) else [index]
        picked = [entry for entry in entries if not isinstance(entry, ast.Name)]
        if not picked:
            return Ref(name, self.index(index), self.column(node))
        if not all(isinstance(entry, ast.Constant | ast.Subscript) for entry in picked):
            raise self.error(picked[0], _REFUSED[ast.Subscript])
        axes = tuple(Axis(unmark(e.id) if isinstance(e, ast.Name) else PICKED) for e in entries)
        values = tuple(self.read(entry, depth + 1) for entry in picked)
        return Apply("entry", (Ref(name, axes, self.column(node)), *values), self.column(node))

    def index(self, node: ast.expr) -> Axes:
        entries = node.elts if isinstance(node, ast.Tuple) else [node]
        if not all(isinstance(entry, ast.Name) for entry in entries):
            raise self.error(node, _REFUSED[ast.Subscript])
        return tuple(Axis(unmark(entry.id)) for entry in entries if isinstance(entry, ast.Name))

    def call(self, node: ast.Call, depth: int) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise self.error(node, "only functions known by name can be called")
        written = unmark(node.func.id)
        name = ALIASES.get(written, written)
        if node.keywords:
            raise self.error(node, f"{written} takes no named arguments")
        if name in REDUCTIONS:
            return self.reduction(node, name, depth)
        if name in MACRO_NAMES or name in TENSOR_FUNCTIONS or (name in ("max", "min") and len(node.args) == 1):
            return Apply(name, tuple(self.read(arg, depth + 1) for arg in node.args), self.column(node))
        if name not in FUNCTIONS:
            known = sorted((*FUNCTIONS, *REDUCTIONS))
            hint = suggestion(written, (*known, *MACRO_NAMES, *TENSOR_FUNCTIONS))
            all_known = f"; known: {', '.join(known)}, and the formulas that the README names"
            hint = hint or f"{all_known}; a product needs its sign: {shorten(written)[1:-1]}*(…)"
            raise self.error(node, f"unknown function {shorten(written)}{hint}")
        args = tuple(self.read(arg, depth + 1) for arg in node.args)
        operation = OPERATIONS[name]
        if name == "where" and args and not is_condition(args[0]):
            raise self.error(node.args[0], "where needs a comparison first, as in where(x > 0, a, b)")
        if len(args) != operation.arity and not (operation.many and len(args) > operation.arity):
            expected = f"{operation.arity}{' or more' if operation.many else ''}"
            raise self.error(node, f"{written} of {len(args)} arguments; expected {expected}")
        expr = Apply(name, args[: operation.arity], self.column(node))
        for arg in args[operation.arity :]:
            expr = Apply(name, (expr, arg), self.column(node))
        return expr

    def reduction(self, node: ast.Call, name: str, depth: int) -> Reduce:
        if not node.args:
            raise self.error(node, f"{name} of nothing; expected {name}(expression) or {name}(expression, index)")
        axes = tuple(axis for arg in node.args[1:] for axis in self.index(arg)) or None
        return Reduce(name, self.read(node.args[0], depth + 1), axes, self.column(node))

    def checked(self, node: ast.BinOp, expr: Apply) -> Apply:
        """Refuses powers and constants that no calculation could hold, before any is worked out."""
        right = constant_value(expr.args[1])
        if expr.op == "div" and right == 0:
            raise self.error(node, "division by zero")
        if expr.op == "pow" and right is not None:
            base = constant_value(expr.args[0])
            bits = 0 if base is None else (abs(base.numerator) * base.denominator).bit_length()
            if abs(right) > MAX_POWER or bits * abs(right) > MAX_BITS:
                raise self.error(node, f"this power is too large; expected an exponent of at most {MAX_POWER}")
            if base == 0 and right < 0:
                raise self.error(node, "division by zero")
        return expr


def is_condition(expr: Expr) -> bool:
    """Whether the expression is 0 or 1: a comparison, or a product of them."""
    match expr:
        case Apply(op="greater" | "at_most" | "equal"):
            return True
        case Apply(op="sub", args=(first, other)):
            return first == ONE and is_condition(other)
        case Apply(op="mul", args=args):
            return all(map(is_condition, args))
    return False


def constant_value(expr: Expr) -> Fraction | None:
    """The value of an expression of literals only, where it is rational; else None."""
    if isinstance(expr, Number):
        return expr.value
    if not isinstance(expr, Apply) or expr.op not in ("add", "sub", "mul", "div", "pow", "neg"):
        return None
    values = [value for arg in expr.args if (value := constant_value(arg)) is not None]
    return _worked_out(expr.op, *values) if len(values) == len(expr.args) else None


def _worked_out(op: str, x: Fraction, y: Fraction = Fraction(0)) -> Fraction | None:
    """One arithmetic operation; None where it has no rational value or one too long to work out."""
    match op:
        case "neg":
            return -x
        case "add":
            return x + y
        case "sub":
            return x - y
        case "mul":
            return x * y
        case "div":
            return x / y if y != 0 else None
    whole = y.denominator == 1 and abs(y) <= MAX_POWER and not (x == 0 and y < 0)
    return x ** int(y) if whole else None
