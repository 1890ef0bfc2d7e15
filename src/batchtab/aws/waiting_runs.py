"""The runs that wait in the submit function's state, and have no job in Batch yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchtab.aws.run_history import moment
from batchtab.aws.runs import State

CLAIMED, WAITING = "claimed", "waiting"


@dataclass(frozen=True)
class WaitingRun:
    """A run without a job.

    Attributes:
        status: `claimed` while it is being submitted, else `waiting`.
        place: Of those of its job that wait, from 1 on; 0 for one that is claimed.
        since: Since when; a run that waits, since its time.
        queue: The queue that it is to be submitted to, by name.
        before_job_id: The job that has its place now; empty if there is none that is known.
        before: When that one was due; None if no run has the place.
        paused: Why none of its job's runs start; empty if they do.
        is_cut: Whether whoever claimed it must be dead.
    """

    job: str
    status: str
    place: int
    scheduled: datetime | None
    since: datetime
    run_id: str
    queue: str
    before_job_id: str = ""
    before: datetime | None = None
    paused: str = ""
    is_cut: bool = False


def waiting_runs(job: str, state: State, now: datetime) -> list[WaitingRun]:
    """A job's runs that wait, in the order in which they start; first the one that is being submitted.

    Args:
        job: As `<service>-<job>`.
        state: What is noted of it.
        now: To see a claim whose lease is over.
    """
    active = state.content.get("active") or {}
    waiting = state.content.get("waiting") or ()
    before, job_id = _due(active), str(active.get("job_id") or "")
    paused = f"since {state.paused.get('since')}: {state.paused.get('reason')}" if _is_paused(state, waiting) else ""
    found = []
    if active and not job_id:
        since = datetime.fromtimestamp(float(active.get("since") or now.timestamp()), UTC)
        is_cut = float(active.get("lease_until") or 0.0) < now.timestamp()
        found.append(_run(job, active, CLAIMED, 0, since, is_cut=is_cut))
    for place, each in enumerate(waiting, 1):
        since = _due(each) or now
        found.append(
            _run(
                job, each, WAITING, place, since, before_job_id=job_id, before=before if active else None, paused=paused
            )
        )
    return found


def _run(job: str, noted: Mapping[str, Any], status: str, place: int, since: datetime, **others: Any) -> WaitingRun:
    request = noted.get("request") or {}
    trigger, asked = request.get("trigger") or {}, request.get("job") or {}
    due = str(trigger.get("scheduled_time") or "")
    return WaitingRun(
        job=job,
        status=status,
        place=place,
        scheduled=moment(due),
        since=since,
        run_id=f"{job}@{trigger.get('upstream_job_id') or due}",
        queue=str(asked.get("job_queue") or "").rpartition("/")[2],
        **others,
    )


def _is_paused(state: State, waiting: Sequence[Any]) -> bool:
    """As the function sees it: a job that no longer says pause_on_failure starts its runs."""
    first = ((waiting[0].get("request") or {}).get("job") or {}) if waiting else {}
    return bool(state.paused and first.get("pause_on_failure"))


def _due(noted: Mapping[str, Any]) -> datetime | None:
    request = noted.get("request") or {}
    return moment(str((request.get("trigger") or {}).get("scheduled_time") or ""))
