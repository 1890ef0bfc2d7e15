"""`batchtab init`: a project of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchtab.project.answers import DEFAULT_SERVICE, Answers
from batchtab.project.new_project import create
from batchtab.project.next_steps import next_steps
from batchtab.project.version import installed


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project; '.' is this folder.")],
    service: Annotated[str, typer.Option(help="Name of the first service.")] = DEFAULT_SERVICE,
    stage: Annotated[
        list[str] | None, typer.Option(help="Name of a stage on AWS; may be repeated. Default: prod.")
    ] = None,
    github: Annotated[str | None, typer.Option(help="GitHub repository, as owner/repo.")] = None,
) -> None:
    """Create a project: its app, stages, first service and workflows.

    It overwrites nothing: if a file with other content is in the way, nothing is written and the exit status is 2.
    """
    answers = Answers.for_folder(folder, service, stage or (), github)
    typer.echo(next_steps(create(folder, answers, installed())))
