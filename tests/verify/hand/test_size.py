"""How much a run takes is told before it is calculated, and a run beyond the limit is not begun."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.loading import load
from derive.run.precedence import effective
from verify import audit, verify
from verify.hand.calculation import beginnings, prepare
from verify.hand.size import LEAST, Size, size_of
from verify.numbers import Array, Exact

CHAIN = """
equations = '''
y[i,m] = sum(sum(sum(A[i,j]*B[j,k]*C[k,l]*D[l,m], l), k), j)
l = mean(y^2)
'''
[parameters]
A = {shape = [SIZE, SIZE], distribution = "normal", seed = 1}
B = {shape = [SIZE, SIZE], distribution = "normal", seed = 2}
C = {shape = [SIZE, SIZE], distribution = "normal", seed = 3}
D = {shape = [SIZE, SIZE], distribution = "normal", seed = 4}
[training]
lr = 0.01
steps = 1
"""


def size(text: str, **flags: object) -> Size:
    problem = load(text)
    settings = effective(problem, flags)
    return size_of(problem, differentiate(problem.graph), settings, settings.steps, is_reported=True)


def test_a_chain_of_sums_is_as_large_as_all_its_axes() -> None:
    found = size(CHAIN.replace("SIZE", "60"))
    assert found.numbers == (60,) * 5
    assert found.memory > 2 * 10**9
    assert found.calculations > 60**5


def test_what_is_too_large_is_refused_before_it_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: object) -> None:
        raise AssertionError("it was begun")

    monkeypatch.setattr("verify.pytorch.draw", begun)
    text = CHAIN.replace("SIZE", "60")
    said = r"this would take about 9\.4e\+09 calculations, 2 hours, and 93\.3 GB of memory; .*: --limit 1e\+10 goes"
    with pytest.raises(ProblemError, match=said):
        verify(text)
    with pytest.raises(ProblemError, match=said):
        audit(text, sentences=["step 1: l = 3"])
    with pytest.raises(AssertionError, match="it was begun"):
        verify(text, limit="1e10")


def test_a_long_run_is_large() -> None:
    with pytest.raises(ProblemError, match=r"--limit 1e\+13 goes beyond it"):
        verify("article", steps=10**9)


def test_the_limit_of_a_run() -> None:
    needed = size("parabola", steps=2).calculations
    with pytest.raises(ProblemError, match="less than a minute"):
        verify("parabola", steps=2, limit=needed - 1)
    assert verify("parabola", steps=2, limit=10 * needed).verdict.outcome.exit_status == 0


def test_a_file_cannot_raise_its_own_limit() -> None:
    with pytest.raises(ProblemError, match="limit"):
        load("equations = 'l = w^2'\n[parameters]\nw = 1\n[training]\nlr = 0.1\nlimit = 1e18\n")


def test_a_claim_far_away_that_is_leapt_to_is_no_large_run() -> None:
    assert audit("article", epochs=500_000, sentences=["step 1500000: b = 10.1"]).findings


class Counted(Exact):
    """Exact numbers that count what is calculated with them."""

    operations = calculations = 0

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        found = super().apply(op, args)
        self.operations, self.calculations = self.operations + 1, self.calculations + found.size
        return found

    def reduce(self, op: str, array: Array) -> Array:
        self.operations, self.calculations = self.operations + 1, self.calculations + array.size
        return super().reduce(op, array)


@given(
    st.sampled_from(["z = W @ u", "z[i] = sum(W[i,j]*u[j]^2, j)", "z = softmax(W @ u)", "z = tanh(W @ u) / 3"]),
    *[st.integers(1, 9)] * 2,
)
def test_the_estimate_is_what_is_calculated(line: str, rows: int, columns: int) -> None:
    text = f'equations = "{line}\\nl = mean(z^2)"\n[parameters]\nW = {[[1] * columns] * rows}\nu = {[1] * columns}\n'
    problem = load(text)
    settings, derivation = effective(problem, {}), differentiate(problem.graph)
    found = size_of(problem, derivation, settings, 1, is_reported=False).calculations
    system = Counted()
    calculation = prepare(problem, derivation, settings, system)
    calculation.at(beginnings(problem, settings, system), 1)
    least = LEAST * 2 * sum(len(term.instructions) + 1 for stage in calculation.stages for term in stage.terms)
    assert system.calculations <= found <= system.calculations + least


PRODUCT = """equations = "z = X @ W\\nl = mean(z^2)"
[parameters]
W = {{shape = [{inputs}, {hidden}], distribution = "normal", std = 0.1, seed = 1}}
[data]
X = {rows}
[training]
lr = 0.01
steps = 1
dtype = "{dtype}"
"""


def test_a_product_of_matrices_holds_its_factors_and_its_sums() -> None:
    """In float64 its bound holds a ball for each product."""
    given_ = {"inputs": 200, "hidden": 50, "rows": [[0.5] * 200] * 60}
    in_balls, found = (size(PRODUCT.format(**given_, dtype=dtype)) for dtype in ("float64", "float32"))
    assert sorted(in_balls.numbers) == [50, 60, 200]
    assert sorted(found.numbers) == [60, 200]
    assert found.memory < in_balls.memory / 4
    assert found.calculations > 60 * 50 * 200
