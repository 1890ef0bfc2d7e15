"""Decisions as IAM makes them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import ResourcePolicy, decide, lets_in

ACCOUNT = "123456789012"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/own/session"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/own"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"


def policy(
    action: str = "sqs:SendMessage", resource: str = QUEUE, effect: str = "Allow", **more: Any
) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


def conditioned(**condition: Any) -> dict[str, Any]:
    return policy(Condition={name.replace("__", ":"): keys for name, keys in condition.items()})


def of_queue(principal: Any, effect: str = "Allow") -> ResourcePolicy:
    return ResourcePolicy(policy(effect=effect, Principal=principal))


def check(**context: Any) -> Check:
    return Check("sqs:SendMessage", QUEUE, {key.replace("__", ":"): value for key, value in context.items()})


def test_nothing_is_allowed_by_itself() -> None:
    decision = decide(check(), [])
    assert not decision.allowed
    assert decision.why == "because no identity-based policy allows the sqs:SendMessage action"


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("sqs:SendMessage", QUEUE, True),
        ("SQS:sendmessage", QUEUE, True),
        ("sqs:Send*", "arn:aws:sqs:*:*:que?e", True),
        ("*", "*", True),
        ("sqs:SendMessage", QUEUE.upper(), False),
        ("sqs:SendMessage", f"{QUEUE}2", False),
        ("sqs:ReceiveMessage", "*", False),
    ],
)
def test_actions_match_in_any_case_and_resources_in_theirs(action: str, resource: str, allowed: bool) -> None:
    assert decide(check(), [policy(action, resource)]).allowed is allowed


def test_an_explicit_deny_wins() -> None:
    decision = decide(check(), [policy("*", "*"), policy("sqs:*", "*", "Deny")])
    assert decision.why == "with an explicit deny in an identity-based policy"


def test_not_action_and_not_resource_are_all_the_others() -> None:
    others = {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::*"}}
    assert decide(check(), [others]).allowed
    assert not decide(Check("iam:GetRole", ROLE), [others]).allowed
    assert not decide(Check("s3:GetObject", "arn:aws:s3:::b/k"), [others]).allowed


def test_a_boundary_limits_and_gives_nothing() -> None:
    assert decide(check(), [policy()], policy("sqs:*", "*")).allowed
    assert not decide(check(), [], policy("*", "*")).allowed
    assert decide(check(), [policy()], policy("s3:*", "*")).why.startswith("because no permissions boundary allows")
    assert (
        decide(check(), [policy()], policy("*", "*", "Deny")).why == "with an explicit deny in a permissions boundary"
    )


def test_policies_of_a_session_limit_it() -> None:
    assert decide(check(), [policy()], session=[policy("s3:*", "*"), policy()]).allowed
    assert decide(check(), [policy()], session=[]).why.startswith("because no session policy allows")


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"AWS": SESSION}, True),
        ({"AWS": ROLE}, True),
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ACCOUNT}, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, False),
        ({"Service": "events.amazonaws.com"}, False),
    ],
)
def test_a_queue_may_let_in_who_has_no_policy(principal: Any, allowed: bool) -> None:
    # GIVEN a role without policies, and a queue that names somebody; THEN its account's name is not its own
    assert decide(check(), [], resource=of_queue(principal), principal=SESSION).allowed is allowed


def test_a_queue_may_keep_out_who_has_a_policy() -> None:
    decision = decide(check(), [policy()], resource=of_queue({"AWS": ROLE}, "Deny"), principal=SESSION)
    assert decision.why == "with an explicit deny in a resource-based policy"


@pytest.mark.parametrize(
    ("excepted", "allowed"),
    [
        ([SESSION, ROLE, f"arn:aws:iam::{ACCOUNT}:root"], True),
        ([SESSION, ROLE, ACCOUNT], True),
        ([ROLE, f"arn:aws:iam::{ACCOUNT}:root"], False),
        ([SESSION], False),
        ([f"arn:aws:iam::{ACCOUNT}:role/other", f"arn:aws:iam::{ACCOUNT}:root"], False),
    ],
)
def test_a_queue_may_keep_out_all_but_some(excepted: list[str], allowed: bool) -> None:
    # GIVEN a role that may send, and a queue that keeps out everybody but some
    own = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*", "NotPrincipal": {"AWS": excepted}}
    # THEN it spares a session whose account, role and own ARN are excepted
    decision = decide(check(), [policy()], resource=ResourcePolicy({"Statement": own}), principal=SESSION)
    assert decision.allowed is allowed


@pytest.mark.parametrize(("excepted", "allowed"), [(ROLE, False), (f"arn:aws:iam::{ACCOUNT}:role/other", True)])
def test_a_queue_may_let_in_all_but_some(excepted: str, allowed: bool) -> None:
    own = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "NotPrincipal": {"AWS": excepted}}
    decision = decide(check(), [], resource=ResourcePolicy({"Statement": own}), principal=SESSION)
    assert decision.allowed is allowed


def test_a_role_of_another_path_is_another_role() -> None:
    # GIVEN a session whose role is known with its path, and a queue that names the role of another path
    asked = check(aws__PrincipalArn=ROLE)
    other = f"arn:aws:iam::{ACCOUNT}:role/other/own"
    # THEN the queue lets in the role, and not the other one
    assert decide(asked, [], resource=of_queue({"AWS": ROLE}), principal=SESSION).allowed
    assert not decide(asked, [], resource=of_queue({"AWS": other}), principal=SESSION).allowed


EVENTS, GITHUB = "events.amazonaws.com", f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("principal", "names", "allowed"),
    [
        (EVENTS, {"Service": EVENTS}, True),
        (EVENTS, {"Service": ["sns.amazonaws.com", "Events.amazonaws.com"]}, True),
        (EVENTS, "*", True),
        (EVENTS, {"Service": "sns.amazonaws.com"}, False),
        (EVENTS, {"AWS": EVENTS, "Federated": EVENTS}, False),
        (GITHUB, {"Federated": GITHUB}, True),
        (GITHUB, {"Federated": f"{GITHUB}/other"}, False),
        (GITHUB, {"AWS": GITHUB, "Service": GITHUB}, False),
        (GITHUB, "*", False),
    ],
)
def test_services_and_providers_are_let_in_by_their_names(principal: str, names: Any, allowed: bool) -> None:
    assert lets_in(check(), of_queue(names).document, principal).allowed is allowed


def test_a_service_is_kept_out_by_a_deny_and_by_a_condition() -> None:
    source = {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/own-*"}}
    document = policy(Principal={"Service": EVENTS}, Condition=source)
    asked = check(aws__SourceArn="arn:aws:events:r:1:rule/own-a")
    assert lets_in(asked, document, EVENTS).allowed
    assert not lets_in(check(aws__SourceArn="arn:aws:events:r:1:rule/other"), document, EVENTS).allowed
    denied = {"Statement": [*document["Statement"], *policy(effect="Deny", Principal="*")["Statement"]]}
    assert lets_in(asked, denied, EVENTS).why == "with an explicit deny in a resource-based policy"


def test_a_document_with_percent_signs_is_a_policy() -> None:
    assert decide(check(), [quote(json.dumps(policy()))]).allowed


def test_limits_hold_for_what_a_queue_gives_to_a_role_but_not_to_a_session() -> None:
    narrow = policy("s3:*", "*")
    assert not decide(check(), [], narrow, resource=of_queue({"AWS": ROLE}), principal=SESSION).allowed
    assert decide(check(), [], narrow, resource=of_queue({"AWS": SESSION}), principal=SESSION).allowed


@pytest.mark.parametrize(
    ("principal", "own", "allowed"),
    [
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, [policy("*", "*")], True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, [], False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, [policy("*", "*")], False),
        ({"AWS": ROLE}, [], True),
    ],
)
def test_a_key_has_to_allow_it_too(principal: Any, own: list[Any], allowed: bool) -> None:
    # GIVEN a policy that is required: a key's, or the trust in a role
    key = ResourcePolicy(
        {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": principal}]}, True
    )
    asked = Check("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k")
    assert decide(asked, own, resource=key, principal=SESSION).allowed is allowed


def test_trust_has_no_resource() -> None:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROLE}}]}
    asked = Check("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/other")
    assert decide(asked, [], resource=ResourcePolicy(trust, True), principal=SESSION).allowed


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"aws:RequestTag/ns": "one"}}, {"aws:RequestTag/ns": "one"}, True),
        ({"StringEquals": {"aws:requesttag/NS": ["zero", "one"]}}, {"aws:RequestTag/ns": "one"}, True),
        ({"StringEquals": {"aws:RequestTag/ns": "one"}}, {}, False),
        ({"StringEquals": {"aws:RequestTag/ns": "o*"}}, {"aws:RequestTag/ns": "one"}, False),
        ({"StringEqualsIfExists": {"aws:RequestTag/ns": "one"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:RequestTag/ns": "one"}}, {"aws:RequestTag/ns": "two"}, False),
        ({"StringNotEquals": {"aws:RequestTag/ns": ["one", "two"]}}, {}, True),
        ({"StringNotEquals": {"aws:RequestTag/ns": ["one", "two"]}}, {"aws:RequestTag/ns": "two"}, False),
        ({"StringEqualsIgnoreCase": {"k:a": "ONE"}}, {"k:a": "one"}, True),
        ({"StringLike": {"s3:prefix": ["prod/*", "env:/"]}}, {"s3:prefix": "prod/x"}, True),
        ({"StringLike": {"s3:prefix": ["prod/*"]}}, {"s3:prefix": "prod-eu/x"}, False),
        ({"StringNotLike": {"k:a": "o?e"}}, {"k:a": "one"}, False),
        ({"Null": {"k:a": "true"}}, {}, True),
        ({"Null": {"k:a": True}}, {"k:a": "x"}, False),
        ({"Null": {"k:a": "false"}}, {}, False),
        ({"Null": {"k:a": False}}, {"k:a": "x"}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "b"]}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "b"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "b"]}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, {}, False),
        ({"ArnLike": {"k:a": "arn:aws:events:*:1:rule/ns-*"}}, {"k:a": "arn:aws:events:r:1:rule/ns-x"}, True),
        ({"ArnLike": {"k:a": "arn:aws:*:rule/ns-*"}}, {"k:a": "arn:aws:events:r:1:rule/ns-x"}, False),
        ({"ArnNotEquals": {"k:a": "arn:aws:events:r:1:rule/*"}}, {"k:a": "arn:aws:events:r:1:rule/x"}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "true"}, False),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, True),
        ({"NumericGreaterThan": {"s3:max-keys": 10}}, {"s3:max-keys": "ten"}, False),
        (
            {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
            {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
            True,
        ),
        ({"DateGreaterThan": {"aws:EpochTime": "1900000000"}}, {"aws:EpochTime": "1700000000"}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"aws:SourceIp": "127.0.0.1"}, True),
        ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.1"]}}, {"aws:SourceIp": "127.0.0.1"}, False),
        ({"StringOdd": {"k:a": "x"}}, {"k:a": "x"}, False),
        ({"StringEquals": {"k:a": "x", "k:b": "y"}}, {"k:a": "x"}, False),
        ({"StringEquals": {"k:a": "${aws:PrincipalTag/team}"}}, {"k:a": "x", "aws:PrincipalTag/team": "x"}, True),
        ({"StringEquals": {"k:a": "${aws:PrincipalTag/team}"}}, {"k:a": "${aws:PrincipalTag/team}"}, False),
        ({"StringLike": {"k:a": "${aws:PrincipalTag/team, 'none'}-*"}}, {"k:a": "none-x"}, True),
        ({"StringEquals": {"k:a": "${*}"}}, {"k:a": "*"}, True),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], allowed: bool) -> None:
    asked = Check("sqs:SendMessage", QUEUE, context)
    assert decide(asked, [policy(Condition=condition)]).allowed is allowed


def test_a_variable_fills_a_resource_and_its_stars_are_letters() -> None:
    own = policy(resource=f"arn:aws:sqs:us-east-1:{ACCOUNT}:${{aws:username}}")
    assert decide(check(aws__username="queue"), [own]).allowed
    assert not decide(check(aws__username="*"), [own]).allowed
    assert not decide(check(), [own]).allowed


def test_what_was_recorded_can_be_decided_again() -> None:
    # GIVEN a check as `GET /_local/iam/checks` shows it
    shown = check(aws__RequestTag="x").shown()
    # WHEN it is decided under other policies, THEN it needs nothing else
    assert not decide(Check(**shown), [policy(effect="Deny")]).allowed
