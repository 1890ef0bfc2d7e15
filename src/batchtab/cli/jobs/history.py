"""`batchtab history`: past runs, also those that never got to Batch.

Calls to AWS, with Q queues, S services and J jobs: at most 20 Q of ListJobs, and 20 Q + 11 of DescribeJobs;
for records those of `noted_runs`; for pauses J/100 of BatchGetItem, one of ListRules for 100 rules, S of ListSchedules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws.batch_jobs import BatchJobs, Submitted
from batchtab.aws.client import Aws
from batchtab.aws.noted_runs import Noted, noted
from batchtab.aws.parallel import mapped, started
from batchtab.aws.run_history import Run, merged, moment
from batchtab.aws.runs import Runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption
from batchtab.cli.jobs import run_table
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.cli.jobs.pause import why_paused
from batchtab.cli.jobs.short_times import near
from batchtab.cli.options import AnyJobArgument, StageOption
from batchtab.cli.output import Listing, Output, OutputOption, print_note
from batchtab.cli.spans import span
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.terraform.session import Session

_SHOWN = 20
_MOST = 1000
_MADE_UP = timedelta(hours=1)  # submitted so long after its time: a backfill, which must not hide the runs of now
_REMEMBERED = timedelta(days=30)  # longer than Batch remembers jobs that have ended
_PAGE = 100


def history(
    job: AnyJobArgument = None,
    stage: StageOption = "local",
    count: Annotated[
        int | None,
        typer.Option("--count", min=1, max=_MOST, help=f"Number of runs. [default: {_SHOWN}; all with --since]"),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only the last 90m, 12h, 7d or 4w.")] = None,
    output: OutputOption = Output.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line and run, in UTC.")] = False,
    explain: ExplainOption = False,
) -> None:
    """Show past runs, the latest first, including skipped, late and dropped ones with the reason.

    Batch keeps jobs for at least a week; the submit function's decisions are kept for the stage's runs.history_days.
    """
    session = Session.open(stage)
    config = session.catalog.stage
    now = datetime.now(UTC)
    begin = None if since is None else now - span(since, "history")
    most = count or (_SHOWN if since is None else _MOST)
    chosen = [find(session.catalog, job, "history")] if job else list(all_jobs(session.catalog))
    if explain:
        for line in AwsCommands(session).of_history(chosen, begin or now - _REMEMBERED):
            typer.echo(line)
        return
    found = gathered(session, connect(session), chosen, most, begin, now)
    if as_json:
        for run in found.runs[:most]:
            typer.echo(json.dumps(run_table.as_dict(run), ensure_ascii=False))
    else:
        zone = chosen[0].zone(session.catalog) if job else ZoneInfo(config.timezone)
        _print(found, run_table.listing(zone, is_one=job is not None), most, zone, config.name, output)
    for line in found.missing:
        typer.echo(f"batchtab: {line}", err=True)


def _print(found: Gathered, listing: Listing[Run], most: int, zone: ZoneInfo, stage: str, output: Output) -> None:
    is_table = output in (Output.TABLE, Output.WIDE)
    for name, why in found.paused.items() if is_table else ():
        print_note(f"{name} is paused: {why} [hint: batchtab resume {name} --stage {stage}]")
    if is_table and found.runs:
        print_note(f"Times of {zone}.")
    listing.print(found.runs[:most], output)
    if is_table and len(found.runs) > most:
        print_note(f"These are the newest {most}, and there are more [hint: --count, --since]")


@dataclass(frozen=True)
class Gathered:
    """What is known of jobs.

    Attributes:
        runs: The latest first. There may be more than were asked for, and is at least one more if there are any more.
        paused: Why jobs are paused, by their names.
        missing: What is not among the runs, a line each.
    """

    runs: list[Run]
    paused: dict[str, str]
    missing: tuple[str, ...] = ()


def gathered(
    session: Session, aws: Aws, chosen: Sequence[NamedJob], most: int, since: datetime | None, now: datetime
) -> Gathered:
    """The runs of jobs, at least the latest `most`."""
    catalog = session.catalog
    table, batch = Runs(aws, catalog.stage.prefix), BatchJobs(aws)
    wanted, names = most + 1, frozenset(job.full for job in chosen)
    queues = [catalog.job_queue_name(queue) for queue in catalog.stage.environment.queues]

    def of_queue(queue: str) -> list[Submitted]:
        if len(chosen) == 1:
            return _of_one(batch, queue, chosen[0].full, wanted, since)
        return _of_all(batch, queue, names, wanted, since or now - _REMEMBERED)

    with started([lambda: why_paused(session, aws, chosen, table)]) as (asked,):
        submitted = [job for found in mapped(of_queue, queues) for job in found]
        paused = asked.result()
    in_batch = merged([], submitted, now)
    first = in_batch[most].at if len(in_batch) > most else None  # what is older is not shown
    begin = max(filter(None, (first, since)), default=None)
    found = noted(table, chosen, wanted, begin, now)
    known = {job.id for job in submitted}
    unknown = [record for record in found.records if record.job_id and record.job_id not in known]
    unknown.sort(key=lambda record: (record.scheduled_time, record.noted_at), reverse=True)
    submitted += batch.described([record.job_id for record in unknown[:wanted]])
    later = {record.job_id for record in unknown[wanted:]}  # none of them is shown, nor known to have ended
    records = [record for record in found.records if record.job_id not in later]
    runs = [run for run in merged(records, submitted, now) if since is None or run.at >= since]
    missing = (_partly(found, ZoneInfo(catalog.stage.timezone), now),) if found.partly else ()
    return Gathered(runs, paused, missing)


def _partly(found: Noted, zone: ZoneInfo, now: datetime) -> str:
    since = near(found.since, zone, now) if found.since else "the beginning"
    return (
        f"of {found.partly:,} jobs, runs that never got to Batch are shown from {since} on, and only those at times of"
        " their schedules: batchtab history JOB"
    )


def _of_one(batch: BatchJobs, queue: str, name: str, wanted: int, since: datetime | None) -> list[Submitted]:
    summaries = batch.of_name(queue, name)
    if since is not None:
        summaries = [each for each in summaries if each["createdAt"] >= since.timestamp() * 1000]
    pages = (summaries[begin : begin + _PAGE] for begin in range(0, len(summaries), _PAGE))
    return _until_enough(batch, pages, wanted)


def _of_all(batch: BatchJobs, queue: str, names: frozenset[str], wanted: int, since: datetime) -> list[Submitted]:
    pages = ([each for each in page if each["jobName"] in names] for page in batch.since(queue, since))
    return _until_enough(batch, pages, wanted)


def _until_enough(batch: BatchJobs, pages: Iterable[Sequence[Any]], wanted: int) -> list[Submitted]:
    found: list[Submitted] = []
    for page in pages:
        found += batch.described([each["jobId"] for each in page])
        if sum(not _is_made_up(job) for job in found) >= wanted:
            break
    return found


def _is_made_up(job: Submitted) -> bool:
    scheduled = moment(job.scheduled_time)
    return scheduled is not None and job.created_ms / 1000 - scheduled.timestamp() > _MADE_UP.total_seconds()
