#!/bin/sh
# ALGOPY 0.7.2: at 0, the derivative of x**2 is 0 and that of x**2.0 is nan.
#
# The value is 0 both times; only the exponent's type differs, and a square written with a float exponent is what
# code translated from a formula often has.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.17.1 algopy==0.7.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import math

import algopy
import numpy

numpy.seterr(all="ignore")


def square(exponent):
    x = algopy.UTPM.init_jacobian(numpy.array([0.0]))
    result = x[0] ** exponent
    return float(result.data[0, 0]), float(algopy.UTPM.extract_jacobian(result)[0])


print("x**2", square(2), "x**2.0", square(2.0))
assert square(2) == (0.0, 0.0)
value, derivative = square(2.0)
assert value == 0.0 and math.isnan(derivative)
EOF
