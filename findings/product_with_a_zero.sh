#!/bin/sh
# Autograd 1.9.1 and PyTensor 3.0.7: the derivative of a product is nan at the factor that is zero, though it is
# the product of the others.
#
# a*b*c at (0, 2, 3), differentiated by a, is 6. Autograd's numpy.prod divides the product by the factor: nan.
# PyTensor's prod has 6, but its cumprod, whose last entry is the same product, has nan: for the sum of all
# entries of cumprod the derivative by a is 1 + 2 + 6 = 9. MyGrad 2.5.0 has 6 and 9.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.17.1 autograd==1.9.1 pytensor==3.0.7 mygrad==2.5.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import math
import os

os.environ["PYTENSOR_FLAGS"] = "cxx="
import autograd
import mygrad
import numpy
import pytensor
import pytensor.tensor as pt

numpy.seterr(all="ignore")
factors = numpy.array([0.0, 2.0, 3.0])


def by_pytensor(function):
    x = pt.dvector("x")
    return pytensor.function([x], pytensor.grad(function(x).sum(), x), mode="FAST_COMPILE")(factors).tolist()


def by_mygrad(function):
    x = mygrad.tensor(factors)
    function(x).sum().backward()
    return x.grad.tolist()


seen = {
    "autograd prod": autograd.grad(autograd.numpy.prod)(factors).tolist(),
    "pytensor prod": by_pytensor(pt.prod),
    "pytensor cumprod": by_pytensor(pt.cumprod),
    "mygrad prod": by_mygrad(mygrad.prod),
    "mygrad cumprod": by_mygrad(mygrad.cumprod),
}
for name, gradient in seen.items():
    print(name, gradient)
assert math.isnan(seen["autograd prod"][0]) and math.isnan(seen["pytensor cumprod"][0])
assert seen["pytensor prod"] == seen["mygrad prod"] == [6.0, 0.0, 0.0]
assert seen["mygrad cumprod"] == [9.0, 0.0, 0.0]
EOF
