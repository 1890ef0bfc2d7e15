"""All that a reviewer needs to know of the plans of one stage."""

from __future__ import annotations

import dataclasses
import zoneinfo
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError, how_many
from batchtab.plan_review import destruction, environment, job, permissions
from batchtab.plan_review.destruction import Destruction
from batchtab.plan_review.environment import EnvironmentChange
from batchtab.plan_review.findings import Findings
from batchtab.plan_review.job_change import CHANGED, NEW, REMOVED, JobChange, job_change
from batchtab.plan_review.left_out import LeftOut
from batchtab.plan_review.permissions import PermissionChange
from batchtab.plan_review.plan import Plan, find
from batchtab.plan_review.resource import CREATE, DELETE, FORGET, REPLACE, UPDATE
from batchtab.plan_review.revisions import Revisions

_ORDER = {REMOVED: 0, CHANGED: 1, NEW: 2}


@dataclass(frozen=True)
class ResourceRow:
    """A line of the list of all changes. Values are not in it."""

    stack: str
    address: str
    action: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """What the plans of a stage's stacks do.

    Attributes:
        unchanged_jobs: How many jobs stay as they are.
        permissions: Those that belong to no job.
        provisional: Stacks planned before those that they read from were deployed: some values are placeholders.
        outputs: Outputs that change, as `stack.output`.
        left_out: Why stacks were not planned, by stack.
        revisions: Which jobs run another revision than Terraform deployed.
    """

    namespace: str
    region: str
    account_id: str
    now: datetime
    stacks: tuple[str, ...]
    jobs: tuple[JobChange, ...]
    unchanged_jobs: int
    destructions: tuple[Destruction, ...]
    environment: tuple[EnvironmentChange, ...]
    permissions: tuple[PermissionChange, ...]
    resources: tuple[ResourceRow, ...]
    outputs: tuple[str, ...]
    provisional: tuple[str, ...]
    findings: Findings | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    revisions: Revisions = field(default_factory=Revisions)

    @classmethod
    def of(
        cls,
        plans: Sequence[Plan],
        now: datetime,
        zone: tzinfo,
        findings: Findings | None = None,
        left_out: LeftOut = LeftOut(),  # noqa: B008 - it cannot be changed
        revisions: Revisions = Revisions(),  # noqa: B008 - likewise
    ) -> Summary:
        """Puts the plans of one stage together."""
        jobs: list[JobChange] = []
        losses: list[Destruction] = []
        changes: list[EnvironmentChange] = []
        granted: list[PermissionChange] = []
        unchanged = 0
        of_plans = [(plan, job.parts(plan)) for plan in plans]
        followers = _followers(of_plans)
        for plan, parts in of_plans:
            by_holder = _by_holder(plan)
            own = {part.key for part in parts}
            for part in parts:
                after_it = followers.get(part.definition_name, ())
                found = job_change(part, plan, by_holder.get(part.key, []), now, zone, after_it)
                unchanged += found is None
                jobs += [found] if found else []
            granted += [change for key, many in by_holder.items() if key not in own for change in many]
            of_jobs = {resource.address for part in parts for resource in part.resources}
            moved = {resource.address for part in parts if part.moves for resource in part.resources}
            for resource in plan.resources:
                lost = destruction.destruction(resource, plan, is_moved=resource.address in moved)
                losses += [lost] if lost else []
                if resource.address not in of_jobs:
                    change = environment.change(resource, plan)
                    changes += [change] if change else []
        losses.sort(key=lambda loss: (not loss.lost, loss.kind != "job definition", loss.stack, loss.address))
        jobs.sort(key=lambda change: (_ORDER[change.action], change.stack, change.name))
        return cls(
            namespace=next((plan.namespace for plan in plans if plan.namespace), left_out.namespace),
            region=next((plan.region for plan in plans if plan.region), left_out.region),
            account_id=next((plan.account_id for plan in plans if plan.account_id), left_out.account_id),
            now=now,
            stacks=tuple(plan.stack for plan in plans),
            jobs=tuple(jobs),
            unchanged_jobs=unchanged,
            destructions=tuple(losses),
            environment=tuple(changes),
            permissions=tuple(granted),
            resources=tuple(
                ResourceRow(plan.stack, r.address, r.action, r.changed if r.action in {UPDATE, REPLACE} else ())
                for plan in plans
                for r in plan.resources
                if r.is_change
            ),
            outputs=tuple(f"{plan.stack}.{name}" for plan in plans for name in plan.outputs),
            provisional=tuple(plan.stack for plan in plans if plan.provisional),
            findings=findings,
            left_out=left_out.stacks,
            revisions=revisions,
        )

    @property
    def losses(self) -> list[Destruction]:
        """Those of `destructions` after which something is not there any more."""
        return [loss for loss in self.destructions if not loss.is_moved]

    @property
    def has_changes(self) -> bool:
        """Whether an apply would do anything."""
        return bool(self.resources or self.outputs)

    @property
    def all_permissions(self) -> list[PermissionChange]:
        """Those of jobs and those of others."""
        return [*(p for change in self.jobs for p in change.permissions), *self.permissions]

    def count(self, action: str) -> int:
        """How many jobs are `new`, `changed` or `removed`."""
        return sum(change.action == action for change in self.jobs)

    def actions(self) -> dict[str, int]:
        """How many resources are made, changed and so on, in an order that puts the harmless first."""
        counted = Counter(row.action for row in self.resources)
        return {action: counted[action] for action in (CREATE, UPDATE, REPLACE, DELETE, FORGET) if counted[action]}

    def headline(self) -> str:
        """What happens, in one line."""
        if not self.has_changes:
            number = len(self.revisions.mismatches)
            runs = f", but {how_many(number, 'job runs', 'jobs run')} another revision than was deployed"
            return f"nothing changes{runs if number else ''}"
        words = [(NEW, "is new", "are new"), (CHANGED, "changes", "change"), (REMOVED, "is removed", "are removed")]
        parts = []
        for action, one, many in words:
            number = self.count(action)
            if number:
                parts.append(how_many(number, one, many))
        if parts:
            first, _, rest = parts[0].partition(" ")
            parts[0] = f"{first} job{'' if first == '1' else 's'} {rest}"
        jobs = ", ".join(parts) or "no job changes"
        things = ", ".join(f"{number:,} to {action}" for action, number in self.actions().items())
        return f"{jobs} ({things})" if things else f"{jobs} (outputs only)"

    def as_dict(self) -> dict[str, Any]:
        """For `--format json`: plain values."""
        content = dataclasses.asdict(self)
        content["now"] = self.now.isoformat()
        return {"version": 1, "headline": self.headline(), "has_changes": self.has_changes, **content}


