"""Whether a service may act: take a role, do something with it, or be let in by what another resource's policy says.

Requests of clients are looked at elsewhere; here are the calls that services of AWS make by themselves: EventBridge and
Scheduler where they deliver, ECS and Batch where a job starts, Lambda where it reads a queue or sends on what failed.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, tagging

Document = str | dict[str, Any] | None


@dataclass(frozen=True)
class Decision:
    """What was asked on behalf of a principal, and the answer.

    Attributes:
        principal: A role's ARN, or a service such as events.amazonaws.com.
        context: The request's condition keys, in lower case.
    """

    principal: str
    action: str
    resource: str
    allowed: bool
    context: dict[str, Any] = field(default_factory=dict)


# Called with every decision, so that somebody can count what each role uses.
listeners: list[Callable[[Decision], None]] = []


def enforced() -> bool:
    """Whether requests are checked against their principals' policies, as `AUTH` says to ministack."""
    return bool(importlib.import_module("ministack.app").AUTH)


def role_refusal(role_arn: str, service: str, *source_arns: str) -> str | None:
    """Return why a service cannot take a role; None if it can.

    Args:
        role_arn: The role.
        service: Such as events.amazonaws.com.
        source_arns: What the service acts for, as far as AWS's pages agree on it: one of them has to be let in. With
            none, the service says of itself neither `aws:SourceArn` nor `aws:SourceAccount`.
    """
    if not role_arn:
        return "the target has no role"
    role = _role(role_arn)
    if role is None:
        return f"role {role_arn} does not exist"
    document = role.get("AssumeRolePolicyDocument")
    if _say([_lets_in(document, service, "sts:AssumeRole", role_arn, source) for source in source_arns or ("",)]):
        return None
    return f"role {role_arn} does not trust {service}" + (f" for {source_arns[0]}" if source_arns else "")


def schedule_sources(schedule: dict[str, Any]) -> tuple[str, str]:
    """Return what Scheduler acts for: the schedule's group, and as some of AWS's pages have it, the schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    arn = str(schedule["Arn"])
    return f"{arn.partition(':schedule/')[0]}:schedule-group/{schedule['GroupName']}", arn


def role_allows(role_arn: str, action: str, *resources: str, context: dict[str, Any] | None = None) -> bool:
    """Whether a role may do something with a resource, given by all its names; its boundary and the resource count.

    Args:
        role_arn: The role; one that does not exist may do nothing.
        action: Such as sqs:SendMessage.
        resources: The ARNs of one resource: one of them has to be allowed.
        context: More condition keys of the request.
    """
    return _say([_may(role_arn, action, resource, context or {}) for resource in resources])


def lets_in(policy: Document, service: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether a resource's policy lets a service act on it for another resource.

    Args:
        policy: The resource's policy; without one no service is let in.
        service: Such as events.amazonaws.com.
        action: Such as sqs:SendMessage.
        resource: The resource's ARN.
        source_arn: What the service acts for.
    """
    return _say([_lets_in(policy, service, action, resource, source_arn)])


def _may(role_arn: str, action: str, resource: str, more: dict[str, Any]) -> Decision:
    account, name = _account(role_arn), role_arn.rsplit("/", 1)[-1]
    role = _role(role_arn)
    policies = iam_evaluator._gather_role_policies(name, account) if role else []
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account) if role else []
    context = {key.lower(): value for key, value in more.items()}
    if iam_evaluator._names_condition_key(policies, "aws:resourcetag/"):
        context |= {f"aws:resourcetag/{key}".lower(): value for key, value in _tags(resource).items()}
    asked = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        source_ip=None,
        secure_transport=True,
        service_context={"aws:tagkeys": None, **context},
        principal_keys={f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in (role or {}).get("Tags", [])},
    )
    result = iam_evaluator.evaluate(asked, policies, *limits)
    service = action.partition(":")[0]
    found = iam_evaluator._resource_policy(service, resource)
    if found is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, asked, *found, required=required, limits=limits)
    return Decision(role_arn, action, resource, result.decision == "Allow", context)


def _lets_in(document: Document, service: str, action: str, resource: str, source_arn: str) -> Decision:
    context: dict[str, Any] = {"aws:principalisawsservice": "true", "aws:principalservicename": service}
    if source_arn:
        context |= {"aws:sourcearn": source_arn, "aws:sourceaccount": _account(source_arn) or get_account_id()}
    asked = iam_evaluator.EvalContext(
        principal_arn=service,  # matches no principal of IAM but *
        principal_type=None,
        principal_account=None,
        action=action,
        resource_arn=resource,
        region=get_region(),
        source_ip=None,
        secure_transport=True,
        service_context={"aws:tagkeys": None, **context},
    )
    result = iam_evaluator.evaluate_resource_policy(_plain(document), asked, service=service)
    return Decision(service, action, resource, result.decision == "Allow", context)


def _say(decisions: list[Decision]) -> bool:
    """Make known what came of asking for one thing by several names, and return whether one of them is allowed."""
    decision = next((decision for decision in decisions if decision.allowed), decisions[0])
    for listener in listeners:
        listener(decision)
    return decision.allowed


def _role(role_arn: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = iam._roles.get_scoped(_account(role_arn), None, role_arn.rsplit("/", 1)[-1])
    return found if found is not None and found["Arn"] == role_arn else None


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _tags(resource: str) -> dict[str, str]:
    return (tagging.resource_tags(resource) or {}) if resource.startswith("arn:") else {}


def _plain(document: Document) -> Document:
    """Return a document whose percent signs are undone: IAM keeps some as they came."""
    if not isinstance(document, str) or document.lstrip().startswith("{"):
        return document
    try:
        plain: dict[str, Any] = json.loads(unquote(document))
    except ValueError:
        return None
    return plain
