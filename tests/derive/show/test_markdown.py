"""Markdown whose formulas survive GitHub, which reads what stands between $$ as Markdown first."""

import re

import pytest
from hypothesis import given

import derive
from derive.chain.derivation import differentiate
from derive.graph.graph import Graph
from derive.show.markdown import marked, to_markdown
from tests.trees import RATIONAL, SMOOTH, graph_of, graphs


def formulas(text: str) -> list[str]:
    """What stands between $$, each on lines of its own."""
    blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.MULTILINE | re.DOTALL)
    assert text.count("$$") == 2 * len(blocks)
    return blocks


@given(graphs((*RATIONAL, *SMOOTH)))
def test_no_formula_has_what_markdown_would_change(graph: Graph) -> None:
    text = to_markdown(differentiate(graph))
    for formula in formulas(text):
        assert "\n" not in formula
        assert not re.search(r"\\[^A-Za-z]", formula)  # a backslash before a sign is dropped
        assert not re.search(r"[^\w]_", formula)  # begins emphasis
        assert not re.search(r"[*<>~`|#]", formula)
        assert re.fullmatch(r".*\\tag\{\d+\}", formula)


def test_names_that_would_begin_emphasis_have_their_index_by_a_command() -> None:
    graph = graph_of("p_hat = weight_1*x\nl = mean(p_hat^2)", ["weight_1"], ["x"])
    text = to_markdown(differentiate(graph))
    assert r"\hat{p}\sb{i}" in text
    assert r"\mathit{weight}\sb{1}" in text


def test_long_formulas_are_broken_by_a_command() -> None:
    long = "l = " + " + ".join(f"sin(w*{k})^2/(w + {k})" for k in range(1, 9))
    text = to_markdown(differentiate(graph_of(long, ["w"])))
    assert r"\begin{aligned}" in text
    assert r"\cr &\qquad {} +" in text


def test_headings_and_sentences() -> None:
    text = to_markdown(derive.derive("article"), "A *title* with [signs]_1")
    assert text.startswith("# A \\*title\\* with \\[signs\\]\\_1\n\n## Forward: each line")
    assert "\n\nparameters `w`, `b`; data `x`, `y`; `i` runs over the `n` samples of the batch.\n\n" in text
    assert "\n## Chain rule for `w`\n" in text
    assert text.endswith("$$\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("100% & <b>", "100% \\& \\<b\\>"), ("`w_1` and w_1", "`w_1` and w\\_1"), ("$5 | a~b", "\\$5 \\| a\\~b")],
)
def test_signs_in_sentences_are_escaped(text: str, shown: str) -> None:
    assert marked(text) == shown


def test_ascii() -> None:
    graph = graph_of("l = mean(max(α*x, 0))", ["α"], ["x"])
    assert to_markdown(differentiate(graph), "½ é", ascii_only=True).isascii()
