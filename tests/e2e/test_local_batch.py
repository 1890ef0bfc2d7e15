"""Batch's control plane and jobs on local AWS, through boto3 alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    alive,
    ec2_resources,
    fargate_resources,
    make_batch,
    running,
    sizes,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with running(tmp_path_factory.mktemp("batch")) as started:
        yield started


@pytest.fixture
def batch(local: LocalAws) -> Batch:
    return make_batch(local)


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Message"])


# --- environments, queues, policies, definitions


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
        ({"type": "multinode"}, GOOD, "multi-node"),
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
    with pytest.raises(ClientError, match="local AWS has no GetJobQueueSnapshot"):
        batch.api.get_job_queue_snapshot(jobQueue=batch.queue)


# --- SubmitJob


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"jobName": "-x"}, "-x"),
        ({"jobName": "x" * 129}, "128"),
        ({"jobQueue": "none"}, "none"),
        ({"jobDefinition": "none"}, "none"),
        ({"jobDefinition": "none:7"}, "none:7"),
        ({"timeout": {"attemptDurationSeconds": 1}}, "60"),
        ({"retryStrategy": {"attempts": 0}}, "attempts"),
        ({"arrayProperties": {"size": 1}}, "size 1"),
        ({"arrayProperties": {"size": 10001}}, "10001"),
        ({"shareIdentifier": "a"}, "no scheduling policy"),
        ({"dependsOn": [{"jobId": "none"}]}, "none does not exist"),
        ({"dependsOn": [{"jobId": "a"}] * 21}, "21"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "array jobs only"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "x"}]}}, "reserved"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "many"}]}}, "many"),
        ({"nodeOverrides": {"numNodes": 2}}, "nodeOverrides"),
    ],
)
def test_submission_is_refused(batch: Batch, change: dict[str, Any], told: str) -> None:
    request = {"jobName": "job", "jobQueue": batch.queue, "jobDefinition": batch.define("pass"), **change}
    assert told in refusal(batch.api.submit_job, **request)


def test_queue_that_is_disabled_takes_no_job(batch: Batch) -> None:
    batch.api.update_job_queue(jobQueue=batch.queue, state="DISABLED")
    assert "disabled" in refusal(
        batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=batch.define("pass")
    )


def test_fargate_definition_is_refused_on_an_ec2_queue(batch: Batch) -> None:
    name = unique("definition")
    batch.api.register_job_definition(
        jobDefinitionName=name,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={**FARGATE, "executionRoleArn": batch.role},
    )
    assert "FARGATE" in refusal(batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=name)


def test_fair_share_queue_needs_a_share_identifier(local: LocalAws) -> None:
    policy = local.client("batch").create_scheduling_policy(name=unique("policy"))["arn"]
    batch = make_batch(local, schedulingPolicyArn=policy)
    name = batch.define("pass")
    assert "required" in refusal(batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=name)
    job = batch.wait(batch.submit(name, shareIdentifier="team", schedulingPriorityOverride=3))
    assert (job["status"], job["shareIdentifier"], job["schedulingPriority"]) == ("SUCCEEDED", "team", 3)


def test_parameters_and_overrides_reach_the_job(batch: Batch) -> None:
    # GIVEN a definition with parameters and environment
    code = "import os,sys; print(sys.argv[1:], os.environ['A'], os.environ['B'])"
    name = batch.define(
        "python", "-c", code, "Ref::one", "x-Ref::two", "Ref::none",
        parameters={"one": "1", "two": "2"},
        properties={"environment": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]},
    )  # fmt: skip
    # WHEN some of them are overridden at submission
    overrides = {
        "environment": [{"name": "B", "value": "bb"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "128"}],
    }
    job = batch.wait(batch.submit(name, parameters={"two": "22"}, containerOverrides=overrides))
    # THEN the job sees the merged ones, and an unknown parameter as it stands
    assert batch.output(job) == ["['1', 'x-22', 'Ref::none'] a bb"]
    assert {"type": "MEMORY", "value": "128"} in job["container"]["resourceRequirements"]
    assert {"type": "VCPU", "value": "1"} in job["container"]["resourceRequirements"]
    assert job["parameters"] == {"one": "1", "two": "22"}
    # AND another command replaces the definition's
    other = batch.wait(batch.submit(name, containerOverrides={"command": ["echo", "Ref::one"]}))
    assert batch.output(other) == ["1"]


# --- environment of a job


def test_job_sees_what_batch_gives_it_and_nothing_of_ours(batch: Batch) -> None:
    # GIVEN a job that prints its environment and folder
    code = "import json,os; print(json.dumps([dict(os.environ), os.getcwd(), os.getpgid(0) == os.getpid()]))"
    # WHEN it runs
    job = batch.wait(batch.run(code, properties={"environment": [{"name": "MINE", "value": "x y"}]}))
    environment, folder, leads_its_group = json.loads(batch.output(job)[0])
    # THEN there is exactly what Batch gives, and what makes it find local AWS
    assert environment.pop("PATH").split(os.pathsep)[1:] == batch.local.path.split(os.pathsep)
    assert "batchtab-local-" in environment.pop("HOME")
    assert environment == {
        "MINE": "x y",
        "AWS_BATCH_JOB_ID": job["jobId"],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": batch.queue,
        "AWS_BATCH_CE_NAME": batch.environment,
        "AWS_ENDPOINT_URL": batch.local.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "LANG": "C.UTF-8",
    }
    assert folder == str(batch.local.folder / "work")
    assert leads_its_group


def test_secrets_come_from_parameters_and_secrets_manager(local: LocalAws, batch: Batch) -> None:
    # GIVEN a parameter and a secret
    local.client("ssm").put_parameter(Name="/app/key", Value="p4ss", Type="SecureString")
    secret = local.client("secretsmanager").create_secret(Name="app", SecretString='{"user": "u1", "n": 7}')["ARN"]
    secrets = [
        {"name": "BY_NAME", "valueFrom": "/app/key"},
        {"name": "BY_ARN", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/key"},
        {"name": "WHOLE", "valueFrom": secret},
        {"name": "USER_KEY", "valueFrom": f"{secret}:user::"},
    ]
    code = "import os; print(os.environ['BY_NAME'], os.environ['BY_ARN'], os.environ['WHOLE'], os.environ['USER_KEY'])"
    # WHEN a job names them
    job = batch.wait(batch.run(code, properties={"secrets": secrets, "executionRoleArn": batch.role}))
    # THEN it gets their values, and DescribeJobs does not
    assert batch.output(job) == ['p4ss p4ss {"user": "u1", "n": 7} u1']
    assert "p4ss" not in json.dumps(job, default=str)


def test_secret_that_does_not_exist_fails_the_job(batch: Batch) -> None:
    secrets = [{"name": "A", "valueFrom": "/none"}]
    job = batch.wait(batch.run("pass", properties={"secrets": secrets, "executionRoleArn": batch.role}))
    assert job["status"] == "FAILED"
    assert "/none" in job["container"]["reason"]
    assert job["statusReason"] == "Task failed to start"


def test_image_without_a_folder_fails_as_one_that_cannot_be_pulled(batch: Batch) -> None:
    job = batch.wait(
        batch.run("pass", properties={"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/none:1"})
    )
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert "'none: <folder>' under local.images" in job["container"]["reason"]
    assert "exitCode" not in job["container"]


def test_command_that_does_not_exist_fails_the_job(batch: Batch) -> None:
    job = batch.wait(batch.run("no-such-program", "x"))
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")


# --- how jobs end


def test_failed_job_tells_exit_code_and_attempts(batch: Batch) -> None:
    # GIVEN a job that fails twice and then succeeds
    code = (
        "import os,sys; n=int(os.environ['AWS_BATCH_JOB_ATTEMPT']); print('try', n); sys.exit(0 if n == 3 else n + 40)"
    )
    job = batch.wait(batch.run(code, retryStrategy={"attempts": 5}))
    # THEN each attempt has its own code, stream and times
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [41, 42, 0]
    assert len({attempt["container"]["logStreamName"] for attempt in job["attempts"]}) == 3
    for attempt in job["attempts"]:
        assert attempt["statusReason"] == "Essential container in task exited"
        assert attempt["startedAt"] <= attempt["stoppedAt"]
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    assert job["container"]["logStreamName"] == job["attempts"][-1]["container"]["logStreamName"]
    assert batch.output(job) == ["try 3"]


@pytest.mark.parametrize(
    ("rules", "attempts"),
    [
        ([{"onExitCode": "9", "action": "EXIT"}], 1),
        ([{"onExitCode": "1*", "action": "EXIT"}], 3),
        ([{"onExitCode": "9", "action": "retry"}, {"onReason": "*", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential*", "onExitCode": "9*", "action": "exit"}], 1),
        ([], 3),
    ],
)
def test_evaluate_on_exit_decides_on_retries(batch: Batch, rules: list[dict[str, str]], attempts: int) -> None:
    job = batch.wait(batch.run("import sys; sys.exit(9)", retryStrategy={"attempts": 3, "evaluateOnExit": rules}))
    assert job["status"] == "FAILED"
    assert len(job["attempts"]) == attempts
    assert job["container"]["exitCode"] == 9


def test_process_killed_from_outside_fails_with_the_signals_code(batch: Batch) -> None:
    # GIVEN a running job
    job_id = batch.run("import os,time; print(os.getpid(), flush=True); time.sleep(60)")
    running_job = batch.wait(job_id, "RUNNING")
    [pid] = wait_until(lambda: batch.output(running_job), "the job's first line")
    # WHEN its process is killed
    os.kill(int(pid), signal.SIGKILL)
    # THEN the job is FAILED with 128 + 9
    job = batch.wait(job_id)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["statusReason"] == "Essential container in task exited"


def test_what_a_job_leaves_running_ends_with_it(batch: Batch) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    job = batch.wait(batch.run(code))
    [pid] = batch.output(job)
    assert job["status"] == "SUCCEEDED"
    wait_until(lambda: not alive(int(pid)), "the job's child to end", seconds=3)


def test_terminate_ends_a_running_job(batch: Batch) -> None:
    # GIVEN a running job that tidies up on SIGTERM
    code = (
        "import signal,sys,time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (print('tidied up', flush=True), sys.exit(0)))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    job_id = batch.run(code, retryStrategy={"attempts": 3})
    running_job = batch.wait(job_id, "RUNNING")
    wait_until(lambda: batch.output(running_job), "the job to be ready")
    # WHEN it is terminated
    batch.api.terminate_job(jobId=job_id, reason="no longer wanted")
    # THEN it gets SIGTERM, is FAILED for that reason and is not tried again
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "no longer wanted", True)
    assert len(job["attempts"]) == 1
    assert batch.output(job) == ["ready", "tidied up"]
    # AND doing it again, or to a job that has ended, is no error
    batch.api.terminate_job(jobId=job_id, reason="again")
    assert batch.job(job_id)["statusReason"] == "no longer wanted"


def test_cancel_leaves_a_running_job_and_takes_a_waiting_one(local: LocalAws) -> None:
    # GIVEN a queue with room for one job, one running, one RUNNABLE, and one that depends on the first
    batch = make_batch(local, vcpus=1)
    name = batch.define("import time; time.sleep(1.0)")
    first = batch.submit(name)
    batch.wait(first, "RUNNING")
    second, third = batch.submit(name), batch.submit(name, dependsOn=[{"jobId": first}])
    batch.wait(second, "RUNNABLE")
    batch.wait(third, "PENDING")
    # WHEN all are cancelled
    for job_id in (first, second, third):
        batch.api.cancel_job(jobId=job_id, reason="changed my mind")
    # THEN the RUNNABLE one ends at once, the PENDING one when what it waits for has ended, the running one goes on
    assert batch.job(second)["status"] == "FAILED"
    assert batch.job(second)["isCancelled"] is True
    assert batch.job(third)["status"] == "PENDING"
    assert batch.job(first)["status"] == "RUNNING"
    assert batch.wait(first)["status"] == "SUCCEEDED"
    assert batch.wait(third)["statusReason"] == "changed my mind"


def test_terminate_takes_a_pending_job_at_once(batch: Batch) -> None:
    first = batch.run("import time; time.sleep(60)")
    second = batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}])
    batch.wait(second, "PENDING")
    batch.api.terminate_job(jobId=second, reason="stop")
    assert batch.job(second)["status"] == "FAILED"
    batch.api.terminate_job(jobId=first, reason="stop")
    assert batch.wait(first)["container"]["exitCode"] == 143
    assert "does not exist" in refusal(batch.api.terminate_job, jobId="none", reason="x")


# --- dependencies, arrays


def test_chain_of_dependencies_runs_in_order(batch: Batch) -> None:
    # GIVEN four jobs, each waiting for the one before
    name, ids = batch.define("import time; time.sleep(0.2)"), list[str]()
    for _ in range(4):
        ids.append(batch.submit(name, dependsOn=[{"jobId": ids[-1]}] if ids else []))
    assert batch.job(ids[-1])["status"] in ("SUBMITTED", "PENDING")
    # WHEN all have ended
    jobs = [batch.wait(job_id) for job_id in ids]
    # THEN none started before its predecessor stopped
    assert [job["status"] for job in jobs] == ["SUCCEEDED"] * 4
    assert all(before["stoppedAt"] <= after["startedAt"] for before, after in pairwise(jobs))


def test_failed_dependency_fails_the_whole_chain_unrun(batch: Batch) -> None:
    first = batch.run("import sys; sys.exit(1)")
    second = batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}])
    third = batch.submit(batch.define("pass"), dependsOn=[{"jobId": second}])
    job = batch.wait(third)
    assert (job["status"], job["statusReason"], job["attempts"]) == ("FAILED", "Dependent Job failed", [])
    # AND one that is submitted after the failure fails as well
    late = batch.wait(batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}]))
    assert late["statusReason"] == "Dependent Job failed"


def test_array_of_twenty(batch: Batch) -> None:
    # GIVEN an array whose children fail at two indices
    code = "import os,sys; i=int(os.environ['AWS_BATCH_JOB_ARRAY_INDEX']); print(i); sys.exit(i in (3, 17))"
    job_id = batch.submit(batch.define(code), arrayProperties={"size": 20})
    # WHEN it has ended
    parent = batch.wait(job_id)
    # THEN the parent tells the sum, and each child ran with its index
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = parent["arrayProperties"]["statusSummary"]
    assert (parent["arrayProperties"]["size"], summary["SUCCEEDED"], summary["FAILED"]) == (20, 18, 2)
    assert sum(summary.values()) == 20
    children = batch.api.describe_jobs(jobs=[f"{job_id}:{index}" for index in range(20)])["jobs"]
    assert [batch.output(child) for child in children] == [[str(index)] for index in range(20)]
    assert [child["arrayProperties"]["index"] for child in children if child["status"] == "FAILED"] == [3, 17]
    # AND ListJobs shows children only when asked for the array
    listed = batch.api.list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert len(listed) == 18
    in_queue = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert in_queue == []


def test_sequential_array_runs_child_after_child(batch: Batch) -> None:
    job_id = batch.submit(
        batch.define("import time; time.sleep(0.05)"), arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}]
    )
    assert batch.wait(job_id)["status"] == "SUCCEEDED"
    children = batch.api.describe_jobs(jobs=[f"{job_id}:{index}" for index in range(4)])["jobs"]
    assert all(before["stoppedAt"] <= after["startedAt"] for before, after in pairwise(children))


def test_n_to_n_array_waits_child_by_child(batch: Batch) -> None:
    # GIVEN an array whose first child is slow and whose last fails, and one that follows it child by child
    code = (
        "import os,time,sys; i = os.environ['AWS_BATCH_JOB_ARRAY_INDEX']\n"
        "time.sleep(1.2 if i == '0' else 0); sys.exit(i == '2')"
    )
    first = batch.submit(batch.define(code), arrayProperties={"size": 3})
    second = batch.submit(
        batch.define("pass"), arrayProperties={"size": 3}, dependsOn=[{"jobId": first, "type": "N_TO_N"}]
    )
    # WHEN the second child of the follower has ended
    middle = batch.wait(f"{second}:1")
    # THEN it didn't wait for the slow sibling, and the child of the failed one did not run
    assert middle["status"] == "SUCCEEDED"
    assert batch.job(f"{first}:0")["status"] == "RUNNING"
    assert batch.wait(f"{second}:2")["statusReason"] == "Dependent Job failed"
    assert batch.wait(second)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    assert "same size" in refusal(
        batch.api.submit_job,
        jobName="j",
        jobQueue=batch.queue,
        jobDefinition=batch.define("pass"),
        arrayProperties={"size": 2},
        dependsOn=[{"jobId": first, "type": "N_TO_N"}],
    )


def test_terminating_an_array_ends_its_children(batch: Batch) -> None:
    job_id = batch.submit(batch.define("import time; time.sleep(60)"), arrayProperties={"size": 6})
    batch.wait(f"{job_id}:0", "RUNNING")
    batch.api.terminate_job(jobId=job_id, reason="enough")
    parent = batch.wait(job_id)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "enough")
    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 6


# --- placement


def test_third_job_waits_while_two_fill_the_environment(local: LocalAws) -> None:
    # GIVEN room for two vCPUs
    batch = make_batch(local, vcpus=2)
    name = batch.define("import time; time.sleep(1.0)")
    ids = [batch.submit(name) for _ in range(3)]
    # WHEN two run
    for job_id in ids[:2]:
        batch.wait(job_id, "RUNNING")
    # THEN the third is RUNNABLE, and starts when one of them has stopped
    assert batch.job(ids[2])["status"] == "RUNNABLE"
    first, second, third = (batch.wait(job_id) for job_id in ids)
    assert third["startedAt"] >= min(first["stoppedAt"], second["stoppedAt"])


def test_thousand_jobs_at_once_all_end_and_none_is_lost(local: LocalAws) -> None:
    # GIVEN room for 16 vCPUs
    batch = make_batch(local, vcpus=16)
    name = batch.define("true", "-")
    # WHEN a thousand jobs are submitted at once, by four clients
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: batch.submit(name, jobName="many"), range(1000)))

    def ended() -> bool:
        return batch.job(ids[-1])["status"] == "SUCCEEDED" and len(listed()) == 1000

    def listed() -> list[str]:
        pages = batch.api.get_paginator("list_jobs").paginate(jobQueue=batch.queue, jobStatus="SUCCEEDED")
        return [job["jobId"] for page in pages for job in page["jobSummaryList"]]

    # THEN all of them succeed, each once
    wait_until(ended, "all jobs to end", seconds=90)
    assert sorted(listed()) == sorted(ids)


def test_queue_of_higher_priority_goes_first(local: LocalAws) -> None:
    # GIVEN two queues on one environment of one vCPU, which a job fills
    batch = make_batch(local, vcpus=1)
    urgent = unique("queue")
    order = [{"order": 1, "computeEnvironment": batch.environment}]
    batch.api.create_job_queue(jobQueueName=urgent, priority=9, computeEnvironmentOrder=order)
    name = batch.define("import time; time.sleep(0.3)")
    batch.wait(batch.submit(name), "RUNNING")
    # WHEN the low one gets its jobs before the high one
    low = [batch.submit(name) for _ in range(2)]
    high = [batch.submit(name, jobQueue=urgent) for _ in range(2)]
    # THEN the high one's run first
    ended = {job_id: batch.wait(job_id) for job_id in low + high}
    assert sorted(ended, key=lambda job_id: ended[job_id]["startedAt"]) == high + low


def test_fair_share_gives_the_idle_share_its_turn(local: LocalAws) -> None:
    # GIVEN a fair-share queue of two vCPUs, one of which share A uses
    policy = local.client("batch").create_scheduling_policy(name=unique("policy"))["arn"]
    batch = make_batch(local, vcpus=2, schedulingPolicyArn=policy)
    name = batch.define("import time; time.sleep(0.5)")
    blocker = [batch.submit(name, shareIdentifier="A"), batch.submit(name, shareIdentifier="C")]
    for job_id in blocker:
        batch.wait(job_id, "RUNNING")
    # WHEN A submits more before B submits at all
    more = [batch.submit(name, shareIdentifier="A") for _ in range(2)]
    other = batch.submit(name, shareIdentifier="B")
    jobs = {job_id: batch.wait(job_id) for job_id in [*more, other]}
    # THEN B is not behind both of A's
    assert jobs[other]["startedAt"] <= max(jobs[job_id]["startedAt"] for job_id in more)
    assert sorted(jobs, key=lambda job_id: jobs[job_id]["startedAt"])[-1] in more


# --- ListJobs


def test_list_jobs_pages_through_250_newest_first(local: LocalAws) -> None:
    # GIVEN 250 jobs that wait, and one of another name
    batch = make_batch(local, vcpus=1)
    name = batch.define("import time; time.sleep(60)")
    blocker = batch.submit(name, jobName="blocker")
    batch.wait(blocker, "RUNNING")
    ids = [batch.submit(name, jobName=f"Report-{n}") for n in range(250)]
    wait_until(lambda: batch.job(ids[-1])["status"] == "RUNNABLE", "the last job to be RUNNABLE")
    # WHEN they are listed by status
    first = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="RUNNABLE")
    pages = list(batch.api.get_paginator("list_jobs").paginate(jobQueue=batch.queue, jobStatus="RUNNABLE"))
    # THEN a page holds 100, newest first, and the pages hold all of them once
    assert len(first["jobSummaryList"]) == 100
    assert [len(page["jobSummaryList"]) for page in pages] == [100, 100, 50]
    assert [job["jobId"] for page in pages for job in page["jobSummaryList"]] == ids[::-1]
    # AND without a status only RUNNING ones are listed
    assert [job["jobId"] for job in batch.api.list_jobs(jobQueue=batch.queue)["jobSummaryList"]] == [blocker]
    # AND a filter ignores the status and the case of names
    one = batch.api.list_jobs(
        jobQueue=batch.queue, jobStatus="SUCCEEDED", filters=[{"name": "JOB_NAME", "values": ["rEPORT-7"]}]
    )
    assert [job["jobId"] for job in one["jobSummaryList"]] == [ids[7]]
    prefix = {"name": "JOB_NAME", "values": ["report-24*"]}
    found = batch.api.list_jobs(jobQueue=batch.queue, filters=[prefix])["jobSummaryList"]
    assert [job["jobName"] for job in found] == [f"Report-{n}" for n in (*range(249, 239, -1), 24)]
    small = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="RUNNABLE", maxResults=3)
    assert [job["jobId"] for job in small["jobSummaryList"]] == ids[:-4:-1]
    for job_id in [blocker, *ids]:
        batch.api.terminate_job(jobId=job_id, reason="enough")


def test_list_jobs_filters(batch: Batch) -> None:
    # GIVEN jobs of two definitions
    one, two = batch.define("pass"), batch.define("pass")
    batch.define("pass", name=one)
    first, second, third = batch.submit(f"{one}:1"), batch.submit(one), batch.submit(two)
    jobs = [batch.wait(job_id) for job_id in (first, second, third)]

    def listed(name: str, value: str) -> set[str]:
        answer = batch.api.list_jobs(jobQueue=batch.queue, filters=[{"name": name, "values": [value]}])
        return {job["jobId"] for job in answer["jobSummaryList"]}

    # WHEN they are filtered by definition, THEN a name spans revisions and an ARN does not
    assert listed("JOB_DEFINITION", one) == {first, second}
    assert listed("JOB_DEFINITION", jobs[0]["jobDefinition"]) == {first}
    assert listed("JOB_DEFINITION", f"{one[:-1]}*") >= {first, second}
    # AND by time of creation
    assert listed("BEFORE_CREATED_AT", str(jobs[0]["createdAt"])) == set()
    assert listed("AFTER_CREATED_AT", str(jobs[0]["createdAt"] - 1)) == {first, second, third}
    assert "COLOR" in refusal(batch.api.list_jobs, jobQueue=batch.queue, filters=[{"name": "COLOR", "values": ["red"]}])
    assert "Name one of" in refusal(batch.api.list_jobs)


def test_describe_jobs_leaves_out_unknown_ids_and_takes_a_hundred(batch: Batch) -> None:
    job_id = batch.run("pass")
    arn = batch.job(job_id)["jobArn"]
    assert [job["jobId"] for job in batch.api.describe_jobs(jobs=["none", arn])["jobs"]] == [job_id]
    assert "100" in refusal(batch.api.describe_jobs, jobs=["x"] * 101)


# --- logs


def test_output_goes_to_the_group_and_stream_that_the_definition_asks_for(local: LocalAws, batch: Batch) -> None:
    # GIVEN a log group and a definition that names it
    local.client("logs").create_log_group(logGroupName="/jobs/mine")
    options = {"awslogs-group": "/jobs/mine", "awslogs-stream-prefix": "nightly"}
    properties = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    code = "import sys; print('out'); print('err', file=sys.stderr); print('ü' * 3); sys.stdout.write('no newline')"
    # WHEN a job writes to both outputs
    job = batch.wait(batch.run(code, properties=properties))
    # THEN every line is an event there
    assert job["container"]["logStreamName"].startswith("nightly/default/")
    assert sorted(batch.output(job, "/jobs/mine")) == ["err", "no newline", "out", "üüü"]
    found = local.client("logs").filter_log_events(logGroupName="/jobs/mine", filterPattern="err")
    assert [event["message"] for event in found["events"]] == ["err"]


def test_output_is_seen_while_the_job_runs(batch: Batch) -> None:
    job_id = batch.run("import time; print('hello', flush=True); time.sleep(60)")
    job = batch.wait(job_id, "RUNNING")
    assert wait_until(lambda: batch.output(job), "the first line", seconds=3) == ["hello"]
    batch.api.terminate_job(jobId=job_id, reason="enough")


def test_log_group_that_does_not_exist_fails_the_job_unless_it_may_be_made(batch: Batch) -> None:
    def run(**options: str) -> dict[str, Any]:
        log = {"logDriver": "awslogs", "options": {"awslogs-group": unique("/jobs/new"), **options}}
        return batch.wait(batch.run("print(1)", properties={"logConfiguration": log}))

    failed, made = run(), run(**{"awslogs-create-group": "true"})
    assert failed["status"] == "FAILED"
    assert "log group does not exist" in failed["container"]["reason"]
    assert made["status"] == "SUCCEEDED"


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
