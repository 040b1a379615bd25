"""Refuses what may be left out on paper and not here: signs of products, parentheses of functions, a Σ's index."""

from __future__ import annotations

from derive.algebra.operations import FUNCTIONS, REDUCTIONS, TENSOR_FUNCTIONS
from derive.characters import normalise
from derive.errors import EquationError, Place
from derive.paper.macros import MACRO_NAMES
from derive.paper.programs import AXES, COUNTS_AXES
from derive.paper.spelling import Token, at, index_of_sum, tokens

# What can only be called; names of formulas, such as norm, may be names of quantities as well.
ONLY_CALLED = frozenset((*FUNCTIONS, *REDUCTIONS))
_CALLABLE = ONLY_CALLED | {"ln", "σ", "Σ"} | frozenset((*MACRO_NAMES, *TENSOR_FUNCTIONS))
_SHOWN = 30  # characters of an argument that a message repeats


def refuse_slips(text: str, place: Place, start: int) -> None:
    """Raises `EquationError`, which says what to write, for the first such slip in `text`.

    `start` is the column (from 0) of `text` in `place.text`.
    """
    pieces = tokens(text)
    _refuse_powered_sum(pieces, place, start)
    for position, token in enumerate(pieces):
        message = _slip(text, pieces, position)
        if message:
            following = pieces[position + 1]
            # what is wrong with a function or a Σ begins at its name, a missing sign is missing before the next factor
            column = following.column if message.startswith("a product") else token.column
            raise EquationError(message, at(place, column + start))


def _slip(text: str, pieces: list[Token], position: int) -> str:
    """What is wrong between a token and the next one, and what to write; empty where nothing is."""
    token, following = pieces[position], pieces[position + 1] if position + 1 < len(pieces) else None
    if following is None:
        return ""
    if token.kind == "name" and token.text in AXES and following.text == "=":
        return f"{token.text}= {COUNTS_AXES} sum(x[i,k], i)"
    if token.kind == "name":
        index = _index_of_sum(pieces, position)
        if index:
            return f"what Σ sums stands in parentheses: write Σ(…, {index}), such as Σ(w*x[{index}], {index})"
        power = _power_of_function(pieces, position)
        if power is not None:
            return power
    if not _multiplied(token, following) or index_of_sum(pieces, position - 1):
        return ""
    if token.kind == "name" and token.text in _CALLABLE:
        return _without_parentheses(text, pieces, position)
    return _product_message(token, following)


def _multiplied(token: Token, following: Token) -> bool:
    """`2x`, `w x`, `2(x)` and `(a)(b)` mean a product on paper, but too many other things elsewhere."""
    ends = token.kind in ("number", "name", "subscript", "power") or token.text in (")", "]")
    begins = following.kind in ("number", "name") or following.text in ("(", "√")
    a_call = token.kind == "name" and following.text == "("
    return ends and begins and not a_call


def _product_message(token: Token, following: Token) -> str:
    """`write 2*x` where both sides are short words, `write 2*(…)` beside parentheses."""
    left = token.text if token.kind in ("number", "name") else "(…)" if token.text == ")" else ""
    right = following.text if following.kind in ("number", "name") else "(…)" if following.text == "(" else ""
    is_call = following.text in _CALLABLE
    right = f"{following.text}(…)" if is_call else right
    return f"a product needs its sign: write {f'{left}*{right}' if left and right else '* between the factors'}"


def _index_of_sum(pieces: list[Token], position: int) -> str:
    """The i of `Σᵢ y` and `Σ_i y`, whose summand is not in parentheses; empty where none of them begins here."""
    name, following = pieces[position].text, pieces[position + 1]
    if name == "Σ" and following.kind == "subscript":
        after = pieces[position + 2 : position + 3]
        summed = bool(after) and (after[0].kind in ("name", "number") or after[0].text == "√")
        return ", ".join(normalise(following.text)) if summed else ""
    summed = following.kind in ("name", "number") or following.text == "√"
    return name.removeprefix("Σ_") if name.startswith("Σ_") and summed else ""


def _power_of_function(pieces: list[Token], position: int) -> str | None:
    """`sin²(w)` and `sin^2(w)`: the power belongs behind the parentheses."""
    name, following = pieces[position].text, pieces[position + 1]
    powered = following.kind == "power" or following.text in ("^", "**")
    if not powered or name not in _CALLABLE:
        return None
    last = position + (1 if following.kind == "power" else 2)
    called = pieces[last + 1 : last + 2]
    if name not in ONLY_CALLED and not (called and called[0].text == "("):
        return None  # σ², a variance
    exponent = "".join(token.text for token in pieces[position + 1 : last + 1])
    if exponent == "⁻¹":
        return f"{name}⁻¹ is 1/{name}(…) or the inverse function: write 1/{name}(…); the inverse is not known here"
    return f"the power of {name} stands after its parentheses: write {name}(…){exponent}"


def _without_parentheses(text: str, pieces: list[Token], position: int) -> str:
    """`sin w`, `Σ y`: what the argument is must be said."""
    name, following = pieces[position].text, pieces[position + 1]
    argument = _argument(text, pieces, position + 1)
    called = f"{name}({argument})"
    if name == "Σ":
        return f"what Σ sums stands in parentheses: write {called}"
    product = "" if name in ONLY_CALLED else f", or {name}*{following.text} for a product"
    return f"the argument of {name} stands in parentheses: write {called}{product}"


def _argument(text: str, pieces: list[Token], first: int) -> str:
    """The term that begins at `first`, where it is short and says one thing, else `…`."""
    depth, last = 0, first
    for position in range(first, len(pieces)):
        token = pieces[position]
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if depth < 0 or (depth == 0 and token.text in ("+", "-", "−", "–", ",")):
            break
        last = position
    clear = not any(_multiplied(a, b) for a, b in zip(pieces[first:last], pieces[first + 1 : last + 1], strict=True))
    term = text[pieces[first].column : pieces[last].column + len(pieces[last].text)]
    return term if clear and len(term) <= _SHOWN else "…"


def _sums(pieces: list[Token], position: int) -> bool:
    """Whether a Σ, with its index or without, stands before the token at `position`, a parenthesis."""
    before = [token.text for token in pieces[max(position - 2, 0) : position]]
    return before[-1:] == ["Σ"] or bool(index_of_sum(pieces, position - 1) or index_of_sum(pieces, position - 2))


def _refuse_powered_sum(pieces: list[Token], place: Place, start: int) -> None:
    """Σ(…)² means the sum of squares on paper and the square of the sum in a program: it must be said."""
    depth = 0
    opened: list[int] = []  # for each Σ whose parentheses are open, how many were open before it
    for position, token in enumerate(pieces):
        if token.text == "(" and _sums(pieces, position):
            opened.append(depth)
        depth += (token.text == "(") - (token.text == ")")
        if token.text == ")" and opened and opened[-1] == depth:
            opened.pop()
            after = pieces[position + 1] if position + 1 < len(pieces) else None
            if after is not None and (after.kind == "power" or after.text in ("^", "**")):
                raise EquationError(
                    "Σ(…) with a power: write Σ((…)^2) for the sum of the squares, (Σ(…))^2 for the square of the sum",
                    at(place, after.column + start),
                )
