"""An expression as written on paper as a tree: parsed with Python's `ast`, walked against a whitelist.

It is never evaluated and never given to SymPy's `sympify`.
"""

from __future__ import annotations

import ast

from derive.algebra.expression import ONE, PICKED, Apply, Axes, Axis, Expr, Number, Reduce, Ref, refs
from derive.algebra.literals import unworkable
from derive.algebra.operations import ALIASES, FUNCTIONS, OPERATIONS, REDUCTIONS, TENSOR_FUNCTIONS, Operation
from derive.errors import EquationError, Place, shorten, suggestion
from derive.paper.macros import MACRO_NAMES
from derive.paper.programs import COUNTS_AXES, read_call
from derive.paper.slips import ONLY_CALLED, refuse_slips
from derive.paper.spelling import SUM_OVER, Spelled, at, is_sum_over, spell, unmark
from derive.paper.sums import Covered, covered
from derive.source.numerals import NumeralError, read_number

MAX_DEPTH = 150  # operations inside one another on one line; a deeper line is refused with a caret

_WRITTEN_OUT = (*MACRO_NAMES, *TENSOR_FUNCTIONS)  # functions that the graph writes out in those of the table

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


def read_expression(text: str, place: Place, start: int = 0, *, covers: bool = False) -> Expr:
    """Returns the tree of an expression, such as the right-hand side of an equation; names have no axes yet.

    `start` is the column (from 0) at which `text` begins in `place.text`. With `covers`, a Σ without an index sums the
    whole product behind it, as one with an index does; else what is in its parentheses, and the factors behind it are
    kept as `after` of the sum. Raises `EquationError`, with a caret.
    """
    refuse_slips(text, place, start)
    spelled = spell(text, place, start)
    try:
        tree = ast.parse(spelled.code.strip(), mode="eval").body
    except SyntaxError as error:
        column = spelled.column((error.offset or 1) - 1)
        raise EquationError(_syntax_message(error, spelled.code), at(place, column)) from None
    except (RecursionError, MemoryError, ValueError):
        raise EquationError(_TOO_DEEP, at(place, start)) from None
    return _Reader(spelled, place, covers).read(tree, 0)


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

    def __init__(self, spelled: Spelled, place: Place, covers: bool) -> None:
        self.spelled = spelled
        self.code = spelled.code.strip()
        self.bytes = self.code.encode()
        self.place = place
        self.covers = covers
        self.after: dict[ast.expr, tuple[ast.expr, ...]] = {}  # of a Σ, the factors behind it
        self.known: dict[ast.expr, Expr] = {}  # those factors, each read once

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
                return self.binary(node, depth)
            case ast.Call() | ast.Attribute(attr="T"):
                return self.call(node, depth)
            case ast.Compare(ops=[sign], left=left, comparators=[right]) if type(sign) in _COMPARISONS:
                args = (self.read(left, depth + 1), self.read(right, depth + 1))
                return self.comparison(node, type(sign), args)
        known = next((text for kind, text in _REFUSED.items() if isinstance(node, kind)), None)
        raise self.error(node, known or f"{type(node).__name__} is not part of the notation")

    def binary(self, node: ast.BinOp, depth: int) -> Expr:
        found = covered(node, self.bytes)
        if found is not None and self.takes(found):
            return self.read(found.product(), depth)
        left = self.read(node.left, depth + 1)  # first, as its sums know what stands on the right
        right = self.known[node.right] if node.right in self.known else self.read(node.right, depth + 1)
        return self.checked(node, Apply(_BINARY[type(node.op)], (left, right), self.column(node)))

    def takes(self, found: Covered) -> bool:
        """Whether a Σ sums all that it would on paper; else the factors behind it are noted."""
        if not found.is_bare or self.covers:
            return True
        self.after.setdefault(found.call, tuple(factor.node for factor in found.after))
        return False

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

    def call(self, node: ast.Call | ast.Attribute, depth: int) -> Expr:
        if isinstance(node, ast.Attribute):  # X.T
            return Apply("transpose", (self.read(node.value, depth + 1),), self.column(node))
        call = read_call(node)
        if call is None and not isinstance(node.func, ast.Name):
            raise self.error(node, "only functions known by name can be called")
        if call is not None and call.refused:
            raise self.error(node, call.refused)
        if call is not None:
            node = ast.copy_location(ast.Call(ast.Name(call.name), call.arguments, node.keywords), node)
        assert isinstance(node.func, ast.Name)
        written = unmark(node.func.id)
        name = "sum" if is_sum_over(written) else ALIASES.get(written, written)
        if node.keywords:
            raise self.error(node, f"{written} takes no named arguments")
        if name in REDUCTIONS:
            return self.reduction(node, name, depth)
        over_axes = name in ("max", "min") and len(node.args) == 1
        is_operator = call is not None and call.is_operator
        if not over_axes and name not in _WRITTEN_OUT and name not in FUNCTIONS and not is_operator:
            raise self.error(node, _unknown_function(written))
        args = tuple(self.read(arg, depth + 1) for arg in node.args)
        if is_operator:
            return self.operator(node, name, args)
        if over_axes or name in _WRITTEN_OUT:
            return Apply(name, args, self.column(node))
        return self.operation(node, OPERATIONS[name], written, args)

    def operator(self, node: ast.Call, name: str, args: tuple[Expr, ...]) -> Expr:
        """An operation that the notation has a sign for, called by its name in a program: E.pow(2)."""
        arity = 1 if name == "neg" else 2
        if len(args) != arity:
            raise self.error(node, f"{name} of {len(args)} arguments; expected {arity}")
        return self.checked(node, Apply(name, args, self.column(node)))

    def operation(self, node: ast.Call, operation: Operation, written: str, args: tuple[Expr, ...]) -> Expr:
        """An operation of the table; one that takes many arguments is applied from left to right."""
        name, arity = operation.name, operation.arity
        if name == "where" and args and not is_condition(args[0]):
            raise self.error(node.args[0], "where needs a comparison first, as in where(x > 0, a, b)")
        if len(args) != arity and not (operation.many and len(args) > arity):
            expected = f"{arity}{' or more' if operation.many else ''}"
            raise self.error(node, f"{written} of {len(args)} arguments; expected {expected}")
        expr = Apply(name, args[:arity], self.column(node))
        for arg in args[arity:]:
            expr = Apply(name, (expr, arg), self.column(node))
        return expr

    def reduction(self, node: ast.Call, name: str, depth: int) -> Reduce:
        if not node.args:
            raise self.error(node, f"{name} of nothing; expected {name}(expression) or {name}(expression, index)")
        numbered = next((arg for arg in node.args[1:] if isinstance(arg, ast.Constant | ast.UnaryOp)), None)
        if numbered is not None:
            raise self.error(numbered, f"{name}(…, 0) {COUNTS_AXES} {name}(x[i,k], i)")
        axes = tuple(axis for arg in node.args[1:] for axis in self.index(arg))
        if isinstance(node.func, ast.Name) and is_sum_over(unmark(node.func.id)):
            axes += tuple(Axis(letter) for letter in unmark(node.func.id).removeprefix(SUM_OVER))
        body = self.read(node.args[0], depth + 1)
        if axes and len(node.args) == 1 and not any(ref.axes for ref in refs(body)):
            axes = ()  # Σᵢ(w*x + b): nothing has an index, so that it is all that is summed
        after = self.after.get(node, ())
        self.known |= {factor: self.read(factor, depth + 1) for factor in after}
        return Reduce(name, body, axes or None, self.column(node), tuple(self.known[factor] for factor in after))

    def checked(self, node: ast.expr, expr: Apply) -> Apply:
        """Refuses powers and constants that no calculation could hold, before any is worked out."""
        if message := unworkable(expr):
            raise self.error(node, message)
        return expr


def _unknown_function(written: str) -> str:
    """The message for a function that is not part of the notation."""
    if written in ("len", "size", "numel"):
        return f"unknown function {shorten(written)}; n is the number of samples"
    known = sorted((*FUNCTIONS, *REDUCTIONS))
    hint = suggestion(written, (*known, *_WRITTEN_OUT))
    all_known = f"; known: {', '.join(known)}, and the formulas that the README names"
    hint = hint or f"{all_known}; a product needs its sign: {shorten(written)[1:-1]}*(…)"
    return f"unknown function {shorten(written)}{hint}"


def is_condition(expr: Expr) -> bool:
    """Whether the expression is 0 or 1 by its form: a comparison, or a product of comparisons."""
    match expr:
        case Apply(op="greater" | "at_most" | "equal"):
            return True
        case Apply(op="sub", args=(first, other)):
            return first == ONE and is_condition(other)
        case Apply(op="mul", args=args):
            return all(map(is_condition, args))
    return False
