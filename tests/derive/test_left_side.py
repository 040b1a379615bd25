"""The indices on the left and those on the right are the same."""

import pytest

from derive.errors import EquationError
from derive.graph.graph import build
from derive.paper.lines import read_lines

SHAPES = {"x": (4, 3), "W": (3, 2)}


@pytest.mark.parametrize(("left", "sizes"), [("z[i,k]", [4, 2]), ("z[k,i]", [2, 4])])
def test_the_left_side_orders_the_axes(left: str, sizes: list[int]) -> None:
    graph = build(read_lines(f"{left} = sum(x[i,j]*W[j,k], j)\nl = sum(z)"), parameters=SHAPES)
    assert [axis.size for axis in graph.by_name["z"].axes] == sizes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "z[i,k] = x[i,j]*W[j,k]",
            "runs over i, j, k, sizes (4, 3, 2); expected the same indices: sum over j, or name it on the left",
        ),
        (
            "z[i,k] = sum(x[i,j]*W[j,k])",
            "is one number; without its index a sum or a mean is over all of them: write sum(…, j)",
        ),
        (
            "z[i,k] = sum(x[i,j], j)*sum(W)",
            "runs over i, sizes (4,); expected the same indices; k does not occur on the right",
        ),
        (
            "z[i,i] = sum(x[i,j]*W[j,0], j)",
            "runs over i, sizes (4,); name each once",
        ),
    ],
)
def test_other_indices_are_refused(line: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        build(read_lines(f"{line}\nl = sum(z)"), parameters=SHAPES)
    assert caught.value.message == f"{line[:6]}: the right side {message}"
