"""A name that nothing defines: what was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from derive.algebra.operations import FUNCTIONS
from derive.errors import suggestion
from derive.graph.node import SIZE, Node

_LONGEST_PRODUCT = 20  # letters; nobody writes a longer one without signs


def unknown_name(name: str, nodes: Mapping[str, Node]) -> str:
    """The message for a name that is none of the `nodes`."""
    if name == SIZE:
        return "'n', the number of samples in the batch, is used, but there are no data; add [data]"
    gradients = [known for known in nodes if known.startswith(f"{name}/d")]
    if gradients:
        return f"unknown name {name!r}; the gradients that can be read are {', '.join(gradients)}"
    product = factors(name, nodes)
    called = next((op for op in FUNCTIONS if name.startswith(op) and name.removeprefix(op) in nodes), None)
    if called:
        remedy = f"; the argument of {called} stands in parentheses: write {called}({name.removeprefix(called)})"
    else:
        remedy = f"; a product needs its sign: write {'*'.join(product)}" if product else suggestion(name, nodes)
    return f"unknown name {name!r}{remedy or '; define it in a line, or give it under [parameters] or [data]'}"


def factors(name: str, known: Collection[str], most: int = 3) -> tuple[str, ...]:
    """The two or three known names that `name` is written of, as wx is of w and x; () for any other."""
    if len(name) > _LONGEST_PRODUCT:
        return ()
    for length in range(1, len(name)):
        first, rest = name[:length], name[length:]
        if first in known:
            others = (rest,) if rest in known else factors(rest, known, most - 1) if most > 2 else ()
            if others:
                return (first, *others)
    return ()
