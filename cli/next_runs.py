"""`batchtab next`: when the jobs run next. Reads files only, so it works without a network."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.check import ROOT_HELP

if TYPE_CHECKING:
    from jobs.catalog import Catalog
    from jobs.job import JobSpec

_FORMAT = "%a %Y-%m-%d %H:%M"
HEADINGS = ("job", "queue", "schedule", "next (UTC)")


def next_runs(
    job: Annotated[str | None, typer.Argument(help="A job, as JOB or SERVICE-JOB. Default: all.")] = None,
    stage: Annotated[str, typer.Option(help="The stage whose services, queues and time zone are shown.")] = "local",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many runs of each job.")] = 3,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Show when jobs run next, in UTC and local time.

    A rate counts from when its rule was made, which the files don't tell: its runs are estimates, marked with '~'.
    """
    from jobs import catalog  # noqa: PLC0415 (pydantic is not needed to print the help)

    loaded = catalog.load(stage, root)
    rows = list(table(loaded, _chosen(loaded, job), count, datetime.now(UTC)))
    headings = (*HEADINGS, f"next ({loaded.stage.timezone})")
    if sys.stdout.isatty():
        _print_rich(headings, rows)
    else:
        _print_plain([headings, *rows])


def table(
    loaded: Catalog, chosen: list[tuple[str, JobSpec]], count: int, now: datetime
) -> list[tuple[str, str, str, str, str]]:
    """The rows: job, queue, schedule, run in UTC, run in the stage's time zone; one row per run."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from jobs.schedule import next_runs as runs_of  # noqa: PLC0415

    zone = ZoneInfo(loaded.stage.timezone)
    rows = []
    for name, job in chosen:
        if job.schedule is None or job.suspend:
            rows.append((name, job.queue, job.schedule or "by hand", "suspended" if job.schedule else "-", "-"))
            continue
        mark = "~" if job.schedule.startswith("rate") else ""
        runs = runs_of(job.schedule, now, count)
        if not runs:
            rows.append((name, job.queue, job.schedule, "never again", "-"))
        for number, run in enumerate(runs):
            first = (name, job.queue, job.schedule) if number == 0 else ("", "", "")
            rows.append((*first, f"{mark}{run:{_FORMAT}}", f"{mark}{run.astimezone(zone):{_FORMAT}}"))
    return rows


def _chosen(loaded: Catalog, wanted: str | None) -> list[tuple[str, JobSpec]]:
    from jobs.problems import Problem, Problems, did_you_mean, listed  # noqa: PLC0415

    everything = [
        (name, f"{service.service}-{name}", job) for service in loaded.services for name, job in service.jobs.items()
    ]
    if wanted is None:
        return [(full, job) for _, full, job in everything]
    found = [(full, job) for name, full, job in everything if wanted.replace("/", "-") in {name, full}]
    if not found:
        known = [full for _, full, _ in everything]
        hint = did_you_mean(wanted, [*known, *(name for name, _, _ in everything)])
        message = f"is not a job of stage {loaded.stage.name}: {listed(known)}"
        raise Problems([Problem("batchtab next", None, "", "", wanted, message, hint)])
    return found


def _print_rich(headings: tuple[str, ...], rows: list[tuple[str, str, str, str, str]]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        grid.add_column(heading, no_wrap=heading not in HEADINGS[:3], overflow="fold")
    for row in rows:
        grid.add_row(*row)
    Console(highlight=False, markup=False).print(grid)


def _print_plain(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
