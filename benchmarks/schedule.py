"""What a trigger costs: `python -m benchmarks.schedule`.

Prints tables for benchmarks/README.md: from the scheduled time to SubmitJob, directly and through the submit function;
the calls to AWS that each run takes; the Terraform resources of a job by its trigger; and the time of `batchtab next`
for a thousand jobs, whose budget is two seconds.
"""

import argparse
import contextlib
import http.client
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from tests.projects import PROJECT

from batchtab.constructs._terraform import package
from benchmarks.local import PYTHON, REGION, ROOT, resources, started

JOBS = 20
NEXT_JOBS = 1000
NEXT_BUDGET_SECONDS = 2.0
ZONES = ("UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
NAMESPACE = "bench"
DEFINITION = f"{NAMESPACE}-job"
FUNCTION = f"{NAMESPACE}-submit-run"
TABLE = f"{NAMESPACE}-job-runs"
MINUTE = "2027-01-01T00:{:02d}:00Z"
LIMIT_SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedule", description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"jobs that are due at once (default: {JOBS})")
    jobs = parser.parse_args().jobs
    if not PYTHON.exists():
        print(f"{PYTHON} is missing: make setup", file=sys.stderr)
        return 2
    with started() as (port, _, _):
        local = Local(port)
        local.set_up()
        print(f"| {jobs} jobs in one minute, on local AWS | median ms | last ms |\n|---|---:|---:|")
        for policy, round_, minute in (("allow", "", 2), ("forbid", ", first (cold)", 4), ("forbid", ", second", 6)):
            delays = local.delays(policy, jobs, minute)
            print(f"| {policy}{round_} | {statistics.median(delays):.0f} | {max(delays):.0f} |", flush=True)
        print("\n| a run | calls | which |\n|---|---:|---|")
        print("| allow, submitted | 1 | SubmitJob, by the trigger itself |")
        for name, calls in local.calls().items():
            named = (f"{call} twice" if count == 2 else call for call, count in calls.items())
            print(f"| {name} | {sum(calls.values())} | {', '.join(named)} |")
    print("\n| trigger | resources | which |\n|---|---:|---|")
    for name, kinds in resources_of_a_job().items():
        print(f"| {name} | {sum(kinds.values())} | {', '.join(kinds)} |")
    seconds = next_seconds(NEXT_JOBS)
    print(f"\n`batchtab next` for {NEXT_JOBS:,} jobs: {seconds:.2f} s (budget {NEXT_BUDGET_SECONDS:g}).")
    return 0 if seconds < NEXT_BUDGET_SECONDS else 1


class Local:
    """Local AWS with a queue, a job definition, the submit function and its table."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._endpoint = f"http://127.0.0.1:{port}"
        os.environ.update(
            AWS_ENDPOINT_URL=self._endpoint,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - local AWS takes any
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            RUNS_TABLE=TABLE,
            RUNS_NAMESPACE=NAMESPACE,
            RUNS_HISTORY_DAYS="90",
        )
        self._batch, self._iam, self._scheduler = (_client(name) for name in ("batch", "iam", "scheduler"))

    def set_up(self) -> None:
        """Creates what the jobs need."""
        self._role = self._make_role()
        resources(self._port)
        self._queue = self._batch.describe_job_queues(jobQueues=["queue"])["jobQueues"][0]["jobQueueArn"]
        self._batch.register_job_definition(
            jobDefinitionName=DEFINITION,
            type="container",
            containerProperties={
                "image": "worker",
                "command": ["sleep", "5"],
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
            },
        )
        _client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("job", "item")],
        )
        variables = {key: value for key, value in os.environ.items() if key.startswith("RUNS_")}
        self._function = _client("lambda").create_function(
            FunctionName=FUNCTION,
            Role=self._role,
            Runtime="python3.13",
            Handler="submit_run.handler.lambda_handler",
            Code={"ZipFile": package.build("submit_run")},
            Timeout=30,
            MemorySize=256,
            Environment={"Variables": variables},
        )["FunctionArn"]

    def _make_role(self) -> str:
        services = ["scheduler.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
        allowed = {"Effect": "Allow", "Action": ["batch:*", "lambda:*", "dynamodb:*"], "Resource": "*"}
        arn: str = self._iam.create_role(
            RoleName=NAMESPACE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        self._iam.put_role_policy(
            RoleName=NAMESPACE,
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        return arn

    def delays(self, policy: str, jobs: int, minute: int) -> list[float]:
        """Milliseconds from the scheduled minute to SubmitJob, for a number of jobs that are due at once."""
        names = [f"{policy}-{minute}-{number}" for number in range(jobs)]
        scheduled = MINUTE.format(minute)
        self._clock(time=MINUTE.format(minute - 1).replace(":00Z", ":55Z"))
        for name in names:
            self._scheduler.create_schedule(
                Name=name,
                ScheduleExpression=f"at({scheduled.removesuffix('Z')})",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target=self._target(policy, name, scheduled),
            )
        created: list[float] = []
        deadline = time.monotonic() + LIMIT_SECONDS
        while len(created) < jobs:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(created)} of {jobs} jobs came in {LIMIT_SECONDS} s")
            time.sleep(0.2)
            created = self._created(f"{policy}-{minute}-")
        due = time.mktime(time.strptime(scheduled, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        return [moment - due * 1000 for moment in created]

    def _target(self, policy: str, name: str, scheduled: str) -> dict[str, Any]:
        if policy == "allow":
            content: dict[str, Any] = {
                "JobName": name,
                "JobQueue": self._queue,
                "JobDefinition": DEFINITION,
            }
            return {
                "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
                "RoleArn": self._role,
                "Input": json.dumps(content),
            }
        return {"Arn": self._function, "RoleArn": self._role, "Input": json.dumps(self._event(policy, name, scheduled))}

    def _event(self, policy: str, name: str, scheduled: str) -> dict[str, Any]:
        job = {"name": name, "job_queue": self._queue, "job_definition": DEFINITION}
        return {
            "trigger": {"scheduled_time": scheduled},
            "job": {**job, "schedule": "cron(* * * * ? *)", "concurrency_policy": policy},
        }

    def _created(self, prefix: str) -> list[float]:
        pages = self._batch.get_paginator("list_jobs").paginate(
            jobQueue=self._queue, filters=[{"name": "JOB_NAME", "values": [f"{prefix}*"]}]
        )
        return [job["createdAt"] for page in pages for job in page["jobSummaryList"]]

    def calls(self) -> dict[str, Counter[str]]:
        """The calls to AWS of one run each, by how it ends; the function runs in this process to count them."""
        sys.path[:0] = [str(ROOT / "lambda"), str(ROOT / "src")]
        lambda_handler: Any = importlib.import_module("submit_run.handler").lambda_handler

        boto3.setup_default_session()
        counted: Counter[str] = Counter()
        session: Any = boto3.DEFAULT_SESSION
        session.events.register("before-call.*.*", lambda model, **_: counted.update([model.name]))
        found: dict[str, Counter[str]] = {}
        for number, expected in enumerate(("submitted", "skipped", "duplicate")):
            # The second is due while the first runs; the third is the second, delivered again.
            event = self._event("forbid", "counted", MINUTE.format(10 + min(number, 1)))
            counted.clear()
            with contextlib.redirect_stdout(io.StringIO()):
                answer = lambda_handler(event, _Context())
            if answer["outcome"] != expected:
                raise SystemExit(f"expected {expected}: {answer}")
            found[f"forbid, {expected}"] = Counter(counted)
        return found

    def _clock(self, **asked: Any) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/_local/clock", json.dumps(asked))
        if connection.getresponse().status != 200:
            raise SystemExit("the clock of local AWS did not move")
        connection.close()


class _Context:
    """The context of an invocation."""

    aws_request_id = "benchmark"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def _client(service: str) -> Any:
    make: Any = boto3.client
    return make(service)


_TRIGGERS = {
    "rule, direct": "schedule: cron(0 0 * * ? *)",
    "rule, through the function": "schedule: cron(0 0 * * ? *), concurrency_policy: forbid",
    "schedule, direct": "schedule: cron(0 0 * * ? *), timezone: Asia/Seoul",
    "schedule, through the function": "schedule: cron(0 0 * * ? *), timezone: Asia/Seoul, concurrency_policy: queue",
}


def _project(folder: Path, lines: list[str]) -> Path:
    (folder / "config").mkdir(parents=True)
    (folder / "jobs" / "bench").mkdir(parents=True)
    (folder / "config" / "bench.yaml").write_text((PROJECT / "config" / "example.yaml").read_text())
    head = ["service: bench", "image: {repository: bench, tag: v1}", "jobs:"]
    (folder / "jobs" / "bench" / "jobs.yaml").write_text("\n".join([*head, *lines]) + "\n")
    return folder


def resources_of_a_job() -> dict[str, Counter[str]]:
    """A job's resources by its trigger, without its role."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for number, (name, fields) in enumerate(_TRIGGERS.items()):
            line = f"  job: {{command: [run], timeout_seconds: 600, {fields}}}"
            folder = _project(Path(temporary) / str(number), [line])
            program = (
                f"from pathlib import Path; from batchtab import app; from batchtab.declarations.catalog import load;"
                f" app.synthesize(load('bench', Path({str(folder)!r})),"
                f" outdir={str(folder / 'out')!r})"
            )
            subprocess.run([sys.executable, "-c", program], check=True, cwd=folder)
            stack = json.loads((folder / "out" / "stacks" / "jobs-bench" / "cdk.tf.json").read_text())
            found[name] = Counter(
                {
                    kind: len(named)
                    for kind, named in stack["resource"].items()
                    # The group is one for all jobs of a service.
                    if not kind.startswith("aws_iam_role") and kind != "aws_scheduler_schedule_group"
                }
            )
    return found


def next_seconds(jobs: int) -> float:
    """Seconds of `batchtab next` for a number of jobs, the interpreter's start included; the best of three."""
    lines = [
        f"  job-{n}: {{command: [run], timeout_seconds: 600, timezone: {ZONES[n % len(ZONES)]},"
        f" schedule: '{n % 60} {n % 24} * * {n % 5 + 1}'}}"
        for n in range(jobs)
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = _project(Path(temporary) / "project", lines)
        command = [sys.executable, "-m", "batchtab.cli.main", "next", "--stage", "bench", "--root", str(folder)]
        times = []
        for _ in range(3):
            began = time.perf_counter()
            subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
