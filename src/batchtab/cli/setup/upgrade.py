"""`batchtab upgrade`: the files of an older version, brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchtab.project.upgrade import plan_upgrade
from batchtab.project.upgrade_report import report
from batchtab.project.version import installed


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
) -> None:
    """Update the generated files of this project to the installed version.

    Files that you changed are left, and shown as a diff. Settings, jobs and README.md are never touched.
    """
    planned = plan_upgrade(Path(), installed())
    if not dry_run:
        planned.apply()
    typer.echo(report(planned, dry_run=dry_run))
