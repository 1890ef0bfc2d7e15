"""The mocks for tests of callers: a root with all modules passes with them, and fails with what Terraform makes up."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.hcl.provider_schemas import FIXTURE, used_types
from tests.hcl.terraform import MOCKS, ROOT, Terraform, copy_modules

OURS = (MOCKS / "aws.tfmock.hcl").read_text(encoding="utf-8")
#: Where `terraform init` puts a module's repository for a caller, below the folder of its data.
DOWNLOADED = "modules/environment"

CALLS = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

module "environment" {
  source             = "./modules/batch_environment"
  namespace          = "acme"
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

module "runs" {
  source                        = "./modules/job_runs"
  namespace                     = module.environment.namespace
  job_queue_arns                = values(module.environment.job_queue_arns)
  trigger_dead_letter_queue_arn = module.environment.trigger_dead_letter_queue_arn
}

module "alerts" {
  source                        = "./modules/job_alerts"
  namespace                     = module.environment.namespace
  job_queue_arns                = values(module.environment.job_queue_arns)
  trigger_dead_letter_queue_arn = module.environment.trigger_dead_letter_queue_arn
  tell_failed_triggers          = true
}

module "job" {
  source              = "./modules/scheduled_job"
  name                = "orders-sync"
  namespace           = module.environment.namespace
  image               = "${module.repository.repository_url}:1"
  command             = ["sync"]
  job_queue_arn       = module.environment.job_queue_arns["default"]
  schedule            = "*/10 * * * *"
  concurrency_policy  = "queue"
  submit_function_arn = module.runs.submit_function_arn
}

module "ci" {
  source            = "./modules/ci_roles"
  namespace         = module.environment.namespace
  stage             = "prod"
  state_bucket      = "acme-state"
  region            = "ap-northeast-2"
  github_repository = "acme/orders"
  repository_names  = ["orders"]
}

module "repository" {
  source = "./modules/runner_repository"
  name   = "orders"
}
"""
RUNS = """
run "planned" {
  command = plan
}

run "made" {
  assert {
    condition     = startswith(module.job.job_definition_arn, "arn:aws:batch:us-east-1:123456789012:job-definition/")
    error_message = "no job"
  }
}
"""


@pytest.fixture
def caller(tmp_path: Path) -> Terraform:
    """A root that calls modules, with their repository where Terraform would have put it."""
    copy_modules(tmp_path)
    (tmp_path / "main.tf").write_text(CALLS, encoding="utf-8")
    terraform = Terraform(tmp_path)
    terraform.init()
    shutil.copytree(MOCKS, tmp_path / ".terraform" / DOWNLOADED / "tests" / "mocks")
    return terraform


def test_each_type_that_modules_use_is_mocked() -> None:
    # GIVEN the types of which something is asked that AWS decides
    schemas = json.loads(FIXTURE.read_text(encoding="utf-8"))["5.100.0"]
    asked = {type_ for type_ in used_types() if "arn" in schemas[type_]["attributes"] or type_.startswith("data.")}
    # Their ARN is what they are given.
    asked -= {"aws_cloudwatch_event_target"}
    found = {("data." if kind == "data" else "") + type_ for kind, type_ in re.findall(r'mock_(\w+) "(\w+)"', OURS)}
    # THEN each has a value
    assert asked - found == set()
    assert len(re.findall(r"^ +arn +=", OURS, re.MULTILINE)) >= len([type_ for type_ in found if "data." not in type_])


def test_callers_are_shown_how() -> None:
    catalogue = (ROOT / "modules" / "README.md").read_text(encoding="utf-8")
    assert f'source = "./.terraform/{DOWNLOADED}/tests/mocks"' in catalogue


@pytest.mark.slow
def test_a_callers_tests_pass_with_the_mocks(caller: Terraform) -> None:
    # GIVEN a caller's test, with the mocks at their place
    mocked = f'mock_provider "aws" {{\n  source = "./.terraform/{DOWNLOADED}/tests/mocks"\n}}\n'
    (caller.folder / "all.tftest.hcl").write_text(mocked + RUNS, encoding="utf-8")
    # THEN its plan and its apply pass
    assert "Success! 2 passed, 0 failed." in caller.do("test")


@pytest.mark.slow
def test_without_them_the_modules_refuse_what_terraform_makes_up(caller: Terraform) -> None:
    (caller.folder / "all.tftest.hcl").write_text('mock_provider "aws" {}\n' + RUNS, encoding="utf-8")
    done = caller.run("test", "-no-color")
    assert done.returncode != 0
    assert "Invalid index" in done.stdout + done.stderr  # of an ARN that is none
