"""Commands at 10, 100 and 1,000 jobs, in 1 and 50 services, on local AWS; against plain CDKTF and plain Terraform.

    python -m benchmarks.scale                     # all sizes, about an hour
    python -m benchmarks.scale --jobs 1000 --services 50

A stage is deployed, one line of one service is changed, and each command is measured: seconds, CPU seconds of all
processes, and the most memory that they had at a time. Plain CDKTF is the same app with the whole import of the
provider's package and `cdktf diff` of its stacks, which knows nothing of what was applied; plain Terraform is a root
module that calls `modules/scheduled_job` for the same jobs, one state for all of them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.e2e.checkout import ROOT, Checkout

SIZES = ((10, 1), (100, 1), (1000, 1), (10, 10), (100, 50), (1000, 50))
STACKS_BUDGET = 3
SECONDS_BUDGET = 30.0
_GIB = 2**30


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    memory_gib: float
    said: str


def measured(command: list[str], cwd: Path, env: dict[str, str]) -> Cost:
    """Runs a command; ends the benchmark if it fails."""
    began, before = time.perf_counter(), _cpu_seconds()
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], _memory_gib(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, errors = process.communicate()
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {process.returncode}\n{output[-2000:]}\n{errors[-2000:]}")
    return Cost(time.perf_counter() - began, _cpu_seconds() - before, most[0], output + errors)


def _cpu_seconds() -> float:
    """Of the whole machine, for a provider is no child of ours: nothing else should run meanwhile."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def _memory_gib(root: int) -> float:
    """Resident memory of a process and all below it, what they share counted once for each."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(stat[1]), []).append(int(entry.name))
        pages[int(entry.name)] = int(stat[21])
    total, left = 0, [root]
    while left:
        pid = left.pop()
        total += pages.get(pid, 0)
        left += children.get(pid, [])
    return total * os.sysconf("SC_PAGE_SIZE") / _GIB


def write_jobs(root: Path, jobs: int, services: int) -> list[str]:
    """Writes the services' files; returns their names."""
    names = [f"service-{number:02}" for number in range(services)]
    for number, name in enumerate(names):
        lines = [f"service: {name}", "image: {repository: bench, tag: v1}", "jobs:"]
        lines += [
            f"  job-{n}: {{command: [run, '{n}'], schedule: cron({n % 60} {n % 24} * * ? *), timeout_seconds: 600}}"
            for n in range(number, jobs, services)
        ]
        (root / "jobs" / name).mkdir(parents=True)
        (root / "jobs" / name / "jobs.yaml").write_text("\n".join(lines) + "\n")
    return names


class Bench:
    """A stage on local AWS with jobs, deployed by Batchtab; and the same jobs as one Terraform root module."""

    def __init__(self, folder: Path, jobs: int, services: int) -> None:
        self.checkout = Checkout.make(folder / "project", environment={"capacity": "EC2", "queues": {"default": 5}})
        self.root = self.checkout.root
        for path in (self.root / "jobs").glob("*/jobs.yaml"):
            path.unlink()
        self.jobs = jobs
        self.services = write_jobs(self.root, jobs, services)
        self.environment = {**self.checkout.environment, "PYTHONPATH": str(ROOT / "src")}
        self.hcl = folder / "hcl"

    def batchtab(self, *arguments: str) -> Cost:
        """Measures a command of ours."""
        return measured(self.checkout.command(*arguments), self.root, self.environment)

    def change(self) -> None:
        """Changes one line of one service."""
        path = self.root / "jobs" / self.services[0] / "jobs.yaml"
        path.write_text(path.read_text().replace("timeout_seconds: 600", "timeout_seconds: 660", 1))

    def our_variables(self) -> dict[str, str]:
        """What `batchtab env` prints, for other programs."""
        lines = self.batchtab("env").said.splitlines()
        found = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        named = {key: value.strip("'\"") for key, value in found.items() if key != "PATH"}
        path = f"{self.root / '.batchtab' / 'bin'}{os.pathsep}{self.environment['PATH']}"
        return {**self.environment, **named, "PATH": path}

    def plain_cdktf(self, stacks: list[str]) -> Cost:
        """`cdktf diff` of stacks, by an app that imports the provider's package as people do."""
        (self.root / "plain.py").write_text(
            "import sys\nimport cdktf_cdktf_provider_aws\nfrom batchtab.app import main\nsys.exit(main())\n"
        )
        program = f"{sys.executable} plain.py"
        costs = []
        for number, stack in enumerate(stacks):
            command = [
                str(self.root / ".batchtab" / "bin" / "node"),
                str(self.root / ".batchtab" / "bin" / "cdktf"),
                "diff",
                stack,
                "--skip-provider-lock",
                *(["--skip-synth"] if number else ["--app", program]),
            ]
            costs.append(measured(command, self.root, self.our_variables()))
        return _sum(costs)

    def plain_terraform(self) -> Cost:
        """Init and plan of a root module that calls our module for each job, with nothing deployed."""
        jobs = {f"job-{n}": f"cron({n % 60} {n % 24} * * ? *)" for n in range(self.jobs)}
        queue = self.checkout.client("batch").describe_job_queues()["jobQueues"][0]["jobQueueArn"]
        self.hcl.mkdir(exist_ok=True)
        provider = {"region": "ap-northeast-2"}
        module = {
            "source": str(ROOT / "modules" / "scheduled_job"),
            "for_each": jobs,
            "name": "${each.key}",
            "namespace": "plain",
            "image": "bench:v1",
            "command": ["run"],
            "job_queue_arn": queue,
            "schedule": "${each.value}",
            "timeout_seconds": 600,
        }
        (self.hcl / "main.tf.json").write_text(json.dumps({"provider": {"aws": provider}, "module": {"job": module}}))
        environment = self.our_variables()
        return _sum(
            [
                measured(["terraform", "init", "-input=false"], self.hcl, environment),
                measured(["terraform", "plan", "-input=false", "-out=plan"], self.hcl, environment),
            ]
        )


