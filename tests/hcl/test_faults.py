"""What went wrong in set-ups of others: each small root that failed, with what Terraform must do of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, LocalAws
from tests.hcl.terraform import Terraform, copy_modules

QUEUE = f"arn:aws:batch:{REGION}:000000000000:job-queue/q"
JOB: dict[str, Any] = {
    "source": "./modules/scheduled_job",
    "namespace": "faults",
    "name": "a",
    "image": "i:1",
    "command": ["a"],
    "job_queue_arn": QUEUE,
    "schedule": "0 9 * * *",
}


@pytest.fixture(scope="module")
def place(local_aws: LocalAws) -> dict[str, Any]:
    """Where instances run."""
    ec2 = local_aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="faults", Description="jobs", VpcId=vpc)["GroupId"]
    return {"subnet_ids": [subnet], "security_group_ids": [group]}


def root(folder: Path, aws: dict[str, str], modules: dict[str, Any], region: str = REGION) -> Terraform:
    """A root that calls modules."""
    if not (folder / "modules").exists():
        copy_modules(folder)
    content = {"provider": {"aws": {"region": region}}, "module": modules}
    (folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    terraform = Terraform(folder, aws)
    terraform.init()
    return terraform


CHANGES: dict[str, Any] = {
    "volume": {"root_volume_gib": 50},
    "types": {"instance_types": ["m6i", "m7i"]},
    "tags": {"tags": {"a": "b"}},
}


@pytest.mark.slow
def test_changes_on_spot_are_made_in_place(
    tmp_path: Path, terraform_environment: dict[str, str], place: dict[str, Any]
) -> None:
    # GIVEN environments on Spot
    base = {"source": "./modules/batch_environment", "capacity": "SPOT", "instance_types": ["m6i"], **place}
    calls = {name: {**base, "namespace": f"spot-{name}"} for name in CHANGES}
    root(tmp_path, terraform_environment, calls).do("apply", "-auto-approve", "-input=false")
    # WHEN something of their instances changes
    terraform = root(tmp_path, terraform_environment, {name: call | CHANGES[name] for name, call in calls.items()})
    changes = {each["address"]: each["change"]["actions"] for each in terraform.plan()["resource_changes"]}
    # THEN each is updated, as the plan says
    for name in CHANGES:
        assert changes[f"module.{name}.aws_batch_compute_environment.compute_environment"] == ["update"]
    assert not any("delete" in actions for actions in changes.values())
    terraform.do("apply", "-input=false", "plan.bin")
    terraform.plan_is_empty()
    terraform.do("destroy", "-auto-approve", "-input=false")


@pytest.mark.slow
def test_a_queue_of_another_region_is_refused(tmp_path: Path, terraform_environment: dict[str, str]) -> None:
    # GIVEN a provider of another region than the queue's
    calls = {
        "job": JOB,
        "runs": {
            "source": "./modules/job_runs",
            "namespace": "faults",
            "job_queue_arns": [QUEUE],
            "trigger_dead_letter_queue_arn": f"arn:aws:sqs:{REGION}:000000000000:q",
        },
        "alerts": {
            "source": "./modules/job_alerts",
            "namespace": "faults",
            "job_queue_arns": [QUEUE],
            "further_trigger_dead_letter_queue_arns": [f"arn:aws:sqs:{REGION}:000000000000:q"],
        },
    }
    terraform = root(tmp_path, terraform_environment, calls, region="us-east-1")
    # WHEN it is applied
    told = [error["detail"] for error in terraform.errors("apply", "-auto-approve")]
    # THEN it is said what does not fit, and no rule has a target that it could not reach
    assert any(text.startswith(f"a: job_queue_arn: {QUEUE} is in another account or region") for text in told)
    for name, count in (("job_queue_arns", 2), ("trigger_dead_letter_queue_arn", 1)):
        assert sum(text.startswith(f"faults: {name}: arn:") for text in told) == count, told
    assert any(text.startswith("faults: further_trigger_dead_letter_queue_arns: arn:") for text in told)
    made = terraform.do("state", "list")
    assert "aws_cloudwatch_event_target" not in made
    terraform.do("destroy", "-auto-approve", "-input=false", "-refresh=false")


def test_a_fraction_of_a_whole_number_is_refused_when_terraform_plans(
    tmp_path: Path, terraform_environment: dict[str, str]
) -> None:
    # GIVEN fractions, on which the provider crashed, or which a function could not read
    place = {"subnet_ids": ["subnet-0a1b2c3d4e5f60718"], "security_group_ids": ["sg-0123456789abcdef0"]}
    sqs = f"arn:aws:sqs:{REGION}:000000000000:q"
    fractions: dict[str, dict[str, Any]] = {
        "batch_environment": {"max_vcpus": 2.5, "min_vcpus": 0.5},
        "job_alerts": {"log_lines": 2.5, "gather_seconds": 2.5, "give_up_seconds": 90.5, "repeat_seconds": 60.5},
        "job_runs": {"history_days": 2.5},
        "scheduled_job": {
            "queue_limit": 2.5,
            "starting_deadline_seconds": 90.5,
            "array_size": 2.5,
            "memory_mib": 1024.5,
            "attempts": 1.5,
            "timeout_seconds": 60.5,
        },
        "runner_repository": {"untagged_days": 1.5, "keep_tagged_images": 1.5},
    }
    given: dict[str, dict[str, Any]] = {
        "batch_environment": {"namespace": "fr", **place},
        "job_alerts": {"namespace": "fr", "job_queue_arns": [QUEUE]},
        "job_runs": {"namespace": "fr", "job_queue_arns": [QUEUE], "trigger_dead_letter_queue_arn": sqs},
        "scheduled_job": JOB,
        "runner_repository": {"name": "r"},
    }
    calls = {name: {"source": f"./modules/{name}", **given[name], **wrong} for name, wrong in fractions.items()}
    # WHEN Terraform plans
    told = [error["detail"] for error in root(tmp_path, terraform_environment, calls).errors("plan")]
    # THEN each is named, with its value
    for wrong in fractions.values():
        for name, value in wrong.items():
            assert any(text.startswith(f"{name}: {value} is not a whole number") for text in told), (name, told)
    assert len(told) == sum(map(len, fractions.values()))


@pytest.mark.parametrize("name", ["alerts-sweep", "failed-job-1", "blocked-queue-12", "run-ended-3"])
def test_a_job_with_the_name_of_a_rule_of_the_environment_is_refused(
    tmp_path: Path, terraform_environment: dict[str, str], name: str
) -> None:
    # GIVEN a job whose rule would be that of the alerts or of the runs
    terraform = root(tmp_path, terraform_environment, {"job": JOB | {"name": name}})
    # WHEN Terraform plans
    told = [error["detail"] for error in terraform.errors("plan")]
    # THEN it is refused
    assert any(text.startswith(f"name: {name} ") or text.startswith(f"name: '{name}' ") for text in told), told
