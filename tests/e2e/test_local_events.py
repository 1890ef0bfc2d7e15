"""What local AWS tells EventBridge, and what EventBridge and Scheduler make it do."""

from __future__ import annotations

import json
import os
import signal
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
    sqs_queue,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e

UNIVERSAL_TARGET = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
# On a frozen clock nothing fires but by `advance`.
START = "2026-06-01T00:00:30Z"


LOCAL_ARGUMENTS = ("--time", START, "--speed", "0")


@pytest.fixture(autouse=True)
def quiet(local: LocalAws) -> Iterator[None]:
    """Nothing of one test fires in the next."""
    yield
    events, scheduler = local.client("events"), local.client("scheduler")
    for each in events.list_rules()["Rules"]:
        events.disable_rule(Name=each["Name"])
    for each in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=each["Name"])


def rule(local: LocalAws, **settings: Any) -> str:
    name = unique("rule")
    local.client("events").put_rule(Name=name, **settings)
    return name


def target(local: LocalAws, rule_name: str, **settings: Any) -> None:
    answer = local.client("events").put_targets(Rule=rule_name, Targets=[{"Id": "1", **settings}])
    assert answer["FailedEntryCount"] == 0


def queue_arn(batch: Batch) -> str:
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"


def schedule(local: LocalAws, batch: Batch, expression: str, request: dict[str, Any], **more: Any) -> str:
    name = unique("schedule")
    own = more.pop("target", {})
    local.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow=more.pop("FlexibleTimeWindow", {"Mode": "OFF"}),
        Target={"Arn": UNIVERSAL_TARGET, "RoleArn": batch.role, "Input": json.dumps(request), **own},
        **more,
    )
    return name


# --- events


