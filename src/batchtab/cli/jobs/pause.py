"""`batchtab pause` and `batchtab resume`: a job's triggers, off and on at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import typer

from batchtab.aws.client import Aws
from batchtab.aws.runs import FunctionError, Runs, State, one_line
from batchtab.aws.triggers import Trigger, Triggers
from batchtab.cli.connection import connect
from batchtab.cli.options import JobArgument, StageOption
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


def pause(job: JobArgument, stage: StageOption = "local") -> None:
    """Pause a job: disable its triggers. Running jobs continue.

    Safe to run twice. The files do not store a pause: the next plan shows it, and the next deployment resumes the job.
    """
    session, found, triggers, runs = _open(job, stage, "pause")
    with _one_line(session, "pause"):
        _switch(session, found, triggers, enabled=False)
        state = runs.states([found.full]).get(found.full)
    for line in _after_pause(found, state):
        typer.echo(line)


def resume(job: JobArgument, stage: StageOption = "local") -> None:
    """Resume a paused job.

    Waiting runs start. Times missed meanwhile are not run: use `batchtab backfill`.
    """
    session, found, triggers, runs = _open(job, stage, "resume")
    with _one_line(session, "resume"):
        _switch(session, found, triggers, enabled=True)
        state = runs.states([found.full]).get(found.full)
        if state is not None and (state.paused or state.waiting):
            _tell_function(found, runs, state)
    if found.spec.suspend:
        typer.echo("Its file says suspend: true, so the next deployment suspends it again.")


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
            found[job.full] = f"its {_listed(off)} is disabled by hand"
        elif state is not None and state.paused and job.spec.pause_on_failure:  # else the function does not look at it
            found[job.full] = f"since {state.paused.get('since')}, {state.paused.get('reason')}"
    return found


def _open(job: str, stage: str, command: str) -> tuple[Session, NamedJob, Triggers, Runs]:

    session = Session.open(stage)
    config = session.catalog.stage
    aws = connect(session)
    return session, find(session.catalog, job, command), Triggers(aws, config.prefix), Runs(aws, config.prefix)


def _switch(session: Session, job: NamedJob, triggers: Triggers, *, enabled: bool) -> None:
    there = triggers.of_job(job.service, job.name)
    if not there:
        hint = "it runs by hand only" if job.spec.schedule is None and not job.spec.after else "batchtab deploy"
        raise UsageError(f"{job.full} has no trigger in stage {session.catalog.stage.name}", hint)
    now = "enabled" if enabled else "disabled"
    for trigger in there:
        if trigger.is_enabled == enabled:
            typer.echo(f"{job.full}: {trigger.kind} {trigger.name} was {now} already")
            continue
        triggers.set_enabled(trigger, enabled)
        typer.echo(f"{job.full}: {trigger.kind} {trigger.name} was {'disabled' if enabled else 'enabled'}, is {now}")


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


def _tell_function(job: NamedJob, runs: Runs, state: State) -> None:
    """Only the function writes what is noted of a job; it also lets those go on that wait."""
    try:
        answer = runs.ask({"resume": {"job": job.full}})
    except (LookupError, FunctionError) as error:
        hint = "its triggers are on; run the same command again"
        raise UsageError(f"resume: {runs.function_name} did not resume {job.full}: {error}", hint) from None
    if state.paused:
        typer.echo(
            f"{job.full}: was paused since {state.paused.get('since')}, is resumed: {state.paused.get('reason')}"
        )
    if state.waiting:
        verb = "run waits" if state.waiting == 1 else "runs wait"
        typer.echo(f"{job.full}: {state.waiting} {verb}: {answer.reason or answer.outcome}")


def _one_line(session: Session, command: str) -> AbstractContextManager[None]:

    return one_line(command, is_local=session.catalog.stage.is_local)


def _listed(triggers: Sequence[Trigger]) -> str:
    return " and ".join(dict.fromkeys(trigger.kind for trigger in triggers))
