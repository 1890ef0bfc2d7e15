"""`batchtab history`: what became of the runs, those that never got to Batch among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws.batch_jobs import BatchJobs, Submitted
from batchtab.aws.client import Aws
from batchtab.aws.run_history import Run, merged, moment
from batchtab.aws.runs import Runs
from batchtab.cli.connection import connect
from batchtab.cli.jobs import run_table
from batchtab.cli.jobs.pause import why_paused
from batchtab.cli.options import AnyJobArgument, StageOption
from batchtab.cli.spans import span
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_SHOWN = 20
_MOST = 1000
_MADE_UP = timedelta(hours=1)  # submitted so long after its time: a backfill, which must not hide the runs of now
_REMEMBERED = timedelta(days=30)  # longer than Batch remembers jobs that have ended
_AT_ONCE = 8


def history(
    job: AnyJobArgument = None,
    stage: StageOption = "local",
    count: Annotated[
        int | None,
        typer.Option("--count", min=1, max=_MOST, help=f"Number of runs. [default: {_SHOWN}; all with --since]"),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only the last 90m, 12h, 7d or 4w.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line and run, in UTC.")] = False,
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
    runs, paused = gathered(session, connect(session), chosen, most, begin, now)
    if as_json:
        for run in runs[:most]:
            typer.echo(json.dumps(as_dict(run), ensure_ascii=False))
        return
    zone = chosen[0].zone(session.catalog) if job else ZoneInfo(config.timezone)
    for name, why in paused.items():
        typer.echo(f"{name} is paused: {why} [hint: batchtab resume {name} --stage {config.name}]")
    run_table.show(runs[:most], zone, is_one=job is not None)
    if len(runs) > most:
        typer.echo(f"These are the newest {most}, and there are more [hint: --count, --since]")


def gathered(
    session: Session, aws: Aws, chosen: Sequence[NamedJob], most: int, since: datetime | None, now: datetime
) -> tuple[list[Run], dict[str, str]]:
    """The runs of jobs, the latest first, and why those that are paused are.

    There may be more than `most`, and is at least one more if there are more at all.
    """
    prefix = session.catalog.stage.prefix
    table, batch = Runs(aws, prefix), BatchJobs(aws)
    names = [job.full for job in chosen]
    from_text = utc_text(since) if since else ""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        of_jobs = pool.map(lambda name: table.records(name, since=from_text, newest=most + 1), names)
        records = [record for found in of_jobs for record in found]
    queues = [session.catalog.job_queue_name(queue) for queue in session.catalog.stage.environment.queues]
    if len(chosen) == 1:
        submitted = [job for queue in queues for job in _of_one(batch, queue, names[0], most + 1, since)]
    else:
        begin = since or now - _REMEMBERED
        submitted = [job for queue in queues for job in _of_all(batch, queue, frozenset(names), most + 1, begin)]
    known = {job.id for job in submitted}
    submitted += batch.described([r.job_id for r in records if r.job_id and r.job_id not in known])
    runs = [run for run in merged(records, submitted, now) if since is None or run.at >= since]
    return runs, why_paused(session, aws, chosen, table)


def _of_one(batch: BatchJobs, queue: str, name: str, wanted: int, since: datetime | None) -> list[Submitted]:
    summaries = batch.of_name(queue, name)
    if since is not None:
        summaries = [each for each in summaries if each["createdAt"] >= since.timestamp() * 1000]
    found: list[Submitted] = []
    for begin in range(0, len(summaries), 100):
        found += batch.described([each["jobId"] for each in summaries[begin : begin + 100]])
        if sum(not _is_made_up(job) for job in found) >= wanted:
            break
    return found


def _of_all(batch: BatchJobs, queue: str, names: frozenset[str], wanted: int, since: datetime) -> list[Submitted]:
    found: list[Submitted] = []
    for page in batch.since(queue, since):
        found += batch.described([each["jobId"] for each in page if each["jobName"] in names])
        if sum(not _is_made_up(job) for job in found) >= wanted:
            break
    return found


def _is_made_up(job: Submitted) -> bool:

    scheduled = moment(job.scheduled_time)
    return scheduled is not None and job.created_ms / 1000 - scheduled.timestamp() > _MADE_UP.total_seconds()


def as_dict(run: Run) -> dict[str, Any]:
    """A run for other programs: moments in UTC, null where there is none."""
    return {
        "job": run.job,
        "scheduled_time": _utc(run.scheduled),
        "status": run.status,
        "submitted_or_noted_at": _utc(run.came),
        "started_at": _utc(run.started),
        "stopped_at": _utc(run.stopped),
        "duration_seconds": None if run.took_seconds is None else round(run.took_seconds, 3),
        "attempts": run.attempts or None,
        "reason": run.reason or None,
        "run_id": run.run_id or None,
        "job_id": run.job_id or None,
    }


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
