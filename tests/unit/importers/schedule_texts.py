"""Random schedules as sources write them, and whether jobs.yaml starts a job when they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from batchtab.importers import engines
from batchtab.importers.imported import SourceClock
from batchtab.importers.triggers import Trigger
from batchtab.schedules.timing import Timing

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_BOUNDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12))


def crontab_fields(random: Random) -> tuple[str, timedelta]:
    """Five fields, and for how long to compare them: a year of few times a day, or days of many."""
    is_often = random.random() < 0.3
    minute = _crontab_field(random, 0, 59) if is_often else str(random.randint(0, 59))
    hour = _crontab_field(random, 0, 23) if is_often or random.random() < 0.1 else str(random.randint(0, 23))
    days = [_crontab_field(random, 1, 31), _crontab_field(random, 1, 12, _MONTHS), _crontab_field(random, 0, 7, _DAYS)]
    return " ".join([minute, hour, *days]), timedelta(days=8 if is_often else 366)


def calendar_text(random: Random) -> tuple[str, timedelta]:
    """An `OnCalendar=` expression, and for how long to compare it."""
    is_often = random.random() < 0.2
    parts = []
    if random.random() < 0.4:
        parts.append(_days_of_week(random))
    if random.random() < 0.8:
        parts.append(_date(random))
    if parts and random.random() < 0.1:
        return " ".join(parts), timedelta(days=366)
    hour = _systemd_field(random, 0, 23) if is_often else f"{random.randint(0, 23):02}"
    minute = _systemd_field(random, 0, 59) if is_often else f"{random.randint(0, 59):02}"
    parts.append(f"{hour}:{minute}{random.choice(['', '', ':00', ':0'])}")
    return " ".join(parts), timedelta(days=8 if is_often else 731)


def differing(
    clock: SourceClock, triggers: Sequence[Trigger], span: timedelta, since: datetime = SINCE
) -> Counter[str]:
    """Times that only one side has; '+' is one that jobs.yaml has more than the source."""
    until = since + span
    source = Counter(engines.times(clock, since, until))
    result: Counter[datetime] = Counter()
    for each in triggers:
        timing = Timing.of(each.schedule, timezone=each.timezone, excluded=each.except_, trigger="schedule")
        assert not timing.why_never(), each
        result.update(timing.between(since, until - timedelta(seconds=1)))
    found: Counter[str] = Counter()
    found.update({f"- {at}": count for at, count in (source - result).items()})
    found.update({f"+ {at}": count for at, count in (result - source).items()})
    return found


def _crontab_field(random: Random, low: int, high: int, names: Sequence[str] = ()) -> str:
    kind = random.random()
    if kind < 0.35:
        return "*"
    count = 1 if kind < 0.8 else random.randint(2, 3)
    return ",".join(_crontab_item(random, low, high, names) for _ in range(count))


def _crontab_item(random: Random, low: int, high: int, names: Sequence[str]) -> str:
    kind = random.random()
    if kind < 0.45:
        number = random.randint(low, high)
        is_named = number - low < len(names) and random.random() < 0.3
        return random.choice([str.lower, str.upper, str.title])(names[number - low]) if is_named else str(number)
    first, last = sorted((random.randint(low, high), random.randint(low, high)))
    if kind < 0.7:
        return f"{first}-{last}"
    if kind < 0.85:
        return f"{first}-{last}/{random.randint(1, max(1, last - first))}"
    return f"*/{random.randint(1, high + 2)}" if kind < 0.97 else "*"


def _systemd_field(random: Random, low: int, high: int) -> str:
    kind = random.random()
    if kind < 0.3:
        return "*"
    return ",".join(_systemd_item(random, low, high) for _ in range(1 if kind < 0.8 else random.randint(2, 3)))


def _systemd_item(random: Random, low: int, high: int) -> str:
    first, last = sorted((random.randint(low, high), random.randint(low, high)))
    kind = random.random()
    if kind < 0.5:
        return f"{first:02}" if random.random() < 0.5 else str(first)
    if kind < 0.7:
        return f"{first}..{last}"
    if kind < 0.85:
        return f"{first}/{random.randint(1, high)}"
    return f"{first}..{last}/{random.randint(1, max(1, last - first))}"


def _date(random: Random) -> str:
    year = random.choice(["*", "*", "*", "*", "2026", "2026..2027", "2026/2", "26"])
    month = _systemd_field(random, 1, 12)
    if random.random() < 0.25:
        first, last = sorted((random.randint(1, 28), random.randint(1, 28)))
        back = random.choice([str(first), f"{first}..{last}", f"{first}/{random.randint(1, 7)}", f"{first},{last}"])
        return f"{year}-{month}~{back}"
    day = _systemd_field(random, 1, 31)
    return f"{month}-{day}" if random.random() < 0.2 else f"{year}-{month}-{day}"


def _days_of_week(random: Random) -> str:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    items = []
    for _ in range(random.randint(1, 3)):
        first, last = sorted((random.randint(0, 6), random.randint(0, 6)))
        items.append(random.choice([names[first], f"{names[first]}..{names[last]}", f"{names[first]}-{names[last]}"]))
    return ",".join(items) + random.choice(["", "", "", ","])
