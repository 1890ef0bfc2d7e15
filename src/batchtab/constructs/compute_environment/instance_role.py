"""The role of the instances, as Batch takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import IamInstanceProfile, IamRole, IamRolePolicyAttachment
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.policies import service_trust
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource


@dataclass(frozen=True)
class InstanceRole:
    """The role of the instances, as Batch takes it."""

    role: ResourceRef
    attachment: ResourceRef
    profile: ResourceRef


def instance_role(
    scope: BatchtabConstruct, namespace: str, when: Condition, boundary: str | None, tags: Any
) -> InstanceRole:
    """What an ECS container instance needs, by AWS's managed policy."""
    name = shorten(f"{namespace}-instance", limits.ROLE_NAME_MAX)
    role = create_resource(
        scope,
        IamRole,
        "instance_role",
        when=when,
        name=name,
        assume_role_policy=service_trust("ec2.amazonaws.com"),
        permissions_boundary=boundary,
        tags=as_map(tags),
    )
    partition = _partition(scope, role)
    attachment = create_resource(
        scope,
        IamRolePolicyAttachment,
        "instance_role_policy",
        when=when,
        role=role.get("name"),
        policy_arn=f"arn:{partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    )
    profile = create_resource(
        scope, IamInstanceProfile, "instance_profile", when=when, name=name, role=role.get("name"), tags=as_map(tags)
    )
    return InstanceRole(role, attachment, profile)


def _partition(scope: BatchtabConstruct, role: ResourceRef) -> Expression:
    """Of a module, read from the role's ARN: under `depends_on` Terraform reads data sources only when it applies.

    Then the attachment would be replaced, and the new one, which is the same in AWS, be taken away with the old.
    """
    if role.when is False or not isinstance(scope._stack, ModuleStack):
        return Account.of(scope).partition
    return Expression.of(f'split(":", {role["arn"].text})[1]')
