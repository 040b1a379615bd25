"""Spellings of quantities: the very name first, and what is like it only where nothing has that name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from derive.characters import ascii_text, normalise
from derive.graph.graph import Graph
from derive.graph.squared_residual import squared_residual
from verify.claims.claim import Quantity

Meant = tuple[Quantity, ...]  # what a spelling can be


@dataclass(frozen=True)
class Spellings:
    """Quantities by their spellings, level after level: on each, everything that a spelling can be there.

    The first level has the problem's own names as they are, the second the names of all other quantities in tables,
    the third the other spellings; then all of them without spaces and underscores, without capitals, and with Greek
    letters by their names. A level counts only for what no earlier one has.
    """

    levels: tuple[Mapping[str, Meant], ...]

    @property
    def by_spelling(self) -> Mapping[str, Meant]:
        """The spellings of the last level, which has all quantities."""
        return self.levels[-1]

    @property
    def quantities(self) -> Meant:
        """All quantities, in the order of a table."""
        return tuple(dict.fromkeys(quantity for meant in self.levels[-1].values() for quantity in meant))

    def find(self, written: str) -> Meant:
        """What a name can be on the first level that has it; nothing where none has."""
        keys = _keys(written)
        return next((level[key] for level, key in zip(self.levels, keys, strict=True) if key in level), ())

    def find_exactly(self, written: str) -> Meant:
        """What has that very name: a line or a parameter, or another quantity under its name in tables."""
        return self.levels[0].get(exact_spelling(written), ())


@lru_cache(4096)
def _keys(written: str) -> tuple[str, ...]:
    """A name as each level compares it."""
    exact, close = exact_spelling(written), loose_spelling(written)
    return exact, exact, exact, close, close.casefold(), ascii_text(close).casefold()


_CASED = re.compile("g ")  # spellings whose capitals count: gb is a gradient, and GB none
_ITSELF = ("loss", "nodes", "before", "after", "watch", "prediction")  # what a line or a parameter is by its own name


def spellings_of(known: Mapping[Quantity, Iterable[str]], names: Collection[str]) -> Spellings:
    """The levels of quantities with their other spellings; `names` are the problem's own."""
    levels: list[dict[str, dict[Quantity, None]]] = [{} for _ in range(6)]
    for quantity, spellings in known.items():
        for spelling in dict.fromkeys((quantity.label, *spellings)):
            is_own = quantity.group in _ITSELF and spelling == quantity.name and spelling in names
            first = 0 if is_own else 1 if spelling == quantity.label else 2
            for level, key in list(enumerate(_keys(spelling)))[first:]:
                if level == first or (level >= 3 and not (level > 3 and _CASED.match(spelling))):
                    levels[level].setdefault(key, {})[quantity] = None
    return Spellings(tuple({key: tuple(meant) for key, meant in level.items()} for level in levels))


_SIGNS = str.maketrans(
    {"∂": "d", "−": "-", "′": "'", "’": "'", "⁄": "/", **dict.fromkeys("·⋅∙×∗", "*")}
)  # as they are compared


def exact_spelling(written: str) -> str:
    """A name as it is, ∂ as d and a product by *, without spaces around signs."""
    plain = normalise(written).translate(_SIGNS)
    return re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"\s+", " ", plain.strip()))


def loose_spelling(written: str) -> str:
    """A name as it is compared loosely: without spaces, underscores and the signs of a product, ∂ as d."""
    return re.sub(r"[\s_*]+", "", normalise(written).translate(_SIGNS))


_LOSS = ("cost", "error", "cost function", "loss function", "J", "L")
_MEAN_SQUARE = ("mse", "mean squared error", "mean square error")
_HALVES = ("half {}", "1/2 {}", "0.5 {}", "{}/2", "1/2({})")
_HALF = re.compile(r"(?<![\d.])(?:1/2|0?\.5)(?!\d)|/2(?!\d)|\bhalf(?![^\W_])", re.IGNORECASE)
_RESIDUAL = "error"


def words_for_loss(graph: Graph, samples: int | None) -> list[str]:
    """What else people call the loss of a graph, whose steps have so many samples each, where no name is called so."""
    apart = not_the_loss(graph, samples)
    squares = squared_residual(graph)
    is_half = squares is not None and squares.share_of_mean(samples) == Fraction(1, 2)
    halves = [form.format(word) for word in _MEAN_SQUARE for form in _HALVES] if is_half else []
    return [*(word for word in (*_MEAN_SQUARE, *_LOSS) if word not in apart), *halves]


def letters_alone(written: str) -> str:
    """The words of a name in small letters, `half` for a 1/2 or a /2: `half mse` of `1/2 MSE`."""
    plain = exact_spelling(written)
    halved = ["half"] if _HALF.search(plain) is not None else []
    return " ".join(halved + [word for word in re.findall(r"[^\W\d_]+", plain.casefold()) if word != "half"])


def not_the_loss(graph: Graph, samples: int | None) -> dict[str, str]:
    """The words for a loss that need not mean this one, in small letters, with why.

    MSE is not half of the mean of squares, nor their sum; `1/2 MSE` is that half. `error` is also what people call a
    residual a − b, where a step has one such number and the loss is made of it. `samples` is how many each step has,
    None if not always as many.
    """
    squares, loss = squared_residual(graph), graph.loss
    found: dict[str, str] = {}
    share = squares.share_of_mean(samples) if squares is not None else None
    for what, own, form in (("half of the mean", Fraction(1, 2), "half {}"), ("the mean", Fraction(1), "{}")):
        if share != own or form != "{}":
            why = f"is {what} of the squared residuals, and {loss} is {'too' if share == own else 'not'}"
            found |= dict.fromkeys(map(form.format, _MEAN_SQUARE), f"{why}; if {loss} is meant, call it {loss}")
    if squares is not None and squares.is_single(samples):
        found[_RESIDUAL] = (
            f"can be {loss}, or the residual that is squared in it; call it {loss}, or the residual by its line"
        )
    return found
