"""NaN of PyTorch alone, from the side of `where` that is not chosen: told where it is so, and only there."""

import pytest

from verify import Outcome, verify

TOLD = "is nan in PyTorch alone: it multiplies the derivative of the side of where that is not chosen by 0"


def notes(equation: str, parameters: str, dtype: str = "float32", **settings: object) -> tuple[str, ...]:
    text = f'equations = "{equation}"\n[parameters]\n{parameters}\n'
    result = verify(text, dtype=dtype, **settings)
    assert result.verdict.outcome is not Outcome.DISAGREES
    return tuple(note for note in result.comparison.kink_notes if "PyTorch alone" in note)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("equation", "w"),
    [
        ("l = where(w > 0, 1/w, w)", "0"),
        ("l = where(w != 0, 1/w, w)", "0"),
        ("l = where(w > 0, sqrt(w), 0*w)", "-1"),
        ("l = 2*where(w > 0, w, where(w == 0, 3*w, 1/w))^2 + w", "0"),
        ("l = sum(where(w > 0, log(w)^2, w))", "[0, 2, -1]"),
    ],
)
def test_it_is_told_as_pytorch_s(equation: str, w: str, dtype: str) -> None:
    (told,) = notes(equation, f"w = {w}", dtype)
    assert told.startswith(f"step 1 (epoch 1, batch 1): dl/dw {TOLD}")


@pytest.mark.parametrize(
    ("equation", "parameters"),
    [
        ("l = where(w > 0, 3*w, w)", "w = 0"),  # nothing is NaN
        ("l = where(w > 0, w, sqrt(w*w))", "w = 0"),  # the side that is chosen has no derivative
        ("l = where(w > 0, w, sqrt(w))", "w = -1"),  # it has no value
        ("l = where(w > 1, w, 2*w) + sqrt(w*w)", "w = 0"),  # NaN from elsewhere
        ("l = where(w > 0, w^b, w) + sqrt(w*w)", "w = 0\nb = 2"),
    ],
)
def test_it_is_not_told_of_anything_else(equation: str, parameters: str) -> None:
    assert notes(equation, parameters) == ()


def test_it_is_told_of_the_step_where_it_happens() -> None:
    text = 'equations = "l = where(w > 0, 1/w, w)"\n[parameters]\nw = -1\n[training]\nlr = -1\nsteps = 3\n'
    text = text.replace("lr = -1", "lr = 1").replace("w)", "-w)")
    (note,) = [note for note in verify(text).comparison.kink_notes if "alone" in note]
    assert note.startswith("step 2 (epoch 2, batch 1): dl/dw")
