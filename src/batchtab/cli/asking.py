"""A question before what can't be undone."""

from __future__ import annotations

import sys

import typer

from batchtab.cli.exits import INTERRUPTED
from batchtab.errors import UsageError


class DeclinedError(UsageError):
    """The answer is no, which ends a command like Ctrl-C."""

    exit_code = INTERRUPTED


def confirm(question: str, command: str) -> None:
    """Asks on stderr, and goes on if the answer is yes.

    Raises:
        UsageError: nobody can be asked.
        DeclinedError: the answer is no.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{command}: nobody can be asked: {question}", "--yes")
    if not typer.confirm(question, err=True):
        raise DeclinedError(f"{command}: nothing was changed")
