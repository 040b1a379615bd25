"""Probabilities given to a loss of scores: what is told, where it is not, and that PyTorch does so."""

import pytest
import torch

from derive.paper.lines import read_lines
from derive.problem.loading import load
from derive.problem.targets import score_notes

SOFTMAX = "p[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m)"


def told(text: str) -> str:
    return " ".join(score_notes(read_lines(text)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "p = softmax(X@W + b); l = cross_entropy(p, t)",
            "it is given 'p', which is a softmax already, and so softmax is",
        ),
        (
            "l = cross_entropy(softmax(z), t)",
            "is applied a second time, here and in PyTorch; give it what softmax is taken of, z",
        ),
        ("p = softmax(z); q = p; l = cross_entropy(q, t)", "it is given 'q', which is a softmax already"),
        (
            f"{SOFTMAX}; l = cross_entropy(p, t)",
            "as torch.nn.CrossEntropyLoss does; it is given 'p', which is a softmax",
        ),
        ("l = cross_entropy(sigmoid(z), t)", "softmax is applied to the sigmoid, here and in PyTorch"),
        (
            "o = σ(w*x); l = bce_with_logits(o, y)",
            "sigmoid is applied a second time, here and in PyTorch; write bce for",
        ),
        (
            "o = 1/(1 + exp(-z)); l = bce_with_logits(o, y)",
            "as torch.nn.BCEWithLogitsLoss does; it is given 'o', which is a",
        ),
    ],
)
def test_probabilities_for_scores_are_told(text: str, said: str) -> None:
    assert said in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "z = X@W + b; l = cross_entropy(z, t)",
        "l = cross_entropy(log_softmax(z), t)",  # the same loss: log_softmax of it is itself
        "p = softmax(z); l = -mean(log(pick(p, t)))",
        "p = sigmoid(z); l = bce(p, y)",
        "p = softmax(z); l = cross_entropy(2*p, t)",
        "p[i,k] = exp(z[i,k])/sum(exp(z[m,k]), m); l = cross_entropy(q, t)",
        "p[i,k] = exp(z[i,k])/sum(exp(v[i,m]), m); l = cross_entropy(p, t)",
        "o = 1/(1 + exp(z)); l = bce_with_logits(o, y)",
        "o = 2/(1 + exp(-z)); l = bce_with_logits(o, y)",
    ],
)
def test_nothing_is_told_of_other_scores(text: str) -> None:
    assert told(text) == ""


def test_a_file_is_told_of_too() -> None:
    lines = 'equations = ["p = softmax(z)", "l = cross_entropy(p, y)"]'
    notes = load(f"{lines}\n[parameters]\nz = [1, 2]\n[constants]\ny = 0\n").notes
    assert any("softmax is applied a second time" in note for note in notes)


def test_pytorch_applies_it_once_more() -> None:
    z, t = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64), torch.tensor([2])
    p = torch.softmax(z, 1)
    again = -torch.log(torch.softmax(p, 1))[0, 2]
    assert torch.isclose(torch.nn.CrossEntropyLoss()(p, t), again, rtol=1e-12)
    o, y = torch.sigmoid(z), torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    twice = torch.nn.BCELoss()(torch.sigmoid(o), y)
    assert torch.isclose(torch.nn.BCEWithLogitsLoss()(o, y), twice, rtol=1e-12)
