"""How far off functions of PyTorch and NumPy are, in units u of half an ulp: the data of derive/algebra/operations.py.

Run from the checkout: python tests/benchmarks/rounding.py. What a processor can do is read when a
library is imported, so each of its levels is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATA = ROOT / "verify" / "rounding"  # a file for each version of PyTorch
POINTS, PAIRS, FEW = 10_000, 300_000, 300  # float64 inputs; pairs of narrower formats; short tensors of each length
ALL_CHUNK = 2**28
DTYPES = ("float32", "float64", "float16", "bfloat16")

# What is measured in one process: the environment that makes the libraries take that path.
# MKL has code of its own for each processor; it is held to the same level.
TORCH = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512"},
}
NUMPY = {
    "baseline": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
    "X86_V3": {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
    "all": {},
}
Line = dict[str, Any]


def main() -> None:
    """Measures what is not measured yet, prints the table, and writes it where asked to."""
    options = _arguments()
    if options.worker:
        _work(json.loads(options.worker))
        return
    os.nice(10)
    progress = options.progress or Path(tempfile.gettempdir()) / f"handgrad-rounding-{_versions()['torch']}.jsonl"
    done = _read(progress)
    for environment, tasks in _processes(options):
        _run(environment, [task for task in tasks if _key(task) not in done], progress)
    lines = list(_read(progress).values())
    print(f"progress: {progress}")
    print("\n".join(f"{key}: {value}" for key, value in _versions().items()))
    print("\n".join(_table(lines)))
    if options.write:
        release = ".".join(_versions()["torch"].split(".")[:2])
        file = DATA / f"torch-{release}.toml"
        file.write_text(_toml(lines), encoding="utf-8")
        print(f"written: {file.relative_to(ROOT)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the rounding errors of the operations, and judges nothing.")
    parser.add_argument("--all", nargs="+", metavar="OP", default=[], help="take all 2^32 float32 inputs of these")
    parser.add_argument("--capability", choices=TORCH, default="avx512", help="for --all (default avx512)")
    parser.add_argument("--progress", type=Path, help="file of what is measured; a run goes on where it ended")
    parser.add_argument("--write", action="store_true", help=f"write it into {DATA.relative_to(ROOT)}")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("torch", "numpy", "python-flint")
    return {**{name: version(name) for name in names}, "python": platform.python_version(), "processor": _processor()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    fields = (found.get("model name"), *(f"{key} {found.get(key)}" for key in ("cpu family", "model")))
    return ", ".join(str(field) for field in fields)


def _processes(options: argparse.Namespace) -> Iterator[tuple[dict[str, str], list[Line]]]:
    """The environments, and what is measured in each: with --all the whole of float32, else everything."""
    from tests.rounding.backward import FORMULAS
    from tests.rounding.measure import numpy_operations, torch_operations
    from tests.rounding.reductions import SUMS

    if options.all:
        chunks = range(0, 2**32, ALL_CHUNK)
        tasks = [
            {"kind": "all", "group": "float32", "op": op, "start": start} for op in options.all for start in chunks
        ]
        yield TORCH[options.capability], [{**task, "capability": options.capability} for task in tasks]
        return
    kinds = {"torch": torch_operations(), "backward": tuple(FORMULAS), "sum": tuple(SUMS)}
    absolute = [{"kind": "absolute", "group": dtype, "op": "erf"} for dtype in DTYPES[2:]]
    others = {"logsumexp": ("logsumexp",), "amax": ("3", "257", "2049"), "sgd": ("1", "3", "8", "17", "33", "1000")}
    for capability in _levels():
        yield (
            TORCH[capability],
            [{**task, "capability": capability} for task in absolute]
            + [
                {"kind": kind, "group": dtype, "op": op, "capability": capability}
                for kind, ops in {**kinds, **others, "constant": ("pi", "e")}.items()
                for dtype in DTYPES
                for op in ops
            ],
        )
    for capability, environment in NUMPY.items():
        ops = numpy_operations()
        yield environment, [{"kind": "numpy", "group": "numpy", "op": op, "capability": capability} for op in ops]


def _levels() -> list[str]:
    """The levels of PyTorch that this processor and build have; asked for more, PyTorch would crash."""
    import torch

    names, best = list(TORCH), torch.backends.cpu.get_cpu_capability().lower()
    has = names[: names.index(best) + 1] if best in names else names[:1]
    if missing := names[len(has) :]:
        print(f"this processor or build has at most {best}; left out: {', '.join(missing)}")
    return has


def _key(line: Line) -> str:
    return "/".join(str(line.get(field, "")) for field in ("kind", "group", "op", "capability", "start"))


def _read(progress: Path) -> dict[str, Line]:
    """What is measured already; a line that was cut off is measured again."""
    done = {}
    for text in progress.read_text(encoding="utf-8").splitlines() if progress.exists() else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        done[_key(line)] = line
    return done


def _run(environment: dict[str, str], tasks: list[Line], progress: Path) -> None:
    """Measures the tasks in a process with that environment, and notes each as it comes."""
    if not tasks:
        return
    print(f"{len(tasks)} to measure: {environment}", file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--worker", json.dumps(tasks)]
    with (
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as process,
        progress.open("a", encoding="utf-8") as notes,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            notes.write(line)
            notes.flush()
    if process.returncode:
        sys.exit(f"measuring ended with status {process.returncode}; what is measured stands in {progress}")


def _work(tasks: list[Line]) -> None:
    """In the process of one environment: measures each task and prints it as a line of JSON."""
    import torch

    torch.set_num_threads(1)
    has = torch.backends.cpu.get_cpu_capability().lower()
    for task in tasks:
        asked = task["capability"]
        if task["kind"] != "numpy" and has != asked:
            print(f"this processor or build has {has}, not {asked}: left out", file=sys.stderr)
            return
        print(json.dumps({**task, **_measured(task)}), flush=True)


def _measured(task: Line) -> Line:
    """The figures of one task."""
    from tests.rounding import measure, reductions
    from tests.rounding.formats import FORMATS

    kind, op = task["kind"], task["op"]
    dtype = FORMATS.get(task["group"], FORMATS["float64"])
    count = POINTS if dtype.name == "float64" else PAIRS
    match kind:
        case "torch":
            return _worst(measure.torch_errors(op, dtype, count, FEW))
        case "numpy":
            return _worst(measure.numpy_errors(op, POINTS, FEW))
        case "all":
            return _worst({"long": measure.over_patterns(op, task["start"], task["start"] + ALL_CHUNK)})
        case "backward":
            off, share, at = measure.backward_shares(op, dtype, 2000)
            return {"units": off, "share": share, "at": at}
        case "absolute":
            return {"beyond": measure.absolute_error(op, dtype, count, FEW)}
        case "sum":
            return {"share": reductions.worst_sum(op, dtype)}
        case "logsumexp":
            return {"share": reductions.worst_logsumexp(dtype), "stepwise": reductions.stepwise_logsumexp(dtype)}
        case "amax":
            return {"units": reductions.shared_maximum(dtype, int(op))}
        case "sgd":
            return {"rounds": reductions.ways_of_sgd(dtype, int(op))}
        case _:
            return {"units": measure.constant_error(op, dtype)}


def _worst(found: dict[str, Any]) -> Line:
    return {"layouts": {layout: asdict(worst) for layout, worst in found.items()}}


def _joined(line: Line) -> Any:
    """The worst over all layouts."""
    from tests.rounding.formats import Worst

    worst = Worst()
    for found in line["layouts"].values():
        worst = worst.joined(Worst(**found))
    return worst


def _sections(lines: list[Line]) -> dict[str, dict[str, Any]]:
    """The figures by table of the data file; of several chunks the worst."""
    sections: dict[str, dict[str, Any]] = {}
    for line in _in_order(lines):
        name = f"{line['group']}.{line['capability']}"
        for section, value in _entries(line).items():
            table = sections.setdefault(section.format(name), {})
            table[line["op"]] = max(table.get(line["op"], value), value)
    return sections


def _entries(line: Line) -> dict[str, Any]:
    """The tables that a line stands in, with its figure in each; {} stands for the dtype and the capability."""
    kind = line["kind"]
    if "layouts" in line:
        worst, prefix = _joined(line), "all." if kind == "all" else ""
        found = {f"{prefix}{{}}": _up(worst.normal)}
        also = {f"{prefix}below.{{}}": _up(worst.subnormal), f"{prefix}wrong.{{}}": worst.wrong}
        return {**found, **{section: value for section, value in also.items() if value}}
    if kind == "logsumexp":
        return {"sum.{}": _up(line["share"]), "stepwise.{}": round(line["stepwise"], 3)}
    if kind == "sgd":
        return {"sgd.{}": line["rounds"]}
    figure = next(line[field] for field in ("share", "beyond", "units") if field in line)
    return {"{}" if kind == "constant" else f"{kind}.{{}}": _up(figure)}


KINDS = ("torch", "constant", "numpy", "all", "absolute", "backward", "sum", "logsumexp", "amax", "sgd")


def _in_order(lines: list[Line]) -> list[Line]:
    """Lines by kind, dtype and capability, operations as in the table; of --all, functions that are done."""
    from tests.rounding.measure import torch_operations

    ops, capabilities = torch_operations(), (*TORCH, *NUMPY)
    chunks = Counter((line["op"], line["capability"]) for line in lines if line["kind"] == "all")
    done = [
        line
        for line in lines
        if line["kind"] != "all" or chunks[line["op"], line["capability"]] == len(range(0, 2**32, ALL_CHUNK))
    ]
    return sorted(
        done,
        key=lambda line: (
            KINDS.index(line["kind"]),
            (*DTYPES, "numpy").index(line["group"]),
            capabilities.index(line["capability"]),
            ops.index(line["op"]) if line["op"] in ops else 0,
        ),
    )


def _up(value: float) -> float:
    """Rounded up to four digits: what was seen, or a little more."""
    import math

    if not value or not math.isfinite(value):
        return value
    quantum = 10.0 ** (math.floor(math.log10(value)) - 3)
    return float(f"{math.ceil(value / quantum) * quantum:.4g}")


def _table(lines: list[Line]) -> Iterator[str]:
    """The figures as text: one block a table, one row an operation."""
    for section, figures in _sections(lines).items():
        yield f"\n{section}"
        yield from (f"  {op:28} {value}" for op, value in figures.items())


HEADER = """\
# Written by tests/benchmarks/rounding.py --write; tests/benchmarks/README.md says how each figure is measured.
#
# [float32.avx2] and the like: the largest error of PyTorch's function in that dtype on that path, relative to the
#   exact result, in units u of half an ulp, where the result has all its digits.
# [numpy.…]: of NumPy's float64 function (erf: Python's math.erf).
# [below.…]: the largest error of results below the smallest normal number, in half their spacing: 1 is a result
#   rounded to nearest, 2 one next to it, more one that has lost digits or is flushed to 0. Absent: exact, or none.
# [wrong.…]: how many results were inf or nan without reason, or not to nearest where IEEE 754 asks for it; if any.
#   (PyTorch's float64 pow with avx2 and avx512 gives inf for results within 2^-42 of the largest number; not counted.)
# [absolute.…]: the error beyond 1 u of the result, absolutely, in 2^-24.
# [all.…]: over all float32 inputs.
# [backward.…]: autograd's kernel, its largest error as a share of what rounding each operation of its formula allows.
# [sum.…]: as a share of what summation in any order allows. [stepwise.…]: the share of results that equal those of
#   amax, −, exp, Σ, log, + with each step rounded to the dtype. [amax.…]: the error in u of what each of so many equals
#   gets of a gradient. [sgd.…]: how p − lr·g rounds, for so many parameters.
"""
SAMPLE = {
    "float32": "every 257th bit pattern, and windows around powers of two, zeros, poles and the ends of the range",
    "float64": f"{POINTS} points, log-uniform over the range and over 2^-60 to 2^10, and near special points",
    "sixteen_bits": "every finite number",
    "pairs": f"{PAIRS} pairs ({POINTS} in float64): anywhere, cancelling, and with results near the ends of the range",
    "layouts": "long; with a step in memory; short tensors of 1 to 1000 numbers",
}


def _toml(lines: list[Line]) -> str:
    """The data file."""
    parts = [HEADER, "[about]", *(f"{key} = {json.dumps(value)}" for key, value in _versions().items()), "", "[sample]"]
    parts += [f"{key} = {json.dumps(value)}" for key, value in SAMPLE.items()]
    for section, figures in _sections(lines).items():
        parts += ["", f"[{section}]", *(f"{_quoted(op)} = {_value(value)}" for op, value in figures.items())]
    return "\n".join(parts) + "\n"


def _quoted(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, float) else repr(value)


if __name__ == "__main__":
    main()
