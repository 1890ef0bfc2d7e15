"""Whether a service may act: take a role, do something with it, or be let in by what another resource's policy says.

Requests of clients are looked at elsewhere; here are the calls that services of AWS make by themselves: EventBridge and
Scheduler where they deliver and where a schedule is made, ECS and Batch where a job starts, Lambda where it reads a
queue or sends on what failed. Where `enforce_iam` is off, all is allowed.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id

from batchtab.local_aws.batch.store import Store
from batchtab.local_aws.iam import principals
from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.gate import Gate
from batchtab.local_aws.iam.record import Record
from batchtab.local_aws.iam.state import State

_gates: list[Gate] = []  # the one that decides; none where `enforce_iam` is off


def enforce(store: Store, *, is_on: bool) -> Record:
    """Have requests and services need permissions, and record what is asked; without `is_on` all is allowed."""
    record = Record()
    if is_on:
        gate = Gate(State(store), record)
        gate.install()
        _gates[:] = [gate]
    return record


def enforced() -> bool:
    """Whether requests are checked against their principals' policies."""
    return bool(_gates)


def role_refusal(role_arn: str, service: str, *source_arns: str) -> str | None:
    """Return why a service cannot take a role; None if it can.

    Args:
        role_arn: The role.
        service: Such as events.amazonaws.com.
        source_arns: What the service acts for, as far as AWS's pages agree on it: one of them has to be let in. With
            none, the service says of itself neither `aws:SourceArn` nor `aws:SourceAccount`.
    """
    if not _gates:
        return None
    if not role_arn:
        return "the target has no role"
    role = principals.role(role_arn)
    if role is None:
        return f"role {role_arn} does not exist"
    document = role.get("AssumeRolePolicyDocument")
    if _lets_in(document, service, "sts:AssumeRole", role_arn, source_arns or ("",)):
        return None
    return f"role {role_arn} does not trust {service}" + (f" for {source_arns[0]}" if source_arns else "")


def schedule_sources(schedule: dict[str, Any]) -> tuple[str, str]:
    """Return what Scheduler acts for: the schedule's group, and as some of AWS's pages have it, the schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    arn = str(schedule["Arn"])
    return f"{arn.partition(':schedule/')[0]}:schedule-group/{schedule['GroupName']}", arn


def role_allows(role_arn: str, action: str, resource: str, context: Mapping[str, Value] | None = None) -> bool:
    """Whether a role may do something with a resource; its boundary and the resource's own policy count.

    Args:
        role_arn: The role; one that does not exist may do nothing.
        action: Such as sqs:SendMessage.
        resource: The resource's ARN.
        context: More condition keys of the request.
    """
    return action_refusal(role_arn, action, resource, context) is None


def action_refusal(role_arn: str, action: str, resource: str, context: Mapping[str, Value] | None = None) -> str | None:
    """Return why a role may not do something, as `role_allows` has it; None if it may."""
    return _gates[0].role_refusal(role_arn, action, resource, context) if _gates else None


def request_refusal(role_arn: str, service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """Return why a role may not make a request that a service makes in its name; None if it may.

    Args:
        role_arn: The role.
        service: botocore's name of the service that is asked.
        operation: Such as SubmitJob.
        params: The request's parameters, as the operation's model has them.
    """
    return _gates[0].request_refusal(role_arn, service, operation, params) if _gates else None


def lets_in(policy: str | dict[str, Any] | None, service: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether a resource's policy lets a service act on it for another resource.

    Args:
        policy: The resource's policy; without one no service is let in.
        service: Such as events.amazonaws.com.
        action: Such as sqs:SendMessage.
        resource: The resource's ARN.
        source_arn: What the service acts for.
    """
    return _lets_in(policy, service, action, resource, (source_arn,))


def _lets_in(
    policy: str | dict[str, Any] | None, service: str, action: str, resource: str, sources: tuple[str, ...]
) -> bool:
    if not _gates:
        return True
    about: dict[str, Value] = {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": service}
    checks = []
    for source in sources:
        account = source.split(":")[4] if source else ""
        own: dict[str, Value] = {"aws:SourceArn": source, "aws:SourceAccount": account or get_account_id()}
        checks.append(Check(action, resource, about | (own if source else {})))
    return _gates[0].lets_in(policy or "", service, checks)
