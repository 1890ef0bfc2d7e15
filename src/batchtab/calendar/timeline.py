"""A job's week: its times, and how long each run takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from batchtab.calendar.days import Week
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.chain import resolve
from batchtab.declarations.job import JobSpec
from batchtab.schedules.timing import Occurrence, Timing

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class JobTimeline:
    """A job with a schedule, and its part in a week.

    Attributes:
        service: The service's name.
        name: The job's name within it.
        job: What its owner says of it.
        timing: When it runs.
        occurrences: Its times within the week, those on which it does not run included.
        starts: When it runs within the week, in seconds after its start.
        earlier: Its runs of before that may still go on when the week begins.
    """

    service: str
    name: str
    job: JobSpec
    timing: Timing
    occurrences: tuple[Occurrence, ...] = ()
    starts: tuple[int, ...] = ()
    earlier: tuple[datetime, ...] = ()

    @property
    def full_name(self) -> str:
        """The job's name in Batch."""
        return f"{self.service}-{self.name}"

    @property
    def is_usual(self) -> bool:
        """Whether its owner says how long a run takes; else there is but the longest that it may take."""
        return self.job.usual_duration_seconds is not None

    @property
    def seconds(self) -> int:
        """How long a run takes, or may take at most, retries apart."""
        return self.job.usual_duration_seconds or self.job.timeout_seconds

    @property
    def runs(self) -> list[Occurrence]:
        """The times on which it runs; of a suspended job those on which it would."""
        return [each for each in self.occurrences if each.runs]


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """A job without a schedule: started manually, or by the end of the jobs in `after` or `after_all`."""

    full_name: str
    after: tuple[str, ...] = ()
    after_status: str = "succeeded"
    waits_for_all: bool = False

    @property
    def origin(self) -> str:
        """What starts it."""
        if not self.after:
            return "manual"
        ends = {"succeeded": "", "failed": ", if it failed", "any": ", however it ended"}[self.after_status]
        return f"after {(' and ' if self.waits_for_all else ' or ').join(self.after)}{ends}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A stage's jobs in a week."""

    catalog: Catalog
    week: Week
    timelines: list[JobTimeline]
    unscheduled: list[Unscheduled]
    chosen: frozenset[str] | None = field(default=None)

    def is_shown(self, full_name: str) -> bool:
        """Whether a job has a row: all have if none was asked for by name."""
        return self.chosen is None or full_name in self.chosen

    @property
    def shown(self) -> list[JobTimeline]:
        """The jobs that have a row."""
        return [timeline for timeline in self.timelines if self.is_shown(timeline.full_name)]

    @property
    def shown_unscheduled(self) -> list[Unscheduled]:
        """The jobs without a schedule that are listed."""
        return [each for each in self.unscheduled if self.is_shown(each.full_name)]


def read(catalog: Catalog, week: Week, chosen: Sequence[str] | None = None) -> Calendar:
    """What a stage's jobs do in a week. A rate counts from the week's start, which is a guess.

    Args:
        catalog: The stage with its jobs.
        week: Which.
        chosen: Full names of the jobs that are to be shown; left out: all.
    """
    times = _Times(week)
    timelines, unscheduled = [], []
    for service in catalog.services:
        for name, job in service.jobs.items():
            timing = job.timing
            if timing is None:
                after = tuple("-".join(resolve(service.service, each)) for each in job.upstream)
                full_name = f"{service.service}-{name}"
                unscheduled.append(Unscheduled(full_name, after, job.after_status, bool(job.after_all)))
                continue
            timeline = JobTimeline(service.service, name, job, timing, *times.within(timing))
            timelines.append(replace(timeline, earlier=times.before(timing, timeline.seconds)))
    return Calendar(catalog, week, timelines, unscheduled, None if chosen is None else frozenset(chosen))


class _Times:
    """The times of schedules, each worked out once: of a thousand jobs many have the same."""

    def __init__(self, week: Week) -> None:
        self._week = week
        self._within: dict[Timing, tuple[tuple[Occurrence, ...], tuple[int, ...]]] = {}
        self._before: dict[tuple[Timing, int], tuple[datetime, ...]] = {}

    def within(self, timing: Timing) -> tuple[tuple[Occurrence, ...], tuple[int, ...]]:
        if timing not in self._within:
            found = tuple(self._times(timing, self._week.start, self._week.end))
            self._within[timing] = found, tuple(self._week.second(each.at) for each in found if each.runs)
        return self._within[timing]

    def before(self, timing: Timing, seconds: int) -> tuple[datetime, ...]:
        key = (timing, seconds)
        if key not in self._before:
            since = self._week.start - timedelta(seconds=seconds) + _INSTANT
            found = self._times(timing, since, self._week.start)
            self._before[key] = tuple(each.at for each in found if each.runs)
        return self._before[key]

    def _times(self, timing: Timing, since: datetime, until: datetime) -> Iterator[Occurrence]:
        for each in timing.occurrences(since - _INSTANT, anchor=self._anchor(timing, since)):
            if each.at >= until:
                return
            yield each

    def _anchor(self, timing: Timing, since: datetime) -> datetime | None:
        """A moment before `since` from which a rate's times fall on the week's start."""
        period = timing.shortest_period() if timing.is_rate else None
        if period is None:
            return None
        periods = -((since - self._week.start) // period) + 1
        return self._week.start - periods * period
