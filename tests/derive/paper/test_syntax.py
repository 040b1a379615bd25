"""One expression → one tree; everything that is not in the notation ends in one clear message, quickly."""

import ast
import time
from fractions import Fraction
from pathlib import Path

import pytest

import derive
from derive.algebra.expression import ONE, Apply, Axis, Expr, Number, Reduce, Ref
from derive.errors import EquationError, Place
from derive.paper.lines import read_line
from derive.paper.syntax import MAX_DEPTH, read_expression


def read(text: str) -> Expr:
    return read_expression(text, Place("test", 1, 1, text))


A, B, C = Ref("a"), Ref("b"), Ref("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a - b - c", Apply("sub", (Apply("sub", (A, B)), C))),
        ("a - (b - c)", Apply("sub", (A, Apply("sub", (B, C))))),
        ("a/b*c", Apply("mul", (Apply("div", (A, B)), C))),
        ("a^b^c", Apply("pow", (A, Apply("pow", (B, C))))),
        ("-a^2", Apply("neg", (Apply("pow", (A, Number(Fraction(2)))),))),
        ("-a*b", Apply("mul", (Apply("neg", (A,)), B))),
        ("a^-2", Apply("pow", (A, Apply("neg", (Number(Fraction(2)),))))),
        ("- -a", Apply("neg", (Apply("neg", (A,)),))),
        ("0.1", Number(Fraction(1, 10))),
        ("1e-3*a", Apply("mul", (Number(Fraction(1, 1000)), A))),
        ("1/3", Apply("div", (Number(Fraction(1)), Number(Fraction(3))))),
        ("max(a, b, c)", Apply("max", (Apply("max", (A, B)), C))),
        ("sum(a)", Reduce("sum", A)),
        ("mean(a, i)", Reduce("mean", A, (Axis("i"),))),
        ("x[i,k]", Ref("x", (Axis("i"), Axis("k")))),
        ("a @ b", Apply("matmul", (A, B))),
        ("-a.T @ b", Apply("matmul", (Apply("neg", (Apply("transpose", (A,)),)), B))),
        ("max(a)", Apply("max", (A,))),
        ("a > b", Apply("greater", (A, B))),
        ("a < b", Apply("greater", (B, A))),
        ("a <= b", Apply("at_most", (A, B))),
        ("a >= b", Apply("at_most", (B, A))),
        ("a == b", Apply("equal", (A, B))),
        ("a != b", Apply("sub", (ONE, Apply("equal", (A, B))))),
        ("x[i,1]", Apply("entry", (Ref("x", (Axis("i"), Axis("·"))), ONE))),
        ("where(a > 0, a, b)", Apply("where", (Apply("greater", (A, Number(Fraction(0)))), A, B))),
        ("e^a", Apply("pow", (Ref("e"), A))),
    ],
)
def test_trees(text: str, tree: Expr) -> None:
    assert read(text) == tree


