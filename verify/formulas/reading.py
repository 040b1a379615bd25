"""A claimed formula as an expression in the names of the problem, with what was read into it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

from derive.algebra.axes import shape_text
from derive.algebra.expression import (
    PICKED,
    Apply,
    Axes,
    Axis,
    Expr,
    Reduce,
    Ref,
    children,
    free_axes,
    fresh_axes,
    fresh_axis,
    names,
    rebuild,
    rename_axes,
    walk,
)
from derive.characters import normalise
from derive.errors import ClaimError, Place, shorten
from derive.graph.node import SIZE, Node
from derive.graph.resolution import resolve
from derive.graph.scope import letters_alone
from derive.paper.lines import Line
from derive.paper.spelling import at
from derive.paper.syntax import read_expression
from verify.formulas.asked import with_d

MAX_PERMUTED = 3  # axes whose letters are tried in every order
MAX_LENGTH = 10_000  # characters of a formula; a longer one is refused

_PARTIAL = re.compile(r"(?<![\w.])partial\.(?P<of>\w+)\.(?P<wrt>\w+)(?![\w.])")
_PRIMED = re.compile(r"(?<!\w)(?P<name>[^\W\d]\w*)['′]")
_CONDITION = re.compile(  # behind a formula: `for i != j`, `, i ≠ j`, ` (i ≠ j)`; `for i = j`
    r"(?:[\s,;]+(?:for|where|if|when)\s*\(?|\s*[,;]\s*\(?|(?<=[\w\])])\s+\()\s*"
    r"(?P<one>[^\W\d]\w*)\s*(?:(?P<differ>!=|≠|<>|\sis not\s)|==?|\sis\s)\s*(?P<other>[^\W\d]\w*)\s*\)?\s*$"
)
_LONGEST = 80  # characters of such a condition
_LEFT = re.compile(r"(?P<left>[^=<>!←]*?)\s*(?:<-|←|:=|(?<![<>=!])=(?!=))")


@dataclass(frozen=True)
class Written:
    """A formula as it is written: what stands on its left, if anything, and the tree of its right side.

    `partials` are the line and the name of each `partial.l.w`, by the name that stands for it in the tree. `apart` are
    two letters where it is said that they differ, `-p[i]*p[j] for i != j`.
    """

    left: str | None
    expr: Expr
    place: Place
    partials: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    apart: tuple[str, str] | None = None


@dataclass(frozen=True)
class Reading:
    """A formula along the axes of what it is claimed of; `added` are the axes of a sum that was left in words.

    `by_letter` says that all its letters are those of the axes, `letters` gives its letter for each of them, `others`
    are the other ways in which they fit.
    """

    expr: Expr
    added: Axes = ()
    by_letter: bool = True
    letters: Mapping[Axis, Axis] = field(default_factory=dict)
    others: tuple[tuple[str, ...], ...] = ()


def read_written(text: str, place: Place, matrices: Collection[str] = (), *, covers: bool = True) -> Written:
    """Reads a formula; `place` is where its text begins. X' is transposed where X is one of `matrices`.

    Where it `covers`, a Σ sums the whole product behind it, as on paper; else what is in its parentheses alone. Raises
    `ProblemError` with a caret.
    """
    if len(text) > MAX_LENGTH:
        raise ClaimError(f"a formula of {len(text):,} characters; expected at most {MAX_LENGTH:,}", place)
    if place.column is None or not place.text:
        place = Place(place.source, place.line, 1, text)
    start = (place.column or 1) - 1
    left, offset = left_side(text)
    said = _condition(text, offset)
    said = said if said and said["differ"] else None
    text = text[: said.start()] if said else text
    if not text[offset:].strip():
        raise ClaimError("no formula; expected an expression such as (2/n)*sum((w*x + b - y)*x)", place)
    right = _PRIMED.sub(lambda primed: _transposed(primed, matrices), with_d(text[offset:]))
    partials = {
        normalise(_as_one_name(found)): (normalise(found["of"]), normalise(found["wrt"]))
        for found in _PARTIAL.finditer(right)
    }
    expr = read_expression(_PARTIAL.sub(_as_one_name, right), place, start + offset, covers=covers)
    letters = (normalise(said["one"]), normalise(said["other"])) if said else None
    return Written(left, expr, at(place, start + offset), partials, letters)


def ways_to_sum(text: str, place: Place, matrices: Collection[str] = ()) -> tuple[Written, ...]:
    """Returns a formula as it is read on paper and, where that is another, with each Σ over its parentheses alone."""
    on_paper = read_written(text, place, matrices)
    alone = read_written(text, place, matrices, covers=False)
    return (on_paper,) if alone.expr == on_paper.expr else (on_paper, alone)


def without_after(expr: Expr) -> Expr:
    """Sums for which it is decided that they do not sum what stands behind them; others refuse what is in doubt."""
    inner = rebuild(expr, tuple(map(without_after, children(expr))))
    return replace(inner, after=()) if isinstance(inner, Reduce) else inner


def _condition(text: str, start: int) -> re.Match[str] | None:
    """What a formula that begins at `start` says of two of its indices at its end, if it does."""
    found = _CONDITION.search(text, max(start, len(text) - _LONGEST))
    before = text[start : found.start()] if found else ""
    return found if before.count("(") == before.count(")") and before.strip() else None


def on_the_diagonal(name: str, text: str) -> tuple[str, str]:
    """What a formula is claimed of and its text, with one letter for two that it says are the same, `for i = j`."""
    found = _condition(text, left_side(text)[1])
    if found is None or found["differ"]:
        return name, text
    one, letter = (re.compile(rf"(?<=[\[,])(\s*){re.escape(found[own])}(?=\s*[,\]])") for own in ("one", "other"))
    if not one.search(name) or not letter.search(name):
        return name, text
    return letter.sub(rf"\g<1>{found['one']}", name), letter.sub(rf"\g<1>{found['one']}", text[: found.start()])


def _transposed(primed: re.Match[str], matrices: Collection[str]) -> str:
    """Xᵀ for the X' of a matrix X, in as many characters; any other name with a prime as it is."""
    return f"{primed['name']}ᵀ" if normalise(primed["name"]) in matrices else primed.group()


