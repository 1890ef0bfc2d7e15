"""What roles and resources may do, before and after: which permissions come and which go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.plan_review import masking
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.resource import Resource

_DOCUMENTS = ("policy", "assume_role_policy", "inline_policy")
_ATTACHMENTS = {
    "aws_iam_role_policy_attachment": "policy_arn",
    "aws_iam_user_policy_attachment": "policy_arn",
    "aws_iam_group_policy_attachment": "policy_arn",
}
UNKNOWN = "(known after apply)"
_NOT_IAM = {"aws_ecr_lifecycle_policy"}
_TAKE = "sts:AssumeRole"
_NOT, ALL_OF = "not ", "all of "
_WILD = re.compile(r"[*?]")
# The name, behind a kind such as `role/`; in S3 and API Gateway what comes before the slash is a name itself.
_KIND = re.compile(r"[a-z0-9-]+[/:](?=[*?]+([/:]|$))")
_NO_KINDS = frozenset({"s3", "execute-api"})
# The services that the constructs let take a role: for the stage's account; but Lambda's roles name no source.
_LAMBDA = "lambda.amazonaws.com"
_FOR_ACCOUNT = frozenset({"ecs-tasks.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"})
# What the constructs give a job on `*`, because AWS limits it to no resource: no news of a job.
_ONLY_EVERYWHERE = frozenset(
    {"batch:ListJobs", "ecr:GetAuthorizationToken", "sts:GetCallerIdentity"}
    | {f"ssmmessages:{verb}{channel}Channel" for verb in ("Create", "Open") for channel in ("Control", "Data")}
)


@dataclass(frozen=True, order=True)
class Permission:
    """One action on one resource.

    Attributes:
        who: For trust and resource policies, whom they are given to; otherwise empty.
        condition: As JSON; empty if there is none.
    """

    action: str
    resource: str
    who: str = ""
    condition: str = ""
    denies: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether it is for all resources of a kind, all operations of a service or everybody, or for all but some.

        So is what allows more than it says, as `limits` knows it for the check of the files.
        """
        if self.denies:
            return False
        if any(part.startswith(_NOT) for part in (self.action, self.resource, self.who)):
            return True
        if self.action.startswith(ALL_OF):
            return limits.is_wide_policy(self.action)
        service, _, operation = self.action.partition(":")
        if self.who == "*" or _WILD.search(service) or (operation and not _WILD.sub("", operation)):
            return True
        # A trust has no resource: what it is for is the role that has it.
        return bool(self.resource) and (
            limits.is_wide(self.action, [self.resource]) or _is_wide_resource(self.resource, self.action)
        )

    @property
    def is_notable(self) -> bool:
        """Whether it is wide and not just what AWS limits to no resource."""
        return self.is_wide and bool(self.who or self.action not in _ONLY_EVERYWHERE)

    def __str__(self) -> str:
        text = f"{'deny ' if self.denies else ''}{self.action}"
        text += f" on {self.resource}" if self.resource else ""
        text += f" to {self.who}" if self.who else ""
        return masking.text(f"{text} if {self.condition}" if self.condition else text)


def _is_wide_resource(resource: str, action: str) -> bool:
    """Whether a resource leaves its service, its account or its whole name open."""
    if not _WILD.sub("", resource):
        return True
    if not resource.startswith("arn:") or limits.only_looks(action):
        return False
    missing = [] if "${" in resource else ["*"] * 5  # IAM completes an ARN so
    _, _, service, _, account, name, *_ = [*resource.split(":", 5), *missing, *[""] * 5]
    name = name if service in _NO_KINDS else _KIND.sub("", name, count=1)
    return bool(_WILD.search(service) or _WILD.search(account) or re.match(r"[*?]+([/:]|$)", name))


@dataclass(frozen=True)
class PermissionChange:
    """What one policy gives and takes.

    Attributes:
        address: The policy's.
        holder: Whose policy it is: a role's or resource's name.
        widens: Whether an existing holder may do more than before.
    """

    address: str
    holder: str
    added: tuple[Permission, ...]
    removed: tuple[Permission, ...]
    unreadable: bool
    widens: bool


