"""Proves that imported jobs start when their source did: two independent engines, five years, every clock change.

`day_comparison` has the comparison of schedules with several times a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from batchtab.declarations.job import JobSpec
from batchtab.importers import engines
from batchtab.importers.day_comparison import by_days, digest_of, has_several, in_full
from batchtab.importers.imported import Fires, SourceClock
from batchtab.schedules.timing import Timing

YEARS = 5
CLOCK_CHANGE = "clock change"
DAYS = "days"
PHASE = "phase"
PERIOD = "period"
OTHER = "other"
#: What a difference means, for people.
MEANINGS = {
    CLOCK_CHANGE: "clocks change on these days: in a zone, EventBridge Scheduler skips a time that does not exist and"
    " starts a time that comes twice once; in UTC there are no such times",
    DAYS: "day of month and day of week are combined in another way",
    PHASE: "the same period, counted from another moment",
    PERIOD: "another period",
    OTHER: "the schedules differ",
}
#: Differences that come from where a job runs, not from how it was imported.
EXPECTED = frozenset({CLOCK_CHANGE, PHASE})
_DAY = timedelta(days=1)
_NEAR = timedelta(hours=3)
_NEAR_OF_AIRFLOW = timedelta(hours=26)  # whose hours of `*` are counted on from the day before
_CRONS = frozenset({"vixie", "cronie", "kubernetes", "airflow"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENTURY = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Difference:
    """Times on which one side starts a job and the other does not.

    Attributes:
        cause: A key of `MEANINGS`.
        is_missing: Whether the source starts a job that jobs.yaml does not; else jobs.yaml starts one more.
        first: The first of these times, ISO 8601 in UTC; empty where there is no single time.
        count: How many there are.
    """

    cause: str
    is_missing: bool
    first: str
    count: int


@dataclass(frozen=True, slots=True)
class Proven:
    """The comparison of one schedule.

    Attributes:
        fires: What was claimed.
        times: How often the source starts the job in the period.
        digest: SHA-256 of these times.
        differences: What differs; empty if nothing.
    """

    fires: Fires
    times: int
    digest: str
    differences: tuple[Difference, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether no time differs."""
        return not self.differences

    @property
    def is_period(self) -> bool:
        """Whether the source has a period, which has no times that could be compared."""
        return _is_period(self.fires.clock)

    @property
    def is_expected(self) -> bool:
        """Whether all differences come from where a job runs."""
        return all(each.cause in EXPECTED for each in self.differences)

    def as_json(self) -> dict[str, Any]:
        """For the file of the proof."""
        return {
            "jobs": list(self.fires.jobs),
            "source": self.fires.clock.as_json(),
            "jitter_seconds": self.fires.jitter_seconds,
            "times": self.times,
            "sha256": self.digest,
            "differences": [
                {
                    "cause": each.cause,
                    "side": "missing" if each.is_missing else "extra",
                    "first": each.first,
                    "count": each.count,
                }
                for each in self.differences
            ],
        }


def prove(fires: Iterable[Fires], jobs: dict[str, JobSpec], since: datetime, years: int = YEARS) -> list[Proven]:
    """Compare each claim with the jobs as they were loaded from jobs.yaml.

    Args:
        fires: The claims.
        jobs: The jobs by name.
        since: From when, with a time zone.
        years: For how long.
    """
    until = since.replace(year=since.year + years, day=min(since.day, 28))
    known: dict[tuple[SourceClock, tuple[Timing, ...]], Proven] = {}
    found = []
    for each in fires:
        key = each.clock, tuple(_timing(jobs[name]) for name in each.jobs)
        if key not in known:
            known[key] = _proven(each, key[1], since, until)
        found.append(replace(known[key], fires=each))
    return found


def _timing(job: JobSpec) -> Timing:
    return Timing.of(
        job.schedule or "",
        timezone=job.timezone,
        start=job.start,
        end=job.end,
        excluded=tuple(job.except_),
        trigger="schedule",
    )


def _proven(fires: Fires, timings: Sequence[Timing], since: datetime, until: datetime) -> Proven:
    clock = fires.clock
    period = _period(clock)
    if period is not None or any(each.is_rate for each in timings):
        return _compared_periods(fires, period, timings)
    found = by_days(clock, timings, since, until) if has_several(timings) else None
    compared = found or in_full(clock, timings, since, until)
    all_zones = {*_zones(clock), *(each.zone for each in timings)}
    return Proven(fires, compared.times, compared.digest, _classified(compared.differing, all_zones, clock))


def _zones(clock: SourceClock) -> set[ZoneInfo]:
    """The source's zones: also those that systemd and Kubernetes take within an expression."""
    words = [word.rpartition("=")[2] for word in clock.expression.split()]
    return {ZoneInfo(each) for each in (clock.timezone, *(word for word in words if word in _known_zones()))}


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_period(clock: SourceClock) -> bool:
    # Kubernetes takes a zone before an expression.
    is_named = re.match(r"((CRON_)?TZ=\S*\s+)?(@every |rate\()", clock.expression)
    return clock.engine == "period" or is_named is not None


def _period(clock: SourceClock) -> int | None:
    """The seconds of a source's period; None if it names times."""
    if not _is_period(clock):
        return None
    first = next(engines.times(replace(clock, start="", end=""), _EPOCH, _EPOCH + _CENTURY))
    return int((first - _EPOCH).total_seconds())


def _compared_periods(fires: Fires, period: int | None, timings: Sequence[Timing]) -> Proven:
    """A period has no times that can be compared, only its length."""
    found = [each.shortest_period() for each in timings]
    seconds = [int(each.total_seconds()) for each in found if each is not None]
    digest = digest_of([period])
    if seconds != [period]:
        return Proven(fires, 0, digest, (Difference(PERIOD, is_missing=False, first="", count=1),))
    if timings[0].is_rate:
        return Proven(fires, 0, digest)
    return Proven(fires, 0, digest, (Difference(PHASE, is_missing=False, first="", count=1),))


def _has_two_days(clock: SourceClock) -> bool:
    fields = clock.expression.split()
    return clock.engine in _CRONS and len(fields) == 5 and "*" not in {fields[2], fields[4]}


def _classified(
    differing: Sequence[tuple[bool, datetime]], all_zones: set[ZoneInfo], clock: SourceClock
) -> tuple[Difference, ...]:
    near = _NEAR_OF_AIRFLOW if clock.engine == "airflow" else _NEAR
    # With two zones, days are the least of it.
    elsewhere = DAYS if _has_two_days(clock) and len(all_zones) == 1 else OTHER
    groups: dict[tuple[str, bool], list[datetime]] = {}
    for is_missing, at in differing:
        is_near = any(
            (at - near).astimezone(zone).utcoffset() != (at + near).astimezone(zone).utcoffset() for zone in all_zones
        )
        groups.setdefault((CLOCK_CHANGE if is_near else elsewhere, is_missing), []).append(at)
    return tuple(
        Difference(cause, is_missing, f"{min(times):%Y-%m-%dT%H:%MZ}", len(times))
        for (cause, is_missing), times in sorted(groups.items())
    )
