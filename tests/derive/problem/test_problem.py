from fractions import Fraction

from derive.problem.problem import Quantity


def test_a_quantity_of_floats_is_that_of_their_fractions() -> None:
    numbers = [0.1, -0.0, 2.0**-1074, 1e300]
    found = Quantity("w", (4,), ()).of_floats(numbers)
    plain = Quantity("w", (4,), tuple(map(Fraction, numbers)))
    assert found == plain
    assert list(map(str, found.floats)) == list(map(str, plain.floats))
    assert found.are_floats == plain.are_floats
