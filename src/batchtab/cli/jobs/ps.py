"""`batchtab ps`: what runs and waits now, in all queues of a stage, and what each waits for.

Calls to AWS, with Q queues, J jobs and R jobs in Batch that have not ended: 5 Q + R/100 of ListJobs, R/100 of
DescribeJobs, at most Q of GetJobQueueSnapshot, DescribeJobQueues, DescribeComputeEnvironments, and J/100 of
BatchGetItem; on AWS GetCallerIdentity. Of each queue and status at most 500 jobs are looked at.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from batchtab.aws.active_jobs import MOST, STATUSES, ActiveJobs
from batchtab.aws.client import Aws
from batchtab.aws.job_queues import JobQueues
from batchtab.aws.parallel import started
from batchtab.aws.runs import Runs
from batchtab.aws.waiting_runs import waiting_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.active_rows import LISTING, Row, of_job, of_run
from batchtab.cli.jobs.waiting_words import WaitingWords
from batchtab.cli.options import AnyJobArgument, StageOption
from batchtab.cli.output import Output, OutputOption
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.terraform.session import Session

_SECONDS = 2.0
_HEAD = 2  # lines above a table that is redrawn, and one below


def ps(
    job: AnyJobArgument = None,
    stage: StageOption = "local",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again every 2 s, until Ctrl-C.")] = False,
    output: OutputOption = Output.TABLE,
    explain: ExplainOption = False,
) -> None:
    """Show active and waiting runs: state, attempt, array, place in the queue, and why they wait.

    The place is a RUNNABLE job's in its queue, or a waiting run's among the waiting runs of its job.
    """
    session = Session.open(stage)
    chosen = find(session.catalog, job, "ps") if job else None
    if explain:
        for line in _explained(session):
            typer.echo(line)
        return
    look = Look(session, connect(session), chosen)
    if watch:
        _watch(look, output)
    rows = look()
    LISTING.print(rows, output)
    look.say_what_is_missing()


class Look:
    """What there is now, read again each time.

    Attributes:
        missing: What the rows of the last look do not show, a line each.
    """

    def __init__(self, session: Session, aws: Aws, chosen: NamedJob | None) -> None:
        catalog = session.catalog
        self._catalog, self._aws, self._chosen = catalog, aws, chosen
        self._queues = [catalog.job_queue_name(queue) for queue in catalog.stage.environment.queues]
        self._jobs = {each.full: each for each in all_jobs(catalog)}
        self._runs = Runs(aws, catalog.stage.prefix)
        self.missing: list[str] = []

    def __call__(self) -> list[Row]:
        """The rows of this moment, what runs first."""
        now = datetime.now(UTC)
        wanted = [self._chosen.full] if self._chosen else list(self._jobs)
        with (
            started([partial(JobQueues(self._aws).described, self._queues)]) as (asked_queues,),
            started([partial(self._runs.states, wanted)]) as (asked_states,),
        ):
            active = ActiveJobs(self._aws).found(self._queues, self._chosen.full if self._chosen else "")
            queues, states = asked_queues.result(), asked_states.result()
        words = WaitingWords(active, queues)
        prefix = f"{self._catalog.stage.prefix}-"
        rows = [of_job(each, words, prefix, now) for each in active.jobs if each.name in wanted or not self._chosen]
        for name in wanted:
            for run in waiting_runs(name, states[name], now) if name in states else ():
                rows.append(of_run(run, words, prefix, self._jobs[name].zone(self._catalog), now))
        self.missing = [
            f"queue {each.removeprefix(prefix)}: more than {MOST:,} jobs of a status; not all are shown"
            for each in active.cut
        ]
        self.missing += [
            f"queue {name.removeprefix(prefix)}: the places are not known: {each.unknown}"
            for name, each in active.snapshots.items()
            if each.unknown
        ]
        return sorted(rows, key=Row.order)

    def say_what_is_missing(self) -> None:
        """Says on stderr what the rows do not show."""
        for line in self.missing:
            typer.echo(f"batchtab: {line}", err=True)


def _watch(look: Callable[[], Sequence[Row]], output: Output) -> NoReturn:
    """Draws what there is every two seconds, on a terminal in place of what was there; never returns."""
    console = Console(highlight=False)
    is_drawn = console.is_terminal and not console.is_dumb_terminal and output in (Output.TABLE, Output.WIDE)
    while True:
        rows = list(look())
        if is_drawn:
            console.clear()
            _draw(rows, output)
        else:
            if output in (Output.TABLE, Output.WIDE):
                typer.echo(f"{datetime.now().astimezone():%H:%M:%S}  {counted(rows)}")
            LISTING.print(rows, output)
        time.sleep(_SECONDS)


def _draw(rows: Sequence[Row], output: Output) -> None:
    """As many rows as fit on the terminal: one that scrolls has no heading."""
    size = shutil.get_terminal_size()
    typer.echo(f"{datetime.now().astimezone():%H:%M:%S}  {counted(rows)}  (Ctrl-C ends this; jobs go on)")
    left, shown = size.lines - _HEAD - 2, 0
    for row in rows:
        left -= 1 + -(-len(row.why) // max(20, size.columns // 2))
        if left < 0:
            break
        shown += 1
    LISTING.print(rows[:shown], output)
    if shown < len(rows):
        typer.echo(f"… and {len(rows) - shown:,} more")


def counted(rows: Sequence[Row]) -> str:
    """How many run, at least in part, and how many wait."""
    running = sum(row.is_running for row in rows)
    return f"{running:,} running, {len(rows) - running:,} waiting"


def _explained(session: Session) -> list[str]:
    names = [session.catalog.job_queue_name(queue) for queue in session.catalog.stage.environment.queues]
    lines = []
    for name in names:
        lines += [
            aws_command(session, "batch", "list-jobs", {"jobQueue": name, "jobStatus": status}) for status in STATUSES
        ]
        lines.append(aws_command(session, "batch", "get-job-queue-snapshot", {"jobQueue": name}))
    return lines
