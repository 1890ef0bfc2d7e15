"""What a trigger asks for: one run of one job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from batchtab import job_overrides

_POLICIES = ("allow", "forbid", "replace", "queue")
_QUEUE_LIMIT = 10
RETRY = "retry"


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
    after_all: tuple[str, ...] = ()  # definitions of the jobs that have all to end before a run starts
    within_seconds: int | None = None

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
        upstream: What the definition of that job is called, where that matters, and to the second when it ended.
        own_item: The key of the run's record, where it is not that of its time and its upstream job: of several that
            have all ended the record is that of the end that was delivered last, and the run that of the last end.
        is_backfill: Whether somebody asks for it now: a backfill of a time that has passed, or a retry.
        event: What is kept while the run waits: without what only counts when it is asked for.
        retry_of: The job of this run that has failed, and that is tried again; empty if it is no retry.
        is_manual: Whether a person asks for a run beside those that are due: its time counts to the second.
        overrides: What its job has in place of its definition: see `batchtab.job_overrides`.
    """

    job: Job
    scheduled_time: datetime
    upstream_job_id: str
    is_backfill: bool
    event: Mapping[str, Any]
    upstream: str = ""
    ended_at: str = ""
    own_item: str = ""
    retry_of: str = ""
    is_manual: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Request:
        """Reads a trigger's event.

        Raises:
            MalformedError: something is missing or has the wrong form.
        """
        trigger, job = _mapping(event, "trigger"), _job(_mapping(event, "job"))
        is_manual = event.get("mode") == "manual"
        # So called that a function of before, which would leave out overrides, refuses it.
        requested = trigger.get("requested_time") if is_manual else None
        exact = moment = _moment(requested or _text(trigger, "trigger.scheduled_time"))
        # A retry has the time that its run was given: of a manual run to the second.
        is_by_second = is_manual or event.get("mode") == RETRY or job.schedule.startswith("rate(")
        if not is_by_second:  # of a rule and a schedule, both to the minute, one may be late
            moment = moment.replace(second=0, microsecond=0)
        upstream = str(trigger.get("upstream_job_id") or "")
        is_backfill = event.get("mode") in ("backfill", RETRY)
        retry_of = _text(event, "retry.of") if event.get("mode") == RETRY else ""
        kept = {**event, "trigger": {"scheduled_time": iso(moment)}, "job": _lean(event["job"])}
        if upstream:
            kept["trigger"]["upstream_job_id"] = upstream
        own_item = str(trigger.get("item") or "")
        if own_item:
            kept["trigger"]["item"] = own_item
        definition = str(trigger.get("upstream_job_definition") or "").rpartition("/")[2].partition(":")[0]
        return cls(
            job,
            moment,
            upstream,
            is_backfill,
            kept,
            definition,
            iso(exact) if upstream else "",
            own_item,
            retry_of,
            is_manual,
            _overrides(event, job),
        )

    @classmethod
    def of_retry(cls, retry: Mapping[str, Any]) -> Request:
        """Reads what asks for a retry: a trigger's event with `of` beside it.

        It comes without a trigger of its own, so that an older function refuses it.

        Raises:
            MalformedError: something is missing or has the wrong form.
        """
        return cls.of({**retry, "mode": RETRY})

    def of_end(self, time: str, upstream_job_id: str) -> Request:
        """The run that the end of another upstream job would have been, had it been alone."""
        moment = _moment(time).replace(second=0, microsecond=0)
        return replace(self, scheduled_time=moment, upstream_job_id=upstream_job_id)

    def of_last(self, time: str, upstream_job_id: str) -> Request:
        """The run of several ends, of which another one was the last; its record stays where it is."""
        if upstream_job_id == self.upstream_job_id:
            return self
        last = self.of_end(time, upstream_job_id)
        trigger = {"scheduled_time": last.time, "upstream_job_id": upstream_job_id, "item": self.item}
        return replace(last, own_item=self.item, event={**self.event, "trigger": trigger})

    @property
    def time(self) -> str:
        """The scheduled time as text."""
        return iso(self.scheduled_time)

    @property
    def item(self) -> str:
        """The key of the run's record."""
        if self.own_item:
            return self.own_item
        return f"run#{self.time}#{self.upstream_job_id}" if self.upstream_job_id else f"run#{self.time}"

    @property
    def mode(self) -> str:
        """Who asks for it, if not its trigger: backfill, retry or manual."""
        return str(self.event.get("mode") or "")

    @property
    def run_id(self) -> str:
        """What the run is called, however often it is delivered."""
        return f"{self.job.name}@{self.upstream_job_id or self.time}"


def asked_for(event: Any) -> str:
    """The id of the run that an event asks for; empty if it asks for none, or cannot be understood."""
    try:
        retry = event.get("retry")
        return (Request.of_retry(retry) if isinstance(retry, Mapping) else Request.of(event)).run_id
    except (AttributeError, TypeError, ValueError):  # it has failed already, of just that
        return ""


def _lean(job: Mapping[str, Any]) -> dict[str, Any]:
    """Without what may be long: a hundred runs that wait must fit into one item of 400 KB."""
    long = {"except", "timezone", "after_all", "within_seconds"}
    if not str(job.get("schedule") or "").startswith("rate("):
        long.add("schedule")
    return {key: value for key, value in job.items() if key not in long}


def _job(found: Mapping[str, Any]) -> Job:
    policy = str(found.get("concurrency_policy") or "allow")
    if policy not in _POLICIES:
        raise MalformedError(f"job.concurrency_policy: {policy!r} is not one of {', '.join(_POLICIES)}")
    excluded = found.get("except") or []
    if not isinstance(excluded, list):
        raise MalformedError("job.except is not a list")
    after_all = found.get("after_all") or []
    if not isinstance(after_all, list):
        raise MalformedError("job.after_all is not a list")
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
        after_all=tuple(dict.fromkeys(str(each) for each in after_all)),
        within_seconds=_number(found, "job.within_seconds"),
    )


def _overrides(event: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
    """What a run is given; refused is what would not fit beside a hundred others that wait."""
    if event.get("overrides") is None:
        return {}
    found = _mapping(event, "overrides")
    known = (*job_overrides.OF_CONTAINER, *job_overrides.OF_JOB)
    if unknown := sorted(set(found) - set(known)):
        raise MalformedError(f"overrides.{unknown[0]} is not one of {', '.join(known)}")
    length = job_overrides.size(found)
    may_wait = job.policy in ("queue", "replace") and event.get("mode") != RETRY
    if may_wait and length > job_overrides.WAITING_BYTES:
        raise MalformedError(f"overrides: {length} bytes, and a run that may wait has {job_overrides.WAITING_BYTES}")
    return found


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
