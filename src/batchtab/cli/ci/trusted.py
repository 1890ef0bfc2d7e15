"""Whom `batchtab ci roles` trusts on GitHub, and what GitHub itself leaves open."""

from __future__ import annotations

import typer

from batchtab.errors import UsageError
from batchtab.github.api import GitHubError
from batchtab.github.environments import Environments
from batchtab.github.gh import Gh
from batchtab.github.subjects import subjects_of


def trusted_names(gh: Gh, repository: str, repository_id: str | None, owner_id: str | None) -> dict[str, str | None]:
    """How GitHub names the repository in what it signs, which the roles trust; said, so that somebody can change it.

    Args:
        gh: GitHub, which is asked unless the repository's number is given.
        repository: `owner/name`.
        repository_id: Its number, if it is given.
        owner_id: Its owner's, if it is given.

    Raises:
        UsageError: GitHub cannot be asked, or the owner's number is given alone.
    """
    if repository_id is not None:
        return {"repository": repository, "repository_id": repository_id, "owner_id": owner_id}
    if owner_id is not None:
        raise UsageError("ci roles: --owner-id needs --repository-id: GitHub's subjects have both or none")
    try:
        found = subjects_of(repository, gh)
    except GitHubError as error:
        raise UsageError(
            f"ci roles: GitHub cannot be asked for its subjects: {error}",
            "--repository-id NUMBER, and --owner-id NUMBER if the repository is of July 15, 2026 or later",
        ) from None
    other = "false" if found.immutable else "true"
    typer.echo(
        f"The roles trust {found.prefix}:…, as GitHub names {found.repository} now. For the other form:"
        f" gh api --method PUT {found.setting} -F use_default=true -F use_immutable_subject={other}."
        " After that, or a rename, run this again."
    )
    return {
        "repository": found.repository,
        "repository_id": found.repository_id,
        "owner_id": found.owner_id if found.immutable else None,
    }


def say_what_is_open(gh: Gh, repository: str, stage: str, branch: str) -> None:
    """Says what the rules of the stage's environment leave open."""
    try:
        gaps = Environments(gh, repository).read(stage).gaps(branch)
    except GitHubError as error:
        gaps = [f"environment {stage} was not looked at: {error}"]
    for line in gaps:
        typer.echo(f"open: {line}", err=True)
    if gaps:
        typer.echo(f"batchtab ci environment --stage {stage} --repository {repository} --reviewer NAME", err=True)
