"""`batchtab ci roles` trusts the form of subjects that GitHub says, and says what the environment leaves open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.github.fake_gh import FakeGh

from batchtab.aws.client import Aws
from batchtab.cli.main import main

FORM = "GET repos/my-company/jobs/actions/oidc/customization/sub"
ARGUMENTS = ["ci", "roles", "--stage", "example", "--repository", "my-company/jobs", "--yes"]


@pytest.fixture(autouse=True)
def stage(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a Terraform that does nothing, and whose stage has no state yet."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(Aws, "account_id", lambda _: "123456789012")
    monkeypatch.setattr(Aws, "bucket_exists", lambda *_: True)
    monkeypatch.setattr(Aws, "state", lambda *_: None)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "true")
    return project


def inputs(stage: Path) -> dict[str, Any]:
    text = (stage / ".batchtab" / "ci-roles" / "example" / "main.tf.json").read_text()
    found: dict[str, Any] = json.loads(text)["module"]["ci_roles"]
    return {name: found[name] for name in ("github_repository", "repository_id", "owner_id") if name in found}


def test_the_form_that_is_in_force_is_trusted_and_named(
    gh: FakeGh, stage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a repository of today
    gh.answer(**{FORM: {"use_default": True, "sub_claim_prefix": "repo:my-company@123456/jobs@456789"}})
    assert main(ARGUMENTS) == 0
    # THEN the module gets both numbers
    assert inputs(stage) == {"github_repository": "my-company/jobs", "repository_id": "456789", "owner_id": "123456"}
    out, error = capsys.readouterr()
    # AND it says which form that is, and how to change it
    assert "The roles trust repo:my-company@123456/jobs@456789:…" in out
    assert "-F use_immutable_subject=false" in out
    # AND that the environment does not protect anything yet
    assert "open: there is no environment example" in error
    assert "batchtab ci environment --stage example --repository my-company/jobs --reviewer NAME" in error


def test_an_older_repository_is_trusted_by_its_names_and_its_number(gh: FakeGh, stage: Path) -> None:
    gh.answer(**{FORM: {"use_default": True, "sub_claim_prefix": "repo:my-company/jobs"}})
    assert main(ARGUMENTS) == 0
    assert inputs(stage) == {"github_repository": "my-company/jobs", "repository_id": "456789"}


def test_the_numbers_may_be_given_instead(
    stage: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a machine without gh
    monkeypatch.setenv("PATH", "/usr/bin/nowhere:/bin")
    assert main(ARGUMENTS) == 2
    error = capsys.readouterr().err
    assert "GitHub cannot be asked for its subjects: gh is not installed" in error
    assert "--repository-id NUMBER" in error
    assert len(error.splitlines()) == 1
    # WHEN they are given THEN they are taken
    assert main([*ARGUMENTS, "--repository-id", "4", "--owner-id", "1"]) == 0
    assert inputs(stage) == {"github_repository": "my-company/jobs", "repository_id": "4", "owner_id": "1"}
    assert "was not looked at: gh is not installed" in capsys.readouterr().err
    # AND one alone is refused
    assert main([*ARGUMENTS, "--owner-id", "1"]) == 2
    assert "--owner-id needs --repository-id" in capsys.readouterr().err
