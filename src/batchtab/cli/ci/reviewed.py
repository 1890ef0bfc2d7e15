"""`batchtab ci reviewed`: what was reviewed in the pull request that brought this commit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.deployment.review import REVIEWED
from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.github.api import GitHubError
from batchtab.github.reviews import NotReviewedError

NOT_REVIEWED = 3
_WORKFLOW = "plan.yml"


def reviewed_plan(
    out: Annotated[Path, typer.Option(help="File to write.")],
    stage: StageOption = "local",
    commit: Annotated[str | None, typer.Option(help="Default: the workflow's.")] = None,
) -> int:
    """Download the reviewed plan of the pull request (hashes and addresses, no values), for `deploy --reviewed`.

    Exit status 3: this commit came by no pull request, or there is no plan of it.
    """
    wanted = commit or actions.commit()
    try:
        found = actions.github().reviews.reviewed(wanted, _WORKFLOW, f"reviewed-{stage}", REVIEWED)
    except GitHubError as error:
        raise UsageError(str(error)) from None
    except NotReviewedError as error:
        typer.echo(
            f"batchtab ci reviewed: no plan of {stage} was reviewed for {wanted[:12]}: {error} "
            "[hint: start the workflow deploy yourself: it plans, shows the plan, and waits for an approval]",
            err=True,
        )
        return NOT_REVIEWED
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(found.content)
    typer.echo(f"reviewed in #{found.pull_request}: {out}")
    return 0
