"""How the runs of many jobs ended lately, and how long they took, by Batch's listings alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any

from batchtab.aws.batch_jobs import ENDED, BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.parallel import mapped

#: The runs of a job that count, the newest.
COUNTED = 30
#: Jobs of a queue that are listed: what `BatchJobs.since` lists at most.
LISTED = 2000
#: Jobs that are asked for by their names, and how many runs of each.
_ASKED_FOR, _OF_NAME = 50, 300


@dataclass(frozen=True)
class LastRun:
    """The run of a job that was submitted last."""

    job_id: str
    status: str
    submitted: datetime
    started: datetime | None
    stopped: datetime | None

    @property
    def at(self) -> datetime:
        """When it ended, else since when it runs, else when it was submitted."""
        return self.stopped or self.started or self.submitted


@dataclass(frozen=True)
class RunStatistics:
    """A job's newest runs, at most 30 that have ended.

    Attributes:
        last: The newest, ended or not; None if there is none.
        seconds: How long those that SUCCEEDED took, the shortest first.
    """

    last: LastRun | None = None
    succeeded: int = 0
    failed: int = 0
    seconds: tuple[float, ...] = ()

    @property
    def ended(self) -> int:
        """How many have ended."""
        return self.succeeded + self.failed

    @property
    def success_rate(self) -> float | None:
        """The part that SUCCEEDED, from 0 to 1; None if none has ended."""
        return self.succeeded / self.ended if self.ended else None

    def percentile(self, percent: int) -> float | None:
        """The shortest time that this percentage of the runs did not exceed; None if none SUCCEEDED.

        https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
        """
        return self.seconds[max(0, ceil(len(self.seconds) * percent / 100) - 1)] if self.seconds else None


@dataclass(frozen=True)
class Gathered:
    """What was found.

    Attributes:
        of_jobs: By the job's full name; a job without runs has none.
        begins: Of each queue in which there were more jobs than are listed: from when on all are counted.
        unread: Jobs that may have runs which were not read.
    """

    of_jobs: Mapping[str, RunStatistics]
    begins: Mapping[str, datetime] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()


def gathered(aws: Aws, queue_of: Mapping[str, str], since: datetime) -> Gathered:
    """The statistics of jobs.

    One call of ListJobs for 100 jobs of a queue, at most 20 for each queue. Where a queue had more jobs, jobs with too
    few runs among these are asked for by their names, if there are at most 50 of them, else at most 50 of those that
    had none: at most three calls each.

    Args:
        aws: Where they run.
        queue_of: Of each job by its full name, the name of its queue in AWS.
        since: Runs that were submitted before do not count.
    """
    batch = BatchJobs(aws)
    queues = list(dict.fromkeys(queue_of.values()))
    if len(queue_of) == 1:
        ((name, queue),) = queue_of.items()
        first = since.timestamp() * 1000
        mine = [each for each in batch.of_name(queue, name) if each["createdAt"] >= first]
        return Gathered({name: _statistics(mine)} if mine else {})
    found: dict[str, list[Any]] = {name: [] for name in queue_of}
    begins: dict[str, datetime] = {}
    for queue, listed in zip(queues, mapped(lambda each: _listed(batch, each, since), queues), strict=True):
        if len(listed) >= LISTED:
            begins[queue] = _moment(listed[-1]["createdAt"])
        for job in listed:
            if job["jobName"] in found:
                found[job["jobName"]].append(job)
    few = [name for name, jobs in found.items() if queue_of[name] in begins and _ended(jobs) < COUNTED]
    if len(few) <= _ASKED_FOR:
        begins = {}  # all that counts is read
        missed: list[str] = []
    else:
        none = [name for name in few if not found[name]]
        few, missed = none[:_ASKED_FOR], none[_ASKED_FOR:]
    by_name = mapped(lambda name: batch.of_name(queue_of[name], name, _OF_NAME), few)
    for name, listed in zip(few, by_name, strict=True):
        found[name] = [job for job in listed if job["createdAt"] >= since.timestamp() * 1000]
    statistics = {name: _statistics(jobs) for name, jobs in found.items() if jobs}
    return Gathered(statistics, begins, frozenset(missed))


def _listed(batch: BatchJobs, queue: str, since: datetime) -> list[Any]:
    return [job for page in batch.since(queue, since) for job in page]


def _ended(jobs: Iterable[Any]) -> int:
    return sum(job["status"] in ENDED for job in jobs)


def _statistics(jobs: Sequence[Any]) -> RunStatistics:
    newest = sorted(jobs, key=lambda job: -job["createdAt"])
    ended = [job for job in newest if job["status"] in ENDED][:COUNTED]
    succeeded = [job for job in ended if job["status"] == "SUCCEEDED"]
    return RunStatistics(
        last=_last(newest[0]) if newest else None,
        succeeded=len(succeeded),
        failed=len(ended) - len(succeeded),
        seconds=tuple(sorted(_seconds(succeeded))),
    )


def _seconds(jobs: Iterable[Any]) -> Iterable[float]:
    for job in jobs:
        if job.get("startedAt") and job.get("stoppedAt"):
            yield max(0.0, (job["stoppedAt"] - job["startedAt"]) / 1000)


def _last(job: Any) -> LastRun:
    started, stopped = job.get("startedAt"), job.get("stoppedAt")
    return LastRun(
        job_id=job["jobId"],
        status=job["status"],
        submitted=_moment(job["createdAt"]),
        started=_moment(started) if started else None,
        stopped=_moment(stopped) if stopped else None,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
