"""Where closed forms are left out: adjoint equations in their place, and they are right."""

import mpmath
import pytest

import derive
from derive.algebra.expression import Apply, Expr, Reduce, Ref
from derive.chain.derivation import Derivation, differentiate
from derive.chain.formulas import Formulas
from derive.show.text import to_text
from derive.steps.choice import Choice, chosen
from tests.by_differences import DIGITS, Tables, given, slope, tabulated, with_lines
from tests.trees import graph_of

LADDER = "\n".join(["x0 = w", *(f"u{k} = mean(t*x{k})^2\nx{k + 1} = sin(x{k}) + u{k}" for k in range(4))])
CLOSED = Choice(("closed",))


def ladder() -> Derivation:
    """Sixteen paths."""
    return differentiate(graph_of(LADDER, ["w"], ["t"]))


def by_adjoints(formulas: Formulas, tables: Tables) -> Tables:
    """The adjoint of every name, from the equations that are printed."""
    graph = formulas.derivation.graph
    found: Tables = {f"d{graph.loss}": {(): mpmath.mpf(1)}}
    for node in reversed(graph.nodes):
        terms: list[Expr] = []
        for path in formulas.steps_to(node.name):
            link = path.links[0]
            term = Apply("mul", (Ref(f"d{link.of.name}", link.of.axes), link.partial))
            terms.append(Reduce("sum", term, path.summed) if path.summed else term)
        if terms:
            tabled = [tabulated(term, node.axes, {**tables, **found}) for term in terms]
            found[f"d{node.name}"] = {place: mpmath.fsum(table[place] for table in tabled) for place in tabled[0]}
    return found


@pytest.mark.parametrize("problem", ["fan_out", "layer_norm", "attention", "relu_network", "softmax", "ladder"])
def test_the_adjoint_equations_are_the_slopes_of_the_loss(problem: str) -> None:
    derivation = ladder() if problem == "ladder" else derive.derive(problem)
    graph = derivation.graph
    with mpmath.workdps(DIGITS):
        tables = given(graph, labels=3 if problem == "softmax" else None)
        found = by_adjoints(Formulas(derivation), with_lines(graph, tables))
        for name in derivation.wrt:
            for place, value in slope(graph, tables, name).items():
                assert abs(found[f"d{name}"][place] - value) < mpmath.mpf(10) ** -15 * (1 + abs(value))


def test_closed_forms_alone_bring_the_adjoint_equations_that_they_go_on_from() -> None:
    found = chosen(ladder(), "SGD", CLOSED)
    assert [section.step for section in found] == ["adjoints", "chain"]
    text = " ".join(to_text(ladder(), choice=CLOSED).split())
    assert "∂x4/∂x1 = (∂x4/∂x2)(cos(x1))" in text
    assert "∂x4/∂w = (∂x4/∂x0)(1)" in text
    assert (
        "16 paths lead to w, more than the 8 that are written out; the adjoint equations calculate their sum." in text
    )
    assert "above" not in text


def test_closed_forms_that_are_short_bring_none() -> None:
    assert {section.step for section in chosen(derive.derive("article"), "SGD", CLOSED)} == {"chain"}


def test_a_line_among_many_paths_has_a_closed_form_of_its_own() -> None:
    text = " ".join(to_text(ladder(), choice=Choice(("closed",), "x3")).split())
    assert text == "Chain rule for x3 (37) ∂x4/∂x3 = cos(x3) + 2 x3 (Σⱼ tⱼ)²/n²"
