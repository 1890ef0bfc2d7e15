"""Synth time: ours against the same app with the plain provider import, at 2, 100 and 1,000 jobs.

    python -m benchmarks.synth            # prints a Markdown table and whether the budget is kept
    python -m benchmarks.synth --runs 5   # the best of five, instead of three

The budget (docs/architecture.md): two jobs in at most 0.45 of the plain import's time; at most 10 ms and 3 resources
per further job beside its role. Ratios of one run on one machine count, not seconds.
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
from pathlib import Path

from tests.projects import PROJECT

SIZES = (2, 100, 1000)
RATIO_BUDGET = 0.45
MILLISECONDS_BUDGET = 10.0
RESOURCES_BUDGET = 3

_ONCE = """
import sys, time
from pathlib import Path
if {plain}:
    import cdktf_cdktf_provider_aws
from batchtab.declarations.catalog import load
from batchtab import app
app.synthesize(load("bench", Path({project!r})), outdir={outdir!r})
"""


def project(folder: Path, jobs: int) -> Path:
    """A project with one service of so many jobs, each with a schedule."""
    (folder / "config").mkdir(parents=True)
    (folder / "jobs" / "bench").mkdir(parents=True)
    stage = (PROJECT / "config" / "example.yaml").read_text()
    (folder / "config" / "bench.yaml").write_text(stage)
    lines = ["service: bench", "image: {repository: bench, tag: v1}", "jobs:"]
    lines += [
        f"  job-{n}: {{command: [run, '{n}'], schedule: cron({n % 60} {n % 24} * * ? *), timeout_seconds: 600}}"
        for n in range(jobs)
    ]
    (folder / "jobs" / "bench" / "jobs.yaml").write_text("\n".join(lines) + "\n")
    return folder


def once(folder: Path, *, plain: bool) -> float:
    """Seconds of one synth in a process of its own, interpreter and Node included."""
    outdir = folder / "out"
    shutil.rmtree(outdir, ignore_errors=True)
    program = _ONCE.format(plain=plain, project=str(folder), outdir=str(outdir))
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, env=os.environ, check=False
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return took


def resources_per_job(folder: Path, jobs: int) -> dict[str, float]:
    """Resources of each type in the service's stack, per job."""
    stack = json.loads((folder / "out" / "stacks" / "jobs-bench" / "cdk.tf.json").read_text())
    return {kind: len(named) / jobs for kind, named in sorted(stack["resource"].items())}


def main() -> int:
    """Measures and prints; exit status 1 if the budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the best counts")
    runs = parser.parse_args().runs
    ours: dict[int, float] = {}
    plain: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for jobs in SIZES:
            folder = project(Path(temporary) / str(jobs), jobs)
            once(folder, plain=False)  # fills caches
            # Alternating, so that a busy moment of the machine meets both.
            samples = [(once(folder, plain=False), once(folder, plain=True)) for _ in range(runs)]
            ours[jobs], plain[jobs] = (min(column) for column in zip(*samples, strict=True))
        kinds = resources_per_job(folder, jobs)
    small, middle, large = SIZES
    growth = (ours[large] - ours[middle]) / (large - middle) * 1000
    beside_role = sum(count for kind, count in kinds.items() if not kind.startswith("aws_iam_role"))
    ratio = ours[small] / plain[small]
    print("| jobs | ours, s | plain import, s | ratio |")
    print("|---|---|---|---|")
    for jobs in SIZES:
        print(f"| {jobs:,} | {ours[jobs]:.2f} | {plain[jobs]:.2f} | {ours[jobs] / plain[jobs]:.2f} |")
    print()
    named = ", ".join(f"{count:g} {kind}" for kind, count in kinds.items())
    print(f"Growth from {middle} to {large:,} jobs: {growth:.1f} ms per job (budget {MILLISECONDS_BUDGET:g}).")
    print(f"Resources per job: {named}; {beside_role:g} beside the role (budget {RESOURCES_BUDGET}).")
    print(f"Two jobs: {ratio:.2f} of the plain import's time (budget {RATIO_BUDGET}).")
    kept = ratio <= RATIO_BUDGET and growth <= MILLISECONDS_BUDGET and beside_role <= RESOURCES_BUDGET
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
