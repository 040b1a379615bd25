"""Every sentence that explains a wrong number or formula: said where it is so, and not where it is nearly so."""

from __future__ import annotations

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from tables.account import sentence
from tests.problems import EXPONENTIAL
from verify import audit
from verify.formulas.judge import judge_formula

FALLING = 'equations = "l = (w-3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 3\n'  # w = 1, 2, 2.5, 2.75
SLOW = FALLING.replace("0.25", "0.001")  # 1, 1.004, 1.007992
HELD = FALLING.replace("w = 1", "w = 3")  # nothing moves it
BATCHES = """
equations = "l = mean((w*x - 3)^2)"
[parameters]
w = 1
[data]
x = [1, 1]
[training]
lr = 0.25
batch_size = 1
epochs = 2
"""
FACTOR = 'equations = "l = sum(w*x)"\n[parameters]\nw = [2, 3, 5]\n[constants]\nx = [3, 4, 5]\n'
PATHS = 'equations = "y = w^2; z = y*w + y; l = z"\n[parameters]\nw = 2\n'  # ∂z/∂w alone is 4, dz/dw = 3·4 + 4 = 16
COARSE = EXPONENTIAL.replace("-1.7", "-1.2").replace("lr = 0.1", "lr = 1")  # by two digits nearly anything
POWER = 'equations = "r = w*x; s = r*r; l = s*s"\n[parameters]\nw = 1.33\n[constants]\nx = 1.33\n'
THIRDS = 'equations = "l = w/3"\n[parameters]\nw = 1\n[training]\nlr = 1\nsteps = 1\n'
THIRDS_IN_FLOAT32 = THIRDS.replace("lr = 1", 'lr = 1\ndtype = "float32"')
FROZEN = """
equations = "l = (v*w - 3)^2"
frozen = ["v"]
[parameters]
w = 2
v = 1
[training]
lr = 0.1
steps = 1
"""
FITTED = FROZEN.replace("w = 2", "w = 3")  # where the gradient is 0 by the loss, too


def said(problem: str, table: str) -> str:
    """All that is said of the numbers of a table."""
    found = audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')
    return "\n".join(sentence(found, finding) for finding in found.findings)


