"""A job on one side of a plan, as rows of a name and words."""

from __future__ import annotations

from datetime import datetime, tzinfo

from batchtab.plan_review.container import short_image
from batchtab.plan_review.job import UNKNOWN, Job
from batchtab.plan_review.timing import in_words, upcoming
from batchtab.plan_review.trigger import SCHEDULE, Policy
from batchtab.plan_review.usage import Usage
from batchtab.schedules.durations import duration

_RULE, _SCHEDULER = "EventBridge rule", "EventBridge Scheduler"
_ALLOW = "allow"
#: What a new or a removed job need not say.
PLAIN = frozenset({("trigger", _RULE), ("concurrency policy", _ALLOW)})


def row(job: Job, used: Usage | None, now: datetime, zone: tzinfo) -> dict[str, str]:
    """All that is shown of a job, by name."""
    container = job.container
    said = _when(job, now, zone) | {
        "queue": job.delivery.queue if job.delivery else "chosen by who runs it",
        "image": short_image(container.image) if container else UNKNOWN,
        "command": container.command if container else UNKNOWN,
        "size": f"{container.vcpus:g} vCPU, {container.memory_mib} MiB" if container else UNKNOWN,
        "timeout": duration(job.timeout_seconds, units=3) if job.timeout_seconds else "none",
        "attempts": f"{job.attempts}, {'; '.join(job.retries)}" if job.retries else str(job.attempts),
        "at most a month": _bound(used) if used else "unknown" if container is None else "without bound: no timeout",
    }
    if job.delivery:
        said |= _delivery(job)
    said["capacity"] = job.capacity
    if container:
        said["job role"] = container.job_role if "${" not in container.job_role else "of its own"
        said["root filesystem"] = "read-only" if container.read_only else "can be written"
        if container.ephemeral_storage_gib:
            said["ephemeral storage"] = f"{container.ephemeral_storage_gib} GiB"
        said |= container.settings
    if job.containers:
        said |= job.containers.rows()
    return said


def when(job: Job) -> str:
    """When it runs, in the fewest words."""
    if job.trigger is None:
        return f"after {job.after}" if job.after else "manual"
    words = in_words(job.trigger.expression, job.trigger.own_zone or "UTC")
    return words or f"{job.trigger.expression} {job.trigger.own_zone}".strip()


def runs_by_time(job: Job) -> bool:
    """Whether a trigger that is on starts it at its times."""
    return job.trigger is not None and not job.trigger.suspended


def next_runs(job: Job, now: datetime, zone: tzinfo) -> str:
    """Its next times, in its own zone if it has one."""
    if job.trigger is None or job.trigger.suspended:
        return "none"
    timing = job.trigger.timing
    if timing is None:
        return "not a schedule"
    own = job.trigger.own_zone
    return f"{upcoming(timing, now, timing.zone)} {own}" if own else upcoming(timing, now, zone)


def overlap(job: Job) -> str:
    """Whether a run may go on into the next one of the same job; empty if not, or if that cannot be seen."""
    timing = job.trigger.timing if job.trigger and runs_by_time(job) else None
    # Where the policy is known only after the apply, so is the name that is sent with it.
    allows = bool(job.delivery and job.delivery.job_name) and job.policy.concurrency_policy == _ALLOW
    if timing is None or not allows or job.timeout_seconds is None or timing.outlasted_by(job.timeout_seconds) is None:
        return ""
    return f"up to {duration(job.timeout_seconds, units=3)}: may overlap itself"


def _when(job: Job, now: datetime, zone: tzinfo) -> dict[str, str]:
    coming = next_runs(job, now, zone)
    has_own = job.trigger is not None and job.trigger.own_zone
    said = {"schedule": _schedule(job), "next runs": coming if has_own or coming == "none" else f"{coming} {zone}"}
    if job.after and job.trigger:
        said["after"] = job.after
    if job.trigger is None:
        return said
    said["trigger"] = _SCHEDULER if job.trigger.kind == SCHEDULE else _RULE
    timing = job.trigger.timing
    if timing and timing.start_utc:
        said["starts"] = f"{timing.start_utc.astimezone(timing.zone):%Y-%m-%d %H:%M} {timing.zone}"
    if timing and timing.end_utc:
        said["ends"] = f"{timing.end_utc.astimezone(timing.zone):%Y-%m-%d %H:%M} {timing.zone}"
    if job.trigger.window_minutes:
        said["flexible window"] = duration(job.trigger.window_minutes * 60, units=3)
    if job.policy.excluded:
        said["except"] = ", ".join(job.policy.excluded)
    return said


def _schedule(job: Job) -> str:
    suspended = ", suspended" if job.suspended else ""
    if job.trigger is None:
        return f"{when(job)}{suspended}"
    expression, zone = job.trigger.expression, job.trigger.own_zone
    words = in_words(expression, zone or "UTC") or zone
    return f"{expression}, {words}{suspended}" if words else f"{expression}{suspended}"


def _delivery(job: Job) -> dict[str, str]:
    delivery, policy = job.delivery, job.policy
    said = {"concurrency policy": _policy(policy)}
    if delivery is None:
        return said
    if delivery.array_size:
        said["children"] = str(delivery.array_size)
    late = policy.starting_deadline_seconds or delivery.event_age_seconds
    if late:
        said["late start at most"] = duration(int(late), units=3)
    if policy.pause_on_failure:
        said["after a failure"] = "paused until it is resumed"
    return said


def _policy(policy: Policy) -> str:
    if policy.concurrency_policy == "queue" and policy.queue_limit:
        return f"queue, at most {policy.queue_limit} wait"
    return policy.concurrency_policy


def _bound(used: Usage) -> str:
    if not used.runs:
        return "nothing by schedule"
    return f"{used.runs:,.0f} runs, {_hours(used.vcpu_hours)} vCPU-hours, {_hours(used.gib_hours)} GiB-hours"


def _hours(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
