"""A table of right numbers in every form that people have, and the same with one number changed.

Whatever the form, the claims are the same and the changed number, alone, is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.problem.loading import Problem, load
from tests.tabled import ACROSS, FORMS, Table
from verify.auditing.pipeline import Audit, audit

TEXT = """
equations = "J = mean((w*x + b - y)^2)"
[parameters]
w = {w}
b = {b}
[data]
x = {x}
y = {y}
[training]
lr = 0.05
steps = 3
"""


def of_lines(line: str) -> Callable[[Table], str]:
    """A log whose lines are of a format, with {step} and the cells by their names."""

    def write(table: Table) -> str:
        return "\n".join(line.format(**dict(zip(map(plain, table[0]), row, strict=True))) for row in table[1:]) + "\n"

    return write


def plain(name: str) -> str:
    return name.replace("/", "_")


LOGS: Mapping[str, Callable[[Table], str]] = {
    "dashes": of_lines("Epoch {step}/3 - J: {J} - dJ/dw: {dJ_dw} - dJ/db: {dJ_db} - w: {w} - b: {b}"),
    "sentences": of_lines("After step {step}, J is {J}, grad w is {dJ_dw}, grad b is {dJ_db} and w {w}, b {b}."),
    "brackets": of_lines("[Iteration {step}] J={J} dJ/dw={dJ_dw} dJ/db={dJ_db} | w={w} b={b} (took 0.02s)"),
    "Keras": of_lines(
        "Epoch {step}/3\n1/1 - 0s - 9ms/step - J: {J} - dJ/dw: {dJ_dw} - dJ/db: {dJ_db} - w: {w} - b: {b}"
    ),
    "blocks": of_lines("--- epoch {step} ---\n  J {J}\n  dJ/dw {dJ_dw}\n  dJ/db {dJ_db}\n  w {w}\n  b {b}"),
    "tqdm": of_lines(
        "Epoch {step}: 100%|████| 1/1 [00:00<00:00, 9.5it/s, J={J}, dJ/dw={dJ_dw}, dJ/db={dJ_db}, w={w}, b={b}]"
    ),
    "PyTorch": of_lines("Epoch [{step}/3], Step [1/1], J: {J}, dJ/dw: {dJ_dw}, dJ/db: {dJ_db}, w: {w}, b: {b}"),
}
_NUMBERS = "J: {J}, dJ/dw: {dJ_dw}, dJ/db: {dJ_db}, w: {w}, b: {b}"
LOGS = {
    **LOGS,
    "PyTorch's first tutorial": of_lines("[{step},     1] " + _NUMBERS),
    "PyTorch's language model": of_lines(
        "| epoch   {step} |     1/    1 batches | ms/batch  2.31 | J {J} | dJ/dw {dJ_dw} | dJ/db {dJ_db} | "
        "w  {w} | b  {b}"
    ),
    "tqdm, before its bar": of_lines(
        "Epoch {step} J={J}, dJ/dw={dJ_dw}, dJ/db={dJ_db}, w={w}, b={b}: 100%|██| 1/1 [00:00<00:00, 88.21it/s]"
    ),
    "loguru": of_lines("2024-05-17 13:02:11.123 | INFO     | __main__:train:42 - Epoch {step} | " + _NUMBERS),
    "arrow": of_lines("Epoch {step} -> " + _NUMBERS + ", ETA: 0:00:03, accuracy: 98.2 %"),
    "NumPy": of_lines(
        "step={step} J=np.float64({J}) dJ/dw=np.float32({dJ_dw}) dJ/db=np.float64({dJ_db}) w=np.float64({w}) b={b} "
        "eta 0:00:04"
    ),
    "NumPy in dicts": of_lines(
        "{{'step': np.int64({step}), 'J': np.float64({J}), 'dJ/dw': {dJ_dw}, 'dJ/db': {dJ_db}, 'w': np.float32({w}), "
        "'b': {b}}}"
    ),
}
LOGS = {
    **LOGS,
    **{
        f"after {lead.format(step=1)}": of_lines(f"{lead} {_NUMBERS}")
        for lead in ("[{step}]", "({step})", "{step})", "{step}.", "{step}:", "#{step}", "{step} -", "{step} |")
    },
    "print(step, ...)": of_lines("{step} J {J} dJ/dw {dJ_dw} dJ/db {dJ_db} w {w} b {b}"),
}
ALL = {**FORMS, **ACROSS, **LOGS}


@st.composite
def right_tables(draw: st.DrawFn) -> tuple[Problem, list[list[str]]]:
    """A line fitted in three steps, as a plain loop has it, to seven digits."""
    tenths = st.integers(-30, 30).map(lambda n: n / 10)
    x = draw(st.lists(tenths, min_size=2, max_size=4))
    y = draw(st.lists(tenths, min_size=len(x), max_size=len(x)))
    w, b = draw(tenths), draw(tenths)
    problem = load(TEXT.format(w=w, b=b, x=x, y=y))
    rows = [["step", "J", "dJ/dw", "dJ/db", "w", "b"]]
    for step in (1, 2, 3):
        off = [w * one + b - other for one, other in zip(x, y, strict=True)]
        dw = sum(2 * o * one for o, one in zip(off, x, strict=True)) / len(x)
        db = sum(2 * o for o in off) / len(x)
        loss = sum(o * o for o in off) / len(x)
        w, b = w - 0.05 * dw, b - 0.05 * db
        rows.append([str(step), *(f"{number:.7g}" for number in (loss, dw, db, w, b))])
    return problem, rows


def audited(problem: Problem, text: str) -> Audit:
    with TemporaryDirectory() as folder:
        file = Path(folder, "claims.txt")
        file.write_text(text, encoding="utf-8")
        found = audit(problem, claims=file)
    assert not found.unread
    return found


def judged(found: Audit) -> list[tuple[int, str, str, str]]:
    return [(one.cell.step, one.cell.name, one.claim.literal.text, one.status.value) for one in found.findings]


@settings(max_examples=25)
@given(right_tables(), st.sampled_from(list(ALL)), st.integers(1, 3), st.integers(1, 5))
def test_in_every_form_the_claims_are_the_same_and_a_changed_number_alone_is_wrong(
    given_: tuple[Problem, list[list[str]]], form: str, step: int, column: int
) -> None:
    problem, table = given_
    right = audited(problem, ALL[form](table))
    assert judged(right) == judged(audited(problem, FORMS["CSV"](table)))
    assert right.exit_status == 0, judged(right)
    number = float(table[step][column])
    changed = [list(row) for row in table]
    changed[step][column] = f"{number * 1.01 + 0.01:.7g}"
    spoilt = audited(problem, ALL[form](changed))
    assert judged(spoilt) == judged(audited(problem, FORMS["CSV"](changed)))
    wrong = [(one.cell.step, one.cell.name) for one in spoilt.findings if one.status.is_refused]
    assert wrong == [(step, {"J": "loss"}.get(table[0][column], table[0][column]))]
    assert spoilt.exit_status == 1


@pytest.mark.parametrize("form", ALL)
def test_and_each_of_them_once(form: str) -> None:
    problem = load(TEXT.format(w=1, b=0.5, x=[1, 2, 3], y=[3, 4, 6]))
    row = ["1", "2.25", "-6.333333", "-2.666667", "1.316667", "0.6333333"]
    table = [["step", "J", "dJ/dw", "dJ/db", "w", "b"], row]
    found = audited(problem, ALL[form](table))
    assert judged(found) == judged(audited(problem, FORMS["CSV"](table)))
    assert len(found.findings) == 5
