"""A queue that tries Spot first and has on demand behind it, in a stage that had neither; and back again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PREFIX = "batchtab-local"
ENVIRONMENTS = {
    "spot": {
        "capacity": "SPOT",
        "instance_types": ["default_x86_64"],
        "min_vcpus": 0,
        "max_vcpus": 4,
        "bid_percentage": 70,
        "image_type": "ECS_AL2023",
        "job_execution_timeout_minutes": 10,
        "user_data": 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=="\n\necho ${HOME}\n--==--\n',
    }
}
QUEUES = {
    "default": 5,
    "continuously": {"priority": 3, "compute_environments": ["spot", "default"]},
    "shared": {
        "priority": 1,
        "compute_environments": ["spot", "default"],
        "runnable_timeout_seconds": 900,
        "scheduling_policy": {
            "share_decay_seconds": 3600,
            "compute_reservation": 10,
            "share_distribution": {"reports": 0.1, "adhoc*": 2},
        },
    },
}


@pytest.fixture(scope="module")
def checkout(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with deployed.restored(tmp_path_factory.mktemp("spot"), applies=True) as checkout:
        yield checkout


def change(checkout: Checkout, **keys: Any) -> None:
    """Changes keys of the stage's file, and of its environment; None takes one away."""
    path = checkout.root / "config" / "local.yaml"
    content = yaml.safe_load(path.read_text())
    content["environment"] |= {"queues": keys.pop("queues")}
    content |= keys
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))


def up(checkout: Checkout) -> None:
    done = checkout.run("up")
    assert done.returncode == 0, done.stderr + done.stdout
    # THEN a second plan of all is empty
    plan = checkout.run("plan", "--all", "--fail-on-changes")
    assert plan.returncode == 0, plan.stdout + plan.stderr


def queues(checkout: Checkout) -> dict[str, dict[str, Any]]:
    found = checkout.client("batch").describe_job_queues()["jobQueues"]
    return {queue["jobQueueName"].removeprefix(f"{PREFIX}-"): queue for queue in found}


def order(queue: dict[str, Any]) -> list[str]:
    """A queue's environments in their order, each without the part of its name that Terraform made."""
    arns = [each["computeEnvironment"] for each in sorted(queue["computeEnvironmentOrder"], key=lambda e: e["order"])]
    return [arn.rpartition("/")[2].rpartition("-")[0].removeprefix(PREFIX).strip("-") for arn in arns]


def test_spot_is_put_in_front_of_what_a_stage_has_and_taken_away_again(checkout: Checkout) -> None:
    batch = checkout.client("batch")
    [before] = batch.describe_compute_environments()["computeEnvironments"]
    # WHEN a deployed stage gets Spot, a queue that exists tries it first, and a new one shares it
    change(checkout, environments=ENVIRONMENTS, queues=QUEUES)
    up(checkout)
    # THEN both queues have it in front of what was there, which is the same as before, and the third queue has not
    found = queues(checkout)
    assert {name: order(queue) for name, queue in found.items()} == {
        "default": [""],
        "continuously": ["spot", ""],
        "shared": ["spot", ""],
    }
    made = {
        each["computeEnvironmentName"]: each for each in batch.describe_compute_environments()["computeEnvironments"]
    }
    assert made.pop(before["computeEnvironmentName"])["uuid"] == before["uuid"]
    [spot] = made.values()
    resources = spot["computeResources"]
    assert (resources["type"], resources["allocationStrategy"], resources["bidPercentage"]) == (
        "SPOT",
        "SPOT_CAPACITY_OPTIMIZED",
        70,
    )
    assert resources["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]
    assert spot["updatePolicy"]["jobExecutionTimeoutMinutes"] == 10
    # AND the new queue has its own time and its fair shares
    shared = found["shared"]
    assert {action["maxTimeSeconds"] for action in shared["jobStateTimeLimitActions"]} == {900}
    [policy] = batch.describe_scheduling_policies(arns=[shared["schedulingPolicyArn"]])["schedulingPolicies"]
    assert policy["name"] == f"{PREFIX}-shared"
    assert policy["fairsharePolicy"]["computeReservation"] == 10
    assert {each["shareIdentifier"] for each in policy["fairsharePolicy"]["shareDistribution"]} == {"reports", "adhoc*"}
    # AND a job is placed on Spot
    job = batch.submit_job(
        jobName="placed",
        jobQueue=f"{PREFIX}-shared",
        jobDefinition=f"{PREFIX}-examples-hello",
        shareIdentifier="reports",
    )["jobId"]
    assert "-spot-" in ended(batch, job)["container"]["containerInstanceArn"]

    # WHEN all of it goes again
    change(checkout, environments=None, queues={"default": 5, "continuously": 3})
    up(checkout)
    # THEN what was there is as it was, and nothing is left
    assert {name: order(queue) for name, queue in queues(checkout).items()} == {"default": [""], "continuously": [""]}
    [after] = batch.describe_compute_environments()["computeEnvironments"]
    assert after["uuid"] == before["uuid"]
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []
    templates = checkout.client("ec2").describe_launch_templates()["LaunchTemplates"]
    assert not [each for each in templates if "spot" in each["LaunchTemplateName"]]
    roles = checkout.client("iam").list_roles()["Roles"]
    assert not [role for role in roles if "spot" in role["RoleName"] and "aws-service-role" not in role["Arn"]]


def ended(batch: Any, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            assert job["status"] == "SUCCEEDED", job
            return dict(job)
        assert time.monotonic() < deadline, job
        time.sleep(0.3)
