"""A job, as its trigger tells of it, and a run of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

ALLOW, FORBID, REPLACE, QUEUE = "allow", "forbid", "replace", "queue"


class Job(NamedTuple):
    """What the trigger's event says of its job."""

    name: str
    queue: str
    definition: str
    policy: str = ALLOW
    queue_limit: int = 10
    starting_deadline_seconds: int | None = None
    pause_on_failure: bool = False
    array_size: int | None = None
    except_: tuple[str, ...] = ()
    timezone: str = ""


class Run(NamedTuple):
    """A scheduled time of a job, which is run at most once."""

    job: Job
    scheduled_at: datetime
    scheduled_time: str
    upstream_job_id: str = ""
    is_backfill: bool = False

    @property
    def item(self) -> str:
        """Its key in the table, beside the job's name."""
        return run_item(self.scheduled_time, self.upstream_job_id)

    @property
    def run_id(self) -> str:
        """What its container is told, and by which its job is found again."""
        return f"{self.job.name}@{self.upstream_job_id or self.scheduled_time}"

    @property
    def environment(self) -> dict[str, str]:
        """What its container is told."""
        told = {"BATCHTAB_RUN_ID": self.run_id, "BATCHTAB_SCHEDULED_TIME": self.scheduled_time}
        return told | ({"BATCHTAB_UPSTREAM_JOB_ID": self.upstream_job_id} if self.upstream_job_id else {})

    def is_late(self, now: float) -> bool:
        """Whether it is too late to start it; what is made up for never is."""
        deadline = self.job.starting_deadline_seconds
        return not self.is_backfill and deadline is not None and now - self.scheduled_at.timestamp() > deadline

    def event(self) -> dict[str, Any]:
        """The trigger's event once more, without what has been decided by it: small, for a hundred may wait."""
        trigger = {"scheduled_time": self.scheduled_time, "upstream_job_id": self.upstream_job_id}
        job = {
            "name": self.job.name,
            "job_queue": self.job.queue,
            "job_definition": self.job.definition,
            "concurrency_policy": self.job.policy,
            "starting_deadline_seconds": self.job.starting_deadline_seconds,
            "pause_on_failure": self.job.pause_on_failure,
            "array_size": self.job.array_size,
            # A scheduled time that is kept is cut to its minute already, or must not be.
            "schedule": "rate",
        }
        mode = {"mode": "backfill"} if self.is_backfill else {}
        return {
            "trigger": {name: value for name, value in trigger.items() if value},
            "job": {name: value for name, value in job.items() if value},
            **mode,
        }


def run_item(scheduled_time: str, upstream_job_id: str = "") -> str:
    """The key of a run's record."""
    return f"run#{scheduled_time}" + (f"#{upstream_job_id}" if upstream_job_id else "")
