"""The CLI's calls about what runs used: their sizes and times in Batch, and the memory that the runner measured.

At most 20 pages of ListJobs and 20 calls of DescribeJobs for each queue, 20 calls of DescribeJobs for runs that only
the table of runs names, 50 for children of arrays (up to 1,000 children of one), and one call of GetLogEvents for each
run whose memory is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchtab.aws import runner_lines
from batchtab.aws.batch_jobs import ENDED, BatchJobs
from batchtab.aws.client import Aws
from batchtab.main_container import last_attempt, main_container, task_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST_JOBS = 2000  # of one queue: what BatchJobs lists
_AT_ONCE = 100
_CHILD_CALLS = 50
_CHILDREN = 1000  # of one array
_TAIL = 20  # events: the runner's end line is its last one, and a container beside it has a stream of its own
_END = "end"


@dataclass(frozen=True)
class UsedRun:
    """What a run used.

    Attributes:
        queue: The queue's name.
        seconds: Of each attempt, of all children of an array and on all nodes.
        estimated_seconds: Of children that were not looked at.
        estimated_attempts: How many those are.
        log_stream: Of its last attempt that has ended; empty if it has none.
        is_alone: Whether its main container is its only one.
    """

    job: str
    job_id: str
    queue: str
    created: datetime
    vcpus: float
    memory_mib: int
    gpus: int
    architecture: str
    seconds: tuple[float, ...]
    estimated_seconds: float = 0.0
    estimated_attempts: int = 0
    log_stream: str = ""
    is_alone: bool = True


class RunUsage:
    """What the runs of a stage used."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self._batch = BatchJobs(aws)
        self._logs: CloudWatchLogsClient = aws.client("logs")
        self._group = f"/aws/batch/{prefix}"
        self._child_calls = _CHILD_CALLS

    def of_all(self, queue: str, names: frozenset[str], since: datetime) -> tuple[list[Any], bool]:
        """Jobs of a queue, as Batch describes them, and whether there may be more than were looked at."""
        ids, seen = [], 0
        for page in self._batch.since(queue, since):
            seen += len(page)
            ids += [each["jobId"] for each in page if each["jobName"] in names]
        return list(self._batch.raw(ids).values()), seen >= MOST_JOBS

    def of_one(self, queue: str, name: str, since: datetime) -> tuple[list[Any], bool]:
        """The same of one job."""
        listed = self._batch.of_name(queue, name, MOST_JOBS)
        recent = [each["jobId"] for each in listed if each["createdAt"] >= since.timestamp() * 1000]
        return list(self._batch.raw(recent).values()), len(listed) >= MOST_JOBS

    def described(self, ids: Sequence[str]) -> list[Any]:
        """Jobs by their ids; what Batch has forgotten is left out."""
        return list(self._batch.raw(ids).values())

    def read(self, job: Any, now: datetime) -> UsedRun:
        """What a job used; of an array, its children are asked for."""
        size = int((job.get("arrayProperties") or {}).get("size") or 0)
        container, nodes = main_container(job), int((job.get("nodeProperties") or {}).get("numNodes") or 1)
        children = self._children(job, size) if size else []
        seconds = [each for one in (children or [job]) for each in _attempts(one, now)] if children or not size else []
        estimated = _left(job, len(children), seconds, now) if size else (0, 0.0)
        ended = [one for one in (children or [job]) if one["status"] in ENDED]
        vcpus, memory, gpus, alone = _size(job)
        return UsedRun(
            job=job["jobName"],
            job_id=job["jobId"],
            queue=str(job["jobQueue"]).rpartition("/")[2],
            created=datetime.fromtimestamp(job["createdAt"] / 1000, now.tzinfo),
            vcpus=vcpus,
            memory_mib=memory,
            gpus=gpus,
            architecture=_architecture(job, container),
            seconds=tuple(seconds) * nodes,
            estimated_attempts=estimated[0],
            estimated_seconds=estimated[1],
            log_stream=next(filter(None, map(_stream, ended)), ""),
            is_alone=alone,
        )

    def peak_memory_mib(self, log_stream: str) -> float | None:
        """What the runner says at a run's end; None if it says nothing, or if the log is gone."""
        try:
            answer = self._logs.get_log_events(
                logGroupName=self._group, logStreamName=log_stream, limit=_TAIL, startFromHead=False
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        for event in reversed(answer["events"]):
            peak = _peak(event.get("message", ""))
            if peak is not None:
                return peak
        return None

    def _children(self, job: Any, size: int) -> list[Any]:
        """Children of an array: DescribeJobs takes their ids, which are known."""
        found: list[Any] = []
        for begin in range(0, min(size, _CHILDREN), _AT_ONCE):
            if not self._child_calls:
                break
            self._child_calls -= 1
            ids = [f"{job['jobId']}:{index}" for index in range(begin, min(begin + _AT_ONCE, size, _CHILDREN))]
            found += self._batch.raw(ids).values()
        return found


def _attempts(job: Any, now: datetime) -> Iterable[float]:
    """How long each attempt took, that which runs included."""
    attempts = job.get("attempts") or []
    for each in attempts:
        if each.get("startedAt") and each.get("stoppedAt"):
            yield max(0.0, (each["stoppedAt"] - each["startedAt"]) / 1000)
    started, stopped = job.get("startedAt"), job.get("stoppedAt")
    if job["status"] == "RUNNING" and started:
        yield max(0.0, now.timestamp() - started / 1000)
    elif job["status"] in ENDED and not attempts and started and stopped:
        yield max(0.0, (stopped - started) / 1000)


def _left(job: Any, known: int, seconds: Sequence[float], now: datetime) -> tuple[int, float]:
    """How many children that have ended were not looked at, and how long they took: as long as the others.

    Where none was looked at, each as long as the array: an upper bound.
    """
    summary = job["arrayProperties"].get("statusSummary") or {}
    ended = sum(int(summary.get(status) or 0) for status in ENDED)
    if job["status"] in ENDED:
        ended = ended or int(job["arrayProperties"]["size"])
    left = max(0, ended - known)
    if seconds:
        return left, left * sum(seconds) / len(seconds)
    stopped = (job.get("stoppedAt") or now.timestamp() * 1000) / 1000
    began = (job.get("startedAt") or job["createdAt"]) / 1000
    return left, left * max(0.0, stopped - began)


def _size(job: Any) -> tuple[float, int, int, bool]:
    """vCPUs, memory and GPUs of all containers of a task, and whether there is but one."""
    ranges = (job.get("nodeProperties") or {}).get("nodeRangeProperties") or [{}]
    task = task_of(job) or task_of(ranges[0])
    containers = task.get("containers") or [main_container(job)]
    sizes = [_asked(each) for each in containers]
    vcpus, memory, gpus = (sum(column) for column in zip(*sizes, strict=True))
    return vcpus, int(memory), int(gpus), len(containers) == 1


def _asked(container: Mapping[str, Any]) -> tuple[float, float, float]:
    said = {each.get("type"): float(each.get("value") or 0) for each in container.get("resourceRequirements") or ()}
    vcpus, memory = container.get("vcpus") or 0, container.get("memory") or 0
    return said.get("VCPU", vcpus), said.get("MEMORY", memory), said.get("GPU", 0)


def _architecture(job: Any, container: Mapping[str, Any]) -> str:
    platform = container.get("runtimePlatform") or task_of(job).get("runtimePlatform") or {}
    return "arm64" if platform.get("cpuArchitecture") == "ARM64" else "x86_64"


def _stream(job: Any) -> str:
    return str(last_attempt(job).get("logStreamName") or main_container(job).get("logStreamName") or "")


def _peak(line: str) -> float | None:
    said = runner_lines.read(line)
    peak = said.get("peak_memory_mib") if said is not None and said["batchtab"] == _END else None
    return float(peak) if isinstance(peak, int | float) and not isinstance(peak, bool) else None
