"""`--explain` of commands that only show: the `aws` commands, each as AWS has it, and no call that is not needed."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator
from tests.unit.cli.fake_aws import PREFIX, FakeAws, missing

from batchtab.cli.main import main

JOB = "examples-report"  # at nine in Seoul
DUE = "2026-11-26T00:00:00Z"
#: What the AWS CLI itself takes.
_OWN = {"region", "endpoint-url", "query", "output", "cli-binary-format"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    return FakeAws(monkeypatch)


@cache
def model(service: str) -> Any:
    return get_session().get_service_model({"s3api": "s3"}.get(service, service))


def checked(line: str) -> str:
    """What a command calls, after its options are checked against AWS's model of the call."""
    inner = re.findall(r"\$\((.*)\)", line)
    for each in inner:
        checked(each)
    words = shlex.split(re.sub(r'"\$\(.*\)"', "URL", line))
    assert words[0] == "aws"
    service, command = words[1:3]
    name = next(each for each in model(service).operation_names if xform_name(each, "-") == command)
    shape = model(service).operation_model(name).input_shape
    members = {xform_name(member, "-"): (member, its) for member, its in shape.members.items()} if shape else {}
    given: dict[str, list[str]] = {}
    positional = []
    option = ""
    for word in words[3:]:
        if word.startswith("--"):
            option = word[2:]
            given[option] = []
        elif option and (not given[option] or option == "attribute-names"):
            given[option].append(word)
        else:
            positional.append(word)
    assert given.pop("region") == ["ap-northeast-2"]
    arguments = {}
    for option, values in given.items():
        if option in _OWN:
            continue
        member, its = members[option.removeprefix("no-") if not values else option]
        arguments[member] = _read(its, values, is_on=not option.startswith("no-"))
    assert positional == (["/dev/stdout"] if command in ("get-object", "invoke") else [])
    if shape:
        report = ParamValidator().validate(arguments, shape)
        assert not report.has_errors(), report.generate_report()
    return f"{service} {command}"


def _read(shape: Any, values: list[str], *, is_on: bool) -> Any:
    if shape.type_name == "boolean":
        return is_on
    if shape.type_name in ("integer", "long"):
        return int(values[0])
    if shape.type_name in ("structure", "map", "list") and values[0][:1] in "[{":
        return json.loads(values[0])
    return values if shape.type_name == "list" else values[0]


