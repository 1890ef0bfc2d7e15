"""Faults that local AWS makes on request: a service that is away, requests that are held up, events that come twice."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    function_process,
    jobs_named,
    lambda_function,
    make_batch,
    received,
    running,
    sqs_queue,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e


LOCAL_ARGUMENTS = ("--speed", "0")


@pytest.fixture
def batch(local: LocalAws) -> Iterator[Batch]:
    yield make_batch(local)
    local.request("DELETE", "/_local/faults")


def refused(call: Any, **request: Any) -> bool:
    """Whether a call is refused as by a service that is away."""
    try:
        call(**request)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 503)
    return False


def in_thread(call: Any, **request: Any) -> tuple[threading.Thread, list[Any]]:
    """Call in a thread; returns it, and a list that gets the answer."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(call(**request))
        except ClientError as error:
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def test_a_service_that_is_away_refuses_and_comes_back(local: LocalAws, batch: Batch) -> None:
    # GIVEN a DynamoDB that is away for six seconds
    tables = local.client("dynamodb")
    began = time.monotonic()
    [fault] = local.post("faults", service="dynamodb", seconds=6)
    assert 0 < fault.pop("seconds_left") <= 6
    assert fault == {"service": "dynamodb", "operation": None, "refuse": True, "met": 0, "held": 0}
    # WHEN it is asked, THEN it refuses, and others do not
    is_refused, met = refused(tables.list_tables), [each["met"] for each in local.get("faults")]
    assert (is_refused and met == [1]) or time.monotonic() - began >= 6  # a machine may pause so long
    assert batch.api.describe_job_queues()["jobQueues"]
    # AND then it is there
    wait_until(lambda: not refused(tables.list_tables), "DynamoDB", seconds=30)
    assert time.monotonic() - began >= 6
    assert local.get("faults") == []


def test_one_operation_is_refused_until_somebody_ends_it(local: LocalAws, batch: Batch) -> None:
    # GIVEN faults of one operation each, by header, by Action and by path
    for service, operation in (("dynamodb", "CreateTable"), ("iam", "ListUsers"), ("batch", "SubmitJob")):
        local.post("faults", service=service, operation=operation)
    tables, iam, definition = local.client("dynamodb"), local.client("iam"), batch.define("pass")
    table: dict[str, Any] = {
        "TableName": unique("table"),
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    job = {"jobName": "j", "jobQueue": batch.queue, "jobDefinition": definition}
    # WHEN they and others are asked for
    assert refused(tables.create_table, **table)
    assert refused(iam.list_users)
    assert refused(batch.api.submit_job, **job)
    assert not refused(tables.list_tables)
    assert not refused(iam.list_roles)
    # THEN, ended by DELETE or by a reset, they are served
    status, body = local.request("DELETE", "/_local/faults")
    assert (status, json.loads(body)) == (200, [])
    assert not refused(tables.create_table, **table)
    assert not refused(iam.list_users)
    assert not refused(batch.api.submit_job, **job)


def test_one_of_several_faults_is_ended(local: LocalAws) -> None:
    # GIVEN two services that are away, one of them also slow
    local.post("faults", service="iam")
    local.post("faults", service="ssm", operation="GetParameter")
    local.post("faults", service="ssm", hold_seconds=2)
    # WHEN one of the faults is ended
    ended = json.dumps({"service": "ssm", "operation": "GetParameter", "refuse": True}).encode()
    status, body = local.request("DELETE", "/_local/faults", ended)
    # THEN the others are on
    assert (status, [each["service"] for each in json.loads(body)]) == (200, ["iam", "ssm"])
    assert "hold_seconds" in json.loads(body)[1]
    # AND what is no fault ends none
    status, body = local.request("DELETE", "/_local/faults", b'{"operation": "GetParameter"}')
    assert (status, len(local.get("faults"))) == (400, 2)
    local.request("DELETE", "/_local/faults")


def test_a_service_that_hangs_answers_nothing_until_the_end(local: LocalAws, batch: Batch) -> None:
    # GIVEN a Batch that hangs
    local.post("faults", service="batch", hang=True)
    thread, answers = in_thread(batch.api.describe_job_queues)
    # WHEN it has been asked
    wait_until(lambda: local.get("faults")[0]["held"] == 1, "the request")
    time.sleep(0.3)
    assert answers == []
    # THEN its answer, when the fault ends, is that it is away
    local.request("DELETE", "/_local/faults")
    thread.join(60)
    assert [each.response["ResponseMetadata"]["HTTPStatusCode"] for each in answers] == [503]


def test_a_request_that_is_held_takes_effect_afterwards(local: LocalAws, batch: Batch) -> None:
    # GIVEN submissions that are held
    local.post("faults", service="batch", operation="SubmitJob", hold_seconds=60)
    name = unique("held")
    request = {"jobName": name, "jobQueue": batch.queue, "jobDefinition": batch.define("pass")}
    thread, answers = in_thread(batch.api.submit_job, **request)
    # WHEN one is under way, THEN there is no job
    wait_until(lambda: local.get("faults")[0]["held"] == 1, "the request")
    assert jobs_named(batch, name) == []
    # AND when the fault is ended there is
    local.request("DELETE", "/_local/faults")
    thread.join(60)
    assert [job["jobId"] for job in jobs_named(batch, name)] == [answers[0]["jobId"]]
    # AND a fault that nobody ends holds a request for its time
    local.post("faults", service="batch", operation="SubmitJob", hold_seconds=1)
    began = time.monotonic()
    batch.api.submit_job(**request)
    assert time.monotonic() - began >= 1


SUBMITS = """
import boto3, os
def handler(event, context):
    print("attempt", context.aws_request_id)
    return boto3.client("batch").submit_job(**event)["jobId"]
"""


@pytest.mark.parametrize(("fault", "jobs_when_killed"), [("hold_seconds", 0), ("hold_answer_seconds", 1)])
def test_a_function_that_is_killed_before_or_after_it_submits_is_tried_again(
    local: LocalAws, batch: Batch, fault: str, jobs_when_killed: int
) -> None:
    # GIVEN a function whose submission, or its answer, is held up, and a Lambda that tries again, but not at once
    assert local.post("clock", lambda_retry_seconds=20)["lambda_retry_seconds"] == 20
    local.post("faults", service="batch", operation="SubmitJob", **{fault: 60})
    function, job = lambda_function(batch, SUBMITS, Timeout=120), unique("killed")
    request = {"jobName": job, "jobQueue": batch.queue, "jobDefinition": batch.define("pass")}
    local.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(request))
    wait_until(lambda: local.get("faults")[0]["held"] == 1, "the submission")
    # WHEN its process is killed
    os.kill(function_process(local, function), signal.SIGKILL)
    wait_until(lambda: local.get("faults")[0]["held"] == 0, "the end of the connection")
    time.sleep(0.3)
    # THEN a request that was held before it took effect never does, and one that was held after has done
    assert len(jobs_named(batch, job)) == jobs_when_killed
    # AND Lambda tries again, under the same request id
    local.request("DELETE", "/_local/faults")
    wait_until(lambda: len(jobs_named(batch, job)) == jobs_when_killed + 1, "the next attempt")
    ids = wait_until(lambda: len(found := attempts(local, function)) == 2 and found, "its log")
    assert len(set(ids)) == 1


