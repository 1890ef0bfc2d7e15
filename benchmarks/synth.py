"""What a synthesis costs: ours, the same app with the plain provider import, and plain cdktf in JavaScript.

    python -m benchmarks.synth            # prints a Markdown table and whether the budget is kept
    python -m benchmarks.synth --runs 5   # the best of five, instead of three

The budget (docs/architecture.md): two jobs in at most 0.12 of the CPU time of the plain import and 210 MB; at most 5 ms
and 3 resources per further job beside its role. Times are those of all processes, Node's included; memory is the most
of the largest process. Ratios of one run on one machine count, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.projects import PROJECT

ROOT = Path(__file__).resolve().parents[1]
#: Services, and the jobs of each.
SIZES = ((1, 2), (1, 100), (1, 1000), (50, 20))
RATIO_BUDGET = 0.12
MEGABYTES_BUDGET = 210
MILLISECONDS_BUDGET = 5.0
RESOURCES_BUDGET = 3

_ONCE = """
import resource, sys
from pathlib import Path
if {plain}:
    import cdktf_cdktf_provider_aws
from batchtab.declarations.catalog import load
from batchtab import app
app.synthesize(load("bench", Path()), outdir="out")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of all processes, seconds on the clock, and the memory of the largest process."""

    cpu: float
    wall: float
    megabytes: float
    largest: str

    def __str__(self) -> str:
        return f"{self.cpu:.2f} | {self.wall:.2f} | {self.megabytes:.0f} {self.largest}"


def project(folder: Path, services: int, jobs: int) -> Path:
    """A project of services with jobs, each with a schedule."""
    (folder / "config").mkdir(parents=True)
    shutil.copy(PROJECT / "config" / "example.yaml", folder / "config" / "bench.yaml")
    for service in (f"bench-{number}" for number in range(services)):
        (folder / "jobs" / service).mkdir(parents=True)
        lines = [f"service: {service}", "image: {repository: bench, tag: v1}", "jobs:"]
        lines += [
            f"  job-{n}: {{command: [run, '{n}'], schedule: cron({n % 60} {n % 24} * * ? *), timeout_seconds: 600}}"
            for n in range(jobs)
        ]
        (folder / "jobs" / service / "jobs.yaml").write_text("\n".join(lines) + "\n")
    return folder


def ours(folder: Path, *, plain: bool = False) -> Cost:
    """One synthesis of ours, with the provider imported as its page says if `plain`."""
    return measured([sys.executable, "-c", _ONCE.format(plain=plain)], folder, os.environ, "Python")


def javascript(folder: Path, node_path: Path, services: int, jobs: int) -> Cost:
    """One synthesis of the same jobs in JavaScript."""
    program = [ROOT / "benchmarks" / "synth_plain.js", "javascript", services, jobs]
    command = [os.environ["JSII_NODE"], "--preserve-symlinks", *map(str, program)]
    return measured(command, folder, {**os.environ, "NODE_PATH": str(node_path)}, "Node")


def measured(command: list[str], folder: Path, environment: Any, language: str) -> Cost:
    """Runs a program in a process of its own; a program in Python prints its own memory, and the others are Node's."""
    # Where a run may not keep what it compiled, compiling is most of what it does.
    environment = {key: value for key, value in environment.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"NODE_OPTIONS": "--no-deprecation"}
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if child.returncode:
        raise SystemExit(said[-2000:])
    largest = usage.ru_maxrss
    if language == "Python" and largest > int(said.split()[-1]):
        language = "Node"
    return Cost(usage.ru_utime + usage.ru_stime, wall, largest / 1024, language)


