"""Compares what two states of a project's files say of one stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from batchtab.declarations.catalog import Catalog
from batchtab.declarations.chain import resolve
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.errors import how_many
from batchtab.file_diff import fire_times, permissions, stage
from batchtab.file_diff import job as jobs
from batchtab.file_diff.fire_times import FireTimes
from batchtab.plan_review.environment import EnvironmentChange
from batchtab.plan_review.job_change import CHANGED, NEW, REMOVED, JobChange, between
from batchtab.schedules.timing import Timing

_ORDER = {REMOVED: 0, CHANGED: 1, NEW: 2}


@dataclass(frozen=True)
class JobDiff:
    """A job that is new, changed or removed.

    Attributes:
        change: What is different, as a plan shows it.
        times: What is different in its times; None if nothing is.
    """

    change: JobChange
    times: FireTimes | None


@dataclass(frozen=True)
class StageDiff:
    """What is different in a stage.

    Attributes:
        action: `new` or `removed` for a stage that only one side has, else `changed`; empty if nothing is different.
        unchanged_jobs: How many jobs are the same.
    """

    name: str
    action: str
    jobs: tuple[JobDiff, ...]
    environment: tuple[EnvironmentChange, ...]
    unchanged_jobs: int

    @property
    def headline(self) -> str:
        """All of it on one line."""
        if self.action in (NEW, REMOVED):
            return f"{self.action}, with {how_many(len(self.jobs), 'job')}"
        if not self.action:
            return "no difference"
        counts = [sum(each.change.action == action for each in self.jobs) for action in _ORDER]
        said = [f"{count} {action}" for count, action in zip(counts, _ORDER, strict=True) if count]
        words = [f"jobs: {', '.join(said)}"] if said else []
        often = sum(1 for each in self.jobs if each.times and each.times.is_more_often)
        words += [f"{often} run{'s' if often == 1 else ''} more often"] if often else []
        words += [f"environment: {how_many(len(self.environment), 'change')}"] if self.environment else []
        words += [f"{self.unchanged_jobs} unchanged"] if self.unchanged_jobs else []
        return "; ".join(words)


def compare(before: Catalog | None, after: Catalog | None, now: datetime) -> StageDiff:
    """What is different in a stage; at least one side is there.

    Args:
        before: The stage; None if there is no such stage.
        after: Likewise.
        now: From when times are looked at.
    """
    known = after or before
    if known is None:
        raise ValueError("neither before nor after")
    had, has = ({named.full: named for named in all_jobs(side)} if side else {} for side in (before, after))
    followers = _followers(before)
    found = []
    for name in {**had, **has}:
        left = (before, had[name]) if before and name in had else None
        right = (after, has[name]) if after and name in has else None
        one = _job(left, right, followers.get(name, ()), now, ZoneInfo(known.stage.timezone))
        found += [one] if one else []
    found.sort(key=lambda each: (_ORDER[each.change.action], each.change.name))
    changes = stage.changes(before.stage, after.stage) if before and after else ()
    action = NEW if before is None else REMOVED if after is None else CHANGED if found or changes else ""
    return StageDiff(known.stage.name, action, tuple(found), changes, len({**had, **has}) - len(found))


def _job(
    before: tuple[Catalog, NamedJob] | None,
    after: tuple[Catalog, NamedJob] | None,
    followers: Sequence[str],
    now: datetime,
    zone: ZoneInfo,
) -> JobDiff | None:
    old, new = (side[1].spec if side else None for side in (before, after))
    if old == new and before and after and before[0].stage == after[0].stage:
        return None
    had, has = (jobs.read(*side) if side else None for side in (before, after))
    granted = permissions.changes(before, after)
    change = between(
        had,
        has,
        stack=(after or before)[0].stage.name,  # type: ignore[index]
        permissions=granted,
        now=now,
        zone=zone,
        followers=followers,
        more=jobs.further_rows(old, new),
    )
    catalog, named = after or before  # type: ignore[misc]
    times = fire_times.compare(_timing(before), _timing(after), named.zone(catalog), now)
    if change.action == CHANGED and not (change.fields or granted or times):
        names = [name for name in type(named.spec).model_fields if getattr(old, name) != getattr(new, name)]
        if not names:  # the stage changes, and this job does not notice
            return None
        change = replace(change, other=tuple(names))
    return JobDiff(change, times)


def _timing(side: tuple[Catalog, NamedJob] | None) -> Timing | None:
    return None if side is None or side[1].spec.suspend else side[1].spec.timing


def _followers(catalog: Catalog | None) -> dict[str, list[str]]:
    """The jobs that run after each."""
    found: dict[str, list[str]] = {}
    for named in all_jobs(catalog) if catalog else ():
        for reference in named.spec.upstream:
            service, job = resolve(named.service, reference)
            found.setdefault(f"{service}-{job}", []).append(named.full)
    return found