def printed(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """What is called, and all that was printed."""
    output = capsys.readouterr()
    assert output.err == ""
    return [checked(line) for line in output.out.splitlines()], output.out


def test_status_of_all_jobs_and_of_one(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--explain"]) == 0
    calls, text = printed(capsys)
    assert calls.count("batch list-jobs") == 2
    assert {"batch get-job-queue-snapshot", "events list-rules", "s3api get-object"} < set(calls)
    assert "AFTER_CREATED_AT" in text
    assert main(["status", "tick", "--explain"]) == 0
    calls, text = printed(capsys)
    assert calls.count("batch list-jobs") == 1
    assert '"JOB_NAME","values":["examples-tick"]' in text
    assert f"--name {PREFIX}-examples-tick " in text
    assert "examples-report" not in text
    assert aws.called == []


def test_why_of_a_time_asks_nothing_of_aws(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "report@2026-11-26T09:00", "--explain"]) == 0
    calls, text = printed(capsys)
    assert calls[:2] == ["batch list-jobs", "dynamodb query"]
    assert {"events describe-rule", "scheduler get-schedule", "sqs receive-message"} < set(calls)
    assert f'":since":{{"S":"run#{DUE}"}}' in text
    assert "--visibility-timeout 0" in text  # nothing is hidden from others
    assert aws.called == []


def test_why_of_a_run_looks_it_up_and_no_further(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a run that has failed, and one that waits
    container = {"logStreamName": "s1", "environment": [{"name": "BATCHTAB_SCHEDULED_TIME", "value": DUE}]}
    failed = aws.job(JOB, "FAILED")
    aws.jobs[failed]["container"] = container
    waits = aws.job("examples-hello", "RUNNABLE")
    # THEN of the first the log is read, of the second the queue
    assert main(["why", failed, "--explain"]) == 0
    calls, text = printed(capsys)
    assert calls == ["batch describe-jobs", "dynamodb query", "logs filter-log-events", "logs get-log-events"]
    assert f"--jobs '[\"{failed}\"]'" in text
    assert main(["why", waits[:13], "--explain"]) == 2  # both begin so
    assert "is ambiguous: 2 runs begin with it" in capsys.readouterr().err
    assert main(["why", waits, "--explain"]) == 0
    calls, _ = printed(capsys)
    assert calls[:2] == ["batch describe-jobs", "batch get-job-queue-snapshot"]
    assert set(aws.names()) == {"list_jobs", "describe_jobs", "query"}


def test_why_of_a_failed_array_lists_its_failed_children(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    array = aws.job(JOB, "FAILED", arrayProperties={"size": 3, "statusSummary": {"FAILED": 1}})
    assert main(["why", array, "--explain"]) == 0
    assert printed(capsys)[0] == ["batch describe-jobs", "batch list-jobs"]


def test_why_of_what_is_not_there_is_refused_as_without_it(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "report@yesterday", "--explain"]) == 2
    assert main(["why", "nothing", "--explain"]) == 3
    assert capsys.readouterr().out == ""
    assert "list_jobs" not in aws.names()


def test_history_and_cost_of_all_jobs_and_of_one(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("history", "cost"):
        assert main([command, "--explain", "--since", "1d"]) == 0
        calls, text = printed(capsys)
        assert calls[:2] == ["batch list-jobs"] * 2
        assert "AFTER_CREATED_AT" in text
        assert "dynamodb query" in calls
        assert ("events list-rules" in calls) == (command == "history")
        assert main([command, "report", "--explain"]) == 0
        calls, text = printed(capsys)
        assert calls[:2] == ["batch list-jobs", "dynamodb query"]
        assert f'"JOB_NAME","values":["{JOB}"]' in text
        assert ("scheduler get-schedule" in calls) == (command == "history")
    assert aws.called == []


def test_open_looks_up_a_run_and_no_further(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.sts_get_caller_identity = lambda: {"Account": "123456789012", "Arn": "x"}  # type: ignore[method-assign]
    of_job = ["events describe-rule", "events describe-rule", "scheduler get-schedule"]
    assert main(["open", "report", "--stage", "example", "--explain"]) == 0
    assert printed(capsys)[0] == of_job
    run = aws.job(JOB, "FAILED", jobQueue="x/batchtab-example-default")
    assert main(["open", run, "--stage", "example", "--explain"]) == 0
    assert printed(capsys)[0] == ["batch describe-jobs", *of_job]
    assert "describe_rule" not in aws.names()


def test_backfill_prints_what_it_would_ask_for(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", "report", "--from", "2026-03-02", "--to", "2026-03-03", "--explain"]) == 0
    calls, text = printed(capsys)
    assert set(calls) == {"lambda invoke"}
    assert all('"mode":"backfill"' in line for line in text.splitlines())
    assert '"scheduled_time":"2026-03-02T00:00:00Z"' in text
    assert aws.called == []


SCHEDULE = {
    "Name": f"{PREFIX}-{JOB}",
    "GroupName": f"{PREFIX}-examples",
    "ScheduleExpression": "cron(0 9 * * ? *)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "EndDate": datetime(2027, 1, 1, tzinfo=UTC),
    "State": "ENABLED",
    "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "arn:aws:iam::1:role/trigger"},
}


def test_pause_and_resume_read_the_triggers_and_change_none(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a job with a rule, and one with a schedule
    aws.rules = {f"{PREFIX}-examples-tick": "ENABLED"}
    monkeypatch.setattr(FakeAws, "scheduler_get_schedule", lambda _, **asked: _found(asked["Name"]))
    for command, verb, state in (("pause", "disable-rule", "DISABLED"), ("resume", "enable-rule", "ENABLED")):
        assert main([command, "tick", "--explain"]) == 0
        assert f"events {verb}" in printed(capsys)[0]
        assert main([command, "report", "--explain"]) == 0
        calls, text = printed(capsys)
        # THEN a schedule keeps all that it has
        assert calls[0] == "scheduler update-schedule"
        assert '--end-date 2027-01-01T00:00:00+00:00 --flexible-time-window \'{"Mode":"OFF"}\'' in text
        assert f"--state {state}" in text
        # AND the function lets runs go on that wait
        assert ('"resume":{"job":"examples-report"}' in text) == (command == "resume")
    assert not {"disable_rule", "enable_rule", "update_schedule", "invoke"} & set(aws.names())


def _found(name: str) -> dict[str, Any]:
    if name != SCHEDULE["Name"]:
        raise missing("GetSchedule")
    return SCHEDULE


@pytest.mark.parametrize("stage", ["local", "example"])
def test_doctor_looks_at_the_same_and_asks_nothing(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], stage: str, project: Path
) -> None:
    jobs = project / "jobs" / "examples" / "jobs.yaml"
    secret = "    secrets: {TOKEN: /billing/token, KEY: 'secretsmanager:billing'}\n"
    text = jobs.read_text()
    jobs.write_text(re.sub(r"(\n  tick:\n)", rf"\1{secret}", text))
    assert jobs.read_text() != text
    assert main(["doctor", "--explain", "--stage", stage]) == 0
    calls, said = printed(capsys)
    everywhere = {
        *("sts get-caller-identity", "s3api head-bucket", "s3api get-object", "batch describe-job-queues"),
        *("batch describe-job-definitions", "events list-rules", "scheduler list-schedules", "iam get-role"),
        *("sqs get-queue-attributes", "ssm describe-parameters", "secretsmanager describe-secret"),
    }
    assert everywhere <= set(calls)
    on_aws = {"ecr batch-get-image", "ec2 describe-subnets", "service-quotas get-service-quota"}
    assert (on_aws & set(calls) == on_aws) == (stage == "example")
    assert "/billing/token" in said
    assert aws.called == []
