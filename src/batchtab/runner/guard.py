"""Keeps two jobs of one name apart: at most one runs per queue."""

from __future__ import annotations

import random
import time

from .identity import root_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    Page = Mapping[str, Any]
    ListPage = Callable[[str | None], Page]

FINISHED = ("SUCCEEDED", "FAILED")
FINAL_ERRORS = (
    "AccessDenied",
    "AccessDeniedException",
    "ClientException",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "NoCredentialsError",
    "NoRegionError",
    "ParamValidationError",
    "UnrecognizedClientException",
    "ValidationException",
)
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 8.0
OWN_JOB_TRIES = 5


class CheckError(Exception):
    """The queue could not be read, so it is unknown whether another run is there."""


class Verdict:
    """What the check found: the earlier job, if there is one."""

    __slots__ = ("calls", "created_at", "job_id", "status")

    def __init__(self, calls: int, job_id: str = "", created_at: int = 0, status: str = "") -> None:
        self.calls = calls
        self.job_id = job_id
        self.created_at = created_at
        self.status = status


class Guard:
    """Decides whether this job may run.

    **The rule.** Of the jobs of one name in one queue that have not finished, the earliest runs: the one with the least
    (createdAt, id). Every other gives way, whether the earliest runs already or still waits in the queue.

    **Why at most one runs.** Take two that have not finished, the earlier E and the later L. E was there before L was,
    so every complete list that L reads has E in it, in whichever status, and L gives way. (One list by name has a job
    exactly once. Lists by status can miss it: a retry goes from RUNNING back to RUNNABLE between two of them.)

    **Why one does run.** No job is before the earliest, so it gives way to none. A job that gives way names an earlier
    one that was there; that one ran, or gave way to a still earlier one, and so on, down a strict order that ends.

    It stops reading early only to give way: one earlier job is enough for that. To run, it has to see the last page,
    since ListJobs returns the newest first and the oldest may be the one that runs.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html

    Args:
        list_page: reads one page of all jobs of this name, given the token of the page or None.
        job_name: the name, exactly; ListJobs compares without regard to case, the guard does not.
        job_id: this job's id, as Batch gives it.
        seconds: how long the check may take, retries and pauses included.
        now: a clock.
        sleep: how to wait.
    """

    def __init__(
        self,
        list_page: ListPage,
        *,
        job_name: str,
        job_id: str,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._list_page = list_page
        self._job_name = job_name
        self._job_id = root_id(job_id)
        self._seconds = seconds
        self._now = now
        self._sleep = sleep
        self._deadline = now() + seconds
        self._calls = 0

    def check(self) -> Verdict:
        """Read the queue.

        Raises:
            CheckError: if it could not be read to the end in time, or if this job is not in it.
        """
        for attempt in range(OWN_JOB_TRIES):
            jobs = self._read()
            own = jobs.get(self._job_id)
            if own is not None:
                return self._decide(jobs, own)
            if attempt + 1 < OWN_JOB_TRIES:  # just submitted, perhaps, and not listed yet
                self._pause(attempt, "this job is not listed")
        raise CheckError(
            f"job {self._job_id} is not among the jobs named {self._job_name!r} in its queue; was it submitted under"
            " another name? Submit it under this one, or with BATCHTAB_CONCURRENCY_POLICY=allow"
        )

    def _decide(self, jobs: Mapping[str, _Job], own: _Job) -> Verdict:
        earlier = [job for job in jobs.values() if job.is_live and job.order < own.order]
        if not earlier:
            return Verdict(self._calls)
        first = min(earlier, key=lambda job: job.order)
        return Verdict(self._calls, first.job_id, first.created_at, first.status)

    def _read(self) -> dict[str, _Job]:
        """Read the pages, to the end or to the first on which an earlier job is found."""
        jobs: dict[str, _Job] = {}
        token: str | None = None
        while True:
            page = self._page(token)
            for job in _jobs(page, self._job_name):
                known = jobs.setdefault(job.job_id, job)
                if known is not job:
                    known.merge(job)
            own = jobs.get(self._job_id)
            if own is not None and any(job.is_live and job.order < own.order for job in jobs.values()):
                return jobs
            token = page.get("nextToken")
            if not token:
                return jobs

    def _page(self, token: str | None) -> Page:
        attempt = 0
        while True:
            self._calls += 1
            try:
                return self._list_page(token)
            except Exception as error:
                code = _code(error)
                reason = f"{code}: {' '.join(str(error).split())}"
                if code in FINAL_ERRORS:
                    raise CheckError(reason) from error
                self._pause(attempt, reason)
                attempt += 1

    def _pause(self, attempt: int, reason: str) -> None:
        """Wait, longer each time and never as long as the next job does, so that many do not come back together.

        Raises:
            CheckError: if there is no time left for it.
        """
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 no secret hangs on it
        if self._now() + seconds >= self._deadline:
            raise CheckError(f"gave up after {self._calls} calls in {self._seconds:g} s; {reason}")
        self._sleep(seconds)


class _Job:
    """One job of the list. The children of an array count as their parent."""

    __slots__ = ("created_at", "is_live", "job_id", "status")

    def __init__(self, job_id: str, created_at: int, status: str) -> None:
        self.job_id = job_id
        self.created_at = created_at
        self.status = status
        self.is_live = status not in FINISHED

    @property
    def order(self) -> tuple[int, str]:
        return (self.created_at, self.job_id)

    def merge(self, other: _Job) -> None:
        self.created_at = min(self.created_at, other.created_at)
        if other.is_live and not self.is_live:
            self.is_live, self.status = True, other.status


def _jobs(page: Page, job_name: str) -> Iterable[_Job]:
    for summary in page.get("jobSummaryList", ()):
        if summary.get("jobName") == job_name:
            yield _Job(root_id(summary["jobId"]), int(summary.get("createdAt") or 0), str(summary.get("status")))


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code") or type(error).__name__)
    return type(error).__name__
