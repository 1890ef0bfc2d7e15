"""Commands of whoever operates a stage of 1,000 jobs and 20,000 runs, on local AWS: `python -m benchmarks.operate`.

Prints a table for benchmarks/README.md: seconds, CPU seconds of the command and of local AWS, and the calls of AWS by
operation. Each command is a process, run a few times, of which the quickest counts; its calls are counted in one more.
Seconds depend on what else the machine does: on a busy one CPU seconds say more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.e2e.local_helpers import PYTHON, LocalAws

from batchtab.schedules.timestamps import utc_text
from benchmarks.iam import cpu_seconds
from benchmarks.operate_stage import OperatedStage, Runs

JOBS, SERVICES, RUNS, WAITING = 1000, 20, 20_000, 19_500
BUDGET_SECONDS = 3.0
BUDGETED = ("ps", "jobs", "history", "why")
ROUNDS = 3
_BATCHTAB = (sys.executable, "-m", "batchtab.cli.main")
# Another process than the one that is measured: what counts takes time.
_COUNTER = """\
import collections, json, sys
import botocore.client
from batchtab.cli.main import main
counts, call = collections.Counter(), botocore.client.BaseClient._make_api_call
def counted(client, operation, arguments):
    counts[operation] += 1
    return call(client, operation, arguments)
botocore.client.BaseClient._make_api_call = counted
try:
    main(sys.argv[2:])
finally:
    open(sys.argv[1], "w").write(json.dumps(counts))
"""


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        cpu_seconds: Of its process.
        aws_cpu_seconds: Of local AWS meanwhile.
        calls: Of AWS, by operation.
    """

    seconds: float
    cpu_seconds: float
    aws_cpu_seconds: float
    lines: int
    calls: Mapping[str, int]


class Bench:
    """Measures commands in a project whose local AWS runs."""

    def __init__(self, stage: OperatedStage, local: LocalAws, rounds: int) -> None:
        self._root, self._local, self._rounds = stage.checkout.root, local, rounds
        self._environment = {**stage.checkout.environment, "COLUMNS": "80"}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed Batchtab is compiled

    def measure(self, arguments: Sequence[str]) -> Cost:
        """Runs a command; ends the benchmark if it fails."""
        took = [self._timed(arguments) for _ in range(self._rounds)]
        with tempfile.NamedTemporaryFile() as file:
            said = self._run([sys.executable, "-c", _COUNTER, file.name, *arguments])
            calls = json.loads(Path(file.name).read_text())
        return Cost(*min(took), lines=said.count("\n"), calls=calls)

    def _timed(self, arguments: Sequence[str]) -> tuple[float, float, float]:
        pid = self._local.process.pid
        began, aws, own = time.perf_counter(), cpu_seconds(pid), os.times()
        self._run([*_BATCHTAB, *arguments])
        after = os.times()
        own_seconds = after.children_user + after.children_system - own.children_user - own.children_system
        return time.perf_counter() - began, own_seconds, cpu_seconds(pid) - aws

    def _run(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command, cwd=self._root, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command[-4:])}: {done.returncode}\n{done.stdout[-500:]}{done.stderr[-1500:]}")
        return done.stdout


def commands(stage: OperatedStage, runs: Runs) -> dict[str, list[str]]:
    """Commands about a stage's runs, by what is printed of them."""
    job = stage.jobs[0].full
    records = [each["record"] for each in runs.jobs if each["parent"] is None]
    ids, own = [each["jobId"] for each in records], [each for each in records if each["jobName"] == job]
    run = ids[-1]
    scheduled = {each["name"]: each["value"] for each in own[0]["container"]["environment"]}["BATCHTAB_SCHEDULED_TIME"]
    past = utc_text(stage.now + timedelta(hours=-9))
    return {
        "ps": ["ps"],
        "ps JOB": ["ps", job],
        "jobs": ["jobs"],
        "status": ["status"],
        "history": ["history"],
        "history --since 7d": ["history", "--since", "7d"],
        "history JOB": ["history", job],
        "why RUN": ["why", run],
        "why BEGINNING": ["why", ids[-1000][:8]],
        "why JOB": ["why", job],
        "why JOB@TIME, the oldest": ["why", f"{job}@{scheduled}"],
        "why JOB@TIME, without a run": ["why", f"{job}@{past}"],
        "describe JOB": ["describe", job],
        "describe RUN": ["describe", run],
        "logs RUN": ["logs", next(each["jobId"] for each in reversed(records) if each["status"] == "SUCCEEDED")],
        "cost": ["cost"],
        "cost JOB": ["cost", job],
        "stop --all --dry-run": ["stop", "--all", "--dry-run"],
        "retry --failed --dry-run": ["retry", "--failed", "--since", "6h", "--dry-run"],
    }


def show(name: str, cost: Cost) -> bool:
    """Prints a row; returns whether it is within the budget, if it has one."""
    is_within = cost.seconds < BUDGET_SECONDS or not name.startswith(BUDGETED)
    calls = ", ".join(f"{count} {call}" for call, count in sorted(cost.calls.items(), key=lambda item: -item[1]))
    print(
        f"| `{name}` | {cost.seconds:.1f}{'' if is_within else ' **over**'} | {cost.cpu_seconds:.1f}"
        f" | {cost.aws_cpu_seconds:.1f} | {cost.lines} | {sum(cost.calls.values())} | {calls} |",
        flush=True,
    )
    return is_within


def main() -> int:
    """Measures; exit status 1 if a command is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how many runs there are (default: {RUNS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each command (default: {ROUNDS})")
    parser.add_argument("--only", default="", help="only commands that begin so")
    parser.add_argument("--case", type=int, choices=(0, 1, 2), help="only this stage: mixed, all wait, one job")
    options = parser.parse_args()
    if not PYTHON.exists():
        print(f"{PYTHON} is missing: make setup", file=sys.stderr)
        return 2
    is_within = True
    with tempfile.TemporaryDirectory() as folder:
        stage = OperatedStage(Path(folder), JOBS, SERVICES)
        stage.deploy()
        waiting = options.runs * WAITING // RUNS
        cases: list[tuple[str, Any]] = [
            (f"{JOBS:,} jobs, {options.runs:,} runs", lambda: stage.mixed(options.runs)),
            (f"{waiting:,} of {options.runs:,} RUNNABLE", lambda: stage.all_waiting(options.runs, waiting)),
            (f"one job with all {options.runs:,} runs", lambda: stage.all_of_one(options.runs, stage.jobs[0])),
        ]
        for number, (name, make) in enumerate(cases):
            if options.case not in (None, number):
                continue
            runs = make()
            with stage.serving(runs) as local:
                bench = Bench(stage, local, options.rounds)
                print(f"\n| {name} | s | CPU, s | local AWS, s | lines | calls | which |")
                print("|---|---:|---:|---:|---:|---:|---|")
                for words, arguments in commands(stage, runs).items():
                    if words.startswith(options.only):
                        is_within &= show(words, bench.measure(arguments))
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
