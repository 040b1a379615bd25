"""The figures as tables of at most 80 columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tests.benchmarks.figures import Figures
from tests.benchmarks.power_correct import DTYPES
from tests.benchmarks.power_loops import MISTAKES
from tests.benchmarks.power_operations import LINES
from tests.benchmarks.power_planted import POWERS, SHARES, SIZES, STRUCTURAL
from tests.benchmarks.power_runs import FACTOR, QUANTILES
from verify.compare.check import OF_TERMS

LOOSE = 0.01  # a bound that is never approached within a factor 100
_COUNTS = ("steps", "alone", "decided", "not finite", "undecided", "on a kink", "replayed", "false alarms")


def failed(found: Mapping[str, Figures]) -> bool:
    """Whether there was a false alarm, an error above twice its bound was missed, or a loop's mistake is not named."""
    alarms = sum(figures.total("false alarms") for figures in found.values())
    return bool(alarms or missed(found.get("planted", Figures())) or unnamed(found.get("loops", Figures())))


def unnamed(loops: Figures) -> float:
    """How many mistakes of a loop were not found, or not named at their step."""
    return loops.total("loop mistakes") - loops.total("loop named")


def missed(planted: Figures) -> float:
    """How many planted errors above twice their bound were not caught."""
    return sum(
        planted.total(f"{group} twice") - planted.total(f"{group} twice caught") for group in ("structural", "factor")
    )


def report(found: Mapping[str, Figures]) -> str:
    """All tables of the parts that were run."""
    tables = {"correct": _correct, "operations": _operations, "planted": _planted, "loops": _loops, "runs": _runs}
    blocks = [block for name, make in tables.items() if name in found for block in make(found[name])]
    return "\n\n".join(blocks)


def _table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[int, ...]) -> str:
    lines = [title]
    for row in (head, *rows):
        first, *others = row
        lines.append(
            (
                first.ljust(widths[0]) + "".join(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))
            ).rstrip()
        )
    return "\n".join(lines)


def _by_dtype(
    title: str, names: tuple[str, ...], cell: Callable[[str, str], str], first: int = 16, width: int = 12
) -> str:
    rows = [(name, *(cell(name, dtype) for dtype in DTYPES)) for name in names]
    return _table(title, ("", *DTYPES), rows, (first, *[width] * 4))


