"""Modules with `depends_on`, while what they depend on changes: nothing of theirs changes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, LocalAws
from tests.hcl.terraform import MODULES, Terraform, copy_modules

from batchtab.constructs._terraform import export

NAMESPACE = "dep"
JOBS = {"namespace": "${module.environment.namespace}", "image": "i:1", "command": ["a"]}
QUEUES = "${values(module.environment.job_queue_arns)}"
DEAD_LETTERS = "${module.environment.trigger_dead_letter_queue_arn}"


def root(subnet_id: str, group_id: str) -> dict[str, Any]:
    """A root that calls every module, each after a resource that is changed later."""
    place = {"subnet_ids": [subnet_id], "security_group_ids": [group_id]}
    calls: dict[str, dict[str, Any]] = {
        "environment": {"source": "batch_environment", "namespace": NAMESPACE, **place},
        "spot": {
            "source": "compute_environment",
            "namespace": NAMESPACE,
            "name": "spot",
            "capacity": "SPOT",
            **place,
        },
        "runs": {
            "source": "job_runs",
            "namespace": "${module.environment.namespace}",
            "job_queue_arns": QUEUES,
            "trigger_dead_letter_queue_arn": DEAD_LETTERS,
        },
        "alerts": {
            "source": "job_alerts",
            "namespace": "${module.environment.namespace}",
            "job_queue_arns": QUEUES,
            "quiet": True,
            "tell_failed_triggers": True,
            "trigger_dead_letter_queue_arn": DEAD_LETTERS,
        },
        "job": {
            "source": "scheduled_job",
            "name": "a",
            "job_queue_arn": '${module.environment.job_queue_arns["default"]}',
            "schedule": "0 9 * * *",
            "concurrency_policy": "forbid",
            "submit_function_arn": "${module.runs.submit_function_arn}",
            "secrets": {"TOKEN": f"arn:aws:ssm:{REGION}:000000000000:parameter/token"},
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
            **JOBS,
        },
        "ci": {
            "source": "ci_roles",
            "namespace": NAMESPACE,
            "stage": "prod",
            "github_repository": "a/b",
            "state_bucket": "bucket",
            "region": REGION,
            "repository_names": ["r"],
            "make_permissions_boundary": True,
        },
        "repository": {"source": "runner_repository", "name": "dep-runner"},
    }
    for call in calls.values():
        call["source"] = f"./modules/{call['source']}"
        call["depends_on"] = ["terraform_data.approval"]
    return {
        "variable": {"approval": {"type": "string"}},
        "resource": {"terraform_data": {"approval": {"input": "${var.approval}"}}},
        "provider": {"aws": {"region": REGION}},
        "module": calls,
    }


def test_each_module_is_called() -> None:
    called = {call["source"].rpartition("/")[2] for call in root("", "")["module"].values()}
    assert called == {name for name in export.names() if (MODULES / name / "main.tf.json").exists()} - {"batchtab"}


@pytest.mark.slow
def test_nothing_of_a_module_changes_with_what_it_depends_on(
    tmp_path: Path, local_aws: LocalAws, terraform_environment: dict[str, str]
) -> None:
    # GIVEN all modules, deployed
    copy_modules(tmp_path)
    ec2 = local_aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="dep", Description="jobs", VpcId=vpc)["GroupId"]
    (tmp_path / "main.tf.json").write_text(json.dumps(root(subnet, group)))
    terraform = Terraform(tmp_path, {**terraform_environment, "TF_VAR_approval": "1"})
    terraform.init()
    terraform.do("apply", "-auto-approve", "-input=false")
    terraform.plan_is_empty()
    # WHEN what they depend on changes
    later = Terraform(tmp_path, {**terraform_environment, "TF_VAR_approval": "2"})
    changes = {
        change["address"]: change["change"]["actions"]
        for change in later.plan()["resource_changes"]
        if change["change"]["actions"] != ["no-op"]
    }
    # THEN nothing else does, in the plan
    assert changes == {"terraform_data.approval": ["update"]}
    # AND in AWS
    later.do("apply", "-input=false", "plan.bin")
    iam = local_aws.client("iam")
    for role in ("dep-instance", "dep-spot-instance"):
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert [policy["PolicyName"] for policy in attached] == ["AmazonEC2ContainerServiceforEC2Role"]
    for role in ("dep-trigger", "dep-submit-run", "dep-job-alerts", "dep-a-job", "dep-a-execution"):
        assert iam.list_role_policies(RoleName=role)["PolicyNames"], role
    permissions = local_aws.client("lambda").get_policy(FunctionName="dep-submit-run")["Policy"]
    assert "rule/dep-*" in permissions
    later.plan_is_empty()
    later.do("destroy", "-auto-approve", "-input=false")
