"""The differences as plain text, and as data for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from batchtab.errors import how_many
from batchtab.file_diff.compare import JobDiff, StageDiff
from batchtab.file_diff.fire_times import DAYS, FireTimes
from batchtab.plan_review.environment import EnvironmentChange
from batchtab.plan_review.job_change import NEW, REMOVED
from batchtab.plan_review.permissions import PermissionChange
from batchtab.plan_review.text import job_lines
from batchtab.schedules.timestamps import utc_text

_FEW = 3
MANY = 20


def render(stages: Sequence[StageDiff], *, times: int = _FEW) -> list[str]:
    """The lines: one for each stage, then what changes; what changes in several stages alike is shown once.

    Args:
        stages: The stages, those without a difference too.
        times: How many times are named of those that are gone, and of those that are new.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for stage in stages:
        for block in _blocks(stage, times):
            together.setdefault(block, []).append(stage.name)
    lines = [f"stage {stage.name}: {stage.headline}" for stage in stages]
    for (name, action, headline, *body), names in together.items():
        where = f"{action}; {', '.join(names)}" if len(stages) > 1 else action
        lines += ["", f"{name} ({where}){headline and f': {headline}'}", *body]
    return lines


def _blocks(stage: StageDiff, times: int) -> Iterator[tuple[str, ...]]:
    """For each thing its name, what happens to it, a headline, and the lines below."""
    for each in stage.environment:
        details = [f"  {d.name}: {d.before or '-'} -> {d.after or '-'}" for d in each.details]
        yield (f"{each.kind} {each.name}", each.action, "", *details)
    if stage.action in (NEW, REMOVED):
        if stage.jobs:
            yield ("jobs", stage.action, "", *(f"  {job.change.name}: {job.change.headline}" for job in stage.jobs))
        return
    for job in stage.jobs:
        change = job.change
        lines = [*job_lines(change), *(f"  {line}" for line in (_times(job.times, times) if job.times else ()))]
        yield (change.name, change.action, change.headline, *lines)


def _times(times: FireTimes, most: int) -> list[str]:
    about = "about " if times.is_estimated else ""
    rates = f"{_rate(times.a_day(times.before))} -> {about}{_rate(times.a_day(times.after))} a day"
    often = ", MORE OFTEN" if times.is_more_often else ""
    lines = [f"runs in {DAYS} days: {times.before:,} -> {about}{times.after:,} ({rates}{often})"]
    for word, moments in (("gone", times.gone), ("new", times.new)):
        if moments and not (word == "new" and not times.before):  # of a new job "next runs" shows them
            named = ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in times.local(moments[:most]))
            more = ", …" if len(moments) > most else ""
            lines.append(f"{word} {how_many(len(moments), 'time')}: {named}{more} {times.zone.key}")
    return lines


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == round(number) else f"{number:.2g}"


def as_dict(stage: StageDiff) -> dict[str, Any]:
    """A stage's differences for other programs: moments in UTC, null where there is none."""
    return {
        "stage": stage.name,
        "action": stage.action or None,
        "unchanged_jobs": stage.unchanged_jobs,
        "jobs": [_job(each) for each in stage.jobs],
        "environment": [_environment(each) for each in stage.environment],
    }


def _job(job: JobDiff) -> dict[str, Any]:
    change = job.change
    return {
        "job": change.name,
        "action": change.action,
        "headline": change.headline,
        "fields": [_pair(field.name, field.before, field.after) for field in change.fields],
        "other_fields": [*change.other],
        "permissions": [_permissions(each) for each in change.permissions],
        "fire_times": None if job.times is None else _fire_times(job.times),
    }


def _fire_times(times: FireTimes) -> dict[str, Any]:
    def first_few(moments: Sequence[datetime]) -> list[str]:
        return [utc_text(moment) for moment in moments[:MANY]]

    return {
        "days": DAYS,
        "timezone": times.zone.key,
        "runs_before": times.before,
        "runs_after": times.after,
        "runs_a_day_before": round(times.a_day(times.before), 3),
        "runs_a_day_after": round(times.a_day(times.after), 3),
        "is_more_often": times.is_more_often,
        "is_estimated": times.is_estimated,
        "gone_count": None if times.is_estimated else len(times.gone),
        "new_count": None if times.is_estimated else len(times.new),
        "gone_first": first_few(times.gone),
        "new_first": first_few(times.new),
    }


def _permissions(change: PermissionChange) -> dict[str, Any]:
    return {
        "role": change.holder,
        "added": [{"permission": str(each), "is_wide": each.is_wide} for each in change.added],
        "removed": [str(each) for each in change.removed],
        "widens": change.widens,
    }


def _environment(change: EnvironmentChange) -> dict[str, Any]:
    details = [_pair(detail.name, detail.before, detail.after) for detail in change.details]
    return {"kind": change.kind, "name": change.name, "action": change.action, "details": details}


def _pair(name: str, before: str, after: str) -> dict[str, Any]:
    return {"name": name, "before": before or None, "after": after or None}
