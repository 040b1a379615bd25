"""Axes get other letters without a letter being captured by a sum, whatever the letters are."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Axis, Expr, Position, Reduce, Ref, free_axes, rename_axes
from tests.trees import value

SAMPLES = 2
AXES = tuple(Axis(letter, SAMPLES) for letter in "ijkm")
ROW, INNER, SUM, OTHER = AXES
VALUES = {"a": [3, 5], "b": [[7, 11], [13, 17]]}


def sums() -> st.SearchStrategy[Expr]:
    """Sums inside one another over few letters, also over one that is summed around them."""
    axis = st.sampled_from(AXES)
    leaves = st.one_of(st.builds(lambda i: Ref("a", (i,)), axis), st.builds(lambda i, j: Ref("b", (i, j)), axis, axis))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda op, x, y: Apply(op, (x, y)), st.sampled_from(("add", "mul")), inner, inner),
            st.builds(lambda body, axis: Reduce("sum", body, (axis,)), inner, axis),
            st.builds(lambda body, axes: Reduce("sum", body, tuple(axes)), inner, st.permutations(AXES[:2])),
        ),
        max_leaves=6,
    )


@given(sums(), st.lists(st.sampled_from(AXES), min_size=4, max_size=4), st.lists(st.integers(0, 1), min_size=4))
def test_an_expression_in_other_letters_has_the_same_value(expr: Expr, others: list[Axis], index: list[int]) -> None:
    names = dict(zip(AXES, others, strict=True))
    at = dict(zip(AXES, index, strict=False))
    renamed = rename_axes(expr, names)
    assert value(renamed, VALUES, at, SAMPLES) == value(expr, VALUES, {a: at[names[a]] for a in AXES}, SAMPLES)
    assert set(free_axes(renamed)) == {names[axis] for axis in free_axes(expr)}


def test_a_sum_gives_way_to_a_letter_that_comes_in() -> None:
    product = Apply("mul", (Ref("b", (ROW, SUM)), Ref("b", (INNER, SUM))))
    renamed = rename_axes(Reduce("sum", product, (SUM,)), {INNER: SUM})
    assert renamed == Reduce("sum", Apply("mul", (Ref("b", (ROW, INNER)), Ref("b", (SUM, INNER)))), (INNER,))
    assert value(renamed, VALUES, {ROW: 0, SUM: 1}, SAMPLES) == Fraction(7 * 13 + 11 * 17)


def test_a_sum_takes_the_letter_that_it_is_given_where_that_is_free() -> None:
    whole = Reduce("sum", Ref("b", (ROW, SUM)), (SUM,))
    assert rename_axes(whole, {SUM: OTHER}) == Reduce("sum", Ref("b", (ROW, OTHER)), (OTHER,))
    assert rename_axes(whole, {SUM: ROW}) == Reduce("sum", Ref("b", (ROW, INNER)), (INNER,))


def test_before_the_graph_is_built_a_name_may_be_a_letter() -> None:
    k, m = Axis("k"), Axis("m")
    body = Apply("mul", (Ref("k"), Ref("b", (k, m))))
    assert rename_axes(Reduce("sum", body, (m,)), {k: m}) == Reduce(
        "sum", Apply("mul", (Ref("m"), Ref("b", (m, Axis("i"))))), (Axis("i"),)
    )
    assert rename_axes(Position(ROW), {ROW: SUM}) == Position(SUM)


@given(sums())
def test_the_hash_is_that_of_an_equal_tree(tree: Expr) -> None:
    for again in (copy.deepcopy(tree), pickle.loads(pickle.dumps(tree))):
        assert again == tree
        assert {tree: 1}[again] == 1


def test_a_tree_from_another_process_is_found_here() -> None:
    """Hashes of texts differ from process to process, and so must those of trees."""
    tree = Reduce("sum", Apply("mul", (Ref("a", (ROW,)), Ref("b", (ROW, SUM)))), (SUM,))
    program = "import sys, pickle; sys.stdout.buffer.write(pickle.dumps(pickle.load(sys.stdin.buffer)))"
    done = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(tree), capture_output=True, check=True)
    assert {tree: 1}[pickle.loads(done.stdout)] == 1


def test_a_tree_of_any_depth_has_a_hash() -> None:
    deep: Expr = Ref("w")
    for _ in range(10 * sys.getrecursionlimit()):
        deep = Apply("sin", (deep,))
    assert isinstance(hash(deep), int)
