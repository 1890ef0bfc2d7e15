"""What a review leaves behind, and whether a plan is the one that was reviewed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import typer

from batchtab.cli.deployment.planning import Planned
from batchtab.github import actions
from batchtab.plan_review import markdown, text
from batchtab.plan_review.fingerprint import IMAGE, Reviewed
from batchtab.plan_review.left_out import LeftOut
from batchtab.plan_review.plan import CONFIGURATION_MARK
from batchtab.plan_review.plan import Plan as Content
from batchtab.plan_review.summary import summarize
from batchtab.runner_image.context import source_hash
from batchtab.runner_image.lookup import DIGEST_VARIABLE
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan, Stacks

REVIEWED = "reviewed.json"


def contents(stacks: Stacks, plans: Sequence[Plan]) -> list[Content]:
    """Plans as they can be compared and summarized."""
    image = os.environ.get(DIGEST_VARIABLE)
    replaced = {image: IMAGE} if image else {}
    return [
        Content.read({**content, CONFIGURATION_MARK: stacks.hash_of_written(plan, replaced)}, plan.stack)
        for plan, content in zip(plans, stacks.shown(plans), strict=True)
    ]


def reviewed(session: Session, found: list[Content]) -> Reviewed:
    """What plans do, to be compared with another time's.

    The digest of the runner image counts as the hash of its sources, for the image that a pull request's plan names
    may be built only after the merge.
    """
    return Reviewed.of(found, image_source=source_hash(session.root), image_digest=os.environ.get(DIGEST_VARIABLE, ""))


def write(session: Session, stacks: Stacks, planned: Planned, out: Path) -> None:
    """Writes each plan's JSON, which only this machine's owner may read, and what a review leaves behind."""
    stage = session.catalog.stage
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("*.plan.json"):
        stale.unlink()
    LeftOut(stage.prefix, stage.region, stage.account_id, planned.left_out).write(out)
    found = contents(stacks, planned.plans)
    for content in found:
        path = out / f"{content.stack}.plan.json"
        path.touch(mode=0o600)
        mark = {"batchtab_as_applied": planned.as_applied.get(content.stack)}
        path.write_text(json.dumps({**content.content, **mark}), encoding="utf-8")
    reviewed(session, found).write(out / REVIEWED)


def show(session: Session, out: Path) -> None:
    """Prints a summary of what `write` wrote: here as text, and on the page of a workflow's run."""
    stage = session.catalog.stage
    summary = summarize([out], None, stage.timezone)
    typer.echo(text.render(summary, title=stage.prefix))
    actions.summarize(markdown.render(summary, title=stage.prefix))
