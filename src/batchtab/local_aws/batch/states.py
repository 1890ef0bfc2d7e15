from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from batchtab.local_aws.batch.events import Events
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.placement import Placement
from batchtab.local_aws.clock import Clock

DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"


class States:
    """Changes of status, and what follows from them: for jobs that wait, for arrays, for EventBridge.

    Everything is called under the store's lock.
    """

    def __init__(self, clock: Clock, events: Events, placement: Placement, look: Callable[[], None]) -> None:
        self._clock = clock
        self._events = events
        self._placement = placement
        self._look = look
        self._followers: dict[Job, list[Job]] = defaultdict(list)

    def clear(self) -> None:
        """Forget who waits for whom."""
        self._followers.clear()

    def admit(self, job: Job) -> None:
        """Take a job that was submitted, with its array's children."""
        if job.ended:
            return
        if job.never_runs is not None:
            for one in job.children or [job]:
                self.fail(one, job.never_runs)
            return
        for one in job.children or [job]:
            for other in one.waits_for:
                self._followers[other].append(one)
        if job.is_array:
            self.move(job, "PENDING")
        for one in job.children or [job]:
            if not one.ended:
                self._consider(one)

    def _consider(self, job: Job) -> None:
        """Move a job that waits for others, or for nothing any more."""
        waiting = [other for other in job.waits_for if not other.ended]
        if any(other.status == "FAILED" for other in job.waits_for) and not job.end_reason:
            self.fail(job, DEPENDENCY_FAILED)
        elif waiting:
            if job.status == "SUBMITTED":
                self.move(job, "PENDING")
        elif job.end_reason is not None:
            self.fail(job, job.end_reason)
        else:
            self.make_runnable(job)

    def make_runnable(self, job: Job) -> None:
        """Let a job wait for a place, with its nodes, which may have had an attempt."""
        job.runnable_since = self._clock.now()
        for each in (job, *job.nodes):
            each.record.pop("stoppedAt", None)
            self.move(each, "RUNNABLE")
        self._placement.add(job)

    def fail(self, job: Job, reason: str) -> None:
        """End a job as FAILED."""
        self.end(job, "FAILED", reason)

    def end(self, job: Job, status: str, reason: str) -> None:
        """End a job, unless it has ended, and see to those that wait for it and to its array."""
        if job.ended:
            return
        self._placement.remove(job)
        job.record["statusReason"] = reason
        job.record["stoppedAt"] = self._clock.now_ms()
        for node in job.nodes:
            self.end(node, "FAILED", reason)
        self.move(job, status)
        for follower in self._followers.pop(job, []):
            if not follower.ended:
                self._consider(follower)
        if job.parent is not None:
            self._child_ended(job.parent)
        self._look()

    def _child_ended(self, parent: Job) -> None:
        summary = parent.record["arrayProperties"]["statusSummary"]
        if parent.ended or summary["SUCCEEDED"] + summary["FAILED"] < len(parent.children):
            return
        if summary["FAILED"]:
            cut_short = next((child.end_reason for child in parent.children if child.end_reason), None)
            self.fail(parent, cut_short or CHILD_FAILED)
        else:
            self.end(parent, "SUCCEEDED", "")

    def move(self, job: Job, status: str) -> None:
        """Give a job another status, and report it."""
        before, job.record["status"] = job.status, status
        if not job.record.get("statusReason"):
            job.record.pop("statusReason", None)
        if job.parent is not None:
            properties = job.parent.record["arrayProperties"]
            properties["statusSummary"][before] -= 1
            properties["statusSummary"][status] += 1
            properties["statusSummaryLastUpdatedAt"] = self._clock.now_ms()
        self._events.job_changed(job)