NUMBERS = [
    ("It is w before the update", (FALLING, "step,w\n1,1.0"), (FALLING, "step,w\n1,1.2")),
    ("It is w before the update, 2.0", (FALLING, "step,w\n1,2.0\n2,2.0"), (FALLING, "step,w\n1,2.0\n2,2.1")),
    ("It is w before the update", (FALLING, "step,w\n1,1"), (HELD, "step,w\n1,3\n2,3")),  # right: it does not move
    ("It is w before the update, 2.00", (FALLING, "step,w\n1,2.00\n2,2.0"), (FALLING, "step,w\n1,1.94\n2,2.0")),
    ("before the update", (FALLING, "step,w\n1,2.0\n2,2.0"), (SLOW, "step,w\n1,1.0\n2,1.000")),  # 1.0 may be 1.008
    ("It is the local partial of the line z", (PATHS, "step,dz/dw\n1,4"), (PATHS, "step,dz/dw\n1,5")),
    ("It is the local partial of the line z", (PATHS, "step,dz/dw\n1,4.0"), (PATHS, "step,dz/dw\n1,16")),
    ("It has the other sign", (FALLING, "step,delta w\n1,-1.0"), (FALLING, "step,delta w\n1,-1.1")),
    ("It has the other sign", (FALLING, "step,delta w\n1,-1.0"), (FALLING, "step,delta w\n1,0.9")),
    ("of its own row the loss is 1", (FALLING, "step,l,w\n1,3.5,2.0"), (FALLING, "step,l,w\n1,1.00,2.0")),
    ("of its own row the loss is", (FALLING, "step,l,w\n1,3.5,2.0"), (BATCHES, "step,l,w\n1,3.5,2.0")),
    ("All 3 numbers that are wrong where they stand are 2 times", (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,6,8,10"),
     (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,6,8,11")),
    ("numbers that are wrong where they stand are", (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,6,8,10"),
     (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,2,3,4")),  # 3/4, 4/5, 5/7 or another
    ("numbers that are wrong where they stand are", (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,6,8,10"),
     (FACTOR, "step,dl/dw[0],dl/dw[1],dl/dw[2]\n1,6,8,5")),  # of two it may be chance
    ("cut off: rounded it is", (EXPONENTIAL, "step,dl/dw\n1,-2.803"),
     (EXPONENTIAL, "step,dl/dw\n1,-2.802")),  # −2.80376
    ("rounded twice, to", (FALLING.replace("w = 1", "w = 1.4545"), "step,w_before\n1,1.46"),
     (FALLING.replace("w = 1", "w = 1.4535"), "step,w_before\n1,1.46")),
    ("the entry is frozen", (FROZEN, "step,dl/dv\n1,0"), (FROZEN, "step,dl/dw\n1,0")),
    ("the entry is frozen", (FROZEN, "step,dl/dv\n1,0"), (FROZEN, "step,dl/dv\n1,0.1")),
    ("the entry is frozen", (FROZEN, "step,dl/dv\n1,0"), (FITTED, "step,dl/dv\n1,0")),
    ("it follows from the numbers before it, as printed", (FALLING, "step,dl/dw,w\n1,-4,2.0\n2,-2.08,2.5"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.83")),
    ("it follows with numbers on the way rounded to", (EXPONENTIAL, "step,l,dl/dw\n1,0.947,-2.83"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.87")),
    ("these rest on one that is undecided", (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.83"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.4,1.1")),
    ("if an undecided number before it is right", (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.87"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.83")),
    ("it follows with numbers on the way cut off after 3 digits", (POWER, "step,l,dl/dw\n1,9.54,28.8"),
     (POWER, "step,l,dl/dw\n1,9.79,29.4")),
    ("; in float64 this is wrong", (THIRDS, "step,l\n1,0.33333334"), (THIRDS_IN_FLOAT32, "step,l\n1,0.33333334")),
    ("a correct float32 program may print it", (THIRDS, "step,l\n1,0.33333334"), (THIRDS, "step,l\n1,0.33333336")),
    ("it follows with numbers on the way rounded to 3 digits", (EXPONENTIAL, "step,l,dl/dw\n1,0.947,-2.83"),
     (EXPONENTIAL, "step,l,dl/dw\n1,0.941,-2.65")),
    ("it follows from the numbers before it, as printed", (FALLING, "step,dl/dw,w\n1,-4,2.0\n2,-2.08,2.5"),
     (FALLING, "step,dl/dw,w\n1,-4,2.0\n2,-2.28,2.5")),
    ("follows from step 1, w", (FALLING, "step,dl/dw,w\n1,-4,2.2\n2,-1.60,2.6"),
     (FALLING, "step,dl/dw,w\n1,-4,2.2\n2,-1.10,2.6")),
]  # fmt: skip


@pytest.mark.parametrize(("fragment", "true", "false"), NUMBERS)
def test_a_reason_of_a_number(fragment: str, true: tuple[str, str], false: tuple[str, str]) -> None:
    assert fragment in said(*true)
    assert fragment not in said(*false)


def judged(problem: str, name: str, text: str) -> str:
    found = load(problem)
    return judge_formula(found, differentiate(found.graph), name, text, Place("claim", None, 1, text)).sentence


TWO_WAYS = """
equations = "h = w*x; g = w^2; l = mean(h*y) + g + v*w"
[parameters]
w = 2
v = 3
[data]
x = [1, 2, 5]
y = [2, 7, 1]
[training]
lr = 0.1
batch_size = 2
"""

FORMULAS = [
    ("this is dl/dv", ("dl/dw", "w"), ("dl/dw", "w + v")),
    ("the path w → g → l is missing", ("dl/dw", "mean(x*y) + v"), ("dl/dw", "mean(x*y) + v + w")),
    ("the paths", ("dl/dw", "v"), ("dl/dw", "2*v")),
    ("it is 2 times the right one", ("dl/dv", "2*w"), ("dl/dv", "2*w + v - v^2/3")),
    ("it is -1 times the right one", ("dl/dw", "-mean(x*y) - 2*w - v"), ("dl/dw", "-mean(x*y) - 2*w + v")),
    ("it is n times the right one", ("dl/dh", "y"), ("dl/dh", "y + x")),
    ("it is 0", ("dl/dv", "0"), ("dl/dv", "0*w + v")),
    ("it is right at n = 2 only", ("dl/dh", "y/2"), ("dl/dh", "y/3")),
    ("for every n", ("dl/dh", "y/n"), ("dl/dh", "y/2")),
    ("except where v = 0", ("dl/dv", "w*v/v"), ("dl/dv", "w")),
    ("read as the local partial", ("partial.l.w", "v"), ("dl/dv", "w")),
]


@pytest.mark.parametrize(("fragment", "true", "false"), FORMULAS)
def test_a_reason_of_a_formula(fragment: str, true: tuple[str, str], false: tuple[str, str]) -> None:
    assert fragment in judged(TWO_WAYS, *true)
    assert fragment not in judged(TWO_WAYS, *false)
