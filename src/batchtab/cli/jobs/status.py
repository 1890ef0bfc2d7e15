"""`batchtab status`: how each job's last run ended, when the next is due, and what is blocked.

Calls to AWS, beside those of `job_summary`, with Q queues and S services: Q of GetJobQueueSnapshot, DescribeJobs,
DescribeJobQueues, DescribeComputeEnvironments; for the revisions S + 2 of GetObject, 50 of DescribeJobDefinitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws.blocked_queues import blocked_queues
from batchtab.aws.client import Aws
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.cli.jobs.job_summary import JobSummary, Summaries, summaries
from batchtab.cli.options import AnyJobArgument, StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption, print_data, print_note
from batchtab.cli.revisions import look_up
from batchtab.cli.tables import COLORS
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.plan_review.revisions import Mismatch, Revisions
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_RUNS = 3


@dataclass(frozen=True)
class Status:
    """All that it says."""

    summaries: Summaries
    blocked: dict[str, str]
    revisions: Revisions


def status(
    job: AnyJobArgument = None,
    stage: StageOption = "local",
    output: OutputOption = Output.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as -o json.")] = False,
    explain: ExplainOption = False,
) -> None:
    """Show how each job's last run ended, when the next is due, and what is paused or blocked.

    Also says which jobs run another revision than was deployed. `batchtab jobs` shows success rates and durations.
    """
    session = Session.open(stage)
    chosen = [find(session.catalog, job, "status")] if job else list(all_jobs(session.catalog))
    now = datetime.now(UTC)
    if explain:
        for line in AwsCommands(session).of_status(chosen, now):
            typer.echo(line)
        return
    found = _looked_at(session, connect(session), chosen, now)
    if as_json or output in (Output.JSON, Output.YAML):
        print_data(_as_dict(found, now), Output.JSON if as_json else output)
    else:
        _print(session, found, now, output)


def print_table(session: Session, aws: Aws) -> None:
    """Prints the table on stdout, and below it why jobs are paused and which run another revision than was deployed."""
    now = datetime.now(UTC)
    _print(session, _looked_at(session, aws, list(all_jobs(session.catalog)), now), now, Output.TABLE)


def _looked_at(session: Session, aws: Aws, jobs: Sequence[NamedJob], now: datetime) -> Status:
    catalog = session.catalog
    prefix = f"{catalog.stage.prefix}-"
    queues = list(dict.fromkeys(catalog.job_queue_name(job.spec.queue) for job in jobs))
    found = summaries(session, aws, jobs, now)
    blocked = {name.removeprefix(prefix): why for name, why in blocked_queues(aws, queues).items()}
    revisions = look_up(session, aws)
    if len(jobs) == 1:
        its: tuple[Mismatch, ...] = tuple(each for each in revisions.mismatches if each.job == jobs[0].full)
        revisions = Revisions(its, revisions.unknown)
    return Status(found, blocked, revisions)


def _print(session: Session, found: Status, now: datetime, output: Output) -> None:
    zone = ZoneInfo(session.catalog.stage.timezone)
    if output is not Output.NAME:
        print_note(f"Times of {zone}.")
    listing(zone, now).print(found.summaries.jobs, output)
    if output is Output.NAME:
        return
    for each in found.summaries.jobs:
        if each.paused:
            typer.echo(f"{each.job.full} is paused: {each.paused}")
    for queue, why in found.blocked.items():
        typer.echo(f"queue {queue} is blocked: {why}")
    for line in found.revisions.lines():
        typer.echo(line)
    for line in found.summaries.missing:
        typer.echo(f"batchtab: {line}", err=True)


def listing(zone: ZoneInfo, now: datetime) -> Listing[JobSummary]:
    """The table, on the wall clock of a zone."""
    return Listing(
        columns=(
            Column("job", lambda each: each.job.full),
            Column("last status", lambda each: each.status, style=lambda each: COLORS.get(each.status, "")),
            Column("last run", lambda each: each.last_words(zone, now)),
            Column("next run", lambda each: each.next_words(zone, now)),
            Column("queue", lambda each: each.queue),
            Column("schedule", lambda each: each.schedule, is_wide=True),
        ),
        as_dict=JobSummary.as_dict,
        name=lambda each: each.job.full,
        empty="No jobs.",
    )


def _as_dict(found: Status, now: datetime) -> dict[str, Any]:
    return {
        "jobs": [{**each.as_dict(), "next_runs": _next_runs(each, now)} for each in found.summaries.jobs],
        "blocked_queues": found.blocked,
        "revisions": [
            {"job": each.job, "runs": each.runs, "deployed": each.deployed} for each in found.revisions.mismatches
        ],
        "revisions_unknown": found.revisions.unknown or None,
    }


def _next_runs(job: JobSummary, now: datetime) -> list[str]:
    timing = job.job.spec.timing
    return [utc_text(each) for each in timing.next_runs(now, _RUNS)] if timing and job.next_run else []
