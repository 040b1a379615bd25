import subprocess
import sys
from pathlib import Path

import pytest

from derive.console import run
from tables import command
from tables.command import main
from tables.files import to_csv
from tables.frames import comparison, epochs, steps
from verify import verify

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def called(*arguments: str) -> int:
    """The exit status of the command, as `python -m tables` has it."""
    return run(lambda: main(arguments))


def test_it_writes_all_tables_and_tells_their_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--output", "out") == 0
    told = capsys.readouterr()
    assert told.out == "out/steps.csv\nout/epochs.csv\nout/comparison.csv\n"
    assert "agrees: all 15 numbers of 3 steps lie within their float32 rounding bounds" in told.err
    result = verify("article")
    assert Path("out/steps.csv").read_text() == to_csv(steps(result))
    assert Path("out/epochs.csv").read_text() == to_csv(epochs(result))
    assert Path("out/comparison.csv").read_text() == to_csv(comparison(result))


def test_settings_are_given_as_for_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--output", "out", "--lr", "0.1", "--nodes", "--epochs", "2", "--dtype", "float64") == 0
    result = verify("article", lr="0.1", nodes=True, epochs=2, dtype="float64")
    assert Path("out/comparison.csv").read_text() == to_csv(comparison(result))
    capsys.readouterr()


def test_the_article_and_a_folder_are_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert called() == 0
    assert capsys.readouterr().out == "tables-out/steps.csv\ntables-out/epochs.csv\ntables-out/comparison.csv\n"


def test_list_shows_the_shipped_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--list") == 0
    assert "temperature   Celsius to Fahrenheit from six points\n" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


def test_undecided_is_3_and_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("parabola", "--lr", "2", "--steps", "100", "--output", "out") == 3
    assert "undecided: PyTorch's f is inf at step 41" in capsys.readouterr().err
    assert len(Path("out/steps.csv").read_text().splitlines()) == 42


def test_disagreement_is_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    monkeypatch.setattr(torch.optim.SGD, "step", lambda *_: None)
    assert called("article", "--output", "out") == 1
    assert "disagrees: 6 of 15 numbers, first w at step 1" in capsys.readouterr().err
    assert Path("out/comparison.csv").read_text().count(",False\n") == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "error: there is neither a file nor a shipped problem 'nosuch'"),
        (["article", "--lr", "-1"], "error: lr = '-1' is below 0; expected a number from 0, such as 0.01"),
        (["article", "--batch-size", "0"], "error: batch_size = '0' is below 1"),
        (["article", "--optimizer", "Adm"], "error: optimizer = 'Adm' is not known; expected one of: SGD, Adagrad, "),
        (["article", "--output", "file"], "error: cannot make the folder file: File exists; choose another --output"),
        (["article", "--output", "file/x"], "error: cannot make the folder file/x: Not a directory; choose another"),
        (["article", "--output", "taken"], "error: taken/comparison.csv is a directory; remove it, or choose another"),
    ],
)
def test_bad_input_is_2_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    Path("file").write_text("mine")
    Path("taken/comparison.csv").mkdir(parents=True)
    before = sorted(Path().rglob("*"))
    assert called(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert "Traceback" not in told.err
    assert sorted(Path().rglob("*")) == before
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("folder", ["file", "file/x", "taken", "x" * 300])
def test_the_folder_is_looked_at_before_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(command, "verify", lambda *_, **__: pytest.fail("the run began"))
    Path("file").write_text("mine")
    Path("taken/steps.csv").mkdir(parents=True)
    assert called("article", "--output", folder) == 2
    assert "choose another --output" in capsys.readouterr().err


def test_a_folder_without_permission_is_told_before_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "verify", lambda *_, **__: pytest.fail("the run began"))
    monkeypatch.setattr("os.access", lambda *_: False)
    assert called("article", "--output", "new/out") == 2
    assert "cannot write in the folder .: Permission denied; choose another --output" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_the_module_runs_as_a_command(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tables", "parabola", "--output", str(tmp_path / "out")]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stdout.split() == [
        str(tmp_path / "out" / name) for name in ("steps.csv", "epochs.csv", "comparison.csv")
    ]
    assert done.stderr.startswith("agrees: all 30 numbers of 10 steps")
