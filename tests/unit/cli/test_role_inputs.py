"""What `ci roles` makes of a stage's files and its options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from batchtab.cli.ci.role_inputs import repositories, role_inputs
from batchtab.cli.ci.role_memory import Asked
from batchtab.declarations.catalog import Catalog, load
from batchtab.errors import UsageError

OWN = "arn:aws:iam::123456789012:policy/batchtab-prod-ci-boundary"
COMPANY = "arn:aws:iam::123456789012:policy/company"
STAGE = """
region: ap-northeast-2
account_id: "123456789012"
state: {bucket: my-state}
network: {create: true}
runner_image: {repository: batchtab-runner, tag: "1"}
"""
JOBS = """
service: billing
jobs:
  plain: {command: [x]}
  own:
    command: [x]
    job_role_arn: arn:aws:iam::123456789012:role/ours
    execution_role_arn: arn:aws:iam::123456789012:role/starts
"""


def catalog(root: Path, more: str = "") -> Catalog:
    root = root / "own"
    (root / "config").mkdir(parents=True)
    (root / "config" / "prod.yaml").write_text(STAGE + more)
    (root / "jobs" / "billing").mkdir(parents=True)
    (root / "jobs" / "billing" / "jobs.yaml").write_text(JOBS)
    return load("prod", root)


def state(name: str) -> dict[str, Any]:
    arn = f"arn:aws:batch:ap-northeast-2:123456789012:compute-environment/{name}"
    environment = {"type": "aws_batch_compute_environment", "instances": [{"attributes": {"arn": arn}}]}
    return {"resources": [{"type": "aws_sqs_queue", "instances": [{"attributes": {"arn": "x"}}]}, environment]}


def test_roles_that_jobs_bring_may_be_passed_and_those_that_are_named(tmp_path: Path) -> None:
    more = "arn:aws:iam::123456789012:role/next"
    inputs = role_inputs(catalog(tmp_path), Asked(passable_role_arn=(more,)), None)
    assert [arn.rpartition("/")[2] for arn in inputs["passable_role_arns"]] == ["next", "ours", "starts"]


def test_without_a_word_there_is_no_boundary(tmp_path: Path) -> None:
    inputs = role_inputs(catalog(tmp_path), Asked(), None)
    assert (inputs["make_permissions_boundary"], inputs["permissions_boundary_arn"]) == (False, None)


def test_the_stages_boundary_is_required(tmp_path: Path) -> None:
    inputs = role_inputs(catalog(tmp_path, f"permissions_boundary_arn: {COMPANY}"), Asked(), None)
    assert (inputs["make_permissions_boundary"], inputs["permissions_boundary_arn"]) == (False, COMPANY)


@pytest.mark.parametrize(("stage", "option"), [("", True), (f"permissions_boundary_arn: {OWN}", False)])
def test_a_boundary_is_made_on_request_and_stays_while_the_stage_names_it(
    tmp_path: Path, stage: str, option: bool
) -> None:
    inputs = role_inputs(
        catalog(tmp_path, stage), Asked(make_boundary=option, boundary_action=("rekognition:*",)), None
    )
    assert (inputs["make_permissions_boundary"], inputs["permissions_boundary_arn"]) == (True, None)
    assert inputs["boundary_actions"] == ["rekognition:*"]


@pytest.mark.parametrize(
    ("stage", "options", "expected"),
    [
        (
            "",
            Asked(permissions_boundary_arn=COMPANY),
            f"names no boundary.*write there: permissions_boundary_arn: {COMPANY}",
        ),
        (f"permissions_boundary_arn: {OWN}", Asked(permissions_boundary_arn=COMPANY), f"is {OWN} here and {COMPANY}"),
        (f"permissions_boundary_arn: {COMPANY}", Asked(permissions_boundary_arn=OWN), f"is {OWN} here and {COMPANY}"),
        (f"permissions_boundary_arn: {COMPANY}", Asked(make_boundary=True), f"is {OWN} here and {COMPANY}"),
        ("", Asked(boundary_action=("s3:*",)), "is for a boundary that is made here.*--make-boundary"),
        ("", Asked(boundary_action=("*",), make_boundary=True), "--boundary-action: '\\*' is not allowed"),
        ("", Asked(passable_role_arn=("admin",)), "--passable-role-arn: 'admin' is not allowed"),
    ],
)
def test_an_option_that_does_not_go_with_the_stage_is_refused(
    tmp_path: Path, stage: str, options: Asked, expected: str
) -> None:
    with pytest.raises(UsageError) as refused:
        role_inputs(catalog(tmp_path, stage), options, None)
    assert re.search(expected, str(refused.value))


@pytest.mark.parametrize(
    ("environment", "by_tag"),
    [(None, False), ({}, False), (state("batchtab-prod-20261129"), False), (state("terraform-20251129"), True)],
)
def test_an_environment_of_an_earlier_version_is_known_by_its_tag(
    tmp_path: Path, environment: dict[str, Any] | None, by_tag: bool
) -> None:
    assert role_inputs(catalog(tmp_path), Asked(), environment)["terraform_names_environments"] is by_tag


@pytest.mark.parametrize(
    ("more", "made", "pulled"),
    [
        ("", [], ["batchtab-runner"]),
        ("repositories: [batchtab-runner, a]", ["a", "batchtab-runner"], []),
        ("repositories: [a]", ["a"], ["batchtab-runner"]),
    ],
)
def test_a_repository_that_the_stage_does_not_make_is_pulled_from(
    tmp_path: Path, more: str, made: list[str], pulled: list[str]
) -> None:
    found = repositories(catalog(tmp_path, more).stage)
    assert found == {"repository_names": made, "pulled_repository_names": pulled}
