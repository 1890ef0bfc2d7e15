"""`batchtab next`: when the jobs run next. Reads files only, so it works without a network."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from batchtab.cli.jobs import run_timeline
from batchtab.cli.jobs.run_timeline import SHOWN, Job, Line, is_over
from batchtab.cli.options import ROOT_HELP, AnyJobArgument
from batchtab.cli.tables import GAP, aligned, folded, widths
from batchtab.declarations import catalog
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.named_jobs import all_jobs, find
from batchtab.schedules import zones

_ESTIMATE, _NO_RUN = "~", "-"
_COUNT, _COUNT_OF_ONE = 10, 5
_UNLIMITED = 100_000


def next_runs(
    job: AnyJobArgument = None,
    stage: Annotated[
        str, typer.Option(envvar="BATCHTAB_STAGE", help="The stage whose services and time zone are shown.")
    ] = "local",
    count: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help=f"Number of lines. Default: {_COUNT}, of one job {_COUNT_OF_ONE}."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Show times in this zone. Default: the job's own, else the stage's.")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Do not collapse frequent jobs.")] = False,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Show when jobs run next, all in one list, in local time and in UTC.

    Jobs that run more than once an hour are collapsed: one line for their runs until a less frequent job
    runs or the day ends.

    Skipped times are marked '-' with the reason (excluded, or DST). Times of a rate are estimates, marked '~': a rate
    counts from the creation of its trigger, which only AWS knows.
    """
    loaded = catalog.load(stage, root)
    jobs = _chosen(loaded, job, timezone)
    now = datetime.now(UTC)
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    is_one = job is not None and len(jobs) == 1
    if is_one:
        _echo(((text, "") for text in _described(jobs[0])), terminal)
    timed = jobs if is_one else [each for each in jobs if not each.spec.suspend]
    wanted = count or (_COUNT_OF_ONE if is_one else _COUNT)
    lines = run_timeline.lines(timed, now, wanted, is_folded=not is_one and not each)
    _echo(table(lines, terminal), terminal)
    _echo(((text, "") for text in _others(jobs, now, is_one)), terminal)


def table(lines: Sequence[Line], width: int | None) -> Iterator[tuple[str, str]]:
    """The runs as lines of text, each with its style; a note that does not fit beside its run is below it.

    Args:
        lines: The runs.
        width: Of the terminal; None where there is none.
    """
    if not lines:
        return
    zones = {line.job.zone.key for line in lines}
    heading = (" " + (zones.pop() if len(zones) == 1 else "local time"), "UTC", "job", "schedule")
    rows = [(_mark(line) + _local(line), _utc(line), line.job.name, _schedule(line)) for line in lines]
    sizes = widths([heading, *rows])
    limit = width or _UNLIMITED
    longest = max(len(line.note) for line in lines)
    shown = 4 if sum(sizes) + len(GAP) * 4 + longest <= limit else 3
    begin, end = sum(sizes[:2]) + len(GAP) * 2, sum(sizes[:shown]) + len(GAP) * shown
    yield aligned(heading[:shown], sizes), "bold"
    for line, row in zip(lines, rows, strict=True):
        text = GAP.join(cell.ljust(size) for cell, size in zip(row[:shown], sizes, strict=False))
        style = "" if line.runs else "dim"
        if line.note and end + len(line.note) <= limit:
            text = text + GAP + line.note
        for part in folded(text.rstrip(), limit, begin):
            yield part, style
        if line.note and end + len(line.note) > limit:
            yield f"{GAP * 2}{line.note}", style


def _mark(line: Line) -> str:
    return _NO_RUN if not line.runs else _ESTIMATE if line.is_estimate else " "


def _local(line: Line) -> str:

    is_left_out = line.note.startswith("skipped") and line.local.tzinfo is line.job.zone
    return f"{line.local:{SHOWN}}" if is_left_out else f"{line.local:{SHOWN} %Z}"


def _utc(line: Line) -> str:
    return "-" if line.note.startswith("skipped") else f"{line.at:%Y-%m-%d %H:%M}"


def _schedule(line: Line) -> str:
    timing = line.job.timing
    return timing.expression if timing else ""


def _described(job: Job) -> Iterator[str]:
    """A job's schedule in the form that is deployed, with all that belongs to it."""
    spec, timing = job.spec, job.timing
    if timing is None:
        return
    parts = [timing.expression, f"in {timing.zone.key}"]
    parts += [f"from {timing.start_utc:%Y-%m-%d %H:%M} UTC"] if timing.start_utc else []
    parts += [f"until {timing.end_utc:%Y-%m-%d %H:%M} UTC"] if timing.end_utc else []
    parts += [f"within {spec.flexible_window_minutes} minutes"] if spec.flexible_window_minutes else []
    parts += [f"except {', '.join(spec.except_)}"] if spec.except_ else []
    yield f"{job.name}: {', '.join(parts)}"
    if spec.suspend:
        yield "It is suspended: none of these runs takes place."


def _others(jobs: Sequence[Job], now: datetime, is_one: bool) -> Iterator[str]:
    """The jobs that have no part in the list, by the reason."""
    manual = [job.name for job in jobs if job.spec.schedule is None and not job.spec.upstream]
    after = [f"{job.name} ({job.spec.origin})" for job in jobs if job.spec.upstream and not job.timing]
    suspended = [job.name for job in jobs if job.spec.suspend and not is_one]
    over = [job.name for job in jobs if is_over(job, now) and job.name not in suspended]
    for title, names in (("manual", manual), ("after others", after), ("suspended", suspended), ("over", over)):
        if names:
            yield f"{title}: {', '.join(names)}"


def _chosen(loaded: Catalog, wanted: str | None, timezone: str | None) -> list[Job]:

    refusal = zones.refusal(timezone) if timezone else None
    if refusal:
        raise Diagnostics([Diagnostic("batchtab next", None, "", "--timezone", timezone, *refusal)])
    found = list(all_jobs(loaded)) if wanted is None else [find(loaded, wanted, "next")]
    return [Job(job.full, job.spec, ZoneInfo(timezone) if timezone else job.zone(loaded)) for job in found]


def _echo(lines: Iterable[tuple[str, str]], terminal: int | None) -> None:
    if terminal is None:
        for text, _ in lines:
            typer.echo(text)
        return

    console = Console(highlight=False, markup=False, soft_wrap=True, width=terminal)
    for text, style in lines:
        console.print(_wrapped(text, terminal), style=style)


def _wrapped(text: str, width: int) -> str:
    return text if len(text) <= width else textwrap.fill(text, width, subsequent_indent=GAP, break_on_hyphens=False)
