"""A job as it is before or after a plan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cli.plan_summary import masking
from cli.plan_summary.container import Container
from cli.plan_summary.plan import Plan
from cli.plan_summary.resource import Resource

DEFINITION, RULE, TARGET = "aws_batch_job_definition", "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"
_LABEL = {DEFINITION: "job_definition", RULE: "rule", TARGET: "target"}
#: The roles that a job may have of its own.
ROLE_LABELS = ("job_role", "execution_role", "trigger_role")
UNKNOWN = "(known after apply)"


@dataclass(frozen=True)
class Job:
    """What Batch and EventBridge would know of a job.

    Attributes:
        container: None where it cannot be read before the apply.
        schedule: None where no rule submits the job.
        queue: The queue's name in the stage; None for a job that is run by hand.
        retries: The rules of its retry strategy, in words.
    """

    name: str
    schedule: str | None
    suspended: bool
    queue: str | None
    container: Container | None
    timeout_seconds: int | None
    attempts: int
    retries: tuple[str, ...]
    array_size: int | None
    event_age_seconds: int | None
    capacity: str


@dataclass(frozen=True)
class Parts:
    """The resources of one job. `key` is what their addresses begin with."""

    key: str
    definition: Resource
    rule: Resource | None
    target: Resource | None

    @property
    def resources(self) -> list[Resource]:
        """Those that there are."""
        return [part for part in (self.definition, self.rule, self.target) if part is not None]

    def read(self, plan: Plan, *, after: bool) -> Job | None:
        """The job on one side of the plan; None if there is none."""
        if (self.definition.after if after else self.definition.before) is None:
            return None
        return _job(self, plan, after=after)


def parts(plan: Plan) -> list[Parts]:
    """The jobs of a stack, by address."""
    found = {(resource.type, _key(resource)): resource for resource in plan.resources if resource.type in _LABEL}
    return [
        Parts(key, resource, found.get((RULE, key)), found.get((TARGET, key)))
        for (type_, key), resource in sorted(found.items())
        if type_ == DEFINITION
    ]


def role_key(resource: Resource) -> str | None:
    """The job that a role or its policy belongs to, as in `Parts.key`; None for others'."""
    name = resource.name.removesuffix("_policy")
    for label in ROLE_LABELS:
        if name == label or name.endswith(f"_{label}"):
            return f"{resource.module}|{name.removesuffix(label)}"
    return None


def _key(resource: Resource) -> str:
    return f"{resource.module}|{resource.name.removesuffix(_LABEL[resource.type])}"


def _job(job: Parts, plan: Plan, *, after: bool) -> Job:
    definition = job.definition
    properties = definition.document("container_properties", after=after)
    strategy = definition.block("retry_strategy", after=after)
    timeout = definition.block("timeout", after=after).get("attempt_duration_seconds")
    rule = job.rule if job.rule and (job.rule.after if after else job.rule.before) is not None else None
    target = job.target if job.target and (job.target.after if after else job.target.before) is not None else None
    batch = target.block("batch_target", after=after) if target else {}
    delivery = target.block("retry_policy", after=after) if target else {}
    capabilities = definition.value("platform_capabilities", after=after) or []
    name = batch.get("job_name") or plan.short(str(definition.value("name", after=after) or definition.name))
    return Job(
        name=str(name),
        schedule=str(rule.value("schedule_expression", after=after)) if rule else None,
        suspended=bool(rule) and rule is not None and rule.value("state", after=after) == "DISABLED",
        queue=_queue(target, plan, after=after) if target else None,
        container=Container.read(properties) if properties is not None else None,
        timeout_seconds=int(timeout) if timeout is not None else None,
        attempts=int(strategy.get("attempts") or 1),
        retries=tuple(map(_retry, strategy.get("evaluate_on_exit") or [])),
        array_size=int(batch["array_size"]) if batch.get("array_size") else None,
        event_age_seconds=delivery.get("maximum_event_age_in_seconds"),
        capacity="/".join(map(str, capabilities)) if isinstance(capabilities, list) else UNKNOWN,
    )


def _queue(target: Resource, plan: Plan, *, after: bool) -> str:
    arn = target.value("arn", after=after)
    if not isinstance(arn, str) or not arn:
        return UNKNOWN
    if match := re.search(r"job_queue_arn_([A-Za-z0-9_-]+)", arn):  # another stack's output, not yet known
        return match[1]
    return plan.short(arn.rpartition("/")[2].rstrip("}"))


def _retry(rule: dict[str, Any]) -> str:
    names = {"on_exit_code": "exit code", "on_reason": "reason", "on_status_reason": "status reason"}
    conditions = [f"{word} {rule[key]}" for key, word in names.items() if rule.get(key)]
    return masking.text(f"{str(rule.get('action', '')).lower()} on {' and '.join(conditions) or 'anything'}")
