"""A fixed period, such as `300 seconds`, which counts from a moment that only the source knows: here from `since`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from batchtab.importers.engines import ClockError
from batchtab.importers.imported import SourceClock


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """One moment after each period."""
    step = seconds(clock.expression)

    def found() -> Iterator[datetime]:
        at = since
        while True:
            at += timedelta(seconds=step)
            yield at

    return found()


def at_noon(clock: SourceClock) -> None:
    """It has no days."""


def seconds(expression: str) -> int:
    """The period's length."""
    match = re.fullmatch("([1-9][0-9]*) seconds", expression)
    if match is None:
        raise ClockError(f"'{expression}' is not a period such as '300 seconds'")
    return int(match[1])
