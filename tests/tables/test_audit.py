"""An audit as programs read it, and the exit statuses of its commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.console import run
from tables import audit as tables_audit
from tables import output
from tables.audit import AUDIT_COLUMNS, claims, to_json
from tables.command import main as tables_main
from tables.text.audit import to_text
from verify.auditing.pipeline import Audit, audit
from verify.command import main as verify_main
from verify.following.finding import Status

CLAIMS = ("step 1: dl/dw = -26.67", "step 1: w = 0.267", "step 2: w = 1.53", "step 3: dl/dw = -178.7")


def test_every_column_of_the_frame_is_described_and_typed() -> None:
    made = claims(audit("article", sentences=CLAIMS))
    assert list(made.columns) == list(AUDIT_COLUMNS)
    assert {name: str(made[name].dtype) for name in made} == {
        name: "string" if dtype == "string" else dtype for name, (dtype, _) in AUDIT_COLUMNS.items()
    }
    row = made.iloc[3]
    assert (row["claimed"], row["right"], row["status"], row["inherited_from"]) == (
        "-178.7",
        "-169.2",
        "inherited",
        "step 2: w",
    )


def test_json_has_a_schema_and_stable_statuses() -> None:
    document = json.loads(to_json(audit("article", sentences=CLAIMS)))
    assert document["schema"] == "handgrad/audit/1"
    assert [claim["status"] for claim in document["claims"]] == ["right", "right", "wrong", "inherited"]
    assert set(document["counts"]) == {
        *("right", "truncated", "double_rounded", "residue", "carried", "wrong", "inherited", "not_right", "undecided")
    }
    assert document["first_wrong"]["right"] == "1.63"


CLASSES = '''
equations = """
z = X @ W
p = softmax(z)
l = cross_entropy(z, T)
"""
[parameters]
W = [[0.1, 0.2], [0.4, -0.1]]
[data]
X = [[1, 2], [0, -1], [0.5, 1]]
T = [[1, 0], [0, 1], [1, 0]]
'''


def test_json_says_what_a_proof_needs_of_the_data() -> None:
    found = audit(CLASSES, sentences=["dl/dz = (p - T)/n", "z = X @ W", "dl/dz = p - T"])
    formulas = json.loads(to_json(found))["formulas"]
    assert [(one["status"], one["guarantees"]) for one in formulas] == [
        ("right", ["one-hot T"]),
        ("right", []),
        ("wrong", []),
    ]


def test_exit_statuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert verify_main(["--claims"], output) == 0
    assert verify_main(["--claim", "step 1: w = 0.4"], output) == 1
    assert verify_main(["tanh_network", "--epochs", "500000", "--claim", "step 1000000: c = 1"], output) == 3
    assert run(lambda: verify_main(["--claim", "step 1: q = 0.3"], output)) == 2
    assert run(lambda: verify_main(["--claims", str(tmp_path / "no.csv")], output)) == 2
    assert run(lambda: verify_main(["--claims", "--units", "0"], output)) == 2
    error = capsys.readouterr().err
    assert "error: --claim:9: unknown quantity 'q'" in error
    assert "expected a CSV file of claims" in error
    assert "--units '0': expected a whole number from 1 to 1000" in error


def test_the_csv_of_an_audit(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert verify_main(["--claims", "--lr", "0.1", "--csv", str(path), "--format", "json"], output) == 1
    made = pd.read_csv(path)
    assert list(made.columns) == list(AUDIT_COLUMNS)
    assert list(made["first_wrong"]).index(True) == 3


def test_cells_that_cannot_be_read_are_rows_with_their_reason(tmp_path: Path) -> None:
    claimed, path = tmp_path / "mine.csv", tmp_path / "out.csv"
    claimed.write_text("step,w,b\n1,0.267,about 0.2\n2,1.53,0.57\n")
    assert verify_main(["--claims", str(claimed), "--csv", str(path), "--format", "json"], output) == 1
    made = pd.read_csv(path)
    assert list(made["status"]) == ["right", "wrong", "right", "unread"]
    last = made.iloc[-1]
    assert last["place"] == f"{claimed}:2:9"
    assert last["why"] == "'about 0.2' is not a number; expected a number, or an empty cell for no claim"
    assert last[["step", "quantity", "claimed", "right"]].isna().all()
    again = audit("article", claims=path)
    assert [one.status.value for one in again.findings] == ["right", "wrong", "right"]


# Round trips


@pytest.mark.parametrize("name", ["article", "parabola", "logistic", "tanh_network", "line"])
def test_exported_tables_claimed_back_are_right(name: str, tmp_path: Path) -> None:
    assert tables_main([name, "--output", str(tmp_path)]) == 0
    for file in ("steps.csv", "epochs.csv", "comparison.csv"):
        found = audit(name, claims=tmp_path / file)
        assert found.findings
        assert {status.value for status in found.counts} == {"right"}, file


ROUNDED = """\
rounded = ["w", "x"]
equations = "z = w*x; l = z - 3"
[parameters]
w = 0.50
[constants]
x = 4.0
"""


def test_what_rounded_inputs_allow_is_told_once_and_stands_in_the_rows() -> None:
    found = audit(f'{ROUNDED}[claims]\ntable = """\nz, l, dl/dw\n2.03, 5.00, 4.0\n"""\n')
    first, second, third = json.loads(to_json(found))["claims"]
    assert (first["status"], second["status"], third["status"]) == ("right", "wrong", "right")
    assert first["low"] <= 0.495 * 3.95
    assert first["high"] >= 0.505 * 4.05
    assert second["sentence"].startswith("step 1, loss = 5.00 is wrong: right is -1.00; for inputs that are printed so")
    assert (third["low"], third["high"]) == (None, None)  # right as printed
    told = to_text(found)
    assert "rounded inputs: 1 number is right for inputs that are printed so; first step 1, z" in " ".join(told.split())
    assert "step 1, z = 2.03 is right" not in told


SCHEMA_FILE = Path(tables_audit.__file__).with_name("audit.schema.json")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
Document = dict[str, Any]


def test_the_schema_is_one_and_describes_every_entry() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)

    def check(schema: Document) -> None:
        if "properties" in schema:
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False
        for name, entry in schema.get("properties", {}).items():
            assert entry.get("description", "").endswith("."), name
            check(entry)
        if "items" in schema:
            check(schema["items"])

    check(VALIDATOR.schema)
    for entry in VALIDATOR.schema["$defs"].values():
        check(entry)
    assert VALIDATOR.schema["properties"]["schema"]["const"] == tables_audit.SCHEMA
    assert VALIDATOR.schema["$defs"]["status"]["enum"] == [status.value for status in Status]
    assert list(VALIDATOR.schema["$defs"]["claim"]["properties"]) == [*AUDIT_COLUMNS, "remarks", "sentence"]


AUDITS: dict[str, Callable[[], Audit]] = {
    "right": lambda: audit("article"),
    "wrong and inherited": lambda: audit("article", lr="0.1"),
    "of a prediction": lambda: audit("temperature"),
    "residue": lambda: audit("parabola"),
    "sentences": lambda: audit("article", sentences=CLAIMS),
    "of an epoch": lambda: audit("article", claims="epoch,loss,w\n1,190.87,3.317\n"),
    "not read": lambda: audit("article", claims="step,loss,w\n1,146.67,abc\n2,,1.63\n"),
    "refused": lambda: audit("article", sentences=["step 1: w = 0.267", "dl/dw = 2*(w"]),
    "formulas": lambda: audit(CLASSES, sentences=["dl/dz = (p - T)/n", "dl/dz = p - T"]),
    "of equations alone": lambda: audit("l = mean((w*x - y)^2)", sentences=["dl/dw = 2*mean((w*x - y)*x)"]),
    "overflow": lambda: audit(
        'equations = "l = exp(w)"\n[parameters]\nw = 1000\n[training]\nlr = 0.1\nsteps = 2\n',
        claims="step,l,w\n1,inf,-inf\n2,nan,nan\n",
    ),
}


@pytest.mark.parametrize("kind", AUDITS)
def test_what_is_written_is_by_the_schema(kind: str) -> None:
    document = json.loads(to_json(AUDITS[kind]()))
    VALIDATOR.validate(document)
    if document["first_wrong"] is not None:
        assert document["first_wrong"] in document["claims"]


@given(st.data())
def test_any_entry_that_is_missing_or_of_another_type_is_not(data: st.DataObject) -> None:
    document = json.loads(WRITTEN)
    held: Any = document
    while True:
        key = data.draw(st.sampled_from(list(held) if isinstance(held, dict) else range(len(held))))
        inner = held[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        held = inner
    if isinstance(held, dict) and data.draw(st.booleans()):
        del held[key]
    else:
        held[key] = {"no": "such"}
    assert not VALIDATOR.is_valid(document)
    VALIDATOR.validate(json.loads(WRITTEN))


WRITTEN = to_json(audit("article", sentences=(*CLAIMS, "dl/dw = 2*mean((c - y)*x)")))
