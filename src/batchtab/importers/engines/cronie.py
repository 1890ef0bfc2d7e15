"""cronie's entries below CRON_TZ: each minute whose date and time on that zone's clocks match, and nothing for DST.

A time that clocks skip does not come, and a time that comes twice starts the job twice: cronie looks after DST only in
the machine's own zone, where it does as Debian's cron. Fields and days are those of Debian's cron. What cronie leaves
out while the machine's own clocks change is not part of it.
https://github.com/cronie-crond/cronie/blob/master/src/cron.c
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.importers.engines import vixie
from batchtab.importers.engines.vixie import at_noon
from batchtab.importers.imported import SourceClock

__all__ = ["at_noon", "times"]

#: Longer than any change of clocks: later times of the wall clock are no moments before it.
_CHANGE = timedelta(days=2)


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When cronie starts the job.

    Raises:
        ClockError: cronie would refuse the expression.
    """
    # UTC has no changes, so that these are all the times that a wall clock may show.
    walls = vixie.walk(clock.expression, since.astimezone(UTC) - _CHANGE)
    return (each for each in _moments(walls, ZoneInfo(clock.timezone)) if each >= since)


def _moments(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """When the zone's clocks show these times, in order."""
    waiting: list[datetime] = []
    for wall in walls:
        while waiting and waiting[0] < wall - _CHANGE:
            yield heapq.heappop(waiting)
        for moment in _shown(wall, zone):
            heapq.heappush(waiting, moment)
    while waiting:
        yield heapq.heappop(waiting)


def _shown(wall: datetime, zone: ZoneInfo) -> set[datetime]:
    found = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {each for each in found if each.astimezone(zone).replace(tzinfo=UTC, fold=0) == wall}
