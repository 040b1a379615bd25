"""SIGKILL at every system call that touches the files of a set, while it is written (Linux, with strace).

Run from the checkout: python tests/benchmarks/kills.py

A process writes a set of three files: into no folder, over an old set, beside a file of the user, and
where a killed run has left its set half-way. One run is traced
from the first call that names the folder on; then a process each is killed as it enters the first of these calls, the
second, and so on. What is left must be the old set or the new one, whole, and gone after the next run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import file_sets  # noqa: E402

CALLS = "openat,write,close,fsync,flock,mkdir,chmod,fchmod,rename,renameat,renameat2,unlink,unlinkat,rmdir"
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.file_sets import texts
from derive.source.file_sets import write_set
write_set(sys.argv[2], texts("b"))
"""
BEGINNINGS = (file_sets.nothing, file_sets.alone, file_sets.beside_others, file_sets.broken_off)


def written(target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The set `b` written in a process of its own under strace."""
    command = ["strace", "-qq", *options, sys.executable, "-B", "-c", WRITER, str(ROOT), str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def places(folder: Path, begin: Callable[[Path], None]) -> Iterator[tuple[str, int]]:
    """The calls of one writing: the name of each, and the how many-eth of that name it is in the process."""
    target, log = folder / "out", folder / "trace"
    begin(target)
    done = written(target, "-o", str(log), "-e", f"trace={CALLS}")
    if done.returncode:
        raise RuntimeError(done.stderr)
    count: Counter[str] = Counter()
    touched = False
    for line in log.read_text().splitlines():
        call = re.match(r"\w+", line)
        if call is None:
            continue
        count[call[0]] += 1
        touched = touched or str(folder) in line
        if touched:
            yield call[0], count[call[0]]


def main() -> int:
    """Prints how many processes were killed; the exit status is 1 where one has left what it must not."""
    faults = kills = 0
    for begin in BEGINNINGS:
        with tempfile.TemporaryDirectory() as folder:
            calls = list(places(Path(folder), begin))
        for name, number in calls:
            with tempfile.TemporaryDirectory() as folder:
                target = Path(folder) / "out"
                begin(target)
                inject = ("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
                kills += written(target, *inject).returncode != 0
                try:
                    file_sets.check_broken_off(target, begin)
                except AssertionError as fault:
                    faults += 1
                    print(f"{begin.__name__}, {name} {number}: {fault}")
        print(f"{begin.__name__}: {len(calls)} calls: {', '.join(f'{n} {c}' for c, n in _by_name(calls))}")
    print(f"{kills} kills, {faults} faults")
    return int(faults > 0)


def _by_name(calls: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return Counter(name for name, _ in calls).most_common()


if __name__ == "__main__":
    sys.exit(main())
