"""What of a derivation is shown: some kinds of steps, or what concerns one name. Every number stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypedDict

from derive.algebra.expression import Ref
from derive.chain.derivation import Derivation, differentiate
from derive.errors import EquationError, ProblemError, suggestion
from derive.steps.equations import EVERY, STEPS, Derivative, Equation, Section
from derive.steps.steps import conventions, sections
from derive.steps.update_rules import PLAIN, Gathering, with_gathering
from derive.training.optimizers import Optimizer
from derive.training.plan import PLAIN_PLAN, Plan


class Choice(NamedTuple):
    """What is shown: `steps` are kinds of steps, of `STEPS`, and `node` is the one name, or None for all names."""

    steps: tuple[str, ...] = STEPS
    node: str | None = None


EVERYTHING = Choice()


class How(TypedDict, total=False):
    """How `to_text`, `to_latex` and `to_markdown` print: the `choice` of what, and whether in ASCII alone.

    `gathering` says which gradients add up for an update, and `plan` how lr changes and what else is done beside the
    optimizer's equations. They raise `EquationError` where `choice` has a name that is not in the graph.
    """

    choice: Choice
    ascii_only: bool
    gathering: Gathering
    plan: Plan


def read_steps(text: str) -> tuple[str, ...]:
    """Returns the kinds of steps that a text such as `forward,chain` or `all` lists, in the order of `STEPS`.

    Raises `ProblemError` for a word that is none of them.
    """
    known = (*STEPS, "all")
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in known:
            expected = f"expected one or more of: {', '.join(known)}"
            raise ProblemError(f"--steps: {word!r} is not a kind of step{suggestion(word, known)}; {expected}")
    return STEPS if "all" in words else tuple(step for step in STEPS if step in words)


def printed(derivation: Derivation, optimizer: Optimizer | str | None, how: How) -> tuple[tuple[Section, ...], bool]:
    """Returns the sections that are printed, as `chosen` does, and whether in ASCII alone."""
    choice, gathering = how.get("choice", EVERYTHING), how.get("gathering", PLAIN)
    found = chosen(derivation, optimizer, choice, gathering, how.get("plan", PLAIN_PLAN))
    return found, how.get("ascii_only", False)


def chosen(
    derivation: Derivation,
    optimizer: Optimizer | str | None = "SGD",
    choice: Choice = EVERYTHING,
    gathering: Gathering = PLAIN,
    plan: Plan = PLAIN_PLAN,
) -> tuple[Section, ...]:
    """Returns the sections with the steps of `choice`; each equation keeps the number that it has among all steps.

    For the derivative of a name that is not in `derivation.wrt`, equations follow after the last number. Raises
    `EquationError` for a name that is not in the graph.
    """
    found = with_gathering(sections(derivation, optimizer, plan=plan), gathering)
    if choice.node is not None:
        found = tuple(_about(choice.node, derivation, found))
    kept = [_only(section, choice.steps) for section in found]
    return tuple(section for section in kept if section.equations or section.sentences)


def _only(section: Section, steps: tuple[str, ...]) -> Section:
    """The section with its equations of these kinds."""
    if section.step == "adjoints":  # chain products and closed forms that are left out go on from them
        wanted = {"chain", "closed"} & set(steps)
        return section if wanted else section._replace(equations=(), sentences=())
    if section.step != "chain":
        return section if section.step in steps else section._replace(equations=(), sentences=())
    equations = _with_heads(section, [("closed" if e.closed else "chain") in steps for e in section.equations])
    sentences = section.sentences if {"chain", "closed"} & set(steps) else ()
    return section._replace(equations=equations, sentences=sentences)


def _with_heads(section: Section, keep: list[bool]) -> tuple[Equation, ...]:
    """The equations that are kept; one whose left side stood in an equation that is not gets it back."""
    kept: list[Equation] = []
    head, is_shown = None, False
    for equation, wanted in zip(section.equations, keep, strict=True):
        if equation.left is not None:
            head, is_shown = equation.left, False
        if wanted:
            kept.append(equation if is_shown else equation._replace(left=head))
            is_shown = True
    return tuple(kept)


def _about(name: str, derivation: Derivation, found: tuple[Section, ...]) -> Iterator[Section]:
    """What concerns one name; where its own derivative is not part of the derivation, it follows at the end."""
    graph = derivation.graph
    if name not in graph.by_name:
        raise EquationError(f"unknown name {name!r} to show{suggestion(name, graph.by_name)}")
    for section in found if name in derivation.wrt else _with_own(name, derivation, found):
        equations = _with_heads(section, _concerned(section, name))
        yield section._replace(equations=equations, sentences=tuple(_said(section, equations, name, derivation)))


def _with_own(name: str, derivation: Derivation, found: tuple[Section, ...]) -> Iterator[Section]:
    """The sections with the derivation for `name` in the place of the chain rules, its numbers after all others."""
    own = sections(differentiate(derivation.graph, [name]))
    last = max(equation.number for section in found for equation in section.equations)
    for section in found:
        if section.step == "local":
            lefts = {equation.left for equation in section.equations}
            new = [e for other in own if other.step == "local" for e in other.equations if e.left not in lefts]
            added = _counted([e for e in new if isinstance(e.left, Derivative) and e.left.wrt.name == name], last)
            last += len(added)
            yield section._replace(equations=(*section.equations, *added))
        elif section.step in ("forward", "update"):
            yield section
    for section in own:
        if section.step in ("chain", "adjoints"):
            equations = _counted(list(section.equations), last)
            last += len(equations)
            yield section._replace(equations=equations)


def _counted(equations: list[Equation], last: int) -> tuple[Equation, ...]:
    """The equations with the numbers after `last`."""
    return tuple(equation._replace(number=last + place) for place, equation in enumerate(equations, start=1))


def _concerned(section: Section, name: str) -> list[bool]:
    """Which equations are about the name: its line, its partials, its derivative, its update."""
    found: list[bool] = []
    for equation in section.equations:
        match equation.left:
            case None:
                found.append(found[-1])
            case Ref(name=own):
                found.append((equation.about or _line(own)) in (name, EVERY))
            case Derivative(of=of, wrt=wrt):
                whole = section.step in ("chain", "adjoints")  # of the loss with respect to a name
                found.append(name in ({_line(wrt.name)} if whole else {of.name, wrt.name}))
    return found


def _line(name: str) -> str:
    """The line of a part: l of l#1."""
    return name.partition("#")[0]


def _said(section: Section, equations: tuple[Equation, ...], name: str, derivation: Derivation) -> Iterator[str]:
    """The sentences after what is left of a section."""
    node = derivation.graph.by_name[name]
    if section.step == "forward" and node.kind != "line":
        yield f"`{name}` is given: one of the {node.kind}s" if node.kind != "data" else f"`{name}` is given, as data"
    elif section.step == "local":
        lines = dict.fromkeys(e.left.of.name for e in equations if isinstance(e.left, Derivative))
        yield from (text for text in section.sentences if f"`{name}`" in text)
        found = (derivation.graph.by_name[line] for line in lines if line in derivation.graph.by_name)
        yield from conventions(found, derivation.graph.conventions)
    else:
        yield from (text for text in section.sentences if f"`{name}`" in text or section.title.endswith(f"`{name}`"))
