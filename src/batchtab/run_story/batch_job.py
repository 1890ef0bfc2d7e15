"""A job in Batch, as the story of a run needs it, read from what DescribeJobs or ListJobs answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchtab.limits import (
    REASON_VARIABLE,
    RETRY_OF_VARIABLE,
    RUN_MODE_VARIABLE,
    RUN_VARIABLES,
    UPSTREAM_JOB_ID_VARIABLE,
)
from batchtab.main_container import failed_container, last_attempt, main_container, task_of

ENDED = ("SUCCEEDED", "FAILED")
_SKIP_EXIT_CODE = "BATCHTAB_SKIP_EXIT_CODE"


@dataclass(frozen=True)
class Attempt:
    """One attempt: `reason` is the container's, `status_reason` the task's."""

    started: datetime | None = None
    stopped: datetime | None = None
    exit_code: int | None = None
    reason: str = ""
    status_reason: str = ""


@dataclass(frozen=True)
class BatchJob:
    """A job.

    Attributes:
        queue: The queue's own name.
        reason: The failed container's, beside its exit code.
        attempts: Those that have ended.
        attempts_allowed: The most of the retry strategy.
        vcpus: Of all its containers on all its nodes; of an array those of one child.
        skip_exit_code: With which the job runner says that it gave way; None if it says so by no code of its own.
        children: How many children of an array are in which status.
        mode: `manual` if a person submitted it past the submit function; empty if it does not say so.
        asked_because: Why a person ran it.
        retry_of: The job that it retries; empty if it is no retry.
    """

    id: str
    name: str = ""
    status: str = ""
    queue: str = ""
    status_reason: str = ""
    reason: str = ""
    exit_code: int | None = None
    created: datetime | None = None
    started: datetime | None = None
    stopped: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    attempts_allowed: int = 1
    timeout_seconds: int | None = None
    vcpus: float = 0.0
    memory_mib: int = 0
    image: str = ""
    depends_on: tuple[str, ...] = ()
    array_size: int = 0
    array_index: int | None = None
    children: tuple[tuple[str, int], ...] = ()
    is_cancelled: bool = False
    is_terminated: bool = False
    scheduled_time: str = ""
    run_id: str = ""
    upstream_job_id: str = ""
    mode: str = ""
    asked_because: str = ""
    retry_of: str = ""
    skip_exit_code: int | None = None
    log_stream: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self.status in ENDED

    @property
    def words(self) -> str:
        """All that AWS says of its end."""
        return f"{self.status_reason} {self.reason}"


def read(job: Mapping[str, Any]) -> BatchJob:
    """A job of DescribeJobs, or of ListJobs, which says less."""
    container, last = failed_container(job)
    main = main_container(job)
    said = {each["name"]: str(each.get("value", "")) for each in main.get("environment") or ()}
    end = {**last_attempt(job), **main, **last}
    array = job.get("arrayProperties") or {}
    skip = said.get(_SKIP_EXIT_CODE, "")
    return BatchJob(
        id=str(job["jobId"]),
        name=str(job.get("jobName") or ""),
        status=str(job.get("status") or ""),
        queue=str(job.get("jobQueue") or "").rpartition("/")[2],
        status_reason=str(job.get("statusReason") or ""),
        reason=str(end.get("reason") or ""),
        exit_code=end.get("exitCode"),
        created=moment_of(job.get("createdAt")),
        started=moment_of(job.get("startedAt")),
        stopped=moment_of(job.get("stoppedAt")),
        attempts=tuple(_attempt(each) for each in job.get("attempts") or ()),
        attempts_allowed=int((job.get("retryStrategy") or {}).get("attempts") or 1),
        timeout_seconds=(job.get("timeout") or {}).get("attemptDurationSeconds"),
        vcpus=_needs(job, "VCPU", "vcpus"),
        memory_mib=int(_needs(job, "MEMORY", "memory")),
        image=str(container.get("image") or ""),
        depends_on=tuple(each["jobId"] for each in job.get("dependsOn") or () if each.get("jobId")),
        array_size=int(array.get("size") or 0),
        array_index=array.get("index"),
        children=tuple((name, count) for name, count in (array.get("statusSummary") or {}).items() if count),
        is_cancelled=bool(job.get("isCancelled")),
        is_terminated=bool(job.get("isTerminated")),
        scheduled_time=said.get(RUN_VARIABLES["scheduled_time"], ""),
        run_id=said.get(RUN_VARIABLES["run_id"], ""),
        upstream_job_id=said.get(UPSTREAM_JOB_ID_VARIABLE, ""),
        mode=said.get(RUN_MODE_VARIABLE, ""),
        asked_because=said.get(REASON_VARIABLE, ""),
        retry_of=said.get(RETRY_OF_VARIABLE, ""),
        skip_exit_code=int(skip) if skip.isdecimal() and int(skip) else None,
        log_stream=str(main.get("logStreamName") or last_attempt(job).get("logStreamName") or ""),
    )


def moment_of(milliseconds: object) -> datetime | None:
    """A moment as Batch gives it; None for none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if isinstance(milliseconds, int) and milliseconds else None


def _attempt(attempt: Mapping[str, Any]) -> Attempt:
    one = {"attempts": [attempt]}
    said = failed_container(one)[1] or last_attempt(one)
    return Attempt(
        moment_of(attempt.get("startedAt")),
        moment_of(attempt.get("stoppedAt")),
        said.get("exitCode"),
        str(said.get("reason") or ""),
        str(attempt.get("statusReason") or ""),
    )


def _needs(job: Mapping[str, Any], kind: str, old: str) -> float:
    """What all containers of a job need, on all its nodes."""
    nodes = job.get("nodeProperties") or {}
    each = list(task_of(job).get("containers") or ()) or [main_container(job)]
    return sum(_of_container(container, kind, old) for container in each) * int(nodes.get("numNodes") or 1)


def _of_container(container: Mapping[str, Any], kind: str, old: str) -> float:
    asked = {each.get("type"): each.get("value") for each in container.get("resourceRequirements") or ()}
    try:
        return float(asked.get(kind) or container.get(old) or 0)
    except ValueError:
        return 0.0
