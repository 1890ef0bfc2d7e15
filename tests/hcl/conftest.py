"""A local AWS for each file of tests, since names repeat, with an environment that Terraform did not make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, LocalAws, running

# jsii warns on a Node that has had its day; the checkout's own is new enough. It is read when cdktf is imported.
_NODE = Path(__file__).resolve().parents[2] / ".batchtab" / "bin" / "node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
os.environ.setdefault("NODE_OPTIONS", "--no-deprecation")  # cdktf 0.21 calls what Node 24 will drop


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS; its jobs of the image `my-service` run in an empty folder."""
    with running(tmp_path_factory.mktemp("local-aws"), images={"my-service": "work"}) as local:
        yield local


@pytest.fixture(scope="module")
def terraform_environment(local_aws: LocalAws) -> dict[str, str]:
    """What points Terraform's provider at the local AWS."""
    return {
        "AWS_ENDPOINT_URL": local_aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture(scope="module")
def original_environment(local_aws: LocalAws) -> dict[str, Any]:
    """The original system's environment as its CloudFormation template made it, with its names.

    Roles for Batch, instances, cron rules and jobs; the compute environment; the queues `default` and `continuously`.
    Made without Terraform, whose provider waits half a minute for each queue.
    """
    iam, batch, ec2 = (local_aws.client(service) for service in ("iam", "batch", "ec2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in range(2)
    ]
    group = ec2.create_security_group(GroupName="batch", Description="Batch", VpcId=vpc)["GroupId"]
    roles = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=_trust(service))["Role"]["Arn"]
        for name, service in (
            ("BatchServiceRole", "batch.amazonaws.com"),
            ("BatchInstanceRole", "ec2.amazonaws.com"),
            ("BatchCronRuleRole", "events.amazonaws.com"),
            ("my-service-job-role", "ecs-tasks.amazonaws.com"),
        )
    }
    iam.attach_role_policy(
        RoleName="BatchInstanceRole",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    )
    iam.create_instance_profile(InstanceProfileName="BatchInstanceRole")
    iam.add_role_to_instance_profile(InstanceProfileName="BatchInstanceRole", RoleName="BatchInstanceRole")
    environment = batch.create_compute_environment(
        computeEnvironmentName="batch-environment",
        type="MANAGED",
        state="ENABLED",
        serviceRole=roles["BatchServiceRole"],
        computeResources={
            "type": "EC2",
            "minvCpus": 2,
            "maxvCpus": 16,
            "instanceTypes": ["optimal"],
            "subnets": subnets,
            "securityGroupIds": [group],
            "instanceRole": iam.get_instance_profile(InstanceProfileName="BatchInstanceRole")["InstanceProfile"]["Arn"],
        },
    )["computeEnvironmentArn"]
    queues = {
        name: batch.create_job_queue(
            jobQueueName=name,
            state="ENABLED",
            priority=priority,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        )["jobQueueArn"]
        for name, priority in (("default", 5), ("continuously", 3))
    }
    return {
        "roles": roles,
        "compute_environment": environment,
        "queues": queues,
        "subnets": subnets,
        "security_groups": [group],
    }


def _trust(service: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        f'"Principal":{{"Service":"{service}"}}}}]}}'
    )
