import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ProblemError
from derive.problem.loading import Problem, load, shipped

NAMES = (
    *("article", "attention", "coefficients", "fan_out", "layer_norm", "line", "logistic", "parabola"),
    *("perceptron", "relu_network", "softmax", "tanh_network", "temperature"),
)
FILE = 'equations = "l = w^2"\n[parameters]\nw = 1\n'
PIECES = ["equations", "=", '"""', "'", '"', "\n", "[", "]", "[data]", "w", "x", "^2", "mean(", ")", "0.1", "{", "#"]


def values(problem: Problem, name: str) -> list[Fraction]:
    return next(list(q.values) for q in (*problem.parameters, *problem.data) if q.name == name)


def test_the_shipped_problems_have_titles_and_sources() -> None:
    assert tuple(name for name, _ in shipped()) == NAMES
    for name, title in shipped():
        problem = load(name)
        assert (problem.name, problem.title) == (name, title)
        assert problem.source == f"derive/problems/{name}.toml"
        assert problem.source_note
        assert not problem.is_symbolic


def test_article() -> None:
    problem = load("article")
    assert [line.name for line in problem.lines] == ["a", "c", "d", "e", "l"]
    assert values(problem, "x") == list(range(9))
    assert values(problem, "y") == [2 * x + 10 for x in range(9)]
    training = problem.training
    assert (training.optimizer, training.lr, training.batch_size) == ("SGD", Fraction(1, 100), 3)
    assert (training.epochs, training.shuffle, training.steps, training.seed, training.dtype) == (1, False, *[None] * 3)
    assert problem.claims is not None
    assert problem.claims.table is not None
    assert problem.claims.table.splitlines()[2] == "2,     -135.86, -33.39, 1.63,  0.57, 280.67"
    assert dict(problem.claims.formulas)["dl/db"] == "(2/n) * sum(w*x + b - y)"
    assert problem.notes == ()
    assert str(problem.place_of("training.lr")) == "derive/problems/article.toml:25:1"
    assert problem.place_of("training.seed") is None


def test_temperature_starts_from_numpys_draw() -> None:
    problem = load("temperature")
    random = np.random.RandomState(42)
    assert [float(values(problem, name)[0]) for name in ("w", "b")] == list(random.randn(2))
    assert values(problem, "fahrenheit") == [Fraction(9, 5) * c + 32 for c in values(problem, "celsius")]


def test_line_is_torchs_draw() -> None:
    torch = pytest.importorskip("torch")
    problem = load("line")
    torch.manual_seed(0)
    x = torch.linspace(-1.0, 1.0, 20)
    y = 2.0 * x + 0.5 + 0.1 * torch.randn(20)
    for name, drawn in (("x", x), ("y", y)):
        shipped_values = torch.tensor([float(value) for value in values(problem, name)])
        # the last bit of the draw may differ between processors
        torch.testing.assert_close(shipped_values, drawn, rtol=3e-7, atol=1e-7)


def test_parabola_has_no_data() -> None:
    problem = load("parabola")
    assert (problem.data, problem.samples, problem.training.steps) == ((), None, 10)


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    for given_path in (path, str(path)):
        problem = load(given_path)
        assert (problem.name, problem.title, problem.source) == ("mine", "mine", str(path))


def test_a_path_object_is_never_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemError, match="there is no file 'article'"):
        load(Path("article"))


def test_data_stand_beside_the_problem_file(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y\n1,2\n3,4\n")
    path = tmp_path / "p.toml"
    path.write_text('equations = "l = mean(w*x - y)"\n[parameters]\nw = 1\n[data]\nfile = "points.csv"\n')
    problem = load(path)
    assert (values(problem, "x"), values(problem, "y"), problem.samples) == ([1, 3], [2, 4], 2)


def test_a_text_is_a_problem_file_or_equations() -> None:
    assert load(FILE).name == "text"
    assert load("\ufeff" + FILE.replace("\n", "\r\n")).parameters == load(FILE).parameters
    assert load("a = w*x\nl = mean(a)\n").graph.of_kind("data") == ("x",)
    assert load("a = w^2; l = a").graph.loss == "l"


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            "artcle",
            r"neither a file nor a shipped problem 'artcle' \(shipped: article, attention, .*did you mean 'article'",
        ),
        ("nope", r"neither a file nor a shipped problem 'nope'.* an equation has a '='"),
        ("nope.toml", r"^there is no file 'nope\.toml'$"),
        ("runs/lr=0.1/nope.toml", r"^there is no file 'runs/lr=0\.1/nope\.toml'; there is no folder 'runs/lr=0\.1'"),
        ("article.toml", r"^there is no file 'article\.toml'; the shipped problem is called 'article'$"),
        pytest.param("a\x00b.toml", "^there is no file 'a", id="null in a file's name"),
        ("", "neither a file nor a shipped problem ''"),
        pytest.param("a\x00b", "neither a file nor a shipped problem", id="null"),
        pytest.param("x" * 10**5, "neither a file nor a shipped problem 'x{100}…'", id="long"),
        ("/", "'/' is a directory; expected a problem file"),
        ("=", "nothing before '='"),
        ("[parameters]\nw = 1\n", "no equations; expected equations"),
        pytest.param("#\n" * 5_000_001, "a text of 10,000,002 characters; expected at most 10,000,000", id="10 MB"),
        pytest.param("l = " + "1+" * 50_000 + "w", "an equation of 100,005 characters", id="50,000 terms"),
    ],
)
def test_refuses_what_is_not_a_problem(problem: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(problem)


def test_a_dangling_link_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "p.toml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ProblemError, match="there is no file"):
        load(str(tmp_path / "p.toml"))


@given(
    st.one_of(
        st.text(), st.lists(st.sampled_from(PIECES)).map(" ".join), st.lists(st.sampled_from(PIECES)).map("".join)
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ProblemError):  # any other error fails the test
        assert isinstance(load(text), Problem)


def test_a_file_of_nearly_that_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text("")
    (tmp_path / "networks.csv").write_text("")
    with pytest.raises(ProblemError, match=r"there is no file '.*netwrk\.toml'; did you mean '.*network\.toml'\?$"):
        load(str(tmp_path / "netwrk.toml"))
