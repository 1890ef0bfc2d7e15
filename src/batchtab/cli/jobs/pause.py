"""`batchtab pause` and `batchtab resume`: a job's triggers, off and on at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.aws.runs import FunctionError, Runs, State
from batchtab.aws.triggers import Trigger, Triggers
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command, invoke_command
from batchtab.cli.options import JobArgument, StageOption
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


def pause(job: JobArgument, stage: StageOption = "local", explain: ExplainOption = False) -> None:
    """Pause a job: disable its triggers. Running jobs continue.

    Safe to run twice. The files do not store a pause: the next deployment of the job's service resumes it, and its
    plan says so. To keep it paused, set `suspend: true` in jobs.yaml.
    """
    session = Session.open(stage)
    found = find(session.catalog, job, "pause")
    aws = connect(session)
    for line in _commands(session, aws, found, enabled=False) if explain else pausing(session, aws, found):
        typer.echo(line)


def resume(job: JobArgument, stage: StageOption = "local", explain: ExplainOption = False) -> None:
    """Resume a paused job.

    Waiting runs start. Times missed meanwhile are not run: use `batchtab backfill`.
    """
    session = Session.open(stage)
    found = find(session.catalog, job, "resume")
    aws = connect(session)
    for line in _commands(session, aws, found, enabled=True) if explain else resuming(session, aws, found):
        typer.echo(line)


def pausing(session: Session, aws: Aws, job: NamedJob) -> Iterator[str]:
    """Disables a job's triggers; yields a line for each thing done, when it is done."""
    yield from _switched(session, aws, job, enabled=False)
    state = Runs(aws, session.catalog.stage.prefix).states([job.full]).get(job.full)
    yield from _after_pause(job, state)


def resuming(session: Session, aws: Aws, job: NamedJob) -> Iterator[str]:
    """Enables a job's triggers and has its waiting runs go on; yields a line for each thing done, when it is done."""
    yield from _switched(session, aws, job, enabled=True)
    runs = Runs(aws, session.catalog.stage.prefix)
    state = runs.states([job.full]).get(job.full)
    if state is not None and (state.paused or state.waiting):
        yield from _notify_function(job, runs, state)
    if job.spec.suspend:
        yield "Its file says suspend: true, so the next deployment suspends it again."


def why_paused(session: Session, aws: Aws, jobs: Sequence[NamedJob], runs: Runs) -> dict[str, str]:
    """The jobs that are paused though their files don't suspend them, each with the reason."""
    triggers = Triggers(aws, session.catalog.stage.prefix)
    if len(jobs) == 1:
        there = {(job.service, job.name): triggers.of_job(job.service, job.name) for job in jobs}
    else:
        of_service: dict[str, list[str]] = {}
        for job in jobs:
            of_service.setdefault(job.service, []).append(job.name)
        there = triggers.of_services(of_service)
    states = runs.states([job.full for job in jobs])
    found: dict[str, str] = {}
    for job in jobs:
        state = states.get(job.full)
        off = [trigger for trigger in there[job.service, job.name] if not trigger.is_enabled]
        if off and not job.spec.suspend:
            found[job.full] = f"its {_listed(off)} was disabled manually"
        elif state is not None and state.paused and job.spec.pause_on_failure:  # else the function does not look at it
            found[job.full] = f"since {state.paused.get('since')}, {state.paused.get('reason')}"
    return found


def _commands(session: Session, aws: Aws, job: NamedJob, *, enabled: bool) -> Iterator[str]:
    """The `aws` commands that do the same: triggers are read for it, and nothing is changed."""
    triggers = Triggers(aws, session.catalog.stage.prefix)
    for trigger in _there(session, triggers, job):
        arguments = triggers.change(trigger, enabled)
        verb = "enable-rule" if enabled else "disable-rule"
        service, operation = ("scheduler", "update-schedule") if trigger.group else ("events", verb)
        yield aws_command(session, service, operation, arguments)
    if enabled and job.spec.is_managed:
        yield invoke_command(session, json.dumps(_resume_request(job), separators=(",", ":")))


def _resume_request(job: NamedJob) -> dict[str, Any]:
    return {"resume": {"job": job.full}}


def _there(session: Session, triggers: Triggers, job: NamedJob) -> list[Trigger]:
    there = triggers.of_job(job.service, job.name)
    if not there and job.spec.schedule is None and not job.spec.upstream:
        raise UsageError(f"{job.full} has no trigger in stage {session.catalog.stage.name}", "it has only manual runs")
    if not there:
        raise answers.not_deployed(f"{job.full} has no trigger")
    return there


def _switched(session: Session, aws: Aws, job: NamedJob, *, enabled: bool) -> Iterator[str]:
    """Switches a job's triggers."""
    config = session.catalog.stage
    triggers = Triggers(aws, config.prefix)
    there = _there(session, triggers, job)
    now = "enabled" if enabled else "disabled"
    for trigger in there:
        if trigger.is_enabled == enabled:
            yield f"{job.full}: {trigger.kind} {trigger.name} was {now} already"
            continue
        triggers.set_enabled(trigger, enabled)
        yield f"{job.full}: {trigger.kind} {trigger.name} was {'disabled' if enabled else 'enabled'}, is {now}"


def _after_pause(job: NamedJob, state: State | None) -> list[str]:
    lines = []
    if state is not None and state.waiting:
        verb = "run waits and still begins" if state.waiting == 1 else "runs wait and still begin"
        lines.append(f"{state.waiting} {verb} in turn.")
    if not job.spec.suspend:
        lines.append(
            "The next plan shows this as drift, and a deployment resumes it; suspend: true in its file keeps it."
        )
    return lines


def _notify_function(job: NamedJob, runs: Runs, state: State) -> Iterator[str]:
    """Only the function writes what is noted of a job; it also lets those go on that wait."""
    try:
        answer = runs.ask(_resume_request(job))
    except (LookupError, FunctionError) as error:
        hint = "its triggers are on; run the same command again"
        raise UsageError(f"resume: {runs.function_name} did not resume {job.full}: {error}", hint) from None
    if state.paused:
        yield f"{job.full}: was paused since {state.paused.get('since')}, is resumed: {state.paused.get('reason')}"
    if state.waiting:
        verb = "run waits" if state.waiting == 1 else "runs wait"
        yield f"{job.full}: {state.waiting} {verb}: {answer.reason or answer.outcome}"


def _listed(triggers: Sequence[Trigger]) -> str:
    return " and ".join(dict.fromkeys(trigger.kind for trigger in triggers))
