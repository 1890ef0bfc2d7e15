"""What a deployment may change of roles and networks, where most could be gained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names

_PASSED_TO = (
    "batch.amazonaws.com",
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
    "scheduler.amazonaws.com",
)
_LINKED = ("batch.amazonaws.com", "ecs.amazonaws.com", "spot.amazonaws.com")
_INSTANCE_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"
_TAG = "batchtab:namespace"


def role_statements(names: Names, *, boundary: Any) -> list[Mapping[str, Any]]:
    """Statements on roles: those of the stage, but never the two that the workflows take.

    With a boundary, no role can be made without it, so that a deployment cannot give a job more than that.
    """
    own = [f"{arn.removesuffix('*')}ci-*" for arn in names.roles]
    instance_policy = f"arn:{names.partition}:iam::aws:policy/{_INSTANCE_POLICY}"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary is not None else None
    return [
        allow(["iam:CreateRole", "iam:PutRolePolicy"], names.roles, condition=bounded),
        allow(
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
            ],
            names.roles,
        ),
        allow(
            ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            names.roles,
            condition={"ArnEquals": {"iam:PolicyARN": instance_policy}},
        ),
        allow(["iam:PassRole"], names.roles, condition={"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}}),
        # AWS's own role for Batch, which the first compute environment of an account makes.
        allow(
            ["iam:CreateServiceLinkedRole"],
            [names.service_linked_role(service) for service in _LINKED],
            condition={"StringEquals": {"iam:AWSServiceName": list(_LINKED)}},
        ),
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
        {
            "Effect": "Deny",
            "Action": [
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PassRole",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
            ],
            "Resource": own,
        },
    ]


def network_statements(names: Names, *, namespace: Any) -> list[Mapping[str, Any]]:
    """Statements for a stage that makes its own network: by the namespace's tag."""
    kinds = ("internet-gateway", "route-table", "security-group", "subnet", "vpc")
    everything = [names.arn("ec2", f"{kind}/*") for kind in kinds]
    rules = [names.arn("ec2", "security-group-rule/*")]
    asked = {"StringEquals": {f"aws:RequestTag/{_TAG}": namespace}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{_TAG}": namespace}}
    creations = ["CreateInternetGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc"]
    return [
        allow([f"ec2:{creation}" for creation in creations], everything, condition=asked),
        # What is made in a network is also a request on that network.
        allow(
            ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"], [everything[-1]], condition=tagged
        ),
        allow(["ec2:CreateTags"], everything, condition={"StringEquals": {"ec2:CreateAction": creations}}),
        allow(
            [
                "ec2:AssociateRouteTable",
                "ec2:AttachInternetGateway",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:AuthorizeSecurityGroupIngress",
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
                "ec2:ReplaceRoute",
                "ec2:ReplaceRouteTableAssociation",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ],
            [*everything, *rules],
            condition=tagged,
        ),
    ]
