"""Lines written out, softmax by its name, and one partial for each entry of a name."""

import pytest

import derive
from derive.algebra.expression import Apply, Axis, Reduce, Ref
from derive.show.notation import Text
from derive.show.text import WIDTH, to_text
from derive.steps.expand import spelled, with_softmax

ROW, CLASS, OTHER = Axis("i", "n"), Axis("k", 3), Axis("m", 3)


def words(problem: str) -> str:
    return " ".join(to_text(derive.derive(problem)).split())


@pytest.mark.parametrize(
    ("equations", "expected"),
    [
        ("l = mse(w*x, y)", "l = mse(w·x, y) (2) = (1/n) Σᵢ (w xᵢ − yᵢ)²"),
        ("z[i,k] = sum(x[i,j]*W[j,k], j)\nl = sum(z[i,k])/n", "(1) zᵢₖ = Σⱼ xᵢⱼ·Wⱼₖ (2) l = sum(zᵢₖ)/n"),
        ("l = mean((w*x - y)^2)", "l = mean((w·x − y)²) (2) z = l"),
        ("h = silu(w*x)\nl = mean(h)", "h = silu(w·x) (2) hᵢ = w·xᵢ·σ(w·xᵢ) (3) l = mean(h)"),
    ],
)
def test_named_formulas_are_written_out(equations: str, expected: str) -> None:
    assert expected in words(equations)


def test_the_textbook_result_for_softmax_and_cross_entropy() -> None:
    text = words("softmax")
    assert "p = softmax(z) (4) pᵢₖ = exp(zᵢₖ)/(Σⱼ exp(zᵢⱼ))" in text
    assert "= −(1/n) Σᵢ Σₖ [yᵢ = k] (zᵢₖ − log(Σⱼ exp(zᵢⱼ)))" in text
    assert "∂l/∂zᵢₖ = (softmaxₖ(zᵢₖ) − [yᵢ = k])/n" in text
    assert "= (1/n) Σᵢ (softmaxₖ(Σₘ xᵢₘ Wₘₖ + bₖ) − [yᵢ = k]) xᵢⱼ" in text


def test_two_partials_through_one_sum_are_told_apart() -> None:
    text = words("attention")
    assert "∂aᵢⱼ/∂sᵢₖ = −aᵢⱼ aᵢₖ through the sum, for every k, also k = j" in text


def test_a_name_that_stands_twice_has_one_partial() -> None:
    text = words("l = sum(w*x)*mean(w*y)")
    assert text.count("∂l/∂w =") == 2  # the local partial, and the gradient


def test_softmax_is_known_by_its_form() -> None:
    z, others = Ref("z", (ROW, CLASS)), Ref("z", (ROW, OTHER))
    softmax = Apply("exp", (Apply("sub", (z, Reduce("logsumexp", others, (OTHER,)))),))
    assert Text().show(with_softmax(softmax)) == "softmaxₖ(zᵢₖ)"
    assert Text().show(spelled(softmax)) == "exp(zᵢₖ)/(Σₘ exp(zᵢₘ))"
    another = Apply("exp", (Apply("sub", (z, Reduce("logsumexp", Ref("q", (ROW, OTHER)), (OTHER,)))),))
    assert with_softmax(another) == another
    shifted = Apply("exp", (Apply("sub", (z, Reduce("logsumexp", Ref("z", (OTHER, CLASS)), (OTHER,)))),))
    assert with_softmax(shifted) == shifted


@pytest.mark.parametrize(
    ("equations", "convention"),
    [
        ("m[i] = max(w[k]*x[i,k], k)\nl = mean(m)", "max over an index: equal entries share the derivative evenly"),
        ("l = mean(clip(w*x, -1, 1))", "clip at an edge: PyTorch 2.13 takes 1; 2.14 takes 0"),
        ("l = mean(where(w > 0, w*x, 0))", "where: the derivative is that of the side that is chosen"),
    ],
)
def test_conventions(equations: str, convention: str) -> None:
    assert convention in words(equations)


@pytest.mark.parametrize("name", [name for name, _ in derive.shipped()])
def test_shipped_problems_fit(name: str) -> None:
    for ascii_only in (False, True):
        for line in to_text(derive.derive(name), ascii_only=ascii_only).splitlines():
            assert len(line) <= WIDTH, line
