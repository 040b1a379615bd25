"""The code against the plan of the house: the table of docs/architecture.md, and the rules beneath it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("derive", "verify", "tables")
PLAN = ROOT / "docs/architecture.md"
CODE = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TESTS = tuple(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py")))

# Exceptions, each with its reason.
UPWARD = {("verify/__main__.py", "tables/output.py"): "what `python -m verify` prints is output; it is handed to main"}
LARGE: Mapping[str, str] = {}  # modules of more lines, packages of more modules
MOST_LINES, MOST_MODULES = 400, 12

# What may be imported beyond the standard library and our own packages; that of the innermost package counts.
OTHERS = {
    "derive": {"sympy"},
    "verify": {"flint", "numpy", "sympy"},
    "verify/pytorch": {"numpy", "torch"},
    "verify/spreadsheet": {"odf", "openpyxl"},
    "tables": {"numpy", "pandas"},
}
# What PyTorch's side may not load: the hand's side, and what is made of both.
HANDS = (
    *("verify.hand", "verify.bound", "verify.compare", "verify.claims", "verify.auditing"),
    *("derive.chain", "derive.show"),
)
WITHOUT_MODULE = ("tests/scenarios/", "tests/benchmarks/", "tests/rounding/")  # tests of several modules together


@dataclass(frozen=True)
class Row:
    """A row of the table: a package, or of its modules those on the ground; and the rows that it may import."""

    name: str
    package: str
    modules: frozenset[str]
    may_import: tuple[str, ...]


def rows_of(text: str) -> tuple[Row, ...]:
    """The table of packages, from bottom to top."""
    lines = iter(text.splitlines())
    assert any(line.startswith("| package |") for line in lines), "there is no table of packages"
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        first, _, may = (cell.strip() for cell in line.strip("|").split(" | "))
        name, _, modules = first.replace("`", "").partition(":")
        listed = () if may == "nothing" else tuple(may.replace("`", "").split(", "))
        found.append(Row(name, name.partition(" ")[0], frozenset(re.findall(r"\w+", modules)), listed))
    return tuple(found)


ROWS = rows_of(PLAN.read_text(encoding="utf-8"))


def package_of(path: str) -> str:
    return path.rpartition("/")[0]


def row_of(path: str, rows: tuple[Row, ...]) -> Row | None:
    """The row that a module belongs to: one that names it, else that of its package."""
    own = [row for row in rows if row.package == package_of(path)]
    named = [row for row in own if Path(path).stem in row.modules]
    return next(iter(named or [row for row in own if not row.modules]), None)


def imported(text: str) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it, by statement or by `import_module("…")`."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def own_imports(path: str, code: Mapping[str, str]) -> set[str]:
    """The paths of our own modules that a module imports; a name that a face hands on is the face's."""
    found = set()
    for name in imported(code[path]):
        whole = name.replace(".", "/")
        places = (f"{place}{end}" for place in (whole, package_of(whole)) for end in (".py", "/__init__.py"))
        found.update([place for place in places if place in code][:1])
    return found - {path}


def forbidden(code: Mapping[str, str], rows: tuple[Row, ...]) -> list[str]:
    """Imports that the table does not list."""
    found = []
    for path in code:
        row = row_of(path, rows)
        if row is None:
            found.append(f"{path} is in no row of the table")
            continue
        for other in sorted(own_imports(path, code)):
            there = row_of(other, rows)
            if there is not None and there.name not in (row.name, *row.may_import) and (path, other) not in UPWARD:
                found.append(f"{path} imports {other}: {row.name} may not import {there.name}")
    return found


def turned(rows: tuple[Row, ...]) -> list[str]:
    """What the table allows though it is not further down in the house, or not there at all."""
    names = [row.name for row in rows]
    return [f"{row.name}: {other}" for k, row in enumerate(rows) for other in row.may_import if other not in names[:k]]


def circles(code: Mapping[str, str]) -> list[str]:
    """Modules that import each other, directly or by way of others; the face of a package counts as a module."""
    imports = {path: own_imports(path, code) for path in code}
    reached: dict[str, set[str]] = {}
    for start in code:
        pending, found = [start], set[str]()
        while pending:
            new = imports[pending.pop()] - found
            found |= new
            pending.extend(new)
        reached[start] = found
    alike = {path: [other for other in sorted(reached[path]) if path in reached[other]] for path in code}
    return sorted({" <-> ".join(found) for found in alike.values() if found})


