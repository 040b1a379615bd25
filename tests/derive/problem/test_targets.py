"""Targets of the wrong kind are told in a note; labels that are no class are refused."""

import pytest

from derive.errors import DataError, EquationError
from derive.problem.loading import load
from tests.problems import LABELLED_LAYER, read

TEXT = """equations = 'l = {loss}'
[parameters]
w = 1
[data]
x = [1, 2]
y = {targets}
"""


def notes(loss: str, targets: str) -> tuple[str, ...]:
    return load(TEXT.format(loss=loss, targets=targets)).notes


@pytest.mark.parametrize(
    ("loss", "targets", "note"),
    [
        ("hinge(w*x, y)", "[1, 0]", "hinge expects targets of -1 and 1, and y has 0; write hinge(…, 2*y - 1)"),
        ("hinge(w*x, y)", "[1, 3]", "hinge expects targets of -1 and 1, and y has 3"),
        ("1 + hinge(w*x, y)/2", "[1, 0.5]", "hinge expects targets of -1 and 1, and y has 0.5"),
        ("bce(sigmoid(w*x), y)", "[-1, 1]", "bce expects targets from 0 to 1, and y has -1; write bce(…, (y + 1)/2)"),
        ("bce_with_logits(w*x, y)", "[0, 2]", "bce_with_logits expects targets from 0 to 1, and y has 2"),
    ],
)
def test_targets_of_another_kind(loss: str, targets: str, note: str) -> None:
    assert notes(loss, targets) == (note,)


def test_the_remedy_helps() -> None:
    assert notes("hinge(w*x, 2*y - 1)", "[1, 0]") == ()


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("hinge(w*x, y)", "[1, -1]"),
        ("bce(sigmoid(w*x), y)", "[0.5, 1]"),
        ("mse(w*x, y)", "[7, -9]"),
    ],
)
def test_targets_as_expected(loss: str, targets: str) -> None:
    assert notes(loss, targets) == ()


@pytest.mark.parametrize(
    ("targets", "noted"), [("[0, 2]", False), ("[[0, 1, 0], [0.5, 0.5, 0]]", False), ("[[0, 1, 3], [1, 0, 0]]", True)]
)
def test_class_labels_are_no_probabilities(targets: str, noted: bool) -> None:
    text = (
        "equations = 'l = cross_entropy(x@W, y)'\n[parameters]\nW = [[1, 2, 3], [3, 4, 5]]\n"
        f"[data]\nx = [[1, 2], [1, 2]]\ny = {targets}\n"
    )
    expected = ("cross_entropy expects targets from 0 to 1, and y has 3",)
    assert load(text).notes == (expected if noted else ())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            "[0, 2]",
            (
                r"^p\.toml:10:1: y\[1\] = 2 \(row 1, counted from 0\) is not a class label for l; expected whole "
                r"numbers from 0 to 1, for 2 classes\n"
            ),
        ),
        ("[-1, 0]", r"y\[0\] = -1 "),
        ("[0.5, 0]", r"y\[0\] = 0\.5 "),
        ("[1, 2]", r"y\[1\] = 2 .*; these count from 1: subtract 1"),
    ],
)
def test_refuses_labels_beyond_the_classes(labels: str, message: str) -> None:
    assert read(LABELLED_LAYER).data[1].values == (0, 1)
    with pytest.raises(DataError, match=message):
        read(LABELLED_LAYER.replace("[0, 1]", labels))


def test_labels_are_a_class_each() -> None:
    with pytest.raises(EquationError, match=r"the shape|classes|do not fit"):
        read(LABELLED_LAYER.replace("[0, 1]", "[[[0]], [[1]]]"))
