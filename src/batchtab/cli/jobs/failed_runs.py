"""Which runs failed and were not made good since: of each run only its newest job counts.

Calls to AWS: of each queue ListJobs, at most 20 pages (of one job: of its name), and DescribeJobs for the jobs of names
that have a failure, at most 20 for each queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batchtab.aws.batch_jobs import LOOKED_AT, BatchJobs
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


@dataclass(frozen=True)
class Failed:
    """What was found.

    Attributes:
        runs: The earliest first.
        meant: How many more were stopped or replaced.
        cut: Queues of which not all jobs of that time were looked at.
    """

    runs: list[FailedRun]
    meant: int
    cut: tuple[str, ...]


def failed_runs(batch: BatchJobs, queues: Sequence[str], jobs: Sequence[NamedJob], since: datetime) -> Failed:
    """The runs that failed since then.

    What somebody stopped, or a later run replaced, was meant to end.
    """
    of_name = {job.full: job for job in jobs}
    first = since - _LONGEST
    of_queue = {queue: _listed(batch, queue, jobs, first) for queue in queues}
    cut = tuple(queue for queue, its in of_queue.items() if len(its) >= LOOKED_AT and _is_since(its[-1], first))
    listed = [each for its in of_queue.values() for each in its if _is_since(each, first)]
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
    return Failed(sorted(found, key=_order), meant, cut)


def _listed(batch: BatchJobs, queue: str, jobs: Sequence[NamedJob], since: datetime) -> list[Any]:
    """Jobs of a queue, the newest first."""
    if len(jobs) == 1:
        return list(batch.of_name(queue, jobs[0].full))
    return [each for page in batch.since(queue, since) for each in page]


def _is_since(job: Mapping[str, Any], since: datetime) -> bool:
    return bool(job["createdAt"] >= since.timestamp() * 1000)


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
