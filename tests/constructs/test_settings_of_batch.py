"""Every setting of a job definition that AWS has: by which field it is said, or why not.

botocore's model of RegisterJobDefinition is walked leaf by leaf. A leaf that is new there fails, until somebody gives
it a field, or finds that `container` takes it, or says here why a job does without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore.session import get_session
from tests.constructs.a_job import DEAD_LETTERS, PARAMETER, SECRET, container, job
from tests.constructs.template import Template

from batchtab.declarations import way_out
from batchtab.declarations.job_arguments import JobArguments

CONTAINER = "containerProperties"
#: Settings of AWS's by the field that says them; `.` leads into a field.
FIELDS = {
    "jobDefinitionName": "name",
    "parameters{}": "parameters",
    "schedulingPriority": "priority",
    "retryStrategy.attempts": "attempts",
    "retryStrategy.evaluateOnExit[].action": "evaluate_on_exit",
    "retryStrategy.evaluateOnExit[].onExitCode": "evaluate_on_exit",
    "retryStrategy.evaluateOnExit[].onReason": "evaluate_on_exit",
    "retryStrategy.evaluateOnExit[].onStatusReason": "evaluate_on_exit",
    "timeout.attemptDurationSeconds": "timeout_seconds",
    "tags{}": "tags",
    "platformCapabilities[]": "capacity",
    f"{CONTAINER}.image": "image",
    f"{CONTAINER}.command[]": "command",
    f"{CONTAINER}.jobRoleArn": "job_role_arn",
    f"{CONTAINER}.executionRoleArn": "execution_role_arn",
    f"{CONTAINER}.volumes[].name": "volumes",
    f"{CONTAINER}.volumes[].host.sourcePath": "volumes.host_path",
    f"{CONTAINER}.volumes[].efsVolumeConfiguration.fileSystemId": "volumes.efs_file_system_id",
    f"{CONTAINER}.volumes[].efsVolumeConfiguration.rootDirectory": "volumes.root_directory",
    f"{CONTAINER}.volumes[].efsVolumeConfiguration.authorizationConfig.accessPointId": "volumes.access_point_id",
    f"{CONTAINER}.volumes[].efsVolumeConfiguration.authorizationConfig.iam": "volumes.iam",
    f"{CONTAINER}.environment[].name": "environment",
    f"{CONTAINER}.environment[].value": "environment",
    f"{CONTAINER}.mountPoints[].sourceVolume": "mounts.volume",
    f"{CONTAINER}.mountPoints[].containerPath": "mounts.path",
    f"{CONTAINER}.mountPoints[].readOnly": "mounts.read_only",
    f"{CONTAINER}.readonlyRootFilesystem": "read_only_root_filesystem",
    f"{CONTAINER}.privileged": "privileged",
    f"{CONTAINER}.ulimits[].name": "ulimits",
    f"{CONTAINER}.ulimits[].softLimit": "ulimits.soft",
    f"{CONTAINER}.ulimits[].hardLimit": "ulimits.hard",
    f"{CONTAINER}.user": "user",
    f"{CONTAINER}.resourceRequirements[].type": "gpus",
    f"{CONTAINER}.resourceRequirements[].value": "memory_mib",
    f"{CONTAINER}.linuxParameters.devices[].hostPath": "devices.host_path",
    f"{CONTAINER}.linuxParameters.devices[].containerPath": "devices.container_path",
    f"{CONTAINER}.linuxParameters.devices[].permissions[]": "devices.permissions",
    f"{CONTAINER}.linuxParameters.initProcessEnabled": "init_process",
    f"{CONTAINER}.linuxParameters.sharedMemorySize": "shared_memory_mib",
    f"{CONTAINER}.linuxParameters.tmpfs[].containerPath": "tmpfs",
    f"{CONTAINER}.linuxParameters.tmpfs[].size": "tmpfs",
    f"{CONTAINER}.logConfiguration.logDriver": "log.driver",
    f"{CONTAINER}.logConfiguration.options{{}}": "log.options",
    f"{CONTAINER}.logConfiguration.secretOptions[].name": "log.secret_options",
    f"{CONTAINER}.logConfiguration.secretOptions[].valueFrom": "log.secret_options",
    f"{CONTAINER}.secrets[].name": "secrets",
    f"{CONTAINER}.secrets[].valueFrom": "secrets",
    f"{CONTAINER}.networkConfiguration.assignPublicIp": "assign_public_ip",
    f"{CONTAINER}.fargatePlatformConfiguration.platformVersion": "platform_version",
    f"{CONTAINER}.enableExecuteCommand": "exec",
    f"{CONTAINER}.ephemeralStorage.sizeInGiB": "ephemeral_storage_gib",
    f"{CONTAINER}.runtimePlatform.cpuArchitecture": "architecture",
    f"{CONTAINER}.repositoryCredentials.credentialsParameter": "registry_credentials",
}
#: Whole descriptions of several containers or nodes, by the field for them, whose own tests show what becomes of it.
OF_SEVERAL = {
    "ecsProperties.taskProperties[]": "containers",
    "nodeProperties.numNodes": "nodes",
    "nodeProperties.mainNode": "nodes",
    "nodeProperties.nodeRangeProperties[]": "nodes",
}
#: What a job does without, and why.
REASONS = {
    "type": "follows from the other settings",
    "propagateTags": "always true: a task without its job's tags is nobody's in a bill",
    f"{CONTAINER}.vcpus": "AWS has resourceRequirements in its place: vcpus",
    f"{CONTAINER}.memory": "AWS has resourceRequirements in its place: memory_mib",
    f"{CONTAINER}.volumes[].efsVolumeConfiguration.transitEncryption": "always ENABLED: access points and IAM need it",
    "consumableResourceProperties.consumableResourceList[]": "Terraform's AWS provider has no argument for it",
    "eksProperties.podProperties": "a pod on EKS: compute environments are made on EC2 and Fargate",
}
#: Of these the members of the members are another task's or pod's whole description.
WHOLE = ("ecsProperties", "nodeProperties", "eksProperties", "consumableResourceProperties")
ON_EC2: dict[str, Any] = {
    "attempts": 2,
    "evaluate_on_exit": [
        {"action": "RETRY", "on_exit_code": "137", "on_reason": "Out*", "on_status_reason": "Host EC2*"}
    ],
    "gpus": 1,
    "priority": 1,
    "parameters": {"day": "1"},
    "tags": {"team": "a"},
    "environment": {"A": "b"},
    "secrets": {"TOKEN": PARAMETER},
    "volumes": {
        "data": {"efs_file_system_id": "fs-0123456789abcdef0", "access_point_id": "fsap-0123456789abcdef0"},
        "more": {"efs_file_system_id": "fs-0123456789abcdef0", "root_directory": "/more"},
        "host": {"host_path": "/opt"},
    },
    "mounts": [{"volume": name, "path": f"/{name}", "read_only": True} for name in ("data", "more", "host")],
    "privileged": True,
    "ulimits": {"nofile": 1024},
    "user": "1000",
    "devices": [{"host_path": "/dev/fuse", "permissions": ["READ"]}],
    "init_process": True,
    "shared_memory_mib": 64,
    "tmpfs": {"/scratch": 64},
    "log": {"driver": "splunk", "options": {"splunk-url": "https://splunk"}, "secret_options": {"token": SECRET}},
    "exec": True,
    "read_only_root_filesystem": False,
    "registry_credentials": SECRET,
    "dead_letter_queue_arn": DEAD_LETTERS,
}
ON_FARGATE: dict[str, Any] = {
    "capacity": "FARGATE",
    "memory_mib": 2048,
    "architecture": "arm64",
    "platform_version": "1.4.0",
    "assign_public_ip": True,
    "ephemeral_storage_gib": 30,
}


@cache
def operation() -> Any:
    return get_session().get_service_model("batch").operation_model("RegisterJobDefinition").input_shape


def leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Every setting of a shape, by its path."""
    if path in WHOLE:
        yield from (f"{path}.{name}{'[]' * (m.type_name == 'list')}" for name, m in shape.members.items())
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        yield from leaves(shape.member, f"{path}[]")
    else:
        yield f"{path}{{}}" if shape.type_name == "map" else path