def _as_one_name(partial: re.Match[str]) -> str:
    """partial.l.w as a name of the same length, so that every other character keeps its column."""
    return partial.group().replace(".", "_")


def left_side(text: str) -> tuple[str | None, int]:
    """Returns what a text such as `dl/dw = 2*w` says its formula is of, and where the formula begins; None without."""
    said = _condition(text, 0)
    match = _LEFT.match(text[: said.start()] if said else text)
    if match is None or match["left"].count("(") != match["left"].count(")"):  # of sum(x, axis=0)
        return None, 0
    return match["left"].strip(), match.end()


def along(
    written: Expr,
    line_name: str,
    place: Place,
    nodes: Mapping[str, Node],
    axes: Axes,
    left: Collection[str] = (),
    *,
    lettered_lines: bool = False,
) -> Reading:
    """The formula in the names of `nodes`, along `axes`; a sum over samples that it leaves in words is put in.

    `left` are the letters on the left, which are numbers in the formula: dd[i]/dx[j] = (i == j) - 1/3. Where there are
    none, `lettered_lines` says that the letters of `axes` are those of the lines.
    Raises `EquationError` for names and shapes that do not fit in it, `ClaimError` where its own shape is not `axes`,
    or where a letter of it is not the one of `axes`.
    """
    beside = tuple(axis for axis in axes if axis.letter in left)
    node = resolve(Line(line_name, apart_letters(written), place), nodes, is_loss=False, beside=beside)
    whole = node.definition
    if left or lettered_lines:
        _check_letters(written, node.axes, axes, left, place)
    indexed = any(axis.letter in {own.letter for own in axes} for axis in node.axes) or not axes
    lettered = _is_indexed(written) or bool(letters_alone(written, nodes, beside))
    pairs, extra = _by_letter(node.axes, axes) if lettered and indexed else _from_the_last(node.axes, axes)
    if any(axis.size != SIZE for axis in extra):
        expected = f"expected {'the shape ' + shape_text(axes) if axes else 'one number'}"
        raise ClaimError(f"the formula has the shape {shape_text(node.axes)}; {expected}", place)
    clashing = fresh_axes([a for a in extra if a.letter in {o.letter for o in axes}], [*axes, *node.axes])
    whole = rename_axes(whole, {**pairs, **clashing})
    added = tuple(clashing.get(axis, axis) for axis in extra)
    by_letter = all(own.letter == other.letter for own, other in pairs.items())
    others = tuple(_other_ways(pairs, axes)) if lettered else ()
    letters = {axis: own for own, axis in pairs.items()} if lettered else {}
    return Reading(_with_sum(whole, added) if added else whole, added, by_letter, letters, others)


