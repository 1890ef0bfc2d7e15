"""What a deployment may change of roles and networks, where most could be gained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.expressions import Condition, negate
from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names
from batchtab.constructs.ci_roles.tags import asks_for, has, nothing_of_others, takes_untagged

_PASSED_TO = (
    "batch.amazonaws.com",
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
    "scheduler.amazonaws.com",
)
_LINKED = ("batch.amazonaws.com", "spot.amazonaws.com")
# Actions that give a role more permissions, or others the role: with a boundary, only for roles that have it. Who may
# write any policy into a role gets no more by attaching one of AWS's or the account's, as instances and
# `managed_policy_arns` need.
_GIVES = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
_TAKES = ("iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:TagRole", "iam:UntagRole")


def role_statements(
    names: Names, *, namespace: Any, boundary: Any, is_bounded: Condition
) -> list[tuple[Condition, Mapping[str, Any]]]:
    """Statements on roles: those of the stage, but never the two that the workflows take.

    With a boundary, no role can be made or changed without it, so that a deployment cannot give a job more than that.
    Nothing takes a boundary from a role.

    Returns:
        Each with whether it applies.
    """
    with_it = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    to_services = {"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}}
    free = negate(is_bounded)
    return [
        (free, allow(_GIVES, names.roles)),
        (is_bounded, allow([*_GIVES, "iam:PutRolePermissionsBoundary"], names.roles, condition=with_it)),
        (True, allow(_TAKES, names.roles)),
        (True, allow(["iam:PassRole"], names.roles, condition=to_services)),
        # AWS's own role for Batch, which the first compute environment of an account makes.
        (
            True,
            allow(
                ["iam:CreateServiceLinkedRole"],
                [names.service_linked_role(service) for service in _LINKED],
                condition={"StringEquals": {"iam:AWSServiceName": list(_LINKED)}},
            ),
        ),
        (
            True,
            allow(
                [
                    "iam:AddRoleToInstanceProfile",
                    "iam:CreateInstanceProfile",
                    "iam:DeleteInstanceProfile",
                    "iam:RemoveRoleFromInstanceProfile",
                    "iam:TagInstanceProfile",
                    "iam:UntagInstanceProfile",
                ],
                names.instance_profiles,
            ),
        ),
        (True, {"Effect": "Deny", "Action": ["iam:*"], "Resource": names.of_workflows}),
        (True, {"Effect": "Deny", "Action": ["iam:DeleteRolePermissionsBoundary"], "Resource": "*"}),
        (True, nothing_of_others(namespace)),
    ]


def passing_statements(role_arns: Any) -> list[Mapping[str, Any]]:
    """A statement that gives roles of other makers to jobs."""
    to_tasks = {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}
    return [allow(["iam:PassRole"], role_arns, condition=to_tasks)]


def network_statements(names: Names, *, namespace: Any) -> list[Mapping[str, Any]]:
    """Statements for a stage that makes its own network: by the namespace's tag."""
    kinds = ("internet-gateway", "route-table", "security-group", "subnet", "vpc")
    everything = [names.arn("ec2", f"{kind}/*") for kind in kinds]
    rules = [names.arn("ec2", "security-group-rule/*")]
    asked, tagged = asks_for(namespace), has(namespace)
    creations = ["CreateInternetGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc"]
    return [
        allow([f"ec2:{creation}" for creation in creations], everything, condition=asked),
        # What is made in a network is also a request on that network.
        allow(
            ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"], [everything[-1]], condition=tagged
        ),
        allow(["ec2:CreateTags"], everything, condition={"StringEquals": {"ec2:CreateAction": creations}}),
        # AWS makes a VPC's default security group, without tags, and no policy can name the VPC before it is there.
        # So any group without the tag can be taken; hence no rule that lets something in can be made.
        allow(["ec2:CreateTags"], [names.arn("ec2", "security-group/*")], condition=takes_untagged(namespace)),
        allow(
            [
                "ec2:AssociateRouteTable",
                "ec2:AttachInternetGateway",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:CreateRoute",
                "ec2:CreateTags",
                "ec2:DeleteInternetGateway",
                "ec2:DeleteRoute",
                "ec2:DeleteRouteTable",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteSubnet",
                "ec2:DeleteTags",
                "ec2:DeleteVpc",
                "ec2:DetachInternetGateway",
                "ec2:DisassociateRouteTable",
                "ec2:ModifySubnetAttribute",
                "ec2:ModifyVpcAttribute",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ],
            [*everything, *rules],
            condition=tagged,
        ),
    ]
