"""The paper notation, read with Python's own parser, and worked out on tensors of `Var`s.

A line without indices is worked out as NumPy does. In a line with indices each letter stands for a number, and a sum
takes all numbers of its letters in turn. Nothing is simplified, so that there is little that can go wrong.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from tests.oracle import tape
from tests.oracle.numbers import ONE, PI, E, Real
from tests.oracle.tape import ELEMENTWISE, Var

_SIGNS = {"^": "**", "·": "@", "×": "*", "−": "-", "²": "**2", "³": "**3", "≤": "<=", "≥": ">=", "≠": "!="}
_WORDS = {"ln": "log", "√": "sqrt", "Σ": "sum", "∑": "sum", "σ": "sigmoid", "π": "pi", "lambda": "λ"}
_GRADIENT = re.compile(r"(?<![\w.])[d∂](\w+)/[d∂](\w+)")


@dataclass(frozen=True)
class Tensor:
    """Numbers on the tape, and which of the axes runs over the samples."""

    of: Any  # an array of Var
    samples: tuple[bool, ...] = ()


def scalar(x: Var) -> Tensor:
    array = np.empty((), dtype=object)
    array[()] = x
    return Tensor(array)


def number(value: Fraction | int) -> Tensor:
    return scalar(Var(Real(value)))


def parsed(text: str) -> ast.expr:
    """An expression; a name such as dl/dw is `l__by__w` in it."""
    text = _GRADIENT.sub(r"\1__by__\2", text)
    text = "".join(_SIGNS.get(c, c) for c in text)
    text = re.sub(r"[^\W\d]\w*|[√∑]", lambda word: _WORDS.get(word[0], word[0]), text)
    text = re.sub(r"(?<![\w.])(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)", r"Number('\1')", text)
    return ast.parse(text.strip(), mode="eval").body


@dataclass(frozen=True)
class Line:
    """`name[letters] = right`; the letters are None where none are written."""

    name: str
    letters: tuple[str, ...] | None
    right: ast.expr


def line(text: str) -> Line:
    """One line of the equations."""
    left, _, right = text.partition("=")
    name, bracket, letters = left.strip().rstrip("]").partition("[")
    return Line(name, tuple(c.strip() for c in letters.split(",")) if bracket else None, parsed(right))


@dataclass
class Scope:
    """What names mean: their tensors, the rows of the data that the batch has, and the numbers of the letters."""

    values: dict[str, Tensor]
    rows: Sequence[int] = ()
    edges: Mapping[str, str] = field(default_factory=dict)  # of clip, by "numbers" or "calculated"
    letters: Mapping[str, tuple[int, bool]] = field(default_factory=dict)  # with whether they run over the samples

    def _at(self, letters: Mapping[str, tuple[int, bool]]) -> Scope:
        return Scope(self.values, self.rows, self.edges, letters)

    def defined(self, right: Line) -> Tensor:
        """What a line gives, a value for each of the letters on its left."""
        return self._over(right.right, right.letters) if right.letters else self.value(right.right)

    def loss(self, right: ast.expr) -> Var:
        """The loss: each of its terms is summed over what is left in words."""
        match right:
            case ast.BinOp(left=left, op=ast.Add(), right=other):
                return tape.add(self.loss(left), self.loss(other))
            case ast.BinOp(left=left, op=ast.Sub(), right=other):
                return tape.subtract(self.loss(left), self.loss(other))
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return tape.negate(self.loss(inner))
        return tape.total(list(self._all(right).of.flat))

    def value(self, node: ast.expr) -> Tensor:
        """What an expression gives at the numbers of the letters."""
        match node:
            case ast.Call(func=ast.Name(id="Number"), args=[ast.Constant(value=text)]):
                return number(Fraction(text))
            case ast.Name(id=name):
                return self._name(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return _each(tape.negate, self.value(inner))
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return _product(self.value(left), self.value(right))
            case ast.BinOp(left=left, op=op, right=right):
                return _each(_OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                holds = _COMPARISONS[type(op)]
                return _each(lambda x, y: _truth(holds, x, y), self.value(left), self.value(right))
            case ast.Subscript(value=ast.Name(id=name), slice=places):
                return self._entry(self.values[name], places.elts if isinstance(places, ast.Tuple) else [places])
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._called(name, args)
        raise NotImplementedError(ast.dump(node))

    def _name(self, name: str) -> Tensor:
        if name in self.values:
            return self.values[name]
        if name in self.letters:
            place, along = self.letters[name]
            return number(self.rows[place] if along else place)
        return scalar(Var({"pi": PI, "e": E}[name]))

    def _entry(self, whole: Tensor, places: Sequence[ast.expr]) -> Tensor:
        """One entry. A letter is a place; a number along the samples is the row of the data, and may be missing."""
        chosen: list[int] = []
        for place, along in zip(places, whole.samples, strict=True):
            if isinstance(place, ast.Name) and place.id in self.letters:
                chosen.append(self.letters[place.id][0])
                continue
            index = int(self.value(place).of.item().value.value)
            if along and index not in self.rows:
                return number(0)
            chosen.append(self.rows.index(index) if along else index)
        return scalar(whole.of[tuple(chosen)])

    def _free(self, node: ast.AST) -> dict[str, tuple[int, bool]]:
        """The letters that nothing in an expression runs over: how many numbers each has, and if these are samples."""
        match node:
            case ast.Call(func=ast.Name(id=name), args=args):
                letters = [arg.id for arg in args[1:] if isinstance(arg, ast.Name)] if name in _REDUCTIONS else []
                if (name, len(args)) in _OF_ALL or name == "l2" or (name in _REDUCTIONS and len(args) == 1):
                    return {}
                found = self._free_in(args)
                return {letter: size for letter, size in found.items() if letter not in letters}
            case ast.Subscript(value=ast.Name(id=name), slice=places):
                whole, listed = self.values[name], places.elts if isinstance(places, ast.Tuple) else [places]
                axes = zip(listed, zip(whole.of.shape, whole.samples, strict=True), strict=True)
                own = {place.id: axis for place, axis in axes if isinstance(place, ast.Name)}
                own = {c: axis for c, axis in own.items() if c not in self.letters and not self._is_number(c)}
                return {**own, **self._free_in([place for place in listed if not isinstance(place, ast.Name)])}
        return self._free_in(list(ast.iter_child_nodes(node)))

    def _free_in(self, nodes: Sequence[ast.AST]) -> dict[str, tuple[int, bool]]:
        return {letter: size for node in nodes for letter, size in self._free(node).items()}

    def _is_number(self, name: str) -> bool:
        return name in self.values and not self.values[name].of.shape

    def _over(self, node: ast.expr, letters: Sequence[str], of: Sequence[ast.expr] = ()) -> Tensor:
        """The values of an expression for all numbers of the letters of it or `of` others, an axis for each."""
        sizes = self._free_in([node, *of])
        shape = tuple(sizes[letter][0] for letter in letters)
        array = np.empty(shape, dtype=object)
        samples = tuple(sizes[letter][1] for letter in letters)
        for place in np.ndindex(shape):
            here = dict(zip(letters, zip(place, samples, strict=True), strict=True))
            array[place] = self._at({**self.letters, **here}).value(node).of.item()
        return Tensor(array, samples)

    def _all(self, node: ast.expr) -> Tensor:
        """The values of an expression over all that it runs over: letters that are free, or else its axes."""
        free = self._free(node)
        return self._over(node, [*free]) if free else self.value(node)

    def _called(self, name: str, args: Sequence[ast.expr]) -> Tensor:
        count = len(args)
        if name in _OVER:
            while count > 1 and isinstance(args[count - 1], ast.Name) and not self._is_known(args[count - 1]):
                count -= 1
        letters = tuple(arg.id for arg in args[count:] if isinstance(arg, ast.Name))
        args = args[:count]
        if name in _REDUCTIONS and len(args) == 1:
            return scalar(_REDUCTIONS[name](self._taken(args[0], letters)))
        if name in ("softmax", "log_softmax"):
            return self._softmax(name, args[0], letters)
        if name == "clip":
            by = "numbers" if all(_is_literal(arg) for arg in args[1:]) else "calculated"
            return _each(lambda *of: tape.clipped(*of, self.edges[by]), *map(self.value, args))
        if name == "l2":
            return scalar(tape.total([_square(x) for arg in args for x in self._all(arg).of.flat]))
        if (name, len(args)) in _OF_ALL and (free := self._free_in(args)):
            return _FUNCTIONS[name, len(args)](*(self._over(arg, [*free], args) for arg in args))
        return _FUNCTIONS[name, len(args)](*map(self.value, args))

    def _is_known(self, arg: ast.Name) -> bool:
        return arg.id in self.values or arg.id in ("pi", "e")

    def _taken(self, node: ast.expr, letters: tuple[str, ...]) -> list[Var]:
        return list((self._over(node, letters) if letters else self._all(node)).of.flat)

    def _softmax(self, name: str, node: ast.expr, letters: tuple[str, ...]) -> Tensor:
        if letters:
            (letter,) = letters
            outside = self._at({other: place for other, place in self.letters.items() if other != letter})
            return scalar(_softmax(name, outside._over(node, letters).of)[self.letters[letter][0]])
        whole = self.value(node)
        return Tensor(np.apply_along_axis(lambda row: _softmax(name, row), -1, whole.of), whole.samples)


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_literal(node.operand)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Number"


def _each(function: Callable[..., Var], *of: Tensor) -> Tensor:
    """A function of single numbers for each entry; the axes of its operands are matched from the last one on."""
    found = np.frompyfunc(function, len(of), 1)(*(tensor.of for tensor in of))
    array = np.empty(np.shape(found), dtype=object)
    array[...] = found
    longest = max(of, key=lambda tensor: tensor.of.ndim)
    return Tensor(array, longest.samples)


def _product(x: Tensor, y: Tensor) -> Tensor:
    """X @ y; of single numbers their product, of a vector and a matrix of samples the sum of products of each row."""
    if not x.of.shape or not y.of.shape:
        return _each(tape.multiply, x, y)
    if len(x.samples) == 1 and y.samples[:1] == (True,) and len(y.samples) == 2:
        y = _turned(y)
    left = x.of.reshape(-1, x.of.shape[-1])
    right = y.of.reshape(y.of.shape[0], -1)
    array = np.empty((len(left), right.shape[1]), dtype=object)
    for i, j in np.ndindex(array.shape):
        array[i, j] = tape.total([tape.multiply(a, b) for a, b in zip(left[i], right[:, j], strict=True)])
    shape = (*x.of.shape[:-1], *y.of.shape[1:])
    return Tensor(array.reshape(shape), (*x.samples[:-1], *y.samples[1:]))


def _turned(x: Tensor) -> Tensor:
    return Tensor(x.of.T, x.samples[::-1])


def _outer(x: Tensor, y: Tensor) -> Tensor:
    array = np.empty((*x.of.shape, *y.of.shape), dtype=object)
    for i in np.ndindex(x.of.shape):
        for j in np.ndindex(y.of.shape):
            array[(*i, *j)] = tape.multiply(x.of[i], y.of[j])
    return Tensor(array, (*x.samples, *y.samples))


def _truth(holds: Callable[[int], bool], x: Var, y: Var) -> Var:
    return Var(Real(int(holds((x.value - y.value).sign))))


def _where(condition: Var, x: Var, y: Var) -> Var:
    chosen = x if condition.value.sign > 0 else y
    return Var(chosen.value, [(chosen, lambda: ONE)])


def _square(x: Var) -> Var:
    return tape.multiply(x, x)


def _mean(of: Sequence[Var]) -> Var:
    return tape.multiply(tape.total(of), Var(Real(Fraction(1, len(of)))))


def _variance(of: Sequence[Var]) -> Var:
    middle = _mean(of)
    return _mean([_square(tape.subtract(x, middle)) for x in of])


def _logsumexp(of: Sequence[Var]) -> Var:
    return ELEMENTWISE["log"](tape.total([ELEMENTWISE["exp"](x) for x in of]))


def _softmax(name: str, of: Any) -> Any:
    whole = _logsumexp(list(of))
    logs = [tape.subtract(x, whole) for x in of]
    array = np.empty(len(logs), dtype=object)
    array[:] = logs if name == "log_softmax" else [ELEMENTWISE["exp"](x) for x in logs]
    return array


def _norm(of: Sequence[Var]) -> Var:
    return ELEMENTWISE["sqrt"](tape.total([_square(x) for x in of]))


def _piecewise(text: str) -> Callable[..., Tensor]:
    """A function that is put together from others, in the paper notation in x and y."""
    tree = parsed(text)
    return lambda *of: Scope(dict(zip("xy", of, strict=False))).value(tree)


def _cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    logs = np.apply_along_axis(lambda row: _softmax("log_softmax", row), -1, z.of)
    if y.of.ndim == z.of.ndim - 1:
        return scalar(tape.negate(_mean(list(_pick(Tensor(logs), y).of.flat))))
    weighed = _each(tape.multiply, y, Tensor(logs)).of.reshape(-1, logs.shape[-1])
    return scalar(tape.negate(_mean([tape.total(list(row)) for row in weighed])))


def _pick(z: Tensor, y: Tensor) -> Tensor:
    """Of the last axis of z the entry that the label y names."""
    array = np.empty(z.of.shape[:-1], dtype=object)
    for place in np.ndindex(array.shape):
        array[place] = z.of[(*place, int(y.of[place].value.value))]
    return Tensor(array, z.samples[:-1])


def _mean_of(text: str) -> Callable[..., Tensor]:
    each = _piecewise(text)
    return lambda x, y: scalar(_mean(list(each(x, y).of.flat)))


_OPERATORS: dict[type, Callable[[Var, Var], Var]] = {
    ast.Add: tape.add,
    ast.Sub: tape.subtract,
    ast.Mult: tape.multiply,
    ast.Div: tape.divide,
    ast.Pow: tape.raised,
}
_COMPARISONS: dict[type, Callable[[int], bool]] = {
    ast.Lt: lambda s: s < 0,
    ast.LtE: lambda s: s <= 0,
    ast.Gt: lambda s: s > 0,
    ast.GtE: lambda s: s >= 0,
    ast.Eq: lambda s: s == 0,
    ast.NotEq: lambda s: s != 0,
}
_REDUCTIONS: dict[str, Callable[[Sequence[Var]], Var]] = {
    "sum": tape.total,
    "mean": _mean,
    "max": tape.largest,
    "min": tape.smallest,
    "logsumexp": _logsumexp,
    "var": _variance,
    "norm": _norm,
}
_OVER = (*_REDUCTIONS, "softmax", "log_softmax")

_FUNCTIONS: dict[tuple[str, int], Callable[..., Tensor]] = {
    **{(name, 1): (lambda x, f=function: _each(f, x)) for name, function in ELEMENTWISE.items()},
    ("max", 2): lambda x, y: _each(lambda *of: tape.largest(of), x, y),
    ("min", 2): lambda x, y: _each(lambda *of: tape.smallest(of), x, y),
    ("where", 3): lambda c, x, y: _each(_where, c, x, y),
    ("transpose", 1): _turned,
    ("outer", 2): _outer,
    ("pick", 2): _pick,
    ("cross_entropy", 2): _cross_entropy,
    # of the documentation of torch.nn, with the defaults that stand there
    ("square", 1): _piecewise("x*x"),
    ("silu", 1): _piecewise("x/(1 + exp(-x))"),
    ("elu", 1): _piecewise("where(x > 0, x, exp(x) - 1)"),
    ("leaky_relu", 1): _piecewise("where(x > 0, x, 0.01*x)"),
    ("leaky_relu", 2): _piecewise("where(x > 0, x, x*y)"),
    ("gelu", 1): _piecewise("x*(1 + erf(x/sqrt(2)))/2"),
    ("gelu_tanh", 1): _piecewise("0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x*x*x)))"),
    ("huber", 1): _piecewise("where(abs(x) < 1, 0.5*x*x, abs(x) - 0.5)"),
    ("hinge", 1): _piecewise("relu(1 - x)"),
    ("dot", 2): lambda x, y: scalar(tape.total(list(_each(tape.multiply, x, y).of.flat))),
    ("mse", 2): _mean_of("(x - y)*(x - y)"),
    ("half_mse", 2): _mean_of("(x - y)*(x - y)/2"),
    ("sse", 2): lambda x, y: scalar(tape.total([_square(d) for d in _each(tape.subtract, x, y).of.flat])),
    ("mae", 2): _mean_of("abs(x - y)"),
    ("huber", 2): _mean_of("where(abs(x - y) < 1, 0.5*(x - y)*(x - y), abs(x - y) - 0.5)"),
    ("bce", 2): _mean_of("-(y*log(x) + (1 - y)*log(1 - x))"),
    ("bce_with_logits", 2): _mean_of("-(y*log(sigmoid(x)) + (1 - y)*log(1 - sigmoid(x)))"),
    ("hinge", 2): _mean_of("relu(1 - x*y)"),
}
# of pairs of numbers, over all that they run over
_OF_ALL = {(name, 2) for name in ("dot", "mse", "half_mse", "sse", "mae", "huber", "bce", "bce_with_logits", "hinge")}

NAMES = frozenset((*(name for name, _ in _FUNCTIONS), *_OVER, "clip", "l2"))  # of all functions
