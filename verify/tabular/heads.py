"""Heads of columns as people write them: with a unit, with a word for what it is, with a step or an entry in digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.errors import ClaimError, shorten
from verify.tabular.grid import Grid
from verify.tabular.markup import plain_signs
from verify.tabular.written import PLACES, Row, Written, place_word

_REMARK = re.compile(r"(?P<name>.*\S)\s*(?:\((?P<round>[^()\[\]]+)\)|\[(?P<square>[^()\[\]]+)\])")
_UNIT = re.compile(
    r"(?:[µmkcMG]?(?:m|s|g|K|J|N|V|A|W|Pa|Hz|eV)|1|°C|h|min|€|\$|a\.?u\.?)"
    r"(?:[·*/ ^]?(?:[µmkcMG]?(?:m|s|g|K|J|N|V|A|W|Pa|Hz|eV)|h|min|-?\d|²|³|⁻¹|⁻²))*|-"
)
_STEP = re.compile(  # w_t, w_{t+1}, w(t), w^(k), w_k+1
    r"(?P<name>.*[^\W\d_])\s*(?:_|\^|_?\{|(?=\())\s*[{(]*\s*(?P<letter>[tkni])\s*(?P<next>\+\s*1)?\s*[})]*"
)
_DIGITS = re.compile(r"(?P<name>.*?[^\W\d_])_?\{?(?P<digits>\d(?:,?\d)*)\}?")
_GROUPS = (  # what a cell over several names says, `Gradients` over w and b, and how each of them is then called
    (re.compile(r"(?:parameters?|params|values?|quantit(?:y|ies)|results?|losses)[:. ]+(.+)", re.IGNORECASE), "{}"),
    (re.compile(r"(?:gradients?|grads?|(?:partial )?derivatives?|partials)[:. ]+([d∂∇].+)", re.IGNORECASE), "{}"),
    (re.compile(r"(?:gradients?|grads?|(?:partial )?derivatives?)[:. ]+(.+)", re.IGNORECASE), "grad {}"),
    (re.compile(r"(?:before(?: (?:the )?update)?|old)[:. ]+(.+)", re.IGNORECASE), "{}_before"),
    (re.compile(r"(?:after(?: (?:the )?update)?|new|updated)[:. ]+(.+)", re.IGNORECASE), "{}_after"),
)
_OF_DICTS = re.compile(r"(?:(?:train(?:ing)?|metrics|logs?|model|weights|state(?:_dict)?)\.)+", re.IGNORECASE)
_SAID_BEHIND = re.compile(
    r"(?:before|after)(?: (?:the )?(?:update|step))?|old|new|updated|grad(?:ient)?", re.IGNORECASE
)
_NAME = r"[^\W\d]\w*"
_QUOTIENT = re.compile(  # d(loss)/dw, ∂J/∂(w)
    rf"(?P<before>.*?)(?:d|∂)\s*(?P<above>{_NAME}|\({_NAME}\))\s*/\s*(?:d|∂)\s*(?P<below>{_NAME}|\({_NAME}\))(?P<rest>.*)"
)
_IN_R = re.compile(rf"(?P<above>d{_NAME})\.(?P<below>d{_NAME})(?:\.(?P<entry>\d{{1,9}}(?:\.\d{{1,9}})*)\.)?")
_CALLED_AT = re.compile(r"\((?P<arguments>(?:[^()]|\([tkni]\))*)\)")  # J(w_k, b_k): at these numbers
_ARGUMENT = re.compile(rf"(?P<name>{_NAME}?)(?:(?:_|\^)[{{(]?[tkni][}})]?)?")
_ALL_PARAMETERS = ("theta", "θ", "params", "parameters")
_NABLA = re.compile(rf"(?:∇|grad(?=[_\s]))\s*_?\s*\{{?(?P<wrt>{_NAME}(?:\[[\d,]+\])?)\}}?\s+(?P<of>{_NAME})")
_FUNCTIONS = ("loss", "gradient", "line")  # the kinds that are calculated from the parameters
_KINDS = {  # what people write beside a name to say of which kind it is: `Cost J`, `w (weight)`
    "loss": r"(?:loss|cost|objective|(?:mean )?squared error|error|mse)(?: (?:function|value))?",
    "gradient": r"(?:partial )?(?:gradient|derivative)|grad\.?",
    "parameter": r"weights?|parameter|param|coefficient|coef|bias(?: (?:term|unit))?|slope|intercept",
    "line": r"predictions?|predicted|output",
    "rate": r"learning rate|step size|rate",
    "": r"value(?: of)?",  # of any
}
_WORDS = {kind: re.compile(rf"(?<![\w/])(?:{words})(?![\w/])", re.IGNORECASE) for kind, words in _KINDS.items()}
_MEAN_SQUARE = re.compile(r"mse|mean squared error", re.IGNORECASE)
_ENDS = re.compile(r"^[\s:,;=|–—-]+|[\s:,;=|–—-]+$")
_BY = re.compile(  # gradient of J with respect to w, grad. w, derivative wrt w
    r"(?:partial )?(?:gradient|grad|derivative)s?\.? (?:of (?:the )?(?P<of>\S+) )?"
    r"(?:(?:with respect to|w\.? ?r\.? ?t\.?|wrt|by|for|in) )?(?P<wrt>\S+)",
    re.IGNORECASE,
)
_COUNTER = re.compile(r"(?P<word>[^\W\d]\w+)[.:,]?\s+(?P<bracket>\()?(?P<letter>[ijklmnst])(?(bracket)\))")  # step k


@dataclass(frozen=True)
class Known:
    """What the problem calls its numbers: the meaning of a name, its size along each axis, whether a word is taken.

    `kind` says what a name is: "loss", "gradient", "parameter", "line", "rate", or "" for all else; and of which name
    of the problem.
    """

    meaning: Callable[[str], Hashable | None]
    shape: Callable[[str], Sequence[int | str]]
    is_taken: Callable[[str], bool]
    kind: Callable[[str], tuple[str, str]]


def plain_heads(header: Row, known: Known) -> Row:
    """The heads, each by a name of the problem where what is written around it leaves no doubt.

    Only heads that are no name by themselves are looked at. Raises `ClaimError` for entries that can be counted from 0
    or from 1.
    """
    header = [replace(cell, text=_in_plain_signs(cell.text, known)) for cell in header]
    header = _by_names(header, known)
    bare = [_without_word(cell, known) if known.meaning(cell.text) is None else "" for cell in header]
    named = iter(_by_names([replace(cell, text=rest) for cell, rest in zip(header, bare, strict=True) if rest], known))
    return [next(named) if rest else cell for cell, rest in zip(header, bare, strict=True)]


def _by_names(header: Row, known: Known) -> Row:
    """The heads, without what is written around the name; the words that say what kind it is are not looked at."""
    open_ = [cell for cell in header if cell.text and known.meaning(cell.text) is None]
    readings = (_without_remark, _without_brackets, _as_in_r, _at_parameters, _in_group, _in_words, _counting)
    renamed = {cell.text: next(filter(None, (read(cell.text, known) for read in readings)), "") for cell in open_}
    renamed |= _of_steps([cell for cell in open_ if not renamed[cell.text]], known)
    renamed |= _entries([cell for cell in open_ if not renamed[cell.text]], known)
    return [replace(cell, text=renamed.get(cell.text) or cell.text) for cell in header]


def _without_word(head: Written, known: Known) -> str:
    """`Cost J` as J, `dJ/dw (gradient)` as dJ/dw; nothing where the word does not agree with the name, or in doubt."""
    found: dict[Hashable, str] = {}
    for kind, words in _WORDS.items():
        for match in words.finditer(head.text):
            rest = _rest(head.text[: match.start()], head.text[match.end() :])
            [name] = _by_names([replace(head, text=rest)], known) if rest else [head]
            meaning = known.meaning(name.text)
            if meaning is not None and _agrees(match[0], kind, name.text, known):
                found[meaning] = rest
    return next(iter(found.values())) if len(found) == 1 else ""


def _rest(before: str, behind: str) -> str:
    """What stands around a word, without the signs that part it from the word."""
    rest = _ENDS.sub("", re.sub(r"\(\s*\)|\[\s*\]", "", before + behind))
    rest = rest[1:-1] if re.fullmatch(r"\([^()]+\)|\[[^\[\]]+\]", rest) else rest
    return " ".join(rest.split())


def _agrees(words: str, kind: str, name: str, known: Known) -> bool:
    """Whether words for a kind, "" for any, can stand beside a name.

    A word that is a name of the problem is that name. `bias w` does not agree where the bias is b, nor `J (MSE)` where
    J is another loss.
    """
    if _MEAN_SQUARE.fullmatch(words) and known.meaning(words) is None:
        return False
    word = words.split()[0]
    (own, of), (other, of_word) = known.kind(name), known.kind(word)
    return (
        bool(own)
        and kind in ("", own)
        and not known.is_taken(word.lower())
        and not (kind == other == "parameter" and of != of_word)
    )


def _in_plain_signs(head: str, known: Known) -> str:
    r"""A head in LaTeX, `$\\nabla_w J$`, in plain signs, where it is no name as it stands."""
    return plain_signs(head) if ("\\" in head or "$" in head) and known.meaning(head) is None else head


def _at_parameters(head: str, known: Known) -> str:
    """`J(w_k, b_k)` and `J(w)` as J, `∇_w J` as dJ/dw, `dJ/dw(w_t)` as dJ/dw; else nothing.

    What stands in brackets has to be names of the problem: what is at other numbers, as J(w_{k+1}), is of another step.
    """
    bare = _CALLED_AT.sub(lambda match: "" if _are_names(match["arguments"], known) else match[0], head)
    nabla = _NABLA.fullmatch(bare.strip())
    name = f"d{nabla['of']}/d{nabla['wrt']}" if nabla else bare.strip()
    return name if name != head and known.kind(name)[0] in _FUNCTIONS else ""


def _are_names(arguments: str, known: Known) -> bool:
    """Whether all of `w_k, b_k; x` are names of the problem, in whatever step."""
    matches = [_ARGUMENT.fullmatch(part.strip()) for part in re.split("[,;]", arguments)]
    names = [match["name"].lower() for match in matches if match is not None]
    return len(names) == len(matches) and all(name in _ALL_PARAMETERS or known.is_taken(name) for name in names)


def _without_remark(head: str, known: Known) -> str:
    """`w [1/s]` as w, `J (MSE)` as J where MSE is another word for it, `W[0][0]` as `W[0,0]`; else nothing.

    `w (before update)` is w before the update. Any other word in brackets may change what is meant, as `loss (test)`.
    """
    entry = head.replace("][", ",")
    if entry != head and known.meaning(entry) is not None:
        return entry
    if head.endswith(":") and known.meaning(head[:-1]) is not None:
        return head[:-1]
    match = _REMARK.fullmatch(head)
    if match is None or known.meaning(match["name"]) is None:
        return ""
    remark = match["round"] or match["square"]
    if _SAID_BEHIND.fullmatch(remark) and known.meaning(said := f"{match['name']} {remark}") is not None:
        return said
    is_other_word = known.meaning(remark) == known.meaning(match["name"])
    return str(match["name"]) if is_other_word or (_UNIT.fullmatch(remark) and not remark.isdigit()) else ""


def _without_brackets(head: str, known: Known) -> str:
    """`d(loss)/d(w)` as `dloss/dw`; else nothing."""
    match = _QUOTIENT.fullmatch(head)
    if match is None:
        return ""
    above, below = match["above"].strip("()"), match["below"].strip("()")
    name = f"{match['before']}d{above}/d{below}{match['rest']}"
    return name if name != head and known.meaning(name) is not None else ""


def _as_in_r(head: str, known: Known) -> str:
    """`dl.dw` as `dl/dw`, and `dl.dW.1.0.` as `dl/dW[1,0]`, as R writes names with other signs; else nothing."""
    match = _IN_R.fullmatch(head)
    if match is None:
        return ""
    entry = f"[{match['entry'].replace('.', ',')}]" if match["entry"] else ""
    name = f"{match['above']}/{match['below']}{entry}"
    return name if known.kind(name)[0] == "gradient" else ""


def _in_group(head: str, known: Known) -> str:
    """`Gradients w` as `grad w`, `Parameters w` as w; nothing where the group says something else, as `validation`.

    So are names of dicts in dicts, `model.params.w`.
    """
    inner = _OF_DICTS.match(head)
    bare = head[inner.end() :] if inner else head
    if inner and known.meaning(bare) is not None:
        return bare
    for pattern, called in _GROUPS:
        match = pattern.fullmatch(bare)
        if match is not None and known.meaning(name := called.format(match[1])) is not None:
            return name
    return ""


def _in_words(head: str, known: Known) -> str:
    """`gradient of J with respect to w` as dJ/dw, `grad. w` as `grad w`; else nothing."""
    match = _BY.fullmatch(head)
    if match is None:
        return ""
    name = f"d{match['of']}/d{match['wrt']}" if match["of"] else f"grad {match['wrt']}"
    return name if known.kind(name)[0] == "gradient" else ""


def _counting(head: str, known: Known) -> str:
    """`iteration k` as the iteration; nothing where one of the two is a name of the problem."""
    match = _COUNTER.fullmatch(head)
    if match is None or known.is_taken(match["letter"]) or known.is_taken(match["word"].lower()):
        return ""
    return match["word"] if place_word(match["word"]) in PLACES else ""


def _of_steps(heads: Sequence[Written], known: Known) -> Mapping[str, str]:
    """`w_t` as w, and `w_{t+1}` as w after the update; beside that, `w_t` is w before it."""
    found: dict[str, tuple[str, bool]] = {}
    for head in heads:
        match = _STEP.fullmatch(head.text)
        if match is None or known.is_taken(match["letter"]) or known.meaning(match["name"]) is None:
            continue
        if not known.shape(match["name"]):
            found[head.text] = (match["name"], match["next"] is not None)
    left = {name for name, is_next in found.values() if is_next and known.meaning(f"{name}_after") is not None}
    named = {}
    for head_text, (name, is_next) in found.items():
        if is_next and name not in left:
            continue
        named[head_text] = f"{name}_after" if is_next else f"{name}_before" if name in left else name
    return named


def _entries(heads: Sequence[Written], known: Known) -> Mapping[str, str]:
    """`W11`, `W_12`, `c1` as `W[0,0]`, `W[0,1]`, `c[0]`, counted from 1, or from 0 where a 0 stands in one of them."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for head in heads:
        match = _DIGITS.fullmatch(head.text)
        if match is None or known.meaning(match["name"]) is None:
            continue
        entry = tuple(int(digit) for digit in match["digits"].replace(",", ""))
        shape = known.shape(match["name"])
        sizes = [size for size in shape if isinstance(size, int) and size <= 9]
        if shape and len(sizes) == len(shape) == len(entry) and all(e <= s for e, s in zip(entry, sizes, strict=True)):
            found.setdefault(match["name"], {})[head.text] = entry
    named = {}
    for name, entries in found.items():
        sizes = [size for size in known.shape(name) if isinstance(size, int)]
        from_0 = any(0 in entry for entry in entries.values())
        from_1 = any(e == s for entry in entries.values() for e, s in zip(entry, sizes, strict=True))
        if from_0 == from_1:
            first = next(head for head in heads if head.text in entries)
            at = entries[first.text]
            ways = [f"{name}[{','.join(str(e - begin) for e in at)}]" for begin in (1, 0)]
            message = f"{shorten(first.text)} can be {ways[0]}, counted from 1, or {ways[1]}, counted from 0"
            raise ClaimError(f"{message}; write one of the two", first.place)
        for head_text, entry in entries.items():
            named[head_text] = f"{name}[{','.join(str(e - (not from_0)) for e in entry)}]"
    return named


