"""When a schedule expression is due: cron, rate and at, in a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CALL = re.compile(r"(cron|at)\((.*)\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
# A local time that does not exist is skipped; no zone skips more than a few in a row.
_SKIPPED_AT_MOST = 2000


class ExpressionError(ValueError):
    """A schedule expression or time zone that AWS refuses."""


@dataclass(frozen=True)
class Expression:
    """A parsed schedule expression; times are epoch seconds."""

    text: str
    zone: ZoneInfo | None = None
    rate_seconds: int | None = None
    at: float | None = None
    cron: AwsCroniter | None = None

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
        if self.cron is None:
            return None
        zone = self.zone or UTC
        # The library counts in UTC; here "UTC" stands for the zone's wall clock.
        local = datetime.fromtimestamp(after, tz=zone).replace(tzinfo=UTC, fold=0)
        # Where the clock was set back, the wall clock has been through the times that follow once already.
        for _ in range(_SKIPPED_AT_MOST):
            occurrences = self.cron.get_next(local, 1)
            if not occurrences or occurrences[0] is None:  # years that are over
                return None
            local = occurrences[0]
            moment = local.replace(tzinfo=zone)
            epoch: float = moment.timestamp()
            exists = datetime.fromtimestamp(epoch, tz=zone).replace(tzinfo=UTC) == local
            if exists and epoch > after:
                return epoch
        return None


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
        return Expression(text, zone, at=moment.replace(tzinfo=zone).timestamp())
    return Expression(text, zone, cron=_cron(text, call[2]))


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ExpressionError: There is none of that name.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExpressionError(f"{name}: is not a time zone") from error


def _cron(text: str, fields_text: str) -> AwsCroniter:
    fields = fields_text.upper().split()
    if len(fields) != 6:
        raise ExpressionError(f"{text}: cron has six fields, {len(fields)} given")
    if fields[4] == "L":
        fields[4] = "7"  # alone it is Saturday; the library takes it for "the last one of the month"
    start, slash, step = fields[5].partition("/")
    if slash and start.isdigit() and step.isdigit() and int(step):
        fields[5] = ",".join(str(year) for year in range(int(start), 2200, int(step)))  # the library lacks it for years
    try:
        return AwsCroniter(" ".join(fields))
    except Exception as error:  # the library has no common base for what it raises
        raise ExpressionError(f"{text}: {error}") from error
