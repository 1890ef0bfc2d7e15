"""`batchtab run`: starts a run now, under the job's policy.

Calls to AWS: one Invoke of the submit function or one SubmitJob, up to three where the function fails or AWS throttles.
With --follow those of `LogFollower`, and one Query each two to fifteen seconds while the run waits for its turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws import answers, submission
from batchtab.aws.client import Aws
from batchtab.aws.log_streams import WantedLog
from batchtab.aws.run_requests import manual_request
from batchtab.aws.run_requests import submission as submit_arguments
from batchtab.aws.runs import Answer, FunctionError, Runs
from batchtab.cli import exits
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command, invoke_command
from batchtab.cli.jobs.log_follow import follow, say, wait_for_start
from batchtab.cli.jobs.log_lines import LogLines
from batchtab.cli.jobs.run_options import RunOptions, masked, refuse_long
from batchtab.cli.options import JobArgument, StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption, print_data
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError
from batchtab.schedules import timestamps
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

NOT_RUN = {"skipped", "late", "dropped", "busy", "duplicate", "ignored", "refused"}


def run(
    job: JobArgument,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="A command in place of the job's own.")
    ] = None,
    env: Annotated[list[str] | None, typer.Option("--env", help="A variable, as NAME=VALUE. Repeatable.")] = None,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", help="A file of variables, NAME=VALUE in each line.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="A parameter of the command, as NAME=VALUE. Repeatable.")
    ] = None,
    vcpus: Annotated[float | None, typer.Option("--vcpus", help="Number of vCPUs.")] = None,
    memory_mib: Annotated[int | None, typer.Option("--memory", help="Memory in MiB.")] = None,
    timeout_seconds: Annotated[int | None, typer.Option("--timeout", help="Seconds that an attempt may take.")] = None,
    array_size: Annotated[int | None, typer.Option("--array-size", help="Run it as an array of that size.")] = None,
    at: Annotated[str, typer.Option("--at", help=f"Run as if due then: {timestamps.FORMS}.")] = "",
    ignore_policy: Annotated[
        bool, typer.Option("--ignore-policy", help="Start it even if another run is active, or the job is paused.")
    ] = False,
    is_followed: Annotated[
        bool | None,
        typer.Option("--follow/--detach", help="Print its log until it ends. Default: follow on a terminal."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; batchtab history shows it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be submitted.")] = False,
    explain: ExplainOption = False,
    output: OutputOption = Output.TABLE,
    stage: StageOption = "local",
) -> int:
    """Run a job now.

    The job's concurrency_policy, except and pause_on_failure apply: exit status 4 if they prevent the run.

    With --follow, the exit status is the run's: 0 succeeded, 1 failed. Ctrl-C does not stop the job.
    """
    if is_followed and output is not Output.TABLE:
        raise UsageError(f"run: --follow prints the log, and not -o {output}", f"--detach -o {output}")
    options = RunOptions(
        command or (), env or (), env_file, param or (), vcpus, memory_mib, timeout_seconds, array_size, reason
    )
    session = Session.open(stage)
    asked = AskedRun.of(session, find(session.catalog, job, "run"), options, at, ignores_policy=ignore_policy)
    if explain:
        if masked(asked.arguments) != asked.arguments:
            say("values that look secret are masked: write your own in place of ***")
        typer.echo(asked.aws_command())
        return exits.OK
    if dry_run:
        say(asked.words)
        print_data(masked(asked.arguments), Output.JSON if output is Output.JSON else Output.YAML)
        return exits.OK
    aws = connect(session)
    try:
        answer = asked.start(aws)
    except KeyboardInterrupt:
        say(f"it may have been started [hint: batchtab history {asked.job.full} --stage {stage}]")
        return exits.INTERRUPTED
    if is_followed is None:
        is_followed = sys.stdout.isatty() and output is Output.TABLE
    return _Started(asked, aws, answer).finish(output, is_followed=is_followed)


class AskedRun:
    """One run that is asked for.

    Attributes:
        arguments: SubmitJob's.
        event: What the submit function is asked; None for a job without a policy, or if it is ignored.
    """

    def __init__(
        self, session: Session, job: NamedJob, scheduled: datetime, arguments: Mapping[str, Any], event: Any
    ) -> None:
        self.session, self.job, self.scheduled = session, job, scheduled
        self.arguments, self.event = arguments, event
        self.function = f"{session.catalog.stage.prefix}-submit-run"

    @classmethod
    def of(cls, session: Session, job: NamedJob, options: RunOptions, at: str, *, ignores_policy: bool) -> AskedRun:
        """Checks all that is given, before AWS is called."""
        catalog = session.catalog
        scheduled = _time(job, at, job.zone(catalog))
        overrides = options.overrides(catalog, job, ignores_policy=ignores_policy)
        arguments = submit_arguments(catalog, job, scheduled, overrides)
        by_function = job.spec.is_managed and not ignores_policy
        may_wait = by_function and job.spec.concurrency_policy in ("queue", "replace")
        refuse_long(job, overrides, arguments, may_wait=may_wait)
        event = manual_request(catalog, job, scheduled, overrides) if by_function else None
        return cls(session, job, scheduled, arguments, event)

    @property
    def words(self) -> str:
        """What would be done."""
        way = f"by {self.function}, which keeps to the job's policy" if self.event else "with SubmitJob"
        return f"dry run: {self.job.full} would be submitted {way}, for {utc_text(self.scheduled)}"

    def aws_command(self) -> str:
        """The command that does the same; secrets are masked in it."""
        if self.event is None:
            return aws_command(self.session, "batch", "submit-job", masked(self.arguments))
        payload = json.dumps(masked(self.event), separators=(",", ":"), sort_keys=True)
        return invoke_command(self.session, payload)

    def start(self, aws: Aws) -> Answer:
        """Asks for the run.

        Raises:
            UsageError: the submit function is not there, is older, or failed.
        """
        if self.event is None:
            job_id = submission.submit(aws, self.arguments, time.sleep)
            return Answer("submitted", f"{self.job.full}@{utc_text(self.scheduled)}", job_id)
        stage = self.session.catalog.stage
        try:
            return submission.ask(Runs(aws, stage.prefix), self.event, time.sleep)
        except LookupError:
            raise answers.not_deployed(f"run: there is no function {self.function}") from None
        except submission.OlderFunctionError:
            text = f"run: {self.function} has an older version, which takes no runs from here"
            raise UsageError(text, f"batchtab deploy --stage {stage.name}, or --ignore-policy") from None
        except FunctionError as error:
            raise UsageError(f"run: {self.function}: {error}", f"batchtab history {self.job.full}") from None

    def why_not(self, outcome: str, reason: str) -> str:
        """Why it was not started, of an outcome that is in `NOT_RUN`."""
        if outcome == "duplicate":
            return f"{self.job.full} has had its run for {utc_text(self.scheduled)}: {reason}"
        return f"{self.job.full} was not started, {outcome}: {reason or 'no reason is given'}"


class _Started:
    """A run, and what the answer to it was."""

    def __init__(self, asked: AskedRun, aws: Aws, answer: Answer) -> None:
        self._asked, self._aws, self._answer = asked, aws, answer
        self._stage = asked.session.catalog.stage
        self._zone = asked.job.zone(asked.session.catalog)

    def finish(self, output: Output, *, is_followed: bool) -> int:
        """Prints the outcome, follows the run, and returns the exit status."""
        answer, name = self._answer, self._asked.job.full
        if answer.outcome in NOT_RUN:
            if output in (Output.JSON, Output.YAML):
                self._listing().print([answer], output)
            return self._not_run(answer.outcome, answer.reason, answer.job_id)
        if not is_followed:
            if answer.outcome == "waiting":
                say(f"{name} waits: {answer.reason}")
            self._listing().print([answer], output)
            return exits.OK
        job_id = answer.job_id
        if answer.outcome == "waiting":
            time_ = utc_text(self._asked.scheduled)
            record = wait_for_start(Runs(self._aws, self._stage.prefix), name, time_, answer.run_id, self._stage.name)
            if record is None:
                return exits.INTERRUPTED
            if not record.job_id:
                return self._not_run(record.status, record.reason)
            job_id = record.job_id
        say(f"{name} is submitted: job {job_id}")
        wanted = WantedLog(self._stage.prefix, every_attempt=True)
        return follow(self._aws, job_id, wanted, LogLines(None, None, has_labels=True), self._stage.name)

    def _not_run(self, outcome: str, reason: str, job_id: str = "") -> int:
        what, hint = self._asked.why_not(outcome, reason), "--ignore-policy"
        if outcome == "duplicate":
            hint = f"batchtab logs {job_id}" if job_id else ""
        elif reason.startswith("paused"):
            hint = "batchtab resume, or --ignore-policy"
        say(what + (f" [hint: {hint}]" if hint else ""))
        return exits.SKIPPED

    def _listing(self) -> Listing[Answer]:
        name, scheduled = self._asked.job.full, self._asked.scheduled
        local = scheduled.astimezone(self._zone)
        return Listing(
            columns=(
                Column("job", lambda _: name),
                Column("status", lambda answer: answer.outcome),
                Column("time", lambda _: f"{local:%m-%d %H:%M:%S}"),
                Column("job id", lambda answer: answer.job_id),
                Column("run id", lambda answer: answer.run_id, is_wide=True),
            ),
            as_dict=lambda answer: {
                "job": name,
                "status": answer.outcome,
                "scheduled_time": utc_text(scheduled),
                "reason": answer.reason or None,
                "run_id": answer.run_id or None,
                "job_id": answer.job_id or None,
            },
            name=lambda answer: answer.job_id or answer.run_id,
        )


def _time(job: NamedJob, at: str, zone: ZoneInfo) -> datetime:
    """A run's time: now, or as its trigger would have it."""
    if not at:
        return datetime.now(UTC).replace(microsecond=0)
    if refusal := timestamps.refusal(at):
        raise UsageError(f"run: --at '{at}' {refusal}")
    moment = timestamps.first(at, zone)
    timing = job.spec.timing
    return moment if timing is not None and timing.is_rate else moment.replace(second=0)
