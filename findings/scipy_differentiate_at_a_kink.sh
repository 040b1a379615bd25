#!/bin/sh
# SciPy 1.17.1: scipy.differentiate.derivative reports success and an error of exactly 0 where there is no
# derivative, and failure where it has the right one.
#
# max(x, 0) at 0 has no derivative: success is True, df 0.5, error 0. At 0.001, where the derivative is 1 and
# the kink is near, df is 1 to fifteen digits and success is False (status -2). round(x) at 3.2 has the
# derivative 0: df is 1e-12 and success is False. So `success` cannot be used to leave out the points at which a
# hand-derived gradient need not agree.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy
from scipy.differentiate import derivative


def relu(x):
    return numpy.maximum(x, 0)


at_the_kink, beside_it, flat = derivative(relu, 0.0), derivative(relu, 1e-3), derivative(numpy.round, 3.2)
for name, result in (("max(x, 0) at 0", at_the_kink), ("max(x, 0) at 0.001", beside_it), ("round(x) at 3.2", flat)):
    print(name, "success", result.success, "df", result.df, "error", result.error, "status", result.status)
assert at_the_kink.success and abs(at_the_kink.df - 0.5) < 1e-12 and at_the_kink.error == 0
assert not beside_it.success and abs(beside_it.df - 1) < 1e-12 and beside_it.status == -2
assert not flat.success and abs(flat.df) < 1e-9
EOF