def strangers(code: Mapping[str, str]) -> list[str]:
    """Imports of other people's packages for which there is no door; torch has one in verify/pytorch."""
    found = []
    for path, text in code.items():
        innermost = max((package for package in OTHERS if path.startswith(f"{package}/")), key=len)
        known = {*OTHERS[innermost], *PACKAGES, *sys.stdlib_module_names}
        names = {name.partition(".")[0] for name in imported(text)}
        found.extend(f"{path} imports {name}" for name in sorted(names - known))
    return found


# What would run or fetch what a file says; torch.load and pandas' readers unpickle.
EVALUATING = frozenset(
    ["eval", "exec", "compile", "__import__", "sympify", "parse_expr", "lambdify", "read_pickle", "query", "system"],
)
REACHING = frozenset(
    ["subprocess", "pickle", "marshal", "shelve", "dill", "socket", "urllib", "http", "ftplib", "webbrowser", "code"],
)


def running(code: Mapping[str, str]) -> list[str]:
    """Calls that would evaluate a text, and imports that start programs, unpickle or open connections."""
    found = []
    for path, text in code.items():
        names = {name.partition(".")[0] for name in imported(text)}
        found.extend(f"{path} imports {name}" for name in sorted(names & REACHING))
        calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        for called in calls:
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            is_pattern = isinstance(called, ast.Attribute) and ast.unparse(called) == "re.compile"
            loads = isinstance(called, ast.Attribute) and ast.unparse(called) == "torch.load"
            if (name in EVALUATING and not is_pattern) or loads:
                found.append(f"{path} calls {ast.unparse(called)}")
    return found


def too_large(code: Mapping[str, str]) -> list[str]:
    """Modules of too many lines and packages of too many modules, beyond the exceptions."""
    found = [f"{path}: {len(text.splitlines())} lines" for path, text in code.items()]
    large = [entry for entry in found if int(entry.split()[-2]) > MOST_LINES]
    for package in sorted({package_of(path) for path in code}):
        own = [path for path in code if package_of(path) == package and not Path(path).stem.startswith("__")]
        large.extend([f"{package}: {len(own)} modules"] if len(own) > MOST_MODULES else [])
    return [entry for entry in large if entry.partition(":")[0] not in LARGE]


def handed_on(text: str) -> set[str]:
    """The names that a face hands on: those of `__all__`, and those that are loaded when used."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                found |= {ast.literal_eval(name) for name in names}
            case ast.Call(func=ast.Name(id="_lazily" | "lazily"), args=[_, ast.Dict(keys=names)]):
                found |= {ast.literal_eval(name) for name in names if name is not None}
    return found


def shadows(code: Mapping[str, str]) -> list[str]:
    """Modules and sub-packages with the name of something that a package around them hands on."""
    found = []
    for path in code:
        whole = Path(path).parent if path.endswith("__init__.py") else Path(path)
        for package in whole.parents[:-1]:
            face = code.get(f"{package.as_posix()}/__init__.py", "")
            if whole.stem in handed_on(face):
                found.append(f"{path} has a name that {package.as_posix()} hands on")
    return found


def without_module(tests: tuple[str, ...], code: Mapping[str, str]) -> list[str]:
    """Tests that do not stand where the module stands that they are named after."""
    found = []
    for path in tests:
        inner = path.removeprefix("tests/")
        module = f"{package_of(inner)}/{Path(inner).name.removeprefix('test_')}"
        if "/" in inner and not path.startswith(WITHOUT_MODULE) and module not in code:
            found.append(f"{path}: there is no {module}")
    return found


def more_than_names(text: str) -> list[str]:
    """What a face holds beyond its docstring, imports, `__all__` and the names that are loaded when used."""
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) else ["no docstring"]
    for node in tree.body[1:]:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
                pass
            case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.Assign(value=ast.Call(func=ast.Name(id="_lazily"))):
                pass
            case _:
                found.append(ast.unparse(node).partition("\n")[0])
    return found


def loads_of_the_hand(module: str) -> list[str]:
    """What `import module` loads in a fresh process that PyTorch's side may not."""
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert module in loaded
    return sorted(name for name in loaded if f"{name}.".startswith(tuple(f"{hand}." for hand in HANDS)))


def unknown_names(text: str, code: Mapping[str, str]) -> list[str]:
    """What a page calls `package/module.name`, or by its path, and is not there."""
    found = []
    for token in re.findall(r"`((?:derive|verify|tables)/[\w/.]+)`", text):
        module, _, name = token.partition(".")
        tree = ast.parse(code.get(f"{module}.py", ""))
        defined = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined |= {getattr(node, "name", "") for node in tree.body}
        there = f"{module}.py" in code and (not name or name.partition(".")[0] in defined)
        if not there and token not in code and not (ROOT / token).exists():
            found.append(token)
    return found


