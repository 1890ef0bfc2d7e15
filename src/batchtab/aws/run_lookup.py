"""Which run is meant: by a job id or its beginning, by `JOB@TIME`, or by a job, whose newest run it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batchtab.aws.batch_jobs import LOOKED_AT, BatchJobs, Submitted, read
from batchtab.aws.client import Aws
from batchtab.aws.run_history import moment
from batchtab.aws.runs import Runs
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.diagnostics import show
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.errors import CANDIDATES_MAX, NotFoundError, UsageError, listed
from batchtab.run_record import Record
from batchtab.schedules import timestamps
from batchtab.schedules.timestamps import utc_text

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BEGINNING = re.compile(r"[0-9a-f][0-9a-f-]*")
_SHORT = 4  # as short as a word that is meant as a job's name
_PART = re.compile(r"(?P<whole>[^:#]+)(?P<part>[:#][0-9]+)?")
_MINUTE = timedelta(minutes=1)
_EARLIER = timedelta(minutes=10)  # than its scheduled time no run is submitted: clocks differ
_REMEMBERED = timedelta(days=30)  # longer than Batch remembers jobs that have ended
_FORGOTTEN = "Batch forgets jobs about a week after their end"
_CUT = f"the newest {LOOKED_AT:,} jobs of a queue were looked at, and there are more: give the whole id"


@dataclass(frozen=True)
class FoundRun:
    """A run, or a job in Batch that no schedule started.

    Attributes:
        job: Whose it is, as declared; None if the stage's files name no such job (any more).
        detail: Batch's job, as DescribeJobs returns it; empty if there is none (any more).
        record: What the submit function noted; None if it noted nothing.
    """

    job: NamedJob | None
    detail: Mapping[str, Any]
    record: Record | None = None

    @property
    def job_id(self) -> str:
        """Batch's; empty for a run that was never submitted."""
        return str(self.detail.get("jobId") or (self.record.job_id if self.record else ""))

    @property
    def name(self) -> str:
        """What the job is called."""
        return str(self.detail.get("jobName") or (self.record.job if self.record else ""))

    @property
    def submitted(self) -> Submitted | None:
        """Batch's job; None if there is none (any more)."""
        return read(self.detail) if self.detail else None

    @property
    def scheduled_time(self) -> str:
        """In UTC; empty for a job that no schedule started."""
        if self.record is not None:
            return self.record.scheduled_time
        submitted = self.submitted
        return submitted.scheduled_time if submitted else ""


