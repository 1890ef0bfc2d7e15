"""Which log streams a job in Batch writes to: of its attempts, and of one of its containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.aws.run_overrides import retried
from batchtab.errors import NotFoundError, UsageError, how_many, listed
from batchtab.main_container import failed_container, main_container, task_of

_BEGUN = ("STARTING", "RUNNING")
_AWSLOGS = "awslogs"


@dataclass(frozen=True)
class LogStream:
    """Where one attempt writes.

    Attributes:
        name: Empty while there is none yet.
        attempt: From 1.
        label: Of a child of an array, or of a node, its index, of a retried array that in the first one; else empty.
        region: Empty for the stage's own.
        part: Of a child or a node, its index in the job itself.
    """

    group: str
    name: str
    attempt: int = 1
    label: str = ""
    region: str = ""
    part: str = ""


@dataclass(frozen=True)
class WantedLog:
    """Which part of a job's log is asked for.

    Attributes:
        prefix: What the stage's names begin with; its log group is called by it.
        container: Of several containers whose log; empty for the one that failed, else the main one.
        attempt: From 1; None for the last.
        every_attempt: Whether all attempts are asked for.
        since_ms: From when on, in milliseconds of the epoch.
        tail: How many of the last events.
        only_failed: Whether, of an array, only children that failed.
    """

    prefix: str
    container: str = ""
    attempt: int | None = None
    every_attempt: bool = False
    since_ms: int | None = None
    tail: int | None = None
    only_failed: bool = False

    def every(self, detail: Mapping[str, Any]) -> list[LogStream]:
        """Those of all attempts that have begun, whichever are asked for."""
        return streams(detail, self.prefix, self.container)

    def streams(self, detail: Mapping[str, Any]) -> list[LogStream]:
        """Those of a job, of the attempts that are asked for; none where no attempt has begun.

        Raises:
            NotFoundError: there is no such attempt.
            UsageError: the job has no such container, or its log is elsewhere.
        """
        found = self.every(detail)
        if self.every_attempt:
            return found
        if self.attempt is None:
            return [each for each in found if each.name][-1:]
        if self.attempt > len(found):
            number = how_many(len(found), "attempt") if found else "none"
            raise NotFoundError(f"logs: job {detail['jobId']} has no attempt {self.attempt}: it had {number}")
        return [found[self.attempt - 1]]


def streams(detail: Mapping[str, Any], prefix: str, container: str = "") -> list[LogStream]:
    """The streams of a job's attempts that have begun, the first one first.

    Args:
        detail: A job as DescribeJobs returns it, no array and no multi-node job, whose parts have logs of their own.
        prefix: What the stage's names begin with; its log group is called by it.
        container: Of several containers whose log; empty for the one that failed, else the main one.

    Raises:
        UsageError: the job has no such container, or its log is elsewhere.
    """
    defined = _container(detail, container)
    name = str(defined.get("name") or "")
    configuration = defined.get("logConfiguration") or {}
    driver = configuration.get("logDriver") or _AWSLOGS
    if driver != _AWSLOGS:
        raise UsageError(
            f"logs: the log of job {detail['jobId']} is not in CloudWatch Logs: its log driver is {driver}"
        )
    options = configuration.get("options") or {}
    group, region = (
        str(options.get("awslogs-group") or f"/aws/batch/{prefix}"),
        str(options.get("awslogs-region") or ""),
    )
    part = part_of(str(detail["jobId"]))
    names = list(_names(detail, defined, name))
    label = first_index(detail, part)
    return [LogStream(group, each, number, label, region, part) for number, each in enumerate(names, 1)]


def part_of(job_id: str) -> str:
    """Of an array's child or of a node its index; else empty."""
    for mark in (":", "#"):
        _, found, index = job_id.partition(mark)
        if found:
            return index
    return ""


def first_index(detail: Mapping[str, Any], part: str) -> str:
    """The index of a child of a retried array in the first array; of others its own."""
    numbers = retried(detail)
    return str(numbers[int(part)]) if part and int(part) < len(numbers) else part


def _container(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """As the job defines it."""
    several = task_of(detail).get("containers") or []
    if not name:
        failed = failed_container(detail)[0] if several and detail["status"] == "FAILED" else {}
        return failed or main_container(detail)
    found = next((each for each in several if each.get("name") == name), None)
    if found is not None:
        return dict(found)
    if not several:
        raise UsageError(f"logs: job {detail['jobId']} has one container", "leave out --container")
    names = listed([each.get("name") for each in several])
    raise UsageError(f"logs: job {detail['jobId']} has no container '{name}': {names}")


def _names(detail: Mapping[str, Any], defined: Mapping[str, Any], container: str) -> Iterator[str]:
    ended = [_of_attempt(each, container) for each in detail.get("attempts") or ()]
    yield from ended
    now = str(defined.get("logStreamName") or "")
    if detail["status"] in _BEGUN:
        yield "" if now in ended else now  # at first it may still be that of the attempt before
    elif not ended and now:
        yield now


def _of_attempt(attempt: Mapping[str, Any], container: str) -> str:
    tasks = attempt.get("taskProperties") or []
    several = tasks[0].get("containers") or [] if tasks else []
    parts = [each for each in several if each.get("name") == container] or [attempt.get("container") or {}]
    return str(parts[0].get("logStreamName") or "")
