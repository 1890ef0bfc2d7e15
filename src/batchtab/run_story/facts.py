"""What is known of a run, whoever read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from batchtab.declarations.named_jobs import NamedJob
from batchtab.run_record import Record
from batchtab.run_story.batch_job import BatchJob


@dataclass(frozen=True)
class Trigger:
    """A rule or a schedule that is there.

    Attributes:
        kind: rule or schedule.
        is_after: Whether it starts the job at the end of others.
        made: When it was made, where AWS says so: of schedules.
        changed: Likewise, when it was changed last.
    """

    kind: str
    name: str
    is_enabled: bool = True
    is_after: bool = False
    made: datetime | None = None
    changed: datetime | None = None


@dataclass(frozen=True)
class Letter:
    """A run that could not be submitted, from the triggers' dead-letter queue.

    Attributes:
        sender: rule, schedule or function.
        is_sent: Whether the alerts have taken it out of the queue and sent it.
    """

    sender: str
    error: str
    attempts: str = ""
    at: datetime | None = None
    is_sent: bool = False


@dataclass(frozen=True)
class Failure:
    """An error of the submit function between a run's time and its decision.

    `is_own` if its log says that it was at this run; else it may have been at another.
    """

    at: datetime
    text: str
    is_own: bool = False


@dataclass(frozen=True)
class Environment:
    """A compute environment of a queue, as it is now."""

    name: str
    state: str = "ENABLED"
    status: str = "VALID"
    status_reason: str = ""
    capacity: str = ""
    max_vcpus: float | None = None
    desired_vcpus: float | None = None


@dataclass(frozen=True)
class QueueFacts:
    """A queue as it is now.

    Attributes:
        declared: Its name in the stage's file.
        front: The jobs that come next, the first one first.
        running: Those that have a place on its environments, perhaps of other queues.
        front_since: Since when the first one is the first.
    """

    name: str
    declared: str = ""
    state: str = "ENABLED"
    status: str = "VALID"
    status_reason: str = ""
    environments: tuple[Environment, ...] = ()
    front: tuple[BatchJob, ...] = ()
    running: tuple[BatchJob, ...] = ()
    front_since: datetime | None = None


@dataclass(frozen=True)
class Follower:
    """What the end of a run made of a job that comes after it.

    Attributes:
        counts: Which end starts it: succeeded, failed or any.
        decision: What the submit function noted of it; None if nothing.
        job: The run that it started; None if there is none.
    """

    name: str
    counts: str = "succeeded"
    is_all: bool = False
    decision: Record | None = None
    job: BatchJob | None = None


@dataclass(frozen=True)
class Facts:
    """All that is known of one run, or of a time without one.

    Attributes:
        now: When it was read.
        stage: The stage's name, for commands.
        zone: On whose wall clock people read it.
        name: What the job is called.
        job: As declared; None if no file names it (any more).
        file: Where it is declared.
        at: The scheduled time; None of a job that no schedule started.
        wall: The wall-clock time that was asked for, without a zone; None if it had an offset.
        decision: What the submit function noted; None if nothing.
        batch: Batch's job; None if there is none (any more).
        before: The run of the same job that came before it and had not ended when it was due.
        following: The run of the same job that began at its end: it had waited for it, or came in its place.
        twins: Other jobs of the same scheduled time that were submitted within a minute of it.
        others: Jobs that the reasons and dependencies name, by their ids.
        failed_children: Of an array.
        runner: What the job runner's end line says, if it has one.
        triggers: What starts the job now; None if it was not read.
        paused: `since`, `reason`, `job_id`; empty if the job is not paused.
        active_job_id: The job that has the job's place, as noted.
        first_known: When the oldest run was submitted that Batch or the table knows; None if there is none.
        history_days: How long decisions are kept.
        letters: Of this run, in the dead-letter queue.
        failures: Of the submit function, where the run was decided late or never.
        queue: Where it waits; None if it does not wait, or that was not read.
        followers: What came after it.
        retries: Of this run, the oldest first.
        is_retried: Whether those did all that had failed, and succeeded.
        unread: What could not be read, and why.
    """

    now: datetime
    stage: str
    zone: ZoneInfo
    name: str
    job: NamedJob | None = None
    file: str = ""
    at: datetime | None = None
    wall: datetime | None = None
    decision: Record | None = None
    batch: BatchJob | None = None
    before: BatchJob | None = None
    following: BatchJob | None = None
    twins: tuple[BatchJob, ...] = ()
    others: Mapping[str, BatchJob] = field(default_factory=dict)
    failed_children: tuple[BatchJob, ...] = ()
    runner: Mapping[str, object] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] | None = None
    paused: Mapping[str, str] = field(default_factory=dict)
    active_job_id: str = ""
    first_known: datetime | None = None
    history_days: int = 90
    letters: tuple[Letter, ...] = ()
    failures: tuple[Failure, ...] = ()
    queue: QueueFacts | None = None
    followers: tuple[Follower, ...] = ()
    retries: tuple[BatchJob, ...] = ()
    is_retried: bool = False
    unread: tuple[str, ...] = ()

    @property
    def policy(self) -> str:
        """The job's concurrency policy, as its file says now."""
        return self.job.spec.concurrency_policy if self.job else "allow"

    @property
    def mode(self) -> str:
        """Who asked for it, if not its trigger, as the record says, else the job: backfill, retry or manual."""
        if self.decision is not None and self.decision.mode:
            return self.decision.mode
        job = self.batch
        if job is None:
            return ""
        if job.retry_of:
            return "retry"
        never_due = self.at is not None and self.job is not None and self.job.spec.timing is None
        is_manual = bool(job.mode or job.asked_because or (never_due and not job.upstream_job_id))
        return "manual" if is_manual else ""