def _correct(found: Figures) -> list[str]:
    groups = ("loss", "gradients", "after")
    sizes = tuple(str(2**k) for k in range(13))
    seconds = ", ".join(f"{name} {value:.0f}" for name, value in found.counts.get("seconds", {}).items())
    return [
        _by_dtype("Correct steps", _COUNTS, lambda what, dtype: f"{int(found.total(what, dtype + ' '))}")
        + f"\ndecided in all: {int(found.total('decided'))}; false alarms: {int(found.total('false alarms'))}"
        + f"\nseconds of the processor: {seconds}; graphs refused: {int(found.total('refused'))}",
        _by_dtype("Largest error/bound", groups, lambda g, d: _share(found.maxima.get("closest", {}).get(f"{d} {g}"))),
        _by_dtype(
            "Largest error/bound of loss and gradients, by batch size",
            sizes,
            lambda n, d: _share(found.maxima.get("closest by size", {}).get(f"{d} {n}")),
        ),
        _by_dtype(
            "Decided steps, by batch size",
            sizes,
            lambda n, d: f"{int(found.counts.get('decided', {}).get(f'{d} {n}', 0))}",
        ),
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value >= LOOSE or value == 0 else f"{value:.0e} !"


def _operations(found: Figures) -> list[str]:
    blocks = []
    for of in ("value", "gradient"):
        largest = found.maxima.get(of, {})

        def cell(line: str, dtype: str, largest: dict[str, float] = largest) -> str:
            return _share(largest.get(f"{dtype} {line}"))

        title = f"Largest error/bound of each operation by itself: its {of} (0: it is exact, or has no bound above 0)"
        blocks.append(_by_dtype(title.replace(": its", ":\nits"), LINES, cell, 18))
    numbers = f"{int(found.total('numbers'))} numbers decided, {int(found.total('undecided numbers'))} not"
    return [*blocks, f"Operations: {numbers}; false alarms: {int(found.total('false alarms'))}"]


def _planted(found: Figures) -> list[str]:
    twice, caught = (sum(found.total(f"{g} {w}") for g in ("structural", "factor")) for w in ("twice", "twice caught"))
    above = f"Planted errors above twice their bound: {int(twice)}, caught {int(caught)}, missed {int(twice - caught)}"
    blocks = [f"{above}\nfalse alarms in the same steps without a plant: {int(found.total('false alarms'))}"]
    ways = ("direct", "rule", "replay")
    for way, title in zip(ways, _WAYS, strict=True):
        blocks.append(
            _by_dtype(
                f"Structural errors caught {title}, by batch size",
                tuple(map(str, SIZES)),
                lambda n, d, way=way: _of(found, "structural", way, lambda key: key.startswith(f"{d} {n} ")),
            )
        )
    for way, title in zip(ways, _WAYS, strict=True):
        blocks.append(
            _by_dtype(
                f"Structural errors caught {title},\nby kind, at batch sizes 2 to 64",
                STRUCTURAL,
                lambda kind, d, way=way: _of(
                    found, "structural", way, lambda key: _within(d)(key) and key.endswith(kind)
                ),
            )
        )
    rows = [(f"{d}, {r}", *(_of(found, "structural", w, _regime(d, r)) for w in ways)) for d in DTYPES for r in REGIMES]
    title = "Structural errors caught at batch sizes 2 to 64"
    apart = "(near: numbers up to 3; scaled: each quantity by a power of 2 of its own)"
    blocks.append(_table(f"{title}\n{apart}", ("", "directly", "verify", "all replayed"), rows, (20, 18, 18, 18)))
    blocks.append(_shares(found))
    for way, title in zip(ways, _WAYS, strict=True):
        blocks.append(
            _by_dtype(
                f"A factor 1 ± 2^-k on one gradient, caught {title}",
                tuple(f"k = {k}" for k in POWERS),
                lambda k, d, way=way: _of(found, "factor", way, lambda key: key == f"{d} {k[4:]}"),
            )
        )
    kinds = ("right", *STRUCTURAL, *(f"factor {k}" for k in POWERS))
    rows = [(kind, *(_rejected(found, dtype, kind) for dtype in ("float32", "float64"))) for kind in kinds]
    blocks.append(
        _table(
            "torch.autograd.gradcheck at its defaults: rejected of all", ("", "float32", "float64"), rows, (16, 16, 16)
        )
    )
    return blocks


def _loops(found: Figures) -> list[str]:
    ways = ("loop mistakes", "loop caught", "loop named", "loop without effect")
    rows = [(kind, *(f"{int(found.total(way, kind))}" for way in ways)) for kind in MISTAKES]
    head = ("", "planted", "found", "named", "without effect")
    missed = "".join(f"\nnot named: {place}" for place in found.counts.get("loop missed", {}))
    title = "Mistakes of the training loop, found and named at their step"
    return [_table(title, head, rows, (22, 10, 10, 10, 18)) + missed]


def _shares(found: Figures) -> str:
    """What replaying from a share of the terms on would do by itself."""

    def cell(name: str, dtype: str) -> str:
        if dtype == "float64":
            return ""
        share = SHARES[names.index(name)]
        within = {key: n for key, n in found.counts.get(f"from {share}", {}).items() if _within(dtype)(key)}
        errors = {key: n for key, n in found.counts.get("structural errors", {}).items() if _within(dtype)(key)}
        wide = {key: n for key, n in found.counts.get(f"wide from {share}", {}).items() if _within(dtype)(key)}
        steps = {key: n for key, n in found.counts.get("planted in", {}).items() if _within(dtype)(key)}
        return f"{_percent(within, errors)} ({_percent(wide, steps)})"

    names = tuple(f"2^{round(math.log2(share))}" for share in SHARES)
    title = (
        "Structural errors caught at batch sizes 2 to 64 (and steps replayed),\n"
        f"were bounds replayed from this share of the terms on; verify's is 2^{round(math.log2(OF_TERMS))},\n"
        "and from a quarter of the number on"
    )
    return _by_dtype(title, names, cell, 8, 16)


def _percent(some: Mapping[str, float], all_: Mapping[str, float]) -> str:
    return f"{100 * sum(some.values()) / max(sum(all_.values()), 1):.1f}%"


REGIMES = ("near", "scaled")
_WAYS = ("directly", "with verify's replay", "with every step replayed")


def _within(dtype: str) -> Callable[[str], bool]:
    return lambda key: key.split()[0] == dtype and 2 <= int(key.split()[1]) <= 64


def _regime(dtype: str, regime: str) -> Callable[[str], bool]:
    return lambda key: _within(dtype)(key) and key.split()[2] == regime


def _of(found: Figures, group: str, way: str, chosen: Callable[[str], bool]) -> str:
    """`99.2%` of how many."""
    total = sum(n for key, n in found.counts.get(f"{group} errors", {}).items() if chosen(key))
    caught = sum(n for key, n in found.counts.get(f"{group} {way}", {}).items() if chosen(key))
    if not total:
        return ""
    share = "100" if caught == total else f"{min(100 * caught / total, 99.9):.1f}"
    return f"{share}% {int(total)}"


def _rejected(found: Figures, dtype: str, kind: str) -> str:
    key = f"{dtype} {kind}"
    runs = found.counts.get("gradcheck runs", {}).get(key, 0)
    return f"{int(found.counts['gradcheck rejects'][key])} of {int(runs)}" if runs else ""


def _runs(found: Figures) -> list[str]:
    article = found.counts.get("article", {})
    told = "\n".join(f"{place}: {'yes' if caught else 'NO'}" for place, caught in article.items())
    blocks = [f"The article's steps in float32, a factor of {FACTOR:.7g} on one gradient, caught:\n{told}"]
    caught = found.maxima.get("caught", {})
    labels = dict.fromkeys(key.rpartition(" ")[0] for key in caught)
    rows = [(label, *(f"{caught[f'{label} {q}']:.1e}" for q in QUANTILES)) for label in labels]
    of = "of the gradient and of the sum of its terms' sizes"
    title = f"Converged runs: the smallest error that is caught, as a share\n{of}"
    return [*blocks, _table(title, ("", "median", "90 %", "max"), rows, (44, 11, 11, 11))]
