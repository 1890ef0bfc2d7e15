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

NOT_REVIEWED = 3
_WORKFLOW = "plan.yml"


def reviewed_plan(
    out: Annotated[Path, typer.Option(help="File to write.")],
    stage: StageOption = "local",
    commit: Annotated[str | None, typer.Option(help="Default: the workflow's.")] = None,
) -> int:
    """Fetch what the pull request's plan left behind (hashes and addresses, no values), for `deploy --reviewed`.

    The exit status is 3 if this commit came by no pull request, or its plan left nothing.
    """
    wanted = commit or actions.commit()
    try:
        hub = actions.github()
        head = hub.reviewed_head(wanted)
        content = hub.artifact(_WORKFLOW, head[1], artifact_name(stage), REVIEWED) if head else None
    except GitHubError as error:
        raise UsageError(str(error)) from None
    if content is None:
        reason = f"#{head[0]} left no plan of {stage} behind" if head else "it came by no pull request"
        typer.echo(
            f"batchtab ci reviewed: nobody reviewed a plan of {wanted[:12]}: {reason} "
            "[hint: run the deploy workflow by hand: it plans, shows the plan, and waits for an approval]",
            err=True,
        )
        return NOT_REVIEWED
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    typer.echo(f"reviewed in #{head[0] if head else '?'}: {out}")
    return 0


def artifact_name(stage: str) -> str:
    """What the plan workflow calls what it leaves behind."""
    return f"reviewed-{stage}"
