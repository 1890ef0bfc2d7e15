"""When a schedule expression is due: cron, rate and at, in a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CALL = re.compile(r"(cron|at)\((.*)\)")
_YEAR_STEP = re.compile(r"((?P<all>\*)|(?P<first>\d{4})(-(?P<last>\d{4}))?)/(?P<step>\d{1,3})")
_YEARS = (1970, 2199)
_FRIDAY = 4
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
# A local time that does not exist is skipped; no zone skips more than a few in a row.
_SKIPPED_AT_MOST = 2000


class ExpressionError(ValueError):
    """A schedule expression or time zone that AWS refuses."""


@dataclass(frozen=True)
class Expression:
    """A parsed schedule expression; times are epoch seconds.

    Attributes:
        at: The one time of `at()`; minus infinity where the time zone skips it.
        cron: It is due whenever one of these is.
        last_weekday: Whether of those days only the last weekday of the month counts.
    """

    text: str
    zone: ZoneInfo | None = None
    rate_seconds: int | None = None
    at: float | None = None
    cron: tuple[AwsCroniter, ...] = ()
    last_weekday: bool = False

    def following(self, after: float, anchor: float) -> float | None:
        """Return the first time it is due later than `after`; None if it never is again.

        Args:
            after: Times up to and including this one are past.
            anchor: Where a rate starts to count: its start date, or its creation.
        """
        if self.at is not None:
            return self.at if self.at > after else None
        if self.rate_seconds is not None:
            passed = max(0, int((after - anchor) // self.rate_seconds) + 1)
            return anchor + max(passed, 1) * self.rate_seconds
        return self._following_cron(after)

    def _following_cron(self, after: float) -> float | None:
        zone = self.zone or UTC
        # The library counts in UTC; here "UTC" means the zone's wall clock.
        local = datetime.fromtimestamp(after, tz=zone).replace(tzinfo=UTC, fold=0)
        # Where the clock was set back, the wall clock has been through the times that follow once already.
        for _ in range(_SKIPPED_AT_MOST):
            occurrences = [moment for cron in self.cron if (moment := _next(cron, local)) is not None]
            if not occurrences:  # years that are over
                return None
            local = min(occurrences)
            if self.last_weekday and not _is_last_weekday(local):
                local = local.replace(hour=23, minute=59)
                continue
            moment = local.replace(tzinfo=zone)
            epoch: float = moment.timestamp()
            exists = datetime.fromtimestamp(epoch, tz=zone).replace(tzinfo=UTC) == local
            if exists and epoch > after:
                return epoch
        return None


def _next(cron: AwsCroniter, local: datetime) -> datetime | None:
    """Return a cron expression's next time; the library gives up where it has to look years ahead."""
    for year in range(local.year, max(cron.years) + 1):
        found: datetime | None = cron.get_next(local, 1)[0]
        if found is not None:
            return found
        local = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    return None


def _is_last_weekday(day: datetime) -> bool:
    following = day + timedelta(days=3 if day.weekday() == _FRIDAY else 1)
    return day.weekday() <= _FRIDAY and following.month != day.month


@lru_cache(maxsize=1024)
def parse(text: str, timezone: str = "UTC") -> Expression:
    """Read a schedule expression.

    Raises:
        ExpressionError: AWS would refuse it, or the zone is not known.
    """
    zone = zone_of(timezone)
    if rate := _RATE.fullmatch(text):
        number, unit = int(rate[1]), rate[2]
        if number < 1 or (number == 1) == unit.endswith("s"):
            raise ExpressionError(f"{text}: a rate of 1 has a singular unit, a greater one a plural")
        return Expression(text, rate_seconds=number * _UNIT_SECONDS[unit.rstrip("s")])
    call = _CALL.fullmatch(text)
    if call is None:
        raise ExpressionError(f"{text}: must be cron(...), rate(...) or at(...)")
    if call[1] == "at":
        try:
            moment = datetime.strptime(call[2], "%Y-%m-%dT%H:%M:%S")
        except ValueError as error:
            raise ExpressionError(f"{text}: must be at(yyyy-mm-ddThh:mm:ss)") from error
        epoch = moment.replace(tzinfo=zone).timestamp()
        exists = datetime.fromtimestamp(epoch, tz=zone).replace(tzinfo=None) == moment
        return Expression(text, zone, at=epoch if exists else float("-inf"))
    return _cron(text, call[2], zone)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ExpressionError: There is none of that name.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExpressionError(f"{name}: is not a time zone") from error


def _cron(text: str, fields_text: str, zone: ZoneInfo) -> Expression:
    fields = fields_text.upper().split()
    if len(fields) != 6:
        raise ExpressionError(f"{text}: cron has six fields, {len(fields)} given")
    if fields[4] == "L":
        fields[4] = "7"  # alone it is Saturday; the library takes it for "the last one of the month"
    # What the library lacks: the last weekday, and steps of years.
    last_weekday = fields[2] == "LW"
    days = ("L", "L-1", "L-2") if last_weekday else (fields[2],)
    fields[5] = ",".join(_years(part) for part in fields[5].split(","))
    try:
        crons = tuple(AwsCroniter(" ".join([*fields[:2], day, *fields[3:]])) for day in days)
    except Exception as error:  # the library has no common base for what it raises
        raise ExpressionError(f"{text}: {error}") from error
    return Expression(text, zone, cron=crons, last_weekday=last_weekday)


def _years(part: str) -> str:
    """Write out a step of years, as in 2026/2, 2026-2040/5 or */10; return anything else as it is."""
    found = _YEAR_STEP.fullmatch(part)
    if found is None or not int(found["step"]):
        return part
    first, last = (_YEARS[0], _YEARS[1]) if found["all"] else (int(found["first"]), int(found["last"] or _YEARS[1]))
    return ",".join(map(str, range(first, last + 1, int(found["step"])))) or part
