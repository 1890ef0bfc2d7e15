"""What AWS refuses for its size, its letters or its order, and local AWS therefore does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    refusal,
    sizes,
    sqs_queue,
    trust,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e


def error(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_definition_of_more_than_24_kib_is_refused(batch: Batch) -> None:
    # GIVEN definitions with little less and little more
    batch.define("pass", properties={"environment": [{"name": "A", "value": "x" * 24_000}]})
    request = {
        "jobDefinitionName": unique("definition"),
        "type": "container",
        "containerProperties": {
            "image": "worker",
            "command": ["x" * 25_000],
            "resourceRequirements": sizes(),
        },
    }
    # WHEN the second is registered, THEN Batch refuses it
    message = "Job Definition size must be less than 24 KiB, got 25 KiB"
    assert refusal(batch.api.register_job_definition, **request) == message


def test_job_of_more_than_30_kib_is_refused(batch: Batch) -> None:
    request = {
        "jobName": "job",
        "jobQueue": batch.queue,
        "jobDefinition": batch.define("pass"),
        "parameters": {"a": "x" * 31_000},
    }
    assert refusal(batch.api.submit_job, **request) == "Job size must be less than 30 KiB, got 31 KiB"


def test_overrides_of_more_than_8192_characters_fail_the_job(batch: Batch) -> None:
    # GIVEN jobs whose overrides are as long as a task takes, or longer: by a variable, and by a parameter
    name = batch.define("python", "-c", "pass", "Ref::long", parameters={"long": "short"})
    short = {"environment": [{"name": "A", "value": "x" * 7500}]}
    long = {"environment": [{"name": "A", "value": "x" * 8192}]}
    # WHEN they are submitted, THEN the longer ones end without an attempt
    assert batch.wait(batch.submit(name, containerOverrides=short))["status"] == "SUCCEEDED"
    for more in ({"containerOverrides": long}, {"parameters": {"long": "x" * 9000}}):
        job = batch.wait(batch.submit(name, **more))
        message = "Container Overrides length must be at most 8192"
        assert (job["status"], job["statusReason"], job["attempts"]) == ("FAILED", message, [])


def test_job_that_no_instance_can_run_stays_runnable(batch: Batch) -> None:
    # GIVEN an environment of one type, and a job that needs more memory than it has
    batch.api.update_compute_environment(
        computeEnvironment=batch.environment, computeResources={"instanceTypes": ["m5.large"]}
    )
    requirements = sizes("1", str(8 * 1024))
    job = batch.submit(batch.define("pass", properties={"resourceRequirements": requirements}))
    # WHEN it is at the head of its queue, THEN it says why it waits
    batch.wait(job, "RUNNABLE")
    message = wait_until(lambda: batch.job(job).get("statusReason"), "a reason")
    assert message.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - ")
    # AND it runs once the environment has a bigger type
    batch.api.update_compute_environment(
        computeEnvironment=batch.environment, computeResources={"instanceTypes": ["m5.large", "m5.xlarge"]}
    )
    assert batch.wait(job)["status"] == "SUCCEEDED"


def test_rule_with_targets_is_not_deleted(local: LocalAws) -> None:
    # GIVEN a rule with a target
    events, name = local.client("events"), unique("rule")
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": sqs_queue(local)[1]}])
    # WHEN it is deleted, THEN EventBridge refuses that until the target is gone
    assert error(events.delete_rule, Name=name) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)
    assert error(events.describe_rule, Name=name)[0] == "ResourceNotFoundException"


def test_input_of_a_rules_target_is_limited(local: LocalAws) -> None:
    events, name = local.client("events"), unique("rule")
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    target = {"Id": "1", "Arn": sqs_queue(local)[1], "Input": json.dumps("x" * 8200)}
    code, message = error(events.put_targets, Rule=name, Targets=[target])
    assert (code, "at 'targets.1.member.input'" in message) == ("ValidationException", True)


def test_schedule_takes_what_scheduler_takes(local: LocalAws, batch: Batch) -> None:
    # GIVEN expressions of which some are rare, and a name that is none
    scheduler = local.client("scheduler")
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
        "RoleArn": batch.role,
        "Input": json.dumps({"JobName": "a", "JobQueue": batch.queue, "JobDefinition": "a"}),
    }
    request = {"FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpressionTimezone": "Europe/Berlin", "Target": target}
    # WHEN schedules are made of them, THEN the former are taken
    for expression in (
        "cron(0 18 LW * ? *)",
        "cron(0 0 1 1 ? 2027-2031/2)",
        "cron(0 0 1 1 ? */100)",
        "at(2099-03-29T02:30:00)",
    ):
        scheduler.create_schedule(Name=unique("schedule"), ScheduleExpression=expression, **request)
    # AND the latter is refused
    wrong = {**request, "Target": {**target, "RoleArn": "role"}}
    assert error(scheduler.create_schedule, Name="a", ScheduleExpression="rate(1 day)", **wrong)[0] == (
        "ValidationException"
    )


@pytest.mark.parametrize("tag", [("owner", "Doe, Jane"), ("a#b", "x"), ("aws:own", "x"), ("x", "🚀")])
def test_tag_of_other_characters_is_refused(local: LocalAws, batch: Batch, tag: tuple[str, str]) -> None:
    iam, name = local.client("iam"), unique("role")
    tags = [{"Key": tag[0], "Value": tag[1]}]
    assert error(iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust("ec2"), Tags=tags)[0] == (
        "ValidationError"
    )
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2"))
    assert error(iam.tag_role, RoleName=name, Tags=tags)[0] == "ValidationError"
    queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
    assert "tags" in refusal(batch.api.tag_resource, resourceArn=queue, tags=dict([tag]))


def test_more_than_fifty_tags_of_a_role_are_refused(local: LocalAws) -> None:
    # GIVEN a role with fifty tags
    iam, name = local.client("iam"), unique("role")
    tags = [{"Key": f"t{number}", "Value": ""} for number in range(50)]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2"), Tags=tags)
    # WHEN it gets another, THEN IAM refuses that, and not a change of one
    assert error(iam.tag_role, RoleName=name, Tags=[{"Key": "more", "Value": ""}])[0] == "LimitExceeded"
    iam.tag_role(RoleName=name, Tags=[{"Key": "t1", "Value": "other"}])
