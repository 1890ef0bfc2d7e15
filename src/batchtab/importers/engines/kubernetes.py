"""Kubernetes' cron, `robfig/cron` version 3, written from its rules.

A day field is free only if it is `*`, `?` or `*/1`; with both set, either day counts. `n/m` goes on to the field's end.
A time that clocks skip does not come; a time that comes twice counts twice. `@every` counts from the last start.

From one start to the next it walks through days and hours, and sees a day's end only at hour 0. Where midnight is
skipped, such as in Cairo, it takes hours of that day for the day before, or leaves the day out: so does this.
https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from batchtab.importers.engines import ClockError
from batchtab.importers.engines.words import WORDS
from batchtab.importers.imported import SourceClock

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_BOUNDS: tuple[tuple[int, int, list[str]], ...] = (
    (0, 59, []),
    (0, 23, []),
    (1, 31, []),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_YEARS = 5
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s+(.*)", re.DOTALL)
_NUMBER = re.compile(r"\+?[0-9]{1,9}")
_EVERY = "@every "
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": Fraction(1, 10**9), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6), "μs": Fraction(1, 10**6)}
_UNITS |= {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}
_LONGEST = timedelta(seconds=2**63 // 10**9)  # Go's Duration
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_NOON, _HOURS = 12, 24


@dataclass(frozen=True, slots=True)
class _Set:
    numbers: frozenset[int]
    is_free: bool


def split_zone(expression: str) -> tuple[str, str]:
    """The zone before an expression, as in `CRON_TZ=Asia/Seoul 0 9 * * *`, empty if none; and the rest."""
    match = _ZONE.fullmatch(expression)
    return (match[1], match[2].strip()) if match else ("", expression)


def every(expression: str) -> timedelta | None:
    """The period of `@every 1h30m`, in whole seconds, one at least; None for other expressions.

    Raises:
        ClockError: Go would not take it for a duration.
    """
    text = split_zone(expression)[1]
    if not text.startswith(_EVERY):
        return None
    duration = text[len(_EVERY) :].removeprefix("+")
    seconds = sum((Fraction(number) * _UNITS[unit] for number, unit in _PART.findall(duration)), Fraction())
    if (duration != "0" and (not duration or _PART.sub("", duration))) or seconds > _LONGEST.total_seconds():
        raise ClockError(f"'{text}' names no duration such as 1h30m")
    return timedelta(seconds=max(1, int(seconds)))


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When the CronJob controller creates a Job. A zone before the expression comes before the clock's."""
    step = every(clock.expression)
    if step is not None:
        return _periods(step, since)
    name, text = split_zone(clock.expression)
    return _Walk(_parse(text), ZoneInfo(name or clock.timezone)).times(since)


def at_noon(clock: SourceClock) -> SourceClock | None:
    """The same days, at 12:00."""
    name, text = split_zone(clock.expression)
    if text.startswith(_EVERY):
        return None
    fields = WORDS.get(text, text).split()
    zone = f"TZ={name} " if name else ""
    return replace(clock, expression=zone + " ".join(["0", "12", *fields[2:]]))


def _periods(step: timedelta, at: datetime) -> Iterator[datetime]:
    while True:
        at += step
        yield at