def _check_letters(written: Expr, own: Axes, wanted: Axes, left: Collection[str], place: Place) -> None:
    """Raises `ClaimError` for a letter of a formula that runs over other values than on the left, or is not there.

    A letter of the samples may be missing on the left: a sum over them may be left in words.
    """
    sizes = {axis.letter: axis.size for axis in wanted}
    free = {axis.letter for axis in free_axes(written)}
    for axis in own:
        if axis.letter not in free or axis.letter == PICKED:
            continue
        size = sizes.get(axis.letter, axis.size)
        if size != axis.size:
            message = f"{axis} runs over {axis.size} values in the formula, and over {size} on the left"
            if not left:
                message = f"{axis} runs over {axis.size} values in the formula, and over {size} in the lines"
            raise ClaimError(message, place)
        if left and axis.letter not in sizes and axis.size != SIZE:
            expected = " or ".join(left)
            raise ClaimError(f"{axis} does not stand on the left; expected {expected}, or a sum over {axis}", place)


def _other_ways(pairs: Mapping[Axis, Axis], axes: Axes) -> Iterator[tuple[str, ...]]:
    """The letters that the axes would have if those of the formula were meant in another order of the same sizes."""
    found = tuple(pairs.values())
    for order in permutations(found) if len(found) <= MAX_PERMUTED else ():
        letters = {axis: own.letter for own, axis in zip(pairs, order, strict=True)}
        index = tuple(letters.get(axis, axis.letter) for axis in axes)
        fits = all(own.size == axis.size for own, axis in zip(pairs, order, strict=True))
        if fits and order != found and len(set(index)) == len(index):
            yield index


def apart_letters(expr: Expr) -> Expr:
    """Every sum over letters of its own: Σₘ aₘ + Σₘ bₘ may run over different numbers of values, as may aₘ + Σₘ bₘ."""
    bound = [axis.letter for part in walk(expr) if isinstance(part, Reduce) for axis in part.axes or ()]
    free = {axis.letter for axis in free_axes(expr)}
    again = {letter for letter in bound if bound.count(letter) > 1 or letter in free}
    taken = {Axis(letter) for letter in (*_every_letter(expr), *names(expr))}

    def renamed(expr: Expr) -> Expr:
        inner = rebuild(expr, tuple(renamed(part) for part in children(expr)))  # the inner sums first
        if isinstance(inner, Reduce) and inner.axes is not None:
            own = fresh_axes((axis for axis in inner.axes if axis.letter in again), taken)
            taken.update(own.values())
            inside = rename_axes(inner.body, own)
            return Reduce(inner.op, inside, tuple(own.get(axis, axis) for axis in inner.axes), inner.column)
        return inner

    return renamed(expr) if again else expr


def apart_from_left(expr: Expr, left: Collection[str], nodes: Mapping[str, Node]) -> tuple[Expr, tuple[str, ...]]:
    """Every sum without letters taken over those that do not stand on the left: dl/dw[j] = Σ x[i,j] is over i.

    Also returns those sums in words, as they are read.
    """
    said: list[str] = []

    def read(expr: Expr) -> Expr:
        inner = rebuild(expr, tuple(read(part) for part in children(expr)))
        if not isinstance(inner, Reduce) or inner.axes is not None or _has_unwritten(inner.body, nodes):
            return inner
        written = dict.fromkeys(axis for axis in free_axes(inner.body) if axis.letter != PICKED)
        over = tuple(axis for axis in written if axis.letter not in left)
        if not over or len(over) == len(written):
            return inner
        said.append(f"{inner.op} over {', '.join(map(str, over))}")
        return Reduce(inner.op, inner.body, over, inner.column)

    return read(expr), tuple(dict.fromkeys(said))


