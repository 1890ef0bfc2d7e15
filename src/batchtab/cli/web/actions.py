"""What the buttons do: the same as the commands of their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from batchtab.aws.client import Aws
from batchtab.aws.run_lookup import RunLookup
from batchtab.aws.termination import Termination
from batchtab.cli.jobs import alerts, retry, run, stop
from batchtab.cli.jobs.pause import pausing, resuming
from batchtab.cli.jobs.retry_plan import Choices, Plan
from batchtab.cli.jobs.run_options import RunOptions
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


@dataclass(frozen=True)
class Done:
    """The result of an action.

    Attributes:
        lines: What is said of it.
        path: The page that shows it.
        is_ok: Whether it did what was asked for.
    """

    lines: tuple[str, ...]
    path: str
    is_ok: bool = True


_ALERTS_MAX = 100  # at once


def job_path(name: str) -> str:
    """The page of a job."""
    return f"/jobs/{quote(name, safe='')}"


def run_path(name: str) -> str:
    """The page of a run."""
    return f"/runs/{quote(name, safe='')}"


def start(session: Session, aws: Aws, name: str, form: Mapping[str, str]) -> Done:
    """Runs a job now, under its policy."""
    job = find(session.catalog, name, "run")
    options = RunOptions(reason=form.get("reason", "").strip())
    asked = run.AskedRun.of(session, job, options, "", ignores_policy=False)
    answer = asked.start(aws)
    if answer.outcome in run.NOT_RUN:
        return Done((asked.why_not(answer.outcome, answer.reason),), job_path(job.full), is_ok=False)
    if answer.job_id:
        return Done((f"{job.full}: {answer.outcome}, job {answer.job_id}",), run_path(answer.job_id))
    reason = f": {answer.reason}" if answer.reason else ""
    return Done((f"{job.full}: {answer.outcome}{reason}",), job_path(job.full))


def pause(session: Session, aws: Aws, name: str, _: Mapping[str, str]) -> Done:
    """Disables a job's triggers."""
    job = find(session.catalog, name, "pause")
    return _switched(job, pausing(session, aws, job))


def resume(session: Session, aws: Aws, name: str, _: Mapping[str, str]) -> Done:
    """Enables a job's triggers, and lets its waiting runs go on."""
    job = find(session.catalog, name, "resume")
    return _switched(job, resuming(session, aws, job))


def _switched(job: NamedJob, lines: Iterable[str]) -> Done:
    said: list[str] = []
    try:
        said += lines
    except UsageError as error:
        if not said:
            raise
        return Done((*said, str(error)), job_path(job.full), is_ok=False)  # what is done is said
    return Done(tuple(said), job_path(job.full))


def stop_run(session: Session, aws: Aws, name: str, form: Mapping[str, str]) -> Done:
    """Terminates a run's job, with who and why in the reason."""
    found = RunLookup(session.catalog, aws, "stop").run(name)
    targets, nothing = stop.of_run(found)
    if not targets:
        return Done((nothing,), run_path(name), is_ok=False)
    termination = Termination(aws)
    why = stop.reason_given(termination.caller(), form.get("reason", ""))
    done = list(termination.terminate([target.job_id for target in targets], why))
    jobs = [found.job] if found.job else []
    lines = [f"{found.name}: Batch ends job {job_id}" for job_id in done]
    return Done((*lines, *stop.what_follows(session, aws, jobs, is_of_one=True)), run_path(name))


def retry_run(session: Session, aws: Aws, name: str, _: Mapping[str, str]) -> Done:
    """Runs a failed run again, once; of an array the failed children."""
    retrying = retry.Retrying(session, aws, Choices())
    plan = retrying.of_run(name)
    result = retrying.submit(plan) if isinstance(plan, Plan) else plan
    line = f"{result.job}: {result.outcome}{': ' if result.note else ''}{result.note}"
    return Done((line,), run_path(result.job_id or name), is_ok=result.outcome == retry.SUBMITTED)


def alerts_path(_: str) -> str:
    """The page of alerts."""
    return "/alerts"


def redrive(session: Session, aws: Aws, name: str, _: Mapping[str, str]) -> Done:
    """Sends alerts again that were not delivered."""
    said: list[str] = []
    refused: list[str] = []
    letters = alerts.letters_of(session, aws)
    status = alerts.send_again(letters, _ALERTS_MAX, say=said.append, complain=refused.append)
    return Done((said[-1], *refused), alerts_path(name), is_ok=status == 0)
