"""`batchtab calendar`: a week at a glance. Reads files only, so it works without a network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchtab.cli.options import ROOT_HELP

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from batchtab.errors import UsageError

_YEARS = range(1971, 2199)  # of AWS's cron, less one at each end


def calendar(
    jobs: Annotated[list[str] | None, typer.Argument(help="Jobs, as JOB or SERVICE-JOB. Default: all.")] = None,
    stage: Annotated[str, typer.Option(help="The stage whose services, vCPUs and time zone count.")] = "local",
    html: Annotated[Path | None, typer.Option(help="Write a page to this file instead.")] = None,
    from_: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first of the seven days. Default: today."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="On whose wall clock. Default: the stage's.")] = None,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Show a week: when each job runs, for how long, and when runs have to wait for vCPUs.

    How long a run takes is told by `usual_duration_seconds` in jobs.yaml; without it the timeout is drawn, lighter.
    """
    from batchtab.calendar import lane, page, terminal  # noqa: PLC0415 (pydantic is not needed to print the help)
    from batchtab.calendar.days import Week  # noqa: PLC0415
    from batchtab.declarations import catalog  # noqa: PLC0415
    from batchtab.declarations.named_jobs import find  # noqa: PLC0415

    loaded = catalog.load(stage, root)
    zone = _zone(timezone or loaded.stage.timezone)
    first = (from_ or datetime.now(zone)).date()
    if first.year not in _YEARS:
        raise _refusal(f"{first}", f"is not a day of the years {_YEARS[0]} to {_YEARS[-1]}")
    chosen = [find(loaded, each, "calendar").full for each in jobs or ()]
    week = lane.read(loaded, Week(first, zone), chosen or None)
    if html is None:
        terminal.show(week)
        return
    try:
        html.write_text(page.render(week), encoding="utf-8")
    except OSError as error:
        raise _refusal(str(html), f"can't be written: {error.strerror}") from None
    typer.echo(f"wrote {html}")


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from batchtab.schedules import zones  # noqa: PLC0415

    if refusal := zones.refusal(name):
        raise _refusal(name, *refusal)
    return ZoneInfo(name)


def _refusal(value: str, message: str, hint: str = "") -> UsageError:
    from batchtab.declarations.diagnostics import Diagnostic, Diagnostics  # noqa: PLC0415

    return Diagnostics([Diagnostic("batchtab calendar", None, "", "", value, message, hint)])
