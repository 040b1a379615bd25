"""Tables of claims made of the oracle's numbers, in the forms that people have them, and what an audit says of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from random import Random
from typing import Any

import numpy as np

from tests.grammar import Drawn
from tests.oracle.numbers import BIG, Real
from tests.oracle.training import Step, Training
from verify import Audit, audit

FORMS = ("csv", "semicolons", "tabs", "markdown", "json", "rows", "tidy", "lines")
LEAST = BIG.mpf(10) ** -12  # a number that is no fraction and smaller may be 0
NEAR_HALF = Decimal("1e-60")


@dataclass(frozen=True)
class Claimed:
    """One number of a table: the step, or "predict", its name with the index of an entry, and the digits."""

    step: int | str
    name: str
    text: str

    def moved(self, by: int) -> Claimed:
        """The same with `by` units of its last digit added."""
        value = Decimal(self.text)
        return replace(self, text=str(value + Decimal((0, (1,), int(value.as_tuple().exponent))) * by))


def numbers_of(steps: Sequence[Step], training: Training) -> Iterator[tuple[int | str, str, Real]]:
    """Every number of a run, of the prediction too, that can be claimed: the step, what it is called, and the number.

    `steps` are those of the run.
    """
    loss = training.loss if training.seed is None else "L"
    for count, step in enumerate(steps, start=1):
        yield count, loss, step.loss
        shown = {**step.lines, **step.beside, **step.after}
        named = [(name, name, array) for name, array in shown.items()]
        named += [(name, f"d{loss}/d{name}", array) for name, array in step.gradients.items()]
        named += [(name, f"d{loss}/d{name}_clipped", array) for name, array in step.clipped.items()]
        named += [(name, f"d{loss}/d{name}", step.adjoints[name]) for name in step.lines if name != loss]
        for name, called, array in named:
            along = step.along.get(name, (False,) * array.ndim)
            for place in np.ndindex(array.shape if called not in ("until", loss) else 0):
                index = (str(step.rows[k] if own else k) for k, own in zip(place, along, strict=True))
                yield count, f"{called}[{','.join(index)}]" if place else called, array[place]
    if training.predict:
        for name, array in training.predicted(steps[-1].after).items():
            for place in np.ndindex(array.shape):
                yield "predict", f"{name}[{','.join(map(str, place))}]" if place else name, array[place]


def rounded(number: Real, digits: int) -> str | None:
    """The number with so many digits; None where it has no value, or where it may be 0, or half a unit away.

    (A number whose digits never end, and that may lie in the middle between two of fewer digits, nobody can round.)
    """
    if number.value is None or (not number.is_exact and abs(number.value) < LEAST):
        return None
    if number.value == 0:
        return f"{0:.{digits - 1}f}"
    with localcontext() as context:
        context.prec, context.rounding = 110, ROUND_HALF_EVEN
        if number.is_exact:
            value = Decimal(number.value.numerator) / Decimal(number.value.denominator)
        else:
            value = Decimal(BIG.nstr(number.value, 110, min_fixed=1, max_fixed=0))
        context.prec = digits
        short = +value
        context.prec = 110
        unit = Decimal((0, (1,), int(short.as_tuple().exponent)))
        if not number.is_exact and abs(abs(value - short) / unit - Decimal("0.5")) < NEAR_HALF:
            return None
        text = str(short)
    exponent = Decimal(text).adjusted()
    return f"{Decimal(text):f}" if -6 < exponent < digits else text


def claims_of(training: Training, random: Random, most: int = 12) -> list[Claimed]:
    """Some of the numbers of a run, each with two to eight digits."""
    found = [*numbers_of([*training.steps()], training)]
    chosen = random.sample(found, min(most, len(found)))
    texts = [(step, name, rounded(number, random.randint(2, 8))) for step, name, number in chosen]
    return [Claimed(step, name, text) for step, name, text in texts if text is not None]


def table(claims: Sequence[Claimed], form: str) -> Any:
    """The claims in a form: a text, or a list of rows."""
    if form == "tidy":
        rows = [["step", "quantity", "index", "value"]]
        for claim in claims:
            name, _, index = claim.name.rstrip("]").partition("[")
            rows.append([str(claim.step), name, index, claim.text])
        return _delimited(rows, ",")
    names = [*dict.fromkeys(claim.name for claim in claims)]
    by_step: dict[int | str, dict[str, str]] = {}
    for claim in sorted(claims, key=lambda claim: (isinstance(claim.step, str), claim.step)):
        by_step.setdefault(claim.step, {})[claim.name] = claim.text
    if form == "rows":
        return [{"step": step, **cells} for step, cells in by_step.items()]
    if form == "json":
        lines = (", ".join(f"{json.dumps(name)}: {text}" for name, text in cells.items()) for cells in by_step.values())
        listed = (f'{{"step": {json.dumps(step)}, {line}}}' for step, line in zip(by_step, lines, strict=True))
        return f"[{', '.join(listed)}]"
    if form == "lines":
        told = {k: " ".join(f"{name}={text}" for name, text in cells.items()) for k, cells in by_step.items()}
        return "\n".join(f"step={step} {line}" for step, line in told.items())
    rows = [["step", *names], *([str(k), *(cells.get(name, "") for name in names)] for k, cells in by_step.items())]
    if form == "markdown":
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return _delimited(rows, {"csv": ",", "semicolons": ";", "tabs": "\t"}[form])


def _delimited(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


def audited(drawn: Drawn, claims: Sequence[Claimed], form: str) -> Audit:
    """What an audit in float64 says of the claims, written in a form."""
    settings = {**drawn.settings, "dtype": "float64"}
    for flag in ("nodes", "first", "drift"):
        settings.pop(flag, None)
    written = table(claims, form)
    if isinstance(written, str):
        return audit(f"{drawn.text}[claims]\ntable = '''\n{written}\n'''\n", **settings)
    return audit(drawn.text, claims=written, **settings)


def faults(drawn: Drawn, training: Training, random: Random) -> Iterator[str]:
    """What is wrong with the audit of right numbers, and with that of the same table with one number moved."""
    claims = claims_of(training, random)
    if not claims:
        return
    form = random.choice(FORMS)
    yield from _not_right(f"{form}, all right", audited(drawn, claims, form), claims, None)
    place = random.randrange(len(claims))
    moved = claims[place].moved(random.choice((-9, -5, -2, 2, 5, 9)))
    yield from _not_right(form, audited(drawn, [*claims[:place], moved, *claims[place + 1 :]], form), claims, moved)


def _not_right(what: str, audit: Audit, claims: Sequence[Claimed], moved: Claimed | None) -> Iterator[str]:
    """A sentence for each number that has another status than it should have: `moved` alone is not right."""
    if len(audit.findings) != len(claims):
        yield f"{what}: {len(claims)} claims are read as {len(audit.findings)}; {audit.unread}"
    for finding in audit.findings:
        said = f"step {finding.cell.step}, {finding.cell.name} = {finding.claim.literal.text}"
        is_moved = moved is not None and finding.claim.literal.text == moved.text
        if finding.status.value != "right" and not is_moved:
            yield f"{what}: {said} is called {finding.status.value}: {finding.why} (moved: {moved})"
    if moved is not None and all(finding.status.value == "right" for finding in audit.findings):
        yield f"{what}: {moved} was moved, and all are called right"
