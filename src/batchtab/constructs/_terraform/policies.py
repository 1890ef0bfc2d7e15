"""IAM policy documents: trust for a service, and statements that allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Condition, Expression, choose, hcl, is_expression


def trust(service: str, account: Account, *, source_arn: str | list[str] | None = None) -> str:
    """A role's trust policy for one AWS service, limited to requests made for this account.

    Args:
        service: The service's principal, such as `events.amazonaws.com`.
        account: Where the stack is deployed.
        source_arn: Which resource may cause the service to take the role; it may contain `*`.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return policy([trusts(service, account, source_arn=source_arn)])


def trusts(service: str, account: Account, *, source_arn: str | list[str] | None = None) -> dict[str, Any]:
    """The statement of such a policy, for a role that several services take."""
    condition: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account.id}}
    if source_arn is not None:
        condition["ArnLike"] = {"aws:SourceArn": source_arn}
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        "Condition": condition,
    }


def schedule_group_arns(account: Account, name: Any) -> list[str]:
    """What EventBridge Scheduler may be asked to act for: a group's schedules, in both forms that AWS's pages give.

    See https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    return [account.arn("scheduler", part) for part in (f"schedule-group/{name}", f"schedule/{name}/*")]


def service_trust(service: str) -> str:
    """A role's trust policy for a service that names no source: EC2 and Lambda."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return document({"Version": "2012-10-17", "Statement": [statement]})


def allow(
    actions: Sequence[str], resources: Any, *, condition: Mapping[str, Any] | None = None, sid: str | None = None
) -> dict[str, Any]:
    """A statement that allows some actions on some resources."""
    return {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": resources if isinstance(resources, str) else list(resources),
        "Condition": condition,
        "Sid": sid,
    }


def grants(rows: Sequence[tuple[Sequence[str], Any]]) -> Any:
    """Statements that allow actions on lists of resources; one whose list is empty is left out.

    Where only Terraform knows a list, all of it is one expression.
    """
    if any(is_expression(resources) for _, resources in rows):
        text = ", ".join(f'{{ Action = {hcl(a)}, Effect = "Allow", Resource = {hcl(r)} }}' for a, r in rows)
        return Expression.of(f"[for grant in [{text}] : grant if length(grant.Resource) > 0]")
    return [allow(actions, resources) for actions, resources in rows if resources]


def statements_where(rows: Sequence[tuple[Condition, Mapping[str, Any]]]) -> Any:
    """A list of the statements that apply, each with its condition."""
    applying = [(when, {key: part for key, part in item.items() if part is not None}) for when, item in rows if when]
    if all(when is True for when, _ in applying):
        return [item for _, item in applying]
    lists = (hcl([item]) if when is True else hcl(choose(when, [item], [])) for when, item in applying)
    return Expression.of(f"concat({', '.join(lists)})")


def policy(statements: Any) -> str:
    """A policy document of these statements, a list or an expression of one."""
    return document({"Version": "2012-10-17", "Statement": statements})
