"""Debian's cron, by `cronsim`: day of month *or* day of week unless one begins with `*`; fixed times survive DST.

A time that clocks skip is made up for just after; a time that comes twice counts once. Entries whose minute or hour
begins with `*` go by real time. Of cronie's `first~last`, a value by chance, the first counts.
https://manpages.debian.org/stable/cron/cron.8.en.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from batchtab.importers.engines import ClockError
from batchtab.importers.engines.words import WORDS
from batchtab.importers.imported import SourceClock

_FIELDS = 5
_MONTH = 3
_LOWS = ("0", "0", "1", "1", "0")


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When cron starts the job."""
    found = walk(clock.expression, (since - timedelta(minutes=1)).astimezone(ZoneInfo(clock.timezone)))
    return (each.astimezone(UTC) for each in found)


def at_noon(clock: SourceClock) -> SourceClock:
    """The same days, at 12:00."""
    fields = _plain(clock.expression).split()
    return replace(clock, expression=" ".join(["0", "12", *fields[2:_FIELDS]]))


def walk(expression: str, after: datetime) -> Iterator[datetime]:
    """The times of an expression after a moment, in that moment's zone.

    Raises:
        ClockError: Cron would refuse the expression.
    """
    plain = _plain(expression)
    try:
        return CronSim(plain, after)
    except (CronSimError, ValueError) as error:  # a number of thousands of digits is the latter
        if _is_of_no_month(plain):
            return iter(())
        raise ClockError(str(error)) from None


def _is_of_no_month(plain: str) -> bool:
    """Whether only the month has too few days, as in `0 0 31 2 *`: cron takes it, and never starts it."""
    fields = plain.split()
    if len(fields) != _FIELDS:
        return False
    try:
        # CronSim checks the month before it compares it with the days.
        for days, month in (("*", fields[_MONTH]), (fields[2], "*")):
            CronSim(" ".join([*fields[:2], days, month, fields[-1]]), datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError):
        return False
    return True


def _plain(expression: str) -> str:
    """Five fields without words and values by chance."""
    # To cronsim a range of one number with a step goes on to the field's end; to cron it is that number.
    plain = re.sub(r"\b(\w+)-\1/[0-9]+", r"\1", WORDS.get(expression.lower(), expression))
    fields = plain.split()
    if "~" in expression and len(fields) == _FIELDS:
        fields = [
            re.sub("~[0-9]*", "", re.sub("(?<![0-9])~", f"{low}~", text))
            for text, low in zip(fields, _LOWS, strict=True)
        ]
    return " ".join(fields)
