"""The update equations as they are printed."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import derive
from derive.chain.derivation import differentiate
from derive.command import main, render
from derive.show.json_document import to_json
from derive.show.latex import to_latex
from derive.show.text import to_text
from derive.steps.choice import Choice
from derive.steps.update_rules import PLAIN, gathering, with_gathering
from derive.training.optimizers import OPTIMIZERS, Optimizer
from derive.training.plan import Training
from derive.training.settings import read_optimizer, read_setting
from derive.training.variants import VARIANTS, read_variant
from tests.json_documents import from_json
from tests.problems import FIVE_POINTS, SQUARE

UPDATE = Choice(("update",))
GOLDEN = Path(__file__).parent / "updates.txt"


def chosen(name: str, **options: str) -> Optimizer:
    return read_optimizer(name, {key: read_setting(key, value) for key, value in options.items()})


ALL = (
    chosen("SGD"),
    chosen("SGD", momentum="0.9"),
    chosen("SGD", momentum="0.9", nesterov="true", weight_decay="0.01"),
    chosen("SGD", momentum="0.9", dampening="0.5", maximize="true"),
    *(chosen(name) for name in OPTIMIZERS[1:]),
    chosen("Adagrad", lr_decay="0.1", initial_accumulator_value="0.1"),
    chosen("RMSprop", centered="true", momentum="0.9"),
    chosen("Adam", amsgrad="true", weight_decay="0.1"),
    chosen("Adam", weight_decay="0.1", decoupled_weight_decay="true"),
)
TEXTBOOK = tuple(
    read_variant(optimizer, {"momentum": Fraction(9, 10)} if optimizer == "SGD" else {}, name)
    for optimizer, name in VARIANTS
)


def printed(optimizer: Optimizer, equations: str = "l = mean((w*x - y)^2)") -> str:
    return to_text(derive.derive(equations), "", optimizer, choice=UPDATE)


def test_every_optimizer_as_it_is_printed() -> None:
    assert "\n".join(map(printed, ALL)) == GOLDEN.read_text(encoding="utf-8")


def test_every_textbook_variant_as_it_is_printed() -> None:
    assert "\n".join(map(printed, TEXTBOOK)) == GOLDEN.with_name("variants.txt").read_text(encoding="utf-8")


def test_with_many_equations_those_of_one_parameter_stand_for_all() -> None:
    found = printed(Optimizer("Adam"), "l = mean((w*x + b + c - y)^2)")
    assert "w       ← w − lr·m_hat_w/(√v_hat_w + eps)" in found
    assert "m_b" not in found
    assert "The same for b, c" in found
    short = printed(chosen("SGD", momentum="0.9"), "l = mean((w*x + b - y)^2)")
    assert "v_b ← momentum·v_b + ∂l/∂b" in short
    assert "The same" not in short


def test_one_name_is_shown_with_its_own_equations() -> None:
    derivation = differentiate(derive.load("l = mean((w*x + b - y)^2)").graph)
    found = to_text(derivation, "", chosen("SGD", momentum="0.9"), choice=Choice(("update",), "b"))
    assert "v_b ← momentum·v_b + ∂l/∂b" in found
    assert "v_w ←" not in found


def test_names_in_ascii_and_with_indices() -> None:
    derivation = derive.derive(
        'equations = "l = mean(sum(x[i,j]*λ[j], j)^2)"\n[parameters]\n"λ" = [1, 2]\n[data]\nx = [[1, 2]]'
    )
    found = to_text(derivation, "", chosen("SGD", momentum="0.9"), choice=UPDATE)
    assert "v_λⱼ ← momentum·v_λⱼ + ∂l/∂λⱼ" in found
    plain = to_text(derivation, "", chosen("SGD", momentum="0.9"), choice=UPDATE, ascii_only=True)
    assert "v_lambda[j] <- momentum*v_lambda[j] + dl/dlambda[j]" in plain
    theta = to_text(derive.derive("l = theta^2"), "", chosen("SGD", momentum="0.9"), choice=UPDATE)
    assert "v_θ ← momentum·v_θ + ∂l/∂θ" in theta


def test_latex_has_hats() -> None:
    found = to_latex(derive.derive("l = w^2"), "", Optimizer("Adam"), choice=UPDATE)
    assert r"\hat{m}_{w} &\leftarrow \frac{m_{w}}{1 - \beta_{1}^{t}}" in found
    assert r"w &\leftarrow w - \frac{\mathit{lr} \cdot \hat{m}_{w}}{\sqrt{\hat{v}_{w}} + \mathit{eps}}" in found


@pytest.mark.parametrize("optimizer", [*ALL, *TEXTBOOK], ids=lambda optimizer: optimizer.name)
def test_a_document_with_an_optimizer_there_and_back(optimizer: Optimizer) -> None:
    derivation = differentiate(derive.load("l = mean((w*x + b - y)^2)").graph)
    text = to_json(derivation, "", optimizer)
    assert from_json(text) == derivation
    document = json.loads(text)
    assert document["optimizer"] == optimizer.name
    assert document["variant"] == (optimizer.variant.name if optimizer.variant else None)
    assert set(document["options"]) == set(optimizer.options)
    assert set(document["state"]) == {state.name for state in optimizer.states}
    assert {entry["parameter"] for entry in document["updates"]} - {None} == {"w", "b"}


def test_the_problem_files_options_are_printed(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(SQUARE + "momentum = 0.9\n")
    problem = derive.load(file)
    optimizer = Optimizer("SGD", problem.training.options)
    for form in ("text", "latex", "markdown", "json"):
        assert "momentum" in render(derive.derive(problem), form, "", optimizer)
    done = subprocess.run(
        ["python", "-m", "derive", str(file), "--steps", "update"], capture_output=True, text=True, check=True
    )
    assert "v_w ← momentum·v_w + ∂l/∂w" in done.stdout


LINE = FIVE_POINTS + "[training]\nlr = 0.01\nbatch_size = 2\n"


@pytest.mark.parametrize("training", [Training(), Training(zero_grad=True), Training(zero_grad=1, accumulate=1)])
def test_where_every_step_is_its_own_nothing_is_said(training: Training) -> None:
    assert gathering(training, True) == PLAIN
    assert with_gathering((), PLAIN) == ()


@pytest.mark.parametrize(
    ("setting", "printed"),
    [
        (
            "zero_grad = false",
            """Update: SGD, after each batch
  (6)  w ← w − lr·∂l/∂w
  The gradient is never set to zero: each gradient in the update is the sum over
  all batches so far, each at the parameters of its own step.
