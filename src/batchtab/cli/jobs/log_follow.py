"""Follows a job's log on the terminal, for `batchtab logs -f` and `batchtab run`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import typer

from batchtab.aws.batch_jobs import BatchJobs, read
from batchtab.aws.client import Aws
from batchtab.aws.job_logs import JobLogs
from batchtab.aws.job_parts import JobParts
from batchtab.aws.log_following import LogFollower
from batchtab.aws.log_streams import WantedLog
from batchtab.aws.run_waiting import settled
from batchtab.aws.runs import Runs
from batchtab.cli import exits
from batchtab.cli.jobs.log_lines import LogLines
from batchtab.errors import NotFoundError, printable
from batchtab.run_record import Record


def follow(aws: Aws, job_id: str, wanted: WantedLog, lines: LogLines, stage: str) -> int:
    """Prints what a job writes until it has ended; returns its exit status. Ctrl-C ends only this."""
    follower = LogFollower(
        BatchJobs(aws),
        JobParts(aws),
        JobLogs(aws),
        wanted,
        show=lines.show,
        say=say,
        sleep=time.sleep,
        why=f"batchtab why {job_id} --stage {stage}",
    )
    try:
        detail = follower.follow(job_id)
    except KeyboardInterrupt:
        say(f"job {job_id} runs on [hint: batchtab stop {job_id} --stage {stage}]")
        return exits.INTERRUPTED
    say(ended(detail))
    return exits.OK if detail["status"] == "SUCCEEDED" else exits.FAILED


def wait_for_start(runs: Runs, job: str, scheduled_time: str, run_id: str, stage: str) -> Record | None:
    """The run's record when it does not wait any more; None after Ctrl-C.

    Raises:
        NotFoundError: nothing is noted of the run.
    """
    try:
        return settled(runs, job, scheduled_time, run_id, say=say, sleep=time.sleep)
    except LookupError:
        raise NotFoundError(f"nothing is noted of the run {run_id}", f"batchtab history {job}") from None
    except KeyboardInterrupt:
        say(f"the run waits on and starts in its turn [hint: batchtab history {job} --stage {stage}]")
        return None


def ended(detail: Mapping[str, Any]) -> str:
    """How a job is, or how it has ended, in one line."""
    job = read(detail)
    text = f"{job.name}, job {job.id}: {job.status}"
    return printable(f"{text}: {job.reason}" if job.reason else text)


def say(text: str) -> None:
    """Says on stderr what is no data."""
    typer.echo(f"batchtab: {printable(text)}", err=True)
