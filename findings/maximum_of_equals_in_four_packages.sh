#!/bin/sh
# CasADi 3.8.2, PyTensor 3.0.7, MyGrad 2.5.0, ALGOPY 0.7.2: four answers to "which of two equal numbers does the
# maximum pass its gradient to".
#
# The larger of x and y at x = y = 1, differentiated by x and by y:
# - CasADi (fmax): 1/2 and 1/2, as PyTorch's maximum; by the same rule fmax(x, 0), a relu, has 1/2 at 0 where
#   PyTorch's relu has 0;
# - PyTensor: 1 and 0, for the minimum of equals as well;
# - ALGOPY: 1 and 0;
# - MyGrad: 0 and 0. The gradient is lost: no convex combination of the two branches has it. For the maximum
#   over an axis of one array the same package gives all to the first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.17.1 casadi==3.8.2 pytensor==3.0.7 mygrad==2.5.0 algopy==0.7.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import os

os.environ["PYTENSOR_FLAGS"] = "cxx="
import algopy
import casadi
import mygrad
import numpy
import pytensor
import pytensor.tensor as pt


def by_casadi(function):
    x, y = casadi.SX.sym("x"), casadi.SX.sym("y")
    gradient = casadi.gradient(function(x, y), casadi.vertcat(x, y))
    return casadi.Function("f", [x, y], [gradient])(1, 1).full().ravel().tolist()


def by_pytensor(function):
    x, y = pt.dscalars("x", "y")
    gradient = pytensor.function([x, y], pytensor.grad(function(x, y), [x, y]), mode="FAST_COMPILE")
    return [float(entry) for entry in gradient(1.0, 1.0)]


def by_mygrad(function):
    x, y = mygrad.tensor(1.0), mygrad.tensor(1.0)
    function(x, y).backward()
    return [float(x.grad), float(y.grad)]


def by_algopy(function):
    x = algopy.UTPM.init_jacobian(numpy.array([1.0, 1.0]))
    return algopy.UTPM.extract_jacobian(function(x[0], x[1])).tolist()


seen = {
    "CasADi": by_casadi(casadi.fmax),
    "PyTensor": by_pytensor(pt.maximum),
    "PyTensor, minimum": by_pytensor(pt.minimum),
    "MyGrad": by_mygrad(mygrad.maximum),
    "ALGOPY": by_algopy(algopy.maximum),
}
print(seen)
assert seen == {
    "CasADi": [0.5, 0.5],
    "PyTensor": [1.0, 0.0],
    "PyTensor, minimum": [1.0, 0.0],
    "MyGrad": [0.0, 0.0],
    "ALGOPY": [1.0, 0.0],
}
row = mygrad.tensor([1.0, 1.0, 0.0])
mygrad.max(row).backward()
assert row.grad.tolist() == [1.0, 0.0, 0.0]
EOF
