"""Scheduled tasks of ECS: each field, real sources, and sources that are broken or mean harm."""

from __future__ import annotations

import copy
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.findings import Fate, Finding
from batchtab.importers.importing import Result
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, read

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "importers" / "ecs"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/c"


def of_files(*names: str, **options: Any) -> Result:
    return importing.run(
        "ecs",
        [read(FIXTURES / name) for name in names],
        Options(**options),
        since=sources.SINCE,
        years=2,
        is_proven=True,
        command="batchtab import ecs",
    )


def of_texts(*texts: str, **options: Any) -> Result:
    files = [SourceFile(Path(f"source-{index}.yaml"), text) for index, text in enumerate(texts)]
    return importing.run(
        "ecs", files, Options(**options), since=sources.SINCE, years=1, is_proven=True, command="batchtab import ecs"
    )


def template(
    container: dict[str, Any] | None = None,
    *,
    task: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
    rule: dict[str, Any] | None = None,
    others: list[dict[str, Any]] | None = None,
) -> str:
    """A template with one rule and one task, as JSON, which is YAML too."""
    own = {"Name": "app", "Image": "ghcr.io/example/app:1", "Command": ["run"], **(container or {})}
    containers = [own, *(others or [])]
    properties = {"Cpu": "1024", "Memory": "2048", "Family": "app", "ContainerDefinitions": containers, **(task or {})}
    ecs = {"TaskDefinitionArn": {"Ref": "Task"}, **(parameters or {})}
    targets = [{"Id": "t", "Arn": CLUSTER, "EcsParameters": ecs, **(target or {})}]
    scheduled = {"Name": "job", "ScheduleExpression": "cron(0 3 * * ? *)", "Targets": targets, **(rule or {})}
    return json.dumps(
        {
            "Resources": {
                "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties},
                "Rule": {"Type": "AWS::Events::Rule", "Properties": scheduled},
            }
        }
    )


def job(text: str, **options: Any) -> dict[str, Any]:
    """The one job of a template."""
    (found,) = sources.jobs(of_texts(text, **options)).values()
    return dict(found)


def finding(result: Result, end: str) -> Finding:
    """The finding of the field whose name ends so; a decision, if there is one."""
    found = [each for each in result.imported.findings if each.field.endswith(end)]
    assert found, [each.field for each in result.imported.findings]
    return sorted(found, key=lambda each: not each.todo)[0]


# --- fields of a container


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"DisableNetworking": False}, "DisableNetworking"),
        ({"Privileged": "false"}, "Privileged"),
        ({"RestartPolicy": {"Enabled": False}}, "RestartPolicy"),
        ({"LinuxParameters": {"Swappiness": 60}}, "Swappiness"),
    ],
)
def test_a_default_of_ecs_is_said_and_asks_nobody(container: dict[str, Any], field: str) -> None:
    result = of_texts(template(container))
    found = finding(result, field)
    assert (found.todo, "default" in found.note) == ("", True)
    changed = json.loads(json.dumps(container).replace("false", "true").replace("60", "61"))
    assert finding(of_texts(template(changed)), field).todo


def test_a_rate_with_a_start_keeps_its_schedule() -> None:
    target = {"Arn": CLUSTER, "EcsParameters": {"TaskDefinitionArn": {"Ref": "Task"}}}
    document = json.loads(template())
    document["Resources"]["Rule"] = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": "job",
            "ScheduleExpression": "rate(7 hours)",
            "StartDate": "2027-01-01T09:30:00Z",
            "Target": target,
        },
    }
    result = of_texts(json.dumps(document))
    (found,) = sources.jobs(result).values()
    assert found["schedule"] == "rate(7 hours)"
    assert "start" not in found
    assert "no start: it counts from its deployment" in finding(result, "StartDate").note


