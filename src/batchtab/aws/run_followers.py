"""What the end of a run started: the runs, and the decisions about them, of the jobs that come after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.runs import Runs
from batchtab.declarations import chain
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.run_record import Record
from batchtab.run_story.batch_job import BatchJob, read
from batchtab.run_story.facts import Follower
from batchtab.schedules.timestamps import utc_text

_MOST = 10  # jobs that come after one
_LISTED = 200
_DESCRIBED = 50
_EARLIER, _LATER = timedelta(minutes=2), timedelta(hours=1)


class Followers:
    """Looks for them: one list, one description and one query for each."""

    def __init__(self, catalog: Catalog, batch: BatchJobs, runs: Runs) -> None:
        self._catalog, self._batch, self._runs = catalog, batch, runs

    def of(self, job: NamedJob, ended: BatchJob) -> Iterator[Follower]:
        """Those of a job that has ended."""
        following = [
            each
            for each in all_jobs(self._catalog)
            if (job.service, job.name) in {chain.resolve(each.service, name) for name in each.spec.upstream}
        ]
        for each in following[:_MOST]:
            started, decision = self._started(each, ended), self._decided(each, ended)
            yield Follower(each.full, each.spec.after_status, bool(each.spec.after_all), decision, started)

    def _started(self, follower: NamedJob, ended: BatchJob) -> BatchJob | None:
        if ended.stopped is None:
            return None
        queue = self._catalog.job_queue_name(follower.spec.queue)
        earliest = (ended.stopped - _EARLIER).timestamp() * 1000
        listed = [each for each in self._batch.of_name(queue, follower.full, _LISTED) if each["createdAt"] >= earliest]
        ids = [each["jobId"] for each in listed[-_DESCRIBED:]]  # the newest come first
        found = (read(detail) for detail in (self._batch.raw(ids) if ids else {}).values())
        return next((each for each in found if each.upstream_job_id == ended.id), None)

    def _decided(self, follower: NamedJob, ended: BatchJob) -> Record | None:
        if ended.stopped is None or not follower.spec.is_managed:
            return None
        since, until = utc_text(ended.stopped - _EARLIER), utc_text(ended.stopped + _LATER)
        records = self._runs.records(follower.full, since=since, until=until, newest=_DESCRIBED)
        return next((each for each in records if each.run_id == f"{follower.full}@{ended.id}"), None)