def with_one_header(grid: Grid) -> Grid:
    """The table whose names stand in two lines, as one line of names; any other table as it is.

    The second line has units, or the names of columns that the first one calls alike, or leaves without a name behind
    that of their group: `grad,,w` above `w,b,`. Digits there are an entry: `W,W` above `1,2`.
    """
    filled = [row for row in grid.rows if any(cell.text for cell in row)]
    if len(filled) < 3 or len({len(row) for row in filled[:3]}) > 1:
        return grid
    above, below, *body = filled
    if all(cell.text for cell in above) and _are_units(below):
        percent = [f" [{low.text.strip('()[]')}]" if "%" in low.text else "" for low in below]  # which is no mere unit
        heads = [replace(cell, text=f"{cell.text}{sign}") for cell, sign in zip(above, percent, strict=True)]
        return replace(
            grid, rows=[heads, *body], told=", ".join(filter(None, (grid.told, "a line of units passed over")))
        )
    names = [cell.text for cell in above]
    over = [next((text for text in reversed(names[: at + 1]) if text), "") for at in range(len(names))]
    is_short = [not name or names.count(name) > 1 for name in names]
    open_ = [at for at in range(1, len(names)) if is_short[at] and below[at].text and over[at]]
    has_digits = all(below[at].text.isdecimal() for at in open_)
    others = [cell for at, cell in enumerate(below) if cell.text and at not in open_]
    if not open_ or any(_begins_with_digit(cell.text) for cell in (others if has_digits else below)):
        return grid
    header = [
        replace(low if low.text else high, text=_under(group, name, low.text, has_digits=at in open_ and has_digits))
        for at, (high, low, group, name) in enumerate(zip(above, below, over, names, strict=True))
    ]
    is_named = len({cell.text for cell in header}) == len(header) and all(cell.text for cell in header[1:])
    return replace(grid, rows=[header, *body]) if is_named else grid


def _under(group: str, name: str, below: str, *, has_digits: bool) -> str:
    """The name of a column by both lines: `grad w`, `W_1`, or the one that there is."""
    if not below:
        return name
    return f"{group}_{below}" if has_digits else f"{group} {below}".strip()


def _are_units(row: Row) -> bool:
    """Whether all that stands in a line are units, `[1/s]`, `(m)` or `-`; one at least that no number is."""
    filled = [cell.text for cell in row if cell.text not in ("", "-", "–", "[-]")]
    return bool(filled) and all(_is_unit(text) for text in filled)


def _is_unit(text: str) -> bool:
    """Whether a text is a unit by itself: `m/s`, `[1/s]`, `(kJ)`; a number is none."""
    inner = re.fullmatch(r"[(\[](.+)[)\]]", text)
    bare = inner[1] if inner else text
    return bare == "%" or (bool(_UNIT.fullmatch(bare)) and not re.fullmatch(r"[-+]?\d.*", text))


def _begins_with_digit(text: str) -> bool:
    return text.lstrip("+-−.,")[:1].isdigit()
