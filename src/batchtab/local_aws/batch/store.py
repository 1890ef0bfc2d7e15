from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses

from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.job import Job

Record = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """The account and region that a request or a job belongs to."""

    account_id: str
    region: str

    @classmethod
    def current(cls) -> Scope:
        """Return the scope of the request that is being served."""
        return cls(responses.get_account_id(), responses.get_region())

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a Batch resource."""
        return f"{self.prefix}{kind}/{name}"

    @property
    def prefix(self) -> str:
        """What the ARNs of this account's Batch resources in this region start with."""
        return f"arn:aws:batch:{self.region}:{self.account_id}:"


def name_of(reference: str) -> str:
    """Return the name in an ARN, or the name itself."""
    return reference.rsplit("/", 1)[-1]


@dataclass
class Store:
    """All that Batch knows, by ARN; every access takes `lock`."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    environments: dict[str, Record] = field(default_factory=dict)
    queues: dict[str, Record] = field(default_factory=dict)
    policies: dict[str, Record] = field(default_factory=dict)
    definitions: dict[str, list[Record]] = field(default_factory=dict)  # by ARN without revision, oldest first
    jobs: dict[str, Job] = field(default_factory=dict)  # by id

    def clear(self) -> None:
        """Forget everything."""
        for part in (self.environments, self.queues, self.policies, self.definitions, self.jobs):
            part.clear()

    def environment(self, reference: str) -> Record:
        """Return a compute environment by name or ARN."""
        return self._get(self.environments, reference, "compute-environment", "compute environment")

    def queue(self, reference: str) -> Record:
        """Return a job queue by name or ARN."""
        return self._get(self.queues, reference, "job-queue", "job queue")

    def policy(self, reference: str) -> Record:
        """Return a scheduling policy by ARN."""
        return self._get(self.policies, reference, "scheduling-policy", "scheduling policy")

    def job(self, reference: str) -> Job:
        """Return a job by id or ARN."""
        job = self.jobs.get(name_of(reference))
        if job is None or not job.arn.startswith(Scope.current().prefix):
            raise ClientError(f"Job {reference} does not exist")
        return job

    def definition(self, reference: str) -> Record:
        """Return a job definition by name, name:revision or ARN; without a revision, the newest active one."""
        scope = Scope.current()
        if reference.startswith("arn:") and not reference.startswith(f"{scope.prefix}job-definition/"):
            raise ClientError(f"JobDefinition {reference} does not exist")
        name, _, revision = name_of(reference).partition(":")
        for record in reversed(self.definitions.get(scope.arn("job-definition", name), [])):
            if str(record["revision"]) == revision or (not revision and record["status"] == "ACTIVE"):
                return record
        raise ClientError(f"JobDefinition {reference} does not exist")

    def forget_jobs_ended_before(self, moment_ms: int) -> None:
        """Forget the jobs that ended before a moment, as Batch does after a week."""
        for job in [job for job in self.jobs.values() if job.ended and job.record.get("stoppedAt", 0) < moment_ms]:
            del self.jobs[job.id]

    def in_scope(self, part: dict[str, Record]) -> list[Record]:
        """Return a part's records of the current account and region."""
        prefix = Scope.current().prefix
        return [record for arn, record in part.items() if arn.startswith(prefix)]

    @staticmethod
    def _get(part: dict[str, Record], reference: str, kind: str, noun: str) -> Record:
        arn = reference if reference.startswith("arn:") else Scope.current().arn(kind, reference)
        record = part.get(arn)
        if record is None:
            raise ClientError(f"{reference} does not exist: no such {noun}")
        return record
