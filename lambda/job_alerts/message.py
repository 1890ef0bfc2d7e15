"""What a message says, before it has a form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from batchtab.masking import mask
from batchtab.schedules.durations import duration

from . import links, words
from .job_event import JobEvent
from .settings import Settings
from .text import line

_NAME_MAX = 128
_REASON_MAX = 600
_MORE_MAX = 20  # characters of "and 280 more"


class Field(NamedTuple):
    """A label and a text of others, or a moment in seconds since 1970."""

    label: str
    value: str
    at: int | None = None
    long: bool = False


class Message(NamedTuple):
    """All that one message says. Texts are plain: whoever renders them escapes them.

    `sentence` is the original's one line, `title` the short form of it in a person's words; `unnamed` is how many more
    there are than `names`.
    """

    title: str
    sentence: str
    color: str
    emoji: str
    fields: tuple[Field, ...] = ()
    command: str = ""
    command_label: str = "Run it again"
    further_command: str = ""
    further_label: str = ""
    buttons: tuple[tuple[str, str], ...] = ()
    log: tuple[str, ...] = ()
    log_note: str = ""
    log_of: str = "its log"
    list_title: str = ""
    names: tuple[str, ...] = ()
    unnamed: int = 0
    footer: str = ""
    at: int | None = None
    channel: str = ""
    mention: str = ""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What can be typed, each with what it is for."""
        both = ((self.command_label, self.command), (self.further_label, self.further_command))
        return [(label, command) for label, command in both if command]

    def shown_names(self, room: int, size: Callable[[str], int]) -> tuple[str, ...]:
        """The names that fit, and how many more there are."""
        left, fit = room - _MORE_MAX, len(self.names)
        for count, name in enumerate(self.names):
            left -= size(name)
            if left < 0:
                fit = count
                break
        more = len(self.names) - fit + self.unnamed
        return (*self.names[:fit], *([f"and {more} more"] if more else []))


class Repeats(NamedTuple):
    """What came before: failures since the last success, and how many of them were not sent."""

    failures: int
    untold: int
    since: int


class Route(NamedTuple):
    """Where the alerts of a service or a job go; a job's that names its service is whole, and takes no other's."""

    name: str
    channel: str = ""
    mention: str = ""
    mute: bool = False
    service: str = ""


def name_of(job: JobEvent) -> str:
    """The job's name as it is shown."""
    return line(job.name, _NAME_MAX)


def failed(
    job: JobEvent,
    settings: Settings,
    *,
    route: Route | None = None,
    log: Sequence[str] = (),
    log_note: str = "",
    repeats: Repeats | None = None,
    dependents: Sequence[JobEvent] = (),
    children: Sequence[JobEvent] = (),
    is_paused: bool = False,
) -> Message:
    """A job that Batch gave up, with the jobs that failed because of it.

    Args:
        job: The job.
        settings: How messages look.
        route: Where it goes.
        log: The end of its log, or of its first child's.
        log_note: Why there is no log.
        repeats: What came before.
        dependents: What failed because of it.
        children: Of an array, those that failed.
        is_paused: Whether this failure has paused the job.
    """
    name, explanation = name_of(job), words.explain(job)
    reason = line(job.status_reason or job.container_reason, _REASON_MAX) or "an unknown reason"
    fields = [Field("What happened", line(explanation.sentence, 300), long=True)]
    if words.advice(job):
        fields.append(Field("What helps", words.advice(job), long=True))
    if job.container_name:
        fields.append(Field("Failed container", line(job.container_name, _NAME_MAX)))
    if job.child is not None and job.array_index is None:
        fields.append(Field("Child", f"{job.child} of the array that is retried"))
    if is_paused:
        fields.append(Field("Paused", "it pauses on failure: no later run starts until it is resumed", long=True))
    if job.container_reason and job.container_reason != job.status_reason:
        fields.append(Field("Container", line(job.container_reason, 300), long=True))
    if repeats and repeats.failures > 1:
        untold = f", {repeats.untold} of them not sent" if repeats.untold else ""
        fields.append(Field("Again", f"{repeats.failures} failures since its last success{untold}", long=True))
        fields.append(Field("First failed", "", at=repeats.since))
    fields += _where(job, settings, route)
    if explanation.kind != "array":  # an array has no attempt of its own, only its children
        fields.append(Field("Attempt", words.tries(job)))
        fields += _when(job)
    if explanation.kind == "image":
        fields.append(Field("Image", line(job.image, 300), long=True))
    speaker = children[0] if children else job
    buttons = [(label, url) for label, url in (("Job", links.job_url(job)), ("Log", links.log_url(speaker))) if url]
    names = [f"child {_child(each)}" for each in children] or [name_of(each) for each in dependents]
    return Message(
        title=f"{name}: {line(explanation.sentence, 120)}",
        sentence=f"{name} failed by {reason}",
        color=settings.color,
        emoji=":red_circle:",
        fields=tuple(fields),
        command=mask(links.rerun_command(job, settings.rerun_command, settings.stage)),
        further_command=links.resume_command(job, settings.stage) if is_paused else "",
        further_label="Let later runs start again",
        buttons=tuple(buttons),
        log=tuple(log),
        log_note=log_note,
        log_of=f"the log of child {speaker.child}" if children else "its log",
        list_title="Children that failed" if children else "Failed because of it" if dependents else "",
        names=tuple(names),
        unnamed=max(0, (job.array_failed or 0) - len(children)) if children else 0,
        footer=footer(job.account, job.region),
        at=_seconds(job.stopped_ms),
        channel=route.channel if route else "",
        mention=route.mention if route else "",
    )


