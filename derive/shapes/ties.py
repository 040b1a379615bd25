"""Sizes that turn out to be equal: union and find on values, so that a guess can be taken back.

A size is a number, a name such as "n", or unknown. An unknown size of a name begins with `?`; one of an index letter
that no name has yet begins with `@`. Only a letter can turn out to run over the samples: of a parameter, or of what a
sample has, the size is another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.graph.node import SIZE

Size = int | str
Ties = Mapping[Size, Size]  # of each size that was tied, a size that is equal to it

OF_NAME, OF_LETTER = "?", "@"


def is_unknown(size: Size) -> bool:
    """Whether a size can still become another."""
    return isinstance(size, str) and size.startswith((OF_NAME, OF_LETTER))


def root(ties: Ties, size: Size) -> Size:
    """Returns what stands for all sizes that are equal to `size`: where one is known, that one."""
    while size in ties:
        size = ties[size]
    return size


def tied(ties: Ties, pairs: Iterable[tuple[Size, Size]]) -> Ties | None:
    """Returns the ties with those of `pairs` equal as well; None where they cannot be, such as 3 and 4, or k and n."""
    found = dict(ties)
    for pair in pairs:
        one, other = (root(found, size) for size in pair)
        if one == other:
            continue
        if not is_unknown(one) or (str(one).startswith(OF_NAME) and is_unknown(other)):
            one, other = other, one  # a known size is the root; of two unknown ones, that of a name
        if not is_unknown(one) or (other == SIZE and str(one).startswith(OF_NAME)):
            return None
        found[one] = other
    return found
