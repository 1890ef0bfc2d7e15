"""Schedules of EventBridge Scheduler as jobs need them: groups, functions as targets, pausing, and all by Terraform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    jobs_named,
    lambda_function,
    make_batch,
    make_role,
    policy,
    received,
    received_json,
    sqs_queue,
    unique,
)
from tests.hcl.terraform import Terraform

pytestmark = pytest.mark.e2e

UNIVERSAL_TARGET = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
# On a frozen clock nothing fires but by `advance`.
START = "2026-06-01T00:00:30Z"
OFF = {"Mode": "OFF"}
# The queue that it tells is taken out of its event.
TELLS = """
import boto3, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=event.pop("queue"), MessageBody=json.dumps(event))
"""


LOCAL_ARGUMENTS = ("--time", START, "--speed", "0")


@pytest.fixture
def batch(local: LocalAws) -> Iterator[Batch]:
    yield make_batch(local)
    scheduler = local.client("scheduler")
    for each in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=each["Name"], GroupName=each["GroupName"])


def schedule(local: LocalAws, target: dict[str, Any], expression: str = "cron(* * * * ? *)", **more: Any) -> str:
    name = unique("schedule")
    local.client("scheduler").create_schedule(
        Name=name, ScheduleExpression=expression, FlexibleTimeWindow=OFF, Target=target, **more
    )
    return name


def submits(batch: Batch, name: str) -> dict[str, Any]:
    """A target that submits a job."""
    request = {"JobName": name, "JobQueue": batch.queue, "JobDefinition": batch.define("pass")}
    return {"Arn": UNIVERSAL_TARGET, "RoleArn": batch.role, "Input": json.dumps(request)}


# --- functions as targets


def test_schedule_calls_a_function_with_its_input_and_context(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule that calls a function, with a nested input
    url, _ = sqs_queue(local)
    function = lambda_function(batch, TELLS, rule="arn:aws:events:*:*:rule/none")
    role = make_role(local, ("lambda:InvokeFunction",), Resource=function)
    trigger = {"scheduled_time": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}
    content = {"queue": url, "trigger": trigger, "job": {"name": "a", "except": ["2026-12-25"]}}
    name = schedule(local, {"Arn": function, "RoleArn": role, "Input": json.dumps(content)})
    # WHEN two minutes pass
    local.post("clock", advance_seconds=120)
    # THEN it was called for each of them
    events = sorted(received_json(local, url, 2), key=lambda event: str(event["trigger"]["scheduled_time"]))
    now = datetime.fromisoformat(local.get("clock")["now"]).replace(second=0)
    assert [event["trigger"]["scheduled_time"] for event in events] == [
        (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") for minutes in (1, 0)
    ]
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert {event["trigger"]["by"] for event in events} == {arn}
    assert events[0]["job"] == {"name": "a", "except": ["2026-12-25"]}


@pytest.mark.parametrize(
    ("actions", "resource", "told"),
    [
        (("lambda:InvokeFunction",), "arn:aws:lambda:*:*:function:other", "lambda:InvokeFunction"),
        (("batch:SubmitJob",), "*", "lambda:InvokeFunction"),
    ],
)
def test_role_that_may_not_invoke_this_function_is_told(
    local: LocalAws, batch: Batch, actions: tuple[str, ...], resource: str, told: str
) -> None:
    # GIVEN a schedule whose role may invoke another function, or none
    url, arn = sqs_queue(local)
    calls, _ = sqs_queue(local)
    role = make_role(local, actions, Resource=resource)
    local.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="dead-letters",
        PolicyDocument=policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}),
    )
    target = {"Arn": lambda_function(batch, TELLS), "RoleArn": role, "Input": json.dumps({"queue": calls})}
    schedule(local, target | {"DeadLetterConfig": {"Arn": arn}})
    # WHEN it fires
    local.post("clock", advance_seconds=60)
    # THEN the function is not called, and the dead letter tells why
    [message] = received(local, url)
    attributes = message["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert told in attributes["ERROR_MESSAGE"]["StringValue"]
    assert json.loads(message["Body"]) == {"queue": calls}
    assert received(local, calls) == []


def test_role_has_to_trust_scheduler_for_the_schedules_group(local: LocalAws, batch: Batch) -> None:
    # GIVEN a group, and roles that trust Scheduler for it, in both ways that AWS's pages write it, or for another
    scheduler, iam, group = local.client("scheduler"), local.client("iam"), unique("group")
    base = f"arn:aws:scheduler:{REGION}:{ACCOUNT}"
    scheduler.create_schedule_group(Name=group)

    def role(**condition: Any) -> str:
        made = make_role(local)
        trusts = {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": condition}
        trusts |= {"Principal": {"Service": "scheduler.amazonaws.com"}}
        iam.update_assume_role_policy(RoleName=made.rpartition("/")[2], PolicyDocument=policy(trusts))
        return made

    account = {"aws:SourceAccount": ACCOUNT}
    for pattern in (f"{base}:schedule-group/{group}", f"{base}:schedule/{group}/*"):
        name = unique("trusted")
        trusting = role(StringEquals=account, ArnLike={"aws:SourceArn": pattern})
        schedule(local, submits(batch, name) | {"RoleArn": trusting}, GroupName=group)
        # WHEN it fires, THEN it submits
        local.post("clock", advance_seconds=60)
        assert len(jobs_named(batch, name)) == 1
    # AND Scheduler takes no schedule with a role that does not let it in
    for refused in (
        role(ArnLike={"aws:SourceArn": f"{base}:schedule-group/default"}),
        role(StringEquals={"aws:SourceAccount": "999999999999"}),
        "arn:aws:iam::123456789012:role/none",
    ):
        with pytest.raises(scheduler.exceptions.ValidationException, match="must allow AWS EventBridge Scheduler"):
            schedule(local, submits(batch, "never") | {"RoleArn": refused}, GroupName=group)


# --- groups


def test_group_is_made_tagged_and_deleted_with_its_schedules(local: LocalAws, batch: Batch) -> None:
    # GIVEN a group with tags and two schedules, beside one of the same name in the default group
    scheduler, group, job = local.client("scheduler"), unique("group"), unique("job")
    arn = scheduler.create_schedule_group(Name=group, Tags=[{"Key": key, "Value": key} for key in "abc"])
    arn = arn["ScheduleGroupArn"]
    for name, where in (("one", group), ("two", group), ("one", "default")):
        scheduler.create_schedule(
            Name=name,
            GroupName=where,
            ScheduleExpression="cron(* * * * ? *)",
            FlexibleTimeWindow=OFF,
            Target=submits(batch, f"{job}-{where}"),
        )
    found = scheduler.get_schedule_group(Name=group)
    assert (found["Arn"], found["State"]) == (f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{group}", "ACTIVE")
    assert scheduler.get_schedule(Name="one", GroupName=group)["Arn"].endswith(f":schedule/{group}/one")
    assert {each["Name"] for each in scheduler.list_schedules(GroupName=group)["Schedules"]} == {"one", "two"}
    # WHEN two tags are taken away, and one set
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a", "b"])
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "d", "Value": "4"}])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "c", "Value": "c"},
        {"Key": "d", "Value": "4"},
    ]
    # AND the group is deleted
    scheduler.delete_schedule_group(Name=group)
    # THEN its schedules are gone and do not fire, and the other one does
    for call in (scheduler.get_schedule_group, scheduler.delete_schedule_group):
        with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
            call(Name=group)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="two", GroupName=group)
    local.post("clock", advance_seconds=60)
    assert jobs_named(batch, f"{job}-{group}") == []
    assert len(jobs_named(batch, f"{job}-default")) == 1


def test_schedules_are_listed_by_group_prefix_and_state_in_pages(local: LocalAws, batch: Batch) -> None:
    # GIVEN more schedules than fit a page
    scheduler, group = local.client("scheduler"), unique("group")
    scheduler.create_schedule_group(Name=group)
    for number in range(7):
        scheduler.create_schedule(
            Name=f"{'even' if number % 2 == 0 else 'odd'}-{number}",
            GroupName=group,
            State="DISABLED" if number == 4 else "ENABLED",
            ScheduleExpression="cron(* * * * ? *)",
            FlexibleTimeWindow=OFF,
            Target=submits(batch, "never"),
        )
    # WHEN they are listed
    pages = scheduler.get_paginator("list_schedules").paginate
    found = [page["Schedules"] for page in pages(GroupName=group, PaginationConfig={"PageSize": 3})]
    # THEN each is in one page
    assert [len(page) for page in found] == [3, 3, 1]
    assert len({each["Name"] for page in found for each in page}) == 7
    even = scheduler.list_schedules(GroupName=group, NamePrefix="even", State="ENABLED")
    assert {each["Name"] for each in even["Schedules"]} == {"even-0", "even-2", "even-6"}
    assert "NextToken" not in even
    scheduler.delete_schedule_group(Name=group)


# --- pausing


def test_paused_schedule_does_not_catch_up(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule of each minute
    scheduler, job = local.client("scheduler"), unique("paused")
    name = schedule(local, submits(batch, job))

    def update(**settings: Any) -> None:
        now = scheduler.get_schedule(Name=name)
        kept = {key: now[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
        scheduler.update_schedule(**kept, **settings)

    def count() -> int:
        return len(jobs_named(batch, job))

    local.post("clock", advance_seconds=120)
    assert count() == 2
    # WHEN it is off for ten minutes and then on for two
    update(State="DISABLED")
    local.post("clock", advance_seconds=600)
    update(State="ENABLED")
    local.post("clock", advance_seconds=120)
    # THEN it has fired in the two
    assert count() == 4
    # AND an update that changes nothing of its times neither skips nor repeats one
    update(Description="told")
    local.post("clock", advance_seconds=60)
    update(Description="told again")
    assert count() == 5


# --- Terraform

CONFIGURATION = r"""
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  s3_use_path_style = true
}
variable "suspend" { default = false }
variable "tags" {
  type    = map(string)
  default = { one = "1", two = "2", three = "3" }
}
resource "aws_scheduler_schedule_group" "service" {
  name = "my-service"
  tags = var.tags
}
resource "aws_iam_role" "trigger" {
  name = "schedule-trigger"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "scheduler.amazonaws.com" }
    Condition = {
      StringEquals = { "aws:SourceAccount" = split(":", aws_scheduler_schedule_group.service.arn)[4] }
      ArnLike = { "aws:SourceArn" = aws_scheduler_schedule_group.service.arn }
    }
  }] })
}
resource "aws_iam_role_policy" "trigger" {
  role = aws_iam_role.trigger.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "batch:SubmitJob", Resource = "*" },
    { Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "FUNCTION" },
  ] })
}
resource "aws_scheduler_schedule" "direct" {
  name                         = "direct"
  group_name                   = aws_scheduler_schedule_group.service.name
  schedule_expression          = "cron(30 2 * * ? *)"
  schedule_expression_timezone = "Europe/Berlin"
  start_date                   = "2026-06-01T12:00:00Z"
  end_date                     = "2026-06-05T00:00:00Z"
  state                        = var.suspend ? "DISABLED" : "ENABLED"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 5
  }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
    role_arn = aws_iam_role.trigger.arn
    # Scheduler does not see through what jsonencode makes of < and >
    input = replace(replace(jsonencode({
      JobName = "direct", JobQueue = "QUEUE", JobDefinition = "DEFINITION"
      ContainerOverrides = { Environment = [
        { Name = "BATCHTAB_SCHEDULED_TIME", Value = "<aws.scheduler.scheduled-time>" }
      ] }
    }), "\\u003c", "<"), "\\u003e", ">")
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 20
    }
  }
  depends_on = [aws_iam_role_policy.trigger]
}
resource "aws_scheduler_schedule" "managed" {
  name                = "managed"
  group_name          = aws_scheduler_schedule_group.service.name
  schedule_expression = "cron(0 12 * * ? *)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "FUNCTION"
    role_arn = aws_iam_role.trigger.arn
    input    = jsonencode({ queue = "URL", trigger = { scheduled_time = "<aws.scheduler.scheduled-time>" } })
  }
  depends_on = [aws_iam_role_policy.trigger]
}
"""


def test_terraform_makes_schedules_that_fire_and_finds_nothing_to_change(
    local: LocalAws, batch: Batch, tmp_path: Path
) -> None:
    # GIVEN a group and two schedules in it: one with all it can have that submits, one that calls a function
    local.post("clock", time="2026-06-01T00:00:30Z")
    url, _ = sqs_queue(local)
    text = CONFIGURATION.replace("URL", url).replace("FUNCTION", lambda_function(batch, TELLS))
    text = text.replace("QUEUE", batch.queue).replace("DEFINITION", batch.define("pass"))
    (tmp_path / "main.tf").write_text(text)
    keys = {"AWS_ENDPOINT_URL": local.endpoint, "AWS_REGION": REGION}
    terraform = Terraform(tmp_path, keys | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    terraform.init()
    # WHEN they are applied, THEN a second plan is empty
    terraform.do("apply", "-input=false", "-auto-approve")
    terraform.plan_is_empty()
    # AND they fire, within the window and between the dates, for their times in their zone
    times: dict[str, str] = {}
    for day in range(2, 8):  # Batch forgets a job after a day
        local.post("clock", advance_to=f"2026-06-0{day}T00:00:00Z")
        for job in jobs_named(batch, "direct"):
            [variable] = job["container"]["environment"]
            times[job["jobId"]] = variable["value"]
    assert list(times.values()) == [f"2026-06-0{day}T00:30:00Z" for day in (2, 3, 4)]
    assert len(received_json(local, url, 6)) == 6
    # AND a pause and other tags change two things in place, and then nothing
    done = terraform.do("apply", "-input=false", "-auto-approve", "-var=suspend=true", '-var=tags={"four":"4"}')
    assert "2 changed, 0 destroyed" in done
    assert "No changes" in terraform.do("plan", "-input=false", "-var=suspend=true", '-var=tags={"four":"4"}')
    assert local.client("scheduler").get_schedule(Name="direct", GroupName="my-service")["State"] == "DISABLED"
    # AND destroyed, nothing is left
    terraform.do("destroy", "-input=false", "-auto-approve")
    groups = local.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    assert "my-service" not in {each["Name"] for each in groups}
    assert local.client("scheduler").list_schedules()["Schedules"] == []
