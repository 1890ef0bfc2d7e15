"""What the submit function noted of the newest runs of many jobs.

Calls to AWS, for J jobs whose runs the function decides: J of Query where J is at most 200. Else 200 of Query, first
for jobs whose times nobody can reckon, and at most 20 of BatchGetItem, for the last 2,000 times of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchtab.aws.parallel import mapped
from batchtab.aws.runs import Runs
from batchtab.declarations.named_jobs import NamedJob
from batchtab.run_record import Record
from batchtab.schedules.timestamps import utc_text
from batchtab.schedules.timing import Timing

_ASKED = 200  # jobs of which all is asked for
_TIMES = 2000
_FIRST_SPAN = timedelta(minutes=15)
_LONGEST = timedelta(days=7)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Noted:
    """What was found.

    Attributes:
        partly: Of how many jobs only what is about times of their schedules was asked for.
        since: From when on that was; None if it was of all jobs.
    """

    records: list[Record]
    partly: int = 0
    since: datetime | None = None


def noted(table: Runs, jobs: Sequence[NamedJob], newest: int, since: datetime | None, now: datetime) -> Noted:
    """The records of jobs.

    Args:
        table: Where they are.
        jobs: The jobs.
        newest: The maximum number of each.
        since: Only those of later times.
        now: The last time that counts, of those that are reckoned.
    """
    from_text = utc_text(since) if since else ""
    # Of jobs that are not managed the function has nothing, unless they were changed lately.
    managed = jobs if len(jobs) <= _ASKED else [job for job in jobs if job.spec.is_managed]
    in_turn = sorted(managed, key=lambda job: _known_timing(job) is not None)
    asked, others = in_turn[:_ASKED], in_turn[_ASKED:]
    of_jobs = mapped(lambda job: table.records(job.full, since=from_text, newest=newest), asked)
    records = [record for found in of_jobs for record in found]
    if not others:
        return Noted(records)
    first = since or now - _LONGEST
    times = _last_times(others, first, now)
    records += table.records_at((name, utc_text(at)) for at, name in times)
    return Noted(records, len(others), times[-1][0] if len(times) == _TIMES else first)


def _known_timing(job: NamedJob) -> Timing | None:
    """When its file says that it runs; None for a job without times, and for a rate: it counts from when AWS knows."""
    timing = job.spec.timing
    return None if timing is None or timing.is_rate else timing


def _last_times(jobs: Sequence[NamedJob], since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """The times at which jobs were due, the last ones first, and not many more of them reckoned than are asked for."""
    timings = [(job.full, timing) for job in jobs if (timing := _known_timing(job)) is not None]
    found: list[tuple[datetime, str]] = []
    span = _FIRST_SPAN
    while len(found) < _TIMES and until >= since:
        begin = max(since, until - span)
        due = ((at, name) for name, its in timings for at in its.between(begin, until, include_excluded=True))
        found += sorted(due, reverse=True)
        until, span = begin - _INSTANT, span * 2
    return found[:_TIMES]
