"""`batchtab backfill`: runs a job for scheduled times that have passed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from batchtab.aws import answers
from batchtab.aws.backfill import BackfillRunner
from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.run_history import moment as moment_of
from batchtab.aws.run_requests import backfill_request
from batchtab.aws.runs import FunctionError, Runs
from batchtab.cli.asking import confirm
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, invoke_command
from batchtab.cli.jobs.backfill_progress import progress
from batchtab.cli.options import JobArgument, StageOption
from batchtab.cli.tables import aligned, widths
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError, how_many
from batchtab.schedules import timestamps
from batchtab.schedules.timestamps import utc_text
from batchtab.schedules.timing import Timing
from batchtab.terraform.session import Session

FAILED, INTERRUPTED = 1, 130
_ASKED_FROM = 100
_MOST = 10_000
_SLICE = timedelta(days=30)
_INSTANT = timedelta(microseconds=1)
_TRIGGERS_OWN = timedelta(minutes=2)  # what was due since may still be on its way
_LOOKED_AT = 20_000  # jobs in Batch
_FAILURES_SHOWN = 10
_SHOWN = "%Y-%m-%d %H:%M"


def backfill(
    job: JobArgument,
    from_: Annotated[str, typer.Option("--from", help=f"The first time: {timestamps.FORMS}.")],
    to: Annotated[str, typer.Option("--to", help="The last time, included; of a day, its end.")],
    max_parallel: Annotated[int, typer.Option("--max-parallel", min=1, max=100, help="Maximum concurrent runs.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the times and which of them have run.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help=f"Don't ask before more than {_ASKED_FROM} runs.")] = False,
    explain: ExplainOption = False,
    stage: StageOption = "local",
) -> int:
    """Run a job for every missed scheduled time in a range, the oldest first, and wait for the runs.

    Each run has its own scheduled time. After Ctrl-C submitted runs continue. It is safe to run again: a time that has
    run is not run again, even if it failed. Excluded times are left out. A pause does not prevent it. Unless the
    job's concurrency_policy is `allow`, one runs at a time, between its regular runs.

    Without an offset, --from and --to are in the job's time zone.

    Exit status 1: some runs failed.
    """
    session = Session.open(stage)
    config = session.catalog.stage
    found = find(session.catalog, job, "backfill")
    timing, times = asked_for(found, from_, to, datetime.now(UTC))
    if explain:
        for each in times:
            typer.echo(_command(session, found, each))
        return 0
    aws = connect(session)
    runs, batch = Runs(aws, config.prefix), BatchJobs(aws)
    queues = [session.catalog.job_queue_name(queue) for queue in config.environment.queues]
    done = have_run(found, timing, times, runs, batch, queues)
    if dry_run:
        _show_times(times, done, timing, ZoneInfo(config.timezone))
        return 0
    left = [each for each in times if each not in done]
    if len(left) > _ASKED_FROM and not yes:
        _confirm(found, len(left))
    if max_parallel > 1 and found.spec.concurrency_policy != "allow":
        typer.echo(f"{found.full}: one at a time, because concurrency_policy is {found.spec.concurrency_policy}")
        max_parallel = 1
    return _run(session, found, left, len(done), max_parallel, runs, batch)


def asked_for(job: NamedJob, from_: str, to: str, now: datetime) -> tuple[Timing, list[datetime]]:
    """The job's timing, and its times from `from_` to `to`, in UTC.

    Raises:
        UsageError: it has no such times, or they are not over yet.
    """
    timing = job.spec.timing
    if timing is None:
        raise UsageError(f"backfill: {job.full} has no schedule, so no run of it was ever due")
    for option, value in (("--from", from_), ("--to", to)):
        if reason := timestamps.refusal(value):
            raise UsageError(f"backfill: {option} '{value}' {reason}")
    begin, end = timestamps.first(from_, timing.zone), timestamps.last(to, timing.zone)
    if begin > end:
        raise UsageError(f"backfill: --from {from_} is later than --to {to}")
    if end > now - _TRIGGERS_OWN:
        local = (now - _TRIGGERS_OWN).astimezone(timing.zone).replace(second=0, microsecond=0)
        text = f"backfill: --to {to} must be at least 2 minutes in the past: its trigger may still start those runs"
        raise UsageError(text, f"--to {local.isoformat(timespec='minutes')}")
    if timing.is_rate and begin != end:
        text = f"backfill: {job.full} runs by {timing.expression}, whose times only AWS knows"
        raise UsageError(text, "backfill one run by its exact time: --from T --to T")
    times: list[datetime] = []
    while begin <= end:
        until = min(begin + _SLICE, end)
        times += timing.between(begin, until)
        if len(times) > _MOST:
            raise UsageError(f"backfill: these are more than {_MOST:,} runs", "backfill a part of them, then the next")
        begin = until + _INSTANT
    if not times:
        following = timing.next_runs(begin, 1)
        hint = f"the next is {following[0].astimezone(timing.zone).isoformat(timespec='minutes')}" if following else ""
        raise UsageError(f"backfill: {job.full} has no time from {from_} to {to}", hint)
    return timing, times


def have_run(
    job: NamedJob, timing: Timing, times: Sequence[datetime], runs: Runs, batch: BatchJobs, queues: Sequence[str]
) -> set[datetime]:
    """Which of the times have run: there is a record of it, or Batch still knows the job that the trigger submitted."""
    wanted = {each if timing.is_rate else each.replace(second=0, microsecond=0): each for each in times}
    found: set[datetime] = set()

    def note(scheduled: str) -> None:
        at = moment_of(scheduled)
        if at is not None and not timing.is_rate:
            at = at.replace(second=0, microsecond=0)
        found.update({wanted[at]} if at in wanted else ())

    for record in runs.records(job.full, since=utc_text(times[0]), until=utc_text(times[-1])):
        if record.status == "submitted":
            note(record.scheduled_time)
    for queue in queues:
        summaries = batch.of_name(queue, job.full, most=_LOOKED_AT)
        since_ms = times[0].timestamp() * 1000
        ids = [each["jobId"] for each in summaries if each["createdAt"] >= since_ms]
        for each in batch.described(ids):
            if each.run_id.startswith(f"{job.full}@") and not each.upstream_job_id:
                note(each.scheduled_time)
    return found


def _run(
    session: Session, job: NamedJob, left: list[datetime], done: int, most: int, runs: Runs, batch: BatchJobs
) -> int:

    zone = job.zone(session.catalog)
    if left:
        first, last = (f"{each.astimezone(zone):{_SHOWN}}" for each in (left[0], left[-1]))
        typer.echo(f"{job.full}: {how_many(len(left), 'run')}, {first} to {last}, times of {zone}")
    with progress(job.full, len(left), zone) as shown:
        backfill_runner = BackfillRunner(
            lambda scheduled: runs.ask(backfill_request(session.catalog, job, scheduled)),
            batch.described,
            most,
            shown,
            sleep=time.sleep,
            clock=time.monotonic,
        )
        stopped: Exception | KeyboardInterrupt | None = None
        try:
            backfill_runner.run(left)
        except (FunctionError, LookupError, KeyboardInterrupt) as error:
            stopped = error
        _report(job, backfill_runner, len(left), done, zone)
    if isinstance(stopped, KeyboardInterrupt):
        going = backfill_runner.tally.going
        runs_on = f"{going} {'runs' if going == 1 else 'run'} on in Batch; " if going else ""
        typer.echo(f"batchtab backfill: {runs_on}the same command goes on where this one stopped", err=True)
        return INTERRUPTED
    if isinstance(stopped, LookupError):
        raise answers.not_deployed(f"backfill: there is no function {runs.function_name}")
    if stopped is not None:
        raise UsageError(
            f"backfill: {runs.function_name}: {stopped}", "the same command goes on where this one stopped"
        )
    return FAILED if backfill_runner.tally.failed else 0


def _report(job: NamedJob, backfill_runner: BackfillRunner, wanted: int, done: int, zone: ZoneInfo) -> None:
    tally = backfill_runner.tally
    counts = [(tally.succeeded, "succeeded"), (len(tally.failed), "failed"), (tally.going, "in Batch")]
    duplicates = tally.not_run["duplicate"]
    counts += [(number, outcome) for outcome, number in tally.not_run.items() if outcome != "duplicate"]
    counts += [(done + duplicates, "had run before")]
    ended = tally.succeeded + len(tally.failed) + tally.going + sum(tally.not_run.values())
    counts += [(wanted - ended, "left")]
    words = ", ".join(f"{number} {word}" for number, word in counts if number)
    typer.echo(f"{job.full}: {words}")
    for scheduled, reason in tally.failed[:_FAILURES_SHOWN]:
        typer.echo(f"  failed: {scheduled.astimezone(zone):{_SHOWN}} {reason}".rstrip())
    if len(tally.failed) > _FAILURES_SHOWN:
        typer.echo(f"  and {len(tally.failed) - _FAILURES_SHOWN} more [hint: batchtab history {job.full}]")


def _command(session: Session, job: NamedJob, scheduled: datetime) -> str:
    payload = json.dumps(backfill_request(session.catalog, job, scheduled), separators=(",", ":"))
    return invoke_command(session, payload)


def _confirm(job: NamedJob, number: int) -> None:
    confirm(f"Submit {how_many(number, 'run')} of {job.full}?", "backfill")


def _show_times(times: Sequence[datetime], done: set[datetime], timing: Timing, of_stage: ZoneInfo) -> None:
    zones = [timing.zone] if timing.zone.key != "UTC" else [of_stage] if of_stage.key != "UTC" else []
    rows = [["UTC", *(zone.key for zone in zones), ""]]
    for at in times:
        shown = (f"{each:{_SHOWN}}" for each in (at, *map(at.astimezone, zones)))
        rows.append([*shown, "has run" if at in done else ""])
    sizes = widths(rows)
    for row in rows:
        typer.echo(aligned(row, sizes))
    typer.echo(f"{how_many(len(times), 'run')}, {len(done)} of which {'is' if len(done) == 1 else 'are'} done")
