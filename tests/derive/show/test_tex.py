"""Names and sentences in LaTeX, widths, and line ends."""

import pytest

from derive.show.tex import atoms, fold, measure, subscripted, text_to_tex


@pytest.mark.parametrize(
    ("name", "tex"),
    [
        ("w", "w"),
        ("w1", "w_{1}"),
        ("w_1", "w_{1}"),
        ("w12", "w_{12}"),
        ("celsius", r"\mathit{celsius}"),
        ("lr", r"\mathit{lr}"),
        ("layer2", r"\mathit{layer}_{2}"),
        ("W_out", r"W_{\mathit{out}}"),
        ("learning_rate", r"\mathit{learning}_{\mathit{rate}}"),
        ("a_b_c", "a_{b,c}"),
        ("alpha", r"\alpha"),
        ("lambda", r"\lambda"),
        ("sigma2", r"\sigma_{2}"),
        ("α", r"\alpha"),
        ("λ1", r"\lambda_{1}"),
        ("Δt", r"\Delta t"),
        ("Ω", r"\Omega"),
        ("Α", r"\mathrm{A}"),
        ("y_hat", r"\hat{y}"),
        ("ŷ", r"\hat{y}"),
        ("y_hat_1", r"\hat{y}_{1}"),
        ("é", "e"),
        ("ж", r"\mathrm{U0436}"),
        ("_", "_"),
        ("__", "_"),
        ("_x", "x"),
    ],
)
def test_names(name: str, tex: str) -> None:
    assert subscripted(name) == tex


def test_indices_share_the_subscript() -> None:
    assert subscripted("x", ("i",)) == "x_{i}"
    assert subscripted("x1", ("i", "k")) == "x_{1,ik}"


def test_sentences() -> None:
    assert text_to_tex("loss `l_1` of 100% & ½ #1_a {x} ~ \\ ^ <>") == (
        r"loss $l_{1}$ of 100\% \& $\tfrac{1}{2}$ \#1\_a \{x\} \~{} \textbackslash{} \^{} $<$$>$"
    )
    assert text_to_tex("α für 温") == r"$\alpha$ für U6E29"


def test_atoms_keep_the_whole_formula() -> None:
    formula = r"\frac{2}{n} \, \sum_{i} \bigl(w \, x_{i}\bigr) + \lvert b\rvert ^{2}"
    assert "".join(atom.text for atom in atoms(formula)) == formula
    assert sum(atom.opens for atom in atoms(formula)) == 0


def test_wider_is_wider() -> None:
    assert measure("x") < measure("x + y") < measure(r"x + y + \frac{a + b + c}{d}")
    assert measure(r"\frac{a + b}{c}") < measure("(a + b)/c") + 5


def test_lines_end_before_signs_where_the_fewest_parentheses_are_open() -> None:
    formula = r"(a + b) \, (c + d) + (e + f) \, (g + h)"
    first, second = fold(formula, 100.0, 100.0)
    assert (first, second) == (r"(a + b) \, (c + d)", r"+ (e + f) \, (g + h)")


def test_what_has_no_place_to_end_stays_whole() -> None:
    formula = r"\frac{a + b + c + d + e + f}{g}"
    assert fold(formula, 20.0, 20.0) == [formula]


def test_no_part_is_lost() -> None:
    formula = r" \, ".join(rf"\Bigl(x_{{{k}}} + \sum_{{i}} \frac{{1}}{{{k}}}\Bigr)" for k in range(30))
    lines = fold(formula, 200.0, 180.0)
    assert len(lines) > 5
    assert r" \, ".join(lines) == formula
    assert max(map(measure, lines)) <= 200.0
