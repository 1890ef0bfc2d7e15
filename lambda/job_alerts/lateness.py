"""Runs that never came: a job whose schedule passed without a start.

Nothing runs per job: the sweep reads the schedules that are watched, which is one query, and asks Batch once for each
run that was due. A job counts as started when Batch has it in whatever status, so that it need not say anything itself.
A run that the submit function let wait or decided against did not start either, and is not missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from batchtab.schedules.durations import duration
from shared.clients import client, errors

from . import links
from .dynamo_table import Unavailable
from .journal import say
from .message import Field, Message, Route, footer
from .runs import Run, Runs
from .settings import Settings
from .text import line
from .watches import Watched, Watches, WatchState

_EARLY_SECONDS = 5  # clocks differ a little
_SETTLE_SECONDS = 120  # in which Terraform makes the trigger of a new schedule, and EventBridge puts it into effect
_PAGE = 100
_MOST_PAGES = 50  # for one run, so that a queue with many jobs does not take the other runs' time
_NAME_MAX = 128
_LOOK_BACK_SECONDS = 40 * 86_400
_RESERVE_SECONDS = 45  # of the function's time, to send what was found
_DECIDED = ("submitted", "waiting", "skipped", "late", "dropped")
_RECOVERY_SECONDS = 180  # after its lease, in which Lambda lets another submit what a stopped process had claimed


class NotKnown(Exception):  # noqa: N818 - it is what it is
    """Nobody can say yet."""


class LateRun(NamedTuple):
    """A run that was due, and did not start in the time that it may take."""

    watched: Watched
    due: int
    missed: int


class Unreadable(NamedTuple):
    """A job whose schedule can't be read, so that its late runs would not be reported."""

    watched: Watched
    fault: str


LastStart = Callable[[str, str, int], "int | None"]


def find(
    watches: Watches,
    runs: Runs | None,
    now: int,
    repeat_seconds: int,
    last_start: LastStart,
    remaining_seconds: Callable[[], float],
) -> Iterator[tuple[LateRun | Unreadable | None, Watched, WatchState | None]]:
    """Each job of which a run did not come, or nobody can say: what is to be reported, and what to note after that.

    A schedule is watched from two minutes after it is first seen, seen again (after `suspend`, say) or seen changed:
    what was due before is not reported.

    Raises:
        Unavailable: the table of `watches` does not answer.
    """
    watched = watches.watched()
    known = watches.watching()
    watches.drop_watching(sorted(set(known) - {one.job_name for one in watched}))
    for one in watched:
        if remaining_seconds() < _RESERVE_SECONDS:
            return  # the next sweep goes on
        if fault := one.schedule.fault:
            yield Unreadable(one, fault), one, None
            continue
        seen, text = known.get(one.job_name), one.text
        if seen is None or seen.schedule not in (text, one.schedule.text):  # version 0.1 wrote it without the queue
            watches.put_watching(one.job_name, WatchState(text, now + _SETTLE_SECONDS, 0, 0))
            continue
        try:
            due = _due(one, seen, now)
            came = None if due is None else _came(one, seen, due, now, last_start, runs)
        except NotKnown as error:
            say(job=one.job_name, not_known=str(error))
            continue
        if due is None:
            continue
        if came is not None:
            watches.put_watching(one.job_name, WatchState(text, due if one.schedule.period is None else came, 0, 0))
            continue
        missed, is_sent = seen.missed + 1, now - seen.told_at >= repeat_seconds
        noted = WatchState(text, due, missed, now if is_sent else seen.told_at)
        yield LateRun(one, due, missed) if is_sent else None, one, noted


def _due(one: Watched, seen: WatchState, now: int) -> int | None:
    """When a run was due that must have started by now; None if there is none since the last look.

    A rate counts from a moment that only AWS knows: a run is due one period after the last one's start.
    """
    latest = now - one.late_after_seconds
    every = one.schedule.period
    if every is None:
        return one.schedule.last_due(max(seen.checked + 1, now - _LOOK_BACK_SECONDS), latest)
    periods = (latest - seen.checked) // every
    return seen.checked + periods * every if periods > 0 else None


