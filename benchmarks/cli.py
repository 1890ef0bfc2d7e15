"""What the command line costs before it does anything: CPU of a process, its children included.

python -m benchmarks.cli
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.projects import PROJECT

ROUNDS = 9
#: CPU seconds on the machine of the figures in README.md.
BUDGETS = {"batchtab --help": 0.15, "batchtab check": 0.5}
_BATCHTAB = str(Path(sys.executable).parent / "batchtab")
COMMANDS: dict[str, Sequence[str]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "import batchtab": (sys.executable, "-c", "import batchtab"),
    "import typer": (sys.executable, "-c", "import typer"),
    "batchtab --help": (_BATCHTAB, "--help"),
    "batchtab ci --help": (_BATCHTAB, "ci", "--help"),
    "batchtab check": (_BATCHTAB, "check"),
    "batchtab next": (_BATCHTAB, "next"),
}


def cpu_seconds(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=PROJECT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Prints the median of each; exit status 1 if one is over its budget."""
    found = {name: median(cpu_seconds(command) for _ in range(ROUNDS)) for name, command in COMMANDS.items()}
    bare = found["python -c pass"]
    for name, seconds in found.items():
        budget = f", budget {BUDGETS[name]:g}" if name in BUDGETS else ""
        print(f"{name:<20} {seconds * 1000:5.0f} ms of CPU, {seconds / bare:4.1f} times a bare interpreter{budget}")
    return 1 if any(found[name] > budget for name, budget in BUDGETS.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
