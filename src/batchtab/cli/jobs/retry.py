"""`batchtab retry`: runs what failed again, each run once.

A run with a scheduled time goes through the submit function, whose table makes sure that it is retried once, and whose
policies apply. Calls to AWS: those of RunLookup or failed_runs, those of retries for each run, and one for each retry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from batchtab.aws import answers
from batchtab.aws.batch_jobs import ENDED, LOOKED_AT, BatchJobs, read
from batchtab.aws.client import Aws
from batchtab.aws.retried_arrays import CannotRetryError
from batchtab.aws.retries import Chain, Retries
from batchtab.aws.run_history import moment
from batchtab.aws.run_lookup import RunLookup
from batchtab.aws.runs import FunctionError, Runs
from batchtab.aws.termination import Termination
from batchtab.cli import exits
from batchtab.cli.asking import confirm
from batchtab.cli.completion.runs import complete_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.failed_runs import failed_runs
from batchtab.cli.jobs.retry_plan import Choices, Plan, Planner, as_payload, masked
from batchtab.cli.options import StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption
from batchtab.cli.spans import span
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.errors import UsageError, how_many
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

SUBMITTED, PLANNED = "submitted", "would be submitted"
_OLD_FUNCTION = "is no trigger, no end of a job and no resume"


@dataclass(frozen=True)
class Result:
    """The outcome of a retry.

    Attributes:
        job: What the job is called.
        scheduled: The run's time; None for a job that no schedule started.
        of: The job that failed.
        outcome: submitted, retried already, busy, not retried.
        job_id: The new job, or the one that retried it already.
        note: Why, or which children.
        zone: Of the job.
    """

    job: str
    scheduled: datetime | None
    of: str
    outcome: str
    job_id: str = ""
    note: str = ""
    zone: tzinfo = UTC

    def as_dict(self) -> Mapping[str, Any]:
        """For other programs."""
        return {
            "job": self.job,
            "scheduled_time": utc_text(self.scheduled) if self.scheduled else None,
            "retry_of": self.of,
            "outcome": self.outcome,
            "job_id": self.job_id or None,
            "note": self.note or None,
        }


_LISTING = Listing[Result](
    columns=(
        Column("job", lambda result: result.job),
        Column("time", lambda r: f"{r.scheduled.astimezone(r.zone):%m-%d %H:%M}" if r.scheduled else ""),
        Column("retry of", lambda result: result.of, is_wide=True),
        Column("id", lambda result: result.job_id or "-"),
    ),
    as_dict=Result.as_dict,
    name=lambda result: result.job_id or result.of,
    note=lambda result: f"{result.outcome}{': ' if result.note else ''}{result.note}",
    empty="retry: no run failed, or each was retried",
)


def retry(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run, or a job: its newest. With --failed, a job; default: all jobs.",
            autocompletion=complete_runs,
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All runs that failed and did not succeed since.")] = False,
    since: Annotated[str, typer.Option("--since", help="With --failed: 90m, 12h, 7d.")] = "6h",
    again: Annotated[bool, typer.Option("--again", help="Also if it was retried already.")] = False,
    same_definition: Annotated[
        bool, typer.Option("--same-definition", help="Use the revision that the run had, not the newest.")
    ] = False,
    whole_array: Annotated[bool, typer.Option("--whole-array", help="Run all children of an array.")] = False,
    own_indices: Annotated[
        bool,
        typer.Option(
            "--own-indices", help="Of an array without the runner: the program itself reads BATCHTAB_ARRAY_INDICES."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be submitted.")] = False,
    explain: ExplainOption = False,
    output: OutputOption = Output.TABLE,
    stage: StageOption = "local",
) -> int:
    """Run a failed run again: same scheduled time, variables, command and sizes; of an array only failed children.

    RUN is a job id or its beginning, ID:3 for one child of an array, or JOB@TIME. A run is retried once, even if two
    people ask; a failed retry may be retried. The deployed job definition is used. A paused job is retried too. While
    another run of the job is active, nothing is retried unless its concurrency_policy is `allow`.

    Exit status 4: a run was not retried; the output says why.
    """
    if run is None and not failed:
        raise UsageError("retry: name a run, or --failed", "batchtab retry JOB@2026-11-28T09:00")
    session = Session.open(stage)
    begin = datetime.now(UTC) - span(since, "retry")
    catalog = session.catalog
    chosen = [find(catalog, run, "retry")] if failed and run else list(all_jobs(catalog))
    aws = connect(session)
    retrying = Retrying(session, aws, Choices(same_definition, whole_array, own_indices, again))
    if failed:
        found = failed_runs(BatchJobs(aws), retrying.queues, chosen, begin)
        plans = [retrying.plan(each.job, each.chain) for each in found.runs]
        if found.meant:
            words = f"{found.meant} more were stopped, or replaced by a later run: name one to retry it"
            typer.echo(f"retry: {words}", err=True)
        for queue in found.cut:
            name = queue.removeprefix(f"{catalog.stage.prefix}-")
            hint = "" if run else ": batchtab retry JOB --failed"
            typer.echo(f"retry: queue {name}: only the newest {LOOKED_AT:,} jobs were looked at{hint}", err=True)
    else:
        plans = [retrying.of_run(run or "")]
    if explain:
        for plan in plans:
            typer.echo(_command(session, plan))
        return exits.OK
    wanted = [plan for plan in plans if isinstance(plan, Plan)]
    if failed and wanted and not (yes or dry_run):
        _ask(retrying, wanted, stage)
    results: list[Result] = []
    try:
        for plan in plans:
            submitted = retrying.result(plan, PLANNED) if dry_run and isinstance(plan, Plan) else plan
            results.append(retrying.submit(submitted) if isinstance(submitted, Plan) else submitted)
    finally:  # also where one is refused, or Ctrl-C: what is submitted is said
        if results or not plans:
            _LISTING.print(results, output)
    return exits.OK if all(result.outcome in (SUBMITTED, PLANNED) for result in results) else exits.SKIPPED


class Retrying:
    """Plans and submits retries."""

    def __init__(self, session: Session, aws: Aws, choices: Choices) -> None:
        self._session, self._aws = session, aws
        catalog = session.catalog
        self.queues = [catalog.job_queue_name(queue) for queue in catalog.stage.environment.queues]
        self._retries = Retries(aws, catalog.stage.prefix, self.queues)
        self._runs = Runs(aws, catalog.stage.prefix)
        self._planner = Planner(catalog, self._retries, self._runs, choices)

    def of_run(self, wanted: str) -> Plan | Result:
        """A retry of the run that is called so."""
        found = RunLookup(self._session.catalog, self._aws, "retry").run(wanted)
        if not found.detail:
            text = f"retry: Batch has no job of the run of {found.scheduled_time} of {found.name}"
            at = f"--from {found.scheduled_time} --to {found.scheduled_time}"
            raise UsageError(text, f"batchtab backfill {found.name} {at}")
        parent, _, child = found.job_id.partition(":")
        detail = BatchJobs(self._aws).raw([parent]).get(parent, found.detail) if child else found.detail
        chain = self._retries.chain(detail, is_whole=not child)
        return self.plan(found.job, chain, int(child) if child else None)

    def plan(self, job: NamedJob | None, chain: Chain, only_child: int | None = None) -> Plan | Result:
        """A retry of the newest failed job of a run, or why there is none."""
        first, newest = chain.jobs[0], chain.newest
        if first["status"] != "FAILED":
            verb = "has not failed" if first["status"] in ENDED else "has not ended"
            return self._not_retried(job, first, f"{verb}: {first['status']}")
        try:
            plan = self._planner.plan(job, chain, only_child)
        except CannotRetryError as error:
            return self._not_retried(job, first, f"{error} [hint: {error.hint}]" if error.hint else str(error))
        if plan is None:
            return self._result(job, first, "retried already", newest["jobId"], f"{newest['status']} [hint: --again]")
        return plan

    def submit(self, plan: Plan) -> Result:
        """Submits a retry."""
        if plan.request:
            if reason := self._who_is_active(plan):
                return self.result(plan, "busy", note=reason)
            return self.result(plan, SUBMITTED, self._retries.submit(plan.request))
        runs = self._runs
        try:
            answer = runs.ask({"retry": plan.event})
        except LookupError:
            raise answers.not_deployed(f"retry: there is no function {runs.function_name}") from None
        except FunctionError as error:
            if _OLD_FUNCTION in str(error):
                raise UsageError(
                    f"retry: {runs.function_name} has an older version, which knows no retry", "batchtab deploy"
                ) from None
            raise UsageError(f"retry: {plan.name}: {error}", "the same command is safe to run again") from None
        if answer.outcome == "duplicate":
            return self.result(plan, "retried already", answer.job_id, "[hint: --again]")
        if answer.outcome == SUBMITTED:
            return self.result(plan, SUBMITTED, answer.job_id)
        return self.result(plan, answer.outcome, note=answer.reason)

    def _who_is_active(self, plan: Plan) -> str:
        """Of a job that must not meet itself a job that has not ended; no schedule started this one."""
        if plan.job is None or plan.job.spec.concurrency_policy == "allow":
            return ""
        active = [each for each in Termination(self._aws).active(self.queues) if each["jobName"] == plan.name]
        return f"job {active[0]['jobId']} has not ended" if active else ""

    def result(self, plan: Plan, outcome: str, job_id: str = "", note: str = "") -> Result:
        """The outcome of a retry."""
        children = f"children {plan.children}" if plan.children else ""
        words = "; ".join(filter(None, (note, f"retry of {plan.failed['jobId']}", children)))
        return self._result(plan.job, plan.failed, outcome, job_id, words)

    def _not_retried(self, job: NamedJob | None, detail: Mapping[str, Any], why: str) -> Result:
        return self._result(job, detail, "not retried", "", f"{detail['jobId']} {why}")

    def _result(self, job: NamedJob | None, detail: Mapping[str, Any], outcome: str, job_id: str, note: str) -> Result:
        catalog = self._session.catalog
        zone = job.zone(catalog) if job else ZoneInfo(catalog.stage.timezone)
        scheduled = moment(read(detail).scheduled_time)
        return Result(str(detail["jobName"]), scheduled, str(detail["jobId"]), outcome, str(job_id), note, zone)


def _ask(retrying: Retrying, plans: Sequence[Plan], stage: str) -> None:
    for plan in plans:
        result = retrying.result(plan, PLANNED)
        at = f"@{utc_text(result.scheduled)}" if result.scheduled else ""
        typer.echo(f"  {result.job}{at}  {result.note}", err=True)
    confirm(f"Retry {how_many(len(plans), 'run')} of stage {stage}?", "retry")


def _command(session: Session, plan: Plan | Result) -> str:
    if isinstance(plan, Result):
        return f"# {plan.job}: {plan.outcome}: {plan.note}"
    if plan.request:
        return aws_command(session, "batch", "submit-job", masked(plan.request))
    function = f"{session.catalog.stage.prefix}-submit-run"
    arguments = {"functionName": function, "cliBinaryFormat": "raw-in-base64-out", "payload": as_payload(plan.event)}
    return f"{aws_command(session, 'lambda', 'invoke', arguments)} /dev/stdout"
