"""The role of the instances, as Batch takes it."""

from __future__ import annotations

from dataclasses import dataclass

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import IamInstanceProfile, IamRolePolicyAttachment
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.policies import service_trust
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource
from batchtab.constructs._terraform.roles import RoleSettings


@dataclass(frozen=True)
class InstanceRole:
    """The role of the instances, as Batch takes it."""

    role: ResourceRef
    attachment: ResourceRef
    profile: ResourceRef


def instance_role(scope: BatchtabConstruct, namespace: str, when: Condition, roles: RoleSettings) -> InstanceRole:
    """What an ECS container instance needs, by AWS's managed policy."""
    name = f"{namespace}-instance"
    role = roles.role(scope, "instance_role", name, service_trust("ec2.amazonaws.com"), when)
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
        scope,
        IamInstanceProfile,
        "instance_profile",
        when=when,
        name=roles.name(name),
        role=role.get("name"),
        tags=as_map(roles.tags),
        **roles.path_argument,
    )
    return InstanceRole(role, attachment, profile)


def _partition(scope: BatchtabConstruct, role: ResourceRef) -> Expression:
    """Of a module, read from the role's ARN: under `depends_on` Terraform reads data sources only when it applies.

    Then the attachment would be replaced, and the new one, which is the same in AWS, be taken away with the old.
    """
    if role.when is False or not isinstance(scope._stack, ModuleStack):
        return Account.of(scope).partition
    return Expression.of(f'split(":", {role["arn"].text})[1]')
