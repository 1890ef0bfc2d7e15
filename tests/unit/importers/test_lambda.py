"""Scheduled functions of Lambda: each field's value in jobs.yaml, and what is said of it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources
from tests.unit.runner.harness import ROOT, environment

from batchtab.errors import UsageError
from batchtab.importers.findings import Fate, Finding, Findings, Recorder
from batchtab.importers.importing import Result
from batchtab.importers.kinds import lambda_functions
from batchtab.importers.kinds.lambda_functions import variables
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

SAM: dict[str, Any] = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Globals": {"Function": {"Timeout": 120, "Environment": {"Variables": {"LEVEL": "info"}}}},
    "Parameters": {"Times": {"Type": "String", "Default": "cron(30 2 * * ? *)"}},
    "Resources": {
        "ReportFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": "reports",
                "CodeUri": "src/report/",
                "Handler": "pkg/app.handler",
                "Runtime": "python3.13",
                "MemorySize": 1769,
                "ReservedConcurrentExecutions": 1,
                "Architectures": ["arm64"],
                "EphemeralStorage": {"Size": 2048},
                "Description": "Writes reports",
                "Tracing": "Active",
                "Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:pandas:1"],
                "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                "FileSystemConfigs": [
                    {"Arn": "arn:aws:elasticfilesystem:eu-west-1:1:access-point/fsap-1", "LocalMountPath": "/mnt/x"}
                ],
                "Tags": {"team": "data"},
                "Role": "arn:aws:iam::123456789012:role/reports",
                "Environment": {
                    "Variables": {
                        "BUCKET": "reports",
                        "TOPIC": {"Ref": "Topic"},
                        "KEY": "{{resolve:ssm-secure:/reports/key:1}}",
                        "API": "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:api}}",
                        "DB_PASSWORD": "hunter2-hunter2",
                    }
                },
                "DeadLetterQueue": {"Type": "SQS", "TargetArn": {"Fn::GetAtt": ["Letters", "Arn"]}},
                "EventInvokeConfig": {
                    "MaximumRetryAttempts": 1,
                    "MaximumEventAgeInSeconds": 7200,
                    "DestinationConfig": {"OnSuccess": {"Type": "SQS", "Destination": "arn:aws:sqs:eu-west-1:1:done"}},
                },
                "Events": {
                    "Nightly": {
                        "Type": "ScheduleV2",
                        "Properties": {
                            "Name": "nightly",
                            "GroupName": "reports",
                            "Description": "Each night",
                            "ScheduleExpression": {"Ref": "Times"},
                            "ScheduleExpressionTimezone": "Europe/Berlin",
                            "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10},
                            "StartDate": "2026-02-01T00:00:00Z",
                            "EndDate": "2027-02-01T00:00:00Z",
                            "State": "DISABLED",
                            "Input": '{"full": true}',
                            "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
                            "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:1:letters"},
                        },
                    },
                    "Web": {"Type": "Api", "Properties": {"Path": "/", "Method": "get"}},
                },
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Letters": {"Type": "AWS::SQS::Queue"},
        "Unscheduled": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.b"}},
    },
}
SERVERLESS: dict[str, Any] = {
    "service": "reports",
    "provider": {
        "name": "aws",
        "runtime": "python3.13",
        "memorySize": 512,
        "environment": {"STAGE": "${sls:stage}", "KEY": "${ssm:/reports/key}"},
        "tags": {"team": "data"},
        "iamRoleStatements": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::in/*"}],
    },
    "functions": {
        "daily": {
            "handler": "src/daily.handler",
            "name": "daily-report",
            "description": "Writes reports",
            "timeout": 900,
            "reservedConcurrency": 1,
            "maximumRetryAttempts": 0,
            "maximumEventAge": 3600,
            "ephemeralStorageSize": 1024,
            "architecture": "arm64",
            "onError": "arn:aws:sns:eu-west-1:1:errors",
            "vpc": {"subnetIds": ["subnet-1"]},
            "tracing": "Active",
            "environment": {"LEVEL": "info"},
            "tags": {"cost": "7"},
            "destinations": {"onFailure": "arn:aws:sqs:eu-west-1:1:failed"},
            "fileSystemConfig": {"arn": "arn:aws:x:access-point/fsap-1", "localMountPath": "/mnt/x"},
            "events": [
                {
                    "schedule": {
                        "rate": ["cron(0 5 * * ? *)"],
                        "method": "scheduler",
                        "timezone": "Europe/Berlin",
                        "enabled": True,
                        "name": "daily",
                        "input": {"full": True},
                    }
                },
                {"sns": "loaded"},
            ],
        }
    },
}


def lambdas(document: object, **options: Any) -> Result:
    return sources.imported("lambda", yaml.safe_dump(document, sort_keys=False), **options)


def finding(result: Result, field: str) -> Finding:
    """The one finding of a field."""
    found = [each for each in result.imported.findings if each.field.endswith(field)]
    assert len(found) == 1, [each.field for each in result.imported.findings]
    return found[0]


def with_properties(**changes: Any) -> dict[str, Any]:
    """A small function with a schedule, with some properties."""
    properties = {"CodeUri": "x/", "Handler": "app.handler", "Runtime": "python3.13"}
    events = {"Daily": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}}}
    merged = properties | {"Events": events} | changes
    return {"Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": merged}}}


def test_a_function_of_sam_becomes_a_job() -> None:
    # WHEN a rich function is imported
    result = lambdas(SAM, service="reports")
    # THEN its job has its fields
    job = sources.jobs(result)["report"]
    command = job.pop("command")
    assert job == {
        "description": "Each night",
        "schedule": "cron(30 2 * * ? *)",
        "timezone": "Europe/Berlin",
        "start": "2026-02-01T00:00:00Z",
        "end": "2027-02-01T00:00:00Z",
        "flexible_window_minutes": 10,
        "suspend": True,
        "concurrency_policy": "queue",
        "vcpus": 1,
        "memory_mib": 2048,
        "timeout_seconds": 180,
        "attempts": 2,
        "starting_deadline_seconds": 7200,
        "architecture": "arm64",
        "environment": {"BUCKET": "reports", "LEVEL": "info"},
        "secrets": {
            "KEY": "/reports/key",
            "API": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api",
        },
        "tags": {"team": "data"},
        "job_role_arn": "arn:aws:iam::123456789012:role/reports",
    }
    # AND the command runs the handler with the event
    assert command[:3] == ["python", "-m", "batchtab.runner.lambda_handler"]
    flags = dict(zip(command[3:-1:2], command[4:-1:2], strict=True))
    assert flags == {
        "--root": "/app/jobs/reports/report",
        "--trigger": "schedule/reports/nightly",
        "--function-name": "reports",
        "--memory-mib": "1769",
        "--timeout-seconds": "120",
        "--event": '{"full": true}',
    }
    assert command[-1] == "pkg/app.handler"
    # AND it starts at the same times, but on days when clocks change
    (proven,) = result.proven
    assert proven.is_expected


@pytest.mark.parametrize(
    ("field", "fate", "needs_person"),
    [
        ("Tracing", Fate.NOT_CARRIED, False),
        ("Layers", Fate.NOT_CARRIED, True),
        ("VpcConfig", Fate.NOT_CARRIED, True),
        ("FileSystemConfigs[0]", Fate.NOT_CARRIED, True),
        ("EphemeralStorage.Size", Fate.CHANGED, False),
        ("Role", Fate.CHANGED, True),
        ("Variables.TOPIC", Fate.NOT_CARRIED, True),
        ("Variables.DB_PASSWORD", Fate.NOT_CARRIED, True),
        ("DeadLetterQueue.TargetArn", Fate.NOT_CARRIED, True),
        ("OnSuccess.Destination", Fate.NOT_CARRIED, True),
        ("EventInvokeConfig.MaximumRetryAttempts", Fate.CHANGED, False),
        ("RetryPolicy.MaximumRetryAttempts", Fate.NOT_CARRIED, False),
        ("DeadLetterConfig.Arn", Fate.NOT_CARRIED, True),
        ("Events.Web", Fate.NOT_CARRIED, True),
        ("Parameters.Times", Fate.CHANGED, True),
        ("Resources.Unscheduled", Fate.NOT_CARRIED, False),
        ("code", Fate.CHANGED, True),
    ],
)
def test_what_became_of_a_field_of_sam(field: str, fate: Fate, needs_person: bool) -> None:
    found = finding(lambdas(SAM), field)
    assert (found.fate, bool(found.todo)) == (fate, needs_person)


def test_no_secret_is_in_any_file() -> None:
    result = lambdas(SAM)
    assert "hunter2" not in result.jobs_text + result.report_text + result.proof_text


def test_a_hidden_parameter_is_for_a_person_and_in_no_file() -> None:
    # GIVEN a parameter with NoEcho, in a variable whose name says nothing
    document = with_properties(Environment={"Variables": {"SETTING": {"Ref": "Hidden"}}})
    document["Parameters"] = {"Hidden": {"NoEcho": True, "Default": "hunter2"}, "DbPassword": {"Default": "hunter2-a"}}
    result = lambdas(document)
    # THEN its value is nowhere
    assert "hunter2" not in result.jobs_text + result.report_text + result.proof_text
    assert finding(result, "Variables.SETTING").todo


def test_a_function_of_serverless_becomes_a_job() -> None:
    result = lambdas(SERVERLESS)
    assert result.service == "reports"
    job = sources.jobs(result)["daily"]
    command = job.pop("command")
    assert job == {
        "description": "Writes reports",
        "schedule": "cron(0 5 * * ? *)",
        "timezone": "Europe/Berlin",
        "concurrency_policy": "queue",
        "vcpus": 0.5,
        "memory_mib": 1024,
        "timeout_seconds": 960,
        "attempts": 1,
        "starting_deadline_seconds": 3600,
        "architecture": "arm64",
        "environment": {"LEVEL": "info"},
        "secrets": {"KEY": "/reports/key"},
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::in/*"]}],
        "tags": {"team": "data", "cost": "7"},
    }
    assert command[3:7] == ["--root", "/app/jobs/reports/code", "--trigger", "schedule/default/daily"]
    assert command[-3:] == ["--event", '{"full": true}', "src/daily.handler"]
    assert finding(result, "provider.environment.STAGE").todo


@pytest.mark.parametrize("document", [SAM, SERVERLESS], ids=["sam", "serverless"])
def test_no_field_is_without_effect(document: dict[str, Any]) -> None:
    # GIVEN what an import says of a rich source
    whole = sources.outcome(lambdas(document, years=1))
    for path, less in sources.without_one(document):
        if path.startswith(("Resources.Topic.", "Resources.Letters.", "Resources.Unscheduled.")):
            continue  # one line reports all of a resource that is no job
        # WHEN one field is dropped THEN it says something else
        with suppress(UsageError):
            assert sources.outcome(lambdas(less, years=1)) != whole, path


@pytest.mark.parametrize(
    ("memory", "size"),
    [(128, (0.25, 512)), (512, (0.5, 1024)), (1769, (1, 2048)), (3538, (2, 4096)), (10240, (8, 16384))],
)
def test_memory_gives_vcpus_by_lambdas_ratio(memory: int, size: tuple[float, int]) -> None:
    job = sources.jobs(lambdas(with_properties(MemorySize=memory)))["f"]
    assert (job["vcpus"], job["memory_mib"]) == size


@pytest.mark.parametrize(
    ("number", "expected"), [(0, {"suspend": True}), (1, {"concurrency_policy": "queue"}), (5, {})]
)
def test_reserved_concurrency(number: int, expected: dict[str, Any]) -> None:
    job = sources.jobs(lambdas(with_properties(ReservedConcurrentExecutions=number)))["f"]
    assert {key: job[key] for key in ("suspend", "concurrency_policy") if key in job} == expected


def test_schedules_of_one_function_are_jobs_that_do_not_wait_for_each_other() -> None:
    # GIVEN a function that runs once at a time, with two schedules
    events = {
        name: {"Type": "Schedule", "Properties": {"Schedule": f"cron({text} * * ? *)"}}
        for name, text in (("Morning", "0 6"), ("Evening", "0 18"))
    }
    result = lambdas(with_properties(Events=events, ReservedConcurrentExecutions=1))
    # THEN there are two jobs, and a person has to know
    assert [*sources.jobs(result)] == ["f-morning", "f-evening"]
    found = [each for each in result.imported.findings if each.field == "ReservedConcurrentExecutions"]
    assert all("other jobs" in each.todo for each in found)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            {"S3ReadPolicy": {"BucketName": "in"}},
            {"permissions": ["arn:aws:s3:::in", "arn:aws:s3:::in/*"]},
        ),
        (
            {"SQSSendMessagePolicy": {"QueueName": "q"}},
            {"permissions": ["arn:aws:sqs:*:*:q"]},
        ),
        ("AmazonS3ReadOnlyAccess", {"managed": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}),
        ("arn:aws:iam::123456789012:policy/p", {"managed": ["arn:aws:iam::123456789012:policy/p"]}),
        ("AWSLambdaVPCAccessExecutionRole", {}),
        ({"Statement": [{"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": "*"}]}, {}),
    ],
)
def test_policies_that_the_template_answers(policy: object, expected: dict[str, Any]) -> None:
    result = lambdas(with_properties(Policies=[policy]))
    job = sources.jobs(result)["f"]
    found = {
        "permissions": [arn for each in job.get("permissions", []) for arn in each["resources"]],
        "managed": job.get("managed_policy_arns", []),
    }
    assert {key: value for key, value in found.items() if value} == expected
    assert not [each for each in result.imported.findings.decisions() if each.field.startswith("Policies")]


@pytest.mark.parametrize(
    "policy",
    [
        {"S3ReadPolicy": {"BucketName": {"Ref": "Bucket"}}},
        {"SomeNewPolicy": {}},
        {"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}]},
        {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]}}]},
        {"Statement": "text"},
        7,
    ],
)
def test_policies_that_a_person_decides(policy: object) -> None:
    result = lambdas(with_properties(Policies=[policy]))
    assert "permissions" not in sources.jobs(result)["f"]
    assert [each for each in result.imported.findings.decisions() if each.field.startswith("Policies")]


def test_the_command_of_a_job_runs_the_handler_with_its_event(tmp_path: Path) -> None:
    # GIVEN the code of a function in the folder that the import names
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return [event, context.function_name]\n")
    events = {"D": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)", "Input": '{"day": 1}'}}}
    command = sources.jobs(lambdas(with_properties(Events=events), service="s"))["f"]["command"]
    assert command[4] == "/app/jobs/s/x"
    # WHEN the job's command runs there
    command[0], command[4] = sys.executable, str(tmp_path)
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT / "src")), check=True, capture_output=True, text=True
    )
    # THEN the handler gets the event
    assert json.loads(done.stdout) == [{"day": 1}, "F"]


@pytest.mark.parametrize("runtime", ["nodejs22.x", "java21", "provided.al2023", ""])
def test_another_runtime_needs_an_image(runtime: str) -> None:
    result = lambdas(with_properties(Runtime=runtime), service="reports")
    job = sources.jobs(result)["f"]
    assert (job["image"]["repository"], job["command"]) == ("reports-x", ["app.handler"])
    (todo,) = [each.todo for each in result.imported.findings.decisions() if each.field == "Runtime"]
    assert "build an image" in todo


def test_code_in_the_template_is_a_file_beside_jobs_yaml() -> None:
    document = with_properties(InlineCode="def handler(event, context): return 1\n", Handler="index.handler")
    del document["Resources"]["F"]["Properties"]["CodeUri"]
    result = lambdas(document, service="reports")
    assert result.imported.files == {"f/index.py": "def handler(event, context): return 1\n"}
    assert not result.needs_person


def test_code_with_a_secret_is_not_written() -> None:
    code = 'TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"\ndef handler(event, context): return 1\n'
    result = lambdas(with_properties(InlineCode=code, Handler="index.handler"))
    assert result.imported.files == {}
    assert "ghp_" not in result.report_text
    assert finding(result, "InlineCode").todo


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"password": "hunter2x"}, {}),
        ({"api_key": "hunter2xkkk123", "day": 1}, {"day": 1}),
        ({"db": {"token": "hunter2x", "name": "a"}, "on": True}, {"db": {"name": "a"}, "on": True}),
        ({"url": "postgres://u:hunter2x@db/x", "n": None}, {"n": None}),
        (
            {"credentials": ["hunter2x"], "list": ["a", "postgres://u:hunter2x@db/x"]},
            {"list": ["a"]},
        ),
        ({"secrets": {"value": "hunter2x"}, "none": {}}, {"none": {}}),
        (["Authorization: Bearer hunter2xabcdefghij"], []),
    ],
)
@pytest.mark.parametrize("runtime", ["python3.13", "nodejs22.x"])
def test_an_event_with_a_secret_is_named_and_not_shown(event: object, kept: object, runtime: str) -> None:
    events = {"D": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)", "Input": json.dumps(event)}}}
    result = lambdas(with_properties(Events=events, Runtime=runtime))
    # THEN no file has it
    assert "hunter2x" not in result.report_text + result.jobs_text + result.proof_text
    assert any(each.field.startswith("event") and each.todo for each in result.imported.findings)
    # AND the event is JSON without it
    command = sources.jobs(result)["f"]["command"]
    if runtime.startswith("python"):
        assert json.loads(command[command.index("--event") + 1]) == kept


def test_an_event_without_a_secret_is_as_it_was() -> None:
    text = '{"day":  1, "tokens": 3, "password": null, "key": "$PASSWORD"}'
    events = {"D": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)", "Input": text}}}
    command = sources.jobs(lambdas(with_properties(Events=events)))["f"]["command"]
    assert command[command.index("--event") + 1] == text


OF_SERVERLESS: dict[str, Any] = {
    "service": "s",
    "provider": {"name": "aws", "runtime": "nodejs20.x"},
    "functions": {
        "f": {
            "handler": "src/a.handler",
            "name": "own-name",
            "events": [{"schedule": {"rate": "rate(1 day)", "name": "own", "input": {"day": 1}}}],
        }
    },
}
OF_SAM: dict[str, Any] = {
    "Resources": {
        "F": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "nodejs20.x",
                "Handler": "a.handler",
                "FunctionName": "own-name",
                "CodeUri": "src/",
                "Events": {
                    "D": {
                        "Type": "Schedule",
                        "Properties": {"Schedule": "rate(1 day)", "Name": "own", "Input": '{"day": 1}'},
                    }
                },
            },
        }
    }
}


@pytest.mark.parametrize("document", [OF_SERVERLESS, OF_SAM], ids=["serverless", "sam"])
def test_an_event_that_no_command_gives_is_for_a_person(document: dict[str, Any]) -> None:
    result = lambdas(document)
    (job,) = sources.jobs(result).values()
    assert "--event" not in job["command"]
    # THEN it is reported as lost, with what to do
    (lost,) = [each for each in result.imported.findings if each.field.lower().endswith(".input")]
    assert lost.fate is Fate.NOT_CARRIED
    assert lost.todo
    # AND nothing speaks of flags or a runtime that the job does not have
    assert "of the command" not in result.report_text
    assert "Python" not in result.report_text
    assert "--" not in "".join(each.note for each in result.imported.findings)


@pytest.mark.parametrize("text", ["rate(5 minute)", "cron(0 10 * * * *)", "cron(x)", "every day", "rate(0 days)"])
def test_a_schedule_that_aws_refuses_leaves_a_job_without_one(text: str) -> None:
    events = {"D": {"Type": "Schedule", "Properties": {"Schedule": text}}}
    result = lambdas(with_properties(Events=events))
    assert "schedule" not in sources.jobs(result)["f"]
    assert result.needs_person


def test_a_rate_has_no_zone_and_an_unknown_zone_is_named() -> None:
    def job(expression: str, zone: str) -> dict[str, Any]:
        properties = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone}
        result = lambdas(with_properties(Events={"D": {"Type": "ScheduleV2", "Properties": properties}}))
        found: dict[str, Any] = sources.jobs(result)["f"]
        return found

    assert job("rate(2 hours)", "Europe/Berlin").get("timezone") is None
    assert job("cron(0 5 * * ? *)", "Mars/Base").get("timezone") is None


def test_a_wrong_value_is_reported_and_the_others_are_imported() -> None:
    result = lambdas(with_properties(MemorySize="much", Timeout=[1], ReservedConcurrentExecutions=True))
    job = sources.jobs(result)["f"]
    assert (job["vcpus"], job["timeout_seconds"]) == (0.25, 63)
    assert {"MemorySize", "Timeout", "ReservedConcurrentExecutions"} <= {
        each.field for each in result.imported.findings.decisions()
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: b",
        "Resources: {}",
        "Resources: {F: 7}",
        "Resources: {F: {Type: AWS::Serverless::Function}}",
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: [1]}}}",
        "functions: {a: {handler: b.c}}",
        "functions: 7",
        "{service: a, provider: google, functions: {a: {handler: b, events: [{schedule: rate(1 day)}]}}}",
        "Resources: !!python/object/apply:os.system ['touch /tmp/never']",
        "a: &a [x, x]\nb: &b [*a, *a]\nResources: {F: *b}",
        "Resources: " + "{a: " * 900 + "1" + "}" * 900,
        "\x00\x01",
        "Resources: {F: 1, F: 2}",
    ],
)
def test_what_is_no_source_is_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        sources.imported("lambda", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"Handler": {"Ref": "X"}, "Runtime": {"Fn::If": ["a", "b", "c"]}},
        {"MemorySize": 10**30, "Timeout": -5},
        {"Environment": {"Variables": {"größe": "1", "A B": "2", "AWS_BATCH_X": "3", "E": "", "L": [1]}}},
        {"Tags": [{"Key": "a", "Value": "b"}, 7, {"Key": "c"}]},
        {"Environment": "text", "EventInvokeConfig": [1], "FileSystemConfigs": "x", "Layers": {"a": 1}},
        {"Policies": {"Fn::If": ["a", "b", "c"]}, "Role": {"Fn::GetAtt": "Nothing.Arn"}, "VpcConfig": 7},
        {"ImageConfig": {"Command": {"Ref": "X"}}, "PackageType": "Image", "ImageUri": {"Ref": "X"}},
        {"FunctionName": "日本\n", "CodeUri": {"Bucket": "b", "Key": "k"}, "Description": "x" * 900},
        {"Events": {"E": {"Type": "Schedule"}, "F": {"Type": "ScheduleV2", "Properties": [1]}}},
    ],
)
def test_odd_values_end_in_findings(changes: dict[str, Any]) -> None:
    result = lambdas(with_properties(**copy.deepcopy(changes)))
    assert result.imported.jobs
    assert result.needs_person


def test_a_table_of_the_template_is_known_by_the_name_that_it_has_there() -> None:
    document = with_properties(Environment={"Variables": {"TABLE": {"Ref": "Table"}}})
    document["Resources"]["Table"] = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "logs"}}
    assert sources.jobs(lambdas(document))["f"]["environment"] == {"TABLE": "logs"}


def test_the_answers_of_a_templates_functions() -> None:
    # GIVEN values by Join, Sub with own names, and a mapping
    document = with_properties(
        Environment={
            "Variables": {
                "JOINED": {"Fn::Join": ["-", ["a", {"Ref": "P"}]]},
                "FILLED": {"Fn::Sub": ["${Own}/c", {"Own": "b"}]},
                "LITERAL": {"Fn::Sub": "${!HOME}/x"},
                "FOUND": {"Fn::FindInMap": ["Map", "eu", "name"]},
                "OPEN": {"Fn::Sub": "${AWS::StackName}"},
            }
        }
    )
    document |= {"Parameters": {"P": {"Default": 1}}, "Mappings": {"Map": {"eu": {"name": "frankfurt"}}}}
    result = lambdas(document)
    # THEN all but the stack's own are known
    assert sources.jobs(result)["f"]["environment"] == {
        "JOINED": "a-1",
        "FILLED": "b/c",
        "FOUND": "frankfurt",
    }
    assert finding(result, "Variables.OPEN").todo
    # AND what looks like a variable of Serverless is for a person to decide
    assert finding(result, "Variables.LITERAL").todo


CONDITIONS = {"IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]}, "IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "a"]}}
PARAMETERS = {"Env": {"Type": "String", "Default": "prod"}, "Open": {"Type": "String"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::If": ["IsProd", "live", {"Ref": "Nobody"}]}, "live"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Sub": "${Queue.Arn}"}, "arn:aws:sqs:eu-west-1:123456789012:work"),
        ({"Fn::GetAtt": ["NamedRole", "Arn"]}, "arn:aws:iam::123456789012:role/named"),
        ({"Fn::ToJsonString": {"env": {"Ref": "Env"}}}, '{"env": "prod"}'),
    ],
)
def test_a_function_that_the_template_decides_is_a_value(value: object, expected: str) -> None:
    document = with_properties(Environment={"Variables": {"V": value}})
    document |= {"Conditions": CONDITIONS, "Parameters": PARAMETERS}
    document["Resources"] |= {
        "NamedRole": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "named"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}},
    }
    result = lambdas(document, region="eu-west-1", account="123456789012")
    assert sources.jobs(result)["f"]["environment"] == {"V": expected}
    # AND the stack may have another value of a parameter that decided it
    assert bool(finding(result, "Parameters.Env").todo) is any(each in str(value) for each in ("Env", "IsProd"))


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["IsOpen", "a", "b"]},
        {"Fn::If": ["IsHidden", "a", "b"]},
        {"Fn::If": ["Nobody", "a", "b"]},
        {"Fn::Select": [3, ["a"]]},
        {"Fn::GetAtt": ["UnnamedRole", "Arn"]},
        {"Fn::Sub": "${Hidden}-${Stored}"},
        {"Ref": "Secret"},
    ],
)
def test_a_function_that_the_template_does_not_decide_is_asked(value: object) -> None:
    document = with_properties(Environment={"Variables": {"V": value}})
    hidden = {"Type": "String", "NoEcho": True, "Default": "hunter2"}
    stored = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/hunter2"}
    document["Conditions"] = CONDITIONS | {"IsHidden": {"Fn::Equals": [{"Ref": "Hidden"}, "hunter2"]}}
    document["Parameters"] = PARAMETERS | {"Hidden": hidden, "Stored": stored}
    document["Resources"] |= {
        "UnnamedRole": {"Type": "AWS::IAM::Role"},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "api"}},
    }
    result = lambdas(document, region="eu-west-1", account="123456789012")
    assert "environment" not in sources.jobs(result)["f"]
    assert finding(result, "Variables.V").todo
    assert "hunter2" not in result.jobs_text


@pytest.mark.parametrize("named", [{"RoleName": "reports"}, {}])
@pytest.mark.parametrize(
    "role", [{"Fn::GetAtt": ["Role", "Arn"]}, {"Fn::If": ["IsProd", {"Fn::GetAtt": "Role.Arn"}, "x"]}]
)
def test_a_role_of_the_template_gives_its_permissions_with_and_without_a_name(role: object, named: object) -> None:
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    policy = {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": statement}}
    document = with_properties(Role=role)
    document |= {"Conditions": CONDITIONS, "Parameters": PARAMETERS}
    document["Resources"] |= {
        "Role": {"Type": "AWS::IAM::Role", "Properties": named},
        "Policy": {"Type": "AWS::IAM::Policy", "Properties": policy},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "logs"}},
    }
    job = sources.jobs(lambdas(document, account="123456789012"))["f"]
    assert job["permissions"] == [
        {"actions": ["dynamodb:GetItem"], "resources": ["arn:aws:dynamodb:*:123456789012:table/logs"]}
    ]
    assert "job_role_arn" not in job


@pytest.mark.parametrize(
    ("condition", "is_asked", "names"),
    [("IsProd", False, ["f", "other"]), ("IsOpen", True, ["f", "other"]), ("IsTest", False, ["other"])],
)
def test_a_function_whose_condition_is_not_met_is_reported(condition: str, is_asked: bool, names: list[str]) -> None:
    document = with_properties()
    document["Resources"]["Other"] = copy.deepcopy(document["Resources"]["F"])
    document["Resources"]["F"]["Condition"] = condition
    document["Conditions"] = CONDITIONS | {"IsTest": {"Fn::Not": [{"Condition": "IsProd"}]}}
    result = lambdas(document | {"Parameters": PARAMETERS})
    assert [*sources.jobs(result)] == names
    if "f" in names:
        assert bool(finding(result, "Resources.F.Condition").todo) is is_asked
    else:
        assert "IsTest is not met" in finding(result, "Resources.F").note


def with_role(role: dict[str, Any], *policies: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A function whose role belongs to the template, with policies that are resources of their own."""
    document = with_properties(Role={"Fn::GetAtt": ["R", "Arn"]}, **changes)
    document["Conditions"] = {
        "Yes": {"Fn::Equals": ["a", "a"]},
        "IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "a"]},
    }
    document["Parameters"] = {"Open": {"Type": "String"}, "Arns": {"Type": "CommaDelimitedList"}}
    document["Resources"]["R"] = {"Type": "AWS::IAM::Role", "Properties": role}
    for index, each in enumerate(policies):
        document["Resources"][f"P{index}"] = {"Type": "AWS::IAM::Policy", "Properties": each}
    return document


