"""Equations alone as a problem: nothing has a value, and a note says how the kinds of the names were guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.algebra.expression import Apply, Expr, Reduce, Ref, walk
from derive.algebra.operations import ALIASES, CONSTANTS
from derive.characters import normalise
from derive.graph.graph import build, other_loss
from derive.graph.node import SIZE
from derive.graph.scope import factors
from derive.paper.lines import Line, read_lines
from derive.paper.macros import MACROS
from derive.paper.spelling import tokens
from derive.problem.problem import Problem
from derive.problem.shapes import Sizes, index_letters, infer, trailing_indices

_DATA = re.compile(r"[xyt](_?[0-9]+|_\w)?")  # x, y1, t_2, x_k: names that mean samples in most books


def read_equations(text: str, source: str = "<text>") -> Problem:
    """Returns the problem of equations without declarations; messages call them `source`. Raises `EquationError`.

    Where the equations reduce over samples (sum, mean, a named loss, or n that no line defines), the
    names x, y, t and the like are data; every other name that no line defines is a parameter. Names
    that are written with indices are arrays, and their sizes have names: J for j.
    """
    lines = read_lines(text, source)
    free = free_names(lines)
    candidates = tuple(name for name in free if _DATA.fullmatch(name)) if _reduces(lines) else ()
    sizes = infer(lines, free, candidates)
    single = bool(sizes.samples) or not any(name in sizes.shapes for name in candidates)  # y beside x[j] is one number
    data = tuple(name for name in candidates if name in sizes.samples or (single and name not in sizes.shapes))
    idle = {*sizes.names, *([SIZE] if data else [])} - set(sizes.shapes)
    parameters = tuple(name for name in free if name not in data and name not in idle and not _is_constant(name))
    shapes = sizes.shapes
    graph = build(
        lines,
        parameters={name: shapes.get(name, ()) for name in parameters},
        data={name: shapes.get(name, (SIZE,))[1:] for name in data},
    )
    assumed = _assumed(data, graph.of_kind("parameter"), sizes)
    known = frozenset(free)
    products = (
        f"{name!r} is read as one name; a product is written {'*'.join(found)}"
        for name in free
        if (found := factors(name, known))
    )
    notes = (assumed, *products, *spelling_notes(written_names(lines)), *filter(None, [other_loss(lines)]))
    title = text.strip() if len(lines) == 1 else f"{len(lines)} equations"
    return Problem("equation", title, source, lines, graph, notes=notes, trains=False)


def free_names(lines: Iterable[Line]) -> tuple[str, ...]:
    """Returns the names that are used and that no line defines, in the order in which they are read.

    The k of `max(z[i,k], k)` and of `[k = y[i]]` is an index and not a name.
    """
    lines = tuple(lines)
    defined = {line.name for line in lines}
    letters = frozenset(letter for line in lines for letter in index_letters(line))
    found: dict[str, None] = {}
    for line in lines:
        own = index_letters(line)
        indices = {ref for ref in trailing_indices(line) if ref.name in letters}
        for part in walk(line.expr):
            if isinstance(part, Ref) and part.name not in defined and part not in indices:
                is_index = part.axes is None and part.name in own
                found.update({} if is_index else {part.name: None})
    return tuple(found)


def _reduces(lines: tuple[Line, ...]) -> bool:
    """Whether something is summed, averaged, or divided by the number of samples."""
    if SIZE in free_names(lines):
        return True
    return any(isinstance(part, Reduce) or _is_loss(part) for line in lines for part in walk(line.expr))


def _is_loss(part: Expr) -> bool:
    """Whether a name such as mse stands for a formula with a mean or a sum of two operands."""
    if not isinstance(part, Apply):
        return False
    macro = MACROS.get((part.op, len(part.args)))
    return macro is not None and len(macro.operands) == 2 and ("mean(" in macro.formula or "sum(" in macro.formula)


def _is_constant(name: str) -> bool:
    return ALIASES.get(name, name) in CONSTANTS


def _assumed(data: tuple[str, ...], parameters: tuple[str, ...], sizes: Sizes) -> str:
    """The sentence that says how the names were read."""
    samples = f"{_listed(data, sizes, 1)} as data over samples and " if data else ""
    kind = "parameters" if len(parameters) > 1 else "a parameter"
    return f"read {samples}{_listed(parameters, sizes, 0)} as {kind}; a problem file says otherwise"


def _listed(names: tuple[str, ...], sizes: Sizes, skipped: int) -> str:
    """The names, arrays with their sizes: W (J × K)."""
    shapes = {name: sizes.shapes.get(name, ())[skipped:] for name in names}
    return ", ".join(f"{name} ({' × '.join(shape)})" if shape else name for name, shape in shapes.items())


def written_names(lines: Iterable[Line]) -> tuple[str, ...]:
    """Returns the distinct names in the equations as they are spelled on paper, before normalisation."""
    texts = dict.fromkeys(line.place.text.partition("#")[0] for line in lines)
    return tuple(dict.fromkeys(token.text for text in texts for token in tokens(text) if token.kind == "name"))


def spelling_notes(written: Iterable[str]) -> tuple[str, ...]:
    """Returns a sentence for each spelling that is read as one name with another before it: `x₁` after `x1`."""
    first: dict[str, str] = {}
    notes: dict[str, None] = {}
    for name in written:
        earlier = first.setdefault(normalise(name), name)
        if earlier != name:
            notes[f"{earlier!r} and {name!r} are read as one name, {normalise(name)!r}"] = None
    return tuple(notes)
