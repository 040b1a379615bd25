"""The largest rounding error of each operation, in each dtype and each way of calling it."""

from __future__ import annotations

import numpy as np

from derive.algebra.operations import CONSTANTS, OPERATIONS
from tests.rounding import points
from tests.rounding.backward import share_of_allowed
from tests.rounding.exact import as_balls, correctly_rounded, in_float64
from tests.rounding.formats import FORMATS, Array, Exact, Format, Worst, nearest, worst
from tests.rounding.kernels import POWERS, Kernel, by_layout, numpy_kernel, torch_kernel

IEEE = ("add", "sub", "mul", "div")  # to be rounded to nearest, each of them
NO_ROUNDING = ("neg", "relu", "abs", "max", "min", "sign", "detach", "where", "clip")
POSITIVE = ("log", "sqrt", "log2", "log10")
PATTERNS = 2**15  # few enough for the cache of the processor
Columns = tuple[Array, ...]
Found = dict[str, Worst]


def torch_operations() -> list[str]:
    """Every operation with a name in torch, and powers with a number as exponent."""
    names = [name for name, entry in OPERATIONS.items() if entry.torch is not None and name not in CONSTANTS]
    return [*names, *(f"pow:{power!r}" for power in POWERS)]


def numpy_operations() -> list[str]:
    """Every operation with a name in NumPy."""
    return [name for name, entry in OPERATIONS.items() if entry.numpy is not None and name not in CONSTANTS]


def exponents(op: str, dtype: Format) -> tuple[float, ...]:
    """The exponent of `pow:2.5`, as it is and as the dtype holds it: PyTorch's vectors round it, scalars do not."""
    power = float(op.partition(":")[2])
    return tuple(dict.fromkeys((power, float(points.in_format(np.array([power]), dtype)[0]))))


def references(op: str, columns: Columns, dtype: Format) -> list[Exact]:
    """The exact results, any of which may be rounded."""
    name, _, power = op.partition(":")
    if not power:
        return [reference(op, columns, dtype)]
    return [reference(name, (*columns, np.full(len(columns[0]), p)), dtype) for p in exponents(op, dtype)]


def reference(name: str, columns: Columns, dtype: Format) -> Exact:
    """The exact results."""
    if dtype.name != "float64":
        return in_float64(name, *columns)
    if name in NO_ROUNDING:
        return in_float64(name, *columns)
    return Exact(correctly_rounded(name, *columns)) if name in IEEE else as_balls(name, *columns)


def inputs(op: str, dtype: Format, count: int) -> Columns:
    """The inputs of an operation, in every layout: of one operand the sample of the dtype, of more, random ones."""
    name = op.partition(":")[0]
    arity = 1 if ":" in op else OPERATIONS[name].arity
    if arity == 1:
        return (_singles(dtype, count),)
    if name == "pow":
        return _powers(dtype, count)
    x, y = points.pairs(dtype, count)
    return (x, y) if arity == 2 else (x, y, np.roll(y, 1))


