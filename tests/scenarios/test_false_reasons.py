"""Every sentence that explains a wrong number or formula: said where it is so, and not where it is nearly so."""

from __future__ import annotations

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from tables.account import sentence
from tests.problems import DENSE, EXPONENTIAL
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
ADDED_BACKWARDS = """
equations = "a = w*x; c = a*v; d = c - y; e = d^2; l = mean(e)"
[parameters]
w = 0.1
v = 1.3
[data]
x = [3.7, 0.2, 1.8, 1.9]
y = [-3.3, -1.6, -0.3, -0.8]
[training]
lr = 0.05
epochs = 2
"""
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

BESIDE_POWER = POWER.replace("l = s*s", "p = 2*w/3; l = s*s")  # p = 0.88667
NEAR = FALLING.replace("w = 1", "w = 0.96").replace("0.25", "0.0175")  # 1.0314 after a step, which is 1.0 as well
WITH_X = FALLING.replace("w-3", "w-x").replace("[training]", "[constants]\nx = 3.0\n[training]")
ABOUT_X = f'rounded = ["x"]\n{WITH_X}'
KINK = """
equations = "h = relu(w*x); l = 2*h"
[parameters]
w = 0
[constants]
x = 3
[training]
lr = 0.1
steps = 1
"""
BESIDE = KINK.replace("w = 0", "w = 1")
MEASURED = """
equations = "l = w*x"
[parameters]
w = 2
[constants]
x = 1.3
[training]
lr = 0.1
steps = 1
"""
TWO_MEASURED = MEASURED.replace("w*x", "w*x + y").replace("x = 1.3", "x = 1.3\ny = 0.5")
ROUNDED = f'rounded = ["x"]\n{MEASURED}'
FINE = ROUNDED.replace("1.3", "1.350")
FINER = ROUNDED.replace("w = 2", "w = 7.9").replace("1.3", "0.3423")  # 2.70417, from 2.703775 to 2.704565
AROUND_0 = ROUNDED.replace("w*x", "w*(x - 1.3)")
POLE = ROUNDED.replace("w*x", "w/(x - 1.32)")
OVERFLOWS = """
equations = "l = (w*x)^2"
[parameters]
w = 1e18
[constants]
x = 1000
[training]
lr = 0.1
steps = 1
dtype = "float32"
"""
LOGARITHM = """
equations = "l = mean((log(w*x) - y)^2)"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [-30, -40, -20]
[training]
lr = 0.1
batch_size = 2
"""
HALF = 'equations = "l = sqrt(w)*sqrt(w)"\n[parameters]\nw = 2.5\n[training]\nlr = 0.1\nsteps = 1\n'
HALF_RATE = FALLING.replace("lr = 0.25", 'lr = "sqrt(2.5)*sqrt(2.5) + 0*t"')
CHAOS = """
equations = "l = w^2/2 - 3.9*(w^2/2 - w^3/3)"
[parameters]
w = 0.3
[training]
lr = 1
steps = 48
dtype = "float64"
"""  # w = 3.9·w·(1 − w): 0.095545367890754 after 48 steps, of which float64 gets 0.0955394
FORTY = CHAOS.replace("48", "40")
CANCELS = """
equations = "c = w + 100000000; l = c - 100000000"
[parameters]
w = 0.3
[training]
lr = 0.01
steps = 1
dtype = "float32"
"""
APART = """
rounded = ["x"]
equations = "p = abs(x - 2); l = w + p - p"
[parameters]
w = 5
[constants]
x = 2.0
[training]
lr = 0.1
steps = 1
"""


def said(problem: str, table: str) -> str:
    """All that is said of the numbers of a table."""
    found = audit(f'{problem}[claims]\ntable = """\n{table}\n"""\n')
    return "\n".join(sentence(found, finding) for finding in found.findings)


TWO_LINES = 'rounded = ["x"]\nequations = "a = w*x; l = a^2"\n[parameters]\nw = 1\n[constants]\nx = 1.3\n'
QUARTIC = 'equations = "l = (w - 3)^4"\n[parameters]\nw = 2\n[training]\nlr = 0.01\nsteps = 300000\n'
TIE_BESIDE = (
    'equations = "q = sqrt(w)*sqrt(w); h = log(w - 5); l = q + 0*h"\n[parameters]\nw = 2.5\n'  # 2.5, and no number
)