def test_ecschedules_own_size_of_a_task_is_the_jobs() -> None:
    rules = """rules:
- name: job
  scheduleExpression: cron(0 3 * * ? *)
  taskDefinition: app
  taskOverride: {cpu: "2048", memory: "6144", novel: 1}
"""
    task = {"family": "app", "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "x/y:1"}]}
    result = of_texts(rules, json.dumps(task))
    (found,) = sources.jobs(result).values()
    assert (found["vcpus"], found["memory_mib"]) == (2, 6144)
    assert finding(result, "taskOverride.cpu").fate == Fate.CARRIED
    assert finding(result, "taskOverride.memory").fate == Fate.CARRIED
    assert finding(result, "taskOverride.novel").todo


@pytest.mark.parametrize(
    ("container", "field", "value"),
    [
        ({"Command": ["a", "b"]}, "command", ["a", "b"]),
        ({"EntryPoint": ["sh", "-c"], "Command": ["x y"]}, "command", ["sh", "-c", "x y"]),
        ({"Environment": [{"Name": "A", "Value": "1"}]}, "environment", {"A": "1"}),
        ({"Secrets": [{"Name": "A", "ValueFrom": "/team/a"}]}, "secrets", {"A": "/team/a"}),
        ({"Secrets": [{"Name": "A", "ValueFrom": "token"}]}, "secrets", {"A": "ssm:token"}),
        ({"User": "1000:1000"}, "user", "1000:1000"),
        ({"ReadonlyRootFilesystem": False}, "read_only_root_filesystem", False),
        ({"LinuxParameters": {"InitProcessEnabled": True}}, "init_process", True),
        (
            {
                "RepositoryCredentials": {
                    "CredentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:r-a1B2c3"
                }
            },
            "registry_credentials",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:r-a1B2c3",
        ),
        ({"Image": "busybox"}, "image", {"repository": "docker.io/library/busybox", "tag": "latest"}),
        (
            {"LogConfiguration": {"LogDriver": "splunk", "Options": {"splunk-url": "https://s"}}},
            "log",
            {"driver": "splunk", "options": {"splunk-url": "https://s"}},
        ),
    ],
)
def test_a_containers_field_is_a_jobs_field(container: dict[str, Any], field: str, value: object) -> None:
    assert job(template(container))[field] == value


@pytest.mark.parametrize(
    ("container", "field", "value"),
    [
        (
            {"Ulimits": [{"Name": "nofile", "SoftLimit": 1, "HardLimit": 2}]},
            "ulimits",
            {"nofile": {"soft": 1, "hard": 2}},
        ),
        ({"Privileged": True}, "privileged", True),
        ({"LinuxParameters": {"SharedMemorySize": 128}}, "shared_memory_mib", 128),
        ({"LinuxParameters": {"Tmpfs": [{"ContainerPath": "/t", "Size": 64}]}}, "tmpfs", {"/t": 64}),
        (
            {"LinuxParameters": {"Devices": [{"HostPath": "/dev/fuse", "Permissions": ["read"]}]}},
            "devices",
            [{"host_path": "/dev/fuse", "permissions": ["READ"]}],
        ),
        ({"ResourceRequirements": [{"Type": "GPU", "Value": "2"}]}, "gpus", 2),
    ],
)
def test_what_batch_has_on_ec2_only_is_carried_there_and_refused_on_fargate(
    container: dict[str, Any], field: str, value: object
) -> None:
    text = template(container)
    assert job(text, is_fargate=False)[field] == value
    result = of_texts(text)
    assert field not in next(iter(sources.jobs(result).values()))
    assert any("EC2 only" in each.note for each in result.imported.findings.decisions())


@pytest.mark.parametrize(
    ("container", "field", "words"),
    [
        ({"WorkingDirectory": "/srv"}, "WorkingDirectory", "set WORKDIR /srv in the image"),
        (
            {"EnvironmentFiles": [{"Type": "s3", "Value": "arn:aws:s3:::b/e"}]},
            "EnvironmentFiles",
            "write its variables",
        ),
        ({"EntryPoint": ["tini"]}, "EntryPoint", "no ENTRYPOINT"),
        ({"LogConfiguration": {"LogDriver": "awsfirelens"}}, "LogDriver", "decide where it goes"),
        ({"LinuxParameters": {"Capabilities": {"Add": ["SYS_PTRACE"]}}}, "Add", "decide whether"),
        ({"DependsOn": [{"ContainerName": "x", "Condition": "HEALTHY"}]}, "DependsOn.x", "choose one of them"),
        ({"Command": []}, "Command", "write the image's CMD"),
        ({"Environment": [{"Name": "DB_PASSWORD", "Value": "hunter2hunter2"}]}, "DB_PASSWORD", "store it"),
        ({"Command": ["psql", "--password=hunter2hunter2"]}, "Command", "store the secret"),
        ({"MountPoints": [{"SourceVolume": "none", "ContainerPath": "/x"}]}, "MountPoints.none", "decide where"),
        ({"Hostname": "a"}, "Hostname", "decide whether the job needs it"),
        ({"NewFieldOf2031": {"A": 1}}, "NewFieldOf2031.A", "decide whether the job needs it"),
    ],
)
def test_what_batch_does_not_have_needs_a_decision(container: dict[str, Any], field: str, words: str) -> None:
    result = of_texts(template(container))
    assert words in finding(result, field).todo
    assert "hunter2" not in result.jobs_text + result.report_text + result.proof_text


@pytest.mark.parametrize("name", ["PortMappings", "DockerLabels", "HealthCheck", "Interactive", "StartTimeout"])
def test_what_a_job_needs_not_is_said_without_a_decision(name: str) -> None:
    result = of_texts(template({name: {"a": 1}}))
    assert finding(result, name).todo == ""
    assert not result.needs_person


def test_a_stop_timeout_is_carried_where_the_provider_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = template({"StopTimeout": 90})
    monkeypatch.setattr("batchtab.frameworks.without_stop_timeout", lambda: "")
    assert job(text)["grace_seconds"] == 90
    monkeypatch.setattr("batchtab.frameworks.without_stop_timeout", lambda: "this provider")
    assert "with cdktn" in finding(of_texts(text), "StopTimeout").todo
    assert not of_texts(template({"StopTimeout": 30})).needs_person


def test_several_containers_are_the_jobs_containers() -> None:
    text = template(
        {"Name": "app", "DependsOn": [{"ContainerName": "init", "Condition": "SUCCESS"}]},
        others=[
            {"Name": "init", "Image": "i:1", "Essential": False, "Command": ["migrate"]},
            {"Name": "proxy", "Image": "p:1", "DependsOn": [{"ContainerName": "app", "Condition": "START"}]},
        ],
    )
    found = job(text)
    assert found["main_depends_on"] == {"init": "SUCCESS"}
    assert found["containers"]["init"]["command"] == ["migrate"]
    assert "essential" not in found["containers"]["init"]
    assert found["containers"]["proxy"] == {
        "image": {"repository": "docker.io/library/p", "tag": "1"},
        "essential": True,
        "depends_on": {"main": "START"},
        "read_only_root_filesystem": False,
    }
    # AND the one that the target changes is the job's own
    changed = template(
        others=[{"Name": "second", "Image": "s:1"}],
        target={"Input": json.dumps({"containerOverrides": [{"name": "second", "command": ["go"]}]})},
    )
    assert job(changed)["command"] == ["go"]
    assert [*job(changed)["containers"]] == ["app"]


# --- fields of a task


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"Cpu": "256", "Memory": "512"}, (0.25, 512)),
        ({"Cpu": ".5 vCPU", "Memory": "1GB"}, (0.5, 1024)),
        ({"Cpu": "1 vcpu", "Memory": "2.5 GB"}, (1, 3072)),
        ({"Cpu": 4096, "Memory": 8192}, (4, 8192)),
    ],
)
def test_a_size_is_one_of_fargates(task: dict[str, Any], expected: tuple[float, int]) -> None:
    found = job(template(task=task))
    assert (found["vcpus"], found["memory_mib"]) == expected


