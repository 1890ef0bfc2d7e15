"""`batchtab check`: are the stages and the job files in order? Reads files only; no AWS, no cdktf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import ROOT_HELP
from batchtab.declarations import catalog, quotas
from batchtab.declarations.cautions import cautions
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics, lines
from batchtab.errors import how_many


def check(
    stage: Annotated[list[str] | None, typer.Option(help="A stage to check; may be repeated. Default: all.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 for warnings too.")] = False,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Check the files in config/ and jobs/ for faults.

    Every fault is one line on stderr with its file, line, job and field, and the exit status is 2. A warning, also a
    line on stderr, is about something allowed that is probably a mistake. A note is about a value beyond the default
    quota of an AWS account, which AWS may have raised.
    """
    stages = catalog.load_all(root, stage or None)
    now = datetime.now(UTC)
    warnings = cautions(stages, now)
    if warnings:
        _annotate(warnings)
    if warnings and strict:
        raise Diagnostics(warnings)
    for loaded in stages:
        environment = loaded.stage.environment
        capacities = ", ".join(each.capacity for each in loaded.stage.compute_environments.values())
        jobs = [job for service in loaded.services for job in service.jobs.values()]
        scheduled = sum(1 for job in jobs if job.schedule and not job.suspend)
        parts = (
            f"{capacities} in {loaded.stage.region}",
            how_many(len(environment.queues), "queue"),
            how_many(len(loaded.services), "service"),
            f"{how_many(len(jobs), 'job')} ({scheduled} scheduled)",
        )
        typer.echo(f"stage {loaded.stage.name}: {', '.join(parts)}: ok")
    for line in (*lines(warnings), *quotas.notes(stages, now)):
        typer.echo(str(line), err=True)


def _annotate(warnings: Sequence[Diagnostic]) -> None:
    """Shows them in a pull request, beside the lines that they are of; nothing outside GitHub Actions."""
    from batchtab.github import actions  # noqa: PLC0415 - mostly there is nothing to show

    for warning in warnings:
        actions.warn(str(warning), warning.file, warning.line)
