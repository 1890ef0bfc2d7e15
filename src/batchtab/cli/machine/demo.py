"""What `up` shows: a job that succeeds, one that fails, the message about it, and a run that a schedule started."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer

from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.client import Aws
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.progress import Step
from batchtab.declarations.named_jobs import all_jobs
from batchtab.main_container import last_attempt, main_container
from batchtab.terraform.session import Session

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import JobDetailTypeDef

SUCCEEDS, FAILS = "hello", "fail"  # the jobs that `init` writes, of whatever service
TICKS = "examples-tick"
CHAIN = ("examples-extract", "examples-transform", "examples-load")
ALONE = "examples-nightly"
_FRESH_SECONDS = 180.0  # for all runs together, which begin at once; a busy machine may need it
_LATER_SECONDS = 60.0
_TICK_SECONDS = 15.0  # a rule fires within a minute, and who tries this should not have to wait for it
_POLL_SECONDS = 0.5


def show(session: Session, aws: Aws, daemon: Daemon, *, fresh: bool) -> None:
    """Runs the example jobs where they are declared, and shows the failure's message.

    All runs begin at once, and are shown one after another.

    Args:
        session: The stage.
        aws: Its AWS.
        daemon: Local AWS.
        fresh: Whether the stage was just deployed: then jobs are run again, and a scheduled run is waited for a while.
    """
    until = time.monotonic() + (_FRESH_SECONDS if fresh else _LATER_SECONDS)
    jobs = list(all_jobs(session.catalog))
    queues = {job.full: session.catalog.job_queue_name(job.spec.queue) for job in jobs}
    succeeds, fails = (next((job.full for job in jobs if job.name == name), None) for name in (SUCCEEDS, FAILS))
    single = [
        name for name in (succeeds, fails) if name and (fresh or next(aws.runs(queues[name], name), None) is None)
    ]
    has_chain, has_overlap = (fresh and all(name in queues for name in names) for names in (CHAIN, (ALONE,)))
    ids = {name: _submit(session, aws, name, queues[name]) for name in single}
    began = time.time() * 1000 - 1000
    if has_chain:
        _submit(session, aws, CHAIN[0], queues[CHAIN[0]])
    overlap = [_submit(session, aws, ALONE, queues[ALONE]) for _ in range(2)] if has_overlap else []
    for name, job_id in ids.items():
        _show_end(aws, name, job_id, until)
    if fails:
        _show_message(daemon, fails, until)
    if has_chain:
        _show_chain(aws, queues, began, until)
    if has_overlap:
        _show_overlap(session, aws, overlap, until)
    if TICKS in queues and fresh:
        _await_tick(aws, queues[TICKS])


def _show_end(aws: Aws, name: str, job_id: str, until: float) -> None:
    with Step(f"Job {name}") as step:
        job = _await_end(aws, job_id, step, until)
        exit_code = _exit_code(job)
        code = f", exit code {exit_code}" if exit_code is not None else ""
        step.result = f"{job['status']}{code} ({job.get('statusReason', 'no reason given')})"


def _submit(session: Session, aws: Aws, name: str, queue: str) -> str:
    return aws.submit(name=name, queue=queue, definition=f"{session.catalog.stage.prefix}-{name}")


def _show_chain(aws: Aws, queues: dict[str, str], began: float, until: float) -> None:
    with Step(f"Chain {' → '.join(CHAIN)}") as step:
        ended: list[str] = []
        while len(ended) < len(CHAIN) and time.monotonic() < until:
            runs = [next(aws.runs(queues[name], name), None) for name in CHAIN]
            ended = [run["status"] for run in runs if run and run["createdAt"] >= began and run["status"] in ENDED]
            step.at(f"{len(ended)} of {len(CHAIN)} ended")
            time.sleep(_POLL_SECONDS)
        if ended == ["SUCCEEDED"] * len(CHAIN):
            step.result = f"{', '.join(ended)}: each started at the end of the one before"
        else:
            step.result = f"only {len(ended)} of {len(CHAIN)} ended ({', '.join(ended) or 'none'})"


def _show_overlap(session: Session, aws: Aws, ids: list[str], until: float) -> None:
    with Step(f"Two runs of {ALONE} at once") as step:
        jobs = [_await_end(aws, job_id, step, until) for job_id in ids]
        said = [aws.log(session.catalog.stage.prefix, job) for job in jobs]
        # Which of the two Batch counts as the earlier one is Batch's to say.
        gave_way = next((number for number, text in enumerate(said) if '"skipped": true' in text), None)
        if gave_way is None:
            step.result = "both ran"
        else:
            step.result = f"one ran; the other gave way to it and exited with {_exit_code(jobs[gave_way])}"


def _await_end(aws: Aws, job_id: str, step: Step, until: float) -> JobDetailTypeDef:
    job = aws.job(job_id)
    while job["status"] not in ENDED and time.monotonic() < until:
        step.at(job["status"])
        time.sleep(_POLL_SECONDS)
        job = aws.job(job_id)
    return job


def _exit_code(job: JobDetailTypeDef) -> int | None:
    code: int | None = {**last_attempt(job), **main_container(job)}.get("exitCode")
    return code


def _show_message(daemon: Daemon, job: str, until: float) -> None:
    with Step("Slack message") as step:
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < until:
            found = [entry for entry in daemon.get("slack") or [] if job in str(entry["message"])]
            step.at("waiting")
            time.sleep(_POLL_SECONDS if not found else 0)
        step.result = "arrived" if found else f"none has arrived yet; see {daemon.log.name}"
    if found:
        typer.echo(render(found[-1]["message"]))


def render(message: dict[str, Any]) -> str:
    """A Slack message as plain text, with the fields that a person sees in Slack."""
    rows = [(key, message.get(key, "")) for key in ("channel", "username", "icon_emoji")]
    for attachment in message.get("attachments", []):
        rows += [(key, attachment.get(key, "")) for key in ("color", "text")]
    width = max(len(key) for key, _ in rows)
    lines = []
    for key, value in rows:
        first, *more = str(value).splitlines() or [""]
        lines.append(f"  │ {key.ljust(width)}  {first}")
        lines += [f"  │ {'':{width}}  {line}" for line in more]
    return "\n".join(lines)


def _await_tick(aws: Aws, queue: str) -> None:
    with Step(f"Scheduled run of {TICKS}") as step:
        deadline = time.monotonic() + _TICK_SECONDS
        run = next(aws.runs(queue, TICKS), None)
        while run is None and time.monotonic() < deadline:
            step.at("waiting for its rule")
            time.sleep(_POLL_SECONDS)
            run = next(aws.runs(queue, TICKS), None)
        step.result = "started by its rule" if run else f"due within a minute: batchtab history {TICKS}"
