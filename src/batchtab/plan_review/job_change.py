"""What a plan does to one job, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from batchtab.plan_review.container import Container
from batchtab.plan_review.job import Job, Parts
from batchtab.plan_review.job_rows import PLAIN, next_runs, row, runs_by_time, when
from batchtab.plan_review.permissions import PermissionChange
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.trigger import PAUSED, SCHEDULE
from batchtab.plan_review.usage import Usage, usage

NEW, CHANGED, REMOVED = "new", "changed", "removed"
_STATE = "state"
_UNDONE = {
    PAUSED: ("paused by hand", "this deployment resumes it; to keep it paused write suspend: true"),
    "resumed": ("resumed by hand", "this deployment suspends it; to let it run take suspend out"),
}
# What a field tells already, or what says nothing to a reviewer.
_TOLD = frozenset(
    {
        "container_properties",
        "ecs_properties",
        "node_properties",
        "event_pattern",
        "input_transformer",
        "retry_policy",
        "retry_strategy",
        "state",
        "timeout",
    }
    | {"batch_target", "flexible_time_window", "is_enabled", "role_arn", "target"}
    | {"end_date", "schedule_expression", "schedule_expression_timezone", "start_date"}
    | {"arn", "arn_prefix", "id", "revision", "tags_all"}
)


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
    by_hand = _UNDONE.get(job.switched_by_hand(plan), ("", ""))
    fields = tuple(
        Field(name, left, right)
        for name, left, right in [(_STATE, *by_hand), *_sides(before, after, uses, now, zone)]
        if (left != right if action == CHANGED else (left or right) and (name, left or right) not in PLAIN)
    )
    other = sorted({key for part in touched for key in part.changed} - _TOLD)
    name = after.name if after else known.name
    headline = _headline(before, after, fields, bool(permissions), now, zone)
    if by_hand[0]:
        headline = f"{by_hand[0]}: {by_hand[1]}"
    elif job.moves and after and after.trigger:
        where = "EventBridge Scheduler" if after.trigger.kind == SCHEDULE else "an EventBridge rule"
        headline = f"moves to {where}, {headline}"
    seen = tuple(other) if action == CHANGED and not fields else ()
    return JobChange(name, plan.stack, action, headline, fields, uses[0], uses[1], tuple(permissions), seen)


def _usage(job: Job, now: datetime) -> Usage | None:
    if job.containers is None or (job.trigger and job.trigger.timing is None):
        return None
    return usage(
        timing=job.trigger.timing if job.trigger and runs_by_time(job) else None,
        vcpus=job.containers.vcpus,
        memory_mib=job.containers.memory_mib,
        timeout_seconds=job.timeout_seconds,
        attempts=job.attempts,
        array_size=job.delivery.array_size if job.delivery else None,
        now=now,
    )


def _sides(
    before: Job | None, after: Job | None, uses: tuple[Usage | None, ...], now: datetime, zone: tzinfo
) -> list[tuple[str, str, str]]:
    left = row(before, uses[0], now, zone) if before else {}
    right = row(after, uses[1], now, zone) if after else {}
    rows = [(name, left.get(name, ""), right.get(name, "")) for name in dict.fromkeys([*right, *left])]
    if before and after and before.containers and after.containers:
        rows += _named(before.containers.main, after.containers.main)
        for name, (container, _) in after.containers.beside.items():
            if name in before.containers.beside:
                rows += _named(before.containers.beside[name][0], container, f" of {name}")
    return rows


def _named(before: Container, after: Container, of: str = "") -> list[tuple[str, str, str]]:
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
            rows.append((f"{what}{of}", ", ".join(old) or "-", ", ".join(new) or "-"))
    return rows


def _headline(
    before: Job | None, after: Job | None, fields: tuple[Field, ...], permitted: bool, now: datetime, zone: tzinfo
) -> str:
    if after is None:
        return "does not run any more"
    coming = f", next runs {next_runs(after, now, zone)}" if runs_by_time(after) else ""
    if before is None:
        return f"{when(after)}{' (suspended)' if after.suspended else ''}{coming}"
    if _timing(before) != _timing(after):
        if not runs_by_time(after) and runs_by_time(before):
            return "stops running by schedule" + (" (suspended)" if after.suspended else "")
        return f"{'suspended' if before.suspended else when(before)} → {when(after)}{coming}"
    names = [field.name for field in fields if field.name not in {"at most a month", "next runs", "trigger"}]
    names += ["permissions"] if permitted else []
    return f"other {', '.join(names)}" if names else "nothing that a run would notice"


def _timing(job: Job) -> tuple[object, ...]:
    known = job.trigger
    return (job.suspended, job.after, known and (known.expression, known.timing and known.timing.zone.key))