def none_of(found: list[str]) -> None:
    """Fails with every offence on a line of its own."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_imports_go_only_where_the_table_lets_them() -> None:
    none_of(forbidden(CODE, ROWS))


def test_the_table_runs_one_way() -> None:
    none_of(turned(ROWS))


def test_every_row_of_the_table_is_a_package_with_code() -> None:
    assert [row.name for row in ROWS if all(row_of(path, ROWS) is not row for path in CODE)] == []
    named = [f"{row.package}/{name}.py" for row in ROWS for name in row.modules]
    assert [path for path in named if path not in CODE] == []


def test_no_modules_import_each_other() -> None:
    none_of(circles(CODE))


def test_other_peoples_packages_are_imported_only_where_they_may() -> None:
    none_of(strangers(CODE))


def test_pytorchs_side_loads_nothing_of_the_hands() -> None:
    none_of(loads_of_the_hand("verify.pytorch.run"))


def test_no_module_and_no_package_is_too_large() -> None:
    none_of(too_large(CODE))


def test_no_module_has_the_name_of_what_its_package_hands_on() -> None:
    none_of(shadows(CODE))


def test_tests_stand_where_their_modules_stand() -> None:
    none_of(without_module(TESTS, CODE))


@pytest.mark.parametrize("path", [path for path in CODE if path.endswith("__init__.py")])
def test_a_face_is_a_docstring_and_names(path: str) -> None:
    none_of(more_than_names(CODE[path]))


def test_nothing_runs_what_a_file_says() -> None:
    """The promise of SECURITY.md."""
    none_of(running(CODE))


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_a_page_names_what_is_there(page: str) -> None:
    none_of(unknown_names((ROOT / page).read_text(encoding="utf-8"), CODE))


def test_every_exception_is_still_needed() -> None:
    assert [pair for pair in UPWARD if pair[1] not in own_imports(pair[0], CODE)] == []
    assert [path for path in LARGE if path not in CODE and f"{path}/__init__.py" not in CODE] == []


# Each check above finds what is planted.

PLANTED_TABLE = """
| package | what it is | may import |
|---|---|---|
| `derive` ground: `errors` | The ground. | nothing |
| `derive/graph` | A graph. | `derive` ground |
| `derive` | The command. | `derive/graph`, `derive` ground |