def _came(one: Watched, seen: WatchState, due: int, now: int, last_start: LastStart, runs: Runs | None) -> int | None:
    """When the run started, or was due as the submit function knows; None if it is missing."""
    is_rate = one.schedule.period is not None
    started = last_start(one.queue_arn, one.job_name, seen.checked + 1 if is_rate else due - _EARLY_SECONDS)
    if started is not None or runs is None:
        return started
    # The function knows a run by the minute, but for rates.
    since, until = (seen.checked + 1, now) if is_rate else (due // 60 * 60, due + 59)
    try:
        run = runs.last(one.job_name, since, until)
    except Unavailable as error:
        say(job=one.job_name, runs=str(error))  # noise is better than silence
        return None
    return None if run is None else _decided(run, now)


def _decided(run: Run, now: int) -> int | None:
    if run.status == "claimed" and now <= run.lease_until + _RECOVERY_SECONDS:
        raise NotKnown("its run is being submitted")
    return run.due if run.status in _DECIDED else None


def message(run: LateRun, settings: Settings, route: Route | None = None) -> Message:
    """A run that was due and did not start."""
    name, wait = _name(run.watched), duration(run.watched.late_after_seconds)
    return _message(
        run.watched,
        settings,
        route,
        f"{name} did not start",
        f"{name} did not start within {wait} of its schedule",
        Field("What happened", f"no run of it came within {wait} of its time", long=True),
        Field("Due", "", at=run.due),
        last=[Field("Again", f"{run.missed} runs in a row did not come", long=True)] if run.missed > 1 else [],
    )._replace(
        at=run.due,
        command=links.why_command(run.watched.job_name, run.due, settings.stage),
        command_label="Why it did not start",
    )


def unreadable_message(found: Unreadable, settings: Settings, route: Route | None = None) -> Message:
    """A job whose late runs would not be reported."""
    name = _name(found.watched)
    return _message(
        found.watched,
        settings,
        route,
        f"{name} is not watched",
        f"late runs of {name} are not reported: its schedule cannot be read",
        Field("What happened", line(found.fault, 300), long=True),
    )


def _name(watched: Watched) -> str:
    return line(watched.job_name, _NAME_MAX)


def _message(
    watched: Watched,
    settings: Settings,
    route: Route | None,
    title: str,
    sentence: str,
    *first: Field,
    last: Sequence[Field] = (),
) -> Message:
    queue_arn = watched.queue_arn.split(":")
    queue = line(settings.without_namespace(queue_arn[-1].rpartition("/")[2]), _NAME_MAX)
    service = route is not None and watched.job_name.startswith(f"{route.name}-")
    return Message(
        title=title,
        sentence=sentence,
        color=settings.color,
        emoji=":red_circle:",
        fields=(
            *first,
            Field("Schedule", line(watched.schedule.text, 160)),
            *last,
            *([Field("Service", line(route.name, _NAME_MAX))] if route and service else []),
            *([Field("Queue", queue)] if queue else []),
            *([Field("Stage", line(settings.stage, 40))] if settings.stage else []),
        ),
        footer=footer(*queue_arn[4:5], *queue_arn[3:4]) if len(queue_arn) > 5 else "",
        channel=route.channel if route else "",
        mention=route.mention if route else "",
    )


def last_start(queue_arn: str, job_name: str, since: int, remaining_seconds: Callable[[], float]) -> int | None:
    """When Batch last took a job of this name, in seconds; None if not since then.

    By this filter ListJobs gives the newest first, in whatever status; by the name it would give one version after the
    other.
    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html

    Raises:
        NotKnown: Batch refuses or does not answer, has too many jobs since then, or the function's time is short.
    """
    token: dict[str, str] = {}
    try:
        batch = client(
            "batch",
            region=queue_arn.split(":")[3] if queue_arn.count(":") > 3 else "",
            connect_seconds=2,
            read_seconds=10,
            attempts=3,
        )
        after = {"name": "AFTER_CREATED_AT", "values": [str(since * 1000 - 1)]}
        for _ in range(_MOST_PAGES):
            if remaining_seconds() < _RESERVE_SECONDS:
                raise NotKnown("the function's time is short")
            answer = batch.list_jobs(jobQueue=queue_arn, filters=[after], maxResults=_PAGE, **token)
            jobs = answer.get("jobSummaryList", [])
            found = [int(job["createdAt"]) // 1000 for job in jobs if job.get("jobName") == job_name]
            if found:
                return max(found)
            if not answer.get("nextToken"):
                return None
            token = {"nextToken": answer["nextToken"]}
    except errors() as error:
        raise NotKnown(str(error)) from error
    raise NotKnown(f"its queue took more than {_MOST_PAGES * _PAGE} jobs since it was due")
