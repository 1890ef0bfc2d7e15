"""Runs that a shell may complete. Few calls: whoever presses Tab waits for them.

Of ids: one ListJobs for each queue, or for each queue and status, at most 40. Of a job's times: one ListJobs, one
DescribeJobs, one Query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from batchtab.aws.batch_jobs import BatchJobs, read
from batchtab.aws.client import Aws
from batchtab.aws.parallel import started
from batchtab.aws.runs import Runs

if TYPE_CHECKING:
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_batch.type_defs import JobSummaryTypeDef

#: What is worth naming first comes first: of very many queues not all are asked.
_ACTIVE: tuple[JobStatusType, ...] = ("RUNNING", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED")
_CALLS = 40
_IDS = 50
_TIMES = 10
_SINCE = timedelta(days=7)


class RunCandidates:
    """Runs of one stage."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self._batch, self._runs = BatchJobs(aws), Runs(aws, prefix)

    def active(self, queues: Sequence[str]) -> list[JobSummaryTypeDef]:
        """Jobs that have not ended, the newest first."""
        calls = [(queue, status) for status in _ACTIVE for queue in queues][:_CALLS]
        with started([partial(self._batch.in_status, *call) for call in calls]) as listed:
            return _newest(each.result() for each in listed)

    def newest(self, queues: Sequence[str], now: datetime) -> list[JobSummaryTypeDef]:
        """Jobs in whatever status, the newest first."""

        def first(queue: str) -> list[JobSummaryTypeDef]:
            return next(self._batch.since(queue, now - _SINCE), [])

        with started([partial(first, queue) for queue in queues[:_CALLS]]) as listed:
            return _newest(each.result() for each in listed)

    def times(self, queue: str, job: str) -> Iterator[tuple[str, str]]:
        """The latest scheduled times of a job's runs, as records have them, each with the run's status."""
        for record in self._runs.records(job, newest=_TIMES):
            yield record.scheduled_time, record.status
        ids = [each["jobId"] for each in islice(self._batch.of_name(queue, job, _IDS), _TIMES)]
        for each in map(read, self._batch.raw(ids).values() if ids else ()):
            if each.scheduled_time:
                yield each.scheduled_time, each.status


def _newest(pages: Iterator[list[JobSummaryTypeDef]]) -> list[JobSummaryTypeDef]:
    found = (job for page in pages for job in page)
    return sorted(found, key=lambda job: -job["createdAt"])[:_IDS]
