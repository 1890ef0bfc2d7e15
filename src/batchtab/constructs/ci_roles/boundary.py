"""The boundary that is made on request: what a role of the stage may be given at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.expressions import Expression, hcl, is_expression
from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names
from batchtab.constructs.ci_roles.tags import SERVICES, nothing_of_others

#: What our own roles need (functions, triggers, execution, instances: AWS's policy of ECS), and what jobs work with.
#: Nothing in it changes who may do what, takes another role, or changes or brings code that runs with another role;
#: hence few patterns: `athena:*` runs Python with a workgroup's role, `s3:Get*` gets a grant's credentials, `glue:Get*`
#: a connection's password.
ACTIONS = (
    "athena:*PreparedStatement",
    "athena:BatchGet*",
    "athena:GetDataCatalog",
    "athena:GetDatabase",
    "athena:GetNamedQuery",
    "athena:GetQuery*",
    "athena:GetTableMetadata",
    "athena:GetWorkGroup",
    "athena:List*",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "batch:DescribeJobs",
    "batch:ListJobs",
    "batch:TerminateJob",
    "bedrock:InvokeModel*",
    "cloudwatch:GetMetric*",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "dynamodb:*Item",
    "dynamodb:DescribeTable",
    "dynamodb:PartiQL*",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ec2:Describe*",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecs:DeregisterContainerInstance",
    "ecs:DiscoverPollEndpoint",
    "ecs:Poll",
    "ecs:StartTelemetrySession",
    "ecs:Submit*",
    "ecs:TagResource",
    "ecs:UpdateContainerInstancesState",
    "elasticfilesystem:Client*",
    "es:ESHttp*",
    "events:PutEvents",
    "firehose:PutRecord*",
    "glue:BatchGetPartition",
    "glue:GetCatalog*",
    "glue:GetColumnStatisticsFor*",
    "glue:GetDatabase*",
    "glue:GetPartition*",
    "glue:GetSchema*",
    "glue:GetTable*",
    "glue:GetTags",
    "glue:GetUserDefinedFunction*",
    "kinesis:Get*",
    "kinesis:List*",
    "kinesis:PutRecord*",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "lambda:InvokeFunction",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:Describe*",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
    "rds-data:*",
    "rds-db:connect",
    "redshift-data:*",
    "s3:AbortMultipartUpload",
    "s3:DeleteObject*",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetObject*",
    "s3:ListAllMyBuckets",
    "s3:ListBucket*",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:RestoreObject",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "ses:Send*",
    "sns:Publish",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueue*",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "ssm:GetParameter*",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "states:StartExecution",
    "xray:PutSpans*",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


# Data has its owner's tag too, where the owner gives it one. A stage may pull another one's image.
_TAGGED = sorted({*SERVICES, *(action.partition(":")[0] for action in ACTIONS)} - {"ecr"})


def boundary_statements(
    names: Names, *, namespace: Any, state_bucket: Any, more_actions: Any
) -> list[Mapping[str, Any]]:
    """Statements of the boundary. A boundary gives nothing: a role has what this and its own policies both allow.

    Args:
        names: ARNs of what the stacks make.
        namespace: The stage's; what has another one's tag is out of reach. What has no such tag is not, as most of an
            account's secrets, parameters and keys.
        state_bucket: The bucket of the remote state, which no job has any business with.
        more_actions: What else may be given.
    """
    bucket = f"arn:{names.partition}:s3:::{state_bucket}"
    actions: Any = sorted({*ACTIONS, *more_actions}) if not is_expression(more_actions) else None
    if actions is None:
        actions = Expression.of(f"sort(distinct(concat({hcl(list(ACTIONS))}, {hcl(more_actions)})))")
    return [
        {**allow([], "*"), "Action": actions},
        # Who submits another's job definition runs a command of theirs with its role, and who joins a cluster gets its
        # tasks' credentials; Batch's clusters have its name in theirs.
        allow(["batch:SubmitJob"], [*names.job_definitions, names.arn("batch", "job-queue/*")]),
        allow(["ecs:RegisterContainerInstance"], [names.arn("ecs", "cluster/*Batch*")]),
        {"Effect": "Deny", "Action": ["s3:*"], "Resource": [bucket, f"{bucket}/*"]},
        nothing_of_others(namespace, _TAGGED),
    ]
