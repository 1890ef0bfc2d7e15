"""`batchtab stop`: terminates jobs, and says who did it and why.

Calls to AWS: for a run those of RunLookup, for a job or all of a stage six ListJobs for each queue (100 jobs a page, at
most 10,000 of a status).
Then one GetCallerIdentity, one TerminateJob for each job, BatchGetItem for 100 jobs' states, and of one job three about
its triggers. With --wait one DescribeJobs for 100 jobs every two seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.client import Aws
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.aws.runs import Runs
from batchtab.aws.termination import MOST, REASON_MAX, STOPPED_PREFIX, Termination
from batchtab.aws.triggers import Triggers
from batchtab.cli import exits
from batchtab.cli.asking import confirm
from batchtab.cli.completion.runs import complete_active_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.pause import pause
from batchtab.cli.options import StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption
from batchtab.cli.progress import Step
from batchtab.cli.tables import COLORS, aligned, widths
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.errors import UsageError, how_many, printable
from batchtab.main_container import NODE_MARK
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_POLL_SECONDS = 2.0
_WAITS = ("queue", "replace")


@dataclass(frozen=True)
class Target:
    """A job in Batch that is to be stopped."""

    job_id: str
    name: str
    status: str
    created: datetime

    def as_dict(self) -> Mapping[str, Any]:
        """For other programs."""
        return {"job": self.name, "status": self.status, "submitted_at": utc_text(self.created), "job_id": self.job_id}


_LISTING = Listing[Target](
    columns=(
        Column("job", lambda target: target.name),
        Column("was", lambda target: target.status, style=lambda target: COLORS.get(target.status, "")),
        Column("since", lambda target: f"{target.created:%m-%d %H:%MZ}", is_wide=True),
        Column("id", lambda target: target.job_id),
    ),
    as_dict=Target.as_dict,
    name=lambda target: target.job_id,
)


def stop(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN|JOB", help="A run, or a job.", autocompletion=complete_active_runs)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Stop all active jobs of the stage.")] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; the job's status and its alert show it.")
    ] = "",
    and_pause: Annotated[
        bool, typer.Option("--and-pause", help="Pause the jobs first: disable their triggers.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until they have ended.")] = False,
    timeout_seconds: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait; then exit with 5.")
    ] = 300,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be stopped.")] = False,
    explain: ExplainOption = False,
    output: OutputOption = Output.TABLE,
    stage: StageOption = "local",
) -> int:
    """Stop a run, all active runs of a job, or all of a stage.

    RUN is a job id or its beginning, ID:3 for one child of an array, or JOB@TIME. The program gets SIGTERM, and SIGKILL
    30 seconds later. Lists the jobs and asks first.

    A run that waits for a stopped one starts then, also with --and-pause.
    """
    if (run is None) != every:
        raise UsageError("stop: name a run or a job, or --all", "batchtab stop JOB")
    session = Session.open(stage)
    aws = connect(session)
    termination = Termination(aws)
    found = None if run is None else RunLookup(session.catalog, aws, "stop").job_or_run(run)
    if isinstance(found, FoundRun):
        targets, nothing = of_run(found)
    else:
        targets, nothing = _of_job(session, termination, found)
    listing = replace(_LISTING, empty=nothing)
    if dry_run or not targets:
        listing.print(targets, output)
        if and_pause and not dry_run:
            _pause([found] if isinstance(found, NamedJob) else [], stage)
        return exits.OK
    why = reason_given(termination.caller(), reason)
    if explain:
        for target in targets:
            arguments = {"jobId": target.job_id, "reason": why}
            typer.echo(aws_command(session, "batch", "terminate-job", arguments))
        return exits.OK
    if not yes:
        _ask(targets, stage)
    jobs = _declared(session, targets, found)
    if and_pause:
        _pause(jobs, stage)
    _terminate(termination, targets, why, output)
    for line in what_follows(session, aws, jobs, is_of_one=found is not None):
        typer.echo(line, err=True)
    if wait and (left := _wait(termination, targets, timeout_seconds)):
        typer.echo(
            f"batchtab stop: {how_many(len(left), 'job')} not ended after {timeout_seconds} s: {', '.join(left)}",
            err=True,
        )
        return exits.TIMED_OUT
    return exits.OK


# --- which


def of_run(found: FoundRun) -> tuple[list[Target], str]:
    """What is to be stopped, and what to say if that is nothing."""
    detail, record, at = found.detail, found.record, found.scheduled_time
    if not detail:
        if record is not None and record.status == "waiting":
            hint = f"batchtab stop {found.name} stops the run before it, and then this one starts"
            raise UsageError(f"stop: the run of {at} of {found.name} waits, and is not a job in Batch yet", hint)
        status = record.status if record else "unknown"
        return [], f"stop: the run of {at} of {found.name} is not in Batch: {status}"
    if detail["status"] in ENDED:
        return [], f"stop: {found.name} {found.job_id} has ended already: {detail['status']}, {_ended_at(detail)}"
    # To stop a node is to stop the whole job, and Batch lists it by that.
    return [_target({**detail, "jobId": found.job_id.partition(NODE_MARK)[0]})], ""


def _ended_at(detail: Mapping[str, Any]) -> str:
    return utc_text(datetime.fromtimestamp((detail.get("stoppedAt") or 0) / 1000, UTC))


def _of_job(session: Session, termination: Termination, job: NamedJob | None) -> tuple[list[Target], str]:
    """The same of a job, or of the stage."""
    queues = [session.catalog.job_queue_name(queue) for queue in session.catalog.stage.environment.queues]
    active = [_target(each) for each in termination.active(queues) if job is None or each["jobName"] == job.full]
    for queue in termination.cut:
        name = queue.removeprefix(f"{session.catalog.stage.prefix}-")
        typer.echo(f"stop: queue {name}: the newest {MOST:,} jobs of a status; run it again for the others", err=True)
    return active, f"stop: nothing of {job.full if job else f'stage {session.catalog.stage.name}'} runs or is queued"


def _target(job: Mapping[str, Any]) -> Target:
    created = datetime.fromtimestamp(job["createdAt"] / 1000, UTC)
    return Target(str(job["jobId"]), str(job["jobName"]), str(job["status"]), created)


def _declared(session: Session, targets: Sequence[Target], found: NamedJob | FoundRun | None) -> list[NamedJob]:
    """The jobs that targets are of, as far as the files declare them."""
    if found is not None:
        job = found if isinstance(found, NamedJob) else found.job
        return [job] if job else []
    names = {target.name for target in targets}
    return [job for job in all_jobs(session.catalog) if job.full in names]


# --- how


def reason_given(caller: str, why: str) -> str:
    """What Batch and the alert say: who stopped it, and why.

    Raises:
        UsageError: it is longer than Batch takes.
    """
    text = STOPPED_PREFIX + caller + (f": {printable(why.strip())}" if why.strip() else "")
    if len(text) > REASON_MAX:
        most = REASON_MAX - (len(text) - len(why.strip()))
        raise UsageError(f"stop: --reason has {len(why.strip())} characters: at most {most} (Batch takes {REASON_MAX})")
    return text


def _ask(targets: Sequence[Target], stage: str) -> None:
    rows = [(target.name, target.status, target.job_id) for target in targets]
    for row in rows:
        typer.echo(f"  {aligned(row, widths(rows))}", err=True)
    what = how_many(len(targets), "job")
    confirm(f"Stop {what} of stage {stage}?", "stop")


def _terminate(termination: Termination, targets: Sequence[Target], why: str, output: Output) -> None:
    done: set[str] = set()
    try:
        for job_id in termination.terminate([target.job_id for target in targets], why):
            done.add(job_id)
    finally:  # also where AWS refuses one of them: what is done is said
        if done:
            _LISTING.print([target for target in targets if target.job_id in done], output)


def what_follows(session: Session, aws: Aws, jobs: Sequence[NamedJob], *, is_of_one: bool) -> Iterator[str]:
    """What starts next, which somebody who stops a job may not expect."""
    stage = session.catalog.stage
    with_place = [job for job in jobs if job.spec.concurrency_policy in _WAITS]
    states = Runs(aws, stage.prefix).states([job.full for job in with_place]) if with_place else {}
    triggers = Triggers(aws, stage.prefix)
    for job in jobs:
        state = states.get(job.full)
        if state is not None and state.waiting:
            runs = "run waits and starts" if state.waiting == 1 else "runs wait and start in turn"
            yield f"{job.full}: {state.waiting} {runs} when this one has ended"
        if job.spec.pause_on_failure:
            yield f"{job.full}: pause_on_failure pauses it [hint: batchtab resume {job.full}]"
        elif is_of_one and any(trigger.is_enabled for trigger in triggers.of_job(job.service, job.name)):
            hint = f"batchtab pause {job.full} --stage {stage.name}"
            yield f"{job.full}: its triggers start the next run [hint: {hint}]"


def _pause(jobs: Sequence[NamedJob], stage: str) -> None:
    """Pauses jobs that have triggers; what it says is no data of this command."""
    with redirect_stdout(sys.stderr):
        for job in jobs:
            if job.spec.schedule is not None or job.spec.upstream:
                pause(job.full, stage)


def _wait(
    termination: Termination,
    targets: Sequence[Target],
    timeout_seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Waits for the ends of jobs; returns those that have not ended in time."""
    ends_at = clock() + timeout_seconds
    with Step("Waiting for their end") as step:
        left = termination.unfinished(target.job_id for target in targets)
        while left and clock() < ends_at:
            step.at(f"{len(left)} of {len(targets)} not ended")
            time.sleep(min(_POLL_SECONDS, max(0.0, ends_at - clock())))
            left = termination.unfinished(left)
        step.result = f"{how_many(len(targets) - len(left), 'job')} ended"
    return left
