"""Which runs failed and were not made good since: of each run only its newest job counts.

Calls to AWS: of each queue ListJobs, at most 20 pages, and DescribeJobs for the jobs of names that have a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.retries import Chain
from batchtab.aws.run_overrides import RETRY_OF, environment_of
from batchtab.aws.termination import STOPPED_PREFIX
from batchtab.declarations.named_jobs import NamedJob
from batchtab.limits import REPLACED_PREFIX, RUN_VARIABLES, UPSTREAM_JOB_ID_VARIABLE
from batchtab.main_container import main_container

_LONGEST = timedelta(days=1)  # a run that failed since then may have been submitted so much earlier


@dataclass(frozen=True)
class FailedRun:
    """A run whose newest job failed."""

    job: NamedJob
    chain: Chain


def failed_runs(
    batch: BatchJobs, queues: Sequence[str], jobs: Sequence[NamedJob], since: datetime
) -> tuple[list[FailedRun], int]:
    """The runs that failed since then, the earliest first, and how many more were stopped or replaced.

    What somebody stopped, or a later run replaced, was meant to end.
    """
    of_name = {job.full: job for job in jobs}
    listed = [each for queue in queues for page in batch.since(queue, since - _LONGEST) for each in page]
    failing = {each["jobName"] for each in listed if each["status"] == "FAILED" and each["jobName"] in of_name}
    details = batch.raw([each["jobId"] for each in listed if each["jobName"] in failing])
    runs: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for job in sorted(details.values(), key=lambda each: int(each["createdAt"])):
        runs.setdefault(_key(job, details), []).append(job)
    found, meant = [], 0
    for chain in runs.values():
        last = chain[-1]
        ended = datetime.fromtimestamp((last.get("stoppedAt") or last["createdAt"]) / 1000, UTC)
        if last["status"] != "FAILED" or ended < since:
            continue
        if str(last.get("statusReason") or "").startswith((STOPPED_PREFIX, REPLACED_PREFIX)):
            meant += 1
        else:
            begin = next(at for at, job in enumerate(chain) if job["status"] == "FAILED")
            found.append(FailedRun(of_name[last["jobName"]], Chain(chain[begin:])))
    return sorted(found, key=_order), meant


def _key(job: Mapping[str, Any], details: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """What all jobs of one run have in common: its time and what it came after, else the job that was retried first."""
    said = environment_of(main_container(job))
    if at := said.get(RUN_VARIABLES["scheduled_time"]):
        return job["jobName"], at, said.get(UPSTREAM_JOB_ID_VARIABLE, "")
    before = details.get(said.get(RETRY_OF, ""))
    return _key(before, details) if before is not None else (job["jobName"], str(job["jobId"]))


def _order(run: FailedRun) -> tuple[str, int]:
    said = environment_of(main_container(run.chain.newest))
    created = int(run.chain.newest["createdAt"])
    at = datetime.fromtimestamp(created / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return said.get(RUN_VARIABLES["scheduled_time"]) or at, created
