#!/bin/sh
# numdifftools 0.11.2 and statsmodels 0.15.0: by the complex step, the gradient of a norm is exactly zero, with
# a tiny estimate of the error.
#
# A complex step needs a function that NumPy calculates analytically; numpy.linalg.norm and abs take the modulus
# of a complex number, which is real. The gradient of the norm at (3, 4) is (0.6, 0.8); both packages return (0,
# 0). numdifftools gives an error estimate of 3e-14 beside it, and neither raises nor warns. The default method
# of numdifftools finds (0.6, 0.8).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.17.1 statsmodels==0.15.0 numdifftools==0.11.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import numdifftools
import numpy
from statsmodels.tools.numdiff import approx_fprime_cs

point = numpy.array([3.0, 4.0])
result = numdifftools.Gradient(numpy.linalg.norm, method="complex", full_output=True)(point)
print("numdifftools", result.estimate, "error estimate", result.error_estimate)
assert (result.estimate == 0).all() and (result.error_estimate < 1e-12).all()
print("statsmodels", approx_fprime_cs(point, numpy.linalg.norm))
assert (approx_fprime_cs(point, numpy.linalg.norm) == 0).all()
right = numdifftools.Gradient(numpy.linalg.norm)(point)
print("central differences", right)
assert abs(right - [0.6, 0.8]).max() < 1e-9
EOF