def test_every_change_of_status_is_an_event_with_the_job_as_its_detail(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule for Batch's events that sends to a queue
    url, arn = sqs_queue(local)
    pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"], "detail": {"jobName": ["told"]}}
    target(local, rule(local, EventPattern=json.dumps(pattern)), Arn=arn)
    # WHEN a job waits for another, fails, is tried again and fails
    gate = unique("gate")
    first = batch.submit(batch.define_gated(gate))
    code = batch.define("import sys; sys.exit(4)", retryStrategy={"attempts": 2})
    job_id = batch.submit(code, jobName="told", dependsOn=[{"jobId": first}])
    batch.wait(job_id, "PENDING")
    batch.open(gate)
    job = batch.wait(job_id)
    events: list[dict[str, Any]] = []

    def all_told() -> bool:
        events.extend(json.loads(message["Body"]) for message in received(local, url))
        return bool(events) and events[-1]["detail"]["status"] == "FAILED"

    wait_until(all_told, "the last event")
    # THEN each status is told in order
    statuses = [event["detail"]["status"] for event in events]
    assert statuses == [
        "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "RUNNABLE", "STARTING", "RUNNING", "FAILED"
    ]  # fmt: skip
    last = events[-1]
    assert (last["source"], last["detail-type"], last["version"]) == ("aws.batch", "Batch Job State Change", "0")
    assert (last["account"], last["region"], last["time"]) == (ACCOUNT, REGION, local.get("clock")["now"])
    assert last["resources"] == [job["jobArn"]]
    assert last["detail"] == job
    assert len({event["id"] for event in events}) == len(events)
    assert "startedAt" not in events[0]["detail"]


def test_head_of_a_queue_that_can_never_be_placed_is_told_and_ended_by_the_queues_limit(local: LocalAws) -> None:
    # GIVEN a queue that ends such jobs after ten minutes
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    limit = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    batch = make_batch(local, vcpus=2, jobStateTimeLimitActions=[limit])
    url, arn = sqs_queue(local)
    target(local, rule(local, EventPattern='{"detail-type": ["Batch Job Queue Blocked"]}'), Arn=arn)
    # WHEN a job asks for more than the environment has, and one stands behind it
    big = {"resourceRequirements": [{"type": "VCPU", "value": "3"}]}
    blocked, behind = batch.run("pass"), batch.define("pass")
    batch.wait(blocked)
    blocked = batch.submit(behind, containerOverrides=big)
    second = batch.submit(behind)
    [message] = wait_until(lambda: received(local, url), "the event")
    # THEN an event tells the job and the queue
    event = json.loads(message["Body"])
    assert event["resources"] == [batch.job(blocked)["jobArn"], queue_arn(batch)]
    assert event["detail"]["statusReason"].startswith(reason)
    assert (batch.job(blocked)["status"], batch.job(second)["status"]) == ("RUNNABLE", "RUNNABLE")
    # AND when its time is over the job is cancelled and the next one runs
    local.post("clock", advance_seconds=601)
    assert batch.wait(blocked)["isCancelled"] is True
    assert batch.wait(second)["status"] == "SUCCEEDED"


def test_failed_job_reaches_slack_through_a_rule_and_a_function(local: LocalAws, batch: Batch) -> None:
    # GIVEN a function that posts to the page, called for failed jobs
    code = (
        "import json, os, urllib.request\n"
        "def handler(event, context):\n"
        "    d = event['detail']\n"
        "    text = f\"{d['jobName']} ended with {d['container']['exitCode']}\"\n"
        "    body = json.dumps({'channel': '#jobs', 'username': 'batch', 'text': text}).encode()\n"
        "    urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_local/slack', body)\n"
    )
    function = lambda_function(batch, code)
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"], "jobName": ["doomed"]}}
    target(local, rule(local, EventPattern=json.dumps(pattern)), Arn=function)
    job_id = batch.submit(
        batch.define("import os,time; print(os.getpid(), flush=True); time.sleep(60)"), jobName="doomed"
    )
    job = batch.wait(job_id, "RUNNING")
    [pid] = wait_until(lambda: batch.output(job), "the job's first line")
    # WHEN somebody kills the job's process
    os.kill(int(pid), signal.SIGKILL)
    # THEN the alert arrives
    [entry] = wait_until(lambda: local.get("slack"), "the alert", seconds=120)
    assert entry["message"]["text"] == "doomed ended with 137"


# --- rules with a Batch target


def test_rule_submits_with_its_parameters_and_input(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule of every five minutes whose target has parameters, an array, attempts and an input
    definition = batch.define("python", "-c", "import os,sys; print(sys.argv[1], os.environ['WHEN'])", "Ref::Who")
    name = unique("by-rule")
    transformer = {
        "InputPathsMap": {"time": "$.time"},
        "InputTemplate": '{"Parameters": {"Who": "you"}, "ContainerOverrides": '
        '{"Environment": [{"Name": "WHEN", "Value": <time>}]}}',
    }
    target(
        local,
        rule(local, ScheduleExpression="cron(0/5 * * * ? *)"),
        Arn=queue_arn(batch),
        RoleArn=batch.role,
        BatchParameters={
            "JobDefinition": definition,
            "JobName": name,
            "ArrayProperties": {"Size": 2},
            "RetryStrategy": {"Attempts": 4},
        },
        InputTransformer=transformer,
    )
    # WHEN the clock passes its next time
    before = local.get("clock")["now"]
    after = local.post("clock", advance_seconds=300)["now"]
    # THEN it has submitted the job once, with all of them
    [job] = jobs_named(batch, name)
    batch.wait(job["jobId"])
    assert (job["arrayProperties"]["size"], job["retryStrategy"]["attempts"]) == (2, 4)
    [line] = batch.output(batch.wait(f"{job['jobId']}:1"))
    who, when = line.split()
    assert who == "you"
    assert before < when <= after
    assert when.endswith(":00Z")
    assert int(when[14:16]) % 5 == 0


def test_rule_with_an_event_pattern_submits_a_job(local: LocalAws, batch: Batch) -> None:
    name = unique("by-event")
    target(
        local,
        rule(local, EventPattern='{"source": ["my.app"]}'),
        Arn=queue_arn(batch),
        RoleArn=batch.role,
        BatchParameters={"JobDefinition": batch.define("pass"), "JobName": name},
    )
    local.client("events").put_events(Entries=[{"Source": "my.app", "DetailType": "x", "Detail": "{}"}])
    wait_until(lambda: jobs_named(batch, name), "the job")


def test_disabled_rule_does_not_fire_and_does_not_catch_up(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule of every minute
    name, job = rule(local, ScheduleExpression="rate(1 minute)"), unique("every-minute")
    parameters = {"JobDefinition": batch.define("pass"), "JobName": job}
    target(local, name, Arn=queue_arn(batch), RoleArn=batch.role, BatchParameters=parameters)
    local.post("clock", advance_seconds=180)
    assert len(jobs_named(batch, job)) == 3
    # WHEN it is off for ten minutes and then on for two
    local.client("events").disable_rule(Name=name)
    local.post("clock", advance_seconds=600)
    local.client("events").enable_rule(Name=name)
    local.post("clock", advance_seconds=120)
    # THEN it has fired in the two
    assert len(jobs_named(batch, job)) == 5


@pytest.mark.parametrize(
    "expression", ["cron(0 0 * * * *)", "rate(1 minutes)", "at(2026-01-01T00:00:00)", "cron(61 * * * ? *)"]
)
def test_rule_with_a_wrong_expression_is_refused(local: LocalAws, expression: str) -> None:
    events = local.client("events")
    with pytest.raises(events.exceptions.ClientError, match="ScheduleExpression is not valid"):
        rule(local, ScheduleExpression=expression)


# --- schedules


def test_schedule_submits_with_every_field_and_its_context(local: LocalAws, batch: Batch) -> None:
    # GIVEN a one-time schedule whose input uses the context attributes
    definition = batch.define(
        "python", "-c", "import sys; print(sys.argv[1:])", "Ref::at", "Ref::arn", "Ref::try", "Ref::id"
    )
    job = unique("by-schedule")
    parameters = {
        "at": "<aws.scheduler.scheduled-time>",
        "arn": "<aws.scheduler.schedule-arn>",
        "try": "<aws.scheduler.attempt-number>",
        "id": "<aws.scheduler.execution-id>",
    }
    request = {
        "JobName": job,
        "JobQueue": queue_arn(batch),
        "JobDefinition": definition,
        "Parameters": parameters,
        "Tags": {"from": "schedule"},
        "Timeout": {"AttemptDurationSeconds": 90},
    }
    soon = datetime.fromisoformat(local.get("clock")["now"]) + timedelta(minutes=10)
    moment = soon.strftime("%Y-%m-%dT%H:%M:%S")
    name = schedule(local, batch, f"at({moment})", request, ActionAfterCompletion="DELETE")
    # WHEN its moment comes
    local.post("clock", advance_to=f"{moment}Z")
    # THEN the job has all of it, and the schedule is gone
    [submitted] = jobs_named(batch, job)
    ended = batch.wait(submitted["jobId"])
    [line] = batch.output(ended)
    at, arn, attempt, execution = eval(line)  # noqa: S307 - the job printed a list
    assert (at, attempt) == (f"{moment}Z", "1")
    assert arn == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert len(execution) == 36
    assert (ended["tags"], ended["timeout"]) == ({"from": "schedule"}, {"attemptDurationSeconds": 90})
    scheduler = local.client("scheduler")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ScheduleExpressionTimezone": "Europe/Nowhere"}, "time zone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"StartDate": 1_800_000_000, "EndDate": 1_700_000_000}, "EndDate"),
        ({"expression": "cron(0 9 * * *)"}, "six fields"),
    ],
)
def test_schedule_is_refused(local: LocalAws, batch: Batch, settings: dict[str, Any], told: str) -> None:
    scheduler = local.client("scheduler")
    expression = settings.pop("expression", "cron(0 9 * * ? *)")
    with pytest.raises(scheduler.exceptions.ValidationException, match=told):
        schedule(local, batch, expression, {}, **settings)


