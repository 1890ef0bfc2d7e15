"""Jobs after several others that run equally often: `after` means "or", so that each of these starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from batchtab.declarations.chain import JobName, resolve
from batchtab.declarations.job import JobSpec
from batchtab.schedules.timing import Timing

_Rhythm = tuple[timedelta | datetime, int]  # the shortest period and how many runs, or the only run
_LOOKED_AT_MAX = 100  # jobs on the way to those with a schedule
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # any moment, but a fixed one: a warning must not come and go with the days
_WEEK = timedelta(days=7)
_PERIODS, _RUNS_MAX = 8, 200


class Joins:
    """The jobs of a stage, and how often each of them runs.

    Args:
        jobs: All jobs. There is no circle in them.
        now: For what is over.
    """

    def __init__(self, jobs: Mapping[JobName, JobSpec], now: datetime) -> None:
        self._jobs, self._now = jobs, now
        self._rhythms: dict[JobName, _Rhythm | None] = {}

    def runs(self, service: str, job: JobSpec) -> int:
        """How many runs of a job start where one may be meant; 0 where that is not so, or not known.

        Schedules are compared by how often they run, not by when: what lasts differs more from run to run.
        """
        names = dict.fromkeys(resolve(service, reference) for reference in job.after)
        if len(names) < 2 or job.after_status == "failed":
            return 0
        roots = [self._roots(name) for name in names]
        if not all(roots):
            return 0
        periods, counts = zip(*(rhythm for each in roots for rhythm in each.values()), strict=True)
        is_one_rhythm = len(set(periods)) == 1 and max(counts) - min(counts) <= 1
        return len(names) if is_one_rhythm or all(each == roots[0] for each in roots) else 0

    def _roots(self, name: JobName) -> dict[JobName, _Rhythm]:
        """The jobs with a schedule that a job comes after, itself among them; none if the chain is too long."""
        found: dict[JobName, _Rhythm] = {}
        seen, left = {name}, [name]
        while left:
            current = left.pop()
            job = self._jobs.get(current)
            if job is None or job.suspend:
                continue
            if rhythm := self._rhythm(current, job):
                found[current] = rhythm
            if job.after_status != "failed":  # what starts after failures does not run each time
                following = {resolve(current[0], reference) for reference in job.upstream} - seen
                seen |= following
                left += following
            if len(seen) > _LOOKED_AT_MAX:
                return {}
        return found

    def _rhythm(self, name: JobName, job: JobSpec) -> _Rhythm | None:
        if name not in self._rhythms:
            self._rhythms[name] = None if job.timing is None else _rhythm(job.timing, self._now)
        return self._rhythms[name]


def _rhythm(timing: Timing, now: datetime) -> _Rhythm | None:
    """How often something runs; None if it is over."""
    following = timing.next_runs(now, 1)
    period = timing.shortest_period()
    if not following or period is None:
        return (following[0], 1) if following else None
    since = timing.start_utc or _SINCE
    until = since + max(_WEEK, _PERIODS * period)
    times = islice(takewhile(lambda each: each.at <= until, timing.occurrences(since)), _RUNS_MAX)
    return period, sum(each.runs for each in times)
