"""Rules as runs of jobs need them: what a function is told of its time, and which ends of jobs it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
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
    received,
    received_json,
    sqs_queue,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e

TELLS = """
import boto3, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=event.pop("queue"), MessageBody=json.dumps(event))
"""


LOCAL_ARGUMENTS = ("--time", "2026-06-01T00:00:30Z", "--speed", "0")


@pytest.fixture
def batch(local: LocalAws) -> Iterator[Batch]:
    yield make_batch(local)
    events = local.client("events")
    for each in events.list_rules()["Rules"]:
        events.disable_rule(Name=each["Name"])


def rule(local: LocalAws, target: dict[str, Any], **settings: Any) -> None:
    events, name = local.client("events"), unique("rule")
    events.put_rule(Name=name, **settings)
    assert events.put_targets(Rule=name, Targets=[{"Id": "1", **target}])["FailedEntryCount"] == 0


def test_a_function_is_told_the_minute_for_which_its_rule_fires(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule of each minute, whose template is nested JSON: the time bare, in quotes, and inside a text
    url, _ = sqs_queue(local)
    job = {"name": "my-service-a", "except": ["2026-12-25"], "queue_limit": 10, "pause_on_failure": True}
    template = (
        f'{{"queue": "{url}", "job": {json.dumps(job)}, "trigger": {{"scheduled_time": <time>, "quoted": "<time>",'
        ' "run_id": "my-service-a@<time>", "all": [{"Value": <time>}], "none": "<nothing>"}}'
    )
    transformer = {"InputPathsMap": {"time": "$.time"}, "InputTemplate": template}
    function = lambda_function(batch, TELLS)
    rule(local, {"Arn": function, "InputTransformer": transformer}, ScheduleExpression="cron(* * * * ? *)")
    # WHEN three minutes pass, with a walk to somewhere between two of them
    local.post("clock", advance_seconds=190)
    # THEN it was called for each of them, with its whole minute
    calls = sorted(received_json(local, url, 3), key=lambda event: str(event["trigger"]["scheduled_time"]))
    last = datetime.fromisoformat(local.get("clock")["now"]).replace(second=0)
    times = [(last - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") for minutes in (2, 1, 0)]
    assert [event["trigger"]["scheduled_time"] for event in calls] == times
    assert calls[0]["job"] == job
    assert calls[0]["trigger"] == {
        "scheduled_time": times[0],
        "quoted": times[0],
        "run_id": f"my-service-a@{times[0]}",
        "all": [{"Value": times[0]}],
        "none": "<nothing>",
    }


def test_a_job_gets_its_rules_time_as_variables(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule that submits a job, and sets two of its variables
    name = unique("timed")
    template = (
        '{"ContainerOverrides": {"Environment": [{"Name": "BATCHTAB_SCHEDULED_TIME", "Value": <time>},'
        f' {{"Name": "BATCHTAB_RUN_ID", "Value": "{name}@<time>"}}]}}}}'
    )
    target = {
        "Arn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}",
        "RoleArn": batch.role,
        "BatchParameters": {"JobDefinition": batch.define("pass"), "JobName": name},
        "InputTransformer": {"InputPathsMap": {"time": "$.time"}, "InputTemplate": template},
    }
    rule(local, target, ScheduleExpression="cron(* * * * ? *)")
    # WHEN its minute comes
    local.post("clock", advance_seconds=60)
    # THEN the job has it
    [job] = jobs_named(batch, name)
    minute = datetime.fromisoformat(local.get("clock")["now"]).strftime("%Y-%m-%dT%H:%M:00Z")
    assert job["container"]["environment"] == [
        {"name": "BATCHTAB_SCHEDULED_TIME", "value": minute},
        {"name": "BATCHTAB_RUN_ID", "value": f"{name}@{minute}"},
    ]


def test_ends_of_runs_are_told_by_a_variable_of_their_definition_and_arrays_once(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule on the ends of jobs that have a variable, and are no array's child
    url, arn = sqs_queue(local)
    pattern = {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {
            "status": ["SUCCEEDED", "FAILED"],
            "container": {"environment": {"name": ["BATCHTAB_RUN_POLICY"]}},
            "arrayProperties": {"index": [{"exists": False}]},
        },
    }
    rule(local, {"Arn": arn}, EventPattern=json.dumps(pattern))
    variables = [{"name": "BATCHTAB_RUN_POLICY", "value": "queue"}, {"name": "OTHER", "value": "1"}]
    managed = batch.define("pass", properties={"environment": variables})
    other = batch.define("pass", properties={"environment": [{"name": "NOT_BATCHTAB_RUN_POLICY", "value": "queue"}]})
    overrides = {"environment": [{"name": "BATCHTAB_RUN_ID", "value": "a@2026-06-01T00:00:00Z"}]}
    # WHEN jobs with and without it end
    ids = [batch.submit(other), batch.submit(managed, containerOverrides=overrides)]
    ids += [batch.submit(managed, arrayProperties={"size": 2}), batch.submit(batch.define("pass"))]
    for job_id in ids:
        batch.wait(job_id)
    # THEN those with it are told, once each, with their overrides
    told: dict[str, dict[str, Any]] = {}

    def all_told() -> bool:
        told.update({e["detail"]["jobId"]: e["detail"] for e in map(_body, received(local, url))})
        return len(told) >= 2

    wait_until(all_told, "the events")
    assert set(told) == {ids[1], ids[2]}
    environment = {each["name"]: each["value"] for each in told[ids[1]]["container"]["environment"]}
    assert environment == {
        "BATCHTAB_RUN_POLICY": "queue",
        "OTHER": "1",
        "BATCHTAB_RUN_ID": "a@2026-06-01T00:00:00Z",
    }


def _body(message: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message["Body"])
    return body


def test_terminated_jobs_are_told_with_the_reason_whatever_they_did(local: LocalAws) -> None:
    # GIVEN a queue with room for one job, of three: one RUNNING, one RUNNABLE, one PENDING
    batch = make_batch(local, vcpus=1)
    url, arn = sqs_queue(local)
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"], "jobQueue": [{"suffix": batch.queue}]}}
    rule(local, {"Arn": arn}, EventPattern=json.dumps(pattern))
    definition = batch.define("import time; time.sleep(60)")
    running_one = batch.submit(definition)
    batch.wait(running_one, "RUNNING")
    runnable = batch.submit(definition)
    pending = batch.submit(definition, dependsOn=[{"jobId": running_one}])
    batch.wait(runnable, "RUNNABLE")
    batch.wait(pending, "PENDING")
    # WHEN all are terminated
    reason = "Replaced by the run of 2026-06-01T00:01:00Z"
    for job_id in (pending, runnable, running_one):
        batch.api.terminate_job(jobId=job_id, reason=reason)
        job = batch.wait(job_id)
        assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", reason, True)
    # THEN each is one event with the reason, and only the one that ran has an exit code
    told: list[dict[str, Any]] = []

    def all_told() -> bool:
        told.extend(map(_body, received(local, url)))
        return len(told) >= 3

    wait_until(all_told, "the events")
    assert [event["detail"]["jobId"] for event in told] == [pending, runnable, running_one]
    assert {event["detail"]["statusReason"] for event in told} == {reason}
    assert [event["detail"]["container"].get("exitCode") for event in told] == [None, None, 143]