""",
        ),
        (
            "zero_grad = 3",
            """Update: SGD, after each batch
  (6)  w ← w − lr·∂l/∂w
  The gradient is set to zero before every 3 steps: each gradient in the update
  is the sum over the batches since then, each at the parameters of its own
  step.
""",
        ),
        (
            "accumulate = 2",
            """Update: SGD, after every 2 batches and at the end of an epoch
  (6)  w ← w − lr·∂l/∂w
  Each gradient in the update is the sum over the last 2 batches, fewer at the
  end of an epoch, all at the same parameters; then it is set to zero.
""",
        ),
    ],
)
def test_the_update_says_what_its_gradient_is(
    setting: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line.toml"
    path.write_text(f"{LINE}{setting}\n")
    assert main([str(path), "--steps", "update"]) == 0
    assert capsys.readouterr().out == f"line\n\n{printed}"


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_other_formats_say_it_too(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.toml"
    path.write_text(f"{LINE}zero_grad = false\n")
    assert main([str(path), "--format", form]) == 0
    assert "The gradient is never set to zero: each gradient in the update is the sum" in capsys.readouterr().out


def test_without_data_an_epoch_does_not_end_a_group() -> None:
    found = gathering(Training(accumulate=4), False)
    assert found.when == "after every 4 batches"
    assert "epoch" not in found.sentence
