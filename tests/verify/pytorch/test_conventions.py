"""What the installed PyTorch takes at a kink, asked of it."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from derive.algebra.conventions import Kink, kinks
from derive.errors import SettingError
from derive.problem.loading import load
from verify import verify
from verify.pytorch import conventions
from verify.pytorch.conventions import gradients, way_of, with_conventions

CLIP = 'equations = "l = clip(w, 1, 2)"\n[parameters]\nw = 1\n'


@pytest.mark.parametrize("kink", kinks(), ids=lambda kink: " by ".join(kink.key))
def test_the_installed_version_takes_a_known_way(kink: Kink) -> None:
    way = way_of(kink)
    assert gradients(kink) == way.gradients
    assert conventions.version() in way.torch or not kink.varies


def test_a_number_is_given_to_pytorch_as_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    clamp = torch.clamp
    monkeypatch.setattr(torch, "clamp", lambda x, *edges: given.extend(edges) or clamp(x, *edges))
    with_conventions(load(CLIP))  # where tensors are asked about too
    given.clear()
    verify(CLIP.replace("1, 2", "-1/2, 2^3"))
    assert all(type(edge) is float for edge in given)
    assert given[-2:] == [-0.5, 8.0]


def test_a_way_that_is_not_known_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = next(kink for kink in kinks() if kink.key == ("clip", "numbers"))
    wrong = replace(clip.ways[0], gradients={"w": (Fraction(1, 3), Fraction(0))})
    monkeypatch.setattr(conventions, "of_lines", lambda _: (replace(clip, ways=(wrong, wrong)),))
    with pytest.raises(SettingError, match=r"takes a derivative that no known version takes: of l = sum\(clip") as told:
        verify(CLIP)
    assert "it has w = (" in str(told.value)
    assert "expected w = (0.333333, 0)" in str(told.value)


def test_it_is_kept_and_asked_only_where_an_operation_has_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Kink] = []
    monkeypatch.setattr(conventions, "gradients", lambda kink: asked.append(kink) or gradients(kink))
    way_of.cache_clear()
    verify('equations = "l = w^2"\n[parameters]\nw = 1\n')
    assert asked == []
    verify(CLIP)
    verify(CLIP)
    assert sorted(kink.key for kink in asked) == [kink.key for kink in kinks() if kink.operation == "clip"]


def test_a_problem_without_such_a_kink_stays_as_it_is() -> None:
    problem = load('equations = "l = relu(w)"\n[parameters]\nw = 1\n')
    assert with_conventions(problem) is problem


def test_what_is_switched_off_does_not_stop_the_question() -> None:
    way_of.cache_clear()
    with torch.no_grad():
        assert with_conventions(load(CLIP)).graph.conventions.torch == conventions.version()