def change(resource: Resource, plan: Plan, new_holders: frozenset[str]) -> PermissionChange | None:
    """The permissions that a resource's change gives and takes; None if it has none.

    Args:
        resource: Any resource of a plan.
        plan: The plan.
        new_holders: What the plan makes, as `module|type.name`: what a new role may do widens no existing rights.
    """
    if not resource.is_change or resource.type in _NOT_IAM:
        return None
    if resource.type in _ATTACHMENTS:
        before, after, unreadable = _attached(resource, after=False), _attached(resource, after=True), False
    elif resource.type == "aws_lambda_permission":
        before, after, unreadable = _invoke(resource, after=False), _invoke(resource, after=True), False
    else:
        documents = [key for key in _DOCUMENTS if key in (resource.before or {}) | (resource.after or {})]
        documents = [key for key in documents if key not in resource.unknown or key in resource.expressions]
        hidden = resource.unknown & resource.expressions.keys()
        documents += [key for key in _DOCUMENTS if key in hidden and key not in documents]
        if not documents:
            return None
        before = {p for key in documents for p in _permissions(resource.document(key, after=False))}
        after, unreadable = set[Permission](), False
        for key in documents:
            document = resource.document(key, after=True)
            found = set(_permissions(document)) if document else set(_guessed(resource.value(key, after=True)))
            unreadable |= resource.after is not None and _is_set(resource, key) and not found
            after |= found
    if resource.type == "aws_iam_role" and (resource.before is None or resource.after is None):
        before, after = ({p for p in side if not _is_usual_trust(p, plan.account_id)} for side in (before, after))
    added, removed = tuple(sorted(after - before)), tuple(sorted(before - after))
    if not (added or removed or unreadable):
        return None
    is_new = resource.action == "create" and not resource.type.endswith(("_policy", "_permission", "_attachment"))
    is_new = is_new or any(f"{resource.module}|{name}" in new_holders for name in _references(resource))
    widens = not is_new and (unreadable or any(not p.denies for p in added) or any(p.denies for p in removed))
    return PermissionChange(resource.address, _holder(resource, plan), added, removed, unreadable, widens)


def _is_usual_trust(permission: Permission, account_id: str) -> bool:
    """Whether the constructs write it so: a service of AWS may take the role, for this account."""
    if permission.action != _TAKE or permission.denies:
        return False
    if permission.who == _LAMBDA:
        return not permission.condition
    condition = Resource.read_document(permission.condition)
    is_own = bool(account_id) and condition.get("StringEquals") == {"aws:SourceAccount": account_id}
    return permission.who in _FOR_ACCOUNT and is_own and condition.keys() <= {"StringEquals", "ArnLike"}


def _is_set(resource: Resource, key: str) -> bool:
    return key in resource.unknown or bool((resource.after or {}).get(key))


def _references(resource: Resource) -> set[str]:
    found: set[str] = set()
    for key in ("role", "queue_url", "function_name", "repository", "bucket"):
        found.update(resource.expressions.get(key, {}).get("references", []))
    return found


def _permissions(policy: dict[str, Any] | None) -> Iterator[Permission]:
    for statement in _many((policy or {}).get("Statement")):
        if not isinstance(statement, dict):
            continue
        condition = statement.get("Condition")
        for key in ("Action", "NotAction"):
            for action in _many(statement.get(key)):
                resources = [
                    *_many(statement.get("Resource")),
                    *(f"{_NOT}{r}" for r in _many(statement.get("NotResource"))),
                ]
                people = [
                    *_principals(statement.get("Principal")),
                    *(f"{_NOT}{who}" for who in _principals(statement.get("NotPrincipal"))),
                ]
                for resource in resources or [""]:
                    for who in people or [""]:
                        yield Permission(
                            action=f"{_NOT}{action}" if key == "NotAction" else str(action),
                            resource=str(resource),
                            who=who,
                            condition=json.dumps(condition, sort_keys=True) if condition else "",
                            denies=statement.get("Effect") == "Deny",
                        )


def _guessed(template: Any) -> Iterator[Permission]:
    """The actions in a document that Terraform puts together when it applies; the resources are not known before."""
    if not isinstance(template, str) or "jsonencode(" not in template or '"Effect" = "Deny"' in template:
        return
    resource = f"{_NOT}{UNKNOWN}" if "NotResource" in template else UNKNOWN
    for negation, text in re.findall(r'"?(Not)?Action"? = (\[[^\]]*\]|"[^"]*")', template):
        for action in re.findall(r'"(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)"', text):
            yield Permission(f"{_NOT}{action}" if negation else action, resource)


def _principals(principal: Any) -> list[str]:
    if isinstance(principal, dict):
        return sorted(str(one) for names in principal.values() for one in _many(names))
    return [str(principal)] if principal else []


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _attached(resource: Resource, *, after: bool) -> set[Permission]:
    arn = resource.value(_ATTACHMENTS[resource.type], after=after)
    return {Permission(f"{ALL_OF}{arn}", "")} if arn else set()


def _invoke(resource: Resource, *, after: bool) -> set[Permission]:
    if (resource.after if after else resource.before) is None:
        return set()
    source = resource.value("source_arn", after=after)
    condition = json.dumps({"ArnLike": {"aws:SourceArn": source}}) if source else ""
    who = str(resource.value("principal", after=after) or "")
    return {Permission(str(resource.value("action", after=after)), "", who, condition)}


def _holder(resource: Resource, plan: Plan) -> str:
    for key in ("role", "function_name", "name"):
        for after in (True, False):
            value = resource.value(key, after=after)
            if (
                isinstance(value, str)
                and "${" in value
                and (match := re.fullmatch(r"\$\{aws_\w+\.(\w+)\.\w+\}", value))
            ):
                return match[1]
            if isinstance(value, str) and value and "${" not in value:
                return plan.short(value.rpartition(":")[2])
    return resource.name
