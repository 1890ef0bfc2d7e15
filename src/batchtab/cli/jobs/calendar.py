"""`batchtab calendar`: a week at a glance. Reads files only, so it works without a network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from batchtab.calendar import page, terminal, timeline
from batchtab.calendar.days import Week
from batchtab.cli.options import ROOT_HELP, JobsArgument
from batchtab.declarations import catalog
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.named_jobs import find
from batchtab.errors import UsageError
from batchtab.schedules import zones

_YEARS = range(1971, 2199)  # of AWS's cron, less one at each end


def calendar(
    jobs: JobsArgument = None,
    stage: Annotated[
        str, typer.Option(envvar="BATCHTAB_STAGE", help="The stage whose services, vCPUs and time zone count.")
    ] = "local",
    html: Annotated[Path | None, typer.Option(help="Write an HTML page to this file instead.")] = None,
    from_: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first of the seven days. Default: today."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone to display. Default: the stage's.")] = None,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Show a week: when each job runs, for how long, and when runs have to wait for vCPUs.

    Bar length is `usual_duration_seconds` of jobs.yaml; otherwise the timeout (lighter).
    """
    loaded = catalog.load(stage, root)
    zone = _zone(timezone or loaded.stage.timezone)
    first = (from_ or datetime.now(zone)).date()
    if first.year not in _YEARS:
        raise _refusal(f"{first}", f"is not a day of the years {_YEARS[0]} to {_YEARS[-1]}")
    chosen = [find(loaded, each, "calendar").full for each in jobs or ()]
    week = timeline.read(loaded, Week(first, zone), chosen or None)
    if html is None:
        terminal.show(week)
        return
    try:
        html.write_text(page.render(week), encoding="utf-8")
    except OSError as error:
        raise _refusal(str(html), f"can't be written: {error.strerror}") from None
    typer.echo(f"wrote {html}")


def _zone(name: str) -> ZoneInfo:

    if refusal := zones.refusal(name):
        raise _refusal(name, *refusal)
    return ZoneInfo(name)


def _refusal(value: str, message: str, hint: str = "") -> UsageError:

    return Diagnostics([Diagnostic("batchtab calendar", None, "", "", value, message, hint)])
