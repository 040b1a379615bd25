"""Arrays as programs print them."""

from __future__ import annotations

import pytest

from derive.source.numerals import NumeralError
from verify.tabular.arrays import commas_of, is_array, read_array, with_decimal_points


@pytest.mark.parametrize(
    ("text", "shape", "numbers"),
    [
        ("[0.45 0.25]", (2,), ["0.45", "0.25"]),
        ("[0.45, 0.25]", (2,), ["0.45", "0.25"]),
        ("[ 0.45,-.25 ]", (2,), ["0.45", "-.25"]),
        ("tensor([0.4500, -0.2500])", (2,), ["0.4500", "-0.2500"]),
        ("array([1. , 2.5], dtype=float32)", (2,), ["1.", "2.5"]),
        ("np.array([1., 2.5])", (2,), ["1.", "2.5"]),
        ("tensor(0.5)", (), ["0.5"]),
        ("tensor(0.5000, grad_fn=<MseLossBackward0>)", (), ["0.5000"]),
        ("tensor([[1., 2., 3.],\n        [4., 5., 6.]], device='cuda:0', requires_grad=True)", (2, 3), None),
        ("Parameter containing:\ntensor([[0.5]], requires_grad=True)", (1, 1), ["0.5"]),
        ("[[1 2 3]\n [4 5 6]]", (2, 3), ["1", "2", "3", "4", "5", "6"]),
        ("[1 2; 3 4]", (2, 2), ["1", "2", "3", "4"]),
        ("[1; 2]", (2, 1), ["1", "2"]),
    ],
)
def test_arrays_as_programs_print_them(text: str, shape: tuple[int, ...], numbers: list[str] | None) -> None:
    found = read_array(text)
    assert is_array(text)
    assert found.shape == shape
    assert numbers is None or [number for _, number, _ in found.entries] == numbers
    assert all(text[at:].startswith(number) for _, number, at in found.entries)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1,,2]", "has a separator with no number before it"),
        ("[1, 2", "is an array whose brackets do not match"),
        ("tensor([1, 2]", "is an array whose brackets do not match"),
        ("[1, 2] 3", "is an array whose brackets do not match"),
        ("[[1, 2], [3]]", "is an array whose rows are not of one length"),
        ("[[1, 2], 3]", "is an array whose rows are not of one length"),
        ("[]", "is an array without numbers"),
    ],
)
def test_what_is_no_array(text: str, message: str) -> None:
    with pytest.raises(NumeralError, match=message):
        read_array(text)


@pytest.mark.parametrize(
    ("text", "commas"),
    [
        ("[0.45, 0.25]", ""),
        ("[1, 2]", ""),
        ("[1,2,3]", ""),
        ("[1,2]", "either"),
        ("[0,45 0,25]", "decimal"),
        ("[0,45; 0,25]", "decimal"),
        ("[0,45, 0,25]", "decimal"),
        ("[[0,5 0,7]\n [0,1 0,2]]", "decimal"),
        ("[[1,2],[3,4]]", "separating"),
        ("[[-1,2],[3,-4]]", "separating"),
        ("[[1.5,2],[3,4]]", "separating"),
        ("[[1.5,2], [3,4]]", "separating"),
        ("array([[1,2],[3,4]])", "separating"),
        ("[[1,2], [3,4]]", "either"),
        ("tensor(0,5)", "either"),
    ],
)
def test_what_the_commas_of_an_array_are(text: str, commas: str) -> None:
    assert commas_of(text) == commas


@pytest.mark.parametrize(
    "text", ["[1,2]", "[[1,2],[3,4]]", "[[1,2], [3,4]]", "[[1,2] [3,4]]", "[1,2 3,4]", "[1,2; 3,4]"]
)
def test_the_shape_tells_what_the_commas_are(text: str) -> None:
    """Read either way, an array gives only one of the two shapes; where neither is asked for, that tells nothing."""
    separated, decimal = read_array(text).shape, read_array(with_decimal_points(text)).shape
    assert commas_of(text, separated) == "separating"
    assert commas_of(text, decimal) == "decimal"
    assert commas_of(text, (5, 7)) == commas_of(text)
