"""`batchtab ci environment`: the rules of a stage's environment on GitHub, which say who may deploy it."""

from __future__ import annotations

from typing import Annotated

import typer

from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.github.api import GitHubError
from batchtab.github.environments import NOT_FOR_PRIVATE, Environments
from batchtab.github.gh import Gh

OPEN = 1
_TRUST = "the role trusts only the workflow deploy.yml as it is on {branch}, so who may push to {branch} deploys"


def ci_environment(
    repository: Annotated[
        str, typer.Option(envvar="GITHUB_REPOSITORY", help="GitHub's repository, as owner/name.", show_default=False)
    ],
    stage: StageOption = "local",
    reviewer: Annotated[
        list[str] | None, typer.Option(help="Who approves: a user, or a team as organization/team. May be repeated.")
    ] = None,
    branch: Annotated[str, typer.Option(help="The only branch that deploys.")] = "main",
    prevent_self_review: Annotated[
        bool, typer.Option("--prevent-self-review", help="Who starts a deployment may not approve it.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; only print what is not protected.")] = False,
) -> int:
    """Create a stage's environment on GitHub, or change it: one branch deploys it, and somebody approves.

    Uses `gh`. Existing rules stay. Exit status 1: something is still not protected.
    """
    environments = Environments(Gh(), repository)
    try:
        refused = []
        if not check:
            refused = environments.protect(stage, branch, reviewer or [], prevent_self_review=prevent_self_review)
        found = environments.read(stage)
    except GitHubError as error:
        raise UsageError(f"ci environment: {error}") from None
    for line in refused:
        typer.echo(f"refused: {line}", err=True)
    gaps = found.gaps(branch)
    if found.branches is not None and not found.only_protected:
        typer.echo(f"environment {stage}: {', '.join(found.branches) or 'no branch'} may deploy")
    if found.reviewers:
        typer.echo(f"environment {stage}: {' or '.join(found.reviewers)} approves")
    for line in gaps:
        typer.echo(f"open: {line}", err=True)
        actions.warn(line)
    if gaps:
        typer.echo(f"{NOT_FOR_PRIVATE}. Without them, {_TRUST.format(branch=branch)}.", err=True)
    return OPEN if gaps or refused else 0
