"""A job as it is before or after a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.plan_review import masking
from batchtab.plan_review import trigger as triggers
from batchtab.plan_review.container import Container
from batchtab.plan_review.containers import Containers
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.resource import CREATE, DELETE, Resource
from batchtab.plan_review.trigger import RULE, SCHEDULE, TARGET, UNKNOWN, Delivery, Policy, Trigger
from batchtab.schedules.durations import duration

DEFINITION = "aws_batch_job_definition"
# What the names of a job's resources end with, by type.
_LABELS = {
    DEFINITION: ("job_definition",),
    RULE: ("rule", "upstream"),
    TARGET: ("target", "upstream_delivery"),
    SCHEDULE: ("schedule",),
}
#: The roles that a job may have of its own.
ROLE_LABELS = ("job_role", "execution_role", "trigger_role")

__all__ = ["UNKNOWN", "Job", "Parts", "parts", "role_key"]


@dataclass(frozen=True)
class Job:
    """What Batch and EventBridge would know about a job.

    Attributes:
        containers: None where they cannot be read before the apply.
        trigger: None where nothing submits the job at its times.
        delivery: None for a job that is run manually.
        after: The jobs at whose end it starts, and on which end; empty if there are none.
        retries: The rules of its retry strategy, in words.
    """

    name: str
    trigger: Trigger | None
    delivery: Delivery | None
    after: str
    after_suspended: bool
    containers: Containers | None
    timeout_seconds: int | None
    attempts: int
    retries: tuple[str, ...]
    capacity: str

    @property
    def policy(self) -> Policy:
        """What happens to overlapping runs."""
        return self.delivery.policy if self.delivery else Policy()

    @property
    def container(self) -> Container | None:
        """The job's own."""
        return self.containers.main if self.containers else None

    @property
    def suspended(self) -> bool:
        """Whether its trigger is disabled."""
        return self.trigger.suspended if self.trigger else self.after_suspended


@dataclass(frozen=True)
class Parts:
    """The resources of one job. `key` is what their addresses begin with."""

    key: str
    definition: Resource
    rule: Resource | None = None
    target: Resource | None = None
    schedule: Resource | None = None
    upstream: Resource | None = None
    upstream_delivery: Resource | None = None

    @property
    def definition_name(self) -> str:
        """Of the job definition, as AWS knows it; empty where that is known only after the apply."""
        return str(self.definition.value("name", after=self.definition.before is None) or "")

    @property
    def ran_after(self) -> tuple[str, ...]:
        """The job definitions at whose end it starts before the plan."""
        return triggers.upstream(self.upstream, after=False)[:-1] if self.upstream else ()

    @property
    def resources(self) -> list[Resource]:
        """Those that there are."""
        all_ = (self.definition, self.rule, self.target, self.schedule, self.upstream, self.upstream_delivery)
        return [part for part in all_ if part is not None]

    @property
    def moves(self) -> bool:
        """Whether a rule goes and a schedule comes, or the other way round."""
        pairs = ((self.rule, self.schedule), (self.schedule, self.rule))
        return any(old and new and old.action == DELETE and new.action == CREATE for old, new in pairs)

    def read(self, plan: Plan, *, after: bool) -> Job | None:
        """The job on one side of the plan; None if there is none."""
        if (self.definition.after if after else self.definition.before) is None:
            return None
        return _job(self, plan, after=after)

    def manual_switch(self, plan: Plan) -> str:
        """Whether it was paused or resumed manually, and the plan undoes that; empty if not."""
        return next(filter(None, (triggers.manual_switch(part, plan) for part in self._triggers)), "")

    @property
    def _triggers(self) -> tuple[Resource | None, ...]:
        return self.rule, self.schedule, self.upstream


def parts(plan: Plan) -> list[Parts]:
    """The jobs of a stack, by address."""
    found: dict[str, dict[str, Resource]] = {}
    for resource in plan.resources:
        # The longest label first: `x_job_definition` is no `definition` of x_job.
        for label in sorted(_LABELS.get(resource.type, ()), key=len, reverse=True):
            if resource.name == label or resource.name.endswith(f"_{label}"):
                found.setdefault(f"{resource.module}|{resource.name.removesuffix(label)}", {})[label] = resource
                break
    return [
        Parts(
            key,
            its["job_definition"],
            its.get("rule"),
            its.get("target"),
            its.get("schedule"),
            its.get("upstream"),
            its.get("upstream_delivery"),
        )
        for key, its in sorted(found.items())
        if "job_definition" in its
    ]


def role_key(resource: Resource) -> str | None:
    """The job that a role or its policy belongs to, as in `Parts.key`; None for others'."""
    name = resource.name.removesuffix("_policy")
    for label in ROLE_LABELS:
        if name == label or name.endswith(f"_{label}"):
            return f"{resource.module}|{name.removesuffix(label)}"
    return None


def _job(job: Parts, plan: Plan, *, after: bool) -> Job:
    def there(part: Resource | None) -> Resource | None:
        return part if part and (part.after if after else part.before) is not None else None

    definition = job.definition
    containers = Containers.read(definition, after=after)
    strategy = definition.block("retry_strategy", after=after)
    timeout = definition.block("timeout", after=after).get("attempt_duration_seconds")
    starts = there(job.schedule) or there(job.rule)
    hands_on = there(job.schedule) or there(job.target) or there(job.upstream_delivery)
    delivery = triggers.delivery(hands_on, plan, after=after) if hands_on else None
    policy = delivery.policy if delivery else Policy()
    chain = there(job.upstream)
    capabilities = definition.value("platform_capabilities", after=after) or []
    name = plan.short(str(definition.value("name", after=after) or definition.name))
    return Job(
        name=(delivery.job_name if delivery else "") or name,
        trigger=triggers.trigger(starts, after=after, policy=policy) if starts else None,
        delivery=delivery,
        after=_after(chain, delivery, plan, after=after) if chain else "",
        after_suspended=chain is not None and chain.value("state", after=after) == "DISABLED",
        containers=containers,
        timeout_seconds=int(timeout) if timeout is not None else None,
        attempts=int(strategy.get("attempts") or 1),
        retries=tuple(map(retry_words, strategy.get("evaluate_on_exit") or [])),
        capacity="/".join(map(str, capabilities)) if isinstance(capabilities, list) else UNKNOWN,
    )


def _after(chain: Resource, delivery: Delivery | None, plan: Plan, *, after: bool) -> str:
    *names, ends = triggers.upstream(chain, after=after)
    joins = delivery is not None and delivery.waits_for_all
    within = delivery.within_seconds if delivery is not None else None
    return after_words([*map(plan.short, names)], ends, joins=joins, within_seconds=within)


def after_words(names: Sequence[str], ends: str, *, joins: bool, within_seconds: int | None) -> str:
    """The jobs after which one starts, in words.

    Args:
        names: The jobs.
        ends: Which of their ends counts.
        joins: Whether all of them have to end.
        within_seconds: How far apart those ends may be.
    """
    words = [(" and " if joins else " or ").join(names) or UNKNOWN, "all" if joins else "", ends]
    if within_seconds:
        words.append(f"within {duration(within_seconds)}")
    return masking.text(" ".join(filter(None, words)))


def retry_words(rule: Mapping[str, Any]) -> str:
    """A rule of a retry strategy in words."""
    names = {"on_exit_code": "exit code", "on_reason": "reason", "on_status_reason": "status reason"}
    conditions = [f"{word} {rule[key]}" for key, word in names.items() if rule.get(key)]
    return masking.text(f"{str(rule.get('action', '')).lower()} on {' and '.join(conditions) or 'anything'}")
