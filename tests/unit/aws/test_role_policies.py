"""Which roles of a stage lack its boundary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber

from batchtab.aws.client import Aws
from batchtab.aws.role_policies import RolePolicies
from batchtab.cli.ci import role_inputs
from batchtab.terraform.session import Session

OWN = "arn:aws:iam::000000000000:policy/batchtab-local-ci-boundary"
COMPANY = "arn:aws:iam::000000000000:policy/company"
AWS = Aws("ap-northeast-2", "http://127.0.0.1:1")


def role(name: str, boundary: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"Path": "/", "RoleName": name, "RoleId": "A" * 16, "CreateDate": 0}
    made["Arn"] = f"arn:aws:iam::000000000000:role/{name}"
    if boundary:
        kind = "PermissionsBoundaryPolicy"
        made["PermissionsBoundary"] = {"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": boundary}
    return made


def test_roles_without_the_boundary_are_found_by_asking_for_each() -> None:
    # GIVEN roles of before the boundary, with another one, with it, of workflows, and of somebody else
    policies = RolePolicies(AWS, "batchtab-local")
    names = ("batchtab-local-ci-deploy", "batchtab-local-with", "batchtab-local-other", "batchtab-local-free", "x")
    boundaries = {"batchtab-local-with": OWN, "batchtab-local-other": COMPANY}
    with Stubber(policies._iam) as iam:
        iam.add_response("list_roles", {"Roles": [role(name) for name in names]}, {})
        for name in names[1:4]:
            iam.add_response("get_role", {"Role": role(name, boundaries.get(name))}, {"RoleName": name})
        # THEN those of the stage that lack it are named
        assert policies.without_boundary(OWN) == ["batchtab-local-free", "batchtab-local-other"]
        iam.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("inputs", "asked"),
    [
        ({"make_permissions_boundary": True, "permissions_boundary_arn": None}, OWN),
        ({"make_permissions_boundary": False, "permissions_boundary_arn": COMPANY}, COMPANY),
    ],
)
def test_they_are_said_with_what_to_do(
    inputs: dict[str, Any], asked: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    del project
    monkeypatch.setattr(role_inputs.RolePolicies, "without_boundary", lambda _self, arn: [f"without-{arn}"])
    role_inputs.say_unbounded(Session.open("local"), AWS, inputs)
    said = capsys.readouterr().err
    assert f"open: roles have another boundary than {asked}, or none, and jobs can get them: without-{asked}" in said
    assert "deploy stage local" in said


def test_nothing_is_said_without_a_boundary_or_where_all_have_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    del project
    monkeypatch.setattr(role_inputs.RolePolicies, "without_boundary", lambda _self, _arn: [])
    for inputs in (
        {"make_permissions_boundary": False, "permissions_boundary_arn": None},
        {"make_permissions_boundary": True, "permissions_boundary_arn": None},
    ):
        role_inputs.say_unbounded(Session.open("local"), AWS, inputs)
    assert capsys.readouterr().err == ""


def test_who_may_not_look_is_sent(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    del project

    def refuse(_self: Any, _arn: str) -> list[str]:
        raise NoCredentialsError

    monkeypatch.setattr(role_inputs.RolePolicies, "without_boundary", refuse)
    role_inputs.say_unbounded(
        Session.open("local"), AWS, {"make_permissions_boundary": True, "permissions_boundary_arn": None}
    )
    assert "open: the roles of batchtab-local were not looked at for their boundary" in capsys.readouterr().err
