"""Logs in free words: any name of the problem, words that say it is so, and a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table

RUN = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nepochs = 12\n"
)
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
NAMES = {
    "loss": "loss",
    "w": "w",
    "b": "b",
    "dl/dw": "dl/dw",
    "grad b": "dl/db",
    "the gradient of w": "dl/dw",
    "lr": "lr",
}
SAYS = [
    *("{n} = {v}", "{n}: {v}", "{n}={v}", "{n} {v}", "{n} is {v}", "{n} was {v}", "{n} became {v}", "{n} becomes {v}"),
    *("{n} equals {v}", "{n} is now {v}", "{n} := {v}", "{n} <- {v}", "{n} → {v}", "{n} ≈ {v}", "{n} comes to {v}"),
    *("we get {n} = {v}", "so {n} = {v}", "giving {n} {v}"),
]
COUNTS = [
    *(
        "step {k}",
        "Step {k}",
        "step={k}",
        "iteration no. {k}",
        "after {k} steps",
        "After {k} iterations",
        "{k}. iteration",
    ),
    *("the {o} step", "In the {o} epoch", "after epoch {k}", "[{k}/12]", "Epoch [{k}/12]", "{k}th step"),
]
AT = ["{n} at step {k} is {v}", "{n} after epoch {k}: {v}", "{n} in the {o} step = {v}", "{n} after {k} steps is {v}"]
NUMBERS = st.sampled_from(["0.5", "-2.75", "3.0", "1e-3", "64.6", "0.26.."])
BETWEEN = [" and ", ", ", "; ", " | ", ", then ", ", and "]


@given(
    st.sampled_from(COUNTS),
    st.sampled_from([": ", ", ", " - ", " | ", " -> ", "; "]),
    st.lists(st.sampled_from(list(NAMES)), min_size=1, max_size=4, unique_by=NAMES.__getitem__),
    st.lists(st.sampled_from(SAYS), min_size=4, max_size=4),
    st.sampled_from(BETWEEN),
    st.sampled_from(["", "."]),
    st.lists(st.integers(1, 10), min_size=1, max_size=4, unique=True),
    st.booleans(),
    st.data(),
)
def test_rows_in_free_words_are_read_back(
    count: str,
    after: str,
    names: list[str],
    says: list[str],
    between: str,
    end: str,
    steps: list[int],
    is_last: bool,
    data: st.DataObject,
) -> None:
    lines, expected = [], set()
    for k in sorted(steps):
        numbers = [data.draw(NUMBERS) for _ in names]
        parts = [one.format(n=name, v=text) for name, text, one in zip(names, numbers, says, strict=False)]
        where = count.format(k=k, o=ORDINALS[k - 1])
        line = between.join(parts)
        lines.append(f"{line} ({where})" if is_last and "[" not in where else f"{where}{after}{line}{end}")
        expected |= {(k, NAMES[name], text) for name, text in zip(names, numbers, strict=True)}
    found = {(step, name, text) for step, _, name, text in claimed("\n".join(lines) + "\n", RUN)}
    assert found == expected


@given(
    st.sampled_from(AT), st.sampled_from(list(NAMES)), st.lists(st.integers(1, 10), min_size=1, unique=True), st.data()
)
def test_a_name_whose_number_stands_behind_its_step(
    form: str, name: str, steps: list[int], data: st.DataObject
) -> None:
    numbers = {k: data.draw(NUMBERS) for k in steps}
    text = "".join(form.format(n=name, k=k, o=ORDINALS[k - 1], v=number) + "\n" for k, number in numbers.items())
    found = [(step, called, number) for step, _, called, number in claimed(text, RUN)]
    assert found == [(k, NAMES[name], number) for k, number in numbers.items()]


@given(
    st.sampled_from(["shrank towards", "is off by", "fell by", "times", "plus or minus", "is not", "minus", "exceeds"]),
    st.sampled_from(["w", "loss", "dl/dw"]),
    st.integers(1, 9),
)
def test_words_that_say_something_else_claim_nothing(words: str, name: str, step: int) -> None:
    """Half a sentence would be another claim than its author's."""
    line = f"step {step}: {name} {words} 0.5"
    with pytest.raises(ClaimError, match=rf"t:1:{len('step 1: ') + 1}: ") as raised:
        read_table(f"{line}\n", "t", RUN)
    assert f"'{name}" in str(raised.value)


def test_from_one_number_to_another() -> None:
    text = "step 1: w changes from 1.0 to 1.38\nstep 2: w from 1.38 to 1.46, b goes from 0 to 0.2.\n"
    assert claimed(text, RUN) == [
        *((1, "before", "w_before", "1.0"), (1, "after", "w", "1.38"), (2, "before", "w_before", "1.38")),
        *((2, "after", "w", "1.46"), (2, "before", "b_before", "0"), (2, "after", "b", "0.2")),
    ]
    with pytest.raises(ClaimError, match="unknown quantity 'loss_before'"):
        claimed("step 1: loss falls from 4 to 3\n", RUN)


@pytest.mark.parametrize("words", ["After the last step", "In the final epoch", "At the next iteration", "Each step"])
def test_a_step_without_its_number_is_not_the_first(words: str) -> None:
    """It was read as the step 1, by the row."""
    with pytest.raises(ClaimError, match="has no number; write which one it is, such as step 5"):
        claimed(f"{words}, w = 0.5\n", RUN)
    assert claimed("After the third step, w = 0.5\n", RUN) == [(3, "after", "w", "0.5")]


@pytest.mark.parametrize("eta", ["ETA 3s", "eta: 2 min", "ETA: 1h 20m", "eta 0:00:04", "ETA=12 seconds"])
def test_how_long_it_will_take_is_no_learning_rate(eta: str) -> None:
    reading = read_table(f"epoch 1  {eta}  loss 64.6\nepoch 2  {eta}  loss 3\n", "t", RUN)
    assert [(one.cell.step, one.cell.name) for one in reading.claims] == [(1, "loss"), (2, "loss")]
    assert not reading.unread
    assert claimed("epoch 1, eta 0.1\n", RUN) == [(1, "setting", "lr", "0.1")]


def test_a_parameter_that_is_a_small_word() -> None:
    run = timeline_of(
        'equations = "l = mean((a*x + s - y)^2)"\n[parameters]\na = 1\ns = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
        "[training]\nlr = 0.1\nepochs = 12\n"
    )
    found = claimed("step 1: a is 0.5 and s became 3\n", run)
    assert [(name, text) for _, _, name, text in found] == [("a", "0.5"), ("s", "3")]
