"""A call of a module gets another name, which is part of where its function's zip is: nothing but that path changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, LocalAws
from tests.hcl.terraform import MODULES, Terraform

CALL = """
module "{name}" {{
  source                        = "git::file://{repository}//modules/job_runs"
  namespace                     = "moved"
  job_queue_arns                = ["arn:aws:batch:{region}:123456789012:job-queue/default"]
  trigger_dead_letter_queue_arn = "{dead_letters}"
}}
"""
MOVED = """
moved {
  from = module.runs
  to   = module.submit
}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with the module."""
    folder = tmp_path / "repository"
    shutil.copytree(MODULES / "job_runs", folder / "modules" / "job_runs")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "release")):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (before[key], after[key]) for key in before.keys() & after.keys() if before[key] != after[key]}


@pytest.mark.e2e
@pytest.mark.slow
def test_a_call_that_is_renamed_uploads_the_same_code(
    repository: Path, tmp_path: Path, local_aws: LocalAws, terraform_environment: dict[str, str]
) -> None:
    # GIVEN a function that was made by a call of another name
    root = tmp_path / "root"
    root.mkdir()
    sqs = local_aws.client("sqs")
    url = sqs.create_queue(QueueName="moved-dead-letter")["QueueUrl"]
    dead_letters = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    given = {"repository": repository, "region": REGION, "dead_letters": dead_letters}
    (root / "main.tf").write_text(CALL.format(name="runs", **given), encoding="utf-8")
    terraform = Terraform(root, terraform_environment)
    terraform.init()
    terraform.do("apply", "-auto-approve", "-input=false")
    function = local_aws.client("lambda")
    before = function.get_function_configuration(FunctionName="moved-submit-run")
    # WHEN the call is renamed, with a `moved` block
    (root / "main.tf").write_text(CALL.format(name="submit", **given) + MOVED, encoding="utf-8")
    terraform.init()
    changes = [each for each in terraform.plan()["resource_changes"] if each["change"]["actions"] != ["no-op"]]
    # THEN one resource changes in place, in the path of its zip alone: the code's hash is the same
    (change,) = changes
    assert change["address"] == "module.submit.aws_lambda_function.function"
    assert change["change"]["actions"] == ["update"]
    zips = [f".terraform/modules/{name}/modules/job_runs/submit_run.zip" for name in ("runs", "submit")]
    assert differences(change["change"]["before"], change["change"]["after"]) == {"filename": tuple(zips)}
    # AND when it is applied, the same code is there and nothing is left to do
    terraform.do("apply", "-auto-approve", "-input=false")
    terraform.plan_is_empty()
    after = function.get_function_configuration(FunctionName="moved-submit-run")
    assert after["CodeSha256"] == before["CodeSha256"]
    assert after["Version"] == before["Version"] == "$LATEST"
    terraform.do("destroy", "-auto-approve", "-input=false")
