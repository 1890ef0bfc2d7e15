"""A declared job's containers as Batch gets them, as far as the files say it.

What only Terraform knows is left out on both sides: ARNs of roles that it makes, and variables that it adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.declarations.container_fields import ContainerFields, Device, Log, Volume
from batchtab.declarations.job import JobSpec
from batchtab.declarations.sidecars import ImageSidecar
from batchtab.declarations.stage import StageConfig

#: Where a role is made for the job: `plan_review` calls what is known after the apply only "of its own".
OWN_ROLE = "${own}"


def main(stage: StageConfig, job: JobSpec) -> dict[str, Any]:
    """The job's own container.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
    """
    fargate = stage.is_fargate(job.queue)
    content = {
        **_one(stage, job),
        "image": str(job.image or stage.runner_image),
        "command": [*job.command],
        "resourceRequirements": _sizes(job.vcpus, job.memory_mib, job.gpus),
        "environment": _pairs(job.environment, "value"),
        "dependsOn": _depends(job.main_depends_on),
        "jobRoleArn": job.job_role_arn or OWN_ROLE,
        "volumes": [_volume(name, volume) for name, volume in job.volumes.items()],
        "enableExecuteCommand": job.exec,
        "runtimePlatform": {"cpuArchitecture": job.architecture.upper()},
        "networkConfiguration": {"assignPublicIp": "ENABLED" if fargate and job.assign_public_ip else "DISABLED"},
        "ephemeralStorage": {"sizeInGiB": job.ephemeral_storage_gib} if job.ephemeral_storage_gib else {},
        "fargatePlatformConfiguration": {"platformVersion": job.platform_version or "LATEST"},
    }
    return _extended(_given(content), job.container)


def beside(stage: StageConfig, job: JobSpec, one: ImageSidecar) -> dict[str, Any]:
    """A container beside it.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html
    """
    content = {
        **_one(stage, one),
        "image": str(one.image or job.image or stage.runner_image),
        "command": [*one.command],
        "resourceRequirements": _sizes(one.vcpus, one.memory_mib, one.gpus),
        "environment": _pairs(one.environment, "value"),
        "dependsOn": _depends(one.depends_on),
    }
    return _given(content)


def _one(stage: StageConfig, one: JobSpec | ImageSidecar) -> dict[str, Any]:
    credentials = one.registry_credentials
    return {
        "secrets": _pairs({name: stage.secret_arn(value) for name, value in one.secrets.items()}, "valueFrom"),
        "readonlyRootFilesystem": one.read_only_root_filesystem,
        "user": one.user,
        "privileged": one.privileged,
        "linuxParameters": _linux(one),
        "ulimits": [
            {"name": name, "softLimit": limit.soft, "hardLimit": limit.hard} for name, limit in one.ulimits.items()
        ],
        "mountPoints": [
            {"sourceVolume": each.volume, "containerPath": each.path, "readOnly": each.read_only} for each in one.mounts
        ],
        "logConfiguration": _log(stage, one.log),
        "repositoryCredentials": {"credentialsParameter": credentials} if credentials else {},
        "stopTimeout": one.grace_seconds,
    }


def _linux(one: ContainerFields) -> dict[str, Any]:
    parameters = {
        "initProcessEnabled": one.init_process,
        "sharedMemorySize": one.shared_memory_mib,
        "tmpfs": [{"containerPath": path, "size": size} for path, size in one.tmpfs.items()],
        "devices": [_device(each) for each in one.devices],
    }
    return _given(parameters)


def _device(device: Device) -> dict[str, Any]:
    inner = device.container_path or device.host_path
    return {"hostPath": device.host_path, "containerPath": inner, "permissions": [*device.permissions]}


def _volume(name: str, volume: Volume) -> dict[str, Any]:
    content: dict[str, Any] = {"name": name}
    if volume.host_path:
        content["host"] = {"sourcePath": volume.host_path}
    if volume.efs_file_system_id:
        content["efsVolumeConfiguration"] = _given(
            {
                "fileSystemId": volume.efs_file_system_id,
                "rootDirectory": volume.root_directory,
                "authorizationConfig": _given({"accessPointId": volume.access_point_id}),
            }
        )
    return content


def _log(stage: StageConfig, log: Log) -> dict[str, Any]:
    options = {"mode": log.mode, **log.options}
    if log.multiline_pattern is not None:
        options["awslogs-multiline-pattern"] = log.multiline_pattern
    secrets = {name: stage.secret_arn(value) for name, value in log.secret_options.items()}
    return {"logDriver": log.driver, "options": options, "secretOptions": _pairs(secrets, "valueFrom")}


def _sizes(vcpus: float | None, memory_mib: int | None, gpus: int | None) -> list[dict[str, str]]:
    sizes = {"VCPU": vcpus, "MEMORY": memory_mib, "GPU": gpus}
    return [
        {"type": kind, "value": f"{size:g}" if isinstance(size, float) else str(size)}
        for kind, size in sizes.items()
        if size is not None
    ]


def _depends(others: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": condition} for name, condition in others.items()]


def _pairs(values: Mapping[str, str], value: str) -> list[dict[str, str]]:
    return [{"name": name, value: values[name]} for name in sorted(values)]


def _given(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value not in (None, False, [], {})}


def _extended(content: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What has no field of its own, in its place: lists go on, objects have further members."""
    for key, value in more.items():
        had = content.get(key)
        if isinstance(had, list) and isinstance(value, list):
            content[key] = [*had, *value]
        elif isinstance(had, dict) and isinstance(value, dict):
            content[key] = {**had, **value}
        else:
            content[key] = value
    return content
