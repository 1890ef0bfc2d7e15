"""Whether a role, or a queue's policy, lets EventBridge and Scheduler do what they are asked to.

Only deliveries are held to this: requests of clients are not. Of conditions, `aws:SourceArn` and `aws:SourceAccount` of
trust and queue policies are looked at, which stand against confused deputies.
"""

from __future__ import annotations

import fnmatch
import json
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

Statement = dict[str, Any]


def role_refusal(role_arn: str, service: str, *source_arns: str) -> str | None:
    """Return why a service cannot take a role for a rule or schedule; None if it can.

    Args:
        role_arn: The role.
        service: Such as events.amazonaws.com.
        source_arns: What the service acts for, as far as AWS's pages agree on it: one of them has to be let in.
    """
    if not role_arn:
        return "the target has no role"
    role = iam._roles.get(_name(role_arn))
    if role is None:
        return f"role {role_arn} does not exist"
    document = role.get("AssumeRolePolicyDocument")
    if not any(_lets_in(document, "sts:AssumeRole", service, source_arn) for source_arn in source_arns):
        return f"role {role_arn} does not trust {service} for {source_arns[0]}"
    return None


def schedule_sources(schedule: dict[str, Any]) -> tuple[str, str]:
    """Return what Scheduler acts for: the schedule's group, and as some of AWS's pages have it, the schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    arn = str(schedule["Arn"])
    return f"{arn.partition(':schedule/')[0]}:schedule-group/{schedule['GroupName']}", arn


def role_allows(role_arn: str, action: str, *resources: str) -> bool:
    """Whether a role's policies allow an action on one of the resources."""
    policies = iam_evaluator._gather_role_policies(_name(role_arn), get_account_id())
    return any(
        iam_evaluator.evaluate(
            iam_evaluator.EvalContext(
                principal_arn=role_arn,
                principal_type="AssumedRole",
                principal_account=get_account_id(),
                action=action,
                resource_arn=resource,
                region=get_region(),
                source_ip="127.0.0.1",
                secure_transport=True,
            ),
            policies,
        ).decision
        == "Allow"
        for resource in resources
    )


def queue_lets_in(queue: dict[str, Any], source_arn: str) -> bool:
    """Whether an SQS queue's policy lets EventBridge send messages for a rule."""
    policy = (queue.get("attributes") or {}).get("Policy")
    return _lets_in(policy, "sqs:SendMessage", "events.amazonaws.com", source_arn)


def _name(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


def _lets_in(document: str | dict[str, Any] | None, action: str, service: str, source_arn: str) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and _has(statement.get("Action"), action)
        and _names(statement.get("Principal"), service)
        and _conditions_hold(statement.get("Condition") or {}, source_arn)
        for statement in _statements(document)
    )


def _statements(document: str | dict[str, Any] | None) -> list[Statement]:
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        try:
            document = json.loads(text)
        except ValueError:
            return []
    found = (document or {}).get("Statement") or [] if isinstance(document, dict) else []
    return found if isinstance(found, list) else [found]


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value is not None else []


def _has(patterns: Any, value: str) -> bool:
    return any(fnmatch.fnmatchcase(value.lower(), pattern.lower()) for pattern in _list(patterns))


def _names(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and (service in _list(principal.get("Service")) or principal.get("AWS") == "*")


def _conditions_hold(conditions: dict[str, Any], source_arn: str) -> bool:
    actual = {"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn}
    for operator, wanted in conditions.items():
        for key, patterns in wanted.items():
            value = actual.get(key.lower())
            if value is None:
                continue
            exact = operator in ("StringEquals",)
            if not (value in _list(patterns) if exact else _has(patterns, value)):
                return False
    return True
