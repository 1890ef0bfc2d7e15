"""The week in a few sentences: the same on the page and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from batchtab.calendar import words
from batchtab.calendar.load import Load
from batchtab.calendar.recurrence import Recurrence, waiting
from batchtab.calendar.timeline import Calendar
from batchtab.errors import how_many


def summary(calendar: Calendar, load: Load, found: Sequence[Recurrence]) -> str:
    """How many jobs and runs there are, how many vCPUs they ask for, and how many runs wait.

    Args:
        calendar: The week.
        load: What its runs ask for.
        found: All its pile-ups.
    """
    running = [timeline for timeline in calendar.shown if not timeline.job.suspend]
    runs = sum(len(timeline.starts) for timeline in running)
    services = len({timeline.service for timeline in calendar.shown})
    scheduled = f"{how_many(len(calendar.shown), 'scheduled job')} in {how_many(services, 'service')}"
    waits = waiting([contention for each in found for contention in each.contentions])
    return f"{scheduled}, {how_many(runs, 'run')}. {peak(calendar, load)} {waits[0].upper()}{waits[1:]}."


def peak(calendar: Calendar, load: Load) -> str:
    """When most vCPUs are asked for, in a sentence."""
    week, (second, vcpus) = calendar.week, load.peak
    if not vcpus:
        return "No run asks for vCPUs in this week."
    at = week.local(week.start + timedelta(seconds=second))
    limit = calendar.catalog.stage.max_vcpus
    return f"At most {words.vcpus(vcpus)} of {limit:,} vCPUs on {words.day(at)} at {words.clock(at)}."
