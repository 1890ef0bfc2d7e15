"""`batchtab why`: the story of a run, and the cause; why a job waits; why there is no run of a time.

Calls to AWS: those that find the run (a list of up to 2,000 jobs of each queue, their description, one query), and
those of `batchtab.aws.run_facts`: most often five to eight, and never more than about a hundred.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from batchtab import masking
from batchtab.aws.client import Aws
from batchtab.aws.run_facts import FactsReader
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.cli.completion.runs import complete_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.cli.options import StageOption
from batchtab.cli.output import Output, OutputOption, print_data
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.diagnostics import show
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import NotFoundError, UsageError
from batchtab.run_story import Facts, Story, not_due, story_of
from batchtab.run_story.absent import DELIVERY
from batchtab.run_story.wording import moment
from batchtab.schedules import clocks, timestamps
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_COMMAND = "why"
_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")
_MARGIN = len("11-24 03:00:00  ")
_NARROWEST = 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Causes of which nothing is wrong.
MILD = frozenset(
    {"future", "just_due", "not_due", "excepted", "overlap", "joined", "submitting", "full", "queue_order"}
    | {"answer_lost"}
)

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="JOB|RUN",
        help="A job id or its beginning, JOB@TIME such as nightly@2026-11-28T09:00 or nightly@09:00, or a job.",
        autocompletion=complete_runs,
    ),
]


def why(
    run: RunArgument,
    stage: StageOption = "local",
    output: OutputOption = Output.TABLE,
    explain: ExplainOption = False,
) -> None:
    """Explain a run: what started it, what it waited for, how it ended and why, and what followed.

    For a waiting run: why it waits. For a time without a run: why there is none. For a job: its last scheduled time if
    that has no run, else its newest run.
    """
    session = Session.open(stage)
    if "@" in run:
        find(session.catalog, run.rpartition("@")[0], _COMMAND)  # before AWS is asked
    if explain:
        for line in _explained(session, run):
            typer.echo(line)
        return
    facts = Asked(session, connect(session), datetime.now(UTC)).facts(run)
    story = story_of(facts)
    if output is Output.NAME:
        typer.echo(name_of(facts))
    elif output in (Output.JSON, Output.YAML):
        print_data(as_dict(facts, story), output)
    else:
        _print(story, facts)
    for each in facts.unread:
        typer.echo(f"Not read: {each}", err=True)


class Asked:
    """What is known of what a person asks for."""

    def __init__(self, session: Session, aws: Aws, now: datetime) -> None:
        self._catalog = session.catalog
        self._lookup = RunLookup(session.catalog, aws, _COMMAND)
        self._reader = FactsReader(session.catalog, aws, now)
        self._now = now

    def facts(self, wanted: str) -> Facts:
        """The facts of a run, or of a time without one.

        Raises:
            NotFoundError: there is no such job or run.
            UsageError: it could be several, or the time is none.
        """
        if "@" in wanted:
            return self._of_time(wanted)
        found = self._lookup.job_or_run(wanted)
        return self._reader.of_run(found) if isinstance(found, FoundRun) else self._of_job(found)

    def _of_time(self, wanted: str) -> Facts:
        job, text, at = _time_of(self._catalog, wanted, self._now)
        wall = None if _OFFSET.search(text) else datetime.fromisoformat(text)
        exists = wall is None or clocks.change_of(wall, job.zone(self._catalog)) <= timedelta()
        if at <= self._now and exists and (found := self._run(job, text)):
            return self._reader.of_run(found)
        return self._reader.of_time(job, at, wall)

    def _of_job(self, job: NamedJob) -> Facts:
        """Of its last scheduled time, if it was deployed by then and that has no run; else of its newest run."""
        due = not_due.last_due(job.spec.timing, self._now - DELIVERY) if job.spec.timing else None
        newest = self._newest(job)
        if due is None:
            return self._reader.of_run(newest) if newest else self._reader.of_time(job, None)
        is_newer = newest is not None and (moment(newest.scheduled_time) or _EPOCH) >= due
        if newest is not None and (is_newer or job.spec.suspend):
            return self._reader.of_run(newest)
        found = self._run(job, utc_text(due))
        if found is None:
            facts = self._reader.of_time(job, due)
            cause = story_of(facts).cause
            is_before = cause is not None and cause.kind == "deployed_later"
            return self._reader.of_run(newest) if is_before and newest is not None else facts
        return self._reader.of_run(found if found.job_id == "" or newest is None else newest)

    def _newest(self, job: NamedJob) -> FoundRun | None:
        try:
            return self._lookup.newest(job)
        except NotFoundError:
            return None

    def _run(self, job: NamedJob, text: str) -> FoundRun | None:
        try:
            return self._lookup.run(f"{job.full}@{text}")
        except NotFoundError:
            return None


def _time_of(catalog: Catalog, wanted: str, now: datetime) -> tuple[NamedJob, str, datetime]:
    """What `JOB@TIME` names: the job, the time as it is written, and the moment."""
    name, _, text = wanted.rpartition("@")
    job = find(catalog, name, _COMMAND)
    text = timestamps.with_day(text, job.zone(catalog), now)
    if reason := timestamps.refusal(text):
        raise UsageError(f"{_COMMAND}: '{text}' of {show(wanted)} {reason}")
    return job, text, timestamps.first(text, job.zone(catalog))


def _explained(session: Session, wanted: str) -> Iterator[str]:
    """The commands that give the facts. AWS is asked only where an id has to be found."""
    commands, catalog = AwsCommands(session), session.catalog
    if "@" in wanted:
        job, _, at = _time_of(catalog, wanted, datetime.now(UTC))
        return commands.of_time(job, at)
    found = RunLookup(catalog, connect(session), _COMMAND).job_or_run(wanted)
    return commands.of_run(found) if isinstance(found, FoundRun) else commands.of_time(found, None)


# --- on paper


def name_of(facts: Facts) -> str:
    """What `-o name` prints: the job's id, else the job and the time."""
    if facts.batch is not None:
        return facts.batch.id
    return f"{facts.name}@{utc_text(facts.at)}" if facts.at else facts.name