def recovered(job: JobEvent, settings: Settings, failures: int, since: int, route: Route | None = None) -> Message:
    """A job that succeeds again."""
    name = name_of(job)
    times = "1 failure" if failures == 1 else f"{failures} failures"
    buttons = [("Job", url) for url in [links.job_url(job)] if url]
    return Message(
        title=f"{name} recovered after {times}",
        sentence=f"{name} recovered after {times}",
        color="good",
        emoji=":large_green_circle:",
        fields=(Field("First failed", "", at=since), *_where(job, settings, route), *_when(job)),
        buttons=tuple(buttons),
        footer=footer(job.account, job.region),
        at=_seconds(job.stopped_ms),
        channel=route.channel if route else "",
    )


def blocked(job: JobEvent, settings: Settings, route: Route | None = None) -> Message:
    """A job at the head of its queue that cannot be placed, so that none behind it is."""
    name, queue = name_of(job), line(job.queue, _NAME_MAX)
    reason = line(job.status_reason, _REASON_MAX) or "an unknown reason"
    return Message(
        title=f"Queue {queue} is blocked by {name}",
        sentence=f"{queue} blocked by {name}: {reason}",
        color="warning",
        emoji=":large_orange_circle:",
        fields=(
            Field("What happened", line(words.explain(job).sentence, 300), long=True),
            *([Field("What helps", words.advice(job), long=True)] if words.advice(job) else []),
            *_where(job, settings, route),
            *([Field("Waits since", "", at=job.created_ms // 1000)] if job.created_ms else []),
        ),
        command=links.stop_command(job, settings.stage),
        command_label="Stop it, so that the jobs behind it start",
        buttons=tuple(("Job", url) for url in [links.job_url(job)] if url),
        footer=footer(job.account, job.region),
        channel=route.channel if route else "",
        mention=route.mention if route else "",
    )


def many(jobs: Sequence[JobEvent], settings: Settings, *, channel: str = "", mention: str = "") -> Message:
    """Jobs that failed at about the same time, each by its name and reason."""
    first = jobs[0]
    names = [f"{name_of(job)}: {line(words.explain(job).sentence, 60)}" for job in jobs]
    return Message(
        title=f"{len(jobs)} jobs failed",
        sentence=f"{len(jobs)} jobs failed",
        color=settings.color,
        emoji=":red_circle:",
        fields=(Field("Stage", line(settings.stage, 40)),) if settings.stage else (),
        command=links.retry_all_command(settings.stage),
        command_label="Run again what failed, after a look at the list",
        list_title="Failed",
        names=tuple(names),
        footer=footer(first.account, first.region),
        at=max((job.stopped_ms or 0 for job in jobs), default=0) // 1000 or None,
        channel=channel,
        mention=mention,
    )


def _child(job: JobEvent) -> str:
    return f"{'?' if job.child is None else job.child}: {line(words.explain(job).sentence, 60)}"


def footer(account: str, region: str) -> str:
    """Where all this is."""
    return " · ".join(line(part, 60) for part in (account, region) if part)


def _where(job: JobEvent, settings: Settings, route: Route | None) -> list[Field]:
    fields = []
    if route is not None and route.name != job.name and job.name.startswith(f"{route.name}-"):
        fields.append(Field("Service", line(route.name, _NAME_MAX)))
    queue = settings.without_namespace(job.queue)
    if queue:
        fields.append(Field("Queue", line(queue, _NAME_MAX)))
    if settings.stage:
        fields.append(Field("Stage", line(settings.stage, 40)))
    if job.scheduled_at:
        fields.append(Field("Scheduled for", "", at=job.scheduled_at))
    return fields


def _when(job: JobEvent) -> list[Field]:
    fields = []
    if job.started_ms and job.started_ms > 0:
        fields.append(Field("Started", "", at=job.started_ms // 1000))
        if job.stopped_ms and job.stopped_ms >= job.started_ms:
            fields.append(Field("Ran for", duration((job.stopped_ms - job.started_ms) / 1000)))
    else:
        fields.append(Field("Started", "never"))
    return fields


def _seconds(milliseconds: int | None) -> int | None:
    return milliseconds // 1000 if milliseconds and milliseconds > 0 else None
