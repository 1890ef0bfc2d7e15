"""`batchtab ci drift`: an issue while what is deployed differs from the files, closed when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.github.api import GitHubError
from batchtab.plan_review import elapsed, markdown, markup
from batchtab.plan_review.plan import Plan, find
from batchtab.plan_review.summary import summarize

_LABEL = "drift"
_LIMIT = 60_000


def drift_issue(
    plans: Annotated[list[Path], typer.Argument(help="Files of `terraform show -json`, or folders of `plan --out`.")],
    stage: StageOption = "local",
) -> None:
    """Open or update the stage's issue on GitHub if a plan has changes; close it if none has.

    The plans are those of `plan --all --out`: without --all it leaves out stacks whose files have not changed,
    and so their drift.

    A job that runs another revision than Terraform deployed is drift too. That a job's `start`, `end` or only time has
    passed is not drift.

    Reads GITHUB_TOKEN, GITHUB_REPOSITORY and, for GitHub Enterprise Server, GITHUB_API_URL.
    """
    now = datetime.now(UTC)
    loaded = [Plan.load(path) for path in find(plans)]
    differing = [plan for plan in loaded if not elapsed.is_nothing_else(plan, now)]
    summary = summarize(plans, None, "UTC")
    marker = f"<!-- batchtab: drift of {stage} -->"
    page = actions.run_url()
    try:
        hub = actions.github()
        if differing or summary.revisions.mismatches:
            body = markdown.render(summary, title=f"To make {stage} what main says", limit=_LIMIT)
            note = "\n".join(filter(None, (*_causes(differing), page)))
            posted = hub.open_issue(marker, f"{stage} differs from main", f"{note}\n\n{body}", _LABEL)
            typer.echo(f"issue #{posted.id}: {posted.did}: {summary.headline()}")
            return
        closed = hub.close_issue(marker, f"{stage} is what main says again. {page}".rstrip(), _LABEL)
    except GitHubError as error:
        raise UsageError(str(error)) from None
    typer.echo(f"issue #{closed.id}: closed, nothing differs" if closed else "nothing differs")


_CAUSES = {
    True: "Changed in AWS since the last deployment",
    False: "Not deployed yet",
    None: "Changed in AWS, or not deployed yet",
}


def _causes(differing: list[Plan]) -> Iterator[str]:
    """Why stacks differ: the record of what was applied last separates a change in AWS from a missing deployment."""
    for as_applied, cause in _CAUSES.items():
        stacks = [markup.code(plan.stack) for plan in differing if plan.as_applied is as_applied]
        if stacks:
            yield f"{cause}: {', '.join(stacks)}."
