"""JSON by its schema, there and back; an edited document is refused with the entry that differs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

import derive
from derive.chain.derivation import Derivation, differentiate
from derive.errors import ProblemError
from derive.graph.graph import Graph
from derive.show import json_document as document
from derive.show.json_document import SCHEMA, content, to_json
from tests.json_documents import from_json
from tests.trees import RATIONAL, SMOOTH, graph_of, graphs

Document = dict[str, Any]
PATH = Path(document.__file__).with_name("derivation.schema.json")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(PATH.read_text(encoding="utf-8")))


def article() -> Derivation:
    return differentiate(derive.load("article").graph)


def test_the_schema_is_one_and_describes_every_entry() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)

    def check(schema: Document) -> None:
        for name, entry in schema.get("properties", {}).items():
            assert entry.get("description"), name
            check(entry)
        if "items" in schema:
            check(schema["items"])

    check(VALIDATOR.schema)
    for entry in VALIDATOR.schema["$defs"].values():
        assert entry["description"]
        check(entry)
    assert VALIDATOR.schema["properties"]["schema"]["const"] == SCHEMA


@given(graphs((*RATIONAL, *SMOOTH)))
def test_there_and_back(graph: Graph) -> None:
    derivation = differentiate(graph)
    text = to_json(derivation, "Any title", "SGD")
    VALIDATOR.validate(json.loads(text))
    assert from_json(text) == derivation


@pytest.mark.parametrize("name", [name for name, _ in derive.shipped()])
def test_the_shipped_problems_there_and_back(name: str) -> None:
    problem = derive.load(name)
    derivation = differentiate(problem.graph)
    assert from_json(to_json(derivation, problem.title)) == derivation


@pytest.mark.parametrize(
    ("text", "parameters", "data", "wrt"),
    [
        ("a = w*x\nl = mean(a)", ["w"], ["x"], ["a", "x", "l"]),
        ("λ = α*x₁ - 1e-30\nl = mean(λ^2/3)", ["α"], ["x1"], None),
        ("lambda = w^2\nl = -(lambda*w) - -w*lambda", ["w"], [], None),
        ("z[i] = w*x[i]\nl = mean(z[i], i)", ["w"], ["x"], None),
        ("h = x*w*(x > 0)\nl = sum(max(h, 0))", ["w"], ["x"], None),
        ("s = w*2\nl = w^2", ["w"], [], ["s", "w"]),
        (
            "\n".join(["x0 = w", *(f"u{k} = mean(t*x{k})\nx{k + 1} = sin(x{k}) + u{k}" for k in range(5))]),
            ["w"],
            ["t"],
            None,
        ),
    ],
)
def test_other_graphs_there_and_back(text: str, parameters: list[str], data: list[str], wrt: list[str] | None) -> None:
    derivation = differentiate(graph_of(text, parameters, data), wrt)
    for ascii_only in (False, True):
        shown = to_json(derivation, ascii_only=ascii_only)
        VALIDATOR.validate(json.loads(shown))
        assert from_json(shown) == derivation
    assert to_json(derivation, ascii_only=True).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "z[i,k] = sum(x[i,j]*W[j,k], j)\np[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m)\nl = -sum(t[i,k]*log(p[i,k]))/n",
        "q[k,j] = W[j,k]^2\nm[k] = max(q[k,j], j)\nl = sum(m[k], k) + min(v[j], j)*logsumexp(v[j], j)",
        "z = relu(x[i,j]*w[j])\nl = cross_entropy(z, y)",
        "l = sum(where(x[i,j] > 0, w[j], w[j]*x[i,j]))/n + clip(c, -1, 1)*W[0,1] + sum(W[j,k]*V[k,j])",
    ],
)
def test_problems_in_indices_there_and_back(text: str) -> None:
    derivation = differentiate(derive.load(text).graph)
    shown = to_json(derivation)
    VALIDATOR.validate(json.loads(shown))
    assert from_json(shown) == derivation


@pytest.mark.parametrize("seed", ["2", "[1, 2]", "[[1, 2], [3, 4], [5, 6]]"])
def test_upstream_gradients_and_frozen_parameters_there_and_back(seed: str) -> None:
    shape = {"2": ("s = sum(W*W)", "[data]\nx = [1, 2, 3]"), "[1, 2]": ("s = W[0,k]*c", "")}
    line, data = shape.get(seed, ("s[i,k] = x[i]*W[0,k]", "[data]\nx = [1, 2, 3]"))
    parameters = "[parameters]\nW = [[1, 2], [3, 4]]\nc = 2"
    frozen = 'frozen = ["W[0,1]", "W[1,0]", "c"]'
    text = f"equations = '{line} + c'\nseed_gradient = {seed}\n{frozen}\n{parameters}\n{data}"
    derivation = differentiate(derive.load(text).graph)
    shown = to_json(derivation)
    VALIDATOR.validate(json.loads(shown))
    assert len(derivation.graph.frozen) == 2
    assert from_json(shown) == derivation


def test_a_derivation_without_training_there_and_back() -> None:
    text = to_json(article(), "t", None)
    VALIDATOR.validate(json.loads(text))
    assert json.loads(text)["updates"] == []
    assert from_json(text) == article()


def edited(change: Callable[[Document], object]) -> str:
    found = content(article(), "A title")
    change(found)
    return json.dumps(found)


def put(*keys: Any) -> Callable[[Document], None]:
    """Sets the entry at a path to the last of `keys`."""

    def change(found: Any) -> None:
        *path, last, value = keys
        for key in path:
            found = found[key]
        found[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("schema", "handgrad/derivation/2"), "schema is 'handgrad/derivation/2'; expected 'handgrad/derivation/1'"),
        (lambda d: d.pop("schema"), "schema is missing; expected 'handgrad/derivation/1'"),
        (
            put("gradients", 0, "closed", "(1/n)*w"),
            "gradients[0].closed is '(1/n)*w'; the equations of the document give",
        ),
        (
            put("partials", 1, "partial", "3*d[i]"),
            "partials[1].partial is '3*d[i]'; the equations of the document give",
        ),
        (put("adjoints", 6, "terms", 0, "summed", []), "adjoints[6].terms[0].summed is a list of 0; the equations"),
        (put("equations", 0, "sum_implied", True), "equations[0].sum_implied is true; the equations of the document"),
        (
            put("equations", 0, "sum_implied", 0),
            "equations[0].sum_implied is 0; the equations of the document give false",
        ),
        (
            put("equations", 3, "written", "d^3"),
            "equations[3].resolved is 'd[i]^2'; the equations of the document give",
        ),
        (
            put("equations", 3, "written", "d**2"),
            "equations[3].written is 'd**2'; the equations of the document give 'd^2'",
        ),
        (
            put("equations", 3, "written", "d^"),
            "equations[3]:5: the equation ends where an operand was expected\n    e = d^",
        ),
        (put("equations", 3, "axes", []), "equations[3].axes is a list of 0; the equations of the document give 1"),
        (put("equations", 3, "axes", ["k"]), "equations[3].axes[0] is 'k'; the equations of the document give 'i'"),
        (put("equations", 3, "axes", None), "equations[3].axes is missing or is not a list of texts"),
        (put("equations", 3, 7), "equations is missing or is not a list of objects"),
        (put("equations", []), "equations is missing or is not a list of objects"),
        (put("loss", "m"), "loss = 'm' is not the name of a line"),
        (put("loss", 3), "loss is missing or is not a text"),
        (put("wrt", ["w", "q"]), "unknown name 'q' to derive for"),
        (put("wrt", ["b", "w"]), "adjoints["),
        (put("parameters", ["w"]), "unknown name 'b'"),
        (put("data", ["y", "x"]), ""),
        (put("optimizer", "Adagrad9"), "optimizer 'Adagrad9' is not known; expected one of: SGD"),
        (put("options", 3), "options is missing or is not an object"),
        (put("options", "lr", "0.1"), "options.lr is not an option; expected some of: momentum, "),
        (put("options", "eps", "1e-8"), "eps is no option of SGD but of Adagrad, RMSprop, "),
        (put("options", "momentum", 0.9), "options.momentum is missing or is not a text"),
        (put("options", "momentum", "-1"), "momentum = '-1' is below 0"),
        (put("options", "momentum", "0.9"), "state.v is nothing; the equations of the document give "),
        (put("updates", 0, "rule", "w + lr*dl/dw"), "updates[0].rule is 'w + lr*dl/dw'"),
        (put("extra", 1), "extra is 1; the equations of the document give nothing"),
        (lambda d: d.pop("updates"), "updates is nothing; the equations of the document give ["),
        (lambda d: d["updates"].pop(), "updates is a list of 1; the equations of the document give 2 entries"),
    ],
)
def test_a_document_that_is_not_what_its_equations_give(change: Callable[[Document], object], message: str) -> None:
    text = edited(change)
    if not message:
        assert from_json(text).graph.of_kind("data") == ("y", "x")
        return
    with pytest.raises(ProblemError) as caught:
        from_json(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "document:1:1: not JSON: Expecting value"),
        ("{", "document:1:2: not JSON"),
        ("[]", "not a derivation: expected a JSON object"),
        ("{}", "schema is missing; expected 'handgrad/derivation/1'"),
        ("[" * 100_000, "not a derivation: nested too deeply"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice in one object; keep one"),
        ("9" * 5000, "not a derivation: nested too deeply, or a number too long"),
    ],
)
def test_what_is_no_document(text: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        from_json(text)
    assert str(caught.value).startswith(message)


def test_sentences_in_it_have_no_marks() -> None:
    lines = ["x0 = w", *(f"u{k} = 2*x{k}\nx{k + 1} = sin(x{k}) + u{k}" for k in range(4))]
    gradient = content(differentiate(graph_of("\n".join(lines), ["w"])))["gradients"][0]
    assert gradient["left_out"].startswith("16 paths lead to 'w'")
    assert (gradient["chain"], gradient["substituted"], gradient["closed"]) == (None, None, None)
