"""What a plan does to one job, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from batchtab.plan_review.container import Container
from batchtab.plan_review.job import Job, Parts
from batchtab.plan_review.job_rows import PLAIN, next_runs, overlap, row, runs_by_time, when
from batchtab.plan_review.permissions import Permission, PermissionChange
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.trigger import PAUSED, SCHEDULE
from batchtab.plan_review.usage import Usage, usage

NEW, CHANGED, REMOVED = "new", "changed", "removed"
Row = tuple[str, str, str]  # a name, what was, what is
_STATE = "state"
_NAMED_WIDE = 3
_UNDONE = {
    PAUSED: ("paused manually", "this deployment resumes it; to keep it paused write suspend: true"),
    "resumed": ("resumed manually", "this deployment suspends it; to let it run remove suspend"),
}
# What a field shows already, or what says nothing to a reviewer.
_SHOWN = frozenset(
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
        other: Attributes that change and that no field shows.
        followers: Of a removed job, those that ran after it.
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
    followers: tuple[str, ...] = ()

    @property
    def wide(self) -> list[Permission]:
        """What it may do from now on with everything, or with a whole service."""
        return [permission for granted in self.permissions for permission in granted.added if permission.is_notable]


def job_change(
    job: Parts,
    plan: Plan,
    permissions: list[PermissionChange],
    now: datetime,
    zone: tzinfo,
    followers: Sequence[str] = (),
) -> JobChange | None:
    """The change of a job; None if there is none. `followers` ran after it before the plan."""
    before, after = job.read(plan, after=False), job.read(plan, after=True)
    touched = [part for part in job.resources if part.is_change]
    if (before or after) is None or not (touched or permissions):
        return None
    undone = _UNDONE.get(job.manual_switch(plan), ("", ""))
    lead = f"{undone[0]}: {undone[1]}" if undone[0] else ""
    moves = ""
    if job.moves and after and after.trigger:
        where = "EventBridge Scheduler" if after.trigger.kind == SCHEDULE else "an EventBridge rule"
        moves = f"moves to {where}, "
    change = between(
        before,
        after,
        stack=plan.stack,
        permissions=permissions,
        now=now,
        zone=zone,
        followers=followers,
        first=[(_STATE, *undone)],
        headline=lambda said: lead or f"{moves}{said}",
    )
    other = sorted({key for part in touched for key in part.changed} - _SHOWN)
    return replace(change, other=tuple(other) if change.action == CHANGED and not change.fields else ())


def between(
    before: Job | None,
    after: Job | None,
    *,
    stack: str,
    permissions: Sequence[PermissionChange],
    now: datetime,
    zone: tzinfo,
    followers: Sequence[str] = (),
    first: Sequence[Row] = (),
    more: Sequence[Row] = (),
    headline: Callable[[str], str] = str,
) -> JobChange:
    """What is different between a job before and after; at least one is there.

    Args:
        before: The job; None for a new one.
        after: The job; None for one that is removed.
        stack: Where it is.
        permissions: What its roles may do more, or not any more.
        now: Which next runs are named.
        zone: The time zone for a job without one of its own.
        followers: What ran after it before.
        first: Further rows of a name, what was and what is, above all else.
        more: Likewise, below all else.
        headline: Makes the headline of the one that the rows give.
    """
    known = after or before
    if known is None:
        raise ValueError("neither before nor after")
    action = NEW if before is None else REMOVED if after is None else CHANGED
    lost = tuple(followers) if action == REMOVED else ()
    uses = tuple(_usage(side, now) if side else None for side in (before, after))
    fields = tuple(
        Field(name, left, right)
        for name, left, right in [
            *first,
            ("ran after it", ", ".join(lost), ""),
            *_sides(before, after, uses, now, zone),
            *more,
        ]
        if (left != right if action == CHANGED else (left or right) and (name, left or right) not in PLAIN)
    )
    said = headline(_headline(before, after, fields, bool(permissions), now, zone))
    change = JobChange(known.name, stack, action, said, fields, uses[0], uses[1], tuple(permissions), (), lost)
    notes = [
        said,
        _wide(change),
        f"after it ran {', '.join(lost)}" if lost else "",
        overlap(after) if after else "",
    ]
    return replace(change, headline="; ".join(filter(None, notes)))


def _wide(change: JobChange) -> str:
    more = len(change.wide) - _NAMED_WIDE
    said = ", ".join(map(str, change.wide[:_NAMED_WIDE])) + (f" and {more} more" if more > 0 else "")
    return f"wide permissions: {said}" if said else ""


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
    had, has = (side.containers if side else None for side in (before, after))
    if has and (had or before is None):
        rows += _named(had.main if had else None, has.main)
        for name, (container, _) in has.beside.items():
            if had is None or name in had.beside:
                rows += _named(had.beside[name][0] if had else None, container, f" of {name}")
    return rows


def _named(before: Container | None, after: Container, of: str = "") -> list[tuple[str, str, str]]:
    """Environment variables and secrets by name; values are not shown."""
    if before is None:
        names = (("environment", after.environment), ("secrets", after.secrets))
        return [(f"{what}{of}", "", ", ".join(sorted(values))) for what, values in names]
    pairs = (("environment", before.environment, after.environment), ("secrets", before.secrets, after.secrets))
    return [row for what, left, right in pairs for row in by_name(f"{what}{of}", left, right)]


def by_name(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Row]:
    """Which names come, go, and have another value, which is not shown; no row where nothing does."""
    gone = sorted(before.keys() - after.keys())
    come = sorted(after.keys() - before.keys())
    other = sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
    if not (gone or come or other):
        return []
    old = [*(f"-{key}" for key in gone), *other]
    new = [*(f"+{key}" for key in come), *(f"{key} (another value)" for key in other)]
    return [(what, ", ".join(old) or "-", ", ".join(new) or "-")]


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
