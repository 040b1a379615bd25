"""`python -m derive`: exit codes, messages, and where they go."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import derive
from derive.command import FORMATS, main
from derive.console import run

ROOT = Path(__file__).resolve().parents[2]
Captured = pytest.CaptureFixture[str]


def files(folder: Path) -> list[str]:
    """The names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def command(*arguments: str) -> int:
    """The exit status of the command, under the guard as in `__main__`."""
    try:
        return run(lambda: main(arguments))
    except SystemExit as stopped:  # argparse
        return int(stopped.code or 0)


def test_the_article_is_the_default(capsys: Captured) -> None:
    assert command() == 0
    out, err = capsys.readouterr()
    assert out == (ROOT / "tests/scenarios/golden/article.txt").read_text(encoding="utf-8")
    assert err == ""
    assert command("article") == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("form", FORMATS)
def test_formats(capsys: Captured, form: str) -> None:
    assert command("parabola", "--format", form) == 0
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert not out.endswith("\n\n")
    assert command("parabola", "--format", form, "--ascii") == 0
    assert capsys.readouterr().out.isascii()


def test_wrt(capsys: Captured) -> None:
    assert command("--wrt", "b, x", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["wrt"] == ["b", "x"]


def test_steps_and_node(capsys: Captured) -> None:
    assert command("--steps", "closed", "--node", "w") == 0
    out = capsys.readouterr().out
    assert "(17)  ∂l/∂w = (2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ" in out
    assert "∂l/∂b" not in out
    for form, start in (("latex", "\\documentclass"), ("markdown", "# A line")):
        assert command("--steps", "forward", "--format", form) == 0
        out = capsys.readouterr().out
        assert out.startswith(start)
        assert r"\tag{7}" in out
        assert r"\tag{8}" not in out
    assert command("--steps", "all", "--format", "json") == 0


def test_an_equation_in_place_of_a_name(capsys: Captured) -> None:
    assert command("l = mean((w*x + b - y)^2)") == 0
    out, err = capsys.readouterr()
    assert out.startswith("l = mean((w*x + b - y)^2)\n\nForward")
    assert "∂l/∂w = (2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ" in out
    assert err == "note: read x, y as data over samples and w, b as parameters; a problem file says otherwise\n"


@pytest.mark.parametrize("form", ["text", "latex", "markdown"])
def test_without_training_there_is_no_update(capsys: Captured, tmp_path: Path, form: str) -> None:
    file = tmp_path / "p.toml"
    file.write_text("equations = 'l = w^2'\n[parameters]\nw = 1\n")
    for problem in ("l = w^2", str(file)):
        assert command(problem, "--format", form) == 0
        out = capsys.readouterr().out
        assert "Chain rule for" in out
        assert "Update" not in out
    file.write_text("equations = 'l = w^2'\n[parameters]\nw = 1\n[training]\nlr = 0.1\n")
    assert command(str(file), "--format", form) == 0
    assert "Update: SGD" in capsys.readouterr().out


def test_without_training_the_document_has_no_optimizer(capsys: Captured) -> None:
    assert command("l = w^2", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["optimizer"], document["updates"]) == (None, [])


def test_the_update_alone_without_training_is_refused(capsys: Captured) -> None:
    assert command("l = w^2", "--steps", "update") == 2
    assert "--steps update: <text> has no [training], and so no update; leave --steps out" in capsys.readouterr().err


def test_list(capsys: Captured) -> None:
    assert command("--list") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [tuple(row.split(maxsplit=1)) for row in rows] == list(derive.shipped())
    titles = {row.index(row.split(maxsplit=1)[1]) for row in rows}
    assert len(titles) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["artikle"], "did you mean 'article'?"),
        (["missing.toml"], "'missing.toml'"),
        (["."], "'.' is a directory; expected a problem file"),
        (["--wrt", "q"], "error: unknown name 'q' to derive for"),
        (["--wrt", "ww"], "unknown name 'ww' to derive for; did you mean 'w'?"),
        (["--wrt", "n"], "'n' is the number of samples; the loss is not differentiated by it"),
        (["--wrt", "w,,b"], "--wrt 'w,,b' has an empty name; expected names such as w,b"),
        (["--wrt", ""], "--wrt '' has an empty name"),
        (["--steps", "closd"], "--steps: 'closd' is not a kind of step; did you mean 'closed'?"),
        (["--node", "ww"], "unknown name 'ww' to show; did you mean 'w'?"),
        (["--node", "n"], "'n' is the number of samples; the loss is not differentiated by it"),
        (["--node", "d", "--format", "json"], "--format json always shows everything; leave out --node, or take text"),
        (["--format", "pdf"], "invalid choice: 'pdf'"),
        (["article", "line"], "2 problems are named, 'article' among them; expected one"),
        (["--frmat", "text"], "unrecognized arguments"),
        (["l = 2x"], "a product needs its sign: write 2*x"),
        (["l = w +"], "the equation ends where an operand was expected"),
        (["l = 3"], "depends on no parameter"),
        (["l = w*x"], "note: read w, x as parameters"),
        (["l = " + "(" * 10_000 + "w" + ")" * 10_000], "an equation of 20,0"),
        (["l = " + "1+" * 50_000 + "w"], "an equation of 100,0"),
        (["l = " + "sin(" * 149 + "w" + ")" * 149], "too deep inside one another"),
        (["l = 9^9^9^9*w"], "this power is too large"),
        (["l = __import__('os')"], "quotes are not part of the notation"),
        (["l = w.data"], "attributes are never read"),
        (["\udcff = w"], "on the left of '='; expected one name"),
        (["a\0b"], "error: "),
        (["--output", "."], "'.' is a directory; expected the name of a file to write"),
        (["--output", "no/such/folder"], "cannot be written: No such file or directory; nothing was written"),
    ],
)
def test_bad_input_ends_in_one_message(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status = command(*arguments)
    out, err = capsys.readouterr()
    assert message in err
    if not err.startswith("note: read w, x as parameters"):
        assert status == 2
        assert out == ""
        assert err.count("error: ") == 1
    assert "Traceback" not in err
    assert len(err) < 2000
    assert files(tmp_path) == []


def test_output_is_written_whole_or_not_at_all(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    assert command("--output", str(file)) == 0
    assert capsys.readouterr().out == ""
    assert file.read_bytes() == (ROOT / "tests/scenarios/golden/article.txt").read_bytes()
    assert command("--wrt", "q", "--output", str(file)) == 2
    assert file.read_bytes().startswith(b"A line fitted")
    assert files(tmp_path) == ["out.txt"]


def test_the_output_is_looked_at_before_the_problem(capsys: Captured, tmp_path: Path) -> None:
    assert command("nosuch", "--output", str(tmp_path / "none" / "out")) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("error: ")) == ("", 1)
    assert "cannot be written: No such file or directory" in err


def test_help_names_every_flag_and_exit_status(capsys: Captured) -> None:
    assert command("--help") == 0
    out = " ".join(capsys.readouterr().out.split())
    for word in (
        "PROBLEM",
        "--list",
        "--wrt",
        "--steps",
        "--node",
        "--format",
        "--ascii",
        "--output",
        "exit status: 0",
        "130 interrupted",
    ):
        assert word in out


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_terminal_without_unicode_gets_the_ascii_text(encoding: str) -> None:
    done = started(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout == (ROOT / "tests/scenarios/golden/article-ascii.txt").read_bytes()


def test_the_module_runs_the_command_under_the_guard() -> None:
    done = started("nonsense")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: ")
    assert b"'nonsense'" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_ctrl_c_is_one_line_and_leaves_no_file(tmp_path: Path, seconds: float) -> None:
    """While it is still importing, and while it is deriving."""
    lines = ["x0 = w", *(f"x{k + 1} = x{k}^2 + x{k}" for k in range(30_000))]
    file = tmp_path / "long.toml"
    file.write_text('equations = """\n' + "\n".join(lines) + '\n"""\n[parameters]\nw = 0\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "derive", str(file), "--output", str(tmp_path / "out")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    assert files(tmp_path) == ["long.toml"]