| package of another table | - | - |
"""


def planted(path: str, text: str) -> Mapping[str, str]:
    """A small house, with one module more or another one."""
    house = {
        "derive/__init__.py": '"""A package."""',
        "derive/errors.py": "import ast",
        "derive/command.py": "from derive.graph import node\nfrom derive.errors import Place",
        "derive/graph/__init__.py": '"""A room."""',
        "derive/graph/node.py": "import derive.errors",
        "derive/graph/scope.py": "from derive.graph.node import Node",
    }
    return house | {path: text}


def test_the_table_is_read() -> None:
    ground, graph, command = rows_of(PLANTED_TABLE)
    assert ground == Row("derive ground", "derive", frozenset({"errors"}), ())
    assert (graph.name, graph.modules, graph.may_import) == ("derive/graph", frozenset(), ("derive ground",))
    assert command.may_import == ("derive/graph", "derive ground")
    assert row_of("derive/errors.py", (ground, graph, command)) is ground
    assert row_of("derive/command.py", (ground, graph, command)) is command
    assert row_of("derive/paper/lines.py", (ground, graph, command)) is None


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("derive/errors.py", "import ast", []),
        ("derive/errors.py", "from derive.graph import node", ["derive ground may not import derive/graph"]),
        ("derive/errors.py", "def f():\n    import derive.graph.node", ["derive ground may not import derive/graph"]),
        ("derive/errors.py", "import_module('derive.command')", ["derive ground may not import derive"]),
        (
            "derive/graph/scope.py",
            "if TYPE_CHECKING:\n    from derive.command import Options",
            ["derive/graph may not import derive"],
        ),
        ("derive/paper/lines.py", "import derive.errors", ["derive/paper/lines.py is in no row of the table"]),
    ],
)
def test_a_forbidden_import_is_found(path: str, text: str, found: list[str]) -> None:
    told = forbidden(planted(path, text), rows_of(PLANTED_TABLE))
    assert [entry.rpartition(": ")[2] for entry in told] == found


def test_a_table_that_turns_back_is_found() -> None:
    text = PLANTED_TABLE.replace("| nothing |", "| `derive/graph`, `verify` |")
    assert turned(rows_of(text)) == ["derive ground: derive/graph", "derive ground: verify"]
    assert turned(rows_of(PLANTED_TABLE.replace("| `derive` ground |", "| `derive/graph` |"))) == [
        "derive/graph: derive/graph"
    ]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("derive/errors.py", "import ast", []),
        (
            "derive/errors.py",
            "def f():\n    from derive.graph.scope import Scope",
            ["derive/errors.py <-> derive/graph/node.py <-> derive/graph/scope.py"],
        ),
        (
            "derive/graph/__init__.py",
            "from derive.command import main",
            ["derive/command.py <-> derive/graph/__init__.py"],
        ),
    ],
)
def test_a_circle_is_found(path: str, text: str, found: list[str]) -> None:
    code = planted(path, text)
    if path.endswith("__init__.py"):
        code = {**code, "derive/command.py": "from derive.graph import Node"}
    assert circles(code) == found


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("derive/chain/derivation.py", "import pandas.api as pd", {"pandas"}),
        ("derive/show/text.py", "import numpy, sympy, derive.chain.derivation, ast", {"numpy"}),
        ("verify/hand/run.py", "import torch.nn", {"torch"}),
        ("verify/hand/run.py", "import importlib\nimportlib.import_module('torch.optim')", {"torch"}),
        ("verify/pytorch/run.py", "import torch", set()),
        ("tables/frames.py", "import pandas, verify, derive, torch", {"torch"}),
    ],
)
def test_a_stranger_is_found(path: str, text: str, found: set[str]) -> None:
    assert set(strangers({path: text})) == {f"{path} imports {name}" for name in found}


def test_what_loads_the_hands_side_is_found() -> None:
    assert {"verify.hand", "verify.hand.run", "derive.chain.derivation"} <= set(loads_of_the_hand("verify.hand.run"))


def test_what_is_too_large_is_found() -> None:
    assert too_large(planted("derive/errors.py", "x\n" * MOST_LINES)) == []
    assert too_large(planted("derive/errors.py", "x\n" * (MOST_LINES + 1))) == ["derive/errors.py: 401 lines"]
    many = {f"derive/graph/m{k}.py": "" for k in range(MOST_MODULES - 2)}
    assert too_large({**planted("derive/graph/__main__.py", ""), **many}) == []
    assert too_large({**planted("derive/graph/more.py", ""), **many}) == ["derive/graph: 13 modules"]


@pytest.mark.parametrize(
    "face",
    ['"""."""\n__all__ = ["node", "other"]', '"""."""\n__getattr__, __dir__ = _lazily(__name__, {"node": "scope"})'],
)
def test_a_module_that_shadows_is_found(face: str) -> None:
    for package in ("derive", "derive/graph"):
        told = f"derive/graph/node.py has a name that {package} hands on"
        assert shadows(planted(f"{package}/__init__.py", face)) == [told]
    told = "derive/graph/__init__.py has a name that derive hands on"
    assert shadows(planted("derive/__init__.py", face.replace("node", "graph"))) == [told]


def test_a_test_without_a_module_is_found() -> None:
    code = planted("derive/errors.py", "")
    right = ("tests/test_readme.py", "tests/scenarios/test_power.py", "tests/derive/graph/test_node.py")
    assert without_module(right, code) == []
    wrong = "tests/derive/test_node.py"
    assert without_module((wrong,), code) == [f"{wrong}: there is no derive/node.py"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""A room."""\nfrom derive.graph.node import Node\n__all__ = ["Node"]', []),
        ("", ["no docstring"]),
        ('"""A room."""\ndef build():\n    pass', ["def build():"]),
        ('"""A room."""\nSIZE = 3', ["SIZE = 3"]),
    ],
)
def test_a_face_with_more_than_names_is_found(text: str, found: list[str]) -> None:
    assert more_than_names(text) == found


def test_a_name_that_is_not_there_is_found() -> None:
    code = planted("derive/graph/node.py", "SIZE = 1\ndef node(): pass")
    assert unknown_names("`derive/graph/node.node` `derive/graph/node.py` `derive/graph/node.SIZE`", code) == []
    wrong = ["derive/graph/node.edge", "derive/grap/node.py"]
    assert unknown_names(f"`{wrong[0]}`, `{wrong[1]}`", code) == wrong


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eval('1')", ["calls eval"]),
        ("import sympy\nsympy.sympify(text)", ["calls sympy.sympify"]),
        ("import os\nos.system('ls')", ["calls os.system"]),
        ("def f():\n    from subprocess import run", ["imports subprocess"]),
        ("import urllib.request", ["imports urllib"]),
        ("import torch\ntorch.load(file)", ["calls torch.load"]),
        ("import re\nre.compile('a')\nmodel.eval_ = 1", []),
    ],
)
def test_what_runs_a_text_is_found(text: str, found: list[str]) -> None:
    assert running({"derive/a.py": text}) == [f"derive/a.py {offence}" for offence in found]
