"""ASCII for what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.characters import ascii_names, ascii_text, greek_name, greek_names, inert


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("w ← w − lr·∂l/∂w", "w <- w - lr*dl/dw"),
        ("½ to each", "1/2 to each"),
        ("α, Ω, ς, λ", "alpha, Omega, sigma, lambda"),
        ("Über café", "Uber cafe"),
        ("x²", "x^2"),
        ("温度", "U6E29U5EA6"),
        ("plain", "plain"),
    ],
)
def test_text(text: str, plain: str) -> None:
    assert ascii_text(text) == plain


@given(st.text())
def test_any_text_becomes_ascii(text: str) -> None:
    assert ascii_text(text).isascii()


def test_names_stay_different() -> None:
    assert ascii_names(["alpha", "α", "ά", "w"]) == {"α": "alpha_", "ά": "alpha__"}


@pytest.mark.parametrize(
    ("letter", "name"), [("α", "alpha"), ("Σ", "Sigma"), ("λ", "lambda"), ("a", None), ("½", None)]
)
def test_greek(letter: str, name: str | None) -> None:
    assert greek_name(letter) == name


@pytest.mark.parametrize(
    ("names", "printed"),
    [
        (["alpha"], {"alpha": "α"}),
        (["w_alpha", "beta1", "sigma_1", "lambda"], {"w_alpha": "w_α", "beta1": "β1", "sigma_1": "σ_1", "lambda": "λ"}),
        (["Gamma", "Alpha", "Sigma", "Pi", "w", "alphabet", "β"], {"Gamma": "Γ"}),
        (["alpha", "α", "beta"], {"beta": "β"}),  # two names stay two
    ],
)
def test_names_of_greek_letters(names: list[str], printed: dict[str, str]) -> None:
    assert greek_names(names) == printed


@given(st.lists(st.from_regex(r"(alpha|α|beta|w|x)(_?[0-9])?", fullmatch=True), unique=True))
def test_no_two_names_are_printed_alike(names: list[str]) -> None:
    printed = {**{name: name for name in names}, **greek_names(names)}
    assert len(set(printed.values())) == len(names)


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\x7f", "\x9b", "\u202e", "\u2066"])
def test_what_steers_a_terminal_is_replaced(character: str) -> None:
    assert inert(f"a{character}[2Jb\n\tc") == "a�[2Jb\n\tc"


def test_what_does_not_stays() -> None:
    text = "∂l/∂w ← 2·w\n\tθ₀ = 1 …  é 权重"
    assert inert(text) == text
