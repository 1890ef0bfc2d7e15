"""`batchtab ci comment`: a stage's plan as one comment of the pull request, changed in place from push to push."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.github.api import GitHubError

_LIMIT = 65_536


def pr_comment(
    file: Annotated[Path, typer.Argument(help="Markdown, as `ci summary --format markdown` writes it.")],
    stage: StageOption = "local",
    pull_request: Annotated[int | None, typer.Option(help="Its number. Default: that of the workflow's event.")] = None,
) -> None:
    """Post a summary to a pull request, or update the one posted before.

    Reads GITHUB_TOKEN, GITHUB_REPOSITORY and, for GitHub Enterprise Server, GITHUB_API_URL.
    """
    number = pull_request or actions.pull_request()
    if number is None:
        raise UsageError("this is not the workflow of a pull request", "--pull-request NUMBER")
    try:
        body = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    head = marker(stage)
    room = _LIMIT - len(head.encode()) - 1
    if len(body.encode()) > room:
        raise UsageError(
            f"{file}: {len(body.encode()):,} bytes, more than the {room:,} of a comment", "batchtab ci summary --limit"
        )
    try:
        posted = actions.github().upsert_comment(number, head, body)
    except GitHubError as error:
        raise UsageError(str(error)) from None
    typer.echo(f"comment of stage {stage} on #{number}: {posted.did} {posted.url}".rstrip())


def marker(stage: str) -> str:
    """What our comment begins with, which nobody sees."""
    return f"<!-- batchtab: plan of {stage} -->"
