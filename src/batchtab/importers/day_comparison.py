"""Compares the times of a source with those of jobs.yaml: in full, or by days, which gives the same in a hundredth.

The minutes and hours of cron do not depend on the day. So a schedule with several times a day is compared by its days,
by the times of one ordinary day of each kind, and in full on the days around clock changes and bounds.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from batchtab.importers import engines
from batchtab.importers.imported import SourceClock
from batchtab.schedules import clocks, cron, expression
from batchtab.schedules.cron import Cron
from batchtab.schedules.exclusions import Exclusions
from batchtab.schedules.timing import Timing

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found.

    Attributes:
        times: How often the source starts the job.
        digest: SHA-256 of these times.
        differing: Each time that differs, and whether it is missing in jobs.yaml.
    """

    times: int
    digest: str
    differing: Sequence[tuple[bool, datetime]]


def in_full(clock: SourceClock, timings: Sequence[Timing], since: datetime, until: datetime) -> Compared:
    """Compare each time."""
    source = Counter(engines.times(clock, since, until))
    differing = _differing(source, _result(timings, since, until))
    return Compared(source.total(), digest_of(sorted(source.elements())), differing)


def by_days(clock: SourceClock, timings: Sequence[Timing], since: datetime, until: datetime) -> Compared | None:
    """Compare by days; None where days and times of day cannot be separated, or the days differ."""
    noon = engines.at_noon(clock)
    noons = [found for each in timings if (found := _at_noon(each)) is not None]
    if noon is None or len(noons) < len(timings) or len({each.zone.key for each in timings}) > 1:
        return None
    own, other = ZoneInfo(clock.timezone), timings[0].zone
    days = [at.astimezone(own).date() for at in engines.times(noon, since, until)]
    days_of_each = [{at.astimezone(other).date() for at in _result([each], since, until)} for each in noons]
    every = set().union(*days_of_each)
    whole = (until - since).days
    if own.key != other.key and min(len(days), len(every)) < whole - 1:
        return None
    if own.key == other.key and {*days} != every:
        return None
    special = _special_days(own, other, clock, timings, since, until)
    # An ordinary day speaks for all others on which the same jobs start.
    kinds: dict[tuple[bool, ...], list[date]] = defaultdict(list)
    for day in days:
        if day not in special:
            kinds[tuple(day in each for each in days_of_each)].append(day)
    number, digested, differing = 0, [], []
    for day, weight in [*((day, 1) for day in sorted(special)), *((each[0], len(each)) for each in kinds.values())]:
        begin = max(since, clocks.to_utc(datetime.combine(day, time()), own))
        end = min(until, clocks.to_utc(datetime.combine(day + _DAY, time()), own))
        if begin < end:
            source = Counter(engines.times(clock, begin, end))
            differing += _differing(source, _result(timings, begin, end)) * weight
            number += source.total() * weight
            digested += sorted(source.elements())
    return Compared(number, digest_of([*digested, *days]), differing)


def _result(timings: Sequence[Timing], since: datetime, until: datetime) -> Counter[datetime]:
    last = until - timedelta(microseconds=1)
    return Counter(at for each in timings for at in each.between(since, last))


def _differing(source: Counter[datetime], result: Counter[datetime]) -> list[tuple[bool, datetime]]:
    """Whether it is missing in the result, and when."""
    missing = [(True, at) for at in (source - result).elements()]
    return sorted([*missing, *((False, at) for at in (result - source).elements())], key=lambda each: each[1])


def digest_of(times: Iterable[object]) -> str:
    """SHA-256 of times, a line each."""
    return hashlib.sha256("\n".join(map(str, times)).encode()).hexdigest()


def has_several(timings: Sequence[Timing]) -> bool:
    """Whether a day may have several times."""
    parsed = [expression.parse(each.expression) for each in timings]
    return any(isinstance(each, Cron) and len(each.minutes) * len(each.hours) > 1 for each in parsed)


def _special_days(
    own: ZoneInfo, other: ZoneInfo, clock: SourceClock, timings: Sequence[Timing], since: datetime, until: datetime
) -> set[date]:
    """The days around each clock change and each bound, in the source's zone."""
    moments = [since, until, *_changes(own, since, until), *_changes(other, since, until)]
    moments += [datetime.fromisoformat(each) for each in (clock.start, clock.end) if each]
    moments += [each for timing in timings for each in (timing.start_utc, timing.end_utc) if each]
    return {
        (at.astimezone(own) + offset).date() for at in moments if since - _DAY <= at <= until + _DAY
        for offset in (-_DAY, timedelta(), _DAY)
    }  # fmt: skip


@lru_cache
def _changes(zone: ZoneInfo, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """The days on which a zone's clocks change, as moments within them."""
    found = []
    at = since - _DAY
    while at < until + _DAY:
        following = at + _DAY
        if at.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            found.append(following)
        at = following
    return tuple(found)


def _at_noon(timing: Timing) -> Timing | None:
    if not timing.expression.startswith("cron("):
        return None
    fields = timing.expression[len("cron(") : -1]
    own = cron.parse(fields)
    if any((each.minutes, each.hours) != (own.minutes, own.hours) for each in timing.exclusions.crons):
        return None
    changed = f"cron({' '.join(['0', '12', *fields.split()[2:]])})"
    crons = tuple(replace(each, minutes=(0,), hours=(12,)) for each in timing.exclusions.crons)
    return replace(timing, expression=changed, exclusions=Exclusions(timing.exclusions.ranges, crons))
