"""Pile-ups that are the same on several days, listed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from batchtab.calendar import words
from batchtab.calendar.contention import Contention
from batchtab.calendar.days import DAYS
from batchtab.calendar.timeline import Calendar
from batchtab.errors import how_many
from batchtab.schedules.durations import duration

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A pile-up and its likes at the same time of other days."""

    calendar: Calendar
    contentions: list[Contention] = field(default_factory=list)

    @property
    def first(self) -> Contention:
        """The first of them."""
        return self.contentions[0]

    @property
    def when(self) -> str:
        """`every day 00:00-00:40`, on the wall clock of the week."""
        start, end = self._moment(self.first.start), self._moment(-(-self.first.end // 60) * 60)
        if end - start >= timedelta(days=1):
            return f"{words.day(start)} {start:%H:%M} {words.DASH} {words.day(end)} {end:%H:%M}"
        return f"{self._days()} {start:%H:%M}{words.DASH}{end:%H:%M}"

    @property
    def when_utc(self) -> str:
        """When the first of them begins, in UTC."""
        moment = self.calendar.week.start + timedelta(seconds=self.first.start)
        return f"{moment:%H:%M} UTC" if len(self.contentions) > 1 else f"{moment:%a %H:%M} UTC"

    @property
    def wanted(self) -> str:
        """`44 of 32 vCPUs`."""
        return f"{words.vcpus(self.first.wanted)} of {self.calendar.catalog.stage.max_vcpus:,} vCPUs"

    @property
    def waits(self) -> str:
        """`6 runs wait, up to 25 min`."""
        each_time = "each time " if len(self.contentions) > 1 else ""
        return each_time + waiting(self.contentions[:1])

    @property
    def is_bound(self) -> bool:
        """Whether it involves a job whose usual duration is unknown."""
        return any(not self.calendar.timelines[number].is_usual for number in self.first.meeting | self.first.waiting)

    def meeting(self, most: int) -> str:
        """The jobs that ask for it, those that ask for most first; at most `most` of them by name."""
        return self._names(self.first.meeting, most)

    def waiting(self, most: int) -> str:
        """The jobs that wait, in the same way."""
        return self._names(self.first.waiting, most)

    def _names(self, runs: Counter[int], most: int) -> str:
        timelines = self.calendar.timelines

        def order(number: int) -> tuple[float, str]:
            job = timelines[number].job
            return -job.total_vcpus * (job.array_size or 1) * runs[number], timelines[number].full_name

        names = [
            timelines[number].full_name + (f" {words.TIMES} {runs[number]:,}" if runs[number] > 1 else "")
            for number in sorted(runs, key=order)
        ]
        return words.listed(names, most)

    def _days(self) -> str:
        days = [self._moment(each.start) for each in self.contentions]
        if len(days) == DAYS:
            return "every day"
        if len(days) == 1:
            return words.day(days[0])
        if len(days) > _PAIR and (days[-1].date() - days[0].date()).days == len(days) - 1:
            return f"{days[0]:%a} to {days[-1]:%a}"
        return ", ".join(f"{day:%a}" for day in days)

    def _moment(self, second: int) -> datetime:
        week = self.calendar.week
        return week.local(week.start + timedelta(seconds=second))


def waiting(contentions: Sequence[Contention]) -> str:
    """`6 runs wait, up to 25 min`."""
    waits = [wait for each in contentions for wait in each.waits]
    if not waits:
        return "no run waits"
    verb = "waits" if len(waits) == 1 else "wait"
    lasting = sum(wait.began is None for wait in waits)
    more = f", {lasting:,} into the next week" if lasting else ""
    return f"{how_many(len(waits), 'run')} {verb}, up to {duration(max(each.longest for each in contentions))}{more}"


def recurrences(calendar: Calendar, contentions: list[Contention]) -> list[Recurrence]:
    """Pile-ups by what they have in common, in order of their first."""
    found: dict[object, Recurrence] = {}
    for each in contentions:
        start = calendar.week.local(calendar.week.start + timedelta(seconds=each.start))
        jobs = (frozenset(each.meeting), frozenset(each.waiting))
        key = (start.time(), each.end - each.start, each.wanted, len(each.waits), each.longest, jobs)
        found.setdefault(key, Recurrence(calendar)).contentions.append(each)
    return list(found.values())