def _sum(costs: list[Cost]) -> Cost:
    seconds, cpu_seconds, memory, said = zip(*(dataclasses.astuple(cost) for cost in costs), strict=True)
    return Cost(sum(seconds), sum(cpu_seconds), max(memory), "".join(said))


def rows(folder: Path, jobs: int, services: int, *, plain: bool) -> list[tuple[str, Cost]]:
    """The measurements of one size."""
    bench = Bench(folder, jobs, services)
    found: list[tuple[str, Cost]] = []

    def measure(name: str, cost: Cost) -> None:
        found.append((name, cost))
        figures = f"{cost.seconds:.1f} s, {cost.cpu_seconds:.1f} CPU, {cost.memory_gib:.2f} GiB"
        print(f"{jobs} jobs in {services}: {name}: {figures}", file=sys.stderr)

    stage = yaml.safe_load((bench.root / "config" / "local.yaml").read_text())
    assert stage["environment"]["queues"] == {"default": 5}
    measure("check", bench.batchtab("check"))
    try:
        measure("first deployment (`up`)", bench.batchtab("up"))
        synth = [sys.executable, "main.py"]
        measure("synth", measured(synth, bench.root, {**bench.environment, "BATCHTAB_STAGE": "local"}))
        measure("plan, nothing changed", bench.batchtab("plan"))
        measure("plan of everything (`--all`)", bench.batchtab("plan", "--all"))
        bench.change()
        one = bench.batchtab("plan", "--out", "plan")
        measure("plan of one changed service", one)
        planned = len(list((bench.root / "plan").glob("*.plan.json")))
        if services == 50:
            kept = planned <= STACKS_BUDGET and one.seconds <= SECONDS_BUDGET
            print(
                f"One line with {services} services: {planned} stacks planned (budget {STACKS_BUDGET}) in "
                f"{one.seconds:.0f} s (budget {SECONDS_BUDGET:.0f}): {'kept' if kept else 'EXCEEDED'}"
            )
        if plain:
            stacks = sorted(path.name for path in (bench.root / "cdktf.out" / "stacks").iterdir())
            few = stacks[:4]
            cost = bench.plain_cdktf(few)
            measure(f"plain CDKTF: diff of {len(few)} of {len(stacks)} stacks", cost)
            measure("plain Terraform: init and plan, one state", bench.plain_terraform())
        measure("deploy of one changed service", bench.batchtab("deploy", "--unreviewed"))
    finally:
        os.kill(bench.checkout.local_pid(), signal.SIGTERM)  # a whole `down` takes minutes, and e2e tests have one
    return found


def main() -> int:
    """Measures and prints Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, help="one size alone")
    parser.add_argument("--services", type=int, default=1)
    parser.add_argument("--no-plain", action="store_true", help="leave plain CDKTF and plain Terraform out")
    arguments = parser.parse_args()
    sizes = [(arguments.jobs, arguments.services)] if arguments.jobs else list(SIZES)
    for jobs, services in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            found = rows(Path(temporary), jobs, services, plain=not arguments.no_plain)
        print(f"\n### {jobs:,} jobs in {services} service{'s' if services > 1 else ''}\n")
        print("| | seconds | CPU seconds | memory at most, GiB |")
        print("|---|---:|---:|---:|")
        for name, cost in found:
            print(f"| {name} | {cost.seconds:.1f} | {cost.cpu_seconds:.1f} | {cost.memory_gib:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
