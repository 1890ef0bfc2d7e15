"""Batch's control plane on local AWS, through boto3 alone: environments, queues, policies, definitions, tags."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    ec2_resources,
    fargate_resources,
    make_batch,
    refusal,
    sizes,
    unique,
)

pytestmark = pytest.mark.e2e


def test_compute_environment_lives_from_creation_to_deletion(local: LocalAws) -> None:
    # GIVEN an environment with a queue
    api, name, queue = local.client("batch"), unique("environment"), unique("queue")
    made = api.create_compute_environment(
        computeEnvironmentName=name, type="MANAGED", computeResources=ec2_resources(local), tags={"a": "b"}
    )
    order = [{"order": 1, "computeEnvironment": name}]
    api.create_job_queue(jobQueueName=queue, priority=1, computeEnvironmentOrder=order)
    # WHEN it is read
    found = api.describe_compute_environments(computeEnvironments=[made["computeEnvironmentArn"]])[
        "computeEnvironments"
    ][0]
    # THEN it is as Batch tells it
    assert found["status"] == "VALID"
    assert found["state"] == "ENABLED"
    assert found["tags"] == {"a": "b"}
    assert found["ecsClusterArn"].startswith(f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/")
    assert found["serviceRole"].endswith("/AWSServiceRoleForBatch")
    # AND it goes only when it is disabled and no queue names it
    assert "DISABLED" in refusal(api.delete_compute_environment, computeEnvironment=name)
    api.update_compute_environment(computeEnvironment=name, state="DISABLED", computeResources={"maxvCpus": 8})
    assert "JobQueue relationship" in refusal(api.delete_compute_environment, computeEnvironment=name)
    assert "DISABLED" in refusal(api.delete_job_queue, jobQueue=queue)
    api.update_job_queue(jobQueue=queue, state="DISABLED", priority=7)
    [changed] = api.describe_job_queues(jobQueues=[queue])["jobQueues"]
    assert (changed["priority"], changed["state"]) == (7, "DISABLED")
    api.delete_job_queue(jobQueue=queue)
    api.delete_compute_environment(computeEnvironment=name)
    assert api.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"] == []
    assert api.describe_job_queues(jobQueues=[queue])["jobQueues"] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"subnets": ["subnet-0000"]}, "subnet-0000"),
        ({"subnets": []}, "subnets"),
        ({"securityGroupIds": ["sg-0000"]}, "sg-0000"),
        ({"instanceRole": "arn:aws:iam::123456789012:instance-profile/none"}, "instance-profile/none"),
        ({"instanceTypes": []}, "instanceTypes"),
        ({"launchTemplate": {"launchTemplateName": "none"}}, "launch template none"),
        ({"minvCpus": 5}, "minvCpus"),
        ({"allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"}, "SPOT only"),
        ({"type": "FARGATE"}, "not applicable to FARGATE"),
        ({"type": "LAMBDA"}, "LAMBDA"),
        ({"ec2Configuration": [{"imageType": "ECS_AL2"}]}, "since June 30, 2026 no compute environment is created"),
        ({"ec2Configuration": [{"imageType": "ECS_AL2023"}] * 3}, "ec2Configuration: at most 2 are allowed"),
        ({"bidPercentage": 101}, "bidPercentage: 101 is not from 0 to 100"),
    ],
)
def test_compute_environment_is_refused(local: LocalAws, change: dict[str, Any], told: str) -> None:
    # GIVEN resources with one fault
    resources = {**ec2_resources(local), **change}
    # WHEN an environment is made of them, THEN the fault is told
    api = local.client("batch")
    name = unique("environment")
    assert told in refusal(
        api.create_compute_environment, computeEnvironmentName=name, type="MANAGED", computeResources=resources
    )
    assert api.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"] == []


def test_environment_with_a_service_role_that_does_not_exist_is_refused(local: LocalAws) -> None:
    told = refusal(
        local.client("batch").create_compute_environment,
        computeEnvironmentName=unique("environment"),
        type="MANAGED",
        computeResources=ec2_resources(local),
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/none",
    )
    assert "role/none does not exist" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"jobQueueName": "with blank"}, "with blank"),
        ({"priority": 1001}, "1001"),
        ({"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "none"}]}, "none does not exist"),
        ({"computeEnvironmentOrder": []}, "computeEnvironmentOrder"),
        ({"schedulingPolicyArn": f"arn:aws:batch:{REGION}:{ACCOUNT}:scheduling-policy/none"}, "does not exist"),
        (
            {
                "jobStateTimeLimitActions": [
                    {"reason": "X", "state": "RUNNABLE", "maxTimeSeconds": 700, "action": "CANCEL"}
                ]
            },
            "reason",
        ),
    ],
)
def test_job_queue_is_refused(batch: Batch, change: dict[str, Any], told: str) -> None:
    order = [{"order": 1, "computeEnvironment": batch.environment}]
    request = {"jobQueueName": unique("queue"), "priority": 1, "computeEnvironmentOrder": order, **change}
    assert told in refusal(batch.api.create_job_queue, **request)


def test_queue_does_not_mix_ec2_and_fargate(local: LocalAws, batch: Batch) -> None:
    fargate = unique("environment")
    batch.api.create_compute_environment(
        computeEnvironmentName=fargate, type="MANAGED", computeResources=fargate_resources(local)
    )
    order = [{"order": n, "computeEnvironment": name} for n, name in enumerate([batch.environment, fargate])]
    told = refusal(batch.api.create_job_queue, jobQueueName=unique("queue"), priority=1, computeEnvironmentOrder=order)
    assert "mixed" in told


def test_job_definition_revisions(batch: Batch) -> None:
    # GIVEN three revisions, of which the newest is deregistered
    name = batch.define("print(1)")
    batch.define("print(2)", name=name)
    batch.define("print(3)", name=name)
    batch.api.deregister_job_definition(jobDefinition=f"{name}:3")
    # WHEN the name is used without a revision
    job = batch.wait(batch.submit(name))
    # THEN it means the newest active one
    assert batch.output(job) == ["2"]
    assert job["jobDefinition"].endswith(f":job-definition/{name}:2")
    # AND the deregistered one is seen, but can't be submitted
    found = batch.api.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    assert [(each["revision"], each["status"]) for each in found] == [(3, "INACTIVE"), (2, "ACTIVE"), (1, "ACTIVE")]
    assert "INACTIVE" in refusal(batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=f"{name}:3")
    active = batch.api.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    assert [each["revision"] for each in active] == [2, 1]
    by_arn = batch.api.describe_job_definitions(jobDefinitions=[found[2]["jobDefinitionArn"]])["jobDefinitions"]
    assert [each["revision"] for each in by_arn] == [1]


GOOD = {"image": "worker", "command": ["true"], "resourceRequirements": sizes()}
FARGATE = {"image": "worker", "command": ["true"], "resourceRequirements": sizes("0.25", "512")}


@pytest.mark.parametrize(
    ("request_change", "properties", "told"),
    [
        ({"jobDefinitionName": "a.b"}, GOOD, "a.b"),
        ({"timeout": {"attemptDurationSeconds": 59}}, GOOD, "59"),
        ({"retryStrategy": {"attempts": 11}}, GOOD, "11"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "EXIT"}]}}, GOOD, "onExitCode"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"onExitCode": "*1", "action": "EXIT"}]}}, GOOD, "*1"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}] * 6}}, GOOD, "6"),
        ({"type": "multinode"}, GOOD, "Node properties"),
        ({}, {**GOOD, "image": ""}, "image"),
        ({}, {**GOOD, "resourceRequirements": []}, "vcpu"),
        ({}, {**GOOD, "resourceRequirements": sizes("0.5")}, "whole number"),
        ({}, {**GOOD, "environment": [{"name": "AWS_BATCH_X", "value": "1"}]}, "AWS_BATCH_X"),
        ({}, {**GOOD, "jobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "role/none"),
        ({}, {**GOOD, "secrets": [{"name": "A", "valueFrom": "b"}]}, "executionRoleArn"),
        ({}, {**GOOD, "unknown": 1}, None),
        ({"platformCapabilities": ["FARGATE"]}, FARGATE, "executionRoleArn"),
    ],
)
def test_job_definition_is_refused(batch: Batch, request_change: Any, properties: Any, told: str | None) -> None:
    request = {"jobDefinitionName": unique("definition"), "type": "container", "containerProperties": properties}
    request |= request_change
    if told is None:  # boto3 checks members itself, so this one goes by hand
        path, body = "/v1/registerjobdefinition", json.dumps(request).encode()
        status, content = post_raw(batch.local, path, body)
        assert status == 400
        assert "unknown" in content["message"]
        return
    assert told in refusal(batch.api.register_job_definition, **request)


def post_raw(local: LocalAws, path: str, body: bytes) -> tuple[int, Any]:
    scope = f"20260101/{REGION}/batch/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=0"
    status, answer = local.request("POST", path, body, {"Authorization": signed})
    return status, json.loads(answer)


@pytest.mark.parametrize(
    ("vcpus", "memory", "fits"),
    [
        ("0.25", "512", True),
        ("0.25", "4096", False),
        ("3", "8192", False),
        ("16", "122880", True),
        ("8", "17000", False),
    ],
)
def test_fargate_sizes(batch: Batch, vcpus: str, memory: str, fits: bool) -> None:
    request = {
        "jobDefinitionName": unique("definition"),
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {
            "image": "worker",
            "executionRoleArn": batch.role,
            "resourceRequirements": sizes(vcpus, memory),
        },
    }
    if fits:
        assert batch.api.register_job_definition(**request)["revision"] == 1
    else:
        assert "Fargate resource requirements" in refusal(batch.api.register_job_definition, **request)


def test_tags_of_every_kind_of_resource(batch: Batch) -> None:
    # GIVEN a resource of each kind
    api = batch.api
    policy = api.create_scheduling_policy(name=unique("policy"), tags={"old": "1"})["arn"]
    definition = batch.define("pass")
    arns = [
        policy,
        api.describe_job_queues(jobQueues=[batch.queue])["jobQueues"][0]["jobQueueArn"],
        api.describe_compute_environments(computeEnvironments=[batch.environment])["computeEnvironments"][0][
            "computeEnvironmentArn"
        ],
        api.describe_job_definitions(jobDefinitionName=definition)["jobDefinitions"][0]["jobDefinitionArn"],
        batch.job(batch.submit(definition))["jobArn"],
    ]
    for arn in arns:
        # WHEN tags are set and one is taken away, THEN the other stays
        api.tag_resource(resourceArn=arn, tags={"keep": "x", "drop": "y"})
        api.untag_resource(resourceArn=arn, tagKeys=["drop", "old"])
        assert api.list_tags_for_resource(resourceArn=arn)["tags"] == {"keep": "x"}, arn
    assert "aws:" in refusal(api.tag_resource, resourceArn=policy, tags={"aws:x": "1"})
    assert "does not exist" in refusal(api.list_tags_for_resource, resourceArn=f"{policy}-none")


def test_shares_that_are_about_the_same_jobs_are_refused(local: LocalAws) -> None:
    shares = [{"shareIdentifier": "a*", "weightFactor": 1.0}, {"shareIdentifier": "ab", "weightFactor": 1.0}]
    refused = refusal(
        local.client("batch").create_scheduling_policy,
        name=unique("policy"),
        fairsharePolicy={"shareDistribution": shares},
    )
    assert "ab and a* overlap" in refused


def test_scheduling_policy_in_use_stays(local: LocalAws, batch: Batch) -> None:
    policy = batch.api.create_scheduling_policy(name=unique("policy"), fairsharePolicy={"shareDecaySeconds": 60})["arn"]
    fair = make_batch(local, schedulingPolicyArn=policy)
    assert "in use" in refusal(batch.api.delete_scheduling_policy, arn=policy)
    batch.api.update_job_queue(jobQueue=fair.queue, state="DISABLED")
    batch.api.delete_job_queue(jobQueue=fair.queue)
    batch.api.delete_scheduling_policy(arn=policy)
    assert batch.api.describe_scheduling_policies(arns=[policy])["schedulingPolicies"] == []
    assert policy not in [each["arn"] for each in batch.api.list_scheduling_policies()["schedulingPolicies"]]


def test_operation_that_is_not_here_is_named(batch: Batch) -> None:
    with pytest.raises(ClientError, match="local AWS has no ListConsumableResources"):
        batch.api.list_consumable_resources()


# --- shapes of answers


def test_no_answer_lacks_a_member_that_botocore_requires(local: LocalAws) -> None:
    # GIVEN an environment, a queue, a policy and jobs in every kind of state
    policy = local.client("batch").create_scheduling_policy(name=unique("policy"))["arn"]
    batch = make_batch(local, vcpus=1)
    name = batch.define(
        "import sys; sys.exit(1)", retryStrategy={"attempts": 2}, timeout={"attemptDurationSeconds": 60}
    )
    ended, array = batch.submit(name), batch.submit(name, arrayProperties={"size": 2})
    batch.wait(ended)
    batch.wait(array)
    api, definition = batch.api, f"{name}:1"
    answers: list[tuple[str, dict[str, Any]]] = [
        ("DescribeComputeEnvironments", api.describe_compute_environments()),
        ("DescribeJobQueues", api.describe_job_queues()),
        ("DescribeSchedulingPolicies", api.describe_scheduling_policies(arns=[policy])),
        ("ListSchedulingPolicies", api.list_scheduling_policies()),
        ("DescribeJobDefinitions", api.describe_job_definitions(jobDefinitions=[definition])),
        ("DescribeJobs", api.describe_jobs(jobs=[ended, array, f"{array}:0"])),
        ("ListJobs", api.list_jobs(jobQueue=batch.queue, jobStatus="FAILED")),
        ("ListJobs", api.list_jobs(arrayJobId=array, jobStatus="FAILED")),
        ("SubmitJob", api.submit_job(jobName="j", jobQueue=batch.queue, jobDefinition=name)),
        ("RegisterJobDefinition", api.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=GOOD)),
        ("CreateSchedulingPolicy", api.create_scheduling_policy(name=unique("policy"))),
        ("UpdateJobQueue", api.update_job_queue(jobQueue=batch.queue, priority=2)),
        ("UpdateComputeEnvironment", api.update_compute_environment(
            computeEnvironment=batch.environment, state="ENABLED")),
        ("CreateComputeEnvironment", api.create_compute_environment(
            computeEnvironmentName=unique("environment"), type="MANAGED", computeResources=ec2_resources(local))),
        ("ListTagsForResource", api.list_tags_for_resource(resourceArn=policy)),
    ]  # fmt: skip
    # WHEN they are held against botocore's model
    model = api.meta.service_model
    missing = [
        f"{operation}{fault}"
        for operation, answer in answers
        for fault in missing_members(model.operation_model(operation).output_shape, answer)
    ]
    # THEN nothing that it requires is missing, and each list holds something
    assert missing == []
    assert all(len(value) > 0 for _, answer in answers for value in answer.values() if isinstance(value, list))


def missing_members(shape: Any, value: Any, where: str = "") -> list[str]:
    if shape.type_name == "structure":
        lacking = [f"{where}.{name}" for name in shape.required_members if name not in value]
        present = [(name, member) for name, member in shape.members.items() if name in value]
        return lacking + [
            f for name, member in present for f in missing_members(member, value[name], f"{where}.{name}")
        ]
    if shape.type_name == "list":
        return [f for n, item in enumerate(value) for f in missing_members(shape.member, item, f"{where}[{n}]")]
    return []


def test_two_accounts_do_not_see_each_other(local: LocalAws, batch: Batch) -> None:
    other = boto3.session.Session().client(
        "batch",
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id="999999999999",
        aws_secret_access_key="test",
    )
    assert other.describe_job_queues(jobQueues=[batch.queue])["jobQueues"] == []
