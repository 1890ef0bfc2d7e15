"""systemd's `OnCalendar=`, by `oncalendar`; several of one timer are on a line each.

https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from oncalendar import SPECIALS, OnCalendar, OnCalendarError

from batchtab.importers.engines import ClockError
from batchtab.importers.imported import SourceClock

_TIME = re.compile(r"[0-9*,/.~-]+:[0-9*,/.-]+(:[0-9*,/.-]+)?")


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When systemd starts the unit. A zone at the end of the expression comes before the clock's."""
    # To oncalendar a range of one number with a step goes on to the field's end; to systemd it is that number.
    expression = re.sub(r"\b0*([0-9]+)\.\.0*\1/[0-9]+", r"\1", clock.expression)
    try:
        found = OnCalendar(expression, (since - timedelta(seconds=1)).astimezone(ZoneInfo(clock.timezone)))
    except (OnCalendarError, ValueError) as error:  # a number of thousands of digits is the latter
        raise ClockError(str(error)) from None
    return (each.astimezone(UTC) for each in found)


def at_noon(clock: SourceClock) -> SourceClock | None:
    """The same days, at 12:00."""
    if "\n" in clock.expression:
        return None
    words = SPECIALS.get(clock.expression.lower(), clock.expression).split()
    # Without a time an expression means midnight.
    index = next((index for index, word in enumerate(words) if _TIME.fullmatch(word)), None)
    if index is None:
        return None
    words[index] = "12:00:00"
    return replace(clock, expression=" ".join(words))
