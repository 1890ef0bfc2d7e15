"""HCL examples that make what they use in the same apply, on local AWS."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import LocalAws
from tests.hcl.terraform import EXAMPLE_FILES, EXAMPLES, Terraform, copy, copy_modules

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def variables(local_aws: LocalAws) -> dict[str, dict[str, Any]]:
    """The examples, and what each is given."""
    ec2 = local_aws.client("ec2")
    network = {
        "subnet_ids": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    return {
        "hcl-two-regions": {"networks": {"seoul": network, "virginia": network}},
        "hcl-fleet": {"subnet_ids": network["subnet_ids"]},
        "hcl-bring-your-own": {**network, "image_id": "ami-0123456789abcdef0"},
    }


def test_they_are_applied_at_once_and_planned_again_and_destroyed(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    variables: dict[str, dict[str, Any]],
) -> None:
    before = made(local_aws)
    copy_modules(tmp_path)

    def story(name: str) -> None:
        # GIVEN nothing of what an example uses
        folder = copy(EXAMPLES / name, tmp_path / "examples" / name, EXAMPLE_FILES)
        (folder / "terraform.tfvars.json").write_text(json.dumps(variables[name]), encoding="utf-8")
        # A provider that is kept has one configuration, and so one region.
        terraform = Terraform(folder, terraform_environment, keeps_provider=name != "hcl-two-regions")
        terraform.init()
        # WHEN all of it is applied at once THEN nothing is left to do
        terraform.do("apply", "-auto-approve", "-input=false")
        terraform.plan_is_empty()
        # AND all of it goes
        terraform.do("destroy", "-auto-approve", "-input=false")

    # Waiting for queues and environments takes the time, so that they wait together.
    with ThreadPoolExecutor() as threads:
        list(threads.map(story, variables))
    assert made(local_aws) == before
    # AND local AWS, which asks for permissions, denied nothing
    assert local_aws.denied(applies=True) == []


def made(local: LocalAws) -> dict[str, list[str]]:
    """What there is of what examples leave behind if they do."""
    batch, iam, logs = (local.client(service) for service in ("batch", "iam", "logs"))
    return {
        "queues": [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]],
        "environments": [
            each["computeEnvironmentName"] for each in batch.describe_compute_environments()["computeEnvironments"]
        ],
        "definitions": [
            each["jobDefinitionArn"] for each in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        ],
        "roles": [each["RoleName"] for each in iam.list_roles()["Roles"]],
        "log groups": [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]],
        "rules": [each["Name"] for each in local.client("events").list_rules()["Rules"]],
    }
