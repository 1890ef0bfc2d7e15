"""Submits what was due while a job moved from one trigger to another, and neither of them may have started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import typer

from batchtab.aws.client import Aws
from batchtab.aws.run_requests import trigger_request
from batchtab.aws.runs import FunctionError, Runs
from batchtab.cli.deployment.trigger_moves import Move
from batchtab.declarations.named_jobs import all_jobs
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_BEFORE = timedelta(minutes=1)  # a trigger fires within its minute, and the old one may have gone before it did


def submit_missed(
    session: Session,
    aws: Aws,
    moves: Sequence[Move],
    began: datetime,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Asks the submit function for each run that was due since a deployment began.

    Which of them a trigger has started the function knows: it submits a scheduled time once. A job that is submitted
    directly, by the one trigger or the other, was moved when none was due.
    """
    claimed = [
        (move.job, timing)
        for move in moves
        if not move.may_double and (timing := move.new.timing) is not None and not timing.is_rate
    ]
    if not claimed:
        return

    runs = Runs(aws, session.catalog.stage.prefix)
    jobs = {job.full: job for job in all_jobs(session.catalog)}
    for name, timing in claimed:
        for due in timing.between(began - _BEFORE, now()):
            try:
                answer = runs.ask(trigger_request(session.catalog, jobs[name], due))
            except (LookupError, FunctionError) as error:
                hint = f"batchtab backfill {name} --from {utc_text(due)} --to {utc_text(due)}"
                typer.echo(f"{name}: its run of {utc_text(due)} may be missing: {error} [hint: {hint}]", err=True)
                continue
            if answer.outcome != "duplicate":
                typer.echo(f"{name}: its run of {utc_text(due)} was due while it moved: {answer.outcome}")