def _has_unwritten(expr: Expr, nodes: Mapping[str, Node]) -> bool:
    """Whether a name that runs over something is written without its letters."""
    bare = (nodes.get(part.name) for part in walk(expr) if isinstance(part, Ref) and not part.axes)
    return any(node is not None and node.axes for node in bare)


def _every_letter(expr: Expr) -> Iterator[str]:
    """The letters of every index that is written, and of every sum."""
    return (axis.letter for part in walk(expr) if isinstance(part, Ref | Reduce) for axis in part.axes or ())


def _is_indexed(expr: Expr) -> bool:
    """Whether a formula is written with indices."""
    return any(isinstance(part, Ref) and part.axes for part in walk(expr))


def _by_letter(own: Axes, wanted: Axes) -> tuple[dict[Axis, Axis], Axes]:
    """The axes of a formula with indices: the same letters, else the only one of the same size."""
    pairs: dict[Axis, Axis] = {}
    left = list(wanted)
    for axis in own:
        same = next((other for other in left if other.letter == axis.letter and other.size == axis.size), None)
        if same is not None:
            pairs[axis] = same
            left.remove(same)
    for axis in own:
        same = next((other for other in left if other.size == axis.size), None)
        if axis not in pairs and same is not None:
            pairs[axis] = same
            left.remove(same)
    return pairs, tuple(axis for axis in own if axis not in pairs)


def _from_the_last(own: Axes, wanted: Axes) -> tuple[dict[Axis, Axis], Axes]:
    """The axes of a formula without indices, from the last one on; samples that are too many come first."""
    kept = own
    if len(own) > len(wanted) or [a.size for a in own[::-1]] != [a.size for a in wanted[::-1][: len(own)]]:
        kept = tuple(axis for axis in own if axis.size != SIZE)
        if SIZE in [axis.size for axis in wanted] or kept == own:
            kept = own
    extra = tuple(axis for axis in own if axis not in kept)
    ends = wanted[len(wanted) - len(kept) :]
    if len(kept) > len(wanted) or any(a.size != b.size for a, b in zip(kept, ends, strict=True)):
        return {}, tuple(Axis(axis.letter, axis.size if axis.size != SIZE else 0) for axis in own)
    return dict(zip(kept, ends, strict=True)), extra


def _with_sum(expr: Expr, axes: Axes) -> Expr:
    """The sum over `axes` of each term that runs over them."""
    match expr:
        case Apply(op="add" | "sub", args=(left, right)):
            if set(axes) - set(free_axes(left)) or set(axes) - set(free_axes(right)):
                return Apply(expr.op, (_where_it_runs(left, axes), _where_it_runs(right, axes)), expr.column)
        case Apply(op="neg", args=(inner,)):
            return Apply("neg", (_with_sum(inner, axes),), expr.column)
    return Reduce("sum", expr, axes)


def _where_it_runs(expr: Expr, axes: Axes) -> Expr:
    own = tuple(axis for axis in axes if axis in free_axes(expr))
    return _with_sum(expr, own) if own else expr


def named_letters(
    index: tuple[str | int, ...] | None, axes: Axes, name: str, place: Place
) -> tuple[Axes, dict[Axis, int]]:
    """The axes with the letters of a written index, and the entries that it picks.

    An entry counts from 0. Raises `ClaimError` for an index of another length, or beyond the end of its axis.
    """
    if index is None:
        return axes, {}
    shown = f"{name}[{','.join(map(str, index))}]"
    if len(index) != len(axes):
        has = f"the shape {shape_text(axes)}" if axes else "one number"
        raise ClaimError(f"{shorten(shown)}: {name} has {has}; expected one index for each of its axes", place)
    found: list[Axis] = []
    picked: dict[Axis, int] = {}
    letters = [Axis(part) for part in index if isinstance(part, str)]
    for part, axis in zip(index, axes, strict=True):
        if isinstance(part, int):
            if isinstance(axis.size, int) and part >= axis.size:
                raise ClaimError(f"{shorten(shown)}: expected an index from 0 to {axis.size - 1}", place)
            found.append(fresh_axis(axis, [*letters, *found]))  # what is picked has no letter of the others
            picked[found[-1]] = part
        else:
            found.append(Axis(part, axis.size))
    return tuple(found), picked
