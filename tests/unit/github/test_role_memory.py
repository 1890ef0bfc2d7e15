"""`batchtab ci roles` keeps what it was asked for: a further run loosens nothing by leaving an option out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab.aws.client import Aws
from batchtab.cli.main import main

ARGUMENTS = ["ci", "roles", "--stage", "example", "--repository", "my-company/jobs", "--repository-id", "4", "--yes"]
OWN = "arn:aws:iam::123456789012:policy/batchtab-example-ci-boundary"
COMPANY = "arn:aws:iam::123456789012:policy/company"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


class Roles:
    """Runs the command against a bucket that keeps what a real apply would leave there."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self.states: dict[tuple[str, str], Any] = {}
        self.bucket = True

    def run(self, *options: str) -> int:
        status = main([*ARGUMENTS, *options])
        if status == 0:
            self.states["ci", "example"] = {"outputs": {"options": self._written()["output"]["options"]}}
        return status

    def inputs(self, *names: str) -> dict[str, Any]:
        found: dict[str, Any] = self._written()["module"]["ci_roles"]
        return {name: found[name] for name in names if name in found}

    def declare(self, boundary: str) -> None:
        path = self._project / "config" / "example.yaml"
        path.write_text(path.read_text() + f"\npermissions_boundary_arn: {boundary}\n")

    def _written(self) -> Any:
        return json.loads((self._project / ".batchtab" / "ci-roles" / "example" / "main.tf.json").read_text())


@pytest.fixture
def roles(project: Path, monkeypatch: pytest.MonkeyPatch) -> Roles:
    made = Roles(project)
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", "/usr/bin/nowhere:/bin")  # without gh
    monkeypatch.setattr(Aws, "account_id", lambda _: "123456789012")
    monkeypatch.setattr(Aws, "bucket_exists", lambda *_: made.bucket)
    monkeypatch.setattr(Aws, "state", lambda _aws, _bucket, *at: made.states.get(at))
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "/bin/true")
    return made


def test_what_is_not_given_again_stays_and_is_said(roles: Roles, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--make-boundary", "--boundary-action", "rekognition:DetectLabels", "--branch", "release"]
    more = ["--environment", "live", "--deploy-workflow", "ship.yml", "--oidc-provider-arn", PROVIDER]
    names = ("make_permissions_boundary", "boundary_actions", "branch", "environment", "deploy_workflow")
    # GIVEN roles that were made with options
    assert roles.run(*options, *more) == 0
    made = roles.inputs(*names, "oidc_provider_arn")
    assert made == {
        "make_permissions_boundary": True,
        "boundary_actions": ["rekognition:DetectLabels"],
        "branch": "release",
        "environment": "live",
        "deploy_workflow": "ship.yml",
        "oidc_provider_arn": PROVIDER,
    }
    assert "asked for before" not in capsys.readouterr().err
    # WHEN they are made again without THEN all of it stays, and one line says so
    assert roles.run() == 0
    assert roles.inputs(*names, "oidc_provider_arn") == made
    lines = [line for line in capsys.readouterr().err.splitlines() if "asked for before" in line]
    assert lines == [
        "ci roles: with what was asked for before: --branch release --environment live --deploy-workflow ship.yml"
        f" --oidc-provider-arn {PROVIDER} --make-boundary --boundary-action rekognition:DetectLabels"
        " (--reset forgets it)"
    ]
    # WHEN one is given THEN it is another, and the others stay
    assert roles.run("--branch", "main") == 0
    assert roles.inputs(*names, "oidc_provider_arn") == made | {"branch": "main"}
    # WHEN they are forgotten, with a word THEN what is not given is the default
    assert roles.run("--reset", "--environment", "live") == 0
    assert roles.inputs(*names) == {
        "make_permissions_boundary": False,
        "boundary_actions": [],
        "environment": "live",
    }


def test_runs_of_any_branch_deploy_only_if_that_was_said(roles: Roles) -> None:
    assert roles.run() == 0
    assert roles.inputs("deploys_from_branch") == {}
    assert roles.run("--any-branch") == 0
    assert roles.inputs("deploys_from_branch") == {"deploys_from_branch": False}
    assert roles.run("--reset") == 0
    assert roles.inputs("deploys_from_branch") == {}


def test_the_stages_file_decides_about_the_boundary_and_losing_its_line_takes_none_away(
    roles: Roles, project: Path
) -> None:
    # GIVEN roles whose boundary is made here because the stage's file names it
    plain = (project / "config" / "example.yaml").read_text()
    roles.declare(OWN)
    assert roles.run("--boundary-action", "rekognition:DetectLabels") == 0
    # WHEN the line is gone THEN it is made all the same
    (project / "config" / "example.yaml").write_text(plain)
    assert roles.run() == 0
    assert roles.inputs("make_permissions_boundary") == {"make_permissions_boundary": True}
    # WHEN the file names the company's THEN that one is taken, and what ours allowed is no matter
    roles.declare(COMPANY)
    assert roles.run() == 0
    expected = {"make_permissions_boundary": False, "permissions_boundary_arn": COMPANY}
    assert roles.inputs("make_permissions_boundary", "permissions_boundary_arn") == expected


def test_the_companys_boundary_is_not_lost_with_its_line(
    roles: Roles, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = (project / "config" / "example.yaml").read_text()
    roles.declare(COMPANY)
    assert roles.run() == 0
    # WHEN the stage's file names none any more THEN that is refused, until somebody says it
    (project / "config" / "example.yaml").write_text(plain)
    assert roles.run() == 2
    assert f"write there: permissions_boundary_arn: {COMPANY}" in capsys.readouterr().err
    assert roles.run("--reset") == 0
    assert roles.inputs("permissions_boundary_arn") == {}


def test_without_a_state_bucket_the_command_that_makes_one_is_named(
    roles: Roles, capsys: pytest.CaptureFixture[str]
) -> None:
    roles.bucket = False
    assert roles.run() == 2
    assert capsys.readouterr().err == (
        "batchtab: the state bucket my-company-terraform-state for stage example (account 123456789012, ap-northeast-2)"
        " does not exist [hint: batchtab bootstrap --stage example]\n"
    )
