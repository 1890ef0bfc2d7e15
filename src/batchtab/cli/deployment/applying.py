"""Applies a stage's stacks, those that read from others after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import typer

from batchtab.aws.client import Aws
from batchtab.aws.states import States
from batchtab.cli.deployment.missed_runs import submit_missed
from batchtab.cli.deployment.planning import Planned, Planning
from batchtab.cli.deployment.review import contents, reviewed
from batchtab.cli.deployment.trigger_moves import check, moves_of, wait_for_quiet
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.terraform.providers import slots
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan, Stacks


class NotReviewedError(Exception):
    """Plans do something else than what was reviewed.

    Attributes:
        objections: What differs, each in a line.
    """

    def __init__(self, objections: list[str]) -> None:
        super().__init__("; ".join(objections))
        self.objections = objections


@dataclass
class Applying:
    """Applies plans, wave by wave; a stack that reads what was just changed is planned again.

    A job that moves to another trigger is moved when no run of it is due, or asked for what was due meanwhile.

    Attributes:
        review: What all plans have to be equal to; None allows whatever they say.
        applied: The stacks that were applied.
    """

    session: Session
    aws: Aws
    states: States
    stacks: Stacks
    planning: Planning
    review: Reviewed | None = None
    applied: list[str] = field(default_factory=list)

    def run(
        self, wanted: Sequence[str], step: Step, planned: Planned | None = None, *, everything: bool = False
    ) -> Planned:
        """Applies stacks, and says what it did.

        Args:
            wanted: The stacks.
            step: Is given what it is at.
            planned: Plans that were made already; by default each stack is planned when its turn comes.
            everything: Whether also stacks whose files and inputs are those applied last are planned.

        Returns:
            The plans that were applied, and why other stacks were left out.

        Raises:
            NotReviewedError: a stack planned again has changes that were not reviewed.
            UsageError: a plan or an apply failed, or a job that moves has no quiet moment.
        """
        before = planned or Planned([], {}, {})
        plans = {plan.stack: plan for plan in before.plans if plan.stack in wanted}
        left_out = {stack: why for stack, why in before.left_out.items() if stack in wanted}
        # What each was planned, or left out, with; a stack that was not looked at yet has nothing.
        known = {
            stack: plans[stack].configuration if stack in plans else self.planning.hash(stack)
            for stack in wanted
            if planned
        }
        may_change = [plan.stack for plan in plans.values() if plan.changes] if planned else wanted
        check(self.session, self.aws, may_change)
        for wave in self.session.waves():
            mine = [stack for stack in wave if stack in wanted]
            stale = [stack for stack in mine if self._is_stale(stack, plans.get(stack), known.get(stack))]
            if stale:
                again = self.planning.run(stale, step.at, everything=everything)
                self.compare(again.plans)
                plans = {stack: plan for stack, plan in plans.items() if stack not in stale}
                plans |= {plan.stack: plan for plan in again.plans}
                left_out |= again.left_out
            self._apply([plans[stack] for stack in mine if stack in plans], step)
        return Planned(list(plans.values()), {stack: why for stack, why in left_out.items() if stack not in plans}, {})

    def compare(self, plans: Sequence[Plan]) -> None:
        """Compares plans with what was reviewed, if there is a review.

        Raises:
            NotReviewedError: they do something else.
        """
        changing = [plan for plan in plans if plan.changes]
        if self.review is None or not changing:
            return
        if objections := self.review.objections(reviewed(self.session, contents(self.stacks, changing))):
            already = [f"applied already: {', '.join(self.applied)}"] if self.applied else []
            raise NotReviewedError([*objections, *already])

    def _is_stale(self, stack: str, plan: Plan | None, known: str | None) -> bool:
        """Whether a stack was not looked at yet, or what it reads has changed since."""
        return bool(plan and plan.provisional and self.applied) or self.planning.hash(stack) != known

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
        """Records at once what was applied, even if others fail."""
        self.states.record(plan.stack, plan.configuration)
        self.applied.append(plan.stack)
        typer.echo(f"{plan.stack}: applied: {plan.summary.removeprefix('Plan: ')}")
