"""What a plan reads: the state, and each resource that the stacks make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names

# AWS limits these to no resource.
_EVERYWHERE = (
    "batch:DescribeComputeEnvironments",
    "batch:DescribeJobDefinitions",
    "batch:DescribeJobQueues",
    "batch:DescribeSchedulingPolicies",
    "cloudwatch:DescribeAlarms",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "logs:DescribeLogGroups",
    "sts:GetCallerIdentity",
)


#: The items of the alerts' table that Terraform writes; the others are what the function remembers of failures.
#: See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
ITEMS_OF_TERRAFORM = {
    "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["late", "route"]},
    "Null": {"dynamodb:LeadingKeys": "false"},  # as all of no keys are among these
}


def read_statements(
    names: Names, *, state_bucket: Any, stage: Any, repository_names: Sequence[Any]
) -> list[Mapping[str, Any]]:
    """Statements that let a plan see what there is, and change nothing.

    Args:
        names: ARNs of what the stacks make.
        state_bucket: The bucket of the remote state.
        stage: The stage, below whose name its state is.
        repository_names: The image repositories that it may look into: lists or expressions of lists.
    """
    bucket = f"arn:{names.partition}:s3:::{state_bucket}"
    rows: Sequence[tuple[Sequence[str], Any]] = (
        (["s3:GetObject"], [f"{bucket}/{stage}/*.tfstate", f"{bucket}/{stage}/*.applied.json"]),
        (_EVERYWHERE, "*"),
        (["cloudwatch:ListTagsForResource"], names.alarms),
        (["ec2:DescribeVpcAttribute"], [names.arn("ec2", "vpc/*")]),
        (
            [
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
            ],
            names.tables,
        ),
        (
            [
                "ecr:BatchGetImage",
                "ecr:DescribeImages",
                "ecr:DescribeRepositories",
                "ecr:GetLifecyclePolicy",
                "ecr:ListTagsForResource",
            ],
            names.repositories(*repository_names),
        ),
        (["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"], names.rules),
        (
            [
                "iam:GetInstanceProfile",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
            ],
            [*names.roles, *names.instance_profiles],
        ),
        (
            [
                "lambda:GetFunction",
                "lambda:GetFunctionCodeSigningConfig",
                "lambda:GetFunctionEventInvokeConfig",
                "lambda:GetPolicy",
                "lambda:ListTags",
                "lambda:ListVersionsByFunction",
            ],
            names.functions,
        ),
        (["lambda:GetEventSourceMapping", "lambda:ListTags"], names.event_source_mappings),
        (["logs:ListTagsForResource"], names.log_groups),
        (["scheduler:GetSchedule"], names.schedules),
        (["scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"], names.schedule_groups),
        (["sqs:GetQueueAttributes", "sqs:ListQueueTags"], names.message_queues),
    )
    # Terraform asks for other workspaces whenever it starts, though we use none.
    prefixes = [f"{stage}/*", "env:/", "env:/*"]
    # Terraform's provider asks whether a table's key is DynamoDB's own.
    own_key = allow(
        ["kms:DescribeKey"],
        [names.arn("kms", "key/*")],
        condition={"StringEquals": {"kms:RequestAlias": "alias/aws/dynamodb"}},
    )
    # S3 says 404 of a state that is not there, and not 403, to those alone who may list; HeadObject has no prefix.
    listing = allow(["s3:ListBucket"], [bucket], condition={"StringLikeIfExists": {"s3:prefix": prefixes}})
    items = allow(["dynamodb:GetItem"], names.alert_tables, condition=ITEMS_OF_TERRAFORM)
    return [listing, own_key, items, *(allow(actions, resources) for actions, resources in rows)]