# --- deliveries that fail


def test_failed_delivery_of_a_rule_goes_to_the_dead_letter_queue_after_its_retries(
    local: LocalAws, batch: Batch
) -> None:
    # GIVEN a rule whose job definition does not exist, with two retries
    url, arn = sqs_queue(local)
    name = rule(local, ScheduleExpression="rate(1 hour)")
    target(
        local,
        name,
        Arn=queue_arn(batch),
        RoleArn=batch.role,
        BatchParameters={"JobDefinition": "none", "JobName": "never"},
        RetryPolicy={"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600},
        DeadLetterConfig={"Arn": arn},
    )
    # WHEN it fires and its retries are over
    local.post("clock", advance_seconds=3601)
    assert received(local, url) == []
    local.post("clock", advance_seconds=60)
    # THEN the event is there once, with the reason
    [message] = received(local, url)
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE") == "JobDefinition none does not exist"
    assert attributes == {
        "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}",
        "TARGET_ARN": queue_arn(batch),
        "ERROR_CODE": "ClientException",
        "RETRY_ATTEMPTS": "2",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }
    assert json.loads(message["Body"])["detail-type"] == "Scheduled Event"


def test_delivery_that_succeeds_on_a_retry_is_not_lost(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule whose job queue is disabled when it fires
    url, arn = sqs_queue(local)
    job = unique("late")
    request = {"JobName": job, "JobQueue": queue_arn(batch), "JobDefinition": batch.define("pass")}
    batch.api.update_job_queue(jobQueue=batch.queue, state="DISABLED")
    policy = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 20}
    failing = {"RetryPolicy": policy, "DeadLetterConfig": {"Arn": arn}}
    schedule(local, batch, "rate(1 day)", request, target=failing)
    local.post("clock", advance_seconds=10)
    assert jobs_named(batch, job) == []
    # WHEN the queue is enabled
    batch.api.update_job_queue(jobQueue=batch.queue, state="ENABLED")
    local.post("clock", advance_seconds=1200)
    # THEN the job has been submitted once, and nothing is in the dead-letter queue
    assert len(jobs_named(batch, job)) == 1
    assert received(local, url) == []


def test_failed_delivery_of_a_schedule_tells_its_input(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule onto a job queue that does not exist: its target is gone, so it is not retried
    url, arn = sqs_queue(local)
    request = {"JobName": "never", "JobQueue": "none", "JobDefinition": batch.define("pass")}
    name = schedule(local, batch, "rate(10 minutes)", request, target={"DeadLetterConfig": {"Arn": arn}})
    # WHEN it fires
    local.post("clock", advance_seconds=1)
    # THEN its dead-letter queue has the input and the reason
    [message] = received(local, url)
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"]) == request
    assert attributes["ERROR_CODE"] == "RESOURCE_NOT_FOUND"
    assert attributes["SCHEDULE_ARN"].endswith(f"/{name}")


@pytest.mark.parametrize("role", ["arn:aws:iam::123456789012:role/none", None])
def test_rule_without_a_role_that_exists_does_not_submit(local: LocalAws, batch: Batch, role: str | None) -> None:
    # GIVEN a rule whose target's role is missing
    url, arn = sqs_queue(local)
    settings = {"BatchParameters": {"JobDefinition": batch.define("pass"), "JobName": "never"}}
    settings |= {"DeadLetterConfig": {"Arn": arn}} | ({"RoleArn": role} if role else {})
    target(local, rule(local, ScheduleExpression="rate(1 minute)"), Arn=queue_arn(batch), **settings)
    # WHEN it fires, THEN no job is submitted and the event is kept at once
    local.post("clock", advance_seconds=60)
    assert jobs_named(batch, "never") == []
    [message] = received(local, url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_role_that_may_not_submit_this_is_told(local: LocalAws, batch: Batch) -> None:
    # GIVEN roles that may submit to another queue, another definition, nothing, or not be taken by EventBridge
    queue, definition = queue_arn(batch), batch.define("pass")
    base = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition"
    submit, iam = ("batch:SubmitJob",), local.client("iam")
    stranger = unique("role")
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}})
    roles = {
        make_role(local, submit, Resource=[f"{queue}-other", f"{base}/*"]): queue,
        make_role(local, submit, Resource=[queue, f"{base}/other-*"]): definition,
        make_role(local, ("batch:ListJobs",)): "batch:SubmitJob",
        iam.create_role(RoleName=stranger, AssumeRolePolicyDocument=trust)["Role"]["Arn"]: "does not trust",
    }
    # AND one that may submit its revisions and not what the target names: that is not the same resource
    denying = make_role(local, submit)
    denied = policy({"Effect": "Deny", "Action": "batch:SubmitJob", "Resource": f"{base}/{definition}"})
    iam.put_role_policy(RoleName=denying.rpartition("/")[2], PolicyName="deny", PolicyDocument=denied)
    roles[denying] = "explicit deny"
    for role, told in roles.items():
        url, arn = sqs_queue(local)
        parameters = {"JobDefinition": definition, "JobName": "never"}
        name = rule(local, EventPattern=json.dumps({"source": [role]}))
        target(local, name, Arn=queue, RoleArn=role, BatchParameters=parameters, DeadLetterConfig={"Arn": arn})
        # WHEN an event comes, THEN nothing is submitted, and the dead letter tells what is missing
        local.client("events").put_events(Entries=[{"Source": role, "DetailType": "x", "Detail": "{}"}])
        [message] = received(local, url)
        assert told in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert jobs_named(batch, "never") == []
    # AND that EventBridge could not take a role is among what was denied
    refused = [each for each in local.get("iam")["denied"] if each["principal"] == "events.amazonaws.com"]
    assert f"arn:aws:iam::{ACCOUNT}:role/{stranger}" in [each["resource"] for each in refused]
    # AND exactly the queue and the definition suffice
    enough = make_role(local, submit, Resource=[queue, f"{base}/{definition}", f"{base}/{definition}:*"])
    parameters = {"JobDefinition": definition, "JobName": "allowed"}
    target(local, rule(local, EventPattern='{"source": ["ok"]}'), Arn=queue, RoleArn=enough, BatchParameters=parameters)
    local.client("events").put_events(Entries=[{"Source": "ok", "DetailType": "x", "Detail": "{}"}])
    assert len(jobs_named(batch, "allowed")) == 1


