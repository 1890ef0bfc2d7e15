"""What a plan does to one job, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from cli.plan_summary.container import Container, short_image
from cli.plan_summary.job import UNKNOWN, Job, Parts
from cli.plan_summary.permissions import PermissionChange
from cli.plan_summary.plan import Plan
from cli.plan_summary.timing import in_words, upcoming
from cli.plan_summary.usage import Usage, usage

NEW, CHANGED, REMOVED = "new", "changed", "removed"


@dataclass(frozen=True)
class Field:
    """One thing about a job, before and after; empty where the job is not there."""

    name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether the plan changes it."""
        return self.before != self.after


@dataclass(frozen=True)
class JobChange:
    """A job that a plan makes, changes or removes.

    Attributes:
        fields: What is to be shown: all of a new or removed job, what differs of a changed one.
        headline: The most important of it, on one line.
        other: Attributes that change and that no field tells.
    """

    name: str
    stack: str
    action: str
    headline: str
    fields: tuple[Field, ...]
    usage_before: Usage | None
    usage_after: Usage | None
    permissions: tuple[PermissionChange, ...]
    other: tuple[str, ...]


def job_change(
    job: Parts, plan: Plan, permissions: list[PermissionChange], now: datetime, zone: tzinfo
) -> JobChange | None:
    """The change of a job; None if there is none."""
    before, after = job.read(plan, after=False), job.read(plan, after=True)
    touched = [part for part in job.resources if part.is_change]
    known = before or after
    if known is None or not (touched or permissions):
        return None
    action = NEW if before is None else REMOVED if after is None else CHANGED
    uses = tuple(_usage(side, now) if side else None for side in (before, after))
    fields = tuple(
        Field(name, left, right)
        for name, left, right in _sides(before, after, uses, now, zone)
        if (left != right if action == CHANGED else left or right)
    )
    shown = {"schedule_expression", "container_properties", "timeout", "retry_strategy", "state", "is_enabled"}
    other = sorted({key for part in touched for key in part.changed} - shown - {"arn", "id", "revision", "tags_all"})
    name = after.name if after else known.name
    headline = _headline(before, after, fields, bool(permissions), now, zone)
    seen = tuple(other) if action == CHANGED and not fields else ()
    return JobChange(name, plan.stack, action, headline, fields, uses[0], uses[1], tuple(permissions), seen)


def _usage(job: Job, now: datetime) -> Usage | None:
    if job.container is None:
        return None
    return usage(
        schedule=job.schedule,
        suspended=job.suspended,
        vcpus=job.container.vcpus,
        memory_mib=job.container.memory_mib,
        timeout_seconds=job.timeout_seconds,
        attempts=job.attempts,
        array_size=job.array_size,
        now=now,
    )


def _sides(
    before: Job | None, after: Job | None, uses: tuple[Usage | None, ...], now: datetime, zone: tzinfo
) -> list[tuple[str, str, str]]:
    left = _row(before, uses[0], now, zone) if before else {}
    right = _row(after, uses[1], now, zone) if after else {}
    rows = [(name, left.get(name, ""), right.get(name, "")) for name in dict.fromkeys([*right, *left])]
    if before and after and before.container and after.container:
        rows += _named(before.container, after.container)
    return rows


def _row(job: Job, used: Usage | None, now: datetime, zone: tzinfo) -> dict[str, str]:
    container = job.container
    runs = job.schedule is not None and not job.suspended
    row = {
        "schedule": _schedule(job),
        f"next runs ({zone})": upcoming(job.schedule, now, zone) if runs and job.schedule else "none",
        "queue": job.queue or "chosen by who runs it",
        "image": short_image(container.image) if container else UNKNOWN,
        "command": container.command if container else UNKNOWN,
        "size": f"{container.vcpus:g} vCPU, {container.memory_mib} MiB" if container else UNKNOWN,
        "timeout": duration(job.timeout_seconds) if job.timeout_seconds else "none",
        "attempts": f"{job.attempts}, {'; '.join(job.retries)}" if job.retries else str(job.attempts),
        "at most a month": _bound(used) if used else "unknown" if container is None else "without bound: no timeout",
    }
    if job.array_size:
        row["children"] = str(job.array_size)
    if job.event_age_seconds:
        row["late start at most"] = duration(int(job.event_age_seconds))
    row["capacity"] = job.capacity
    if container:
        row["job role"] = container.job_role if "${" not in container.job_role else "of its own"
        row["root filesystem"] = "read-only" if container.read_only else "can be written"
        if container.ephemeral_storage_gib:
            row["ephemeral storage"] = f"{container.ephemeral_storage_gib} GiB"
    return row


def _named(before: Container, after: Container) -> list[tuple[str, str, str]]:
    """Environment variables and secrets by name; values are not shown."""
    rows = []
    for what, left, right in (
        ("environment", before.environment, after.environment),
        ("secrets", before.secrets, after.secrets),
    ):
        gone = sorted(left.keys() - right.keys())
        come = sorted(right.keys() - left.keys())
        other = sorted(key for key in left.keys() & right.keys() if left[key] != right[key])
        if gone or come or other:
            old = [*(f"-{key}" for key in gone), *other]
            new = [*(f"+{key}" for key in come), *(f"{key} (another value)" for key in other)]
            rows.append((what, ", ".join(old) or "-", ", ".join(new) or "-"))
    return rows


def _schedule(job: Job) -> str:
    if job.schedule is None:
        return "by hand"
    words = in_words(job.schedule)
    text = f"{job.schedule}, {words}" if words else job.schedule
    return f"{text}, suspended" if job.suspended else text


def _bound(used: Usage) -> str:
    if not used.runs:
        return "nothing by schedule"
    return f"{used.runs:,.0f} runs, {_hours(used.vcpu_hours)} vCPU-hours, {_hours(used.gib_hours)} GiB-hours"


def _hours(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def duration(seconds: int) -> str:
    """`1 h 30 min`, `45 s`."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n]
    return " ".join(parts) or "0 s"


def _headline(
    before: Job | None, after: Job | None, fields: tuple[Field, ...], permitted: bool, now: datetime, zone: tzinfo
) -> str:
    if after is None:
        return "does not run any more"
    next_ = upcoming(after.schedule, now, zone) if after.schedule and not after.suspended else ""
    when = in_words(after.schedule) or after.schedule if after.schedule else "by hand"
    if before is None:
        return f"{when}, next runs {next_}" if next_ else f"{when}{' (suspended)' if after.suspended else ''}"
    if (before.schedule, before.suspended) != (after.schedule, after.suspended):
        if after.suspended or after.schedule is None:
            return "stops running by schedule" + (" (suspended)" if after.suspended else "")
        was = "suspended" if before.suspended else "by hand"
        if before.schedule and not before.suspended:
            was = in_words(before.schedule) or before.schedule
        return f"{was} → {when}, next runs {next_}"
    names = [field.name for field in fields if field.name not in {"at most a month", f"next runs ({zone})"}]
    names += ["permissions"] if permitted else []
    return f"other {', '.join(names)}" if names else "nothing that a run would notice"
