"""`batchtab setup`: what a project needs beside Python packages, in its `.batchtab/` folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.setup.schema import write_schemas
from batchtab.errors import UsageError
from batchtab.frameworks import FrameworkError, choose
from batchtab.project.place import is_project, nearest_above
from batchtab.toolchain import PARTS, prepare


def setup(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Some of {', '.join(PARTS)}; python is .batchtab/bin/python. Default: all.",
            autocompletion=lambda: list(PARTS),
        ),
    ] = None,
) -> None:
    """Install Node, the cdktf CLI, local AWS, checkov and, where it is missing, Terraform into .batchtab/.

    What is up to date is skipped. It also writes the JSON Schemas that YAML files name for editors.
    """
    _require_project(Path())
    prepare(Path(), parts, say=lambda line: typer.echo(line, err=True))
    write_schemas(Path())
    if parts and "node" not in parts:  # nothing is to be synthesized here
        return
    try:
        choose()
    except FrameworkError as error:
        typer.echo(f"plan, deploy and up: {error.message}; {error.hint}".removesuffix("; "), err=True)


def _require_project(folder: Path) -> None:
    """Refuses a folder that is not a project: a second toolchain there would be used by nothing.

    Raises:
        UsageError: it has no `cdktf.json` or no `config/`.
    """
    if is_project(folder):
        return
    above = nearest_above(folder)
    way = f"cd {shlex.quote(str(above))} && batchtab setup" if above else "batchtab init DIR makes a project"
    raise UsageError(f"setup: '{folder.absolute()}' is not a project: cdktf.json and config/ are not both in it", way)
