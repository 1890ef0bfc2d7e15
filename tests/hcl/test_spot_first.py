"""A queue that tries Spot first and shares it is the same by HCL and by Python, and stays what it is.

By YAML it is deployed in tests/e2e/test_spot_first.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.constructs.template import in_python
from tests.e2e.local_helpers import LocalAws
from tests.hcl.terraform import Terraform, copy_modules

from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy
from batchtab.constructs.compute_environment import ComputeEnvironment

SPOT: dict[str, Any] = {"name": "spot", "capacity": "SPOT", "min_vcpus": 0, "bid_percentage": 70}
POLICY: dict[str, Any] = {
    "share_decay_seconds": 3600,
    "compute_reservation": 10,
    "share_distribution": {"reports": 0.1, "adhoc*": 2},
}
SETTINGS: dict[str, Any] = {"compute_environments": ["spot", "default"], "runnable_timeout_seconds": 900}
_PROVIDER = {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}}}


def by_hcl(where: dict[str, Any]) -> dict[str, Any]:
    """Two calls of modules."""
    spot = {"source": "./modules/compute_environment", **where, **SPOT}
    environment = {
        "source": "./modules/batch_environment",
        **where,
        "min_vcpus": 0,
        "further_compute_environments": {"spot": "${module.spot.compute_environment}"},
        "queues": {"default": 5, "shared": 1},
        "queue_settings": {"shared": {**SETTINGS, "scheduling_policy": POLICY}},
    }
    return {"module": {"spot": spot, "environment": environment}, **_PROVIDER}


def by_python(where: dict[str, Any]) -> dict[str, Any]:
    """The constructs that the modules are made from."""

    def build(stack: TerraformStack) -> None:
        BatchEnvironment(
            stack,
            "Default",
            **where,
            min_vcpus=0,
            further_compute_environments={"spot": ComputeEnvironment(stack, "spot", **where, **SPOT)},
            queues={"default": 5, "shared": Queue(1, **SETTINGS, scheduling_policy=SchedulingPolicy(**POLICY))},
        )

    content = in_python(build).content
    return {key: content[key] for key in ("resource", "data")} | _PROVIDER


def queues(local: LocalAws, namespace: str) -> dict[str, Any]:
    """What a namespace's queues are, without what is another's in each deployment."""
    batch = local.client("batch")
    kinds = {
        each["computeEnvironmentArn"]: each["computeResources"]
        for each in batch.describe_compute_environments()["computeEnvironments"]
    }
    found = {}
    for queue in batch.describe_job_queues()["jobQueues"]:
        if not queue["jobQueueName"].startswith(namespace):
            continue
        order = [kinds[each["computeEnvironment"]] for each in queue["computeEnvironmentOrder"]]
        arns = [queue["schedulingPolicyArn"]] if "schedulingPolicyArn" in queue else []
        policies = batch.describe_scheduling_policies(arns=arns)["schedulingPolicies"] if arns else []
        shares = [policy["fairsharePolicy"] for policy in policies]
        for share in shares:
            share["shareDistribution"].sort(key=lambda each: each["shareIdentifier"])
        found[queue["jobQueueName"].removeprefix(f"{namespace}-")] = {
            "priority": queue["priority"],
            "state": queue["state"],
            "order": [(each["type"], each.get("bidPercentage"), each["maxvCpus"]) for each in order],
            "seconds": sorted({each["maxTimeSeconds"] for each in queue["jobStateTimeLimitActions"]}),
            "shares": shares,
        }
    return found


@pytest.mark.e2e
@pytest.mark.slow
def test_the_queue_is_the_same_by_hcl_and_by_python_and_a_second_plan_is_empty(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    made = {}
    for door, content in (("hcl", by_hcl), ("python", by_python)):
        # GIVEN a queue with Spot in front of what is on demand
        network = {name: original_environment[name] for name in ("subnets", "security_groups")}
        where = {
            "namespace": f"door-{door}",
            "subnet_ids": network["subnets"],
            "security_group_ids": network["security_groups"],
        }
        copy_modules(tmp_path / door)
        (tmp_path / door / "main.tf.json").write_text(json.dumps(content(where)), encoding="utf-8")
        terraform = Terraform(tmp_path / door, terraform_environment)
        terraform.init()
        # WHEN it is applied THEN nothing is left to do
        terraform.do("apply", "-auto-approve", "-input=false")
        terraform.plan_is_empty()
        made[door] = queues(local_aws, where["namespace"])
        # AND all of it goes
        terraform.do("destroy", "-auto-approve", "-input=false")
        assert queues(local_aws, where["namespace"]) == {}
    assert local_aws.client("batch").list_scheduling_policies()["schedulingPolicies"] == []
    assert len(local_aws.client("batch").describe_compute_environments()["computeEnvironments"]) == 1
    # AND both doors made the same
    assert made["hcl"] == made["python"]
    assert [kind for kind, *_ in made["hcl"]["shared"]["order"]] == ["SPOT", "EC2"]
    assert made["hcl"]["shared"]["seconds"] == [900]
    assert made["hcl"]["default"]["order"] == [("EC2", None, 16)]
