"""A task definition, and what starts it, as the fields of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.ecs.command import environment_of
from batchtab.importers.kinds.ecs.container import settings_of
from batchtab.importers.kinds.ecs.loose import Loose, pairs, scalar
from batchtab.importers.kinds.ecs.size import sizes_of
from batchtab.importers.kinds.ecs.volumes import mounts_of, volume_name, volumes_of
from batchtab.importers.options import Options
from batchtab.main_container import MAIN

_BY_AWS = (
    "TaskDefinitionArn Arn ArnWithoutRevision Id Revision Status RequiresAttributes RegisteredAt RegisteredBy"
    " DeregisteredAt Compatibilities TagsAll SkipDestroy TrackLatest Region DeleteRequestedAt"
)
_NO_FIELD = "InferenceAccelerators InferenceAccelerator ProxyConfiguration"
_DECIDE = "decide whether the job needs it"
_CONDITIONS = ("START", "COMPLETE", "SUCCESS")


def settings(task: Loose, overrides: Loose, options: Options) -> dict[str, Any]:
    """The job's fields, without its trigger. Records every field of the task definition and of the overrides.

    Args:
        task: The task definition; empty where the source does not have it.
        overrides: ECS's TaskOverride, as what starts the task says it.
        options: How to import.
    """
    found: dict[str, Any] = {}
    containers = {
        str(scalar(each.data.get(each.spelled("Name")))): each for each in task.children("ContainerDefinitions")
    }
    changes = {str(scalar(each.take("Name"))): each for each in overrides.children("ContainerOverrides")}
    main = _main(containers, changes)
    if not containers:
        main = next(iter(changes), "")
        containers = {main: Loose({}, task.recorder, task.field("ContainerDefinitions"))}
    volumes = volumes_of(task, options)
    for name, node in containers.items():
        if name != main:
            node.recorder = node.recorder.beside(_name(name))
        change = changes.setdefault(name, Loose({}, node.recorder))
        values = settings_of(node, change, options, is_main=name == main)
        if mounts := mounts_of(node, volumes):
            values["mounts"] = mounts
        depends = _depends_on(node, main, containers)
        if name == main:
            found |= values | ({"main_depends_on": depends} if depends else {})
            node.change("Name", "the job's own container, which jobs.yaml calls main")
            node.leave("Essential", "a job always ends with its own container")
        else:
            side = values | ({"depends_on": depends} if depends else {})
            if str(node.take("Essential", True)).lower() == "true":
                side["essential"] = True
            node.carry("Essential", f"containers.{_name(name)}.essential")
            node.carry("Name", f"containers.{_name(name)}")
            found.setdefault("containers", {})[_name(name)] = side
        if change.data:
            change.change("Name", "the container that it belongs to")
    size = overrides.child("TaskOverride") if "TaskOverride" in overrides else overrides  # the former in ecschedule
    sizes_of(task, size, containers, changes, main, found, options)
    for name, change in changes.items():
        change.leave("ResourceRequirements", "jobs.yaml has one number of GPUs", "write gpus")
        if name not in containers:
            change.leave("Name", "the task definition has no such container", "correct the source")
            environment_of(change, Loose({}, change.recorder))  # its values may be secrets
            change.rest("its container is not there", "")
        change.rest()
    for node in (*containers.values(), *([] if size is overrides else [size])):
        node.rest()
    if volumes:
        found["volumes"] = {volume_name(name): value for name, value in volumes.items()}
    found |= _roles(task, overrides) | _platform(task, options)
    _others(task, found)
    return found


def _main(containers: Mapping[str, Loose], changes: Mapping[str, Loose]) -> str:
    """The container that the job is: essential, and one that what starts it changes, if there is such a one."""
    essential = [
        name
        for name, each in containers.items()
        if str(each.data.get(each.spelled("Essential"), True)).lower() == "true"
    ]
    candidates = [name for name in essential if name in changes] or essential or [*containers]
    return candidates[0] if candidates else ""


def _depends_on(node: Loose, main: str, containers: Mapping[str, Loose]) -> dict[str, str]:
    found = {}
    for each in node.children("DependsOn"):
        other, condition = str(scalar(each.take("ContainerName"))), str(scalar(each.take("Condition"))).upper()
        field = f"{node.field('DependsOn')}.{other}"
        if condition not in _CONDITIONS:
            each.recorder.not_carried(
                field, condition, "Batch waits for START, COMPLETE or SUCCESS", "choose one of them"
            )
        elif other not in containers:
            each.recorder.not_carried(field, condition, "there is no such container", "correct the source")
        else:
            each.recorder.carried(field, condition, "depends_on" if node.recorder.container else "main_depends_on")
            found[MAIN if other == main else _name(other)] = condition
        each.rest()
    return found


def _roles(task: Loose, overrides: Loose) -> dict[str, Any]:
    found: dict[str, Any] = {}
    why = "Batchtab makes a role that pulls the image, writes logs and reads the secrets"
    for key, field in (("TaskRoleArn", "job_role_arn"), ("ExecutionRoleArn", "execution_role_arn")):
        node = overrides if key in overrides else task
        if node is overrides:
            task.leave(key, f"{overrides.field(key)} replaces it")
        arn = scalar(node.take(key))
        if arn is None:
            continue
        if re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+", arn):
            node.carry(key, field)
            found[field] = arn
        elif field == "job_role_arn":
            node.leave(
                key, "its ARN is not in the file", "write job_role_arn, or what the role may do into permissions"
            )
        else:
            node.leave(key, f"its ARN is not in the file. {why}")
    return found


def _platform(task: Loose, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {}
    node = task.child("RuntimePlatform")
    if str(node.take("CpuArchitecture")).upper() != "ARM64":
        node.carry("CpuArchitecture", "architecture")
    elif options.is_fargate:
        found["architecture"] = "arm64"
        node.carry("CpuArchitecture", "architecture")
    else:
        node.leave("CpuArchitecture", "instance types decide on EC2", "choose a queue whose instances are arm64")
    family = str(node.take("OperatingSystemFamily", "LINUX")).upper()
    if family == "LINUX":
        node.carry("OperatingSystemFamily", "the only one that jobs.yaml has")
    else:
        node.leave("OperatingSystemFamily", "jobs.yaml has Linux only", "build an image for Linux")
    node.rest()
    disk = task.child("EphemeralStorage")
    if (size := disk.number("SizeInGiB")) is not None:
        if options.is_fargate and size > 20:
            found["ephemeral_storage_gib"] = size
            disk.carry("SizeInGiB", "ephemeral_storage_gib")
        else:
            disk.leave("SizeInGiB", "is what Fargate has anyway" if options.is_fargate else "is for Fargate only")
    disk.rest()
    return found


def _others(task: Loose, found: dict[str, Any]) -> None:
    task.leave("Family", "Batchtab names the job definition after service and job")
    task.skip(_BY_AWS, "AWS or the tool sets it")
    task.leave("RequiresCompatibilities", "the compute environment of the job's queue decides")
    mode = task.take("NetworkMode")
    if mode in {None, "awsvpc", ""}:
        task.leave("NetworkMode", "on Fargate it is always awsvpc")
    else:
        task.leave("NetworkMode", "Batch uses awsvpc on Fargate, and the instance's network on EC2")
    for key in ("PidMode", "IpcMode"):
        task.leave(key, "jobs.yaml has no field for it", _DECIDE)
    task.leave("PlacementConstraints", "the compute environment of the job's queue decides")
    task.leave("EnableFaultInjection", "Batch has none")
    task.skip(_NO_FIELD, "Batch has no such setting", _DECIDE)
    tags = tags_of(task)
    if tags:
        found["tags"] = tags
    task.rest()


def tags_of(node: Loose, key: str = "Tags") -> dict[str, str]:
    """Tags from a mapping or a list of `{key, value}`; AWS's own are left out."""
    values = pairs(node.take(key), "Key", "Value")
    found = {}
    for name, value in values.items():
        text = scalar(value)
        field = f"{node.field(key)}.{name}"
        if text is None or name.startswith(("aws:", "batchtab:")) or re.search("[\ue000\ue001]", name + text):
            node.at(key).not_carried(field, value, "is a tag of AWS, or its value is not in the file")
        else:
            node.at(key).carried(field, text, f"tags.{name}")
            found[name] = text
    return found


def _name(name: str) -> str:
    """A container's name in jobs.yaml, where `main` is the job's own."""
    written = volume_name(name)
    return f"{MAIN}-2" if written == MAIN else written
