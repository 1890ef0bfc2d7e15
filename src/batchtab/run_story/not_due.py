"""Why a time is none at which a job runs: its schedule, its bounds, what it excludes, clocks that are changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.run_story.facts import Facts
from batchtab.run_story.story import Cause
from batchtab.run_story.wording import command, local
from batchtab.schedules import clocks
from batchtab.schedules.exclusions import Exclusions
from batchtab.schedules.timestamps import utc_text
from batchtab.schedules.timing import Timing

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_SPANS = tuple(timedelta(days=days) for days in (0.05, 1, 8, 40, 400))


def cause_of(facts: Facts, timing: Timing, at: datetime) -> Cause | None:
    """Why a job does not run at a moment; None if it does, and of a rate, which has no times of its own."""
    if timing.is_rate:
        return None
    if facts.wall is not None and clocks.change_of(facts.wall, facts.zone) > timedelta():
        return _left_out(facts.wall, at, facts.zone)
    minute = at.replace(second=0, microsecond=0)
    whole = replace(timing, start_utc=None, end_utc=None, exclusions=Exclusions())
    if not whole.between(minute, minute + _MINUTE - _INSTANT):
        return _second_of_two(facts, whole, minute) or Cause("not_due", _not_due(facts, timing, at))
    if timing.start_utc is not None and minute < timing.start_utc:
        return Cause("before_start", f"it is before the job's start, {local(timing.start_utc, facts.zone)}")
    if timing.end_utc is not None and minute > timing.end_utc:
        return Cause("after_end", f"it is after the job's end, {local(timing.end_utc, facts.zone)}")
    wall = minute.astimezone(timing.zone).replace(tzinfo=None)
    if timing.exclusions.matches(wall):
        return Cause("excepted", f"the time is excluded by except: {_entry(facts, wall)}")
    return None


def is_due(timing: Timing, at: datetime) -> bool:
    """Whether a moment is one of a schedule's times; of a rate each may be."""
    return timing.is_rate or (not at.second and bool(timing.between(at, at)))


def last_due(timing: Timing, now: datetime) -> datetime | None:
    """The last time at which a job was due; None of a rate, and where there was none for a year."""
    if timing.is_rate:
        return None
    found = (timing.between(now - span, now) for span in _SPANS)
    return next((times[-1] for times in found if times), None)


def _left_out(wall: datetime, at: datetime, zone: ZoneInfo) -> Cause:
    """`at` is the moment in which clocks are changed."""
    before = (at - _MINUTE).astimezone(zone).replace(tzinfo=None) + _MINUTE
    jump = f"clocks go from {before:%H:%M} to {at.astimezone(zone):%H:%M}"
    return Cause("clocks", f"{wall:%H:%M} does not exist on {wall:%Y-%m-%d}: {jump} ({zone.key})")


def _second_of_two(facts: Facts, timing: Timing, at: datetime) -> Cause | None:
    wall = at.astimezone(timing.zone).replace(tzinfo=None)
    first = clocks.to_utc(wall, timing.zone)
    if first == at or clocks.change_of(wall, timing.zone) >= timedelta() or not timing.between(first, first):
        return None
    text = f"{wall:%H:%M} comes twice on {wall:%Y-%m-%d}, as clocks are changed, and the first one counts"
    return Cause("clocks", text, "", command(facts, "why", f"{facts.name}@{utc_text(first)}"))


def _not_due(facts: Facts, timing: Timing, at: datetime) -> str:
    near = [last_due(timing, at), *timing.next_runs(at, 1)]
    shown = " and ".join(local(each, facts.zone) for each in near if each is not None)
    schedule = facts.job.spec.schedule if facts.job else timing.expression
    zone = "" if timing.zone.key == facts.zone.key else f" {timing.zone.key}"
    return f"it is not a time of its schedule, {schedule}{zone}; the nearest: {shown or 'none'}"


def _entry(facts: Facts, wall: datetime) -> str:
    entries = [str(each) for each in facts.job.spec.except_] if facts.job else []
    return next((each for each in entries if Exclusions.parse((each,)).matches(wall)), "its entries")
