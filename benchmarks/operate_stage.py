"""A stage of many jobs and runs on local AWS, for `benchmarks/operate.py`: made without Terraform.

What is deployed (queues, job definitions, triggers, the table of runs) is made by AWS's own calls. One job and one
array are run, and local AWS's snapshot then has what Batch knows of each: runs are copies of those two with other ids,
times and statuses, added to the snapshot's file. Records of the submit function are written as it writes them.
"""

from __future__ import annotations

import contextlib
import copy
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.checkout import Checkout
from tests.e2e.local_helpers import LocalAws, running

from batchtab.declarations import catalog as catalogs
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.schedules.timestamps import utc_text
from benchmarks.operate_deployment import CHILDREN, PREFIX, deploy, snapshot, wait_in_front, write_records

POLICIES = ("allow", "forbid", "forbid", "queue", "forbid", "replace", "forbid", "queue", "forbid", "forbid")
_PERIOD = timedelta(hours=8)
_FRONT = 120  # jobs that are submitted: more than a queue's snapshot shows


@dataclass(frozen=True)
class Runs:
    """What Batch has of jobs, and the table of their runs.

    Attributes:
        jobs: As a snapshot of local AWS keeps them, the oldest first.
        records: Items of the table.
        waiting: How many more jobs are submitted, which then wait in the queue's front.
    """

    jobs: list[dict[str, Any]]
    records: list[dict[str, Any]]
    waiting: int = 0


class Template:
    """A job and an array that have run, as local AWS keeps them; copies of them are other runs."""

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self._parent = next(each for each in jobs if "size" in each["record"].get("arrayProperties", {}))
        self._children = [each for each in jobs if each["parent"] == self._parent["record"]["jobId"]]
        self._job = next(each for each in jobs if each["parent"] is None and each is not self._parent)
        self._random = random.Random(20_000)  # noqa: S311 - the same ids in each run

    def run(self, job: str, at: datetime, status: str, *, is_array: bool = False) -> list[dict[str, Any]]:
        """A run of a scheduled time, with its children; all of those have its status."""
        made = self._copy(self._parent if is_array else self._job, job, at, status)
        if not is_array:
            return [made]
        is_active = status not in ("SUCCEEDED", "FAILED")
        made["record"]["status"] = "PENDING" if is_active else status
        counts = dict.fromkeys(made["record"]["arrayProperties"]["statusSummary"], 0)
        made["record"]["arrayProperties"]["statusSummary"] = {**counts, status: CHILDREN}
        job_id, arn = made["record"]["jobId"], made["record"]["jobArn"]
        children = [self._copy(each, job, at, status) for each in self._children]
        for index, child in enumerate(children):
            child["record"] |= {"jobId": f"{job_id}:{index}", "jobArn": f"{arn}:{index}"}
            child["parent"] = job_id
        return [made, *children]

    def _copy(self, template: dict[str, Any], job: str, at: datetime, status: str) -> dict[str, Any]:
        made = copy.deepcopy(template)
        record = made["record"]
        job_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        created = int(at.timestamp() * 1000) + self._random.randrange(1, 2000)
        record |= {
            "jobId": job_id,
            "jobArn": f"{record['jobArn'].rpartition('/')[0]}/{job_id}",
            "jobName": job,
            "jobDefinition": f"{record['jobDefinition'].rpartition('/')[0]}/{PREFIX}-{job}:1",
            "status": status,
            "createdAt": created,
            "startedAt": created + 5000,
            "stoppedAt": created + 65_000,
        }
        time_text = utc_text(at)
        record["container"]["environment"] = [
            {"name": "BATCHTAB_SCHEDULED_TIME", "value": time_text},
            {"name": "BATCHTAB_RUN_ID", "value": f"{job}@{time_text}"},
        ]
        if status == "FAILED":
            record["statusReason"] = "Essential container in task exited"
            record["container"]["exitCode"] = 1
        if status not in ("SUCCEEDED", "FAILED"):
            record["attempts"] = []
            for member in ("stoppedAt", *(["startedAt"] if status != "RUNNING" else [])):
                del record[member]
            record["container"].pop("exitCode", None)
            record.pop("statusReason", None)
        return made