def test_function_without_a_permission_for_the_rule_is_not_called(local: LocalAws, batch: Batch) -> None:
    # GIVEN a function that another rule may call
    url, arn = sqs_queue(local)
    function = lambda_function(batch, "def handler(event, context): pass", rule="arn:aws:events:*:*:rule/other")
    name = rule(local, EventPattern='{"source": ["my.denied"]}')
    target(local, name, Arn=function, DeadLetterConfig={"Arn": arn})
    # WHEN an event comes, THEN it goes to the dead-letter queue
    local.client("events").put_events(Entries=[{"Source": "my.denied", "DetailType": "x", "Detail": "{}"}])
    [message] = received(local, url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_alarm_is_described_whole_over_the_query_protocol(local: LocalAws) -> None:
    # GIVEN an alarm; Terraform's provider reads it over the Query protocol, as XML
    name = unique("alarm")
    local.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="A", MetricName="M", Dimensions=[{"Name": "Queue", "Value": "a<b"}],
        Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching", AlarmActions=["arn:aws:sns:us-east-1:123456789012:topic"],
    )  # fmt: skip
    # WHEN it is described that way
    scope = f"20260101/{REGION}/monitoring/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = f"Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1={name}".encode()
    status, answer = local.request("POST", "/", body, headers)
    # THEN nothing is missing
    assert status == 200
    text = answer.decode()
    for part in (
        "<Statistic>Maximum</Statistic>", "<Period>60</Period>", "<TreatMissingData>notBreaching</TreatMissingData>",
        "<ActionsEnabled>true</ActionsEnabled>", "<member>arn:aws:sns:us-east-1:123456789012:topic</member>",
        "<Name>Queue</Name><Value>a&lt;b</Value>",
    ):  # fmt: skip
        assert part in text, text


