"""What the roles of a stage may do, by IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.aws.client import Aws

_OF_AWS = ("arn:aws:iam::aws:", "arn:aws-cn:iam::aws:", "arn:aws-us-gov:iam::aws:")


@dataclass(frozen=True)
class RoleActions:
    """What a role may do.

    Attributes:
        actions: The actions, or patterns of actions, that its policies allow.
        of_aws: The ARNs of AWS's own policies that it has beside them.
    """

    actions: tuple[str, ...]
    of_aws: tuple[str, ...] = ()


class RolePolicies:
    """Reads the policies of the roles whose names begin alike."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self._iam = aws.client("iam")
        self._prefix = prefix

    def allowed(self) -> dict[str, list[str]]:
        """The actions, or patterns of actions, that policies of each role allow, by the role's ARN.

        AWS's own policies are left out: what they allow is not ours to change.
        """
        return {
            str(role["Arn"]): sorted(
                {action for each in self._documents(role["RoleName"]) for action in _allowed(each)}
            )
            for role in self._roles()
        }

    def of_role(self, name: str) -> RoleActions:
        """What one role may do: two calls, and one or two for each of its policies.

        Raises:
            ClientError: there is no such role, or IAM refuses.
        """
        attached = [
            str(each["PolicyArn"])
            for page in self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
            for each in page["AttachedPolicies"]
        ]
        actions = sorted({action for each in self._documents(name) for action in _allowed(each)})
        return RoleActions(tuple(actions), tuple(arn for arn in attached if arn.startswith(_OF_AWS)))

    def without_boundary(self, arn: str) -> list[str]:
        """The names of the roles that do not have this boundary, but for those that workflows take.

        See https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html: a list says no boundaries.
        """
        of_workflows = {f"{self._prefix}-ci-{kind}" for kind in ("plan", "deploy")}
        found = []
        for name in (role["RoleName"] for role in self._roles()):
            if name not in of_workflows:
                role = self._iam.get_role(RoleName=name)["Role"]
                if role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") != arn:
                    found.append(name)
        return sorted(found)

    def _roles(self) -> Iterator[Mapping[str, Any]]:
        for page in self._iam.get_paginator("list_roles").paginate():
            yield from (role for role in page["Roles"] if role["RoleName"].startswith(f"{self._prefix}-"))

    def _documents(self, name: str) -> Iterator[Mapping[str, Any]]:
        for page in self._iam.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                yield _document(self._iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for page in self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for attached in page["AttachedPolicies"]:
                arn = attached["PolicyArn"]
                if not arn.startswith(_OF_AWS):
                    version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                    found = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
                    yield _document(found["Document"])


def _document(found: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(found, str):
        return found
    document: Mapping[str, Any] = json.loads(found)
    return document


def _allowed(document: Mapping[str, Any]) -> Iterator[str]:
    statements = document.get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") == "Allow":
            actions = statement.get("Action") or []
            yield from actions if isinstance(actions, list) else [actions]