def test_without_a_size_of_the_task_the_containers_count() -> None:
    text = template({"Cpu": 512, "Memory": 700}, task={"Cpu": None, "Memory": None})
    assert (job(text)["vcpus"], job(text)["memory_mib"]) == (0.5, 1024)
    soft = template({"MemoryReservation": 300}, task={"Cpu": None, "Memory": None})
    assert "the most that the job needs" in finding(of_texts(soft), "MemoryReservation").todo
    on_ec2 = job(template({"Cpu": 512, "Memory": 700}, task={"Cpu": None, "Memory": None}), is_fargate=False)
    assert (on_ec2["vcpus"], on_ec2["memory_mib"]) == (1, 700)


def test_on_ec2_each_container_has_a_size() -> None:
    text = template({"Cpu": 1024, "Memory": 1000}, others=[{"Name": "side", "Image": "s:1", "Cpu": 100, "Memory": 64}])
    found = job(text, is_fargate=False)
    assert (found["vcpus"], found["memory_mib"]) == (1, 1000)
    assert (found["containers"]["side"]["vcpus"], found["containers"]["side"]["memory_mib"]) == (1, 64)


def test_roles_platform_disk_volumes_and_tags_are_carried() -> None:
    role = "arn:aws:iam::123456789012:role/"
    text = template(
        {"MountPoints": [{"SourceVolume": "data.1", "ContainerPath": "/data", "ReadOnly": True}]},
        task={
            "TaskRoleArn": f"{role}task",
            "ExecutionRoleArn": f"{role}execution",
            "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
            "EphemeralStorage": {"SizeInGiB": 50},
            "Tags": [{"Key": "team", "Value": "a"}],
            "Volumes": [
                {
                    "Name": "data.1",
                    "EFSVolumeConfiguration": {"FilesystemId": "fs-0123456789abcdef0", "RootDirectory": "/d"},
                }
            ],
        },
    )
    found = job(text)
    assert found["job_role_arn"] == f"{role}task"
    assert found["execution_role_arn"] == f"{role}execution"
    assert found["architecture"] == "arm64"
    assert found["ephemeral_storage_gib"] == 50
    assert found["tags"] == {"team": "a"}
    assert found["volumes"] == {
        "data-1": {"efs_file_system_id": "fs-0123456789abcdef0", "root_directory": "/d", "iam": False}
    }
    assert found["mounts"] == [{"volume": "data-1", "path": "/data", "read_only": True}]


