"""What an audit works on: a problem with the settings of its run, its cells, and claims about them."""

from __future__ import annotations

from fractions import Fraction

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import read_literal
from verify.numbers import Exactly, to_fraction

PLACE = Place("claims.csv")

# w ← w − (1/4)·2·(w − 3): from 1 on 2, 5/2, 11/4, … ; the loss is (w − 3)²
HALVING = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 4\n'
# two batches, of two samples and of one
UNEVEN = """\
equations = \"\"\"
p = w*x
l = mean((p - y)^2)
\"\"\"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [3, 2, 4]
[training]
lr = 0.1
batch_size = 2
epochs = 2
[watch]
size = "w^2 + 1"
"""


def audited(text: str, **settings: object) -> Run:
    """The problem of a text, as the audit goes through it."""
    problem = load(text)
    chosen = effective(problem, settings)
    return Run(problem, differentiate(problem.graph), chosen)


def cell(step: int, group: str, name: str, *entry: int, position: tuple[int, ...] | None = None) -> Cell:
    """A number of a step; `position` where the row of the data stands elsewhere in its batch."""
    return Cell(step, Quantity(group, name, name), entry, entry if position is None else position)


def claim(about: Cell, text: str) -> Claim:
    """What somebody says that a number is."""
    return Claim(about, read_literal(text), PLACE)


def fraction(value: Exactly) -> Fraction:
    """A number that is a fraction, as Python's."""
    found = to_fraction(value)
    assert found is not None
    return found
