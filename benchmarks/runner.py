"""What the job runner costs: start-up, memory, and the overlap check. `python -m benchmarks.runner` prints Markdown.

All figures are from one run on one machine, each command in turn and many times, so the ratios are comparable. The
overlap check calls a small ListJobs server on the loopback interface: on AWS add a round trip for each call.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.runner.list_jobs_server import ListJobsServer, job_environment, serve

ROOT = Path(__file__).resolve().parents[1]
ENTRYPOINT = [sys.executable, "-IS", str(ROOT / "src" / "batchtab" / "runner" / "entrypoint.py")]
COMMAND = ["/bin/true"]
STARTS = 100
CHECKS = 10
QUEUES = (1, 100, 5000)
NOW_MS = 1_700_000_000_000


def main() -> int:
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores.\n")
    start_up()
    memory()
    guard()
    return 0


def start_up() -> None:
    candidates: dict[str, list[str]] = {
        "the command alone": COMMAND,
        "under tini": ["tini", "-s", "--", *COMMAND],
        "under dumb-init": ["dumb-init", "--", *COMMAND],
        "Python that does nothing (`-IS -c pass`)": [sys.executable, "-IS", "-c", "pass"],
        "under the runner, as in the image": [*ENTRYPOINT, "--", *COMMAND],
        "under the runner, as `python -m batchtab.runner`": [sys.executable, "-m", "batchtab.runner", "--", *COMMAND],
    }
    if os.geteuid() == 0 and shutil.which("unshare"):
        namespace = ["unshare", "--pid", "--fork"]
        candidates["the command alone, as process 1 (with `unshare`)"] = [*namespace, *COMMAND]
        candidates["under the runner, as process 1 (with `unshare`)"] = [*namespace, *ENTRYPOINT, "--", *COMMAND]
    there = {name: command for name, command in candidates.items() if shutil.which(command[0])}
    times: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(STARTS):
        for name, command in there.items():
            times[name].append(_milliseconds(command))
    bare = statistics.median(times["the command alone"])
    print(f"### Start-up: `{' '.join(COMMAND)}`, median of {STARTS}\n")
    print("| | ms | more than the command alone, ms |\n|---|---:|---:|")
    for name, command in candidates.items():
        if name in times:
            median = statistics.median(times[name])
            print(f"| {name} | {median:.1f} | {median - bare:.1f} |")
        else:
            print(f"| {name} | {command[0]} is not installed | |")
    print()


def memory() -> None:
    wrappers: dict[str, list[str]] = {
        "tini": ["tini", "-s", "--"],
        "dumb-init": ["dumb-init", "--"],
        "the runner, as in the image": [*ENTRYPOINT, "--"],
    }
    print("### Resident memory while the command runs\n")
    print("| | MiB | of it not shared, MiB |\n|---|---:|---:|")
    for name, wrapper in wrappers.items():
        if not shutil.which(wrapper[0]):
            print(f"| {name} | {wrapper[0]} is not installed | |")
            continue
        print(f"| {name} | {' | '.join(_resident([*wrapper, 'sh', '-c', 'echo; read x'], {}))} |")
    with serve() as batch:
        batch.add("me", "nightly", NOW_MS)
        variables = job_environment(batch.endpoint, "me")
        cells = _resident([*ENTRYPOINT, "--", "sh", "-c", "echo; read x"], variables)
        print(f"| the runner, after an overlap check with boto3 | {' | '.join(cells)} |")
    print()


def guard() -> None:
    print(f"### The overlap check, median of {CHECKS}\n")
    print("| jobs of the name in the queue | outcome | calls | ms in all |\n|---|---|---:|---:|")
    alone = statistics.median(_milliseconds([*ENTRYPOINT, "--", *COMMAND]) for _ in range(CHECKS))
    print(f"| no check | runs | 0 | {alone:.0f} |")
    for jobs in QUEUES:
        _check(jobs, "runs", running=False)
    _check(QUEUES[-1], "gives way to the oldest", running=True)
    print("\nA call reads a page of 100 jobs; a run has to see the last one. Most of one call is the start of boto3.")


def _check(jobs: int, outcome: str, *, running: bool) -> None:
    """One row: this job and finished ones, the oldest of which may still run."""
    with serve() as batch:
        _fill(batch, jobs, running)
        environment = job_environment(batch.endpoint, "me")
        times = []
        for _ in range(CHECKS):
            batch.calls = 0
            times.append(_milliseconds([*ENTRYPOINT, "--", *COMMAND], environment))
        print(f"| {jobs:,} | {outcome} | {batch.calls} | {statistics.median(times):.0f} |")


def _fill(batch: ListJobsServer, jobs: int, running: bool) -> None:
    batch.add("me", "nightly", NOW_MS)
    for number in range(1, jobs):
        is_oldest = number == jobs - 1
        batch.add(f"job-{number}", "nightly", NOW_MS - number, "RUNNING" if running and is_oldest else "SUCCEEDED")


def _environment(more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHTAB_", "AWS_", "PYTHON"))}
    return kept | {"PYTHONPATH": _libraries()} | more


def _libraries() -> str:
    """Where boto3 is for this Python: `-S` hides a virtual environment, in whose place the image has a folder."""
    return os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))


def _milliseconds(command: list[str], more: dict[str, str] | None = None) -> float:
    environment = _environment(more or {})
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000


def _resident(command: list[str], more: dict[str, str]) -> tuple[str, str]:
    """Resident memory of a wrapper while its command waits, and the part that is its own."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environment(more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    sizes = {name: int(kib) for name, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    process.communicate(b"\n")
    own = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return f"{sizes['Rss'] / 1024:.1f}", f"{own / 1024:.1f}"


if __name__ == "__main__":
    sys.exit(main())