def test_a_folder_of_the_instance_is_of_ec2() -> None:
    text = template(
        {"MountPoints": [{"SourceVolume": "h", "ContainerPath": "/h"}]},
        task={"Volumes": [{"Name": "h", "Host": {"SourcePath": "/mnt/h"}}]},
    )
    assert job(text, is_fargate=False)["volumes"] == {"h": {"host_path": "/mnt/h"}}
    assert "volumes" not in job(text)
    assert of_texts(text).needs_person


def test_on_ec2_instance_types_decide_on_the_processor() -> None:
    result = of_texts(template(task={"RuntimePlatform": {"CpuArchitecture": "ARM64"}}), is_fargate=False)
    assert "architecture" not in sources.jobs(result)["job"]
    assert finding(result, "CpuArchitecture").todo == "choose a queue whose instances are arm64"


def test_windows_needs_another_image() -> None:
    text = template(task={"RuntimePlatform": {"OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}})
    assert finding(of_texts(text), "OperatingSystemFamily").todo == "build an image for Linux"


# --- what starts it


def test_overrides_come_last_and_what_they_replace_is_said() -> None:
    changes = {
        "containerOverrides": [
            {
                "name": "app",
                "command": ["other"],
                "environment": [{"name": "A", "value": "2"}],
                "cpu": 10,
                "memory": 20,
            },
            {"name": "nobody", "command": ["x"]},
        ],
        "cpu": "2048",
        "memory": "4096",
        "taskRoleArn": "arn:aws:iam::123456789012:role/other",
    }
    text = template(
        {"Environment": [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "b"}]},
        target={"Input": json.dumps(changes)},
    )
    found, result = job(text), of_texts(text)
    assert found["command"] == ["other"]
    assert found["environment"] == {"B": "b", "A": "2"}
    assert (found["vcpus"], found["memory_mib"]) == (2, 4096)
    assert found["job_role_arn"] == "arn:aws:iam::123456789012:role/other"
    assert "replaces it" in finding(result, "ContainerDefinitions[0].Command").note
    assert finding(result, "containerOverrides[1].name").todo == "correct the source"


@pytest.mark.parametrize(
    ("parameters", "field", "value"),
    [
        ({"TaskCount": 3}, "array_size", 3),
        ({"PlatformVersion": "1.4.0"}, "platform_version", "1.4.0"),
        ({"NetworkConfiguration": {"AwsVpcConfiguration": {"AssignPublicIp": "ENABLED"}}}, "assign_public_ip", True),
        ({"EnableExecuteCommand": True}, "exec", True),
        ({"TagList": [{"Key": "a", "Value": "b"}]}, "tags", {"a": "b"}),
    ],
)
def test_a_parameter_of_the_target_is_a_field(parameters: dict[str, Any], field: str, value: object) -> None:
    assert job(template(parameters=parameters))[field] == value


def test_spot_needs_a_queue_and_a_network_one_decision_for_all() -> None:
    text = template(
        parameters={
            "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
            "NetworkConfiguration": {"AwsVpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}},
        }
    )
    result = of_texts(text)
    assert [each.field.rpartition(".")[2] for each in result.imported.findings.decisions()] == [
        "CapacityProvider",
        "subnets and security groups",
    ]


def test_a_delivery_that_is_too_old_is_not_started() -> None:
    assert job(template(target={"RetryPolicy": {"MaximumEventAgeInSeconds": 600}}))["starting_deadline_seconds"] == 600
    assert "starting_deadline_seconds" not in job(template(target={"RetryPolicy": {"MaximumEventAgeInSeconds": 86400}}))


def test_a_disabled_rule_is_suspended_and_proved() -> None:
    result = of_texts(template(rule={"State": "DISABLED"}))
    assert sources.jobs(result)["job"]["suspend"] is True
    assert result.proven[0].times == 365


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("cron(0 3 * * *)", "jobs.yaml refuses it"),
        ("cron(0 3 * * * *)", "has no '?'"),
        ("rate(1 hours)", "jobs.yaml refuses it"),
        ("every day", "jobs.yaml refuses it"),
        ({"Ref": "Unknown"}, "not in the file"),
    ],
)
def test_a_schedule_that_jobs_yaml_cannot_have_leaves_the_job_without_one(expression: object, words: str) -> None:
    result = of_texts(template(rule={"ScheduleExpression": expression}))
    assert "schedule" not in sources.jobs(result)["job"]
    assert words in finding(result, "ScheduleExpression").note
    assert result.needs_person


def test_a_schedules_zone_bounds_and_window_are_carried_and_proved() -> None:
    result = of_files("07-terraform-scheduler.json")
    found = sources.jobs(result)["weekly-pipeline"]
    assert (found["timezone"], found["start"], found["end"]) == (
        "Asia/Tokyo",
        "2026-02-01T00:00:00Z",
        "2028-02-01T00:00:00Z",
    )
    assert found["flexible_window_minutes"] == 15
    assert [(each.is_equal, each.times) for each in result.proven] == [(True, 100)]


def test_clock_changes_are_no_differences_between_scheduler_and_scheduler() -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        schedule = {
            "Resources": {
                "S": {
                    "Type": "AWS::Scheduler::Schedule",
                    "Properties": {
                        "ScheduleExpression": "cron(0/15 1-3 * * ? *)",
                        "ScheduleExpressionTimezone": zone,
                        "FlexibleTimeWindow": {"Mode": "OFF"},
                        "Target": {"Arn": CLUSTER, "EcsParameters": {"TaskDefinitionArn": "x"}},
                    },
                }
            }
        }
        (proven,) = of_texts(json.dumps(schedule)).proven
        assert proven.is_equal


def test_the_time_of_a_run_is_a_variable_of_batchtab() -> None:
    result = of_files("10-scheduler-template.yaml")
    assert "BATCHTAB_SCHEDULED_TIME" in finding(result, "environment.AT").note
    assert sources.jobs(result)["doi-minter"]["environment"] == {"MODE": "full"}


def test_account_and_region_of_the_stage_complete_a_template() -> None:
    options = {"account": "123456789012", "region": "eu-west-1"}
    found = sources.jobs(of_files("08-cdk-fargate.json", **options))["scheduled-fargate-task"]
    assert found["image"] == {
        "repository": "cdk-hnb659fds-container-assets-123456789012-eu-west-1",
        "tag": "0a3355be12051c99",
    }
    named = sources.jobs(of_files("10-scheduler-template.yaml", **options))["doi-minter"]
    assert named["job_role_arn"] == "arn:aws:iam::123456789012:role/doi-minter"


def test_an_image_of_another_account_keeps_its_address() -> None:
    text = template({"Image": "999999999999.dkr.ecr.eu-west-1.amazonaws.com/app:1"})
    options = {"account": "123456789012", "region": "eu-west-1"}
    assert job(text, **options)["image"]["repository"] == "999999999999.dkr.ecr.eu-west-1.amazonaws.com/app"
    assert job(template({"Image": {"Ref": "Unknown"}}), image="example.org/x:2")["image"]["tag"] == "2"


@pytest.mark.parametrize("key", ["environment", "unknown"])
def test_secrets_of_overrides_are_not_shown_wherever_they_are(key: str) -> None:
    variables = [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]
    texts = [
        json.dumps({"containerOverrides": [{"name": "nobody", key: variables}]}),
        json.dumps({"containerOverrides": [{"name": "app", key: variables}]}),
        json.dumps([{"DB": "hunter2hunter2"}]),
        '{"containerOverrides": [hunter2hunter2',
    ]
    targets = [{"Input": text} for text in texts] + [{"InputTransformer": {"InputTemplate": text}} for text in texts]
    for target in targets:
        result = of_texts(template(target=target))
        assert "hunter2hunter2" not in result.jobs_text + result.report_text + result.proof_text


# --- functions of CloudFormation


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Given"}, "default"),
        ({"Fn::Sub": "a-${Given}-${!literal}"}, "a-default-${literal}"),
        ({"Fn::Sub": ["${x}/${Given}", {"x": {"Ref": "Given"}}]}, "default/default"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Given"}]]}, "a-default"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::Select": [0, {"Ref": "List"}]}, "x"),
        ({"Fn::FindInMap": ["M", {"Ref": "Given"}, "k"]}, "found"),
        ({"Fn::If": ["Yes", "yes", "no"]}, "yes"),
        ({"Fn::If": ["No", "yes", "no"]}, "no"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::x.${AWS::URLSuffix}"}, "arn:aws:s3:::x.amazonaws.com"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Given}-out"}}, "exported"),
        ({"Fn::ToJsonString": {"a": [{"Ref": "Given"}]}}, '{"a": ["default"]}'),
        ({"Fn::Base64": "x"}, "eA=="),
        ({"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::Sub": "${Nobody}/b"}]}]}, "b"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::data"),
    ],
)
def test_functions_of_cloudformation_are_computed(value: object, expected: str) -> None:
    document = json.loads(template({"Environment": [{"Name": "V", "Value": value}]}))
    document["Parameters"] = {
        "Given": {"Type": "String", "Default": "default"},
        "List": {"Type": "CommaDelimitedList", "Default": "x, y"},
    }
    document["Mappings"] = {"M": {"default": {"k": "found"}}}
    document["Conditions"] = {
        "Yes": {"Fn::Equals": [{"Ref": "Given"}, "default"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    }
    document["Outputs"] = {"Out": {"Value": "exported", "Export": {"Name": {"Fn::Sub": "${Given}-out"}}}}
    document["Resources"]["Bucket"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data"}}
    result = of_texts(json.dumps(document), region="eu-west-1")
    assert sources.jobs(result)["job"]["environment"] == {"V": expected}
    assert not result.needs_person


@pytest.mark.parametrize(
    "value",
    [
        *({"Ref": "Nobody"}, {"Fn::ImportValue": "x"}, {"Fn::GetAtt": ["A", "B"]}, {"Fn::Sub": "a-${Nobody}"}),
        *(
            {"Fn::Join": ["-"]},
            {"Fn::Select": ["9", ["a"]]},
            {"Fn::FindInMap": ["M"]},
            {"Fn::If": ["Nobody", "a", "b"]},
        ),
        *(
            {"Fn::GetAZs": "x"},
            {"Fn::Sub": 7},
            {"Ref": ["a"]},
            {"Fn::Split": ["", ""]},
            {"Ref": "AWS::StackName"},
        ),
    ],
)
def test_what_a_template_does_not_say_is_open(value: object) -> None:
    result = of_texts(template({"Environment": [{"Name": "V", "Value": value}]}))
    found = finding(result, "Environment.V")
    # A number is a value, and needs nothing.
    assert found.todo or value == {"Fn::Sub": 7}
    assert "\ue000" not in result.jobs_text + result.report_text + result.proof_text


def test_an_image_of_a_repository_of_the_template_is_known_by_its_name() -> None:
    document = json.loads(template({"Image": {"Fn::Sub": "${Repository.RepositoryUri}:v1"}}))
    document["Resources"]["Repository"] = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "app"}}
    assert job(json.dumps(document))["image"] == {"repository": "app", "tag": "v1"}


def test_a_resource_whose_condition_is_not_met_is_not_imported() -> None:
    document = json.loads(template())
    document["Resources"]["Rule"]["Condition"] = "Never"
    document["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    with pytest.raises(UsageError, match="has no scheduled task"):
        of_texts(json.dumps(document))


def test_a_parameter_that_is_not_shown_is_not_written() -> None:
    document = json.loads(template({"Environment": [{"Name": "V", "Value": {"Ref": "P"}}]}))
    document["Parameters"] = {"P": {"Type": "String", "NoEcho": True, "Default": "correct horse"}}
    result = of_texts(json.dumps(document))
    assert "correct horse" not in result.jobs_text + result.report_text
    assert finding(result, "Environment.V").todo


# --- Terraform


def test_a_plan_is_followed_by_its_references_and_what_is_unknown_is_said() -> None:
    result = of_files("06-terraform-plan.json")
    found = sources.jobs(result)
    assert found["invoices"]["command"] == ["bin/invoices"]
    assert found["invoices"]["memory_mib"] == 2048
    assert found["reminders"]["suspend"] is True
    assert "a state in place of a plan" in finding(result, "container_definitions").todo
    assert finding(result, "task_role_arn").value == "(known after apply)"


def test_a_state_file_itself_is_refused_with_the_command_to_use() -> None:
    text = json.dumps({"version": 4, "serial": 1, "resources": [], "terraform_version": "1.9.8"})
    with pytest.raises(UsageError, match="terraform show -json"):
        of_texts(text)


# --- real sources

REAL = {
    ("01-ecschedule-templates.yaml", "01-ecspresso-task-definition.json"): ("hoge-task-name", True),
    ("02-ecschedule-spot.yaml", "02-describe-task-definition.json"): ("daily-aggregate every-ten-minutes", True),
    ("03-run-tasks-component.yaml",): ("dev-cleanup-schedule", True),
    ("04-mu-scheduled-task.yaml",): ("scheduled-rule", True),
    ("05-terraform-state.json",): ("nightly", True),
    ("06-terraform-plan.json",): ("invoices reminders", True),
    ("07-terraform-scheduler.json",): ("weekly-pipeline universal", True),
    ("08-cdk-fargate.json",): ("scheduled-fargate-task", True),
    ("09-cdk-ec2.json",): ("nightly", True),
    ("10-scheduler-template.yaml",): ("doi-minter", True),
    ("11-input-transformer.yaml",): ("on-alarm-a on-alarm-b", True),
}


@pytest.mark.parametrize(("names", "expected"), REAL.items(), ids=lambda value: value[0])
def test_real_sources_are_imported(names: tuple[str, ...], expected: tuple[str, bool]) -> None:
    result = of_files(*names)
    assert [*sources.jobs(result)] == expected[0].split()
    assert result.needs_person is expected[1]
    assert all(each.is_expected for each in result.proven)
    golden = json.loads((FIXTURES / "golden.json").read_text(encoding="utf-8"))
    assert sources.jobs(result) == golden[names[0]]
    fates = Counter(str(each.fate) for each in result.imported.findings)
    assert fates == golden["findings"][names[0]]


# --- no field is dropped silently


def dumped(document: Any) -> str:
    stream = io.StringIO()
    YAML().dump(document, stream)
    return stream.getvalue()


def loaded(name: str) -> Any:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else YAML().load(text)


def outcome(*texts: str) -> str:
    try:
        return sources.outcome(of_texts(*texts, account="123456789012", region="eu-west-1"))
    except UsageError as error:
        return str(error)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["08-cdk-fargate.json", "09-cdk-ec2.json", "10-scheduler-template.yaml"])
def test_no_field_of_a_template_is_without_effect(name: str) -> None:
    document = loaded(name)
    whole = outcome(dumped(document))
    silent = [path for path, changed in sources.without_one(document) if outcome(dumped(changed)) == whole]
    assert silent == []


@pytest.mark.slow
def test_no_field_of_ecschedule_and_of_a_task_definition_is_without_effect() -> None:
    rules, task = loaded("02-ecschedule-spot.yaml"), loaded("02-describe-task-definition.json")
    whole = outcome(dumped(rules), dumped(task))
    changed = [*((path, dumped(each), dumped(task)) for path, each in sources.without_one(rules))]
    changed += [(path, dumped(rules), dumped(each)) for path, each in sources.without_one(task)]
    assert [path for path, *texts in changed if outcome(*texts) == whole] == []


@pytest.mark.slow
def test_no_value_of_terraform_is_without_effect() -> None:
    document = loaded("07-terraform-scheduler.json")
    whole = outcome(json.dumps(document))
    silent = []
    for index, resource in enumerate(document["values"]["root_module"]["resources"]):
        for path, values in sources.without_one(resource["values"]):
            changed = copy.deepcopy(document)
            changed["values"]["root_module"]["resources"][index]["values"] = values
            if outcome(json.dumps(changed)) == whole:
                silent.append(f"{resource['address']}.{path}")
    # Terraform writes an empty text and an empty list for what is not set.
    assert [path for path in silent if not path.endswith(("kms_key_arn", "input", "security_groups"))] == []


# --- broken and harmful sources


def harmful() -> Iterator[tuple[str, str]]:
    yield "empty", ""
    yield "text", "hello"
    yield "list", "- 1\n- 2\n"
    yield "not YAML", "a: [1\n"
    yield "not JSON", '{"Resources": '
    yield "python", "Resources: !!python/object/apply:os.system [touch /tmp/harm]\n"
    yield "deep", "rules: " + "[" * 5000 + "]" * 5000
    yield "deep JSON", '{"Resources": ' + "[" * 50_000 + "]" * 50_000 + "}"
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    yield "bomb", "\n".join([*lines, "rules: *a11"])
    yield "control flow", "rules:\n{{ range .Jobs }}\n- name: x\n{{ end }}\n"
    yield "no rules", "cluster: a\nrules: []\n"
    yield "null resources", "Resources:\n  A: null\n  B: {Type: AWS::Events::Rule}\n"
    yield "terraform without anything", '{"format_version": "1.0", "values": {}}'
    yield "terraform of another form", '{"format_version": "1.0", "values": {"root_module": {"resources": [7]}}}'
    yield "jsonnet", "local x = import 'a'; {rules: []}"


@pytest.mark.parametrize(("name", "text"), [*harmful()], ids=[name for name, _ in harmful()])
def test_a_source_that_is_none_is_refused_in_one_line(name: str, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        of_texts(text)
    assert "\n" not in str(refused.value), name
    assert not Path("/tmp/harm").exists()


@pytest.mark.parametrize(
    "rule",
    [
        "{name: [1], scheduleExpression: {a: b}, taskDefinition: 7, taskCount: 9999999999999, containerOverrides: 3}",
        "{name: ジョブ, scheduleExpression: rate(1 day), containerOverrides: [{name: é, command: [ü, 1.5, null]}]}",
        "{scheduleExpression: 2026-01-01, containerOverrides: [{command: 'text'}, 7, null]}",
        "{name: a, taskCount: -1, network_configuration: [1, 2], containerOverrides: [{environment: [1]}]}",
        "{name: a, taskCount: .inf, description: {x: [1]}, containerOverrides: [{environment: {A: {B: 1}}}]}",
        "{name: a, 1: 2, null: 3, taskDefinition: arn:aws:ecs, dead_letter_config: x, role: [1]}",
    ],
)
def test_values_of_the_wrong_kind_are_findings(rule: str) -> None:
    good = "{name: good, scheduleExpression: rate(1 day), containerOverrides: [{name: c, command: [x]}]}"
    result = of_texts(f"rules:\n- {rule}\n- {good}\n")
    assert result.needs_person
    assert sources.jobs(result)["good"]["command"] == ["x"]


def test_two_rules_of_one_name_are_two_jobs() -> None:
    rule = "- {name: a, scheduleExpression: rate(1 day), containerOverrides: [{name: c, command: [x]}]}\n"
    assert [*sources.jobs(of_texts(f"rules:\n{rule}{rule}"))] == ["a", "a-2"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\x00\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("default", "is_asked", "names"), [("b", False, {"r"}), ("c", False, set()), (None, True, {"r"})]
)
def test_a_resource_of_a_template_has_a_line_for_each_key_beside_its_properties(
    default: str | None, is_asked: bool, names: set[str]
) -> None:
    # GIVEN a rule with a condition, whose parameter has a default or none, and with other keys of CloudFormation
    parameter = {"Type": "String", **({"Default": default} if default else {})}
    container = {"Name": "a", "Image": "x/y:1", "Command": ["a"]}
    target = {
        "Id": "a",
        "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/x",
        "EcsParameters": {"TaskDefinitionArn": {"Ref": "T"}},
    }
    rule = {"Type": "AWS::Events::Rule", "Condition": "Z", "DeletionPolicy": "Retain"}
    resources = {
        "T": {
            "Type": "AWS::ECS::TaskDefinition",
            "DependsOn": "Q",
            "Properties": {"Cpu": "256", "Memory": "512", "ContainerDefinitions": [container]},
        },
        "R": {**rule, "Properties": {"ScheduleExpression": "rate(1 hour)", "Targets": [target]}},
        "S": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(2 hours)", "Targets": [target]}},
    }
    template = {
        "Parameters": {"A": parameter},
        "Conditions": {"Z": {"Fn::Equals": [{"Ref": "A"}, "b"]}},
        "Resources": resources,
    }
    # WHEN it is imported
    result = sources.imported("ecs", json.dumps(template), "t.json")
    # THEN each key has a line, and a condition that nothing decides is for a person
    assert {*sources.jobs(result)} == {"s", *names}
    fields = {each.field: bool(each.todo) for each in result.imported.findings}
    assert fields["Resources.T.DependsOn"] is fields["Resources.R.DeletionPolicy"] is False
    assert fields["Resources.R.Condition"] is is_asked


@pytest.mark.parametrize("name", ["DB_PASSWORD", "CONFIG"])
@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["Nobody", "hunter2hunter2", "other3 hunter2hunter2"]},
        {"Fn::Base64": "the database that the whole department reads each night: postgres://admin:hunter2@db/x"},
    ],
)
def test_no_text_of_an_open_function_is_in_any_file(name: str, value: object) -> None:
    result = of_texts(template({"Environment": [{"Name": name, "Value": value}]}))
    assert "hunter2" not in sources.outcome(result)
    assert "postgres" not in sources.outcome(result)
    assert finding(result, f"Environment.{name}").todo


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgres://admin:hunter2hunter2@db/${Nobody}", "postgres://***@db/${Nobody}"),
        ("postgres://admin:${Nobody}@db/x", "postgres://admin:${Nobody}@db/x"),
        ("PASSWORD=hunter2hunter2${Nobody}", "${Nobody}"),
    ],
)
def test_a_secret_beside_an_open_part_of_a_text_is_in_no_file(text: str, kept: str) -> None:
    result = of_texts(template({"Environment": [{"Name": "CONFIG", "Value": {"Fn::Sub": text}}]}))
    assert "hunter2" not in sources.outcome(result)
    (found,) = sources.jobs(result).values()
    assert found["environment"] == {"CONFIG": kept}


def test_a_secret_beside_an_open_part_is_not_in_the_report_by_the_variables_name() -> None:
    value = {"Fn::Sub": ["${a}-${b}", {"a": "hunter2hunter2", "b": {"Ref": "Nobody"}}]}
    result = of_texts(template({"Environment": [{"Name": "API_TOKEN", "Value": value}]}))
    assert "hunter2" not in result.report_text


def test_what_a_function_leaves_out_is_not_there() -> None:
    assert job(template({"Environment": {"Ref": "AWS::NoValue"}}))["command"] == ["run"]
