import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive.console import run
from derive.errors import SettingError
from derive.problem.loading import shipped
from derive.run.precedence import effective
from tables import output
from verify import Outcome, command, verify
from verify.command import main, parser, settings_of

ROOT = Path(__file__).resolve().parents[2]
PLAIN = 'equations = "l = mean((w*x - y)^2)"\n[parameters]\nw = 0\n[data]\nx = [1, 2, 3]\ny = [2, 4, 6]\n'


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def called(*arguments: str) -> int:
    """The exit status of the command, as `python -m verify` has it."""
    return run(lambda: main(arguments, output))


def written(text: str) -> str:
    """A problem file of that text."""
    Path("problem.toml").write_text(text, encoding="utf-8")
    return "problem.toml"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that ends with exit status 2 and without output."""
    before = sorted(Path().rglob("*"))
    assert called(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert sorted(Path().rglob("*")) == before
    messages = [line for line in told.err.splitlines() if not line.startswith("note: ")]
    assert messages[0].startswith("error: ")
    return "\n".join(messages)


def test_the_article_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert called() == 0
    told = capsys.readouterr()
    assert told.out == output.to_text(verify("article")) + "\n"
    assert told.err == ""


def test_data_go_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("parabola") == 0
    told = capsys.readouterr()
    assert told.out.startswith("The minimum of a parabola\nSGD, lr 0.1, steps 10, float32\n")
    assert told.err == ""


def test_every_setting_has_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--epochs=2", "--lr=0.1", "--batch-size=4", "--dtype=float64", "--optimizer=SGD", "--shuffle", "--seed=3"]
    assert called("article", *flags) == 0
    told = capsys.readouterr().out.replace("\n  ", " ").splitlines()[1]
    assert told == (
        "SGD (flag), lr 0.1 (flag), batch_size 4 of 9 (flag), epochs 2 (flag), "
        "shuffle with seed 3 (flag), float64 (flag)"
    )


def test_flags_of_where_a_run_ends_and_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("parabola", "--lr=2", "--steps=90", "--report=41,80", "--on-nonfinite=continue", "--until=f < 0") == 3
    told = capsys.readouterr().out
    settings = "SGD, lr 2 (flag), steps 90 (flag), until f < 0 (flag), float32, on_nonfinite continue (flag)"
    assert settings in told.replace("\n  ", " ")
    assert [line.split()[0] for line in told.splitlines() if line.split()[3:4] == ["hand"]] == ["41", "80"]
    assert "f < 0 holds after none of the 90 steps" in told


def test_a_flag_that_cannot_be_read_has_a_caret(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "article", "--until", "l < q")
    assert message.startswith("error: --until:5: unknown name 'q'")
    assert message.endswith("\n    l < q\n        ^")
    assert "report = '1;2' holds '1;2', which is not a whole number" in refused(capsys, "article", "--report", "1;2")


def test_a_flag_that_is_left_out_is_none() -> None:
    settings = settings_of(parser().parse_args(["article"]))
    assert settings == {
        **dict.fromkeys(("epochs", "steps", "lr", "batch_size", "dtype", "optimizer", "seed", "shuffle")),
        **dict.fromkeys(("until", "report", "on_nonfinite", "variant")),
        **dict.fromkeys(("drop_last", "batches", "zero_grad", "accumulate")),
        **dict.fromkeys(("scheduler", "scheduler_every", "clip_grad_norm", "clip_grad_value")),
        "nodes": False,
        "drift": None,
        "every": None,
        "first": False,
        "limit": None,
    }
    assert settings_of(parser().parse_args(["--no-shuffle"]))["shuffle"] is False


def test_an_lr_that_cannot_be_read_has_its_caret(capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, "article", "--lr", "0.1*fast")
    assert "error: --lr:5: lr has the unknown name 'fast'; expected a number, or an expression in t" in told
    assert told.endswith("\n    0.1*fast\n        ^")


def test_a_scheduler_and_its_options_as_flags(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--scheduler", "StepLR", "--option", "step_size=1", "--option", "gamma=0.5", "--scheduler-every", "batch"]
    assert called("article", *flags, "--clip-grad-value", "50") == 0
    assert "StepLR each batch, step_size 1, gamma 0.5" in " ".join(capsys.readouterr().out.split())


def test_lr_of_a_flag_is_exact() -> None:
    from derive.problem.loading import load

    settings = settings_of(parser().parse_args(["--lr", "0.1"]))
    assert str(effective(load("article"), settings).lr) == "1/10"


def test_nodes_prints_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--nodes", "--steps", "1") == 0
    assert " dl/dd[2] " in capsys.readouterr().out


def test_show_step_prints_one_step_worked_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--show-step", "2", "--csv", "out.csv") == 0
    told = capsys.readouterr().out
    assert told == output.to_text(verify("article"), step=2) + "\n"
    assert "  w ← w − lr·∂l/∂w = 0.2666667 − 0.01·(−135.8578) = 1.625244\n" in told
    assert "agrees: all 15 numbers of 3 steps" in told
    assert len(Path("out.csv").read_text().splitlines()) == 22


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--show-step=x"], "error: --show-step = 'x' is not a whole number; expected the number of a step, from 1"),
        (["--show-step=0"], "error: --show-step = '0' is below 1; expected the number of a step, from 1"),
        (
            ["--show-step=4", "--csv=out.csv"],
            "error: there is no step 4 to show: the run has 3 steps; expected a number from 1 to 3",
        ),
        (
            ["--show-step=1", "--summary"],
            "error: --show-step shows a step in place of the table, and --summary another view; leave one out",
        ),
        (
            ["--show-step=1", "--format=json"],
            "error: --show-step shows a step in place of the table, and --format json another view; leave one out",
        ),
        (
            ["--show-step=3", "--drift=2"],
            (
                "error: step 3 is not calculated by hand: the hand calculation from the initial values on ends after 2 "
                "steps (--drift 2)"
            ),
        ),
        (
            ["--variant=eps_inside"],
            (
                "error: eps_inside is no variant of SGD but of Adagrad, RMSprop, Adam, AdamW; the variants of SGD are "
                "lr_in_velocity, velocity_as_step, averaged_velocity"
            ),
        ),
    ],
)
def test_refuses_a_step_or_a_variant_that_is_not_there(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert refused(capsys, "article", *arguments) == message


def test_a_variant_by_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--optimizer", "Adam", "--variant", "no_bias_correction") == 0
    told = capsys.readouterr().out.replace("\n  ", " ")
    assert "Adam (flag), variant no_bias_correction (flag), lr 0.01" in told
    assert told.endswith("compared at the parameters by hand, the updates are not\n")


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["outcome"] == "agrees"


def test_csv_writes_the_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("article", "--csv", "out.csv") == 0
    lines = Path("out.csv").read_text().splitlines()
    assert len(lines) == 22
    assert lines[0].startswith("epoch,batch,step,quantity,index,hand,hand_exact,autograd,")
    assert capsys.readouterr().out.startswith("A line fitted to nine points")
    assert [path.name for path in Path().iterdir()] == ["out.csv"]


def test_the_same_command_writes_the_same_bytes() -> None:
    for name in ("one.csv", "two.csv"):
        assert called("article", "--csv", name) == 0
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


def test_list_shows_the_shipped_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [name for name, _ in shipped()]
    assert "parabola      The minimum of a parabola" in lines


def test_a_batch_size_larger_than_the_data_is_fine_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(written(PLAIN + "[training]\nlr = 0.01\n"), "--batch-size", "100") == 0
    told = capsys.readouterr().out.replace("\n  ", " ")
    assert "batch_size 100 is larger than the 3 samples: each epoch is one batch of all of them" in told


# --- exit status


def test_disagreement_is_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.nn.Module, "zero_grad", lambda *_, **__: None)
    assert called("article") == 1
    assert "disagrees: 4 of 15 numbers, first dl/dw at step 2 (epoch 1, batch 2)\n" in capsys.readouterr().out


def test_undecided_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("parabola", "--lr", "2", "--steps", "100") == 3
    assert "undecided: PyTorch's f is inf at step 41 (epoch 41, batch 1)" in capsys.readouterr().out


def test_the_status_of_an_outcome() -> None:
    assert [outcome.exit_status for outcome in Outcome] == [0, 1, 3]


# --- bad input: one message, exit status 2, nothing written


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--lr", "-1"], "error: lr = '-1' is below 0; expected a number from 0, such as 0.01"),
        (["--lr=-0.1"], "error: lr = '-0.1' is below 0; expected a number from 0, such as 0.01"),
        (["--lr", "0.1,fast"], "error: lr = '0.1,fast' holds 'fast', which is not a number; expected a number from 0"),
        (["--scheduler", "Step"], "error: scheduler = 'Step' is not known; expected one of: StepLR, ExponentialLR, "),
        (["--clip-grad-norm", "0"], "error: clip_grad_norm = '0' is not above 0; expected a number above 0, the larg"),
        (["--lr", "nan"], "error: lr = 'nan' is not a finite number; expected a number from 0, such as 0.01"),
        (["--lr", "1e39"], "error: lr = 1e+39 does not fit float32; expected a smaller one"),
        (["--batch-size", "0"], "error: batch_size = '0' is below 1; expected a whole number from 1 to 1,000,000,000"),
        (["--batch-size=-3"], "error: batch_size = '-3' is below 1; expected a whole number from 1 to 1,000,000,000"),
        (["--batch-size", "2.5"], "error: batch_size = '2.5' is not a whole number; expected a whole number from 1 to"),
        (["--epochs", "0"], "error: epochs = '0' is below 1"),
        (["--steps", "many"], "error: steps = 'many' is not a whole number"),
        (["--epochs", "1", "--steps", "1"], "error: both epochs and steps are given; expected one of them"),
        (["--optimizer", "Adm"], "error: optimizer = 'Adm' is not known; expected one of: SGD, Adagrad, "),
        (
            ["--dtype", "float8"],
            "error: dtype = 'float8' is not known; expected one of: float32, float64, float16, bfloat16",
        ),
        (["--seed=-1"], "error: seed = '-1' is below 0"),
        (["--lr", "1e999999999"], "error: lr = '1e999999999' has an exponent beyond"),
        (["--steps", "9" * 30], "is above 1,000,000,000"),
    ],
)
def test_a_flag_that_is_not_possible(capsys: pytest.CaptureFixture[str], flags: list[str], message: str) -> None:
    told = refused(capsys, "article", *flags, "--csv", "out.csv")
    assert message in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lr = -1", "problem.toml:8:1: lr = -1 is below 0; expected a number from 0, such as 0.01"),
        ("lr = -0.1", "problem.toml:8:1: lr = -0.1 is below 0"),
        ('lr = "fast"', "problem.toml:8:7: lr has the unknown name 'fast'; expected a number"),
        ("lr = nan", "problem.toml:8:1: lr = nan is not a finite number"),
        ("lr = 1e999999999", "problem.toml:8:1: lr = 1e999999999 has an exponent beyond"),
        ("batch_size = 0", "problem.toml:8:1: batch_size = 0 is below 1"),
        ("batch_size = -3", "problem.toml:8:1: batch_size = -3 is below 1"),
        ('optimizer = "Adm"', "problem.toml:8:1: optimizer = 'Adm' is not known; expected one of: SGD, Adagrad, "),
        ("momentun = 1", "unknown key"),
        ("epochs = 2", "error: lr is missing in problem.toml; give it as lr = 0.01 under [training], or as --lr 0.01"),
    ],
)
def test_a_setting_of_the_file_that_is_not_possible(
    capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    assert message in refused(capsys, written(f"{PLAIN}[training]\n{line}\n"))


def test_lr_missing_altogether(capsys: pytest.CaptureFixture[str]) -> None:
    trained = written(f"{PLAIN}[training]\n")
    assert refused(capsys, trained).startswith("error: lr is missing in problem.toml; give it as lr = 0.01 ")
    assert called("problem.toml", "--lr", "0.01") == 0


def test_without_training_the_gradient_is_evaluated_at_a_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(written(PLAIN)) == 0
    assert "agrees: all 2 numbers of 1 step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("nosuch", "error: there is neither a file nor a shipped problem 'nosuch'"),
        ("artcle", "did you mean 'article'?"),
        (".", "error: '.' is a directory; expected a problem file"),
        ("l = w^2", "error: <text> has equations but no numbers; verify needs a problem file with [parameters], "),
        ("l = __import__('os')", "error: "),
    ],
)
def test_what_is_no_problem_with_numbers(capsys: pytest.CaptureFixture[str], problem: str, message: str) -> None:
    assert message in refused(capsys, problem)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "error: '.' is a directory; expected the name of a file to write"),
        ("none/out.csv", "error: 'none/out.csv' cannot be written: No such file or directory; nothing was written"),
        ("out\0.csv", "cannot be written: not a possible path; nothing was written"),
        ("x" * 300, "cannot be written: File name too long; nothing was written"),
    ],
)
def test_an_output_path_that_cannot_be_written(capsys: pytest.CaptureFixture[str], path: str, message: str) -> None:
    assert message in refused(capsys, "article", "--csv", path)


def test_the_output_path_is_looked_at_before_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "verify", lambda *_, **__: pytest.fail("the run began"))
    assert "No such file or directory" in refused(capsys, "article", "--csv", "none/out.csv")
    Path("out.csv").write_text("mine")
    with pytest.raises(pytest.fail.Exception, match="the run began"):
        called("article", "--csv", "out.csv")
    assert Path("out.csv").read_text() == "mine"


def test_a_write_protected_file_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.csv").write_text("mine")
    Path("out.csv").chmod(0o444)
    if os.access("out.csv", os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "cannot be written" in refused(capsys, "article", "--csv", "out.csv")
    assert Path("out.csv").read_text() == "mine"


def test_bad_input_is_told_before_torch_is_loaded() -> None:
    program = (
        "import sys\nfrom verify.command import main\n"
        "try:\n    main(['article', '--lr', '-1'], None)\n"
        "except Exception as error:\n    print(type(error).__name__, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "SettingError False\n"


@pytest.mark.parametrize("flags", [["--bogus"], ["--format", "xml"], ["--lr"]])
def test_a_flag_that_is_unknown_is_2(capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    assert called(*flags) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("usage: python -m verify")


def test_of_several_arguments_all_are_equations_or_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 problems are named, 'article' among them; expected one" in refused(capsys, "article", "line")
    claim = "--claim=dl/dw = (2/n)*transpose(X) @ (X@w - y)"
    assert called("l = mean((X@w - y)^2)", "X: (n, k); w: (k)", claim) == 0
    told = capsys.readouterr()
    assert "right: proved equal for every n" in told.out
    assert "note: read X (k), y as data over samples and w (k) as a parameter" in told.err
    assert called("l = mean((X@w - y)^2)", "X: (n, k)", claim.replace("2/n", "1/n")) == 1


def test_help_tells_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "exit status: 0 agrees, 1 disagrees, 2 the input cannot be read, 3 undecided, 130 interrupted" in told


def test_the_module_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "verify", "article"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == output.to_text(verify("article")) + "\n"


def test_a_stdout_without_unicode_gets_ascii() -> None:
    program = [sys.executable, "-m", "verify", "line", "--steps", "70"]
    surroundings = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(program, cwd=ROOT, capture_output=True, check=False, env=surroundings)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"50 steps are not shown" in done.stdout


def test_options_of_the_optimizer_on_the_command_line() -> None:
    options = parser().parse_args(["--option", "momentum=0.9", "--option", "nesterov", "--option", "betas = 0.9, 0.99"])
    settings = settings_of(options)
    assert (settings["momentum"], settings["nesterov"], settings["betas"]) == ("0.9", "true", "0.9, 0.99")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "momentun=0.9",
            r"^--option momentun=0\.9: 'momentun' is no option of an optimizer or a scheduler; did you mean 'momentum",
        ),
        ("=", r"^--option =: '' is no option of an optimizer or a scheduler; known: momentum, dampening, "),
        ("lr=0.1", "^--option lr=0.1: 'lr' is no option of an optimizer"),
    ],
)
def test_refuses_an_unknown_option(given: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        settings_of(parser().parse_args(["--option", given]))


def test_a_table_without_a_claim_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.csv").write_text("step,w\n1,\n2,?\n", encoding="utf-8")
    assert called("article", "--claims", "empty.csv") == 3
    assert "claims nothing; expected a number" in capsys.readouterr().err
