#!/bin/sh
# tinygrad 0.14.0: tanh of a small float32 number is off by 7 % at 1e-6 and 0 at 1e-8, and asinh(-1e4) is -inf.
#
# Both are the textbook's formulas, evaluated as they stand: 2*sigmoid(2x) - 1 takes 1 from what is nearly 1, and
# log(x + sqrt(x^2 + 1)) takes the logarithm of 0, since the square swallows the 1. The derivatives of tanh are right,
# so that a gradient check by differences blames them and not the value; the derivative of asinh there is nan.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tinygrad==0.14.0
cd "$folder"
DEV=PYTHON CACHEDB="$folder/cache.db" "$folder/venv/bin/python" -W ignore - <<'EOF'
import math

from tinygrad import Tensor


def both(function, x):
    at = Tensor([x])
    value = function(at)
    return value.tolist()[0], value.sum().gradient(at)[0].tolist()[0]


for x in (1e-3, 1e-6, 1e-8):
    value, derivative = both(Tensor.tanh, x)
    print(f"tanh({x}) = {value}, off by {abs(value / math.tanh(x) - 1):.1e} of it; derivative {derivative}")
    assert abs(derivative - 1) < 2e-6
print("asinh(-1e4):", *both(Tensor.asinh, -1e4), "in place of", math.asinh(-1e4))

assert 1e-5 < abs(both(Tensor.tanh, 1e-3)[0] / math.tanh(1e-3) - 1) < 1e-3
assert abs(both(Tensor.tanh, 1e-6)[0] / 1e-6 - 1) > 0.01
assert both(Tensor.tanh, 1e-8)[0] == 0.0
value, derivative = both(Tensor.asinh, -1e4)
assert value == -math.inf and math.isnan(derivative)
EOF
