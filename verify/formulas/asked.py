"""What a claimed formula is said to be: `dl/dw`, a partial `partial.l.w`, a line, an update rule. Spelled loosely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from derive.algebra.expression import ONE, PICKED, Apply, Axes, Axis, Expr, Number, Ref, children, rebuild
from derive.characters import ascii_names, ascii_text, normalise
from derive.errors import ClaimError, EquationError, Place, shorten, suggestion
from derive.graph.gradient_names import gradient_name
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.paper.syntax import read_expression
from derive.training.settings import ALSO_CALLED, OPTION_SETTINGS, SCHEDULER_SETTINGS, SETTINGS

_SIGNS = ("d", "D", "δ")
_GRADIENT = re.compile(
    r"\s*(?:grad(?:ient)?[\s_.]*\(?\s*(?P<after>\w+)\s*\)?|∇\s*_?(?P<nabla>\w+)|(?P<before>\w+?)[_.]grad(?:ient)?)"
    r"(?P<index>\[[^\]]*\])?\s*",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r"\s*(?:partial|local)[\s._]+(?:(?P<quotient>.*/.*)|(?P<of>\w+)[\s._]+(?P<wrt>\w+)(?P<index>\[[^\]]*\])?)\s*",
    re.IGNORECASE,
)  # partial.l.w, partial dl/dw
_PRIME = re.compile(r"(?<=\w)['′](?=\s*(?:\[|$))")  # w', the same
_NEW = re.compile(r"_?(new|next|after)$")  # w_new, the parameter after the update
_LOSS = ("loss", "l", "cost", "j", "z")  # what a loss is called when it is not called by its name


@dataclass(frozen=True)
class Entry:
    """A name with the index it is written with: letters and numbers; None without one."""

    name: str
    index: tuple[str | int, ...] | None = None


_BRACKETED = re.compile(r"(?<![\w.])[d∂]\s*\(\s*([^\W\d]\w*)\s*\)(?=\s*/|\s*$)")  # d(loss)/d(w)


@dataclass(frozen=True)
class Derivative:
    """∂`of`/∂`wrt` along all paths; `local` is the partial of the line `of` alone, its other lines held fixed."""

    of: Entry
    wrt: Entry
    local: bool = False

    @property
    def name(self) -> str:
        """`dl/dw`, by which a formula refers to it; `dp[i]/dz[j]` where the line has an index, or `partial.l.w`."""
        if self.local:
            return f"partial.{self.of.name}.{self.wrt.name}"
        if self.of.index is None:
            return gradient_name(self.of.name, self.wrt.name)
        of, wrt = (f"{e.name}[{','.join(map(str, e.index))}]" if e.index else e.name for e in (self.of, self.wrt))
        return gradient_name(of, wrt)


Asked = Derivative | Entry


def read_asked(name: str, graph: Graph, more: Iterable[str], place: Place) -> Asked:
    """What `name` asks for; `more` are names besides those of the graph. Raises `ClaimError` for no quantity."""
    known = (*graph.by_name, *more)
    name = _PRIME.sub("_new", name)
    name = name if "d" in known else _BRACKETED.sub(r"d\1", name)
    local = _read_local(name, graph, known, place)
    if local is not None:
        return local
    found, is_gradient = _GRADIENT.fullmatch(name), False
    if found is not None and (found["after"] or found["nabla"] or found["before"]):
        written = f"d{graph.loss}/d{found['after'] or found['nabla'] or found['before']}{found['index'] or ''}"
        if normalise(name) not in known:
            name, is_gradient = written, True
    try:
        expr = read_expression(with_d(name), Place(place.source, place.line, None, name))
    except EquationError as error:
        raise ClaimError(f"{shorten(name)} is no quantity: {error.message}; {_EXPECTED}", place) from None
    asked = _as_derivative(expr, graph, {} if is_gradient else None)
    if asked is not None:
        return asked
    entry = _entry(expr)
    meant = None if entry is None else _meant(entry, graph, known)
    if meant is not None:
        return meant
    either = _as_derivative(expr, graph, {})
    if either is not None:
        ends = tuple(f"d{own.name}" for own in (either.of, either.wrt))
        named = " and ".join(end for end in ends if end in graph.by_name)
        kind = "is" if " and " not in named else "are"
        gradient = f"; write grad {either.wrt.name} for the gradient" if either.of.name == graph.loss else ""
        message = f"{shorten(name)} can be a derivative or a quotient: {named} {kind} in the problem"
        raise ClaimError(f"{message}{gradient}", place)
    if (setting := _setting(entry.name if entry else name)) is not None:
        raise ClaimError(_of_setting(setting), place)
    hint = suggestion(entry.name if entry else name, known)
    raise ClaimError(f"{shorten(name)} is no quantity of this problem{hint}; {_EXPECTED}", place)


def _setting(name: str) -> str | None:
    """The setting that a name is of, also as an update of it; None for any other name."""
    bare = name.removesuffix("_new")
    called = ALSO_CALLED.get(bare.lower(), bare)
    return called if called in (*SETTINGS, *OPTION_SETTINGS, *SCHEDULER_SETTINGS) else None


def _of_setting(name: str) -> str:
    """Why no formula of a setting is judged, and what may be claimed."""
    message = f"{name} is a setting of the run, of which no formula is judged"
    if name != "lr":
        return f"{message}; it may stand in a formula: w = w - lr*dl/dw"
    said = "say its numbers, 'step 4: lr = 0.009' or a column lr"
    return f'{message}: {said}; to train with the formula write --lr "0.01*0.9^(epoch - 1)"'


def _meant(entry: Entry, graph: Graph, known: Iterable[str]) -> Asked | None:
    """What a name stands for: a quantity, loosely spelled; `dw`, as programs call dl/dw; or `new_w`."""
    meant = loosely(entry.name, known, graph.loss)
    if meant is not None:
        return Entry(meant, entry.index)
    if (short := _stripped(entry.name, graph)) is not None:
        return Derivative(Entry(graph.loss), Entry(short, entry.index))
    if (renewed := _NEW.sub("", entry.name)) != entry.name and loosely(renewed, known, graph.loss) is not None:
        return Entry(loosely(renewed, known, graph.loss) or renewed, entry.index)
    return None


def _read_local(name: str, graph: Graph, known: Iterable[str], place: Place) -> Derivative | None:
    """The local partial that `partial.l.w` or `partial dl/dw` is; None for any other name."""
    match = _LOCAL.fullmatch(name)
    if match is None or normalise(name) in known:
        return None
    quotient = match["quotient"] or f"d{match['of']}/d{match['wrt']}{match['index'] or ''}"
    found = read_asked(quotient, graph, (), place)
    return replace(found, local=True) if isinstance(found, Derivative) else None


def with_d(text: str) -> str:
    """`text` with d for ∂, which no name can hold; every other character keeps its column."""
    return text.replace("∂", "d")


_EXPECTED = (
    "expected a gradient such as dl/dw, a derivative such as de/dd, a local partial such as partial.l.w, a line, or a "
    "parameter for its update"
)


def loosely(name: str, known: Iterable[str], loss: str) -> str | None:
    """The known name that is meant: the same, the only one that differs in case or spelling, or `loss` for "cost"."""
    known = tuple(dict.fromkeys(known))
    if name in known:
        return name
    alike = [other for other in known if _plain(other) == _plain(name)]
    if len(alike) == 1:
        return alike[0]
    return loss if not alike and name.casefold() in _LOSS else None


def _plain(name: str) -> str:
    """A name without what is spelled in two ways: Γ and gamma are one."""
    return ascii_text(name).casefold()


def in_known_names(expr: Expr, graph: Graph) -> Expr:
    """`expr` with γ for gamma, where the problem has no gamma."""
    spelled = {plain: name for name, plain in ascii_names(graph.by_name).items() if plain not in graph.by_name}

    def known(expr: Expr) -> Expr:
        if isinstance(expr, Ref):
            return Ref(spelled.get(expr.name, expr.name), expr.axes, expr.column)
        return rebuild(expr, tuple(known(part) for part in children(expr)))

    return known(expr) if spelled else expr


def with_derivatives(
    expr: Expr, graph: Graph, taken: Mapping[str, Node], partials: Mapping[str, Derivative]
) -> tuple[Expr, tuple[Derivative, ...]]:
    """`expr` in which dl/dw is one name, also where it was read as (lr*dl)/dw or (h @ dl)/dw; and those derivatives.

    So it is where it was read as dl/(dw^2), its square, or dl/(dw.T). A name of `taken`, such as a parameter dw, is no
    differential; one of `partials` is that partial.
    """
    found: dict[str, Derivative] = {}

    def joined(expr: Expr) -> Expr:
        if isinstance(expr, Ref) and expr.name in partials:
            partial = partials[expr.name]
            found[partial.name] = partial
            return Ref(partial.name, expr.axes, expr.column)
        if isinstance(expr, Apply) and expr.op == "div":
            above, sign, last = _last_factor(expr.args[0])
            bottom, *after = _before_powers(expr.args[1])
            derivative = _as_derivative(Apply("div", (last, bottom)), graph, taken)
            if derivative is not None:
                found[derivative.name] = derivative
                name = _standing_for(derivative, bottom)
                for made in reversed(after):
                    name = Apply(made.op, (name, *map(joined, made.args[1:])), made.column)
                return name if above is None else Apply(sign, (joined(above), name), expr.column)
        return rebuild(expr, tuple(joined(part) for part in children(expr)))

    return joined(expr), tuple(found.values())


def _before_powers(expr: Expr) -> tuple[Expr, *tuple[Apply, ...]]:
    """The dw of dw^2 or dw.T, and what is made of it, the outer first."""
    made: list[Apply] = []
    while isinstance(expr, Apply) and expr.op in ("pow", "transpose"):
        made.append(expr)
        expr = expr.args[0]
    return expr, *made


def _last_factor(expr: Expr) -> tuple[Expr | None, str, Expr]:
    """The product before its last factor, its sign, and that factor; a minus sign belongs to what is before."""
    if isinstance(expr, Apply) and expr.op in ("mul", "matmul"):
        left, right = expr.args
        return left, expr.op, right
    if isinstance(expr, Apply) and expr.op == "neg":
        before, sign, last = _last_factor(expr.args[0])
        return Apply("neg", (before if before is not None else ONE,)), sign, last
    return None, "mul", expr


def _standing_for(derivative: Derivative, bottom: Expr) -> Expr:
    """The one name in place of the quotient, with the index of what stands below."""
    if isinstance(bottom, Apply):
        ref, *chosen = bottom.args
        return Apply("entry", (Ref(derivative.name, getattr(ref, "axes", None), bottom.column), *chosen), bottom.column)
    axes: Axes | None = getattr(bottom, "axes", None)
    if derivative.of.index is not None:  # dp[i]/dz[j] runs over i and j, dp[i]/dz[i] over i
        axes = tuple(map(Axis, dict.fromkeys(map(str, (*derivative.of.index, *(derivative.wrt.index or ()))))))
    return Ref(derivative.name, axes, getattr(bottom, "column", None))


def _as_derivative(expr: Expr, graph: Graph, taken: Mapping[str, Node] | None = None) -> Derivative | None:
    """The derivative that a quotient dl/dw is; None for any other."""
    if not (isinstance(expr, Apply) and expr.op == "div"):
        return None
    top, bottom = (_entry(arg) for arg in expr.args)
    taken = graph.by_name if taken is None else taken
    if top is None or bottom is None or top.name in taken or bottom.name in taken:
        return None
    of, wrt = _stripped(top.name, graph), _stripped(bottom.name, graph)
    if of is None or wrt is None:
        return None
    return Derivative(Entry(of, top.index), Entry(wrt, bottom.index))


def _stripped(name: str, graph: Graph) -> str | None:
    """The w of `dw`."""
    for sign in _SIGNS:
        if name.startswith(sign) and len(name) > len(sign):
            meant = loosely(name.removeprefix(sign), graph.by_name, graph.loss)
            if meant is not None:
                return meant
    return None


def _entry(expr: Expr) -> Entry | None:
    match expr:
        case Ref(name=name, axes=axes):
            return Entry(name, None if axes is None else tuple(axis.letter for axis in axes))
        case Apply(op="entry", args=(Ref(name=name, axes=axes), *chosen)):
            numbers = iter(chosen)
            index: list[str | int] = []
            for axis in axes or ():
                if axis.letter != PICKED:
                    index.append(axis.letter)
                    continue
                number = next(numbers)
                if not isinstance(number, Number):
                    return None
                index.append(int(number.value))
            return Entry(name, tuple(index))
    return None
