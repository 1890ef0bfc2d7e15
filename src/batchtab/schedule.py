"""Schedules for Python: `Schedule.cron(hour=2)`, `Schedule.rate(timedelta(hours=6))`; each is the text AWS takes."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


class Schedule(str):
    """A schedule as text, in the form that every door takes.

    See https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """

    __slots__ = ()

    @classmethod
    def cron(
        cls,
        *,
        minute: int | str = 0,
        hour: int | str = "*",
        day_of_month: int | str | None = None,
        month: int | str = "*",
        day_of_week: int | str | None = None,
        year: int | str = "*",
    ) -> Schedule:
        """AWS's cron: `Schedule.cron(hour=2, day_of_week="MON-FRI")` runs at 2:00 on working days.

        Args:
            minute: 0 to 59.
            hour: 0 to 23; by default each.
            day_of_month: 1 to 31, `L` or `15W`; not together with `day_of_week`.
            month: 1 to 12 or JAN to DEC.
            day_of_week: 1 to 7 or SUN to SAT; 1 is Sunday.
            year: 1970 to 2199.

        Raises:
            ValueError: Both days are given.
        """
        if day_of_month is not None and day_of_week is not None:
            raise ValueError("day_of_month does not go with day_of_week: AWS takes one of them")
        of_month = "?" if day_of_week is not None else "*" if day_of_month is None else day_of_month
        of_week = "?" if day_of_week is None else day_of_week
        return cls(f"cron({minute} {hour} {of_month} {month} {of_week} {year})")

    @classmethod
    def rate(cls, interval: timedelta) -> Schedule:
        """A rate: `Schedule.rate(timedelta(minutes=5))`, counted from the deployment.

        Raises:
            ValueError: The interval is not whole minutes, or less than one.
        """
        seconds = interval.total_seconds()
        if seconds < _UNITS[-1][1] or seconds % 60:
            raise ValueError(f"{interval} is not a rate: whole minutes, at least one")
        unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
        count = int(seconds // length)
        return cls(f"rate({count} {unit}{'' if count == 1 else 's'})")

    @classmethod
    def at(cls, moment: datetime) -> Schedule:
        """Once, at a wall-clock time of the job's `timezone`.

        Raises:
            ValueError: The moment has a time zone of its own; the job's field says which it is.
        """
        if moment.tzinfo is not None:
            raise ValueError(f"{moment} has a time zone: leave it out, and set the job's timezone")
        return cls(f"at({moment:%Y-%m-%dT%H:%M:%S})")

    @classmethod
    def crontab(cls, expression: str) -> Schedule:
        """Five fields of crontab, such as `*/15 9-17 * * 1-5`, or a word such as `@daily`."""
        return cls(expression)
