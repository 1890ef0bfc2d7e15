from __future__ import annotations

import pytest

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import Decision, ResourcePolicy
from batchtab.local_aws.iam.record import Record

SESSION = "arn:aws:sts::123456789012:assumed-role/own/session"
ROLE = "arn:aws:iam::123456789012:role/own"
GET = Check("s3:GetObject", "arn:aws:s3:::b/k", {"aws:SourceIp": "127.0.0.1"})
PUT = Check("s3:PutObject", "arn:aws:s3:::b/k")
DENIED = Decision(False, "because no identity-based policy allows the s3:PutObject action")


def test_a_role_used_what_its_sessions_did() -> None:
    # GIVEN two sessions that read, and one that may not write
    record = Record()
    for session in (SESSION, SESSION, f"{SESSION}-2"):
        record.add(session, GET, None, Decision(True))
    record.add(SESSION, PUT, None, DENIED)
    shown = record.shown()
    # THEN the role has used what was allowed, and the denial says by whom, what, on what and why
    assert shown["used"] == {ROLE: {"s3:GetObject": {"arn:aws:s3:::b/k": 3}}}
    assert shown["denied"] == [{"principal": SESSION, **PUT.shown(), "why": DENIED.why}]


def test_checks_are_shown_in_full_and_once() -> None:
    record = Record()
    policy = ResourcePolicy('{"Statement": []}', required=True)
    record.add(SESSION, GET, policy, Decision(True))
    record.add(f"{SESSION}-2", GET, policy, Decision(True))
    assert record.checks() == [
        {
            "principal": ROLE,
            **GET.shown(),
            "allowed": True,
            "resource_policy": {"document": policy.document, "required": True},
            "times": 2,
        }
    ]


def test_the_administrator_is_only_counted() -> None:
    record = Record()
    record.administrator()
    assert record.shown() == {"administrator_requests": 1, "denied": [], "used": {}}
    record.clear()
    assert record.shown()["administrator_requests"] == 0


def test_beyond_what_is_kept_every_action_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a record that keeps two checks
    monkeypatch.setattr("batchtab.local_aws.iam.record._MOST_CHECKS", 2)
    record = Record()
    # WHEN a role reads three objects, one of them again, and then writes
    for key in ("k", "l", "m", "k"):
        record.add(SESSION, Check("s3:GetObject", key), None, Decision(True))
    assert "full" in record.shown()
    record.add(SESSION, PUT, None, Decision(True))
    # THEN it has used both actions, though the last checks are not kept
    used = {"s3:GetObject": {"k": 2, "l": 1, "*": 1}, "s3:PutObject": {"*": 1}}
    assert record.shown() == {"administrator_requests": 0, "denied": [], "used": {ROLE: used}, "full": True}
    assert [each["resource"] for each in record.checks()] == ["k", "l"]


def test_what_a_service_is_refused_every_moment_is_one_denial() -> None:
    record = Record()
    for _ in range(2):
        record.refuse("ec2.amazonaws.com", "sts:AssumeRole", "because it is not trusted", ROLE, once=True)
    (denial,) = record.shown()["denied"]
    assert (denial["principal"], denial["resource"]) == ("ec2.amazonaws.com", ROLE)


def test_requests_without_an_action_are_denials() -> None:
    record = Record()
    record.refuse("anonymous", "autoscaling", "local AWS does not know")
    assert record.shown()["denied"][0]["why"] == "local AWS does not know"
