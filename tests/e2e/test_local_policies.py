"""Policies that local AWS does not store, as AWS does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import ACCOUNT, REGION, LocalAws, policy, trust, unique

pytestmark = pytest.mark.e2e

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
WITHOUT_VALUE = {**STATEMENT, "Condition": {"StringEquals": {"iam:PermissionsBoundary": None}}}
SYNTAX = ("MalformedPolicyDocument", "Syntax errors in policy.")


def error(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def a_role(local: LocalAws) -> str:
    name = unique("role")
    local.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2"))
    return name


def test_null_in_a_condition_is_refused_wherever_a_policy_is_stored(local: LocalAws) -> None:
    # GIVEN a role, a policy and a policy with a condition that has no value
    iam, role, malformed = local.client("iam"), a_role(local), policy(WITHOUT_VALUE)
    stored = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=policy(STATEMENT))["Policy"]["Arn"]
    trusted = json.loads(trust("ec2", StringEquals={"aws:SourceAccount": None}))
    # WHEN it is to be stored, THEN IAM refuses it
    assert error(iam.create_policy, PolicyName="x", PolicyDocument=malformed) == SYNTAX
    assert error(iam.create_policy_version, PolicyArn=stored, PolicyDocument=malformed) == SYNTAX
    assert error(iam.put_role_policy, RoleName=role, PolicyName="x", PolicyDocument=malformed) == SYNTAX
    assert error(iam.create_role, RoleName="x", AssumeRolePolicyDocument=json.dumps(trusted)) == SYNTAX
    assert error(iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(trusted)) == SYNTAX
    # AND nothing of it is there
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    assert "x" not in [each["RoleName"] for each in iam.list_roles()["Roles"]]


def test_malformed_policies_of_resources_are_refused_with_each_services_code(local: LocalAws) -> None:
    # GIVEN a queue, a bucket, a key and a topic
    sqs, s3, kms, sns = (local.client(name) for name in ("sqs", "s3", "kms", "sns"))
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    bucket = unique("policies")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    malformed = policy({**STATEMENT, "Principal": "*", "Condition": {"StringEquals": {"aws:SourceArn": None}}})
    nobody = policy(STATEMENT)
    # WHEN they get such policies, THEN each service refuses them in its way
    for document in (malformed, nobody):
        assert error(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": document}) == (
            "InvalidAttributeValue",
            "Invalid value for the parameter Policy.",
        )
        assert error(s3.put_bucket_policy, Bucket=bucket, Policy=document)[0] == "MalformedPolicy"
        assert error(kms.put_key_policy, KeyId=key, PolicyName="default", Policy=document)[0] == (
            "MalformedPolicyDocumentException"
        )
        assert error(sns.set_topic_attributes, TopicArn=topic, AttributeName="Policy", AttributeValue=document)[0] == (
            "InvalidParameter"
        )


def test_trust_for_somebody_who_is_not_there_is_refused(local: LocalAws) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    document = json.loads(trust("ec2"))
    document["Statement"][0]["Principal"] = {"AWS": arn}
    message = error(local.client("iam").create_role, RoleName="x", AssumeRolePolicyDocument=json.dumps(document))
    assert message == ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"')


def test_policies_over_a_quota_are_refused(local: LocalAws) -> None:
    # GIVEN policies that are as long as they may be, and a little longer
    iam, role = local.client("iam"), a_role(local)

    def of_size(characters: int) -> str:
        document = {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Sid": ""}]}
        short = len(json.dumps(document).replace(" ", ""))
        document["Statement"][0]["Sid"] = "x" * (characters - short)  # type: ignore[index]
        return json.dumps(document)

    # WHEN they are stored, THEN white space does not count, and the longer ones are refused
    iam.create_policy(PolicyName=unique("policy"), PolicyDocument=of_size(6144))
    assert error(iam.create_policy, PolicyName="x", PolicyDocument=of_size(6145)) == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )
    iam.put_role_policy(RoleName=role, PolicyName="one", PolicyDocument=of_size(10_000))
    iam.put_role_policy(RoleName=role, PolicyName="one", PolicyDocument=of_size(10_240))
    assert error(iam.put_role_policy, RoleName=role, PolicyName="two", PolicyDocument=of_size(300)) == (
        "LimitExceeded",
        f"Maximum policy size of 10240 bytes exceeded for role {role}",
    )
    long = trust("ec2", StringLike={"aws:SourceArn": [f"arn:aws:ec2:*:*:instance/{n:050}" for n in range(40)]})
    assert error(iam.create_role, RoleName="x", AssumeRolePolicyDocument=long) == (
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )


def test_eleventh_managed_policy_of_a_role_is_refused(local: LocalAws) -> None:
    # GIVEN a role with ten policies
    iam, role = local.client("iam"), a_role(local)
    made = [
        iam.create_policy(PolicyName=unique("policy"), PolicyDocument=policy(STATEMENT))["Policy"]["Arn"]
        for _ in range(11)
    ]
    for arn in made[:10]:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    # WHEN it is to get another, THEN that is refused, as is one that is not there
    assert error(iam.attach_role_policy, RoleName=role, PolicyArn=made[10]) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerRole: 10",
    )
    iam.attach_role_policy(RoleName=role, PolicyArn=made[0])
    assert error(iam.attach_role_policy, RoleName=a_role(local), PolicyArn=f"{made[0]}-none")[0] == "NoSuchEntity"
