"""Equations alone as a problem: nothing has a value, and a note says how the kinds of the names were guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from derive.algebra.expression import Apply, Expr, Position, Reduce, Ref, names, refs, walk
from derive.algebra.operations import ALIASES, CONSTANTS
from derive.characters import normalise
from derive.errors import EquationError, NoLossError, suggestion
from derive.graph.graph import Graph, Shape, build, find_loss, other_loss
from derive.graph.node import SIZE
from derive.graph.scope import factors
from derive.graph.seed_gradient import Upstream, may_be_open
from derive.paper.lines import Line, Sheet, read_sheet, with_transposes
from derive.paper.macros import MACROS
from derive.paper.spelling import tokens
from derive.problem.problem import Problem
from derive.problem.targets import score_notes
from derive.shapes.indices import index_letters, trailing_indices
from derive.shapes.reading import Shapes, read_shapes, shape_text
from derive.shapes.rules import DATA


def read_equations(text: str, source: str = "<text>") -> Problem:
    """Returns the problem of equations without numbers; messages call them `source`. Raises `EquationError`.

    Where the equations reduce over samples (sum, mean, a named loss, or n that no line defines), the names x, y, t, X,
    Y, T and the like are data (but for the T of `X^T @ r`); every other name that no line defines is a parameter.
    Shapes are read off the indices
    and operations of all lines (`derive/shapes`); what stands beside the equations, `X: (n, k)`, says them. Their sizes
    have names: J for the j of `x[i,j]`.
    """
    sheet = read_sheet(text, source)
    says_t = any(declaration.name == "T" for declaration in sheet.declarations)
    lines = sheet.lines if says_t else with_transposes(sheet.lines)
    free = free_names(lines)
    declared = _declared(sheet, free)
    sampled = _reduces(lines) or any(SIZE in shape for shape in declared.values())
    candidates = tuple(name for name in free if DATA.fullmatch(name)) if sampled else ()
    is_clear = len({line.name for line in lines}) == len(lines)  # else the graph says which is defined twice
    sizes = read_shapes(lines, free, candidates, declared) if is_clear else Shapes({}, ())
    shapes, data = sizes.shapes, sizes.samples
    idle = {*sizes.names, *([SIZE] if data else [])} - set(shapes)
    parameters = tuple(name for name in free if name not in data and name not in idle and not _is_constant(name))
    try:
        graph = _graph(
            lines, {name: shapes.get(name, ()) for name in parameters}, {name: shapes[name][1:] for name in data}
        )
    except EquationError as error:
        if sizes.is_whole or not shapes:
            raise
        read = _listed(tuple(shapes), sizes, 0)
        raise EquationError(f"{error.message}; the shapes so far are {read}", error.place) from None
    clear = {*declared, *_indexed(lines)}
    if not graph.of_kind("parameter") and not declared.keys() & set(data):  # by what is said to be data, one may ask
        reads_size = any(SIZE in names(line.expr) for line in lines)
        aside = f"{SIZE} is the number of samples; for another number write another letter, such as k"
        aside = other_loss(lines) or (aside if reads_size else "there is nothing to derive")
        loss = next(line for line in lines if line.name == find_loss(lines))
        raise EquationError(f"{loss.name!r} depends on no parameter; {aside}", loss.place)
    assumed = _assumed(data, graph.of_kind("parameter"), sizes, clear)
    known = frozenset(free)
    products = (
        f"{name!r} is read as one name; a product is written {'*'.join(found)}"
        for name in free
        if (found := factors(name, known))
    )
    labels = _label_notes(lines, graph, clear, shapes)
    notes = (assumed, *labels, *score_notes(lines), *products, *spelling_notes(written_names(lines)))
    notes += (*filter(None, [other_loss(lines)]), *constant_notes(free))
    title = "; ".join(filter(None, map(str.strip, text.splitlines()))) if len(lines) == 1 else f"{len(lines)} equations"
    said = [name for name in free if name not in declared and name not in idle and not _is_constant(name)]
    readings = tuple(_said(said, sizes, other, text) for other in sizes.others)
    return Problem(
        "equation", title, source, lines, graph, notes=notes, trains=False, is_symbolic=True, readings=readings
    )


def _said(free: Iterable[str], taken: Shapes, other: Shapes, text: str) -> tuple[str, str]:
    """Other shapes than those `taken`, as they are said, and the equations with all of them said."""
    said = {name: f"{name}: {shape_text(other.shapes.get(name, ()))}" for name in free}
    differ = [spelled for name, spelled in said.items() if other.shapes.get(name) != taken.shapes.get(name)]
    return " ".join(f'"{spelled}"' for spelled in differ), "\n".join([text, *said.values()])


def _graph(lines: tuple[Line, ...], parameters: Mapping[str, Shape], data: Mapping[str, Shape]) -> Graph:
    """The graph; a line of several numbers in place of the loss, called no loss, is given an upstream gradient."""
    try:
        return build(lines, parameters=parameters, data=data)
    except NoLossError:
        if not may_be_open(find_loss(lines)):
            raise
        return build(lines, parameters=parameters, data=data, upstream=Upstream(None))


def _declared(sheet: Sheet, free: Collection[str]) -> Mapping[str, Shape]:
    """The shapes that are said. Raises `EquationError` for those of a line, and of a name that nothing uses."""
    by_line = {line.name for line in sheet.lines}
    for declaration in sheet.declarations:
        if declaration.name in by_line:
            raise EquationError(
                f"{declaration.name!r} is defined by a line, which gives its shape; leave this out", declaration.place
            )
        if declaration.name not in free:
            hint = suggestion(declaration.name, free) or "; leave it out"
            raise EquationError(f"{declaration.name!r} is not used in any equation{hint}", declaration.place)
    return {declaration.name: declaration.shape for declaration in sheet.declarations}


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


def _indexed(lines: Iterable[Line]) -> frozenset[str]:
    """The names that are written with indices."""
    return frozenset(ref.name for line in lines for ref in refs(line.expr) if ref.axes)


def _label_notes(
    lines: Iterable[Line], graph: Graph, clear: Collection[str], shapes: Mapping[str, Shape]
) -> Iterator[str]:
    """A sentence for each target of a cross-entropy that is taken for class labels, unless its shape is `clear`."""
    for line in lines:
        for part in walk(line.expr):
            match part:
                case Apply(op="cross_entropy", args=(_, Ref(name=name))) if name not in clear and name in graph.by_name:
                    classes = _classes(graph.by_name[line.name].definition, name)
                    if classes is not None:
                        rows = (*shapes.get(name, ()), classes)
                        yield (
                            f"{name} is read as class labels, counted from 0; probabilities are said as "
                            f'"{name}: {shape_text(rows)}"'
                        )


def _classes(expr: Expr, labels: str) -> int | str | None:
    """How many classes the `labels` pick from; None where they pick nothing."""
    for part in walk(expr):
        match part:
            case Apply(op="equal", args=(Ref(name=name), Position(axis=axis))) if name == labels:
                return axis.size
    return None


def _reduces(lines: tuple[Line, ...]) -> bool:
    """Whether something is summed, averaged, or divided by the number of samples."""
    if SIZE in free_names(lines):
        return True
    return any(isinstance(part, Reduce) or _is_loss(part) for line in lines for part in walk(line.expr))


def _is_loss(part: Expr) -> bool:
    """Whether a name such as mse or norm stands for a formula with a mean or a sum; dot is of two vectors."""
    if not isinstance(part, Apply) or part.op == "dot":
        return False
    macro = MACROS.get((part.op, len(part.args)))
    return macro is not None and ("mean(" in macro.formula or "sum(" in macro.formula)


def constant_notes(free: Iterable[str]) -> tuple[str, ...]:
    """Returns a note on `e` among the names that no line defines and nothing gives: it may be meant for a line."""
    number = "2.718…, Euler's number"
    return tuple(f"{name!r} is {number}: no line is called so" for name in free if name == "e")


def _is_constant(name: str) -> bool:
    return ALIASES.get(name, name) in CONSTANTS


def _assumed(data: tuple[str, ...], parameters: tuple[str, ...], sizes: Shapes, clear: Collection[str]) -> str:
    """The sentence that says how the names were read; shapes are `clear` that are said or read off indices."""
    kind = "parameters" if len(parameters) > 1 else "a parameter"
    samples = [f"{_listed(data, sizes, 1)} as data over samples"] if data else []
    read = " and ".join([*samples, *([f"{_listed(parameters, sizes, 0)} as {kind}"] if parameters else [])])
    guessed = next(
        (name for name in sizes.shapes if name not in clear and len(sizes.shapes[name]) > (name in data)), ""
    )
    spelled = f'"{guessed}: {shape_text(sizes.shapes[guessed])}" beside the equations or ' if guessed else ""
    return f"read {read}; {spelled}a problem file says otherwise"


def _listed(names: tuple[str, ...], sizes: Shapes, skipped: int) -> str:
    """The names, arrays with their sizes: W (J × K)."""
    shapes = {name: sizes.shapes.get(name, ())[skipped:] for name in names}
    return ", ".join(f"{name} ({' × '.join(map(str, shape))})" if shape else name for name, shape in shapes.items())


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
