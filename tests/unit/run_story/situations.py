"""Facts for tests: a job of a service, its run, and what surrounds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.declarations.job import JobSpec
from batchtab.declarations.named_jobs import NamedJob
from batchtab.run_record import Record
from batchtab.run_story.batch_job import Attempt, BatchJob
from batchtab.run_story.facts import Facts, Trigger

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"
NAME = "reports-nightly"
RULE = Trigger("rule", "batchtab-prod-reports-nightly")


def after(seconds: float) -> datetime:
    """A moment by its distance from the scheduled time."""
    return AT + timedelta(seconds=seconds)


def declared(**fields: Any) -> NamedJob:
    """A job that runs at each full hour, unless it says otherwise."""
    given: dict[str, Any] = {"command": ["x"], "schedule": "0 * * * *", "memory_mib": 512, "vcpus": 1, **fields}
    return NamedJob("reports", "nightly", JobSpec.model_validate(given))


def ran(**others: Any) -> BatchJob:
    """A job in Batch that ran well for a minute, unless it says otherwise."""
    whole = BatchJob(
        id=ID,
        name=NAME,
        status="SUCCEEDED",
        queue="batchtab-prod-default",
        status_reason="Essential container in task exited",
        exit_code=0,
        created=after(2),
        started=after(10),
        stopped=after(70),
        attempts=(Attempt(after(10), after(70), 0, "", "Essential container in task exited"),),
        timeout_seconds=60,
        vcpus=1.0,
        memory_mib=512,
        scheduled_time="2026-11-24T09:00:00Z",
    )
    return replace(whole, **others)


def failed(status_reason: str = "Essential container in task exited", **others: Any) -> BatchJob:
    """The same that failed; its one attempt says what the job says."""
    job = ran(**{"status": "FAILED", "status_reason": status_reason, "exit_code": None, **others})
    return replace(job, attempts=(Attempt(after(10), after(70), job.exit_code, job.reason, status_reason),))


def waits(status: str = "RUNNABLE", **others: Any) -> BatchJob:
    """One that has not started."""
    given = {"status_reason": "", "exit_code": None, "started": None, "stopped": None, "attempts": ()}
    return ran(status=status, **{**given, **others})


def noted(status: str, reason: str = "", **others: Any) -> Record:
    """What the submit function noted of the run."""
    return Record(NAME, "2026-11-24T09:00:00Z", status, reason, **{"noted_at": "2026-11-24T09:00:03Z", **others})


def facts(*, job: NamedJob | None = None, **others: Any) -> Facts:
    """What is known of the run of nine o'clock."""
    given: dict[str, Any] = {
        "now": NOW,
        "stage": "prod",
        "zone": ZoneInfo("UTC"),
        "name": NAME,
        "job": job or declared(),
        "file": "jobs/reports/jobs.yaml",
        "at": AT,
    }
    return Facts(**{**given, **others})