NUMBERS = [
    ("inputs that are printed so may give it, but", (TWO_LINES, "step,a,l\n1,1.30,1.80"),
     (TWO_LINES, "step,a,l\n1,1.34,1.80")),  # 1.80 of 1.34
    ("inputs that are printed so may give it, but", (TWO_LINES, "step,a,l\n1,1.30,1.80"),
     (TWO_LINES, "step,a,l\n1,1.30,1.90")),  # none gives it
    ("inputs that are printed so may give it, but", (TWO_LINES, "step,a,l\n1,1.30,1.80"),
     (TWO_LINES, "step,l\n1,1.80")),
    ("a run of 300,000 steps that are not linear in the parameters is out of reach", (QUARTIC, "step,w\n300000,5"),
     (QUARTIC.replace("^4", "^2"), "step,w\n300000,5")),
    ("a run of 200,001 steps that are not linear", (QUARTIC, "step,w\n200001,5"), (QUARTIC, "step,w\n1,5")),
    ("its digits are not decided with", (TIE_BESIDE, "step,q,h\n1,3,5"), (TIE_BESIDE, "step,h\n1,5")),
    ("has no real value, in line h", (TIE_BESIDE, "step,q,h\n1,3,5"), (TIE_BESIDE, "step,q\n1,3")),
    ("It is w before the update", (FALLING, "step,w\n1,1.0"), (FALLING, "step,w\n1,1.2")),
    ("It is w before the update, 2.0", (FALLING, "step,w\n1,2.0\n2,2.0"), (FALLING, "step,w\n1,2.0\n2,2.1")),
    ("It is w before the update", (FALLING, "step,w\n1,1"), (HELD, "step,w\n1,3\n2,3")),  # right: it does not move
    ("It is w before the update, 2.00", (FALLING, "step,w\n1,2.00\n2,2.0"), (FALLING, "step,w\n1,1.94\n2,2.0")),
    ("before the update", (FALLING, "step,w\n1,2.0\n2,2.0"), (SLOW, "step,w\n1,1.0\n2,1.000")),  # 1.0 may be 1.008
    ("It is the local partial of the line z", (PATHS, "step,dz/dw\n1,4"), (PATHS, "step,dz/dw\n1,5")),
    ("It is the local partial of the line z", (PATHS, "step,dz/dw\n1,4.0"), (PATHS, "step,dz/dw\n1,16")),
    ("It has the other sign", (FALLING, "step,delta w\n1,-1.0"), (FALLING, "step,delta w\n1,-1.1")),
    ("It has the other sign", (FALLING, "step,delta w\n1,-1.0"), (FALLING, "step,delta w\n1,0.9")),
    ("after its step the loss is 1", (FALLING, "step,l,w\n1,3.5,2.0"), (FALLING, "step,l,w\n1,1.00,2.0")),
    ("after its step the loss is", (FALLING, "step,l,w\n1,3.5,2.0"), (BATCHES, "step,l,w\n1,3.5,2.0")),
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
    ("it follows from the numbers before it, as printed", (NEAR, "step,dl/dw,w\n1,-4.08,1.0\n2,-4.0,1.1"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.83")),
    ("it follows with numbers on the way rounded to", (EXPONENTIAL, "step,l,dl/dw\n1,0.947,-2.83"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.87")),
    ("these rest on one that is undecided", (COARSE, "step,l,dl/dw,w\n1,0.69,-1.1,0.83"),
     (COARSE, "step,l,dl/dw,w\n1,0.69,-1.4,1.1")),
    ("if an undecided number before it is right", (ADDED_BACKWARDS, "step,l,dl/dw,w\n1,4.5,12,-0.50\n2,0.98,0.5,-0.53"),
     (ADDED_BACKWARDS, "step,l,dl/dw,w\n1,4.5,12,-0.50\n2,1.3,0.7,-0.56")),
    ("though no way that was tried does", (ADDED_BACKWARDS, "step,l,dl/dw,w\n1,4.5,12,-0.50\n2,0.98,0.5,-0.53"),
     (EXPONENTIAL, "step,l,dl/dw\n1,0.947,-2.83")),
    ("it follows with numbers on the way cut off after 3 digits", (POWER, "step,l,dl/dw\n1,9.54,28.8"),
     (POWER, "step,l,dl/dw\n1,9.79,29.4")),
    ("; in float64 this is wrong", (THIRDS, "step,l\n1,0.33333334"), (THIRDS_IN_FLOAT32, "step,l\n1,0.33333334")),
    ("a correct float32 program may print it", (THIRDS, "step,l\n1,0.33333334"), (THIRDS, "step,l\n1,0.33333336")),
    ("it follows with numbers on the way rounded to 3 digits", (EXPONENTIAL, "step,l,dl/dw\n1,0.947,-2.83"),
     (EXPONENTIAL, "step,l,dl/dw\n1,0.941,-2.65")),
    ("it follows from the numbers before it, as printed", (NEAR, "step,dl/dw,w\n1,-4.08,1.0\n2,-4.0,1.1"),
     (NEAR, "step,dl/dw,w\n1,-4.08,1.0\n2,-4.2,1.1")),
    ("follows from step 1, w", (FALLING, "step,dl/dw,w\n1,-4,2.2\n2,-1.60,2.6"),
     (FALLING, "step,dl/dw,w\n1,-4,2.2\n2,-1.10,2.9")),
    ("It is w before the update", (NEAR, "step,w_before,w\n1,0.96,0.96"), (NEAR, "step,w_before,w\n1,1.0,1.00")),
    ("after its step the loss is", (FALLING, "step,l,w\n1,3.5,2.0"), (FALLING, "step,l,w\n1,1.05,2.0")),  # 1.95, …
    ("after its step the loss is", (ABOUT_X, "step,l,w\n1,3.5,2.000"), (ABOUT_X, "step,l,w\n1,1.05,2.000")),
    ("after its step the loss is", (WITH_X, "step,l,w\n1,1.05,2.000"), (ABOUT_X, "step,l,w\n1,1.05,2.000")),
    ("It is right where the derivative of relu at 0 is 1", (KINK, "step,dl/dw\n1,6"), (KINK, "step,dl/dw\n1,3")),
    ("It is right where the derivative of relu at 0 is ½", (KINK, "step,dl/dw\n1,3"), (BESIDE, "step,dl/dw\n1,3")),
    ("It is right where", (KINK, "step,dl/dw\n1,6.0"), (KINK, "step,dl/dw\n1,6.1")),
    ("It would be right if x was rounded", (MEASURED, "step,l\n1,2.66"), (MEASURED, "step,l\n1,2.75")),
    ("All claims would be right if x was rounded", (MEASURED, "step,l,dl/dw\n1,2.62,1.31"),
     (MEASURED, "step,l,dl/dw\n1,2.62,1.34")),  # each is possible, not both
    ("would be right if x was rounded", (TWO_MEASURED, "step,dl/dw\n1,1.32"),
     (TWO_MEASURED, "step,l\n1,3.22")),  # x and y
    ("would be right if", (MEASURED, "step,l\n1,2.62"), (AROUND_0.split("\n", 1)[1], "step,l\n1,0.02")),  # is any sign
    ("is right: for inputs that are printed so it lies between 2.5 and 2.7", (ROUNDED, "step,l\n1,2.62"),
     (ROUNDED, "step,l\n1,2.72")),
    ("which is too wide to tell", (AROUND_0, "step,l\n1,0.02"), (AROUND_0, "step,l\n1,0.3")),
    ("which is too wide to tell", (AROUND_0, "step,l\n1,0.02"), (ROUNDED, "step,l\n1,2.62")),
    ("for which others it could be is out of reach", (POLE, "step,l\n1,50"), (ROUNDED, "step,l\n1,50")),
    ("cut off, for some inputs", (FINE, "step,l\n1,2.69"), (FINE.replace("1.350", "1.351"), "step,l\n1,2.69")),
    ("cut off, for some inputs", (FINE, "step,l\n1,2.69"), (FINE.replace("1.350", "1.349"), "step,l\n1,2.69")),
    ("at the inputs as printed, cut off", (FINE.replace("1.350", "1.349"), "step,l\n1,2.69"),
     (FINE, "step,l\n1,2.69")),
    ("exactly what PyTorch prints in float32", (OVERFLOWS, "step,l\n1,inf"), (OVERFLOWS, "step,l\n1,nan")),
    ("exactly what PyTorch prints in float32; by hand, at step 2", (LOGARITHM, "step,l\n2,nan"),
     (LOGARITHM, "step,l\n2,inf")),
    ("has no real value, in line l", (LOGARITHM, "step,l\n2,5"), (LOGARITHM, "step,l\n1,5")),
    ("its digits do not tell: it is too near an end", (HALF_RATE, "step,lr\n1,3"),
     (HALF_RATE.replace("2.5", "2.6"), "step,lr\n1,3")),
    ("its digits do not tell: it is too near an end", (HALF_RATE, "step,lr\n1,2"), (HALF_RATE, "step,lr\n1,2.5")),
    ("its digits are not decided with", (HALF, "step,l\n1,3"), (HALF.replace("2.5", "2.6"), "step,l\n1,3")),
    ("its digits are not decided with", (HALF, "step,l\n1,2"), (HALF, "step,l\n1,4")),
    ("the number in float32", (FALLING.replace("0.25", "0.01"), "step,lr\n1,0.009999999776482582"),
     (FALLING.replace("0.25", "0.01"), "step,lr\n1,0.009999999786482582")),
    ("as far off as float64 takes it", (CHAOS, "step,w\n48,0.09555728"), (CHAOS, "step,w\n48,0.09572400")),
    ("as far off as float64 takes it", (CHAOS, "step,w\n48,0.09555728"), (CHAOS, "step,w\n48,0.096")),
    ("what rounding does in so many steps is not bounded", (CHAOS, "step,w\n48,0.09572400"),
     (CHAOS, "step,w\n48,0.09555728")),
    ("what rounding does in so many steps is not bounded", (CHAOS, "step,w\n48,0.09572400"), (CANCELS, "step,l\n1,5")),
    ("can do in this step is too wide to tell", (CANCELS, "step,l\n1,5"), (CANCELS, "step,l\n1,4000")),
    ("the bound on what rounding can do allows it, though", (FORTY, "step,w\n40,0.90439240041"),
     (FORTY, "step,w\n40,0.90437454476")),
    ("the bound on what rounding can do allows it, though", (FORTY, "step,w\n40,0.90439240041"),
     (FORTY, "step,w\n40,0.9045")),
    ("no inputs were found that give it", (APART, "step,l\n1,5.04"), (APART, "step,l\n1,5.00")),
    ("rounded twice, for some inputs", (FINER, "step,l\n1,2.71"), (FINER.replace("7.9", "7.89"), "step,l\n1,2.71")),
]  # fmt: skip


@pytest.mark.parametrize(("fragment", "true", "false"), NUMBERS)
def test_a_reason_of_a_number(fragment: str, true: tuple[str, str], false: tuple[str, str]) -> None:
    assert fragment in said(*true)
    assert fragment not in said(*false)


CUT = "numbers are read as cut off, not rounded"
BY_CUTTING = [
    ((POWER, "step,l,dl/dw\n1,9.54,28.8"), True),
    ((POWER, "step,l,dl/dw\n1,9.79,29.4"), False),  # 29.44567
    ((POWER, "step,l,dl/dw\n1,9.79,28.8"), False),  # a right number beside one that is off
    ((POWER, "step,r,s,l,dl/dw\n1,1.77,3.13,9.54,28.8"), False),  # 1.7689 and 3.129 are rounded up
    ((BESIDE_POWER, "step,p,l,dl/dw\n1,0.886,9.54,28.8"), True),
    ((BESIDE_POWER, "step,p,l,dl/dw\n1,0.887,9.54,28.8"), False),  # it is rounded up
    ((FALLING, "step,w\n1,1.9\n2,2.4"), False),  # 2 and 2.5
]


@pytest.mark.parametrize(("case", "is_so"), BY_CUTTING)
def test_a_table_is_said_to_be_cut_off(case: tuple[str, str], is_so: bool) -> None:
    found = audit(f'{case[0]}[claims]\ntable = """\n{case[1]}\n"""\n')
    assert any(line.startswith(CUT) for line in found.told) is is_so


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


ALONE = "p = softmax(z); l = -sum(y*log(p))\nz: (k)\ny: (k)"
ONE_SIZE = TWO_WAYS.replace("batch_size = 2", "batch_size = 3")

KINK_OF_LINE = 'equations = "u = min(a, 2); v = max(u, b); l = v^2"\n[parameters]\na = 1\nb = 0.5\n'
SGD = (
    'equations = "l = mean((w*x - y)^2)"\n[parameters]\nw = 1\n[data]\nx = [1, 2]\ny = [1, 3]\n[training]\nlr = 0.01\n'
)
ONE_HOT = """
equations = "z = X @ W; p = softmax(z); l = cross_entropy(z, T)"
[parameters]
W = [[0.1, 0.2], [0.4, -0.1]]
[data]
X = [[1, 2], [0, -1], [0.5, 1]]
T = [[1, 0], [0, 1], [1, 0]]
"""
SCORES = ONE_HOT.replace("T = [[1, 0], [0, 1], [1, 0]]", "T = [[1, 0], [0, 2], [1, 0]]")
ENTROPY = ONE_HOT.replace("cross_entropy(z, T)", "-sum(T*log(p))/n")
AT_3 = 'equations = "l = k*w^2"\n[parameters]\nw = 3\n[constants]\nk = 2\n'

BOTH_WAYS = 'equations = "h = w*x; g = h + w; l = mean(g^2)"\n[parameters]\nw = 1\n[data]\nx = [1, 2, 4]\n'

CORRECTIONS = [
    ("with the other sign it is right", SGD, ("w", "-w + lr*dl/dw"), ("w", "-w + 2*lr*dl/dw")),
    ("with (h - T)*(1 - h^2) in place of h - T it is right", DENSE, ("dl/dW", "transpose(X)@(h - T)"),
     ("dl/dW", "transpose(X)@(h - 2*T)")),
    ("with 0 in place of 1/2 it is right", KINK_OF_LINE, ("dv/du", "where(u > b, 1, 1/2)"),
     ("dv/du", "where(u > b, 2, 1/2)")),
    ("it is the transpose of the right one", DENSE, ("dl/dW", "transpose((h - T)*(1 - h^2))@X"),
     ("dl/dW", "transpose((h - T)*(1 - h))@X")),
    ("it is 1/lr = 100 times the right step", SGD, ("w", "w - dl/dw"), ("w", "w - 50*lr*dl/dw")),
    ("times the right step", SGD, ("w", "w - dl/dw"), ("w", "2*w - lr*dl/dw")),
    ("right: (p - T)/n for one-hot T", ONE_HOT, ("dl/dz", "p"), ("dl/dz", "(p - T)/n")),
    ("it is n times the right one for one-hot T", ONE_HOT, ("dl/dz", "p - T"), ("dl/dz", "p - 2*T")),
    ("proved for one-hot T", ONE_HOT, ("dl/dz", "(p - T)/n"), ("dl/dW", "transpose(X) @ dl/dz")),
    ("except exactly on a kink, where u = b", KINK_OF_LINE, ("dv/du", "where(u > b, 1, 0)"),
     ("dv/du", "where(u > b, 1, where(u == b, 1/2, 0))")),
    ("it has no value, at", ENTROPY, ("l", "-sum(T*log(T*p))/n"), ("l", "-sum(T*log(p))/n")),
    ("w < 0", SGD, ("dl/dw", "2*mean((w*x - y)*x)*sqrt(w)^2/w"), ("dl/dw", "2*mean((w*x - y)*x)*sqrt(w^2)^2/w^2")),
    ("it has no value at the problem's own first batch", AT_3, ("dl/dw", "2*k*w*(w - 3)/(w - 3)"),
     ("dl/dw", "2*k*w*(w - 4)/(w - 4)")),
    ("with the values of the constants", AT_3, ("dl/dw", "4*w"), ("dl/dw", "2*k*w")),
    ("at n = 1 it would be wrong", ONE_SIZE, ("dl/dh", "y/3"), ("dl/dh", "y/n")),
    ("the sum over the samples, left in words, is put in", SGD, ("dl/dw", "2*(w*x - y)*x/n"),
     ("dl/dw", "2*sum((w*x - y)*x)/n")),
    ("are read as local partials", BOTH_WAYS, ("dl/dw", "mean(2*g*dg/dw) + mean(2*g*x)"),
     ("dl/dw", "mean(2*g*dg/dw)")),
    ("with the term 2*w it is right", TWO_WAYS, ("dl/dw", "mean(x*y) + v"), ("dl/dw", "mean(x*y) + 3*v")),
    ("without the term w^2 it is right", TWO_WAYS, ("dl/dw", "mean(x*y) + 2*w + v + w^2"),
     ("dl/dw", "mean(x*y) + 2*w + 2*v + w^2")),
    ("with + v in place of - v", TWO_WAYS, ("dl/dw", "mean(x*y) + 2*w - v"), ("dl/dw", "mean(x*y) + w - v")),
    ("with 2*w in place of w it is right", TWO_WAYS, ("dl/dw", "mean(x*y) + w + v"),
     ("dl/dw", "mean(x*y) + w + 2*v")),
    ("with 2 in place of 3", TWO_WAYS, ("dl/dw", "mean(x*y) + 3*w + v"), ("dl/dw", "mean(x*y) + 3*w + 2*v")),
    ("in place of", TWO_WAYS, ("dl/dw", "mean(x*y) + 3*w + v"), ("dl/dw", "mean(x*y) + 5 + v")),  # 4 is 2*w by chance
    ("without the factor w", TWO_WAYS, ("dl/dw", "mean(x*y)*w + 2*w + v"), ("dl/dw", "mean(x*y)*w + w + v")),
    ("without the power 2", TWO_WAYS, ("dl/dw", "mean(x*y^2) + 2*w + v"), ("dl/dw", "mean(x*y^2) + w + v")),
    ("with y in place of x", TWO_WAYS, ("dl/dw", "mean(x*x) + 2*w + v"), ("dl/dw", "mean(x*x) + w + v")),
    ("with x*y in place of x/y", TWO_WAYS, ("dl/dw", "mean(x/y) + 2*w + v"), ("dl/dw", "mean(x/y) + w + v")),
    ("with sum(x*y)/n in place of sum(x*y)", TWO_WAYS, ("dl/dw", "sum(x*y) + 2*w + v"),
     ("dl/dw", "sum(x*y) + 2*w")),
    ("with 3 in place of 2 it is right at n = 3", ONE_SIZE, ("dl/dw", "sum(x*y)/2 + 2*w + v"),
     ("dl/dw", "sum(x*y)/n + 3*w + v")),
    ("it is right at n = ", ONE_SIZE, ("dl/dw", "sum(x*y)/2 + 2*w + v"), ("dl/dw", "sum(x*y)/n + 3*w + v")),
    ("with h^2 in place of h it is right", DENSE, ("dl/dW", "transpose(X)@((h - T)*(1 - h))"),
     ("dl/dW", "transpose(X)@((h - 2*T)*(1 - h))")),
    ("@ transpose(W) in place of", DENSE, ("dl/dX", "((h - T)*(1 - h^2))@W"), ("dl/dX", "((h - T)*(1 - h))@W")),
    ("with - y in place of + y it is right for entries of y that sum to 1", ALONE, ("dl/dz", "p + y"),
     ("dl/dz", "p*sum(y) + y")),
    ("with - y in place of + y it is right", ALONE, ("dl/dz", "p*sum(y) + y"), ("dl/dz", "p^2 + y")),
]  # fmt: skip


@pytest.mark.parametrize(("fragment", "problem", "true", "false"), CORRECTIONS)
def test_a_correction(fragment: str, problem: str, true: tuple[str, str], false: tuple[str, str]) -> None:
    """The one change that makes a formula right, and a formula in which another thing is wrong as well."""
    assert fragment in judged(problem, *true)
    assert fragment not in judged(problem, *false)
