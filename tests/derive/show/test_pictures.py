"""The graph as Mermaid and DOT: its edges, its labels, and its escapes."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given

import derive
from derive.chain.derivation import differentiate
from derive.graph.graph import Graph
from derive.show.pictures import picture, to_dot, to_mermaid
from tests.trees import RATIONAL, SMOOTH, graph_of, graphs

DOT = shutil.which("dot")


def test_what_is_drawn_of_the_article() -> None:
    drawn = picture(derive.derive("article"))
    names = {box.id: box.label[0].split(" = ")[0] for box in drawn.boxes}
    assert [box.label for box in drawn.boxes if box.kind == "line"] == [
        ("a = w·x",),
        ("c = a + b",),
        ("d = c − y",),
        ("e = d²",),
        ("l = (1/n)·e",),
        ("z = l",),
    ]
    forward = [names[arrow.start] + names[arrow.end] for arrow in drawn.forward]
    assert forward == ["wa", "xa", "ac", "bc", "cd", "yd", "de", "nl", "el", "lz"]
    backward = [names[arrow.start] + names[arrow.end] for arrow in drawn.backward]
    assert backward == ["zl", "le", "ed", "dc", "ca", "cb", "aw"]


@given(graphs((*RATIONAL, *SMOOTH)))
def test_backward_edges_run_along_forward_ones_and_never_to_data(graph: Graph) -> None:
    drawn = picture(differentiate(graph))
    kinds = {box.id: box.kind for box in drawn.boxes}
    forward = {(arrow.start, arrow.end) for arrow in drawn.forward}
    for arrow in drawn.backward:
        assert (arrow.end, arrow.start) in forward
        assert kinds[arrow.end] in ("parameter", "line")
        assert arrow.label
        assert len(arrow.label) <= 4


def test_only_names_that_are_used_are_drawn() -> None:
    drawn = picture(differentiate(graph_of("l = mean(w*x)", ["w"], ["x", "y"])))
    assert [box.label[0] for box in drawn.boxes] == ["x", "w", "l = mean(w·x)", "z = l"]


def test_indices_stand_in_labels_only_where_a_sum_needs_them() -> None:
    drawn = picture(differentiate(graph_of("a = w*x\nl = mean((a - mean(a))^2)", ["w"], ["x"])))
    labels = [" ".join(arrow.label) for arrow in drawn.backward]
    assert "∂a/∂w = x" in labels
    assert any("∂l/∂aᵢ" in label and "Σⱼ" in label for label in labels)


def test_long_labels_are_folded_and_cut() -> None:
    text = "l = " + " + ".join(f"sin(w*{k})" for k in range(1, 20))
    drawn = picture(differentiate(graph_of(text, ["w"])))
    line = next(box for box in drawn.boxes if box.label[0].startswith("l"))
    assert len(line.label) == 4
    assert line.label[-1] == "…"
    enormous = picture(differentiate(graph_of("l = " + "*".join(f"(w + {k})" for k in range(1, 40)), ["w"])))
    assert ("∂l/∂w = …",) in [arrow.label for arrow in enormous.backward]


def test_mermaid_escapes_what_it_would_read() -> None:
    graph = graph_of("end_1 = w_1*x*2\nl = mean(max(end_1, 0))", ["w_1"], ["x"])
    text = to_mermaid(differentiate(graph), 'A "title" \\ # <b>', ascii_only=True)
    assert text.startswith('---\ntitle: "A \\"title\\" \\\\ # <b>"\n---\nflowchart BT\n')
    assert '["end#95;1 = w#95;1#42;x#42;2"]:::line' in text
    assert "greater" not in text
    for label in re.findall(r'"([^"]*)"', text.split("flowchart", 1)[1]):
        assert not re.search(r"[*_`~|]|#(?!\d+;)", label.replace("<br>", ""))
    assert text.isascii()


def test_mermaid_styles_every_edge_once() -> None:
    text = to_mermaid(derive.derive("article"))
    edges = re.findall(r"--> |-\.->", text)
    styled = [int(n) for line in re.findall(r"linkStyle ([\d,]+)", text) for n in line.split(",")]
    assert styled == list(range(len(edges)))


def test_dot_escapes_what_it_would_read() -> None:
    text = to_dot(derive.derive("article"), 'A "title" \\N &amp; ½', ascii_only=True)
    assert 'label="A \\"title\\" \\\\N &amp;amp; 1/2"' in text
    assert text.isascii()


@pytest.mark.skipif(DOT is None, reason="Graphviz is not installed here: that the picture can be drawn is not tested")
@pytest.mark.parametrize("name", [name for name, _ in derive.shipped()])
def test_graphviz_draws_it(name: str) -> None:
    assert DOT is not None
    problem = derive.load(name)
    text = to_dot(derive.derive(problem), problem.title)
    done = subprocess.run([DOT, "-Tsvg"], input=text.encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert b"syntax" not in done.stderr
    drawn = done.stdout.decode()
    boxes, edges = text.count("fillcolor="), text.count(" -> ")
    assert (drawn.count('class="node"'), drawn.count('class="edge"')) == (boxes, edges)