BAD = [
    ("a = b +", "the equation ends where an operand was expected", None),
    ("a = (b", "a parenthesis is opened and never closed", None),
    ("a = b)", "a parenthesis is closed that was never opened", None),
    ("a = (b]", "a parenthesis is closed that was never opened", None),
    ("a = b + * c", "cannot be read from here on; expected names, numbers, + - * / ^, parentheses and functions", None),
    ("a = b, c", "a comma belongs between the arguments of a function", None),
    ("a = [1, 2]", "a list is not part of an equation; put numbers under [data] or [parameters]", None),
    ("a = sin()", "sin of 0 arguments; expected 1", 5),
    ("a = sin(x, y)", "sin of 2 arguments; expected 1", 5),
    ("a = max()", "max of 0 arguments; expected 2 or more", 5),
    ("a = mean()", "mean of nothing; expected mean(expression) or mean(expression, index)", 5),
    ("a = sum(x, 0)", "sum(…, 0) counts axes as NumPy does; write the letter of the axis, as in sum(x[i,k], i)", 12),
    ("a = mean(x, -1)", "mean(…, 0) counts axes as NumPy does; write the letter", 13),
    ("a = x[i+1]", "an index is a letter, a whole number or a label, as in x[i,j], z[i,0], z[i,y[i]]", None),
    ("a = where(m, x, y)", "where needs a comparison first, as in where(x > 0, a, b)", 11),
    ("a = where(x > 0, y)", "where of 2 arguments; expected 3", 5),
    ("a = where((x > 0)*m, x, y)", "where needs a comparison first", None),
    ("a = x < y < z", "a comparison has two sides, as in where(x > 0, a, b)", None),
    ("a = sofplus(x)", "unknown function 'sofplus'; did you mean 'softplus'?", 5),
    ("a = __import__(os)", "unknown function '__import__'; known: abs, clip, cos", 5),
    ("a = b(c)", "unknown function 'b'; known: abs, clip, cos", 5),
    ("a = b(c)(d)", "a product needs its sign: write (…)*(…)", None),
    ('a = __import__("os")', """'"' is not part of the notation""", None),
    ("a = w.data", "'.' is not part of the notation: attributes are never read", None),
    ("a = w.T.data", "'.' is not part of the notation: attributes are never read", None),
    ("a = w.T(x)", "only functions known by name can be called", None),
    ("a = .T", "cannot be read from here on", None),
    ("a = x if y else z", "a product needs its sign: write x*if", None),
    ("a = 2x", "a product needs its sign: write 2*x", 6),
    ("a = b % c", "'%' is not part of the notation", 7),
    ("a = b // c", "'//' is not part of the notation; write /", 5),
    ("a = sum(*b)", "a * stands between two factors", 9),
    ("a = sum(**b)", "sum takes no named arguments", 5),
    ("a = f(b=c)", "a second '='", 8),
    ("a = 1e999999999", "'1e999999999' has an exponent beyond ±400", 5),
    ("a = 1e-999999999", "'1e-999999999' has an exponent beyond ±400", 5),
    ("a = 1e309", "is larger than any float64", 5),
    ("a = " + "9" * 5000, "a number with thousands of digits", None),
    ("a = 0x10", "a product needs its sign: write 0*x10", None),
    ("a = 1j", "a product needs its sign: write 1*j", None),
    ("a = x\x00", "is not part of the notation", None),
]


@pytest.mark.parametrize(("text", "message", "column"), BAD, ids=[text[:24] for text, _, _ in BAD])
def test_what_is_not_in_the_notation(text: str, message: str, column: int | None) -> None:
    with pytest.raises(EquationError) as caught:
        read_line(text, Place("test", 1, 1, text))
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
    place = caught.value.place
    assert place is not None
    assert place.line == 1
    if column is not None:
        assert place.column == column


DEEP = {
    "a line of 100 kB": "a = " + "x + " * 25_000 + "x",
    "1+1+… of 50,000 terms": "a = " + "1+" * 50_000 + "1",
    "1+1+… of 4,000 terms": "a = " + "1+" * 4_000 + "1",
    "10,000 parentheses": "a = " + "(" * 10_000 + "x" + ")" * 10_000,
    "4,000 parentheses": "a = " + "(" * 4_000 + "x" + ")" * 4_000,
    "199 parentheses": "a = " + "(" * 199 + "x" + ")" * 199 + "*",
    "functions": "a = " + "sin(" * 180 + "x" + ")" * 180,
    "2,000 functions": "a = " + "sin(" * 2_000 + "x" + ")" * 2_000,
    "minus signs": "a = " + "-" * 9_000 + "x",
    "powers": "a = " + "x^" * 4_000 + "x",
    "roots": "a = " + "√" * 3_000 + "x",
    "brackets": "a = " + "x[" * 3_000 + "i" + "]" * 3_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_and_long_lines_are_refused_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(EquationError) as caught:
        read_line(text, Place("test", 1, 1, text))
    assert len(str(caught.value)) < 400
    assert time.monotonic() - start < 5  # a bound on hanging, not a measurement


def test_the_limit_of_depth_says_what_it_is() -> None:
    with pytest.raises(EquationError, match=f"more than {MAX_DEPTH} operations inside one another; split"):
        read("1+" * 1000 + "1")


def test_as_deep_as_allowed_is_read() -> None:
    assert read("x" + "+x" * (MAX_DEPTH - 1))


FORBIDDEN = {"eval", "exec", "compile", "sympify", "S", "parse_expr", "lambdify", "literal_eval", "__import__"}


def calls(path: Path) -> set[str]:
    """The names of everything that a module calls or imports from SymPy by name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            found.add(function.id if isinstance(function, ast.Name) else getattr(function, "attr", ""))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sympy"):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(Path(derive.__file__).parent.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_of_a_problem_is_ever_evaluated(path: Path) -> None:
    forbidden = calls(path) & FORBIDDEN
    if "re.compile(" in path.read_text(encoding="utf-8"):
        forbidden -= {"compile"}
    assert forbidden == set()


def test_the_check_for_evaluation_finds_it(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import sympy\nsympy.sympify(text)\nx = eval('1')\n")
    assert calls(planted) & FORBIDDEN == {"sympify", "eval"}
