"""Policies that AWS does not store."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from batchtab.local_aws.policy_grammar import Kind, MalformedError, check, size

IDENTITY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "One",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:Put*"],
            "Resource": "arn:aws:s3:::bucket/${aws:username}/*",
            "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", "b"]}, "Null": {"s3:prefix": True}},
        },
        {"Effect": "Deny", "NotAction": "iam:*", "NotResource": ["*", "arn:aws:iam::*"]},
    ],
}
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": ["ec2.amazonaws.com"], "AWS": "arn:aws:iam::123456789012:root"},
    },
}
RESOURCE: dict[str, Any] = {
    "Version": "2008-10-17",
    "Id": "my policy",
    "Statement": [
        {"Sid": "a queue's", "Effect": "Allow", "Action": "sqs:SendMessage", "Principal": "*", "Resource": "name"}
    ],
}
SYNTAX = "Syntax errors in policy."
SIDS = "Statement IDs (SID)"
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def changed(policy: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """A policy whose first statement has other elements; None takes one out."""
    made = copy.deepcopy(policy)
    statement = made["Statement"][0] if isinstance(made["Statement"], list) else made["Statement"]
    for name, value in elements.items():
        if value is None:
            statement.pop(name, None)
        else:
            statement[name] = value
    return made


def fault(policy: Any, kind: Kind = "managed") -> str | None:
    try:
        check(policy if isinstance(policy, str) else json.dumps(policy), kind)
    except MalformedError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (IDENTITY, "managed"),
        ({**IDENTITY, "Version": "2008-10-17"}, "inline"),
        ({"Statement": IDENTITY["Statement"]}, "inline"),
        (changed(IDENTITY, Action="*", Resource="*"), "managed"),
        (changed(IDENTITY, Resource="arn:aws-cn:s3:::bucket"), "managed"),
        (TRUST, "trust"),
        (
            changed(TRUST, Principal={"Federated": "accounts.google.com"}, Action="sts:AssumeRoleWithWebIdentity"),
            "trust",
        ),
        (RESOURCE, "resource"),
    ],
)
def test_policy_is_well_formed(policy: dict[str, Any], kind: Kind) -> None:
    assert fault(policy, kind) is None


@pytest.mark.parametrize("value", [None, {}, {"a": "b"}, [None], [["a"]]])
def test_condition_without_a_value_is_malformed(value: Any) -> None:
    # GIVEN a condition such as an expression without a value writes
    statement = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": value}}}
    # WHEN it is to be stored, THEN AWS refuses it, in every kind of policy
    for policy, kind in ((IDENTITY, "managed"), (IDENTITY, "inline"), (TRUST, "trust"), (RESOURCE, "resource")):
        assert fault(changed(policy, **statement), kind) == SYNTAX


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", SYNTAX),
        ("[]", SYNTAX),
        ('{"Version": "2012-10-17"}', SYNTAX),
        ({**IDENTITY, "Statements": []}, SYNTAX),
        ({**IDENTITY, "Statement": "x"}, SYNTAX),
        ({**IDENTITY, "Statement": [None]}, SYNTAX),
        ({**IDENTITY, "Statement": []}, "Could not parse the policy: Statement is empty!"),
        ({**IDENTITY, "Version": "2008-10-17"}, "Policy document must be version 2012-10-17 or greater."),
        ({**IDENTITY, "Version": "2024-01-01"}, "Policy document must be version 2012-10-17 or greater."),
        (changed(IDENTITY, Resources="*"), SYNTAX),
        (changed(IDENTITY, Effect=None), SYNTAX),
        (changed(IDENTITY, Effect="allow"), SYNTAX),
        (changed(IDENTITY, NotAction="s3:*"), SYNTAX),
        (changed(IDENTITY, NotResource="*"), SYNTAX),
        (changed(IDENTITY, Action=None), "Policy statement must contain actions."),
        (changed(IDENTITY, Action=[]), "Policy statement must contain actions."),
        (changed(IDENTITY, Action=[1]), SYNTAX),
        (changed(IDENTITY, Action="GetObject"), VENDOR),
        (changed(IDENTITY, Action="s3:Get:Object"), "Actions/Condition can contain only one colon."),
        (changed(IDENTITY, Action="s 3:Get"), "Vendor s 3 is not valid"),
        (changed(IDENTITY, Resource=None), "Policy statement must contain resources."),
        (changed(IDENTITY, Resource=[]), "Policy statement must contain resources."),
        (changed(IDENTITY, Resource=[None]), SYNTAX),
        (changed(IDENTITY, Resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
        (changed(IDENTITY, Resource="arn:aws:s3"), 'Resource arn:aws:s3 must be in ARN format or "*".'),
        (
            changed(IDENTITY, Resource="arn:azure:s3:::bucket"),
            'Partition "azure" is not valid for resource "arn:azure:s3:::bucket".',
        ),
        (changed(IDENTITY, Condition={"StringEqual": {"a:b": "c"}}), "Invalid Condition type : StringEqual."),
        (changed(IDENTITY, Condition={"NullIfExists": {"a:b": "true"}}), "Invalid Condition type : NullIfExists."),
        (changed(IDENTITY, Condition={"StringEquals": {"prefix": "c"}}), VENDOR),
        (changed(IDENTITY, Condition={"StringEquals": "c"}), SYNTAX),
        (changed(IDENTITY, Condition=[]), SYNTAX),
        (changed(IDENTITY, Principal="*"), "Policy document should not specify a principal."),
        ({**IDENTITY, "Statement": IDENTITY["Statement"][:1] * 2}, f"{SIDS} in a single policy must be unique."),
        (
            changed(IDENTITY, Sid="my-id"),
            f"{SIDS} must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
    ],
)  # fmt: skip
def test_policy_of_an_identity_is_malformed(policy: Any, message: str) -> None:
    assert fault(policy) == message


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Resource": "*"}, "Has prohibited field Resource"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Principal": {}}, "Missing required field Principal"),
        ({"Principal": "ec2.amazonaws.com"}, SYNTAX),
        ({"Principal": {"Services": "ec2.amazonaws.com"}}, SYNTAX),
        ({"Principal": {"Service": "ec2"}}, 'Invalid principal in policy: "SERVICE":"ec2"'),
        ({"Principal": {"AWS": "me"}}, 'Invalid principal in policy: "AWS":"me"'),
        ({"Principal": None, "NotPrincipal": {"AWS": "*"}}, "Allow with NotPrincipal is not allowed."),
        ({"Action": None}, "Missing required field Action"),
        ({"Effect": None}, "Missing required field Effect"),
        ({"Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({"Action": "sts:GetCallerIdentity"}, "AssumeRole policy may only specify STS AssumeRole actions."),
    ],
)
def test_trust_is_malformed(elements: dict[str, Any], message: str) -> None:
    assert fault(changed(TRUST, **elements), "trust") == message


def test_policy_of_a_resource_needs_somebody_and_something() -> None:
    assert fault(changed(RESOURCE, Principal=None), "resource") == "Missing required field Principal"
    assert fault(changed(RESOURCE, Resource=None), "resource") == "Missing required field Resource"


def test_white_space_counts_for_nothing() -> None:
    assert size('{ "a":\n\t"b c" }') == len('{"a":"bc"}')