def as_dict(facts: Facts, story: Story) -> dict[str, Any]:
    """A story for other programs: moments in UTC, null where there is none."""
    cause = story.cause
    return {
        "job": facts.name,
        "scheduled_time": utc_text(facts.at) if facts.at else None,
        "job_id": (facts.batch.id if facts.batch else facts.decision.job_id if facts.decision else "") or None,
        "status": facts.batch.status if facts.batch else facts.decision.status if facts.decision else None,
        "story": [
            {
                "at": utc_text(line.at) if line.at else None,
                "text": masked(line.text),
                "job_id": line.job_id or None,
            }
            for line in story.lines
        ],
        "cause": None
        if cause is None
        else {
            "kind": cause.kind,
            "text": masked(cause.text),
            "fix": cause.fix or None,
            "do": cause.do or None,
        },
        "not_read": list(facts.unread),
    }


def masked(text: str) -> str:
    """A story's text without what looks like a secret, which ECS's `registry auth: unable to …` does and is not."""
    return masking.mask(text.replace("registry auth: ", "registry auth; ")).replace(
        "registry auth; ", "registry auth: "
    )


def _print(story: Story, facts: Facts) -> None:
    console = Console(highlight=False)
    width = console.width if sys.stdout.isatty() else None
    _line(console, "", story.title, width, "bold")
    if facts.batch is not None:
        _line(console, "", f"job {facts.batch.id}", width, "dim")
    typer.echo()
    for line in story.lines:
        head = f"{line.at.astimezone(facts.zone):%m-%d %H:%M:%S}" if line.at else ""
        _line(console, head.ljust(_MARGIN), line.text, width)
    typer.echo()
    cause = story.cause
    if cause is None:
        _line(console, "cause: ", "none", width, "green")
        return
    _line(console, "cause: ", cause.text, width, "red" if cause.kind not in MILD else "yellow")
    if cause.fix:
        _line(console, "fix:   ", cause.fix, width)
    if cause.do:
        typer.echo(f"do:    {cause.do}")  # one line, to be pasted


def _line(console: Console, head: str, text: str, width: int | None, style: str = "") -> None:
    """A line whose text goes on below itself on a terminal; no word is cut. Elsewhere it is one line."""
    text = masked(text)
    if width is None:
        typer.echo(f"{head}{text}".rstrip())
        return
    room = max(_NARROWEST, width - len(head))
    parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    for number, part in enumerate(parts):
        line = Text(" " * len(head) if number else head)
        line.append(part, style)
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
