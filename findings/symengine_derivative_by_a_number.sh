#!/bin/sh
# SymEngine 0.15.0 (Python package symengine): the derivative of abs(x), floor(x), Max(x, 0) stays unevaluated,
# and a number put in for x is put in for the variable of the derivative too.
#
# diff(Abs(x), x).subs({x: 2}) is "Derivative(2, 2)", an expression without a value: n() gives it back and
# float() raises. It is the same with a symbol declared real. SymPy 1.14.0, whose stand-in SymEngine is, gives
# sign(x) for a real symbol, and 1 at 2; for floor it keeps the point beside the derivative (Subs).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sympy==1.14.0 symengine==0.15.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import symengine
import sympy

x = symengine.Symbol("x", real=True)
for function in (symengine.Abs(x), symengine.floor(x), symengine.Max(x, 0)):
    value = symengine.diff(function, x).subs({x: 2})
    print(function, "->", value)
    assert str(value).startswith("Derivative(2, 2") and str(value.n()) == str(value)
    try:
        float(value)
    except Exception as error:
        print("   float():", type(error).__name__)
    else:
        raise AssertionError("it has a value now")

real = sympy.Symbol("x", real=True)
assert sympy.diff(sympy.Abs(real), real).subs(real, 2) == 1
assert isinstance(sympy.diff(sympy.floor(real), real).subs(real, 2), sympy.Subs)
EOF
