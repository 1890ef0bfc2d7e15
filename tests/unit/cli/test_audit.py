"""`batchtab ci roles --audit`: what roles used, by what local AWS recorded and IAM has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from batchtab.aws.client import Aws
from batchtab.aws.role_policies import RolePolicies
from batchtab.cli.ci import audit
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main

DEPLOY = "arn:aws:iam::000000000000:role/batchtab-local-ci-deploy"
TRIGGER = "arn:aws:iam::000000000000:role/batchtab-local-trigger"
SESSION = "arn:aws:sts::000000000000:assumed-role/batchtab-local-ci-deploy/run"
QUEUE = "arn:aws:batch:r:000000000000:job-queue/q"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What local AWS answers, and two roles."""
    denial = {"principal": SESSION, "action": "lambda:TagResource", "resource": "*", "context": {}, "why": "because"}
    found: dict[str, Any] = {
        "administrator_requests": 1,
        "used": {DEPLOY: {"batch:DescribeJobQueues": {"*": 2}, "s3:GetObject": {"arn:aws:s3:::b/k": 1}}},
        "denied": [denial, denial],
    }
    monkeypatch.setattr(Daemon, "get", lambda _self, page, *_: found.get("instead", found) if page == "iam" else None)
    allowed = {DEPLOY: ["batch:DescribeJobQueues", "events:EnableRule", "s3:Get*"], TRIGGER: ["batch:SubmitJob"]}
    monkeypatch.setattr(audit.RolePolicies, "allowed", lambda _self: allowed)
    return found


def test_each_role_is_shown_with_what_it_did_not_use_and_what_it_lacked(
    recorded: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert main(["ci", "roles", "--audit", "--stage", "local"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "batchtab-local-ci-deploy",
        "  used: 2 of 3 granted actions",
        "  granted, not used: events:EnableRule",
        "  used, denied: lambda:TagResource on * (2 times)",
        "batchtab-local-trigger",
        "  used: 0 of 1 granted actions",
        "  granted, not used: batch:SubmitJob",
    ]


def test_a_stage_on_aws_has_no_record(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    stage = next(file.stem for file in (project / "config").glob("*.yaml") if file.stem != "local")
    assert main(["ci", "roles", "--audit", "--stage", stage]) == 2
    assert f"stage {stage} is on AWS, and only local AWS records what roles use" in capsys.readouterr().err


def test_local_aws_has_to_run(recorded: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    recorded["instead"] = None
    assert main(["ci", "roles", "--audit", "--stage", "local"]) == 2
    assert "no local AWS answers on port" in capsys.readouterr().err


def test_without_an_audit_a_repository_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "roles", "--stage", "local"]) == 2
    assert "--repository" in capsys.readouterr().err


def test_actions_of_inline_and_attached_policies_are_read() -> None:
    # GIVEN a role of the stage with a policy of its own, one that is attached and one of AWS, and a role of another
    policies = RolePolicies(Aws("r", "http://127.0.0.1:9"), "batchtab-local")
    role = {"Path": "/", "RoleId": "AROA0000000000000000", "CreateDate": "2026-01-01T00:00:00Z"}
    roles = [{**role, "RoleName": arn.rpartition("/")[2], "Arn": arn} for arn in (DEPLOY, f"{DEPLOY[:31]}other-role")]
    own = "arn:aws:iam::000000000000:policy/own"
    name = {"RoleName": "batchtab-local-ci-deploy"}

    def document(*actions: str) -> str:
        denied = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
        return json.dumps({"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}, denied]})

    with Stubber(policies._iam) as iam:
        iam.add_response("list_roles", {"Roles": roles}, {})
        iam.add_response("list_role_policies", {"PolicyNames": ["p"]}, name)
        inline = {**name, "PolicyName": "p", "PolicyDocument": document("s3:GetObject", "s3:PutObject")}
        iam.add_response("get_role_policy", inline, {**name, "PolicyName": "p"})
        attached = [{"PolicyName": "x", "PolicyArn": arn} for arn in (own, "arn:aws:iam::aws:policy/ReadOnlyAccess")]
        iam.add_response("list_attached_role_policies", {"AttachedPolicies": attached}, name)
        iam.add_response("get_policy", {"Policy": {"DefaultVersionId": "v2"}}, {"PolicyArn": own})
        version = {"PolicyVersion": {"Document": document("s3:GetObject", "sqs:SendMessage")}}
        iam.add_response("get_policy_version", version, {"PolicyArn": own, "VersionId": "v2"})
        # WHEN what is allowed is read, THEN each action is there once, and nothing that is denied
        assert policies.allowed() == {DEPLOY: ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]}