class OperatedStage:
    """The project of a stage, and what was deployed of it.

    Attributes:
        checkout: The project; its local AWS runs within `serving`.
        jobs: Its jobs.
        now: The newest run is not later.
    """

    def __init__(self, folder: Path, jobs: int, services: int) -> None:
        environment = {"capacity": "EC2", "queues": {"default": 5, "continuously": 3}, "max_vcpus": 16}
        local = {"images": {"bench": {"folder": "."}}}
        self.checkout = Checkout.make(folder / "project", environment=environment, local=local)
        for path in (self.checkout.root / "jobs").glob("*/jobs.yaml"):
            path.unlink()
        _write_jobs(self.checkout.root, jobs, services)
        self._folder = folder
        self._catalog = catalogs.load("local", self.checkout.root)
        self.jobs = list(all_jobs(self._catalog))
        self.now = datetime.now(UTC).replace(microsecond=0)

    def deploy(self) -> None:
        """Makes all that `batchtab up` would make and these commands look at, and runs a job and an array."""
        with self._running() as local:
            deploy(local, self._catalog.stage.state.bucket, self.jobs)
            self._snapshot = snapshot(local)
        self.template = Template(self._snapshot["state"]["batch"]["jobs"])

    @contextlib.contextmanager
    def serving(self, runs: Runs) -> Iterator[LocalAws]:
        """Local AWS with these runs."""
        found = copy.copy(self._snapshot)
        found["state"] = {**found["state"], "batch": {**found["state"]["batch"], "jobs": runs.jobs}}
        path = self._folder / "runs.json"
        path.write_text(json.dumps(found))
        with self._running(snapshot=path) as local:
            write_records(local, runs.records)
            wait_in_front(local, self.jobs[0].full, runs.waiting)
            local.serve(self.checkout.root)
            yield local

    @contextlib.contextmanager
    def _running(self, snapshot: Path | None = None) -> Iterator[LocalAws]:
        """Local AWS of the project whose clock is frozen: what is due while it is measured does not run."""
        config = self.checkout.root / "config" / "local.yaml"
        with running(self._folder, "--speed", "0", config=config, snapshot=snapshot) as local:
            yield local

    # --- runs

    def mixed(self, count: int) -> Runs:
        """As many runs of each job: most ended, some run or wait, and each tenth time was skipped."""
        jobs: list[dict[str, Any]] = []
        records: list[dict[str, Any]] = []
        for at, number, job in self._times(count // len(self.jobs)):
            is_last = self.now - at < _PERIOD
            if number % 10 == 3 and is_last and job.spec.is_managed:
                records.append(_record(job.full, at, "skipped", "the run of the time before has not ended"))
                continue
            kinds = ("RUNNING", "RUNNABLE", "SUBMITTED", "STARTING") if is_last and number % 25 == 0 else ()
            status = kinds[number // 25 % 4] if kinds else "FAILED" if (number + at.hour) % 11 == 0 else "SUCCEEDED"
            made = self.template.run(job.full, at, status, is_array=number % 50 == 7)
            jobs += made
            if job.spec.is_managed:
                records.append(_record(job.full, at, "submitted", job_id=made[0]["record"]["jobId"]))
        return Runs(jobs, records, waiting=_FRONT)

    def all_waiting(self, count: int, waiting: int) -> Runs:
        """Runs of which a number wait at once."""
        jobs = []
        for index, (at, _, job) in enumerate(self._times(count // len(self.jobs))):
            status = "SUCCEEDED" if index < count - waiting else "RUNNABLE"
            jobs += self.template.run(job.full, at, status)
        return Runs(jobs, [], waiting=_FRONT)

    def all_of_one(self, count: int, job: NamedJob) -> Runs:
        """All runs are one job's, some seconds apart."""
        jobs, records = [], []
        step = timedelta(days=6) / count
        for number in range(count):
            at = (self.now - step * (count - number)).replace(microsecond=0)
            made = self.template.run(job.full, at, "FAILED" if number % 11 == 0 else "SUCCEEDED")
            jobs += made
            records.append(_record(job.full, at, "submitted", job_id=made[0]["record"]["jobId"]))
        return Runs(jobs, records)

    def _times(self, each: int) -> Iterator[tuple[datetime, int, NamedJob]]:
        """The last times of all jobs, in order."""
        found = []
        for number, job in enumerate(self.jobs):
            timing = job.spec.timing
            assert timing is not None
            found += [(at, number, job) for at in timing.between(self.now - each * _PERIOD, self.now)[-each:]]
        return iter(sorted(found, key=lambda item: item[:2]))


def _write_jobs(root: Path, jobs: int, services: int) -> None:
    """Services whose jobs run three times a day; of each second one by EventBridge Scheduler, which has time zones."""
    for service in range(services):
        declared: dict[str, Any] = {}
        for number in range(service, jobs, services):
            job: dict[str, Any] = {"command": ["run"], "schedule": f"cron({number % 60} {number % 8}/8 * * ? *)"}
            job |= {"timezone": "Asia/Seoul"} if service % 2 else {}
            policy = POLICIES[number // services % len(POLICIES)]
            declared[f"job-{number:04}"] = {**job, **({"concurrency_policy": policy} if policy != "allow" else {})}
        name = f"service-{service:02}"
        content = {"service": name, "image": {"repository": "bench", "tag": "v1"}, "jobs": declared}
        (root / "jobs" / name).mkdir(parents=True)
        (root / "jobs" / name / "jobs.yaml").write_text(yaml.safe_dump(content))


def _record(job: str, at: datetime, status: str, reason: str = "", job_id: str = "") -> dict[str, Any]:
    """What the submit function notes of a run."""
    time = utc_text(at)
    text = {
        "job": job,
        "item": f"run#{time}",
        "status": status,
        "run_id": f"{job}@{time}",
        "scheduled_time": time,
        "policy": "forbid",
        "noted_at": time,
        "reason": reason,
        "job_id": job_id,
    }
    numbers = {"revision": 1, "expires_at": int(at.timestamp()) + 90 * 86_400}
    item: dict[str, Any] = {name: {"S": value} for name, value in text.items() if value}
    return item | {name: {"N": str(value)} for name, value in numbers.items()}
