"""What is remembered of a run: what became of it, and why."""

from __future__ import annotations

from typing import NamedTuple

from .job import Run

CLAIMED, SUBMITTED, WAITING = "claimed", "submitted", "waiting"
SKIPPED, LATE, DROPPED = "skipped", "late", "dropped"
FINAL = (SUBMITTED, SKIPPED, LATE, DROPPED)


class Record(NamedTuple):
    """A run's record as it was read.

    A claim without a lease was given back: Batch refused the run.
    """

    status: str
    reason: str = ""
    job_id: str = ""
    lease_until: int = 0
    owner: str = ""
    pause_on_failure: bool = False


class Note(NamedTuple):
    """A run's record as it is to be."""

    run: Run
    status: str
    reason: str = ""
    job_id: str = ""
    lease_until: int = 0
    owner: str = ""

    @property
    def record(self) -> Record:
        """As it will be read."""
        return Record(
            self.status, self.reason, self.job_id, self.lease_until, self.owner, self.run.job.pause_on_failure
        )
