from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

from derive.algebra.operations import OPERATIONS
from derive.errors import Place
from derive.paper.syntax import read_expression
from verify.intervals import Tangents, pairs
from verify.numbers import CalculationError, Exact, as_ball, from_float, from_fraction, objects, precision

SMOOTH = (
    "x*y",
    "x/y",
    "x - y",
    "-x",
    "x^2",
    "x^3",
    "exp(x)",
    "log(x)",
    "sqrt(x)",
    "sin(x)",
    "tanh(x*y)",
    "sigmoid(x)*y",
)
SMOOTH += (
    "(x*y - 1)^2*x",
    "log1p(x^2)/(y + x)",
    "cos(x + y)/x^2",
    "erf(x) + expm1(y)",
    "2*x - 2*x",
    "x^-1",
    "sigmoid(x)*y",
)
KINKED = ("abs(x)", "max(x, y)", "relu(x)", "clip(x, 0, 1)", "where(x > y, x, y)", "sign(x)")


def evaluated(expr, system, names):  # type: ignore[no-untyped-def]
    """An expression in a number system."""
    kind = type(expr).__name__
    if kind == "Number":
        return system.constant(expr.value)
    if kind == "Ref":
        return names[expr.name]
    return system.apply(expr.op, tuple(evaluated(arg, system, names) for arg in expr.args))


def numbers(system: Tangents, mids: list[float], around: float) -> dict[str, np.ndarray]:
    made = system.made(pairs(np.array([mids]), around), np.eye(2))
    return {"x": made[:, 0], "y": made[:, 1]}


@how_many(deadline=None, max_examples=400)
@given(
    st.sampled_from(SMOOTH),
    st.tuples(st.floats(0.1, 3), st.floats(-3, 3)),
    st.sampled_from([0.0, 1e-9, 1e-3, 0.05]),
    st.lists(st.floats(-1, 1), min_size=4, max_size=4),
)
def test_a_number_moves_no_more_than_its_derivatives_say(
    text: str, at: tuple[float, float], around: float, shares: list[float]
) -> None:
    """Between any two places within the intervals, with exact numbers or balls of 200 bits beside them."""
    expr, system = read_expression(text, Place("a test", text=text)), Tangents(2)
    found = evaluated(expr, system, numbers(system, list(at), around))[0]
    ends = []
    for first, second in (shares[:2], shares[2:]):
        moved = zip(at, (first, second), strict=True)
        ends.append([from_float(mid) + from_float(share) * from_float(around) for mid, share in moved])
    with precision(200):
        try:
            named = [{name: objects([value], ()) for name, value in zip("xy", end, strict=True)} for end in ends]
            one, other = (as_ball(evaluated(expr, Exact(), names).item()) for names in named)
        except CalculationError:
            return
        if not np.isfinite(found["slope"]).all() or not (one.is_finite() and other.is_finite()):
            return
        far = [abs(as_ball(a - b)) for a, b in zip(*ends, strict=True)]
        most = sum(
            (
                as_ball(from_float(float(abs(slope)))) * by + as_ball(from_float(float(spread))) * by
                for slope, spread, by in zip(found["slope"], found["around"], far, strict=True)
            ),
            as_ball(from_fraction(Fraction(0))),
        )
        assert not abs(one - other) > most
        for value in (one, other):
            assert not abs(value - from_float(float(found["mid"]))) > from_float(float(found["rad"]))


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("x*y", (3.0, 2.0)),
        ("x^2/y", (4 / 3, -4 / 9)),
        ("exp(x)", (np.exp(2), 0)),
        ("2*x - 2*x", (0, 0)),
        ("x/x", (0, 0)),
    ],
)
def test_the_derivatives_at_a_point_are_sharp(text: str, slope: tuple[float, float]) -> None:
    system = Tangents(2)
    found = evaluated(read_expression(text, Place("a test", text=text)), system, numbers(system, [2.0, 3.0], 0.0))[0]
    assert found["slope"] == pytest.approx(slope, abs=1e-12)
    assert found["around"].max() < 1e-12


@pytest.mark.parametrize("text", KINKED)
def test_what_has_a_kink_tells_nothing_of_its_derivatives(text: str) -> None:
    system = Tangents(2)
    found = evaluated(read_expression(text, Place("a test", text=text)), system, numbers(system, [1.0, 2.0], 0.1))[0]
    assert np.isnan(found["slope"]).any()
    constant = {name: system.take(np.array([2.0])) for name in "xy"}
    assert not evaluated(read_expression(text, Place("a test", text=text)), system, constant)[0]["slope"].any()


def test_sums_add_derivatives_and_a_largest_number_has_none() -> None:
    system = Tangents(2)
    both = numbers(system, [2.0, 3.0], 0.1)
    row = np.stack([both["x"], both["y"], both["x"]], axis=-1)
    assert system.reduce("sum", row)["slope"].tolist() == [[2.0, 1.0]]
    assert np.isnan(system.reduce("max", row)["slope"]).all()
    assert np.isnan(system.share("max", row)["slope"]).all()
    constant = system.take(np.array([[1.0, 2.0]]))
    assert not system.reduce("max", constant)["slope"].any()
    assert not system.share("max", constant)["slope"].any()


def test_every_operation_is_one_of_the_table() -> None:
    texts = " ".join((*SMOOTH, *KINKED))
    assert {"exp", "tanh", "max", "where"} <= {name for name in OPERATIONS if name in texts}