def said(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """The settings that a document says, by the same paths."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from said(shape.members[name], item, f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        for item in value:
            yield from said(shape.member, item, f"{path}[]")
    else:
        yield f"{path}{{}}" if shape.type_name == "map" else path


def container_settings(template: Template) -> set[str]:
    return set(said(operation().members[CONTAINER], container(template), CONTAINER))


@cache
def made() -> set[str]:
    """The settings of definitions whose jobs say every field."""
    found: set[str] = set()
    for arguments in (ON_EC2, ON_FARGATE):
        template = job(**arguments)
        found |= container_settings(template)
        # The rest are Terraform's own arguments: AWS's names in Terraform's case.
        definition = template.one("aws_batch_job_definition")
        for path in leaves(operation()):
            if not path.startswith((CONTAINER, *WHOLE)) and _is_in(definition, path):
                found.add(path)
    return found


def _is_in(value: Any, path: str) -> bool:
    first, _, rest = path.partition(".")
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", first.rstrip("[]{}")).lower()
    name = {"job_definition_name": "name"}.get(name, name)
    for each in value if isinstance(value, list) else [value]:
        if name in each and (not rest or _is_in(each[name], rest)):
            return True
    return False


ALL = sorted(leaves(operation()))
FREE = [path for path in ALL if path not in FIELDS and path not in OF_SEVERAL | REASONS]


def test_every_setting_has_a_field_or_a_reason_or_is_containers() -> None:
    # GIVEN AWS's settings that have no field and no reason
    # THEN all of them are a container's, which `container` takes
    assert [path for path in FREE if not path.startswith(f"{CONTAINER}.")] == []
    # AND no list here has what AWS has no more
    listed = {*FIELDS, *OF_SEVERAL, *REASONS}
    assert listed - set(ALL) == set()
    assert len(FIELDS) + len(OF_SEVERAL) + len(REASONS) == len(listed), "a setting is in two lists"


@pytest.mark.parametrize("path", FIELDS)
def test_a_field_says_its_setting(path: str) -> None:
    # GIVEN a field
    name, _, inner = FIELDS[path].partition(".")
    field = JobArguments.model_fields[name]
    assert not inner or inner in _members(field.annotation)
    # THEN a job that says it has the setting
    assert path in made()


def _members(annotation: Any) -> set[str]:
    """The fields of the model in an annotation."""
    if hasattr(annotation, "model_fields"):
        return set(annotation.model_fields)
    inner = (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None))
    return set[str]().union(*(_members(each) for each in inner if each is not None))


def test_a_job_says_nothing_else() -> None:
    # GIVEN what jobs with every field say THEN the lists above know where each setting comes from
    by_themselves = {"type", "propagateTags", f"{CONTAINER}.volumes[].efsVolumeConfiguration.transitEncryption"}
    with_architecture = {f"{CONTAINER}.runtimePlatform.operatingSystemFamily"}
    assert made() - set(FIELDS) == by_themselves | with_architecture


def sample(shape: Any, path: list[str]) -> Any:
    """A value with the setting at a path, and with what AWS needs beside it."""
    if shape.type_name == "structure":
        names = {*shape.required_members, *([path[0]] if path else [])}
        return {name: sample(shape.members[name], path[1:] if path[:1] == [name] else []) for name in sorted(names)}
    if shape.type_name == "list":
        return [sample(shape.member, path)]
    if shape.type_name == "map":
        return {"a": sample(shape.value, [])}
    return {"integer": 1, "boolean": True}.get(shape.type_name, (getattr(shape, "enum", None) or ["a"])[0])


@pytest.mark.parametrize("path", FREE)
def test_the_way_out_takes_a_setting_without_a_field(path: str) -> None:
    # GIVEN a setting that has no field
    _, *parts = path.replace("[]", "").replace("{}", "").split(".")
    value = sample(operation().members[CONTAINER], parts)
    assert list(way_out.faults(value, {}, ())) == []
    # WHEN a job says it in `container` THEN its definition has it
    assert path in container_settings(job(container=value))
