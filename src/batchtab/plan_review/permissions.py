"""What roles and resources may do, before and after: which permissions come and which go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
        """Whether it holds for every resource, every operation of a service, or everybody."""
        return not self.denies and (
            self.resource == "*" or self.action == "*" or self.action.endswith(":*") or self.who == "*"
        )

    def __str__(self) -> str:
        text = f"{'deny ' if self.denies else ''}{self.action}"
        text += f" on {self.resource}" if self.resource else ""
        text += f" to {self.who}" if self.who else ""
        return masking.text(f"{text} if {self.condition}" if self.condition else text)


@dataclass(frozen=True)
class PermissionChange:
    """What one policy gives and takes.

    Attributes:
        address: The policy's.
        holder: Whose policy it is: a role's or resource's name.
        widens: Whether somebody that exists may do more than before.
    """

    address: str
    holder: str
    added: tuple[Permission, ...]
    removed: tuple[Permission, ...]
    unreadable: bool
    widens: bool


def change(resource: Resource, plan: Plan, new_holders: frozenset[str]) -> PermissionChange | None:
    """The permissions that a resource's change gives and takes; None if it holds none.

    Args:
        resource: Any resource of a plan.
        plan: The plan.
        new_holders: What the plan makes, as `module|type.name`: what a new role may do widens nobody's rights.
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
    added, removed = tuple(sorted(after - before)), tuple(sorted(before - after))
    if not (added or removed or unreadable):
        return None
    is_new = resource.action == "create" and not resource.type.endswith(("_policy", "_permission", "_attachment"))
    is_new = is_new or any(f"{resource.module}|{name}" in new_holders for name in _references(resource))
    widens = not is_new and (unreadable or any(not p.denies for p in added) or any(p.denies for p in removed))
    return PermissionChange(resource.address, _holder(resource, plan), added, removed, unreadable, widens)


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
                    *(f"not {r}" for r in _many(statement.get("NotResource"))),
                ]
                for resource in resources or [""]:
                    for who in _principals(statement.get("Principal")) or [""]:
                        yield Permission(
                            action=f"not {action}" if key == "NotAction" else str(action),
                            resource=str(resource),
                            who=who,
                            condition=json.dumps(condition, sort_keys=True) if condition else "",
                            denies=statement.get("Effect") == "Deny",
                        )


def _guessed(template: Any) -> Iterator[Permission]:
    """The actions in a document that Terraform puts together when it applies; on what, nobody knows before."""
    if not isinstance(template, str) or "jsonencode(" not in template or '"Effect" = "Deny"' in template:
        return
    for text in re.findall(r'"?Action"? = (\[[^\]]*\]|"[^"]*")', template):
        for action in re.findall(r'"([a-z0-9-]+:[A-Za-z0-9*]+)"', text):
            yield Permission(action, UNKNOWN)


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
    return {Permission(f"all of {arn}", "")} if arn else set()


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
