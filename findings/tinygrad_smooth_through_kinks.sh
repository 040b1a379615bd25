#!/bin/sh
# tinygrad 0.14.0: at 0, where elu and asin are differentiable, their derivatives are 0; both are 1.
#
# elu is written as relu(x) - relu(1 - exp(x)), asin with an absolute value and a sign. Each piece has its usual
# derivative at 0, which is 0, and the chain rule adds up nothing. celu with alpha 1, the same function as elu with
# another formula, has 1. On either side of 0 all of them are right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tinygrad==0.14.0
cd "$folder"
DEV=PYTHON CACHEDB="$folder/cache.db" "$folder/venv/bin/python" -W ignore - <<'EOF'
from tinygrad import Tensor


def derivative(function, x):
    at = Tensor([x])
    return function(at).sum().gradient(at)[0].tolist()[0]


for name, function in (("elu", Tensor.elu), ("celu", Tensor.celu), ("asin", Tensor.asin)):
    print(name, [derivative(function, x) for x in (-1e-3, 0.0, 1e-3)])

assert derivative(Tensor.elu, 0.0) == 0.0
assert derivative(Tensor.asin, 0.0) == 0.0
assert derivative(Tensor.celu, 0.0) == 1.0
for function in (Tensor.elu, Tensor.celu, Tensor.asin):
    assert all(abs(derivative(function, x) - 1) < 2e-3 for x in (-1e-3, 1e-3))
EOF
