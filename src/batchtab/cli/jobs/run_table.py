"""Runs as a table: on a terminal with the reason below, elsewhere a line for each."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from batchtab.aws.run_history import Run
from batchtab.cli.tables import COLORS, GAP, aligned, folded, widths
from batchtab.schedules.durations import duration

_NOT_RUN = "yellow"
_NARROWEST = 12


def show(runs: Sequence[Run], zone: ZoneInfo, *, is_one: bool) -> None:
    """Prints runs on the wall clock of a zone.

    Args:
        runs: The latest first.
        zone: The zone.
        is_one: Whether all are one job's, so that its name need not stand in each line.
    """
    if not runs:
        typer.echo("No runs.")
        return
    first = () if is_one else ("job",)
    rows = [(*first, "scheduled", "status", "started", "took", "tries")]
    rows += [(*(() if is_one else (run.job,)), *cells(run, zone)) for run in runs]
    reasons = ["reason", *(run.reason for run in runs)]
    typer.echo(f"Times of {zone}.")
    if sys.stdout.isatty():
        _on_terminal(Console(highlight=False), rows, reasons, [run.status for run in runs])
    else:
        sizes = widths(rows)
        for row, reason in zip(rows, reasons, strict=True):
            typer.echo(aligned((*row, reason), [*sizes, 0]))


def cells(run: Run, zone: ZoneInfo) -> tuple[str, str, str, str, str]:
    """When it was due, its status, when it started, how long it took, and how many attempts began."""
    scheduled = run.scheduled.astimezone(zone) if run.scheduled else None
    started = run.started.astimezone(zone) if run.started else None
    return (
        f"{scheduled:%Y-%m-%d %H:%M}" if scheduled else "by hand",
        run.status,
        _started(started, scheduled),
        "" if run.took_seconds is None else duration(run.took_seconds).replace(" ", ""),
        str(run.attempts) if run.attempts else "",
    )


def _started(started: datetime | None, scheduled: datetime | None) -> str:
    """The time of day; with the day where that is not the one on which it was due."""
    if started is None:
        return ""
    same = scheduled is not None and scheduled.date() == started.date()
    return f"{started:%H:%M:%S}" if same else f"{started:%m-%d %H:%M}"


def _on_terminal(
    console: Console, rows: Sequence[tuple[str, ...]], reasons: Sequence[str], statuses: Sequence[str]
) -> None:
    sizes = widths(rows)
    is_one = len(rows[0]) == 5  # without the job's name, which alone may be long
    spare = console.width - sum(sizes) - len(GAP) * (len(sizes) - 1)
    if not is_one and spare < 0:
        sizes[0] = max(_NARROWEST, sizes[0] + spare)
    indent = sizes[0] + len(GAP)
    status_at = 1 if is_one else 2
    for number, (row, reason) in enumerate(zip(rows, reasons, strict=True)):
        head, *rest = folded(row[0], sizes[0])
        line = Text(aligned((head, *row[1:]), sizes), style="" if number else "bold")
        if number:
            begin = sum(sizes[:status_at]) + len(GAP) * status_at
            line.stylize(COLORS.get(statuses[number - 1], _NOT_RUN if row[status_at].islower() else ""), begin)
            line.stylize("default", begin + sizes[status_at])
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
        if number:
            below = textwrap.wrap(reason, max(_NARROWEST, console.width - indent))
            for name, words in zip_longest(rest, below, fillvalue=""):
                text = Text(f"{name.ljust(indent)}{words}".rstrip(), style="dim")
                console.print(text, no_wrap=True, overflow="ignore", crop=False)
