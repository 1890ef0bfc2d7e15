"""A question before what can't be undone."""

from __future__ import annotations

import sys

import typer

from batchtab.cli.exits import FAILED
from batchtab.errors import UsageError


def confirm(question: str, command: str) -> None:
    """Asks on stderr, and goes on if the answer is yes.

    Raises:
        UsageError: nobody can be asked.
        typer.Exit: the answer is no; the exit status is 1.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{command}: nobody can be asked: {question}", "--yes")
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(FAILED)