class RunLookup:
    """Finds jobs and runs of one stage.

    It lists up to 2,000 jobs of each queue (20 calls). Of an id it describes one job; of `JOB@TIME` the newest hundred,
    and then hundred after hundred of those that are newer than that time, until one is of it.
    """

    def __init__(self, catalog: Catalog, aws: Aws, command: str) -> None:
        """Makes it.

        Args:
            catalog: The stage.
            aws: Where it is deployed.
            command: Which command asks, for its messages.
        """
        self._catalog, self._command = catalog, command
        self._batch = BatchJobs(aws)
        self._runs = Runs(aws, catalog.stage.prefix)
        self._queues = [catalog.job_queue_name(queue) for queue in catalog.stage.environment.queues]
        self._why_not = _FORGOTTEN

    def job_or_run(self, wanted: str) -> NamedJob | FoundRun:
        """The job that is called so, else the run.

        Raises:
            NotFoundError: there is neither.
            UsageError: it could be several.
        """
        if "@" in wanted or self._is_id(wanted):
            return self.run(wanted)
        return find(self._catalog, wanted, self._command)

    def run(self, wanted: str) -> FoundRun:
        """The run of a job id, of its unique beginning, or of `JOB@TIME`; of a job its newest in Batch.

        An id may end in `:3`, which is the child of an array, or `#1`, which is a node.

        Raises:
            NotFoundError: there is no such run.
            UsageError: it could be several, or the time is none.
        """
        if "@" in wanted:
            return self._of_time(wanted)
        if self._is_id(wanted):
            return self._of_id(wanted)
        return self.newest(find(self._catalog, wanted, self._command))

    def newest(self, job: NamedJob) -> FoundRun:
        """A job's run that was submitted last.

        Raises:
            NotFoundError: Batch knows none.
        """
        listed_jobs = [each for queue in self._queues for each in self._batch.of_name(queue, job.full)]
        if not listed_jobs:
            raise NotFoundError(f"{self._command}: Batch knows no run of {job.full}", _FORGOTTEN)
        return self._found(max(listed_jobs, key=lambda each: each["createdAt"])["jobId"], job)

    def _is_id(self, wanted: str) -> bool:
        """Whether it may be the beginning of an id; a job may be called so, too."""
        names = (name for job in all_jobs(self._catalog) for name in (job.full, job.name))
        return _BEGINNING.fullmatch(_parts(wanted)[0]) is not None and wanted.replace("/", "-") not in names

    # --- by id

    def _of_id(self, wanted: str) -> FoundRun:
        whole, part = _parts(wanted)
        if _ID.fullmatch(whole):
            return self._found(wanted)
        begun = list(dict.fromkeys(each for each in self._ids() if each.startswith(whole)))
        if len(begun) > 1:
            raise UsageError(
                f"{self._command}: '{whole}' is ambiguous: {len(begun):,} runs begin with it",
                f"name one: {listed(begun, CANDIDATES_MAX)}",
            )
        if not begun:
            if len(whole) < _SHORT and self._why_not is _FORGOTTEN:
                find(self._catalog, wanted, self._command)  # which suggests one
            raise NotFoundError(f"{self._command}: no job or run is called {show(wanted)}", self._why_not)
        return self._found(begun[0] + part)

    def _ids(self) -> Iterator[str]:
        since = datetime.now(UTC) - _REMEMBERED
        for queue in self._queues:
            seen = 0
            for page in self._batch.since(queue, since):
                yield from (each["jobId"] for each in page)
                seen += len(page)
            self._count(seen)

    def _count(self, seen: int) -> None:
        """Notes how many jobs of a queue were looked at."""
        if seen >= LOOKED_AT:
            self._why_not = _CUT

    def _found(self, job_id: str, job: NamedJob | None = None) -> FoundRun:
        detail = self._batch.raw([job_id]).get(job_id)
        if detail is None:
            raise NotFoundError(f"{self._command}: Batch knows no job {job_id}", _FORGOTTEN)
        queue = str(detail["jobQueue"]).rpartition("/")[2]
        if queue not in self._queues:
            raise NotFoundError(
                f"{self._command}: job {job_id} is in queue {queue}, and not of stage {self._catalog.stage.name}",
                "--stage",
            )
        job = job or next((each for each in all_jobs(self._catalog) if each.full == detail["jobName"]), None)
        return FoundRun(job, detail, self._record_of(detail))

    def _record_of(self, detail: Mapping[str, Any]) -> Record | None:
        submitted = read(detail)
        if not submitted.scheduled_time:
            return None
        time = submitted.scheduled_time
        of_time = self._runs.records(submitted.name, since=time, until=time)
        return next((record for record in of_time if record.job_id == submitted.id), None)

    # --- by time

    def _of_time(self, wanted: str) -> FoundRun:
        name, _, text = wanted.rpartition("@")
        job = find(self._catalog, name, self._command)
        text = timestamps.with_day(text, job.zone(self._catalog), datetime.now(UTC))
        if reason := timestamps.refusal(text):
            raise UsageError(f"{self._command}: '{text}' of {show(wanted)} {reason}")
        at = timestamps.first(text, job.zone(self._catalog))
        until = at + _MINUTE - timedelta(seconds=1) if not at.second else at
        records = self._runs.records(job.full, since=utc_text(at), until=utc_text(until))
        detail = next((each for each in self._of_scheduled(job, at, until)), {})
        record = next((each for each in records if not detail or each.job_id == detail["jobId"]), None)
        if record is not None and record.job_id and not detail:
            detail = self._batch.raw([record.job_id]).get(record.job_id, {})
        if not detail and record is None:
            local = at.astimezone(job.zone(self._catalog)).isoformat()
            raise NotFoundError(f"{self._command}: no run of {job.full} is known for {local}", self._why_not)
        return FoundRun(job, detail, record)

    def _of_scheduled(self, job: NamedJob, at: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
        """Batch's jobs of a scheduled time, the newest first."""
        earliest = (at - _EARLIER).timestamp() * 1000
        recent = []
        for queue in self._queues:
            listed_jobs = self._batch.of_name(queue, job.full)
            self._count(len(listed_jobs))
            recent += [each for each in listed_jobs if each["createdAt"] >= earliest]
        recent.sort(key=lambda each: each["createdAt"], reverse=True)
        for detail in self._batch.one_by_one([each["jobId"] for each in recent]):
            scheduled = moment(read(detail).scheduled_time)
            if scheduled is not None and at <= scheduled <= until:
                yield detail


def _parts(wanted: str) -> tuple[str, str]:
    """A job's id, and `:3` or `#1` behind it."""
    match = _PART.fullmatch(wanted)
    return (match["whole"], match["part"] or "") if match else (wanted, "")