def attempts(local: LocalAws, function: str) -> list[str]:
    """The request id of each attempt, of which the function itself has told the last one's."""
    group = f"/aws/lambda/{function.rpartition(':')[2]}"
    lines = [event["message"] for event in local.client("logs").filter_log_events(logGroupName=group)["events"]]
    ids = [line.split()[2] for line in lines if line.startswith("START RequestId:")]
    return ids if f"attempt {ids[-1]}" in lines else []


def test_what_is_away_when_a_rule_fires_gets_the_event_later(local: LocalAws, batch: Batch) -> None:
    # GIVEN rules onto a queue and onto a function, while Batch and Lambda are away
    url, _ = sqs_queue(local)
    events, name = local.client("events"), unique("patient")
    function = lambda_function(
        batch, "import boto3, os\ndef handler(event, context): boto3.client('sqs').send_message("
        f"QueueUrl={url!r}, MessageBody=event['source'])"
    )  # fmt: skip
    queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
    to_batch = {"Arn": queue, "RoleArn": batch.role}
    to_batch |= {"BatchParameters": {"JobDefinition": batch.define("pass"), "JobName": name}}
    for target in (to_batch, {"Arn": function}):
        rule = unique("rule")
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["my.patient"]}))
        events.put_targets(Rule=rule, Targets=[{"Id": "1", **target}])
    local.post("faults", service="batch")
    local.post("faults", service="lambda")
    # WHEN an event comes
    events.put_events(Entries=[{"Source": "my.patient", "DetailType": "x", "Detail": "{}"}])
    local.post("clock", advance_seconds=10)
    assert received(local, url) == []
    assert {each["service"] for each in local.get("faults") if each["met"] > 1} == {"batch", "lambda"}
    # THEN it is delivered once, each, when they are back
    local.request("DELETE", "/_local/faults")
    local.post("clock", advance_seconds=60)
    assert len(jobs_named(batch, name)) == 1
    assert [message["Body"] for message in wait_until(lambda: received(local, url), "the function")] == ["my.patient"]


@pytest.mark.parametrize("sender", ["events", "scheduler"])
def test_events_may_come_more_than_once(local: LocalAws, batch: Batch, sender: str) -> None:
    # GIVEN a rule or a schedule of each minute, whose events come three times
    name = unique("tripled")
    request = {"JobName": name, "JobQueue": batch.queue, "JobDefinition": batch.define("pass")}
    if sender == "events":
        queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
        parameters = {"JobDefinition": request["JobDefinition"], "JobName": name}
        target = {"Id": "1", "Arn": queue, "RoleArn": batch.role, "BatchParameters": parameters}
        local.client("events").put_rule(Name=name, ScheduleExpression="cron(* * * * ? *)")
        local.client("events").put_targets(Rule=name, Targets=[target])
    else:
        local.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="cron(* * * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
                "RoleArn": batch.role,
                "Input": json.dumps(request),
            },
        )
    local.post("faults", service=sender, deliveries=3)
    # WHEN two minutes pass, and one without the fault
    local.post("clock", advance_seconds=120)
    assert len(jobs_named(batch, name)) == 6
    local.request("DELETE", "/_local/faults")
    local.post("clock", advance_seconds=60)
    # THEN only the two were tripled
    assert len(jobs_named(batch, name)) == 7
    if sender == "events":
        local.client("events").disable_rule(Name=name)
    else:
        local.client("scheduler").delete_schedule(Name=name)


def test_a_fault_that_is_none_is_refused(local: LocalAws) -> None:
    body = json.dumps({"service": "dynamodb", "hold": 1}).encode()
    status, told = local.refused("POST", "faults", body)
    assert (status, told.split(":")[0]) == (400, "hold")
    status, told = local.refused("PUT", "faults")
    assert (status, told) == (405, "PUT is not served here, but GET, POST, DELETE")
    status, told = local.refused("POST", "clock", b'{"lambda_retry_seconds": -1}')
    assert told == "lambda_retry_seconds: -1 is not from 0 to 600"


def test_a_reset_ends_faults(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        local.post("faults", service="dynamodb")
        local.post("reset")
        assert local.get("faults") == []
        assert local.client("dynamodb").list_tables()["TableNames"] == []
