"""`batchtab jobs`: all jobs with their next run, their last, how often they fail and how long they take.

The calls that it makes are those of `job_summary`: a bounded number, and none for each job.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer

from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.job_summary import SINCE, JobSummary, summaries
from batchtab.cli.jobs.short_times import span
from batchtab.cli.options import StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption, print_note
from batchtab.cli.tables import COLORS
from batchtab.declarations.named_jobs import all_jobs
from batchtab.terraform.session import Session


def jobs(stage: StageOption = "local", output: OutputOption = Output.TABLE, explain: ExplainOption = False) -> None:
    """Show all jobs: next run, last run, success rate, duration, and why they are paused.

    The success rate is that of a job's last 30 ended runs, of at most 7 days; the durations are those of the runs among
    them that SUCCEEDED. `batchtab status` shows blocked queues and changes made outside of a deployment.
    """
    session = Session.open(stage)
    now = datetime.now(UTC)
    if explain:
        after = {"name": "AFTER_CREATED_AT", "values": [str(int((now - SINCE).timestamp() * 1000))]}
        for queue in session.catalog.stage.environment.queues:
            name = session.catalog.job_queue_name(queue)
            typer.echo(aws_command(session, "batch", "list-jobs", {"jobQueue": name, "filters": [after]}))
        return
    found = summaries(session, connect(session), list(all_jobs(session.catalog)), now)
    zone = ZoneInfo(session.catalog.stage.timezone)
    if output in (Output.TABLE, Output.WIDE):
        print_note(f"Times of {zone}.")
    listing(zone, now).print(found.jobs, output)
    for line in found.missing:
        typer.echo(f"batchtab: {line}", err=True)


def listing(zone: ZoneInfo, now: datetime) -> Listing[JobSummary]:
    """The table, on the wall clock of a zone."""
    return Listing(
        columns=(
            Column("job", lambda each: each.job.full),
            Column("next", lambda each: each.next_words(zone, now)),
            Column("last", lambda each: each.last_words(zone, now)),
            Column("status", lambda each: each.status, style=lambda each: COLORS.get(each.status, "")),
            Column("ok", _rate),
            Column("p50", lambda each: _span(each, 50)),
            Column("p95", lambda each: _span(each, 95)),
            Column("runs", lambda each: f"{each.statistics.succeeded}/{each.statistics.ended}", is_wide=True),
            Column("queue", lambda each: each.queue, is_wide=True),
            Column("schedule", lambda each: each.schedule, is_wide=True),
        ),
        as_dict=JobSummary.as_dict,
        name=lambda each: each.job.full,
        note=lambda each: f"paused: {each.paused}" if each.paused else "",
        note_heading="paused",
        empty="No jobs.",
    )


def _rate(job: JobSummary) -> str:
    rate = job.statistics.success_rate
    return "-" if rate is None else f"{int(rate * 100)}%"


def _span(job: JobSummary, percent: int) -> str:
    seconds = job.statistics.percentile(percent)
    return "-" if seconds is None else span(seconds)
