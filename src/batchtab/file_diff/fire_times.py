"""At which times a job runs before and after, over some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from batchtab.schedules.timing import Timing

DAYS = 90


@dataclass(frozen=True)
class FireTimes:
    """What another schedule changes.

    Attributes:
        zone: The time zone in which people read them.
        before: How many times there were in those days.
        after: How many there are.
        gone: When it no longer runs; empty where a rate is on one side, whose times only AWS knows.
        new: When it runs and did not run before; likewise.
        is_estimated: Whether a rate is on one side: it counts from a moment that only AWS knows.
    """

    zone: ZoneInfo
    before: int
    after: int
    gone: tuple[datetime, ...] = ()
    new: tuple[datetime, ...] = ()
    is_estimated: bool = False

    @property
    def is_more_often(self) -> bool:
        """Whether it runs more often than before; a new job has no before."""
        return 0 < self.before < self.after

    def a_day(self, count: int) -> float:
        """How often that is in a day."""
        return count / DAYS

    def local(self, moments: Sequence[datetime]) -> list[datetime]:
        """Moments on the wall clock of its zone."""
        return [moment.astimezone(self.zone) for moment in moments]


def compare(before: Timing | None, after: Timing | None, zone: ZoneInfo, now: datetime) -> FireTimes | None:
    """The times of the next days; None if they are the same, or if there are none.

    Args:
        before: When it runs; None for a job that no schedule starts, or whose triggers are disabled.
        after: Likewise.
        zone: The time zone in which people read them.
        now: When the days begin.
    """
    if before == after or _clock(before) == _clock(after) is not None:
        return None
    had, has = (_times(side, now) if side else () for side in (before, after))
    if had == has:
        return None
    if any(side is not None and side.is_rate for side in (before, after)):
        return FireTimes(zone, len(had), len(has), is_estimated=True)
    gone, new = (tuple(sorted(one)) for one in (set(had) - set(has), set(has) - set(had)))
    return FireTimes(zone, len(had), len(has), gone, new)


def _clock(timing: Timing | None) -> tuple[object, ...] | None:
    """What decides about the times: not by which trigger, of what has no zone of its own."""
    if timing is None:
        return None
    return (timing.expression, timing.zone.key, timing.start_utc, timing.end_utc, timing.exclusions)


@lru_cache(maxsize=16)  # several stages have the same job, and an expression of every minute has 129,600 times
def _times(timing: Timing, now: datetime) -> tuple[datetime, ...]:
    return tuple(timing.between(now, now + timedelta(days=DAYS, seconds=-1)))
