"""The graph as a picture, in Mermaid or DOT: forward edges, and backward ones labelled with their local partial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from derive.algebra.expression import Reduce, Ref, names, taken_axes, walk
from derive.chain.closed_form import readable
from derive.chain.derivation import Derivation
from derive.chain.formulas import Formulas
from derive.chain.paths import Link
from derive.characters import ascii_text
from derive.graph.graph import Graph, Node
from derive.show.notation import Text
from derive.show.sides import ascii_style, text_style
from derive.show.text import fold
from derive.steps.equations import Derivative
from derive.steps.expand import left_side, with_softmax
from derive.steps.steps import seed_name
from derive.training.optimizers import Optimizer

_WIDTH = 32  # characters of one line of a label
_LINES = 4  # lines of a label; what is longer is cut

_BLUE, _GREEN, _INK = "#1f5fa8", "#1e7d45", "#1b2733"  # the article draws forward edges blue and backward ones green
_FILLS = {"parameter": "#fdeecd", "constant": "#f1f1f1", "data": "#e3eefa", "size": "#f1f1f1", "line": "#ffffff"}


class Box(NamedTuple):
    """A name of the graph with the text that is shown for it; `id` is safe in every format."""

    id: str
    kind: str
    label: tuple[str, ...]


class Arrow(NamedTuple):
    """From one box to another; `label` is the local partial of a backward edge, empty on a forward one."""

    start: str
    end: str
    label: tuple[str, ...] = ()


class Picture(NamedTuple):
    """What is drawn, in whatever format."""

    boxes: tuple[Box, ...]
    forward: tuple[Arrow, ...]
    backward: tuple[Arrow, ...]


def picture(derivation: Derivation, *, ascii_only: bool = False) -> Picture:
    """Returns the boxes of all lines and of the names they use, and the arrows forward and backward between them."""
    graph = derivation.graph
    style = ascii_style(graph) if ascii_only else text_style(graph)
    ids = {node.name: f"n{number}" for number, node in enumerate(graph.nodes)}
    used = {name for node in graph.lines for name in names(node.definition)}
    drawn = [node for node in graph.nodes if node.kind == "line" or node.name in used]
    boxes = [Box(ids[node.name], node.kind, _box_label(node, style)) for node in drawn]
    forward = [Arrow(ids[name], ids[node.name]) for node in graph.lines for name in names(node.definition)]
    backward = [
        Arrow(ids[link.of.name], ids[link.wrt.name], label)
        for links in reversed(tuple(Formulas(derivation).links.values()))
        for link, label in _labelled(links, graph, style)
    ]
    seed = seed_name(derivation)
    if seed:
        boxes.append(Box(seed, "line", (f"{seed} = {style.ref(Ref(graph.loss))}",)))
        forward.append(Arrow(ids[graph.loss], seed))
        first = style.derivative(Derivative(Ref(seed), Ref(graph.loss)))
        backward.insert(0, Arrow(seed, ids[graph.loss], (f"{first} = 1",)))
    return Picture(tuple(boxes), tuple(forward), tuple(backward))


def _box_label(node: Node, style: Text) -> tuple[str, ...]:
    if node.written is None:
        return (style.ref(Ref(node.name)),)
    left = style.ref(left_side(node))
    if not readable(node.written):
        return (f"{left} = …",)
    return _lines(f"{left} = {style.as_written().show(node.written)}")


def _labelled(links: tuple[Link, ...], graph: Graph, style: Text) -> Iterator[tuple[Link, tuple[str, ...]]]:
    """The links with `∂e/∂d = 2 d`; indices are shown only where there is more than the one of the samples."""
    for link in links:
        every = {*taken_axes(link.whole()), *(link.of.axes or ()), *(link.wrt.axes or ())}
        plain = len(every) <= 1 and not any(isinstance(part, Reduce) for part in walk(link.whole()))
        shown = style.without_indices() if plain and graph.by_name[link.of.name].kind == "line" else style
        value = shown.show(with_softmax(link.whole())) if readable(link.partial) else "…"
        yield link, _lines(f"{shown.derivative(Derivative(link.of, link.wrt))} = {value}")


def _lines(text: str) -> tuple[str, ...]:
    """A label in short lines, cut where it is long."""
    lines = fold(text, _WIDTH, _WIDTH)
    return tuple(lines) if len(lines) <= _LINES else (*lines[: _LINES - 1], "…")


def to_mermaid(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = None, *, ascii_only: bool = False
) -> str:
    """Returns a Mermaid flowchart, as GitHub draws it from a ```mermaid block; `optimizer` is ignored."""
    del optimizer  # has no place in the picture
    drawn = picture(derivation, ascii_only=ascii_only)
    head = ["---", f"title: {_yaml(title)}", "---"] if title else []
    body = [f"{box.id}{_mermaid_shape(box)}:::{box.kind}" for box in drawn.boxes]
    body += [f"{arrow.start} --> {arrow.end}" for arrow in drawn.forward]
    body += [f'{arrow.start} -.->|"{_mermaid_label(arrow.label)}"| {arrow.end}' for arrow in drawn.backward]
    kinds = dict.fromkeys(box.kind for box in drawn.boxes)
    body += [f"classDef {kind} fill:{_FILLS[kind]},stroke:{_INK},color:{_INK}" for kind in kinds]
    forward = ",".join(str(number) for number in range(len(drawn.forward)))
    backward = ",".join(str(len(drawn.forward) + number) for number in range(len(drawn.backward)))
    body.append(f"linkStyle {forward} stroke:{_BLUE}")
    if backward:
        body.append(f"linkStyle {backward} stroke:{_GREEN},color:{_GREEN}")
    text = "\n".join([*head, "flowchart BT", *(f"    {line}" for line in body)]) + "\n"
    return ascii_text(text) if ascii_only else text


def _yaml(text: str) -> str:
    """A string in the head of a Mermaid file, which is YAML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid_shape(box: Box) -> str:
    opening, closing = ("[", "]") if box.kind == "line" else ("([", "])")
    return f'{opening}"{_mermaid_label(box.label)}"{closing}'


def _mermaid_label(lines: tuple[str, ...]) -> str:
    """Lines of a label; what could mean something to Mermaid, HTML or Markdown stands as its code."""
    return "<br>".join(_UNSAFE.sub(lambda match: f"#{ord(match[0])};", line) for line in lines)


_UNSAFE = re.compile(r"""["#&<>`*_~\\|;]""")


def to_dot(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = None, *, ascii_only: bool = False
) -> str:
    """Returns the graph in DOT, for Graphviz; `optimizer` is ignored."""
    del optimizer  # has no place in the picture
    drawn = picture(derivation, ascii_only=ascii_only)
    heading = f", label={_dot_label((title,))}, labelloc=t" if title else ""
    lines = [
        "graph [rankdir=BT, ranksep=0.55, nodesep=0.5]",
        f'graph [fontname="Helvetica", fontcolor="{_INK}", fontsize=15{heading}]',
        f'node [shape=box, style="rounded,filled", color="{_INK}", margin="0.16,0.09", height=0.4]',
        f'node [fontname="Helvetica", fontsize=13, fontcolor="{_INK}"]',
        'edge [fontname="Helvetica", fontsize=11, arrowsize=0.75, penwidth=1.3]',
    ]
    lines += [f"{box.id} [label={_dot_label(box.label)}{_dot_shape(box)}]" for box in drawn.boxes]
    lines += [f'{arrow.start} -> {arrow.end} [color="{_BLUE}"]' for arrow in drawn.forward]
    lines.append("// backward: written upward as well, so that both directions agree on the order; drawn with dir=back")
    lines += [
        f"{arrow.end} -> {arrow.start} [dir=back, label={_dot_label(arrow.label, padded=True)}, "
        f'color="{_GREEN}", fontcolor="{_GREEN}", style=dashed]'
        for arrow in drawn.backward
    ]
    text = "\n".join(["digraph derivation {", *(f"    {line}" for line in lines), "}"]) + "\n"
    return ascii_text(text) if ascii_only else text


def _dot_shape(box: Box) -> str:
    shape = "" if box.kind == "line" else ", shape=ellipse"
    return f'{shape}, fillcolor="{_FILLS[box.kind]}"'


def _dot_label(lines: tuple[str, ...], *, padded: bool = False) -> str:
    space = "  " if padded else ""
    return '"' + r"\n".join(_dot_text(f"{space}{line}{space}") for line in lines) + '"'


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
