"""The coming runs of several jobs as one list, with those that a calendar or a change of clocks takes out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from batchtab.declarations.job import JobSpec
from batchtab.schedules.timing import EXCLUDED, Occurrence, Timing

SHOWN = "%a %Y-%m-%d %H:%M"
_INSTANT = timedelta(microseconds=1)
_CROWD = 3
_GROUP_MAX = 5000  # excluded times in a row, beyond which they are one line and not counted


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its full name, such as `my-service-do-often`; `zone` is where its times are shown."""

    name: str
    spec: JobSpec
    zone: ZoneInfo

    @property
    def timing(self) -> Timing | None:
        """None for a job without a schedule."""
        return self.spec.timing


@dataclass(frozen=True, slots=True)
class Line:
    """One run, or several times after another on which the job does not run.

    Attributes:
        job: Whose.
        at: When, in UTC; of a time that is left out, when clocks are changed.
        local: The same where it is shown.
        note: What is unusual about it.
        runs: Whether it runs.
        is_estimate: Whether it is of a rate, which counts from a moment that is in no file.
        is_often: Whether its job may run more than once an hour.
    """

    job: Job
    at: datetime
    local: datetime
    note: str
    runs: bool
    is_estimate: bool
    is_often: bool


def lines(jobs: Iterable[Job], now: datetime, count: int, *, is_folded: bool = False) -> list[Line]:
    """The next runs in the order of time, and in between what does not run; that doesn't count.

    Jobs that never run by time, or no longer, have no part in it.

    Args:
        jobs: Whose.
        now: Later than which.
        count: How many.
        is_folded: Whether a job that may run more than once an hour gets one line for all runs of a day, up to the
            next run of a job that doesn't.
    """
    found: list[Line] = []
    left = count
    merged: Iterator[Line] = heapq.merge(*(_of(job, now) for job in jobs), key=lambda line: line.at)
    for line in _without_crowds(merged) if is_folded else merged:
        if not left:
            break
        found.append(line)
        left -= line.runs
    return found


def _without_crowds(merged: Iterator[Line]) -> Iterator[Line]:
    """What runs each minute must not push all else out of sight."""
    crowd: dict[str, list[Line]] = {}
    for line in merged:
        is_often = line.is_often and not line.note
        before = crowd.get(line.job.name)
        if not is_often or (before and before[0].local.date() != line.local.date()):
            yield from _merged(crowd)
            crowd = {}
        if is_often:
            crowd.setdefault(line.job.name, []).append(line)
        else:
            yield line
    yield from _merged(crowd)


def _merged(crowd: Mapping[str, list[Line]]) -> list[Line]:
    merged: list[Line] = []
    for same in crowd.values():
        few = len(same) < _CROWD
        merged += same if few else [replace(same[0], note=f"{len(same):,}x to {same[-1].local:%H:%M}")]
    return sorted(merged, key=lambda line: line.at)


def is_over(job: Job, now: datetime) -> bool:
    """Whether a job with a schedule never runs again."""
    return job.timing is not None and not job.timing.next_runs(now, 1)


def _of(job: Job, now: datetime) -> Iterator[Line]:
    timing = job.timing
    if timing is None or is_over(job, now):
        return
    is_estimate = timing.is_rate
    for runs, group in groupby(_grouped(timing, now), key=lambda each: each.runs):
        for each in group if runs else _folded(group):
            moved = timing.zone.key != job.zone.key
            local = each.at.astimezone(job.zone) if moved else each.local
            note = f"{each.note} ({timing.zone.key})" if moved and each.note and each.note != EXCLUDED else each.note
            yield Line(job, each.at, local, note, each.runs, is_estimate, timing.is_often)


def _grouped(timing: Timing, now: datetime) -> Iterator[Occurrence]:
    """The occurrences; what is excluded for too long is left out up to the next run."""
    excluded = 0
    anchor = now
    while True:
        for each in timing.occurrences(now, anchor=anchor):
            excluded = 0 if each.runs else excluded + 1
            if excluded > _GROUP_MAX:
                break
            yield each
        else:
            return
        following = timing.next_runs(each.at, 1, anchor=anchor)
        if not following:
            return
        excluded, now = 0, following[0] - _INSTANT


def _folded(group: Iterable[Occurrence]) -> Iterator[Occurrence]:
    """Several times after another that do not run, and for the same reason, as one."""
    for is_excluded, same in groupby(group, key=lambda each: each.note == EXCLUDED):
        first, *more = same
        if not more:
            yield first
        elif is_excluded:
            yield replace(first, note=f"{EXCLUDED} until {more[-1].local:{SHOWN}}")
        else:
            times = f"{first.local:%H:%M} to {more[-1].local:%H:%M}"
            yield replace(first, note=f"skipped: {times} do not exist on this day")
