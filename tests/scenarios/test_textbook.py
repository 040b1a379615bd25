"""Problems typed as textbooks write them: each agrees with PyTorch at every node."""

import pytest

from verify import verify

TRAINING = "[training]\nlr = 0.1\nbatch_size = 2\nepochs = 2\n"
DATA = "[data]\nx = [[1, 2], [0.5, -1], [2, 0], [-1, 1.5]]\n"
LABELS = DATA + "y = [0, 2, 1, 0]\n"
BINARY = DATA + "y = [0, 1, 1, 0]\n"
LAYERS = """\
[parameters]
W1 = {shape = [2, 3], distribution = "normal", seed = 1}
b1 = [0, 0, 0]
W2 = {shape = [3, 3], distribution = "normal", seed = 2}
b2 = [0.1, 0, 0]
"""
HINGE = "[parameters]\nW = [[0.1, 0.2, -0.3], [0.3, -0.1, 0.25]]\nb = [0, 0, 0]\n"
RIDGE = '[parameters]\nw = [0, 0]\nb = 0\n[constants]\n"λ" = 0.1\n'
SCALARS = """\
frozen = ["b1", "b2"]
[parameters]
w1 = 0.15
w2 = 0.2
w3 = 0.25
w4 = 0.3
w5 = 0.4
w6 = 0.45
w7 = 0.5
w8 = 0.55
b1 = 0.35
b2 = 0.6
[constants]
i1 = 0.05
i2 = 0.1
t1 = 0.01
t2 = 0.99
"""

TEXTBOOK = {
    "a two-layer classifier in index notation": (
        """
h[i,k] = tanh(sum(x[i,j]*W1[j,k], j) + b1[k])
z[i,c] = sum(h[i,k]*W2[k,c], k) + b2[c]
p[i,c] = exp(z[i,c]) / sum(exp(z[i,m]), m)
l = -mean(log(p[i,y[i]]), i)
""",
        LAYERS + LABELS + TRAINING,
    ),
    "the same with @": (
        """
h = tanh(x @ W1 + b1)
z = h @ W2 + b2
l = cross_entropy(z, y)
""",
        LAYERS + LABELS + TRAINING,
    ),
    "a 2-2-2 sigmoid network with shared frozen biases": (
        """
h1 = σ(w1*i1 + w2*i2 + b1)
h2 = σ(w3*i1 + w4*i2 + b1)
o1 = σ(w5*h1 + w6*h2 + b2)
o2 = σ(w7*h1 + w8*h2 + b2)
E = (1/2)*(t1 - o1)² + (1/2)*(t2 - o2)²
""",
        SCALARS + "[training]\nlr = 0.5\nsteps = 2\n",
    ),
    "logistic regression with a ridge penalty that leaves the intercept alone": (
        """
z = x · w + b
l = bce_with_logits(z, y) + λ/2 * l2(w)
""",
        RIDGE + BINARY + TRAINING,
    ),
    "the same in index notation": (
        """
p[i] = 1/(1 + exp(-(sum(w[j]*x[i,j], j) + b)))
l = -(1/n)*sum(y[i]*log(p[i]) + (1 - y[i])*log(1 - p[i]), i) + λ/2*sum(w[j]^2, j)
""",
        RIDGE + BINARY + TRAINING,
    ),
    "multiclass hinge loss": (
        """
s[i,c] = sum(x[i,j]*W[j,c], j) + b[c]
m[i] = sum(where(c == y[i], 0, max(0, s[i,c] - s[i,y[i]] + 1)), c)
l = mean(m[i], i)
""",
        HINGE + LABELS + TRAINING,
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("title", TEXTBOOK)
def test_agrees(title: str, dtype: str) -> None:
    equations, rest = TEXTBOOK[title]
    top, parameters, others = rest.partition("[parameters]")
    result = verify(f'equations = """{equations}"""\n{top}{parameters}{others}', dtype=dtype, nodes=True)
    assert result.agrees, result.verdict.sentence
    assert result.hand.ended == ""


def test_two_ways_of_writing_have_one_gradient() -> None:
    runs = [TEXTBOOK[title] for title in TEXTBOOK if "ridge" in title or title == "the same in index notation"]
    first, second = (verify(f'equations = """{equations}"""\n{rest}').rows[-1].checks for equations, rest in runs)
    for name in ("l", "dl/dw[0]", "dl/dw[1]", "dl/db"):
        assert first[name].hand_value == pytest.approx(second[name].hand_value, rel=1e-12)