def test_alarm_on_a_dead_letter_queue_goes_off(local: LocalAws) -> None:
    # GIVEN alarms on the depth of two queues
    cloudwatch, sqs = local.client("cloudwatch"), local.client("sqs")
    (url, arn), (_, quiet) = sqs_queue(local), sqs_queue(local)
    names = {}
    for each in (arn, quiet):
        names[each] = unique("alarm")
        cloudwatch.put_metric_alarm(
            AlarmName=names[each],
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": each.rpartition(":")[2]}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )

    def state(alarm: str) -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"])

    # WHEN a message arrives in one of them
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    # THEN that one's alarm goes off, and only that
    wait_until(lambda: state(names[arn]) == "ALARM", "the alarm")
    assert state(names[quiet]) == "OK"


def test_failing_function_is_retried_and_its_event_kept(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rule onto a function that raises and has a dead-letter queue
    local.post("clock", lambda_retry_seconds=1)
    url, arn = sqs_queue(local)
    function = lambda_function(
        batch, "def handler(event, context): raise RuntimeError('no')", DeadLetterConfig={"TargetArn": arn}
    )
    target(local, rule(local, EventPattern='{"source": ["my.failing"]}'), Arn=function)
    # WHEN an event comes
    local.client("events").put_events(
        Entries=[{"Source": "my.failing", "DetailType": "x", "Detail": json.dumps({"n": 1})}]
    )
    # THEN it is in the queue after the retries
    [message] = wait_until(lambda: received(local, url), "the dead letter")
    assert '"n": 1' in message["Body"]


def test_an_invocation_that_is_under_way_outlives_an_update(local: LocalAws, batch: Batch, tmp_path: Path) -> None:
    # GIVEN a function that takes a while
    url, _ = sqs_queue(local)
    code = """
import boto3, os, time
def handler(event, context):
    queue = boto3.client("sqs")
    queue.send_message(QueueUrl=event["queue"], MessageBody="begun")
    while not os.path.exists(event["gate"]):
        time.sleep(0.02)
    queue.send_message(QueueUrl=event["queue"], MessageBody=os.environ["SAYS"])
"""
    function = lambda_function(batch, code, Timeout=120, Environment={"Variables": {"SAYS": "old"}})
    functions = local.client("lambda")
    gate = tmp_path / "gate"
    event = json.dumps({"queue": url, "gate": str(gate)})
    functions.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    assert wait_until(lambda: bodies(local, url), "its begin") == ["begun"]
    # WHEN its configuration is changed meanwhile
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": {"SAYS": "new"}})
    gate.touch()
    # THEN it ends with the old one, and the next invocation has the new one
    assert wait_until(lambda: bodies(local, url), "its end") == ["old"]
    functions.invoke(FunctionName=function, Payload=event)
    assert bodies(local, url) == ["begun", "new"]


def bodies(local: LocalAws, url: str) -> list[str]:
    return [message["Body"] for message in received(local, url)]
