"""A thousand jobs at once on local AWS: `python -m benchmarks.local`.

Prints a table for benchmarks/README.md. Local AWS is started on a free port with its own environment
(.batchtab/local-venv, made by `batchtab setup`) and stopped again.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".batchtab" / "local-venv" / "bin" / "python"
REGION = "us-east-1"
JOBS = 1000
CLIENTS = 4
LIMIT_SECONDS = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local", description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"how many jobs to submit at once (default: {JOBS})")
    jobs = parser.parse_args().jobs
    if not PYTHON.exists():
        print(f"{PYTHON} is missing: batchtab setup local", file=sys.stderr)
        return 2
    with started() as (port, pid, start_seconds):
        figures = measure(port, pid, jobs)
    figures = {"start to first answer": f"{start_seconds:.2f} s", **figures}
    print(f"| local AWS, {jobs} jobs at once on {os.cpu_count()} cores | |")
    print("|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value} |")
    return 0


@contextlib.contextmanager
def started(*, enforce_iam: bool = True) -> Iterator[tuple[int, int, float]]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config" / "stage.yaml"
        config.parent.mkdir()
        (Path(folder) / "work").mkdir()
        local = {"images": {"worker": "work"}, "enforce_iam": enforce_iam, "container_engine": "none"}
        config.write_text(json.dumps({"region": REGION, "local": local}))
        began = time.monotonic()
        command = [str(PYTHON), "-m", "batchtab.local_aws", "--config", str(config), "--port", "0"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            line = process.stdout.readline() if process.stdout else ""
            port = int(line.split()[3].rpartition(":")[2])
            while not healthy(port):
                time.sleep(0.01)
            yield port, process.pid, time.monotonic() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
            if process.stdout:
                process.stdout.close()


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_local/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def measure(port: int, pid: int, jobs: int) -> dict[str, str]:
    batch = client(port, "batch")
    queue, definition = resources(port)
    before = memory_mib(pid)
    began = time.monotonic()

    def submit(number: int) -> str:
        answer = batch.submit_job(jobName=f"job-{number}", jobQueue=queue, jobDefinition=definition)
        return str(answer["jobId"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(submit, range(jobs)))
    submitted = time.monotonic() - began
    peak, statuses = before, dict[str, int]()
    while sum(statuses.get(status, 0) for status in ("SUCCEEDED", "FAILED")) < jobs:
        assert time.monotonic() - began < LIMIT_SECONDS, f"not all jobs ended in {LIMIT_SECONDS} s: {statuses}"
        time.sleep(0.25)
        peak = max(peak, memory_mib(pid))
        statuses = count(batch, ids)
    ended = time.monotonic() - began
    assert statuses == {"SUCCEEDED": jobs}, statuses
    return {
        f"submit rate, {CLIENTS} clients": f"{jobs / submitted:.0f} jobs/s",
        "all ended after": f"{ended:.1f} s",
        "ended per second": f"{jobs / ended:.0f}",
        "lost": str(jobs - len(set(ids))),
        "memory before": f"{before:.0f} MiB",
        "memory at most": f"{peak:.0f} MiB",
        "memory after": f"{memory_mib(pid):.0f} MiB",
    }


def count(batch: Any, ids: list[str]) -> dict[str, int]:
    statuses = dict[str, int]()
    for start in range(0, len(ids), 100):
        for job in batch.describe_jobs(jobs=ids[start : start + 100])["jobs"]:
            statuses[job["status"]] = statuses.get(job["status"], 0) + 1
    return statuses


def resources(port: int) -> tuple[str, str]:
    ec2, iam, batch = client(port, "ec2"), client(port, "iam"), client(port, "batch")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "instanceTypes": ["optimal"],
            "minvCpus": 0,
            "maxvCpus": 16,
            "subnets": [ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]],
            "securityGroupIds": [ec2.create_security_group(GroupName="g", Description="-", VpcId=vpc)["GroupId"]],
            "instanceRole": iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Arn"],
        },
    )
    order = [{"order": 1, "computeEnvironment": "environment"}]
    batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(
        jobDefinitionName="definition",
        type="container",
        containerProperties={
            "image": "worker",
            "command": ["true"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
        },
    )
    return "queue", "definition"


def client(port: int, service: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - local AWS takes any
        config=Config(retries={"max_attempts": 0}, max_pool_connections=CLIENTS),
    )


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process; 0 where there is no /proc."""
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