def _singles(dtype: Format, count: int) -> Array:
    if dtype.name == "float64":
        return points.float64_sample(count)
    if dtype.digits < 24:
        return points.sixteen_bits(dtype)[:: max(1, 2**16 // count)]
    return np.concatenate([points.float32_special(), points.float32_patterns(0, 2**32, 2**32 // count)])


def _powers(dtype: Format, count: int) -> Columns:
    """Positive bases with any exponent whose result is in range, and whole exponents of any base."""
    random = np.random.default_rng(6)
    lowest, highest = dtype.lowest - dtype.digits + 1, 1 - dtype.lowest
    base = np.abs(points.log_uniform(random, count, lowest, highest))
    near_one = 1 + points.log_uniform(random, count, -dtype.digits, -1)
    base = np.where(random.random(count) < 0.5, base, near_one)
    base = np.abs(points.in_format(base, dtype))
    with np.errstate(all="ignore"):
        exponent = random.uniform(1.02 * lowest, 1.02 * highest, count) / np.log2(base)
        small = random.random(count) < 0.3
        exponent = np.where(small, random.uniform(-4, 4, count), exponent)
    whole = random.random(count) < 0.2
    exponent = np.where(whole, np.rint(exponent), exponent)
    base = np.where(whole & (random.random(count) < 0.5), -base, base)
    exponent = points.in_format(exponent, dtype)
    kept = np.isfinite(base) & np.isfinite(exponent) & (base != 0)
    return base[kept], exponent[kept]


def torch_errors(op: str, dtype: Format, count: int, few: int, stride: int = points.STRIDE) -> Found:
    """The worst errors of PyTorch's function, by layout; `count` points where not every pattern is taken."""
    found = errors(torch_kernel(op, dtype), op, dtype, inputs(op, dtype, count), few)
    if dtype.name == "float32" and (":" in op or OPERATIONS[op].arity == 1):
        found["long"] = found["long"].joined(over_patterns(op, 0, 2**32, stride))
    return found


def over_patterns(op: str, start: int, stop: int, stride: int = 1) -> Worst:
    """The worst error of PyTorch's float32 function over the numbers whose bit patterns lie between."""
    dtype, seen = FORMATS["float32"], Worst()
    kernel = torch_kernel(op, dtype)
    for first in range(start, stop, PATTERNS * stride):
        column = points.float32_patterns(first, min(first + PATTERNS * stride, stop), stride)
        if len(column) and not (op in POSITIVE and column[0] < 0):
            computed, results = kernel(column), references(op, (column,), dtype)
            result = closest(computed, results)
            if not _plainly_better(computed, result.near, seen.normal, dtype):
                seen = seen.joined(worst(computed, result, dtype, column))
    return seen


def closest(computed: Array, results: list[Exact]) -> Exact:
    """Of the exact results that may be meant, the closest to each computed number."""
    best = results[0]
    for other in results[1:]:
        with np.errstate(all="ignore"):
            nearer = np.abs(computed - other.near) < np.abs(computed - best.near)
        best = Exact(np.where(nearer, other.near, best.near))  # only narrow dtypes round an exponent
    return best


def _plainly_better(computed: Array, exact: Array, units: float, dtype: Format) -> bool:
    """Whether all results are normal and closer than so many u: no need to look for the worst."""
    size = np.abs(exact)
    with np.errstate(all="ignore"):
        off = np.abs(computed - exact)
    return bool(size.min() >= dtype.normal and size.max() <= dtype.largest and (off <= units * dtype.u * size).all())


def numpy_errors(op: str, count: int, few: int) -> Found:
    """The worst errors of NumPy's float64 function, by layout."""
    dtype = FORMATS["float64"]
    return errors(numpy_kernel(op), op, dtype, inputs(op, dtype, count), few)


def errors(kernel: Kernel, op: str, dtype: Format, columns: Columns, few: int) -> Found:
    """The worst errors of a kernel, by layout. Where IEEE 754 holds, any other rounding counts as wrong."""
    results = references(op, columns, dtype)
    found: Found = {}
    for layout, places, computed in by_layout(kernel, columns, few):
        chosen = tuple(column[places] for column in columns)
        exact = closest(computed, [result[places] for result in results])
        found[layout] = _worst(op, computed, exact, chosen, dtype)
    return found


def _worst(op: str, computed: Array, exact: Exact, columns: Columns, dtype: Format) -> Worst:
    seen = worst(computed, exact, dtype, *columns)
    if op not in IEEE and op not in NO_ROUNDING:
        return seen
    right = exact.near if dtype.name == "float64" else nearest(exact.near, dtype)
    differ = ~((computed == right) | (np.isnan(computed) & np.isnan(right)) | ~np.isfinite(exact.near))
    at = ", ".join(repr(float(column[np.argmax(differ)])) for column in columns) if differ.any() else ""
    return Worst(1.0 if op in IEEE else 0.0, "", 1.0 if op in IEEE else 0.0, "", int(differ.sum()), at)


def absolute_error(op: str, dtype: Format, count: int, few: int) -> float:
    """What the error is beyond 1 u of the result, absolutely, in 2^-24: of functions that lose small results."""
    columns = inputs(op, dtype, count)
    exact, beyond = reference(op, columns, dtype).near, 0.0
    for _, places, computed in by_layout(torch_kernel(op, dtype), columns, few):
        off = np.abs(computed - exact[places]) - dtype.u * np.maximum(np.abs(exact[places]), dtype.normal)
        beyond = max(beyond, float(off.max()) * 2.0**24)
    return beyond


def constant_error(name: str, dtype: Format) -> float:
    """The error of pi or e as verify/pytorch/run.py makes a tensor of it, in u."""
    import torch
    from flint import arb

    value = float(torch.tensor(getattr(torch, OPERATIONS[name].torch or name), dtype=dtype.torch))
    ball: arb = getattr(arb, OPERATIONS[name].ball or name)()
    return abs(float((arb(value) - ball) / ball)) / dtype.u


def backward_shares(name: str, dtype: Format, count: int) -> tuple[float, float, str]:
    """The worst error of an autograd kernel in u, the worst as a share of what is allowed, and where."""
    random = np.random.default_rng(7)
    worst_off, worst_share, at = 0.0, 0.0, ""
    for ones in (True, False):
        x = points.log_uniform(random, count, -6, 4)
        x = points.in_format(np.abs(x) if name in POSITIVE else x, dtype)
        x = x[x > -1] if name == "log1p" else x
        x = x[np.abs(x) < 1.5] if name == "tan" else x  # beyond, 1 + y² may overflow in float16
        g = np.ones(len(x)) if ones else points.in_format(points.log_uniform(random, len(x), -6, 6), dtype)
        for short in (False, True):
            if short:  # the remainder of a vector
                x, g = x[:7], g[:7]
            off, share = share_of_allowed(name, x, g, dtype)
            worst_off = max(worst_off, float(off.max()))
            if share.max() > worst_share:
                place = int(np.argmax(share))
                worst_share, at = float(share[place]), f"x = {float(x[place])!r}, g = {float(g[place])!r}"
    return worst_off, worst_share, at
