"""`batchtab deploy`: applies the plan that was reviewed, and says why if it is another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchtab.aws.states import States
from batchtab.cli.connection import connect
from batchtab.cli.deployment.applying import Applying, NotReviewedError
from batchtab.cli.deployment.plan import left_out_lines
from batchtab.cli.deployment.planning import Planning
from batchtab.cli.deployment.synthesis import Synthesis
from batchtab.cli.machine.up import alone
from batchtab.cli.options import DigestOption, StageOption, SynthesizedOption
from batchtab.cli.progress import Step
from batchtab.cli.revisions import look_up
from batchtab.errors import UsageError
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.project.version_note import version_note
from batchtab.terraform.processes import stoppable
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks

NOT_REVIEWED = 3
JOBS = "jobs-"
_AS_DEPLOYED = "what is deployed is what the files say"
_MANY = 6  # stacks, whose names no longer fit into a line


def deploy(
    stage: StageOption = "local",
    reviewed: Annotated[Path | None, typer.Option(help="The review: reviewed.json of `plan --out`.")] = None,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Apply all changes, without a review.")] = False,
    stack: Annotated[list[str] | None, typer.Option(help="Apply only these stacks; may be repeated.")] = None,
    jobs: Annotated[bool, typer.Option(help="Apply the jobs' stacks too; --no-jobs: only what they need.")] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Also apply stacks that have not changed since they were applied.")
    ] = False,
    synthesized: SynthesizedOption = None,
    synthesized_digest: DigestOption = None,
) -> int:
    """Plan the stacks again and apply them in order, if their changes are those that were reviewed.

    It needs --reviewed, or --unreviewed to apply whatever is planned without asking.

    A stack is left out if its files and inputs have not changed since it was applied, unless it is in the review or
    --all is given. With a review all other stacks are compared, even if only some are applied.

    If a plan has changes that were not reviewed, nothing is applied and the exit status is 3; each reason is a line on
    stderr. Reviewed changes that are already applied are ignored: it is safe to run again.
    """
    if (reviewed is None) != unreviewed:
        raise UsageError("deploy: give either --reviewed FILE or --unreviewed")
    session = Session.open(stage)
    if note := version_note(session.root):
        raise UsageError(f"deploy: {note}")
    synthesis = Synthesis(synthesized, synthesized_digest)
    known = session.stacks()
    unknown = sorted(set(stack or ()) - set(known))
    if unknown:
        raise UsageError(f"--stack: {unknown[0]} is not a stack of {stage}: {', '.join(known)}")
    review = Reviewed.load(reviewed) if reviewed else None
    wanted = [name for name in known if (not stack or name in stack) and (jobs or not name.startswith(JOBS))]
    aws = connect(session)
    states = States(aws, session.catalog.stage.state.bucket, stage)
    states.require_bucket()
    with alone(session), stoppable(), Stacks(session) as stacks:
        with Step(f"Plan of stage {stage}") as step:
            step.at("synth")
            synthesis.write(session, stacks)
            planning = Planning(stacks, states)
            also = [name for name, changes in review.stacks.items() if changes] if review else []
            planned = planning.run(known if review else wanted, step.at, everything=everything, also=also)
        applying = Applying(session, aws, states, stacks, planning, review)
        try:
            applying.compare(planned.plans)
            with Step(f"Deployment of {', '.join(wanted) if len(wanted) < _MANY else f'{len(wanted)} stacks'}") as step:
                done = applying.run(wanted, step, planned, everything=everything)
                step.result = f"{len(applying.applied)} applied"
        except NotReviewedError as refused:
            return _refuse(refused.objections)
    for line in left_out_lines(done.left_out):
        typer.echo(line)
    if not applying.applied:
        revisions = look_up(session, aws)
        for line in revisions.lines():
            typer.echo(line)
        state = "other revisions of jobs run than were deployed" if revisions.mismatches else _AS_DEPLOYED
        typer.echo(f"Nothing to apply: {state}.")
    if states.unrecorded:
        reason = next(iter(states.unrecorded.values()))
        text = f"batchtab deploy: plans will not leave out {', '.join(states.unrecorded)}: {reason}"
        typer.echo(f"{text} [hint: batchtab ci roles gives the roles this right]", err=True)
    return 0


def _refuse(objections: list[str]) -> int:
    for line in objections:
        typer.echo(f"batchtab deploy: {line}", err=True)
    typer.echo(
        "batchtab deploy: not applied: this is not the plan that was reviewed "
        "[hint: start the deploy workflow to have this one approved]",
        err=True,
    )
    return NOT_REVIEWED
