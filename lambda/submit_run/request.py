"""What a trigger asks for: one run of one job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_POLICIES = ("allow", "forbid", "replace", "queue")
_QUEUE_LIMIT = 10


def iso(moment: datetime) -> str:
    """A moment in UTC as triggers, records and runs have it: `2026-11-24T00:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class MalformedError(ValueError):
    """An event that asks for nothing that can be understood: what is wrong with it."""


@dataclass(frozen=True)
class Job:
    """A job as its trigger describes it; the function knows nothing else of it."""

    name: str
    queue: str
    definition: str
    policy: str = "allow"
    queue_limit: int = _QUEUE_LIMIT
    schedule: str = ""
    timezone: str = ""
    starting_deadline_seconds: int | None = None
    excluded: tuple[str, ...] = ()
    pause_on_failure: bool = False
    array_size: int | None = None
    share: str = ""
    container: str = ""  # of several the one that gets a run's variables; empty for jobs of one
    nodes: int | None = None

    @property
    def ends_matter(self) -> bool:
        """Whether something is to be done when a run of it has ended."""
        return self.pause_on_failure or self.policy in ("replace", "queue")


@dataclass(frozen=True)
class Request:
    """One run of a job.

    Attributes:
        job: Whose run.
        scheduled_time: When it was due, in UTC.
        upstream_job_id: The job at whose end it starts; empty for a run by time.
        is_backfill: Whether a time that is over is made up for.
        event: What is kept while the run waits: without what only counts when it is asked for.
    """

    job: Job
    scheduled_time: datetime
    upstream_job_id: str
    is_backfill: bool
    event: Mapping[str, Any]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Request:
        """Reads a trigger's event.

        Raises:
            MalformedError: something is missing or has the wrong form.
        """
        trigger, job = _mapping(event, "trigger"), _job(_mapping(event, "job"))
        moment = _moment(_text(trigger, "trigger.scheduled_time"))
        if not job.schedule.startswith("rate("):  # of a rule and a schedule, both to the minute, one may be late
            moment = moment.replace(second=0, microsecond=0)
        upstream = str(trigger.get("upstream_job_id") or "")
        is_backfill = event.get("mode") == "backfill"
        kept = {**event, "trigger": {"scheduled_time": iso(moment)}, "job": _lean(event["job"])}
        if upstream:
            kept["trigger"]["upstream_job_id"] = upstream
        return cls(job, moment, upstream, is_backfill, kept)

    @property
    def time(self) -> str:
        """The scheduled time as text."""
        return iso(self.scheduled_time)

    @property
    def item(self) -> str:
        """The key of the run's record."""
        return f"run#{self.time}#{self.upstream_job_id}" if self.upstream_job_id else f"run#{self.time}"

    @property
    def run_id(self) -> str:
        """What the run is called, however often it is delivered."""
        return f"{self.job.name}@{self.upstream_job_id or self.time}"


def _lean(job: Mapping[str, Any]) -> dict[str, Any]:
    """Without what may be long: a hundred runs that wait must fit into one item of 400 KB."""
    long = {"except", "timezone"}
    if not str(job.get("schedule") or "").startswith("rate("):
        long.add("schedule")
    return {key: value for key, value in job.items() if key not in long}


def _job(found: Mapping[str, Any]) -> Job:
    policy = str(found.get("concurrency_policy") or "allow")
    if policy not in _POLICIES:
        raise MalformedError(f"job.concurrency_policy: {policy!r} is none of {', '.join(_POLICIES)}")
    excluded = found.get("except") or []
    if not isinstance(excluded, list):
        raise MalformedError("job.except is not a list")
    return Job(
        name=_text(found, "job.name"),
        queue=_text(found, "job.job_queue"),
        definition=_text(found, "job.job_definition"),
        policy=policy,
        queue_limit=_number(found, "job.queue_limit") or _QUEUE_LIMIT,
        schedule=str(found.get("schedule") or ""),
        timezone=str(found.get("timezone") or ""),
        starting_deadline_seconds=_number(found, "job.starting_deadline_seconds"),
        excluded=tuple(str(each) for each in excluded),
        pause_on_failure=bool(found.get("pause_on_failure")),
        array_size=_number(found, "job.array_size"),
        share=str(found.get("share") or ""),
        container=str(found.get("container") or ""),
        nodes=_number(found, "job.nodes"),
    )


def _mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if not isinstance(value, Mapping):
        raise MalformedError(f"{name} is missing")
    return value


def _text(found: Mapping[str, Any], path: str) -> str:
    value = found.get(path.rpartition(".")[2])
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{path} is missing")
    return value


def _number(found: Mapping[str, Any], path: str) -> int | None:
    value = found.get(path.rpartition(".")[2])
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise MalformedError(f"{path}: {value!r} is not a number") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(f"trigger.scheduled_time: {text!r} is not a time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
