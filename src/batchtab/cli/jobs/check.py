"""`batchtab check`: are the stages and the job files in order? Reads files only; no AWS, no cdktf."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import ROOT_HELP
from batchtab.declarations import catalog, quotas


def check(
    stage: Annotated[list[str] | None, typer.Option(help="A stage to check; may be repeated. Default: all.")] = None,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Check config/ and jobs/.

    Every fault is one line on stderr with its file, line, job and field, and the exit status is 2. A note, also on
    stderr, says what is beyond a quota of an AWS account: AWS may have raised it.
    """
    stages = catalog.load_all(root, stage or None)
    for loaded in stages:
        environment = loaded.stage.environment
        capacities = ", ".join(each.capacity for each in loaded.stage.compute_environments.values())
        jobs = [job for service in loaded.services for job in service.jobs.values()]
        scheduled = sum(1 for job in jobs if job.schedule and not job.suspend)
        parts = (
            f"{capacities} in {loaded.stage.region}",
            _count(len(environment.queues), "queue"),
            _count(len(loaded.services), "service"),
            f"{_count(len(jobs), 'job')} ({scheduled} scheduled)",
        )
        typer.echo(f"stage {loaded.stage.name}: {', '.join(parts)}: ok")
    for note in quotas.notes(stages, datetime.now(UTC)):
        typer.echo(note, err=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