def _followers(of_plans: list[tuple[Plan, list[job.Parts]]]) -> dict[str, list[str]]:
    """By job definition, the jobs that ran after it before the plans."""
    found: dict[str, list[str]] = {}
    for plan, parts in of_plans:
        for part in parts:
            for earlier in part.ran_after:
                found.setdefault(earlier, []).append(plan.short(part.definition_name))
    return found


def _by_holder(plan: Plan) -> dict[str, list[PermissionChange]]:
    """The changes of permissions of a plan by the job that they belong to; others' under their own address."""
    made = frozenset(f"{r.module}|{r.type}.{r.name}" for r in plan.resources if r.action == CREATE)
    found: dict[str, list[PermissionChange]] = {}
    for resource in plan.resources:
        change = permissions.change(resource, plan, made)
        if change:
            found.setdefault(job.role_key(resource) or resource.address, []).append(change)
    return found


def summarize(paths: list[Path], checkov: Path | None, timezone: str) -> Summary:
    """Reads plans and puts them together.

    Raises:
        UsageError: a file is not what it should be, or the zone is unknown.
    """
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise UsageError(f"--timezone: '{timezone}' is not a time zone", "such as Asia/Seoul") from None
    found = [Plan.load(path) for path in find(paths)]
    scan = Findings.load(checkov) if checkov else None
    known = [left_out for path in paths if path.is_dir() and (left_out := LeftOut.load(path))]
    left_out = known[0] if known else LeftOut()
    left_out = dataclasses.replace(
        left_out, stacks={stack: why for each in known for stack, why in each.stacks.items()}
    )
    looked = [Revisions.load(path) for path in paths if path.is_dir()]
    mismatches = tuple(mismatch for each in looked for mismatch in each.mismatches)
    revisions = Revisions(mismatches, next((each.unknown for each in looked if each.unknown), ""))
    return Summary.of(found, datetime.now(UTC), zone, scan, left_out, revisions)
