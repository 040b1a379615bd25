"""A product of matrices is that of `numpy.matmul`, on a batch as well, whatever is transposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import ClaimError, EquationError, Place
from derive.problem.loading import load
from verify.formulas.judge import judge_formula

LINES = """equations = '''
h = x @ U
y = h @ W
l = sum(y^2)/2
'''
[parameters]
U = [[1, 0], [2, 1]]
W = [[3, 5], [7, 11]]
[data]
"""
TWO = "x = [[1, 2], [3, -1]]\n"
THREE = "x = [[1, 2], [3, -1], [0, 1]]\n"


def claimed(problem: str, name: str, formula: str) -> str:
    found = load(problem)
    return judge_formula(found, differentiate(found.graph), name, formula, Place("claim", None, 1, formula)).status


@pytest.mark.parametrize("data", [TWO, THREE])
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("dl/dW", "transpose(h) @ transpose(y)"),
        ("dl/dU", "transpose(x) @ transpose(y) @ transpose(W)"),
        ("dl/dU", "transpose(x) @ (W @ y)"),
        ("dl/dU", "transpose(x) @ transpose(W @ y)"),
        ("dl/dh", "W @ y"),
        ("dl/dW", "y @ h"),
    ],
)
def test_a_product_whose_shapes_do_not_fit_is_refused(data: str, name: str, formula: str) -> None:
    with pytest.raises(EquationError, match=r"\w of the shape \(.*\) and \w of the shape \(.*\) cannot be multiplied"):
        claimed(LINES + data, name, formula)


@pytest.mark.parametrize("data", [TWO, THREE])
def test_the_products_of_matrices_are_right(data: str) -> None:
    """transpose(h) @ y = [[141, 229], [62, 100]] for the two samples."""
    assert claimed(LINES + data, "dl/dW", "transpose(h) @ y") == "right"
    assert claimed(LINES + data, "dl/dU", "transpose(x) @ y @ transpose(W)") == "right"
    assert claimed(LINES + data, "dl/dh", "y @ transpose(W)") == "right"
    assert claimed(LINES + data, "dl/dh", "y @ W") == "wrong"


def test_what_to_write_for_each_row() -> None:
    with pytest.raises(EquationError, match=r"W times each row of y is y @ transpose\(W\)"):
        claimed(LINES + TWO, "dl/dh", "W @ y")


@dataclass(frozen=True)
class Product:
    """A product of matrices as it is written, and what NumPy calculates."""

    text: str
    value: Callable[[Mapping[str, Any]], Any]

    def turned(self) -> Product:
        return Product(f"transpose({self.text})", lambda values: self.value(values).T)

    def times(self, other: Product) -> Product:
        return Product(f"({self.text} @ {other.text})", lambda values: self.value(values) @ other.value(values))


@dataclass(frozen=True)
class Claim:
    """A product that is claimed of a gradient of the two layers; the sizes are those of U and W."""

    name: str
    product: Product
    sizes: tuple[int, int, int]

    def values(self, n: int, seed: int) -> dict[str, Any]:
        """All lines and gradients of n samples."""
        random = np.random.default_rng(seed)
        a, b, c = self.sizes
        x, u, w = (random.integers(-9, 9, shape) for shape in ((n, a), (a, b), (b, c)))
        h = x @ u
        y = h @ w
        return {
            "x": x,
            "U": u,
            "W": w,
            "h": h,
            "y": y,
            "dl/dW": h.T @ y,
            "dl/dh": y @ w.T,
            "dl/dU": x.T @ y @ w.T,
        }

    def expected(self) -> str:
        """By NumPy, at 23 samples: no other size is that of these."""
        values = self.values(23, 1)
        try:
            found = self.product.value(values)
        except ValueError:
            return "refused"
        right = values[self.name]
        return "right" if found.shape == right.shape and (found == right).all() else "not right"


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """The factors of a gradient, some transposed once more, some in another order, nested in any way."""
    names = {"dl/dW": "hy", "dl/dh": "yW", "dl/dU": "xyW"}
    name = draw(st.sampled_from(sorted(names)))
    right = {"dl/dW": "h", "dl/dh": "W", "dl/dU": "xW"}[name]  # what is transposed in the right formula
    swapped = draw(st.integers(0, 3)) == 0
    factors = []
    for factor in draw(st.permutations(names[name])) if swapped else names[name]:
        own = Product(factor, itemgetter(factor))
        factors.append(own.turned() if (factor in right) != (draw(st.integers(0, 3)) == 0) else own)
    while len(factors) > 1:
        place = draw(st.integers(0, len(factors) - 2))
        joined = factors[place].times(factors[place + 1])
        factors[place : place + 2] = [joined.turned().turned() if draw(st.integers(0, 3)) == 0 else joined]
    size = st.integers(2, 3)
    return Claim(name, factors[0], (draw(size), draw(size), draw(size)))


def judged_of(claim: Claim) -> str:
    given = claim.values(2, 2)
    text = LINES
    for name, old in (("U", "[[1, 0], [2, 1]]"), ("W", "[[3, 5], [7, 11]]")):
        text = text.replace(f"{name} = {old}", f"{name} = {given[name].tolist()}")
    try:
        return claimed(f"{text}x = {given['x'].tolist()}\n", claim.name, claim.product.text)
    except ClaimError:
        return "not right"  # the product has another shape than the gradient
    except EquationError:
        return "refused"


@settings(max_examples=60, deadline=None)
@given(claims())
def test_a_claimed_product_is_that_of_numpy(claim: Claim) -> None:
    found, expected = judged_of(claim), claim.expected()
    assert found == expected or (found, expected) == ("wrong", "not right")


def test_more_than_two_axes_are_stacks_of_matrices() -> None:
    """As in NumPy: stacks are matched from the last axis on, and there are as many of them."""
    problem = "equations = '''\nq = A @ B\nl = sum(q)'''\n[parameters]\n"
    shapes = [((4, 2, 3), (4, 3, 5)), ((2, 3), (4, 3, 5)), ((4, 2, 3), (3, 5)), ((3,), (4, 3, 5)), ((4, 2, 3), (3,))]
    shapes += [((4, 2, 3), (6, 4, 3, 5)), ((6, 4, 2, 3), (4, 3, 5))]
    for first, second in shapes:
        a, b = np.ones(first, dtype=int), np.ones(second, dtype=int)
        axes = load(f"{problem}A = {a.tolist()}\nB = {b.tolist()}\n").graph.by_name["q"].axes
        assert tuple(axis.size for axis in axes) == (a @ b).shape
    with pytest.raises(EquationError, match="they are not as many matrices"):
        load(f"{problem}A = {np.ones((4, 2, 3)).tolist()}\nB = {np.ones((2, 3, 5)).tolist()}\n")


def test_a_vector_and_samples_are_multiplied_row_by_row() -> None:
    """One number a sample; it is no way to write a sum over the samples of rows of errors."""
    problem = "equations = '''\ne = w · x - t\nl = sum(e^2)/2'''\n[parameters]\nw = [1, 2]\n"
    problem += "[data]\nx = [[1, 2], [3, 4], [5, 7]]\nt = [1, 2, 3]\n"
    assert claimed(problem, "dl/dw", "(w · x - t) @ x") == "right"
    assert claimed(problem, "dl/dw", "transpose(x) @ e") == "right"
    with pytest.raises(EquationError, match="cannot be multiplied"):
        claimed(problem, "dl/dw", "e @ transpose(x)")


def test_outer_pairs_no_sample_with_another() -> None:
    text = 'equations = "M = {}; l = sum(M)"\n[parameters]\nw = [1, 2]\n[data]\nX = [[1, 2], [3, 4]]\nY = [[1], [2]]\n'
    for plain in ("outer(w, w)", "outer(X, w)", "outer(X @ w, X @ w)"):
        assert load(text.format(plain)).graph.loss == "l"
    with pytest.raises(EquationError, match="which both have a row for each sample: it would pair every sample"):
        load(text.format("outer(X, Y)"))
