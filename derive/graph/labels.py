"""A constant that is one number as a label: with the constant `y`, `s[y]` is the entry of s with that number.

In `s[y]` a `y` is either the letter of an axis or the name of a constant. It is the constant where the line has no
other use for the letter: not on its left, not in a sum that names it, not along the samples.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from derive.algebra.expression import PICKED, Apply, Axis, Expr, Reduce, Ref, children, rebuild, refs, walk
from derive.algebra.operations import OVER_AXES, TENSOR_FUNCTIONS
from derive.errors import EquationError
from derive.graph.node import SIZE, Node
from derive.paper.lines import Line
from derive.paper.macros import MACRO_NAMES
from derive.paper.spelling import at

_OVER_ALL = (*OVER_AXES, *TENSOR_FUNCTIONS, *MACRO_NAMES)  # without an index after them: over all that they find


def labelled(line: Line, nodes: Mapping[str, Node]) -> Line:
    """Returns the line, in which each constant among `nodes` that stands as an index picks an entry.

    Raises `EquationError` where a sum or a mean that names no index is around it: it may run over the letter.
    """
    found = _labels(line, nodes)
    if not found:
        return line
    for part in walk(line.expr):
        if _is_over_all(part):
            inside = (ref for child in children(part) for ref in refs(child))
            for ref in inside:
                if letter := next((axis.letter for axis in ref.axes or () if axis.letter in found), ""):
                    raise _two_readings(line, ref, letter)
    return replace(line, expr=_picking(line.expr, found))


def _labels(line: Line, nodes: Mapping[str, Node]) -> frozenset[str]:
    """The letters of the line that are constants."""
    constants = {name for name, node in nodes.items() if node.kind == "constant" and not node.axes}
    if not constants:
        return frozenset()
    read = refs(line.expr)
    bound = {axis.letter for axis in line.axes or ()} | {ref.name for ref in read if ref.axes is None}
    bound |= {axis.letter for part in walk(line.expr) if isinstance(part, Reduce) for axis in part.axes or ()}
    return frozenset(constants & {letter for ref in read for letter in _entries(ref, nodes)} - bound)


def _entries(ref: Ref, nodes: Mapping[str, Node]) -> Iterator[str]:
    """The letters with which a name is read along axes that are not the samples."""
    axes = nodes[ref.name].axes if ref.name in nodes else ()
    if ref.axes is not None and len(ref.axes) == len(axes):
        yield from (written.letter for written, own in zip(ref.axes, axes, strict=True) if own.size != SIZE)


def _is_over_all(part: Expr) -> bool:
    """Whether it runs over all axes that it finds: a sum without an index, norm, mse."""
    return (isinstance(part, Reduce) and part.axes is None) or (isinstance(part, Apply) and part.op in _OVER_ALL)


def _two_readings(line: Line, ref: Ref, letter: str) -> EquationError:
    letters = ("…" if axis.letter == PICKED else axis.letter for axis in ref.axes or ())
    shown = f"{ref.name}[{','.join(letters)}]"
    message = (
        f"the {letter} of {shown} can be the constant {letter}, or an index that is summed over; for the constant give "
        f"the entry a line of its own, such as q = {shown}, for the index write another letter"
    )
    return EquationError(message, line.place if ref.column is None else at(line.place, ref.column))


def _picking(expr: Expr, found: Collection[str]) -> Expr:
    """`s[y]` as an entry that is picked by y, for every y that is `found`."""
    match expr:
        case Ref():
            return _entry(expr, (), found)
        case Apply(op="entry", args=(Ref() as whole, *values)):
            return _entry(whole, tuple(values), found)
    return rebuild(expr, tuple(_picking(part, found) for part in children(expr)))


def _entry(whole: Ref, values: tuple[Expr, ...], found: Collection[str]) -> Expr:
    """The entry of `whole` that is picked by the `values` already there, and by the letters that are constants."""
    there, axes = iter(values), []
    chosen: list[Expr] = []
    for axis in whole.axes or ():
        is_label = axis.letter in found
        axes.append(Axis(PICKED) if is_label else axis)
        if is_label:
            chosen.append(Ref(axis.letter, None, whole.column))
        elif axis.letter == PICKED:
            chosen.append(_picking(next(there), found))
    if not chosen:
        return whole
    return Apply("entry", (Ref(whole.name, tuple(axes), whole.column), *chosen), whole.column)
