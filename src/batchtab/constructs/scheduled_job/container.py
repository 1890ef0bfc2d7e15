"""A job's containers, as the JSON that a job definition takes.

Most jobs are one container, and Batch gets its `container_properties`. With containers beside it, or a grace
period, it is a task, `ecs_properties`; on several nodes either of them is within `node_properties`. All three are
written of the same parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.constructs._terraform.documents import Conditional, document, extended, members
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
    literals,
    negate,
    not_empty,
    number_text,
)
from batchtab.constructs._terraform.items import Item, Members, each, each_value, joined
from batchtab.constructs._terraform.resources import BatchtabConstruct, local
from batchtab.constructs.scheduled_job import files, log, sidecars
from batchtab.declarations.container_fields import TMP_VOLUME, Device, Ulimit
from batchtab.declarations.job_arguments import JobArguments, SidecarArguments
from batchtab.main_container import MAIN, MAIN_NODE

_DEEP = ("linuxParameters", "volumes", "mountPoints")
#: Settings without a field, by where a task has them; `instanceType` it has nowhere.
_OF_CONTAINER, _OF_TASK = ("linuxParameters", "mountPoints"), ("volumes", "runtimePlatform")


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Writes the documents of one job."""

    job: JobArguments
    own_environment: Sequence[Conditional]
    job_role_arn: Any
    execution_role_arn: Any
    has_execution_role: Condition
    log_group_name: Any
    on_fargate: Condition

    def arguments(self, scope: BatchtabConstruct) -> dict[str, Any]:
        """The job definition's arguments on its containers: its type, and one of three documents."""
        on_nodes, has_task = is_set(self.job.nodes), sidecars.has_task(self.job)
        is_one = all_of(negate(on_nodes), negate(has_task))
        container = None if has_task is True else self._container()
        task = None if has_task is False else self._task()
        if isinstance(on_nodes, Expression):  # each is written twice
            container, task = (
                content and local(scope, name, Expression.of(members(content)))
                for name, content in (("container_properties", container), ("ecs_properties", task))
            )
        documents = {
            "container_properties": _where(is_one, container),
            "ecs_properties": _where(all_of(negate(on_nodes), has_task), task),
            "node_properties": None if on_nodes is False else _where(on_nodes, self._nodes(container, task, has_task)),
        }
        return {"type": choose(on_nodes, "multinode", "container"), **documents}

    def _container(self) -> Any:
        """See https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html."""
        version = choose(is_set(self.job.platform_version), self.job.platform_version, "LATEST")
        content = {
            **self._own(),
            **self._shared(files.volumes(self.job)),
            "jobRoleArn": self.job_role_arn,
            "fargatePlatformConfiguration": Conditional(self.on_fargate, {"platformVersion": version}),
        }
        return extended(content, literals(self.job.container), _DEEP)

    def _task(self) -> Any:
        """See https://docs.aws.amazon.com/batch/latest/APIReference/API_EcsTaskProperties.html."""
        main = {
            **self._own(),
            "name": MAIN,
            "essential": True,
            "dependsOn": _list(_dependencies(self.job.main_depends_on)),
            "stopTimeout": _set(self.job.grace_seconds),
        }
        version = choose(is_set(self.job.platform_version), self.job.platform_version, "LATEST")
        task = {
            **self._shared(joined(files.volumes(self.job), files.tmp_volumes(self.job))),
            "containers": joined(
                [self._extended(main, _OF_CONTAINER)], each(self.job.containers, SidecarArguments, self._beside)
            ),
            "taskRoleArn": self.job_role_arn,
            "platformVersion": Conditional(self.on_fargate, version),
        }
        return {"taskProperties": [self._extended(task, _OF_TASK)]}

    def _extended(self, content: Mapping[str, Any], settings: Sequence[str]) -> Any:
        """An object with those of the settings without a field that belong into it."""
        given: Any = literals(self.job.container)
        if is_expression(given):
            kept = f"k => v if contains({hcl(settings)}, k)"
            return extended(content, Expression.of(f"({{ for k, v in {hcl(given)} : {kept} }})"), _DEEP)
        return extended(content, {key: given[key] for key in settings if key in given}, _DEEP)

    def _nodes(self, container: Any, task: Any, has_task: Condition) -> dict[str, Any]:
        """See https://docs.aws.amazon.com/batch/latest/APIReference/API_NodeProperties.html."""
        either = {
            "container": Conditional(negate(has_task), container),
            "ecsProperties": Conditional(has_task, task),
        }
        ranges = [{"targetNodes": f"{MAIN_NODE}:", **either}]
        return {"mainNode": MAIN_NODE, "numNodes": self.job.nodes, "nodeRangeProperties": ranges}

    def _own(self) -> dict[str, Any]:
        """What is said of the job's own container, wherever it is."""
        job = self.job
        sizes = [{"type": "VCPU", "value": _text(job.vcpus)}, {"type": "MEMORY", "value": _text(job.memory_mib)}]
        return {
            **self._one(sidecars.own(job), TMP_VOLUME),
            "image": job.image,
            "command": _command(job.command),
            "resourceRequirements": joined(sizes, _requirement("GPU", job.gpus)),
            "environment": Conditional(
                any_of(not_empty(job.environment), *(own.condition for own in self.own_environment)),
                _pairs(_with(job.environment, self.own_environment), "value", escape=True),
            ),
        }

    def _beside(self, name: Any, one: Item) -> dict[str, Any]:
        """A container beside it. See https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html."""
        sizes = (("VCPU", "vcpus"), ("MEMORY", "memory_mib"), ("GPU", "gpus"))
        return {
            **self._one(one, files.tmp_volume(name)),
            "image": choose(is_set(one["image"]), one["image"], self.job.image),
            "command": _list(_command(one["command"])),
            "name": name,
            "essential": one["essential"],
            "dependsOn": _list(_dependencies(one["depends_on"])),
            "resourceRequirements": _list(joined(*(_requirement(kind, one[field]) for kind, field in sizes))),
            "environment": _list(_pairs(one["environment"], "value", escape=True)),
            "stopTimeout": _set(one["grace_seconds"]),
        }

    def _one(self, one: Members, tmp_volume: str) -> dict[str, Any]:
        """What is said of any container in the same way."""
        return {
            "secrets": _list(_pairs(one["secrets"], "valueFrom", escape=False)),
            "readonlyRootFilesystem": one["read_only_root_filesystem"],
            "user": _set(one["user"]),
            "privileged": Conditional(_is_true(one["privileged"]), True),
            "linuxParameters": _linux(one),
            "ulimits": _list(each(one["ulimits"], Ulimit, _ulimit)),
            "mountPoints": _list(files.mounts(one, tmp_volume)),
            "logConfiguration": log.configuration(one["log"], self.log_group_name, self.job.name),
            "repositoryCredentials": Conditional(
                is_set(one["registry_credentials"]), {"credentialsParameter": one["registry_credentials"]}
            ),
        }

    def _shared(self, volumes: Any) -> dict[str, Any]:
        """What is said of all containers together."""
        job, on_fargate = self.job, self.on_fargate
        return {
            "executionRoleArn": Conditional(self.has_execution_role, self.execution_role_arn),
            "volumes": _list(volumes),
            "enableExecuteCommand": Conditional(_is_true(job.exec), True),
            "runtimePlatform": Conditional(
                all_of(on_fargate, _is(job.architecture, "arm64")),
                {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            ),
            "networkConfiguration": Conditional(
                on_fargate, {"assignPublicIp": choose(job.assign_public_ip, "ENABLED", "DISABLED")}
            ),
            "ephemeralStorage": Conditional(
                all_of(on_fargate, is_set(job.ephemeral_storage_gib)), {"sizeInGiB": job.ephemeral_storage_gib}
            ),
        }


def _where(condition: Condition, content: Any) -> Any:
    """The document where it is the job's; null elsewhere."""
    if condition is False:
        return None
    text = Expression.of(f"jsonencode({hcl(content)})") if is_expression(content) else document(content)
    return choose(condition, text, None)


def _dependencies(others: Any) -> Any:
    return each_value(others, lambda name, condition: {"containerName": name, "condition": condition})


def _command(command: Any) -> Any:
    return literals(command)


def _linux(one: Members) -> Any:
    """See https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html."""
    init, shared, tmpfs, devices = (one[n] for n in ("init_process", "shared_memory_mib", "tmpfs", "devices"))
    parameters = {
        "initProcessEnabled": Conditional(_is_true(init), True),
        "sharedMemorySize": _set(shared),
        "tmpfs": _list(each_value(tmpfs, lambda path, size: {"containerPath": path, "size": size})),
        "devices": _list(each(devices, Device, _device)),
    }
    anything = any_of(_is_true(init), is_set(shared), not_empty(tmpfs), not_empty(devices))
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


def _requirement(kind: str, value: Any) -> Any:
    """A list with what is asked for of a kind, or without."""
    return choose(is_set(value), [{"type": kind, "value": _text(value)}], [])


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
