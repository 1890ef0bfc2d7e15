"""When a job was last due: EventBridge's schedule expressions, read backwards.

See https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from shared.zones import zone

from .values import as_moment

_SET_BACK = timedelta(hours=3)  # more than any clock is


class Schedule(NamedTuple):
    """An expression, the zone on whose wall clocks it is read, and from when until when it counts, both in UTC."""

    expression: str
    timezone: str = ""
    start: str = ""
    end: str = ""

    @property
    def text(self) -> str:
        """All of it, as one text."""
        parts = [self.timezone, f"from {self.start}" if self.start else "", f"until {self.end}" if self.end else ""]
        return " ".join([self.expression, *filter(None, parts)])

    @property
    def fault(self) -> str:
        """Why it can't be read; empty if it can, as it should: Terraform has refused all others."""
        from batchtab.schedules import expression  # noqa: PLC0415 - few jobs are watched

        if zone(self.timezone) is None:
            return f"{self.timezone!r} is not a known time zone"
        unread = next((each for each in (self.start, self.end) if each and as_moment(each) is None), "")
        if unread:
            return f"{unread!r} is not a moment in UTC"
        if not self.expression.startswith(("at(", "cron(", "rate(")):
            return f"{self.expression!r} is not at(…), cron(…) or rate(…)"
        try:
            expression.parse(self.expression)
        except expression.ScheduleError as error:
            return f"{self.expression!r} {error.reason}"
        return ""

    @property
    def period(self) -> int | None:
        """The seconds of a rate, which counts from when AWS began to count; None for anything else."""
        if not self.expression.startswith("rate("):
            return None
        from batchtab.schedules import expression  # noqa: PLC0415 - few jobs are watched, and fewer have a rate

        parsed = expression.parse(self.expression)
        return parsed.seconds if isinstance(parsed, expression.Rate) else None

    def last_due(self, since: int, until: int) -> int | None:
        """Its last time that is not before `since` and not after `until`; None if there is none, or for a rate.

        Raises:
            ValueError: it has a `fault`.
        """
        start, end = as_moment(self.start), as_moment(self.end)
        since = since if start is None else max(since, start)
        until = until if end is None else min(until, end)
        where = zone(self.timezone)
        if where is None:
            raise ValueError(self.fault)
        if since > until:
            return None
        due = next((at for at in self._backwards(until, where) if at <= until), None)
        return due if due is not None and due >= since else None

    def _backwards(self, until: int, where: tzinfo) -> Iterator[int]:
        """Its times, the last first, beginning a little after `until`; none for a rate."""
        from batchtab.schedules import clocks, cron  # noqa: PLC0415 - alerts of failures need neither

        walls: Iterable[datetime] = ()
        if match := re.fullmatch(r"at\((.*)\)", self.expression):
            walls = [datetime.fromisoformat(match[1]).replace(tzinfo=None)]
        elif match := re.fullmatch(r"cron\((.*)\)", self.expression):
            last = datetime.fromtimestamp(until, UTC).astimezone(where).replace(tzinfo=None)
            # What a clock showed before it was set back may be later than what it shows now.
            walls = cron.parse(match[1]).before(last + _SET_BACK)
        for wall in walls:
            if at := clocks.instant(wall, where):
                yield int(at.timestamp())
