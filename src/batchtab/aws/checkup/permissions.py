"""Permissions: which IAM action each call of `batchtab doctor` needs."""

from __future__ import annotations

#: Operation to action. Every operation that the checks call is here; docs/operate-doctor.md has the same actions.
ACTIONS = {
    "BatchGetItem": "dynamodb:BatchGetItem",
    "BatchGetImage": "ecr:BatchGetImage",
    "DescribeComputeEnvironments": "batch:DescribeComputeEnvironments",
    "DescribeJobDefinitions": "batch:DescribeJobDefinitions",
    "DescribeJobQueues": "batch:DescribeJobQueues",
    "DescribeJobs": "batch:DescribeJobs",
    "DescribeParameters": "ssm:DescribeParameters",
    "DescribeRouteTables": "ec2:DescribeRouteTables",
    "DescribeSecret": "secretsmanager:DescribeSecret",
    "DescribeSubnets": "ec2:DescribeSubnets",
    "DescribeVpcEndpoints": "ec2:DescribeVpcEndpoints",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "GetBucketPolicy": "s3:GetBucketPolicy",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "GetJobQueueSnapshot": "batch:GetJobQueueSnapshot",
    "GetObject": "s3:GetObject",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "GetRole": "iam:GetRole",
    "GetServiceQuota": "servicequotas:GetServiceQuota",
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListRoles": "iam:ListRoles",
    "ListRules": "events:ListRules",
    "ListSchedules": "scheduler:ListSchedules",
}


def permission_of(operation: str) -> str:
    """The action that an operation needs; of an unknown one its name."""
    return ACTIONS.get(operation, operation)