READ = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::in/*"}]}
PERMISSIONS = [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::in/*"]}]
NOTHING = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize("kind", ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"])
@pytest.mark.parametrize(
    "name",
    [
        {"Fn::Sub": "${AWS::StackName}-role"},
        {"Fn::Join": ["-", ["svc", {"Ref": "AWS::Region"}, "role"]]},
        "role",
    ],
)
def test_a_policy_of_its_own_is_found_by_its_role_whatever_the_roles_name(name: object, kind: str) -> None:
    document = with_role({"RoleName": name}, {"Roles": [{"Ref": "R"}], "PolicyDocument": READ})
    document["Resources"]["P0"]["Type"] = kind
    (job,) = sources.jobs(lambdas(document)).values()
    assert job["permissions"] == PERMISSIONS


@pytest.mark.parametrize(
    ("roles", "is_asked"),
    [(["other"], False), (NOTHING, False), ({"Ref": "Arns"}, True), ([{"Fn::If": ["IsOpen", "a", "b"]}], True)],
)
def test_a_policy_of_its_own_without_an_imported_role_has_a_line(roles: object, is_asked: bool) -> None:
    found = finding(lambdas(with_role({}, {"Roles": roles, "PolicyDocument": READ})), "Resources.P0")
    assert (found.fate, bool(found.todo)) == (Fate.NOT_CARRIED, is_asked)


def test_two_hundred_functions_with_roles_and_policies_are_read_once_each() -> None:
    document: dict[str, Any] = {"Resources": {}}
    for index in range(200):
        own = with_role({"RoleName": f"r{index}"}, {"Roles": [{"Ref": f"R{index}"}], "PolicyDocument": READ})
        own["Resources"]["F"]["Properties"]["Role"] = {"Fn::GetAtt": [f"R{index}", "Arn"]}
        names = {"F": f"F{index}", "R": f"R{index}", "P0": f"P{index}"}
        document["Resources"] |= {names[name]: each for name, each in own["Resources"].items()}
    imported = lambda_functions.read([SourceFile(Path("t.json"), json.dumps(document))], Options())
    assert [each.settings["permissions"] for each in imported.jobs] == [PERMISSIONS] * 200


@pytest.mark.parametrize(
    ("role", "expected", "asked"),
    [
        ({"ManagedPolicyArns": {"Fn::If": ["Yes", NOTHING, ["a"]]}}, {}, ""),
        ({"ManagedPolicyArns": {"Ref": "Arns"}}, {}, "Resources.R.ManagedPolicyArns"),
        ({"Policies": {"Ref": "Arns"}}, {}, "Resources.R.Policies"),
        ({"Policies": [{"Fn::If": ["IsOpen", {"PolicyDocument": READ}, NOTHING]}]}, {}, "Resources.R.Policies[0]"),
        ({"Policies": {"Fn::If": ["Yes", [{"PolicyDocument": READ}], NOTHING]}}, {"permissions": PERMISSIONS}, ""),
    ],
)
def test_lists_of_a_role_that_a_function_gives(role: dict[str, Any], expected: dict[str, Any], asked: str) -> None:
    result = lambdas(with_role(role))
    (job,) = sources.jobs(result).values()
    assert {key: job[key] for key in ("permissions", "managed_policy_arns") if key in job} == expected
    of_role = [each for each in result.imported.findings if each.field.startswith("Resources.R") and each.todo]
    assert [each.field for each in of_role] == [asked] * bool(asked)


@pytest.mark.parametrize("name", ["DB_PASSWORD", "PLAIN"])
@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["IsOpen", "hunter2hunter2", "other3 hunter2hunter2"]},
        {"Fn::Sub": ["${a}-${b}", {"a": "hunter2hunter2", "b": {"Ref": "Open"}}]},
        {"Fn::Split": [",", {"Fn::Sub": "hunter2hunter2-${Open},b"}]},
        {"Fn::Join": [" ", ["a", "hunter2hunter2", {"Ref": "Open"}]]},
    ],
)
def test_no_text_of_an_open_function_is_in_the_report(name: str, value: object) -> None:
    result = lambdas(with_role({}, Environment={"Variables": {name: value}}))
    assert "hunter2" not in sources.outcome(result)
    assert "Open" in finding(result, f"Environment.Variables.{name}").shown or name == "DB_PASSWORD"


def test_a_sub_of_one_place_is_the_function_that_it_is_short_for() -> None:
    rule = {"ScheduleExpression": "rate(1 hour)", "Targets": [{"Id": "t", "Arn": {"Fn::Sub": "${G.Arn}"}}]}
    document = {
        "Resources": {
            "G": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "a.b", "Runtime": "python3.13"}},
            "Hourly": {"Type": "AWS::Events::Rule", "Properties": rule},
        }
    }
    assert [*sources.jobs(lambdas(document))] == ["g"]


def test_a_policy_that_the_stack_does_not_have_gives_no_permission() -> None:
    document = with_role({}, {"Roles": [{"Ref": "R"}], "PolicyDocument": READ})
    document["Conditions"]["No"] = {"Fn::Not": [{"Condition": "Yes"}]}
    document["Resources"]["P0"]["Condition"] = "No"
    result = lambdas(document)
    (job,) = sources.jobs(result).values()
    assert "permissions" not in job
    assert "condition No is not met" in finding(result, "Resources.P0").note


@pytest.mark.parametrize(
    ("value", "secret", "asks"),
    [
        ("{{resolve:ssm:/a/b}}", "/a/b", False),
        ("{{resolve:ssm:/a/b:3}}", "/a/b", True),
        ("{{resolve:ssm-secure:b:3}}", "ssm:b", True),
        ("{{resolve:secretsmanager:db:SecretString:pw:AWSPREVIOUS}}", "secretsmanager:db:pw:AWSPREVIOUS:", False),
        ("x-{{resolve:ssm:/a/b}}", None, True),
    ],
)
def test_a_pinned_version_of_a_stored_value_is_said(value: str, secret: str | None, asks: bool) -> None:
    recorder = Recorder(Findings())
    found = variables.settings({"P": value}, recorder, "Variables")
    assert found == ({"secrets": {"P": secret}} if secret else {})
    (finding,) = recorder.findings
    assert bool(finding.todo) is asks
    assert ("version 3" in finding.note) is (":3" in value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("DynamoDBCrudPolicy", {"TableName": "t"}, {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem"}),
        ("SQSSendMessagePolicy", {"QueueName": "q"}, {"sqs:SendMessage*"}),
        ("SSMParameterReadPolicy", {"ParameterName": "p"}, {"ssm:DescribeParameters", "ssm:GetParameter"}),
    ],
)
def test_a_policy_template_allows_what_sams_own_allows(name: str, given: dict[str, str], expected: set[str]) -> None:
    result = lambdas(with_properties(Policies=[{name: given}]))
    found = {action for each in sources.jobs(result)["f"]["permissions"] for action in each["actions"]}
    assert expected <= found


def _of_serverless(rate: str, **more: Any) -> tuple[dict[str, Any], dict[str, Finding], str]:
    """The one job of a serverless.yml whose schedule is this, its findings, and all of the outcome."""
    document: dict[str, Any] = {
        "service": "svc",
        "custom": {"rate": "rate(1 hour)", "rates": {"dev": "rate(2 hours)", "list": ["rate(3 hours)"]}, **more},
        "provider": {"name": "aws", "runtime": "python3.13", "stage": "${opt:stage, 'dev'}"},
        "functions": {"a": {"handler": "a.main", "events": [{"schedule": rate}]}},
    }
    if "password" in more:
        document["functions"]["a"]["environment"] = {"DB_PASSWORD": "${self:custom.password}"}
    result = sources.imported("lambda", yaml.safe_dump(document), "serverless.yml")
    return (
        sources.jobs(result)["a"],
        {each.field: each for each in result.imported.findings},
        sources.outcome(result),
    )


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("${self:custom.rate}", "rate(1 hour)"),
        ("${self:custom.rates.list.0}", "rate(3 hours)"),
        ("${self:custom.rates.${opt:stage, 'dev'}}", "rate(2 hours)"),
        ("${self:custom.rates.${self:provider.stage}}", "rate(2 hours)"),
        ("${self:custom.none, 'rate(4 hours)'}", "rate(4 hours)"),
        ("${opt:rate, self:custom.rate}", "rate(1 hour)"),
        ('rate(${opt:hours, "5"} hours)', "rate(5 hours)"),
        ("rate(${opt:hours, 6} hours)", "rate(6 hours)"),
        ("${self:custom.rate, file(other.yml):rate}", "rate(1 hour)"),
    ],
)
def test_a_variable_of_the_same_file_has_its_value(rate: str, expected: str) -> None:
    job, findings, _ = _of_serverless(rate)
    assert job["schedule"] == expected
    used = [each for each in findings.values() if "in place of ${" in each.note]
    # A person has to compare what the command line of a deployment may say in another way.
    assert {each.field for each in used if each.todo} == {each.field for each in used if "rate" not in each.field} | {
        each.field for each in used if each.field.startswith("opt:")
    }


@pytest.mark.parametrize(
    ("rate", "why"),
    [
        ("${file(other.yml):rate, 'rate(1 hour)'}", "Serverless reads it from file(other.yml):rate; import does not"),
        ("${env:RATE}", "Serverless reads it from env:RATE; import does not"),
        ("${ssm:/rate}", "Serverless reads it from ssm:/rate; import does not"),
        ("${opt:rate}", "Serverless reads it from opt:rate; import does not"),
        ("${self:custom.none}", "self:custom.none is not in this file, or not a plain value"),
        ("${self:custom.loop}", "self:custom.loop is not in this file, or not a plain value"),
        ("x${self:custom.rates}", "self:custom.rates is not in this file, or not a plain value"),
    ],
)
def test_a_variable_that_the_file_does_not_answer_says_where_its_value_is(rate: str, why: str) -> None:
    job, findings, _ = _of_serverless(rate, loop="${self:custom.other}", other="${self:custom.loop}")
    assert "schedule" not in job
    assert findings["functions.a.events[0].schedule.rate"].note == why


def test_variables_that_grow_without_end_do_not() -> None:
    more = {f"v{each}": f"${{self:custom.v{each + 1}}}" * 10 for each in range(18)} | {"v18": "x"}
    job, _, outcome = _of_serverless("${self:custom.v0}", **more)
    assert "schedule" not in job
    assert len(outcome) < 100_000


def test_a_secret_that_a_variable_names_is_not_shown() -> None:
    _, _, outcome = _of_serverless("rate(1 hour)", password="hunter2hunter2")
    assert "hunter2hunter2" not in outcome


def test_a_rate_of_a_function_with_a_start_keeps_its_schedule() -> None:
    given = {"ScheduleExpression": "rate(7 hours)", "StartDate": "2027-01-01T09:30:00Z"}
    result = lambdas(with_properties(Events={"E": {"Type": "ScheduleV2", "Properties": given}}))
    job = sources.jobs(result)["f"]
    assert job["schedule"] == "rate(7 hours)"
    assert "start" not in job
    assert any("no start: it counts from its deployment" in each.note for each in result.imported.findings)
