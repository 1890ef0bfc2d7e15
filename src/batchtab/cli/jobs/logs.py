"""`batchtab logs`: what a run wrote.

Calls to AWS: those of the look-up (see `RunLookup`), a DescribeJobs call, of an array up to three ListJobs calls and
one more DescribeJobs call, and GetLogEvents calls: one for each 10,000 events or 1 MB of each stream, at most 500 of a
job and 20 of each of at most 50 children. With -f those of `LogFollower`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.job_logs import MOST_PAGES, JobLogs, LogEvent
from batchtab.aws.job_parts import JobParts, array_size, node_count, part
from batchtab.aws.log_streams import LogStream, WantedLog
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.aws.runs import Runs
from batchtab.cli import exits
from batchtab.cli.completion.runs import complete_active_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.log_follow import ended, follow, say, wait_for_start
from batchtab.cli.jobs.log_lines import LogLines, pattern
from batchtab.cli.options import StageOption
from batchtab.cli.spans import span
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import NotFoundError, UsageError
from batchtab.terraform.session import Session

_CHILDS_PAGES = 20
_PENDING = ("claimed", "waiting")
_RUN_HELP = "A job (its newest run), or a run: a job id, its beginning, or JOB@2026-11-28T09:00."


def logs(
    run: Annotated[str, typer.Argument(metavar="JOB|RUN", help=_RUN_HELP, autocompletion=complete_active_runs)],
    is_followed: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the run ends.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="Only lines of the last 10m, 2h or 1d.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", min=0, max=100_000, help="Only the last lines.")] = None,
    attempt: Annotated[str, typer.Option("--attempt", help="An attempt's number, all, or last.")] = "last",
    index: Annotated[int | None, typer.Option("--index", min=0, help="One child of an array, or one node.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="The last failed run of a job; of an array its failed children.")
    ] = False,
    container: Annotated[
        str, typer.Option("--container", help="One of several containers. Default: the failed one, or main.")
    ] = "",
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Show times, in the job's time zone.")] = False,
    grep: Annotated[str | None, typer.Option("--grep", help="Only lines that match a regular expression.")] = None,
    explain: ExplainOption = False,
    stage: StageOption = "local",
) -> int:
    """Print a run's log.

    With -f, the exit status is the run's: 0 succeeded, 1 failed. Each line of an array begins with its child's index.
    """
    expression = pattern(grep)
    session = Session.open(stage)
    number, every = _attempt(attempt)
    since_ms = int((datetime.now(UTC) - span(since, "logs")).timestamp() * 1000) if since else None
    wanted = WantedLog(session.catalog.stage.prefix, container, number, every, since_ms, tail, failed)
    aws = connect(session)
    meant = _found(session, aws, run, only_failed=failed)
    found = meant if meant.detail else _started(session, aws, meant, waits=is_followed)
    if found is None:
        return exits.INTERRUPTED
    detail = found.detail if index is None else part(aws, found.detail, index, "logs")
    if failed and detail["status"] != "FAILED" and not array_size(detail):
        raise NotFoundError(f"logs: job {detail['jobId']} has not failed: it is {detail['status']}")
    zone = found.job.zone(session.catalog) if found.job else ZoneInfo(session.catalog.stage.timezone)
    lines = LogLines(
        zone if timestamps else None, expression, has_labels=bool(array_size(detail) or node_count(detail))
    )
    if is_followed and not explain:
        return follow(aws, detail["jobId"], wanted, lines, stage)
    return PrintedLog(session, aws, wanted, lines.show).print(detail, explain=explain)


class PrintedLog:
    """What there is of a log now.

    Args:
        session: The stage.
        aws: Where it is deployed.
        wanted: Which part of the log.
        show: Called for each event.
        say: Called with what else is to be known.
    """

    def __init__(
        self,
        session: Session,
        aws: Aws,
        wanted: WantedLog,
        show: Callable[[LogStream, LogEvent], None],
        say: Callable[[str], None] = say,
    ) -> None:
        self._session, self._wanted, self._show, self._say = session, wanted, show, say
        self._batch, self._parts, self._logs = BatchJobs(aws), JobParts(aws), JobLogs(aws)

    def print(self, detail: Mapping[str, Any], *, explain: bool) -> int:
        """Prints it, or the commands that do; returns the exit status."""
        ids, more = self._parts.ids(detail, only_failed=self._wanted.only_failed)
        is_one = ids == [detail["jobId"]]
        details = [detail] if is_one else list(self._batch.raw(ids).values())
        streams = [stream for each in details for stream in self._wanted.streams(each)]
        most_pages = MOST_PAGES if is_one else _CHILDS_PAGES
        printed = [self._print(stream, most_pages, explain=explain) for stream in streams if stream.name]
        if more:
            self._say(f"{more} more ran [hint: --index N]")
        if any(printed):
            return exits.OK
        self._say(f"there is no log{'' if _is_over(detail) else ' yet'}: {ended(detail)}")
        return exits.NOT_FOUND

    def _print(self, stream: LogStream, most_pages: int, *, explain: bool) -> bool:
        cursor = self._logs.cursor(stream, since_ms=self._wanted.since_ms, tail=self._wanted.tail)
        if explain:
            typer.echo(aws_command(self._session, "logs", "get-log-events", cursor.arguments()))
            return True
        if self._wanted.every_attempt:
            self._say(f"attempt {stream.attempt}{f' of index {stream.label}' if stream.label else ''}")
        for event in cursor.new(most_pages):
            self._show(stream, event)
        if cursor.is_cut:
            self._say(f"the log of {stream.name} goes on [hint: --tail N, --since 1h]")
        return cursor.is_there


def _found(session: Session, aws: Aws, run: str, *, only_failed: bool) -> FoundRun:
    lookup = RunLookup(session.catalog, aws, "logs")
    found = lookup.job_or_run(run)
    if not isinstance(found, NamedJob):
        return found
    if not only_failed:
        return lookup.newest(found)
    queues = [session.catalog.job_queue_name(queue) for queue in session.catalog.stage.environment.queues]
    batch = BatchJobs(aws)
    listed: Sequence[Any] = [each for queue in queues for each in batch.of_name(queue, found.full)]
    failed = [each for each in listed if each.get("status") == "FAILED"]
    if not failed:
        raise NotFoundError(f"logs: Batch knows no failed run of {found.full}", f"batchtab history {found.full}")
    return lookup.run(max(failed, key=lambda each: each["createdAt"])["jobId"])


def _started(session: Session, aws: Aws, found: FoundRun, *, waits: bool) -> FoundRun | None:
    """The run with its job, for which a run that waits is waited for; None after Ctrl-C.

    Raises:
        NotFoundError: it has no job (any more).
    """
    record, stage = found.record, session.catalog.stage
    if record is not None and record.status in _PENDING and waits:
        record = wait_for_start(Runs(aws, stage.prefix), record.job, record.scheduled_time, record.run_id, stage.name)
        if record is None:
            return None
    if record is not None and record.job_id:
        detail = BatchJobs(aws).raw([record.job_id]).get(record.job_id)
        if detail is not None:
            return FoundRun(found.job, detail, record)
        text = f"logs: Batch no longer knows job {record.job_id}, nor the name of its log stream"
        raise NotFoundError(text, f"aws logs filter-log-events --log-group-name /aws/batch/{stage.prefix}")
    status = record.status if record else "not submitted"
    reason = f": {record.reason}" if record and record.reason else ""
    hint = "-f waits for it" if record and record.status in _PENDING else ""
    raise NotFoundError(f"logs: the run of {found.name} for {found.scheduled_time} has no log: {status}{reason}", hint)


def _attempt(text: str) -> tuple[int | None, bool]:
    """An attempt's number, or None for the last one; and whether all are meant."""
    if text in ("last", "all"):
        return None, text == "all"
    if not re.fullmatch(r"[1-9][0-9]?", text):
        raise UsageError(f"logs: --attempt '{text}' is not an attempt: 1, 2, …, all or last")
    return int(text), False


def _is_over(detail: Mapping[str, Any]) -> bool:
    return detail["status"] in ("SUCCEEDED", "FAILED")
