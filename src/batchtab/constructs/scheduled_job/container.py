"""A job's container properties, as the JSON that a job definition takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.constructs._terraform.documents import Conditional, document
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    not_empty,
    number_text,
)
from batchtab.constructs._terraform.items import Item, each, each_value, joined
from batchtab.constructs.scheduled_job import files, log
from batchtab.declarations.container_fields import Device, Ulimit
from batchtab.declarations.job_arguments import JobArguments


def properties(
    job: JobArguments,
    *,
    own_environment: Sequence[Conditional],
    job_role_arn: Any,
    execution_role_arn: Any,
    has_execution_role: Condition,
    log_group_name: Any,
    on_fargate: Condition,
) -> str:
    """The document, with nothing that Batch would leave out of its answer.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
    """
    command: Any = job.command
    content = {
        "image": job.image,
        "command": command if is_expression(command) else [literal(part) for part in command],
        "jobRoleArn": job_role_arn,
        "executionRoleArn": Conditional(has_execution_role, execution_role_arn),
        "resourceRequirements": joined(
            [{"type": "VCPU", "value": _text(job.vcpus)}, {"type": "MEMORY", "value": _text(job.memory_mib)}],
            _if_set(job.gpus, {"type": "GPU", "value": _text(job.gpus)}),
        ),
        "environment": Conditional(
            any_of(not_empty(job.environment), *(own.condition for own in own_environment)),
            _pairs(_with(job.environment, own_environment), "value", escape=True),
        ),
        "secrets": Conditional(not_empty(job.secrets), _pairs(job.secrets, "valueFrom", escape=False)),
        "readonlyRootFilesystem": job.read_only_root_filesystem,
        "user": _set(job.user),
        "privileged": Conditional(_is_true(job.privileged), True),
        "linuxParameters": _linux(job),
        "ulimits": _list(each(job.ulimits, Ulimit, _ulimit)),
        "volumes": _list(files.volumes(job)),
        "mountPoints": _list(files.mounts(job)),
        "logConfiguration": log.configuration(job.log, log_group_name, job.name),
        "repositoryCredentials": Conditional(
            is_set(job.registry_credentials), {"credentialsParameter": job.registry_credentials}
        ),
        "enableExecuteCommand": Conditional(_is_true(job.exec), True),
        "runtimePlatform": Conditional(
            all_of(on_fargate, _is(job.architecture, "arm64")),
            {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        ),
        "fargatePlatformConfiguration": Conditional(
            on_fargate, {"platformVersion": choose(is_set(job.platform_version), job.platform_version, "LATEST")}
        ),
        "networkConfiguration": Conditional(
            on_fargate, {"assignPublicIp": choose(job.assign_public_ip, "ENABLED", "DISABLED")}
        ),
        "ephemeralStorage": Conditional(
            all_of(on_fargate, is_set(job.ephemeral_storage_gib)), {"sizeInGiB": job.ephemeral_storage_gib}
        ),
    }
    return document(content, job.container, deep=("linuxParameters", "volumes", "mountPoints"))


def _linux(job: JobArguments) -> Any:
    """See https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html."""
    parameters = {
        "initProcessEnabled": Conditional(_is_true(job.init_process), True),
        "sharedMemorySize": _set(job.shared_memory_mib),
        "tmpfs": _list(each_value(job.tmpfs, lambda path, size: {"containerPath": path, "size": size})),
        "devices": _list(each(job.devices, Device, _device)),
    }
    anything = any_of(
        _is_true(job.init_process), is_set(job.shared_memory_mib), not_empty(job.tmpfs), not_empty(job.devices)
    )
    return Conditional(anything, parameters)


def _ulimit(name: Any, limit: Item) -> Mapping[str, Any]:
    return {"name": name, "softLimit": limit["soft"], "hardLimit": limit["hard"]}


def _device(_: Any, device: Item) -> Mapping[str, Any]:
    return {
        "hostPath": device["host_path"],
        "containerPath": choose(is_set(device["container_path"]), device["container_path"], device["host_path"]),
        "permissions": _list(device["permissions"]),
    }


def _set(value: Any) -> Conditional:
    return Conditional(is_set(value), literal(value) if isinstance(value, str) else value)


def _list(value: Any) -> Conditional:
    return Conditional(not_empty(value), value)


def _is(value: Any, known: str) -> Condition:
    return Expression.of(f"{hcl(value)} == {hcl(known)}") if is_expression(value) else value == known


def _is_true(value: Any) -> Condition:
    return value if isinstance(value, Expression) else bool(value)


def _if_set(value: Any, item: Mapping[str, Any]) -> Any:
    """A list with the item in it, or without."""
    return choose(is_set(value), [item], [])


def _with(environment: Any, own: Sequence[Conditional]) -> Any:
    """The job's variables and, where they apply, those of its policies."""
    own = [variables for variables in own if variables.condition is not False]
    if not is_expression(environment) and all(variables.condition is True for variables in own):
        return {**(environment or {}), **{key: value for variables in own for key, value in variables.value.items()}}
    extra = (f"{{ for k, v in {hcl(variables.value)} : k => v if {hcl(variables.condition)} }}" for variables in own)
    return Expression.of(f"merge({', '.join([hcl(environment or {}), *extra])})")


def _text(number: Any) -> str:
    """A number as text, as Batch wants it: `0.25`."""
    if number is None:
        return ""
    return Expression.of(f"tostring({hcl(number)})") if is_expression(number) else number_text(number)


def _pairs(mapping: Any, value: str, *, escape: bool) -> Any:
    """A map as the list of pairs that Batch keeps, in the order of the names."""
    if is_expression(mapping):
        return Expression.of(
            f'[for name in sort(keys({hcl(mapping)})) : {{ "name" = name, "{value}" = {hcl(mapping)}[name] }}]'
        )
    known: Mapping[str, str] = mapping or {}
    return [{"name": name, value: literal(known[name]) if escape else known[name]} for name in sorted(known)]
