"""Which stacks are planned: those that differ from what was applied last, or that read what another one changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.aws.states import States
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.placeholders import Inputs
from batchtab.terraform.stacks import Plan, Stacks

UNCHANGED = "unchanged since the last deployment"


@dataclass(frozen=True)
class Planned:
    """The plans of a stage.

    Attributes:
        plans: Those that were made, each after those of the stacks that it reads from.
        left_out: Why other stacks were not planned, by stack.
        as_applied: Of each planned stack whether its files are those applied last, if that is known. What such a plan
            changes, somebody changed in AWS.
    """

    plans: list[Plan]
    left_out: dict[str, str]
    as_applied: dict[str, bool | None]


class Planning:
    """Plans a stage's stacks, which are synthesized, as far as they need it."""

    def __init__(self, stacks: Stacks, states: States) -> None:
        self._stacks = stacks
        self._states = states
        self._waves = stacks.waves()
        self._all = [each for wave in self._waves for each in wave]
        self._read = {stack for each in self._all for stack in each.reads}
        self.inputs = Inputs({}, {})
        self.refresh()

    def refresh(self, only: Iterable[str] | None = None) -> None:
        """Reads the outputs that stacks have now, of those that others read.

        Args:
            only: Those that have changed; by default all.
        """
        changed = self._read if only is None else self._read & set(only)
        found = {stack: outputs for stack in changed if (outputs := self._states.outputs(stack)) is not None}
        kept = {stack: outputs for stack, outputs in self.inputs.deployed.items() if stack not in changed}
        self.inputs = Inputs({**kept, **found}, {})

    def hash(self, stack: str) -> str:
        """The hash of a stack's configuration, with what it reads now."""
        return self._configuration(stack).hash(self.inputs.values())

    def run(
        self,
        stacks: Sequence[str],
        on_event: Callable[[str], None],
        *,
        everything: bool = False,
        also: Iterable[str] = (),
        lock: bool = True,
    ) -> Planned:
        """Plans stacks.

        Args:
            stacks: Those to look at.
            on_event: Is called with what it is at.
            everything: Whether those too whose files and inputs are those applied last.
            also: Stacks that are planned even then.
            lock: Whether to take the locks of the states.

        Raises:
            UsageError: a plan failed, or S3 refused.
        """
        looked_at = [each for each in self._all if each.stack in stacks]
        values = self.inputs.values()
        recorded = self._states.applied([each.stack for each in looked_at])
        as_applied = {
            each.stack: recorded[each.stack] == each.hash(values) for each in looked_at if each.stack in recorded
        }
        known: dict[str, dict[str, Any]] = {}
        unknown: dict[str, set[str]] = {}
        plans: list[Plan] = []
        left_out: dict[str, str] = {}
        for all_of_wave in self._waves:
            wave = [each for each in all_of_wave if each in looked_at]
            inputs = Inputs(self.inputs.deployed, known)
            wanted = [
                each
                for each in wave
                if everything or not as_applied.get(each.stack) or each.stack in also or inputs.awaited(each)
            ]
            made = self._stacks.plan(wanted, inputs, on_event, lock=lock)
            self._note_outputs(made, known, unknown)
            plans += made
            left_out |= {each.stack: _reason(each, unknown) for each in wave if each not in wanted}
        return Planned(plans, left_out, {plan.stack: as_applied.get(plan.stack) for plan in plans})

    def _note_outputs(self, plans: list[Plan], known: dict[str, dict[str, Any]], unknown: dict[str, set[str]]) -> None:
        """Notes the outputs that plans change: those with a value that is known already, and the others' names."""
        for plan in plans:
            if not plan.changes or plan.provisional or plan.stack not in self._read:
                continue
            content = self._stacks.show(plan)
            for name, change in (content.get("output_changes") or {}).items():
                if change["actions"] in (["no-op"], ["delete"]):
                    continue
                output = content["planned_values"].get("outputs", {}).get(name, {})
                if "value" in output and "type" in output:
                    known.setdefault(plan.stack, {})[name] = output
                else:
                    unknown.setdefault(plan.stack, set()).add(name)

    def _configuration(self, stack: str) -> Configuration:
        return next(each for each in self._all if each.stack == stack)


def _reason(stack: Configuration, unknown: dict[str, set[str]]) -> str:
    reads = [
        f"{name} of {other}"
        for other, names in stack.reads.items()
        for name in sorted(names & unknown.get(other, set()))
    ]
    return f"{UNCHANGED}, but reads {', '.join(reads)}, known only after its apply" if reads else UNCHANGED