def node_modules(folder: Path) -> Path:
    """The framework's packages as jsii unpacked them, where Node looks for packages."""
    cache = Path(os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"])
    for name in ("cdktf", "constructs", "@cdktf/provider-aws"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        marks = cache.glob(f"{name}/*/*/.jsii-runtime-package-cache")  # jsii touches the mark of what it uses
        used = max(marks, key=lambda path: path.stat().st_mtime)
        (folder / name).symlink_to(used.parent, target_is_directory=True)
    return folder


def resources(folder: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Every resource of the jobs that was written: its stack, type, name and arguments."""
    for path in sorted(folder.glob("stacks/jobs-*/cdk.tf.json")):
        for kind, named in json.loads(path.read_text())["resource"].items():
            for name, body in named.items():
                yield path.parent.name, kind, name, {key: _plain(body[key]) for key in sorted(body) if key != "//"}


def _plain(value: Any) -> Any:
    """A value as others may write it too: a block or a list of one block, a document with any order of keys."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return value[0]
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def main() -> int:
    """Measures and prints; exit status 1 if the budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the best counts")
    runs = parser.parse_args().runs
    os.environ.setdefault("JSII_NODE", str(ROOT / ".batchtab" / "bin" / "node"))
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(ROOT / ".batchtab" / "jsii"))
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    print("| services | jobs of each | program | CPU, s | wall, s | memory, MB |\n|---:|---:|---|---:|---:|---:|")
    best: dict[tuple[int, int], dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        packages: Path | None = None
        for services, jobs in SIZES:
            folder = project(Path(temporary) / f"{services}-{jobs}", services, jobs)
            ours(folder)  # fills caches
            packages = packages or node_modules(Path(temporary) / "node_modules")
            samples: list[dict[str, Cost]] = []
            for _ in range(runs):  # alternating, so that a busy moment of the machine meets all
                sample = {"ours": ours(folder), "JavaScript": javascript(folder, packages, services, jobs)}
                if (services, jobs) == SIZES[0]:
                    sample["plain import"] = ours(folder, plain=True)
                samples.append(sample)
            best[services, jobs] = {name: _best([each[name] for each in samples]) for name in samples[0]}
            for name, cost in best[services, jobs].items():
                print(f"| {services} | {jobs:,} | {name} | {cost} |", flush=True)
            written = list(resources(folder / "out"))
            if written != list(resources(folder / "javascript")):
                raise SystemExit("the program in JavaScript does not write the same resources: change it")
    return _judge(best, written)


def _best(costs: list[Cost]) -> Cost:
    """The least of each figure."""
    least = min(costs, key=lambda cost: cost.megabytes)
    return Cost(min(c.cpu for c in costs), min(c.wall for c in costs), least.megabytes, least.largest)


def _judge(best: dict[tuple[int, int], dict[str, Cost]], written: list[tuple[str, str, str, Any]]) -> int:
    """Prints what the budget says to the figures; exit status 1 if it is exceeded."""
    small, middle, large = (best[size] for size in SIZES[:3])
    more = SIZES[2][1] - SIZES[1][1]
    growth, javascript = (1000 * (large[name].wall - middle[name].wall) / more for name in ("ours", "JavaScript"))
    ratio = small["ours"].cpu / small["plain import"].cpu
    jobs = SIZES[-1][0] * SIZES[-1][1]
    kinds = sorted({kind for _, kind, _, _ in written})
    beside_role = sum(not kind.startswith("aws_iam_role") for _, kind, _, _ in written) / jobs
    print()
    print(f"Two jobs: {ratio:.3f} of the plain import's CPU time (budget {RATIO_BUDGET}),", end=" ")
    print(f"{small['ours'].megabytes:.0f} MB (budget {MEGABYTES_BUDGET}).")
    print(f"A further job: {growth:.1f} ms (budget {MILLISECONDS_BUDGET:g}), in JavaScript {javascript:.1f} ms.")
    print(f"Resources of a job: {', '.join(kinds)}; {beside_role:g} beside the role (budget {RESOURCES_BUDGET}).")
    kept = (
        ratio <= RATIO_BUDGET
        and small["ours"].megabytes <= MEGABYTES_BUDGET
        and growth <= MILLISECONDS_BUDGET
        and beside_role <= RESOURCES_BUDGET
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
