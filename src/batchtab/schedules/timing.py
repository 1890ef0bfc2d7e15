"""When a job runs: its schedule on the wall clock of its time zone, as EventBridge Scheduler reads it.

A wall-clock time that is left out when clocks are changed is skipped; of one that comes twice, the first counts.
A rate has no clock changes, and nothing that only Scheduler can express.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from batchtab.schedules import clocks, crontab, expression, timestamps
from batchtab.schedules.cron import Cron, ScheduleError
from batchtab.schedules.exclusions import Exclusions
from batchtab.schedules.expression import Once, Rate

__all__ = ["EXCLUDED", "Occurrence", "ScheduleError", "Timing"]

EXCLUDED = "excluded"
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED = datetime(2026, 1, 1, tzinfo=UTC)  # any moment, but a fixed one: what is deployed must not depend on the day
_SAMPLES = 12
_HOUR = timedelta(hours=1)
_ASKED = 20_000  # times in a row on which it does not run, whole days as one: it never does


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A time of a schedule.

    Attributes:
        at: In UTC; of a wall-clock time that is left out, the moment in which clocks are changed.
        local: On the wall clock of the job's zone.
        note: What is unusual about it, in a few words; mostly empty.
        runs: Whether the job runs.
    """

    at: datetime
    local: datetime
    note: str = ""
    runs: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """When one job runs, and by which trigger.

    Attributes:
        expression: AWS's form.
        zone: The time zone in which it is read.
        trigger: `rule` or `schedule`.
        start_utc: Before which it does not run.
        end_utc: After which it does not run.
        exclusions: When it does not run.
    """

    expression: str
    zone: ZoneInfo = field(default=ZoneInfo("UTC"))
    trigger: str = "rule"
    start_utc: datetime | None = None
    end_utc: datetime | None = None
    exclusions: Exclusions = field(default=Exclusions())

    @classmethod
    def of(
        cls,
        schedule: str,
        *,
        timezone: str | None = None,
        start: str | None = None,
        end: str | None = None,
        excluded: tuple[str, ...] = (),
        trigger: str = "rule",
    ) -> Timing:
        """The timing of a schedule in AWS's form or crontab's; the other arguments are as a job's fields.

        Raises:
            ScheduleError: an expression is none.
        """
        return _timing(schedule, timezone, start, end, excluded, trigger)

    @property
    def is_rate(self) -> bool:
        """Whether it counts from a moment that only AWS knows, instead of naming times."""
        return isinstance(self._parsed, Rate)

    @property
    def clock_form(self) -> str:
        """For a rate: the same in crontab's five fields; empty if there is none."""
        return self._parsed.on_the_clock if isinstance(self._parsed, Rate) else ""

    @property
    def is_once(self) -> bool:
        """Whether it names one time."""
        return isinstance(self._parsed, Once)

    @property
    def is_often(self) -> bool:
        """Whether it may run more than once in an hour."""
        parsed = self._parsed
        if isinstance(parsed, Rate):
            return timedelta(seconds=parsed.seconds) < _HOUR
        return isinstance(parsed, Cron) and len(parsed.minutes) > 1

    @property
    def _parsed(self) -> Cron | Rate | Once:
        return expression.parse(self.expression)

    def occurrences(self, after: datetime, *, anchor: datetime | None = None) -> Iterator[Occurrence]:
        """Its times later than `after`, in order, with those on which it does not run.

        Args:
            after: A moment with a time zone.
            anchor: From when a rate counts, which is when its rule was made. Left out: `after`, an estimate.

        Raises:
            ValueError: If `after` or `anchor` has no time zone.
        """
        for moment_utc, wall in self._times(after, anchor):
            if self.end_utc is not None and moment_utc > self.end_utc:
                return
            if self.start_utc is None or moment_utc >= self.start_utc:
                yield self._occurrence(moment_utc, wall)

    def next_runs(self, after: datetime, count: int, *, anchor: datetime | None = None) -> list[datetime]:
        """The next `count` times, in UTC, on which it runs, later than `after`; fewer if it ends before."""
        return list(islice(self._runs(after, anchor), count))

    def between(self, since: datetime, until: datetime, *, include_excluded: bool = False) -> list[datetime]:
        """The times, in UTC, on which it runs or would have run, from `since` to `until`, both included.

        A rate counts from `since`.
        """
        just_before = since - _INSTANT
        anchor = since - timedelta(seconds=self._parsed.seconds) if isinstance(self._parsed, Rate) else None
        found = []
        for each in self.occurrences(just_before, anchor=anchor):
            if each.at > until:
                break
            if each.runs or (include_excluded and each.note == EXCLUDED):
                found.append(each.at)
        return found

    def shortest_period(self, samples: int = _SAMPLES) -> timedelta | None:
        """The shortest time between two runs that follow each other, of the next few; None if there is but one."""
        if isinstance(self._parsed, Rate):
            return timedelta(seconds=self._parsed.seconds)
        runs = self.next_runs(self.start_utc or _FIXED, samples)
        return min((later - earlier for earlier, later in pairwise(runs)), default=None)

    def outlasted_by(self, seconds: int) -> int | None:
        """Its shortest period in seconds, if a run of this length would overlap the next; else None."""
        period = self.shortest_period()
        return None if period is None or seconds <= (least := int(period.total_seconds())) else least

    def why_never(self) -> str:
        """Why it never runs, now or in the past; empty if it does."""
        since = self.start_utc or _EPOCH
        if next(self._runs(since - _INSTANT), None) is not None:
            return ""
        first = next(self.occurrences(since - _INSTANT), None)
        if first is not None:
            return (
                "never runs: except excludes all its times" if first.note == EXCLUDED else f"never runs: {first.note}"
            )
        if self.start_utc and self.end_utc:
            return "never runs between start and end"
        if self.start_utc or self.end_utc:
            return "never runs after its start" if self.start_utc else "never runs before its end"
        return "never runs: its first time is beyond the year 9999"

    def _runs(self, after: datetime, anchor: datetime | None = None) -> Iterator[datetime]:
        """Its runs, without looking at each time of a day that is excluded as a whole."""
        anchor = anchor or after
        left = _ASKED
        while left:
            following: date | None = None
            for each in self.occurrences(after, anchor=anchor):
                if each.runs:
                    left = _ASKED
                    yield each.at
                    continue
                left -= 1
                if not left:
                    return
                if each.note == EXCLUDED:
                    day = each.local.date()
                    following = self._next_day(day)
                    if following != day:
                        break
                    following = None
            if following is None:
                return
            midnight = datetime.combine(following, time())
            after = clocks.to_utc(midnight, self.zone) - _INSTANT

    def _next_day(self, day: date) -> date | None:
        """The first day, from a day on, that may have a time left; None if there is none."""
        parsed = self._parsed
        if isinstance(parsed, Cron):
            return self.exclusions.next_day(parsed, day)
        last = self.exclusions.covers(day)
        return day if last is None else last + _DAY if last < date.max else None

    def _times(self, after: datetime, anchor: datetime | None) -> Iterator[tuple[datetime, datetime]]:
        """Times in UTC and on the wall clock, without a zone."""
        if after.tzinfo is None or (anchor is not None and anchor.tzinfo is None):
            raise ValueError("a moment without a time zone is ambiguous")
        parsed = self._parsed
        if isinstance(parsed, Rate):
            first = (anchor or after).astimezone(UTC)
            for at in parsed.after(after.astimezone(UTC), first):
                if at > first:  # a rule that was made now is first due a period later
                    yield at, at.astimezone(self.zone).replace(tzinfo=None)
            return
        begin = max(after, self.start_utc - _INSTANT) if self.start_utc else after
        wall = begin.astimezone(self.zone).replace(tzinfo=None)
        for each in parsed.after(wall) if isinstance(parsed, Cron) else (parsed.wall,):
            at = clocks.to_utc(each, self.zone)
            if at > begin:  # a time that comes twice may be over, and its wall clock's time yet to come
                yield at, each

    def _occurrence(self, at: datetime, wall: datetime) -> Occurrence:
        if self.is_rate:
            return Occurrence(at, at.astimezone(self.zone))
        local = wall.replace(tzinfo=self.zone)
        change = clocks.change_of(wall, self.zone)
        if change > timedelta():
            return Occurrence(at, local, f"skipped: {wall:%H:%M} does not exist on this day", runs=False)
        if self.exclusions and self.exclusions.matches(wall):
            return Occurrence(at, local, EXCLUDED, runs=False)
        return Occurrence(at, local, f"{wall:%H:%M} comes twice: runs once" if change < timedelta() else "")


@lru_cache(maxsize=8192)
def _timing(
    expression: str,
    timezone: str | None,
    start: str | None,
    end: str | None,
    except_: tuple[str, ...],
    trigger: str,
) -> Timing:
    zone = ZoneInfo(timezone or "UTC")
    return Timing(
        crontab.to_aws(expression),
        zone,
        trigger,
        timestamps.first(start, zone) if start else None,
        timestamps.last(end, zone) if end else None,
        Exclusions.parse(except_),
    )