@dataclass(frozen=True, slots=True)
class _Walk:
    """Walks from one start to the next, on the wall clock of a zone."""

    fields: list[_Set]
    zone: ZoneInfo

    def times(self, since: datetime) -> Iterator[datetime]:
        at = self._next(since - timedelta.resolution)
        while at is not None:
            yield at.astimezone(UTC)
            at = self._next(at)

    def _next(self, after: datetime) -> datetime | None:
        """The first start after a moment, from the next minute on; None if five years have none."""
        minutes, hours, _, months, _ = (each.numbers for each in self.fields)
        at = self._plus(after.astimezone(UTC).replace(second=0, microsecond=0), _MINUTE)
        last, has_moved = at.year + _YEARS, False
        while at.year <= last:
            while at.month not in months:
                at = self._next_month(at if has_moved else self._wall(at.year, at.month, 1))
                has_moved = True
                if at.month == 1:
                    break
            if at.month not in months:
                continue
            is_at_end = False
            while not is_at_end and not self._is_day(at):
                at = self._next_day(at if has_moved else self._wall(at.year, at.month, at.day))
                has_moved, is_at_end = True, at.day == 1
            while not is_at_end and at.hour not in hours:
                at = self._plus(at if has_moved else self._wall(at.year, at.month, at.day, at.hour), _HOUR)
                has_moved, is_at_end = True, at.hour == 0
            while not is_at_end and at.minute not in minutes:
                at = self._next_minute(at, minutes)
                has_moved, is_at_end = True, at.minute == 0
            if not is_at_end:
                return at
        return None

    def _next_month(self, at: datetime) -> datetime:
        first = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, at.hour, at.minute)
        return self._on_wall(first + timedelta(days=at.day - 1))

    def _next_day(self, at: datetime) -> datetime:
        """The next midnight, or what it makes of one that clocks skip."""
        found = self._on_wall(at.replace(tzinfo=None, fold=0) + timedelta(days=1))
        return self._plus(found, timedelta(hours=(_HOURS if found.hour > _NOON else 0) - found.hour))

    def _next_minute(self, at: datetime, minutes: frozenset[int]) -> datetime:
        """A minute of the set, or the hour's end; in one step where clocks do not change."""
        later = [each for each in minutes if each > at.minute]
        found = self._plus(at, timedelta(minutes=min(later, default=60) - at.minute))
        return found if found.utcoffset() == at.utcoffset() else self._plus(at, _MINUTE)

    def _is_day(self, at: datetime) -> bool:
        of_month, of_week = self.fields[2], self.fields[4]
        is_of_month = at.day in of_month.numbers
        is_of_week = at.isoweekday() % 7 in of_week.numbers
        if of_month.is_free or of_week.is_free:
            return is_of_month and is_of_week
        return is_of_month or is_of_week

    def _plus(self, at: datetime, duration: timedelta) -> datetime:
        return (at.astimezone(UTC) + duration).astimezone(self.zone)

    def _wall(self, year: int, month: int, day: int, hour: int = 0) -> datetime:
        return self._on_wall(datetime(year, month, day, hour))

    def _on_wall(self, wall: datetime) -> datetime:
        """A time of the wall clock as Go takes it: one that is skipped by one of the two offsets around the change."""
        at = wall.replace(tzinfo=UTC)
        first = at - (at.astimezone(self.zone).utcoffset() or timedelta())
        return (at - (first.astimezone(self.zone).utcoffset() or timedelta())).astimezone(self.zone)


def _parse(expression: str) -> list[_Set]:
    fields = WORDS.get(expression, expression).split()
    if len(fields) != len(_BOUNDS):
        raise ClockError(f"'{expression}' has {len(fields)} fields instead of 5")
    return [_field(text.upper(), *bounds) for text, bounds in zip(fields, _BOUNDS, strict=True)]


def _field(text: str, low: int, high: int, names: list[str]) -> _Set:
    numbers: set[int] = set()
    is_free = False
    for item in filter(None, text.split(",")):
        base, slash, step_text = item.partition("/")
        first_text, dash, last_text = base.partition("-")
        if slash and not _NUMBER.fullmatch(step_text):
            raise ClockError(f"'{item}' has no number after '/'")
        step = int(step_text) if slash else 1
        if first_text in {"*", "?"}:
            first, last = low, high
            is_free = is_free or step == 1
        else:
            first = _number(first_text, low, high, names)
            last = _number(last_text, low, high, names) if dash else high if slash else first
        if step < 1 or first > last:
            raise ClockError(f"'{item}' is not a range")
        numbers.update(range(first, last + 1, step))
    return _Set(frozenset(numbers), is_free)


def _number(text: str, low: int, high: int, names: list[str]) -> int:
    if text in names:
        return names.index(text) + low
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise ClockError(f"'{text}' is not {low} to {high}")
    return int(text)
