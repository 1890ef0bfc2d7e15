"""`batchtab plan`: what Terraform would change, stack by stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from batchtab.aws.states import States
from batchtab.cli.connection import connect
from batchtab.cli.deployment.planning import Planning
from batchtab.cli.deployment.review import show as print_review
from batchtab.cli.deployment.review import write
from batchtab.cli.deployment.synthesis import Synthesis
from batchtab.cli.machine.up import alone
from batchtab.cli.options import DigestOption, StageOption, SynthesizedOption
from batchtab.cli.progress import Step
from batchtab.cli.revisions import look_up
from batchtab.plan_review.left_out import by_reason
from batchtab.project.version_note import version_note
from batchtab.terraform.processes import stoppable
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks

_CHANGES = 1


def plan(
    stage: StageOption = "local",
    fail_on_changes: Annotated[bool, typer.Option(help="Exit with status 1 if anything would change.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for STACK.plan.json (with sensitive values) and reviewed.json (without any)."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="With --out: print a readable summary, also on a workflow run's page.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also plan stacks that have not changed since they were applied.")
    ] = False,
    lock: Annotated[bool, typer.Option(help="Lock the state, which needs write access.")] = True,
    synthesized: SynthesizedOption = None,
    synthesized_digest: DigestOption = None,
) -> int:
    """Show what a deployment would change; change nothing.

    Prints how many resources of each stack change; --out with --show prints which jobs and how.

    A stack is left out if its files and inputs have not changed since it was applied; --all plans it too, which also
    finds drift.
    """
    session = Session.open(stage)
    synthesis = Synthesis(synthesized, synthesized_digest)
    if note := version_note(session.root):
        typer.echo(f"batchtab plan: {note}", err=True)
    aws = connect(session)
    states = States(aws, session.catalog.stage.state.bucket, stage)
    states.require_bucket()
    with alone(session), stoppable(), Stacks(session) as stacks, Step(f"Plan of stage {stage}") as step:
        step.at("synth")
        synthesis.write(session, stacks)
        planning = Planning(stacks, states)
        planned = planning.run(session.stacks(), step.at, everything=everything, lock=lock)
        step.at("revisions that run")
        revisions = look_up(session, aws)
        if out is not None:
            write(session, stacks, planned, out)
            revisions.write(out)
            synthesis.copy_findings(session, out)
    if show and out is not None:
        print_review(session, out)
    width = max((len(plan.stack) for plan in planned.plans), default=0)
    for found in planned.plans:
        note = " (with placeholders: what it reads from is not deployed)" if found.provisional else ""
        typer.echo(f"{found.stack.ljust(width)}  {found.summary}{note}")
    for line in left_out_lines(planned.left_out):
        typer.echo(line)
    for line in revisions.lines():
        typer.echo(line)
    changed = any(found.changes for found in planned.plans)
    if revisions.mismatches and not changed:
        typer.echo("No changes to deploy, but other revisions of jobs run than were deployed.")
    elif not planned.plans:
        typer.echo("No changes since the last deployment.")
    elif not changed:
        typer.echo("No changes: what is deployed is what the files say.")
    return _CHANGES if changed and fail_on_changes else 0


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """A line for each reason that stacks were not planned."""
    return [f"not planned ({reason}): {', '.join(stacks)}" for reason, stacks in by_reason(left_out).items()]
