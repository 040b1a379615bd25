"""Problems that several tests are about, as a problem file has them."""

from __future__ import annotations

from pathlib import Path

from derive.problem.file import read_problem
from derive.problem.problem import Problem

ARTICLE_LINES = "a = w*x\nc = a + b\nd = c - y\ne = d^2\nl = (1/n)*e"  # the equations of the shipped `article`
SQUARE = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\n'
PARABOLA = 'equations = "l = (x - 3)^2"\n[parameters]\nx = 0\n[training]\nlr = 0.1\n'
TWO_POINTS = """\
equations = \"\"\"
d = w*x + b - y
l = mean(d^2)
\"\"\"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [3, 4]
[training]
lr = 0.1
"""
LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0.5
b = -1
[data]
x = [0, 1, 2, 3]
y = [1, 3, 2, 5]
[training]
lr = 0.1
batch_size = 2
"""
FIVE_POINTS = """\
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3, 4, 5]
y = [2, 4, 6, 8, 10]
"""
NINE_POINTS = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0, 1, 2, 3, 4, 5, 6, 7, 8]
y = [10, 12, 14, 16, 18, 20, 22, 24, 26]
[training]
"""
LAYER = """\
equations = \"\"\"
z = x @ W + b
l = mse(z, t)
\"\"\"
[parameters]
W = [[1, 2], [0.5, "1/3"], [5, 6]]
b = [1, 2]
[data]
x = [[1, 2, 3], [4, 5, 6]]
t = [[1, 0], [0, 1]]
"""
LABELLED_LAYER = LAYER.replace("mse(z, t)", "cross_entropy(z, y)").replace("t = [[1, 0], [0, 1]]", "y = [0, 1]")
NETWORK = """
equations = '''
h = tanh(x @ W + b)
l = mse(h @ u, y)
'''
[parameters]
W = [[0.15, -1.25], [0.7, 0.3]]
b = [0.35, -0.6]
u = [1.4, -0.5]
[data]
x = [[0.05, 0.1], [1, 2], [-1, 0], [0.3, -2], [1.7, 0.2]]
y = [0.01, 0.99, 0.5, -3, 4]
[training]
lr = 0.05
batch_size = 2
"""
THREE_POINTS = """\
equations = \"\"\"
r = w*x + b - y
J = mean(r^2)
\"\"\"
[parameters]
w = 1
b = 0.5
[data]
x = [1, 2, 4]
y = [2, 3, 7]
[training]
lr = 0.05
steps = 4
"""
EXPONENTIAL = """\
equations = "a = w*x; c = exp(a); d = c - y; e = d^2; l = mean(e)"
[parameters]
w = -0.3
[data]
x = [0.4, -1.7, -0.1]
y = [0.3, 0.1, 1.2]
[training]
lr = 0.1
steps = 1
"""
RIDGE = """\
equations = \"\"\"
p = w*x
l = mean((p - y)^2) + lam*w^2
\"\"\"
[parameters]
w = 1
[constants]
lam = 0.5
[data]
x = [1, 2, 3]
y = [1, 2, -2]
"""

# Of several numbers: to be trained, each needs a seed_gradient.
VECTOR = 'equations = "y = tanh(W @ x)"\n[parameters]\nW = [[1, 2], [3, 4], [5, 6]]\n[constants]\nx = [0.5, -1]\n'
VECTORS = 'equations = "y = x @ W"\n[parameters]\nW = [[1, 2], [3, 4]]\n[data]\nx = [[1, 2], [3, 4], [5, 6]]\n'

GROUP = '[[training.groups]]\nparameters = ["b"]\n'  # of b alone; its lr and options follow


def simple(equation: str, parameters: str = "w = 1", lr: str = "0.1", steps: int = 3) -> str:
    """A problem of one equation without data."""
    return f'equations = "{equation}"\n[parameters]\n{parameters}\n[training]\nlr = {lr}\nsteps = {steps}\n'


def read(text: str, folder: Path = Path()) -> Problem:
    """The problem of a file p.toml."""
    return read_problem(text, "p", "p.toml", folder)


ON_FIVE_POINTS = """\
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4, 5]
y = [3, 5, 8, 9, 12]
[training]
lr = 0.01
"""
SQUARES_OF_FIVE = f"""
equations = "p = w*x + b; l = mean((p - y)^2)"
{ON_FIVE_POINTS}"""
ADAM_OF_TWO = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 1
[data]
x = [1, 2]
y = [1, 3]
[training]
optimizer = "Adam"
lr = 0.1
"""
DENSE = """
equations = "h = tanh(X @ W); l = sum((h - T)^2)/2"
[parameters]
W = [[1, 2], [3, -1]]
[data]
X = [[1, 2], [3, 1], [0, 2]]
T = [[1, 0], [0, 1], [2, 1]]
"""
