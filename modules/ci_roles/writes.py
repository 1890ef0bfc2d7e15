"""What a deployment may change: what the stacks of one stage make, by name or, where AWS makes the name, by tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.policies import allow
from .names import Names

_PASSED_TO = (
    "batch.amazonaws.com",
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
)
_LINKED = ("batch.amazonaws.com", "ecs.amazonaws.com", "spot.amazonaws.com")
_INSTANCE_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"
_TAG = "batchtab:namespace"


def write_statements(names: Names, *, namespace: Any, state_bucket: Any, stage: Any) -> list[Mapping[str, Any]]:
    """Statements that let a deployment make, change and remove a stage's resources, beside `read_statements`."""
    state = f"arn:{names.partition}:s3:::{state_bucket}/{stage}"
    asked = {"StringEquals": {f"aws:RequestTag/{_TAG}": namespace}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{_TAG}": namespace}}
    environments = [names.arn("batch", "compute-environment/*")]
    definitions, queues = names.job_definitions, names.job_queues
    templates = [names.arn("ec2", "launch-template/*")]
    return [
        allow(["s3:PutObject"], [f"{state}/*.tfstate", f"{state}/*.tflock"]),
        allow(["s3:GetObject", "s3:DeleteObject"], [f"{state}/*.tflock"]),
        # Batch gives compute environments their names, so that a new one can be there before the old one goes.
        allow(["batch:CreateComputeEnvironment", "batch:TagResource"], environments, condition=asked),
        allow(
            ["batch:DeleteComputeEnvironment", "batch:UntagResource", "batch:UpdateComputeEnvironment"],
            environments,
            condition=tagged,
        ),
        # A queue is made and changed on environments too.
        allow(["batch:CreateJobQueue", "batch:UpdateJobQueue"], environments, condition=tagged),
        allow(
            [
                "batch:CreateJobQueue",
                "batch:DeleteJobQueue",
                "batch:TagResource",
                "batch:UntagResource",
                "batch:UpdateJobQueue",
            ],
            queues,
        ),
        allow(
            [
                "batch:DeregisterJobDefinition",
                "batch:RegisterJobDefinition",
                "batch:TagResource",
                "batch:UntagResource",
            ],
            definitions,
        ),
        allow(
            [
                "events:DeleteRule",
                "events:DisableRule",
                "events:EnableRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
            ],
            names.rules,
        ),
        allow(
            [
                "lambda:AddPermission",
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:DeleteFunctionEventInvokeConfig",
                "lambda:PutFunctionEventInvokeConfig",
                "lambda:RemovePermission",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
                "lambda:UpdateFunctionEventInvokeConfig",
            ],
            names.functions,
        ),
        allow(
            [
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            names.log_groups,
        ),
        allow(
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            names.alarms,
        ),
        allow(
            [
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:UpdateTable",
                "dynamodb:UpdateTimeToLive",
            ],
            names.tables,
        ),
        allow(
            ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
            names.message_queues,
        ),
        allow(["ec2:CreateLaunchTemplate"], templates, condition=asked),
        allow(
            ["ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate", "ec2:ModifyLaunchTemplate"],
            templates,
            condition=tagged,
        ),
        allow(["ec2:CreateTags", "ec2:DeleteTags"], templates, condition=tagged),
        allow(["ec2:CreateTags"], templates, condition={"StringEquals": {"ec2:CreateAction": "CreateLaunchTemplate"}}),
    ]


def image_statements(names: Names, *, repository_names: Any) -> list[Mapping[str, Any]]:
    """Statements on the stage's image repositories: making them, and pushing to them."""
    return [
        allow(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DeleteLifecyclePolicy",
                "ecr:DeleteRepository",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
                "ecr:UntagResource",
                "ecr:UploadLayerPart",
            ],
            names.repositories(repository_names),
        ),
        allow(["ecr:GetAuthorizationToken"], "*"),  # AWS limits it to no resource
    ]


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
