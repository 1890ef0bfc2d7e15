"""`batchtab deploy`: applies the plan that was reviewed, and says why if it is another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab import frameworks
from batchtab.cli.connection import connect
from batchtab.cli.deployment.missed_runs import submit_missed
from batchtab.cli.deployment.review import contents
from batchtab.cli.deployment.review import reviewed as reviewed_now
from batchtab.cli.deployment.trigger_moves import check, wait_for_quiet
from batchtab.cli.options import StageOption
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.project.version_note import version_note
from batchtab.terraform.processes import stoppable
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan, Stacks

NOT_REVIEWED = 3
JOBS = "jobs-"


def deploy(
    stage: StageOption = "local",
    reviewed: Annotated[
        Path | None, typer.Option(help="What a review left behind: reviewed.json of `plan --out`.")
    ] = None,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Apply whatever the plan says.")] = False,
    stack: Annotated[list[str] | None, typer.Option(help="Apply only these stacks; may be repeated.")] = None,
    jobs: Annotated[bool, typer.Option(help="Apply the jobs' stacks too, or only what they need.")] = True,
) -> int:
    """Plan all stacks anew and apply them in order, if all that they do was reviewed.

    With a review all stacks are compared, also where only some are applied.

    Nothing is applied, and the exit status is 3, if a plan does something else than what was reviewed; each reason is
    a line on stderr. What is done already is no objection: a second run does nothing.
    """
    if (reviewed is None) != unreviewed:
        raise UsageError("deploy: give either --reviewed FILE or --unreviewed")
    session = Session.open(stage)
    if note := version_note(session.root):
        raise UsageError(f"deploy: {note}")
    frameworks.choose()
    known = session.stacks()
    unknown = sorted(set(stack or ()) - set(known))
    if unknown:
        raise UsageError(f"--stack: {unknown[0]} is not a stack of {stage}: {', '.join(known)}")
    review = Reviewed.load(reviewed) if reviewed else None
    stacks = Stacks(session)
    wanted = [name for name in known if (not stack or name in stack) and (jobs or not name.startswith(JOBS))]
    with stoppable():
        with Step(f"Plan of stage {stage}") as step:
            stacks.synthesize()
            plans = [stacks.plan_one(name, step.at) for name in (known if review else wanted)]
        if review and (objections := _objections(session, stacks, plans, review)):
            return _refuse(objections)
        with Step(f"Deployment of {', '.join(wanted)}") as step:
            return _apply(session, stacks, [plan for plan in plans if plan.stack in wanted], review, step)


def _apply(session: Session, stacks: Stacks, plans: list[Plan], review: Reviewed | None, step: Step) -> int:
    """Applies stack by stack; one that reads from a stack that was just changed is planned anew.

    A job that moves to another trigger is moved when no run of it is due, or asked for what was due meanwhile.
    """
    aws = connect(session)
    check(session, aws, [plan.stack for plan in plans if plan.changes])
    applied: list[str] = []
    for plan in plans:
        now = plan
        if applied:
            now = stacks.plan_one(plan.stack, step.at)
            if review and (objections := _objections(session, stacks, [now], review)):
                return _refuse([*objections, f"applied already: {', '.join(applied)}"])
        if not now.changes:
            typer.echo(f"{now.stack}: nothing to do")
            continue
        if now.provisional:
            raise UsageError(f"{now.stack}: what it reads from is not deployed", "deploy those stacks first")
        moves, began = wait_for_quiet(session, aws, [now.stack]), datetime.now(UTC)
        stacks.apply(now, step.at)
        submit_missed(session, aws, moves, began)
        applied.append(now.stack)
        typer.echo(f"{now.stack}: applied: {now.summary.removeprefix('Plan: ')}")
    if not applied:
        typer.echo("Nothing to apply: what is deployed is what the files say.")
    step.result = f"{len(applied)} applied"
    return 0


def _objections(session: Session, stacks: Stacks, plans: list[Plan], review: Reviewed) -> list[str]:

    changing = [plan for plan in plans if plan.changes]
    if not changing:
        return []
    return review.objections(reviewed_now(session, contents(stacks, changing)))


def _refuse(objections: list[str]) -> int:
    for line in objections:
        typer.echo(f"batchtab deploy: {line}", err=True)
    typer.echo(
        "batchtab deploy: not applied: this is not the plan that was reviewed "
        "[hint: run the deploy workflow by hand to have this one approved]",
        err=True,
    )
    return NOT_REVIEWED
