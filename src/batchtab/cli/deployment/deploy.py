"""`batchtab deploy`: applies the plan that was reviewed, and says why if it is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab import frameworks
from batchtab.aws.client import Aws
from batchtab.aws.states import States
from batchtab.cli.connection import connect
from batchtab.cli.deployment.missed_runs import submit_missed
from batchtab.cli.deployment.plan import left_out_lines
from batchtab.cli.deployment.planning import Planned, Planning
from batchtab.cli.deployment.review import contents
from batchtab.cli.deployment.review import reviewed as reviewed_now
from batchtab.cli.deployment.trigger_moves import check, moves_of, wait_for_quiet
from batchtab.cli.machine.up import alone
from batchtab.cli.options import StageOption
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.project.version_note import version_note
from batchtab.terraform.processes import stoppable
from batchtab.terraform.providers import slots
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan, Stacks

NOT_REVIEWED = 3
JOBS = "jobs-"
_MANY = 6  # stacks, whose names no longer fit into a line


def deploy(
    stage: StageOption = "local",
    reviewed: Annotated[
        Path | None, typer.Option(help="What a review left behind: reviewed.json of `plan --out`.")
    ] = None,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Apply whatever the plan says.")] = False,
    stack: Annotated[list[str] | None, typer.Option(help="Apply only these stacks; may be repeated.")] = None,
    jobs: Annotated[bool, typer.Option(help="Apply the jobs' stacks too, or only what they need.")] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Apply also the stacks whose files are those applied last.")
    ] = False,
) -> int:
    """Plan the stacks anew and apply them in order, if all that they do was reviewed.

    A stack whose files and inputs are those applied last is left out, unless the review or --all names it. With a
    review all other stacks are compared, also where only some are applied.

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
    wanted = [name for name in known if (not stack or name in stack) and (jobs or not name.startswith(JOBS))]
    aws = connect(session)
    with alone(session), stoppable(), Stacks(session) as stacks:
        with Step(f"Plan of stage {stage}") as step:
            step.at("synth")
            stacks.synthesize()
            states = States(aws, session.catalog.stage.state.bucket, stage)
            planning = Planning(stacks, states)
            also = [name for name, changes in review.stacks.items() if changes] if review else []
            planned = planning.run(known if review else wanted, step.at, everything=everything, also=also)
        if review and (objections := _objections(session, stacks, planned.plans, review)):
            return _refuse(objections)
        with Step(f"Deployment of {', '.join(wanted) if len(wanted) < _MANY else f'{len(wanted)} stacks'}") as step:
            return _Deployment(session, aws, states, stacks, planning, review).run(
                planned, wanted, step, everything=everything
            )


@dataclass
class _Deployment:
    """Applies plans, wave by wave; a stack that reads what was just changed is planned anew.

    A job that moves to another trigger is moved when no run of it is due, or asked for what was due meanwhile.
    """

    session: Session
    aws: Aws
    states: States
    stacks: Stacks
    planning: Planning
    review: Reviewed | None
    applied: list[str] = field(default_factory=list)

    def run(self, planned: Planned, wanted: list[str], step: Step, *, everything: bool = False) -> int:
        """Applies the plans of the stacks that are wanted."""
        check(self.session, self.aws, [plan.stack for plan in planned.plans if plan.changes and plan.stack in wanted])
        plans = {plan.stack: plan for plan in planned.plans if plan.stack in wanted}
        hashes = {stack: self.planning.hash(stack) for stack in wanted}
        for wave in self.session.waves():
            mine = [stack for stack in wave if stack in wanted]
            stale = [stack for stack in mine if self._is_stale(stack, plans.get(stack), hashes[stack])]
            if stale:
                again = {plan.stack: plan for plan in self.planning.run(stale, step.at, everything=everything).plans}
                plans = {stack: plan for stack, plan in plans.items() if stack not in stale} | again
                if self.review and (objections := self._objections(list(again.values()))):
                    return _refuse([*objections, f"applied already: {', '.join(self.applied)}"])
            self._apply([plans[stack] for stack in mine if stack in plans], step)
        for line in left_out_lines({stack: why for stack, why in planned.left_out.items() if stack not in plans}):
            typer.echo(line)
        if not self.applied:
            typer.echo("Nothing to apply: what is deployed is what the files say.")
        if unrecorded := self.states.unrecorded:
            reason = next(iter(unrecorded.values()))
            text = f"batchtab deploy: plans will not leave out {', '.join(unrecorded)}: {reason}"
            typer.echo(f"{text} [hint: batchtab ci roles gives the roles this right]", err=True)
        step.result = f"{len(self.applied)} applied"
        return 0

    def _is_stale(self, stack: str, plan: Plan | None, before: str) -> bool:
        """Whether what a stack reads has changed since it was planned, or was left out."""
        if plan is not None and plan.provisional and self.applied:
            return True
        return self.planning.hash(stack) != (plan.configuration if plan else before)

    def _apply(self, plans: list[Plan], step: Step) -> None:
        for plan in plans:
            if plan.changes and plan.provisional:
                raise UsageError(f"{plan.stack}: what it reads from is not deployed", "deploy those stacks first")
            if not plan.changes:
                self.states.record(plan.stack, plan.configuration)
                typer.echo(f"{plan.stack}: nothing to do")
        changing = [plan for plan in plans if plan.changes]
        failures: list[str | None] = []
        for some in self._batches(changing):
            moves, began = wait_for_quiet(self.session, self.aws, [plan.stack for plan in some]), datetime.now(UTC)
            for plan in some:
                self.states.forget(plan.stack)
            failed_now = self.stacks.apply(some, step.at, done=self._record)
            submit_missed(self.session, self.aws, moves, began)
            failures += failed_now
        if failed := [failure for failure in failures if failure]:
            raise UsageError(
                "; ".join(failed), f"all that they said is in {self.stacks.log.relative_to(self.session.root)}"
            )
        if changing:
            self.planning.refresh(self.applied)

    def _batches(self, plans: list[Plan]) -> Iterator[list[Plan]]:
        """Stacks whose jobs move to another trigger, a few at a time, for a quiet moment is soon over; then others."""
        moving = {plan.stack for plan in plans if moves_of(self.session, self.aws, [plan.stack])}
        first = [plan for plan in plans if plan.stack in moving]
        size = max(1, slots())
        yield from (first[start : start + size] for start in range(0, len(first), size))
        if others := [plan for plan in plans if plan.stack not in moving]:
            yield others

    def _record(self, plan: Plan) -> None:
        """Notes at once what was applied, whatever becomes of the others."""
        self.states.record(plan.stack, plan.configuration)
        self.applied.append(plan.stack)
        typer.echo(f"{plan.stack}: applied: {plan.summary.removeprefix('Plan: ')}")

    def _objections(self, plans: list[Plan]) -> list[str]:
        return _objections(self.session, self.stacks, plans, self.review) if self.review else []


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
        "[hint: start the deploy workflow to have this one approved]",
        err=True,
    )
    return NOT_REVIEWED
