"""What changes in an environment beside its jobs: capacity, queues, alerts, images, logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchtab.plan_review import masking
from batchtab.plan_review.destruction import kind
from batchtab.plan_review.permissions import UNKNOWN
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.resource import UPDATE, Resource

_ORDER = "compute_environment_order"
_CODE = ("source_code_hash", "user_data")
_NO_OTHER_POLICY = "AWS refuses that for a queue that exists: give it another name"
# What of a resource a reviewer should see: its words, and where it is. Dots lead into blocks.
_DETAILS: dict[str, tuple[tuple[str, str], ...]] = {
    "aws_batch_compute_environment": (
        ("capacity", "compute_resources.type"),
        ("instance types", "compute_resources.instance_type"),
        ("at least vCPUs", "compute_resources.min_vcpus"),
        ("at most vCPUs", "compute_resources.max_vcpus"),
        ("subnets", "compute_resources.subnets"),
        ("security groups", "compute_resources.security_group_ids"),
        ("allocation", "compute_resources.allocation_strategy"),
        ("highest price (%)", "compute_resources.bid_percentage"),
        ("system", "compute_resources.ec2_configuration.image_type"),
        ("image", "compute_resources.ec2_configuration.image_id_override"),
        ("state", "state"),
    ),
    "aws_batch_job_queue": (
        ("name", "name"),
        ("priority", "priority"),
        ("tries", _ORDER),
        ("state", "state"),
        ("cancels a stuck job after (s)", "job_state_time_limit_action.max_time_seconds"),
    ),
    "aws_batch_scheduling_policy": (
        ("looks back (s)", "fair_share_policy.share_decay_seconds"),
        ("keeps free (%)", "fair_share_policy.compute_reservation"),
        ("shares and their weights", "fair_share_policy.share_distribution"),
    ),
    "aws_cloudwatch_log_group": (("keeps logs for (days)", "retention_in_days"),),
    "aws_cloudwatch_event_rule": (("state", "state"), ("schedule", "schedule_expression"), ("events", "event_pattern")),
    "aws_cloudwatch_metric_alarm": (("notifies", "alarm_actions"), ("threshold", "threshold")),
    "aws_lambda_function": (
        ("code", "source_code_hash"),
        ("runtime", "runtime"),
        ("timeout (s)", "timeout"),
        ("memory (MiB)", "memory_size"),
        ("calls", "environment.variables.SLACK_FUNCTION_NAME"),
        ("channel", "environment.variables.SLACK_CHANNEL"),
        ("posts as", "environment.variables.SLACK_USERNAME"),
    ),
    "aws_sqs_queue": (("keeps messages for (s)", "message_retention_seconds"),),
    "aws_ecr_repository": (("tags", "image_tag_mutability"), ("can be destroyed with its images", "force_delete")),
    "aws_launch_template": (
        ("image", "image_id"),
        ("root volume", "block_device_mappings"),
        ("runs at start", "user_data"),
    ),
    "aws_security_group": (("ingress", "ingress"), ("egress", "egress")),
    "aws_vpc": (("addresses", "cidr_block"),),
}
_ALERTS = ("failed_job", "failed-job", "job-alerts", "job_alerts", "slack", "dead_letter", "dead-letter")
_LONGEST = 90


@dataclass(frozen=True)
class Detail:
    """One setting, before and after; empty where there is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class EnvironmentChange:
    """What changes in one thing."""

    stack: str
    address: str
    kind: str
    name: str
    action: str
    is_alert: bool
    details: tuple[Detail, ...]


def change(resource: Resource, plan: Plan) -> EnvironmentChange | None:
    """A resource's change in words; None if it is none, or one that only the list of resources shows."""
    if not resource.is_change or resource.type not in _DETAILS:
        return None
    details = []
    for name, path in () if resource.after is None else _DETAILS[resource.type]:
        before, after = _value(resource, path, after=False), _value(resource, path, after=True)
        if before == after or (path == "name" and resource.before is None):
            continue
        if path in _CODE:  # says nothing, but that it is another
            before, after = ("another", "new") if before and after else ("", "")
        if path == "priority" and before and after:
            after = "; ".join([after, *_overtaken(resource, plan)])
        if before or after:
            details.append(Detail(name, before, after))
    if resource.type == "aws_batch_job_queue" and resource.action == UPDATE:
        details += _policy(resource)
    name = _name(resource, plan)
    where = f"{resource.address} {name}".lower()
    return EnvironmentChange(
        stack=plan.stack,
        address=resource.address,
        kind=kind(resource.type),
        name=name,
        action=resource.action,
        is_alert=any(word in where for word in _ALERTS),
        details=tuple(details),
    )


def _policy(resource: Resource) -> list[Detail]:
    """A queue that gets a scheduling policy, or loses its one."""
    policy = "scheduling_policy_arn"
    had = bool(resource.value(policy, after=False))
    has = policy in resource.unknown or bool(resource.value(policy, after=True))
    return [] if had == has else [Detail("scheduling policy", "one" if had else "none", _NO_OTHER_POLICY)]


def _overtaken(queue: Resource, plan: Plan) -> Iterator[str]:
    """The queues of the same compute environments that another priority puts before or behind this one."""
    for other in plan.resources:
        if other.type != queue.type or other.address == queue.address or not _arns(queue) & _arns(other):
            continue
        was, now = (_above(queue, other, after=after) for after in (False, True))
        if was is None or now is None or was == now:
            continue
        which = f"{_name(other, plan)} ({other.value('priority', after=True)})"
        yield (f"{which} now comes before it", f"{which} now is its equal", f"now comes before {which}")[now + 1]


def _above(queue: Resource, other: Resource, *, after: bool) -> int | None:
    """1 where Batch looks at the queue first, -1 where at the other, 0 for none; None where one has no priority."""
    mine, others = (each.value("priority", after=after) for each in (queue, other))
    if not isinstance(mine, int | float) or not isinstance(others, int | float):
        return None
    return (mine > others) - (mine < others)


def _arns(queue: Resource) -> set[str]:
    """The compute environments that a queue has before or after the plan, as far as they have an ARN."""
    places = [place for after in (False, True) for place in queue.value(_ORDER, after=after) or []]
    return {
        place["compute_environment"] for place in places if isinstance(place, dict) and "compute_environment" in place
    }


def _order(resource: Resource, *, after: bool) -> str:
    """The environments that a queue tries, by their names; one that is yet to be made has none."""
    places = resource.value(_ORDER, after=after) or []
    if not isinstance(places, list) or (resource.before is None and len(places) == 1):
        return ""  # the common case of a new queue is no news
    arns = [place.get("compute_environment") for place in sorted(places, key=lambda place: place.get("order") or 0)]
    return " → ".join(masking.text(str(arn).rpartition("/")[2]) if arn else "a new one" for arn in arns)


def _name(resource: Resource, plan: Plan) -> str:
    for key in ("name", "function_name", "alarm_name", "cidr_block"):
        for after in (True, False):
            value = resource.value(key, after=after)
            if isinstance(value, str) and value and "${" not in value:
                return masking.text(plan.short(value))
    return resource.name


def _value(resource: Resource, path: str, *, after: bool) -> str:
    if path == _ORDER:
        return _order(resource, after=after)
    head, *rest = path.split(".")
    value = resource.value(head, after=after)
    for key in rest:
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(key) if isinstance(value, dict) else None
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = ", ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    text = UNKNOWN if text.startswith("${") else masking.text(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
